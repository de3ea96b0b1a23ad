#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/class.h"
#include "db/class_back.h"
#include "db/label.h"
#include "db/relation.h"

static const char doing[] = "keeping a relation";

void relation_free(struct relation_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].component);
        free(rows[i].fault);
        free(rows[i].cause);
        free(rows[i].action);
        free(rows[i].severity);
    }
    free(rows);
}

static enum status stands(struct db *db, const struct relation_row *row, const char *fault, int64_t *id, char severity[16],
                          bool *same, struct error *err)
{
    *id = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT id, severity, cause = ?3 AND action = ?4 FROM relation WHERE component = ?1"
                                    " AND " CLASS_NOW("fault") " = ?2 AND retired_ms = 0",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, row->component);
    bind_text(stmt, 2, fault);
    bind_text(stmt, 3, row->cause);
    bind_text(stmt, 4, row->action);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK) {
        *id = sqlite3_column_int64(stmt, 0);
        snprintf(severity, 16, "%s", column_text(stmt, 1));
        *same = sqlite3_column_int(stmt, 2) != 0 && strcmp(severity, row->severity) == 0;
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status retire(struct db *db, int64_t id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE relation SET retired_ms = ?2 WHERE id = ?1 AND retired_ms = 0", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, clock_unix_ms());
    return db_run(db, stmt, doing, err);
}

static enum status state(struct db *db, int64_t person, const struct relation_row *row, const char *fault, bool keep,
                         char before[16], bool *added, struct error *err)
{
    int64_t id;
    bool same = false;
    *added = false;
    enum status status = stands(db, row, fault, &id, before, &same, err);
    if (status != ST_OK || (id && (same || keep)))
        return status;
    if (id)
        status = retire(db, id, err);
    sqlite3_stmt *stmt = status == ST_OK ? db_prepare(db,
                                                      "INSERT INTO relation(component, fault, cause, action, severity, at_ms,"
                                                      " person) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                                      err)
                                         : NULL;
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, row->component);
    bind_text(stmt, 2, fault);
    bind_text(stmt, 3, row->cause);
    bind_text(stmt, 4, row->action);
    bind_text(stmt, 5, row->severity);
    sqlite3_bind_int64(stmt, 6, clock_unix_ms());
    sqlite3_bind_int64(stmt, 7, person);
    *added = true;
    return db_run(db, stmt, doing, err);
}

// What a template states is part of its own change (db_class_begin).
static enum status state_noted(struct db *db, int64_t person, const struct relation_row *row, const char *fault, bool keep,
                               char before[16], bool *added, struct error *err)
{
    int64_t event;
    enum status status = keep ? ST_OK : class_watch(db, err);
    if (status == ST_OK)
        status = state(db, person, row, fault, keep, before, added, err);
    if (status == ST_OK && *added && !keep)
        status = class_note(db, person, 0, fault, "stated", row->component, &event, err);
    if (status == ST_OK && *added && !keep)
        status = class_watched(db, event, err);
    return status;
}

enum status db_relation_state(struct db *db, int64_t person, const struct relation_row *row, bool keep, char before[16],
                              bool *added, struct error *err)
{
    char *fault;
    bool own;
    before[0] = '\0';
    if (!row->component[0] || !row->fault[0])
        return error_set(err, ST_INVALID, "a relation names a component and a fault");
    if (row->severity[0] && !severity_known(row->severity))
        return error_set(err, ST_INVALID, "a severity is stop, key or general, not \"%s\"", row->severity);
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = db_class_now(db, row->fault, &fault, err);
    if (status == ST_OK) {
        status = state_noted(db, person, row, fault, keep, before, added, err);
        free(fault);
    }
    return db_leave(db, own, status, err);
}

static enum status retire_noted(struct db *db, int64_t person, int64_t id, struct error *err)
{
    int64_t event;
    char *component = NULL, *fault = NULL;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT component, " CLASS_NOW("fault") " FROM relation WHERE id = ?1 AND retired_ms = 0", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK) {
        component = column_copy(stmt, 0);
        fault = column_copy(stmt, 1);
    }
    sqlite3_reset(stmt);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status; // somebody else took it away
    status = class_watch(db, err);
    if (status == ST_OK)
        status = retire(db, id, err);
    if (status == ST_OK)
        status = class_note(db, person, 0, fault, "taken away", component, &event, err);
    if (status == ST_OK)
        status = class_watched(db, event, err);
    free(component);
    free(fault);
    return status;
}

enum status db_relation_retire(struct db *db, int64_t person, int64_t id, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, retire_noted(db, person, id, err), err) : status;
}

enum status db_relation_list(struct db *db, const char *fault, struct relation_row **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    // What people answered otherwise is counted among the labels that stand.
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT r.id, r.component, " CLASS_NOW("r.fault") " AS now, r.cause, r.action, r.severity,"
                                    " (SELECT count(*) FROM verdict v JOIN label_event e ON e.id = v.event WHERE v.source = 0"
                                    "  AND v.verdict = 2 AND e.component = r.component AND " CLASS_NOW("e.class")
                                    "  = " CLASS_NOW("r.fault") " AND r.severity <> '' AND e.severity <> r.severity)"
                                    " FROM relation r WHERE r.retired_ms = 0 AND (?1 = '' OR now = ?1) ORDER BY now, r.component",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, fault ? fault : "");
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct relation_row){.id = sqlite3_column_int64(stmt, 0),
                                                    .component = column_copy(stmt, 1),
                                                    .fault = column_copy(stmt, 2),
                                                    .cause = column_copy(stmt, 3),
                                                    .action = column_copy(stmt, 4),
                                                    .severity = column_copy(stmt, 5),
                                                    .contradicted = sqlite3_column_int64(stmt, 6)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

// --- classes as a template has them ------------------------------------------------------------

enum status db_class_offer(struct db *db, const struct class_row *class, const char *parent, bool *added, struct error *err)
{
    char *now;
    *added = false;
    enum status status = db_class_now(db, class->name, &now, err);
    if (status != ST_OK)
        return status;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO class(id, name, severity, code, zh, parent) SELECT " CLASS_NEXT ", ?1, ?2,"
                                    " CASE WHEN EXISTS(SELECT 1 FROM class WHERE code = ?3) THEN '' ELSE ?3 END, ?4,"
                                    " (SELECT id FROM class WHERE name = " CLASS_NOW("?5") ")"
                                    " WHERE NOT EXISTS(SELECT 1 FROM class WHERE name = ?1)",
                                    err);
    if (stmt) {
        bind_text(stmt, 1, now);
        bind_text(stmt, 2, class->severity);
        bind_text(stmt, 3, class->code);
        bind_text(stmt, 4, class->zh);
        bind_text(stmt, 5, parent);
        status = db_run(db, stmt, "taking a class from a template", err);
        *added = status == ST_OK && sqlite3_changes(db->sqlite) > 0;
    } else {
        status = err->code;
    }
    free(now);
    return status;
}
