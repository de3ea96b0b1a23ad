// Depthwise 3x3, forward and backward. Forward and the input gradient are both
// sums over taps: pairs of a cell of the source and a line of the weight. At the border, and
// where stride 2 leaves gaps, the taps are listed cell by cell; stride 1 inside the picture,
// which is nearly all of the work, takes four neighbours at once.
#include "config.h"

#include <stdbool.h>

#include "nn/layer.h"
#include "nn/layer_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

enum { TAPS = 9 };

struct taps {
    int count;
    const float *at[TAPS], *weight[TAPS]; // each (channels)
};

// Where a window starts: the first row (column) of the one of output 0.
static int first_row(struct layer_window w)
{
    return w.stride == 1 || w.padding == PAD_SYMMETRIC ? -1 : 0;
}

static const float *cell(const float *map, int cols, int channels, int row, int col)
{
    return map + ((size_t)row * (size_t)cols + (size_t)col) * (size_t)channels;
}

// out (channels) = bias + sum of at * weight.
static ALWAYS_INLINE void sum_taps(const struct taps *t, int channels, const float *bias, float *out)
{
    int k = 0;
    for (; k + LANES <= channels; k += LANES) {
        lanes sum = {0};
        if (bias)
            sum = LANES_LOAD(bias + k);
        for (int i = 0; i < t->count; i++)
            sum += LANES_LOAD(t->at[i] + k) * LANES_LOAD(t->weight[i] + k);
        LANES_STORE(out + k, sum);
    }
    for (; k < channels; k++) {
        float sum = bias ? bias[k] : 0;
        for (int i = 0; i < t->count; i++)
            sum += t->at[i][k] * t->weight[i][k];
        out[k] = sum;
    }
}

// Four output cells in a row, all of whose inputs exist, stride 1; a, b, c: the three source rows from
// the first cell's left neighbour. tap: step from one line of the weight to the next, negative
// when it is applied the other way round.
static ALWAYS_INLINE void sum_four(const float *a, const float *b, const float *c, int channels,
                                   const float *weight, ptrdiff_t tap, const float *bias, float *out)
{
    const ptrdiff_t n = channels;
    ptrdiff_t k = 0;
    for (; k + LANES <= n; k += LANES) {
        lanes s0 = {0};
        if (bias)
            s0 = LANES_LOAD(bias + k);
        lanes s1 = s0, s2 = s0, s3 = s0;
        const float *rows[3] = {a, b, c};
        for (int y = 0; y < 3; y++) {
            const float *x = rows[y] + k, *w = weight + 3 * y * tap + k;
            lanes w0 = LANES_LOAD(w), w1 = LANES_LOAD(w + tap), w2 = LANES_LOAD(w + 2 * tap);
            lanes x0 = LANES_LOAD(x), x1 = LANES_LOAD(x + n), x2 = LANES_LOAD(x + 2 * n);
            lanes x3 = LANES_LOAD(x + 3 * n), x4 = LANES_LOAD(x + 4 * n), x5 = LANES_LOAD(x + 5 * n);
            s0 += x0 * w0 + x1 * w1 + x2 * w2;
            s1 += x1 * w0 + x2 * w1 + x3 * w2;
            s2 += x2 * w0 + x3 * w1 + x4 * w2;
            s3 += x3 * w0 + x4 * w1 + x5 * w2;
        }
        LANES_STORE(out + k, s0);
        LANES_STORE(out + n + k, s1);
        LANES_STORE(out + 2 * n + k, s2);
        LANES_STORE(out + 3 * n + k, s3);
    }
    for (; k < n; k++)
        for (int i = 0; i < 4; i++) {
            float sum = bias ? bias[k] : 0;
            for (int x = 0; x < 3; x++)
                sum += a[(i + x) * n + k] * weight[x * tap + k] +
                       b[(i + x) * n + k] * weight[(3 + x) * tap + k] +
                       c[(i + x) * n + k] * weight[(6 + x) * tap + k];
            out[i * n + k] = sum;
        }
}

