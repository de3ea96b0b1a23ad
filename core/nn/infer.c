#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/infer.h"

static float *zeros(size_t count)
{
    float *values = xaligned(count, sizeof *values);
    memset(values, 0, count * sizeof *values);
    return values;
}

// Batch norm as y = scale x + shift. Caller frees `scale`, which holds both.
static void fold(const struct net *net, int block, int norm, int channels, float **scale, float **shift)
{
    const float *gamma = net_values(net, block, norm + NORM_GAMMA),
                *beta = net_values(net, block, norm + NORM_BETA);
    const float *mean = net_values(net, block, norm + NORM_MEAN);
    const float *variance = net_values(net, block, norm + NORM_VARIANCE);
    *scale = xreallocarray(NULL, 2 * (size_t)channels, sizeof **scale);
    *shift = *scale + channels;
    for (int k = 0; k < channels; k++) {
        double s = gamma[k] / sqrt(variance[k] + net->plan.epsilon);
        (*scale)[k] = (float)s;
        (*shift)[k] = (float)(beta[k] - mean[k] * s);
    }
}

static void pack_depthwise(struct infer_block *b, const float *weight, const float *scale, const float *bias)
{
    int channels = b->plan.from;
    b->depth = zeros(9 * (size_t)b->from);
    b->depth_bias = zeros((size_t)b->from);
    for (int tap = 0; tap < 9; tap++)
        for (int k = 0; k < channels; k++)
            b->depth[tap * b->from + k] = weight[tap * channels + k] * (scale ? scale[k] : 1);
    memcpy(b->depth_bias, bias, (size_t)channels * sizeof *bias);
}

static bool all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

// The functions that fold return the tensor that is not finite afterwards, -1 when all is well.

// The picture enters as rgb - 127.5, and 127.5 divides the weights. Each row of the filter, 9 numbers, is
// padded to 10: whole numbers come in pairs.
static int pack_stem(struct infer_block *b, const struct net *net, int block)
{
    enum { ROW = 9, PADDED = 10 };
    int to = b->plan.to;
    float *scale, *shift, *weight = zeros(3 * PADDED * (size_t)to);
    const float *raw = net_values(net, block, CONV_WEIGHT);
    fold(net, block, CONV_NORM, to, &scale, &shift);
    for (int tap = 0; tap < 3 * ROW; tap++)
        for (int k = 0; k < to; k++)
            weight[(tap / ROW * PADDED + tap % ROW) * to + k] =
                (float)((double)raw[tap * to + k] * scale[k] / 127.5);
    b->point = kernel_matrix_new(b->kernels, 3 * PADDED, b->to);
    kernel_matrix_fill(b->kernels, &b->point, weight, (size_t)to, 3 * PADDED, to);
    memcpy(b->point.bias, shift, (size_t)to * sizeof *shift);
    bool good = all_finite(weight, 3 * PADDED * (size_t)to) && all_finite(shift, (size_t)to);
    free(weight);
    free(scale);
    return good ? -1 : CONV_WEIGHT;
}

static int pack_separable(struct infer_block *b, const struct net *net, int block)
{
    int from = b->plan.from, to = b->plan.to;
    float *scale, *shift;
    fold(net, block, SEPARABLE_DEPTH_NORM, from, &scale, &shift);
    pack_depthwise(b, net_values(net, block, SEPARABLE_DEPTH), scale, shift);
    free(scale);

    const float *raw = net_values(net, block, SEPARABLE_POINT);
    float *weight = zeros((size_t)b->from * (size_t)to);
    fold(net, block, SEPARABLE_POINT_NORM, to, &scale, &shift);
    for (int j = 0; j < from; j++)
        for (int k = 0; k < to; k++)
            weight[j * to + k] = raw[j * to + k] * scale[k];
    b->point = kernel_matrix_new(b->kernels, b->from, b->to);
    kernel_matrix_fill(b->kernels, &b->point, weight, (size_t)to, b->from, to);
    memcpy(b->point.bias, shift, (size_t)to * sizeof *shift);
    bool good = all_finite(weight, (size_t)b->from * (size_t)to) && all_finite(shift, (size_t)to);
    free(weight);
    free(scale);
    if (!all_finite(b->depth, 9 * (size_t)b->from) || !all_finite(b->depth_bias, (size_t)b->from))
        return SEPARABLE_DEPTH;
    return good ? -1 : SEPARABLE_POINT;
}

