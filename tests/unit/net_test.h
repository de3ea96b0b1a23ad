// Networks and comparisons that the tests of core/nn/net*.c share.
#ifndef TESTS_UNIT_NET_TEST_H
#define TESTS_UNIT_NET_TEST_H

#include "foreign.h"
#include "test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "nn/net.h"

// Every kind of block: residual, optional, attention, a tap beside the trunk.
static inline struct net_plan rich_plan(void)
{
    return (struct net_plan){
        .name = "rich",
        .padding = NET_PAD_END,
        .epsilon = 1e-3,
        .side = 160,
        .count = 8,
        .blocks = {{NET_CONV, 3, 8, 2, NET_GELU, .tap = -1},
                   {NET_SEPARABLE, 8, 16, 2, NET_RELU6, .tap = -1},
                   {NET_SEPARABLE, 16, 32, 2, NET_LINEAR, .tap = -1},
                   {NET_SEPARABLE, 32, 32, 1, NET_GELU, .residual = true, .optional = true, .tap = -1},
                   {NET_SEPARABLE, 32, 48, 1, NET_RELU, .tap = 0, .branch = true},
                   {NET_ATTENTION, 32, 32, 1, NET_GELU, .heads = 2, .pool = 3, .hidden = 40, .optional = true,
                    .tap = -1},
                   {NET_SEPARABLE, 32, 64, 2, NET_RELU, .tap = -1},
                   {NET_ATTENTION, 64, 64, 1, NET_RELU6, .heads = 4, .pool = 2, .hidden = 64, .tap = 1}}};
}

// Convolutions alone, whose channels do not meet in a norm.
static inline struct net_plan plain_plan(void)
{
    return (struct net_plan){
        .name = "plain",
        .epsilon = 1e-3,
        .count = 6,
        .blocks = {{NET_CONV, 3, 16, 2, NET_RELU, .tap = -1},
                   {NET_SEPARABLE, 16, 16, 2, NET_RELU, .tap = -1},
                   {NET_SEPARABLE, 16, 32, 2, NET_GELU, .tap = 0},
                   {NET_SEPARABLE, 32, 32, 1, NET_RELU, .residual = true, .optional = true, .tap = -1},
                   {NET_SEPARABLE, 32, 48, 2, NET_RELU6, .tap = -1},
                   {NET_SEPARABLE, 48, 48, 1, NET_RELU, .residual = true, .tap = 1}}};
}

static inline struct net *random_net(const struct net_plan *plan, uint64_t seed)
{
    struct error err;
    assert_ok(net_plan_check(plan, &err), &err);
    return foreign_random(plan, seed);
}

static inline float *random_rgb(int rows, int cols)
{
    struct rng rng = rng_seed(3);
    float *rgb = xcalloc((size_t)(rows * cols * 3), sizeof *rgb);
    for (int i = 0; i < rows * cols * 3; i++)
        rgb[i] = (float)(255 * rng_uniform(&rng));
    return rgb;
}

static inline size_t map_count(const struct net_map *m)
{
    return (size_t)m->rows * (size_t)m->cols * (size_t)m->channels;
}

// Largest difference as a share of the largest value.
static inline double worst(const float *got, const float *want, size_t count)
{
    double largest = 0, difference = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
        difference = fmax(difference, fabs((double)got[i] - want[i]));
    }
    assert_true(largest > 0);
    return difference / largest;
}

static inline void free_taps(struct net_map taps[NET_TAPS])
{
    for (int i = 0; i < NET_TAPS; i++)
        free(taps[i].values);
}

static inline void assert_same_taps(const struct net *a, const struct net *b, double within)
{
    enum { ROWS = 48, COLS = 64 };
    float *rgb = random_rgb(ROWS, COLS);
    struct net_map x[NET_TAPS], y[NET_TAPS];
    net_naive(a, rgb, ROWS, COLS, x);
    net_naive(b, rgb, ROWS, COLS, y);
    for (int i = 0; i < NET_TAPS; i++) {
        assert_int_equal(map_count(&x[i]), map_count(&y[i]));
        assert_true(worst(x[i].values, y[i].values, map_count(&x[i])) <= within);
    }
    free_taps(x);
    free_taps(y);
    free(rgb);
}

static inline void assert_same_weights(const struct net *a, const struct net *b)
{
    assert_int_equal(a->tensor_count, b->tensor_count);
    for (int i = 0; i < a->tensor_count; i++) {
        assert_string_equal(a->tensors[i].name, b->tensors[i].name);
        assert_int_equal(a->tensors[i].count, b->tensors[i].count);
        assert_memory_equal(a->tensors[i].values, b->tensors[i].values, a->tensors[i].count * sizeof(float));
    }
}

#endif
