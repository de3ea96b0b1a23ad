#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

#include "app/audit.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "db/audit.h"
#include "db/revision.h"
#include "db/scene.h"

enum { SLIP_ONE_IN = 10, SLIP_LEAST = 20 };

struct plan {
    struct project *project;
    const struct scene *scene;
    struct audit_row row;
    struct audit_member *pool; // all pictures the audit is about
    size_t pool_count;
    double threshold;
    struct audit *evidence;
    struct auditing now;
    int64_t left, left_fresh; // to draw from
    struct audit_drawn *draws;
    size_t count, capacity;
    struct rng rng;
};

// A score is -log10 of how rare it is among normal pictures. In proportion to 1 / that, each decade up to the threshold
// gets a like share of the weighted draws: most of them near the threshold.
static double weight(const struct plan *p, double score)
{
    double most = fmin(fmax(p->threshold, 0), 3);
    return pow(10, fmin(fmax(score, 0), most));
}

static void add_picks(struct plan *p, bool whole, int64_t count)
{
    size_t *index = xcalloc(p->pool_count + 1, sizeof *index), n = 0;
    double *weights = xcalloc(p->pool_count + 1, sizeof *weights);
    int64_t place = p->now.draws + (int64_t)p->count;
    for (size_t i = 0; i < p->pool_count; i++) {
        if (p->pool[i].answered || p->pool[i].drawn || (!whole && !p->pool[i].fresh))
            continue;
        weights[n] = weight(p, p->pool[i].score);
        index[n++] = i;
    }
    count = count < (int64_t)n ? count : (int64_t)n;
    struct audit_pick *picks = xcalloc((size_t)count + 1, sizeof *picks);
    audit_pick(p->row.fixed ? NULL : weights, n, place, (size_t)count, &p->rng, picks);
    for (int64_t i = 0; i < count; i++) {
        struct audit_member *m = &p->pool[index[picks[i].index]];
        m->drawn = true;
        GROW(p->draws, p->capacity, p->count + 1);
        p->draws[p->count++] = (struct audit_drawn){
            .picture = m->picture, .place = place + i, .whole = whole, .remaining = picks[i].remaining,
            .stratum = !p->row.fixed && audit_weighted(place + i) ? "weighted" : "uniform",
            .probability = picks[i].probability, .least = picks[i].least};
    }
    free(picks);
    free(weights);
    free(index);
}

// Known defects at random turns among the draws.
static void slip_in(struct plan *p, const int64_t *defects, size_t slips)
{
    size_t total = p->count + slips;
    struct audit_pick *picks = xcalloc(slips + 1, sizeof *picks);
    struct audit_drawn *all = xcalloc(total + 1, sizeof *all);
    bool *slipped = xcalloc(total + 1, sizeof *slipped);
    int64_t turn = p->now.draws + p->now.tally.slipped; // after those there are; the tally's may be of audits before
    audit_pick(NULL, total, 0, slips, &p->rng, picks);
    for (size_t i = 0; i < slips; i++)
        slipped[picks[i].index] = true;
    for (size_t i = 0, draw = 0, slip = 0; i < total; i++) {
        all[i] = slipped[i] ? (struct audit_drawn){.picture = defects[slip++], .place = -1, .stratum = "slipped"}
                            : p->draws[draw++];
        all[i].turn = turn + (int64_t)i;
    }
    free(p->draws);
    p->draws = all;
    p->count = p->capacity = total;
    free(slipped);
    free(picks);
}

static size_t slips_for(int64_t draws, size_t available)
{
    int64_t want = (draws + SLIP_ONE_IN - 1) / SLIP_ONE_IN, least = draws / 2 < SLIP_LEAST ? draws / 2 : SLIP_LEAST;
    want = want > least ? want : least;
    return (int64_t)available < want ? available : (size_t)want;
}

// How many draws reach the bound when nothing more is missed and every defect slipped in is recognised.
static int64_t draws_for(const struct plan *p, size_t available)
{
    double alpha = 1 - p->row.confidence;
    int64_t target = (int64_t)floor(p->row.bound * (double)p->row.size + 1e-9), needed = 0;
    if (p->row.fixed)
        return audit_fixed_draws(p->row.bound, alpha * AUDIT_DRAWS);
    for (int turn = 0; turn < 4; turn++) { // more draws take more known defects, which allow fewer draws
        int64_t slips = p->now.tally.slipped + (int64_t)slips_for(turn ? needed : p->left, available);
        int64_t seen = target;
        if (slips > 0) {
            double reader = audit_reader(slips, slips - (p->now.tally.slipped_answered - p->now.tally.recognised), alpha * AUDIT_READER);
            seen = audit_recognised(target, reader, alpha * AUDIT_SIGHT, p->row.size);
        }
        int64_t n = seen < 0 ? -1 : audit_needed(p->evidence, alpha * AUDIT_DRAWS, seen, p->now.used, p->left, p->left_fresh);
        if (n < 0 || n <= needed)
            return n < 0 ? -1 : needed;
        needed = n;
    }
    return needed;
}

