// Convolutions and separable blocks, row by row.
#include "config.h"

#include <math.h>
#include <string.h>

#include "nn/infer.h"

enum {
    TILE_CELLS = 64,         // that a product has at least, where a row is shorter
    CACHE_FLOATS = 1 << 16,  // a map up to here stays in the L2 cache, whole
    CACHE_WEIGHTS = 1 << 18, // and so do the weights of a chain
    LINES = 4,
};

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
            call.in[dy] = y >= 0 && y < in->rows ? in->data + (size_t)(y % in->ring) * line : NULL;
        }
        block->kernels->depthwise(&call);
        for (size_t i = 0; activation == NET_GELU && i < cols; i++)
            for (size_t k = 0; k < n; k++)
                call.out[i * out_stride + k] = gelu(call.out[i * out_stride + k]);
    }
}

// A block at work.
struct stage {
    const struct infer_block *block;
    struct infer_map in, out;
    int step; // rows that are made at a time
    int done; // rows of `out` that were made
    // Depthwise results, shared by the stages.
    float *tile;
    struct infer_room room;
    // The first convolution: its picture, of which LINES rows are held as products take them.
    const float *rgb;
    float *scale, *lines;
    size_t line; // floats from one to the next
    int read;    // rows of the picture
};

// A column of padding at each side, and one number more: a row of the filter is padded to 10.
static size_t picture_line(int cols)
{
    return base_work_round(3 * ((size_t)cols + 2) + 1);
}

static void read_line(struct stage *s)
{
    const struct kernels *kernels = s->block->kernels;
    size_t row = 3 * (size_t)s->in.cols, before = 3 * (size_t)s->block->before;
    float *line = s->lines + (size_t)(s->read % LINES) * s->line;
    void *first = kernels->precision == KERNEL_I16 ? (void *)((int16_t *)line + before) : line + before;
    kernels->picture(s->rgb + (size_t)s->read * row, row, first);
    s->read++;
}

