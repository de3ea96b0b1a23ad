// The grouped protocol on a set whose answers are known: per seed, the normals
// of 80 % of the groups fit; the other normals and all defects test.
#ifndef SCREEN_EVALUATE_H
#define SCREEN_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "screen/metrics.h"

struct evaluate_set {
    const float *embeddings; // (count, dim)
    size_t count;
    int dim;
    const bool *defect;
    const int *kinds;        // kind of defect, 0 .. kind_count-1; ignored for normals
    int kind_count;
    const uint64_t *groups;
};

struct evaluate_result {
    int seeds;
    struct metrics *overall; // (seeds)
    struct metrics *by_kind; // (seeds, kind_count): that kind against the test normals
    double *shrinkage;       // (seeds)
};

// Seeds first .. first + seeds - 1. by_group false: fitting normals drawn at random, to compare with figures published
// that way (leaks).
ASSAY_CHECKED enum status evaluate_whole(const struct evaluate_set *set, int first, int seeds, bool by_group,
                                         int resamples, struct evaluate_result *result, struct error *err);
// Which pictures fit in the split of `seed`; fit: (set->count). Embeddings are not read.
void evaluate_split(const struct evaluate_set *set, int seed, bool by_group, bool *fit);
void evaluate_clear(struct evaluate_result *result);

#endif
