// The review queue, and counts of pictures (queue.c).
#ifndef DB_QUEUE_H
#define DB_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "screen/model.h"
#include "screen/patch.h"

struct db;

struct queue_item {
    int64_t picture, revision;
    struct screen_score score;
    double percentile;   // share of the revision's pictures with a lower score, 0..1
    struct heat heat;
    double box[4];
    int reason;          // why it is asked, enum acquire_reason; ACQUIRE_BY_SCORE where it is not open
    int64_t about;       // the picture which that names, 0 none
    double expected;     // probability of a defect, < 0 unknown
};
// Lease up to `want` flagged pictures without a standing review verdict that
// nobody else holds, in order: not skipped by this person first, then by place
// (acquire.c), score falling, id. `session` (any text unique to the running program) keeps
// what it holds; leases end `ttl_ms` after the last lease/renew call. Items
// already held by this session are returned again unless in `known`. Without their percentile.
ASSAY_CHECKED enum status db_queue_lease(struct db *db, const char *session, int64_t person, int64_t scene,
                                         size_t want, int64_t ttl_ms, const int64_t *known,
                                         size_t known_count, struct queue_item *items, size_t *count,
                                         struct error *err);
ASSAY_CHECKED enum status db_queue_renew(struct db *db, const char *session, int64_t ttl_ms, struct error *err);
ASSAY_CHECKED enum status db_queue_release(struct db *db, const char *session, int64_t picture /* 0 all */,
                                           struct error *err);
// Open pictures of a scene that nobody else holds, most anomalous first, at most `limit`. Caller frees.
ASSAY_CHECKED enum status db_queue_ids(struct db *db, const char *session, int64_t scene, size_t limit, int64_t **ids,
                                       size_t *count, struct error *err);
// Lease those of `ids` that are open and that nobody else holds; the others are taken out of the array.
ASSAY_CHECKED enum status db_queue_claim(struct db *db, const char *session, int64_t person, int64_t ttl_ms, int64_t *ids,
                                         size_t *count, struct error *err);
// One picture as a queue item without its percentile and why it is asked: the same however many come before it.
ASSAY_CHECKED enum status db_queue_tile(struct db *db, int64_t picture, struct queue_item *item, struct error *err);
// One picture as a queue item, open or not (after undo).
ASSAY_CHECKED enum status db_queue_item(struct db *db, int64_t picture, struct queue_item *item, struct error *err);

// Kept as numbers: reading them costs the same with ten pictures and with a million.
struct scene_counts { // of the active revision, or of the whole project for scene 0
    int64_t pictures, unreadable, screened, flagged, open, answered, normals, defects, unsure, truths;
    int64_t poor, poor_open; // set aside as poor pictures, not answered of those
};
ASSAY_CHECKED enum status db_counts(struct db *db, int64_t scene, struct scene_counts *counts,
                                    struct error *err);

#endif
