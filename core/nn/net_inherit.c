#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/net.h"

// Pooling has no weights.
static bool alike(const struct net_block *a, const struct net_block *b)
{
    return a->type == b->type && a->from == b->from && a->to == b->to && a->stride == b->stride &&
           a->residual == b->residual && a->activation == b->activation && a->heads == b->heads;
}

struct unit {
    double size;
    int index;
};

static int by_size(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;
    return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : x->index - y->index;
}

// Hidden units of an MLP, those first whose way in and out weighs most.
static struct unit *ranked_units(const struct net *net, int block)
{
    const struct net_block *b = &net->plan.blocks[block];
    const float *in = net_values(net, block, ATTENTION_MLP1), *out = net_values(net, block, ATTENTION_MLP2);
    struct unit *units = xcalloc((size_t)b->hidden, sizeof *units);
    for (int h = 0; h < b->hidden; h++) {
        double a = 0, c = 0;
        for (int k = 0; k < b->to; k++) {
            a += (double)in[k * b->hidden + h] * in[k * b->hidden + h];
            c += (double)out[h * b->to + k] * out[h * b->to + k];
        }
        units[h] = (struct unit){sqrt(a * c), h};
    }
    qsort(units, (size_t)b->hidden, sizeof *units, by_size);
    return units;
}

static void inherit_mlp(struct net *net, int i, const struct net *from, int j)
{
    const struct net_block *a = &net->plan.blocks[i], *b = &from->plan.blocks[j];
    struct unit *units = ranked_units(from, j);
    int shared = a->hidden < b->hidden ? a->hidden : b->hidden;
    for (int h = 0; h < shared; h++) {
        int u = units[h].index;
        for (int k = 0; k < a->to; k++)
            net_values(net, i, ATTENTION_MLP1)[k * a->hidden + h] = net_values(from, j, ATTENTION_MLP1)[k * b->hidden + u];
        net_values(net, i, ATTENTION_MLP1_BIAS)[h] = net_values(from, j, ATTENTION_MLP1_BIAS)[u];
        memcpy(net_values(net, i, ATTENTION_MLP2) + h * a->to, net_values(from, j, ATTENTION_MLP2) + u * a->to,
               (size_t)a->to * sizeof(float));
    }
    free(units);
}

static void inherit_block(struct net *net, int i, const struct net *from, int j)
{
    bool attention = net->plan.blocks[i].type == NET_ATTENTION;
    for (int t = 0; t < net->first[i + 1] - net->first[i]; t++)
        if (!attention || (t != ATTENTION_MLP1 && t != ATTENTION_MLP1_BIAS && t != ATTENTION_MLP2))
            memcpy(net_values(net, i, t), net_values(from, j, t), net->tensors[net->first[i] + t].count * sizeof(float));
    if (attention)
        inherit_mlp(net, i, from, j);
}

int net_inherit(struct net *net, const struct net *from)
{
    int copied = 0, next = 0;
    for (int i = 0; i < net->plan.count; i++) {
        int j = next;
        while (j < from->plan.count && !alike(&net->plan.blocks[i], &from->plan.blocks[j]))
            j++;
        if (j == from->plan.count)
            continue;
        inherit_block(net, i, from, j);
        next = j + 1;
        copied++;
    }
    return copied;
}
