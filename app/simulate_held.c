#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/learned.h"
#include "app/progress.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/quality.h"
#include "screen/extract.h"

// The pictures held out are in a project of their own: nothing that learns from
// the pool's database can come upon them. Their features are made under the
// pool's patch statistics.

struct feed {
    struct simulate_copy *held;
    size_t scene;
    int64_t at; // id
    struct store *store;
    struct progress progress;
    int64_t done;
};

// NULL: none of this id, or of another scene.
static struct simulate_picture *picture_of(const struct simulate_copy *held, size_t scene, int64_t id)
{
    struct simulate_picture *p = held->at[id];
    return p && (size_t)p->scene == scene ? p : NULL;
}

static bool next(void *context, struct extract_item *item)
{
    struct feed *f = context;
    while (++f->at <= f->held->last) {
        const struct simulate_picture *p = picture_of(f->held, f->scene, f->at);
        if (!p || p->state != HELD_SCORED)
            continue;
        *item = (struct extract_item){f->at, xstrdup(p->path)};
        return true;
    }
    return false;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct feed *f = context;
    progress_step(&f->progress, ++f->done);
    if (result->status != ST_OK) {
        f->held->at[result->id]->state = HELD_FAILED;
        return ST_OK;
    }
    struct store_record record = screening_record(result);
    return store_append(f->store, &record, err);
}

// Poor ones by what is usual among the pictures to ask about, as a new picture is judged.
static enum status judge(struct simulate_copy *pool, struct simulate_copy *held, size_t scene, int64_t *left,
                         struct error *err)
{
    struct quality_range range;
    enum status status = db_quality_range_get(pool->project.db, pool->scenes[scene].id, &range, err);
    *left = 0;
    for (int64_t id = 1; id <= held->last && status == ST_OK; id++) {
        struct simulate_picture *p = picture_of(held, scene, id);
        char why[QUALITY_WHY];
        if (!p)
            continue;
        p->state =
            p->measured && quality_judge(&p->quality, &range, why) != POOR_NOT ? HELD_POOR : HELD_SCORED;
        *left += p->state == HELD_SCORED;
    }
    return status;
}

static enum status extract(struct simulate_copy *pool, struct simulate_copy *held, const struct base *base,
                           size_t scene, const struct simulate_options *o, struct patch_model *patch,
                           struct store *store, struct error *err)
{
    const struct scene *s = &held->scenes[scene];
    struct feed feed = {.held = held, .scene = scene, .store = store};
    struct image ignore;
    int64_t count;
    enum status status = judge(pool, held, scene, &count, err);
    if (status == ST_OK)
        status = screening_ignore(&held->project, s, &ignore, err);
    if (status != ST_OK)
        return status;
    struct extract_config config = {.base = base,
                                    .settings = s->settings,
                                    .limits = held->project.limits,
                                    .ignore = ignore.pixels ? &ignore : NULL,
                                    .patch = patch,
                                    .threads = o->screen.threads};
    struct extract_io io = {.context = &feed, .next = next, .done = done, .stop = stop_asked};
    char *what = xasprintf(_("held out, %s"), s->name);
    text_clean(what);
    progress_start(&feed.progress, what, count, o->json);
    status = extract_run(&config, &io, err);
    progress_end(&feed.progress);
    free(what);
    image_clear(&ignore);
    return status == ST_OK ? store_refresh(store, err) : status;
}

// The store under the patch statistics now in use; what is there is taken as it is.
static enum status features(struct simulate_copy *pool, struct simulate_copy *held, const struct base *base,
                            size_t scene, const struct simulate_options *o, const char *patch_sha256,
                            struct simulate_store *store, struct error *err)
{
    if (store->store && strcmp(store->patch_sha256, patch_sha256) == 0)
        return ST_OK;
    struct patch_model *patch;
    char *model = project_model(&held->project, patch_sha256);
    store_close(store->store);
    store->store = NULL;
    enum status status = patch_load(model, base_info(base), &held->scenes[scene].settings, &patch, err);
    if (status == ST_OK) {
        status =
            screening_store(&held->project, base, &held->scenes[scene], patch_sha256, &store->store, err);
        if (status == ST_OK)
            status = extract(pool, held, base, scene, o, patch, store->store, err);
        patch_free(patch);
    }
    memcpy(store->patch_sha256, patch_sha256, HASH_HEX);
    free(model);
    return status;
}