static enum status choose(struct plan *p, int64_t asked, struct error *err)
{
    int64_t *defects = NULL;
    size_t available = 0;
    enum status status = db_audit_defects(p->project->db, p->scene->id, &defects, &available, err);
    if (status != ST_OK)
        return status;
    int64_t half = (p->row.size + 1) / 2 - (p->row.size - p->left), count = asked;
    if (p->left == 0)
        status = error_set(err, ST_INVALID, "scene %s: every filtered picture was drawn or is known already; there is nothing to audit",
                           p->scene->name);
    else if (asked > p->left)
        status = error_set(err, ST_INVALID, "scene %s: %lld draws are more than the %lld filtered pictures that are left to draw from",
                           p->scene->name, (long long)asked, (long long)p->left);
    if (status == ST_OK && asked == 0) {
        // what is drawn is not learnt from: half of the pictures stay, unless more are asked for
        count = draws_for(p, available);
        if (count < 0 || count > half)
            count = half > 0 ? half : 0;
    }
    if (status == ST_OK && count > 0) {
        bool single = p->row.fresh == p->row.size;
        int64_t fresh = single ? count : p->row.fixed ? 0 : audit_fresh_wanted(p->evidence) - p->now.draws;
        fresh = fresh < 0 ? 0 : fresh < count ? fresh : count;
        fresh = fresh < p->left_fresh ? fresh : p->left_fresh;
        add_picks(p, false, fresh);
        add_picks(p, true, count - fresh);
        slip_in(p, defects, slips_for(count, available));
    }
    free(defects);
    return status;
}

static enum status read_pool(struct plan *p, struct error *err)
{
    bool new = p->row.size == 0;
    enum status status = db_audit_pool(p->project->db, p->row.id, &p->pool, &p->pool_count, err);
    for (size_t i = 0; i < p->pool_count; i++) {
        bool left = !p->pool[i].answered && !p->pool[i].drawn;
        p->row.size += new;
        p->row.fresh += new && p->pool[i].fresh;
        p->left += left;
        p->left_fresh += left && p->pool[i].fresh;
    }
    return status;
}

static enum status carry_out(struct plan *p, int64_t asked, struct error *err)
{
    struct revision revision;
    enum status status = db_revision_get(p->project->db, p->row.revision, &revision, err);
    if (status != ST_OK)
        return status;
    p->threshold = revision.threshold;
    status = read_pool(p, err);
    if (status == ST_OK && revision.flagged >= revision.screened)
        return error_set(err, ST_INVALID, "scene %s: revision %d filtered no picture; there is nothing to audit", p->scene->name,
                         revision.number);
    if (status == ST_OK && p->row.size == 0)
        return error_set(err, ST_INVALID, "scene %s: the answer about every filtered picture is known already; there is nothing to audit",
                         p->scene->name);
    if (status == ST_OK)
        status = auditing_replay(p->project, &p->row, &p->evidence, &p->now, err);
    if (status == ST_OK)
        status = db_audit_tally(p->project->db, &p->row, &p->now.tally, err);
    if (status == ST_OK)
        status = choose(p, asked, err);
    return status == ST_OK ? db_audit_draw(p->project->db, &p->row, p->draws, p->count, err) : status;
}

static enum status begin(struct plan *p, const struct auditing_options *o, const struct auditing *before, struct error *err)
{
    bool again = before->state != AUDITING_NONE;
    int64_t id;
    struct audit_row row = {.scene = p->scene->id, .fixed = o->fixed};
    row.bound = o->bound > 0 ? o->bound : again ? before->row.bound : AUDIT_BOUND;
    row.confidence = o->confidence > 0 ? o->confidence : again ? before->row.confidence : AUDIT_CONFIDENCE;
    row.seed = o->seed;
    if (!o->seeded && getrandom(&row.seed, sizeof row.seed, 0) != (ssize_t)sizeof row.seed)
        row.seed = (uint64_t)clock_unix_ms();
    enum status status = db_audit_begin(p->project->db, &row, &id, err);
    return status == ST_OK ? db_audit_get(p->project->db, id, &p->row, err) : status;
}

enum status auditing_start(struct project *project, const struct scene *scene, const struct auditing_options *o,
                           int64_t *drawn, struct error *err)
{
    struct auditing before;
    struct plan p = {.project = project, .scene = scene};
    *drawn = 0;
    if (!scene->active_revision)
        return error_set(err, ST_INVALID, "scene %s was never screened; run `assay screen` first", scene->name);
    enum status status = auditing_load(project, scene, &before, err);
    if (status != ST_OK)
        return status;
    if (before.state == AUDITING_RUNNING || before.state == AUDITING_ANSWERED) {
        const struct audit_row *r = &before.row;
        if ((o->bound > 0 && o->bound != r->bound) || (o->confidence > 0 && o->confidence != r->confidence) || (o->fixed && !r->fixed))
            return error_set(err, ST_BUSY,
                             "scene %s: an audit runs for a bound of %g %% at %g %% confidence%s; end it with `assay audit --stop` first",
                             scene->name, 100 * r->bound, 100 * r->confidence, r->fixed ? ", with a fixed plan" : "");
        if (o->draws == 0)
            return ST_OK; // runs already
        if (r->fixed)
            return error_set(err, ST_BUSY, "scene %s: the audit's plan was fixed beforehand and takes no more draws; end it with `assay audit --stop` first",
                             scene->name);
        p.row = *r;
    } else {
        status = begin(&p, o, &before, err);
    }
    p.rng = rng_seed(p.row.seed + (uint64_t)before.draws * (p.row.id == before.row.id));
    if (status == ST_OK)
        status = carry_out(&p, o->draws, err);
    for (size_t i = 0; i < p.count && status == ST_OK; i++)
        *drawn += p.draws[i].place >= 0;
    audit_free(p.evidence);
    free(p.pool);
    free(p.draws);
    return status;
}
