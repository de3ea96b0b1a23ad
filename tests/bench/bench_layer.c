// Time of each training kernel as a multiple of the sgemm of a pointwise layer with as many channels at the
// same map (forward, no bias), in one run. Every kernel gets the batch picture by picture, as the trainer's
// chains do where pictures fit the second-level cache; `batch` says the same for the whole batch at once.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "nn/blas.h"
#include "nn/layer.h"
#include "nn/loss.h"

enum { PICTURES = 16, ROUNDS = 40, HEADS = 4, POOL = 2 };

// Buffers of one shape; maps of the whole batch.
struct bench {
    struct layer_map one; // a picture
    size_t size;          // its values
    float *in, *out, *grad, *grad_in;
    float *weight, *grad_weight, *vectors, *kept, *scratch;
    double *sums;
};

typedef void kernel_fn(struct bench *b, int picture);

static float *at(const struct bench *b, float *map, int picture)
{
    return map + (size_t)picture * b->size;
}

static float *vector(const struct bench *b, int i)
{
    return b->vectors + i * b->one.channels;
}

static const struct layer_window stride1 = {1, PAD_SYMMETRIC}, stride2 = {2, PAD_SYMMETRIC};

static void linear(struct bench *b, int i)
{
    layer_linear(at(b, b->in, i), layer_cells(b->one), b->one.channels, b->one.channels, b->weight, NULL,
                 at(b, b->out, i));
}

static void linear_input(struct bench *b, int i)
{
    layer_linear_backward(at(b, b->in, i), layer_cells(b->one), b->one.channels, b->one.channels, b->weight,
                          at(b, b->grad, i), at(b, b->grad_in, i), NULL, NULL);
}

static void linear_weight(struct bench *b, int i)
{
    layer_linear_backward(at(b, b->in, i), layer_cells(b->one), b->one.channels, b->one.channels, b->weight,
                          at(b, b->grad, i), NULL, b->grad_weight, NULL);
}

static void depthwise(struct bench *b, int i)
{
    layer_depthwise(at(b, b->in, i), b->one, stride1, b->weight, NULL, at(b, b->out, i));
}

static void depthwise_input(struct bench *b, int i)
{
    layer_depthwise_backward(at(b, b->in, i), b->one, stride1, b->weight, at(b, b->grad, i),
                             at(b, b->grad_in, i), NULL, NULL);
}

static void depthwise_weight(struct bench *b, int i)
{
    layer_depthwise_backward(at(b, b->in, i), b->one, stride1, b->weight, at(b, b->grad, i), NULL,
                             b->grad_weight, NULL);
}

static void depthwise2(struct bench *b, int i)
{
    layer_depthwise(at(b, b->in, i), b->one, stride2, b->weight, NULL, at(b, b->out, i));
}

static void depthwise2_input(struct bench *b, int i)
{
    layer_depthwise_backward(at(b, b->in, i), b->one, stride2, b->weight, at(b, b->grad, i),
                             at(b, b->grad_in, i), NULL, NULL);
}

static void depthwise2_weight(struct bench *b, int i)
{
    layer_depthwise_backward(at(b, b->in, i), b->one, stride2, b->weight, at(b, b->grad, i), NULL,
                             b->grad_weight, NULL);
}

// From a picture of three channels and twice the side.
static struct layer_map stem_of(const struct bench *b)
{
    return (struct layer_map){1, 2 * b->one.rows, 2 * b->one.cols, 3};
}

static void stem(struct bench *b, int i)
{
    layer_conv3x3(at(b, b->in, i), stem_of(b), stride2, b->one.channels, b->weight, NULL, b->scratch,
                  at(b, b->out, i));
}

static void stem_weight(struct bench *b, int i)
{
    layer_conv3x3_backward(at(b, b->in, i), stem_of(b), stride2, b->one.channels, b->weight,
                           at(b, b->grad, i), b->scratch, NULL, b->grad_weight, NULL);
}

