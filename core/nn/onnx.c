#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/onnx.h"
#include "nn/onnx_graph.h"

static const double layer_epsilon = 1e-5;

// Values and constants of the graph have names: "block7.point", "block7.point.weight".
struct name {
    char text[64];
};

struct writer {
    const struct net *net;
    struct onnx_graph *graph;
    int block;
    bool finite; // every constant so far
};

static struct name part_of(struct name whole, const char *part)
{
    struct name name;
    snprintf(name.text, sizeof name.text, "%.40s.%.20s", whole.text, part);
    return name;
}

static void floats(struct writer *w, struct name name, int rank, const int64_t sides[], const float *values)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)sides[i];
    for (size_t i = 0; i < count; i++)
        w->finite = w->finite && isfinite(values[i]);
    onnx_floats(w->graph, name.text, rank, sides, values);
}

static struct name scalar(struct writer *w, struct name of, const char *part, double value)
{
    struct name name = part_of(of, part);
    floats(w, name, 0, NULL, (float[]){(float)value});
    return name;
}

static void one_input(struct writer *w, const char *op, struct name in, struct name out)
{
    onnx_node(w->graph, op, 1, (const char *[]){in.text});
    onnx_end(w->graph, out.text);
}

static void two_inputs(struct writer *w, const char *op, struct name a, struct name b, struct name out)
{
    onnx_node(w->graph, op, 2, (const char *[]){a.text, b.text});
    onnx_end(w->graph, out.text);
}

static void transpose(struct writer *w, struct name in, const int64_t order[4], struct name out)
{
    onnx_node(w->graph, "Transpose", 1, (const char *[]){in.text});
    onnx_ints(w->graph, "perm", 4, order);
    onnx_end(w->graph, out.text);
}

static void activate(struct writer *w, enum net_activation activation, struct name in, struct name out)
{
    if (activation == NET_RELU) {
        one_input(w, "Relu", in, out);
    } else if (activation == NET_RELU6) {
        struct name zero = scalar(w, out, "zero", 0), six = scalar(w, out, "six", 6);
        onnx_node(w->graph, "Clip", 3, (const char *[]){in.text, zero.text, six.text});
        onnx_end(w->graph, out.text);
    } else if (activation == NET_GELU) { // x / 2 (1 + erf(x / sqrt 2))
        struct name scaled = part_of(out, "scaled"), erf_at = part_of(out, "erf");
        struct name raised = part_of(out, "raised"), doubled = part_of(out, "doubled");
        two_inputs(w, "Mul", in, scalar(w, out, "root_half", sqrt(0.5)), scaled);
        one_input(w, "Erf", scaled, erf_at);
        two_inputs(w, "Add", erf_at, scalar(w, out, "one", 1), raised);
        two_inputs(w, "Mul", in, raised, doubled);
        two_inputs(w, "Mul", doubled, scalar(w, out, "half", 0.5), out);
    } else {
        one_input(w, "Identity", in, out);
    }
}

// ---- convolutions, maps (1, channels, rows, cols) ----

struct layer {
    const float *weight; // (side, side, inputs, outputs); inputs 1 where depthwise
    int side, stride, inputs, outputs, groups;
    double input_scale; // of what comes in
    enum net_activation activation;
};

// Batch norm as y = scale x + shift.
static void fold(const struct net *net, int block, int norm, int outputs, double *scale, double *shift)
{
    const float *gamma = net_values(net, block, norm + NORM_GAMMA),
                *beta = net_values(net, block, norm + NORM_BETA);
    const float *mean = net_values(net, block, norm + NORM_MEAN);
    const float *variance = net_values(net, block, norm + NORM_VARIANCE);
    for (int k = 0; k < outputs; k++) {
        scale[k] = gamma[k] / sqrt(variance[k] + net->plan.epsilon);
        shift[k] = beta[k] - mean[k] * scale[k];
    }
}

