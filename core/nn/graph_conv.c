// Full and separable convolution blocks. A batch goes through in parts that
// stay in the cache; batch norm's sums are gathered on the way.
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "nn/graph_impl.h"

static enum layer_activation activation_of(const struct net_block *b)
{
    return b->activation == NET_RELU ? ACT_RELU : b->activation == NET_RELU6 ? ACT_RELU6 : ACT_NONE;
}

static struct layer_window window_of(const struct net *net, const struct net_block *b)
{
    return (struct layer_window){b->stride, (enum layer_padding)net->plan.padding};
}

static struct layer_map part_of(struct layer_map shape, int first, int part)
{
    shape.count = shape.count - first < part ? shape.count - first : part;
    return shape;
}

static size_t offset(struct layer_map shape, int first)
{
    shape.count = first;
    return layer_values(shape);
}

// ---- batch norm's bookkeeping ----

static void norm_begin(struct graph *g, struct graph_norm *norm, struct layer_map shape)
{
    size_t n = (size_t)shape.channels;
    float *memory = graph_take(g, 4 * n);
    norm->mean = memory;
    norm->variance = memory + n;
    norm->scale = memory + 2 * n;
    norm->shift = memory + 3 * n;
    norm->cells = layer_cells(shape);
}

// From the moments of the batch when it is measured, else from the running statistics.
static void norm_ready(const struct graph_block *k, struct graph_norm *norm, const struct net *net, int i, int tensor,
                       const double *moments, int channels)
{
    if (k->measured) {
        layer_moments_finish(moments, channels, norm->mean, norm->variance);
    } else {
        layer_copy(net_values(net, i, tensor + NORM_MEAN), (size_t)channels, norm->mean);
        layer_copy(net_values(net, i, tensor + NORM_VARIANCE), (size_t)channels, norm->variance);
    }
    layer_batch_prepare(channels, norm->mean, norm->variance, net->plan.epsilon, net_values(net, i, tensor + NORM_GAMMA),
                        net_values(net, i, tensor + NORM_BETA), norm->scale, norm->shift);
}

static void note(const struct graph_norm *norm, int channels, struct net *grads, int i, int tensor)
{
    layer_add(net_values(grads, i, tensor + NORM_MEAN), norm->mean, (size_t)channels);
    // Running variances are unbiased.
    float scale = norm->cells > 1 ? (float)norm->cells / (float)(norm->cells - 1) : 1;
    float *variance = net_values(grads, i, tensor + NORM_VARIANCE);
    for (int c = 0; c < channels; c++)
        variance[c] += scale * norm->variance[c];
}

void graph_note_statistics(const struct graph *g, const struct net *net, int i, struct net *grads)
{
    const struct net_block *b = &net->plan.blocks[i];
    const struct graph_block *k = &g->blocks[i];
    if (b->type == NET_CONV)
        note(&k->norm[0], b->to, grads, i, CONV_NORM);
    if (b->type == NET_SEPARABLE) {
        note(&k->norm[0], b->from, grads, i, SEPARABLE_DEPTH_NORM);
        note(&k->norm[1], b->to, grads, i, SEPARABLE_POINT_NORM);
    }
}

void graph_update_statistics(struct net *net, const struct net *grads, int passes, double momentum)
{
    for (int i = 0; i < net->tensor_count; i++) {
        struct net_tensor *t = &net->tensors[i];
        if (t->role != NET_STATISTIC)
            continue;
        float keep = (float)momentum, take = (float)((1 - momentum) / passes);
        for (size_t k = 0; k < t->count; k++)
            t->values[k] = keep * t->values[k] + take * grads->tensors[i].values[k];
    }
}

// ---- forward ----

