#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/class.h"
#include "db/class_back.h"
#include "db/label.h"

// What the name stands for now: renamed and merged ones lead on.
static enum status resolve(struct db *db, const char *name, char **now, struct error *err)
{
    *now = NULL;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT " CLASS_NOW("?1"), err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    enum status status = db_first(db, stmt, "looking for a class", err);
    if (status == ST_OK)
        *now = column_copy(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

enum status db_class_now(struct db *db, const char *name, char **now, struct error *err)
{
    return resolve(db, name, now, err);
}

enum status db_class_zh(struct db *db, const char *name, char **zh, struct error *err)
{
    *zh = NULL;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT zh FROM class WHERE name = ?1", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    enum status status = ST_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        *zh = column_copy(stmt, 0);
    else if (step == SQLITE_DONE)
        *zh = xstrdup("");
    else
        status = db_failed(db, "looking for a class", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_class_ensure(struct db *db, const char *name, const char *severity, int64_t *id, struct error *err)
{
    char *now;
    if (!name[0])
        return error_set(err, ST_INVALID, "a class needs a name");
    enum status status = resolve(db, name, &now, err);
    if (status != ST_OK)
        return status;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO class(id, name, severity, uses, used_ms) VALUES(" CLASS_NEXT ", ?1, ?2, 1, ?3)"
                                    " ON CONFLICT(name) DO UPDATE SET severity = excluded.severity, uses = uses + 1,"
                                    " used_ms = excluded.used_ms, retired = 0 RETURNING id",
                                    err);
    if (stmt) {
        bind_text(stmt, 1, now);
        bind_text(stmt, 2, severity);
        sqlite3_bind_int64(stmt, 3, clock_unix_ms());
        status = db_first(db, stmt, "storing a class", err);
        if (status == ST_OK)
            *id = sqlite3_column_int64(stmt, 0);
        if (status == ST_OK && sqlite3_step(stmt) != SQLITE_DONE)
            status = db_failed(db, "storing a class", err);
        sqlite3_reset(stmt);
    } else {
        status = err->code;
    }
    free(now);
    return status;
}

enum status db_class_list(struct db *db, struct class_row **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt =
        db_prepare(db, "SELECT id, name, severity, uses, code, parent, retired, zh FROM class ORDER BY used_ms DESC, id", err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct class_row){.id = sqlite3_column_int64(stmt, 0), .name = column_copy(stmt, 1),
                                                 .severity = column_copy(stmt, 2), .uses = sqlite3_column_int64(stmt, 3),
                                                 .code = column_copy(stmt, 4), .parent = sqlite3_column_int64(stmt, 5),
                                                 .retired = sqlite3_column_int(stmt, 6) != 0,
                                                 .zh = column_copy(stmt, 7)};
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
        free(rows[i].code);
        free(rows[i].zh);
    }
    free(rows);
}

// --- changes ------------------------------------------------------------------------

// One statement with ?1 id and ?2 text or number.
static enum status change(struct db *db, const char *sql, int64_t id, const char *text, int64_t number, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    if (text)
        bind_text(stmt, 2, text);
    else if (sqlite3_bind_parameter_count(stmt) > 1)
        sqlite3_bind_int64(stmt, 2, number);
    return db_run(db, stmt, "changing a class", err);
}

static enum status class_id(struct db *db, const char *sql, const char *text, int64_t *id, struct error *err)
{
    *id = 0;
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, text);
    enum status status = db_first(db, stmt, "looking for a class", err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static const char by_name[] = "SELECT id FROM class WHERE name = ?1";

static enum status rename_class(struct db *db, int64_t id, const char *name, struct error *err)
{
    int64_t other;
    if (!name[0])
        return error_set(err, ST_INVALID, "a class needs a name");
    enum status status = class_id(db, by_name, name, &other, err);
    if (status == ST_OK && other == id)
        return ST_OK;
    if (status == ST_OK && other)
        return error_set(err, ST_INVALID, "there is a class called \"%s\"; merge this one into it", name);
    if (status == ST_OK)
        status = class_id(db, "SELECT class FROM class_alias WHERE name = ?1", name, &other, err);
    if (status == ST_OK && other && other != id)
        return error_set(err, ST_INVALID, "\"%s\" was the name of another class and leads to it", name);
    if (status == ST_OK) // back to an earlier name
        status = change(db, "DELETE FROM class_alias WHERE class = ?1 AND name = ?2", id, name, 0, err);
    if (status == ST_OK)
        status = change(db, "INSERT INTO class_alias(name, class) SELECT name, id FROM class WHERE id = ?1", id, NULL, 0, err);
    return status == ST_OK ? change(db, "UPDATE class SET name = ?2 WHERE id = ?1", id, name, 0, err) : status;
}

static enum status merge_class(struct db *db, int64_t id, const char *into, struct error *err)
{
    static const char *const steps[] = {
        "UPDATE class_alias SET class = ?2 WHERE class = ?1",
        "INSERT INTO class_alias(name, class) SELECT name, ?2 FROM class WHERE id = ?1",
        ("UPDATE class SET uses = uses + (SELECT uses FROM class WHERE id = ?1),"
         " used_ms = max(used_ms, (SELECT used_ms FROM class WHERE id = ?1)) WHERE id = ?2"),
        // what lay below lies below the other one now, or, where that lay below this one, where this one lay
        "UPDATE class SET parent = (SELECT parent FROM class WHERE id = ?1) WHERE id = ?2 AND parent = ?1",
        "UPDATE class SET parent = ?2 WHERE parent = ?1",
        "DELETE FROM class WHERE id = ?1 AND id <> ?2",
    };
    int64_t other;
    enum status status = class_id(db, by_name, into, &other, err);
    if (status == ST_OK && (!other || other == id))
        return error_set(err, ST_INVALID, other ? "a class cannot be merged into itself" : "there is no class called \"%s\"", into);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == ST_OK; i++)
        status = change(db, steps[i], id, NULL, other, err);
    return status;
}

static enum status put_below(struct db *db, int64_t id, const char *parent, struct error *err)
{
    int64_t other = 0, round = 0;
    enum status status = ST_OK;
    if (parent[0]) {
        status = class_id(db, by_name, parent, &other, err);
        if (status == ST_OK && !other)
            return error_set(err, ST_INVALID, "there is no class called \"%s\"", parent);
    }
    if (status == ST_OK && other) {
        sqlite3_stmt *stmt = db_prepare(db,
                                        "WITH RECURSIVE up(id) AS (SELECT ?1 UNION SELECT c.parent FROM up JOIN class c ON"
                                        " c.id = up.id WHERE c.parent IS NOT NULL) SELECT count(*) FROM up WHERE id = ?2",
                                        err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, other);
        sqlite3_bind_int64(stmt, 2, id);
        status = db_first(db, stmt, "looking for a class", err);
        round = status == ST_OK ? sqlite3_column_int64(stmt, 0) : 0;
        sqlite3_reset(stmt);
    }
    if (status == ST_OK && round)
        return error_set(err, ST_INVALID, "\"%s\" lies below this class", parent);
    return status == ST_OK ? change(db, "UPDATE class SET parent = nullif(?2, 0) WHERE id = ?1", id, NULL, other, err) : status;
}

static enum status set_code(struct db *db, int64_t id, const char *code, struct error *err)
{
    int64_t other = 0;
    enum status status = code[0] ? class_id(db, "SELECT id FROM class WHERE code = ?1", code, &other, err) : ST_OK;
    if (status == ST_OK && other && other != id)
        return error_set(err, ST_INVALID, "another class has the code \"%s\"", code);
    return status == ST_OK ? change(db, "UPDATE class SET code = ?2 WHERE id = ?1", id, code, 0, err) : status;
}

static enum status new_class(struct db *db, const char *name, int64_t *id, struct error *err)
{
    enum status status = name[0] ? class_id(db, "SELECT id FROM class WHERE name = " CLASS_NOW("?1"), name, id, err)
                                 : error_set(err, ST_INVALID, "a class needs a name");
    if (status == ST_OK && *id)
        return error_set(err, ST_INVALID, "there is a class called \"%s\", or one that was", name);
    sqlite3_stmt *stmt =
        status == ST_OK ? db_prepare(db, "INSERT INTO class(id, name, severity, used_ms) VALUES(" CLASS_NEXT ", ?1, 'general', ?2)", err) : NULL;
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    sqlite3_bind_int64(stmt, 2, clock_unix_ms());
    status = db_run(db, stmt, "making a class", err);
    *id = sqlite3_last_insert_rowid(db->sqlite);
    return status;
}

static enum status change_one(struct db *db, int64_t id, enum class_change what, const char *value, struct error *err)
{
    switch (what) {
    case CLASS_RENAME:
        return rename_class(db, id, value, err);
    case CLASS_CODE:
        return set_code(db, id, value, err);
    case CLASS_PARENT:
        return put_below(db, id, value, err);
    case CLASS_MERGE:
        return merge_class(db, id, value, err);
    case CLASS_RETIRE:
        return change(db, "UPDATE class SET retired = ?2 WHERE id = ?1", id, NULL, value[0] != '\0', err);
    case CLASS_ZH:
        return change(db, "UPDATE class SET zh = ?2 WHERE id = ?1", id, value, 0, err);
    case CLASS_SEVERITY:
        return severity_known(value) ? change(db, "UPDATE class SET severity = ?2 WHERE id = ?1", id, value, 0, err)
                                     : error_set(err, ST_INVALID, "a severity is stop, key or general, not \"%s\"", value);
    case CLASS_NEW:
        break;
    }
    return ST_OK;
}

static enum status is_there(struct db *db, int64_t id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM class WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_first(db, stmt, "looking for a class", err);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, ST_NOT_FOUND, "this class is not there any more") : status;
}

enum status db_class_change(struct db *db, int64_t person, int64_t id, enum class_change what, const char *value,
                            struct error *err)
{
    static const char *const names[] = {"rename", "code", "severity", "parent", "retire", "merge", "zh", "new"};
    int64_t event;
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = class_watch(db, err);
    if (status == ST_OK)
        status = what == CLASS_NEW ? new_class(db, value, &id, err) : is_there(db, id, err);
    if (status == ST_OK)
        status = class_note(db, person, id, NULL, names[what], what == CLASS_NEW ? "" : value, &event, err); // with the name it had
    if (status == ST_OK)
        status = change_one(db, id, what, value, err);
    if (status == ST_OK)
        status = class_watched(db, event, err);
    return db_leave(db, own, status, err);
}
