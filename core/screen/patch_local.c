#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/patch_local.h"

// LAPACK, inside OpenBLAS; column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);
void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
            double *work, const int *lwork, int *info);

enum { CELLS = LOCAL_SIDE * LOCAL_SIDE };
static const double prior = 64, least = 1e-6; // cells; of the largest variance

struct local_fit {
    struct patch_local *local;
    int rows, cols;
    size_t triangle;
    float *scatter; // (places, triangle), by columns of the lower triangle
};

void patch_local_clear(struct patch_local *local)
{
    free(local->project);
    free(local->factors);
    free(local->counts);
    *local = (struct patch_local){0};
}

static size_t place_of(int r, int c, int cols)
{
    return (size_t)(r / LOCAL_SIDE) * (size_t)((cols + LOCAL_SIDE - 1) / LOCAL_SIDE) +
           (size_t)(c / LOCAL_SIDE);
}

// y = L^-1 z.
static void whiten(const float *factor, int rank, const float *restrict z, float *restrict y)
{
    memset(y, 0, (size_t)rank * sizeof *y);
    for (int j = 0; j < rank; j++) {
        const float v = z[j], *column = factor - j;
        for (int i = j; i < rank; i++)
            y[i] += v * column[i];
        factor += rank - j;
    }
}

// The diagonal of G (I - G)^-1, by elimination of (I - G | G); count <= CELLS.
static void leave_out(double g[CELLS][CELLS], int count, double squares[CELLS])
{
    double left[CELLS][CELLS], right[CELLS][CELLS];
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            left[i][j] = (i == j) - g[i][j];
            right[i][j] = g[i][j];
        }
    for (int k = 0; k < count; k++) { // I - G is positive definite: the prior is in M
        double pivot = left[k][k];
        for (int j = 0; j < count; j++) {
            left[k][j] /= pivot;
            right[k][j] /= pivot;
        }
        for (int i = 0; i < count; i++) {
            double by = left[i][k];
            for (int j = 0; i != k && j < count; j++) {
                left[i][j] -= by * left[k][j];
                right[i][j] -= by * right[k][j];
            }
        }
    }
    for (int i = 0; i < count; i++)
        squares[i] = right[i][i];
}

// Distances of the cells of the place at (r, c) as if those marked had not been fitted on.
static void distances_without(const struct patch_local *local, int rows, int cols, int r, int c,
                              const float *z, const unsigned char *left_out, float *distances)
{
    const int rank = local->rank;
    const size_t place = place_of(r, c, cols), triangle = (size_t)rank * (size_t)(rank + 1) / 2;
    size_t cells[CELLS];
    float y[CELLS][LOCAL_RANK];
    double g[CELLS][CELLS], squares[CELLS], total = (double)local->counts[place];
    int count = 0;
    for (int i = 0; i < CELLS; i++) {
        int row = r + i / LOCAL_SIDE, col = c + i % LOCAL_SIDE;
        size_t cell = (size_t)row * (size_t)cols + (size_t)col;
        if (row >= rows || col >= cols || !left_out[cell])
            continue;
        whiten(local->factors + place * triangle, rank, z + cell * (size_t)rank, y[count]);
        cells[count++] = cell;
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            g[i][j] = 0;
            for (int k = 0; k < rank; k++)
                g[i][j] += (double)y[i][k] * (double)y[j][k] / total;
        }
    leave_out(g, count, squares);
    for (int i = 0; i < count; i++)
        distances[cells[i]] = (float)sqrt(fmax(squares[i], 0) * (total - count) / rank);
}

void patch_local_distances(const struct patch_local *local, int rows, int cols, const float *z,
                           const unsigned char *left_out, float *distances)
{
    const int rank = local->rank;
    const size_t triangle = (size_t)rank * (size_t)(rank + 1) / 2;
    float y[LOCAL_RANK];
    for (int r = 0; r < rows; r += LOCAL_SIDE)
        for (int c = 0; c < cols; c++)
            for (int down = 0; down < LOCAL_SIDE && r + down < rows;
                 down++) { // cells of one place after the other
                size_t cell = (size_t)(r + down) * (size_t)cols + (size_t)c;
                whiten(local->factors + place_of(r, c, cols) * triangle, rank, z + cell * (size_t)rank, y);
                float squares[4] = {0};
                for (int k = 0; k < rank; k++)
                    squares[k & 3] += y[k] * y[k];
                distances[cell] = sqrtf((squares[0] + squares[1] + squares[2] + squares[3]) / (float)rank);
            }
    for (int r = 0; left_out && r < rows; r += LOCAL_SIDE)
        for (int c = 0; c < cols; c += LOCAL_SIDE)
            distances_without(local, rows, cols, r, c, z, left_out, distances);
}

