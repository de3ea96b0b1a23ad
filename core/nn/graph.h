// A network's forward and backward pass over a batch, on one thread. Several
// threads each have a graph and a share of the batch; batch norm then takes
// the statistics of its share (Hoffer et al. 2017 call this ghost batch norm).
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/net.h"

struct graph; // activations of the last forward pass; memory is reused from pass to pass

struct graph *graph_new(void);
void graph_free(struct graph *graph);

struct graph_tap {
    int rows, cols, channels;
    const float *values; // (n, rows, cols, channels), valid until the next pass
};

// rgb: (n, rows, cols, 3), 0..255; rows and cols at least 32. Blocks before `frozen` run on running statistics and
// keep nothing; those from it on take the batch's statistics and keep what the backward pass needs.
// frozen = plan.count: evaluation only.
void graph_forward(struct graph *graph, const struct net *net, int frozen, const float *rgb, int n, int rows, int cols,
                   struct graph_tap taps[NET_TAPS]);

// A part of a network. Where it is trained above a frozen beginning, what that gives can be kept from pass to pass.
struct graph_pass {
    int first, end; // blocks first .. end - 1
    int frozen;     // >= first, as above
    bool running;   // every batch norm has its running statistics: what a pass computes is what inference computes, each
                    // picture alone, and the statistics stay as they are
};
// in: rgb when pass->first is 0, else the map that enters block `first`, (n, rows, cols, channels), which must stay until
// the backward pass. Writes the taps of its blocks; out: what the last of them gives to the next, may be NULL.
void graph_run(struct graph *graph, const struct net *net, const struct graph_pass *pass, const float *in, int n, int rows,
               int cols, struct graph_tap taps[NET_TAPS], struct graph_tap *out);

// After graph_forward or graph_run with the same net and `frozen`. tap_grads[i]: (shape of tap i), gradient of the loss, or NULL.
// Adds to `grads`, a net of the same plan, whose statistics receive the batch's mean and variance instead
// (added, too: divide by the number of passes). A tensor of it without values (NULL) takes none. Releases the
// activations.
void graph_backward(struct graph *graph, const struct net *net, const float *const tap_grads[NET_TAPS],
                    struct net *grads);

// running = momentum * running + (1 - momentum) * batch, for every statistic; batch: statistics as in `grads` / passes.
void graph_update_statistics(struct net *net, const struct net *grads, int passes, double momentum);

// Bytes that the last forward pass kept for the backward pass.
size_t graph_kept(const struct graph *graph);

#endif