static void convolve(struct stage *s)
{
    const struct infer_block *b = s->block;
    const int stride = b->plan.stride, top = s->done * stride - b->before;
    const float *line[3];
    for (int dy = 0; dy < 3; dy++) {
        int y = top + dy;
        bool inside = y >= 0 && y < s->in.rows;
        while (inside && s->read <= y)
            read_line(s);
        line[dy] = s->lines + (size_t)(inside ? y % LINES : LINES) * s->line; // the last one: outside
    }
    const struct kernel_linear call = {
        .a = {line[0], 3 * (size_t)stride, s->scale},
        .more = {line[1], line[2]},
        .segments = 3,
        .cells = (size_t)s->out.cols,
        .matrix = &b->point,
        .out = s->out.data + (size_t)(s->done % s->out.ring) * (size_t)s->out.cols * (size_t)b->to,
        .out_stride = (size_t)b->to,
    };
    infer_linear(b->kernels, call, b->plan.activation);
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

// Depthwise results of `count` rows from s->done on, as the product takes them. Whole numbers are made row by
// row, as long as the floats are in the L1 cache.
static struct kernel_rows enter(struct stage *s, int count)
{
    const struct infer_block *b = s->block;
    const size_t stride = infer_stride(b->from), cols = (size_t)s->out.cols;
    if (b->kernels->precision == KERNEL_F32) {
        infer_depthwise(b, &s->in, s->done, count, s->tile, stride);
        return (struct kernel_rows){s->tile, stride, NULL};
    }
    for (int r = 0; r < count; r++) {
        infer_depthwise(b, &s->in, s->done + r, 1, s->tile, stride);
        infer_rows(b->kernels, s->tile, stride, cols, b->from,
                   infer_room_from(s->room, (size_t)r * cols, b->from));
    }
    return (struct kernel_rows){s->room.values, stride, s->room.scale};
}

static void separate(struct stage *s, int count)
{
    const struct infer_block *b = s->block;
    const size_t cols = (size_t)s->out.cols, to = (size_t)b->to;
    const struct kernel_rows rows = enter(s, count);
    // Rows that lie one after another in both rings.
    for (int r = 0, run; r < count; r += run) {
        int y = s->done + r, in_place = y % s->in.ring, out_place = y % s->out.ring;
        run = min(count - r, s->out.ring - out_place);
        if (b->plan.residual)
            run = min(run, s->in.ring - in_place);
        const struct kernel_linear call = {
            .a = infer_rows_from(rows, (size_t)r * cols, 0),
            .cells = (size_t)run * cols,
            .matrix = &b->point,
            .add = b->plan.residual ? s->in.data + (size_t)in_place * cols * to : NULL,
            .add_stride = to,
            .out = s->out.data + (size_t)out_place * cols * to,
            .out_stride = to,
        };
        infer_linear(b->kernels, call, b->plan.activation);
    }
}

// Makes the rows of stage i below `upto`, and before that the rows of the stage before it which they need.
static void advance(struct stage *stages, int i, int upto)
{
    struct stage *s = &stages[i];
    while (s->done < upto) {
        const struct infer_block *b = s->block;
        int count = min(s->step, upto - s->done);
        int last = (s->done + count - 1) * b->plan.stride + 2 - b->before;
        if (i > 0)
            advance(stages, i - 1, min(last + 1, s->in.rows));
        if (b->plan.type == NET_CONV)
            convolve(s);
        else
            separate(s, count);
        s->done += count;
    }
}

struct infer_map infer_shape(const struct infer_block *block, const struct infer_map *in)
{
    int rows = kernel_out(in->rows, block->plan.stride), cols = kernel_out(in->cols, block->plan.stride);
    return (struct infer_map){.rows = rows, .cols = cols, .channels = block->to, .ring = rows};
}

int infer_chain_end(const struct infer *infer, int first, struct infer_map map)
{
    size_t weights = 0;
    for (int i = first; i < infer->count; i++) {
        const struct infer_block *b = &infer->blocks[i];
        bool starts = b->plan.type == NET_ATTENTION || b->plan.branch;
        weights += (size_t)b->from * (size_t)b->to;
        if (i > first && (starts || weights > CACHE_WEIGHTS ||
                          (size_t)map.rows * (size_t)map.cols * (size_t)map.channels <= CACHE_FLOATS))
            return i;
        if (b->plan.tap >= 0)
            return i + 1;
        map = infer_shape(b, &map);
    }
    return infer->count;
}

static int step_of(const struct infer_block *block, int cols)
{
    return block->plan.type == NET_CONV || cols >= TILE_CELLS ? 1 : TILE_CELLS / cols;
}

static void take_picture(struct stage *s, const float *rgb, struct infer_arena *arena)
{
    s->rgb = rgb;
    s->line = picture_line(s->in.cols);
    s->scale = infer_take(arena, (size_t)s->out.cols);
    s->lines = infer_take(arena, (LINES + 1) * s->line);
    if (!arena->memory)
        return;
    for (int i = 0; i < s->out.cols; i++)
        s->scale[i] = 1.f / KERNEL_PICTURE;
    memset(s->lines, 0, (LINES + 1) * s->line * sizeof *s->lines); // what no line covers is padding
}

void infer_chain(const struct infer_block *blocks, int first, int end, const float *rgb,
                 const struct infer_map *in, struct infer_map *out, struct infer_arena *arena)
{
    struct stage stages[NET_BLOCKS] = {{0}};
    struct infer_map map = *in;
    const bool whole = blocks[first].kernels->precision == KERNEL_I16;
    int count = end - first;
    size_t tile = 0, cells = 0, channels = 0;
    for (int i = 0; i < count; i++) {
        struct stage *s = &stages[i];
        s->block = &blocks[first + i];
        s->in = map;
        s->out = infer_shape(s->block, &map);
        s->step = step_of(s->block, s->out.cols);
        if (i > 0) {
            s->in.ring = min(s->in.rows, (s->step - 1) * s->block->plan.stride + 3);
            s->in.data = infer_take(arena, (size_t)s->in.ring * (size_t)s->in.cols * (size_t)s->in.channels);
            stages[i - 1].out = s->in;
        }
        if (s->block->plan.type == NET_CONV) {
            take_picture(s, rgb, arena);
        } else {
            size_t most = (size_t)s->step * (size_t)s->out.cols,
                   floats = (whole ? (size_t)s->out.cols : most) * infer_stride(s->block->from);
            tile = floats > tile ? floats : tile;
            cells = most > cells ? most : cells;
            channels = (size_t)s->block->from > channels ? (size_t)s->block->from : channels;
        }
        map = s->out;
    }
    float *shared = infer_take(arena, tile);
    struct infer_room room = infer_take_room(arena, blocks[first].kernels, cells, (int)channels);
    if (!arena->memory)
        return;
    for (int i = 0; i < count; i++) {
        stages[i].tile = shared;
        stages[i].room = room;
    }
    stages[count - 1].out = *out;
    advance(stages, count - 1, out->rows);
}
