// Candidates against what is active: the gate, promotion, rollback.
#ifndef APP_PROMOTE_H
#define APP_PROMOTE_H

#include "app/project.h"
#include "db/model.h"
#include "db/revision.h"
#include "db/scene.h"
#include "learn/gate.h"

// A scored model of a scene against the scene's active revision, on validation groups; and against round 0, the latest revision
// without a trained model, where that was asked for the same (gate_floor).
ASSAY_CHECKED enum status promote_judge(struct project *project, const struct model_row *model, struct gate_result *result,
                                        struct error *err);
// Judge, store what came out with its reason, and make it the active one if the gate says so.
ASSAY_CHECKED enum status promote_by_gate(struct project *project, int64_t model, struct gate_result *result,
                                          struct error *err);
// A person's decision; a lead's where one is named; of an industry model: industry_promote. lead: the yes that may let a model through that newly misses stop defects. ST_INVALID: not scored, active
// already, a lead's yes is needed. ST_NOT_FOUND, ST_CORRUPT: its file is missing or altered; what is active stays.
// said: a sentence where the goal of the threshold changes with it, else NULL; caller frees.
ASSAY_CHECKED enum status promote_by_hand(struct project *project, const struct model_row *model, const char *who, bool lead,
                                          char **said, struct error *err);

// A revision brings the goal that it was scored under with it: a sentence that says so, where it becomes active, or (back) active
// again, in place of one with another; NULL for the same goal. Caller frees.
char *promote_goal(const struct scene *scene, const struct revision *active, const struct revision *next, bool back);

#endif
