#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/intl.h"
#include "learn/frontier.h"

const int frontier_sides[FRONTIER_SIDES] = {128, 160, 192, 224, 256};

// ---- the frontier ----

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_cost(const void *left, const void *right)
{
    const struct frontier_row *a = left, *b = right;
    int order = compare(a->ms, b->ms);
    if (!order)
        order = compare(b->quality, a->quality);
    if (!order)
        order = compare((double)a->parameters, (double)b->parameters);
    if (!order)
        order = a->side - b->side;
    return order ? order : a->index - b->index;
}

static bool beats(const struct frontier_row *a, const struct frontier_row *b)
{
    return a->quality >= b->quality && a->ms <= b->ms && (a->quality > b->quality || a->ms < b->ms);
}

void frontier_mark(struct frontier *f)
{
    qsort(f->rows, (size_t)f->count, sizeof *f->rows, by_cost);
    for (int i = 0; i < f->count; i++) {
        f->rows[i].best = true;
        for (int j = 0; j < f->count && f->rows[i].best; j++)
            f->rows[i].best = !beats(&f->rows[j], &f->rows[i]);
    }
}

const struct frontier_row *frontier_whole(const struct frontier *f)
{
    const struct frontier_row *whole = NULL;
    for (int i = 0; i < f->count; i++) {
        const struct frontier_row *row = &f->rows[i];
        if (row->cut.width == 1 && row->cut.depth == 0 && (!whole || row->side > whole->side))
            whole = row;
    }
    return whole;
}

// ---- the choice ----

// How many times the limit a row needs, in what it exceeds most: <= 1 fits.
static double excess(const struct frontier_row *row, const struct frontier_limit *limit)
{
    double most = 0;
    if (limit->ms > 0)
        most = fmax(most, row->ms / limit->ms);
    if (limit->megabytes > 0)
        most = fmax(most, row->megabytes / limit->megabytes);
    if (limit->parameters > 0)
        most = fmax(most, (double)row->parameters / (double)limit->parameters);
    return most;
}

static bool better(const struct frontier_row *a, const struct frontier_row *b)
{
    if (a->quality != b->quality)
        return a->quality > b->quality;
    if (a->ms != b->ms)
        return a->ms < b->ms;
    if (a->parameters != b->parameters)
        return a->parameters < b->parameters;
    return a->side < b->side;
}

static enum status none_fits(const struct frontier *f, const struct frontier_limit *limit,
                             const struct frontier_row *nearest, struct error *err)
{
    char asked[96] = "", needs[96] = "";
    int a = 0, n = 0;
    if (limit->ms > 0) {
        a += snprintf(asked, sizeof asked, "%g ms", limit->ms);
        n += snprintf(needs, sizeof needs, "%.3g ms", nearest->ms);
    }
    if (limit->parameters > 0) {
        a += snprintf(asked + a, sizeof asked - (size_t)a, _("%s%lld parameters"), a ? ", " : "",
                      limit->parameters);
        n += snprintf(needs + n, sizeof needs - (size_t)n, _("%s%lld parameters"), n ? ", " : "",
                      nearest->parameters);
    }
    if (limit->megabytes > 0) {
        snprintf(asked + a, sizeof asked - (size_t)a, "%s%g MB", a ? ", " : "", limit->megabytes);
        snprintf(needs + n, sizeof needs - (size_t)n, "%s%.3f MB", n ? ", " : "", nearest->megabytes);
    }
    return error_set(
        err, ST_NOT_FOUND,
        "no size of %s keeps to %s: the nearest (width %g, %d blocks fewer, side %d, quality %.3f) "
        "needs %s",
        f->base, asked, nearest->cut.width, nearest->cut.depth, nearest->side, nearest->quality, needs);
}

enum status frontier_choose(const struct frontier *f, const struct frontier_limit *limit,
                            const struct frontier_row **row, struct error *err)
{
    const struct frontier_row *best = NULL, *nearest = NULL;
    for (int i = 0; i < f->count; i++) {
        const struct frontier_row *r = &f->rows[i];
        double over = excess(r, limit);
        if (over <= 1 && (!best || better(r, best)))
            best = r;
        double least = nearest ? excess(nearest, limit) : 0;
        if (!nearest || over < least || (over == least && better(r, nearest)))
            nearest = r;
    }
    if (!nearest)
        return error_set(err, ST_INVALID, "%s: nothing was measured; there is nothing to choose from",
                         f->base);
    if (!best)
        return none_fits(f, limit, nearest, err);
    *row = best;
    return ST_OK;
}
