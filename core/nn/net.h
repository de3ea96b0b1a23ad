// A network in memory: a list of blocks and its weights as they are trained
// (batch norm not folded). One description serves the trainer, inference
// (which folds and packs a copy), cutting and export.
//
// Blocks, all maps (rows, cols, channels), x the block's input:
//   NET_CONV       act(bn(conv3x3(x)))
//   NET_SEPARABLE  act(bn(pointwise(act(bn(depthwise3x3(x)))))), + x when residual
//   NET_ATTENTION  p = x + depthwise3x3(x) + bias          positional residual
//                  a = p + out(attention(norm1(p)))        keys and values of the map average-pooled
//                  y = a + mlp2(act(mlp1(norm2(a))))
// The picture enters as rgb / 127.5 - 1. Side of a map after stride s: ceil(side / s).
#ifndef NN_NET_H
#define NN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "nn/safetensors.h"

enum net_type { NET_CONV, NET_SEPARABLE, NET_ATTENTION };
enum net_activation { NET_LINEAR, NET_RELU, NET_RELU6, NET_GELU };
enum net_padding {
    NET_PAD_SYMMETRIC, // one all round, any stride
    NET_PAD_END,       // stride 2 pads at the bottom and right only (TensorFlow's SAME for even sides)
};

enum { NET_TAPS = 2, NET_BLOCKS = 32, NET_CHANNELS = 4096 };

struct net_block {
    enum net_type type;
    int from, to; // channels; an attention block keeps them
    int stride;   // 1 or 2
    enum net_activation activation;
    bool residual;           // separable: x is added (stride 1, from == to)
    bool optional;           // may be left out of a smaller network (stride 1, from == to, no tap)
    int heads, pool, hidden; // attention: to is a multiple of heads; hidden is the MLP's width
    int tap;                 // which tap the block's output is, -1 none
    bool branch;             // the output is a tap and nothing else: the next block takes this one's input
};

struct net_plan {
    char name[64];
    enum net_padding padding;
    double epsilon; // of batch norm; layer norm has 1e-5
    int side;       // input side that it was made for, 0 unknown
    int count;
    struct net_block blocks[NET_BLOCKS];
};

// Every tensor of a block, in this order from net->first[block].
enum { NORM_GAMMA, NORM_BETA, NORM_MEAN, NORM_VARIANCE, NORM_TENSORS }; // mean and variance: running
enum { CONV_WEIGHT, CONV_NORM, CONV_TENSORS = CONV_NORM + NORM_TENSORS };
enum {
    SEPARABLE_DEPTH,
    SEPARABLE_DEPTH_NORM,
    SEPARABLE_POINT = SEPARABLE_DEPTH_NORM + NORM_TENSORS,
    SEPARABLE_POINT_NORM,
    SEPARABLE_TENSORS = SEPARABLE_POINT_NORM + NORM_TENSORS
};
enum {
    ATTENTION_POSITION,
    ATTENTION_POSITION_BIAS,
    ATTENTION_NORM1_GAMMA,
    ATTENTION_NORM1_BETA,
    ATTENTION_QUERY,
    ATTENTION_QUERY_BIAS,
    ATTENTION_KEY_VALUE, // (to, 2 to): keys, then values
    ATTENTION_KEY_VALUE_BIAS,
    ATTENTION_OUT,
    ATTENTION_OUT_BIAS,
    ATTENTION_NORM2_GAMMA,
    ATTENTION_NORM2_BETA,
    ATTENTION_MLP1,
    ATTENTION_MLP1_BIAS,
    ATTENTION_MLP2,
    ATTENTION_MLP2_BIAS,
    ATTENTION_TENSORS
};

enum net_role {
    NET_WEIGHT,    // a matrix or filter: weight decay applies
    NET_SHIFT,     // bias, beta, gamma: no decay
    NET_STATISTIC, // running mean or variance: no gradient
};

struct net_tensor {
    char name[48];              // "block.3.point.weight"
    int64_t shape[TENSOR_RANK]; // conv (3, 3, from, to); depthwise (3, 3, channels); linear (from, to)
    size_t count;
    enum net_role role;
    float *values; // 64-byte aligned, owned
};

struct net {
    struct net_plan plan;
    int first[NET_BLOCKS + 1]; // first[count] is tensor_count
    int tensor_count;
    struct net_tensor *tensors;
    char sha256[HASH_HEX]; // of the file it was read from, "" otherwise
};

// ST_INVALID with a sentence when a block contradicts itself or its neighbours.
ASSAY_CHECKED enum status net_plan_check(const struct net_plan *plan, struct error *err);

// Zeroed tensors for a plan that is valid. Caller: net_free.
struct net *net_new(const struct net_plan *plan);
struct net *net_copy(const struct net *net);
void net_free(struct net *net);
void net_zero(struct net *net); // every tensor

// Random start: He-normal filters, gamma 1 (0 never), beta 0, statistics 0 and 1. Source: He et al. 2015.
void net_init(struct net *net, uint64_t seed);

static inline float *net_values(const struct net *net, int block, int tensor)
{
    return net->tensors[net->first[block] + tensor].values;
}

long long net_parameters(const struct net *net); // trainable numbers

// --- files (net_file.c) -------------------------------------------------------
// Own format: metadata "architecture" = "assay-net-1" and "plan" (JSON), tensors by name. A MobileNet v1
// (Keras names or timm's) and "hybrid-1" are read, too, and become the same thing in memory.
ASSAY_CHECKED enum status net_read(const struct tensor_file *file, struct net **net, struct error *err);
ASSAY_CHECKED enum status net_open(const char *path, struct net **net, struct error *err);
// The plan and all tensors into a writer, to which the caller may add.
void net_put(const struct net *net, struct tensor_writer *writer, bool half);

// --- smaller networks (net_cut.c) ---------------------------------------------
struct net_cut {
    double width; // share of every block's channels that is kept, the first ones; (0, 1]
    int depth;    // optional blocks left out, the last ones first
};
// What `cut` makes of a plan: channels rounded to multiples of 8, whole attention heads.
void net_cut_plan(const struct net_plan *plan, const struct net_cut *cut, struct net_plan *out);
// Weights of the smaller network; `small` was made for net_cut_plan's plan.
void net_cut_gather(const struct net *net, const struct net_cut *cut, struct net *small);
// The way back, for gradients: large += small, statistics left alone.
void net_cut_scatter_add(const struct net *small, const struct net_cut *cut, struct net *large);

// --- starting from another network (net_inherit.c) ------------------------------
// Copies the weights of every block of `from` that `net` has, too, in the same order (type, stride, channels);
// the others keep what they have. Of a wider MLP the units of the largest weights are taken. Returns the number of
// blocks that were copied. Source: Chen et al. 2016, "Net2Net", arXiv:1511.05641.
int net_inherit(struct net *net, const struct net *from);

// --- reference (net_naive.c) --------------------------------------------------
struct net_map {
    int rows, cols, channels;
    float *values; // (rows, cols, channels), caller frees
};
// What a network computes, in plain loops (double sums): the twin of inference
// and of the trainer's forward pass. rgb: (rows, cols, 3), 0..255.
void net_naive(const struct net *net, const float *rgb, int rows, int cols, struct net_map taps[NET_TAPS]);

#endif
