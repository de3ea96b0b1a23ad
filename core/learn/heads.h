// What is laid over the taps of a base to say: is there a defect, where, of which class.
//
// x8, x16: the taps, each channel standardised by the mean and deviation of normal pictures. g: of every channel its mean, its standard
// deviation over the cells, and the deviation of its four quarters' means ("uneven" is seen by nothing smaller than the
// picture); standardised over normal pictures.
//     a = x8 W8 + up(x16 W16) + means W  + b      per cell of stride 8; up: bilinear; means: of x8 and x16
//     h = relu(r + depthwise3x3(r)), r = relu(a)
//     patch logit = h v + v0
//     local  = mean of the k largest patch logits, k = share of the cells   (a picture's label says no more than
//                                                                            that some patch is defective)
//     u = relu(g Wg + bg);  global = u w
//     picture logit = s0 local + s1 global + s2
//     embedding e = (mean of h over those k cells, u);  class logits = e C + c
// Everything is for one picture at a time, on one thread.
#ifndef LEARN_HEADS_H
#define LEARN_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "nn/graph.h"
#include "nn/net.h"

enum { HEADS_CLASSES = 64, HEADS_FEW = 10 };

enum head_tensor {
    HEAD_LOCAL_FINE,   // W8 (channels[0], hidden)
    HEAD_LOCAL_COARSE, // W16 (channels[1], hidden)
    HEAD_LOCAL_MEANS,  // W (channels[0] + channels[1], hidden)
    HEAD_LOCAL_BIAS,
    HEAD_MIX,          // (3, 3, hidden)
    HEAD_PATCH,        // v
    HEAD_PATCH_BIAS,
    HEAD_GLOBAL,       // Wg (3 (channels[0] + channels[1]), wide)
    HEAD_GLOBAL_BIAS,
    HEAD_PICTURE,      // w
    HEAD_BLEND,        // s
    HEAD_CLASS,        // C (hidden + wide, classes)
    HEAD_CLASS_BIAS,
    HEAD_TRAINED, // from here on measured, not trained
    HEAD_MEAN_FINE = HEAD_TRAINED,
    HEAD_INVERSE_FINE, // 1 / deviation
    HEAD_MEAN_COARSE,
    HEAD_INVERSE_COARSE,
    HEAD_MEAN_GLOBAL,
    HEAD_INVERSE_GLOBAL,
    HEAD_CLASS_COUNT,  // (classes): labelled pictures
    HEAD_CLASS_MEAN,   // (classes, hidden + wide)
    HEAD_CLASS_SCALE,  // (hidden + wide): 1 / deviation within the classes
    HEAD_CLASS_RADIUS, // (classes): how far from its mean a picture of the class may be
    HEAD_TENSORS
};

struct head_shape {
    int channels[NET_TAPS];
    int hidden, wide;
    int classes;      // 0 .. HEADS_CLASSES
    double top_share; // k / cells
};

struct head_part {
    const char *name;
    int64_t shape[4];
    size_t at, count;
    bool decay; // a matrix: weight decay applies
};

struct heads {
    struct head_shape shape;
    struct head_part parts[HEAD_TENSORS];
    size_t trained; // the first numbers of values
    size_t size;
    float *values;
};

struct heads *heads_new(const struct head_shape *shape, uint64_t seed); // random; statistics 0 and 1. heads_free.
struct heads *heads_copy(const struct heads *heads);
void heads_free(struct heads *heads);

static inline float *heads_values(const struct heads *heads, enum head_tensor tensor)
{
    return heads->values + heads->parts[tensor].at;
}
static inline int heads_embedding(const struct head_shape *s)
{
    return s->hidden + s->wide;
}
static inline int heads_global(const struct head_shape *s)
{
    return 3 * (s->channels[0] + s->channels[1]);
}

struct heads_work;
struct heads_work *heads_work_new(const struct head_shape *shape);
void heads_work_free(struct heads_work *work);

struct heads_out {
    int rows, cols;      // of stride 8
    const float *patch;  // (rows, cols) logits
    float local, global, logit;
    const float *embedding;   // (hidden + wide)
    const float *class_logit; // (classes)
};

// taps: one picture's. rng: for dropout of g with probability `dropout`; NULL none. `out` is valid until the next call.
void heads_forward(const struct heads *heads, struct heads_work *work, const struct graph_tap taps[NET_TAPS], double dropout,
                   struct rng *rng, struct heads_out *out);
// The raw g of a picture, before its standardisation: what HEAD_MEAN_GLOBAL is measured on. g: (heads_global).
void heads_describe(const struct heads *heads, struct heads_work *work, const struct graph_tap taps[NET_TAPS], float *g);

struct heads_grad { // of the loss, with respect to struct heads_out
    const float *patch; // NULL: none
    float local, global, logit;
    const float *class_logit; // NULL: none
};
// After heads_forward. Adds to grad (heads->trained); tap_grads: (shape of tap), overwritten, NULL where not wanted.
void heads_backward(const struct heads *heads, struct heads_work *work, const struct heads_grad *from, float *grad,
                    float *const tap_grads[NET_TAPS]);

// --- classes (heads_class.c) ----------------------------------------------------
// Mean, scale and radius of every class from labelled embeddings: (count, hidden + wide); label: 0 .. classes - 1.
// A class's radius is 1.5 times the largest distance of its pictures from the mean of the others, and at least
// that of the usual class.
void heads_fit_classes(struct heads *heads, const float *embeddings, const int *labels, size_t count);
// Probabilities that add up to one, (classes): softmax of the class logits over classes with at least HEADS_FEW
// pictures; the others share by their nearest means. *unknown: farther from every mean than its radius, or nothing
// is known of any class. Returns the likeliest class, -1 without classes.
int heads_classify(const struct heads *heads, const struct heads_out *out, float *probabilities, bool *unknown);
// The same from an embedding that was kept, (hidden + wide).
int heads_classify_kept(const struct heads *heads, const float *embedding, float *probabilities, bool *unknown);

#endif
