// Inference over a network: a folded and packed copy of `struct net` behind
// base.h. infer.c makes it, infer_run.c runs it: infer_chain.c its convolutions, infer_attention.c the rest.
#ifndef NN_INFER_H
#define NN_INFER_H

#include "nn/base_impl.h"
#include "nn/kernel.h"
#include "nn/net.h"

struct infer_block {
    struct net_block plan;
    const struct kernels *kernels;
    int before;   // columns and rows of padding before the map
    int from, to; // channels, padded to KERNEL_LANES
    // Depthwise filter and bias, batch norm folded; of attention the positional one, with 1 added in its
    // centre: what it gives is x + position(x).
    float *depth, *depth_bias;  // (3, 3, from), (from)
    struct kernel_matrix point; // the convolution or pointwise
    // Attention. Every head is padded to `head` columns.
    int head;
    float *norm1[2], *norm2[2]; // gamma, beta
    struct kernel_matrix key_value, mlp1, mlp2;
    // Of every head: its part of the query's layer transposed (head, to), and of the layer behind (head, to).
    struct kernel_matrix *query, *out;
    float *query_bias, *out_bias; // (heads, head), (to)
};

struct infer {
    struct base base;
    int count;
    struct infer_block *blocks;
};

// ST_CORRUPT when a weight is not finite once batch norm is folded in. `kernels`: how it is to be run.
ASSAY_CHECKED enum status infer_new(const struct net *net, const struct kernels *kernels, struct base **base,
                                    struct error *err);

// ---- between the parts ----

// Floats that are handed out one after another, each part on its own cache line; `memory` NULL only counts.
struct infer_arena {
    float *memory;
    size_t used;
};

static inline float *infer_take(struct infer_arena *arena, size_t count)
{
    float *at = arena->memory ? arena->memory + arena->used : NULL;
    arena->used += base_work_round(count);
    return at;
}

// Rows of what enters a product do not lie a power of two apart: they would fall into the same cache sets.
static inline size_t infer_stride(int channels)
{
    return (size_t)channels + (channels % 128 == 0 ? 2 * KERNEL_LANES : 0);
}

// Room for the rows that enter products of 16 bits; none where floats do.
struct infer_room {
    int16_t *values;
    float *scale;
};

static inline struct infer_room infer_take_room(struct infer_arena *arena, const struct kernels *kernels,
                                                size_t cells, int channels)
{
    bool needed = kernels->precision == KERNEL_I16;
    struct infer_room room;
    room.values = (int16_t *)infer_take(arena, needed ? cells * infer_stride(channels) / 2 : 0);
    room.scale = infer_take(arena, needed ? cells : 0);
    return room;
}

static inline struct kernel_rows infer_rows(const struct kernels *kernels, const float *in, size_t in_stride,
                                            size_t cells, int channels, struct infer_room room)
{
    if (kernels->precision == KERNEL_F32)
        return (struct kernel_rows){in, in_stride, NULL};
    size_t stride = infer_stride(channels);
    kernels->rows(in, in_stride, cells, channels, room.values, stride, room.scale);
    return (struct kernel_rows){room.values, stride, room.scale};
}

// The same room from a row on, and the same rows from a row and a column on.
static inline struct infer_room infer_room_from(struct infer_room room, size_t row, int channels)
{
    if (room.values)
        room = (struct infer_room){room.values + row * infer_stride(channels), room.scale + row};
    return room;
}

static inline struct kernel_rows infer_rows_from(struct kernel_rows rows, size_t row, int column)
{
    size_t size = rows.scale ? sizeof(int16_t) : sizeof(float);
    rows.values = (const char *)rows.values + (row * rows.stride + (size_t)column) * size;
    rows.scale = rows.scale ? rows.scale + row : NULL;
    return rows;
}

struct infer_map {
    float *data; // (ring, cols, channels): row y lies at y % ring
    int rows, cols, channels;
    int ring; // rows that are kept; all of a whole map
};

// out = activation(a * matrix + bias) + add, for the rows and strides of `call`, whose clamp is set here.
void infer_linear(const struct kernels *kernels, struct kernel_linear call, enum net_activation activation);
// Depthwise and positional filters: output rows first .. first+count-1 of `block`, cells out_stride apart.
void infer_depthwise(const struct infer_block *block, const struct infer_map *in, int first, int count,
                     float *out, size_t out_stride);

// Runs blocks first .. end-1, convolutions and separable ones, each as soon as it has the rows that it needs:
// what lies between them is a few rows that stay in the cache. rgb: the picture, when block 0 is among them.
// Both maps are whole. Scratch is taken from the arena, as infer_attention does.
void infer_chain(const struct infer_block *blocks, int first, int end, const float *rgb,
                 const struct infer_map *in, struct infer_map *out, struct infer_arena *arena);
// Where the chain that begins at block `first` should end.
int infer_chain_end(const struct infer *infer, int first, struct infer_map map);
struct infer_map infer_shape(const struct infer_block *block, const struct infer_map *in);
// Runs a whole attention block; its scratch is taken from the arena. With arena->memory NULL nothing else
// happens.
void infer_attention(const struct infer_block *block, const struct infer_map *in, struct infer_arena *arena,
                     float *out);
void infer_taps(const struct base *base, struct base_work *work, const float *rgb, int rows, int cols,
                struct tap taps[BASE_TAPS]);

#endif
