// Convolution 3x3 and the linear layer: both are matrix products, of pictures
// unrolled in bands (convolution) or of the map as it lies (linear, pointwise).
#include "config.h"

#include <cblas.h>
#include <string.h>

#include "nn/layer.h"
#include "nn/layer_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

enum {
    TAPS = 9,
    BAND = 65536
}; // floats of a band: a quarter of a megabyte, it stays in the second-level cache

// Rows of output cells that are unrolled at a time.
static int band_rows(struct layer_map in, struct layer_window w)
{
    int cols = layer_side(in.cols, w.stride), rows = layer_side(in.rows, w.stride);
    int fit = BAND / (TAPS * in.channels) / cols;
    fit = fit < 1 ? 1 : fit;
    return fit < rows ? fit : rows;
}

size_t layer_conv3x3_scratch(struct layer_map in, struct layer_window w)
{
    return (size_t)band_rows(in, w) * (size_t)layer_side(in.cols, w.stride) * TAPS * (size_t)in.channels;
}

static int first_row(struct layer_window w)
{
    return w.stride == 1 || w.padding == PAD_SYMMETRIC ? -1 : 0;
}

// band (rows * out cols, 3, 3, channels) of the output rows from `top` on.
static ALWAYS_INLINE void unroll(const float *in, struct layer_map shape, struct layer_window w, int top,
                                 int rows, size_t channels, float *band)
{
    int out_cols = layer_side(shape.cols, w.stride), first = first_row(w);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < out_cols; c++)
            for (int dy = 0; dy < 3; dy++, band += 3 * channels) {
                int y = (top + r) * w.stride + first + dy, x = c * w.stride + first;
                if (y < 0 || y >= shape.rows) {
                    memset(band, 0, 3 * channels * sizeof *band);
                    continue;
                }
                const float *line = in + (size_t)y * (size_t)shape.cols * channels;
                if (x >= 0 && x + 3 <= shape.cols) {
                    memcpy(band, line + (size_t)x * channels, 3 * channels * sizeof *band);
                    continue;
                }
                for (int dx = 0; dx < 3; dx++)
                    if (x + dx >= 0 && x + dx < shape.cols)
                        memcpy(band + (size_t)dx * channels, line + (size_t)(x + dx) * channels,
                               channels * sizeof *band);
                    else
                        memset(band + (size_t)dx * channels, 0, channels * sizeof *band);
            }
}

static void unroll_band(const float *in, struct layer_map shape, struct layer_window w, int top, int rows,
                        float *band)
{
    if (shape.channels == 3) // copies of a length that the compiler knows: a picture
        unroll(in, shape, w, top, rows, 3, band);
    else
        unroll(in, shape, w, top, rows, (size_t)shape.channels, band);
}

// The way back: adds the band to the picture that it came from.
static void roll_band(const float *band, struct layer_map shape, struct layer_window w, int top, int rows,
                      float *in)
{
    int out_cols = layer_side(shape.cols, w.stride), first = first_row(w);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < out_cols; c++)
            for (int i = 0; i < TAPS; i++, band += shape.channels) {
                int y = (top + r) * w.stride + first + i / 3, x = c * w.stride + first + i % 3;
                if (y < 0 || y >= shape.rows || x < 0 || x >= shape.cols)
                    continue;
                layer_add(in + ((size_t)y * (size_t)shape.cols + (size_t)x) * (size_t)shape.channels, band,
                          (size_t)shape.channels);
            }
}

KERNEL_CLONES static void add_bias(float *restrict map, size_t cells, int channels,
                                   const float *restrict bias)
{
    for (size_t i = 0; i < cells; i++, map += channels)
        for (int k = 0; k < channels; k++)
            map[k] += bias[k];
}

void layer_conv3x3(const float *in, struct layer_map shape, struct layer_window w, int to,
                   const float *weight, const float *bias, float *scratch, float *out)
{
    struct layer_map after = layer_after(shape, to, w);
    int step = band_rows(shape, w);
    for (int i = 0; i < shape.count; i++, in += layer_values(shape) / (size_t)shape.count)
        for (int top = 0; top < after.rows; top += step) {
            int rows = after.rows - top < step ? after.rows - top : step;
            size_t cells = (size_t)rows * (size_t)after.cols;
            unroll_band(in, shape, w, top, rows, scratch);
            layer_linear(scratch, cells, TAPS * shape.channels, to, weight, bias, out);
            out += cells * (size_t)to;
        }
}

void layer_conv3x3_backward(const float *in, struct layer_map shape, struct layer_window w, int to,
                            const float *weight, const float *grad, float *scratch, float *grad_in,
                            float *grad_weight, float *grad_bias)
{
    struct layer_map after = layer_after(shape, to, w);
    int step = band_rows(shape, w), from = TAPS * shape.channels;
    if (grad_bias)
        layer_sum_columns(grad, layer_cells(after), to, grad_bias);
    if (grad_in)
        memset(grad_in, 0, layer_values(shape) * sizeof *grad_in);
    size_t size = layer_values(shape) / (size_t)(shape.count ? shape.count : 1);
    for (int i = 0; i < shape.count; i++)
        for (int top = 0; top < after.rows; top += step) {
            int rows = after.rows - top < step ? after.rows - top : step;
            size_t cells = (size_t)rows * (size_t)after.cols;
            if (grad_weight) {
                unroll_band(in + (size_t)i * size, shape, w, top, rows, scratch);
                layer_linear_backward(scratch, cells, from, to, weight, grad, NULL, grad_weight, NULL);
            }
            if (grad_in) {
                layer_linear_backward(NULL, cells, from, to, weight, grad, scratch, NULL, NULL);
                roll_band(scratch, shape, w, top, rows, grad_in + (size_t)i * size);
            }
            grad += cells * (size_t)to;
        }
}

void layer_linear(const float *in, size_t cells, int from, int to, const float *weight, const float *bias,
                  float *out)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)cells, to, from, 1, in, from, weight, to,
                0, out, to);
    if (bias)
        add_bias(out, cells, to, bias);
}

void layer_linear_backward(const float *in, size_t cells, int from, int to, const float *weight,
                           const float *grad, float *grad_in, float *grad_weight, float *grad_bias)
{
    if (grad_weight)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, from, to, (blasint)cells, 1, in, from, grad, to,
                    1, grad_weight, to);
    if (grad_bias)
        layer_sum_columns(grad, cells, to, grad_bias);
    if (grad_in)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)cells, from, to, 1, grad, to, weight,
                    to, 0, grad_in, from);
}
