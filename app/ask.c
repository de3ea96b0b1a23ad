#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/screening.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "db/class.h"
#include "db/known.h"
#include "db/label.h"
#include "db/revision.h"
#include "db/scene.h"

enum {
    OPEN_MOST = 20000, // open pictures that are ordered; the others follow by score
    HORIZON = 64,
    FIT_MOST = 3000, // pictures that the points are fitted on, at least FIT_LEAST where there are as many
    FIT_LEAST = 1000,
    LATELY = 400, // answers that the shares rest on
    RELIEF = 256, // rows of the store read between two reliefs of its mapping
};
static const double moved = 0.01; // a smaller change of place beyond the horizon is not written

struct asking {
    struct project *project;
    int64_t scene, revision, event, flagged; // event: of the latest answer taken in
    struct store *store;
    struct acquire_projection projection;
    struct acquire *acquire;
    struct acquire_candidate *candidates;
    int64_t *ids, *events;  // (count) picture, its standing answer
    double *places;         // (count) as stored in the queue
    int *reasons;           // (count) the same
    int64_t *abouts;        // (count) the same: picture, 0 none
    const float **features; // (count) in the store
    size_t count, capacity;
    size_t *by_id; // (count) indices, by picture
    struct class_row *classes;
    size_t class_count;
    double threshold;
};

// ---- reading the pool ----

static void forget_pool(struct asking *a)
{
    acquire_free(a->acquire);
    free(a->candidates);
    free(a->ids);
    free(a->events);
    free(a->places);
    free(a->reasons);
    free(a->abouts);
    free(a->features);
    free(a->by_id);
    if (a->classes)
        class_free(a->classes, a->class_count);
    a->acquire = NULL;
    a->candidates = NULL;
    a->ids = a->events = a->abouts = NULL;
    a->places = NULL;
    a->reasons = NULL;
    a->features = NULL;
    a->by_id = NULL;
    a->classes = NULL;
    a->count = a->capacity = a->class_count = 0;
}

static uint64_t name_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

static enum acquire_answer answer_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_NONE:
        return ACQUIRE_OPEN;
    case VERDICT_NORMAL:
        return ACQUIRE_NORMAL;
    case VERDICT_DEFECT:
        return ACQUIRE_DEFECT;
    default:
        return ACQUIRE_ASIDE;
    }
}

