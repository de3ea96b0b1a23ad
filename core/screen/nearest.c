#include "config.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/nearest.h"

// One over the variance of each feature, 0 where there is none; returns how many vary.
static int scales_of(const float *query, const float *const *rows, size_t count, int dim, float *scale)
{
    double *sum = xcalloc((size_t)dim * 2, sizeof *sum), *square = sum + dim;
    int varying = 0;
    size_t n = 0;
    for (size_t i = 0; i <= count; i++) {
        const float *row = i < count ? rows[i] : query;
        if (!isfinite(row[0]))
            continue;
        n++;
        for (int k = 0; k < dim; k++) {
            double from = (double)row[k] - (double)query[k]; // about the query: no digits are lost
            sum[k] += from;
            square[k] += from * from;
        }
    }
    for (int k = 0; k < dim; k++) {
        double mean = sum[k] / (double)n, variance = square[k] / (double)n - mean * mean;
        bool varies = variance > 1e-12 * square[k] / (double)n && isfinite(variance);
        scale[k] = varies ? (float)(1 / variance) : 0;
        varying += varies;
    }
    free(sum);
    return varying;
}

size_t nearest_find(const float *query, const float *const *rows, size_t count, int dim, size_t most,
                    struct nearest *out)
{
    float *scale = xcalloc((size_t)dim, sizeof *scale);
    int varying = scales_of(query, rows, count, dim, scale);
    size_t found = 0;
    for (size_t i = 0; i < count && most > 0; i++) {
        double distance = 0;
        for (int k = 0; k < dim; k++) {
            float from = rows[i][k] - query[k];
            distance += (double)(from * from * scale[k]);
        }
        if (!isfinite(distance) || (found == most && !(distance < out[found - 1].distance)))
            continue;
        size_t at = found < most ? found++ : most - 1;
        for (; at > 0 && distance < out[at - 1].distance; at--)
            out[at] = out[at - 1];
        out[at] = (struct nearest){i, distance};
    }
    for (size_t i = 0; i < found; i++)
        out[i].distance = varying ? sqrt(out[i].distance / varying) : 0;
    free(scale);
    return found;
}
