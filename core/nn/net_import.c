// MobileNet v1: Howard et al. 2017, arXiv:1704.04861, up to its last block of stride 16.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"
#include "nn/net_import.h"

enum { NAME = 80, MOBILENET_BLOCKS = 12 };

// A dialect names a block's layers; `part` counts NORM_TENSORS, -1 is the weight.
struct dialect {
    const char *format;      // for people
    const char *const *norm; // names of gamma, beta, mean, variance
    void (*name)(char name[NAME], const struct net *net, int block, int layer, const char *part);
};

// layer: 0 the convolution or depthwise, 1 the pointwise.
static void keras_name(char name[NAME], const struct net *net, int block, int layer, const char *part)
{
    (void)net;
    const char *bn = part ? "_bn" : "";
    if (!part)
        part = "weight";
    if (block == 0)
        snprintf(name, NAME, "conv1%s/%s", bn, part);
    else
        snprintf(name, NAME, "conv_%s_%d%s/%s", layer ? "pw" : "dw", block, bn, part);
}

// Where block 1.. stands in timm's stages.
static const int stages[MOBILENET_BLOCKS] = {0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3};

static void timm_name(char name[NAME], const struct net *net, int block, int layer, const char *part)
{
    (void)net;
    int in_stage = 0;
    for (int i = block - 1; i > 0 && stages[i] == stages[block]; i--)
        in_stage++;
    if (block == 0)
        snprintf(name, NAME, "%s.%s", part ? "bn1" : "conv_stem", part ? part : "weight");
    else if (part)
        snprintf(name, NAME, "blocks.%d.%d.bn%d.%s", stages[block], in_stage, layer + 1, part);
    else
        snprintf(name, NAME, "blocks.%d.%d.conv_%s.weight", stages[block], in_stage, layer ? "pw" : "dw");
}

static void hybrid_name(char name[NAME], const struct net *net, int block, int layer, const char *part)
{
    const struct net_block *b = &net->plan.blocks[block];
    int half = block >= 6; // a.0 .. a.5, then b.0 ..
    char inner[8] = "";
    if (b->type == NET_SEPARABLE)
        snprintf(inner, sizeof inner, "%s.%d", b->residual ? ".b" : "", layer);
    snprintf(name, NAME, "%c.%d%s.%d.%s", half ? 'b' : 'a', half ? block - 6 : block, inner, part != NULL,
             part ? part : "weight");
}

static const char *const keras_norm[NORM_TENSORS] = {"gamma", "beta", "moving_mean", "moving_variance"};
static const char *const torch_norm[NORM_TENSORS] = {"weight", "bias", "running_mean", "running_var"};
static const struct dialect keras = {N_("MobileNet v1, names as in Keras"), keras_norm, keras_name},
                            timm = {N_("MobileNet v1, names as in timm"), torch_norm, timm_name},
                            hybrid = {N_("hybrid-1, this project's first student"), torch_norm, hybrid_name};

// ---- tensors ----

// Theirs are (outputs, inputs, side, side), ours have the outputs last: (side, side, inputs, outputs), where a
// depthwise one has no inputs and a linear one no sides.
static enum status fetch(const struct tensor_file *file, const char *name, int64_t outputs, int64_t inputs, int64_t side,
                         float *values, struct error *err)
{
    int64_t shape[TENSOR_RANK] = {outputs, inputs, side, side};
    float *raw;
    enum status status = tensor_read(file, name, shape, &raw, err);
    if (status != ST_OK)
        return status;
    size_t o_count = (size_t)outputs, i_count = inputs ? (size_t)inputs : 1, area = side ? (size_t)(side * side) : 1;
    for (size_t o = 0; o < o_count; o++)
        for (size_t i = 0; i < i_count; i++)
            for (size_t a = 0; a < area; a++)
                values[(a * i_count + i) * o_count + o] = raw[(o * i_count + i) * area + a];
    free(raw);
    return ST_OK;
}

static enum status fetch_layer(const struct tensor_file *file, const struct dialect *dialect, struct net *net, int block,
                               int layer, int tensor, int64_t outputs, int64_t inputs, int64_t side, struct error *err)
{
    char name[NAME];
    dialect->name(name, net, block, layer, NULL);
    enum status status = fetch(file, name, outputs, inputs, side, net_values(net, block, tensor), err);
    for (int i = 0; i < NORM_TENSORS && status == ST_OK; i++) {
        dialect->name(name, net, block, layer, dialect->norm[i]);
        status = fetch(file, name, outputs, 0, 0, net_values(net, block, tensor + 1 + i), err);
    }
    return status;
}

