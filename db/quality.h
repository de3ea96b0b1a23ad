// Poor pictures: how good they were measured to be, and what was said of that (quality.c).
#ifndef DB_QUALITY_H
#define DB_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "image/quality.h"

struct db;

ASSAY_CHECKED enum status db_quality_set(struct db *db, int64_t picture, const struct quality *quality,
                                         struct error *err);
// *known false: never measured.
ASSAY_CHECKED enum status db_quality_get(struct db *db, int64_t picture, struct quality *quality, bool *known,
                                         struct error *err);
// Readable pictures of a scene that were never measured, id > after, at most `limit`; caller frees.
ASSAY_CHECKED enum status db_quality_missing(struct db *db, int64_t scene, int64_t after, size_t limit, int64_t **ids,
                                             size_t *count, struct error *err);
struct quality_row {
    int64_t picture;
    struct quality quality;
    bool known;         // an answer about what it shows stands, given or imported: it is not set aside
};
// Measured pictures of a scene, id > after, at most `limit`; caller frees.
ASSAY_CHECKED enum status db_quality_page(struct db *db, int64_t scene, int64_t after, size_t limit,
                                          struct quality_row **rows, size_t *count, struct error *err);
ASSAY_CHECKED enum status db_quality_range_set(struct db *db, int64_t scene, const struct quality_range *range,
                                               struct error *err);
// count 0 when nothing was learnt yet.
ASSAY_CHECKED enum status db_quality_range_get(struct db *db, int64_t scene, struct quality_range *range,
                                               struct error *err);
// The program's judgement; POOR_NOT takes an earlier one back. What a person said about it stays. *aside: whether the
// picture is set aside now.
ASSAY_CHECKED enum status db_poor_judge(struct db *db, int64_t picture, enum poor poor, const char *why, bool *aside,
                                        struct error *err);
enum poor_state { POOR_OPEN, POOR_FINE, POOR_CONFIRMED, POOR_ANSWERED }; // the last: what it shows was answered
struct poor_row {
    int64_t picture;
    char kind[24], why[QUALITY_WHY];
    enum poor_state state;
};
// Open ones (of `scene`, 0 all) with id > after, rising.
ASSAY_CHECKED enum status db_poor_page(struct db *db, int64_t scene, int64_t after, size_t limit, struct poor_row **rows,
                                       size_t *count, struct error *err); // caller frees
ASSAY_CHECKED enum status db_poor_get(struct db *db, int64_t picture, struct poor_row *row, struct error *err); // ST_NOT_FOUND
ASSAY_CHECKED enum status db_poor_tally(struct db *db, int64_t scene,
                                        void (*each)(void *context, const char *kind, int64_t count, int64_t open),
                                        void *context, struct error *err); // those set aside, by kind
// Take back / give again this person's last answer about a poor picture, as db_label_undo and db_label_redo.
ASSAY_CHECKED enum status db_poor_undo(struct db *db, int64_t person, bool redo, int64_t *picture, struct error *err);

#endif
