// Fitting the patch statistics.
//
// Cells of one picture are far from independent, but there are many of them:
// the covariance is that of all cells about their means, shrunk by OAS (Chen,
// Wiesel, Eldar & Hero 2010, "Shrinkage algorithms for MMSE covariance
// estimation", eq. 23). The mean at a place is an empirical-Bayes compromise
// between the sample's mean there and the mean of all cells. In the fit each
// cell is measured from means that leave its own picture out, as a new
// picture's will be.
//
// The sample may hold defects: after a first fit the most suspicious 3 % of
// the pictures are dropped and the fit repeated. For that the maps of the
// sample are kept, as floats, up to SAMPLE_BYTES; pictures beyond are not used.
#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "screen/patch_impl.h"

// LAPACK, inside OpenBLAS; column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);

enum { FIT_MIN = 8, ALIGN_MIN = 16 };
static const size_t SAMPLE_BYTES = (size_t)512 << 20;
static const double drop_share = 0.03, cell_quantile = 0.999, shrinkage_min = 1e-4;

struct kept_view {
    struct patch_view view;
    float *data[BASE_TAPS];
    uint8_t *looked[BASE_TAPS];
    size_t bytes; // 0: none
};

struct kept_picture {
    struct kept_view whole, tile;
    bool dropped;
    float score;
};

struct patch_sample {
    struct base_info base;
    struct screen_settings settings;
    struct kept_picture *pictures;
    size_t count, capacity, bytes;
};

struct patch_sample *patch_sample_new(const struct base_info *base, const struct screen_settings *settings)
{
    struct patch_sample *sample = xcalloc(1, sizeof *sample);
    sample->base = *base;
    sample->settings = *settings;
    return sample;
}

static void view_clear(struct kept_view *kept)
{
    for (int t = 0; t < BASE_TAPS; t++) {
        free(kept->data[t]);
        free(kept->looked[t]);
    }
    *kept = (struct kept_view){0};
}

void patch_sample_free(struct patch_sample *sample)
{
    if (!sample)
        return;
    for (size_t i = 0; i < sample->count; i++) {
        view_clear(&sample->pictures[i].whole);
        view_clear(&sample->pictures[i].tile);
    }
    free(sample->pictures);
    free(sample);
}

static void view_keep(struct kept_view *kept, const struct patch_view *view)
{
    for (int t = 0; t < BASE_TAPS; t++) {
        const struct tap *tap = &view->taps[t];
        size_t cells = (size_t)tap->rows * (size_t)tap->cols, count = cells * (size_t)tap->channels;
        kept->data[t] = xreallocarray(NULL, count, sizeof(float));
        kept->looked[t] = xmalloc(cells);
        memcpy(kept->data[t], tap->data, count * sizeof(float));
        memcpy(kept->looked[t], view->looked[t], cells);
        kept->bytes += count * sizeof(float) + cells;
        kept->view.taps[t] = *tap;
        kept->view.taps[t].data = kept->data[t];
        kept->view.looked[t] = kept->looked[t];
    }
}

void patch_sample_add(struct patch_sample *sample, size_t number, const struct patch_view *view, bool tile)
{
    size_t before = sample->capacity;
    GROW(sample->pictures, sample->capacity, number + 1);
    memset(sample->pictures + before, 0, (sample->capacity - before) * sizeof *sample->pictures);
    if (number >= sample->count)
        sample->count = number + 1;
    struct kept_picture *picture = &sample->pictures[number];
    struct kept_view *kept = tile ? &picture->tile : &picture->whole;
    view_keep(kept, view);
    sample->bytes += kept->bytes;
}

bool patch_sample_full(const struct patch_sample *sample)
{
    return sample->bytes > SAMPLE_BYTES;
}

