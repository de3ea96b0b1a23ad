#include "config.h"

#include "base/alloc.h"
#include "db/handle.h"
#include "db/label.h"
#include "db/region.h"

enum status db_region_get(struct db *db, int64_t picture, struct region_set *set, struct error *err)
{
    *set = (struct region_set){0};
    sqlite3_stmt *stmt = db_prepare(db, "SELECT event, source, regions FROM region_now WHERE picture = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading regions", err);
    if (status == ST_OK) {
        set->event = sqlite3_column_int64(stmt, 0);
        set->source = (enum label_source)sqlite3_column_int(stmt, 1);
    }
    if (status == ST_OK)
        set->json = column_copy(stmt, 2);
    else if (status == ST_NOT_FOUND)
        set->json = xstrdup("");
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// Who changed what stands since `before`; an event that was taken back since counts as well.
static enum status unchanged(struct db *db, int64_t picture, int64_t before, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT v.event, (SELECT w.name FROM label_event e JOIN person w ON w.id = e.person"
                                    " WHERE e.picture = ?1 AND e.source = 4 ORDER BY e.id DESC LIMIT 1)"
                                    " FROM (SELECT coalesce((SELECT event FROM verdict WHERE picture = ?1 AND source = 4), 0)"
                                    " AS event) v",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading regions", err);
    if (status == ST_OK && sqlite3_column_int64(stmt, 0) != before)
        status = error_set(err, ST_BUSY, "%s changed the regions meanwhile; these are shown now, draw yours again",
                           column_text(stmt, 1));
    sqlite3_reset(stmt);
    return status;
}

enum status db_region_put(struct db *db, const struct label *label, int64_t before, int64_t *event, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = unchanged(db, label->picture, before, err);
    if (status == ST_OK)
        status = db_label_add(db, label, event, err);
    return db_leave(db, own, status, err);
}

enum status db_region_last(struct db *db, int64_t person, bool *regions, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT source = 4 FROM label_event WHERE person = ?1 ORDER BY id DESC LIMIT 1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, person);
    enum status status = db_first(db, stmt, "reading regions", err);
    *regions = status == ST_OK && sqlite3_column_int(stmt, 0) != 0;
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}