// Depthwise or full convolution into norm[0].in, moments gathered.
static void convolve(struct graph *g, const struct net *net, int i, double *moments)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct graph_block *k = &g->blocks[i];
    struct layer_window w = window_of(net, b);
    bool full = b->type == NET_CONV;
    int channels = full ? b->to : b->from;
    struct layer_map shape = layer_after(k->in, channels, w);
    norm_begin(g, &k->norm[0], shape);
    k->norm[0].in = graph_take(g, layer_values(shape));
    struct graph_mark mark = graph_mark(g);
    int step = graph_part(&k->in, channels);
    float *scratch = full ? graph_take(g, layer_conv3x3_scratch(part_of(k->in, 0, step), w)) : NULL;
    layer_moments_clear(moments, channels);
    for (int n = 0; n < k->in.count; n += step) {
        struct layer_map in = part_of(k->in, n, step), out = part_of(shape, n, step);
        float *to = k->norm[0].in + offset(shape, n);
        if (full)
            layer_conv3x3(k->x + offset(k->in, n), in, w, b->to, net_values(net, i, CONV_WEIGHT), NULL, scratch, to);
        else
            layer_depthwise(k->x + offset(k->in, n), in, w, net_values(net, i, SEPARABLE_DEPTH), NULL, to);
        if (k->measured)
            layer_moments_add(moments, to, layer_cells(out), channels);
    }
    graph_release(g, mark);
}

void graph_convolution(struct graph *g, const struct net *net, int i)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct graph_block *k = &g->blocks[i];
    enum layer_activation act = activation_of(b);
    int widest = b->from > b->to ? b->from : b->to;
    double *moments = xcalloc(layer_moments_size(widest), sizeof *moments);
    convolve(g, net, i, moments);
    struct graph_norm *n0 = &k->norm[0], *n1 = &k->norm[1];
    if (b->type == NET_CONV) {
        norm_ready(k, n0, net, i, CONV_NORM, moments, b->to);
        layer_batch_apply(n0->in, n0->cells, b->to, n0->scale, n0->shift, act, NULL, k->out);
        free(moments);
        return;
    }
    norm_ready(k, n0, net, i, SEPARABLE_DEPTH_NORM, moments, b->from);
    struct layer_map middle = k->out_shape;
    middle.channels = b->from;
    norm_begin(g, n1, k->out_shape);
    k->middle = graph_take(g, layer_values(middle));
    n1->in = graph_take(g, layer_values(k->out_shape));
    layer_moments_clear(moments, b->to);
    int step = graph_part(&middle, widest);
    for (int n = 0; n < middle.count; n += step) {
        size_t cells = layer_cells(part_of(middle, n, step)), at = offset(middle, n), to = offset(k->out_shape, n);
        layer_batch_apply(n0->in + at, cells, b->from, n0->scale, n0->shift, act, NULL, k->middle + at);
        layer_linear(k->middle + at, cells, b->from, b->to, net_values(net, i, SEPARABLE_POINT), NULL, n1->in + to);
        if (k->measured)
            layer_moments_add(moments, n1->in + to, cells, b->to);
    }
    norm_ready(k, n1, net, i, SEPARABLE_POINT_NORM, moments, b->to);
    layer_batch_apply(n1->in, n1->cells, b->to, n1->scale, n1->shift, act, b->residual ? k->x : NULL, k->out);
    free(moments);
}

// ---- backward ----

// What norm_slope gives layer_batch_backward; adds the gradients of gamma and beta.
static void norm_slope(const struct graph *g, const struct graph_norm *norm, const struct net *net, int i, int tensor,
                       int channels, const double *sums, float *slope, struct net *grads)
{
    layer_batch_finish(sums, g->blocks[i].measured ? norm->cells : 0, channels, norm->mean, norm->variance,
                       net->plan.epsilon, net_values(net, i, tensor + NORM_GAMMA), slope, net_values(grads, i, tensor + NORM_GAMMA),
                       net_values(grads, i, tensor + NORM_BETA));
}

