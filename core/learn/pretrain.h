// Pretraining of a base. Linear heads on the student's taps, thrown away afterwards, say what the taps should know:
//   PRETRAIN_DISTIL   the teacher's taps; both see the same crop
//   PRETRAIN_ADAPT    the start's own taps, of the picture without its synthetic defect (flaw.h), wherever the defect is
//                     not; and whether it is there: what a network knows is kept, and it learns to see what does
//                     not belong in the project's pictures
//   PRETRAIN_VIEWS    nothing but the pictures: two views of a place agree (vicreg.h)
// With `elastic`, smaller networks inside the large one are
// trained along (the sandwich rule of Yu & Huang 2019, arXiv:1903.05134:
// the largest, the smallest, two random ones), in every second step after the large one had the first two fifths of
// the run for itself.
//
// Loss of a tap, the first two: mean over cells and channels of
//   (head(student) - (teacher - mean) / sd)^2,
// mean and sd per teacher channel over the first crops: 1 is "knows nothing". To adapt, with weight PRETRAIN_SPOT the
// logistic loss of each cell being a defect's is added, half of it from the defects' cells, half from the others'.
//
// The same start, options, seed and number of threads give the same weights,
// bit for bit, also when the run was broken off and resumed; only with a limit
// in minutes does the learning rate follow the clock.
#ifndef LEARN_PRETRAIN_H
#define LEARN_PRETRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "learn/crops.h"
#include "nn/base.h"
#include "nn/net.h"

enum { PRETRAIN_WIDTHS = 3 };
extern const double pretrain_widths[PRETRAIN_WIDTHS]; // of elastic networks: 0.5, 0.75, 1

enum pretrain_objective { PRETRAIN_DISTIL, PRETRAIN_ADAPT, PRETRAIN_VIEWS };

#define PRETRAIN_SPOT 1.0

struct pretrain_options {
    enum pretrain_objective objective;
    long long steps; // whole run, from its start; 0: `minutes` decides
    double minutes;  // of all stretches together
    uint64_t seed;
    int batch;       // crops a step, a multiple of 4 * threads
    int side;        // of a crop, a multiple of 16; with `elastic` some steps take other sides
    int threads;
    double rate;     // AdamW's peak, after a warm-up, then a cosine down to nothing
    double decay;    // of weights, decoupled
    double ema;      // of the weights that come out, per step
    bool elastic;
};

extern const struct pretrain_options pretrain_defaults; // threads 1

struct pretrain_report {
    long long step;           // done
    double progress;          // 0..1 of the run
    double seconds;           // of all stretches
    long long crops;          // seen
    double rate;              // learning rate of the step
    double loss[NET_TAPS];    // of the largest network, running mean
    double smallest;          // of the smallest, both taps; 0 when not elastic
    double spot;              // of the defects' cells, both taps; log 2 is "knows nothing"; to adapt only
};

struct pretrain;

// start: copied. teacher: stays the caller's, as does source; to adapt, the start as a base; NULL for views.
struct pretrain *pretrain_new(const struct net *start, const struct base *teacher, const struct crop_source *source,
                              const struct pretrain_options *options);
void pretrain_free(struct pretrain *p);

// One step. False when the run is complete (nothing done then).
bool pretrain_step(struct pretrain *p, struct pretrain_report *report);

// Everything that the next step depends on: weights, heads, AdamW's moments, EMA, step, seconds. Atomic.
ASSAY_CHECKED enum status pretrain_save(const struct pretrain *p, const char *path, struct error *err);
// Into a fresh `p` of the same plan, teacher and options; ST_INVALID names what differs.
ASSAY_CHECKED enum status pretrain_load(struct pretrain *p, const char *path, struct error *err);

// The averaged weights of the network that `cut` makes, with batch statistics measured over `crops`
// training crops. Caller: net_free.
struct net *pretrain_result(struct pretrain *p, const struct net_cut *cut, int crops);

#endif
