// A whole training step against one written out plainly: forward by the naive layers in doubles, gradients by central
// differences of that, clipping and AdamW by their formulas.
#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "nn/graph.h"
#include "nn/layer.h"
#include "nn/layer_naive.h"
#include "nn/loss.h"
#include "nn/optim.h"

enum { PICTURES = 2, SIDE = 64 };

static struct net *tiny(void)
{
    struct net_plan plan = {.name = "tiny", .padding = NET_PAD_SYMMETRIC, .epsilon = 1e-2, .count = 7};
    static const struct net_block blocks[] = {
        {.type = NET_CONV, .from = 3, .to = 4, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 4, .to = 4, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 4, .to = 6, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 6, .to = 6, .stride = 1, .tap = 0, .residual = true},
        {.type = NET_SEPARABLE, .from = 6, .to = 8, .stride = 2, .tap = -1},
        {.type = NET_ATTENTION, .from = 8, .to = 8, .stride = 1, .tap = -1, .heads = 2, .pool = 2, .hidden = 12},
        {.type = NET_SEPARABLE, .from = 8, .to = 8, .stride = 1, .tap = 1},
    };
    struct error err;
    for (int i = 0; i < plan.count; i++) {
        plan.blocks[i] = blocks[i];
        // Differences need smooth functions; the mask of ReLU is tested layer by layer.
        plan.blocks[i].activation = blocks[i].type == NET_ATTENTION ? NET_GELU : NET_LINEAR;
    }
    assert_ok(net_plan_check(&plan, &err), &err);
    struct net *net = net_new(&plan);
    net_init(net, 21);
    struct rng rng = rng_seed(22);
    for (int i = 0; i < net->tensor_count; i++)
        for (size_t k = 0; k < net->tensors[i].count; k++)
            net->tensors[i].values[k] += (float)(0.1 * rng_normal(&rng));
    return net;
}

// ---- the plain side ----

struct plain {
    const struct net_plan *plan;
    const int *first;
    double **values; // of every tensor
    double *rgb;     // scaled
};

static double *part(const struct plain *p, int block, int tensor)
{
    return p->values[p->first[block] + tensor];
}

static double *room(struct layer_map m)
{
    return xcalloc(layer_values(m), sizeof(double));
}

// Batch norm with the batch's statistics; in place.
static void norm(const struct plain *p, int block, int tensor, double *map, struct layer_map shape, const double *residual)
{
    double mean[16], variance[16];
    layer_moments_naive(map, layer_cells(shape), shape.channels, mean, variance);
    double *out = room(shape);
    layer_batch_naive(map, layer_cells(shape), shape.channels, mean, variance, p->plan->epsilon,
                      part(p, block, tensor + NORM_GAMMA), part(p, block, tensor + NORM_BETA), ACT_NONE, residual, out);
    memcpy(map, out, layer_values(shape) * sizeof *map);
    free(out);
}

static double *separable(const struct plain *p, int i, const double *x, struct layer_map *shape)
{
    const struct net_block *b = &p->plan->blocks[i];
    struct layer_window w = {b->stride, PAD_SYMMETRIC};
    struct layer_map middle = layer_after(*shape, b->from, w), out = layer_after(*shape, b->to, w);
    double *a = room(middle), *y = room(out);
    layer_depthwise_naive(x, *shape, w, part(p, i, SEPARABLE_DEPTH), NULL, a);
    norm(p, i, SEPARABLE_DEPTH_NORM, a, middle, NULL);
    layer_linear_naive(a, layer_cells(middle), b->from, b->to, part(p, i, SEPARABLE_POINT), NULL, y);
    norm(p, i, SEPARABLE_POINT_NORM, y, out, b->residual ? x : NULL);
    free(a);
    *shape = out;
    return y;
}

