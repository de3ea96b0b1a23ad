#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "nn/layer_naive.h"

static size_t at(struct layer_map m, int picture, int row, int col, int channel)
{
    size_t cell = ((size_t)picture * (size_t)m.rows + (size_t)row) * (size_t)m.cols + (size_t)col;
    return cell * (size_t)m.channels + (size_t)channel;
}

// The loops over the values of a map, in its order.
#define EACH_VALUE(m)                                                                                        \
    for (int i = 0; i < (m).count; i++)                                                                      \
        for (int r = 0; r < (m).rows; r++)                                                                   \
            for (int c = 0; c < (m).cols; c++)                                                               \
                for (int k = 0; k < (m).channels; k++)

// Value `tap` (0 .. 8) of the window of an output cell, 0 in the padding.
static double tap_value(const double *in, struct layer_map m, struct layer_window w, int picture, int r,
                        int c, int tap, int channel)
{
    int before = w.stride == 1 || w.padding == PAD_SYMMETRIC;
    int y = r * w.stride + tap / 3 - before, x = c * w.stride + tap % 3 - before;
    return y < 0 || y >= m.rows || x < 0 || x >= m.cols ? 0 : in[at(m, picture, y, x, channel)];
}

void layer_conv3x3_naive(const double *in, struct layer_map shape, struct layer_window w, int to,
                         const double *weight, const double *bias, double *out)
{
    EACH_VALUE(layer_after(shape, to, w))
    {
        double sum = bias ? bias[k] : 0;
        for (int tap = 0; tap < 9; tap++)
            for (int j = 0; j < shape.channels; j++)
                sum += tap_value(in, shape, w, i, r, c, tap, j) * weight[(tap * shape.channels + j) * to + k];
        *out++ = sum;
    }
}

void layer_depthwise_naive(const double *in, struct layer_map shape, struct layer_window w,
                           const double *weight, const double *bias, double *out)
{
    EACH_VALUE(layer_after(shape, shape.channels, w))
    {
        double sum = bias ? bias[k] : 0;
        for (int tap = 0; tap < 9; tap++)
            sum += tap_value(in, shape, w, i, r, c, tap, k) * weight[tap * shape.channels + k];
        *out++ = sum;
    }
}

void layer_linear_naive(const double *in, size_t cells, int from, int to, const double *weight,
                        const double *bias, double *out)
{
    for (size_t i = 0; i < cells; i++)
        for (int k = 0; k < to; k++) {
            double sum = bias ? bias[k] : 0;
            for (int j = 0; j < from; j++)
                sum += in[i * (size_t)from + (size_t)j] * weight[j * to + k];
            *out++ = sum;
        }
}

void layer_moments_naive(const double *in, size_t cells, int channels, double *mean, double *variance)
{
    size_t n = (size_t)channels;
    for (size_t k = 0; k < n; k++) {
        mean[k] = variance[k] = 0;
        for (size_t i = 0; i < cells; i++)
            mean[k] += in[i * n + k] / (double)cells;
        for (size_t i = 0; i < cells; i++)
            variance[k] += (in[i * n + k] - mean[k]) * (in[i * n + k] - mean[k]) / (double)cells;
    }
}

double layer_activation_naive(double x, enum layer_activation activation)
{
    if (activation == ACT_NONE)
        return x;
    return x < 0 ? 0 : activation == ACT_RELU6 && x > 6 ? 6 : x;
}

void layer_batch_naive(const double *in, size_t cells, int channels, const double *mean,
                       const double *variance, double epsilon, const double *gamma, const double *beta,
                       enum layer_activation activation, const double *residual, double *out)
{
    for (size_t i = 0; i < cells * (size_t)channels; i++) {
        size_t k = i % (size_t)channels;
        double y = gamma[k] * (in[i] - mean[k]) / sqrt(variance[k] + epsilon) + beta[k];
        out[i] = layer_activation_naive(y, activation) + (residual ? residual[i] : 0);
    }
}