// Closes the ranks: the readable pictures up to the byte budget, whatever else was read ahead.
static void sample_settle(struct patch_sample *sample)
{
    size_t kept = 0, bytes = 0;
    bool full = false;
    for (size_t i = 0; i < sample->count; i++) {
        struct kept_picture *picture = &sample->pictures[i];
        bytes += picture->whole.bytes + picture->tile.bytes;
        full = full || bytes > SAMPLE_BYTES;
        if (full) {
            view_clear(&picture->whole);
            view_clear(&picture->tile);
        } else if (picture->whole.bytes) {
            sample->pictures[kept++] = *picture;
        }
    }
    sample->count = kept;
}

static bool same_grid(const struct patch_view *a, const struct patch_view *b)
{
    return a->taps[0].rows == b->taps[0].rows && a->taps[0].cols == b->taps[0].cols;
}

// The grid that most pictures have (the earlier on a tie): a view that has it, and how many do.
static const struct patch_view *common_grid(const struct patch_sample *sample, size_t *members)
{
    const struct patch_view *best = NULL;
    *members = 0;
    for (size_t i = 0; i < sample->count; i++) {
        size_t n = 0;
        for (size_t j = 0; j < sample->count; j++)
            n += !sample->pictures[j].dropped &&
                 same_grid(&sample->pictures[i].whole.view, &sample->pictures[j].whole.view);
        if (!sample->pictures[i].dropped && n > *members) {
            *members = n;
            best = &sample->pictures[i].whole.view;
        }
    }
    return best;
}

// One Gaussian: the views it is fitted on and what the passes over them sum up.
struct fit {
    const struct patch_view **views;
    size_t count; // of views
    int tap;
    size_t dim, places; // places 0: one mean
    double *sums, *mean;              // (dim)
    double *place_sums;               // (places, dim)
    size_t *place_counts, cells;      // (places); all
    float *block, *product;           // residuals of one view (cells, dim); (dim, dim)
    double *covariance;               // (dim, dim)
};

