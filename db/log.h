// The log: who did what when (log.c).
#ifndef DB_LOG_H
#define DB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

// ST_NOT_FOUND with a sentence where nobody of that name (any case) is known.
ASSAY_CHECKED enum status db_log_person(struct db *db, const char *person, struct error *err);
// What is in no other table: pictures added, answers imported, backups, what is asked of a round ("round"). kind: one word.
ASSAY_CHECKED enum status db_log_add(struct db *db, const char *person, const char *kind, const char *scene,
                                     const char *text, struct error *err);
struct log_filter { // everything given has to fit
    int64_t scene;            // 0 any
    char person[128], kind[32]; // "" any; the person's name, any case
    int64_t since_ms, until_ms; // 0 any
};
struct log_key { // where a page ended; begin with {0}
    int64_t at_ms, source, id;
};
struct log_row { // text valid during the callback
    int64_t at_ms, picture;   // picture 0 none
    const char *kind;         // "answer", "skip", "undo", "redo", "comment", "class", "role", "screening", "round",
                              // "model", "audit", "hook", "relation", or as in db_log_add
    const char *person, *scene, *path;
    const char *what;         // "normal" ..; what of a class; how a model became active; a round's state, "" as in db_log_add
    const char *first, *second; // class and severity; name and value; revision and reason; sentence
    const char *note;
    bool lead, quality, audited; // of an answer: in the second review, about how good the picture is, in an audit
};
// ST_INVALID, with what there is: no kind of event is called so.
ASSAY_CHECKED enum status db_log_kind(const char *kind, struct error *err);
// Latest first, the next ones after `after`, which becomes the last one's; at most `limit`. Imported answers are one row
// for each import.
ASSAY_CHECKED enum status db_log(struct db *db, const struct log_filter *filter, struct log_key *after, size_t limit,
                                 void (*each)(void *context, const struct log_row *row), void *context, size_t *count,
                                 struct error *err);

#endif
