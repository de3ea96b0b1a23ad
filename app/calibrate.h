// A new revision's threshold (screen/threshold.h), from what the project knows.
#ifndef APP_CALIBRATE_H
#define APP_CALIBRATE_H

#include "app/screening.h"
#include "db/label.h"
#include "db/revision.h"
#include "db/scene.h"

#define RECALL_LEAST 0.5 // of a target: below, the claim is empty; above, no project has as many defects
#define RECALL_MOST 0.99999

// "key=0.9824" into recall[SEVERITY_KEY]; false when it is not of that form or out of range.
bool calibrate_option(const char *text, double recall[SEVERITIES]);

// scores: of set's pictures, out of sample for every defect (screen_fit leaves known
// defects out of the fit). budget: the score that o->flag_rate of the normals exceeds.
// Fills the revision's threshold, rule, reason and goals. A defect in several
// pictures of a group counts once, by its lowest score.
ASSAY_CHECKED enum status calibrate_threshold(struct project *project, const struct scene *scene,
                                              const struct screening_options *o, const struct dataset *set,
                                              const struct screen_score *scores, double budget,
                                              struct revision *revision, struct error *err);

// What a stored revision's threshold was asked to keep of each severity, not what was found; 0 nothing.
void calibrate_asked(const struct revision *revision, double recall[SEVERITIES]);
// {rule, reason, value, filter_rate_budget, confidence, severities} of a stored revision.
json_t *calibrate_json(const struct revision *revision);

#endif
