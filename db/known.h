// What is known of pictures, for comparing (known.c).
#ifndef DB_KNOWN_H
#define DB_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"

struct db;

// Pictures of a scene that are known to be `verdict`, by review or, where nobody reviewed them, by import; the latest
// `limit` at most. Caller frees.
ASSAY_CHECKED enum status db_known(struct db *db, int64_t scene, enum verdict verdict, size_t limit, int64_t **ids,
                                   size_t *count, struct error *err);
// Filtered pictures of a revision, those whose numbers are nearest to `picture`; at most `limit`. Caller frees.
ASSAY_CHECKED enum status db_filtered_near(struct db *db, int64_t revision, int64_t picture, size_t limit, int64_t **ids,
                                           size_t *count, struct error *err);
// Everything that was said about a picture, oldest first; text valid during the callback.
struct said_row {
    int64_t at_ms;
    const char *kind; // "answer", "skip", "undo", "redo", "truth"
    int64_t regions;  // how many the event holds
    const char *person, *class_name, *severity, *note;
    enum verdict verdict;
};
ASSAY_CHECKED enum status db_history(struct db *db, int64_t picture,
                                     void (*each)(void *context, const struct said_row *row), void *context,
                                     struct error *err);

#endif