// Taps of an output cell whose window starts at y, x.
static void list_window(struct taps *t, const float *in, int rows, int cols, int channels, int y, int x,
                        const float *weight, ptrdiff_t tap)
{
    t->count = 0;
    for (int i = 0; i < TAPS; i++) {
        int row = y + i / 3, col = x + i % 3;
        if (row < 0 || row >= rows || col < 0 || col >= cols)
            continue;
        t->at[t->count] = cell(in, cols, channels, row, col);
        t->weight[t->count++] = weight + i * tap;
    }
}

// One picture; tap < 0: the weight the other way round, from its last line.
static ALWAYS_INLINE void convolve(const float *in, int rows, int cols, int channels, int stride, int first,
                                   const float *weight, ptrdiff_t tap, const float *bias, float *out)
{
    int out_rows = layer_side(rows, stride), out_cols = layer_side(cols, stride);
    struct taps taps;
    for (int r = 0; r < out_rows; r++) {
        int y = r * stride + first;
        bool inside = stride == 1 && y >= 0 && y + 3 <= rows;
        for (int c = 0; c < out_cols;) {
            int x = c * stride + first;
            if (inside && x >= 0 && x + 6 <= cols) {
                const float *corner = cell(in, cols, channels, y, x);
                size_t line = (size_t)cols * (size_t)channels;
                sum_four(corner, corner + line, corner + 2 * line, channels, weight, tap, bias, out);
                out += 4 * channels;
                c += 4;
                continue;
            }
            list_window(&taps, in, rows, cols, channels, y, x, weight, tap);
            sum_taps(&taps, channels, bias, out);
            out += channels;
            c++;
        }
    }
}

KERNEL_CLONES void layer_depthwise(const float *in, struct layer_map shape, struct layer_window w,
                                   const float *weight, const float *bias, float *out)
{
    struct layer_map after = layer_after(shape, shape.channels, w);
    size_t in_size = (size_t)shape.rows * (size_t)shape.cols * (size_t)shape.channels;
    size_t out_size = (size_t)after.rows * (size_t)after.cols * (size_t)after.channels;
    for (int i = 0; i < shape.count; i++, in += in_size, out += out_size)
        convolve(in, shape.rows, shape.cols, shape.channels, w.stride, first_row(w), weight, shape.channels,
                 bias, out);
}

// Taps of an input cell in the gradient of the output: the windows it lies in.
static void list_windows(struct taps *t, const float *grad, struct layer_map after, int stride, int first,
                         int row, int col, const float *weight)
{
    t->count = 0;
    for (int i = 0; i < TAPS; i++) {
        int y = row - first - i / 3, x = col - first - i % 3; // stride * the window's row, column
        if (y < 0 || y % stride || y / stride >= after.rows || x < 0 || x % stride ||
            x / stride >= after.cols)
            continue;
        t->at[t->count] = cell(grad, after.cols, after.channels, y / stride, x / stride);
        t->weight[t->count++] = weight + i * after.channels;
    }
}

KERNEL_CLONES static void input_gradient(const float *grad, struct layer_map shape, struct layer_map after,
                                         struct layer_window w, const float *weight, float *grad_in)
{
    if (w.stride == 1) {
        convolve(grad, shape.rows, shape.cols, shape.channels, 1, -1, weight + (TAPS - 1) * shape.channels,
                 -shape.channels, NULL, grad_in);
        return;
    }
    struct taps taps;
    for (int r = 0; r < shape.rows; r++)
        for (int c = 0; c < shape.cols; c++, grad_in += shape.channels) {
            list_windows(&taps, grad, after, w.stride, first_row(w), r, c, weight);
            sum_taps(&taps, shape.channels, NULL, grad_in);
        }
}