// A linear layer whose inputs and outputs come in groups (heads), each padded to its own width.
struct grouping {
    int groups, size, padded;
};

static int group_place(const struct grouping *g, int i)
{
    return i / g->size * g->padded + i % g->size;
}

static struct kernel_matrix pack_linear(const struct kernels *kernels, const float *weight, const float *bias,
                                        struct grouping from, struct grouping to)
{
    int k = kernel_pad(from.groups * from.padded), n = kernel_pad(to.groups * to.padded);
    int rows = from.groups * from.size, columns = to.groups * to.size;
    float *placed = zeros((size_t)k * (size_t)n);
    struct kernel_matrix matrix = kernel_matrix_new(kernels, k, n);
    for (int j = 0; j < columns; j++) {
        int at = group_place(&to, j);
        for (int i = 0; i < rows; i++)
            placed[group_place(&from, i) * n + at] = weight[i * columns + j];
        matrix.bias[at] = bias[j];
    }
    kernel_matrix_fill(kernels, &matrix, placed, (size_t)n, k, n);
    free(placed);
    return matrix;
}

// Every head's part of a layer, its `size` rows (size, to).
static struct kernel_matrix *pack_heads(const struct infer_block *b, const float *weight, float factor)
{
    const size_t size = (size_t)(b->plan.to / b->plan.heads), to = (size_t)b->plan.to;
    struct kernel_matrix *matrices = xcalloc((size_t)b->plan.heads, sizeof *matrices);
    float *scaled = zeros(size * to);
    for (int h = 0; h < b->plan.heads; h++) {
        for (size_t i = 0; i < size * to; i++)
            scaled[i] = weight[(size_t)h * size * to + i] * factor;
        matrices[h] = kernel_matrix_new(b->kernels, b->head, b->to);
        kernel_matrix_fill(b->kernels, &matrices[h], scaled, to, (int)size, b->plan.to);
    }
    free(scaled);
    return matrices;
}

static float *transposed(const float *values, int side)
{
    float *out = zeros((size_t)side * (size_t)side);
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            out[j * side + i] = values[i * side + j];
    return out;
}

static float *pack_vector(const float *values, int count, int padded)
{
    float *out = zeros((size_t)padded);
    memcpy(out, values, (size_t)count * sizeof *out);
    return out;
}

static void pack_attention(struct infer_block *b, const struct net *net, int block)
{
    int channels = b->plan.to, heads = b->plan.heads, size = channels / heads;
    b->head = kernel_pad(size);
    const struct grouping map = {1, channels, b->to}, pair = {2 * heads, size, b->head},
                          hidden = {1, b->plan.hidden, kernel_pad(b->plan.hidden)};
    const float *t[ATTENTION_TENSORS];
    for (int i = 0; i < ATTENTION_TENSORS; i++)
        t[i] = net_values(net, block, i);
    pack_depthwise(b, t[ATTENTION_POSITION], NULL, t[ATTENTION_POSITION_BIAS]);
    for (int k = 0; k < channels; k++)
        b->depth[4 * b->from + k] += 1;
    for (int i = 0; i < 2; i++) {
        b->norm1[i] = pack_vector(t[ATTENTION_NORM1_GAMMA + i], channels, b->to);
        b->norm2[i] = pack_vector(t[ATTENTION_NORM2_GAMMA + i], channels, b->to);
    }
    const float share = 1 / sqrtf((float)size);
    float *query = transposed(t[ATTENTION_QUERY], channels);
    b->query = pack_heads(b, query, share);
    free(query);
    b->query_bias = zeros((size_t)heads * (size_t)b->head);
    for (int k = 0; k < channels; k++)
        b->query_bias[k / size * b->head + k % size] = t[ATTENTION_QUERY_BIAS][k] * share;
    b->out = pack_heads(b, t[ATTENTION_OUT], 1);
    b->out_bias = pack_vector(t[ATTENTION_OUT_BIAS], channels, b->to);
    b->key_value = pack_linear(b->kernels, t[ATTENTION_KEY_VALUE], t[ATTENTION_KEY_VALUE_BIAS], map, pair);
    b->mlp1 = pack_linear(b->kernels, t[ATTENTION_MLP1], t[ATTENTION_MLP1_BIAS], map, hidden);
    b->mlp2 = pack_linear(b->kernels, t[ATTENTION_MLP2], t[ATTENTION_MLP2_BIAS], hidden, map);
}

