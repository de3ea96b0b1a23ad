#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/gaussian.h"

// LAPACK, inside OpenBLAS; column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);

enum { BLOCK = 256 }; // rows handled at once

// Mean of the rows relative to row 0, so that identical rows give exactly no variance.
static enum status mean_offset(const float *rows, size_t count, size_t dim, double *offset, struct error *err)
{
    memset(offset, 0, dim * sizeof *offset);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < dim; j++) {
            if (!isfinite(rows[i * dim + j]))
                return error_set(
                    err, ST_INVALID,
                    "the features of picture %zu are not finite; the base or its weights are bad", i + 1);
            offset[j] += (double)rows[i * dim + j] - rows[j];
        }
    }
    for (size_t j = 0; j < dim; j++)
        offset[j] /= (double)count;
    return ST_OK;
}

double gaussian_spreads(const float *rows, size_t count, int dim, double *mean, double *spread)
{
    size_t d = (size_t)dim;
    double all = 0;
    memset(mean, 0, d * sizeof *mean);
    memset(spread, 0, d * sizeof *spread);
    for (size_t i = 0; i < count; i++) // relative to row 0, as above
        for (size_t j = 0; j < d; j++)
            mean[j] += (double)rows[i * d + j] - (double)rows[j];
    for (size_t j = 0; j < d; j++)
        mean[j] /= (double)count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < d; j++) {
            double x = (double)rows[i * d + j] - (double)rows[j] - mean[j];
            spread[j] += x * x;
        }
    for (size_t j = 0; j < d; j++) {
        mean[j] += (double)rows[j];
        spread[j] /= (double)count;
        all += spread[j] / (double)d;
    }
    for (size_t j = 0; j < d; j++)
        spread[j] = sqrt(spread[j]) + 1e-3 * sqrt(all);
    return all;
}

// Lower triangle of the covariance S (divided by count) into `cov` (dim, dim);
// returns the sum over rows of |x - mean|^4.
static double covariance(const float *rows, size_t count, size_t dim, const double *offset, double *cov)
{
    double *block = xmalloc(BLOCK * dim * sizeof *block), fourth = 0;
    memset(cov, 0, dim * dim * sizeof *cov);
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        for (size_t i = 0; i < n; i++) {
            double norm = 0;
            for (size_t j = 0; j < dim; j++) {
                double x = (double)rows[(first + i) * dim + j] - rows[j] - offset[j];
                block[i * dim + j] = x;
                norm += x * x;
            }
            fourth += norm * norm;
        }
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)dim, (int)n, 1.0 / (double)count, block,
                    (int)dim, 1.0, cov, (int)dim);
    }
    free(block);
    return fourth;
}

// The intensity b^2 / d^2 of Ledoit & Wolf (2004), section 3.2, with the mean
// estimated; *mu receives the mean variance.
static double shrinkage_of(const double *cov, size_t count, size_t dim, double fourth, double *mu)
{
    double trace = 0, squares = 0;
    for (size_t i = 0; i < dim; i++) {
        for (size_t j = 0; j < i; j++)
            squares += 2 * cov[i * dim + j] * cov[i * dim + j];
        squares += cov[i * dim + i] * cov[i * dim + i];
        trace += cov[i * dim + i];
    }
    *mu = trace / (double)dim;
    double d2 = squares - trace * *mu;                              // |S - mu I|^2, times dim
    double b2 = (fourth / (double)count - squares) / (double)count; // mean of |x x' - S|^2 / count, times dim
    if (b2 <= 0)
        return 0;
    return b2 < d2 ? b2 / d2 : 1;
}

// In place: the inverse of the Cholesky factor. Row-major lower is LAPACK's upper.
static bool invert_factor(double *a, int dim)
{
    int info;
    dpotrf_("U", &dim, a, &dim, &info);
    if (info != 0)
        return false;
    dtrtri_("U", "N", &dim, a, &dim, &info);
    return info == 0;
}

enum status gaussian_fit(const float *rows, size_t count, int dim, struct gaussian *g, struct error *err)
{
    if (count < 2 || dim < 1)
        return error_set(err, ST_INVALID, "%zu pictures are too few for statistics; at least 2 are needed",
                         count);
    size_t d = (size_t)dim;
    double *offset = xmalloc(d * sizeof *offset), *cov = xmalloc(d * d * sizeof *cov), *work = NULL;
    enum status status = mean_offset(rows, count, d, offset, err);
    if (status != ST_OK)
        goto out;
    double mu, fourth = covariance(rows, count, d, offset, cov);
    double shrinkage = shrinkage_of(cov, count, d, fourth, &mu);
    if (!(mu > 0)) {
        status = error_set(err, ST_INVALID,
                           "all %zu pictures have the same features; there is nothing to learn", count);
        goto out;
    }
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < i; j++)
            cov[i * d + j] *= 1 - shrinkage;
        cov[i * d + i] = (1 - shrinkage) * cov[i * d + i] + shrinkage * mu;
    }
    work = xmalloc(d * d * sizeof *work);
    memcpy(work, cov, d * d * sizeof *work);
    if (!invert_factor(work, dim)) { // no shrinkage and not of full rank, e.g. two rows
        memcpy(work, cov, d * d * sizeof *work);
        for (size_t i = 0; i < d; i++)
            work[i * d + i] += 1e-6 * mu;
        if (!invert_factor(work, dim))
            mu = NAN;
    }
    float *whiten = xcalloc(d * d, sizeof *whiten);
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j <= i; j++) {
            whiten[i * d + j] = (float)work[i * d + j];
            if (!isfinite(whiten[i * d + j]))
                mu = NAN;
        }
    }
    if (isnan(mu)) {
        free(whiten);
        status =
            error_set(err, ST_INVALID, "the features of %zu pictures vary too little to be compared", count);
        goto out;
    }
    *g = (struct gaussian){
        .dim = dim, .shrinkage = shrinkage, .whiten = whiten, .mean = xmalloc(d * sizeof *g->mean)};
    for (size_t j = 0; j < d; j++)
        g->mean[j] = (float)(rows[j] + offset[j]);
out:
    free(work);
    free(cov);
    free(offset);
    return status;
}

void gaussian_clear(struct gaussian *g)
{
    free(g->mean);
    free(g->whiten);
    *g = (struct gaussian){0};
}

void gaussian_whiten(const struct gaussian *g, const float *rows, size_t count, float *out)
{
    size_t d = (size_t)g->dim;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < d; j++)
            out[i * d + j] = rows[i * d + j] - g->mean[j];
    cblas_strmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)count, g->dim, 1.0f,
                g->whiten, g->dim, out, g->dim);
}

void gaussian_distances(const struct gaussian *g, const float *rows, size_t count, double *out)
{
    size_t d = (size_t)g->dim, most = count < BLOCK ? count : BLOCK;
    float *block = xaligned(most * d + 1, sizeof *block); // (most, dim)
    for (size_t first = 0; first < count; first += most) {
        size_t n = count - first < most ? count - first : most;
        gaussian_whiten(g, rows + first * d, n, block);
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t j = 0; j < d; j++)
                sum += (double)block[i * d + j] * block[i * d + j];
            out[first + i] = sum;
        }
    }
    free(block);
}
