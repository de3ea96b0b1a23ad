// What the results view shows, counted beside the review on a thread with its own database handle: a revision may have
// a million scores.
#ifndef APP_REVIEW_RESULTS_H
#define APP_REVIEW_RESULTS_H

#include "app/report.h"
#include "ui/review.h"

struct review_counter;

// scene: the only one to count, or NULL: all that were screened, one at a time.
struct review_counter *review_counter_new(const struct project *project, const char *scene);
void review_counter_free(struct review_counter *counter); // waits for a count that runs
// As `results` of struct review_model.
ASSAY_CHECKED enum status review_counter_results(struct review_counter *counter, size_t number, bool anew,
                                                 const struct review_results **results, struct error *err);

#endif
