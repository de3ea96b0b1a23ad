// Pooling and bilinear resizing. The inner loops run over channels.
#include "config.h"

#include <math.h>
#include <string.h>

#include "nn/layer.h"
#include "nn/layer_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

static size_t picture_values(struct layer_map m)
{
    return (size_t)m.rows * (size_t)m.cols * (size_t)m.channels;
}

static size_t cell_at(struct layer_map m, int row, int col)
{
    return ((size_t)row * (size_t)m.cols + (size_t)col) * (size_t)m.channels;
}

struct layer_map layer_pooled(struct layer_map in, int pool)
{
    int rows = in.rows < pool ? in.rows : in.rows / pool, cols = in.cols < pool ? in.cols : in.cols / pool;
    return (struct layer_map){in.count, rows, cols, in.channels};
}

// Sides of a window: 1 where the map is too small for pool.
struct window {
    int rows, cols;
};

static struct window window_of(struct layer_map m, int pool)
{
    return (struct window){m.rows < pool ? 1 : pool, m.cols < pool ? 1 : pool};
}

static ALWAYS_INLINE void add_scaled(float *restrict to, const float *restrict from, int n, float factor)
{
    for (int k = 0; k < n; k++)
        to[k] += from[k] * factor;
}

KERNEL_CLONES void layer_pool_average(const float *in, struct layer_map shape, int pool, float *out)
{
    struct layer_map after = layer_pooled(shape, pool);
    struct window w = window_of(shape, pool);
    const float part = 1 / (float)(w.rows * w.cols);
    memset(out, 0, layer_values(after) * sizeof *out);
    for (int i = 0; i < shape.count; i++, in += picture_values(shape))
        for (int r = 0; r < after.rows; r++)
            for (int c = 0; c < after.cols; c++, out += shape.channels)
                for (int j = 0; j < w.rows * w.cols; j++)
                    add_scaled(out, in + cell_at(shape, r * w.rows + j / w.cols, c * w.cols + j % w.cols),
                               shape.channels, part);
}

KERNEL_CLONES void layer_pool_average_backward(const float *grad, struct layer_map shape, int pool, int add,
                                               float *grad_in)
{
    struct layer_map after = layer_pooled(shape, pool);
    struct window w = window_of(shape, pool);
    const float part = 1 / (float)(w.rows * w.cols);
    if (!add)
        memset(grad_in, 0, layer_values(shape) * sizeof *grad_in);
    for (int i = 0; i < shape.count; i++, grad_in += picture_values(shape))
        for (int r = 0; r < after.rows; r++)
            for (int c = 0; c < after.cols; c++, grad += shape.channels)
                for (int j = 0; j < w.rows * w.cols; j++)
                    add_scaled(grad_in + cell_at(shape, r * w.rows + j / w.cols, c * w.cols + j % w.cols),
                               grad, shape.channels, part);
}

static ALWAYS_INLINE void keep_larger(const float *restrict in, int n, int32_t cell, int32_t *restrict which,
                                      float *restrict out)
{
    for (int k = 0; k < n; k++) {
        which[k] = in[k] > out[k] ? cell : which[k];
        out[k] = in[k] > out[k] ? in[k] : out[k];
    }
}

KERNEL_CLONES void layer_pool_max(const float *in, struct layer_map shape, int pool, int32_t *which,
                                  float *out)
{
    struct layer_map after = layer_pooled(shape, pool);
    struct window w = window_of(shape, pool);
    int n = shape.channels;
    for (int i = 0; i < shape.count; i++, in += picture_values(shape))
        for (int r = 0; r < after.rows; r++)
            for (int c = 0; c < after.cols; c++, out += n, which += n)
                for (int j = 0; j < w.rows * w.cols; j++) {
                    int row = r * w.rows + j / w.cols, col = c * w.cols + j % w.cols;
                    const float *from = in + cell_at(shape, row, col);
                    if (j > 0) {
                        keep_larger(from, n, row * shape.cols + col, which, out);
                        continue;
                    }
                    for (int k = 0; k < n; k++)
                        which[k] = row * shape.cols + col, out[k] = from[k];
                }
}

void layer_pool_max_backward(const float *grad, struct layer_map shape, int pool, const int32_t *which,
                             float *grad_in)
{
    struct layer_map after = layer_pooled(shape, pool);
    size_t n = (size_t)shape.channels, cells = (size_t)after.rows * (size_t)after.cols;
    memset(grad_in, 0, layer_values(shape) * sizeof *grad_in);
    for (int i = 0; i < shape.count; i++, grad_in += picture_values(shape))
        for (size_t j = 0; j < cells; j++, grad += n, which += n)
            for (size_t k = 0; k < n; k++)
                grad_in[(size_t)which[k] * n + k] += grad[k];
}

void layer_mean(const float *in, struct layer_map shape, float *out)
{
    size_t cells = (size_t)shape.rows * (size_t)shape.cols,
           values = (size_t)shape.count * (size_t)shape.channels;
    memset(out, 0, values * sizeof *out);
    for (int i = 0; i < shape.count; i++)
        layer_sum_columns(in + (size_t)i * picture_values(shape), cells, shape.channels,
                          out + i * shape.channels);
    layer_scale(out, values, 1 / (double)cells);
}