static void infer_free(struct base *base)
{
    struct infer *infer = (struct infer *)base;
    for (int i = 0; i < infer->count; i++) {
        struct infer_block *b = &infer->blocks[i];
        struct kernel_matrix *matrices[] = {&b->point, &b->key_value, &b->mlp1, &b->mlp2};
        for (size_t k = 0; k < sizeof matrices / sizeof *matrices; k++)
            kernel_matrix_free(matrices[k]);
        for (int h = 0; b->query && h < b->plan.heads; h++) {
            kernel_matrix_free(&b->query[h]);
            kernel_matrix_free(&b->out[h]);
        }
        free(b->query);
        free(b->out);
        free(b->query_bias);
        free(b->out_bias);
        free(b->depth);
        free(b->depth_bias);
        for (int k = 0; k < 2; k++) {
            free(b->norm1[k]);
            free(b->norm2[k]);
        }
    }
    free(infer->blocks);
    free(infer);
}

static void describe(struct base_info *info, const struct net *net, const struct kernels *kernels)
{
    snprintf(info->name, sizeof info->name, "%s", net->plan.name);
    memcpy(info->sha256, net->sha256, sizeof info->sha256);
    info->parameters = net_parameters(net);
    snprintf(info->precision, sizeof info->precision, "%s", kernels->precision == KERNEL_I16 ? "i16" : "f32");
    info->multiple = 16;
    for (int i = 0, stride = 1; i < net->plan.count; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        if (b->tap >= 0) {
            info->stride[b->tap] = stride * b->stride;
            info->channels[b->tap] = b->to;
        }
        stride *= b->branch ? 1 : b->stride;
    }
}

enum status infer_new(const struct net *net, const struct kernels *kernels, struct base **base,
                      struct error *err)
{
    struct infer *infer = xcalloc(1, sizeof *infer);
    infer->base.taps = infer_taps;
    infer->base.free = infer_free;
    infer->count = net->plan.count;
    infer->blocks = xcalloc((size_t)infer->count, sizeof *infer->blocks);
    describe(&infer->base.info, net, kernels);
    enum status status = ST_OK;
    for (int i = 0; i < infer->count && status == ST_OK; i++) {
        struct infer_block *b = &infer->blocks[i];
        b->plan = net->plan.blocks[i];
        b->kernels = kernels;
        b->before = b->plan.stride == 1 || net->plan.padding == NET_PAD_SYMMETRIC;
        b->from = i ? kernel_pad(b->plan.from) : 3;
        b->to = kernel_pad(b->plan.to);
        int bad = -1;
        if (b->plan.type == NET_CONV)
            bad = pack_stem(b, net, i);
        else if (b->plan.type == NET_SEPARABLE)
            bad = pack_separable(b, net, i);
        else
            pack_attention(b, net,
                           i); // nothing is folded that could overflow; its tensors were checked when read
        if (bad >= 0)
            status = error_set(err, ST_CORRUPT, "tensor %s: not finite after its batch norm",
                               net->tensors[net->first[i] + bad].name);
    }
    if (status != ST_OK) {
        infer_free(&infer->base);
        return status;
    }
    *base = &infer->base;
    return ST_OK;
}
