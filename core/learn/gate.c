#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/rng.h"
#include "base/text.h"
#include "learn/gate.h"

enum { RESAMPLES = 2000 };
static const double lowest = -0.01, confidence = 0.90, missed_share = 0.02;

const char *gate_decision_name(enum gate_decision decision)
{
    static const char *const names[] = {N_("promote"), N_("refuse"), N_("by hand")};
    return names[decision];
}

uint64_t gate_group(const char *group)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *group; group++)
        h = (h ^ (unsigned char)*group) * 0x100000001b3u;
    return h;
}

enum gate_part gate_part_of(const char *group)
{
    uint64_t x = gate_group(group);
    uint64_t at = rng_splitmix(&x) % 10;
    return at == 9 ? GATE_TEST : at >= 7 ? GATE_VALIDATE : GATE_TRAIN;
}

// ---- the bound ----

struct bundle { // the normals of a group
    uint64_t group;
    double normals, change; // filtered by the candidate less filtered by the active one
};

static int by_group(const void *left, const void *right)
{
    const struct bundle *a = left, *b = right;
    return (a->group > b->group) - (a->group < b->group);
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static size_t bundle(const struct gate_item *items, size_t count, struct bundle *bundles)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!items[i].defect)
            bundles[n++] = (struct bundle){items[i].group, 1, (double)items[i].flagged[0] - (double)items[i].flagged[1]};
    qsort(bundles, n, sizeof *bundles, by_group);
    for (size_t i = 0; i < n; i++)
        if (kept && bundles[kept - 1].group == bundles[i].group) {
            bundles[kept - 1].normals += bundles[i].normals;
            bundles[kept - 1].change += bundles[i].change;
        } else {
            bundles[kept++] = bundles[i];
        }
    return kept;
}

static double bound_of(const struct gate_item *items, size_t count, uint64_t seed)
{
    struct bundle *bundles = xcalloc(count + 1, sizeof *bundles);
    size_t n = bundle(items, count, bundles);
    double *changes = xcalloc(RESAMPLES, sizeof *changes);
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < RESAMPLES && n; r++) {
        double normals = 0, change = 0;
        for (size_t i = 0; i < n; i++) {
            const struct bundle *b = &bundles[rng_below(&rng, n)];
            normals += b->normals;
            change += b->change;
        }
        changes[r] = change / normals;
    }
    qsort(changes, RESAMPLES, sizeof *changes, rising);
    double bound = changes[(int)(RESAMPLES * (1 - confidence))];
    free(changes);
    free(bundles);
    return bound;
}

// ---- the decision ----

static bool too_many(size_t newly, size_t defects)
{
    return (double)newly > fmax(1, missed_share * (double)defects);
}

