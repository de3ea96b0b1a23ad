#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/handle.h"
#include "db/person.h"

enum status db_person_name_check(const char *name, struct error *err)
{
    if (!name[0])
        return error_set(err, ST_INVALID, "a person needs a name");
    if (!text_is_name(name))
        return error_set(err, ST_INVALID, "a person's name has no line breaks or other control characters, and %d bytes at most",
                         TEXT_NAME_BYTES);
    return ST_OK;
}

enum status db_person_ensure(struct db *db, const char *name, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT id FROM person WHERE name = ?1", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    enum status status = db_first(db, stmt, "looking for a person", err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (status == ST_NOT_FOUND)
        status = db_person_name_check(name, err) == ST_OK ? ST_NOT_FOUND : err->code;
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
