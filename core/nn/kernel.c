#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kernel_impl.h"

// CFLAGS come last on the command line, and their usual -O2 leaves most of these loops scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

const struct kernels *kernel_set(int i)
{
    const struct kernels *found[5] = {NULL};
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vnni"))
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

static void fill_floats(const struct kernel_matrix *matrix, int panel, const float *values, size_t row_step,
                        int rows, int columns)
{
    float *out = matrix->panels;
    for (int from = 0; from < matrix->n; from += panel) {
        int width = matrix->n - from < panel ? matrix->n - from : panel;
        for (int i = 0; i < matrix->k; i++)
            for (int j = from; j < from + width; j++)
                *out++ = i < rows && j < columns ? values[(size_t)i * row_step + (size_t)j] : 0;
    }
}

// What numbers are multiplied by: the most that leaves their norm below 2^16, rounding included, and each of
// them within 16 bits.
static float whole_factor(float square, float largest, int count)
{
    if (largest == 0 && square == 0)
        return 0;
    float factor = (65535 - sqrtf((float)count)) / sqrtf(square);
    return factor * largest < 32766 ? factor : 32766 / largest;
}

enum { PANEL = 64 }; // columns at most

static inline int32_t whole(float x)
{
    x = fabsf(x) <= 32767 ? x : 0; // NaN, of numbers that are not finite: refused by whoever packs them
    return (int32_t)(x + copysignf(0.5f, x));
}

// `columns` columns of a matrix into a panel of `width`.
KERNEL_CLONES static void fill_panel(uint32_t *out, float *scale, int k, int width, const float *values,
                                     size_t row_step, int rows, int columns)
{
    const float none[PANEL] = {0};
    float square[PANEL] = {0}, largest[PANEL] = {0}, factor[PANEL] = {0};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            float x = fabsf(values[(size_t)i * row_step + (size_t)j]);
            square[j] += x * x;
            largest[j] = x > largest[j] ? x : largest[j];
        }
    for (int j = 0; j < width; j++) {
        factor[j] = whole_factor(square[j], largest[j], rows);
        scale[j] = factor[j] != 0 ? 1 / factor[j] : 0;
    }
    memset(out, 0, (size_t)k * (size_t)width * sizeof(int16_t));
    for (int i = 0; i < rows; i += 2, out += width) {
        const float *even = values + (size_t)i * row_step, *odd = i + 1 < rows ? even + row_step : none;
        for (int j = 0; j < columns; j++)
            out[j] = ((uint32_t)whole(even[j] * factor[j]) & 0xffff) | (uint32_t)whole(odd[j] * factor[j])
                                                                           << 16;
    }
}

static void fill_whole(const struct kernel_matrix *matrix, int panel, const float *values, size_t row_step,
                       int rows, int columns)
{
    uint32_t *out = matrix->panels; // two numbers in each
    for (int from = 0; from < matrix->n; from += panel) {
        int width = matrix->n - from < panel ? matrix->n - from : panel;
        int filled = columns - from < 0 ? 0 : columns - from < width ? columns - from : width;
        fill_panel(out, matrix->scale + from, matrix->k, width, values + from, row_step, rows, filled);
        out += (size_t)matrix->k / 2 * (size_t)width;
    }
}

void kernel_matrix_fill(const struct kernels *kernels, struct kernel_matrix *matrix, const float *values,
                        size_t row_step, int rows, int columns)
{
    if (kernels->precision == KERNEL_I16)
        fill_whole(matrix, kernels->columns, values, row_step, rows, columns);
    else
        fill_floats(matrix, kernels->columns, values, row_step, rows, columns);
}

void kernel_matrix_turn(const struct kernels *kernels, struct kernel_matrix *matrix, struct kernel_rows rows,
                        int columns)
{
    // Both kinds move in units of 32 bits: a float, or two whole numbers that follow each other in a row.
    const size_t size = kernels->precision == KERNEL_I16 ? sizeof(int16_t) : sizeof(float);
    const size_t units = (size_t)matrix->k * size / sizeof(uint32_t);
    unsigned char *out = matrix->panels;
    for (int from = 0; from < matrix->n; from += kernels->columns) {
        int width = matrix->n - from < kernels->columns ? matrix->n - from : kernels->columns;
        for (int j = 0; j < width; j++) {
            const unsigned char *row =
                (const unsigned char *)rows.values + (size_t)(from + j) * rows.stride * size;
            for (size_t i = 0; i < units; i++) {
                uint32_t unit = 0;
                if (from + j < columns)
                    memcpy(&unit, row + i * sizeof unit, sizeof unit);
                memcpy(out + (i * (size_t)width + (size_t)j) * sizeof unit, &unit, sizeof unit);
            }
            if (kernels->precision == KERNEL_I16)
                matrix->scale[from + j] = from + j < columns ? rows.scale[from + j] : 0;
        }
        out += units * (size_t)width * sizeof(uint32_t);
    }
}

void kernel_matrix_free(struct kernel_matrix *matrix)
{
    free(matrix->panels);
    free(matrix->scale);
    free(matrix->bias);
    *matrix = (struct kernel_matrix){0};
}
