// Commands that are due (hook.c).
#ifndef DB_HOOK_H
#define DB_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct db;

enum hook_state { HOOK_DUE, HOOK_DONE, HOOK_FAILED, HOOK_TAKEN_BACK };
// Of the events from `first` on, those that make a picture's label a stop defect; not where a command is due or was run
// for what stands of the same picture already. In the transaction of the answers; *count: how many are due now.
ASSAY_CHECKED enum status db_hook_add(struct db *db, const char *name, int64_t first, int64_t *count, struct error *err);
struct hook_row {
    int64_t event, picture, at_ms, next_ms, tries; // at_ms: of the answer
    char *path, *object, *position, *scene, *class_name, *person, *note;
    bool stands;          // it was not taken back since
};
void hook_clear(struct hook_row *row);
// The one that is due first, whether its time has come or not; ST_NOT_FOUND.
ASSAY_CHECKED enum status db_hook_next(struct db *db, struct hook_row *row, struct error *err);
// One more try, begun (`sentence` NULL) or ended.
ASSAY_CHECKED enum status db_hook_try(struct db *db, int64_t event, int64_t next_ms, struct error *err);
ASSAY_CHECKED enum status db_hook_tell(struct db *db, int64_t event, enum hook_state state, const char *sentence,
                                       struct error *err);
ASSAY_CHECKED enum status db_hook_again(struct db *db, int64_t *count, struct error *err); // those that wait or were given up: now
struct hook_counts {
    int64_t due, failed;
    char sentence[256]; // of the latest that failed, "" none
};
ASSAY_CHECKED enum status db_hook_counts(struct db *db, struct hook_counts *counts, struct error *err);

#endif
