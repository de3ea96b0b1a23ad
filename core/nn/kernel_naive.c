#include "config.h"

#include "nn/kernel.h"

static float relu6(float x)
{
    return x < 0 ? 0 : x > 6 ? 6 : x;
}

void kernel_depthwise_naive(const float *in, int rows, int cols, int channels, int stride,
                            const float *weight, const float *bias, int first, int count, float *out)
{
    int out_cols = kernel_out(cols, stride), pad = stride == 1;
    for (int r = 0; r < count; r++)
        for (int c = 0; c < out_cols; c++)
            for (int k = 0; k < channels; k++) {
                float sum = bias[k];
                for (int dy = 0; dy < 3; dy++)
                    for (int dx = 0; dx < 3; dx++) {
                        int y = (first + r) * stride + dy - pad, x = c * stride + dx - pad;
                        if (y >= 0 && y < rows && x >= 0 && x < cols)
                            sum += in[((size_t)y * (size_t)cols + (size_t)x) * (size_t)channels + (size_t)k] *
                                   weight[(dy * 3 + dx) * channels + k];
                    }
                out[((size_t)r * (size_t)out_cols + (size_t)c) * (size_t)channels + (size_t)k] = relu6(sum);
            }
}

void kernel_stem_naive(const float *rgb, int rows, int cols, int channels, const float *weight,
                       const float *bias, float *out)
{
    int out_rows = kernel_out(rows, 2), out_cols = kernel_out(cols, 2);
    for (int r = 0; r < out_rows; r++)
        for (int c = 0; c < out_cols; c++)
            for (int k = 0; k < channels; k++) {
                float sum = bias[k];
                for (int tap = 0; tap < 27; tap++) {
                    int y = r * 2 + tap / 9, x = c * 2 + tap / 3 % 3;
                    if (y < rows && x < cols)
                        sum += (rgb[((size_t)y * (size_t)cols + (size_t)x) * 3 + (size_t)(tap % 3)] / 127.5f -
                                1) *
                               weight[tap * channels + k];
                }
                out[((size_t)r * (size_t)out_cols + (size_t)c) * (size_t)channels + (size_t)k] = relu6(sum);
            }
}

void kernel_pointwise_naive(const float *in, size_t cells, int from, int to, const float *weight,
                            const float *bias, float *out)
{
    for (size_t i = 0; i < cells; i++)
        for (int k = 0; k < to; k++) {
            float sum = bias[k];
            for (int j = 0; j < from; j++)
                sum += in[i * (size_t)from + (size_t)j] * weight[j * to + k];
            out[i * (size_t)to + (size_t)k] = relu6(sum);
        }
}
