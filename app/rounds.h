// What people ask of rounds of training, by command or on the screen.
#ifndef APP_ROUNDS_H
#define APP_ROUNDS_H

#include "app/project.h"
#include "db/model.h"
#include "db/revision.h"
#include "db/round.h"
#include "db/scene.h"

// Pause, cancel or let go on; a worker that has the round is asked, else the round is changed at once. Starts a worker
// (threads 0: all cores) where one is needed. ST_INVALID: the round is over.
enum rounds_wish { ROUNDS_PAUSE, ROUNDS_RESUME, ROUNDS_CANCEL };
ASSAY_CHECKED enum status rounds_ask(struct project *project, const struct round *round, enum rounds_wish wish, int threads,
                                     struct error *err);

// It is cancelled, and the industry model that asked for it judged where it was the last. ST_NOT_FOUND: it is not `from` any more.
ASSAY_CHECKED enum status rounds_cancel(struct project *project, const struct round *round, enum round_state from, struct error *err);

// The revision before the scene's active one is active again; a lead's where one is named. now: that revision.
ASSAY_CHECKED enum status rounds_roll_back(struct project *project, const struct scene *scene, const char *who,
                                           struct revision *now, struct error *err);

// The model of a scene that waits for a decision: the newest candidate that is scored and newer than the active one.
// NULL none. models: (count) all, by id.
const struct model_row *rounds_candidate(const struct model_row *models, size_t count, int64_t scene);
const struct model_row *rounds_active(const struct model_row *models, size_t count, int64_t scene); // NULL none

#endif
