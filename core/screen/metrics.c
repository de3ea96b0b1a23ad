#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "screen/metrics.h"

struct point { // one picture on the curve
    double score;
    uint32_t group; // index into the weights
    bool defect;
    bool last; // the next one, if any, has a lower score
};

// The curve: pictures from the highest score to the lowest.
struct curve {
    struct point *points; // (count)
    size_t count;
    uint32_t groups;
};

enum { AUROC, AP, FILTERED90, FILTERED95, FILTERED9824, FILTERED99, FIGURES };

static int higher_first(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    return (a->score < b->score) - (a->score > b->score);
}

static int by_value(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

// groups NULL: all pictures in one.
static struct curve curve_new(const double *scores, const bool *defect, const uint64_t *groups, size_t count)
{
    struct curve c = {.points = xcalloc(count ? count : 1, sizeof *c.points), .count = count, .groups = 1};
    uint64_t *names = NULL;
    if (groups && count) {
        names = xmalloc(count * sizeof *names);
        memcpy(names, groups, count * sizeof *names);
        qsort(names, count, sizeof *names, by_value);
        for (size_t i = 1; i < count; i++)
            if (names[i] != names[c.groups - 1])
                names[c.groups++] = names[i];
    }
    for (size_t i = 0; i < count; i++) {
        struct point *p = &c.points[i];
        p->score = isnan(scores[i]) ? INFINITY : scores[i]; // not a score: nothing speaks for normal
        p->defect = defect[i];
        if (names) {
            uint64_t *name = bsearch(&groups[i], names, c.groups, sizeof *names, by_value);
            p->group = (uint32_t)(name - names);
        }
    }
    free(names);
    qsort(c.points, count, sizeof *c.points, higher_first);
    for (size_t i = 0; i < count; i++)
        c.points[i].last = i + 1 == count || c.points[i + 1].score < c.points[i].score;
    return c;
}

// How many defects must be found; the slack absorbs that 0.9 * 10 may round up.
static double needed(double recall, double defects)
{
    return ceil(recall * defects - 1e-9);
}

// Number of pictures of a class, each counted as often as its group was drawn.
static double class_size(const struct curve *c, const uint32_t *weights, bool defect)
{
    uint64_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += c->points[i].defect == defect ? weights[c->points[i].group] : 0;
    return (double)n;
}

// All figures in one pass. false: a class is missing. Filtered shares for `recalls` (filtered).
static bool figures(const struct curve *c, const uint32_t *weights, const double *recalls, int filtered,
                    double *auroc, double *ap, double *shares)
{
    double defects = class_size(c, weights, true), normals = class_size(c, weights, false);
    if (defects == 0 || normals == 0)
        return false;
    double area = 0, precision = 0, tp = 0, fp = 0, tie_tp = 0, tie_fp = 0;
    int reached = 0; // recalls come in rising order
    for (size_t i = 0; i < c->count; i++) {
        const struct point *p = &c->points[i];
        *(p->defect ? &tie_tp : &tie_fp) += weights[p->group];
        if (!p->last)
            continue;
        area += tie_tp * (normals - fp - tie_fp / 2);
        tp += tie_tp;
        fp += tie_fp;
        if (tie_tp > 0)
            precision += tie_tp * tp / (tp + fp);
        for (; reached < filtered && tp >= needed(recalls[reached], defects); reached++)
            shares[reached] = 1 - fp / normals;
        tie_tp = tie_fp = 0;
    }
    *auroc = area / (defects * normals);
    *ap = precision / defects;
    return true;
}

static const double RECALLS[] = {0.90, 0.95, 0.9824, 0.99};

static bool all_figures(const struct curve *c, const uint32_t *weights, double out[FIGURES])
{
    return figures(c, weights, RECALLS, FIGURES - FILTERED90, &out[AUROC], &out[AP], &out[FILTERED90]);
}

// One figure on unweighted data: `recall` 0 when none is wanted.
static void single(const double *scores, const bool *defect, size_t count, double recall, double out[3])
{
    static const uint32_t once = 1;
    struct curve c = curve_new(scores, defect, NULL, count);
    if (!figures(&c, &once, &recall, 1, &out[0], &out[1], &out[2]))
        out[0] = out[1] = out[2] = NAN;
    free(c.points);
}

double metrics_auroc(const double *scores, const bool *defect, size_t count)
{
    double out[3];
    single(scores, defect, count, 1, out);
    return out[0];
}

double metrics_ap(const double *scores, const bool *defect, size_t count)
{
    double out[3];
    single(scores, defect, count, 1, out);
    return out[1];
}

double metrics_filtered(const double *scores, const bool *defect, size_t count, double recall)
{
    double out[3];
    single(scores, defect, count, recall, out);
    return out[2];
}

double metrics_threshold(const double *scores, const bool *defect, size_t count, double recall)
{
    struct curve c = curve_new(scores, defect, NULL, count);
    double defects = 0, found = 0, value = NAN;
    for (size_t i = 0; i < count; i++)
        defects += defect[i];
    for (size_t i = 0; i < count && isnan(value); i++) {
        found += c.points[i].defect;
        if (c.points[i].defect && found >= needed(recall, defects))
            value = c.points[i].score;
    }
    free(c.points);
    return value;
}

// Interpolated like numpy.percentile.
static double percentile(const double *sorted, int count, double share)
{
    double at = share * (count - 1);
    int low = (int)at;
    return low + 1 < count ? sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]) : sorted[count - 1];
}

