#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/patch_impl.h"

// Of a thousand cells: two or three of a picture's coarser ones for a drawn defect, a pore covers no more.
enum { TOP = 10, FLAW_TOP = 5 };

struct patch_work {
    float *residuals, *distances, *values, *projected;
    size_t residual_capacity, distance_capacity, value_capacity, projected_capacity;
};

struct patch_work *patch_work_new(void)
{
    return xcalloc(1, sizeof(struct patch_work));
}

void patch_work_free(struct patch_work *work)
{
    if (!work)
        return;
    free(work->residuals);
    free(work->distances);
    free(work->values);
    free(work->projected);
    free(work);
}

static void patch_part_clear(struct patch_stats *part)
{
    patch_flaws_clear(&part->flaws);
    free(part->flaw_typical);
}

void patch_free(struct patch_model *model)
{
    if (!model)
        return;
    for (int p = 0; p < PATCH_PARTS; p++)
        patch_part_clear(&model->parts[p]);
    for (int p = 0; p < PATCH_PARTS; p++)
        for (int t = 0; t < BASE_TAPS; t++) {
            free(model->parts[p].taps[t].mean);
            free(model->parts[p].taps[t].places);
            free(model->parts[p].taps[t].whiten);
            patch_local_clear(&model->parts[p].taps[t].local);
            free(model->parts[p].taps[t].typical);
            free(model->parts[p].taps[t].power);
        }
    contrast_clear(&model->contrast);
    registration_clear(&model->registration);
    free(model->fitted);
    free(model);
}

const struct contrast *patch_contrast(const struct patch_model *model)
{
    return &model->contrast;
}

const struct registration *patch_registration(const struct patch_model *model)
{
    return &model->registration;
}

bool patch_registered(const struct patch_model *model)
{
    return model->registration.rows > 0;
}

double patch_aligned(const struct patch_model *model)
{
    return (double)model->parts[PART_ALIGNED].placed;
}

bool patch_learned(const struct patch_model *model)
{
    return model->parts[PART_ALIGNED].flaws.rank || model->parts[PART_FREE].flaws.rank;
}

void patch_distances(const float *whiten, int dim, float *residuals, size_t count, float *distances)
{
    cblas_strmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (blasint)count, dim, 1,
                whiten, dim, residuals, dim);
    for (size_t i = 0; i < count; i++) {
        const float *row = residuals + i * (size_t)dim;
        distances[i] = cblas_snrm2(dim, row, 1);
    }
}

float patch_told(float distance, const float *typical, const float *power, size_t place)
{
    return typical ? powf(distance / typical[place], power[place]) : distance;
}

static int by_mark(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool patch_fitted(const struct patch_model *model, const struct patch_view *view)
{
    return view->mark && model->fitted_count &&
           bsearch(&view->mark, model->fitted, model->fitted_count, sizeof *model->fitted, by_mark);
}

enum patch_part patch_part_of(const struct patch_model *model, const struct patch_view *view)
{
    const struct patch_stats *aligned = &model->parts[PART_ALIGNED];
    bool fits = aligned->used;
    for (int t = 0; t < BASE_TAPS && fits; t++)
        fits = aligned->rows[t] == view->taps[t].rows && aligned->cols[t] == view->taps[t].cols;
    return fits ? PART_ALIGNED : PART_FREE;
}

// Residuals of all cells of one tap from their means, into work->residuals.
static void tap_residuals(const struct patch_gaussian *g, const struct tap *tap, struct patch_work *work)
{
    size_t cells = (size_t)tap->rows * (size_t)tap->cols, dim = (size_t)tap->channels;
    GROW(work->residuals, work->residual_capacity, cells * dim);
    for (size_t i = 0; i < cells; i++) {
        const float *x = tap->data + i * dim, *mean = g->places ? g->places + i * dim : g->mean;
        float *r = work->residuals + i * dim;
        for (size_t k = 0; k < dim; k++)
            r[k] = x[k] - mean[k];
    }
}

// Distances of all cells of one tap, in units of its quantile.
// left_out: NULL, or the cells that the covariances for each place were fitted on.
static void tap_values(const struct patch_gaussian *g, const struct tap *tap, const uint8_t *left_out,
                       struct patch_work *work, float *out)
{
    size_t cells = (size_t)tap->rows * (size_t)tap->cols;
    tap_residuals(g, tap, work);
    if (g->local.rank) {
        GROW(work->projected, work->projected_capacity, cells * (size_t)g->local.rank);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)cells, g->local.rank, tap->channels,
                    1, work->residuals, tap->channels, g->local.project, g->local.rank, 0, work->projected,
                    g->local.rank);
        patch_local_distances(&g->local, tap->rows, tap->cols, work->projected, left_out, out);
    } else {
        patch_distances(g->whiten, tap->channels, work->residuals, cells, out);
    }
    for (size_t i = 0; i < cells; i++)
        out[i] = patch_told(out[i], g->typical, g->power, i) / g->quantile;
}

