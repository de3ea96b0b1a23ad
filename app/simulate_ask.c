#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/add.h"
#include "app/ask.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "db/class.h"
#include "db/person.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/report.h"

enum { MOST_ONCE = 2000 }; // more are not asked in a round

// A person's answer to what the queue showed.
static enum status say(struct simulate_copy *pool, int64_t person, const struct simulate_picture *p,
                       int64_t revision, double score, struct error *err)
{
    const char *severity = p->defect ? severity_name(p->severity) : "";
    int64_t id;
    enum status status = ST_OK;
    if (p->defect && p->kind[0])
        status = db_class_ensure(pool->project.db, p->kind, severity, &id, err);
    struct label label = {.picture = p->id,
                          .person = person,
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

// Every score of the pool's active revisions; *revision (may be NULL) is the one whose scores are told.
static enum status scan_scores(struct simulate_copy *pool, void (*note)(void *context, const struct scan_row *row), void *context,
                               int64_t *revision, struct error *err)
{
    enum status status = ST_OK;
    for (size_t s = 0; s < pool->scene_count && status == ST_OK; s++) {
        struct scene scene;
        status = db_scene_get(pool->project.db, pool->scenes[s].id, NULL, &scene, err);
        if (status != ST_OK)
            break;
        if (revision)
            *revision = scene.active_revision;
        status = db_scan_scores(pool->project.db, scene.active_revision, note, context, err);
        scene_clear(&scene);
    }
    return status;
}

static enum status list_open(struct simulate_copy *pool, struct open *open, struct error *err)
{
    enum status status = scan_scores(pool, note_open, open, &open->revision, err);
    qsort(open->list, open->count, sizeof *open->list, queue_order);
    return status;
}

static void count(struct simulate_asked *asked, const struct simulate_picture *p, bool flagged)
{
    asked->answers++;
    asked->found += p->defect;
    asked->flagged += flagged;
}

// Each scene's order, as it is kept beside a review; NULL where there is nothing to order by.
static enum status open_orders(struct simulate_copy *pool, struct asking **orders,
                               struct error *err)
{
    enum status status = ST_OK;
    for (size_t s = 0; s < pool->scene_count && status == ST_OK; s++) {
        status = asking_open(&pool->project, pool->scenes[s].id, &orders[s], err);
        if (status != ST_OK)
            orders[s] = NULL;
        if (status != ST_IO)
            status = ST_OK;
    }
    return status;
}

static enum status update_orders(const struct simulate_copy *pool, struct asking **orders, struct error *err)
{
    enum status status = ST_OK;
    size_t changed;
    for (size_t s = 0; s < pool->scene_count && status == ST_OK; s++)
        if (orders[s])
            status = asking_update(orders[s], &changed, err);
    return status;
}

// What the review screen would show, in its order, which follows the answers.
static enum status ask_flagged(struct simulate_copy *pool, int64_t person,
                               size_t budget, struct simulate_asked *asked, size_t *given, struct error *err)
{
    static const char session[] = "simulated";
    enum { HOLD_MS = 3600000, AT_ONCE = 5 }; // so many are on their way to the screen when the order changes
    struct queue_item items[AT_ONCE];
    struct asking **orders = xcalloc(pool->scene_count + 1, sizeof *orders);
    size_t leased = 1;
    enum status status = open_orders(pool, orders, err);
    while (status == ST_OK && *given < budget && leased > 0) {
        size_t want = budget - *given < AT_ONCE ? budget - *given : AT_ONCE;
        status =
            db_queue_lease(pool->project.db, session, person, 0, want, HOLD_MS, NULL, 0, items, &leased, err);
        for (size_t i = 0; i < leased && status == ST_OK; i++, ++*given) {
            const struct simulate_picture *p = pool->at[items[i].picture];
            status = say(pool, person, p, items[i].revision, items[i].score.score, err);
            count(asked, p, true);
        }
        if (status == ST_OK && leased > 0)
            status = update_orders(pool, orders, err);
    }
    for (size_t s = 0; s < pool->scene_count; s++)
        asking_close(orders[s]);
    free(orders);
    return status == ST_OK ? db_queue_release(pool->project.db, session, 0, err) : status;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

// The groups of pictures that were answered, rising.
struct groups {
    const struct simulate_copy *pool;
    uint64_t *numbers;
    size_t count, capacity;
};

static void note_answered(void *context, const struct scan_row *row)
{
    struct groups *answered = context;
    if (row->review == VERDICT_NONE && row->truth == VERDICT_NONE)
        return;
    GROW(answered->numbers, answered->capacity, answered->count + 1);
    answered->numbers[answered->count++] = answered->pool->at[row->picture]->group_number;
}

static enum status list_answered(struct simulate_copy *pool, struct groups *answered, struct error *err)
{
    enum status status = scan_scores(pool, note_answered, answered, NULL, err);
    if (answered->count)
        qsort(answered->numbers, answered->count, sizeof *answered->numbers, by_number);
    return status;
}

// The best of each thing that no answer is about to the front, the rest behind, each in its order: exposures
// of one thing say much the same.
static void each_thing_once(struct open *open, const struct groups *answered)
{
    struct candidate *again = xcalloc(open->count + 1, sizeof *again);
    uint64_t *taken = xcalloc(open->count + 1, sizeof *taken);
    size_t first = 0, later = 0;
    for (size_t i = 0; i < open->count; i++) {
        const struct simulate_picture *p = answered->pool->at[open->list[i].picture];
        uint64_t group = p->group_number;
        bool known =
            p->group[0] && answered->count && bsearch(&group, answered->numbers, answered->count, sizeof group, by_number);
        for (size_t k = 0; k < first && !known && p->group[0]; k++)
            known = taken[k] == group;
        if (known || first == MOST_ONCE) {
            again[later++] = open->list[i];
        } else {
            taken[first] = group;
            open->list[first++] = open->list[i];
        }
    }
    memcpy(open->list + first, again, later * sizeof *again);
    free(taken);
    free(again);
}

// Where the flagged ones run out, it goes on among the filtered, highest score first, each thing once before
// any is asked about again: the budget is spent, and what that brought is told apart.
static enum status ask_queue(struct simulate_copy *pool, int64_t person,
                             size_t budget, struct simulate_asked *asked, struct error *err)
{
    struct open open = {0};
    size_t given = 0;
    enum status status = ask_flagged(pool, person, budget, asked, &given, err);
    if (status == ST_OK && given < budget)
        status = list_open(pool, &open, err);
    struct groups answered = {.pool = pool};
    if (status == ST_OK && open.count)
        status = list_answered(pool, &answered, err);
    if (status == ST_OK && open.count)
        each_thing_once(&open, &answered);
    free(answered.numbers);
    for (size_t i = 0; i < open.count && given < budget && status == ST_OK; i++, given++) {
        const struct candidate *c = &open.list[i];
        const struct simulate_picture *p = pool->at[c->picture];
        status = say(pool, person, p, c->revision, c->score, err);
        count(asked, p, c->flagged);
    }
    free(open.list);
    return status;
}

// Pictures drawn without regard to their score: defects among them were found independently of it, as
// imported answers are, so that a recall may rest on them.
static enum status ask_random(struct simulate_copy *pool, size_t budget, struct simulate_asked *asked,
                              struct error *err)
{
    struct open open = {0};
    enum status status = list_open(pool, &open, err);
    for (size_t n = 0; n < budget && n < open.count && status == ST_OK; n++) {
        size_t at = n + rng_below(&asked->rng, open.count - n);
        struct candidate drawn = open.list[at];
        open.list[at] = open.list[n];
        const struct simulate_picture *p = pool->at[drawn.picture];
        bool added;
        status = truth_store(&pool->project, p->id, p->defect ? VERDICT_DEFECT : VERDICT_NORMAL, p->kind,
                             p->defect ? severity_name(p->severity) : "", NULL, &added, err);
        count(asked, p, drawn.flagged);
    }
    free(open.list);
    return status;
}

enum status simulate_ask(struct simulate_copy *pool, const struct simulate_options *o, size_t budget,
                         struct simulate_asked *asked, struct error *err)
{
    int64_t person;
    enum status status = db_begin(pool->project.db, err);
    if (status != ST_OK)
        return status;
    status = db_person_ensure(pool->project.db, "simulated", &person, err);
    if (status == ST_OK && o->random)
        status = ask_random(pool, budget, asked, err);
    else if (status == ST_OK)
        status = ask_queue(pool, person, budget, asked, err);
    if (status == ST_OK)
        return db_commit(pool->project.db, err);
    db_rollback(pool->project.db);
    return status;
}
