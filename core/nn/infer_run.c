#include "config.h"

#include <math.h>
#include <string.h>

#include "nn/infer.h"

enum { TILE_FLOATS = 1 << 16 };

static const float infinite = INFINITY;

void infer_linear(const struct infer *infer, const float *a, size_t a_stride, size_t cells,
                  const struct kernel_matrix *matrix, enum net_activation activation, const float *add,
                  size_t add_stride, float *out, size_t out_stride)
{
    bool later = activation == NET_GELU; // no clamp; the activations of the networks that are fast are
    struct kernel_linear call = {
        .a = {a},
        .segments = 1,
        .a_stride = a_stride,
        .cells = cells,
        .matrix = matrix,
        .low = activation == NET_RELU || activation == NET_RELU6 ? 0 : -infinite,
        .high = activation == NET_RELU6 ? 6 : infinite,
        .add = later ? NULL : add,
        .add_stride = add_stride,
        .out = out,
        .out_stride = out_stride,
    };
    infer->kernels->linear(&call);
    for (size_t i = 0; later && i < cells; i++)
        for (size_t k = 0; k < (size_t)matrix->n; k++) {
            float *x = &out[i * out_stride + k];
            *x = 0.5f * *x * (1 + erff(*x * 0.70710678f)) + (add ? add[i * add_stride + k] : 0);
        }
}

void infer_depthwise(const struct infer *infer, const struct infer_block *block, const struct infer_map *in,
                     int first, int count, float *out, size_t out_stride)
{
    const struct net_block *b = &block->plan;
    enum net_activation activation = b->type == NET_ATTENTION ? NET_LINEAR : b->activation;
    int before = b->stride == 1 || infer->padding == NET_PAD_SYMMETRIC;
    size_t line = (size_t)in->cols * (size_t)in->channels, cols = (size_t)kernel_out(in->cols, b->stride);
    for (int r = 0; r < count; r++, out += cols * out_stride) {
        struct kernel_depthwise call = {
            .cols = in->cols,
            .channels = in->channels,
            .stride = b->stride,
            .before = before,
            .weight = block->depth,
            .bias = block->depth_bias,
            .low = activation == NET_RELU || activation == NET_RELU6 ? 0 : -infinite,
            .high = activation == NET_RELU6 ? 6 : infinite,
            .out = out,
            .out_stride = out_stride,
        };
        for (int dy = 0; dy < 3; dy++) {
            int y = (first + r) * b->stride + dy - before;
            call.in[dy] = y >= 0 && y < in->rows ? in->data + (size_t)y * line : NULL;
        }
        infer->kernels->depthwise(&call);
        for (size_t i = 0; activation == NET_GELU && i < cols; i++)
            for (int k = 0; k < in->channels; k++) {
                float *x = &out[i * out_stride + (size_t)k];
                *x = 0.5f * *x * (1 + erff(*x * 0.70710678f));
            }
    }
}

// One row of the picture between a column of padding at its left, if any, and one at its right.
static void picture_row(const float *rgb, int rows, int cols, int y, int before, float *out)
{
    const float middle = 127.5f; // what becomes 0
    bool inside = y >= 0 && y < rows;
    for (int k = 0; k < 3 * (cols + 2); k++)
        out[k] = middle;
    if (inside)
        memcpy(out + 3 * before, rgb + (size_t)y * (size_t)cols * 3, (size_t)cols * 3 * sizeof *out);
}

static void stem(const struct infer *infer, const struct infer_block *block, const float *rgb, int rows,
                 int cols, float *lines, float *out)
{
    int stride = block->plan.stride, before = stride == 1 || infer->padding == NET_PAD_SYMMETRIC;
    size_t line = base_work_round(3 * ((size_t)cols + 2)), cells = (size_t)kernel_out(cols, stride);
    for (int r = 0; r < kernel_out(rows, stride); r++, out += cells * (size_t)block->to) {
        enum net_activation a = block->plan.activation;
        struct kernel_linear call = {
            .segments = 3,
            .a_stride = 3 * (size_t)stride,
            .cells = cells,
            .matrix = &block->point,
            .low = a == NET_RELU || a == NET_RELU6 ? 0 : -infinite,
            .high = a == NET_RELU6 ? 6 : infinite,
            .out = out,
            .out_stride = (size_t)block->to,
        };
        for (int dy = 0; dy < 3; dy++) {
            picture_row(rgb, rows, cols, r * stride + dy - before, before, lines + (size_t)dy * line);
            call.a[dy] = lines + (size_t)dy * line;
        }
        infer->kernels->linear(&call);
        for (size_t k = 0; a == NET_GELU && k < cells * (size_t)block->to; k++)
            out[k] = 0.5f * out[k] * (1 + erff(out[k] * 0.70710678f));
    }
}

// Rows of a block's output that are made at a time: the depthwise result then stays in the L2 cache.
static int tile_rows(const struct infer_block *block, int rows, int cols)
{
    int count = TILE_FLOATS / (cols * block->from);
    return count < 1 ? 1 : count < rows ? count : rows;
}

