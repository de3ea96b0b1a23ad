// Batch norm with the activation that follows it, and layer norm. Sums over cells are kept in floats for a
// block of cells and in doubles over the blocks.
#include "config.h"

#include <math.h>
#include <string.h>

#include "nn/layer.h"
#include "nn/layer_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

// Cells in a block of sums; channels that are taken at a time: the block's sums are on the stack.
enum { BLOCK = 64, STRIP = 256 };

void layer_moments_clear(double *moments, int channels)
{
    memset(moments, 0, layer_moments_size(channels) * sizeof *moments);
}

// One block, one strip of channels, four cells at a time. Distances from the pivot keep the squares small:
// nothing cancels when the mean is far from zero.
static ALWAYS_INLINE void block_moments(const float *in, size_t cells, size_t channels, int n,
                                        const double *pivot, double *sum, double *square)
{
    float p[STRIP], s[STRIP], q[STRIP];
    for (int k = 0; k < n; k++)
        p[k] = (float)pivot[k], s[k] = 0, q[k] = 0;
    size_t i = 0;
    for (; i + 4 <= cells; i += 4, in += 4 * channels) {
        const float *a = in, *b = in + channels, *c = b + channels, *d = c + channels;
        for (int k = 0; k < n; k++) {
            float w = a[k] - p[k], x = b[k] - p[k], y = c[k] - p[k], z = d[k] - p[k];
            s[k] += (w + x) + (y + z);
            q[k] += (w * w + x * x) + (y * y + z * z);
        }
    }
    for (; i < cells; i++, in += channels)
        for (int k = 0; k < n; k++) {
            float x = in[k] - p[k];
            s[k] += x, q[k] += x * x;
        }
    for (int k = 0; k < n; k++)
        sum[k] += (double)s[k], square[k] += (double)q[k];
}

KERNEL_CLONES void layer_moments_add(double *moments, const float *in, size_t cells, int channels)
{
    size_t n = (size_t)channels;
    double *pivot = moments, *sum = moments + n, *square = sum + n, *count = square + n;
    if (*count == 0 && cells > 0)
        for (size_t k = 0; k < n; k++)
            pivot[k] = (double)in[k];
    *count += (double)cells;
    for (size_t i = 0; i < cells; i += BLOCK) {
        size_t some = cells - i < BLOCK ? cells - i : BLOCK;
        for (int k = 0; k < channels; k += STRIP)
            block_moments(in + i * n + k, some, n, channels - k < STRIP ? channels - k : STRIP, pivot + k,
                          sum + k, square + k);
    }
}

void layer_moments_merge(double *moments, const double *other, int channels)
{
    size_t n = (size_t)channels;
    if (other[3 * n] == 0)
        return;
    if (moments[3 * n] == 0) {
        memcpy(moments, other, layer_moments_size(channels) * sizeof *moments);
        return;
    }
    for (size_t k = 0; k < n; k++) { // sums about the other pivot, moved to this one
        double shift = other[k] - moments[k];
        moments[2 * n + k] += other[2 * n + k] + 2 * shift * other[n + k] + shift * shift * other[3 * n];
        moments[n + k] += other[n + k] + shift * other[3 * n];
    }
    moments[3 * n] += other[3 * n];
}

void layer_moments_finish(const double *moments, int channels, float *mean, float *variance)
{
    size_t n = (size_t)channels;
    double count = moments[3 * n];
    for (size_t k = 0; k < n; k++) {
        double m = moments[n + k] / count, v = moments[2 * n + k] / count - m * m;
        mean[k] = (float)(moments[k] + m);
        variance[k] = (float)(v < 0 ? 0 : v);
    }
}

void layer_running_update(float *running_mean, float *running_variance, const float *mean,
                          const float *variance, size_t cells, int channels, double momentum)
{
    double unbiased = cells > 1 ? (double)cells / (double)(cells - 1) : 1;
    for (int k = 0; k < channels; k++) {
        running_mean[k] += (float)(momentum * (double)(mean[k] - running_mean[k]));
        running_variance[k] +=
            (float)(momentum * ((double)variance[k] * unbiased - (double)running_variance[k]));
    }
}

static double inverse_sd(float variance, double epsilon)
{
    return 1 / sqrt((double)variance + epsilon);
}

void layer_batch_prepare(int channels, const float *mean, const float *variance, double epsilon,
                         const float *gamma, const float *beta, float *scale, float *shift)
{
    for (int k = 0; k < channels; k++) {
        double s = (double)gamma[k] * inverse_sd(variance[k], epsilon);
        scale[k] = (float)s;
        shift[k] = (float)((double)beta[k] - (double)mean[k] * s);
    }
}

// Written so that NaN stays NaN: a run that diverged must show it.
static ALWAYS_INLINE float activate(float y, enum layer_activation activation)
{
    if (activation != ACT_NONE)
        y = y < 0 ? 0 : y;
    if (activation == ACT_RELU6)
        y = y > 6 ? 6 : y;
    return y;
}

