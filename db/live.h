// Pictures that come while people work, and the drift of a scene's scores (live.c).
#ifndef DB_LIVE_H
#define DB_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/revision.h"
#include "screen/drift.h"

struct db;

enum live_pending {
    LIVE_ALL,
    LIVE_FINE,  // a person said that they are no poor pictures after all (few to look through)
    LIVE_KNOWN, // another revision of the scene has a score of them
};
// Readable pictures of a scene, not set aside, without a score in its active revision, id > after, at most `limit`;
// of all these those that `which` names. Caller frees.
ASSAY_CHECKED enum status db_live_pending(struct db *db, int64_t scene, enum live_pending which, int64_t after, size_t limit,
                                          int64_t **ids, size_t *count, struct error *err);
struct live_score {
    struct score_new score;     // as it counts, compensated
    double raw, shift;          // before that; shift 0 none
    bool told;
    struct drift_finding finding; // where `told`
};
// Put scores into the scene's ACTIVE revision, in one transaction with the state of its drift: flagged ones are in the
// queue when the call returns. A picture that has a score already keeps it. ST_BUSY, and nothing stored, when
// `revision` is not the active one any more.
ASSAY_CHECKED enum status db_live_scores(struct db *db, int64_t scene, int64_t revision, const struct live_score *scores,
                                         size_t count, const struct drift *drift, struct error *err);
// Zero for a revision without any.
ASSAY_CHECKED enum status db_drift_get(struct db *db, int64_t scene, int64_t revision, struct drift *drift,
                                       struct error *err);
struct drift_row {
    struct drift_finding finding;
    int64_t at_ms;
    char *since_path; // cleaned by nobody; caller frees
};
// The latest finding of the scene's active revision; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_drift_last(struct db *db, int64_t scene, struct drift_row *row, struct error *err);
// A number that changes when another connection has changed the database: costs next to nothing.
ASSAY_CHECKED enum status db_version(struct db *db, int64_t *version, struct error *err);

#endif
