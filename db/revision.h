// Revisions of a scene and their scores (revision.c).
#ifndef DB_REVISION_H
#define DB_REVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "screen/model.h"
#include "screen/patch.h"
#include "screen/threshold.h"

struct db;

enum { REVISION_GOALS = 1024 };
struct revision {
    int64_t id, scene;
    int number;              // 1.. within the scene
    char base_sha256[HASH_HEX], model_sha256[HASH_HEX], patch_sha256[HASH_HEX];
    char learned_sha256[HASH_HEX]; // the trained model that took part, "" none
    double threshold, flag_rate;
    int64_t screened, flagged, believed; // pictures scored, flagged, in the fit
    int64_t created_ms;
    char rule[16];                // threshold_rule_name of where the threshold came from
    char reason[THRESHOLD_TEXT];  // the sentence that says why
    char goals[REVISION_GOALS];   // JSON array, one object for each severity with a recall asked for
    bool pruned;                  // its scores and statistics are not kept any more
};
struct score_new {
    int64_t picture;
    struct screen_score score;
    bool flagged;
    const struct heat *heat; // stored for flagged pictures; NULL none
    double box[4];
};
// A revision is built in the background of the active one: begin (a building one
// of the scene, left by a crash, is thrown away), put scores in batches (each
// one short transaction), finish (becomes the scene's active one, at once).
ASSAY_CHECKED enum status db_revision_begin(struct db *db, const struct revision *revision, int64_t *id,
                                            struct error *err);
ASSAY_CHECKED enum status db_revision_scores(struct db *db, int64_t revision, const struct score_new *scores,
                                             size_t count, struct error *err);
// Flagged pictures that a single detector carries (screen_score's `alone`), by detector.
ASSAY_CHECKED enum status db_revision_alone(struct db *db, int64_t revision, int64_t counts[DETECTORS],
                                            struct error *err);
ASSAY_CHECKED enum status db_revision_finish(struct db *db, int64_t id, struct error *err);
// Complete, but not the active one: a candidate (db_revision_activate).
ASSAY_CHECKED enum status db_revision_ready(struct db *db, int64_t id, struct error *err);
ASSAY_CHECKED enum status db_revision_get(struct db *db, int64_t id, struct revision *revision,
                                          struct error *err);

// Round 0 of a scene: its latest complete revision without a trained model. ST_NOT_FOUND.
ASSAY_CHECKED enum status db_revision_untrained(struct db *db, int64_t scene, struct revision *revision, struct error *err);

// Of each kind, those that were active and those that never were, the latest `keep` (1..) of a scene keep their scores; so do its
// active one, round 0, the newest candidate that waits for a decision and whatever an audit rests on. The others are pruned:
// they stay as rows, what is theirs alone may go.
ASSAY_CHECKED enum status db_revision_prune(struct db *db, int64_t scene, int keep, struct error *err);
// The scene's first pruned one with scores left; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_revision_pruned(struct db *db, int64_t scene, struct revision *revision, struct error *err);
// Whether a revision that is not pruned has this file.
ASSAY_CHECKED enum status db_revision_uses(struct db *db, const char *sha256, bool *used, struct error *err);
// Some of the scores of a pruned revision, in one short transaction. more: there are others.
ASSAY_CHECKED enum status db_revision_drop(struct db *db, int64_t revision, bool *more, struct error *err);
// ST_NOT_FOUND, with a sentence: it is pruned.
ASSAY_CHECKED enum status db_revision_kept(const struct revision *revision, struct error *err);

// counts: (bins), how many scores of the revision lie from i * step on; the last one takes all beyond.
ASSAY_CHECKED enum status db_score_bins(struct db *db, int64_t revision, double step, int bins, int64_t *counts,
                                        struct error *err);

#endif
