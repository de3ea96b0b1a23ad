#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/net.h"

enum { STRIDE_MAX = 16 };

static const double weights_max = 5e7; // a plan comes from a file, and memory is taken before its tensors are found

static enum status block_error(const struct net_plan *plan, int i, struct error *err, const char *what)
{
    return error_set(err, ST_INVALID, "network %s: block %d %s", plan->name, i, what);
}

static enum status block_check(const struct net_plan *plan, int i, int from, struct error *err)
{
    const struct net_block *b = &plan->blocks[i];
    if (b->from != from)
        return block_error(plan, i, err, "does not take as many channels as the one before gives");
    if (b->from < 1 || b->to < 1 || b->from > NET_CHANNELS || b->to > NET_CHANNELS)
        return block_error(plan, i, err, "has a number of channels outside 1..4096");
    if (b->stride != 1 && b->stride != 2)
        return block_error(plan, i, err, "has a stride other than 1 and 2");
    bool same = b->stride == 1 && b->from == b->to;
    if ((b->residual || b->optional || b->type == NET_ATTENTION) && !same)
        return block_error(plan, i, err, "must keep stride and channels to be residual, optional or attention");
    if (b->residual && b->type != NET_SEPARABLE)
        return block_error(plan, i, err, "is called residual, which only a separable block can be");
    if (b->optional && (b->tap >= 0 || (b->type == NET_SEPARABLE && !b->residual) || b->type == NET_CONV))
        return block_error(plan, i, err, "cannot be left out: it is a tap or not residual");
    if (b->type == NET_ATTENTION && (b->heads < 1 || b->to % b->heads || b->pool < 1 || b->pool > 16 || b->hidden < 1 ||
                                     b->hidden > NET_CHANNELS))
        return block_error(plan, i, err, "has heads, pool or hidden outside what its channels allow");
    if (b->tap < -1 || b->tap >= NET_TAPS)
        return block_error(plan, i, err, "names a tap that does not exist");
    return ST_OK;
}

static double weights_of(const struct net_block *b)
{
    double from = b->from, to = b->to;
    return b->type == NET_CONV        ? 9 * from * to
           : b->type == NET_SEPARABLE ? from * (9 + to)
                                      : 4 * to * to + 2 * to * b->hidden;
}

enum status net_plan_check(const struct net_plan *plan, struct error *err)
{
    if (plan->count < 2 || plan->count > NET_BLOCKS)
        return error_set(err, ST_INVALID, "network %s: %d blocks, not 2 to %d", plan->name, plan->count, NET_BLOCKS);
    if (!(plan->epsilon > 0 && plan->epsilon < 1))
        return error_set(err, ST_INVALID, "network %s: batch norm's epsilon is not between 0 and 1", plan->name);
    int from = 3, stride = 1, tap_stride[NET_TAPS] = {0}, next = 0;
    double weights = 0;
    for (int i = 0; i < plan->count; i++) {
        const struct net_block *b = &plan->blocks[i];
        enum status status = block_check(plan, i, from, err);
        if (status != ST_OK)
            return status;
        if ((i == 0) != (b->type == NET_CONV))
            return block_error(plan, i, err, "is a full convolution, which only the first one is, and must be");
        if (b->tap >= 0) {
            if (b->tap != next)
                return block_error(plan, i, err, "gives a tap out of order or twice");
            tap_stride[next++] = stride * b->stride;
        }
        if (b->branch && (b->type != NET_SEPARABLE || b->tap < 0 || b->residual))
            return block_error(plan, i, err, "is a branch, but not a separable block that gives a tap");
        if (!b->branch) {
            from = b->to;
            stride *= b->stride;
        }
        if (stride > STRIDE_MAX)
            return block_error(plan, i, err, "goes beyond stride 16");
        weights += weights_of(b);
    }
    if (weights > weights_max)
        return error_set(err, ST_INVALID, "network %s: more than %.0f million weights; no base is that large", plan->name,
                         weights_max / 1e6);
    if (next != NET_TAPS || tap_stride[0] != 8 || tap_stride[1] != 16)
        return error_set(err, ST_INVALID, "network %s: it must give two taps, of stride 8 and of stride 16", plan->name);
    if (plan->blocks[plan->count - 1].tap != NET_TAPS - 1)
        return error_set(err, ST_INVALID, "network %s: blocks follow the last tap", plan->name);
    return ST_OK;
}

// ---- tensors ----

struct naming {
    struct net *net;
    int block;
};

static void add(const struct naming *n, const char *part, enum net_role role, int64_t a, int64_t b, int64_t c, int64_t d)
{
    struct net_tensor *t = &n->net->tensors[n->net->tensor_count++];
    snprintf(t->name, sizeof t->name, "block.%d.%s", n->block, part);
    t->role = role;
    t->count = 1;
    const int64_t shape[TENSOR_RANK] = {a, b, c, d};
    for (int i = 0; i < TENSOR_RANK && shape[i]; i++) {
        t->shape[i] = shape[i];
        t->count *= (size_t)shape[i];
    }
    t->values = xaligned(t->count, sizeof *t->values);
    memset(t->values, 0, t->count * sizeof *t->values);
}

