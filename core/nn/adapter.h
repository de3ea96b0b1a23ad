// An adapter: the few weights that are trained on top of a frozen network.
//     pointwise convolutions and the projections of attention   W + down up, of low rank
//     gamma and beta of every norm                               gamma + delta
// from the block on that reaches stride 16, so that what comes before is the same for every adapter. It merges into the
// network's own tensors: inference runs it as fast as the base.
// Source: Hu et al. 2021, "LoRA", arXiv:2106.09685.
//
// The trainer composes the weights once a step (adapter_apply), runs graph_run over them, and takes the gradients of
// the adapter out of those of the weights (adapter_gradient): d down = dW up', d up = down' dW.
#ifndef NN_ADAPTER_H
#define NN_ADAPTER_H

#include "nn/net.h"

enum adapter_kind {
    ADAPTER_NONE,     // no weight: heads alone are trained
    ADAPTER_LOW_RANK, // as above
    ADAPTER_ALL,      // a delta for every trainable number of the network, to compare with
};

struct adapter_part {
    int tensor;   // of the network
    int from, to; // its shape, where low-rank
    int rank;     // 0: a delta of the whole tensor
    size_t at;    // in values: down (from, rank), then up (rank, to); or the delta
    size_t size;
};

struct adapter {
    enum adapter_kind kind;
    int rank;
    int first; // block from which on weights change; plan.count when none do
    int count;
    struct adapter_part *parts;
    size_t size;
    float *values; // (size)
};

// The block that brings the trunk to stride 16.
int adapter_first(const struct net_plan *plan);
// Numbers of a low-rank adapter.
long long adapter_parameters(const struct net *net, int rank);
// The largest rank whose adapter has at most `share` of the network's parameters; at least 1.
int adapter_rank(const struct net *net, double share);

// Starts as no change at all: `up` and deltas are 0, `down` is random. rank: of ADAPTER_LOW_RANK. Caller: adapter_free.
struct adapter *adapter_new(const struct net *net, enum adapter_kind kind, int rank, uint64_t seed);
struct adapter *adapter_copy(const struct adapter *adapter);
void adapter_free(struct adapter *adapter);

// Sets the adapted tensors of `merged` (a net_copy of `net`).
void adapter_apply(const struct adapter *adapter, const struct net *net, struct net *merged);
// A network of its own. Caller: net_free. Its sha256 is "": it is no file's.
struct net *adapter_merge(const struct net *net, const struct adapter *adapter);

// Room for the gradients of the adapted tensors; the others have no values.
struct net *adapter_gradients_new(const struct net *net, const struct adapter *adapter);
// grads: of a pass over the merged weights. grad: (size), overwritten.
void adapter_gradient(const struct adapter *adapter, const struct net *grads, float *grad);

// "block.7.point.weight.down": the tensors that a part is stored as, one or two.
struct adapter_tensor {
    char name[64];
    int64_t shape[TENSOR_RANK];
    float *values;
};
int adapter_tensors(const struct adapter *adapter, const struct net *net, int part, struct adapter_tensor tensors[2]);

#endif
