// Walking through the pictures that were set aside as poor: fine after all, really poor, or a defect.
#ifndef APP_POOR_SESSION_H
#define APP_POOR_SESSION_H

#include "app/scoring.h"
#include "ui/review.h"

// Open the screen on them; scene NULL: all. Returns when it is left; *answers: how many of those given stand.
ASSAY_CHECKED enum status poor_review(struct project *project, const char *person, const char *scene,
                                      struct review_config *config, size_t *answers, struct error *err);
// Score those that were said to be fine, in every scene. ST_BUSY: a watcher or a screening will do it.
ASSAY_CHECKED enum status poor_screen_fine(struct project *project, struct scoring_report *report,
                                           struct error *err);

#endif
