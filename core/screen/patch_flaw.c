#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/adapt_pixels.h"
#include "screen/patch_flaw.h"

// LAPACK, inside OpenBLAS; column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda,
             const double *vl, const double *vu, const int *il, const int *iu, const double *abstol, int *m, double *w,
             double *z, const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork, const int *liwork,
             int *info);

enum { RANK = 64, MOVES_LEAST = 200, CELLS = 16, BLOCK = 256 };
static const double light_weight = 0.5, flaw_weight = 0.3; // a, c
static const double light_gain = 0.25, light_gamma = 0.15; // deviations of logarithms
static const double covered = 1 / 12.0, touched = 0.01;    // shares of a cell

// ---- moves ----

void flaw_moves_clear(struct flaw_moves *moves)
{
    for (int s = 0; s < FLAW_SIDES; s++)
        free(moves->rows[s]);
    *moves = (struct flaw_moves){0};
}

void flaw_moves_add(struct flaw_moves *moves, enum flaw_side side, const float *before, const float *after, int dim)
{
    size_t n = (size_t)dim, at = moves->counts[side] * n;
    moves->dim = dim;
    GROW(moves->rows[side], moves->capacities[side], at + n);
    for (size_t k = 0; k < n; k++)
        moves->rows[side][at + k] = after[k] - before[k];
    moves->counts[side]++;
}

// ---- fitting ----

// Mean outer product of the whitened moves into `sum` (dim, dim), lower triangle. Returns how many there are.
static size_t outer(const struct flaw_moves *const *moves, size_t count, enum flaw_side side, const float *whiten, int dim,
                    double *sum)
{
    size_t d = (size_t)dim, total = 0;
    float *block = xaligned(BLOCK * d, sizeof *block);
    double *wide = xmalloc(BLOCK * d * sizeof *wide);
    memset(sum, 0, d * d * sizeof *sum);
    for (size_t i = 0; i < count; i++)
        for (size_t first = 0; first < moves[i]->counts[side]; first += BLOCK) {
            size_t left = moves[i]->counts[side] - first, n = left < BLOCK ? left : BLOCK;
            memcpy(block, moves[i]->rows[side] + first * d, n * d * sizeof *block);
            cblas_strmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (blasint)n, dim, 1, whiten, dim,
                        block, dim);
            for (size_t k = 0; k < n * d; k++)
                wide[k] = (double)block[k];
            cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, dim, (blasint)n, 1, wide, dim, 1, sum, dim);
            total += n;
        }
    for (size_t k = 0; k < d * d && total; k++)
        sum[k] /= (double)total;
    free(wide);
    free(block);
    return total;
}

// a (dim, dim), symmetric, lower triangle, is lost. The largest `rank` eigenvalues, rising, and vectors (rank, dim).
static bool largest(double *a, int dim, int rank, double *values, double *vectors)
{
    const double none = 0;
    int from = dim - rank + 1, found = 0, info = 0, room = -1, whole_room = -1, whole = 0;
    int *support = xcalloc(2 * (size_t)rank, sizeof *support);
    double *all = xcalloc((size_t)dim, sizeof *all), best = 0;
    // Row-major lower is LAPACK's upper.
    dsyevr_("V", "I", "U", &dim, a, &dim, &none, &none, &from, &dim, &none, &found, all, vectors, &dim, support, &best,
            &room, &whole, &whole_room, &info);
    if (info == 0) {
        room = (int)best;
        whole_room = whole;
        double *work = xmalloc((size_t)room * sizeof *work);
        int *wholes = xmalloc((size_t)whole_room * sizeof *wholes);
        dsyevr_("V", "I", "U", &dim, a, &dim, &none, &none, &from, &dim, &none, &found, all, vectors, &dim, support, work,
                &room, wholes, &whole_room, &info);
        free(work);
        free(wholes);
    }
    memcpy(values, all, (size_t)rank * sizeof *values);
    free(all);
    free(support);
    return info == 0 && found == rank;
}

// In place: L^-1 of a = L L', lower triangular, zeros above.
static bool invert_factor(double *a, int dim)
{
    int info;
    dpotrf_("U", &dim, a, &dim, &info);
    if (info == 0)
        dtrtri_("U", "N", &dim, a, &dim, &info);
    for (size_t i = 0, d = (size_t)dim; i < d; i++)
        for (size_t j = i + 1; j < d; j++)
            a[i * d + j] = 0;
    return info == 0;
}

