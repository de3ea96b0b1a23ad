// What the trainer, its step and its checkpoint share.
#ifndef LEARN_ADAPT_IMPL_H
#define LEARN_ADAPT_IMPL_H

#include "base/rng.h"
#include "learn/adapt.h"
#include "learn/adapt_view.h"
#include "nn/graph.h"

enum { STREAM_BATCH = 1, STREAM_SAMPLE, STREAM_POOL, STREAM_START }; // random streams
enum { LOSS_ALL, LOSS_PICTURE, LOSS_PATCH, LOSS_CLASS, LOSSES };

// Numbers that are trained, with AdamW's moments and the moving average: the adapter's, the heads'.
struct adapt_vector {
    size_t count;
    float *values; // not owned
    float *grad, *m, *v, *average; // (count)
};

// A thread's share of a step.
struct adapt_share {
    struct graph *graph;
    struct net *grads; // of the adapted tensors
    struct heads_work *work;
    float *heads_grad;                // (heads->trained)
    float *tap_grad[NET_TAPS], *patch_grad;
    size_t tap_capacity[NET_TAPS], patch_capacity;
    double loss[LOSSES];
    double *sums; // of statistics
    enum status status;
    struct error error;
};

struct adapt_sample { // one of a batch
    size_t entry;
    int view;
};

struct trainer {
    const struct net *base;
    struct net *merged; // base with the adapter, followed step by step
    const struct adapt_data *data;
    struct adapt_options options;
    struct adapter *adapter;
    struct heads *heads;
    struct adapt_vector vectors[2];
    struct adapt_share *shares; // (threads)
    struct adapt_views *views;
    struct adapt_entry *entries;
    size_t entry_count;
    size_t *sides[3], side_counts[3]; // entries of each side that could be read
    double *cumulative;               // over sides[ADAPT_DEFECT], by class
    float adjustment[HEADS_CLASSES];
    struct adapt_sample *batch;
    int start; // block that the views' maps enter
    int step, steps;
    double loss[LOSSES]; // running means
    char parent[HASH_HEX], fingerprint[HASH_HEX];
};

struct rng trainer_stream(const struct trainer *t, int kind, int step, int index);

// --- adapt_step.c ---
void trainer_choose(struct trainer *t); // the batch of this step
ASSAY_CHECKED enum status trainer_pass(struct trainer *t, struct error *err); // forward, backward, gradients summed
void trainer_descend(struct trainer *t);
// The taps of a view under the weights in use; valid until the worker's next call.
ASSAY_CHECKED enum status trainer_taps(struct trainer *t, int worker, size_t entry, int view, bool train,
                                       const struct adapt_view **out, struct graph_tap taps[NET_TAPS], struct error *err);

// --- adapt_measure.c ---
ASSAY_CHECKED enum status trainer_standardise(struct trainer *t, struct error *err); // statistics of the heads
ASSAY_CHECKED enum status trainer_fit_classes(struct trainer *t, struct error *err);

// --- adapt_checkpoint.c ---
void trainer_fingerprint(struct trainer *t);
ASSAY_CHECKED enum status trainer_save(const struct trainer *t, const char *path, struct error *err);
ASSAY_CHECKED enum status trainer_load(struct trainer *t, const char *path, struct error *err);

#endif
