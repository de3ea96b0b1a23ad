#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/progress.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "screen/extract.h"

// The pictures held out are in no project: nothing that learns from the pool's
// database can come upon them. Their features lie in a store of their own,
// under the pool's patch statistics.

struct feed {
    struct simulate_set *set;
    size_t scene, at;
    struct store *store;
    struct progress progress;
    int64_t done;
};

static bool is_of(const struct simulate_picture *p, size_t scene)
{
    return p->held && (size_t)p->scene == scene;
}

static bool next(void *context, struct extract_item *item)
{
    struct feed *f = context;
    for (; f->at < f->set->count; f->at++) {
        const struct simulate_picture *p = &f->set->pictures[f->at];
        if (!is_of(p, f->scene) || p->state != HELD_SCORED)
            continue;
        *item = (struct extract_item){(int64_t)++f->at, xstrdup(p->path)}; // number in the set, from 1
        return true;
    }
    return false;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct feed *f = context;
    progress_step(&f->progress, ++f->done);
    if (result->status != ST_OK) {
        f->set->pictures[result->id - 1].state = HELD_FAILED;
        return ST_OK;
    }
    struct store_record record = screening_record(result);
    return store_append(f->store, &record, err);
}

// Poor ones by what is usual among the pictures to ask about, as a new picture is judged.
static enum status judge(struct simulate_pool *pool, size_t scene, int64_t *left, struct error *err)
{
    struct quality_range range;
    enum status status = db_quality_range_get(pool->project.db, pool->scenes[scene].id, &range, err);
    *left = 0;
    for (size_t i = 0; i < pool->set->count && status == ST_OK; i++) {
        struct simulate_picture *p = &pool->set->pictures[i];
        char why[QUALITY_WHY];
        if (!is_of(p, scene))
            continue;
        p->state = p->measured && quality_judge(&p->quality, &range, why) != POOR_NOT ? HELD_POOR : HELD_SCORED;
        *left += p->state == HELD_SCORED;
    }
    return status;
}

static enum status extract(struct simulate_pool *pool, const struct base *base, size_t scene,
                           const struct simulate_options *o, struct patch_model *patch, struct store *store,
                           struct error *err)
{
    const struct scene *s = &pool->scenes[scene];
    struct feed feed = {.set = pool->set, .scene = scene, .store = store};
    struct image ignore;
    int64_t count;
    enum status status = judge(pool, scene, &count, err);
    if (status == ST_OK)
        status = screening_ignore(&pool->project, s, &ignore, err);
    if (status != ST_OK)
        return status;
    struct extract_config config = {.base = base,
                                    .settings = s->settings,
                                    .limits = pool->project.limits,
                                    .ignore = ignore.pixels ? &ignore : NULL,
                                    .patch = patch,
                                    .threads = o->screen.threads};
    struct extract_io io = {.context = &feed, .next = next, .done = done, .stop = stop_asked};
    char *what = xasprintf("held out, %s", s->name);
    progress_start(&feed.progress, what, count, o->json);
    status = extract_run(&config, &io, err);
    progress_end(&feed.progress);
    free(what);
    image_clear(&ignore);
    return status == ST_OK ? store_refresh(store, err) : status;
}

// The store under the patch statistics now in use; what is there is taken as it is.
static enum status features(struct simulate_pool *pool, const struct base *base, size_t scene,
                            const struct simulate_options *o, const char *work, const char *patch_sha256,
                            struct simulate_held *held, struct error *err)
{
    if (held->store && strcmp(held->patch_sha256, patch_sha256) == 0)
        return ST_OK;
    struct patch_model *patch;
    char *model = project_model(&pool->project, patch_sha256);
    char *path = xasprintf("%s/held-%zu-%.12s.features", work, scene, patch_sha256);
    store_close(held->store);
    held->store = NULL;
    enum status status = patch_load(model, base_info(base), &pool->scenes[scene].settings, &patch, err);
    if (status == ST_OK) {
        status = store_open(path, patch_sha256, extract_dim(base), &held->store, err);
        if (status == ST_OK)
            status = extract(pool, base, scene, o, patch, held->store, err);
        patch_free(patch);
    }
    memcpy(held->patch_sha256, patch_sha256, HASH_HEX);
    free(path);
    free(model);
    return status;
}

struct scorer {
    struct simulate_set *set;
    struct store *store;
    const struct screen_model *model;
    size_t scene;
    double threshold;
    atomic_size_t next;
};

static void score_some(void *context, int worker)
{
    (void)worker;
    struct scorer *s = context;
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->set->count;) {
        struct simulate_picture *p = &s->set->pictures[i];
        struct store_record record;
        if (!is_of(p, s->scene) || p->state != HELD_SCORED)
            continue;
        if (!store_get(s->store, (int64_t)i + 1, &record)) {
            p->state = HELD_FAILED;
            continue;
        }
        struct screen_input input = screening_input(&record);
        p->score = screen_score(s->model, &input).score;
        p->flagged = p->score >= s->threshold;
    }
}

enum status simulate_held_score(struct simulate_pool *pool, const struct base *base, size_t scene,
                                const struct simulate_options *o, const char *work, struct simulate_held *held,
                                struct revision *revision, struct error *err)
{
    struct scene now;
    struct screen_model *model;
    enum status status = db_scene_get(pool->project.db, pool->scenes[scene].id, NULL, &now, err);
    if (status != ST_OK)
        return status;
    status = db_revision_get(pool->project.db, now.active_revision, revision, err);
    scene_clear(&now);
    if (status == ST_OK)
        status = features(pool, base, scene, o, work, revision->patch_sha256, held, err);
    if (status != ST_OK)
        return status;
    char *path = project_model(&pool->project, revision->model_sha256);
    status = screen_load(path, base_info(base), &pool->scenes[scene].settings, &model, err);
    free(path);
    if (status != ST_OK)
        return status;
    struct scorer scorer = {.set = pool->set,
                            .store = held->store,
                            .model = model,
                            .scene = scene,
                            .threshold = revision->threshold};
    parallel_run(o->screen.threads, score_some, &scorer);
    store_relieve(held->store);
    screen_free(model);
    return ST_OK;
}
