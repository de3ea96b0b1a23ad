// One shrinkage Gaussian over the cells of one tap.
//
// Cells of one picture are far from independent, but there are many of them:
// the covariance is that of all cells about their means, shrunk by OAS (Chen,
// Wiesel, Eldar & Hero 2010, "Shrinkage algorithms for MMSE covariance
// estimation", eq. 23). The mean at a place is an empirical-Bayes compromise
// between the sample's mean there and the mean of all cells. In the fit each
// cell is measured from a mean at its place that leaves its own picture out, as
// a new picture's will be. How far normal cells lie differs from place to place
// (loose stones against painted steel): a distance is told in that of its place,
// as a logarithm of the same spread everywhere.
#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/patch_impl.h"

// LAPACK, inside OpenBLAS; column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);

// Fewer pictures than TYPICAL_LEAST do not know how normal cells vary at a place: on the magnetic tiles, where some 40
// share a grid, telling distances so cost the fused score 0.01 AUROC.
enum { SPREAD_PRIOR = 10, BORDER = 2, TYPICAL_LEAST = 100 };
static const double cell_quantile = 0.999, shrinkage_min = 1e-4;

// One Gaussian: the views it is fitted on and what the passes over them sum up.
struct fit {
    const struct patch_views *views;
    int tap;
    size_t dim, places;          // places 0: one mean
    double *sums, *mean;         // (dim)
    double *place_sums;          // (places, dim)
    double *place_squares;       // (places): of the distances from the mean there
    size_t *place_counts, cells; // (places); all
    float *block, *product;      // residuals of one view (cells, dim); (dim, dim)
    double *covariance;          // (dim, dim)
};

static const struct patch_view *view_of(const struct fit *fit, size_t v)
{
    return fit->views->get(fit->views->context, v, fit->tap);
}

static void fit_means(struct fit *fit)
{
    for (size_t v = 0; v < fit->views->count; v++) {
        const struct patch_view *view = view_of(fit, v);
        const struct tap *tap = &view->taps[fit->tap];
        const uint8_t *looked = view->looked[fit->tap];
        for (size_t i = 0; i < (size_t)tap->rows * (size_t)tap->cols; i++) {
            if (!looked[i])
                continue;
            const float *x = tap->data + i * fit->dim;
            double *sum = fit->places ? fit->place_sums + i * fit->dim : fit->sums;
            for (size_t k = 0; k < fit->dim; k++)
                sum[k] += x[k];
            fit->cells++;
            if (fit->places)
                fit->place_counts[i]++;
        }
    }
    for (size_t p = 0; p < fit->places; p++)
        for (size_t k = 0; k < fit->dim; k++)
            fit->sums[k] += fit->place_sums[p * fit->dim + k];
    for (size_t k = 0; k < fit->dim; k++)
        fit->mean[k] = fit->sums[k] / (double)fit->cells;
}

// How far the sample's mean at a place is to be trusted: the variance between
// places that sampling alone does not explain, over all of it.
static double fit_blend(const struct fit *fit)
{
    double within = 0, between = 0, inverse = 0;
    size_t freedom = 0, seen = 0;
    for (size_t v = 0; v < fit->views->count; v++) {
        const struct patch_view *view = view_of(fit, v);
        const struct tap *tap = &view->taps[fit->tap];
        for (size_t p = 0; p < fit->places; p++) {
            double n = (double)fit->place_counts[p];
            for (size_t k = 0; view->looked[fit->tap][p] && k < fit->dim; k++) {
                double d = tap->data[p * fit->dim + k] - fit->place_sums[p * fit->dim + k] / n;
                fit->place_squares[p] += d * d;
            }
        }
    }
    for (size_t p = 0; p < fit->places; p++) {
        double n = (double)fit->place_counts[p];
        within += fit->place_squares[p];
        if (n < 2)
            continue;
        for (size_t k = 0; k < fit->dim; k++) {
            double d = fit->place_sums[p * fit->dim + k] / n - fit->mean[k];
            between += d * d;
        }
        freedom += fit->place_counts[p] - 1;
        inverse += 1 / n;
        seen++;
    }
    if (!seen || !(between > 0))
        return 0;
    double chance = within / (double)freedom * inverse / (double)seen;
    double blend = 1 - chance / (between / (double)seen);
    return blend > 0 ? blend : 0;
}