static void convolution(struct writer *w, const struct layer *l, const double *scale, const double *shift,
                        struct name in, struct name out)
{
    size_t outputs = (size_t)l->outputs, inputs = (size_t)l->inputs, area = (size_t)(l->side * l->side);
    float *weight = xreallocarray(NULL, outputs * inputs * area, sizeof *weight);
    float *bias = xreallocarray(NULL, outputs, sizeof *bias);
    for (size_t o = 0; o < outputs; o++) {
        double factor = scale ? scale[o] * l->input_scale : l->input_scale;
        for (size_t i = 0; i < inputs; i++)
            for (size_t a = 0; a < area; a++)
                weight[(o * inputs + i) * area + a] =
                    (float)(l->weight[(a * inputs + i) * outputs + o] * factor);
        bias[o] = (float)shift[o];
    }
    struct name weights = part_of(out, "weight"), biases = part_of(out, "bias");
    floats(w, weights, 4, (int64_t[]){l->outputs, l->inputs, l->side, l->side}, weight);
    floats(w, biases, 1, (int64_t[]){l->outputs}, bias);
    free(weight);
    free(bias);

    // Two zeros at the end serve odd sides, too; an even one leaves the second alone.
    bool at_end = l->stride == 2 && w->net->plan.padding == NET_PAD_END;
    int64_t before = l->side == 1 || at_end ? 0 : 1, after = l->side == 1 ? 0 : at_end ? 2 : 1;
    bool plain = l->activation == NET_LINEAR;
    struct name sum = plain ? out : part_of(out, "sum");
    onnx_node(w->graph, "Conv", 3, (const char *[]){in.text, weights.text, biases.text});
    onnx_ints(w->graph, "kernel_shape", 2, (int64_t[]){l->side, l->side});
    onnx_ints(w->graph, "strides", 2, (int64_t[]){l->stride, l->stride});
    onnx_ints(w->graph, "pads", 4, (int64_t[]){before, before, after, after});
    onnx_int(w->graph, "group", l->groups);
    onnx_end(w->graph, sum.text);
    if (!plain)
        activate(w, l->activation, sum, out);
}

static void normed_convolution(struct writer *w, const struct layer *l, int norm, struct name in,
                               struct name out)
{
    double *scale = xcalloc(2 * (size_t)l->outputs, sizeof *scale), *shift = scale + l->outputs;
    fold(w->net, w->block, norm, l->outputs, scale, shift);
    convolution(w, l, scale, shift, in, out);
    free(scale);
}

// The picture's scaling: minus 127.5 as a node (the zeros of the padding come after it), the division in the
// weights.
static void stem(struct writer *w, const struct net_block *b, struct name in, struct name out)
{
    struct layer layer = {
        net_values(w->net, w->block, CONV_WEIGHT), 3, b->stride, b->from, b->to, 1, 1 / 127.5, b->activation};
    struct name centred = part_of(out, "centred");
    two_inputs(w, "Sub", in, scalar(w, out, "middle", 127.5), centred);
    normed_convolution(w, &layer, CONV_NORM, centred, out);
}

static void separable(struct writer *w, const struct net_block *b, struct name in, struct name out)
{
    struct layer depth = {
        net_values(w->net, w->block, SEPARABLE_DEPTH), 3, b->stride, 1, b->from, b->from, 1, b->activation};
    struct layer point = {
        net_values(w->net, w->block, SEPARABLE_POINT), 1, 1, b->from, b->to, 1, 1, b->activation};
    struct name deep = part_of(out, "depth"), mixed = b->residual ? part_of(out, "point") : out;
    normed_convolution(w, &depth, SEPARABLE_DEPTH_NORM, in, deep);
    normed_convolution(w, &point, SEPARABLE_POINT_NORM, deep, mixed);
    if (b->residual)
        two_inputs(w, "Add", mixed, in, out);
}

// ---- attention, maps (1, rows, cols, channels) ----

static const int64_t channels_last[4] = {0, 2, 3, 1}, channels_first[4] = {0, 3, 1, 2};

static void layer_norm(struct writer *w, int gamma, int beta, int channels, struct name in, struct name out)
{
    struct name scale = part_of(out, "gamma"), shift = part_of(out, "beta");
    floats(w, scale, 1, (int64_t[]){channels}, net_values(w->net, w->block, gamma));
    floats(w, shift, 1, (int64_t[]){channels}, net_values(w->net, w->block, beta));
    onnx_node(w->graph, "LayerNormalization", 3, (const char *[]){in.text, scale.text, shift.text});
    onnx_int(w->graph, "axis", -1);
    onnx_float(w->graph, "epsilon", (float)layer_epsilon);
    onnx_end(w->graph, out.text);
}

// Columns first .. first + to - 1 of a (from, columns) matrix, times `factor`.
struct linear {
    int tensor, bias;
    int from, columns, first, to;
    double factor;
};

