#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/handle.h"

// Flagged pictures of the active revisions without a verdict.
#define OPEN_FROM                                                                                       \
    " FROM scene c JOIN score s ON s.revision = c.active_revision AND s.flagged = 1"                    \
    " WHERE (?1 = 0 OR c.id = ?1)"                                                                      \
    " AND NOT EXISTS(SELECT 1 FROM verdict v WHERE v.picture = s.picture AND v.source = 0)"

static enum status read_item(struct db *db, int64_t picture, struct queue_item *item, struct error *err)
{
    *item = (struct queue_item){.picture = picture};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT s.revision, s.score, s.whole, s.patch, s.tile, s.heat_rows, s.heat_cols, s.heat, s.x0, s.y0, s.x1, s.y1,"
        " r.screened, r.flagged, s.flagged,"
        " (SELECT count(*) FROM score o WHERE o.revision = s.revision AND o.flagged = 1 AND o.score > s.score)"
        " FROM picture p JOIN scene c ON c.id = p.scene JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
        " JOIN revision r ON r.id = s.revision WHERE p.id = ?1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading the queue", err);
    if (status == ST_NOT_FOUND)
        return error_set(err, status, "picture %lld has no score in the active revision", (long long)picture);
    if (status != ST_OK)
        return status;
    item->revision = sqlite3_column_int64(stmt, 0);
    item->score.score = sqlite3_column_double(stmt, 1);
    for (int d = 0; d < DETECTORS; d++)
        item->score.parts[d] = sqlite3_column_double(stmt, 2 + d);
    int rows = sqlite3_column_int(stmt, 5), cols = sqlite3_column_int(stmt, 6);
    const void *cells = sqlite3_column_blob(stmt, 7);
    if (cells && rows > 0 && cols > 0 && rows <= HEAT_SIDE && cols <= HEAT_SIDE &&
        sqlite3_column_bytes(stmt, 7) == rows * cols) {
        item->heat.rows = rows;
        item->heat.cols = cols;
        memcpy(item->heat.cells, cells, (size_t)(rows * cols));
        for (int i = 0; i < 4; i++)
            item->box[i] = sqlite3_column_double(stmt, 8 + i);
    }
    double screened = sqlite3_column_double(stmt, 12), above = sqlite3_column_double(stmt, 15);
    if (!sqlite3_column_int(stmt, 14)) // among the filtered: below all flagged ones
        above = sqlite3_column_double(stmt, 13);
    item->percentile = screened > 0 ? 1 - (above + 1) / screened : 0;
    sqlite3_reset(stmt);
    return ST_OK;
}

