// What training crops cost, on one core: processor time per crop, and as a
// share of a matrix product of 1024^3 in the same run, so that machines compare.
#include "config.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "learn/crops.h"
#include "learn/texture.h"
#include "nn/blas.h"
#include "tests/bench/must.h"

enum { SIDE = 160, CROPS = 3000, KINDS = CROP_TEXTURE + TEXTURE_KINDS };

static double processor_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double product_ms(void)
{
    enum { N = 1024, TIMES = 5 };
    float *a = xcalloc((size_t)N * N, sizeof *a), *b = xcalloc((size_t)N * N, sizeof *b);
    double start = 0;
    for (int i = 0; i <= TIMES; i++) { // the first warms up
        if (i == 1)
            start = processor_ms();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, a, N, 0, b, N);
    }
    double ms = (processor_ms() - start) / TIMES;
    free(a);
    free(b);
    return ms;
}

static void line(const char *name, double ms, int count, double unit)
{
    printf("%-12s %6d crops %8.3f ms each %8.4f products\n", name, count, ms / count, ms / count / unit);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct crop_source *source;
    struct error err;
    const char *const *folders = (const char *const *)(argv + 1);
    must(crop_source_open(folders, (size_t)(argc - 1), NULL, &source, &err), &err);
    double unit = product_ms(), ms[KINDS] = {0}, sum = 0, start;
    int count[KINDS] = {0};
    printf("%s; %d pixels, one core, processor time; a product of 1024^3: %.2f ms (%s)\n",
           crop_source_summary(source), SIDE, unit, blas_core());
    float *a = xcalloc((size_t)3 * SIDE * SIDE * 3, sizeof *a), *b = a + SIDE * SIDE * 3,
          *mask = b + SIDE * SIDE * 3;
    struct rng rng = rng_seed(1);
    for (int i = 0; i < CROPS; i++) {
        start = processor_ms();
        int shown = crop_make(source, &rng, SIDE, a);
        ms[shown] += processor_ms() - start;
        count[shown]++;
    }
    for (int k = 0; k < KINDS; k++) {
        static const char *const names[] = {"photo", "mix", "demo"};
        sum += ms[k];
        if (count[k])
            line(k < CROP_TEXTURE ? names[k] : texture_name(k - CROP_TEXTURE), ms[k], count[k], unit);
    }
    line("all", sum, CROPS, unit);
    start = processor_ms();
    for (int i = 0; i < CROPS / 3; i++)
        crop_pair(source, &rng, SIDE, a, b);
    line("pair", processor_ms() - start, CROPS / 3, unit);
    start = processor_ms();
    for (int i = 0; i < CROPS / 3; i++)
        crop_defect(source, &rng, SIDE, a, mask);
    line("defect", processor_ms() - start, CROPS / 3, unit);
    free(a);
    crop_source_free(source);
    return 0;
}
