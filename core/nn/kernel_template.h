// The kernels, included once for each instruction set, which defines
//   vec, LANES        a vector of floats and how many
//   sums              a vector of what products are summed in
//   SPLAT FMA MAX MIN vector operations
//   UNIT              numbers of a product in 32 bits: 1 float or 2 whole ones
//   DOT(x, b, sum)    sum + the products of the numbers in every 32 bits of x and b
//   SCALED(sum, row, column, bias) what a sum is worth, the row's scale being a number
//   lanes_sum(v), lanes_max(v) the sum and the largest of a vector's floats
//   Only with UNIT 2:
//   SQRT
//   STORE_WHOLE(at, v) v as LANES whole numbers, rounded to nearest, to int16_t *at
//   STORE_WHOLES(at, v, w) the same of two vectors
//   TARGET            attribute of every function
//   ROWS              most cells that a tile of the product has: 2 * ROWS sums stay in registers, and a
//                     processor has room to begin the next tile while it finishes one
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

// 32 bits of what enters a product.
PART float load_unit(const char *at)
{
    float unit;
    memcpy(&unit, at, sizeof unit);
    return unit;
}

// ---- the product ----

// The statements for r = 0 .. rows-1. Written out rather than left to the optimiser: with an index that is a
// constant from the beginning, every compiler keeps the sums in registers.
enum { ROWS_MOST = 7 };
// clang-format off
#define EACH_ROW(...)                                                                             \
    do {                                                                                          \
        ROW(0, __VA_ARGS__) ROW(1, __VA_ARGS__) ROW(2, __VA_ARGS__) ROW(3, __VA_ARGS__)           \
        ROW(4, __VA_ARGS__) ROW(5, __VA_ARGS__) ROW(6, __VA_ARGS__)                               \
    } while (0)
#define ROW(n, ...) if ((n) < rows) { enum { r = (n) }; __VA_ARGS__ }
// clang-format on

// Checks of every pointer's arithmetic would take a compiler minutes here; those of the addresses stay.
#define UNCHECKED __attribute__((no_sanitize("undefined")))

// LANES columns of the sums of a tile, from `column` on, to where they belong.
UNCHECKED PART void finish_tile(const struct kernel_linear *call, const sums sum[ROWS_MOST], size_t row,
                                int column, const int rows)
{
    const struct kernel_matrix *m = call->matrix;
    const vec low = SPLAT(call->low), high = SPLAT(call->high);
    const vec bias = m->bias ? load(m->bias + column) : SPLAT(0.f);
    const vec scale = UNIT > 1 ? load(m->scale + column) : bias;
    (void)scale; // of floats there is none
    const bool clamped = call->high < INFINITY;
    const float *add = call->add ? call->add + row * call->add_stride + column : NULL;
    float *out = call->out + row * call->out_stride + column;
    vec x[ROWS_MOST];
    EACH_ROW(x[r] = MAX(SCALED(sum[r], call->a.scale[row + r], scale, bias), low););
    if (clamped)
        EACH_ROW(x[r] = MIN(x[r], high););
    if (add)
        EACH_ROW(x[r] += load(add + r * call->add_stride););
    EACH_ROW(store(out + r * call->out_stride, x[r]););
}

// Where a tile goes is often no longer in the cache: it is sent for before the sums, which take long enough.
UNCHECKED PART void fetch_tile(const struct kernel_linear *call, size_t row, int column, const int rows,
                               const int vecs)
{
    const float *out = call->out + row * call->out_stride + column;
    EACH_ROW(__builtin_prefetch(out + r * call->out_stride, 1);
             if (vecs > 1) __builtin_prefetch(out + r * call->out_stride + LANES, 1););
}

// `rows` cells from `row` on, `vecs` vectors of columns from `column` on.
UNCHECKED PART void product_tile(const struct kernel_linear *call, size_t row, int column, const int rows,
                                 const int vecs)
{
    const struct kernel_matrix *m = call->matrix;
    const float *b = (const float *)m->panels + (size_t)column * (size_t)(m->k / UNIT); // in 32 bits
    const size_t step = call->a.stride * (sizeof(float) / UNIT);                        // bytes
    const int part = m->k / UNIT / call->segments, segments = call->segments;
    sums left[ROWS_MOST], right[ROWS_MOST];
    EACH_ROW(left[r] = right[r] = (sums){0};);
    fetch_tile(call, row, column, rows, vecs);
    for (int s = 0; s < segments; s++) {
        const char *a = (const char *)(s ? call->more[s - 1] : call->a.values) + row * step;
        for (int k = 0; k < part; k++, a += sizeof(float), b += vecs * LANES) {
            vec b0 = load(b), b1 = vecs > 1 ? load(b + LANES) : b0;
            EACH_ROW(vec x = SPLAT(load_unit(a + r * step)); left[r] = DOT(x, b0, left[r]);
                     if (vecs > 1) right[r] = DOT(x, b1, right[r]););
        }
    }
    finish_tile(call, left, row, column, rows);
    if (vecs > 1)
        finish_tile(call, right, row, column + LANES, rows);
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
            }
            row += rows;
        }
    }
}