static void moments(struct bench *b, int i)
{
    layer_moments_add(b->sums, at(b, b->in, i), layer_cells(b->one), b->one.channels);
}

static void batch_apply(struct bench *b, int i)
{
    layer_batch_apply(at(b, b->in, i), layer_cells(b->one), b->one.channels, vector(b, 0), vector(b, 1),
                      ACT_RELU, NULL, at(b, b->out, i));
}

static void batch_reduce(struct bench *b, int i)
{
    layer_batch_reduce(at(b, b->in, i), at(b, b->grad, i), layer_cells(b->one), b->one.channels, vector(b, 0),
                       vector(b, 1), ACT_RELU, vector(b, 2), b->sums);
}

static void batch_backward(struct bench *b, int i)
{
    layer_batch_backward(at(b, b->in, i), at(b, b->grad, i), layer_cells(b->one), b->one.channels,
                         vector(b, 0), vector(b, 1), ACT_RELU, vector(b, 2), at(b, b->grad_in, i));
}

static void layer_norm(struct bench *b, int i)
{
    layer_norm_layer(at(b, b->in, i), layer_cells(b->one), b->one.channels, 1e-5, vector(b, 0), vector(b, 1),
                     b->kept, at(b, b->out, i));
}

static void layer_norm_backward(struct bench *b, int i)
{
    layer_norm_layer_backward(at(b, b->in, i), layer_cells(b->one), b->one.channels, b->kept, vector(b, 0),
                              at(b, b->grad, i), b->scratch, at(b, b->grad_in, i), vector(b, 4),
                              vector(b, 5));
}

static void gelu(struct bench *b, int i)
{
    layer_gelu(at(b, b->in, i), b->size, at(b, b->out, i));
}

static void gelu_backward(struct bench *b, int i)
{
    layer_gelu_backward(at(b, b->in, i), at(b, b->grad, i), b->size, at(b, b->grad_in, i));
}

static void pool_average(struct bench *b, int i)
{
    layer_pool_average(at(b, b->in, i), b->one, POOL, at(b, b->out, i));
}

static void distil(struct bench *b, int i)
{
    loss_distil(at(b, b->in, i), at(b, b->grad, i), vector(b, 0), vector(b, 1), layer_cells(b->one),
                b->one.channels, 1, at(b, b->grad_in, i));
}

static struct layer_heads heads_of(const struct bench *b)
{
    struct layer_map pooled = layer_pooled(b->one, POOL);
    return (struct layer_heads){1, b->one.rows * b->one.cols, pooled.rows * pooled.cols, b->one.channels,
                                HEADS};
}

// keys and values: the first half of another picture is as large as they are
static void attention(struct bench *b, int i)
{
    layer_attention(at(b, b->in, i), at(b, b->grad, i), heads_of(b), b->kept, at(b, b->out, i));
}

static void attention_backward(struct bench *b, int i)
{
    layer_attention_backward(at(b, b->in, i), at(b, b->grad, i), heads_of(b), b->kept, at(b, b->out, i),
                             b->scratch, at(b, b->grad_in, i), at(b, b->grad_in, (i + 1) % PICTURES));
}

static const struct {
    const char *name;
    kernel_fn *run;
    int small_only; // at maps of up to 20 x 20
} kernels[] = {
    {"linear", linear, 0},
    {"linear, input", linear_input, 0},
    {"linear, weight", linear_weight, 0},
    {"depthwise", depthwise, 0},
    {"depthwise, input", depthwise_input, 0},
    {"depthwise, weight", depthwise_weight, 0},
    {"depthwise /2", depthwise2, 0},
    {"depthwise /2, input", depthwise2_input, 0},
    {"depthwise /2, weight", depthwise2_weight, 0},
    {"conv3x3 /2 from 3", stem, 0},
    {"conv3x3 /2 from 3, weight", stem_weight, 0},
    {"batch norm moments", moments, 0},
    {"batch norm + ReLU", batch_apply, 0},
    {"batch norm sums, backward", batch_reduce, 0},
    {"batch norm + ReLU, backward", batch_backward, 0},
    {"layer norm", layer_norm, 0},
    {"layer norm, backward", layer_norm_backward, 0},
    {"GELU", gelu, 0},
    {"GELU, backward", gelu_backward, 0},
    {"average pool", pool_average, 0},
    {"distillation loss", distil, 0},
    {"attention", attention, 1},
    {"attention, backward", attention_backward, 1},
};
enum { KERNELS = sizeof kernels / sizeof *kernels };