// Residuals of the cells looked at in one view, about means that leave the view out. Returns how many.
static size_t fit_residuals(const struct fit *fit, const struct patch_view *view, double blend)
{
    const struct tap *tap = &view->taps[fit->tap];
    size_t n = 0;
    for (size_t i = 0; i < (size_t)tap->rows * (size_t)tap->cols; i++) {
        if (!view->looked[fit->tap][i])
            continue;
        const float *x = tap->data + i * fit->dim;
        float *out = fit->block + n++ * fit->dim;
        size_t others = fit->places ? fit->place_counts[i] - 1 : 0;
        for (size_t k = 0; k < fit->dim; k++) {
            double mean = fit->mean[k];
            if (others)
                mean += blend * ((fit->place_sums[i * fit->dim + k] - x[k]) / (double)others - mean);
            out[k] = (float)(x[k] - mean);
        }
    }
    return n;
}

// OAS intensity for `n` samples of dimension p; `average` receives the mean variance.
static double oas(const double *s, size_t p, double n, double *average)
{
    double trace = 0, square = 0;
    for (size_t i = 0; i < p; i++) {
        trace += s[i * p + i];
        for (size_t j = 0; j < i; j++)
            square += 2 * s[i * p + j] * s[i * p + j];
        square += s[i * p + i] * s[i * p + i];
    }
    double dim = (double)p, spread = square - trace * trace / dim;
    double rho = spread > 0 ? ((1 - 2 / dim) * square + trace * trace) / ((n + 1 - 2 / dim) * spread) : 1;
    *average = trace / dim;
    return rho < shrinkage_min ? shrinkage_min : rho < 1 ? rho : 1;
}

// whiten = inverse Cholesky factor of the shrunk covariance. False when there is no variance.
static bool fit_whiten(struct fit *fit, double n, struct patch_gaussian *g)
{
    size_t p = fit->dim;
    double average, *s = fit->covariance, rho = oas(s, p, n, &average);
    if (!(average > 1e-12))
        return false;
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < i; j++)
            s[i * p + j] *= 1 - rho;
        s[i * p + i] = (1 - rho) * s[i * p + i] + rho * average;
    }
    int size = (int)p, info = 0;
    dpotrf_("U", &size, s, &size, &info); // our lower triangle, row-major, is its upper one
    if (info == 0)
        dtrtri_("U", "N", &size, s, &size, &info);
    if (info != 0)
        return false;
    g->shrinkage = (float)rho;
    g->whiten = xcalloc(p * p, sizeof *g->whiten);
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j <= i; j++)
            g->whiten[i * p + j] = (float)s[i * p + j];
    return true;
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

float patch_quantile(float *values, size_t count)
{
    qsort(values, count, sizeof *values, rising);
    size_t at = (size_t)(cell_quantile * (double)(count - 1) + 0.5);
    return values[at];
}

// The spreads are drawn towards their common one as by SPREAD_PRIOR more pictures.
void patch_typical_fit(float *distances, const uint32_t *at, size_t n, size_t places, float **typical,
                       float **power)
{
    size_t *counts = xcalloc(places, sizeof *counts), seen = 0;
    double *centre = xcalloc(places, sizeof *centre), *squares = xcalloc(places, sizeof *squares);
    double all = 0, common = 0;
    *typical = xreallocarray(NULL, places, sizeof **typical);
    *power = xreallocarray(NULL, places, sizeof **power);
    for (size_t i = 0; i < n; i++) {
        distances[i] = logf(fmaxf(distances[i], 1e-6f));
        centre[at[i]] += (double)distances[i];
        all += (double)distances[i] / (double)n;
        counts[at[i]]++;
    }
    for (size_t p = 0; p < places; p++) {
        centre[p] = counts[p] ? centre[p] / (double)counts[p] : all;
        seen += counts[p] > 0;
    }
    for (size_t i = 0; i < n; i++) {
        double d = (double)distances[i] - centre[at[i]];
        squares[at[i]] += d * d;
        common += d * d;
    }
    common /= n > seen ? (double)(n - seen) : 1;
    for (size_t p = 0; p < places; p++) {
        double freedom = counts[p] ? (double)(counts[p] - 1) : 0;
        double square = (squares[p] + SPREAD_PRIOR * common) / (freedom + SPREAD_PRIOR);
        (*typical)[p] = (float)exp(centre[p]);
        (*power)[p] = square > 0 ? (float)sqrt(common / square) : 1;
    }
    for (size_t i = 0; i < n; i++)
        distances[i] = patch_told(expf(distances[i]), *typical, *power, at[i]);
    free(squares);
    free(centre);
    free(counts);
}

