#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kernel_impl.h"

const struct kernels *kernel_set(int i)
{
    const struct kernels *found[5] = {NULL};
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"))
        found[count++] = &kernels_vnni;
    if (__builtin_cpu_supports("avx512f"))
        found[count++] = &kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[count++] = &kernels_avx2;
#endif
    found[count++] = &kernels_plain;
    return i < count ? found[i] : NULL;
}

struct kernel_matrix kernel_matrix_new(const struct kernels *kernels, int k, int n)
{
    struct kernel_matrix matrix = {.k = k, .n = n};
    bool whole = kernels->precision == KERNEL_I16;
    matrix.panels = xaligned((size_t)k * (size_t)n, whole ? sizeof(int16_t) : sizeof(float));
    matrix.scale = whole ? xaligned((size_t)n, sizeof *matrix.scale) : NULL;
    matrix.bias = xaligned((size_t)n, sizeof *matrix.bias);
    memset(matrix.bias, 0, (size_t)n * sizeof *matrix.bias);
    return matrix;
}

static void fill_floats(float *out, int k, int n, int panel, const float *values, size_t row_step,
                        size_t column_step, int rows, int columns)
{
    for (int from = 0; from < n; from += panel) {
        int width = n - from < panel ? n - from : panel;
        for (int i = 0; i < k; i++)
            for (int j = from; j < from + width; j++)
                *out++ = i < rows && j < columns ? values[(size_t)i * row_step + (size_t)j * column_step] : 0;
    }
}

// What a column's numbers are multiplied by: the largest that leaves its norm below 2^16, rounding included,
// and every number within 16 bits.
static float column_factor(const float *values, size_t row_step, int rows)
{
    double square = 0, largest = 0;
    for (int i = 0; i < rows; i++) {
        double x = fabs((double)values[(size_t)i * row_step]);
        square += x * x;
        largest = x > largest || isnan(x) ? x : largest;
    }
    if (largest == 0)
        return 0;
    double factor = (65535 - sqrt(rows)) / sqrt(square);
    return (float)(factor * largest < 32766 ? factor : 32766 / largest);
}

static void fill_whole(int16_t *out, float *scale, int k, int n, int panel, const float *values,
                       size_t row_step, size_t column_step, int rows, int columns)
{
    for (int from = 0; from < n; from += panel) {
        int width = n - from < panel ? n - from : panel;
        for (int j = from; j < from + width; j++, out += 2) {
            const float *column = values + (size_t)j * column_step;
            float factor = j < columns ? column_factor(column, row_step, rows) : 0;
            scale[j] = factor != 0 ? 1 / factor : 0; // infinite or NaN when a number is
            for (int i = 0; i < k; i++) {
                float x = i < rows && j < columns ? column[(size_t)i * row_step] * factor : 0;
                out[i / 2 * 2 * width + i % 2] = isfinite(x) ? (int16_t)lrintf(x) : 0;
            }
        }
        out += (size_t)(k - 2) * (size_t)width;
    }
}

void kernel_matrix_fill(const struct kernels *kernels, struct kernel_matrix *matrix, const float *values,
                        size_t row_step, size_t column_step, int rows, int columns)
{
    if (kernels->precision == KERNEL_I16)
        fill_whole(matrix->panels, matrix->scale, matrix->k, matrix->n, kernels->columns, values, row_step,
                   column_step, rows, columns);
    else
        fill_floats(matrix->panels, matrix->k, matrix->n, kernels->columns, values, row_step, column_step,
                    rows, columns);
}

void kernel_matrix_free(struct kernel_matrix *matrix)
{
    free(matrix->panels);
    free(matrix->scale);
    free(matrix->bias);
    *matrix = (struct kernel_matrix){0};
}
