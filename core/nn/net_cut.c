// Smaller networks inside a larger one: the first channels of every block
// (Yu et al. 2019, "Slimmable Neural Networks", arXiv:1812.08928), fewer
// residual blocks (Cai et al. 2020, "Once-for-All", arXiv:1908.09791).
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/net.h"

enum { CHANNEL_STEP = 8 };

static int scaled(int channels, double width, int step)
{
    int kept = (int)lround(channels * width / step) * step;
    return kept < step ? (step < channels ? step : channels) : kept < channels ? kept : channels;
}

// kept[i]: number in the larger plan of block i of the smaller. Returns the smaller count.
static int kept_blocks(const struct net_plan *plan, int depth, int kept[NET_BLOCKS])
{
    bool left_out[NET_BLOCKS] = {false};
    for (int i = plan->count - 1; i >= 0 && depth > 0; i--)
        if (plan->blocks[i].optional) {
            left_out[i] = true;
            depth--;
        }
    int count = 0;
    for (int i = 0; i < plan->count; i++)
        if (!left_out[i])
            kept[count++] = i;
    return count;
}

void net_cut_plan(const struct net_plan *plan, const struct net_cut *cut, struct net_plan *out)
{
    int kept[NET_BLOCKS], from = 3;
    struct net_plan small = *plan;
    small.count = kept_blocks(plan, cut->depth, kept);
    for (int i = 0; i < small.count; i++) {
        struct net_block *b = &small.blocks[i];
        *b = plan->blocks[kept[i]];
        b->from = from;
        if (b->type == NET_ATTENTION) {
            // The block keeps its input's channels; they must make whole heads of the old size.
            b->heads = b->heads * from / b->to;
            b->hidden = scaled(b->hidden, cut->width, CHANNEL_STEP);
            b->to = from;
        } else {
            int step = CHANNEL_STEP; // whole heads, where an attention block has this width
            for (int k = 0; k < plan->count; k++)
                if (plan->blocks[k].type == NET_ATTENTION && plan->blocks[k].to == b->to)
                    step = b->to / plan->blocks[k].heads;
            b->to = scaled(b->to, cut->width, step);
        }
        from = b->branch ? from : b->to;
    }
    if (cut->width < 1 || cut->depth > 0)
        snprintf(small.name, sizeof small.name, "%.40s-w%02.0f-d%d", plan->name, 100 * cut->width, cut->depth);
    *out = small;
}

// One copy of a corner of a tensor, in the direction of `gather`, or added on the way back.
// parts: the last axis is that many blocks side by side, each cut (keys and values).
static void corner(struct net_tensor *small, struct net_tensor *large, int parts, bool gather)
{
    int rank = 0;
    while (rank < TENSOR_RANK && small->shape[rank])
        rank++;
    size_t small_last = (size_t)small->shape[rank - 1] / (size_t)parts;
    size_t large_last = (size_t)large->shape[rank - 1] / (size_t)parts;
    size_t rows = small->count / ((size_t)small->shape[rank - 1]);
    for (size_t r = 0; r < rows; r++) {
        size_t rest = r, at = 0, stride = 1; // row of the large tensor that has the same indices
        for (int k = rank - 2; k >= 0; k--) {
            at += rest % (size_t)small->shape[k] * stride;
            rest /= (size_t)small->shape[k];
            stride *= (size_t)large->shape[k];
        }
        for (size_t p = 0; p < (size_t)parts; p++) {
            float *s = small->values + (r * (size_t)parts + p) * small_last;
            float *l = large->values + (at * (size_t)parts + p) * large_last;
            if (gather)
                memcpy(s, l, small_last * sizeof *s);
            else
                for (size_t k = 0; k < small_last; k++)
                    l[k] += s[k];
        }
    }
}

static void each_tensor(const struct net *large, const struct net_cut *cut, const struct net *small, bool gather)
{
    int kept[NET_BLOCKS];
    int count = kept_blocks(&large->plan, cut->depth, kept);
    for (int i = 0; i < count; i++)
        for (int t = 0; t < small->first[i + 1] - small->first[i]; t++) {
            bool pair = small->plan.blocks[i].type == NET_ATTENTION &&
                        (t == ATTENTION_KEY_VALUE || t == ATTENTION_KEY_VALUE_BIAS);
            struct net_tensor *s = &small->tensors[small->first[i] + t];
            if (gather || s->role != NET_STATISTIC)
                corner(s, &large->tensors[large->first[kept[i]] + t], pair ? 2 : 1, gather);
        }
}

void net_cut_gather(const struct net *net, const struct net_cut *cut, struct net *small)
{
    each_tensor(net, cut, small, true);
}

void net_cut_scatter_add(const struct net *small, const struct net_cut *cut, struct net *large)
{
    each_tensor(large, cut, small, false);
}
