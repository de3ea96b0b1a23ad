#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/gaussian.h"
#include "screen/looks.h"

enum { STARTS = 6, ITERATIONS = 20 };
static const double share_least = 0.1;

struct halves {
    float *means; // (2, dim)
    bool *second; // (count) of the members
    size_t counts[2];
    double apart; // Ashman's D; 0: no two halves of a fair size
};

static void set_units(struct looks *looks, const float *rows, size_t count)
{
    size_t dim = (size_t)looks->dim;
    double *mean = xcalloc(dim, sizeof *mean), *spread = xcalloc(dim, sizeof *spread);
    bool vary = gaussian_spreads(rows, count, looks->dim, mean, spread) > 0;
    for (size_t j = 0; j < dim; j++) {
        looks->mean[j] = (float)mean[j];
        looks->inverse[j] = vary ? (float)(1 / spread[j]) : 0;
    }
    free(mean);
    free(spread);
}

// How far a row lies beyond the middle, towards the second mean; direction: (dim) second - first, middle: the value half
// way.
static double beyond(const float *row, const float *direction, double middle, int dim)
{
    return cblas_sdot(dim, row, 1, direction, 1) - middle;
}

// Lloyd's iterations from two members as means.
static void two_means(const float *rows, const size_t *members, size_t count, int dim, size_t first, size_t second,
                      struct halves *h)
{
    size_t d = (size_t)dim;
    float *direction = xcalloc(d, sizeof *direction);
    double *sums = xcalloc(2 * d, sizeof *sums), middle = 0;
    memcpy(h->means, rows + members[first] * d, d * sizeof *h->means);
    memcpy(h->means + d, rows + members[second] * d, d * sizeof *h->means);
    bool moved = true;
    for (int iteration = 0; iteration < ITERATIONS && moved; iteration++) {
        middle = 0;
        for (size_t j = 0; j < d; j++) {
            direction[j] = h->means[d + j] - h->means[j];
            middle += 0.5 * (double)direction[j] * ((double)h->means[d + j] + (double)h->means[j]);
        }
        moved = iteration == 0;
        memset(sums, 0, 2 * d * sizeof *sums);
        h->counts[0] = h->counts[1] = 0;
        for (size_t i = 0; i < count; i++) {
            const float *row = rows + members[i] * d;
            bool second_half = beyond(row, direction, middle, dim) > 0;
            moved = moved || second_half != h->second[i];
            h->second[i] = second_half;
            h->counts[second_half]++;
            for (size_t j = 0; j < d; j++)
                sums[(second_half ? d : 0) + j] += (double)row[j];
        }
        for (int side = 0; side < 2; side++)
            for (size_t j = 0; j < d && h->counts[side]; j++)
                h->means[(side ? d : 0) + j] = (float)(sums[(side ? d : 0) + j] / (double)h->counts[side]);
    }
    // Ashman's D of the two along the line between them
    double mean[2] = {0}, square[2] = {0};
    for (size_t j = 0; j < d; j++)
        direction[j] = h->means[d + j] - h->means[j];
    for (size_t i = 0; i < count; i++) {
        double x = beyond(rows + members[i] * d, direction, middle, dim);
        mean[h->second[i]] += x / (double)h->counts[h->second[i]];
        square[h->second[i]] += x * x / (double)h->counts[h->second[i]];
    }
    double variance = square[0] - mean[0] * mean[0] + square[1] - mean[1] * mean[1];
    h->apart = h->counts[0] && h->counts[1] && mean[1] > mean[0] ? (mean[1] - mean[0]) / sqrt(fmax(variance, 1e-12) / 2) : 0;
    free(direction);
    free(sums);
}

// The clearest two halves of the members, of at least `least` each; apart 0 where there are none.
static void split(const float *rows, const size_t *members, size_t count, int dim, size_t least, struct rng *rng,
                  struct halves *best)
{
    size_t d = (size_t)dim;
    struct halves h = {.means = xcalloc(2 * d, sizeof *h.means), .second = xcalloc(count, sizeof *h.second)};
    best->apart = 0;
    for (int start = 0; start < STARTS && count >= 2 * least; start++) {
        // k-means++ (Arthur & Vassilvitskii 2007): the second in proportion to its squared distance from the first
        size_t first = rng_below(rng, count), second = first;
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            double square = 0;
            for (size_t j = 0; j < d; j++) {
                double x = (double)rows[members[i] * d + j] - (double)rows[members[first] * d + j];
                square += x * x;
            }
            sum += square;
            if (sum > 0 && rng_uniform(rng) < square / sum)
                second = i;
        }
        two_means(rows, members, count, dim, first, second, &h);
        if (h.counts[0] < least || h.counts[1] < least || h.apart <= best->apart)
            continue;
        best->apart = h.apart;
        memcpy(best->means, h.means, 2 * d * sizeof *h.means);
        memcpy(best->second, h.second, count * sizeof *h.second);
    }
    free(h.means);
    free(h.second);
}

