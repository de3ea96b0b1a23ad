#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/mixture.h"

static const double TRIM = 0.03; // share of believed normals taken for hidden defects

static int rising(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

// Distances of the rows, squared, and their order statistic.
static double *squares(const struct gaussian *g, const float *rows, size_t count, size_t nth, double *value)
{
    double *distances = xmalloc(2 * count * sizeof *distances), *sorted = distances + count;
    gaussian_distances(g, rows, count, distances);
    memcpy(sorted, distances, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, rising);
    *value = sorted[nth];
    return distances;
}

// Fit, leave out the farthest, fit again; *kept rows of the last fit are in front.
static enum status fit_trimmed(const struct contrast *contrast, float *rows, size_t count, int dim, struct gaussian *g,
                               size_t *kept, struct error *err)
{
    size_t d = (size_t)dim, trimmed = (size_t)(TRIM * (double)count), left = 0;
    struct gaussian better;
    *kept = count;
    enum status status = gaussian_fit(rows, count, dim, g, err);
    if (status == ST_OK && trimmed > 0) {
        double most, *distances = squares(g, rows, count, count - trimmed - 1, &most);
        for (size_t i = 0; i < count; i++) // equal pictures stay or go together
            if (distances[i] <= most)
                memmove(rows + left++ * d, rows + i * d, d * sizeof *rows);
        free(distances);
        // Where the rest is all alike, the first fit stands.
        if (gaussian_fit(rows, left, dim, &better, NULL) == ST_OK) {
            gaussian_clear(g);
            *g = better;
            *kept = left;
        }
    } else {
        left = count;
    }
    if (status == ST_OK && contrast && contrast->dim == dim &&
        contrast_fit(contrast, rows, left, g->shrinkage, &better, NULL) == ST_OK) {
        gaussian_clear(g);
        *g = better;
    }
    return status;
}

// Rows of one look behind those of another; starts: (count of looks + 1).
static void sort_looks(const struct looks *looks, float *rows, size_t count, size_t *starts)
{
    size_t d = (size_t)looks->dim, at = 0;
    float *swap = xcalloc(d, sizeof *swap);
    for (int k = 0; k < looks->count; k++) {
        starts[k] = at;
        for (size_t i = at; i < count && k + 1 < looks->count; i++) {
            if (looks_of(looks, rows + i * d) != k)
                continue;
            memcpy(swap, rows + i * d, d * sizeof *swap);
            memmove(rows + i * d, rows + at * d, d * sizeof *swap);
            memcpy(rows + at++ * d, swap, d * sizeof *swap);
        }
    }
    starts[looks->count] = count;
    free(swap);
}

enum status mixture_fit(const struct looks *looks, const struct contrast *contrast, float *rows, size_t count,
                        struct mixture *mixture, struct error *err)
{
    size_t starts[LOOKS_MOST + 1] = {0, count}, d = (size_t)looks->dim;
    double medians[LOOKS_MOST];
    enum status status = ST_OK;
    *mixture = (struct mixture){.looks = looks_copy(looks)};
    if (looks->count > 1)
        sort_looks(looks, rows, count, starts);
    for (int k = 0; k < looks->count && status == ST_OK; k++) {
        float *own = rows + starts[k] * d;
        size_t kept;
        status = fit_trimmed(contrast, own, starts[k + 1] - starts[k], looks->dim, &mixture->parts[k], &kept, err);
        mixture->fit_count += status == ST_OK ? kept : 0;
        if (status == ST_OK && looks->count > 1)
            free(squares(&mixture->parts[k], own, kept, kept / 2, &medians[k]));
    }
    if (status != ST_OK) {
        mixture_clear(mixture);
        return status;
    }
    for (int k = 1; k < looks->count; k++) {
        float scale = (float)sqrt(medians[0] / fmax(medians[k], 1e-12 * medians[0]));
        for (size_t i = 0; i < d * d; i++)
            mixture->parts[k].whiten[i] *= scale;
    }
    return ST_OK;
}

void mixture_clear(struct mixture *mixture)
{
    for (int k = 0; k < LOOKS_MOST; k++)
        gaussian_clear(&mixture->parts[k]);
    looks_clear(&mixture->looks);
    mixture->fit_count = 0;
}

void mixture_whiten(const struct mixture *mixture, const float *rows, size_t count, float *out)
{
    size_t d = (size_t)mixture->looks.dim;
    if (mixture->looks.count == 1) {
        gaussian_whiten(&mixture->parts[0], rows, count, out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        gaussian_whiten(&mixture->parts[looks_of(&mixture->looks, rows + i * d)], rows + i * d, 1, out + i * d);
}