void layer_norm_layer_naive(const double *in, size_t cells, int channels, double epsilon, const double *gamma,
                            const double *beta, double *out)
{
    for (size_t i = 0; i < cells; i++, in += channels) {
        double mean = 0, variance = 0;
        for (int k = 0; k < channels; k++)
            mean += in[k] / channels;
        for (int k = 0; k < channels; k++)
            variance += (in[k] - mean) * (in[k] - mean) / channels;
        for (int k = 0; k < channels; k++)
            *out++ = gamma[k] * (in[k] - mean) / sqrt(variance + epsilon) + beta[k];
    }
}

void layer_attention_naive(const double *query, const double *key_value, struct layer_heads a, double *out)
{
    int d = a.channels / a.heads, line = 2 * a.channels;
    double *score = xcalloc((size_t)a.keys, sizeof *score);
    for (int i = 0; i < a.count; i++, key_value += a.keys * line)
        for (int cell = 0; cell < a.cells; cell++, query += a.channels)
            for (int h = 0; h < a.heads; h++) {
                double sum = 0;
                for (int s = 0; s < a.keys; s++) {
                    score[s] = 0;
                    for (int k = h * d; k < (h + 1) * d; k++)
                        score[s] += query[k] * key_value[s * line + k] / sqrt(d);
                    sum += score[s] = exp(score[s]);
                }
                for (int k = h * d; k < (h + 1) * d; k++) {
                    double mix = 0;
                    for (int s = 0; s < a.keys; s++)
                        mix += score[s] / sum * key_value[s * line + a.channels + k];
                    *out++ = mix;
                }
            }
    free(score);
}

double layer_gelu_naive(double x)
{
    return 0.5 * x * erfc(-x * sqrt(0.5));
}

// Mean (or largest) value of each whole window.
static void pool(const double *in, struct layer_map shape, int size, int largest, double *out)
{
    int pr = shape.rows < size ? 1 : size, pc = shape.cols < size ? 1 : size;
    EACH_VALUE(((struct layer_map){shape.count, shape.rows / pr, shape.cols / pc, shape.channels}))
    {
        double sum = 0, most = -HUGE_VAL;
        for (int y = r * pr; y < (r + 1) * pr; y++)
            for (int x = c * pc; x < (c + 1) * pc; x++) {
                sum += in[at(shape, i, y, x, k)];
                most = fmax(most, in[at(shape, i, y, x, k)]);
            }
        *out++ = largest ? most : sum / (pr * pc);
    }
}

void layer_pool_average_naive(const double *in, struct layer_map shape, int size, double *out)
{
    pool(in, shape, size, 0, out);
}

void layer_pool_max_naive(const double *in, struct layer_map shape, int size, double *out)
{
    pool(in, shape, size, 1, out);
}

void layer_mean_naive(const double *in, struct layer_map shape, double *out)
{
    layer_top_naive(in, shape, shape.rows * shape.cols, out);
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

void layer_top_naive(const double *in, struct layer_map shape, int top, double *out)
{
    size_t cells = (size_t)shape.rows * (size_t)shape.cols;
    double *sorted = xcalloc(cells, sizeof *sorted);
    EACH_VALUE(((struct layer_map){shape.count, 1, 1, shape.channels}))
    {
        for (size_t j = 0; j < cells; j++)
            sorted[j] = in[at(shape, i, r, c, k) + j * (size_t)shape.channels];
        qsort(sorted, cells, sizeof *sorted, falling);
        *out = 0;
        for (int j = 0; j < top; j++)
            *out += sorted[j] / top;
        out++;
    }
    free(sorted);
}

// Where output cell i of `to` lies among `from` cells: half-pixel centres, never outside the outer centres.
static double source(int i, int from, int to)
{
    return fmin(fmax((i + 0.5) * from / to - 0.5, 0), from - 1);
}

void layer_resize_naive(const double *in, struct layer_map shape, int rows, int cols, double *out)
{
    EACH_VALUE(((struct layer_map){shape.count, rows, cols, shape.channels}))
    {
        double y = source(r, shape.rows, rows), x = source(c, shape.cols, cols), sum = 0;
        for (int sr = 0; sr < shape.rows; sr++)
            for (int sc = 0; sc < shape.cols; sc++)
                sum += fmax(0, 1 - fabs(y - sr)) * fmax(0, 1 - fabs(x - sc)) * in[at(shape, i, sr, sc, k)];
        *out++ = sum;
    }
}
