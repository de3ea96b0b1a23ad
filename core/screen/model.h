// A scene's normality model: what a revision freezes. Detectors stay separate; each
// score becomes -log10 of its tail probability under normal pictures; the
// picture's score is that of their weighted Euclidean norm (once answers taught the learned detector, of a mean of what
// it and the others say, weighted by the number of things with a defect: model.c), or what one of them says alone
// where that is more (redundancy: a detector that sees nothing cannot hide what another sees).
#ifndef SCREEN_MODEL_H
#define SCREEN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "nn/base.h"
#include "screen/detector.h"
#include "screen/settings.h"

// A scene's `alone` where nobody chose another (struct screen_space).
#define SCREEN_ALONE 0.1

const char *detector_name(enum detector detector); // "whole", "patch", "tile", "learned", "known"

struct screen_input { // one picture's raw measures
    const float *embedding; // (dim)
    float measures[DETECTORS_MEASURED]; // NAN: was not measured, takes no part
    bool trained; // the learned detector was trained on it, or on one of its group: what that says of it tells nothing
                  // of how it scores pictures never seen, and stays out of what scores are compared with
    int said; // what a model may learn from: 1 a confirmed defect, -1 a confirmed normal, 0 nothing
};

struct screen_score {
    double score;                // -log10 of the tail probability of the fused score (where pictures of one group agree,
                                 // of what they share: together.h); 3 = one normal in 1,000
    double parts[DETECTORS];     // the same per detector; 0 for one that is not in use or never varied
    int alone;                   // 1 + the detector that carries the score by itself; 0: the fused score does
};

// What an embedding holds.
struct screen_space {
    int dim, from;                   // its length; the first number that pictures are told apart by
    const struct contrast *contrast; // of numbers from .. dim - 1 (contrast.h); NULL or without flaws: none
    double alone; // share of the normals that may be flagged which a single detector may claim, whatever the
                  // others say: 0 .. 1
    double aligned; // how much of the cells' variance lies between places (patch.h): the more, the more they count
};

struct screen_model;
struct contrast;

// Fit on `count` pictures of which believed[i] says whether it is believed
// normal (not clean: the most suspicious are trimmed), groups[i] names its group
// (folds never cut through one). Scores of the believed-normal pictures are
// out-of-fold, so that they compare with those of pictures never seen; all
// `count` scores are written to `scores`. A measure that never varies, or that
// fewer than 16 normals have, is not in use.
// flag_rate: share of normals that may be flagged, e.g. 0.004; the threshold is
// that quantile of a generalised-Pareto tail fitted robustly (the top 2 % only
// count as "beyond": unknown defects hide there). seed: fold assignment.
// A labelled picture's likeness to known ones (inputs' `said`) leaves out those of its own group.
// ST_INVALID with a sentence: fewer than 16 believed normals, all pictures
// identical, not finite.
// relief (NULL none): called every some thousand pictures read, where inputs lie in a mapping larger than
// memory should be.
struct screen_relief {
    void (*call)(void *context);
    void *context;
};
ASSAY_CHECKED enum status screen_fit(const struct screen_input *inputs, size_t count,
                                     const struct screen_space *space, const bool *believed,
                                     const uint64_t *groups, double flag_rate, uint64_t seed,
                                     const struct screen_relief *relief, struct screen_score *scores,
                                     struct screen_model **model, struct error *err);
void screen_free(struct screen_model *model);

// Score a picture that took no part in the fit, by itself. Thread-safe.
struct screen_score screen_score(const struct screen_model *model, const struct screen_input *input);
// Let `count` pictures scored so, with all of their groups' pictures among them, share what they say (together.h): their
// scores are what screen_fit would have made of them.
void screen_conclude(const struct screen_model *model, const uint64_t *groups, size_t count, struct screen_score *scores);

bool screen_uses(const struct screen_model *model, enum detector detector); // it takes part
double screen_agreement(const struct screen_model *model); // of the pictures of one group, 0 (each by itself) .. 1
double screen_threshold(const struct screen_model *model); // flagged: score >= threshold
double screen_shrinkage(const struct screen_model *model); // Ledoit-Wolf intensity 0..1 of `whole`
int screen_looks(const struct screen_model *model); // that `whole` found among the normals (looks.h), 1 mostly
size_t screen_fit_count(const struct screen_model *model); // pictures in the fit after trimming

// The model as dir/<sha256>.safetensors, written atomically; `sha256` receives
// the name. Base and settings are stored and compared at load: another base or
// other settings is ST_INVALID, an altered file ST_CORRUPT, each naming the file.
ASSAY_CHECKED enum status screen_save(const struct screen_model *model, const struct base_info *base,
                                      const struct screen_settings *settings, const char *dir,
                                      char sha256[HASH_HEX], struct error *err);
ASSAY_CHECKED enum status screen_load(const char *path, const struct base_info *base,
                                      const struct screen_settings *settings, struct screen_model **model,
                                      struct error *err);

#endif