// Value at (r, c) of a finer grid, cell centres aligned, the edge repeated.
static float bilinear(const float *map, int rows, int cols, float r, float c)
{
    r = fminf(fmaxf(r, 0), (float)(rows - 1));
    c = fminf(fmaxf(c, 0), (float)(cols - 1));
    int r0 = (int)r, c0 = (int)c, r1 = r0 + 1 < rows ? r0 + 1 : r0, c1 = c0 + 1 < cols ? c0 + 1 : c0;
    float fr = r - (float)r0, fc = c - (float)c0;
    float top = map[r0 * cols + c0] * (1 - fc) + map[r0 * cols + c1] * fc;
    float low = map[r1 * cols + c0] * (1 - fc) + map[r1 * cols + c1] * fc;
    return top * (1 - fr) + low * fr;
}

const float *patch_values(const struct patch_model *model, enum patch_part part,
                          const struct patch_view *view, struct patch_work *work)
{
    const struct patch_stats *stats = &model->parts[part];
    const struct tap *fine = &view->taps[0], *coarse = &view->taps[1];
    size_t cells = (size_t)fine->rows * (size_t)fine->cols;
    GROW(work->values, work->value_capacity, cells);
    GROW(work->distances, work->distance_capacity, (size_t)coarse->rows * (size_t)coarse->cols);
    bool fitted = patch_fitted(model, view);
    tap_values(&stats->taps[0], fine, fitted ? view->looked[0] : NULL, work, work->values);
    if (stats->taps[0].local.rank) { // the coarser tap has nothing to add then (the demo's fasteners: 0.842 with, 0.864 without)
        for (size_t i = 0; i < cells; i++)
            work->values[i] /= stats->quantile;
        return work->values;
    }
    tap_values(&stats->taps[1], coarse, fitted ? view->looked[1] : NULL, work, work->distances);
    float down = (float)coarse->rows / (float)fine->rows, across = (float)coarse->cols / (float)fine->cols;
    for (int r = 0; r < fine->rows; r++)
        for (int c = 0; c < fine->cols; c++) {
            float *value = &work->values[r * fine->cols + c];
            float other = bilinear(work->distances, coarse->rows, coarse->cols,
                                   ((float)r + 0.5f) * down - 0.5f, ((float)c + 0.5f) * across - 0.5f);
            *value = (*value + other) / (2 * stats->quantile);
        }
    return work->values;
}

static int falling(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

// Mean of the largest `thousandths` of them, at least one.
static float top_of(float *values, size_t count, size_t thousandths)
{
    if (!count)
        return 0;
    size_t top = (count * thousandths + 999) / 1000;
    double sum = 0;
    qsort(values, count, sizeof *values, falling);
    for (size_t i = 0; i < top; i++)
        sum += values[i];
    return (float)(sum / (double)top);
}

float patch_top(float *values, size_t count)
{
    return top_of(values, count, TOP);
}

size_t patch_flaw_values(const struct patch_model *model, enum patch_part part, const struct patch_view *view,
                         struct patch_work *work, float **values, uint32_t *places)
{
    const struct patch_stats *stats = &model->parts[part];
    const struct tap *tap = &view->taps[1];
    size_t cells = (size_t)tap->rows * (size_t)tap->cols, n = 0, rank = (size_t)stats->flaws.rank;
    GROW(work->distances, work->distance_capacity, cells);
    GROW(work->projected, work->projected_capacity, cells * rank);
    tap_residuals(&stats->taps[1], tap, work);
    patch_distances(stats->taps[1].whiten, tap->channels, work->residuals, cells, work->distances);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)cells, (blasint)rank, tap->channels, 1,
                work->residuals, tap->channels, stats->flaws.project, (blasint)rank, 0, work->projected, (blasint)rank);
    for (size_t i = 0; i < cells; i++) {
        if (!view->looked[1][i])
            continue;
        if (places)
            places[n] = (uint32_t)i;
        float scale = stats->flaw_typical ? stats->flaw_typical[i] : 1;
        work->distances[n++] = cblas_snrm2((blasint)rank, work->projected + i * rank, 1) / scale;
    }
    *values = work->distances;
    return n;
}

float patch_flaw_measure(const struct patch_model *model, enum patch_part part, const struct patch_view *view,
                         struct patch_work *work)
{
    float *values;
    if (!model->parts[part].flaws.rank)
        return NAN;
    size_t count = patch_flaw_values(model, part, view, work, &values, NULL);
    return top_of(values, count, FLAW_TOP);
}
