#include "config.h"

#include <math.h>
#include <string.h>

#include "nn/infer.h"

enum { TILE_FLOATS = 1 << 16 };

static const float infinite = INFINITY;

static float low(enum net_activation a)
{
    return a == NET_RELU || a == NET_RELU6 ? 0 : -infinite;
}

static float high(enum net_activation a)
{
    return a == NET_RELU6 ? 6 : infinite;
}

static float gelu(float x)
{
    return 0.5f * x * (1 + erff(x * 0.70710678f));
}

// GELU is no clamp, and comes after it. No network that has to be fast has it.
static void gelu_cells(const struct kernel_linear *call)
{
    for (size_t i = 0; i < call->cells; i++)
        for (size_t k = 0; k < (size_t)call->matrix->n; k++) {
            float *x = &call->out[i * call->out_stride + k];
            *x = gelu(*x) + (call->add ? call->add[i * call->add_stride + k] : 0);
        }
}

void infer_linear(const struct kernels *kernels, struct kernel_linear call, enum net_activation activation)
{
    const struct kernel_linear wanted = call;
    call.segments = call.segments ? call.segments : 1;
    call.low = low(activation);
    call.high = high(activation);
    if (activation == NET_GELU)
        call.add = NULL;
    kernels->linear(&call);
    if (activation == NET_GELU)
        gelu_cells(&wanted);
}

void infer_depthwise(const struct infer_block *block, const struct infer_map *in, int first, int count,
                     float *out, size_t out_stride)
{
    const struct net_block *b = &block->plan;
    enum net_activation activation = b->type == NET_ATTENTION ? NET_LINEAR : b->activation;
    size_t n = (size_t)in->channels, line = (size_t)in->cols * n,
           cols = (size_t)kernel_out(in->cols, b->stride);
    for (int r = 0; r < count; r++) {
        struct kernel_depthwise call = {
            .cols = in->cols,
            .channels = in->channels,
            .stride = b->stride,
            .before = block->before,
            .weight = block->depth,
            .bias = block->depth_bias,
            .low = low(activation),
            .high = high(activation),
            .out = out + (size_t)r * cols * out_stride,
            .out_stride = out_stride,
        };
        for (int dy = 0; dy < 3; dy++) {
            int y = (first + r) * b->stride + dy - block->before;
            call.in[dy] = y >= 0 && y < in->rows ? in->data + (size_t)y * line : NULL;
        }
        block->kernels->depthwise(&call);
        for (size_t i = 0; activation == NET_GELU && i < cols; i++)
            for (size_t k = 0; k < n; k++)
                call.out[i * out_stride + k] = gelu(call.out[i * out_stride + k]);
    }
}

// A column of padding at each side, and one number more: a row of the filter is padded to 10.
static size_t picture_line(int cols)
{
    return base_work_round(3 * ((size_t)cols + 2) + 1);
}

static void stem(const struct infer_block *block, const float *rgb, int rows, int cols,
                 struct infer_arena *arena, float *out)
{
    const int stride = block->plan.stride, before = block->before;
    const size_t line = picture_line(cols), cells = (size_t)kernel_out(cols, stride), row = 3 * (size_t)cols;
    float *floats = infer_take(arena, line), *scale = infer_take(arena, cells), *lines[3];
    for (int dy = 0; dy < 3; dy++)
        lines[dy] = infer_take(arena, line);
    if (!floats)
        return;
    for (size_t k = 0; k < line; k++)
        floats[k] = 127.5f; // becomes 0
    for (size_t i = 0; i < cells; i++)
        scale[i] = 1.f / KERNEL_PICTURE;
    for (int r = 0; r < kernel_out(rows, stride); r++, out += cells * (size_t)block->to) {
        for (int dy = 0; dy < 3; dy++) {
            int y = r * stride + dy - before;
            bool inside = y >= 0 && y < rows;
            if (inside)
                memcpy(floats + 3 * before, rgb + (size_t)y * row, row * sizeof *floats);
            if (inside)
                block->kernels->picture(floats, line, lines[dy]);
            else
                memset(lines[dy], 0, line * sizeof *floats);
        }
        const struct kernel_linear call = {
            .a = {lines[0], 3 * (size_t)stride, scale},
            .more = {lines[1], lines[2]},
            .segments = 3,
            .cells = cells,
            .matrix = &block->point,
            .out = out,
            .out_stride = (size_t)block->to,
        };
        infer_linear(block->kernels, call, block->plan.activation);
    }
}

// Rows of a block's output that are made at a time: the depthwise result then stays in the L2 cache.
static int tile_rows(const struct infer_block *block, int rows, int cols)
{
    int count = TILE_FLOATS / (cols * block->from);
    return count < 1 ? 1 : count < rows ? count : rows;
}

static void separable(const struct infer_block *block, const struct infer_map *in, struct infer_arena *arena,
                      float *out)
{
    int rows = kernel_out(in->rows, block->plan.stride), cols = kernel_out(in->cols, block->plan.stride);
    int step = tile_rows(block, rows, cols);
    size_t stride = infer_stride(block->from), to = (size_t)block->to;
    float *tile = infer_take(arena, (size_t)step * (size_t)cols * stride);
    struct infer_room room = infer_take_room(arena, block->kernels, (size_t)step * (size_t)cols, block->from);
    for (int first = 0; tile && first < rows; first += step) {
        int count = rows - first < step ? rows - first : step;
        size_t start = (size_t)first * (size_t)cols * to, cells = (size_t)count * (size_t)cols;
        infer_depthwise(block, in, first, count, tile, stride);
        const struct kernel_linear call = {
            .a = infer_rows(block->kernels, tile, stride, cells, block->from, room),
            .cells = cells,
            .matrix = &block->point,
            .add = block->plan.residual ? in->data + start : NULL,
            .add_stride = to,
            .out = out + start,
            .out_stride = to,
        };
        infer_linear(block->kernels, call, block->plan.activation);
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

static void run_block(const struct infer_block *block, const float *rgb, const struct infer_map *in,
                      struct infer_arena scratch, size_t *most, float *out)
{
    if (block->plan.type == NET_CONV) {
        stem(block, rgb, in->rows, in->cols, &scratch, out);
    } else if (block->plan.type == NET_SEPARABLE) {
        separable(block, in, &scratch, out);
    } else {
        infer_attention(block, in, &scratch, out);
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
        run_block(b, rgb, &map, layout->scratch, &layout->most, out.data);
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