static void fit_means(struct fit *fit)
{
    for (size_t v = 0; v < fit->count; v++) {
        const struct tap *tap = &fit->views[v]->taps[fit->tap];
        const uint8_t *looked = fit->views[v]->looked[fit->tap];
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
    for (size_t v = 0; v < fit->count; v++) {
        const struct tap *tap = &fit->views[v]->taps[fit->tap];
        for (size_t p = 0; p < fit->places; p++) {
            double n = (double)fit->place_counts[p];
            for (size_t k = 0; fit->views[v]->looked[fit->tap][p] && k < fit->dim; k++) {
                double d = tap->data[p * fit->dim + k] - fit->place_sums[p * fit->dim + k] / n;
                within += d * d;
            }
        }
    }
    for (size_t p = 0; p < fit->places; p++) {
        double n = (double)fit->place_counts[p];
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

// OAS intensity for `n` samples of dimension p. Returns rho.
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

static float quantile_of(float *values, size_t count)
{
    qsort(values, count, sizeof *values, rising);
    size_t at = (size_t)(cell_quantile * (double)(count - 1) + 0.5);
    return values[at];
}

static bool fit_run(struct fit *fit, struct patch_gaussian *g)
{
    size_t dim = fit->dim, largest = 0;
    for (size_t v = 0; v < fit->count; v++) {
        const struct tap *tap = &fit->views[v]->taps[fit->tap];
        size_t cells = (size_t)tap->rows * (size_t)tap->cols;
        largest = cells > largest ? cells : largest;
    }
    fit->block = xreallocarray(NULL, largest * dim, sizeof *fit->block);
    fit_means(fit);
    double blend = fit->places ? fit_blend(fit) : 0;
    size_t n = 0;
    for (size_t v = 0; v < fit->count; v++) {
        size_t rows = fit_residuals(fit, fit->views[v], blend);
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)dim, (blasint)rows, 1, fit->block, (blasint)dim, 0,
                    fit->product, (blasint)dim);
        for (size_t i = 0; i < dim; i++)
            for (size_t j = 0; j <= i; j++)
                fit->covariance[i * dim + j] += fit->product[i * dim + j];
        n += rows;
    }
    for (size_t i = 0; i < dim * dim; i++)
        fit->covariance[i] /= (double)n;
    if (!fit_whiten(fit, (double)n, g))
        return false;

    float *distances = xreallocarray(NULL, n, sizeof *distances);
    size_t at = 0;
    for (size_t v = 0; v < fit->count; v++) {
        size_t rows = fit_residuals(fit, fit->views[v], blend);
        patch_distances(g->whiten, (int)dim, fit->block, rows, distances + at);
        at += rows;
    }
    g->quantile = quantile_of(distances, n);
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

// What the threads share: one job is one Gaussian, or the scores of one picture.
struct job_set {
    struct patch_sample *sample;
    struct patch_model *model;
    int threads;
    bool failed[PATCH_PARTS][BASE_TAPS];
};

static const struct patch_view *view_for(const struct kept_picture *picture, const struct patch_stats *stats,
                                         enum patch_part part)
{
    const struct kept_view *kept = part == PART_TILE ? &picture->tile : &picture->whole;
    if (picture->dropped || !kept->bytes)
        return NULL;
    if (part == PART_ALIGNED && (kept->view.taps[0].rows != stats->rows[0] || kept->view.taps[0].cols != stats->cols[0]))
        return NULL;
    return &kept->view;
}

static void fit_job(struct job_set *set, enum patch_part part, int t)
{
    struct patch_sample *sample = set->sample;
    struct patch_stats *stats = &set->model->parts[part];
    if (!stats->used)
        return;
    size_t dim = (size_t)set->model->channels[t];
    size_t places = part == PART_ALIGNED ? (size_t)stats->rows[t] * (size_t)stats->cols[t] : 0;
    struct fit fit = {.tap = t, .dim = dim, .places = places};
    fit.views = xcalloc(sample->count, sizeof *fit.views);
    for (size_t i = 0; i < sample->count; i++) {
        const struct patch_view *view = view_for(&sample->pictures[i], stats, part);
        if (view)
            fit.views[fit.count++] = view;
    }
    fit.sums = xcalloc(dim, sizeof *fit.sums);
    fit.mean = xcalloc(dim, sizeof *fit.mean);
    fit.place_sums = xcalloc(places * dim + 1, sizeof *fit.place_sums);
    fit.place_counts = xcalloc(places + 1, sizeof *fit.place_counts);
    fit.product = xcalloc(dim * dim, sizeof *fit.product);
    fit.covariance = xcalloc(dim * dim, sizeof *fit.covariance);
    set->failed[part][t] = !fit_run(&fit, &stats->taps[t]);
    free(fit.views);
    free(fit.sums);
    free(fit.mean);
    free(fit.place_sums);
    free(fit.place_counts);
    free(fit.product);
    free(fit.covariance);
    free(fit.block);
}

static void fit_jobs(void *context, int worker)
{
    struct job_set *set = context;
    for (int job = worker; job < PATCH_PARTS * BASE_TAPS; job += set->threads)
        fit_job(set, (enum patch_part)(job / BASE_TAPS), job % BASE_TAPS);
}

static size_t looked_values(const struct patch_view *view, const float *values, float *out)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)view->taps[0].rows * (size_t)view->taps[0].cols; i++)
        if (view->looked[0][i])
            out[n++] = values[i];
    return n;
}

static size_t view_cells(const struct patch_view *view)
{
    return (size_t)view->taps[0].rows * (size_t)view->taps[0].cols;
}

static void score_jobs(void *context, int worker)
{
    struct job_set *set = context;
    struct patch_work *work = patch_work_new();
    for (size_t i = (size_t)worker; i < set->sample->count; i += (size_t)set->threads) {
        struct kept_picture *picture = &set->sample->pictures[i];
        const struct patch_view *view = &picture->whole.view;
        float *looked = xreallocarray(NULL, view_cells(view), sizeof *looked);
        const float *values = patch_values(set->model, patch_part_of(set->model, view), view, work);
        picture->score = patch_top(looked, looked_values(view, values, looked));
        free(looked);
    }
    patch_work_free(work);
}

