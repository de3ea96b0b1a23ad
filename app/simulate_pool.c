#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/add.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"

// --- a project that knows the pictures and no answer ---

static enum status make_scene(struct simulate_pool *pool, const struct project *source, size_t s, struct error *err)
{
    const struct scene *from = &pool->set->scenes[s];
    struct scene *to = &pool->scenes[s];
    int64_t id;
    enum status status = db_scene_ensure(pool->project.db, from->name, &id, err);
    if (status == ST_OK)
        status = db_scene_get(pool->project.db, id, NULL, to, err);
    if (status != ST_OK)
        return status;
    to->settings = from->settings;
    free(to->ignore_path);
    to->ignore_path =
        from->ignore_path && from->ignore_path[0] ? file_join(source->dir, from->ignore_path) : xstrdup("");
    return db_scene_set(pool->project.db, to, err);
}

static enum status copy_picture(struct simulate_pool *pool, const struct project *source, struct simulate_picture *p,
                                struct error *err)
{
    struct picture row;
    enum picture_outcome outcome;
    enum status status = db_picture_get(source->db, p->source, &row, err);
    if (status != ST_OK)
        return status;
    struct picture_new copy = {.scene = pool->scenes[p->scene].id,
                               .path = p->path,
                               .bytes = row.bytes,
                               .width = row.width,
                               .height = row.height,
                               .channels = row.channels,
                               .format = row.format,
                               .group = p->group,
                               .phash = row.phash,
                               .object = row.object,
                               .position = row.position,
                               .camera = row.camera,
                               .taken = row.taken};
    memcpy(copy.sha256, row.sha256, HASH_HEX);
    status = db_picture_add(pool->project.db, &copy, &p->pool, &outcome, err);
    if (status == ST_OK && p->measured)
        status = db_quality_set(pool->project.db, p->pool, &p->quality, err);
    picture_clear(&row);
    return status;
}

static enum status fill(struct simulate_pool *pool, const struct project *source, struct error *err)
{
    struct simulate_set *set = pool->set;
    enum status status = db_begin(pool->project.db, err);
    if (status != ST_OK)
        return status;
    for (size_t s = 0; s < set->scene_count && status == ST_OK; s++)
        status = make_scene(pool, source, s, err);
    for (size_t i = 0; i < set->count && status == ST_OK; i++) {
        struct simulate_picture *p = &set->pictures[i];
        if (p->held)
            continue;
        status = copy_picture(pool, source, p, err);
        pool->pictures++;
        pool->defects += p->defect;
        pool->last = p->pool > pool->last ? p->pool : pool->last;
    }
    if (status == ST_OK)
        status = db_person_ensure(pool->project.db, "simulated", &pool->person, err);
    if (status == ST_OK)
        return db_commit(pool->project.db, err);
    db_rollback(pool->project.db);
    return status;
}

enum status simulate_pool_make(const struct project *source, const struct simulate_options *o, const char *work,
                               struct simulate_set *set, struct simulate_pool *pool, struct error *err)
{
    char *base, *dir = file_join(work, "pool");
    *pool = (struct simulate_pool){.set = set, .rng = rng_seed(o->seed)};
    pool->scenes = xcalloc(set->scene_count + 1, sizeof *pool->scenes);
    enum status status = project_base_name(source, &base, err);
    if (status == ST_OK) {
        char *file = strcmp(base, BASE_FILTERS) == 0 ? xstrdup(base) : project_model(source, base);
        status = project_create(dir, file, &pool->project, err);
        free(file);
        free(base);
    }
    if (status == ST_OK) {
        pool->project.limits = source->limits;
        status = fill(pool, source, err);
    }
    if (status == ST_OK) {
        pool->at = xcalloc((size_t)pool->last + 1, sizeof *pool->at);
        for (size_t i = 0; i < set->count; i++)
            if (!set->pictures[i].held)
                pool->at[set->pictures[i].pool] = i;
    }
    free(dir);
    if (status != ST_OK)
        simulate_pool_clear(pool);
    return status;
}

void simulate_pool_clear(struct simulate_pool *pool)
{
    if (!pool->set)
        return;
    for (size_t s = 0; s < pool->set->scene_count; s++)
        scene_clear(&pool->scenes[s]);
    free(pool->scenes);
    free(pool->at);
    project_close(&pool->project);
    *pool = (struct simulate_pool){0};
}

// --- asking ---