static void decide(struct gate_result *r, const char *const *kinds)
{
    static const char *const names[] = {"stop", "key", "general"};
    size_t defects = 0, missed[2] = {0};
    for (int s = 0; s < GATE_SEVERITIES; s++) {
        defects += r->defects[s];
        missed[0] += r->missed[0][s];
        missed[1] += r->missed[1][s];
    }
    char figures[200];
    snprintf(figures, sizeof figures,
             "on %zu held-out normals it filters %.2f %% instead of %.2f %%, and misses %zu of %zu defects instead of %zu",
             r->normals, 100 * r->filtered[1], 100 * r->filtered[0], missed[1], defects, missed[0]);
    for (int s = 0; s < GATE_SEVERITIES; s++)
        if (too_many(r->newly[s], r->defects[s])) {
            r->decision = GATE_REFUSE;
            snprintf(r->reason, sizeof r->reason, "not promoted: it newly misses %zu of %zu %s defects; %s", r->newly[s],
                     r->defects[s], names[s], figures);
            return;
        }
    if (r->forgotten >= 0) {
        r->decision = GATE_REFUSE;
        snprintf(r->reason, sizeof r->reason, "not promoted: it forgets a kind, newly misses %zu of %zu of class %.60s; %s",
                 r->kind_newly, r->kind_defects, kinds[r->forgotten], figures);
        text_clean(r->reason); // a name that was cut
        return;
    }
    if (defects < GATE_DEFECTS || r->normals == 0) {
        r->decision = GATE_BY_HAND;
        snprintf(r->reason, sizeof r->reason,
                 "not enough to compare: %zu held-out defect%s, %d are needed; %s; `assay promote` decides", defects, defects == 1 ? "" : "s",
                 GATE_DEFECTS, figures);
        return;
    }
    if (missed[0] == defects && missed[1] == defects && !(r->filtered[0] < 1) && !(r->filtered[1] < 1)) {
        r->decision = GATE_BY_HAND;
        snprintf(r->reason, sizeof r->reason,
                 "nothing to compare: neither flags any of %zu held-out pictures, %zu of them defects; `assay promote` decides",
                 r->normals + defects, defects);
        return;
    }
    if (!(r->bound > lowest) && r->filtered[1] >= r->filtered[0]) {
        r->decision = GATE_BY_HAND;
        snprintf(r->reason, sizeof r->reason,
                 "better, but not surely: the change in normals filtered may be as low as %+.2f points (90 %% bound; -1 is "
                 "allowed); %s; `assay promote` decides",
                 100 * r->bound, figures);
        return;
    }
    if (!(r->bound > lowest)) {
        r->decision = GATE_REFUSE;
        snprintf(r->reason, sizeof r->reason,
                 "not promoted: the change in normals filtered may be as low as %+.2f points (90 %% bound; -1 is allowed); %s",
                 100 * r->bound, figures);
        return;
    }
    if (r->newly[GATE_STOP]) {
        r->decision = GATE_BY_HAND;
        snprintf(r->reason, sizeof r->reason, "a lead decides: it newly misses %zu of %zu stop defects; %s; `assay promote --lead`",
                 r->newly[GATE_STOP], r->defects[GATE_STOP], figures);
        return;
    }
    r->decision = GATE_PROMOTE;
    snprintf(r->reason, sizeof r->reason, "promoted: %s (change at least %+.2f points, 90 %% bound)", figures, 100 * r->bound);
}

static void find_forgotten(const struct gate_item *items, size_t count, size_t kind_count, struct gate_result *r)
{
    size_t *defects = xcalloc(kind_count + 1, sizeof *defects), *newly = xcalloc(kind_count + 1, sizeof *newly);
    for (size_t i = 0; i < count; i++)
        if (items[i].defect && items[i].kind >= 0) {
            defects[items[i].kind]++;
            newly[items[i].kind] += items[i].flagged[0] && !items[i].flagged[1];
        }
    for (size_t k = 0; k < kind_count; k++)
        if (too_many(newly[k], defects[k]) && (r->forgotten < 0 || newly[k] * r->kind_defects > r->kind_newly * defects[k])) {
            r->forgotten = (int)k;
            r->kind_defects = defects[k];
            r->kind_newly = newly[k];
        }
    free(defects);
    free(newly);
}

void gate_judge(const struct gate_item *items, size_t count, const char *const *kinds, size_t kind_count, uint64_t seed,
                struct gate_result *result)
{
    *result = (struct gate_result){.forgotten = -1};
    size_t filtered[2] = {0};
    for (size_t i = 0; i < count; i++) {
        const struct gate_item *g = &items[i];
        if (!g->defect) {
            result->normals++;
            filtered[0] += !g->flagged[0];
            filtered[1] += !g->flagged[1];
            continue;
        }
        result->defects[g->severity]++;
        result->missed[0][g->severity] += !g->flagged[0];
        result->missed[1][g->severity] += !g->flagged[1];
        result->newly[g->severity] += g->flagged[0] && !g->flagged[1];
    }
    for (int k = 0; k < 2 && result->normals; k++)
        result->filtered[k] = (double)filtered[k] / (double)result->normals;
    result->bound = result->normals ? bound_of(items, count, seed) : 0;
    find_forgotten(items, count, kind_count, result);
    decide(result, kinds);
}

void gate_other_goal(struct gate_result *result)
{
    result->decision = GATE_BY_HAND;
    result->other_goal = true;
    snprintf(result->reason, sizeof result->reason,
             "scored under another goal of the threshold than what is active; `assay promote` decides");
}

void gate_floor(struct gate_result *result, const struct gate_result *against_zero, int revision)
{
    if (result->decision == GATE_REFUSE || against_zero->decision != GATE_REFUSE)
        return;
    result->decision = GATE_REFUSE;
    snprintf(result->reason, sizeof result->reason, "it falls below round 0 (revision %d, before any trained model); %.320s", revision,
             against_zero->reason);
}
