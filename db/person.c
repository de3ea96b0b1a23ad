#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/handle.h"

enum status db_person_ensure(struct db *db, const char *name, int64_t *id, struct error *err)
{
    if (!name[0])
        return error_set(err, ST_INVALID, "a person needs a name");
    sqlite3_stmt *stmt = db_prepare(db, "SELECT id FROM person WHERE name = ?1", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    enum status status = db_first(db, stmt, "looking for a person", err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (status != ST_NOT_FOUND)
        return status;
    stmt = db_prepare(db, "INSERT INTO person(name) VALUES(?1) ON CONFLICT DO UPDATE SET name = name RETURNING id", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    status = db_first(db, stmt, "adding a person", err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    if (status == ST_OK && sqlite3_step(stmt) != SQLITE_DONE)
        status = db_failed(db, "adding a person", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_class_ensure(struct db *db, const char *name, const char *severity, int64_t *id, struct error *err)
{
    if (!name[0])
        return error_set(err, ST_INVALID, "a class needs a name");
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO class(name, severity, uses, used_ms) VALUES(?1, ?2, 1, ?3)"
                                    " ON CONFLICT(name) DO UPDATE SET severity = excluded.severity, uses = uses + 1,"
                                    " used_ms = excluded.used_ms RETURNING id",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    bind_text(stmt, 2, severity);
    sqlite3_bind_int64(stmt, 3, clock_unix_ms());
    enum status status = db_first(db, stmt, "storing a class", err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    if (status == ST_OK && sqlite3_step(stmt) != SQLITE_DONE)
        status = db_failed(db, "storing a class", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_class_list(struct db *db, struct class_row **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT id, name, severity, uses FROM class ORDER BY used_ms DESC, id", err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct class_row){.id = sqlite3_column_int64(stmt, 0), .name = column_copy(stmt, 1),
                                                 .severity = column_copy(stmt, 2), .uses = sqlite3_column_int64(stmt, 3)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "listing the classes", err);
    sqlite3_reset(stmt);
    return status;
}

void class_free(struct class_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].name);
        free(rows[i].severity);
    }
    free(rows);
}