struct local_fit *local_fit_new(const double *covariance, int dim, int rows, int cols,
                                struct patch_local *local)
{
    size_t d = (size_t)dim;
    double *a = xmalloc(d * d * sizeof *a), *values = xcalloc(d, sizeof *values), best = 0;
    int info = 0, room = -1, rank = 0;
    *local = (struct patch_local){0};
    memcpy(a, covariance, d * d * sizeof *a);
    dsyev_("V", "U", &dim, a, &dim, values, &best, &room, &info); // row-major lower is its upper
    room = (int)best;
    double *work = xmalloc((size_t)(room > 1 ? room : 1) * sizeof *work);
    dsyev_("V", "U", &dim, a, &dim, values, work, &room, &info);
    free(work);
    for (int k = dim - 1; info == 0 && k >= 0 && rank < LOCAL_RANK; k--)
        rank += values[k] > least * values[dim - 1];
    struct local_fit *fit = NULL;
    if (info == 0 && rank > 0 && values[dim - 1] > 0) {
        fit = xcalloc(1, sizeof *fit);
        local->rank = rank;
        local->project = xmalloc(d * (size_t)rank * sizeof *local->project);
        for (int k = 0; k < rank; k++) // the largest first
            for (size_t i = 0; i < d; i++)
                local->project[i * (size_t)rank + (size_t)k] =
                    (float)(a[(size_t)(dim - 1 - k) * d + i] / sqrt(values[dim - 1 - k]));
        fit->local = local;
        fit->rows = rows;
        fit->cols = cols;
        fit->triangle = (size_t)rank * (size_t)(rank + 1) / 2;
        fit->scatter = xcalloc(patch_local_count(rows, cols) * fit->triangle, sizeof *fit->scatter);
        local->counts = xcalloc(patch_local_count(rows, cols), sizeof *local->counts);
        for (size_t p = 0; p < patch_local_count(rows, cols); p++)
            local->counts[p] = (float)prior;
    }
    free(values);
    free(a);
    return fit;
}

void local_fit_add(struct local_fit *fit, const float *z, const unsigned char *looked)
{
    const int rank = fit->local->rank;
    for (int r = 0; r < fit->rows; r++)
        for (int c = 0; c < fit->cols; c++) {
            size_t cell = (size_t)r * (size_t)fit->cols + (size_t)c, place = place_of(r, c, fit->cols);
            const float *restrict x = z + cell * (size_t)rank;
            float *restrict s = fit->scatter + place * fit->triangle;
            if (!looked[cell])
                continue;
            for (int j = 0; j < rank; j++) {
                for (int i = j; i < rank; i++)
                    s[i - j] += x[j] * x[i];
                s += rank - j;
            }
            fit->local->counts[place]++;
        }
}

bool local_fit_end(struct local_fit *fit)
{
    const int rank = fit->local->rank;
    size_t n = (size_t)rank, places = patch_local_count(fit->rows, fit->cols);
    double *a = xcalloc(n * n, sizeof *a);
    bool fitted = true;
    fit->local->factors = xmalloc(places * fit->triangle * sizeof *fit->local->factors);
    for (size_t p = 0; p < places && fitted; p++) {
        const float *s = fit->scatter + p * fit->triangle;
        double total = (double)fit->local->counts[p];
        int info = 0;
        for (size_t j = 0; j < n; j++)
            for (size_t i = j; i < n; i++)
                a[j * n + i] = ((double)*s++ + (i == j ? prior : 0)) / total; // column-major, lower
        dpotrf_("L", &rank, a, &rank, &info);
        if (info == 0)
            dtrtri_("L", "N", &rank, a, &rank, &info);
        float *factor = fit->local->factors + p * fit->triangle;
        for (size_t j = 0; j < n; j++)
            for (size_t i = j; i < n; i++)
                *factor++ = (float)a[j * n + i];
        fitted = info == 0;
    }
    free(a);
    return fitted;
}

void local_fit_free(struct local_fit *fit)
{
    if (!fit)
        return;
    free(fit->scatter);
    free(fit);
}
