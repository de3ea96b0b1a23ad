// What class.c, relation.c and class_back.c share.
#ifndef DB_CLASS_BACK_H
#define DB_CLASS_BACK_H

#include "db/handle.h"

// Remember all classes, earlier names and relations as they are; then, after a change, keep what event `event` made different.
enum status class_watch(struct db *db, struct error *err);
enum status class_watched(struct db *db, int64_t event, struct error *err);
// Append an event about class `id` as it is called now; name: what it is called, where it may be no class.
enum status class_note(struct db *db, int64_t person, int64_t id, const char *name, const char *what, const char *to, int64_t *event,
                       struct error *err);

// A number that no class has or had.
#define CLASS_NEXT "(SELECT 1 + max(coalesce((SELECT max(id) FROM class), 0), coalesce((SELECT max(class) FROM class_state), 0)))"

#endif
