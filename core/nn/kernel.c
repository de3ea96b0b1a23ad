#include "config.h"

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "nn/kernel.h"

// CFLAGS come last on the command line, and their usual -O2 leaves most of these loops scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

enum { STEM_TAPS = 27 };

static inline float relu6(float x)
{
    x = x > 0 ? x : 0;
    return x < 6 ? x : 6;
}

// One output cell whose nine inputs all exist.
static inline __attribute__((always_inline)) void
depthwise_inner(const float *restrict a, const float *restrict b, const float *restrict c, int channels,
                const float *restrict w, const float *restrict bias, float *restrict out)
{
    const int n = channels;
    for (int k = 0; k < n; k++) {
        float top = a[k] * w[k] + a[n + k] * w[n + k] + a[2 * n + k] * w[2 * n + k];
        float mid = b[k] * w[3 * n + k] + b[n + k] * w[4 * n + k] + b[2 * n + k] * w[5 * n + k];
        float low = c[k] * w[6 * n + k] + c[n + k] * w[7 * n + k] + c[2 * n + k] * w[8 * n + k];
        out[k] = relu6(bias[k] + (top + mid + low));
    }
}

// One output cell at the border; corner: its top left input, perhaps outside.
static void depthwise_border(const float *in, int rows, int cols, int channels, int y, int x,
                             const float *weight, const float *bias, float *restrict out)
{
    memcpy(out, bias, (size_t)channels * sizeof *out);
    for (int dy = 0; dy < 3; dy++)
        for (int dx = 0; dx < 3; dx++) {
            if (y + dy < 0 || y + dy >= rows || x + dx < 0 || x + dx >= cols)
                continue;
            const float *a = in + ((size_t)(y + dy) * (size_t)cols + (size_t)(x + dx)) * (size_t)channels;
            const float *w = weight + (dy * 3 + dx) * channels;
            for (int k = 0; k < channels; k++)
                out[k] += a[k] * w[k];
        }
    for (int k = 0; k < channels; k++)
        out[k] = relu6(out[k]);
}

KERNEL_CLONES void kernel_depthwise(const float *in, int rows, int cols, int channels, int stride,
                                    const float *weight, const float *bias, int first, int count, float *out)
{
    int out_cols = kernel_out(cols, stride), pad = stride == 1;
    size_t line = (size_t)cols * (size_t)channels;
    for (int r = 0; r < count; r++) {
        int y = (first + r) * stride - pad;
        for (int c = 0; c < out_cols; c++, out += channels) {
            int x = c * stride - pad;
            if (y < 0 || y + 3 > rows || x < 0 || x + 3 > cols) {
                depthwise_border(in, rows, cols, channels, y, x, weight, bias, out);
                continue;
            }
            const float *corner = in + (size_t)y * line + (size_t)x * (size_t)channels;
            depthwise_inner(corner, corner + line, corner + 2 * line, channels, weight, bias, out);
        }
    }
}

// Channels in strips that stay in registers over all 27 inputs.
enum { STRIP = 32 };

KERNEL_CLONES void kernel_stem(const float *rgb, int rows, int cols, int channels, const float *weight,
                               const float *bias, float *out)
{
    int out_rows = kernel_out(rows, 2), out_cols = kernel_out(cols, 2);
    for (int r = 0; r < out_rows; r++)
        for (int c = 0; c < out_cols; c++, out += channels) {
            float window[STEM_TAPS];
            for (int dy = 0; dy < 3; dy++)
                for (int dx = 0; dx < 3; dx++) {
                    int y = r * 2 + dy, x = c * 2 + dx;
                    bool inside = y < rows && x < cols;
                    const float *a = rgb + (inside ? ((size_t)y * (size_t)cols + (size_t)x) * 3 : 0);
                    for (int k = 0; k < 3; k++)
                        window[(dy * 3 + dx) * 3 + k] = inside ? a[k] / 127.5f - 1 : 0;
                }
            for (int from = 0; from < channels; from += STRIP) {
                int n = channels - from < STRIP ? channels - from : STRIP;
                float sum[STRIP] = {0};
                if (n == STRIP) {
                    for (int tap = 0; tap < STEM_TAPS; tap++) {
                        const float *w = weight + tap * channels + from;
                        for (int k = 0; k < STRIP; k++)
                            sum[k] += window[tap] * w[k];
                    }
                } else {
                    for (int tap = 0; tap < STEM_TAPS; tap++)
                        for (int k = 0; k < n; k++)
                            sum[k] += window[tap] * weight[tap * channels + from + k];
                }
                for (int k = 0; k < n; k++)
                    out[from + k] = relu6(sum[k] + bias[from + k]);
            }
        }
}

KERNEL_CLONES static void bias_relu6(float *restrict map, size_t cells, int channels,
                                     const float *restrict bias)
{
    for (size_t i = 0; i < cells; i++, map += channels)
        for (int k = 0; k < channels; k++)
            map[k] = relu6(map[k] + bias[k]);
}

void kernel_pointwise(const float *in, size_t cells, int from, int to, const float *weight, const float *bias,
                      float *out)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)cells, to, from, 1, in, from, weight, to,
                0, out, to);
    bias_relu6(out, cells, to, bias);
}
