// What is asked next (acquire.c).
#ifndef DB_ACQUIRE_H
#define DB_ACQUIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"
#include "screen/model.h"

struct db;

// This handle writes what can be computed again: a commit does not wait for the disk.
ASSAY_CHECKED enum status db_derived(struct db *db, struct error *err);
struct ask_row {          // text valid during the callback
    int64_t picture, event; // event: of the standing review verdict, 0 open
    const char *group;
    struct screen_score score;
    enum verdict verdict;
    const char *class_name;
    bool urgent;          // a defect of the severity stop
    double place;         // open ones: as stored
    int reason;           // enum acquire_reason, as stored
    int64_t about;        // picture, as stored; 0 none
};
// The open pictures of a scene, most anomalous first, then those answered in review that the active revision scored,
// latest first; at most `limit` of each. What an audit drew is not among the answered: nothing learns from it.
ASSAY_CHECKED enum status db_ask_pool(struct db *db, int64_t scene, size_t limit,
                                      void (*each)(void *context, const struct ask_row *row), void *context,
                                      struct error *err);
struct ask_change {
    int64_t picture, event; // what stands now; event 0: nothing
    enum verdict verdict;
    char *class_name;
    bool urgent;
};
// Review events of a scene with id > after, oldest first; *last: the latest of them, untouched without. ask_change_free
ASSAY_CHECKED enum status db_ask_changes(struct db *db, int64_t scene, int64_t after, struct ask_change **changes,
                                         size_t *count, int64_t *last, struct error *err);
void ask_change_free(struct ask_change *changes, size_t count);
ASSAY_CHECKED enum status db_ask_last(struct db *db, int64_t *event, struct error *err); // latest event of all
struct ask_new {
    int64_t picture;
    double place, expected; // expected < 0: not ordered yet
    int reason, source;
    int64_t about;          // picture, 0 none
};
// Give open pictures their places; those answered meanwhile are passed over. ST_BUSY, and nothing stored, when
// `revision` is not the active one any more.
ASSAY_CHECKED enum status db_ask_put(struct db *db, int64_t scene, int64_t revision, const struct ask_new *asks,
                                     size_t count, struct error *err);
// What scores below `score` and was never ordered comes after all that was.
ASSAY_CHECKED enum status db_ask_beyond(struct db *db, int64_t scene, double score, struct error *err);
ASSAY_CHECKED enum status db_ask_ahead(struct db *db, int64_t scene, size_t limit, struct ask_new **rows, size_t *count,
                                       struct error *err); // in the queue's order; caller frees
struct asked_row { // an answer (normal or defect) that stands, to what was asked
    int source, reason;
    double expected;
    bool defect;
    int64_t class_id;
};
ASSAY_CHECKED enum status db_asked(struct db *db, int64_t scene, size_t limit, struct asked_row **rows, size_t *count,
                                   struct error *err); // the latest `limit`, oldest first; caller frees
struct doubt_row {
    int64_t picture, event;
    double defect;
    int64_t about; // picture, 0 none
};
// Answers of a scene to be looked at again, in place of those noted before. What was said twice is left out.
ASSAY_CHECKED enum status db_doubt_put(struct db *db, int64_t scene, const struct doubt_row *rows, size_t count,
                                       struct error *err);
// Those (of `scene`, 0 all) that nobody answered since; caller frees.
ASSAY_CHECKED enum status db_doubt_list(struct db *db, int64_t scene, struct doubt_row **rows, size_t *count,
                                        struct error *err);

#endif