static void add_to(double *to, const double *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

static double *attention(const struct plain *p, int i, const double *x, struct layer_map shape)
{
    const struct net_block *b = &p->plan->blocks[i];
    size_t cells = layer_cells(shape), count = layer_values(shape);
    struct layer_map pooled = layer_pooled(shape, b->pool), twice = pooled, wide = shape;
    twice.channels *= 2;
    wide.channels = b->hidden;
    double *position = room(shape), *n = room(shape), *q = room(shape), *pool = room(pooled), *kv = room(twice);
    double *seen = room(shape), *y = room(shape), *hidden = room(wide), *mlp = room(shape);
    layer_depthwise_naive(x, shape, (struct layer_window){1, PAD_SYMMETRIC}, part(p, i, ATTENTION_POSITION),
                          part(p, i, ATTENTION_POSITION_BIAS), position);
    add_to(position, x, count);
    layer_norm_layer_naive(position, cells, b->to, 1e-5, part(p, i, ATTENTION_NORM1_GAMMA),
                           part(p, i, ATTENTION_NORM1_BETA), n);
    layer_linear_naive(n, cells, b->to, b->to, part(p, i, ATTENTION_QUERY), part(p, i, ATTENTION_QUERY_BIAS), q);
    layer_pool_average_naive(n, shape, b->pool, pool);
    layer_linear_naive(pool, layer_cells(pooled), b->to, 2 * b->to, part(p, i, ATTENTION_KEY_VALUE),
                       part(p, i, ATTENTION_KEY_VALUE_BIAS), kv);
    struct layer_heads heads = {shape.count, shape.rows * shape.cols, pooled.rows * pooled.cols, b->to, b->heads};
    layer_attention_naive(q, kv, heads, seen);
    layer_linear_naive(seen, cells, b->to, b->to, part(p, i, ATTENTION_OUT), part(p, i, ATTENTION_OUT_BIAS), y);
    add_to(y, position, count);
    layer_norm_layer_naive(y, cells, b->to, 1e-5, part(p, i, ATTENTION_NORM2_GAMMA), part(p, i, ATTENTION_NORM2_BETA), n);
    layer_linear_naive(n, cells, b->to, b->hidden, part(p, i, ATTENTION_MLP1), part(p, i, ATTENTION_MLP1_BIAS), hidden);
    for (size_t k = 0; k < layer_values(wide); k++)
        hidden[k] = layer_gelu_naive(hidden[k]);
    layer_linear_naive(hidden, cells, b->hidden, b->to, part(p, i, ATTENTION_MLP2), part(p, i, ATTENTION_MLP2_BIAS), mlp);
    add_to(y, mlp, count);
    free(position), free(n), free(q), free(pool), free(kv), free(seen), free(hidden), free(mlp);
    return y;
}

struct targets {
    float *teacher[NET_TAPS], *mean[NET_TAPS], *inverse[NET_TAPS];
};

static double tap_loss(const double *y, struct layer_map shape, const struct targets *t, int tap)
{
    double loss = 0;
    for (size_t k = 0; k < layer_values(shape); k++) {
        size_t c = k % (size_t)shape.channels;
        double d = y[k] - ((double)t->teacher[tap][k] - t->mean[tap][c]) * t->inverse[tap][c];
        loss += d * d / (double)layer_values(shape);
    }
    return loss;
}

static double plain_loss(const struct plain *p, const struct targets *t)
{
    struct layer_map shape = {PICTURES, SIDE, SIDE, 3};
    double loss = 0, *x = NULL;
    for (int i = 0; i < p->plan->count; i++) {
        const struct net_block *b = &p->plan->blocks[i];
        double *y;
        if (b->type == NET_CONV) {
            struct layer_window w = {b->stride, PAD_SYMMETRIC};
            struct layer_map out = layer_after(shape, b->to, w);
            y = room(out);
            layer_conv3x3_naive(p->rgb, shape, w, b->to, part(p, i, CONV_WEIGHT), NULL, y);
            norm(p, i, CONV_NORM, y, out, NULL);
            shape = out;
        } else if (b->type == NET_SEPARABLE) {
            y = separable(p, i, x, &shape);
        } else {
            y = attention(p, i, x, shape);
        }
        free(x);
        x = y;
        if (b->tap >= 0)
            loss += tap_loss(x, shape, t, b->tap);
    }
    free(x);
    return loss;
}

// ---- the step ----

static float *random_floats(size_t count, double mean, double sd, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *v = xcalloc(count, sizeof *v);
    for (size_t i = 0; i < count; i++)
        v[i] = (float)(mean + sd * rng_normal(&rng));
    return v;
}

static double program_loss(struct graph *graph, const struct net *net, const float *rgb, const struct targets *t,
                           struct net *grads)
{
    struct graph_tap taps[NET_TAPS];
    float *tap_grads[NET_TAPS];
    double loss = 0;
    graph_forward(graph, net, 0, rgb, PICTURES, SIDE, SIDE, taps);
    for (int k = 0; k < NET_TAPS; k++) {
        size_t cells = (size_t)PICTURES * (size_t)taps[k].rows * (size_t)taps[k].cols;
        tap_grads[k] = xcalloc(cells * (size_t)taps[k].channels, sizeof(float));
        loss += loss_distil(taps[k].values, t->teacher[k], t->mean[k], t->inverse[k], cells, taps[k].channels, 1,
                            tap_grads[k]);
    }
    graph_backward(graph, net, (const float *const *)tap_grads, grads);
    for (int k = 0; k < NET_TAPS; k++)
        free(tap_grads[k]);
    return loss;
}

static void a_step_is_what_its_formulas_say(void **state)
{
    (void)state;
    const double limit = 0.5, rate = 1e-2, decay = 0.05, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, step = 7;
    struct net *net = tiny(), *grads = net_new(&net->plan);
    struct targets t;
    static const int cells[NET_TAPS] = {PICTURES * 64, PICTURES * 16}, channels[NET_TAPS] = {6, 8};
    for (int k = 0; k < NET_TAPS; k++) {
        size_t c = (size_t)channels[k];
        t.teacher[k] = random_floats((size_t)cells[k] * c, 1, 2, 31 + (uint64_t)k);
        t.mean[k] = random_floats(c, 1, 0.2, 41 + (uint64_t)k);
        t.inverse[k] = random_floats(c, 0.5, 0.05, 51 + (uint64_t)k);
    }
    size_t pixels = (size_t)PICTURES * SIDE * SIDE * 3;
    float *rgb = random_floats(pixels, 120, 40, 9);
    struct plain p = {.plan = &net->plan, .first = net->first,
                      .values = xcalloc((size_t)net->tensor_count, sizeof *p.values),
                      .rgb = xcalloc(pixels, sizeof *p.rgb)};
    for (size_t i = 0; i < pixels; i++)
        p.rgb[i] = rgb[i] / 127.5 - 1;
    for (int i = 0; i < net->tensor_count; i++) {
        p.values[i] = xcalloc(net->tensors[i].count, sizeof(double));
        for (size_t k = 0; k < net->tensors[i].count; k++)
            p.values[i][k] = net->tensors[i].values[k];
    }

    struct graph *graph = graph_new();
    double loss = program_loss(graph, net, rgb, &t, grads), plain = plain_loss(&p, &t);
    assert_true(fabs(loss - plain) < 1e-5 * plain);

    // The plain gradient of every weight, and its norm.
    double **slope = xcalloc((size_t)net->tensor_count, sizeof *slope), square = 0, squares = 0;
    for (int i = 0; i < net->tensor_count; i++) {
        slope[i] = xcalloc(net->tensors[i].count, sizeof(double));
        if (net->tensors[i].role == NET_STATISTIC)
            continue;
        for (size_t k = 0; k < net->tensors[i].count; k++) {
            double kept = p.values[i][k];
            p.values[i][k] = kept + 1e-5;
            double up = plain_loss(&p, &t);
            p.values[i][k] = kept - 1e-5;
            slope[i][k] = (up - plain_loss(&p, &t)) / 2e-5;
            p.values[i][k] = kept;
            square += slope[i][k] * slope[i][k];
        }
        squares += optim_square_norm(grads->tensors[i].values, net->tensors[i].count);
    }
    double scale = optim_clip(squares, limit), plain_scale = sqrt(square) > limit ? limit / sqrt(square) : 1;
    assert_true(plain_scale < 0.9 && fabs(scale - plain_scale) < 1e-4 * plain_scale);

    // The step, from moments that are not the start's.
    double worst = 0;
    for (int i = 0; i < net->tensor_count; i++) {
        struct net_tensor *x = &net->tensors[i];
        if (x->role == NET_STATISTIC)
            continue;
        float *m = random_floats(x->count, 0, 0.05, 100 + (uint64_t)i), *v = random_floats(x->count, 0.02, 0.002, 200);
        struct optim_adamw adam = {.rate = rate, .beta1 = beta1, .beta2 = beta2, .epsilon = epsilon,
                                   .decay = x->role == NET_WEIGHT ? decay : 0};
        double *want = xcalloc(x->count, sizeof *want);
        for (size_t k = 0; k < x->count; k++) {
            double g = plain_scale * slope[i][k], first = beta1 * m[k] + (1 - beta1) * g;
            double second = beta2 * v[k] + (1 - beta2) * g * g;
            want[k] = p.values[i][k] - rate * (first / (1 - pow(beta1, step)) /
                                                   (sqrt(second / (1 - pow(beta2, step))) + epsilon) +
                                               adam.decay * p.values[i][k]);
        }
        optim_adamw(&adam, (int64_t)step, x->count, grads->tensors[i].values, scale, x->values, m, v);
        for (size_t k = 0; k < x->count; k++)
            worst = fmax(worst, fabs(x->values[k] - want[k]));
        free(want), free(m), free(v);
    }
    print_message("# loss %.6f, worst weight off by %.2g after a step of %.2g\n", loss, worst, rate);
    assert_true(worst < 1e-5);

    for (int i = 0; i < net->tensor_count; i++)
        free(slope[i]), free(p.values[i]);
    for (int k = 0; k < NET_TAPS; k++)
        free(t.teacher[k]), free(t.mean[k]), free(t.inverse[k]);
    free(slope), free(p.values), free(p.rgb), free(rgb);
    graph_free(graph);
    net_free(grads);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_step_is_what_its_formulas_say)};
    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
