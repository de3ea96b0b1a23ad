// Copies of the whole database (backup.c).
#ifndef DB_BACKUP_H
#define DB_BACKUP_H

#include <stdbool.h>

#include "base/status.h"

struct db;

// As it is at one moment, while others go on writing, into a new file at `path`; checked (integrity, references) and on
// disk when the call returns. A file that cannot be finished is removed. going: asked now and then, false ends with
// ST_CANCELLED; may be NULL.
ASSAY_CHECKED enum status db_backup(struct db *db, const char *path, bool (*going)(void *context, double done), void *context,
                                    struct error *err);
// same: the copy at `path` is of this project, now or earlier: the picture added first is the same. Two without pictures are
// taken for the same, too. Nothing is written.
ASSAY_CHECKED enum status db_backup_of(struct db *db, const char *path, bool *same, struct error *err);
// Whether a file is a whole database of ours that this program can read; nothing is written.
ASSAY_CHECKED enum status db_inspect(const char *path, struct error *err);

#endif