static struct metrics_interval interval(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (struct metrics_interval){percentile(values, count, 0.025), percentile(values, count, 0.975)};
}

// How often each group is drawn when as many are drawn as there are, with replacement.
static void draw_groups(const struct curve *c, struct rng *rng, uint32_t *weights)
{
    memset(weights, 0, c->groups * sizeof *weights);
    for (uint32_t i = 0; i < c->groups; i++)
        weights[rng_below(rng, c->groups)]++;
}

struct metrics_interval metrics_share(const bool *among, const bool *hit, const uint64_t *groups, size_t count,
                                      int resamples, uint64_t seed)
{
    struct metrics_interval ci = {NAN, NAN};
    double *scores = xcalloc(count + 1, sizeof *scores);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        scores[i] = hit[i];
        any |= among[i];
    }
    if (any && resamples > 0) {
        struct curve c = curve_new(scores, among, groups, count);
        struct rng rng = rng_seed(seed);
        uint32_t *weights = xmalloc(c.groups * sizeof *weights);
        double *values = xmalloc((size_t)resamples * sizeof *values);
        for (int draw = 0; draw < resamples;) {
            draw_groups(&c, &rng, weights);
            double total = class_size(&c, weights, true), hits = 0;
            for (size_t i = 0; i < count && c.points[i].score > 0; i++) // those hit come first
                hits += c.points[i].defect ? weights[c.points[i].group] : 0;
            if (total > 0) // else draw again
                values[draw++] = hits / total;
        }
        ci = interval(values, resamples);
        free(values);
        free(weights);
        free(c.points);
    }
    free(scores);
    return ci;
}

static void bootstrap(const struct curve *c, int resamples, uint64_t seed,
                      struct metrics_interval ci[FIGURES])
{
    struct rng rng = rng_seed(seed);
    uint32_t *weights = xmalloc(c->groups * sizeof *weights);
    double *values = xmalloc((size_t)resamples * FIGURES * sizeof *values); // (FIGURES, resamples)
    for (int draw = 0; draw < resamples;) {
        double out[FIGURES];
        draw_groups(c, &rng, weights);
        if (!all_figures(c, weights, out))
            continue; // a class is missing: draw again
        for (int f = 0; f < FIGURES; f++)
            values[f * resamples + draw] = out[f];
        draw++;
    }
    for (int f = 0; f < FIGURES; f++)
        ci[f] = interval(values + f * resamples, resamples);
    free(values);
    free(weights);
}

struct metrics metrics_all(const double *scores, const bool *defect, const uint64_t *groups, size_t count,
                           int resamples, uint64_t seed)
{
    struct curve c = curve_new(scores, defect, groups, count);
    uint32_t *weights = xmalloc(c.groups * sizeof *weights);
    double out[FIGURES];
    struct metrics_interval ci[FIGURES];
    for (uint32_t i = 0; i < c.groups; i++)
        weights[i] = 1;
    for (int f = 0; f < FIGURES; f++) {
        out[f] = NAN;
        ci[f] = (struct metrics_interval){NAN, NAN};
    }
    struct metrics m = {.normals = (size_t)class_size(&c, weights, false),
                        .defects = (size_t)class_size(&c, weights, true)};
    if (all_figures(&c, weights, out) && resamples > 0)
        bootstrap(&c, resamples, seed, ci);
    free(weights);
    free(c.points);
    m.auroc = out[AUROC], m.auroc_ci = ci[AUROC];
    m.ap = out[AP], m.ap_ci = ci[AP];
    m.filtered90 = out[FILTERED90], m.filtered90_ci = ci[FILTERED90];
    m.filtered95 = out[FILTERED95], m.filtered95_ci = ci[FILTERED95];
    m.filtered9824 = out[FILTERED9824], m.filtered9824_ci = ci[FILTERED9824];
    m.filtered99 = out[FILTERED99], m.filtered99_ci = ci[FILTERED99];
    return m;
}
