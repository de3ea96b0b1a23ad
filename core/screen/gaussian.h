// Gaussian with Ledoit-Wolf shrinkage towards a multiple of the identity
// (Ledoit & Wolf 2004, "A well-conditioned estimator for large-dimensional
// covariance matrices"), and its Mahalanobis distance.
#ifndef SCREEN_GAUSSIAN_H
#define SCREEN_GAUSSIAN_H

#include <stddef.h>

#include "base/status.h"

struct gaussian {
    int dim;
    double shrinkage; // 0..1
    float *mean;      // (dim)
    float *whiten;    // (dim, dim) lower triangular W with W (x - mean) white: the inverse Cholesky factor
};

// rows: (count, dim). ST_INVALID when count < 2, not finite, or no variance at all.
ASSAY_CHECKED enum status gaussian_fit(const float *rows, size_t count, int dim, struct gaussian *g,
                                       struct error *err);
void gaussian_clear(struct gaussian *g);

// W (x - mean) of `count` rows (count, dim) into out (count, dim).
void gaussian_whiten(const struct gaussian *g, const float *rows, size_t count, float *out);
// Squared Mahalanobis distances of `count` rows (count, dim) into out (count).
void gaussian_distances(const struct gaussian *g, const float *rows, size_t count, double *out);

// Mean and spread of each feature over the rows, into mean and spread (dim); features that hardly vary get a thousandth of
// the mean spread, so that nothing is blown up that is divided by it. Returns the mean variance of the features.
double gaussian_spreads(const float *rows, size_t count, int dim, double *mean, double *spread);

#endif
