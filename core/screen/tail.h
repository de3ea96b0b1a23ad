// Tail of a score distribution under normal pictures that are not clean:
// empirical below the 90 % quantile, above it a generalised Pareto distribution
// fitted by maximum likelihood with everything beyond the 98 % quantile
// censored (known to be beyond, not by how much). Of those, gross outliers are
// left out first; how many of the rest are no normals is fitted along and taken
// out of the probabilities. Weak priors on shape, scale and that share carry
// small samples.
#ifndef SCREEN_TAIL_H
#define SCREEN_TAIL_H

#include <stddef.h>

#include "base/status.h"

enum { TAIL_GRID = 256 };

struct tail {
    double grid[TAIL_GRID]; // quantiles (i + 0.5) / TAIL_GRID of the scores without gross outliers
    double start;           // the 90 % quantile: the Pareto part begins here
    double shape, scale;    // shape is kept within [-0.5, 0.5]; where it is negative, the tail goes on
                            // exponentially from probability 1e-4, so that it has no end
    double contamination;   // share of the scores left, 0 .. 0.02, taken for something else than normal
};

// ST_INVALID for fewer than 16 scores, not finite scores, or all equal.
ASSAY_CHECKED enum status tail_fit(const double *scores, size_t count, struct tail *tail, struct error *err);
double tail_probability(const struct tail *tail, double score);  // P(normal >= score), > 0 (floor 1e-12)
double tail_quantile(const struct tail *tail, double probability); // score that share of normals exceeds

// -log10 of that probability without the floor: rises strictly beyond the
// start, so that far scores stay apart. NaN counts as beyond everything; at most 1e6.
double tail_score(const struct tail *tail, double score);

#endif
