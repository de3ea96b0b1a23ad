// Finding pictures (find.c).
#ifndef DB_FIND_H
#define DB_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"

struct db;

struct find_filter { // everything given has to fit
    enum find_order {
        FIND_ANSWERED, // the latest answer first: those answered in the review, or in an audit and not asked again
        FIND_SCORE,    // most anomalous first: those flagged in a scene's active revision
        FIND_ADDED,    // added last first: all readable ones
    } order;
    int64_t scene;                        // 0 any
    bool has_least, has_most, has_verdict;
    double least, most;                   // score
    enum verdict verdict;                 // of the review or an audit; NONE: not answered
    char severity[16], class_name[128], person[128], path[256]; // "" any; the last three: a part of it, any case
    int64_t since_ms, until_ms;           // of the answer; 0 any
};
struct find_key { // where a page ended; begin with FIND_BEGIN
    double score;
    int64_t id;
};
#define FIND_BEGIN(filter) ((struct find_key){1e300, (filter)->order == FIND_SCORE ? 0 : INT64_MAX})
struct find_result {
    int64_t picture, scene, at_ms;
    char *path, *scene_name, *class_name, *severity, *person;
    double score; // -1 without
    bool flagged;
    enum verdict verdict;
};
void find_result_free(struct find_result *rows, size_t count);
// The next pictures after `after`, which becomes the place where looking ended; at most `limit`. A call looks on for some
// hundredths of a second: *more says that there are others to look at, also where *count is 0.
ASSAY_CHECKED enum status db_find(struct db *db, const struct find_filter *filter, struct find_key *after, size_t limit,
                                  struct find_result **rows, size_t *count, bool *more, struct error *err);
// Filters as people write them, by name. text "": forget it.
ASSAY_CHECKED enum status db_filter_save(struct db *db, const char *name, const char *text, struct error *err);
ASSAY_CHECKED enum status db_filters(struct db *db, void (*each)(void *context, const char *name, const char *text),
                                     void *context, struct error *err); // by name

#endif
