// Parts of the pictures believed normal that are measured by what is fitted on the others.
#ifndef SCREEN_FOLDS_H
#define SCREEN_FOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

enum { FOLDS = 5, FOLDED_MOST = 200000 };

void folds_shuffle(size_t *order, size_t count, struct rng *rng);

// Fold 0 .. FOLDS-1 of each member: whole groups in random order, large ones
// first, each to the smallest fold. A group with more than half of the members
// would leave too little to fit: then each picture is its own group.
void folds_assign(const uint64_t *groups, const size_t *members, size_t count, struct rng *rng, int *folds);

// More normals than FOLDED_MOST tell nothing more and cost memory: of a larger set whole groups are drawn to the front
// (single pictures, where the groups are too large for that), about FOLDED_MOST pictures, and returned is how many. The
// others are to take no part in a fit. Both keep their order, in which the features lie in the store.
size_t folds_draw(size_t *members, size_t normals, const uint64_t *groups, uint64_t seed);

#endif
