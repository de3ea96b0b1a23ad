// The distribution of a revision's scores for the panel of the review, counted once on a thread with its own database
// handle: a revision may have a million of them.
#ifndef APP_REVIEW_SCORES_H
#define APP_REVIEW_SCORES_H

#include "app/project.h"
#include "ui/review.h"

struct score_counter;

struct score_counter *score_counter_new(const struct project *project);
void score_counter_free(struct score_counter *counter); // waits for a count that runs
// ST_BUSY, err untouched: being counted, ask again. Valid until the next call.
ASSAY_CHECKED enum status score_counter_get(struct score_counter *counter, int64_t revision,
                                            const struct review_scores **scores, struct error *err);

#endif
