// Rounds of training and the worker (round.c); looking back at them and at activations (round_view.c).
#ifndef DB_ROUND_H
#define DB_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

struct db;

enum round_state { ROUND_QUEUED, ROUND_RUNNING, ROUND_PAUSED, ROUND_DONE, ROUND_FAILED, ROUND_CANCELLED };
enum round_wish { WISH_NONE, WISH_PAUSE, WISH_CANCEL }; // what a person asked of it meanwhile
const char *round_state_name(enum round_state state);
struct round_progress {
    char stage[32]; // "pictures", "training", "scoring", "comparing"
    int step, steps;
    double loss, rate, left; // pictures a second; seconds to the end of the stage
};
struct round {
    int64_t id, scene;       // scene 0: over all of them
    enum round_state state;
    enum round_wish wish;
    struct round_progress progress;
    int64_t answers;         // newest label event when it was asked for
    int64_t created_ms, started_ms, updated_ms, ended_ms, model;
    char *options, *sentence; // JSON; how it ended
};
// Its state, or where a worker has it, "stopped" (that ended: lives false), "pausing" (asked for; the step goes to its end), "cancelling" (so,
// or by the next worker).
const char *round_standing(const struct round *round, bool lives);
void round_clear(struct round *round);
// ST_BUSY: one of the scene is under way (*id: which).
ASSAY_CHECKED enum status db_round_add(struct db *db, int64_t scene, const char *options, int64_t *id, struct error *err);
ASSAY_CHECKED enum status db_round_get(struct db *db, int64_t id, struct round *round, struct error *err);
// The one to work on: begun before queued, by age; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_round_next(struct db *db, struct round *round, struct error *err);
// The newest of a scene; -1: of all, the newest that is `rather` so, else the one that runs, else one that is queued, else paused, else the
// newest. ST_NOT_FOUND.
ASSAY_CHECKED enum status db_round_latest(struct db *db, int64_t scene, enum round_state rather, struct round *round, struct error *err);
// Takes the wish back, but for ROUND_RUNNING. ST_NOT_FOUND: it is not `from` any more, and left as it is.
ASSAY_CHECKED enum status db_round_move(struct db *db, int64_t id, enum round_state from, enum round_state to,
                                        const char *sentence, struct error *err);
ASSAY_CHECKED enum status db_round_ask(struct db *db, int64_t id, enum round_wish wish, struct error *err);
// Of the one that runs; ST_NOT_FOUND: it does not any more.
ASSAY_CHECKED enum status db_round_tell(struct db *db, int64_t id, const struct round_progress *progress,
                                        enum round_wish *wish, struct error *err);
// What it was asked for, with what was settled when it began.
ASSAY_CHECKED enum status db_round_settle(struct db *db, int64_t id, const char *options, struct error *err);
ASSAY_CHECKED enum status db_round_result(struct db *db, int64_t id, int64_t model, struct error *err);
// Answers that stand (of `scene`, 0 all), given after label event `since` and all of each side; imported ones apart.
struct round_answers {
    int64_t fresh, normals, defects;
};
ASSAY_CHECKED enum status db_round_answers(struct db *db, int64_t scene, int64_t since, struct round_answers *answers,
                                           struct error *err);

struct worker_row { // who works; started: boot, namespace and start time of the process, which no later process shares, and the database file it works on
    int64_t pid, heartbeat_ms;
    char started[256];
};
ASSAY_CHECKED enum status db_worker_get(struct db *db, struct worker_row *row, struct error *err); // ST_NOT_FOUND
// Become the worker in place of `dead` (pid 0: of nobody). ST_BUSY: another was first.
ASSAY_CHECKED enum status db_worker_take(struct db *db, const struct worker_row *own, const struct worker_row *dead,
                                         struct error *err);
// ST_NOT_FOUND: the place was taken by another.
ASSAY_CHECKED enum status db_worker_beat(struct db *db, const struct worker_row *own, struct error *err);
ASSAY_CHECKED enum status db_worker_leave(struct db *db, const struct worker_row *own, struct error *err);

// --- looking back at rounds and activations (round_view.c) ---
// Newest first, at most `limit`; caller round_clear each and frees the array.
ASSAY_CHECKED enum status db_round_list(struct db *db, size_t limit, struct round **rows, size_t *count, struct error *err);
struct round_point {
    int step;
    double loss;
};
// The loss as it was told while the round trained, by step. Caller frees.
ASSAY_CHECKED enum status db_round_curve(struct db *db, int64_t round, struct round_point **points, size_t *count,
                                         struct error *err);
struct activation_row { // a revision that became its scene's active one
    int64_t scene, at_ms;
    int before, after;  // numbers of the revisions, before: 0 none
    char learned[HASH_HEX]; // the trained model of the one after, "" none
    char *kind, *who, *reason; // "screen", "gate", "hand", "rollback"
};
// Of a scene, newest first, at most `limit`; activation_free.
ASSAY_CHECKED enum status db_activations(struct db *db, int64_t scene, size_t limit, struct activation_row **rows,
                                         size_t *count, struct error *err);
void activation_free(struct activation_row *rows, size_t count);

#endif
