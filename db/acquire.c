#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "db/acquire.h"
#include "db/handle.h"
#include "db/label.h"
#include "db/scene.h"

enum status db_derived(struct db *db, struct error *err)
{
    // In WAL mode a power cut may then take back what was last written, and leaves the rest whole.
    if (sqlite3_exec(db->sqlite, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) != SQLITE_OK)
        return db_failed(db, "opening", err);
    return ST_OK;
}

// ---- what is to be ordered ----

static void read_row(sqlite3_stmt *stmt, struct ask_row *row)
{
    *row = (struct ask_row){.picture = sqlite3_column_int64(stmt, 0),
                            .group = column_text(stmt, 1),
                            .event = sqlite3_column_int64(stmt, 2),
                            .verdict = (enum verdict)sqlite3_column_int(stmt, 3),
                            .class_name = column_text(stmt, 4),
                            .urgent = sqlite3_column_int(stmt, 5) != 0,
                            .place = sqlite3_column_double(stmt, 6),
                            .reason = sqlite3_column_int(stmt, 7),
                            .about = sqlite3_column_int64(stmt, 8)};
    row->score.score = sqlite3_column_double(stmt, 9);
    for (int d = 0; d < DETECTORS; d++)
        row->score.parts[d] = sqlite3_column_double(stmt, 10 + d);
}

static enum status walk(struct db *db, const char *sql, int64_t scene, size_t limit,
                        void (*each)(void *context, const struct ask_row *row), void *context,
                        struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, (int64_t)limit);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ask_row row;
        read_row(stmt, &row);
        each(context, &row);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading what may be asked", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_ask_pool(struct db *db, int64_t scene, size_t limit,
                        void (*each)(void *context, const struct ask_row *row), void *context,
                        struct error *err)
{
    static const char open[] =
        "SELECT s.picture, p.grp, 0, 0, '', 0, q.place, q.reason, q.about, s.score, " SCORE_PARTS " FROM queue q"
        " CROSS JOIN scene c ON c.id = q.scene CROSS JOIN score s ON s.revision = c.active_revision"
        " AND s.picture = q.picture CROSS JOIN picture p ON p.id = q.picture"
        " WHERE q.scene = ?1 ORDER BY q.score DESC, q.picture LIMIT ?2";
    static const char answered[] =
        "SELECT s.picture, p.grp, v.event, v.verdict, " CLASS_NOW("e.class") ", e.severity = 'stop', 0, 0, 0, s.score, " SCORE_PARTS
        " FROM verdict v CROSS JOIN picture p ON p.id = v.picture CROSS JOIN scene c ON c.id = p.scene"
        " CROSS JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
        " CROSS JOIN label_event e ON e.id = v.event"
        " WHERE v.source = 0 AND p.scene = ?1 AND NOT EXISTS(SELECT 1 FROM audit_draw d WHERE d.picture = "
        "p.id"
        " AND d.stratum <> 'slipped') ORDER BY v.event DESC LIMIT ?2";
    enum status status = walk(db, open, scene, limit, each, context, err);
    return status == ST_OK ? walk(db, answered, scene, limit, each, context, err) : status;
}

enum status db_ask_changes(struct db *db, int64_t scene, int64_t after, struct ask_change **changes,
                           size_t *count, int64_t *last, struct error *err)
{
    size_t capacity = 0;
    *changes = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT e.id, e.picture, v.event, v.verdict, w.class, w.severity = 'stop' FROM label_event e"
        " JOIN picture p ON p.id = e.picture LEFT JOIN verdict v ON v.picture = e.picture AND v.source = 0"
        " LEFT JOIN label_event w ON w.id = v.event"
        " WHERE e.id > ?2 AND e.source = 0 AND p.scene = ?1 ORDER BY e.id",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, after);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*changes, capacity, *count + 1);
        (*changes)[(*count)++] = (struct ask_change){.picture = sqlite3_column_int64(stmt, 1),
                                                     .event = sqlite3_column_int64(stmt, 2),
                                                     .verdict = (enum verdict)sqlite3_column_int(stmt, 3),
                                                     .class_name = column_copy(stmt, 4),
                                                     .urgent = sqlite3_column_int(stmt, 5) != 0};
        *last = sqlite3_column_int64(stmt, 0);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading answers", err);
    sqlite3_reset(stmt);
    return status;
}

void ask_change_free(struct ask_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(changes[i].class_name);
    free(changes);
}

enum status db_ask_last(struct db *db, int64_t *event, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT coalesce(max(id), 0) FROM label_event", err);
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, "reading answers", err);
    if (status == ST_OK)
        *event = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

// ---- the order ----

static enum status put(struct db *db, int64_t scene, const struct ask_new *ask, struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE queue SET place = ?3, reason = ?4, about = ?5, source = ?6, expected = ?7"
                   " WHERE picture = ?1 AND scene = ?2",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, ask->picture);
    sqlite3_bind_int64(stmt, 2, scene);
    sqlite3_bind_double(stmt, 3, ask->place);
    sqlite3_bind_int(stmt, 4, ask->reason);
    if (ask->about)
        sqlite3_bind_int64(stmt, 5, ask->about);
    sqlite3_bind_int(stmt, 6, ask->source);
    sqlite3_bind_double(stmt, 7, ask->expected);
    return db_run(db, stmt, "ordering the queue", err);
}

