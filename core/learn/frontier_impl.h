// Between frontier_measure.c and frontier_quality.c: how well defects of one
// scene are told from normal pictures with one candidate.
#ifndef LEARN_FRONTIER_IMPL_H
#define LEARN_FRONTIER_IMPL_H

#include "learn/frontier.h"
#include "nn/base.h"

// One scene's pictures, split and with flaws drawn: those to fit on, then normal ones to test, then the same
// with a flaw each.
struct trial;
ASSAY_CHECKED enum status trial_new(const struct frontier_scene *scene, uint64_t seed, int threads,
                                    struct trial **trial, struct error *err);
void trial_free(struct trial *trial);
// Resizes them for an input side; any base of the same `multiple` may follow.
void trial_resize(struct trial *trial, const struct base *base, int side, int threads);

// What scoring needs of all pictures: pooled taps and patch score.
struct features;
ASSAY_CHECKED enum status trial_features(const struct trial *trial, const struct base *base, int threads,
                                         struct features **features, struct error *err);
// AUROC of the product's score. Uses one thread; different features may go in parallel.
ASSAY_CHECKED enum status features_quality(const struct trial *trial, const struct features *features,
                                           double *auroc, struct error *err);
void features_free(struct features *features);

#endif
