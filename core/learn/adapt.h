// A round of learning: from an expert's answers to an adapter of the base and heads over its taps.
//
// The frozen beginning of the base runs once per picture and view; what it gives is kept, in 16 bits, within a byte
// budget, and computed again where the budget ends (with the same bits). A step draws a batch of views: labelled
// defects (a class is drawn as often as the root of its number says, so that a rare one is not forgotten), labelled normals, pictures
// believed to be normal, and normals with a synthetic defect (flaw.h). All labels take part in every round, older and
// newer alike.
//     loss = weight (picture + local / 2 + global / 2) + patch + class
//   picture, local, global   logistic, of the three logits of heads.h
//   patch   logistic over cells of stride 8, the defective and the others each with half the weight, where a
//           mask says which; within a box, and beside a masked defect, cells are left out
//   class   softmax with logit adjustment (loss.h)
// The weights that come out are a moving average. The same data, options, seed and number of threads give the
// same bits, also when the run was killed and resumed. Resumed with other threads, or without a picture that went meanwhile, it ends as well.
#ifndef LEARN_ADAPT_H
#define LEARN_ADAPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "learn/heads.h"
#include "nn/adapter.h"
#include "nn/base.h"

// ---- what is learned from ----

struct adapt_pixels {
    int rows, cols; // multiples of 16, at least 32; the network's input (the scene's size, aspect kept)
    float *rgb;     // (rows, cols, 3), 0..255, malloc'd, becomes the trainer's
    float *mask;    // (rows, cols), 0..1, how much of each pixel is defective, likewise; NULL: not known
};

struct adapt_label {
    int64_t id;      // the caller's
    bool defect;
    int class_index; // 0 .. classes - 1; -1: a defect of no class
    const double (*boxes)[4]; // x0 y0 x1 y1, fractions of the picture, that hold all of its defects, with a mask those it does not show; NULL: not known
    int box_count;
};

struct adapt_data {
    void *context;
    // Pixels of a picture. One call at a time, from any thread. A picture that cannot be read (not ST_OK) is left out.
    enum status (*load)(void *context, int64_t id, struct adapt_pixels *pixels, struct error *err);
    const struct adapt_label *labels;
    size_t label_count;
    const int64_t *pool; // pictures without an answer that are believed to be normal
    size_t pool_count;
    int classes;         // 0 .. HEADS_CLASSES
    // Where heads alone are trained, the base says the same of a view every time: zeroed memory of the caller's in which it is kept from
    // round to round (adapt_kept_bytes, aligned as malloc's), for view 0 .. views + flaws - 1 of a picture. All such rounds have the
    // same options of views, whose light and flaws are drawn by kept_seed. One call at a time, from any thread. NULL: nothing is kept.
    void *(*kept)(void *context, int64_t id, int view);
    uint64_t kept_seed;
};
size_t adapt_kept_bytes(const struct net *base, int rows, int cols); // for a picture of that input

// ---- how ----

struct adapt_options {
    enum adapter_kind kind;
    double scale;         // of the input's sides, to the scene's: the caller's `load` follows it
    int mirrors;          // views that a picture is scored by, 1 .. 4: as it is, mirrored, upside down, both
    int rank;             // 0: that of the model it goes on from, else the largest that adapter_share allows; at most what 5 % allow
    double adapter_share; // of the base's parameters, 0.01 .. 0.05
    int hidden, wide;     // of the heads
    double top_share;     // of the cells that a picture is judged by
    int steps;
    int batch;            // pictures a step
    double rate;          // AdamW's peak for the heads
    double rate_adapter;  //  and the adapter
    double decay;         // of the heads' matrices
    double decay_adapter; // of all of the adapter's numbers: towards the base
    double dropout;       // of the picture's description
    double ema;
    int views;            // of a picture: mirrored, in other light
    int flaws;            // views of a normal picture with a synthetic defect
    double gain, gamma;   // deviation of the logarithms of the light's factor and exponent
    double defects, pool, synthetic; // shares of the batch; the rest are labelled normals
    double pool_weight, synthetic_weight, patch_weight, class_weight;
    int pool_most;        // pictures of the pool that take part
    double adjustment;    // tau: as often as any class is drawn, as much less is added to its logit, else the rare ones would be said too often
    double class_balance; // of the defects drawn: 0 as they were answered, 0.5 classes by the root of their number, 1 all alike
    uint64_t cache_bytes;
    uint64_t seed;
    int threads;
};

extern const struct adapt_options adapt_defaults; // threads 1

