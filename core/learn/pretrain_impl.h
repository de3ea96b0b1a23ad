// What pretrain.c and pretrain_file.c share.
#ifndef LEARN_PRETRAIN_IMPL_H
#define LEARN_PRETRAIN_IMPL_H

#include "learn/pretrain.h"
#include "nn/graph.h"

// One trained tensor: weights of the network or of a head.
struct param {
    const char *name; // unique; points into the net's tensor or a literal
    size_t count;
    float *values, *grad, *m, *v, *average; // (count) each; values and grad belong to the net or head
    bool decay;
};

// Linear map from a student's tap to a teacher's, or (the second NET_TAPS) to the logit of a synthetic defect.
struct head {
    int from, to;
    float *weight, *bias;           // (from, to), (to)
    float *grad_weight, *grad_bias; // summed over threads
    float *mean, *inverse;          // of the teacher's channels: (t - mean) * inverse is standardised
};

enum { PASSES = 4, PART = 512, VIEW_CHANNELS = 128, HEADS = 2 * NET_TAPS };

// A thread's share of a step.
struct share {
    struct graph *graph;
    struct net *grads;             // of the whole network
    float *head_weight[HEADS], *head_bias[HEADS]; // gradients
    float *rgb;                    // (share, side, side, 3)
    float *target[NET_TAPS];       // (cells of the share, teacher channels)
    float *predicted;              // (PART cells, teacher channels); views: (cells, VIEW_CHANNELS)
    float *scratch;                // vicreg's
    float *mask;                   // (side, side) of one crop
    float *spot[NET_TAPS];         // (cells of the share): 1 a synthetic defect's, 0 not, -1 in between
    float *tap_grad[NET_TAPS];
    size_t predicted_capacity, scratch_capacity, rgb_capacity, mask_capacity;
    size_t target_capacity[NET_TAPS], tap_capacity[NET_TAPS], spot_capacity[NET_TAPS];
    struct base_work *teacher;
    double loss[PASSES][NET_TAPS], spot_loss;
};

struct pretrain {
    struct pretrain_options options;
    const struct base *teacher;
    const struct crop_source *source;
    struct net *net, *average; // being trained; its moving average
    struct head heads[HEADS];
    int head_count;
    struct param *params;
    int param_count;
    struct share *shares; // (threads)
    long long step;
    bool standardised;
    double seconds; // of earlier steps
    struct pretrain_report report;
    // This step: which networks, of which side.
    int side, passes;
    struct net_cut cuts[PASSES];
    struct net *small[PASSES]; // gathered weights; NULL for the largest
};

#endif