static void separable(const struct infer *infer, const struct infer_block *block, const struct infer_map *in,
                      struct infer_arena *arena, float *out)
{
    int rows = kernel_out(in->rows, block->plan.stride), cols = kernel_out(in->cols, block->plan.stride);
    int step = tile_rows(block, rows, cols);
    size_t stride = infer_stride(block->from), to = (size_t)block->to;
    float *tile = infer_take(arena, (size_t)step * (size_t)cols * stride);
    for (int first = 0; tile && first < rows; first += step) {
        int count = rows - first < step ? rows - first : step;
        size_t start = (size_t)first * (size_t)cols * to;
        infer_depthwise(infer, block, in, first, count, tile, stride);
        infer_linear(infer, tile, stride, (size_t)count * (size_t)cols, &block->point, block->plan.activation,
                     block->plan.residual ? in->data + start : NULL, to, out + start, to);
    }
}

static size_t map_floats(const struct infer_map *map)
{
    return base_work_round((size_t)map->rows * (size_t)map->cols * (size_t)map->channels);
}

static struct infer_map shape_after(const struct infer_map *in, const struct infer_block *block)
{
    return (struct infer_map){NULL, kernel_out(in->rows, block->plan.stride),
                              kernel_out(in->cols, block->plan.stride), block->to};
}

// Where maps lie: back and forth between two buffers; a tap stays where nothing overwrites it.
struct layout {
    float *side[2], *tap[BASE_TAPS], *compact[BASE_TAPS];
    struct infer_arena scratch; // from here on, every block begins anew
    size_t most;
};

static void run_block(const struct infer *infer, const struct infer_block *block, const float *rgb,
                      const struct infer_map *in, struct infer_arena scratch, size_t *most, float *out)
{
    if (block->plan.type == NET_CONV) {
        float *lines = infer_take(&scratch, 3 * base_work_round(3 * ((size_t)in->cols + 2)));
        if (lines)
            stem(infer, block, rgb, in->rows, in->cols, lines, out);
    } else if (block->plan.type == NET_SEPARABLE) {
        separable(infer, block, in, &scratch, out);
    } else {
        infer_attention(infer, block, in, &scratch, out);
    }
    *most = scratch.used > *most ? scratch.used : *most;
}

static void lay_out(const struct infer *infer, struct infer_map map, struct infer_arena *arena,
                    struct layout *layout)
{
    size_t side[2] = {0};
    for (int i = 0, next = 0; i < infer->count; i++) {
        const struct infer_block *b = &infer->blocks[i];
        struct infer_map out = shape_after(&map, b);
        if (b->plan.tap >= 0) {
            size_t cells = (size_t)out.rows * (size_t)out.cols;
            layout->tap[b->plan.tap] = infer_take(arena, map_floats(&out));
            layout->compact[b->plan.tap] =
                b->plan.to < b->to ? infer_take(arena, cells * (size_t)b->plan.to) : NULL;
        } else {
            side[next] = map_floats(&out) > side[next] ? map_floats(&out) : side[next];
            next = !next;
        }
        if (!b->plan.branch)
            map = out;
    }
    for (int i = 0; i < 2; i++)
        layout->side[i] = infer_take(arena, side[i]);
}

// With layout->scratch.memory NULL only the scratch is counted.
static void run(const struct infer *infer, const float *rgb, struct infer_map map, struct layout *layout,
                struct tap taps[BASE_TAPS])
{
    for (int i = 0, next = 0; i < infer->count; i++) {
        const struct infer_block *b = &infer->blocks[i];
        struct infer_map out = shape_after(&map, b);
        int tap = b->plan.tap;
        out.data = tap >= 0 ? layout->tap[tap] : layout->side[next];
        run_block(infer, b, rgb, &map, layout->scratch, &layout->most, out.data);
        if (tap >= 0 && out.data) {
            size_t to = (size_t)b->plan.to, cells = (size_t)out.rows * (size_t)out.cols;
            float *compact = layout->compact[tap];
            for (size_t c = 0; compact && c < cells; c++)
                memcpy(compact + c * to, out.data + c * (size_t)out.channels, to * sizeof *compact);
            taps[tap] = (struct tap){out.rows, out.cols, b->plan.to, compact ? compact : out.data};
        }
        next = tap >= 0 ? next : !next;
        if (!b->plan.branch)
            map = out;
    }
}

void infer_taps(const struct base *base, struct base_work *work, const float *rgb, int rows, int cols,
                struct tap taps[BASE_TAPS])
{
    const struct infer *infer = (const struct infer *)base;
    const struct infer_map picture = {NULL, rows, cols, 3};
    struct layout layout = {.most = 0};
    struct infer_arena arena = {NULL, 0};
    lay_out(infer, picture, &arena, &layout);
    run(infer, rgb, picture, &layout, taps); // counts
    arena.memory = base_work_floats(work, arena.used + layout.most);
    arena.used = 0;
    lay_out(infer, picture, &arena, &layout);
    layout.scratch = (struct infer_arena){arena.memory + arena.used, 0};
    run(infer, rgb, picture, &layout, taps);
}