// ---- depthwise ----

// The three vectors of one input column, each multiplied by its row's weight.
PART vec add_column(const vec in[3], const vec weight[9], const int dx, vec sum)
{
    return FMA(in[2], weight[6 + dx], FMA(in[1], weight[3 + dx], FMA(in[0], weight[dx], sum)));
}

// LANES channels of one output row. Every input column is loaded once and goes into the sums of all the cells
// that see it.
PART void depthwise_lanes(const struct kernel_depthwise *call, const float *const row[3], const vec weight[9],
                          size_t channel, const int stride)
{
    const struct kernel_depthwise c = *call;
    const size_t n = (size_t)c.channels;
    const vec low = SPLAT(c.low), high = SPLAT(c.high), bias = load(c.bias + channel);
    const int cols = kernel_out(c.cols, stride);
    size_t at = channel, out = channel;
    vec in[3], now = bias, next = bias; // sums of the current cell and, with stride 1, of the one after it
#define LOAD_COLUMN                                                                                          \
    UNROLL for (int r = 0; r < 3; r++)                                                                       \
    {                                                                                                        \
        in[r] = load(row[r] + at);                                                                           \
    }                                                                                                        \
    at += n
    int x = 0; // columns loaded
    if (stride == 1 || !c.before) {
        LOAD_COLUMN;
        now = add_column(in, weight, stride == 1 ? 1 : 0, bias);
        next = add_column(in, weight, 0, bias);
        x = 1;
    }
    for (int i = 0; i < cols; i++, out += c.out_stride) {
        if (stride == 2 && x < c.cols) {
            LOAD_COLUMN;
            now = add_column(in, weight, 1, now);
            x++;
        }
        vec sum = now;
        now = next;
        if (x < c.cols) {
            LOAD_COLUMN;
            sum = add_column(in, weight, 2, sum);
            now = stride == 1 ? add_column(in, weight, 1, next) : add_column(in, weight, 0, bias);
            if (stride == 1)
                next = add_column(in, weight, 0, bias);
            x++;
        }
        store(c.out + out, MIN(MAX(sum, low), high));
    }
#undef LOAD_COLUMN
}

TARGET static void depthwise(const struct kernel_depthwise *call)
{
    const size_t n = (size_t)call->channels;
    const float *row[3], *inside = call->in[0] ? call->in[0] : call->in[1];
    for (int r = 0; r < 3; r++)
        row[r] = call->in[r] ? call->in[r] : inside; // outside: any row, its weights become 0
    for (size_t k = 0; k < n; k += LANES) {
        vec weight[9];
        UNROLL
        for (int tap = 0; tap < 9; tap++)
            weight[tap] = call->in[tap / 3] ? load(call->weight + (size_t)tap * n + k) : SPLAT(0.f);
        if (call->stride == 1)
            depthwise_lanes(call, row, weight, k, 1);
        else
            depthwise_lanes(call, row, weight, k, 2);
    }
}

// ---- what attention needs ----

