#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/handle.h"
#include "db/queue.h"

// share: its percentile too, which takes counting the flagged ones above it.
static enum status read_item(struct db *db, int64_t picture, bool share, struct queue_item *item, struct error *err)
{
    *item = (struct queue_item){.picture = picture};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT s.revision, s.score, s.heat_rows, s.heat_cols, s.heat, s.x0, s.y0, s.x1, s.y1,"
        " r.screened, r.flagged, s.flagged,"
        " (SELECT count(*) FROM score o WHERE ?2 AND s.flagged AND o.revision = s.revision AND o.flagged = 1 AND o.score > "
        "s.score), " SCORE_PARTS ", s.alone FROM picture p JOIN scene c ON c.id = p.scene JOIN score s ON s.revision "
        "= c.active_revision AND s.picture = p.id"
        " JOIN revision r ON r.id = s.revision WHERE p.id = ?1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    sqlite3_bind_int(stmt, 2, share);
    enum status status = db_first(db, stmt, "reading the queue", err);
    if (status == ST_NOT_FOUND)
        return error_set(err, status, "picture %lld has no score in the active revision", (long long)picture);
    if (status != ST_OK)
        return status;
    item->revision = sqlite3_column_int64(stmt, 0);
    item->score.score = sqlite3_column_double(stmt, 1);
    for (int d = 0; d < DETECTORS; d++)
        item->score.parts[d] = sqlite3_column_double(stmt, 13 + d);
    item->score.alone = sqlite3_column_int(stmt, 13 + DETECTORS);
    int rows = sqlite3_column_int(stmt, 2), cols = sqlite3_column_int(stmt, 3);
    const void *cells = sqlite3_column_blob(stmt, 4);
    if (cells && rows > 0 && cols > 0 && rows <= HEAT_SIDE && cols <= HEAT_SIDE &&
        sqlite3_column_bytes(stmt, 4) == rows * cols) {
        item->heat.rows = rows;
        item->heat.cols = cols;
        memcpy(item->heat.cells, cells, (size_t)(rows * cols));
        for (int i = 0; i < 4; i++)
            item->box[i] = sqlite3_column_double(stmt, 5 + i);
    }
    double screened = sqlite3_column_double(stmt, 9), above = sqlite3_column_double(stmt, 12);
    if (!sqlite3_column_int(stmt, 11)) // among the filtered: below all flagged ones
        above = sqlite3_column_double(stmt, 10);
    item->percentile = screened > 0 ? 1 - (above + 1) / screened : 0;
    sqlite3_reset(stmt);
    return ST_OK;
}

// Why it is asked.
static enum status read_reason(struct db *db, struct queue_item *item, struct error *err)
{
    item->expected = -1;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT reason, about, coalesce(expected, -1) FROM queue WHERE picture = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, item->picture);
    enum status status = db_first(db, stmt, "reading the queue", err);
    if (status == ST_OK) {
        item->reason = sqlite3_column_int(stmt, 0);
        item->about = sqlite3_column_int64(stmt, 1);
        item->expected = sqlite3_column_double(stmt, 2);
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status; // not open
}

enum status db_queue_tile(struct db *db, int64_t picture, struct queue_item *item, struct error *err)
{
    return read_item(db, picture, false, item, err);
}

enum status db_queue_item(struct db *db, int64_t picture, struct queue_item *item, struct error *err)
{
    enum status status = read_item(db, picture, true, item, err);
    return status == ST_OK ? read_reason(db, item, err) : status;
}

enum status db_lease(struct db *db, int64_t picture, const char *session, int64_t person, int64_t expires,
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

// A skip counts while it stands: not taken back, and not followed by an undo of it.
#define SKIPPED                                                                                         \
    " EXISTS(SELECT 1 FROM label_event k WHERE k.picture = q.picture AND k.person = ?2 AND k.source = 0"  \
    " AND k.verdict = 4 AND k.kind <> 'undo' AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = k.id))"
#define FREE                                                                                            \
    " NOT EXISTS(SELECT 1 FROM lease l WHERE l.picture = q.picture AND l.session <> ?3 AND l.expires_ms > ?4)"
#define IN_ORDER " ORDER BY q.place DESC, q.score DESC, q.picture"

struct lease {
    const char *session;
    int64_t person, scene, now, expires;
    size_t want, known_count;
    const int64_t *known;
    int64_t *ids; // (want) what was found
    size_t count;
};

// In the order of an index, so that reading ends with the last picture wanted.
static enum status search(struct db *db, const char *sql, struct lease *l, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 2, l->person);
    bind_text(stmt, 3, l->session);
    sqlite3_bind_int64(stmt, 4, l->now);
    if (l->scene)
        sqlite3_bind_int64(stmt, 1, l->scene);
    return db_collect(db, stmt, l->known, l->known_count, l->want, l->ids, &l->count, "reading the queue", err);
}