bool patch_flaws_fit(const struct flaw_moves *const *moves, size_t count, const float *whiten, int dim,
                     struct patch_flaws *flaws)
{
    size_t d = (size_t)dim;
    int rank = dim < RANK ? dim : RANK;
    double *normal = xmalloc(d * d * sizeof *normal), *drawn = xmalloc(d * d * sizeof *drawn);
    double *half = xmalloc(d * d * sizeof *half), *values = xcalloc((size_t)rank, sizeof *values);
    double *vectors = xcalloc((size_t)rank * d, sizeof *vectors);
    *flaws = (struct patch_flaws){0};
    outer(moves, count, FLAW_SIDE_LIGHT, whiten, dim, normal);
    bool fitted = outer(moves, count, FLAW_SIDE_DRAWN, whiten, dim, drawn) >= MOVES_LEAST;
    for (size_t k = 0; k < d * d; k++)
        normal[k] *= light_weight;
    for (size_t i = 0; i < d; i++) {
        normal[i * d + i] += 1;
        for (size_t j = 0; j < i; j++)
            drawn[j * d + i] = drawn[i * d + j];
    }
    fitted = fitted && invert_factor(normal, dim);
    if (fitted) { // L^-1 D L^-T
        memcpy(half, drawn, d * d * sizeof *half);
        cblas_dtrmm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, dim, dim, 1, normal, dim, half, dim);
        cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, dim, dim, 1, normal, dim, half, dim);
        fitted = largest(half, dim, rank, values, vectors) && values[rank - 1] > 1e-9;
    }
    if (fitted) {
        flaws->rank = rank;
        flaws->project = xmalloc(d * (size_t)rank * sizeof *flaws->project);
        for (size_t r = 0; r < (size_t)rank; r++) {
            double *v = vectors + r * d, strength = flaw_weight * fmax(values[r], 0);
            cblas_dtrmv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, dim, normal, dim, v, 1);
            for (size_t k = 0; k < d; k++) {
                flaws->project[k * (size_t)rank + r] = (float)(sqrt(strength / (1 + strength)) * v[k]);
                fitted = fitted && isfinite(flaws->project[k * (size_t)rank + r]);
            }
        }
    }
    if (!fitted)
        patch_flaws_clear(flaws);
    free(vectors);
    free(values);
    free(half);
    free(drawn);
    free(normal);
    return fitted;
}

void patch_flaws_clear(struct patch_flaws *flaws)
{
    free(flaws->project);
    *flaws = (struct patch_flaws){0};
}

// ---- copies ----

void flaw_copy_clear(struct flaw_copy *copy)
{
    free(copy->rgb);
    free(copy->mask);
    *copy = (struct flaw_copy){.without = copy->without};
}

enum flaw_side flaw_copy_draw(struct flaw_copy *copy, int nth, struct rng *rng, const float *rgb, int rows, int cols)
{
    size_t pixels = (size_t)rows * (size_t)cols;
    if (pixels > copy->capacity) {
        flaw_copy_clear(copy);
        copy->rgb = xmalloc(3 * pixels * sizeof *copy->rgb);
        copy->mask = xmalloc(pixels * sizeof *copy->mask);
        copy->capacity = pixels;
    }
    memcpy(copy->rgb, rgb, 3 * pixels * sizeof *rgb);
    if (nth < FLAW_COPIES_LIGHT) {
        adapt_light(rng, light_gain, light_gamma, copy->rgb, pixels);
        return FLAW_SIDE_LIGHT;
    }
    while (1u << adapt_flaw(rng, rows, cols, copy->rgb, copy->mask) & copy->without)
        memcpy(copy->rgb, rgb, 3 * pixels * sizeof *rgb);
    return FLAW_SIDE_DRAWN;
}

void flaw_copy_cells(const struct flaw_copy *copy, enum flaw_side side, struct rng *rng, int rows, int cols, int stride,
                     const unsigned char *looked, unsigned char *chosen)
{
    int down = rows / stride, across = cols / stride;
    size_t cells = (size_t)down * (size_t)across, candidates = 0;
    float *share = xcalloc(cells, sizeof *share), most = 0;
    float unit = 1 / (float)(stride * stride);
    for (int y = 0; side == FLAW_SIDE_DRAWN && y < down * stride; y++)
        for (int x = 0; x < across * stride; x++)
            share[y / stride * across + x / stride] += unit * copy->mask[(size_t)y * (size_t)cols + (size_t)x];
    for (size_t i = 0; i < cells; i++)
        most = fmaxf(most, share[i]);
    float enough = side == FLAW_SIDE_DRAWN ? fmaxf(fminf((float)covered, most), (float)touched) : 0;
    for (size_t i = 0; i < cells; i++) {
        chosen[i] = looked[i] && share[i] >= enough;
        candidates += chosen[i];
    }
    for (size_t i = 0; i < cells; i++)
        if (chosen[i] && candidates > CELLS && rng_uniform(rng) * (double)candidates >= CELLS)
            chosen[i] = 0;
    free(share);
}
