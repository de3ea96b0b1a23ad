#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/handle.h"
#include "db/person.h"

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
