// Audit draws in the review: what is open, who holds it, and what can be slipped in.
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "db/audit.h"
#include "db/handle.h"

enum status db_audit_defects(struct db *db, int64_t scene, int64_t **pictures, size_t *count, struct error *err)
{
    size_t capacity = 0;
    *pictures = NULL;
    *count = 0;
    // Imported ones first: nobody remembers having answered them.
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT v.picture FROM verdict v CROSS JOIN picture p ON p.id = v.picture AND p.scene = ?1"
        " CROSS JOIN scene c ON c.id = p.scene CROSS JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
        " LEFT JOIN verdict r ON r.picture = v.picture AND r.source = 0 WHERE v.source IN (0, 1) AND v.verdict = 2"
        " AND coalesce(r.verdict, 2) = 2 AND NOT EXISTS(SELECT 1 FROM queue q WHERE q.picture = v.picture)"
        " AND NOT EXISTS(SELECT 1 FROM audit_draw d WHERE d.picture = v.picture)"
        " GROUP BY v.picture ORDER BY max(v.source) DESC, v.picture",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    return db_ids(db, stmt, pictures, count, &capacity, "looking for known defects", err);
}

// A known defect is slipped in for those who did not answer it before: person ?2.
#define ASKED_OF_2                                                                                      \
    "NOT (o.stratum = 'slipped' AND EXISTS(SELECT 1 FROM label_event e WHERE e.picture = o.picture AND e.source = 0 AND e.person = ?2))"

enum status db_audit_open(struct db *db, int64_t scene, int64_t person, int64_t *open, uint64_t *seed, struct error *err)
{
    *open = 0;
    *seed = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT (SELECT count(*) FROM audit_open o WHERE (?1 = 0 OR o.scene = ?1) AND " ASKED_OF_2 "),"
                                    " (SELECT seed FROM audit_running WHERE ?1 = 0 OR scene = ?1 ORDER BY id DESC LIMIT 1)",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, person);
    enum status status = db_first(db, stmt, "reading the audits", err);
    if (status == ST_OK) {
        *open = sqlite3_column_int64(stmt, 0);
        *seed = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    return status;
}

enum status db_audit_lease(struct db *db, const char *session, int64_t person, int64_t scene, size_t want,
                           int64_t ttl_ms, const int64_t *known, size_t known_count, int64_t *pictures, size_t *count,
                           struct error *err)
{
    int64_t now = clock_unix_ms();
    bool own;
    *count = 0;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT o.picture FROM audit_open o WHERE (?1 = 0 OR o.scene = ?1) AND NOT EXISTS(SELECT 1 FROM lease l"
        " WHERE l.picture = o.picture AND l.session <> ?3 AND l.expires_ms > ?4) AND " ASKED_OF_2
        " ORDER BY EXISTS(SELECT 1 FROM label_event k WHERE k.picture = o.picture AND k.person = ?2 AND k.source = 3"
        " AND k.kind = 'skip' AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = k.id)), o.turn, o.id",
        err);
    if (!stmt)
        return db_leave(db, own, err->code, err);
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, person);
    bind_text(stmt, 3, session);
    sqlite3_bind_int64(stmt, 4, now);
    status = db_collect(db, stmt, known, known_count, want, pictures, count, "reading the audits", err);
    for (size_t i = 0; i < *count && status == ST_OK; i++)
        status = db_lease(db, pictures[i], session, person, now + ttl_ms, err);
    return db_leave(db, own, status, err);
}

enum status db_audit_asks(struct db *db, int64_t picture, bool *asks, struct error *err)
{
    *asks = false;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT 1 FROM audit_draw d CROSS JOIN picture p ON p.id = d.picture CROSS JOIN scene c"
                                    " ON c.id = p.scene LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
                                    " WHERE d.picture = ?1 AND ((d.stratum <> 'slipped' AND coalesce(s.flagged, 0) = 0)"
                                    " OR (d.stratum = 'slipped' AND EXISTS(SELECT 1 FROM audit_running a WHERE a.id = d.audit)"
                                    " AND NOT EXISTS(SELECT 1 FROM queue q WHERE q.picture = p.id))) LIMIT 1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading the audits", err);
    *asks = status == ST_OK;
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}