static void conv_backward(struct graph *g, const struct net *net, int i, float *grad, float *in_grad, double *sums,
                          float *slope, struct net *grads)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct graph_block *k = &g->blocks[i];
    struct graph_norm *norm = &k->norm[0];
    struct layer_window w = window_of(net, b);
    enum layer_activation act = activation_of(b);
    memset(sums, 0, 2 * (size_t)b->to * sizeof *sums);
    layer_batch_reduce(norm->in, grad, norm->cells, b->to, norm->scale, norm->shift, act, norm->mean, sums);
    norm_slope(g, norm, net, i, CONV_NORM, b->to, sums, slope, grads);
    int step = graph_part(&k->in, b->to);
    float *scratch = graph_take(g, layer_conv3x3_scratch(part_of(k->in, 0, step), w));
    for (int n = 0; n < k->in.count; n += step) {
        struct layer_map in = part_of(k->in, n, step);
        size_t at = offset(k->out_shape, n);
        layer_batch_backward(norm->in + at, grad + at, layer_cells(part_of(k->out_shape, n, step)), b->to, norm->scale,
                             norm->shift, act, slope, grad + at);
        layer_conv3x3_backward(k->x + offset(k->in, n), in, w, b->to, net_values(net, i, CONV_WEIGHT), grad + at, scratch,
                               in_grad ? in_grad + offset(k->in, n) : NULL, net_values(grads, i, CONV_WEIGHT), NULL);
    }
}

static void separable_backward(struct graph *g, const struct net *net, int i, const float *out_grad, float *in_grad,
                               double *sums, float *slope, struct net *grads)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct graph_block *k = &g->blocks[i];
    struct graph_norm *n0 = &k->norm[0], *n1 = &k->norm[1];
    struct layer_window w = window_of(net, b);
    enum layer_activation act = activation_of(b);
    struct layer_map middle = k->out_shape;
    middle.channels = b->from;
    float *middle_grad = graph_take(g, layer_values(middle));
    memset(sums, 0, 2 * (size_t)b->to * sizeof *sums);
    layer_batch_reduce(n1->in, out_grad, n1->cells, b->to, n1->scale, n1->shift, act, n1->mean, sums);
    norm_slope(g, n1, net, i, SEPARABLE_POINT_NORM, b->to, sums, slope, grads);

    int step = graph_part(&middle, b->from > b->to ? b->from : b->to);
    float *part = graph_take(g, layer_values(part_of(k->out_shape, 0, step)));
    memset(sums, 0, 2 * (size_t)b->from * sizeof *sums);
    for (int n = 0; n < middle.count; n += step) {
        size_t cells = layer_cells(part_of(middle, n, step)), at = offset(middle, n), to = offset(k->out_shape, n);
        layer_batch_backward(n1->in + to, out_grad + to, cells, b->to, n1->scale, n1->shift, act, slope, part);
        layer_linear_backward(k->middle + at, cells, b->from, b->to, net_values(net, i, SEPARABLE_POINT), part,
                              middle_grad + at, net_values(grads, i, SEPARABLE_POINT), NULL);
        layer_batch_reduce(n0->in + at, middle_grad + at, cells, b->from, n0->scale, n0->shift, act, n0->mean, sums);
    }
    norm_slope(g, n0, net, i, SEPARABLE_DEPTH_NORM, b->from, sums, slope, grads);

    step = graph_part(&k->in, b->from);
    for (int n = 0; n < k->in.count; n += step) {
        struct layer_map in = part_of(k->in, n, step);
        size_t from = offset(k->in, n), at = offset(middle, n);
        layer_batch_backward(n0->in + at, middle_grad + at, layer_cells(part_of(middle, n, step)), b->from, n0->scale,
                             n0->shift, act, slope, middle_grad + at);
        layer_depthwise_backward(k->x + from, in, w, net_values(net, i, SEPARABLE_DEPTH), middle_grad + at,
                                 in_grad ? in_grad + from : NULL, net_values(grads, i, SEPARABLE_DEPTH), NULL);
        if (in_grad && b->residual)
            layer_add(in_grad + from, out_grad + from, layer_values(in));
    }
}

void graph_convolution_backward(struct graph *g, const struct net *net, int i, float *out_grad, float *in_grad,
                                struct net *grads)
{
    const struct net_block *b = &net->plan.blocks[i];
    size_t widest = (size_t)(b->from > b->to ? b->from : b->to);
    double *sums = xcalloc(2 * widest, sizeof *sums);
    float *slope = graph_take(g, 2 * widest);
    if (b->type == NET_CONV)
        conv_backward(g, net, i, out_grad, in_grad, sums, slope, grads);
    else
        separable_backward(g, net, i, out_grad, in_grad, sums, slope, grads);
    free(sums);
}
