// usage: bench_nn base FILE SIDE SECONDS   pictures a second of a base, a picture on each of two threads
//        bench_nn peak SECONDS             GFLOP/s of OpenBLAS's sgemm on two threads
// Prints the rate by the clock and by the processor time that the threads got (the machine may be shared).
#include "config.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "nn/base.h"
#include "nn/blas.h"

enum { THREADS = 2, GEMM = 1024 };

struct bench {
    const struct base *base;
    int side;
    double seconds;
    double rate[THREADS], cpu_rate[THREADS];
};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(size_t count)
{
    float *values = xaligned(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((uint32_t)(i * 2654435761u) >> 24);
    return values;
}

static void one_base(void *context, int worker)
{
    struct bench *b = context;
    size_t side = (size_t)b->side;
    float *rgb = numbers(side * side * 3);
    struct base_work *work = base_work_new(b->base);
    struct tap taps[BASE_TAPS];
    for (int i = 0; i < 3; i++)
        base_taps(b->base, work, rgb, b->side, b->side, taps);
    double start = clock_seconds(), cpu = cpu_seconds();
    int count = 0;
    while (clock_seconds() < start + b->seconds) {
        base_taps(b->base, work, rgb, b->side, b->side, taps);
        count++;
    }
    b->rate[worker] = count / (clock_seconds() - start);
    b->cpu_rate[worker] = count / (cpu_seconds() - cpu);
    base_work_free(work);
    free(rgb);
}

static void one_peak(void *context, int worker)
{
    struct bench *b = context;
    float *x = numbers(GEMM * GEMM), *y = numbers(GEMM * GEMM), *z = numbers(GEMM * GEMM);
    double start = clock_seconds(), cpu = cpu_seconds(), work = 0;
    while (clock_seconds() < start + b->seconds) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1, x, GEMM, y, GEMM, 0, z, GEMM);
        work += 2e-9 * GEMM * GEMM * GEMM;
    }
    b->rate[worker] = work / (clock_seconds() - start);
    b->cpu_rate[worker] = work / (cpu_seconds() - cpu);
    free(x), free(y), free(z);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    openblas_set_num_threads(1);
    struct bench b = {0};
    struct error err;
    struct base *base = NULL;
    if (argc == 5 && strcmp(argv[1], "base") == 0) {
        if (base_open(argv[2], &base, &err) != ST_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        b = (struct bench){.base = base, .side = atoi(argv[3]), .seconds = atof(argv[4])};
        parallel_run(THREADS, one_base, &b);
    } else if (argc == 3 && strcmp(argv[1], "peak") == 0) {
        b.seconds = atof(argv[2]);
        parallel_run(THREADS, one_peak, &b);
    } else {
        fprintf(stderr, "usage: bench_nn base FILE SIDE SECONDS | bench_nn peak SECONDS\n");
        return 2;
    }
    double sum[2] = {0};
    for (int i = 0; i < THREADS; i++) {
        sum[0] += b.rate[i];
        sum[1] += b.cpu_rate[i];
    }
    printf("%.2f %.2f\n", sum[0], sum[1]);
    base_free(base);
    return 0;
}
