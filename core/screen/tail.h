// Tail of a score distribution under normal pictures that are not clean:
// empirical below the 90 % quantile, above it a generalised Pareto distribution
// fitted by maximum likelihood with everything beyond the 98 % quantile
// censored (known to be beyond, not by how much).
#ifndef SCREEN_TAIL_H
#define SCREEN_TAIL_H

#include <stddef.h>

#include "base/status.h"

enum { TAIL_GRID = 256 };

struct tail {
    double grid[TAIL_GRID]; // quantiles (i + 0.5) / TAIL_GRID of the scores
    double start;           // the 90 % quantile: the Pareto part begins here
    double shape, scale;    // shape is kept within [-0.5, 0.5]
};

// ST_INVALID for fewer than 16 scores, not finite scores, or all equal.
ASSAY_CHECKED enum status tail_fit(const double *scores, size_t count, struct tail *tail, struct error *err);
double tail_probability(const struct tail *tail, double score);  // P(normal >= score), > 0 (floor 1e-12)
double tail_quantile(const struct tail *tail, double probability); // score that share of normals exceeds

#endif