// A person's answer to what the queue showed.
static enum status say(struct simulate_pool *pool, const struct simulate_picture *p, int64_t revision, double score,
                       struct error *err)
{
    const char *severity = p->defect ? severity_name(p->severity) : "";
    int64_t id;
    enum status status = ST_OK;
    if (p->defect && p->kind[0])
        status = db_class_ensure(pool->project.db, p->kind, severity, &id, err);
    struct label label = {.picture = p->pool,
                          .person = pool->person,
                          .role = "inspector",
                          .source = LABEL_REVIEW,
                          .verdict = p->defect ? VERDICT_DEFECT : VERDICT_NORMAL,
                          .class_name = p->defect ? p->kind : "",
                          .severity = severity,
                          .regions = "",
                          .note = "",
                          .revision = revision,
                          .score = score};
    return status == ST_OK ? db_label_add(pool->project.db, &label, &id, err) : status;
}

struct candidate {
    int64_t picture, revision;
    double score;
    bool flagged;
};

struct open { // scored pictures without an answer
    struct candidate *list;
    size_t count, capacity;
    int64_t revision;
};

static void note_open(void *context, const struct scan_row *row)
{
    struct open *open = context;
    if (row->review != VERDICT_NONE || row->truth != VERDICT_NONE)
        return;
    GROW(open->list, open->capacity, open->count + 1);
    open->list[open->count++] = (struct candidate){row->picture, open->revision, row->score, row->flagged};
}

static int queue_order(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    return a->score != b->score ? (a->score < b->score) - (a->score > b->score)
                                : (a->picture > b->picture) - (a->picture < b->picture);
}

static enum status list_open(struct simulate_pool *pool, struct open *open, struct error *err)
{
    enum status status = ST_OK;
    for (size_t s = 0; s < pool->set->scene_count && status == ST_OK; s++) {
        struct scene scene;
        status = db_scene_get(pool->project.db, pool->scenes[s].id, NULL, &scene, err);
        if (status != ST_OK)
            break;
        open->revision = scene.active_revision;
        status = db_scan_scores(pool->project.db, scene.active_revision, note_open, open, err);
        scene_clear(&scene);
    }
    qsort(open->list, open->count, sizeof *open->list, queue_order);
    return status;
}

static void counted(struct simulate_pool *pool, const struct simulate_picture *p, bool flagged)
{
    pool->answers++;
    pool->found += p->defect;
    pool->flagged += flagged;
}

// What the review screen would show, in its order. Where the flagged ones run out, the same order goes on among the
// filtered: the budget is spent, and what that brought is told apart.
static enum status ask_queue(struct simulate_pool *pool, size_t budget, struct error *err)
{
    static const char session[] = "simulated";
    enum { HOLD_MS = 3600000 };
    struct queue_item *items = xcalloc(budget + 1, sizeof *items);
    struct open open = {0};
    size_t count = 0;
    enum status status = db_queue_lease(pool->project.db, session, pool->person, 0, budget, HOLD_MS, NULL, 0, items,
                                        &count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        const struct simulate_picture *p = &pool->set->pictures[pool->at[items[i].picture]];
        status = say(pool, p, items[i].revision, items[i].score.score, err);
        counted(pool, p, true);
    }
    if (status == ST_OK)
        status = db_queue_release(pool->project.db, session, 0, err);
    if (status == ST_OK && count < budget)
        status = list_open(pool, &open, err);
    for (size_t i = 0; i < open.count && count < budget && status == ST_OK; i++, count++) {
        const struct candidate *c = &open.list[i];
        const struct simulate_picture *p = &pool->set->pictures[pool->at[c->picture]];
        status = say(pool, p, c->revision, c->score, err);
        counted(pool, p, c->flagged);
    }
    free(open.list);
    free(items);
    return status;
}

// Pictures drawn without regard to their score: defects among them were found independently of it, as imported
// answers are, so that a recall may rest on them.
static enum status ask_random(struct simulate_pool *pool, size_t budget, struct error *err)
{
    struct open open = {0};
    enum status status = list_open(pool, &open, err);
    for (size_t n = 0; n < budget && n < open.count && status == ST_OK; n++) {
        size_t at = n + rng_below(&pool->rng, open.count - n);
        struct candidate drawn = open.list[at];
        open.list[at] = open.list[n];
        const struct simulate_picture *p = &pool->set->pictures[pool->at[drawn.picture]];
        bool added;
        status = truth_store(&pool->project, p->pool, p->defect ? VERDICT_DEFECT : VERDICT_NORMAL, p->kind,
                             p->defect ? severity_name(p->severity) : "", NULL, &added, err);
        counted(pool, p, drawn.flagged);
    }
    free(open.list);
    return status;
}

enum status simulate_ask(struct simulate_pool *pool, const struct simulate_options *o, struct error *err)
{
    enum status status = db_begin(pool->project.db, err);
    if (status != ST_OK)
        return status;
    status = (o->random ? ask_random : ask_queue)(pool, (size_t)o->budget, err);
    if (status == ST_OK)
        return db_commit(pool->project.db, err);
    db_rollback(pool->project.db);
    return status;
}
