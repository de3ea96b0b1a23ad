#include "config.h"

#include "db/export.h"
#include "db/handle.h"
#include "db/label.h"

enum status db_export(struct db *db, int64_t scene,
                      enum status (*each)(void *context, const struct export_row *row, struct error *err), void *context,
                      struct error *err)
{
    enum { AUDIT_FROM = 27 + DETECTORS };
    // A statement of its own: `each` may call the database again, this function included.
    static const char sql[] =
        "SELECT p.id, (SELECT path FROM location WHERE picture = p.id ORDER BY id LIMIT 1), c.name, p.grp, "
        "p.sha256,"
        " p.unreadable, p.width, p.height, p.object, p.position, p.camera, p.taken, r.number, s.score,"
        " s.flagged, v.verdict, " CLASS_NOW("e.class") ", e.severity, w.name, e.note, coalesce((SELECT n.regions FROM region_now n WHERE n.picture = p.id), e.regions), e.at_ms, t.verdict, " CLASS_NOW("t.class") ","
        " t.severity, t.mask, EXISTS(SELECT 1 FROM poor o WHERE o.picture = p.id AND o.state <> "
        "1), " SCORE_PARTS ", f.picture IS NOT NULL, va.verdict,"
        " d.stratum, d.remaining, d.probability, e.component, k.cause, k.action"
        " FROM picture p JOIN scene c ON c.id = p.scene LEFT JOIN revision r ON r.id = c.active_revision"
        " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
        " LEFT JOIN verdict v ON v.picture = p.id AND v.source = 0 LEFT JOIN audit_found f ON f.picture = p.id"
        " LEFT JOIN label_event e ON e.id = coalesce(v.event, f.event)"
        " LEFT JOIN person w ON w.id = e.person"
        " LEFT JOIN verdict vt ON vt.picture = p.id AND vt.source = 1 LEFT JOIN label_event t ON t.id = "
        "vt.event"
        " LEFT JOIN verdict va ON va.picture = p.id AND va.source = 3 LEFT JOIN audit_draw d"
        " ON d.id = (SELECT max(x.id) FROM audit_draw x WHERE x.picture = p.id)"
        " LEFT JOIN relation k ON k.id = (SELECT max(q.id) FROM relation q WHERE q.component = e.component AND q.retired_ms = 0"
        " AND e.component <> '' AND " CLASS_NOW("q.fault") " = " CLASS_NOW("e.class") ")"
        " WHERE ?1 = 0 OR p.scene = ?1 ORDER BY p.id";
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
        return db_failed(db, "reading the pictures", err);
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = ST_OK;
    int code;
    while (status == ST_OK && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            status = db_failed(db, "reading the pictures", err);
            break;
        }
        bool scored = sqlite3_column_type(stmt, 13) != SQLITE_NULL;
        struct export_row row = {
            .picture = sqlite3_column_int64(stmt, 0),
            .path = column_text(stmt, 1),
            .scene = column_text(stmt, 2),
            .group = column_text(stmt, 3),
            .sha256 = column_text(stmt, 4),
            .unreadable = column_text(stmt, 5),
            .width = sqlite3_column_int(stmt, 6),
            .height = sqlite3_column_int(stmt, 7),
            .object = column_text(stmt, 8),
            .position = column_text(stmt, 9),
            .camera = column_text(stmt, 10),
            .taken = column_text(stmt, 11),
            .revision_number = scored ? sqlite3_column_int(stmt, 12) : 0,
            .score = {.score = sqlite3_column_double(stmt, 13)},
            .flagged = sqlite3_column_int(stmt, 14) != 0,
            .verdict = (enum verdict)sqlite3_column_int(stmt, 15),
            .class_name = column_text(stmt, 16),
            .severity = column_text(stmt, 17),
            .person = column_text(stmt, 18),
            .note = column_text(stmt, 19),
            .regions = column_text(stmt, 20),
            .at_ms = sqlite3_column_int64(stmt, 21),
            .truth = (enum verdict)sqlite3_column_int(stmt, 22),
            .truth_class = column_text(stmt, 23),
            .truth_severity = column_text(stmt, 24),
            .truth_mask = column_text(stmt, 25),
            .poor = sqlite3_column_int(stmt, 26) != 0,
            .audited = sqlite3_column_int(stmt, AUDIT_FROM) != 0,
            .audit = (enum verdict)sqlite3_column_int(stmt, AUDIT_FROM + 1),
            .audit_stratum = column_text(stmt, AUDIT_FROM + 2),
            .audit_remaining = sqlite3_column_int64(stmt, AUDIT_FROM + 3),
            .audit_probability = sqlite3_column_double(stmt, AUDIT_FROM + 4),
            .component = column_text(stmt, AUDIT_FROM + 5),
            .cause = column_text(stmt, AUDIT_FROM + 6),
            .action = column_text(stmt, AUDIT_FROM + 7),
        };
        for (int d = 0; d < DETECTORS; d++)
            row.score.parts[d] = sqlite3_column_double(stmt, 27 + d);
        status = each(context, &row, err);
    }
    sqlite3_finalize(stmt);
    return status;
}
