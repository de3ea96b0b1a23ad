// A network in plain loops, to compare the fast paths with.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/net.h"

static const double layer_epsilon = 1e-5;

static struct net_map map_new(int rows, int cols, int channels)
{
    size_t count = (size_t)rows * (size_t)cols * (size_t)channels;
    return (struct net_map){rows, cols, channels, xcalloc(count, sizeof(float))};
}

static size_t cells_of(const struct net_map *m)
{
    return (size_t)m->rows * (size_t)m->cols;
}

static struct net_map copy(const struct net_map *m)
{
    struct net_map out = map_new(m->rows, m->cols, m->channels);
    memcpy(out.values, m->values, cells_of(m) * (size_t)m->channels * sizeof(float));
    return out;
}

static double activate(enum net_activation a, double x)
{
    switch (a) {
    case NET_RELU:
        return x > 0 ? x : 0;
    case NET_RELU6:
        return x < 0 ? 0 : x > 6 ? 6 : x;
    case NET_GELU:
        return 0.5 * x * (1 + erf(x * sqrt(0.5)));
    default:
        return x;
    }
}

// depthwise: weight (3, 3, channels), else (3, 3, from, to).
static struct net_map convolve(const struct net_map *in, const float *weight, int to, int stride,
                               enum net_padding padding, bool depthwise)
{
    int before = stride == 1 || padding == NET_PAD_SYMMETRIC;
    struct net_map out = map_new((in->rows + stride - 1) / stride, (in->cols + stride - 1) / stride, to);
    for (int r = 0; r < out.rows; r++)
        for (int c = 0; c < out.cols; c++)
            for (int k = 0; k < to; k++) {
                double sum = 0;
                for (int tap = 0; tap < 9; tap++) {
                    int y = r * stride + tap / 3 - before, x = c * stride + tap % 3 - before;
                    if (y < 0 || y >= in->rows || x < 0 || x >= in->cols)
                        continue;
                    const float *at = in->values + ((size_t)y * (size_t)in->cols + (size_t)x) * (size_t)in->channels;
                    if (depthwise)
                        sum += (double)at[k] * weight[tap * to + k];
                    else
                        for (int j = 0; j < in->channels; j++)
                            sum += (double)at[j] * weight[(tap * in->channels + j) * to + k];
                }
                out.values[((size_t)r * (size_t)out.cols + (size_t)c) * (size_t)to + (size_t)k] = (float)sum;
            }
    return out;
}

static struct net_map linear(const struct net_map *in, const float *weight, const float *bias, int to)
{
    struct net_map out = map_new(in->rows, in->cols, to);
    for (size_t i = 0; i < cells_of(in); i++)
        for (int k = 0; k < to; k++) {
            double sum = bias ? bias[k] : 0;
            for (int j = 0; j < in->channels; j++)
                sum += (double)in->values[i * (size_t)in->channels + (size_t)j] * weight[j * to + k];
            out.values[i * (size_t)to + (size_t)k] = (float)sum;
        }
    return out;
}

// Batch norm with its running statistics, then the activation; in place.
static void normalise(struct net_map *m, const struct net *net, int block, int norm, enum net_activation activation)
{
    const float *gamma = net_values(net, block, norm + NORM_GAMMA), *beta = net_values(net, block, norm + NORM_BETA);
    const float *mean = net_values(net, block, norm + NORM_MEAN);
    const float *variance = net_values(net, block, norm + NORM_VARIANCE);
    for (size_t i = 0; i < cells_of(m); i++)
        for (int k = 0; k < m->channels; k++) {
            float *x = &m->values[i * (size_t)m->channels + (size_t)k];
            *x = (float)activate(activation,
                                 (*x - mean[k]) / sqrt(variance[k] + net->plan.epsilon) * gamma[k] + beta[k]);
        }
}

static struct net_map layer_norm(const struct net_map *in, const float *gamma, const float *beta)
{
    struct net_map out = map_new(in->rows, in->cols, in->channels);
    size_t n = (size_t)in->channels;
    for (size_t i = 0; i < cells_of(in); i++) {
        const float *x = in->values + i * n;
        double mean = 0, square = 0;
        for (size_t k = 0; k < n; k++)
            mean += x[k] / (double)n;
        for (size_t k = 0; k < n; k++)
            square += (x[k] - mean) * (x[k] - mean) / (double)n;
        for (size_t k = 0; k < n; k++)
            out.values[i * n + k] = (float)((x[k] - mean) / sqrt(square + layer_epsilon) * gamma[k] + beta[k]);
    }
    return out;
}

static void add(struct net_map *to, const struct net_map *from)
{
    for (size_t i = 0; i < cells_of(to) * (size_t)to->channels; i++)
        to->values[i] += from->values[i];
}

// Whole windows only; a side below `pool` is not pooled.
static struct net_map pool_average(const struct net_map *in, int pool)
{
    int pr = in->rows < pool ? 1 : pool, pc = in->cols < pool ? 1 : pool;
    struct net_map out = map_new(in->rows / pr, in->cols / pc, in->channels);
    for (int r = 0; r < out.rows; r++)
        for (int c = 0; c < out.cols; c++)
            for (int k = 0; k < out.channels; k++) {
                double sum = 0;
                for (int y = r * pr; y < (r + 1) * pr; y++)
                    for (int x = c * pc; x < (c + 1) * pc; x++)
                        sum += in->values[((size_t)y * (size_t)in->cols + (size_t)x) * (size_t)in->channels + (size_t)k];
                out.values[((size_t)r * (size_t)out.cols + (size_t)c) * (size_t)out.channels + (size_t)k] =
                    (float)(sum / (pr * pc));
            }
    return out;
}

