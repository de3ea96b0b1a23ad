// A layer against its plain twin, and its gradients against central differences of the twin.
#ifndef TESTS_UNIT_GRADIENT_H
#define TESTS_UNIT_GRADIENT_H

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "nn/layer.h"
#include "nn/layer_naive.h"

// An input or a parameter of a layer: the same numbers for the layer and its twin, and the layer's gradient.
struct array {
    size_t count;
    float *f;
    double *d;
    float *grad;
};

enum { ARRAYS = 5 };

// A layer under test. `value` of it: the sum of weight * out, so that `weight` is the gradient of the output.
struct subject {
    void (*twin)(struct subject *s);
    struct layer_map shape;
    struct layer_window window;
    struct layer_heads heads;
    enum layer_activation activation;
    int to, size, rows, cols;
    bool train, with_bias;
    size_t cells;
    struct array arrays[ARRAYS];
    double *statistics; // (2, channels), for batch norm
    size_t outs;
    double *out;
    float *fast, *weight;
};

static inline void fill(struct rng *rng, struct array *a, size_t count, double scale)
{
    *a = (struct array){count, xcalloc(count + 1, sizeof(float)), xcalloc(count + 1, sizeof(double)),
                        xcalloc(count + 1, sizeof(float))};
    for (size_t i = 0; i < count; i++)
        a->d[i] = a->f[i] = (float)(scale * rng_normal(rng));
}

static inline void fill_outputs(struct rng *rng, struct subject *s, size_t outs)
{
    s->outs = outs;
    s->out = xcalloc(outs + 1, sizeof(double));
    s->fast = xcalloc(outs + 1, sizeof(float));
    s->weight = xcalloc(outs + 1, sizeof(float));
    for (size_t i = 0; i < outs; i++)
        s->weight[i] = (float)rng_normal(rng);
}

static inline void release(struct subject *s)
{
    for (int i = 0; i < ARRAYS; i++)
        free(s->arrays[i].f), free(s->arrays[i].d), free(s->arrays[i].grad);
    free(s->statistics), free(s->out), free(s->fast), free(s->weight);
}

static inline void assert_close(const char *what, size_t i, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s[%zu]: %.9g, not %.9g", what, i, got, want);
}

static inline void check_forward_within(struct subject *s, const char *what, double tolerance)
{
    s->twin(s);
    for (size_t i = 0; i < s->outs; i++)
        assert_close(what, i, (double)s->fast[i], s->out[i], tolerance);
}

static inline void check_forward(struct subject *s, const char *what)
{
    check_forward_within(s, what, 2e-5);
}

static inline double value_of(struct subject *s)
{
    double sum = 0;
    s->twin(s);
    for (size_t i = 0; i < s->outs; i++)
        sum += (double)s->weight[i] * s->out[i];
    return sum;
}

// At most about a hundred places of an array. base: what was in `grad` before, to which gradients of
// parameters add.
static inline void check_gradient(struct subject *s, int which, double base, const char *what)
{
    struct array *a = &s->arrays[which];
    size_t step = a->count / 97 + 1;
    const double h = 1e-5;
    for (size_t i = 0; i < a->count; i += step) {
        double x = a->d[i];
        a->d[i] = x + h;
        double above = value_of(s);
        a->d[i] = x - h;
        double below = value_of(s);
        a->d[i] = x;
        assert_close(what, i, (double)a->grad[i], base + (above - below) / (2 * h), 2e-4);
    }
}

// What the gradients of parameters hold before the backward pass: they are added to.
static const float before = 0.5f;

static inline void preset(struct array *a)
{
    for (size_t i = 0; i < a->count; i++)
        a->grad[i] = before;
}

// Sides, channels and counts that meet the borders, the tails of vectors and a single cell.
static const struct layer_map maps[] = {{1, 1, 1, 1},   {2, 1, 7, 3},    {1, 5, 3, 17},  {2, 6, 9, 33},
                                        {1, 13, 2, 8},  {1, 16, 16, 32}, {2, 7, 11, 16}, {1, 2, 2, 48},
                                        {1, 3, 20, 31}, {3, 10, 10, 5}};
enum { MAPS = sizeof maps / sizeof *maps };

#endif
