// usage: bench_nn base FILE SIDE SECONDS [f32]  pictures a second of a base, a picture on each of two threads
//        bench_nn peak SECONDS                  GFLOP/s of OpenBLAS's sgemm on two threads
//        bench_nn work FILE SIDE                GFLOP that a picture costs
//        bench_nn onnx FILE MODEL               the base as an ONNX model
// Prints the rate by the clock and by the processor time that the threads got (the machine may be shared).
#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "nn/base.h"
#include "nn/blas.h"
#include "nn/net.h"
#include "nn/onnx.h"

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
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1, x, GEMM, y, GEMM, 0, z,
                    GEMM);
        work += 2e-9 * GEMM * GEMM * GEMM;
    }
    b->rate[worker] = work / (clock_seconds() - start);
    b->cpu_rate[worker] = work / (cpu_seconds() - cpu);
    free(x), free(y), free(z);
}

static double block_work(const struct net_block *b, double cells)
{
    double across = b->pool > 0 ? floor(sqrt(cells) / b->pool) : 0, keys = across * across, to = b->to;
    switch (b->type) {
    case NET_CONV:
        return cells * 9 * b->from * to;
    case NET_SEPARABLE:
        return cells * b->from * (9 + to);
    default:
        return cells * to * (9 + 2 * b->heads * keys + 2 * b->hidden) + keys * 4 * to * to; // infer_attention.c
    }
}

// GFLOP of a picture: two for every multiplication of a product or filter.
static double picture_work(const struct net *net, int side)
{
    double sum = 0;
    for (int i = 0, stride = 1; i < net->plan.count; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        double cells = (double)side / (stride * b->stride) * ((double)side / (stride * b->stride));
        sum += 2e-9 * block_work(b, cells);
        stride *= b->branch ? 1 : b->stride;
    }
    return sum;
}

static int fail(const struct error *err)
{
    fprintf(stderr, "bench_nn: %s\n", err->text);
    return 1;
}

static void print_rate(const struct bench *b)
{
    double sum[2] = {0};
    for (int i = 0; i < THREADS; i++) {
        sum[0] += b->rate[i];
        sum[1] += b->cpu_rate[i];
    }
    printf("%.2f %.2f\n", sum[0], sum[1]);
}

static int with_net(int argc, char **argv)
{
    struct error err;
    struct net *net;
    int status = 0;
    if (net_open(argv[2], &net, &err) != ST_OK)
        return fail(&err);
    if (strcmp(argv[1], "onnx") == 0) {
        if (onnx_write(net, argv[3], &err) != ST_OK)
            status = fail(&err);
    } else if (strcmp(argv[1], "work") == 0) {
        printf("%.4f\n", picture_work(net, atoi(argv[3])));
    } else {
        struct base *base;
        enum base_precision precision = argc == 6 ? BASE_F32 : BASE_FASTEST;
        if (base_new_as(net, precision, &base, &err) != ST_OK)
            status = fail(&err);
        struct bench b = {.base = base, .side = atoi(argv[3]), .seconds = atof(argv[4])};
        if (status == 0) {
            parallel_run(THREADS, one_base, &b);
            print_rate(&b);
            base_free(base);
        }
    }
    net_free(net);
    return status;
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    openblas_set_num_threads(1);
    if (argc == 3 && strcmp(argv[1], "peak") == 0) {
        struct bench b = {.seconds = atof(argv[2])};
        parallel_run(THREADS, one_peak, &b);
        print_rate(&b);
        return 0;
    }
    if ((argc == 4 && (strcmp(argv[1], "onnx") == 0 || strcmp(argv[1], "work") == 0)) ||
        ((argc == 5 || argc == 6) && strcmp(argv[1], "base") == 0))
        return with_net(argc, argv);
    fprintf(stderr, "usage: see the head of bench_nn.c\n");
    return 2;
}