// q (cells, channels); kv (other cells, keys then values). Softmax of q.k / sqrt(channels / heads).
static struct net_map attend(const struct net_map *q, const struct net_map *kv, int heads)
{
    struct net_map out = map_new(q->rows, q->cols, q->channels);
    size_t channels = (size_t)q->channels, size = channels / (size_t)heads, keys = cells_of(kv);
    double *weight = xcalloc(keys, sizeof *weight);
    for (size_t i = 0; i < cells_of(q); i++)
        for (size_t from = 0; from < channels; from += size) {
            double highest = -INFINITY, total = 0;
            for (size_t j = 0; j < keys; j++) {
                weight[j] = 0;
                for (size_t k = from; k < from + size; k++)
                    weight[j] += (double)q->values[i * channels + k] * kv->values[j * 2 * channels + k];
                weight[j] /= sqrt((double)size);
                highest = fmax(highest, weight[j]);
            }
            for (size_t j = 0; j < keys; j++)
                total += weight[j] = exp(weight[j] - highest);
            for (size_t k = from; k < from + size; k++) {
                double sum = 0;
                for (size_t j = 0; j < keys; j++)
                    sum += weight[j] / total * kv->values[j * 2 * channels + channels + k];
                out.values[i * channels + k] = (float)sum;
            }
        }
    free(weight);
    return out;
}

static struct net_map attention(const struct net *net, int i, const struct net_map *in)
{
    struct net_map sum = copy(in), *x = &sum;
    const struct net_block *b = &net->plan.blocks[i];
    struct net_map position = convolve(x, net_values(net, i, ATTENTION_POSITION), b->to, 1, NET_PAD_SYMMETRIC, true);
    for (size_t c = 0; c < cells_of(&position); c++)
        for (int k = 0; k < b->to; k++)
            position.values[c * (size_t)b->to + (size_t)k] += net_values(net, i, ATTENTION_POSITION_BIAS)[k];
    add(x, &position);
    struct net_map n1 = layer_norm(x, net_values(net, i, ATTENTION_NORM1_GAMMA), net_values(net, i, ATTENTION_NORM1_BETA));
    struct net_map q = linear(&n1, net_values(net, i, ATTENTION_QUERY), net_values(net, i, ATTENTION_QUERY_BIAS), b->to);
    struct net_map pooled = pool_average(&n1, b->pool);
    struct net_map kv = linear(&pooled, net_values(net, i, ATTENTION_KEY_VALUE),
                               net_values(net, i, ATTENTION_KEY_VALUE_BIAS), 2 * b->to);
    struct net_map seen = attend(&q, &kv, b->heads);
    struct net_map out = linear(&seen, net_values(net, i, ATTENTION_OUT), net_values(net, i, ATTENTION_OUT_BIAS), b->to);
    add(x, &out);
    struct net_map n2 = layer_norm(x, net_values(net, i, ATTENTION_NORM2_GAMMA), net_values(net, i, ATTENTION_NORM2_BETA));
    struct net_map hidden = linear(&n2, net_values(net, i, ATTENTION_MLP1), net_values(net, i, ATTENTION_MLP1_BIAS),
                                   b->hidden);
    for (size_t k = 0; k < cells_of(&hidden) * (size_t)hidden.channels; k++)
        hidden.values[k] = (float)activate(b->activation, hidden.values[k]);
    struct net_map mlp = linear(&hidden, net_values(net, i, ATTENTION_MLP2), net_values(net, i, ATTENTION_MLP2_BIAS),
                                b->to);
    add(x, &mlp);
    struct net_map *all[] = {&position, &n1, &q, &pooled, &kv, &seen, &out, &n2, &hidden, &mlp};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]->values);
    return sum;
}

static struct net_map separable(const struct net *net, int i, const struct net_map *x)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct net_map depth =
        convolve(x, net_values(net, i, SEPARABLE_DEPTH), b->from, b->stride, net->plan.padding, true);
    normalise(&depth, net, i, SEPARABLE_DEPTH_NORM, b->activation);
    struct net_map point = linear(&depth, net_values(net, i, SEPARABLE_POINT), NULL, b->to);
    normalise(&point, net, i, SEPARABLE_POINT_NORM, b->activation);
    if (b->residual)
        add(&point, x);
    free(depth.values);
    return point;
}

void net_naive(const struct net *net, const float *rgb, int rows, int cols, struct net_map taps[NET_TAPS])
{
    struct net_map x = map_new(rows, cols, 3);
    for (size_t i = 0; i < cells_of(&x) * 3; i++)
        x.values[i] = rgb[i] / 127.5f - 1;
    for (int i = 0; i < net->plan.count; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        struct net_map out;
        if (b->type == NET_CONV) {
            out = convolve(&x, net_values(net, i, CONV_WEIGHT), b->to, b->stride, net->plan.padding, false);
            normalise(&out, net, i, CONV_NORM, b->activation);
        } else if (b->type == NET_SEPARABLE) {
            out = separable(net, i, &x);
        } else {
            out = attention(net, i, &x);
        }
        if (b->tap >= 0)
            taps[b->tap] = b->branch ? out : copy(&out);
        if (!b->branch) {
            free(x.values);
            x = out;
        }
    }
    free(x.values);
}