static void linear(struct writer *w, const struct linear *l, struct name in, struct name out)
{
    const float *all = net_values(w->net, w->block, l->tensor),
                *shift = net_values(w->net, w->block, l->bias);
    float *weight = xreallocarray(NULL, (size_t)(l->from + 1) * (size_t)l->to, sizeof *weight);
    float *bias = weight + (size_t)l->from * (size_t)l->to;
    for (int i = 0; i < l->from; i++)
        for (int k = 0; k < l->to; k++)
            weight[i * l->to + k] = (float)(all[i * l->columns + l->first + k] * l->factor);
    for (int k = 0; k < l->to; k++)
        bias[k] = (float)(shift[l->first + k] * l->factor);
    struct name weights = part_of(out, "weight"), biases = part_of(out, "bias"),
                product = part_of(out, "product");
    floats(w, weights, 2, (int64_t[]){l->from, l->to}, weight);
    floats(w, biases, 1, (int64_t[]){l->to}, bias);
    free(weight);
    two_inputs(w, "MatMul", in, weights, product);
    two_inputs(w, "Add", product, biases, out);
}

// (1, rows, cols, channels) -> (1, cells, heads, size), transposed by `order`.
static void split_heads(struct writer *w, const struct net_block *b, struct name in, const int64_t order[4],
                        struct name out)
{
    struct name shape = part_of(out, "shape"), split = part_of(out, "split");
    onnx_integers(w->graph, shape.text, 4,
                  (int64_t[]){0, -1, b->heads, b->to / b->heads}); // 0: as it is, -1: the rest
    two_inputs(w, "Reshape", in, shape, split);
    transpose(w, split, order, out);
}

static struct name pool(struct writer *w, const struct net_block *b, struct name in, struct name out)
{
    if (b->pool == 1)
        return in;
    struct name first = part_of(out, "first"), averaged = part_of(out, "averaged");
    transpose(w, in, channels_first, first);
    onnx_node(w->graph, "AveragePool", 1, (const char *[]){first.text});
    onnx_ints(w->graph, "kernel_shape", 2, (int64_t[]){b->pool, b->pool});
    onnx_ints(w->graph, "strides", 2, (int64_t[]){b->pool, b->pool});
    onnx_end(w->graph, averaged.text);
    transpose(w, averaged, channels_last, out);
    return out;
}

// Softmax(q k / sqrt(size)) v, then its output layer.
static void attend(struct writer *w, const struct net_block *b, struct name in, struct name out)
{
    static const int64_t by_head[4] = {0, 2, 1, 3}, keys_last[4] = {0, 2, 3, 1};
    struct name query = part_of(out, "query"), key = part_of(out, "key"), value = part_of(out, "value");
    struct name queries = part_of(query, "heads"), keys = part_of(key, "heads"),
                values = part_of(value, "heads");
    struct name pooled = pool(w, b, in, part_of(out, "pooled"));
    double scale = 1 / sqrt((double)b->to / b->heads);
    linear(w, &(struct linear){ATTENTION_QUERY, ATTENTION_QUERY_BIAS, b->to, b->to, 0, b->to, scale}, in,
           query);
    linear(w, &(struct linear){ATTENTION_KEY_VALUE, ATTENTION_KEY_VALUE_BIAS, b->to, 2 * b->to, 0, b->to, 1},
           pooled, key);
    linear(w,
           &(struct linear){ATTENTION_KEY_VALUE, ATTENTION_KEY_VALUE_BIAS, b->to, 2 * b->to, b->to, b->to, 1},
           pooled, value);
    split_heads(w, b, query, by_head, queries);
    split_heads(w, b, key, keys_last, keys);
    split_heads(w, b, value, by_head, values);

    struct name scores = part_of(out, "scores"), weights = part_of(out, "weights"),
                seen = part_of(out, "seen");
    two_inputs(w, "MatMul", queries, keys, scores);
    onnx_node(w->graph, "Softmax", 1, (const char *[]){scores.text});
    onnx_int(w->graph, "axis", -1);
    onnx_end(w->graph, weights.text);
    two_inputs(w, "MatMul", weights, values, seen);

    struct name cells = part_of(out, "cells"), shape = part_of(out, "shape"), joined = part_of(out, "joined");
    transpose(w, seen, by_head, cells);
    one_input(w, "Shape", in, shape);
    two_inputs(w, "Reshape", cells, shape, joined);
    linear(w, &(struct linear){ATTENTION_OUT, ATTENTION_OUT_BIAS, b->to, b->to, 0, b->to, 1}, joined, out);
}

