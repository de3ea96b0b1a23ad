#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/contrast.h"

// LAPACK, inside OpenBLAS; column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);

// Measured on the magnetic tiles: flat between 0.1 and 1.
static const double flaw_weight = 0.3, harmless_weight = 0.8, shrinkage_least = 0.02;

void contrast_clear(struct contrast *contrast)
{
    for (int side = 0; side < CONTRAST_SIDES; side++)
        free(contrast->rows[side]);
    *contrast = (struct contrast){0};
}

void contrast_add(struct contrast *contrast, enum contrast_side side, const float *change)
{
    size_t dim = (size_t)contrast->dim, n = contrast->counts[side];
    for (size_t j = 0; j < dim; j++)
        if (!isfinite(change[j]))
            return;
    contrast->rows[side] = xreallocarray(contrast->rows[side], (n + 1) * dim, sizeof(float));
    memcpy(contrast->rows[side] + n * dim, change, dim * sizeof *change);
    contrast->counts[side]++;
}

// Lower triangle of out (dim, dim) += weight / count * X' X, X = (rows - mean) / spread; mean NULL: 0.
static void add_square(const float *rows, size_t count, size_t dim, const double *mean, const double *spread,
                       double weight, double *out)
{
    enum { BLOCK = 256 };
    double *block = xreallocarray(NULL, BLOCK * dim, sizeof *block);
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < dim; j++)
                block[i * dim + j] = ((double)rows[(first + i) * dim + j] - (mean ? mean[j] : 0)) / spread[j];
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)dim, (blasint)n, weight / (double)count,
                    block, (blasint)dim, 1, out, (blasint)dim);
    }
    free(block);
}

// In place, lower triangle. Row-major lower is LAPACK's upper.
static bool invert(double *a, int dim)
{
    int info;
    dpotrf_("U", &dim, a, &dim, &info);
    if (info == 0)
        dpotri_("U", &dim, a, &dim, &info);
    return info == 0;
}

// Lower W with W' W = a: the Cholesky factor of a with rows and columns in reverse order, turned back and
// transposed.
static bool root(const double *a, int dim, const double *spread, float *whiten)
{
    size_t d = (size_t)dim;
    int info;
    double *reverse = xcalloc(d * d, sizeof *reverse), trace = 0;
    for (size_t i = 0; i < d; i++)
        trace += a[i * d + i];
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++)
            reverse[(d - 1 - j) * d + (d - 1 - i)] = a[i * d + j];
    for (size_t i = 0; i < d; i++)
        reverse[i * d + i] += 1e-9 * trace / (double)d;
    dpotrf_("U", &dim, reverse, &dim, &info); // row-major lower L: reverse = L L'
    bool finite = info == 0;
    for (size_t i = 0; i < d && finite; i++)
        for (size_t j = 0; j <= i; j++) {
            double value = reverse[(d - 1 - j) * d + (d - 1 - i)] / spread[j];
            whiten[i * d + j] = (float)value;
            finite = finite && isfinite(whiten[i * d + j]);
        }
    free(reverse);
    return finite;
}

enum status contrast_fit(const struct contrast *contrast, const float *rows, size_t count, double shrinkage,
                         struct gaussian *g, struct error *err)
{
    size_t d = (size_t)contrast->dim;
    const size_t *n = contrast->counts;
    if (!n[CONTRAST_FLAW] || count < 2)
        return error_set(err, ST_INVALID, "there are no changes to compare pictures by");
    double *mean = xcalloc(d, sizeof *mean), *spread = xcalloc(d, sizeof *spread), trace = 0;
    double *normal = xcalloc(d * d, sizeof *normal), *flawed = xcalloc(d * d, sizeof *flawed);
    float *whiten = xcalloc(d * d, sizeof *whiten);
    bool fitted = gaussian_spreads(rows, count, contrast->dim, mean, spread) > 1e-24;
    if (fitted) {
        add_square(rows, count, d, mean, spread, 1, normal);
        if (n[CONTRAST_HARMLESS])
            add_square(contrast->rows[CONTRAST_HARMLESS], n[CONTRAST_HARMLESS], d, NULL, spread,
                       harmless_weight, normal);
        double rho = shrinkage > shrinkage_least ? shrinkage : shrinkage_least;
        for (size_t i = 0; i < d; i++)
            trace += normal[i * d + i];
        for (size_t i = 0; i < d; i++) {
            for (size_t j = 0; j < i; j++)
                normal[i * d + j] *= 1 - rho;
            normal[i * d + i] = (1 - rho) * normal[i * d + i] + rho * trace / (double)d;
        }
        memcpy(flawed, normal, d * d * sizeof *flawed);
        add_square(contrast->rows[CONTRAST_FLAW], n[CONTRAST_FLAW], d, NULL, spread, flaw_weight, flawed);
        fitted = invert(normal, contrast->dim) && invert(flawed, contrast->dim);
        for (size_t i = 0; i < d * d; i++)
            normal[i] -= flawed[i];
        fitted = fitted && root(normal, contrast->dim, spread, whiten);
    }
    if (fitted) {
        *g = (struct gaussian){.dim = contrast->dim,
                               .shrinkage = shrinkage,
                               .whiten = whiten,
                               .mean = xcalloc(d, sizeof *g->mean)};
        for (size_t j = 0; j < d; j++)
            g->mean[j] = (float)mean[j];
    } else {
        free(whiten);
    }
    free(mean);
    free(spread);
    free(normal);
    free(flawed);
    return fitted ? ST_OK
                  : error_set(err, ST_INVALID, "the features of %zu pictures vary too little to be compared",
                              count);
}