// Sums of x - shift, or of its square, over `count` numbers. Four sums, as one would wait for itself.
PART float sum_of(const float *in, size_t count, const float shift, const bool squared)
{
    const size_t whole = count / LANES * LANES;
    const vec m = SPLAT(shift);
    vec sum[4] = {SPLAT(0.f), SPLAT(0.f), SPLAT(0.f), SPLAT(0.f)};
    float rest = 0;
    for (size_t k = 0; k < whole; k += 4 * LANES)
        UNROLL for (size_t part = 0; part < 4; part++) if (k + part * LANES < whole)
        {
            vec x = load(in + k + part * LANES) - m;
            if (squared)
                sum[part] = FMA(x, x, sum[part]);
            else
                sum[part] += x;
        }
    for (size_t k = whole; k < count; k++) {
        float x = in[k] - shift;
        rest += squared ? x * x : x;
    }
    return lanes_sum((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
}

TARGET static void layer_norm(const float *in, int channels, int padded, const float *gamma,
                              const float *beta, float *out)
{
    const float mean = sum_of(in, (size_t)channels, 0, false) / (float)channels;
    const float square = sum_of(in, (size_t)channels, mean, true) / (float)channels;
    const vec m = SPLAT(mean), scale = SPLAT(1 / sqrtf(square + 1e-5f));
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
    vec top = load(row);
    for (int i = LANES; i < count; i += LANES)
        top = MAX(top, load(row + i));
    const vec h = SPLAT(lanes_max(top));
    vec sum = SPLAT(0.f);
    for (int i = 0; i < count; i += LANES) {
        vec e = exponential(load(row + i) - h);
        store(row + i, e);
        sum += e;
    }
    const vec scale = SPLAT(1 / lanes_sum(sum));
    for (int i = 0; i < count; i += LANES)
        store(row + i, load(row + i) * scale);
}

// ---- what enters a product ----

#if UNIT > 1
enum {
    SHARED = 256, // numbers that at least share a scale: finding one costs as much as converting some hundred
    AHEAD = LANES, // scales that are found at once
};

PART void scale_whole(const float *in, size_t count, vec factor, int16_t *out)
{
    size_t k = 0;
    for (; k + 2 * LANES <= count; k += 2 * LANES)
        STORE_WHOLES(out + k, load(in + k) * factor, load(in + k + LANES) * factor);
    if (k < count)
        STORE_WHOLE(out + k, load(in + k) * factor);
}

TARGET static void rows_whole(const float *in, size_t in_stride, size_t cells, int n, int16_t *out,
                              size_t out_stride, float *scale)
{
    const size_t width = (size_t)n, group = n < SHARED ? (size_t)(SHARED / n) : 1;
    const bool dense = in_stride == width && out_stride == width; // a group is one long row
    const float room = 32767 - 0.5f * sqrtf((float)n);            // rounding adds half of sqrt(n)
    for (size_t first = 0, groups; first < cells; first += groups * group) {
        // Squares of norms first; that of a group is at least that of every cell in it.
        float norm[AHEAD] = {0}, factor[AHEAD];
        for (groups = 0; groups < AHEAD && first + groups * group < cells; groups++) {
            size_t i = first + groups * group, count = i + group < cells ? group : cells - i;
            if (dense)
                norm[groups] = sum_of(in + i * in_stride, count * width, 0, true);
            for (size_t k = i; !dense && k < i + count; k++)
                norm[groups] += sum_of(in + k * in_stride, width, 0, true);
        }
        for (size_t g = 0; g < groups; g += LANES) {
            vec length = SQRT(load(norm + g));
            store(norm + g, length * SPLAT(1 / room));
            store(factor + g, SPLAT(room) / MAX(length, SPLAT(1e-30f)));
        }
        for (size_t g = 0; g < groups; g++) {
            size_t i = first + g * group, count = i + group < cells ? group : cells - i;
            for (size_t k = i; k < i + count; k++)
                scale[k] = norm[g];
            const vec by = SPLAT(factor[g]);
            if (dense)
                scale_whole(in + i * in_stride, count * width, by, out + i * out_stride);
            for (size_t k = i; !dense && k < i + count; k++)
                scale_whole(in + k * in_stride, width, by, out + k * out_stride);
        }
    }
}
#endif

TARGET static void picture(const float *rgb, size_t count, void *out)
{
    const vec middle = SPLAT(127.5f);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vec x = load(rgb + i) - middle;
        __builtin_prefetch(rgb + i + count); // the next row, while this one is at work
#if UNIT > 1
        STORE_WHOLE((int16_t *)out + i, x * SPLAT((float)KERNEL_PICTURE));
#else
        store((float *)out + i, x);
#endif
    }
    for (; i < count; i++)
#if UNIT > 1
        ((int16_t *)out)[i] = (int16_t)lrintf((rgb[i] - 127.5f) * KERNEL_PICTURE);
#else
        ((float *)out)[i] = rgb[i] - 127.5f;
#endif
}

const struct kernels KERNELS = {
    .name = NAME,
    .precision = UNIT == 1 ? KERNEL_F32 : KERNEL_I16,
    .columns = COLUMNS,
    .linear = linear,
    .depthwise = depthwise,
    .layer_norm = layer_norm,
    .softmax = softmax,
    .picture = picture,
#if UNIT > 1
    .rows = rows_whole,
#endif
};