static void attention(struct writer *w, const struct net_block *b, struct name in, struct name out)
{
    struct layer position = {
        net_values(w->net, w->block, ATTENTION_POSITION), 3, 1, 1, b->to, b->to, 1, NET_LINEAR};
    struct name near = part_of(out, "position"), placed = part_of(out, "placed"), x = part_of(out, "last");
    double *shift = xcalloc((size_t)b->to, sizeof *shift);
    for (int k = 0; k < b->to; k++)
        shift[k] = net_values(w->net, w->block, ATTENTION_POSITION_BIAS)[k];
    convolution(w, &position, NULL, shift, in, near);
    free(shift);
    two_inputs(w, "Add", in, near, placed);
    transpose(w, placed, channels_last, x);

    struct name norm1 = part_of(out, "norm1"), attended = part_of(out, "attend"),
                middle = part_of(out, "middle");
    layer_norm(w, ATTENTION_NORM1_GAMMA, ATTENTION_NORM1_BETA, b->to, x, norm1);
    attend(w, b, norm1, attended);
    two_inputs(w, "Add", x, attended, middle);

    struct name norm2 = part_of(out, "norm2"), wide = part_of(out, "mlp1"), bent = part_of(out, "hidden");
    struct name mlp = part_of(out, "mlp2"), sum = part_of(out, "sum");
    layer_norm(w, ATTENTION_NORM2_GAMMA, ATTENTION_NORM2_BETA, b->to, middle, norm2);
    linear(w, &(struct linear){ATTENTION_MLP1, ATTENTION_MLP1_BIAS, b->to, b->hidden, 0, b->hidden, 1}, norm2,
           wide);
    activate(w, b->activation, wide, bent);
    linear(w, &(struct linear){ATTENTION_MLP2, ATTENTION_MLP2_BIAS, b->hidden, b->to, 0, b->to, 1}, bent,
           mlp);
    two_inputs(w, "Add", middle, mlp, sum);
    transpose(w, sum, channels_first, out);
}

// ---- the whole ----

static void write_blocks(struct writer *w)
{
    static const char *const picture[4] = {"1", "3", "rows", "cols"};
    struct name at = {"rgb"};
    onnx_input(w->graph, at.text, 4, picture);
    for (w->block = 0; w->block < w->net->plan.count; w->block++) {
        const struct net_block *b = &w->net->plan.blocks[w->block];
        struct name out;
        if (b->tap >= 0)
            snprintf(out.text, sizeof out.text, "tap%d", b->tap);
        else
            snprintf(out.text, sizeof out.text, "block%d", w->block);
        if (b->type == NET_CONV)
            stem(w, b, at, out);
        else if (b->type == NET_SEPARABLE)
            separable(w, b, at, out);
        else
            attention(w, b, at, out);
        if (!b->branch)
            at = out;
        if (b->tap < 0)
            continue;
        char channels[16];
        const char *sides[4] = {"1", channels, b->tap ? "rows_16" : "rows_8", b->tap ? "cols_16" : "cols_8"};
        snprintf(channels, sizeof channels, "%d", b->to);
        onnx_output(w->graph, out.text, 4, sides);
    }
}

enum status onnx_write(const struct net *net, const char *path, struct error *err)
{
    struct writer w = {.net = net, .graph = onnx_graph_new(net->plan.name), .finite = true};
    struct strbuf bytes = {0};
    enum status status = ST_OK;
    write_blocks(&w);
    onnx_meta(w.graph, "input", "rgb: 0..255, (1, 3, rows, cols)");
    if (net->sha256[0])
        onnx_meta(w.graph, "base_sha256", net->sha256);
    onnx_graph_bytes(w.graph, &bytes);
    onnx_graph_free(w.graph);
    if (!w.finite)
        status = error_set(err, ST_CORRUPT, "network %s: a weight is not finite after its batch norm",
                           net->plan.name);
    else if (bytes.len > INT32_MAX)
        status = error_set(err, ST_INVALID, "network %s: more than 2 GiB, which an ONNX file cannot hold",
                           net->plan.name);
    else
        status = file_write(path, bytes.data, bytes.len, err);
    strbuf_clear(&bytes);
    return status;
}
