// The project's database: the one handle behind which all SQL lives (db.c, migrate.c). A handle
// belongs to one thread; open one per thread, after any exec. Calls return
// within milliseconds and write in short transactions (BEGIN IMMEDIATE).
// Text handed out in rows is owned by the row; ROW_clear functions free it.
// Each subject has a header of its own beside this one.
#ifndef DB_PROJECT_H
#define DB_PROJECT_H

#include "base/status.h"

struct db;

// Make project.db (ST_INVALID when it exists). Refuses network file systems.
ASSAY_CHECKED enum status db_create(const char *path, struct db **db, struct error *err);
// Open an existing one, migrating it to this program's version; newer: ST_NEWER;
// not ours (application_id) or damaged: ST_CORRUPT.
ASSAY_CHECKED enum status db_open(const char *path, struct db **db, struct error *err);
void db_close(struct db *db);

// Group several calls into one transaction (no nesting). db_rollback never fails.
ASSAY_CHECKED enum status db_begin(struct db *db, struct error *err);
ASSAY_CHECKED enum status db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

// Project settings by key; *value NULL when unset (caller frees).
ASSAY_CHECKED enum status db_setting_get(struct db *db, const char *key, char **value, struct error *err);
ASSAY_CHECKED enum status db_setting_set(struct db *db, const char *key, const char *value, struct error *err);
#define DB_SCENE_SIZE "scene.size" // settings.size of scenes made from now on, "" the program's default

#endif