// What the revision's trained model says of them. *learned NULL: it has none.
static enum status take_learned(struct simulate_copy *held, const struct base *base, size_t scene,
                                const struct simulate_options *o, const struct revision *revision,
                                struct learned **learned, struct error *err)
{
    *learned = NULL;
    if (!revision->learned_sha256[0])
        return ST_OK;
    int64_t *ids = xcalloc((size_t)held->last + 1, sizeof *ids);
    size_t count = 0;
    for (int64_t id = 1; id <= held->last; id++) {
        const struct simulate_picture *p = picture_of(held, scene, id);
        if (p && p->state == HELD_SCORED)
            ids[count++] = id;
    }
    enum status status =
        learned_open(&held->project, base, &held->scenes[scene], revision->learned_sha256, learned, err);
    if (status == ST_OK)
        status = learned_begin(*learned, err);
    if (status == ST_OK)
        status = learned_run(*learned, ids, count, o->screen.threads, NULL, err);
    if (status != ST_OK) {
        learned_close(*learned);
        *learned = NULL;
    }
    free(ids);
    return status;
}

struct scorer {
    struct simulate_copy *held;
    struct store *store;
    const struct learned *learned; // NULL none
    const struct screen_model *model;
    size_t scene;
    struct screen_score *scores; // by id
    atomic_llong next;
};

static void score_some(void *context, int worker)
{
    (void)worker;
    struct scorer *s = context;
    for (int64_t id; (id = atomic_fetch_add(&s->next, 1)) <= s->held->last;) {
        struct simulate_picture *p = picture_of(s->held, s->scene, id);
        struct store_record record;
        if (!p || p->state != HELD_SCORED)
            continue;
        if (!store_get(s->store, id, &record)) {
            p->state = HELD_FAILED;
            continue;
        }
        struct screen_input input = screening_input(&record);
        if (s->learned)
            input.measures[DETECTOR_LEARNED] = learned_get(s->learned, id, NULL);
        s->scores[id] = screen_score(s->model, &input);
    }
}

// Pictures of one group are heard together, as where a scene is screened.
static void conclude(const struct scorer *s, double threshold)
{
    uint64_t *groups = xcalloc((size_t)s->held->last + 1, sizeof *groups);
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            screen_conclude(s->model, groups, n, s->scores);
        n = 0;
        for (int64_t id = 1; id <= s->held->last; id++) {
            struct simulate_picture *p = picture_of(s->held, s->scene, id);
            if (!p || p->state != HELD_SCORED)
                continue;
            if (pass) {
                p->score = s->scores[n].score;
                p->flagged = p->score >= threshold;
            } else {
                groups[n] = p->group_number;
                s->scores[n] = s->scores[id]; // n < id
            }
            n++;
        }
    }
    free(groups);
}

enum status simulate_held_score(struct simulate_copy *pool, struct simulate_copy *held,
                                const struct base *base, size_t scene, const struct simulate_options *o,
                                struct simulate_store *store, struct revision *revision, struct error *err)
{
    struct scene now;
    struct screen_model *model;
    struct learned *learned;
    enum status status = db_scene_get(pool->project.db, pool->scenes[scene].id, NULL, &now, err);
    if (status != ST_OK)
        return status;
    status = db_revision_get(pool->project.db, now.active_revision, revision, err);
    scene_clear(&now);
    if (status == ST_OK)
        status = features(pool, held, base, scene, o, revision->patch_sha256, store, err);
    if (status == ST_OK)
        status = take_learned(held, base, scene, o, revision, &learned, err);
    if (status != ST_OK)
        return status;
    char *path = project_model(&held->project, revision->model_sha256);
    status = screen_load(path, base_info(base), &held->scenes[scene].settings, &model, err);
    free(path);
    if (status == ST_OK) {
        struct scorer scorer = {.held = held,
                                .store = store->store,
                                .learned = learned,
                                .model = model,
                                .scene = scene,
                                .scores = xcalloc((size_t)held->last + 1, sizeof *scorer.scores),
                                .next = 1};
        parallel_run(o->screen.threads, score_some, &scorer);
        conclude(&scorer, revision->threshold);
        free(scorer.scores);
        store_relieve(store->store);
        screen_free(model);
    }
    learned_close(learned);
    return status;
}
