#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "screen/evaluate.h"
#include "screen/gaussian.h"

static const double FIT_SHARE = 0.8;

struct work {
    size_t *order;   // (count) shuffled: groups or pictures
    uint64_t *names; // (units) distinct groups in rising order
    size_t units;
    bool *fit;      // (count) in the fit part
    float *rows;    // (count, dim)
    double *scores; // (count) of the test part
    bool *defect;
    uint64_t *groups;
    int *kinds; // of the test part, -1 for normals
};

static int rising(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static enum status check(const struct evaluate_set *set, int seeds, struct error *err)
{
    size_t defects = 0;
    if (seeds < 1 || set->dim < 1 || set->kind_count < 0)
        return error_set(err, ST_INVALID,
                         "an evaluation needs at least one seed, one feature and no negative kinds");
    for (size_t i = 0; i < set->count; i++) {
        defects += set->defect[i];
        if (set->defect[i] && set->kind_count > 0 && (set->kinds[i] < 0 || set->kinds[i] >= set->kind_count))
            return error_set(err, ST_INVALID, "picture %zu: kind %d is not among the %d kinds of defect",
                             i + 1, set->kinds[i], set->kind_count);
    }
    if (defects == 0 || defects == set->count)
        return error_set(err, ST_INVALID,
                         "an evaluation needs normal and defect pictures; here are %zu and %zu",
                         set->count - defects, defects);
    return ST_OK;
}

static void shuffle(size_t *order, size_t count, struct rng *rng)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(rng, i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

// The groups' names, each once, rising.
static void name_groups(const struct evaluate_set *set, struct work *w)
{
    memcpy(w->names, set->groups, set->count * sizeof *w->names);
    qsort(w->names, set->count, sizeof *w->names, rising);
    for (size_t i = 0; i < set->count; i++)
        if (i == 0 || w->names[i] != w->names[w->units - 1])
            w->names[w->units++] = w->names[i];
}

// Mark the fit part of one seed.
static void split(const struct evaluate_set *set, bool by_group, struct rng *rng, struct work *w)
{
    size_t units = 0;
    memset(w->fit, 0, set->count * sizeof *w->fit);
    if (!by_group) {
        for (size_t i = 0; i < set->count; i++)
            if (!set->defect[i])
                w->order[units++] = i;
        shuffle(w->order, units, rng);
        for (size_t i = 0; i < (size_t)lround(FIT_SHARE * (double)units); i++)
            w->fit[w->order[i]] = true;
        return;
    }
    bool *chosen = xcalloc(w->units, sizeof *chosen);
    for (; units < w->units; units++)
        w->order[units] = units;
    shuffle(w->order, units, rng);
    for (size_t i = 0; i < (size_t)lround(FIT_SHARE * (double)units); i++)
        chosen[w->order[i]] = true;
    for (size_t i = 0; i < set->count; i++) {
        uint64_t *name = bsearch(&set->groups[i], w->names, w->units, sizeof *w->names, rising);
        w->fit[i] = !set->defect[i] && chosen[name - w->names];
    }
    free(chosen);
}

// index: where in the result.
static enum status one_seed(const struct evaluate_set *set, bool by_group, int seed, int index, int resamples,
                            struct work *w, struct evaluate_result *r, struct error *err)
{
    struct rng rng = rng_seed((uint64_t)seed);
    struct gaussian g;
    size_t d = (size_t)set->dim, fit = 0, tests = 0, normals = 0;
    split(set, by_group, &rng, w);
    for (size_t i = 0; i < set->count; i++)
        if (w->fit[i])
            memcpy(w->rows + fit++ * d, set->embeddings + i * d, d * sizeof *w->rows);
    enum status status = gaussian_fit(w->rows, fit, set->dim, &g, err);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < set->count; i++) {
        if (w->fit[i])
            continue;
        memcpy(w->rows + tests * d, set->embeddings + i * d, d * sizeof *w->rows);
        w->defect[tests] = set->defect[i];
        w->groups[tests] = set->groups[i];
        w->kinds[tests] = set->defect[i] && set->kind_count > 0 ? set->kinds[i] : -1;
        normals += !set->defect[i];
        tests++;
    }
    gaussian_distances(&g, w->rows, tests, w->scores);
    r->shrinkage[index] = g.shrinkage;
    gaussian_clear(&g);
    if (normals == 0)
        return error_set(err, ST_INVALID, "no normal picture is left to test; more groups are needed");
    r->overall[index] = metrics_all(w->scores, w->defect, w->groups, tests, resamples, (uint64_t)seed);
    for (int kind = 0; kind < set->kind_count; kind++) { // the kept ones move to the front of a copy
        double *scores = xmalloc(tests * sizeof *scores);
        bool *defect = xmalloc(tests * sizeof *defect);
        uint64_t *groups = xmalloc(tests * sizeof *groups);
        size_t n = 0;
        for (size_t i = 0; i < tests; i++) {
            if (w->defect[i] && w->kinds[i] != kind)
                continue;
            scores[n] = w->scores[i];
            defect[n] = w->defect[i];
            groups[n++] = w->groups[i];
        }
        r->by_kind[index * set->kind_count + kind] =
            metrics_all(scores, defect, groups, n, resamples, (uint64_t)seed);
        free(groups);
        free(defect);
        free(scores);
    }
    return ST_OK;
}

enum status evaluate_whole(const struct evaluate_set *set, int first, int seeds, bool by_group, int resamples,
                           struct evaluate_result *result, struct error *err)
{
    enum status status = check(set, seeds, err);
    if (status != ST_OK)
        return status;
    size_t n = set->count, by_kind = (size_t)seeds * (size_t)set->kind_count;
    struct evaluate_result r = {.seeds = seeds,
                                .overall = xcalloc((size_t)seeds, sizeof *r.overall),
                                .by_kind = xcalloc(by_kind + 1, sizeof *r.by_kind),
                                .shrinkage = xcalloc((size_t)seeds, sizeof *r.shrinkage)};
    struct work w = {.order = xcalloc(n, sizeof *w.order),
                     .names = xcalloc(n, sizeof *w.names),
                     .fit = xcalloc(n, sizeof *w.fit),
                     .scores = xcalloc(n, sizeof *w.scores),
                     .rows = xcalloc(n * (size_t)set->dim, sizeof *w.rows),
                     .defect = xcalloc(n, sizeof *w.defect),
                     .groups = xcalloc(n, sizeof *w.groups),
                     .kinds = xcalloc(n, sizeof *w.kinds)};
    name_groups(set, &w);
    for (int i = 0; i < seeds && status == ST_OK; i++)
        status = one_seed(set, by_group, first + i, i, resamples, &w, &r, err);
    free(w.order);
    free(w.names);
    free(w.fit);
    free(w.scores);
    free(w.rows);
    free(w.defect);
    free(w.groups);
    free(w.kinds);
    if (status != ST_OK)
        evaluate_clear(&r);
    else
        *result = r;
    return status;
}

void evaluate_clear(struct evaluate_result *result)
{
    free(result->overall);
    free(result->by_kind);
    free(result->shrinkage);
    *result = (struct evaluate_result){0};
}

void evaluate_split(const struct evaluate_set *set, int seed, bool by_group, bool *fit)
{
    struct rng rng = rng_seed((uint64_t)seed);
    struct work w = {.order = xcalloc(set->count + 1, sizeof *w.order),
                     .names = xcalloc(set->count + 1, sizeof *w.names),
                     .fit = fit};
    name_groups(set, &w);
    split(set, by_group, &rng, &w);
    free(w.order);
    free(w.names);
}
