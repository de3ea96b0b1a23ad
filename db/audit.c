#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/audit.h"
#include "db/handle.h"
#include "db/label.h"

// What stood of `source` about a picture when event `event` was the latest.
#define SAID(source, picture, event)                                                                    \
    "(SELECT e.verdict FROM label_event e WHERE e.picture = " picture " AND e.source = " source           \
    " AND e.kind IN ('answer', 'redo', 'truth') AND e.verdict <> 4 AND e.id <= " event                    \
    " AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = e.id AND u.kind = 'undo' AND u.id <= " event ")"        \
    " ORDER BY e.id DESC LIMIT 1)"
// Whether score `s` is of a picture that audit `a` is about.
#define MEMBER(a, s)                                                                                    \
    s ".revision = " a ".revision AND " s ".flagged = 0 AND " s ".picture <= " a ".last_picture"          \
    " AND NOT EXISTS(SELECT 1 FROM audit_late l WHERE l.audit = " a ".id AND l.picture = " s ".picture)"  \
    " AND coalesce(" SAID("0", s ".picture", a ".last_event") ", 0) NOT IN (1, 2)"                        \
    " AND coalesce(" SAID("1", s ".picture", a ".last_event") ", 0) NOT IN (1, 2)"

enum status db_audit_begin(struct db *db, const struct audit_row *row, int64_t *id, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT INTO audit(scene, revision, previous, previous_used, fixed, bound, confidence, seed, last_picture,"
        " last_event, at_ms) SELECT c.id, c.active_revision, b.id, coalesce((SELECT min(d.place) FROM audit_draw d"
        "  WHERE d.audit = b.id AND d.place IS NOT NULL AND NOT EXISTS(SELECT 1 FROM verdict v WHERE v.picture = d.picture"
        "  AND v.source = 3)), (SELECT max(d.place) + 1 FROM audit_draw d WHERE d.audit = b.id), 0), ?2, ?3, ?4, ?5,"
        " (SELECT coalesce(max(id), 0) FROM picture), (SELECT coalesce(max(id), 0) FROM label_event), ?6"
        " FROM scene c LEFT JOIN audit b ON b.id = (SELECT max(a.id) FROM audit a JOIN audit_size z ON z.audit = a.id"
        "  WHERE a.scene = c.id) WHERE c.id = ?1 AND c.active_revision IS NOT NULL",
        err);
    if (!stmt)
        return db_leave(db, own, err->code, err);
    sqlite3_bind_int64(stmt, 1, row->scene);
    sqlite3_bind_int(stmt, 2, row->fixed);
    sqlite3_bind_double(stmt, 3, row->bound);
    sqlite3_bind_double(stmt, 4, row->confidence);
    sqlite3_bind_int64(stmt, 5, (int64_t)row->seed);
    sqlite3_bind_int64(stmt, 6, clock_unix_ms());
    status = db_run(db, stmt, "beginning an audit", err);
    if (status == ST_OK && sqlite3_changes(db->sqlite) != 1)
        status = error_set(err, ST_NOT_FOUND, "the scene was never screened; run `assay screen` first");
    *id = sqlite3_last_insert_rowid(db->sqlite);
    return db_leave(db, own, status, err);
}

enum status db_audit_pool(struct db *db, int64_t audit, struct audit_member **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT s.picture, s.score, NOT EXISTS(SELECT 1 FROM score t WHERE t.picture = s.picture AND " MEMBER("b", "t") "),"
        " " SAID("3", "s.picture", "a.last_event") " IS NOT NULL,"
        " EXISTS(SELECT 1 FROM audit_draw d WHERE d.audit = a.id AND d.picture = s.picture)"
        " FROM audit a LEFT JOIN audit b ON b.id = a.previous CROSS JOIN score s WHERE a.id = ?1 AND " MEMBER("a", "s")
        " ORDER BY s.picture",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, audit);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct audit_member){.picture = sqlite3_column_int64(stmt, 0),
                                                    .score = sqlite3_column_double(stmt, 1),
                                                    .fresh = sqlite3_column_int(stmt, 2) != 0,
                                                    .answered = sqlite3_column_int(stmt, 3) != 0,
                                                    .drawn = sqlite3_column_int(stmt, 4) != 0};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading the filtered pictures", err);
    sqlite3_reset(stmt);
    return status;
}