// What a run of output cells in a row, all of whose inputs exist, adds to the weight's gradient; a: the top
// left input of the first. For sixteen channels, so that the nine sums stay in registers.
static ALWAYS_INLINE void run_gradient(const float *a, size_t line, int channels, int stride,
                                       const float *grad, int run, float *grad_weight)
{
    const ptrdiff_t n = channels;
    lanes s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0;
    for (int c = 0; c < run; c++, grad += n, a += stride * n) {
        const float *b = a + line, *d = b + line;
        lanes g = LANES_LOAD(grad);
        s0 += g * LANES_LOAD(a), s1 += g * LANES_LOAD(a + n), s2 += g * LANES_LOAD(a + 2 * n);
        s3 += g * LANES_LOAD(b), s4 += g * LANES_LOAD(b + n), s5 += g * LANES_LOAD(b + 2 * n);
        s6 += g * LANES_LOAD(d), s7 += g * LANES_LOAD(d + n), s8 += g * LANES_LOAD(d + 2 * n);
    }
    const lanes sums[TAPS] = {s0, s1, s2, s3, s4, s5, s6, s7, s8};
    for (int i = 0; i < TAPS; i++)
        LANES_STORE(grad_weight + i * n, LANES_LOAD(grad_weight + i * n) + sums[i]);
}

// The same for one output cell, whose window starts at y, x, channels from `from` on.
static ALWAYS_INLINE void cell_gradient(const float *in, struct layer_map shape, int y, int x,
                                        const float *grad, int from, float *grad_weight)
{
    struct taps t;
    list_window(&t, in, shape.rows, shape.cols, shape.channels, y, x, grad_weight, shape.channels);
    for (int i = 0; i < t.count; i++) {
        float *sum = grad_weight + (t.weight[i] - grad_weight);
        const float *at = t.at[i];
        for (int k = from; k < shape.channels; k++)
            sum[k] += grad[k] * at[k];
    }
}

// One picture.
KERNEL_CLONES static void weight_gradient(const float *in, struct layer_map shape, struct layer_map after,
                                          struct layer_window w, const float *grad, float *grad_weight)
{
    int first = first_row(w), n = shape.channels, whole = n / LANES * LANES;
    size_t line = (size_t)shape.cols * (size_t)n;
    // output cells begin .. end - 1 of a row have all three columns
    int begin = first < 0, end = begin;
    while (end < after.cols && end * w.stride + first + 3 <= shape.cols)
        end++;
    for (int r = 0; r < after.rows; r++, grad += (size_t)after.cols * (size_t)n) {
        int y = r * w.stride + first;
        bool inside = y >= 0 && y + 3 <= shape.rows && end > begin;
        if (inside) {
            const float *a = cell(in, shape.cols, n, y, begin * w.stride + first);
            for (int k = 0; k < whole; k += LANES)
                run_gradient(a + k, line, n, w.stride, grad + begin * n + k, end - begin, grad_weight + k);
        }
        for (int c = 0; c < after.cols; c++) {
            int from = inside && c >= begin && c < end ? whole : 0;
            if (from < n)
                cell_gradient(in, shape, y, c * w.stride + first, grad + c * n, from, grad_weight);
        }
    }
}

void layer_depthwise_backward(const float *in, struct layer_map shape, struct layer_window w,
                              const float *weight, const float *grad, float *grad_in, float *grad_weight,
                              float *grad_bias)
{
    struct layer_map after = layer_after(shape, shape.channels, w);
    size_t in_size = (size_t)shape.rows * (size_t)shape.cols * (size_t)shape.channels;
    size_t out_size = (size_t)after.rows * (size_t)after.cols * (size_t)after.channels;
    if (grad_bias)
        layer_sum_columns(grad, layer_cells(after), after.channels, grad_bias);
    for (int i = 0; i < shape.count; i++, in += in_size, grad += out_size) {
        if (grad_weight)
            weight_gradient(in, shape, after, w, grad, grad_weight);
        if (grad_in)
            input_gradient(grad, shape, after, w, weight, grad_in + (size_t)i * in_size);
    }
}