static enum status fetch_attention(const struct tensor_file *file, const char *prefix, struct net *net, int block,
                                   struct error *err)
{
    const struct net_block *b = &net->plan.blocks[block];
    const struct {
        const char *name;
        int64_t outputs, inputs, side;
    } parts[ATTENTION_TENSORS] = {
        {"pos.weight", b->to, 1, 3},     {"pos.bias", b->to, 0, 0},       {"n1.weight", b->to, 0, 0},
        {"n1.bias", b->to, 0, 0},        {"q.weight", b->to, b->to, 0},   {"q.bias", b->to, 0, 0},
        {"kv.weight", 2 * b->to, b->to, 0}, {"kv.bias", 2 * b->to, 0, 0}, {"o.weight", b->to, b->to, 0},
        {"o.bias", b->to, 0, 0},         {"n2.weight", b->to, 0, 0},      {"n2.bias", b->to, 0, 0},
        {"m.0.weight", b->hidden, b->to, 0}, {"m.0.bias", b->hidden, 0, 0}, {"m.2.weight", b->to, b->hidden, 0},
        {"m.2.bias", b->to, 0, 0},
    };
    enum status status = ST_OK;
    for (int i = 0; i < ATTENTION_TENSORS && status == ST_OK; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "%s.%s", prefix, parts[i].name);
        status = fetch(file, name, parts[i].outputs, parts[i].inputs, parts[i].side, net_values(net, block, i), err);
    }
    return status;
}

static enum status fetch_all(const struct tensor_file *file, const struct dialect *dialect, struct net *net,
                             struct error *err)
{
    enum status status = ST_OK;
    for (int i = 0; i < net->plan.count && status == ST_OK; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        if (b->type == NET_CONV) {
            status = fetch_layer(file, dialect, net, i, 0, CONV_WEIGHT, b->to, b->from, 3, err);
        } else if (b->type == NET_SEPARABLE) {
            status = fetch_layer(file, dialect, net, i, 0, SEPARABLE_DEPTH, b->from, 1, 3, err);
            if (status == ST_OK)
                status = fetch_layer(file, dialect, net, i, 1, SEPARABLE_POINT, b->to, b->from, 1, err);
        } else {
            status = fetch_attention(file, "b.4", net, i, err);
        }
    }
    return status;
}

// ---- plans ----

// Channels of layer `layer` of a block, as the file has them.
static enum status outputs_of(const struct tensor_file *file, const struct dialect *dialect, int block, int *outputs,
                              struct error *err)
{
    char name[NAME];
    dialect->name(name, NULL, block, 1, NULL);
    int64_t shape[TENSOR_RANK] = {-1, -1, block ? 1 : 3, block ? 1 : 3};
    float *raw;
    enum status status = tensor_read(file, name, shape, &raw, err);
    if (status != ST_OK)
        return status;
    free(raw);
    if (shape[0] > NET_CHANNELS)
        return error_set(err, ST_INVALID, "%s: tensor %s: %lld channels, more than %d", tensor_path(file), name,
                         (long long)shape[0], NET_CHANNELS);
    *outputs = (int)shape[0];
    return ST_OK;
}

static enum status mobilenet_plan(const struct tensor_file *file, const struct dialect *dialect, struct net_plan *plan,
                                  struct error *err)
{
    static const int strides[MOBILENET_BLOCKS] = {2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1};
    int from = 3;
    plan->count = MOBILENET_BLOCKS;
    for (int i = 0; i < MOBILENET_BLOCKS; i++) {
        struct net_block *b = &plan->blocks[i];
        *b = (struct net_block){.type = i ? NET_SEPARABLE : NET_CONV,
                                .from = from,
                                .stride = strides[i],
                                .activation = NET_RELU6,
                                .tap = i == 5 ? 0 : i == 11 ? 1 : -1};
        enum status status = outputs_of(file, dialect, i, &b->to, err);
        if (status != ST_OK)
            return status;
        from = b->to;
    }
    return ST_OK;
}