// --- what was drawn --------------------------------------------------------------

static enum status put_draw(struct db *db, int64_t audit, const struct audit_drawn *d, int64_t now, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO audit_draw(audit, place, turn, picture, stratum, whole, remaining,"
                                    " probability, least, at_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, audit);
    if (d->place >= 0)
        sqlite3_bind_int64(stmt, 2, d->place);
    sqlite3_bind_int64(stmt, 3, d->turn);
    sqlite3_bind_int64(stmt, 4, d->picture);
    bind_text(stmt, 5, d->stratum);
    sqlite3_bind_int(stmt, 6, d->whole);
    sqlite3_bind_int64(stmt, 7, d->remaining);
    sqlite3_bind_double(stmt, 8, d->probability);
    sqlite3_bind_double(stmt, 9, d->least);
    sqlite3_bind_int64(stmt, 10, now);
    return db_run(db, stmt, "storing an audit's draws", err);
}

static enum status put_draws(struct db *db, const struct audit_row *a, const struct audit_drawn *draws, size_t count,
                             struct error *err)
{
    int64_t now = clock_unix_ms();
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT OR IGNORE INTO audit_size(audit, size, fresh) SELECT a.id, ?2, ?3 FROM audit a"
                                    " JOIN scene c ON c.id = a.scene AND c.active_revision = a.revision WHERE a.id = ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, a->id);
    sqlite3_bind_int64(stmt, 2, a->size);
    sqlite3_bind_int64(stmt, 3, a->fresh);
    enum status status = db_run(db, stmt, "storing an audit's draws", err);
    stmt = status == ST_OK ? db_prepare(db, "SELECT 1 FROM audit_running WHERE id = ?1", err) : NULL;
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, a->id);
    status = db_first(db, stmt, "storing an audit's draws", err);
    sqlite3_reset(stmt);
    if (status == ST_NOT_FOUND)
        return error_set(err, ST_BUSY, "the scene has a new revision, or the audit was stopped meanwhile; run `assay audit` again");
    for (size_t i = 0; i < count && status == ST_OK; i++)
        status = put_draw(db, a->id, &draws[i], now, err);
    return status;
}

enum status db_audit_draw(struct db *db, const struct audit_row *audit, const struct audit_drawn *draws, size_t count,
                          struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, put_draws(db, audit, draws, count, err), err) : status;
}

enum status db_audit_stop(struct db *db, int64_t audit, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "INSERT OR IGNORE INTO audit_stop(audit, at_ms) VALUES(?1, ?2)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, audit);
    sqlite3_bind_int64(stmt, 2, clock_unix_ms());
    return db_run(db, stmt, "stopping an audit", err);
}

static enum status read_audit(struct db *db, sqlite3_stmt *stmt, int64_t key, struct audit_row *row, struct error *err)
{
    sqlite3_bind_int64(stmt, 1, key);
    enum status status = db_first(db, stmt, "reading an audit", err);
    if (status == ST_OK)
        *row = (struct audit_row){.id = sqlite3_column_int64(stmt, 0),
                                  .scene = sqlite3_column_int64(stmt, 1),
                                  .revision = sqlite3_column_int64(stmt, 2),
                                  .previous = sqlite3_column_int64(stmt, 3),
                                  .previous_used = sqlite3_column_int64(stmt, 4),
                                  .fixed = sqlite3_column_int(stmt, 5) != 0,
                                  .bound = sqlite3_column_double(stmt, 6),
                                  .confidence = sqlite3_column_double(stmt, 7),
                                  .seed = (uint64_t)sqlite3_column_int64(stmt, 8),
                                  .size = sqlite3_column_int64(stmt, 9),
                                  .fresh = sqlite3_column_int64(stmt, 10),
                                  .at_ms = sqlite3_column_int64(stmt, 11),
                                  .active = sqlite3_column_int(stmt, 12) != 0,
                                  .stopped = sqlite3_column_int(stmt, 13) != 0,
                                  .revision_number = sqlite3_column_int(stmt, 14)};
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "there was no audit yet") : status;
}