// --- by name (adapt_options.c) ---
// "rate=0.001". ST_INVALID: no such name, out of its range; the sentence lists the names.
ASSAY_CHECKED enum status adapt_option_set(struct adapt_options *options, const char *text, struct error *err);
// Every option but seed, threads and the cache, for notes and for adapt_option_set. text[]: "name=value".
enum { ADAPT_OPTIONS = 30, ADAPT_OPTION_TEXT = 48 };
void adapt_option_text(const struct adapt_options *options, char text[ADAPT_OPTIONS][ADAPT_OPTION_TEXT]);

struct adapt_report {
    int step, steps;
    double seconds, left; // of this stretch; expected to its end
    double pictures_per_second;
    double loss, picture, patch, class_loss; // running means
    size_t loaded, pictures; // looked at so far, of all; step 0 while that goes on
    size_t skipped;       // pictures that could not be read
    uint64_t cached;      // bytes
};

struct adapt_watch {
    void *context;
    bool (*progress)(void *context, const struct adapt_report *report); // false ends the run; may be NULL
    const char *checkpoint;  // where the run's state is kept; NULL: nowhere
    double checkpoint_every; // seconds
};

// ---- what comes out ----

struct adapt_model {
    struct adapter *adapter;
    struct heads *heads;
    char base_sha256[HASH_HEX]; // of the base that it adapts
    char parent[HASH_HEX];      // of the model it was begun from, "" none
    char sha256[HASH_HEX];      // of its file, "" before
    char *notes;                // JSON object: hyper-parameters, numbers of pictures, losses
};
// What its options say of the pictures it scores; 1 where they say nothing.
double adapt_scale(const struct adapt_model *model); // of the input's sides
int adapt_mirrors(const struct adapt_model *model);

void adapt_model_free(struct adapt_model *model);

// base: a network that was read from a file. from: a model of the same base to go on from (other classes are fine:
// its class head is kept only where their number is the same), or NULL.
// ST_INVALID: labels of one side only and nothing to stand for the other; a rank beyond 5 % of the base; a checkpoint of another run.
// ST_CANCELLED: by progress; the checkpoint is written. With a complete checkpoint the model comes out at once. The caller removes it.
ASSAY_CHECKED enum status adapt_train(const struct net *base, const struct adapt_model *from, const struct adapt_data *data,
                                      const struct adapt_options *options, const struct adapt_watch *watch,
                                      struct adapt_model **model, struct error *err);

// --- files (adapt_file.c): safetensors, tensors by name -----------------------------
// dir: to dir/<sha256>.safetensors, else path, atomic. model->sha256 is set.
ASSAY_CHECKED enum status adapt_write(struct adapt_model *model, const struct net *base, const char *path, const char *dir,
                                      struct error *err);
// ST_INVALID: no model file, made for another base; ST_CORRUPT: altered, a tensor missing or not finite; ST_NEWER.
ASSAY_CHECKED enum status adapt_open(const char *path, const struct net *base, struct adapt_model **model,
                                     struct error *err);

// --- scoring (adapt_score.c) ----------------------------------------------------
struct adapt_scorer; // the merged network, packed; serves all threads
struct adapt_score_work;

// The logits are means over the model's mirrored views. A picture that its first view finds clearly normal is not looked at
// again: that is what most are, and what a threshold is never near.
struct adapt_score {
    float logit;               // of the picture: > 0 is rather a defect than not
    float local, global;       // what it is made of
    int rows, cols;
    const float *patch;        // (rows, cols) logits of stride 8, valid until the work's next use
    float classes[HEADS_CLASSES];
    int class_index;           // the likeliest, -1 none
    bool unknown;              // it is like no class
    const float *embedding;    // (heads_embedding)
};

ASSAY_CHECKED enum status adapt_scorer_new(const struct net *base, const struct adapt_model *model,
                                           enum base_precision precision, struct adapt_scorer **scorer, struct error *err);
void adapt_scorer_free(struct adapt_scorer *scorer);
const struct base *adapt_scorer_base(const struct adapt_scorer *scorer); // taps that normality is measured on, too
struct adapt_score_work *adapt_score_work_new(const struct adapt_scorer *scorer);
void adapt_score_work_free(struct adapt_score_work *work);
// rgb: (rows, cols, 3), as adapt_pixels.
void adapt_score(const struct adapt_scorer *scorer, struct adapt_score_work *work, const float *rgb, int rows, int cols,
                 struct adapt_score *score);

#endif