// The part of g that passes the activation at y.
static ALWAYS_INLINE float masked(float g, float y, enum layer_activation activation)
{
    if (activation != ACT_NONE)
        g = y <= 0 ? 0 : g;
    if (activation == ACT_RELU6)
        g = y >= 6 ? 0 : g;
    return g;
}

static ALWAYS_INLINE void apply(const float *in, size_t cells, int n, const float *restrict scale,
                                const float *restrict shift, enum layer_activation activation,
                                const float *residual, float *out)
{
    for (size_t i = 0; i < cells; i++, in += n, out += n) {
        if (!residual) {
            IN_PLACE
            for (int k = 0; k < n; k++)
                out[k] = activate(in[k] * scale[k] + shift[k], activation);
            continue;
        }
        IN_PLACE
        for (int k = 0; k < n; k++)
            out[k] = activate(in[k] * scale[k] + shift[k], activation) + residual[k];
        residual += n;
    }
}

KERNEL_CLONES void layer_batch_apply(const float *in, size_t cells, int channels, const float *scale,
                                     const float *shift, enum layer_activation activation,
                                     const float *residual, float *out)
{
    switch (activation) {
    case ACT_NONE:
        apply(in, cells, channels, scale, shift, ACT_NONE, residual, out);
        break;
    case ACT_RELU:
        apply(in, cells, channels, scale, shift, ACT_RELU, residual, out);
        break;
    case ACT_RELU6:
        apply(in, cells, channels, scale, shift, ACT_RELU6, residual, out);
        break;
    }
}

static ALWAYS_INLINE void reduce(const float *in, const float *grad, size_t cells, size_t channels, int n,
                                 const float *restrict scale, const float *restrict shift,
                                 enum layer_activation activation, const float *restrict mean, double *sum,
                                 double *product)
{
    float s[STRIP], p[STRIP];
    for (int k = 0; k < n; k++)
        s[k] = 0, p[k] = 0;
    size_t i = 0;
    for (; i + 2 <= cells; i += 2, in += 2 * channels, grad += 2 * channels) {
        const float *a = in, *b = in + channels, *ga = grad, *gb = grad + channels;
        for (int k = 0; k < n; k++) {
            float g = masked(ga[k], a[k] * scale[k] + shift[k], activation);
            float h = masked(gb[k], b[k] * scale[k] + shift[k], activation);
            s[k] += g + h;
            p[k] += g * (a[k] - mean[k]) + h * (b[k] - mean[k]);
        }
    }
    for (; i < cells; i++, in += channels, grad += channels)
        for (int k = 0; k < n; k++) {
            float g = masked(grad[k], in[k] * scale[k] + shift[k], activation);
            s[k] += g, p[k] += g * (in[k] - mean[k]);
        }
    for (int k = 0; k < n; k++)
        sum[k] += (double)s[k], product[k] += (double)p[k];
}

KERNEL_CLONES void layer_batch_reduce(const float *in, const float *grad, size_t cells, int channels,
                                      const float *scale, const float *shift,
                                      enum layer_activation activation, const float *mean, double *sums)
{
    size_t c = (size_t)channels;
    for (size_t i = 0; i < cells; i += BLOCK) {
        size_t some = cells - i < BLOCK ? cells - i : BLOCK;
        for (int k = 0; k < channels; k += STRIP) {
            int n = channels - k < STRIP ? channels - k : STRIP;
            const float *x = in + i * c + k, *g = grad + i * c + k;
            double *sum = sums + k, *product = sums + c + k;
            if (activation == ACT_NONE)
                reduce(x, g, some, c, n, scale + k, shift + k, ACT_NONE, mean + k, sum, product);
            else if (activation == ACT_RELU)
                reduce(x, g, some, c, n, scale + k, shift + k, ACT_RELU, mean + k, sum, product);
            else
                reduce(x, g, some, c, n, scale + k, shift + k, ACT_RELU6, mean + k, sum, product);
        }
    }
}

// With y = gamma * (x - mean) / sd + beta, N cells and sums over all of them (Ioffe & Szegedy 2015, section
// 3):
//     dx = gamma / sd * (dy - sum dy / N - (x - mean) / sd^2 * sum dy (x - mean) / N)
// which is scale * dy + slope[0] * x + slope[1].
void layer_batch_finish(const double *sums, size_t cells, int channels, const float *mean,
                        const float *variance, double epsilon, const float *gamma, float *slope,
                        float *grad_gamma, float *grad_beta)
{
    for (int k = 0; k < channels; k++) {
        double inverse = inverse_sd(variance[k], epsilon), product = sums[channels + k] * inverse;
        if (grad_gamma)
            grad_gamma[k] += (float)product;
        if (grad_beta)
            grad_beta[k] += (float)sums[k];
        double scale = cells ? (double)gamma[k] * inverse / (double)cells : 0;
        double s = -scale * product * inverse;
        slope[k] = (float)s;
        slope[channels + k] = (float)(-scale * sums[k] - s * (double)mean[k]);
    }
}