// The quantile of the two taps' values together, so that 1 means the same as for each.
static void calibrate_jobs(void *context, int worker)
{
    struct job_set *set = context;
    for (int part = worker; part < PATCH_PARTS; part += set->threads) {
        struct patch_stats *stats = &set->model->parts[part];
        if (!stats->used)
            continue;
        struct patch_work *work = patch_work_new();
        float *all = NULL;
        size_t count = 0, capacity = 0;
        for (size_t i = 0; i < set->sample->count; i++) {
            const struct patch_view *view = view_for(&set->sample->pictures[i], stats, (enum patch_part)part);
            if (!view)
                continue;
            GROW(all, capacity, count + view_cells(view));
            count += looked_values(view, patch_values(set->model, (enum patch_part)part, view, work), all + count);
        }
        if (count)
            stats->quantile = quantile_of(all, count);
        free(all);
        patch_work_free(work);
    }
}

static enum status fit_round(struct patch_sample *sample, int threads, struct patch_model **out, struct error *err)
{
    struct patch_model *model = xcalloc(1, sizeof *model);
    memcpy(model->channels, sample->base.channels, sizeof model->channels);
    memcpy(model->base_sha256, sample->base.sha256, sizeof model->base_sha256);
    model->settings = sample->settings;
    size_t members;
    const struct patch_view *common = common_grid(sample, &members);
    struct patch_stats *aligned = &model->parts[PART_ALIGNED];
    aligned->used = members >= ALIGN_MIN;
    for (int t = 0; t < BASE_TAPS && aligned->used; t++) {
        aligned->rows[t] = common->taps[t].rows;
        aligned->cols[t] = common->taps[t].cols;
    }
    model->parts[PART_FREE].used = !(aligned->used && sample->settings.squash);
    for (size_t i = 0; i < sample->count; i++)
        if (!sample->pictures[i].dropped && sample->pictures[i].tile.bytes)
            model->parts[PART_TILE].used = true;
    for (int p = 0; p < PATCH_PARTS; p++)
        model->parts[p].quantile = 1;

    struct job_set set = {.sample = sample, .model = model, .threads = threads};
    parallel_run(threads, fit_jobs, &set);
    for (int p = 0; p < PATCH_PARTS; p++)
        for (int t = 0; t < BASE_TAPS; t++)
            if (set.failed[p][t]) {
                patch_free(model);
                return error_set(err, ST_INVALID,
                                 "the pictures of the sample do not differ at all: patch statistics need variation");
            }
    parallel_run(threads, calibrate_jobs, &set);
    *out = model;
    return ST_OK;
}

static int by_score(const void *a, const void *b)
{
    return rising(&(*(struct kept_picture *const *)a)->score, &(*(struct kept_picture *const *)b)->score);
}

static void drop_suspicious(struct patch_sample *sample)
{
    struct kept_picture **order = xcalloc(sample->count, sizeof *order);
    for (size_t i = 0; i < sample->count; i++)
        order[i] = &sample->pictures[i];
    qsort(order, sample->count, sizeof *order, by_score);
    size_t drop = (size_t)(drop_share * (double)sample->count + 0.5);
    for (size_t i = 0; i < drop; i++)
        order[sample->count - 1 - i]->dropped = true;
    free(order);
}

enum status patch_fit(struct patch_sample *sample, int threads, struct patch_model **model, struct error *err)
{
    sample_settle(sample);
    if (sample->count < FIT_MIN)
        return error_set(err, ST_INVALID, "patch statistics need at least %d readable pictures, there are %zu", FIT_MIN,
                         sample->count);
    struct patch_model *first;
    enum status status = fit_round(sample, threads, &first, err);
    if (status != ST_OK)
        return status;
    struct job_set set = {.sample = sample, .model = first, .threads = threads};
    parallel_run(threads, score_jobs, &set);
    patch_free(first);
    drop_suspicious(sample);
    return fit_round(sample, threads, model, err);
}
