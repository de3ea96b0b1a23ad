// The kernels, included once for each instruction set, which defines
//   vec, LANES        a vector of floats and how many
//   SPLAT FMA MAX MIN vector operations
//   TARGET            attribute of every function
//   ROWS              most cells that a tile of the product has: 2 * ROWS sums stay in registers
//   KERNELS, NAME     the table that comes out, and its name
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "nn/kernel_impl.h"

// CFLAGS come last on the command line, and their usual -O2 would leave the tiles rolled.
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#pragma GCC optimize("O3")
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define PART static inline TARGET __attribute__((always_inline))

enum { COLUMNS = 2 * LANES };

PART vec load(const float *at)
{
    vec v;
    memcpy(&v, at, sizeof v);
    return v;
}

PART void store(float *at, vec v)
{
    memcpy(at, &v, sizeof v);
}

PART float lanes_sum(vec v)
{
    float sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += v[i];
    return sum;
}

// ---- the product ----

// `rows` cells from `row` on, `vecs` vectors of columns from `column` on.
PART void product_tile(const struct kernel_linear *call, size_t row, int column, const int rows,
                       const int vecs)
{
    const struct kernel_matrix *m = call->matrix;
    const float *b = m->panels + (size_t)column * (size_t)m->k;
    const size_t step = call->a_stride;
    const int part = m->k / call->segments;
    vec sum[ROWS][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = SPLAT(0.f);
    for (int s = 0; s < call->segments; s++) {
        const float *a = call->a[s] + row * step;
        for (int k = 0; k < part; k++, a++, b += vecs * LANES) {
            vec b0 = load(b), b1 = vecs > 1 ? load(b + LANES) : b0;
            UNROLL
            for (int r = 0; r < rows; r++) {
                vec x = SPLAT(a[(size_t)r * step]);
                sum[r][0] = FMA(x, b0, sum[r][0]);
                if (vecs > 1)
                    sum[r][1] = FMA(x, b1, sum[r][1]);
            }
        }
    }
    const vec low = SPLAT(call->low), high = SPLAT(call->high);
    UNROLL
    for (int v = 0; v < vecs; v++) {
        int at = column + v * LANES;
        vec bias = m->bias ? load(m->bias + at) : SPLAT(0.f);
        UNROLL
        for (int r = 0; r < rows; r++) {
            vec x = MIN(MAX(sum[r][v] + bias, low), high);
            if (call->add)
                x += load(call->add + (row + (size_t)r) * call->add_stride + at);
            store(call->out + (row + (size_t)r) * call->out_stride + at, x);
        }
    }
}

#define TILE_CASE(n)                                                                                         \
    case n:                                                                                                  \
        if (n <= ROWS && wide)                                                                               \
            product_tile(call, row, column, n, 2);                                                           \
        else if (n <= ROWS)                                                                                  \
            product_tile(call, row, column, n, 1);                                                           \
        break;

TARGET static void linear(const struct kernel_linear *call)
{
    size_t tiles = (call->cells + ROWS - 1) / ROWS;
    for (int column = 0; column < call->matrix->n; column += COLUMNS) {
        bool wide = call->matrix->n - column >= COLUMNS;
        // Tiles of equal height, within one.
        for (size_t t = 0, row = 0; t < tiles; t++) {
            size_t rows = (call->cells - row) / (tiles - t);
            switch (rows) {
                TILE_CASE(1)
                TILE_CASE(2)
                TILE_CASE(3)
                TILE_CASE(4)
                TILE_CASE(5)
                TILE_CASE(6)
                TILE_CASE(7)
                TILE_CASE(8)
                TILE_CASE(9)
                TILE_CASE(10)
                TILE_CASE(11)
                TILE_CASE(12)
                TILE_CASE(13)
                TILE_CASE(14)
            }
            row += rows;
        }
    }
}

// ---- depthwise ----

// `count` output cells whose columns all exist.
PART void depthwise_cells(const struct kernel_depthwise *c, int from, const int count, const int stride)
{
    const size_t n = (size_t)c->channels;
    const size_t start = (size_t)(from * stride - c->before) * n;
    const vec low = SPLAT(c->low), high = SPLAT(c->high);
    for (size_t k = 0; k < n; k += LANES) {
        vec sum[4], bias = load(c->bias + k);
        UNROLL
        for (int i = 0; i < count; i++)
            sum[i] = bias;
        UNROLL
        for (int dy = 0; dy < 3; dy++) {
            if (!c->in[dy])
                continue;
            const float *in = c->in[dy] + start + k;
            const float *w = c->weight + (size_t)(dy * 3) * n + k;
            UNROLL
            for (int dx = 0; dx < 3; dx++) {
                vec weight = load(w + (size_t)dx * n);
                UNROLL
                for (int i = 0; i < count; i++)
                    sum[i] = FMA(load(in + (size_t)(i * stride + dx) * n), weight, sum[i]);
            }
        }
        UNROLL
        for (int i = 0; i < count; i++)
            store(c->out + (size_t)(from + i) * c->out_stride + k, MIN(MAX(sum[i], low), high));
    }
}

// One output cell at the border.
PART void depthwise_border(const struct kernel_depthwise *c, int at)
{
    const size_t n = (size_t)c->channels;
    for (size_t k = 0; k < n; k += LANES) {
        vec sum = load(c->bias + k);
        for (int tap = 0; tap < 9; tap++) {
            int x = at * c->stride + tap % 3 - c->before;
            if (c->in[tap / 3] && x >= 0 && x < c->cols)
                sum =
                    FMA(load(c->in[tap / 3] + (size_t)x * n + k), load(c->weight + (size_t)tap * n + k), sum);
        }
        store(c->out + (size_t)at * c->out_stride + k, MIN(MAX(sum, SPLAT(c->low)), SPLAT(c->high)));
    }
}

PART void depthwise_row(const struct kernel_depthwise *c, const int stride)
{
    int cols = kernel_out(c->cols, stride), x = 0;
    int inner = (c->cols - 3 + c->before) / stride + 1; // columns below this have their right neighbour
    if (c->cols - 3 + c->before < 0)
        inner = 0;
    for (; x < cols && x * stride < c->before; x++)
        depthwise_border(c, x);
    for (; x + 4 <= inner; x += 4)
        depthwise_cells(c, x, 4, stride);
    for (; x < inner; x++)
        depthwise_cells(c, x, 1, stride);
    for (; x < cols; x++)
        depthwise_border(c, x);
}

TARGET static void depthwise(const struct kernel_depthwise *call)
{
    if (call->stride == 1)
        depthwise_row(call, 1);
    else
        depthwise_row(call, 2);
}

// ---- what attention needs ----

TARGET static void layer_norm(const float *in, int channels, int padded, const float *gamma,
                              const float *beta, float *out)
{
    int whole = channels / LANES * LANES;
    vec sum = SPLAT(0.f), square = SPLAT(0.f);
    float rest = 0, square_rest = 0;
    for (int k = 0; k < whole; k += LANES)
        sum += load(in + k);
    for (int k = whole; k < channels; k++)
        rest += in[k];
    float mean = (lanes_sum(sum) + rest) / (float)channels;
    const vec m = SPLAT(mean);
    for (int k = 0; k < whole; k += LANES) {
        vec d = load(in + k) - m;
        square = FMA(d, d, square);
    }
    for (int k = whole; k < channels; k++)
        square_rest += (in[k] - mean) * (in[k] - mean);
    const vec scale = SPLAT(1 / sqrtf((lanes_sum(square) + square_rest) / (float)channels + 1e-5f));
    for (int k = 0; k < padded; k += LANES)
        store(out + k, FMA((load(in + k) - m) * scale, load(gamma + k), load(beta + k)));
}

typedef unsigned bits __attribute__((vector_size(sizeof(vec)), may_alias));

// e^x for x <= 0, within 2 units in the last place: x = n ln 2 + f, e^f by its Taylor polynomial.
PART vec exponential(vec x)
{
    x = MAX(x, SPLAT(-87.f));
    const vec shift =
        SPLAT(12582912.f); // 1.5 * 2^23: adding it rounds to whole numbers, left in the low bits
    vec t = FMA(x, SPLAT(1.44269504f), shift), n = t - shift;
    vec f = FMA(n, SPLAT(-0.693359375f), x);
    f = FMA(n, SPLAT(2.12194440e-4f), f);
    vec p = SPLAT(1 / 720.f);
    p = FMA(p, f, SPLAT(1 / 120.f));
    p = FMA(p, f, SPLAT(1 / 24.f));
    p = FMA(p, f, SPLAT(1 / 6.f));
    p = FMA(p, f, SPLAT(0.5f));
    p = FMA(p, f, SPLAT(1.f));
    p = FMA(p, f, SPLAT(1.f));
    bits scale = (bits)t << 23;
    return (vec)((bits)p + scale);
}

TARGET static void softmax(float *row, int count)
{
    int padded = kernel_pad(count);
    for (int i = count; i < padded; i++)
        row[i] = row[0];
    vec top = load(row);
    for (int i = LANES; i < padded; i += LANES)
        top = MAX(top, load(row + i));
    float highest = top[0];
    for (int i = 1; i < LANES; i++)
        highest = top[i] > highest ? top[i] : highest;
    const vec h = SPLAT(highest);
    for (int i = 0; i < padded; i += LANES)
        store(row + i, exponential(load(row + i) - h));
    for (int i = count; i < padded; i++)
        row[i] = 0;
    vec sum = SPLAT(0.f);
    for (int i = 0; i < padded; i += LANES)
        sum += load(row + i);
    const vec scale = SPLAT(1 / lanes_sum(sum));
    for (int i = 0; i < padded; i += LANES)
        store(row + i, load(row + i) * scale);
}

const struct kernels KERNELS = {
    .name = NAME,
    .columns = COLUMNS,
    .linear = linear,
    .depthwise = depthwise,
    .layer_norm = layer_norm,
    .softmax = softmax,
};
