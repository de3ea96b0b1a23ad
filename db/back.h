// Taking back, across answers and changes of classes (class_back.c).
#ifndef DB_BACK_H
#define DB_BACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct db;

struct back {
    int64_t picture, count;   // of answers, as db_label_back; picture 0: a change of classes
    char *what, *name, *value; // of a change: "rename", ...; the class as it was called; as in db_class_change
    bool kept;                // ... that stays as it is, for others have built on it; the next call goes on before it
};
// What this person did last and stands (again: took back last, unless something was done since). back_clear.
// ST_NOT_FOUND: nothing.
ASSAY_CHECKED enum status db_back(struct db *db, int64_t person, bool again, struct back *back, struct error *err);
void back_clear(struct back *back);

#endif
