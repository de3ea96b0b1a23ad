#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kernel_impl.h"

const struct kernels *kernel_set(int i)
{
    const struct kernels *found[4] = {NULL};
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
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
    (void)kernels;
    struct kernel_matrix matrix = {.k = k, .n = n};
    matrix.panels = xaligned((size_t)k * (size_t)n, sizeof *matrix.panels);
    matrix.bias = xaligned((size_t)n, sizeof *matrix.bias);
    memset(matrix.bias, 0, (size_t)n * sizeof *matrix.bias);
    return matrix;
}

void kernel_matrix_fill(const struct kernels *kernels, struct kernel_matrix *matrix, const float *values,
                        size_t row_step, size_t column_step, int columns)
{
    float *out = matrix->panels;
    for (int from = 0; from < matrix->n; from += kernels->columns) {
        int width = matrix->n - from < kernels->columns ? matrix->n - from : kernels->columns;
        int filled = columns - from < width ? columns - from : width;
        for (int i = 0; i < matrix->k; i++)
            for (int j = 0; j < width; j++)
                *out++ = j < filled ? values[(size_t)i * row_step + (size_t)(from + j) * column_step] : 0;
    }
}

void kernel_matrix_free(struct kernel_matrix *matrix)
{
    free(matrix->panels);
    free(matrix->bias);
    *matrix = (struct kernel_matrix){0};
}