#define AUDIT_COLUMNS                                                                                   \
    "SELECT a.id, a.scene, a.revision, a.previous, a.previous_used, a.fixed, a.bound, a.confidence, a.seed,"           \
    " coalesce(z.size, 0), coalesce(z.fresh, 0), a.at_ms, a.revision IS c.active_revision AS active,"     \
    " EXISTS(SELECT 1 FROM audit_stop t WHERE t.audit = a.id), r.number FROM audit a"                     \
    " JOIN scene c ON c.id = a.scene JOIN revision r ON r.id = a.revision"

enum status db_audit_last(struct db *db, int64_t scene, struct audit_row *row, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    AUDIT_COLUMNS " JOIN audit_size z ON z.audit = a.id WHERE a.scene = ?1"
                                                  " ORDER BY active DESC, a.id DESC LIMIT 1",
                                    err);
    return stmt ? read_audit(db, stmt, scene, row, err) : err->code;
}

enum status db_audit_get(struct db *db, int64_t id, struct audit_row *row, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, AUDIT_COLUMNS " LEFT JOIN audit_size z ON z.audit = a.id WHERE a.id = ?1", err);
    return stmt ? read_audit(db, stmt, id, row, err) : err->code;
}

static const char *stratum_of(const char *text)
{
    static const char *const names[] = {"uniform", "weighted", "slipped"};
    for (int i = 0; i < 2; i++)
        if (strcmp(text, names[i]) == 0)
            return names[i];
    return names[2];
}

enum status db_audit_draws(struct db *db, int64_t audit, struct audit_drawn **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT d.picture, coalesce(d.place, -1), d.turn, d.stratum, d.whole, d.remaining,"
                                    " d.probability, d.least, v.event, v.verdict FROM audit_draw d LEFT JOIN verdict v"
                                    " ON v.picture = d.picture AND v.source = 3 WHERE d.audit = ?1 ORDER BY d.turn",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, audit);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct audit_drawn){.picture = sqlite3_column_int64(stmt, 0),
                                                   .place = sqlite3_column_int64(stmt, 1),
                                                   .turn = sqlite3_column_int64(stmt, 2),
                                                   .stratum = stratum_of(column_text(stmt, 3)),
                                                   .whole = sqlite3_column_int(stmt, 4) != 0,
                                                   .remaining = sqlite3_column_int64(stmt, 5),
                                                   .probability = sqlite3_column_double(stmt, 6),
                                                   .least = sqlite3_column_double(stmt, 7),
                                                   .event = sqlite3_column_int64(stmt, 8),
                                                   .verdict = (enum verdict)sqlite3_column_int(stmt, 9)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading an audit's draws", err);
    sqlite3_reset(stmt);
    return status;
}

// --- what carries over from one audit to the next ------------------------------------

// Pictures that audits before ?1 drew and that were answered when it began; `miss`: as the answer stands now, one that
// was taken back counting as a defect.
#define DRAWN_BEFORE                                                                                    \
    "WITH drawn AS (SELECT DISTINCT d.picture, coalesce(v.verdict, 2) <> 1 AS miss FROM audit a JOIN audit x"          \
    " ON x.scene = a.scene AND x.id < a.id JOIN audit_draw d ON d.audit = x.id AND d.stratum <> 'slipped'"             \
    " LEFT JOIN verdict v ON v.picture = d.picture AND v.source = 3"                                      \
    " WHERE a.id = ?1 AND " SAID("3", "d.picture", "a.last_event") " IS NOT NULL)"

