#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/hook.h"
#include "db/report_sql.h"

enum status db_hook_add(struct db *db, const char *name, int64_t first, int64_t *count, struct error *err)
{
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT OR IGNORE INTO hook(event, name, at_ms) SELECT e.id, ?2, e.at_ms FROM label_event e"
        " JOIN verdict v ON v.event = e.id LEFT JOIN class k ON k.name = " CLASS_NOW("e.class")
        " WHERE e.id >= ?1 AND e.verdict = 2 AND " SEVERITY_OF("e") " = 'stop' AND (e.source = 0 OR (e.source = 3"
        "  AND EXISTS(SELECT 1 FROM audit_found f WHERE f.picture = e.picture)))"
        " AND NOT EXISTS(SELECT 1 FROM label_event o JOIN hook h ON h.event = o.id WHERE o.picture = e.picture"
        "  AND o.id < ?1 AND h.state IN (0, 1) AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = o.id))",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, first);
    bind_text(stmt, 2, name);
    enum status status = db_run(db, stmt, "noting a command that is due", err);
    *count = status == ST_OK ? sqlite3_changes(db->sqlite) : 0;
    return status;
}

void hook_clear(struct hook_row *row)
{
    char *texts[] = {row->path, row->object, row->position, row->scene, row->class_name, row->person, row->note};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    *row = (struct hook_row){0};
}

enum status db_hook_next(struct db *db, struct hook_row *row, struct error *err)
{
    *row = (struct hook_row){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT h.event, e.picture, e.at_ms, h.next_ms, h.tries,"
        " coalesce((SELECT path FROM location WHERE picture = p.id ORDER BY id LIMIT 1), ''),"
        " coalesce(p.object, CASE WHEN p.grp_given THEN p.grp END, ''), p.position, c.name,"
        " " CLASS_NOW("e.class") ", w.name, e.note, NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = e.id)"
        " FROM hook h JOIN label_event e ON e.id = h.event JOIN picture p ON p.id = e.picture JOIN scene c ON c.id = p.scene"
        " JOIN person w ON w.id = e.person WHERE h.state = 0 ORDER BY h.next_ms, h.event LIMIT 1",
        err);
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, "looking for commands that are due", err);
    if (status == ST_OK)
        *row = (struct hook_row){.event = sqlite3_column_int64(stmt, 0), .picture = sqlite3_column_int64(stmt, 1),
                                 .at_ms = sqlite3_column_int64(stmt, 2), .next_ms = sqlite3_column_int64(stmt, 3),
                                 .tries = sqlite3_column_int64(stmt, 4), .path = column_copy(stmt, 5),
                                 .object = column_copy(stmt, 6), .position = column_copy(stmt, 7),
                                 .scene = column_copy(stmt, 8), .class_name = column_copy(stmt, 9),
                                 .person = column_copy(stmt, 10), .note = column_copy(stmt, 11),
                                 .stands = sqlite3_column_int(stmt, 12) != 0};
    sqlite3_reset(stmt);
    return status;
}

enum status db_hook_try(struct db *db, int64_t event, int64_t next_ms, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE hook SET tries = tries + 1, next_ms = ?2 WHERE event = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, event);
    sqlite3_bind_int64(stmt, 2, next_ms);
    return db_run(db, stmt, "noting that a command runs", err);
}

enum status db_hook_tell(struct db *db, int64_t event, enum hook_state state, const char *sentence, struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE hook SET state = ?2, sentence = ?3, told_ms = ?4 WHERE event = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, event);
    sqlite3_bind_int(stmt, 2, state);
    bind_text(stmt, 3, sentence);
    sqlite3_bind_int64(stmt, 4, clock_unix_ms());
    return db_run(db, stmt, "noting how a command ended", err);
}

enum status db_hook_again(struct db *db, int64_t *count, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE hook SET state = 0, tries = 0, next_ms = 0 WHERE state IN (0, 2)", err);
    if (!stmt)
        return err->code;
    enum status status = db_run(db, stmt, "making commands due again", err);
    *count = status == ST_OK ? sqlite3_changes(db->sqlite) : 0;
    return status;
}

enum status db_hook_counts(struct db *db, struct hook_counts *counts, struct error *err)
{
    *counts = (struct hook_counts){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT coalesce(sum(state = 0), 0), coalesce(sum(state = 2), 0), coalesce((SELECT sentence FROM hook"
        " WHERE state = 2 OR (state = 0 AND told_ms > 0) ORDER BY told_ms DESC LIMIT 1), '') FROM hook WHERE state IN (0, 2)",
        err);
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, "counting commands that are due", err);
    if (status == ST_OK) {
        counts->due = sqlite3_column_int64(stmt, 0);
        counts->failed = sqlite3_column_int64(stmt, 1);
        snprintf(counts->sentence, sizeof counts->sentence, "%s", column_text(stmt, 2));
    }
    sqlite3_reset(stmt);
    return status;
}
