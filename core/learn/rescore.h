// In which order a candidate scores pictures: where it may change what is flagged first, so that a run which is stopped or
// killed has done what counts most.
#ifndef LEARN_RESCORE_H
#define LEARN_RESCORE_H

#include <stddef.h>
#include <stdint.h>

struct rescore_score {
    int64_t id;
    double score; // in the revision that is active
};

// Puts `ids` into that order: the nearer its score is to the threshold the earlier, on either side; then those that have no
// score, or none that is a number. Of equals the lower id first, so that a run which goes on finds the same order.
// scores: sorted by id here; those of other pictures are passed over.
void rescore_order(int64_t *ids, size_t count, struct rescore_score *scores, size_t score_count, double threshold);

#endif