enum status db_audit_carried(struct db *db, int64_t audit, struct audit_carried *carried, struct error *err)
{
    *carried = (struct audit_carried){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        DRAWN_BEFORE ", place AS (SELECT d.miss,"
                     " EXISTS(SELECT 1 FROM score s WHERE s.picture = d.picture AND " MEMBER("a", "s") ") AS now,"
                     " EXISTS(SELECT 1 FROM score t WHERE t.picture = d.picture AND " MEMBER("b", "t") ") AS before"
                     " FROM drawn d JOIN audit a ON a.id = ?1 LEFT JOIN audit b ON b.id = a.previous)"
                     " SELECT total(now), total(now AND NOT before), total(miss AND now), total(miss AND now AND NOT before),"
                     " total(miss AND before AND NOT now) FROM place",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, audit);
    enum status status = db_first(db, stmt, "reading an audit", err);
    if (status == ST_OK) {
        int64_t *fields[] = {&carried->drawn, &carried->drawn_fresh, &carried->known, &carried->known_fresh, &carried->caught};
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            *fields[i] = sqlite3_column_int64(stmt, i);
    }
    sqlite3_reset(stmt);
    return status;
}

enum status db_audit_tally(struct db *db, const struct audit_row *audit, struct audit_tally *tally, struct error *err)
{
    *tally = (struct audit_tally){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "WITH slip AS (SELECT DISTINCT d.picture, v.verdict FROM audit a JOIN audit_draw d ON d.audit = a.id"
        "  AND d.stratum = 'slipped' LEFT JOIN verdict v ON v.picture = d.picture AND v.source = 3 WHERE a.scene = ?1),"
        " defect AS (SELECT picture FROM verdict WHERE source = 0 AND verdict = 2 UNION SELECT t.picture FROM verdict t"
        "  WHERE t.source = 1 AND t.verdict = 2 AND NOT EXISTS(SELECT 1 FROM verdict r WHERE r.picture = t.picture"
        "  AND r.source = 0 AND r.verdict IN (1, 2)) UNION SELECT picture FROM audit_found WHERE verdict = 2),"
        " seen AS (SELECT s.flagged, EXISTS(SELECT 1 FROM audit_found f WHERE f.picture = s.picture) AS audited"
        "  FROM scene c CROSS JOIN defect d CROSS JOIN score s ON s.revision = c.active_revision AND s.picture = d.picture"
        "  WHERE c.id = ?1)"
        " SELECT (SELECT count(*) FROM slip), (SELECT count(*) FROM slip WHERE verdict IS NOT NULL),"
        " (SELECT count(*) FROM slip WHERE verdict IN (2, 3)), (SELECT count(*) FROM seen WHERE flagged = 1),"
        " (SELECT count(*) FROM seen WHERE flagged = 0 AND NOT audited),"
        " (SELECT count(*) FROM audit a CROSS JOIN score s ON s.revision = a.revision AND s.picture > a.last_picture"
        "  WHERE a.id = ?2 AND s.flagged = 0) + (SELECT count(*) FROM audit_late l CROSS JOIN audit a ON a.id = l.audit"
        "  CROSS JOIN score s ON s.revision = a.revision AND s.picture = l.picture WHERE l.audit = ?2 AND s.flagged = 0)",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, audit->scene);
    sqlite3_bind_int64(stmt, 2, audit->id);
    enum status status = db_first(db, stmt, "reading an audit", err);
    if (status == ST_OK) {
        int64_t *fields[] = {&tally->slipped,         &tally->slipped_answered, &tally->recognised,
                             &tally->flagged_defects, &tally->filtered_defects, &tally->later};
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            *fields[i] = sqlite3_column_int64(stmt, i);
    }
    sqlite3_reset(stmt);
    return status;
}