// Share of the variance that the places explain, away from the border: there the network sees where the picture ends,
// whatever it shows (squashed magnetic tiles: 0.79 with the border, 0.39 without).
static double fit_placed(const struct fit *fit)
{
    const struct tap *tap = &view_of(fit, 0)->taps[fit->tap];
    double within = 0, between = 0, count = 0, *mean = xcalloc(fit->dim, sizeof *mean);
    for (int pass = 0; pass < 2; pass++)
        for (int r = BORDER; r < tap->rows - BORDER; r++)
            for (int c = BORDER; c < tap->cols - BORDER; c++) {
                size_t p = (size_t)r * (size_t)tap->cols + (size_t)c;
                double n = (double)fit->place_counts[p];
                for (size_t k = 0; n > 0 && k < fit->dim; k++) {
                    double d = fit->place_sums[p * fit->dim + k] - (pass ? n * mean[k] / count : 0);
                    mean[k] += pass ? 0 : d;
                    between += pass ? d * d / n : 0;
                }
                count += pass ? 0 : n;
                within += pass ? fit->place_squares[p] : 0;
            }
    free(mean);
    return between + within > 0 ? between / (between + within) : 0;
}

// The directions of one view's cells (rows, cols, rank), about means that leave the view out; 0 where it was
// not looked.
static void fit_directions(const struct fit *fit, const struct patch_view *view, double blend,
                           const struct patch_local *local, float *z)
{
    const struct tap *tap = &view->taps[fit->tap];
    const size_t cells = (size_t)tap->rows * (size_t)tap->cols, rank = (size_t)local->rank;
    size_t from = fit_residuals(fit, view, blend);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)from, (blasint)rank, (blasint)fit->dim, 1,
                fit->block, (blasint)fit->dim, local->project, (blasint)rank, 0, z, (blasint)rank);
    for (size_t i = cells; i-- > 0;) // apart again, from the last on
        if (view->looked[fit->tap][i])
            memmove(z + i * rank, z + --from * rank, rank * sizeof *z);
        else
            memset(z + i * rank, 0, rank * sizeof *z);
}

// A covariance for each place, and the distances of all cells then. False: there is none.
static bool fit_local(const struct fit *fit, const double *covariance, double blend, struct patch_gaussian *g,
                      float *distances)
{
    const struct tap *tap = &view_of(fit, 0)->taps[fit->tap];
    struct local_fit *local = local_fit_new(covariance, (int)fit->dim, tap->rows, tap->cols, &g->local);
    if (!local)
        return false;
    float *z = xreallocarray(NULL, (size_t)tap->rows * (size_t)tap->cols * (size_t)g->local.rank, sizeof *z);
    for (size_t v = 0; v < fit->views->count; v++) {
        const struct patch_view *view = view_of(fit, v);
        fit_directions(fit, view, blend, &g->local, z);
        local_fit_add(local, z, view->looked[fit->tap]);
    }
    float *all = xreallocarray(NULL, fit->places, sizeof *all);
    bool fitted = local_fit_end(local);
    for (size_t v = 0; v < fit->views->count && fitted; v++) {
        const struct patch_view *view = view_of(fit, v);
        const uint8_t *looked = view->looked[fit->tap];
        fit_directions(fit, view, blend, &g->local, z);
        patch_local_distances(&g->local, tap->rows, tap->cols, z, looked, all);
        for (size_t i = 0; i < fit->places; i++)
            if (looked[i])
                *distances++ = all[i];
    }
    if (!fitted)
        patch_local_clear(&g->local);
    free(all);
    free(z);
    local_fit_free(local);
    return fitted;
}

