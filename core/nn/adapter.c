#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/adapter.h"
#include "nn/layer.h"

int adapter_first(const struct net_plan *plan)
{
    int stride = 1;
    for (int i = 0; i < plan->count; i++) {
        if (!plan->blocks[i].branch)
            stride *= plan->blocks[i].stride;
        if (stride >= 16)
            return i;
    }
    return plan->count;
}

// Whether a tensor is a matrix over channels: a pointwise convolution or a projection.
static bool is_matrix(const struct net_tensor *t)
{
    return t->role == NET_WEIGHT && t->shape[1] && !t->shape[2];
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && strcmp(text + n - k, end) == 0;
}

static bool is_norm(const struct net_tensor *t)
{
    return ends_with(t->name, ".gamma") || ends_with(t->name, ".beta");
}

long long adapter_parameters(const struct net *net, int rank)
{
    long long sum = 0;
    for (int i = net->first[adapter_first(&net->plan)]; i < net->tensor_count; i++) {
        const struct net_tensor *t = &net->tensors[i];
        if (is_matrix(t))
            sum += rank * (long long)(t->shape[0] + t->shape[1]);
        else if (is_norm(t))
            sum += (long long)t->count;
    }
    return sum;
}

int adapter_rank(const struct net *net, double share)
{
    int rank = 1;
    while ((double)adapter_parameters(net, rank + 1) <= share * (double)net_parameters(net))
        rank++;
    return rank;
}

static void add_part(struct adapter *a, const struct net *net, int tensor, int rank)
{
    const struct net_tensor *t = &net->tensors[tensor];
    struct adapter_part *p = &a->parts[a->count++];
    *p = (struct adapter_part){.tensor = tensor, .rank = rank, .at = a->size, .size = t->count};
    if (rank) {
        p->from = (int)t->shape[0];
        p->to = (int)t->shape[1];
        p->size = (size_t)rank * (size_t)(p->from + p->to);
    }
    a->size += p->size;
}

struct adapter *adapter_new(const struct net *net, enum adapter_kind kind, int rank, uint64_t seed)
{
    struct adapter *a = xcalloc(1, sizeof *a);
    a->kind = kind;
    a->rank = kind == ADAPTER_LOW_RANK ? rank : 0;
    a->first = kind == ADAPTER_NONE ? net->plan.count : kind == ADAPTER_ALL ? 0 : adapter_first(&net->plan);
    a->parts = xcalloc((size_t)net->tensor_count, sizeof *a->parts);
    for (int i = net->first[a->first]; i < net->tensor_count; i++) {
        const struct net_tensor *t = &net->tensors[i];
        if (kind == ADAPTER_ALL ? t->role != NET_STATISTIC : is_norm(t))
            add_part(a, net, i, 0);
        else if (kind == ADAPTER_LOW_RANK && is_matrix(t))
            add_part(a, net, i, a->rank);
    }
    a->values = xcalloc(a->size + 1, sizeof *a->values);
    struct rng rng = rng_seed(seed);
    for (int i = 0; i < a->count; i++) {
        const struct adapter_part *p = &a->parts[i];
        for (size_t k = 0; k < (size_t)p->from * (size_t)p->rank; k++)
            a->values[p->at + k] = (float)(rng_normal(&rng) / sqrt(p->from));
    }
    return a;
}

struct adapter *adapter_copy(const struct adapter *adapter)
{
    struct adapter *a = xmalloc(sizeof *a);
    *a = *adapter;
    a->parts = xcalloc((size_t)a->count + 1, sizeof *a->parts);
    memcpy(a->parts, adapter->parts, (size_t)a->count * sizeof *a->parts);
    a->values = xcalloc(a->size + 1, sizeof *a->values);
    memcpy(a->values, adapter->values, a->size * sizeof *a->values);
    return a;
}

void adapter_free(struct adapter *adapter)
{
    if (!adapter)
        return;
    free(adapter->parts);
    free(adapter->values);
    free(adapter);
}

void adapter_apply(const struct adapter *a, const struct net *net, struct net *merged)
{
    for (int i = 0; i < a->count; i++) {
        const struct adapter_part *p = &a->parts[i];
        const float *base = net->tensors[p->tensor].values, *values = a->values + p->at;
        float *to = merged->tensors[p->tensor].values;
        size_t count = net->tensors[p->tensor].count;
        if (p->rank)
            layer_linear(values, (size_t)p->from, p->rank, p->to, values + (size_t)p->from * (size_t)p->rank, NULL, to);
        else
            layer_copy(values, count, to);
        layer_add(to, base, count);
    }
}

struct net *adapter_merge(const struct net *net, const struct adapter *adapter)
{
    struct net *merged = net_copy(net);
    adapter_apply(adapter, net, merged);
    merged->sha256[0] = 0;
    return merged;
}

struct net *adapter_gradients_new(const struct net *net, const struct adapter *adapter)
{
    struct net *grads = net_new(&net->plan);
    bool *wanted = xcalloc((size_t)net->tensor_count, sizeof *wanted);
    for (int i = 0; i < adapter->count; i++)
        wanted[adapter->parts[i].tensor] = true;
    for (int i = 0; i < grads->tensor_count; i++)
        if (!wanted[i]) {
            free(grads->tensors[i].values);
            grads->tensors[i].values = NULL;
            grads->tensors[i].count = 0;
        }
    free(wanted);
    return grads;
}

void adapter_gradient(const struct adapter *a, const struct net *grads, float *grad)
{
    for (int i = 0; i < a->count; i++) {
        const struct adapter_part *p = &a->parts[i];
        const float *full = grads->tensors[p->tensor].values;
        float *to = grad + p->at;
        if (!p->rank) {
            layer_copy(full, p->size, to);
            continue;
        }
        const float *down = a->values + p->at, *up = down + (size_t)p->from * (size_t)p->rank;
        memset(to, 0, p->size * sizeof *to);
        // W = down up as a linear layer: its input's gradient is dW up', its weight's is down' dW.
        layer_linear_backward(down, (size_t)p->from, p->rank, p->to, up, full, to,
                              to + (size_t)p->from * (size_t)p->rank, NULL);
    }
}

static struct adapter_tensor tensor(const char *name, const char *part, float *values)
{
    struct adapter_tensor t = {.values = values};
    snprintf(t.name, sizeof t.name, "%.47s.%s", name, part);
    return t;
}

int adapter_tensors(const struct adapter *a, const struct net *net, int part, struct adapter_tensor tensors[2])
{
    const struct adapter_part *p = &a->parts[part];
    const struct net_tensor *t = &net->tensors[p->tensor];
    float *values = a->values + p->at;
    if (!p->rank) {
        tensors[0] = tensor(t->name, "delta", values);
        memcpy(tensors[0].shape, t->shape, sizeof t->shape);
        return 1;
    }
    tensors[0] = tensor(t->name, "down", values);
    tensors[0].shape[0] = p->from;
    tensors[0].shape[1] = p->rank;
    tensors[1] = tensor(t->name, "up", values + (size_t)p->from * (size_t)p->rank);
    tensors[1].shape[0] = p->rank;
    tensors[1].shape[1] = p->to;
    return 2;
}
