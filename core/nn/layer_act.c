// Activations and other loops over plain arrays.
#include "config.h"

#include <string.h>

#include "nn/layer.h"
#include "nn/layer_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

// Comparisons are written so that NaN stays NaN: a run that diverged must show it.
KERNEL_CLONES void layer_relu(const float *in, size_t count, float *out)
{
    IN_PLACE
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] < 0 ? 0 : in[i];
}

KERNEL_CLONES void layer_relu_backward(const float *in, const float *grad, size_t count, float *grad_in)
{
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
        float g = grad[i];
        grad_in[i] = in[i] <= 0 ? 0 : g;
    }
}

KERNEL_CLONES void layer_relu6(const float *in, size_t count, float *out)
{
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
        float x = in[i] < 0 ? 0 : in[i];
        out[i] = x > 6 ? 6 : x;
    }
}

KERNEL_CLONES void layer_relu6_backward(const float *in, const float *grad, size_t count, float *grad_in)
{
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
        float g = in[i] <= 0 ? 0 : grad[i];
        grad_in[i] = in[i] >= 6 ? 0 : g;
    }
}

// Phi(x) and the normal density, both from one exp: erfc(z) = poly(1 / (1 + p z)) exp(-z^2), z = |x| /
// sqrt(2). Source: Abramowitz & Stegun 7.1.26, error of Phi below 1e-7.
static ALWAYS_INLINE float normal_distribution(float x, float *density)
{
    float z = (x < 0 ? -x : x) * 0.70710678f, e = loop_exp(-z * z);
    float t = 1 / (1 + 0.3275911f * z);
    float poly =
        ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    float tail = 0.5f * poly * e;
    *density = 0.39894228f * e;
    return x < 0 ? tail : 1 - tail;
}

KERNEL_CLONES void layer_gelu(const float *in, size_t count, float *out)
{
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
        float density;
        out[i] = in[i] * normal_distribution(in[i], &density);
    }
}

KERNEL_CLONES void layer_gelu_backward(const float *in, const float *grad, size_t count, float *grad_in)
{
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
        float density, phi = normal_distribution(in[i], &density);
        grad_in[i] = grad[i] * (phi + in[i] * density);
    }
}

KERNEL_CLONES void layer_add(float *restrict to, const float *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

KERNEL_CLONES void layer_scale(float *values, size_t count, double factor)
{
    float f = (float)factor;
    for (size_t i = 0; i < count; i++)
        values[i] *= f;
}

void layer_copy(const float *from, size_t count, float *to)
{
    memcpy(to, from, count * sizeof *to);
}

// Cells in a block and channels at a time: the block's sums are on the stack.
enum { BLOCK = 256, STRIP = 256 };

KERNEL_CLONES void layer_sum_columns(const float *values, size_t cells, int channels, float *sums)
{
    size_t n = (size_t)channels;
    for (size_t i = 0; i < cells; i += BLOCK) {
        size_t some = cells - i < BLOCK ? cells - i : BLOCK;
        for (int from = 0; from < channels; from += STRIP) {
            int width = channels - from < STRIP ? channels - from : STRIP;
            float s[STRIP] = {0};
            const float *x = values + i * n + from;
            size_t j = 0;
            for (; j + 4 <= some; j += 4, x += 4 * n) {
                const float *a = x, *b = x + n, *c = b + n, *d = c + n;
                for (int k = 0; k < width; k++)
                    s[k] += (a[k] + b[k]) + (c[k] + d[k]);
            }
            for (; j < some; j++, x += n)
                for (int k = 0; k < width; k++)
                    s[k] += x[k];
            for (int k = 0; k < width; k++)
                sums[from + k] += s[k];
        }
    }
}