static ALWAYS_INLINE void backward(const float *in, const float *grad, size_t cells, int n,
                                   const float *restrict scale, const float *restrict shift,
                                   enum layer_activation activation, const float *restrict slope,
                                   const float *restrict offset, float *grad_in)
{
    for (size_t i = 0; i < cells; i++, in += n, grad += n, grad_in += n) {
        IN_PLACE
        for (int k = 0; k < n; k++) {
            float g = masked(grad[k], in[k] * scale[k] + shift[k], activation);
            grad_in[k] = scale[k] * g + (slope[k] * in[k] + offset[k]);
        }
    }
}

KERNEL_CLONES void layer_batch_backward(const float *in, const float *grad, size_t cells, int channels,
                                        const float *scale, const float *shift,
                                        enum layer_activation activation, const float *slope, float *grad_in)
{
    const float *offset = slope + channels;
    switch (activation) {
    case ACT_NONE:
        backward(in, grad, cells, channels, scale, shift, ACT_NONE, slope, offset, grad_in);
        break;
    case ACT_RELU:
        backward(in, grad, cells, channels, scale, shift, ACT_RELU, slope, offset, grad_in);
        break;
    case ACT_RELU6:
        backward(in, grad, cells, channels, scale, shift, ACT_RELU6, slope, offset, grad_in);
        break;
    }
}

void layer_batch_fold(float *weight, size_t lines, int to, float *bias, const float *scale,
                      const float *shift)
{
    for (size_t i = 0; i < lines; i++, weight += to)
        for (int k = 0; k < to; k++)
            weight[k] *= scale[k];
    for (int k = 0; k < to; k++)
        bias[k] = bias[k] * scale[k] + shift[k];
}

KERNEL_CLONES void layer_norm_layer(const float *in, size_t cells, int channels, double epsilon,
                                    const float *gamma, const float *beta, float *statistics, float *out)
{
    for (size_t i = 0; i < cells; i++, in += channels, out += channels) {
        float part[LANES];
        int k = 0;
        lanes s = {0}, q = {0};
        for (; k + LANES <= channels; k += LANES)
            s += LANES_LOAD(in + k);
        LANES_STORE(part, s);
        float sum = lanes_sum(part);
        for (; k < channels; k++)
            sum += in[k];
        float mean = sum / (float)channels;
        for (k = 0; k + LANES <= channels; k += LANES) {
            lanes d = LANES_LOAD(in + k) - mean;
            q += d * d;
        }
        LANES_STORE(part, q);
        float square = lanes_sum(part);
        for (; k < channels; k++)
            square += (in[k] - mean) * (in[k] - mean);
        float inverse = 1 / sqrtf(square / (float)channels + (float)epsilon);
        IN_PLACE
        for (k = 0; k < channels; k++)
            out[k] = (in[k] - mean) * inverse * gamma[k] + beta[k];
        if (statistics) {
            statistics[2 * i] = mean;
            statistics[2 * i + 1] = inverse;
        }
    }
}

// With h = (x - mean) / sd and d = gamma * grad: dx = (d - mean of d - h * mean of d h) / sd.
KERNEL_CLONES void layer_norm_layer_backward(const float *in, size_t cells, int channels,
                                             const float *statistics, const float *gamma, const float *grad,
                                             float *scratch, float *grad_in, float *grad_gamma,
                                             float *grad_beta)
{
    float *restrict sum_gamma = scratch, *restrict sum_beta = scratch + channels;
    memset(scratch, 0, 2 * (size_t)channels * sizeof *scratch);
    for (size_t i = 0; i < cells; i++, in += channels, grad += channels) {
        float mean = statistics[2 * i], inverse = statistics[2 * i + 1], part[LANES];
        int k = 0;
        lanes s = {0}, p = {0};
        for (; k + LANES <= channels; k += LANES) {
            lanes g = LANES_LOAD(grad + k), h = (LANES_LOAD(in + k) - mean) * inverse;
            lanes d = g * LANES_LOAD(gamma + k);
            LANES_STORE(sum_beta + k, LANES_LOAD(sum_beta + k) + g);
            LANES_STORE(sum_gamma + k, LANES_LOAD(sum_gamma + k) + g * h);
            s += d, p += d * h;
        }
        LANES_STORE(part, s);
        float sum = lanes_sum(part);
        LANES_STORE(part, p);
        float product = lanes_sum(part);
        for (; k < channels; k++) {
            float h = (in[k] - mean) * inverse, d = grad[k] * gamma[k];
            sum_beta[k] += grad[k], sum_gamma[k] += grad[k] * h;
            sum += d, product += d * h;
        }
        if (!grad_in)
            continue;
        sum /= (float)channels, product /= (float)channels;
        IN_PLACE
        for (k = 0; k < channels; k++)
            grad_in[k] = (grad[k] * gamma[k] - sum - (in[k] - mean) * inverse * product) * inverse;
        grad_in += channels;
    }
    for (int k = 0; k < channels; k++) {
        if (grad_gamma)
            grad_gamma[k] += sum_gamma[k];
        if (grad_beta)
            grad_beta[k] += sum_beta[k];
    }
}