enum status db_queue_item(struct db *db, int64_t picture, struct queue_item *item, struct error *err)
{
    enum status status = read_item(db, picture, item, err);
    if (status != ST_OK)
        return status;
    sqlite3_stmt *stmt = db_prepare(
        db, "SELECT count(*)" OPEN_FROM " AND (s.score > ?2 OR (s.score = ?2 AND s.picture < ?3))", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, 0);
    sqlite3_bind_double(stmt, 2, item->score.score);
    sqlite3_bind_int64(stmt, 3, picture);
    status = db_first(db, stmt, "reading the queue", err);
    if (status == ST_OK)
        item->position = 1 + sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

static bool among(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static enum status take(struct db *db, int64_t picture, const char *session, int64_t person, int64_t expires,
                        struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT OR REPLACE INTO lease(picture, session, person, expires_ms) VALUES(?1, ?2, ?3, ?4)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    bind_text(stmt, 2, session);
    sqlite3_bind_int64(stmt, 3, person);
    sqlite3_bind_int64(stmt, 4, expires);
    return db_run(db, stmt, "taking pictures from the queue", err);
}

static enum status lease(struct db *db, const char *session, int64_t person, int64_t scene, size_t want,
                         int64_t ttl_ms, const int64_t *known, size_t known_count, int64_t *ids, size_t *count,
                         struct error *err)
{
    int64_t now = clock_unix_ms();
    // A skip counts while it stands: not taken back, and not followed by an undo of it.
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT s.picture, EXISTS(SELECT 1 FROM label_event k WHERE k.picture = s.picture AND k.person = ?2"
        " AND k.source = 0 AND k.verdict = 4 AND k.kind <> 'undo'"
        " AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = k.id)) AS skipped" OPEN_FROM
        " AND NOT EXISTS(SELECT 1 FROM lease l WHERE l.picture = s.picture AND l.session <> ?3 AND l.expires_ms > ?4)"
        " ORDER BY skipped, s.score DESC, s.picture",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, person);
    bind_text(stmt, 3, session);
    sqlite3_bind_int64(stmt, 4, now);
    int code = SQLITE_ROW;
    *count = 0;
    while (*count < want && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        if (!among(known, known_count, id))
            ids[(*count)++] = id;
    }
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? ST_OK : db_failed(db, "reading the queue", err);
    sqlite3_reset(stmt);
    for (size_t i = 0; i < *count && status == ST_OK; i++)
        status = take(db, ids[i], session, person, now + ttl_ms, err);
    return status == ST_OK ? db_queue_renew(db, session, ttl_ms, err) : status;
}

enum status db_queue_lease(struct db *db, const char *session, int64_t person, int64_t scene, size_t want,
                           int64_t ttl_ms, const int64_t *known, size_t known_count, struct queue_item *items,
                           size_t *count, struct error *err)
{
    bool own;
    int64_t *ids = calloc(want ? want : 1, sizeof *ids);
    if (!ids)
        abort();
    enum status status = db_enter(db, &own, err);
    if (status == ST_OK)
        status = db_leave(
            db, own, lease(db, session, person, scene, want, ttl_ms, known, known_count, ids, count, err), err);
    for (size_t i = 0; status == ST_OK && i < *count; i++)
        status = db_queue_item(db, ids[i], &items[i], err);
    free(ids);
    return status;
}

enum status db_queue_renew(struct db *db, const char *session, int64_t ttl_ms, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE lease SET expires_ms = ?2 WHERE session = ?1", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, session);
    sqlite3_bind_int64(stmt, 2, clock_unix_ms() + ttl_ms);
    return db_run(db, stmt, "keeping pictures from the queue", err);
}

enum status db_queue_release(struct db *db, const char *session, int64_t picture, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "DELETE FROM lease WHERE session = ?1 AND (?2 = 0 OR picture = ?2)", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, session);
    sqlite3_bind_int64(stmt, 2, picture);
    return db_run(db, stmt, "giving pictures back to the queue", err);
}

enum status db_counts(struct db *db, int64_t scene, struct scene_counts *counts, struct error *err)
{
    *counts = (struct scene_counts){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT coalesce(sum(c.pictures), 0), coalesce(sum(c.unreadable), 0), coalesce(sum(r.screened), 0),"
        " coalesce(sum(r.flagged), 0) FROM scene c LEFT JOIN revision r ON r.id = c.active_revision"
        " WHERE ?1 = 0 OR c.id = ?1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, "counting", err);
    if (status == ST_OK) {
        counts->pictures = sqlite3_column_int64(stmt, 0);
        counts->unreadable = sqlite3_column_int64(stmt, 1);
        counts->screened = sqlite3_column_int64(stmt, 2);
        counts->flagged = sqlite3_column_int64(stmt, 3);
    }
    sqlite3_reset(stmt);
    stmt = status == ST_OK ? db_prepare(db, "SELECT count(*)" OPEN_FROM, err) : NULL;
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    status = db_first(db, stmt, "counting", err);
    if (status == ST_OK)
        counts->open = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    stmt = status == ST_OK ? db_prepare(db,
                                        "SELECT v.source, v.verdict, count(*) FROM verdict v JOIN picture p ON p.id = v.picture"
                                        " WHERE ?1 = 0 OR p.scene = ?1 GROUP BY v.source, v.verdict",
                                        err)
                           : NULL;
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t n = sqlite3_column_int64(stmt, 2);
        if (sqlite3_column_int(stmt, 0) == LABEL_TRUTH) {
            counts->truths += n;
            continue;
        }
        counts->answered += n;
        switch (sqlite3_column_int(stmt, 1)) {
        case VERDICT_NORMAL: counts->normals += n; break;
        case VERDICT_DEFECT: counts->defects += n; break;
        default: counts->unsure += n; break;
        }
    }
    status = code == SQLITE_DONE ? ST_OK : db_failed(db, "counting", err);
    sqlite3_reset(stmt);
    return status;
}