static enum status put_all(struct db *db, int64_t scene, int64_t revision, const struct ask_new *asks,
                           size_t count, struct error *err)
{
    struct scene row;
    enum status status = db_scene_get(db, scene, NULL, &row, err);
    if (status != ST_OK)
        return status;
    bool active = row.active_revision == revision;
    scene_clear(&row);
    if (!active)
        return error_set(err, ST_BUSY, "another revision became active");
    for (size_t i = 0; i < count && status == ST_OK; i++)
        status = put(db, scene, &asks[i], err);
    return status;
}

enum status db_ask_put(struct db *db, int64_t scene, int64_t revision, const struct ask_new *asks,
                       size_t count, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, put_all(db, scene, revision, asks, count, err), err) : status;
}

enum status db_ask_beyond(struct db *db, int64_t scene, double score, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "UPDATE queue SET place = 0 WHERE scene = ?1 AND score < ?2 AND place = 1 AND expected IS NULL",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_double(stmt, 2, score);
    return db_run(db, stmt, "ordering the queue", err);
}

// ---- what the questions brought ----

enum status db_asked(struct db *db, int64_t scene, size_t limit, struct asked_row **rows, size_t *count,
                     struct error *err)
{
    size_t capacity = 0;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT a.source, a.reason, a.expected, v.verdict, coalesce(k.id, 0) FROM asked a"
                                    " JOIN label_event e ON e.id = a.event"
                                    " JOIN verdict v ON v.picture = e.picture AND v.source = 0 AND v.event = a.event"
                                    " LEFT JOIN class k ON k.name = " CLASS_NOW("e.class") " AND e.class <> ''"
                                    " WHERE a.scene = ?1 AND v.verdict IN (1, 2) ORDER BY a.event DESC LIMIT ?2",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, (int64_t)limit);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct asked_row){.source = sqlite3_column_int(stmt, 0),
                                                 .reason = sqlite3_column_int(stmt, 1),
                                                 .expected = sqlite3_column_double(stmt, 2),
                                                 .defect = sqlite3_column_int(stmt, 3) == VERDICT_DEFECT,
                                                 .class_id = sqlite3_column_int64(stmt, 4)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading what was asked", err);
    sqlite3_reset(stmt);
    for (size_t i = 0; i < *count / 2; i++) { // oldest first
        struct asked_row swap = (*rows)[i];
        (*rows)[i] = (*rows)[*count - 1 - i];
        (*rows)[*count - 1 - i] = swap;
    }
    return status;
}

enum status db_ask_ahead(struct db *db, int64_t scene, size_t limit, struct ask_new **rows, size_t *count,
                         struct error *err)
{
    size_t capacity = 0;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT picture, place, reason, coalesce(about, 0), source, coalesce(expected, -1)"
                   " FROM queue WHERE scene = ?1 ORDER BY place DESC, score DESC, picture LIMIT ?2",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, (int64_t)limit);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct ask_new){.picture = sqlite3_column_int64(stmt, 0),
                                               .place = sqlite3_column_double(stmt, 1),
                                               .reason = sqlite3_column_int(stmt, 2),
                                               .about = sqlite3_column_int64(stmt, 3),
                                               .source = sqlite3_column_int(stmt, 4),
                                               .expected = sqlite3_column_double(stmt, 5)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading the queue", err);
    sqlite3_reset(stmt);
    return status;
}

// ---- a second look ----

// An answer that was said twice, whoever said it, and stands.
#define CONFIRMED                                                                                            \
    " (SELECT count(*) FROM label_event k WHERE k.picture = e.picture AND k.source = 0 AND k.kind IN "       \
    "('answer', 'redo')"                                                                                     \
    "  AND k.verdict = e.verdict AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = k.id AND u.kind "  \
    "= 'undo')) > 1"

static enum status replace_doubts(struct db *db, int64_t scene, const struct doubt_row *rows, size_t count,
                                  struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "DELETE FROM doubt WHERE scene = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_run(db, stmt, "noting what to look at again", err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        stmt =
            db_prepare(db,
                       "INSERT OR REPLACE INTO doubt(picture, scene, event, defect, about, nth)"
                       " SELECT ?2, ?1, ?3, ?4, ?5, ?6 FROM label_event e WHERE e.id = ?3 AND NOT" CONFIRMED,
                       err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, scene);
        sqlite3_bind_int64(stmt, 2, rows[i].picture);
        sqlite3_bind_int64(stmt, 3, rows[i].event);
        sqlite3_bind_double(stmt, 4, rows[i].defect);
        if (rows[i].about)
            sqlite3_bind_int64(stmt, 5, rows[i].about);
        sqlite3_bind_int64(stmt, 6, (int64_t)i);
        status = db_run(db, stmt, "noting what to look at again", err);
    }
    return status;
}

enum status db_doubt_put(struct db *db, int64_t scene, const struct doubt_row *rows, size_t count,
                         struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, replace_doubts(db, scene, rows, count, err), err) : status;
}

enum status db_doubt_list(struct db *db, int64_t scene, struct doubt_row **rows, size_t *count,
                          struct error *err)
{
    size_t capacity = 0;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT d.picture, d.event, d.defect, coalesce(d.about, 0) FROM doubt d"
                   " JOIN verdict v ON v.picture = d.picture AND v.source = 0 AND v.event = d.event"
                   " WHERE ?1 = 0 OR d.scene = ?1 ORDER BY d.scene, d.nth",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] =
            (struct doubt_row){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                               sqlite3_column_double(stmt, 2), sqlite3_column_int64(stmt, 3)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading what to look at again", err);
    sqlite3_reset(stmt);
    return status;
}