static void add_norm(const struct naming *n, const char *layer, int channels)
{
    static const char *const parts[NORM_TENSORS] = {"gamma", "beta", "mean", "variance"};
    for (int i = 0; i < NORM_TENSORS; i++) {
        char part[32];
        snprintf(part, sizeof part, "%s.%s", layer, parts[i]);
        add(n, part, i < NORM_MEAN ? NET_SHIFT : NET_STATISTIC, channels, 0, 0, 0);
    }
}

static void add_linear(const struct naming *n, const char *layer, int from, int to)
{
    char part[32];
    snprintf(part, sizeof part, "%s.weight", layer);
    add(n, part, NET_WEIGHT, from, to, 0, 0);
    snprintf(part, sizeof part, "%s.bias", layer);
    add(n, part, NET_SHIFT, to, 0, 0, 0);
}

static void add_block(const struct naming *n, const struct net_block *b)
{
    switch (b->type) {
    case NET_CONV:
        add(n, "conv.weight", NET_WEIGHT, 3, 3, b->from, b->to);
        add_norm(n, "conv", b->to);
        break;
    case NET_SEPARABLE:
        add(n, "depth.weight", NET_WEIGHT, 3, 3, b->from, 0);
        add_norm(n, "depth", b->from);
        add(n, "point.weight", NET_WEIGHT, b->from, b->to, 0, 0);
        add_norm(n, "point", b->to);
        break;
    case NET_ATTENTION:
        add(n, "position.weight", NET_WEIGHT, 3, 3, b->to, 0);
        add(n, "position.bias", NET_SHIFT, b->to, 0, 0, 0);
        add(n, "norm1.gamma", NET_SHIFT, b->to, 0, 0, 0);
        add(n, "norm1.beta", NET_SHIFT, b->to, 0, 0, 0);
        add_linear(n, "query", b->to, b->to);
        add_linear(n, "key_value", b->to, 2 * b->to);
        add_linear(n, "out", b->to, b->to);
        add(n, "norm2.gamma", NET_SHIFT, b->to, 0, 0, 0);
        add(n, "norm2.beta", NET_SHIFT, b->to, 0, 0, 0);
        add_linear(n, "mlp1", b->to, b->hidden);
        add_linear(n, "mlp2", b->hidden, b->to);
        break;
    }
}

static int block_tensors(enum net_type type)
{
    return type == NET_CONV ? CONV_TENSORS : type == NET_SEPARABLE ? SEPARABLE_TENSORS : ATTENTION_TENSORS;
}

struct net *net_new(const struct net_plan *plan)
{
    struct net *net = xcalloc(1, sizeof *net);
    net->plan = *plan;
    for (int i = 0; i < plan->count; i++)
        net->first[i + 1] = net->first[i] + block_tensors(plan->blocks[i].type);
    net->tensors = xcalloc((size_t)net->first[plan->count], sizeof *net->tensors);
    for (int i = 0; i < plan->count; i++)
        add_block(&(struct naming){net, i}, &plan->blocks[i]);
    return net;
}

struct net *net_copy(const struct net *net)
{
    struct net *copy = net_new(&net->plan);
    for (int i = 0; i < net->tensor_count; i++)
        memcpy(copy->tensors[i].values, net->tensors[i].values, net->tensors[i].count * sizeof(float));
    memcpy(copy->sha256, net->sha256, sizeof copy->sha256);
    return copy;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    for (int i = 0; i < net->tensor_count; i++)
        free(net->tensors[i].values);
    free(net->tensors);
    free(net);
}

void net_zero(struct net *net)
{
    for (int i = 0; i < net->tensor_count; i++)
        memset(net->tensors[i].values, 0, net->tensors[i].count * sizeof(float));
}

static bool is_called(const struct net_tensor *t, const char *last)
{
    size_t length = strlen(t->name), n = strlen(last);
    return length >= n && strcmp(t->name + length - n, last) == 0;
}

void net_init(struct net *net, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int i = 0; i < net->tensor_count; i++) {
        struct net_tensor *t = &net->tensors[i];
        double fan_in = 1;
        for (int k = 0; k + 1 < TENSOR_RANK && t->shape[k + 1]; k++)
            fan_in *= (double)t->shape[k]; // depthwise (3, 3, C): 9
        double sd = t->role == NET_WEIGHT ? sqrt(2 / fan_in) : 0;
        float constant = is_called(t, "gamma") || is_called(t, "variance") ? 1 : 0;
        for (size_t k = 0; k < t->count; k++)
            t->values[k] = sd > 0 ? (float)(sd * rng_normal(&rng)) : constant;
    }
}

long long net_parameters(const struct net *net)
{
    long long sum = 0;
    for (int i = 0; i < net->tensor_count; i++)
        if (net->tensors[i].role != NET_STATISTIC)
            sum += (long long)net->tensors[i].count;
    return sum;
}