static enum status lease(struct db *db, struct lease *l, struct error *err)
{
    static const char *const passes[2][2] = {
        {"SELECT q.picture FROM queue q WHERE" FREE " AND NOT" SKIPPED IN_ORDER,
         "SELECT q.picture FROM queue q WHERE" FREE " AND" SKIPPED IN_ORDER},
        {"SELECT q.picture FROM queue q WHERE q.scene = ?1 AND" FREE " AND NOT" SKIPPED IN_ORDER,
         "SELECT q.picture FROM queue q WHERE q.scene = ?1 AND" FREE " AND" SKIPPED IN_ORDER}};
    enum status status = ST_OK;
    for (int pass = 0; pass < 2 && status == ST_OK && l->count < l->want; pass++)
        status = search(db, passes[l->scene != 0][pass], l, err);
    for (size_t i = 0; i < l->count && status == ST_OK; i++)
        status = db_lease(db, l->ids[i], l->session, l->person, l->expires, err);
    return status == ST_OK ? db_queue_renew(db, l->session, l->expires - l->now, err) : status;
}

enum status db_queue_lease(struct db *db, const char *session, int64_t person, int64_t scene, size_t want,
                           int64_t ttl_ms, const int64_t *known, size_t known_count, struct queue_item *items,
                           size_t *count, struct error *err)
{
    bool own;
    int64_t now = clock_unix_ms();
    struct lease l = {.session = session, .person = person, .scene = scene, .now = now, .expires = now + ttl_ms,
                      .want = want, .known = known, .known_count = known_count};
    l.ids = xcalloc(want + 1, sizeof *l.ids);
    enum status status = db_enter(db, &own, err);
    if (status == ST_OK)
        status = db_leave(db, own, lease(db, &l, err), err);
    for (size_t i = 0; status == ST_OK && i < l.count; i++) { // many may be leased: their percentiles are told when shown
        status = read_item(db, l.ids[i], false, &items[i], err);
        if (status == ST_OK)
            status = read_reason(db, &items[i], err);
    }
    *count = l.count;
    free(l.ids);
    return status;
}

enum status db_queue_ids(struct db *db, const char *session, int64_t scene, size_t limit, int64_t **ids, size_t *count,
                         struct error *err)
{
    struct lease l = {.session = session, .scene = scene, .now = clock_unix_ms(), .want = limit};
    l.ids = xcalloc(limit + 1, sizeof *l.ids);
    enum status status =
        search(db, "SELECT q.picture FROM queue q WHERE q.scene = ?1 AND" FREE " AND ?2 >= 0" IN_ORDER, &l, err);
    *ids = l.ids;
    *count = l.count;
    return status;
}

static enum status claimable(struct db *db, const char *session, int64_t picture, bool *yes, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM queue q WHERE q.picture = ?1 AND ?2 >= 0 AND" FREE, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    sqlite3_bind_int64(stmt, 2, 0);
    bind_text(stmt, 3, session);
    sqlite3_bind_int64(stmt, 4, clock_unix_ms());
    enum status status = db_first(db, stmt, "reading the queue", err);
    sqlite3_reset(stmt);
    *yes = status == ST_OK;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status db_queue_claim(struct db *db, const char *session, int64_t person, int64_t ttl_ms, int64_t *ids,
                           size_t *count, struct error *err)
{
    bool own, yes = false;
    size_t kept = 0;
    int64_t expires = clock_unix_ms() + ttl_ms;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < *count && status == ST_OK; i++) {
        status = claimable(db, session, ids[i], &yes, err);
        if (status == ST_OK && yes) {
            status = db_lease(db, ids[i], session, person, expires, err);
            ids[kept++] = ids[i];
        }
    }
    status = db_leave(db, own, status, err);
    *count = status == ST_OK ? kept : 0;
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
    sqlite3_stmt *stmt = picture ? db_prepare(db, "DELETE FROM lease WHERE session = ?1 AND picture = ?2", err)
                                 : db_prepare(db, "DELETE FROM lease WHERE session = ?1", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, session);
    if (picture)
        sqlite3_bind_int64(stmt, 2, picture);
    return db_run(db, stmt, "giving pictures back to the queue", err);
}

enum status db_counts(struct db *db, int64_t scene, struct scene_counts *counts, struct error *err)
{
    *counts = (struct scene_counts){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT total(c.pictures), total(c.unreadable), total(r.screened), total(r.flagged), total(c.open),"
        " total(c.normals), total(c.defects), total(c.unsure), total(c.truths), total(c.poor), total(c.poor_open)"
        " FROM scene c LEFT JOIN revision r ON r.id = c.active_revision WHERE ?1 = 0 OR c.id = ?1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, "counting", err);
    if (status == ST_OK) {
        int64_t *fields[] = {&counts->pictures, &counts->unreadable, &counts->screened, &counts->flagged, &counts->open,
                             &counts->normals, &counts->defects, &counts->unsure, &counts->truths, &counts->poor,
                             &counts->poor_open};
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            *fields[i] = sqlite3_column_int64(stmt, i);
        counts->answered = counts->normals + counts->defects + counts->unsure;
    }
    sqlite3_reset(stmt);
    return status;
}
