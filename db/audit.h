// Audits (audit.c, audit_review.c).
#ifndef DB_AUDIT_H
#define DB_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"

struct db;

// An audit is about the pictures that a revision had filtered, and whose label was neither given nor imported, when it
// began. Rows are only ever added: a new revision leaves an audit as it is, and void.
struct audit_row {
    int64_t id, scene, revision, previous; // previous: audit of the scene before, 0 none
    int64_t previous_used; // how many of the previous one's draws, from its first on, were answered when this began
    bool fixed;            // a plan fixed beforehand, else a sequence
    double bound, confidence;
    uint64_t seed;
    int64_t size, fresh;   // pictures; of them not among those of the audit before
    int64_t at_ms;
    bool active, stopped;  // of the scene's active revision; ended by hand
    int revision_number;
};
// Where nothing is drawn yet (a crash in between leaves nothing behind that counts): then db_audit_pool, and
// db_audit_draw with what was drawn. Of the scene's active revision; previous is the scene's latest audit.
ASSAY_CHECKED enum status db_audit_begin(struct db *db, const struct audit_row *row, int64_t *id, struct error *err);
struct audit_member {
    int64_t picture;
    double score;
    bool fresh;
    bool answered; // drawn and answered before this audit began
    bool drawn;    // by this audit
};
// The pictures that an audit is about, by picture; caller frees.
ASSAY_CHECKED enum status db_audit_pool(struct db *db, int64_t audit, struct audit_member **rows, size_t *count,
                                        struct error *err);
struct audit_drawn {
    int64_t picture, place, turn; // place in the order of drawing, -1 for a known defect slipped in; turn of asking
    const char *stratum;          // "uniform", "weighted" or "slipped"
    bool whole;                   // drawn from all, else from the fresh ones
    int64_t remaining;
    double probability, least;
    int64_t event;                // its answer, 0 none yet
    enum verdict verdict;
};
// Add draws, in one transaction; size and fresh are stored with the first ones. ST_BUSY when the scene has a new
// revision, or the audit was stopped.
ASSAY_CHECKED enum status db_audit_draw(struct db *db, const struct audit_row *audit, const struct audit_drawn *draws,
                                        size_t count, struct error *err);
ASSAY_CHECKED enum status db_audit_stop(struct db *db, int64_t audit, struct error *err);
// The latest audit of the scene's active revision, else the scene's latest one; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_audit_last(struct db *db, int64_t scene, struct audit_row *row, struct error *err);
ASSAY_CHECKED enum status db_audit_get(struct db *db, int64_t id, struct audit_row *row, struct error *err);
// All draws, by turn; caller frees.
ASSAY_CHECKED enum status db_audit_draws(struct db *db, int64_t audit, struct audit_drawn **rows, size_t *count,
                                         struct error *err);
struct audit_carried {                // drawn and answered by audits before
    int64_t drawn, drawn_fresh;       // among this one's pictures, and among its fresh ones
    int64_t known, known_fresh;       // of these, defects or unsure
    int64_t caught;                   // defects or unsure: pictures of the audit before, and not of this one
};
ASSAY_CHECKED enum status db_audit_carried(struct db *db, int64_t audit, struct audit_carried *carried, struct error *err);
// Known defects of a scene that can be slipped in: not open in the queue, never drawn or slipped in. Caller frees.
ASSAY_CHECKED enum status db_audit_defects(struct db *db, int64_t scene, int64_t **pictures, size_t *count,
                                           struct error *err);
struct audit_tally {
    int64_t slipped, slipped_answered, recognised; // known defects slipped into a scene's audits, ever
    int64_t flagged_defects;  // flagged by the active revision and said to be defects
    int64_t filtered_defects; // filtered by it and known as defects otherwise than by an audit
    int64_t later;            // filtered by it since the audit began: not covered
};
ASSAY_CHECKED enum status db_audit_tally(struct db *db, const struct audit_row *audit, struct audit_tally *tally,
                                         struct error *err);
// For the review. What waits for an answer of `person`, of running audits (scene 0: of all); *seed: the latest one's.
ASSAY_CHECKED enum status db_audit_open(struct db *db, int64_t scene, int64_t person, int64_t *open, uint64_t *seed, struct error *err);
// As db_queue_lease, for draws that are open, in the order of their turns; what a person found himself is not slipped in
// to him.
ASSAY_CHECKED enum status db_audit_lease(struct db *db, const char *session, int64_t person, int64_t scene, size_t want,
                                         int64_t ttl_ms, const int64_t *known, size_t known_count, int64_t *pictures,
                                         size_t *count, struct error *err);
// Whether an answer about this picture is an audit's: drawn and filtered still, or slipped into one that runs.
ASSAY_CHECKED enum status db_audit_asks(struct db *db, int64_t picture, bool *asks, struct error *err);

#endif
