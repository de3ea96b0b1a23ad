// What people ask of rounds of training, by command or on the screen; what is said of a round and its model once they did.
#ifndef APP_ROUNDS_H
#define APP_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/project.h"
#include "db/model.h"
#include "db/revision.h"
#include "db/round.h"
#include "db/scene.h"

// Pause, cancel or let go on; a worker that has the round is asked, else the round is changed at once. Starts a worker
// (threads 0: all cores) where one is needed. who: for the log. ST_INVALID: the round is over; the newest of its scene that is rounds_unscored may go on.
enum rounds_wish { ROUNDS_PAUSE, ROUNDS_RESUME, ROUNDS_CANCEL };
ASSAY_CHECKED enum status rounds_ask(struct project *project, const struct round *round, enum rounds_wish wish, int threads,
                                     const char *who, struct error *err);

// It is cancelled, and the industry model that asked for it judged where it was the last. ST_NOT_FOUND: it is not `from` any more.
ASSAY_CHECKED enum status rounds_cancel(struct project *project, const struct round *round, enum round_state from, struct error *err);

// The revision before the scene's active one is active again; a lead's where one is named. now: that revision. goal: as
// promote_goal says it.
ASSAY_CHECKED enum status rounds_roll_back(struct project *project, const struct scene *scene, const char *who,
                                           struct revision *now, char **goal, struct error *err);

// What is stored of how a round ended and why a model stands as it does is what was true then; these say what became of it since,
// and then that. In English, for stored_text; caller frees. model: the round's, id 0 none (rounds_model).
char *rounds_sentence(const struct round *round, const struct model_row *model);
char *rounds_reason(const struct model_row *model);
// Whether it failed when its model was there: what is left is to score it.
bool rounds_unscored(const struct round *round, const struct model_row *model);
void rounds_model(struct db *db, const struct round *round, struct model_row *model); // caller model_clear
// In how many steps it was trained and to which loss; 0 where it is none.
void rounds_trained(const struct model_row *model, int *steps, double *loss);
// Whether the sentence begins with that word of a state, so that it need not be said before it.
bool rounds_says(const char *sentence, const char *state);
// How much of the gate's sentence comes before the command that it leaves to a person.
size_t rounds_asked(const char *sentence);

// The model of a scene that waits for a decision: the newest candidate that is scored and newer than the active one.
// NULL none. models: (count) all, by id.
const struct model_row *rounds_candidate(const struct model_row *models, size_t count, int64_t scene);
const struct model_row *rounds_active(const struct model_row *models, size_t count, int64_t scene); // NULL none

#endif
