#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "foreign.h"

struct net *foreign_random(const struct net_plan *plan, uint64_t seed)
{
    struct net *net = net_new(plan);
    struct rng rng = rng_seed(seed);
    net_init(net, seed);
    for (int i = 0; i < net->tensor_count; i++)
        for (size_t k = 0; k < net->tensors[i].count && net->tensors[i].role != NET_WEIGHT; k++)
            net->tensors[i].values[k] += (float)(0.4 * (rng_uniform(&rng) - 0.5));
    return net;
}

static const int mobile_strides[] = {2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1};
enum { MOBILE_BLOCKS = sizeof mobile_strides / sizeof *mobile_strides };

struct net_plan foreign_plan(void)
{
    struct net_plan plan = {
        .name = "mobilenet_v1_test", .padding = NET_PAD_SYMMETRIC, .epsilon = 1e-3, .count = MOBILE_BLOCKS};
    int from = 3;
    for (int i = 0; i < MOBILE_BLOCKS; i++) {
        int to = 8 + 2 * i;
        plan.blocks[i] =
            (struct net_block){i ? NET_SEPARABLE : NET_CONV,        from, to, mobile_strides[i], NET_RELU6,
                               .tap = i == 5 ? 0 : i == 11 ? 1 : -1};
        from = to;
    }
    return plan;
}

// (side, side, inputs, outputs) as (outputs, inputs, side, side), which both Keras' and timm's files have
// here.
static void put_outputs_first(struct tensor_writer *writer, const char *name, const float *values,
                              int outputs, int inputs, int side)
{
    size_t o_count = (size_t)outputs, i_count = (size_t)inputs, area = (size_t)(side * side);
    float *out = xcalloc(o_count * i_count * area, sizeof *out);
    for (size_t a = 0; a < area; a++)
        for (size_t i = 0; i < i_count; i++)
            for (size_t o = 0; o < o_count; o++)
                out[(o * i_count + i) * area + a] = values[(a * i_count + i) * o_count + o];
    tensor_put(writer, name, (int64_t[TENSOR_RANK]){outputs, inputs, side, side}, out);
    free(out);
}

// layer: prefix of the weight; norm: prefix of the norm's four parts.
static void put_layer(struct tensor_writer *writer, const struct net *net, int block, int tensor,
                      const char *weight, const char *norm, const char *const parts[NORM_TENSORS],
                      int outputs, int inputs, int side)
{
    put_outputs_first(writer, weight, net_values(net, block, tensor), outputs, inputs, side);
    for (int k = 0; k < NORM_TENSORS; k++) {
        char *name = xasprintf("%s%s", norm, parts[k]);
        tensor_put(writer, name, (int64_t[TENSOR_RANK]){outputs}, net_values(net, block, tensor + 1 + k));
        free(name);
    }
}

static const char *const timm_parts[NORM_TENSORS] = {"weight", "bias", "running_mean", "running_var"};
static const char *const keras_parts[NORM_TENSORS] = {"gamma", "beta", "moving_mean", "moving_variance"};
static const char *const timm_blocks[MOBILE_BLOCKS] = {
    NULL,         "blocks.0.0", "blocks.1.0", "blocks.1.1", "blocks.2.0", "blocks.2.1",
    "blocks.3.0", "blocks.3.1", "blocks.3.2", "blocks.3.3", "blocks.3.4", "blocks.3.5"};

// mobilenetv1_100 of timm: conv_stem, bn1, blocks.STAGE.BLOCK.{conv_dw,bn1,conv_pw,bn2}.
void foreign_put_timm(struct tensor_writer *writer, const struct net *net)
{
    put_layer(writer, net, 0, CONV_WEIGHT, "conv_stem.weight", "bn1.", timm_parts, net->plan.blocks[0].to, 3,
              3);
    for (int i = 1; i < MOBILE_BLOCKS; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        char weight[64], norm[64];
        snprintf(weight, sizeof weight, "%s.conv_dw.weight", timm_blocks[i]);
        snprintf(norm, sizeof norm, "%s.bn1.", timm_blocks[i]);
        put_layer(writer, net, i, SEPARABLE_DEPTH, weight, norm, timm_parts, b->from, 1, 3);
        snprintf(weight, sizeof weight, "%s.conv_pw.weight", timm_blocks[i]);
        snprintf(norm, sizeof norm, "%s.bn2.", timm_blocks[i]);
        put_layer(writer, net, i, SEPARABLE_POINT, weight, norm, timm_parts, b->to, b->from, 1);
    }
    // What comes after stride 16 is in such a file, too, and is not read.
    tensor_put(writer, "classifier.bias", (int64_t[TENSOR_RANK]){1}, (float[]){0});
}

void foreign_put_keras(struct tensor_writer *writer, const struct net *net)
{
    put_layer(writer, net, 0, CONV_WEIGHT, "conv1/weight", "conv1_bn/", keras_parts, net->plan.blocks[0].to,
              3, 3);
    for (int i = 1; i < MOBILE_BLOCKS; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        char weight[64], norm[64];
        snprintf(weight, sizeof weight, "conv_dw_%d/weight", i);
        snprintf(norm, sizeof norm, "conv_dw_%d_bn/", i);
        put_layer(writer, net, i, SEPARABLE_DEPTH, weight, norm, keras_parts, b->from, 1, 3);
        snprintf(weight, sizeof weight, "conv_pw_%d/weight", i);
        snprintf(norm, sizeof norm, "conv_pw_%d_bn/", i);
        put_layer(writer, net, i, SEPARABLE_POINT, weight, norm, keras_parts, b->to, b->from, 1);
    }
}