static bool fit_run(struct fit *fit, struct patch_gaussian *g)
{
    size_t dim = fit->dim, largest = 0;
    for (size_t v = 0; v < fit->views->count; v++) {
        const struct tap *tap = &view_of(fit, v)->taps[fit->tap];
        size_t cells = (size_t)tap->rows * (size_t)tap->cols;
        largest = cells > largest ? cells : largest;
    }
    fit->block = xreallocarray(NULL, largest * dim, sizeof *fit->block);
    fit_means(fit);
    double blend = fit->places ? fit_blend(fit) : 0;
    size_t n = 0;
    for (size_t v = 0; v < fit->views->count; v++) {
        size_t rows = fit_residuals(fit, view_of(fit, v), blend);
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)dim, (blasint)rows, 1, fit->block,
                    (blasint)dim, 0, fit->product, (blasint)dim);
        for (size_t i = 0; i < dim; i++)
            for (size_t j = 0; j <= i; j++)
                fit->covariance[i * dim + j] += fit->product[i * dim + j];
        n += rows;
    }
    for (size_t i = 0; i < dim * dim; i++)
        fit->covariance[i] /= (double)n;
    g->placed = (float)(fit->places ? fit_placed(fit) : 0);
    double *covariance = xmalloc(dim * dim * sizeof *covariance); // the other is lost
    memcpy(covariance, fit->covariance, dim * dim * sizeof *covariance);
    if (!fit_whiten(fit, (double)n, g)) {
        free(covariance);
        return false;
    }

    float *distances = xreallocarray(NULL, n, sizeof *distances);
    uint32_t *places = xreallocarray(NULL, n, sizeof *places);
    size_t at = 0;
    for (size_t v = 0; v < fit->views->count; v++) {
        const struct patch_view *view = view_of(fit, v);
        size_t rows = fit_residuals(fit, view, blend);
        patch_distances(g->whiten, (int)dim, fit->block, rows, distances + at);
        size_t next = at;
        for (size_t i = 0; i < fit->places; i++)
            if (view->looked[fit->tap][i])
                places[next++] = (uint32_t)i;
        at += rows;
    }
    if (fit->places && fit->tap == 0 && fit->views->count >= TYPICAL_LEAST && fit->views->registered)
        fit_local(fit, covariance, blend, g, distances);
    free(covariance);
    if (fit->places && fit->views->count >= TYPICAL_LEAST)
        patch_typical_fit(distances, places, n, fit->places, &g->typical, &g->power);
    g->quantile = patch_quantile(distances, n);
    free(places);
    free(distances);
    g->blend = (float)blend;
    g->mean = xreallocarray(NULL, dim, sizeof *g->mean);
    for (size_t k = 0; k < dim; k++)
        g->mean[k] = (float)fit->mean[k];
    if (fit->places)
        g->places = xreallocarray(NULL, fit->places * dim, sizeof *g->places);
    for (size_t p = 0; p < fit->places; p++)
        for (size_t k = 0; k < dim; k++) {
            double count = (double)fit->place_counts[p], mean = fit->mean[k];
            double here = count > 0 ? fit->place_sums[p * dim + k] / count : mean;
            g->places[p * dim + k] = (float)(mean + blend * (here - mean));
        }
    return g->quantile > 0;
}

bool patch_gaussian_fit(const struct patch_views *views, int tap, size_t dim, size_t places,
                        struct patch_gaussian *g)
{
    struct fit fit = {.views = views, .tap = tap, .dim = dim, .places = places};
    fit.sums = xcalloc(dim, sizeof *fit.sums);
    fit.mean = xcalloc(dim, sizeof *fit.mean);
    fit.place_sums = xcalloc(places * dim + 1, sizeof *fit.place_sums);
    fit.place_squares = xcalloc(places + 1, sizeof *fit.place_squares);
    fit.place_counts = xcalloc(places + 1, sizeof *fit.place_counts);
    fit.product = xcalloc(dim * dim, sizeof *fit.product);
    fit.covariance = xcalloc(dim * dim, sizeof *fit.covariance);
    bool fitted = fit_run(&fit, g);
    free(fit.sums);
    free(fit.mean);
    free(fit.place_sums);
    free(fit.place_squares);
    free(fit.place_counts);
    free(fit.product);
    free(fit.covariance);
    free(fit.block);
    return fitted;
}
