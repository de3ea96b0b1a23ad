#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "app/audit.h"
#include "base/alloc.h"
#include "db/label.h"
#include "db/queue.h"
#include "db/revision.h"

static int by_place(const void *left, const void *right)
{
    const struct audit_drawn *a = left, *b = right;
    return (a->place > b->place) - (a->place < b->place);
}

// The draws of `row`, the first `limit` of them (-1: all), as far as they are answered.
static enum status replay_draws(struct project *project, const struct audit_row *row, int64_t limit,
                                struct audit *evidence, struct auditing *a, struct error *err)
{
    struct audit_drawn *d;
    size_t count;
    bool own = limit < 0;
    enum status status = db_audit_draws(project->db, row->id, &d, &count, err);
    if (status == ST_OK && count > 0)
        qsort(d, count, sizeof *d, by_place); // those slipped in come first
    for (size_t i = 0; own && i < count; i++) {
        a->draws += d[i].place >= 0;
        a->uniform += d[i].place >= 0 && strcmp(d[i].stratum, "uniform") == 0;
        a->answered += d[i].place >= 0 && d[i].event > 0;
        a->ahead += d[i].place >= 0;
        a->ahead_fresh += d[i].place >= 0 && !d[i].whole;
        a->left -= d[i].place >= 0;
        a->left_fresh -= d[i].place >= 0 && !d[i].whole;
    }
    a->left_fresh = a->left_fresh < a->left ? a->left_fresh : a->left; // draws from all may have been fresh ones
    int64_t next = 0;
    for (size_t i = 0; i < count && status == ST_OK && next != limit; i++) {
        if (d[i].place < 0)
            continue;
        if (d[i].place != next || d[i].event == 0)
            break;
        next++;
        bool miss = d[i].verdict != VERDICT_NORMAL;
        if (!audit_answer(evidence, &(struct audit_draw){d[i].whole, d[i].remaining, d[i].probability, d[i].least, miss}))
            status = error_set(err, ST_CORRUPT, "draw %lld of an audit has numbers that contradict each other; run `assay check`",
                               (long long)d[i].place + 1);
        *(own ? &a->used : &a->reused) += 1;
        a->ahead -= own;
        a->ahead_fresh -= own && !d[i].whole;
        a->missed += miss;
        a->unsure += miss && d[i].verdict != VERDICT_DEFECT;
    }
    free(d);
    return status;
}

static enum status replay(struct project *project, const struct audit_row *row, int64_t limit, int64_t most,
                          struct audit **evidence, struct auditing *a, struct error *err)
{
    struct audit_scope scope = {.bound = row->bound, .alpha = (1 - row->confidence) * AUDIT_DRAWS, .size = row->size,
                                .fresh = row->fresh};
    enum status status = ST_OK;
    most = most > row->size ? most : row->size;
    if (row->previous) {
        struct audit_row before;
        status = db_audit_get(project->db, row->previous, &before, err);
        if (status == ST_OK)
            status = replay(project, &before, row->previous_used, most, evidence, a, err);
    } else {
        *evidence = audit_new(most);
    }
    struct audit_carried c;
    if (status == ST_OK)
        status = db_audit_carried(project->db, row->id, &c, err);
    if (status != ST_OK)
        return status;
    scope.caught = c.caught;
    scope.known = c.known;
    scope.known_fresh = c.known_fresh;
    audit_begin(*evidence, &scope);
    a->left = row->size - c.drawn;
    a->left_fresh = row->fresh - c.drawn_fresh;
    return replay_draws(project, row, limit, *evidence, a, err);
}

enum status auditing_replay(struct project *project, const struct audit_row *row, struct audit **evidence,
                            struct auditing *a, struct error *err)
{
    *evidence = NULL;
    enum status status = replay(project, row, -1, 0, evidence, a, err);
    if (status != ST_OK) {
        audit_free(*evidence);
        *evidence = NULL;
    }
    return status;
}

// The bound of a plan fixed beforehand: none until every draw of it is answered.
static int64_t fixed_most(const struct auditing *a, double alpha)
{
    int64_t pool = a->left + a->draws;
    if (a->draws == 0 || a->used < a->draws)
        return a->row.size;
    return a->row.size - pool + (int64_t)floor(audit_fixed(a->draws, a->missed, alpha) * (double)pool);
}

static void reckon(struct auditing *a, const struct audit *evidence)
{
    double alpha = 1 - a->row.confidence;
    const struct audit_tally *t = &a->tally;
    a->target = (int64_t)floor(a->row.bound * (double)a->row.size + 1e-9);
    a->estimate = audit_estimate(evidence);
    a->seen_most = a->row.fixed ? fixed_most(a, alpha * AUDIT_DRAWS) : audit_most(evidence, alpha * AUDIT_DRAWS);
    a->measured = t->slipped_answered > 0;
    a->reader = audit_reader(t->slipped_answered, t->recognised, alpha * AUDIT_READER);
    a->most = a->measured ? audit_unrecognised(a->seen_most, a->reader, alpha * AUDIT_SIGHT, a->row.size) : a->seen_most;
    // what is still to be asked is taken to go well
    double reader = audit_reader(t->slipped, t->recognised + t->slipped - t->slipped_answered, alpha * AUDIT_READER);
    int64_t seen = t->slipped > 0 ? audit_recognised(a->target, reader, alpha * AUDIT_SIGHT, a->row.size) : a->target;
    a->unproven = seen < 0;
    if (a->row.fixed)
        a->needed = a->draws - a->used;
    else
        a->needed = seen < 0 ? -1 : audit_needed(evidence, alpha * AUDIT_DRAWS, seen, a->used, a->left + a->ahead,
                                                a->left_fresh + a->ahead_fresh);
}

enum status auditing_load(struct project *project, const struct scene *scene, struct auditing *a, struct error *err)
{
    struct revision revision = {0};
    struct scene_counts counts;
    struct error none;
    struct audit *evidence = NULL;
    *a = (struct auditing){.estimate = NAN, .needed = -1};
    enum status status = scene->active_revision ? db_revision_get(project->db, scene->active_revision, &revision, err) : ST_OK;
    if (status == ST_OK)
        status = db_counts(project->db, scene->id, &counts, err);
    if (status != ST_OK)
        return status;
    a->revision = revision.number;
    a->screened = counts.screened;
    a->flagged = counts.flagged;
    a->open = counts.open;
    status = db_audit_last(project->db, scene->id, &a->row, &none);
    if (status == ST_NOT_FOUND)
        return ST_OK;
    if (status != ST_OK) {
        *err = none;
        return status;
    }
    status = auditing_replay(project, &a->row, &evidence, a, err);
    if (status == ST_OK)
        status = db_audit_tally(project->db, &a->row, &a->tally, err);
    if (status == ST_OK) {
        int64_t waiting = a->draws - a->answered + a->tally.slipped - a->tally.slipped_answered;
        a->state = !a->row.active    ? AUDITING_VOID
                   : a->row.stopped  ? AUDITING_STOPPED
                   : waiting > 0     ? AUDITING_RUNNING
                                     : AUDITING_ANSWERED;
        reckon(a, evidence);
    }
    audit_free(evidence);
    return status;
}

double auditing_bound(const struct auditing *a)
{
    return a->row.size ? (double)a->most / (double)a->row.size : 0;
}

double auditing_recall(const struct auditing *a)
{
    double found = (double)a->tally.flagged_defects;
    return found > 0 ? found / (found + (double)(a->most + a->tally.filtered_defects)) : NAN;
}
