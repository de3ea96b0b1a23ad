#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/acquire.h"

// So few pictures show no more axes than count / EACH: as many axes as pictures, each scaled to variance one, would put them all
// equally far from each other.
enum { EACH = 8, AXES_LEAST = 4 };

// LAPACK, inside OpenBLAS; column-major.
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda,
             const double *vl, const double *vu, const int *il, const int *iu, const double *abstol, int *m,
             double *w, double *z, const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info);

// Mean and deviation of each column; a column that does not vary has 0. False: not finite.
static bool moments(const float *rows, size_t count, size_t dim, double *mean, double *deviation)
{
    memset(mean, 0, dim * sizeof *mean);
    memset(deviation, 0, dim * sizeof *deviation);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < dim; j++)
            mean[j] += (double)rows[i * dim + j];
    for (size_t j = 0; j < dim; j++)
        mean[j] /= (double)count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < dim; j++)
            deviation[j] += pow((double)rows[i * dim + j] - mean[j], 2);
    for (size_t j = 0; j < dim; j++)
        deviation[j] = sqrt(deviation[j] / (double)count);
    for (size_t j = 0; j < dim; j++)
        if (!isfinite(deviation[j]))
            return false;
    return true;
}

// Correlations of the columns, upper triangle by columns (dim, dim).
static double *correlations(const float *rows, size_t count, size_t dim, const double *mean,
                            const double *deviation)
{
    enum { BLOCK = 256 };
    double *block = xcalloc(BLOCK * dim, sizeof *block), *matrix = xcalloc(dim * dim, sizeof *matrix);
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < dim; j++)
                block[i * dim + j] =
                    deviation[j] > 0 ? ((double)rows[(first + i) * dim + j] - mean[j]) / deviation[j] : 0;
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, (int)dim, (int)n, 1.0 / (double)count, block,
                    (int)dim, 1, matrix, (int)dim);
    }
    free(block);
    return matrix;
}

// The `want` largest eigenvalues, rising, and their vectors (want, dim). False when it does not converge.
static bool leading(double *matrix, int dim, int want, double *values, double *vectors)
{
    int first = dim - want + 1, found, info, lwork = 26 * dim, liwork = 10 * dim;
    double unused = 0, *work = xcalloc((size_t)lwork, sizeof *work);
    int *iwork = xcalloc((size_t)liwork, sizeof *iwork), *support = xcalloc(2 * (size_t)dim, sizeof *support);
    dsyevr_("V", "I", "U", &dim, matrix, &dim, &unused, &unused, &first, &dim, &unused, &found, values,
            vectors, &dim, support, work, &lwork, iwork, &liwork, &info);
    free(work);
    free(iwork);
    free(support);
    return info == 0 && found == want;
}

enum status acquire_projection_fit(const float *rows, size_t count, int dim, struct acquire_projection *p,
                                   struct error *err)
{
    size_t d = (size_t)dim;
    int want = dim < ACQUIRE_POINT ? dim : ACQUIRE_POINT, shown = count < AXES_LEAST * EACH ? AXES_LEAST : (int)(count / EACH);
    want = want < shown ? want : shown;
    if (count < 2)
        return error_set(err, ST_INVALID, "%zu pictures are too few to compare pictures by", count);
    double *mean = xcalloc(d, sizeof *mean), *deviation = xcalloc(d, sizeof *deviation);
    double *values = xcalloc(d, sizeof *values), *vectors = xcalloc((size_t)want * d, sizeof *vectors);
    double *matrix = NULL;
    bool fine = moments(rows, count, d, mean, deviation);
    if (fine) {
        matrix = correlations(rows, count, d, mean, deviation);
        fine = leading(matrix, dim, want, values, vectors);
    }
    if (fine)
        *p = (struct acquire_projection){.dim = dim,
                                         .map = xcalloc(ACQUIRE_POINT * d, sizeof(float)),
                                         .offset = xcalloc(ACQUIRE_POINT, sizeof(float))};
    for (int r = 0; r < want && fine; r++) {
        int from = want - 1 - r; // the largest first
        if (!(values[from] > 1e-6 * values[want - 1]))
            continue; // as many pictures as that do not span
        for (size_t j = 0; j < d; j++) {
            double weight =
                deviation[j] > 0 ? vectors[(size_t)from * d + j] / (deviation[j] * sqrt(values[from])) : 0;
            p->map[(size_t)r * d + j] = (float)weight;
            p->offset[r] += (float)(weight * mean[j]);
        }
    }
    free(matrix);
    free(mean);
    free(deviation);
    free(values);
    free(vectors);
    return fine ? ST_OK
                : error_set(err, ST_INVALID, "the features of %zu pictures cannot be compared", count);
}

void acquire_projection_clear(struct acquire_projection *p)
{
    free(p->map);
    free(p->offset);
    *p = (struct acquire_projection){0};
}

void acquire_point(const struct acquire_projection *p, const float *embedding, float point[ACQUIRE_POINT])
{
    memcpy(point, p->offset, ACQUIRE_POINT * sizeof *point);
    cblas_sgemv(CblasRowMajor, CblasNoTrans, ACQUIRE_POINT, p->dim, 1, p->map, p->dim, embedding, 1, -1,
                point, 1);
}