static float *floats(size_t count, struct rng *rng)
{
    float *values = xaligned(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(0.1 * rng_normal(rng));
    return values;
}

// Seconds of all pictures, for each the least of several rounds: other programs disturb short times the
// least.
static double time_of(struct bench *b, kernel_fn *run)
{
    double best[PICTURES], sum = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < PICTURES; i++) {
            double start = clock_seconds();
            run(b, i);
            double took = clock_seconds() - start;
            best[i] = round == 0 || took < best[i] ? took : best[i];
        }
    for (int i = 0; i < PICTURES; i++)
        sum += best[i];
    return sum;
}

static void bench_shape(int side, int channels, double ratio[KERNELS], double *gflops)
{
    struct rng rng = rng_seed(1);
    struct bench b = {.one = {1, side, side, channels}};
    size_t n = (size_t)channels, weights = n * n > 27 * n ? n * n : 27 * n;
    b.size = layer_values(b.one);
    size_t all = PICTURES * b.size;
    b.in = floats(all, &rng), b.out = floats(all, &rng), b.grad = floats(all, &rng),
    b.grad_in = floats(all, &rng);
    b.weight = floats(weights, &rng), b.grad_weight = floats(weights, &rng), b.vectors = floats(8 * n, &rng);
    size_t cells = layer_cells(b.one);
    b.kept = floats(HEADS * cells * cells + 2 * cells, &rng);
    size_t scratch = layer_conv3x3_scratch(stem_of(&b), stride2);
    scratch = scratch > cells * cells ? scratch : cells * cells;
    b.scratch = floats(scratch + 2 * n, &rng);
    b.sums = xcalloc(layer_moments_size(channels), sizeof *b.sums);
    double unit = time_of(&b, linear);
    *gflops = 2e-9 * (double)(PICTURES * cells * n * n) / unit;
    for (int k = 0; k < KERNELS; k++)
        ratio[k] = kernels[k].small_only && side > 20 ? NAN : time_of(&b, kernels[k].run) / unit;
    free(b.in), free(b.out), free(b.grad), free(b.grad_in), free(b.weight), free(b.grad_weight);
    free(b.vectors), free(b.kept), free(b.scratch), free(b.sums);
}

int main(int argc, char **argv)
{
    (void)argc;
    blas_reexec(argv);
    static const int shapes[][2] = {{80, 32}, {40, 64}, {20, 128}, {10, 256}};
    enum { SHAPES = sizeof shapes / sizeof *shapes };
    double ratio[SHAPES][KERNELS], gflops[SHAPES];
    for (int i = 0; i < SHAPES; i++)
        bench_shape(shapes[i][0], shapes[i][1], ratio[i], &gflops[i]);
    printf("%d pictures one by one, %s; times as multiples of the pointwise sgemm\n%-30s", PICTURES,
           blas_core(), "");
    for (int i = 0; i < SHAPES; i++)
        printf(" %4dx%dx%-4d", shapes[i][0], shapes[i][0], shapes[i][1]);
    printf("\n%-30s", "sgemm, GFLOP/s");
    for (int i = 0; i < SHAPES; i++)
        printf(" %11.0f", gflops[i]);
    putchar('\n');
    for (int k = 0; k < KERNELS; k++) {
        printf("%-30s", kernels[k].name);
        for (int i = 0; i < SHAPES; i++)
            if (isnan(ratio[i][k]))
                printf(" %11s", "-");
            else
                printf(" %11.2f", ratio[i][k]);
        putchar('\n');
    }
    return 0;
}
