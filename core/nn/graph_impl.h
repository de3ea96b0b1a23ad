// What the parts of a graph share.
#ifndef NN_GRAPH_IMPL_H
#define NN_GRAPH_IMPL_H

#include "nn/graph.h"
#include "nn/layer.h"

struct graph_chunk {
    float *floats;
    size_t capacity;
};

// Where the stack of activations stood.
struct graph_mark {
    size_t chunk, used;
};

// A batch norm of this pass.
struct graph_norm {
    float *in;             // what it normalised; kept when training
    float *mean, *variance, *scale, *shift; // (channels)
    size_t cells;
};

struct graph_block {
    struct layer_map in, out_shape;
    const float *x; // input
    float *out;
    bool train;
    bool measured; // its batch norms take the batch's statistics
    struct graph_mark mark; // the stack before this block
    struct graph_norm norm[2];
    float *middle; // separable: between depthwise and pointwise
    // Attention.
    float *position;            // after the positional residual
    float *normed1, *statistic1; // layer norm 1
    float *query, *pooled, *key_value, *probabilities, *seen;
    float *attended;            // after the attention residual
    float *normed2, *statistic2;
    float *hidden, *active;
    struct layer_map pooled_shape;
};

struct graph {
    struct graph_chunk *chunks;
    size_t chunk_count, chunk_capacity;
    size_t chunk, used; // top of the stack
    struct graph_chunk flip[2];
    struct graph_block blocks[NET_BLOCKS];
    struct graph_pass pass;
    size_t kept;
};

// Room on the stack; 64-byte aligned, content undefined; valid until a release below it.
float *graph_take(struct graph *g, size_t count);
struct graph_mark graph_mark(const struct graph *g);
void graph_release(struct graph *g, struct graph_mark mark);

// Pictures at a time, so that a map of `widest` channels stays in the second-level cache.
int graph_part(const struct layer_map *shape, int widest);

// Conv and separable blocks (graph_conv.c), attention (graph_attention.c). in_grad: overwritten, or NULL.
// out_grad may be destroyed.
void graph_convolution(struct graph *g, const struct net *net, int i);
void graph_convolution_backward(struct graph *g, const struct net *net, int i, float *out_grad, float *in_grad,
                                struct net *grads);
void graph_attention(struct graph *g, const struct net *net, int i);
void graph_attention_backward(struct graph *g, const struct net *net, int i, const float *out_grad, float *in_grad,
                              struct net *grads);

// Adds the block's batch statistics to those of `grads`.
void graph_note_statistics(const struct graph *g, const struct net *net, int i, struct net *grads);

#endif
