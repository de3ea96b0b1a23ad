#include "config.h"

#include "db/handle.h"
#include "db/known.h"
#include "db/label.h"

enum status db_known(struct db *db, int64_t scene, enum verdict verdict, size_t limit, int64_t **ids, size_t *count,
                     struct error *err)
{
    size_t capacity = 0;
    *ids = NULL;
    *count = 0;
    // the inner limit bounds the work where other scenes have most of the answers
    static const char text[] =
        "SELECT k.picture FROM (SELECT v.picture FROM verdict v WHERE v.source = ?1 AND v.verdict = ?2"
        " AND (?1 = 0 OR NOT EXISTS(SELECT 1 FROM verdict r WHERE r.picture = v.picture AND r.source = 0))"
        " ORDER BY v.picture DESC LIMIT ?4 * 8) k"
        " JOIN picture p ON p.id = k.picture WHERE p.scene = ?3 LIMIT ?4";
    for (int source = LABEL_REVIEW; source <= LABEL_TRUTH && *count < limit; source++) {
        sqlite3_stmt *stmt = db_prepare(db, text, err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int(stmt, 1, source);
        sqlite3_bind_int(stmt, 2, verdict);
        sqlite3_bind_int64(stmt, 3, scene);
        sqlite3_bind_int64(stmt, 4, (int64_t)(limit - *count));
        enum status status = db_ids(db, stmt, ids, count, &capacity, "listing pictures", err);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

enum status db_filtered_near(struct db *db, int64_t revision, int64_t picture, size_t limit, int64_t **ids,
                             size_t *count, struct error *err)
{
    static const char *const texts[2] = {
        "SELECT picture FROM score WHERE revision = ?1 AND picture < ?2 AND flagged = 0 ORDER BY picture DESC LIMIT ?3",
        "SELECT picture FROM score WHERE revision = ?1 AND picture > ?2 AND flagged = 0 ORDER BY picture LIMIT ?3"};
    size_t capacity = 0;
    *ids = NULL;
    *count = 0;
    for (int side = 0; side < 2; side++) {
        sqlite3_stmt *stmt = db_prepare(db, texts[side], err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, revision);
        sqlite3_bind_int64(stmt, 2, picture);
        sqlite3_bind_int64(stmt, 3, (int64_t)(limit / 2));
        enum status status = db_ids(db, stmt, ids, count, &capacity, "listing pictures", err);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

enum status db_history(struct db *db, int64_t picture, void (*each)(void *context, const struct said_row *row),
                       void *context, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT e.at_ms, e.kind, w.name, e.class, e.severity, e.note, e.verdict,"
                                    " iif(e.regions = '', 0, json_array_length(e.regions))"
                                    " FROM label_event e JOIN person w ON w.id = e.person WHERE e.picture = ?1"
                                    " ORDER BY e.id",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct said_row row = {.at_ms = sqlite3_column_int64(stmt, 0), .kind = column_text(stmt, 1),
                               .person = column_text(stmt, 2), .class_name = column_text(stmt, 3),
                               .severity = column_text(stmt, 4), .note = column_text(stmt, 5),
                               .verdict = (enum verdict)sqlite3_column_int(stmt, 6),
                               .regions = sqlite3_column_int64(stmt, 7)};
        each(context, &row);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading what was said", err);
    sqlite3_reset(stmt);
    return status;
}
