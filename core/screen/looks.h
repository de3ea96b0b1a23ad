// Whether a scene's normal pictures have several looks: another product, another camera or another light behind one
// name. Two-means, bisecting (Steinbach, Karypis & Kumar 2000), for as long as the two halves of a look lie clearly apart:
// Ashman's D along the line between their means (Ashman, Bird & Zepf 1994) at least LOOKS_APART, where halves of a
// normal distribution have 2.7, those of a uniform one 3.5 and those of the demo's pictures of one scene mostly less than 5. A
// look has at least a tenth of the rows, so that hidden defects, a few in a hundred, never make one of their own, and
// LOOKS_ROWS of them: with fewer a covariance of its own costs more than it tells.
#ifndef SCREEN_LOOKS_H
#define SCREEN_LOOKS_H

#include <stddef.h>

#include "base/rng.h"

enum { LOOKS_MOST = 8, LOOKS_ROWS = 200 };
#define LOOKS_APART 6.0

struct looks {
    int count, dim;
    float *mean, *inverse; // (dim): a row less mean, times inverse, is in units of the features' spreads; not read with one
    float *centres;        // (count, dim) in these units; the same
};

// rows: (count, dim), finite; some thousand of them are enough.
struct looks looks_find(const float *rows, size_t count, int dim, struct rng *rng);
struct looks looks_one(int dim); // all are of one kind
struct looks looks_copy(const struct looks *looks);
void looks_clear(struct looks *looks);

// That with the nearest centre, 0 .. looks->count - 1. row: (dim).
int looks_of(const struct looks *looks, const float *row);

#endif