static int class_index(const struct asking *a, const char *name)
{
    for (size_t i = 0; i < a->class_count && i < ACQUIRE_CLASSES; i++)
        if (strcmp(a->classes[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void add(void *context, const struct ask_row *row)
{
    struct asking *a = context;
    struct store_record record;
    if (!store_get(a->store, row->picture, &record))
        return;
    size_t old = a->capacity;
    GROW(a->candidates, a->capacity, a->count + 1);
    if (a->capacity != old) {
        a->ids = xreallocarray(a->ids, a->capacity, sizeof *a->ids);
        a->events = xreallocarray(a->events, a->capacity, sizeof *a->events);
        a->places = xreallocarray(a->places, a->capacity, sizeof *a->places);
        a->reasons = xreallocarray(a->reasons, a->capacity, sizeof *a->reasons);
        a->abouts = xreallocarray(a->abouts, a->capacity, sizeof *a->abouts);
        a->features = xreallocarray(a->features, a->capacity, sizeof *a->features);
    }
    size_t i = a->count++;
    struct acquire_candidate *c = &a->candidates[i];
    *c = (struct acquire_candidate){.score = row->score.score,
                                    .threshold = a->threshold,
                                    .group = name_hash(row->group),
                                    .answer = answer_of(row->verdict),
                                    .class_index = class_index(a, row->class_name),
                                    .urgent = row->urgent};
    memcpy(c->parts, row->score.parts, sizeof row->score.parts);
    a->ids[i] = row->picture;
    a->events[i] = row->event;
    a->places[i] = row->place;
    a->reasons[i] = row->reason;
    a->abouts[i] = row->about;
    a->features[i] = record.embedding;
}
_Static_assert((int)ACQUIRE_PARTS >= (int)DETECTORS, "the committee is all detectors");

// A detector that finds nothing odd anywhere is not in use and has no vote.
static void keep_voters(struct asking *a)
{
    int voters[DETECTORS], count = 0;
    for (int d = 0; d < DETECTORS; d++)
        for (size_t i = 0; i < a->count; i++)
            if (a->candidates[i].parts[d] > 0) {
                voters[count++] = d;
                break;
            }
    for (size_t i = 0; i < a->count; i++) {
        struct acquire_candidate *c = &a->candidates[i];
        for (int v = 0; v < count; v++) // in place: voters rise
            c->parts[v] = c->parts[voters[v]];
        c->part_count = count;
    }
}

// Points are fitted on what is to be told apart; where that is little, on filtered pictures, too.
static enum status fit_points(struct asking *a, struct error *err)
{
    size_t dim = (size_t)store_dim(a->store), n = a->count < FIT_MOST ? a->count : FIT_MOST, more = 0;
    int64_t *others = NULL;
    enum status status = ST_OK;
    if (n < FIT_LEAST)
        status = db_filtered_near(a->project->db, a->revision, a->ids[0], FIT_LEAST - n, &others, &more, err);
    float *rows = xmalloc((n + more + 1) * dim * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        memcpy(rows + i * dim, a->features[i * a->count / n], dim * sizeof *rows);
        if (i % RELIEF == RELIEF - 1)
            store_relieve(a->store);
    }
    for (size_t i = 0; i < more; i++) {
        struct store_record record;
        if (store_get(a->store, others[i], &record))
            memcpy(rows + n++ * dim, record.embedding, dim * sizeof *rows);
    }
    acquire_projection_clear(&a->projection);
    if (status == ST_OK)
        status = acquire_projection_fit(rows, n, (int)dim, &a->projection, err);
    free(rows);
    free(others);
    return status;
}

struct placed {
    int64_t id;
    size_t index;
};

static int by_id(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static void sort_ids(struct asking *a)
{
    struct placed *order = xcalloc(a->count + 1, sizeof *order);
    a->by_id = xcalloc(a->count + 1, sizeof *a->by_id);
    for (size_t i = 0; i < a->count; i++)
        order[i] = (struct placed){a->ids[i], i};
    qsort(order, a->count, sizeof *order, by_id);
    for (size_t i = 0; i < a->count; i++)
        a->by_id[i] = order[i].index;
    free(order);
}

static size_t find(const struct asking *a, int64_t picture)
{
    size_t low = 0, high = a->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->ids[a->by_id[middle]] < picture)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->count && a->ids[a->by_id[low]] == picture ? a->by_id[low] : SIZE_MAX;
}

// Answered ones come latest first from the database; acquisition wants them in the order they were given.
static void oldest_answer_first(struct asking *a)
{
    size_t first = 0;
    while (first < a->count && a->events[first] == 0)
        first++;
    for (size_t i = first, j = a->count; i + 1 < j; i++) {
        j--;
#define SWAP(type, array)                                                                                    \
    do {                                                                                                     \
        type swap_ = (array)[i];                                                                             \
        (array)[i] = (array)[j];                                                                             \
        (array)[j] = swap_;                                                                                  \
    } while (0)
        SWAP(struct acquire_candidate, a->candidates);
        SWAP(int64_t, a->ids);
        SWAP(int64_t, a->events);
        SWAP(double, a->places);
        SWAP(int, a->reasons);
        SWAP(int64_t, a->abouts);
        SWAP(const float *, a->features);
#undef SWAP
    }
}

static enum status open_store(struct asking *a, const struct scene *scene, const struct revision *revision,
                              struct error *err)
{
    struct base_info base;
    if (a->store)
        store_close(a->store);
    a->store = NULL;
    if (a->revision != revision->id)
        acquire_projection_clear(&a->projection); // of other features
    enum status status = project_base_kept(a->project, &base, err);
    return status == ST_OK ? screening_store_reading(a->project, &base, scene, revision->patch_sha256, &a->store, err) : status;
}

static enum status read_pool(struct asking *a, const struct scene *scene, struct error *err)
{
    struct revision revision;
    enum status status = db_revision_get(a->project->db, scene->active_revision, &revision, err);
    if (status == ST_OK)
        status = open_store(a, scene, &revision, err);
    if (status == ST_OK)
        status = db_ask_last(a->project->db, &a->event, err);
    if (status == ST_OK)
        status = db_class_list(a->project->db, &a->classes, &a->class_count, err);
    if (status != ST_OK)
        return status;
    a->revision = revision.id;
    a->flagged = revision.flagged;
    a->threshold = revision.threshold;
    status = db_ask_pool(a->project->db, a->scene, OPEN_MOST, add, a, err);
    if (status == ST_OK && a->count < 2)
        status = error_set(err, ST_NOT_FOUND, "scene %s: fewer than two pictures to order", scene->name);
    if (status == ST_OK && !a->projection.map)
        status = fit_points(a, err);
    if (status != ST_OK)
        return status;
    oldest_answer_first(a);
    keep_voters(a);
    sort_ids(a);
    for (size_t i = 0; i < a->count; i++) {
        acquire_point(&a->projection, a->features[i], a->candidates[i].point);
        if (i % RELIEF == RELIEF - 1 || i + 1 == a->count)
            store_relieve(a->store);
    }
    a->acquire = acquire_new(a->candidates, a->count, (int)a->class_count);
    return ST_OK;
}

static enum status load(struct asking *a, struct error *err)
{
    struct scene scene;
    forget_pool(a);
    enum status status = db_scene_get(a->project->db, a->scene, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    status = scene.active_revision
                 ? read_pool(a, &scene, err)
                 : error_set(err, ST_NOT_FOUND, "scene %s: nothing was screened yet", scene.name);
    scene_clear(&scene);
    return status;
}

enum status asking_open(struct project *project, int64_t scene, struct asking **asking, struct error *err)
{
    struct asking *a = xcalloc(1, sizeof *a);
    *a = (struct asking){.project = project, .scene = scene};
    enum status status = load(a, err);
    if (status != ST_OK) {
        asking_close(a);
        return status;
    }
    *asking = a;
    return ST_OK;
}

void asking_close(struct asking *a)
{
    if (!a)
        return;
    forget_pool(a);
    acquire_projection_clear(&a->projection);
    if (a->store)
        store_close(a->store);
    free(a);
}

// ---- following what changes ----

static enum status take_changes(struct asking *a, bool *reload, struct error *err)
{
    struct ask_change *changes;
    size_t count;
    enum status status = db_ask_changes(a->project->db, a->scene, a->event, &changes, &count, &a->event, err);
    for (size_t n = 0; n < count && status == ST_OK; n++) {
        const struct ask_change *c = &changes[n];
        size_t i = find(a, c->picture);
        bool defect = c->verdict == VERDICT_DEFECT;
        int class_of = defect ? class_index(a, c->class_name) : -1;
        if (i == SIZE_MAX ||
            (defect && c->class_name[0] && class_of < 0 && a->class_count < ACQUIRE_CLASSES)) {
            *reload = true; // not flagged, or a class that did not exist
            continue;
        }
        if (a->events[i] == c->event)
            continue; // a skip, or told already
        a->events[i] = c->event;
        a->places[i] = 1; // given back by an undo: as the queue has it
        a->reasons[i] = ACQUIRE_BY_SCORE;
        a->abouts[i] = 0;
        a->candidates[i].answer = answer_of(c->verdict);
        acquire_answer(a->acquire, i, answer_of(c->verdict), class_of, c->urgent);
    }
    ask_change_free(changes, count);
    return status;
}

static enum status stale(const struct asking *a, bool *is, struct error *err)
{
    struct scene scene;
    struct revision revision;
    enum status status = db_scene_get(a->project->db, a->scene, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    *is = scene.active_revision != a->revision;
    scene_clear(&scene);
    if (*is)
        return ST_OK;
    status = db_revision_get(a->project->db, a->revision, &revision, err);
    *is = status == ST_OK && revision.flagged != a->flagged;
    return status;
}

static enum status learn(const struct asking *a, struct acquire_mix *mix, uint64_t *seed, struct error *err)
{
    struct asked_row *rows;
    size_t count;
    *mix = (struct acquire_mix){{0}, {0}};
    enum status status = db_asked(a->project->db, a->scene, LATELY, &rows, &count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        if (rows[i].source >= 0 && rows[i].source < ACQUIRE_SOURCES && rows[i].reason != ACQUIRE_BY_SCORE)
            acquire_mix_learn(mix, (enum acquire_source)rows[i].source,
                              acquire_surprise(rows[i].expected, rows[i].defect));
    free(rows);
    *seed = (uint64_t)a->scene * 1000003u + (uint64_t)a->event; // the same for the same answers
    return status;
}

static int64_t about_of(const struct asking *a, const struct acquire_ask *ask) // picture, 0 none
{
    return ask->about == SIZE_MAX ? 0 : a->ids[ask->about];
}

static bool differs(const struct asking *a, size_t i, const struct acquire_ask *ask)
{
    if ((int)ask->reason != a->reasons[i] || about_of(a, ask) != a->abouts[i])
        return true;
    if (ask->place > 1 || a->places[i] > 1)
        return ask->place != a->places[i];
    return a->places[i] == 1 || fabs(ask->place - a->places[i]) > moved;
}

static enum status put(struct asking *a, const struct acquire_ask *asks, size_t *changed, struct error *err)
{
    struct ask_new *rows = xcalloc(a->count + 1, sizeof *rows);
    double lowest = INFINITY;
    size_t open = 0;
    *changed = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->candidates[i].answer != ACQUIRE_OPEN)
            continue;
        open++;
        lowest = fmin(lowest, a->candidates[i].score);
        if (!differs(a, i, &asks[i]))
            continue;
        rows[(*changed)++] = (struct ask_new){.picture = a->ids[i],
                                              .place = asks[i].place,
                                              .expected = asks[i].expected,
                                              .reason = (int)asks[i].reason,
                                              .source = (int)asks[i].source,
                                              .about = about_of(a, &asks[i])};
        a->places[i] = asks[i].place;
        a->reasons[i] = (int)asks[i].reason;
        a->abouts[i] = rows[*changed - 1].about;
    }
    enum status status = db_ask_put(a->project->db, a->scene, a->revision, rows, *changed, err);
    if (status == ST_OK && open >= OPEN_MOST)
        status = db_ask_beyond(a->project->db, a->scene, lowest, err);
    free(rows);
    return status;
}

enum status asking_update(struct asking *a, size_t *changed, struct error *err)
{
    bool reload = !a->acquire;
    struct acquire_mix mix;
    uint64_t seed;
    *changed = 0;
    enum status status = reload ? ST_OK : stale(a, &reload, err);
    if (status == ST_OK && !reload)
        status = take_changes(a, &reload, err);
    if (status == ST_OK && reload)
        status = load(a, err);
    if (status == ST_OK)
        status = learn(a, &mix, &seed, err);
    if (status != ST_OK)
        return status;
    struct acquire_ask *asks = xcalloc(a->count + 1, sizeof *asks);
    acquire_order(a->acquire, &mix, HORIZON, rng_seed(seed), asks);
    status = put(a, asks, changed, err);
    free(asks);
    return status;
}

enum status asking_doubt(struct asking *a, struct error *err)
{
    struct acquire_doubt *doubts;
    size_t count;
    acquire_doubts(a->acquire, &doubts, &count);
    struct doubt_row *rows = xcalloc(count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct doubt_row){.picture = a->ids[doubts[i].index],
                                     .event = a->events[doubts[i].index],
                                     .defect = doubts[i].defect,
                                     .about = doubts[i].about == SIZE_MAX ? 0 : a->ids[doubts[i].about]};
    enum status status = db_doubt_put(a->project->db, a->scene, rows, count, err);
    free(rows);
    free(doubts);
    return status;
}

enum status ask_scene(struct project *project, int64_t scene, struct error *err)
{
    struct asking *a;
    size_t changed;
    enum status status = asking_open(project, scene, &a, err);
    if (status == ST_OK) {
        status = asking_update(a, &changed, err);
        if (status == ST_OK)
            status = asking_doubt(a, err);
        asking_close(a);
    }
    return status == ST_IO ? status : ST_OK; // else the order by score stands
}