// Halves that lie clearly apart become looks of their own, until none does. sample: (count, dim); centres: (LOOKS_MOST, dim)
// of them; returns how many.
static int bisect(const float *sample, size_t count, int dim, struct rng *rng, float *centres)
{
    size_t d = (size_t)dim, least = (size_t)(share_least * (double)count);
    size_t *members = xcalloc(count, sizeof *members);
    unsigned char *look = xcalloc(count, sizeof *look);
    struct halves best = {.means = xcalloc(2 * d, sizeof *best.means), .second = xcalloc(count, sizeof *best.second)};
    int found = 1;
    for (int at = 0; at < found && found < LOOKS_MOST;) {
        size_t in = 0;
        for (size_t i = 0; i < count; i++)
            if (look[i] == at)
                members[in++] = i;
        split(sample, members, in, dim, least > LOOKS_ROWS ? least : LOOKS_ROWS, rng, &best);
        if (best.apart < LOOKS_APART) {
            at++;
            continue;
        }
        memcpy(centres + (size_t)at * d, best.means, d * sizeof *centres);
        memcpy(centres + (size_t)found * d, best.means + d, d * sizeof *centres);
        for (size_t k = 0; k < in; k++)
            if (best.second[k])
                look[members[k]] = (unsigned char)found;
        found++;
    }
    free(best.means);
    free(best.second);
    free(look);
    free(members);
    return found;
}

struct looks looks_find(const float *rows, size_t count, int dim, struct rng *rng)
{
    size_t d = (size_t)dim;
    struct looks looks = looks_one(dim);
    if (count < 2 * LOOKS_ROWS) // too few for two
        return looks;
    looks.mean = xcalloc(d, sizeof *looks.mean);
    looks.inverse = xcalloc(d, sizeof *looks.inverse);
    looks.centres = xcalloc((size_t)LOOKS_MOST * d, sizeof *looks.centres);
    float *scaled = xreallocarray(NULL, count * d, sizeof *scaled);
    set_units(&looks, rows, count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < d; j++)
            scaled[i * d + j] = (rows[i * d + j] - looks.mean[j]) * looks.inverse[j];
    looks.count = bisect(scaled, count, dim, rng, looks.centres);
    free(scaled);
    return looks;
}

struct looks looks_one(int dim)
{
    return (struct looks){.count = 1, .dim = dim};
}

static float *copy(const float *numbers, size_t count)
{
    float *to = xreallocarray(NULL, count, sizeof *to);
    memcpy(to, numbers, count * sizeof *to);
    return to;
}

struct looks looks_copy(const struct looks *looks)
{
    struct looks to = looks_one(looks->dim);
    size_t d = (size_t)looks->dim;
    if (looks->count < 2)
        return to;
    to.count = looks->count;
    to.mean = copy(looks->mean, d);
    to.inverse = copy(looks->inverse, d);
    to.centres = copy(looks->centres, (size_t)looks->count * d);
    return to;
}

void looks_clear(struct looks *looks)
{
    free(looks->mean);
    free(looks->inverse);
    free(looks->centres);
    *looks = (struct looks){0};
}

int looks_of(const struct looks *looks, const float *row)
{
    int nearest = 0;
    double least = INFINITY;
    for (int k = 0; k < looks->count && looks->count > 1; k++) {
        double square = 0;
        for (size_t j = 0; j < (size_t)looks->dim; j++) {
            double x = (double)((row[j] - looks->mean[j]) * looks->inverse[j] -
                                looks->centres[(size_t)k * (size_t)looks->dim + j]);
            square += x * x;
        }
        if (square < least) {
            least = square;
            nearest = k;
        }
    }
    return nearest;
}