static void hybrid_plan(struct net_plan *plan)
{
    static const struct {
        int to, stride;
        bool residual;
    } rows[] = {{32, 2, false},  {64, 2, false},   {64, 1, true},   {128, 2, false}, {128, 1, true},
                {128, 1, true},  {256, 2, false},  {256, 1, true},  {256, 1, true},  {256, 1, true}};
    int from = 3, n = (int)(sizeof rows / sizeof *rows);
    for (int i = 0; i < n; i++) {
        plan->blocks[i] = (struct net_block){.type = i ? NET_SEPARABLE : NET_CONV,
                                             .from = from,
                                             .to = rows[i].to,
                                             .stride = rows[i].stride,
                                             .activation = NET_RELU,
                                             .residual = rows[i].residual,
                                             .tap = i == 5 ? 0 : -1};
        plan->blocks[i].optional = rows[i].residual && i != 5;
        from = rows[i].to;
    }
    plan->blocks[n] = (struct net_block){.type = NET_ATTENTION, .from = from, .to = from, .stride = 1,
                                         .activation = NET_RELU, .heads = 4, .pool = 2, .hidden = 2 * from, .tap = 1};
    plan->count = n + 1;
}

static enum status read_epsilon(const struct tensor_file *file, double missing, double *epsilon, struct error *err)
{
    const char *text = tensor_meta(file, "batchnorm_epsilon");
    char *end = NULL;
    *epsilon = text ? strtod(text, &end) : missing;
    if (text && (end == text || *end || !(*epsilon > 0 && *epsilon < 1)))
        return error_set(err, ST_INVALID, "%s: metadata \"batchnorm_epsilon\" is %.30s, not a number between 0 and 1",
                         tensor_path(file), text);
    return ST_OK;
}

static bool has_tensor(const struct tensor_file *file, const char *name)
{
    for (size_t i = 0; i < tensor_count(file); i++)
        if (strcmp(tensor_name(file, i), name) == 0)
            return true;
    return false;
}

static const struct dialect *dialect_of(const struct tensor_file *file)
{
    const char *architecture = tensor_meta(file, "architecture");
    if (has_tensor(file, "conv_stem.weight") && has_tensor(file, "blocks.3.5.conv_pw.weight"))
        return &timm;
    if (architecture && strncmp(architecture, "mobilenet_v1", 12) == 0)
        return &keras;
    return architecture && strcmp(architecture, "hybrid-1") == 0 ? &hybrid : NULL;
}

const char *net_format(const struct tensor_file *file)
{
    const char *architecture = tensor_meta(file, "architecture");
    const struct dialect *dialect = dialect_of(file);
    if (architecture && strcmp(architecture, NET_FORMAT) == 0)
        return N_("a network of this program");
    return dialect ? dialect->format : NULL;
}

enum status net_import(const struct tensor_file *file, struct net **out, struct error *err)
{
    const char *architecture = tensor_meta(file, "architecture");
    const struct dialect *dialect = dialect_of(file);
    if (!dialect)
        return error_set(err, ST_INVALID,
                         "%s: metadata \"architecture\" is %.60s, neither assay-net-1 nor mobilenet_v1...; a base is a "
                         "safetensors file of one of these",
                         tensor_path(file), architecture ? architecture : "missing");
    struct net_plan plan = {.padding = dialect == &keras ? NET_PAD_END : NET_PAD_SYMMETRIC};
    snprintf(plan.name, sizeof plan.name, "%s", architecture ? architecture : "mobilenet_v1_timm");
    text_clean(plan.name);
    enum status status = read_epsilon(file, dialect == &keras ? 1e-3 : 1e-5, &plan.epsilon, err);
    if (status == ST_OK && dialect == &hybrid)
        hybrid_plan(&plan);
    else if (status == ST_OK)
        status = mobilenet_plan(file, dialect, &plan, err);
    if (status == ST_OK && (status = net_plan_check(&plan, err)) != ST_OK)
        status = error_prefix(err, "%s", tensor_path(file));
    if (status != ST_OK)
        return status;
    struct net *net = net_new(&plan);
    status = fetch_all(file, dialect, net, err);
    if (status != ST_OK)
        net_free(net);
    else
        *out = net;
    return status;
}
