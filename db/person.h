// People, who of them leads, and what they write to each other (person.c, lead.c).
#ifndef DB_PERSON_H
#define DB_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

// ST_INVALID with a sentence: no name that a person may get.
ASSAY_CHECKED enum status db_person_name_check(const char *name, struct error *err);
// The person of that name, new if there is none.
ASSAY_CHECKED enum status db_person_ensure(struct db *db, const char *name, int64_t *id, struct error *err);
// Roles are by user name; they say who decides, they do not keep anybody out. Where no lead is named everybody may do
// what a lead may.
ASSAY_CHECKED enum status db_lead(struct db *db, int64_t person, bool *may, struct error *err);
// ST_INVALID with a sentence where `may` is false; `what`: "promoting a model".
ASSAY_CHECKED enum status db_lead_only(struct db *db, int64_t person, const char *what, struct error *err);
// ST_INVALID: `by` is no lead, or the last one would be taken away.
ASSAY_CHECKED enum status db_role_set(struct db *db, int64_t by, int64_t person, bool lead, struct error *err);
struct user_row {
    int64_t id, answers; // review events, whether they stand or not
    char *name;
    bool lead;
};
ASSAY_CHECKED enum status db_users(struct db *db, struct user_row **rows, size_t *count, struct error *err); // by name
void user_free(struct user_row *rows, size_t count);
// From one person to another, about a picture. Nothing of it is changed later.
ASSAY_CHECKED enum status db_comment_add(struct db *db, int64_t from, int64_t to, int64_t picture, const char *text,
                                         struct error *err);
struct comment_row { // text valid during the callback
    int64_t id, at_ms, picture;
    const char *from, *to, *path, *text;
};
// To `person` and not seen yet, oldest first; those about a picture.
ASSAY_CHECKED enum status db_comments_new(struct db *db, int64_t person,
                                          void (*each)(void *context, const struct comment_row *row), void *context,
                                          struct error *err);
ASSAY_CHECKED enum status db_comments_about(struct db *db, int64_t picture,
                                            void (*each)(void *context, const struct comment_row *row), void *context,
                                            struct error *err);
ASSAY_CHECKED enum status db_comments_seen(struct db *db, int64_t person, int64_t last, struct error *err); // up to id `last`

#endif