KERNEL_CLONES void layer_mean_backward(const float *grad, struct layer_map shape, float *restrict grad_in)
{
    size_t cells = (size_t)shape.rows * (size_t)shape.cols;
    const float part = 1 / (float)cells;
    for (int i = 0; i < shape.count; i++, grad += shape.channels)
        for (size_t j = 0; j < cells; j++, grad_in += shape.channels)
            for (int k = 0; k < shape.channels; k++)
                grad_in[k] = grad[k] * part;
}

// which holds the cells of the largest values so far, largest first; entry j of a channel lies j * channels
// on. Inserted by value, behind its equals: cells come in order.
static void insert(const float *in, size_t channels, int kept, int32_t cell, int32_t *which)
{
    float x = in[(size_t)cell * channels];
    size_t j = (size_t)kept;
    for (; j > 0 && x > in[(size_t)which[(j - 1) * channels] * channels]; j--)
        which[j * channels] = which[(j - 1) * channels];
    which[j * channels] = cell;
}

void layer_top(const float *in, struct layer_map shape, int k, int32_t *which, float *out)
{
    size_t n = (size_t)shape.channels;
    int cells = shape.rows * shape.cols;
    for (int i = 0; i < shape.count; i++, in += picture_values(shape), which += (size_t)k * n, out += n) {
        for (int cell = 0; cell < cells; cell++)
            for (size_t c = 0; c < n; c++) {
                const float *x = in + c;
                int32_t *top = which + c;
                if (cell < k)
                    insert(x, n, cell, cell, top);
                else if (x[(size_t)cell * n] > x[(size_t)top[(size_t)(k - 1) * n] * n])
                    insert(x, n, k - 1, cell, top);
            }
        for (size_t c = 0; c < n; c++) {
            float sum = 0;
            for (size_t j = 0; j < (size_t)k; j++)
                sum += in[(size_t)which[j * n + c] * n + c];
            out[c] = sum / (float)k;
        }
    }
}

void layer_top_backward(const float *grad, struct layer_map shape, int k, const int32_t *which,
                        float *grad_in)
{
    size_t n = (size_t)shape.channels;
    memset(grad_in, 0, layer_values(shape) * sizeof *grad_in);
    for (int i = 0; i < shape.count; i++, grad_in += picture_values(shape), which += (size_t)k * n, grad += n)
        for (size_t j = 0; j < (size_t)k * n; j++)
            grad_in[(size_t)which[j] * n + j % n] = grad[j % n] / (float)k;
}

// Where output i of `to` lies between inputs `low` and `high` of `from`; part: the share of high.
struct between {
    int low, high;
    float part;
};

static struct between between(int i, int from, int to)
{
    double x = (i + 0.5) * from / to - 0.5;
    x = x < 0 ? 0 : x > from - 1 ? from - 1 : x;
    int low = (int)x;
    return (struct between){low, low + 1 < from ? low + 1 : low, (float)(x - low)};
}

KERNEL_CLONES void layer_resize(const float *in, struct layer_map shape, int rows, int cols,
                                float *restrict out)
{
    for (int i = 0; i < shape.count; i++, in += picture_values(shape))
        for (int r = 0; r < rows; r++) {
            struct between y = between(r, shape.rows, rows);
            for (int c = 0; c < cols; c++, out += shape.channels) {
                struct between x = between(c, shape.cols, cols);
                const float *a = in + cell_at(shape, y.low, x.low), *b = in + cell_at(shape, y.low, x.high);
                const float *d = in + cell_at(shape, y.high, x.low), *e = in + cell_at(shape, y.high, x.high);
                for (int k = 0; k < shape.channels; k++) {
                    float upper = a[k] + x.part * (b[k] - a[k]), lower = d[k] + x.part * (e[k] - d[k]);
                    out[k] = upper + y.part * (lower - upper);
                }
            }
        }
}

KERNEL_CLONES void layer_resize_backward(const float *grad, struct layer_map shape, int rows, int cols,
                                         float *grad_in)
{
    int n = shape.channels;
    memset(grad_in, 0, layer_values(shape) * sizeof *grad_in);
    for (int i = 0; i < shape.count; i++, grad_in += picture_values(shape))
        for (int r = 0; r < rows; r++) {
            struct between y = between(r, shape.rows, rows);
            for (int c = 0; c < cols; c++, grad += n) {
                struct between x = between(c, shape.cols, cols);
                add_scaled(grad_in + cell_at(shape, y.low, x.low), grad, n, (1 - y.part) * (1 - x.part));
                add_scaled(grad_in + cell_at(shape, y.low, x.high), grad, n, (1 - y.part) * x.part);
                add_scaled(grad_in + cell_at(shape, y.high, x.low), grad, n, y.part * (1 - x.part));
                add_scaled(grad_in + cell_at(shape, y.high, x.high), grad, n, y.part * x.part);
            }
        }
}
