// Which answers a lead looks at, and how the two agree.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/label.h"
#include "db/report_sql.h"
#include "db/second.h"

const char *second_reason_name(enum second_reason reason)
{
    static const char *const names[] = {[SECOND_DISPUTE] = "dispute", [SECOND_UNSURE] = "unsure", [SECOND_STOP] = "stop",
                                        [SECOND_DOUBT] = "doubt", [SECOND_SHARE] = "share"};
    return names[reason];
}

// Two answers say different things: another verdict, another class, or only one of them stop.
#define DIFFER(a, b)                                                                                    \
    "(" a ".verdict <> " b ".verdict OR (" a ".verdict = 2 AND (" CLASS_NOW(a ".class") " <> " CLASS_NOW(b ".class") \
    " OR (" a ".severity = 'stop') <> (" b ".severity = 'stop'))))"
// Event `o` is the last that its person said about the picture, and it stands. The + keeps the look-up at the picture's
// few events, away from all that the person ever said.
#define LAST_WORD(o)                                                                                    \
    "NOT EXISTS(SELECT 1 FROM standing n_ WHERE n_.picture = " o ".picture AND n_.source = 0 AND +n_.person = " o ".person" \
    " AND +n_.id > " o ".id)"
// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): spread evenly over 32 bits.
#define DRAWN(id) "((" id " * 2654435761) & 4294967295) < ?3"

enum status db_second(struct db *db, int64_t scene, int64_t person, double share, size_t limit, struct second_row **rows,
                      size_t *count, int64_t *total, struct error *err)
{
    int code = SQLITE_DONE;
    *rows = xcalloc(limit + 1, sizeof **rows);
    *count = 0;
    *total = 0;
    // Candidates come from indexes and small tables; what holds for one is looked up for those alone.
    sqlite3_stmt *stmt = report_prepare(
        db,
        "WITH c(picture, rank) AS (SELECT picture, 0 FROM disputed"
        " UNION ALL SELECT picture, 1 FROM verdict WHERE source = 0 AND verdict = 3"
        " UNION ALL SELECT v.picture, 2 FROM verdict v CROSS JOIN label_event e ON e.id = v.event"
        "  LEFT JOIN class k ON k.name = " CLASS_NOW("e.class") " WHERE " SAID("v") " AND v.verdict = 2 AND " SEVERITY_OF("e") " = 'stop'"
        " UNION ALL SELECT d.picture, 3 FROM doubt d CROSS JOIN verdict v ON v.picture = d.picture AND v.source = 0"
        "  WHERE v.event = d.event"
        " UNION ALL SELECT picture, 4 FROM verdict WHERE source = 0 AND verdict IN (1, 2) AND " DRAWN("picture") "),"
        " l AS (SELECT c.picture, c.rank, v.event, e.person, e.role = 'lead' AS led FROM c"
        "  CROSS JOIN verdict v ON v.picture = c.picture AND " SAID("v") " CROSS JOIN label_event e ON e.id = v.event"
        "  CROSS JOIN picture p ON p.id = c.picture WHERE ?1 = 0 OR p.scene = ?1)"
        " SELECT picture, event, min(rank), count(*) OVER () FROM l WHERE CASE rank WHEN 0 THEN"
        "  EXISTS(SELECT 1 FROM standing o JOIN label_event e ON e.id = l.event WHERE o.picture = l.picture AND o.source = 0"
        "   AND o.person <> l.person AND (NOT l.led OR o.id > l.event) AND " DIFFER("o", "e") " AND " LAST_WORD("o") ")"
        " ELSE NOT led AND person <> ?2 END GROUP BY picture ORDER BY min(rank), event LIMIT ?4",
        scene, person, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 3, (int64_t)(share * 4294967296.0));
    sqlite3_bind_int64(stmt, 4, (int64_t)limit);
    while (*count < limit && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        (*rows)[(*count)++] = (struct second_row){.picture = sqlite3_column_int64(stmt, 0),
                                                  .event = sqlite3_column_int64(stmt, 1),
                                                  .reason = (enum second_reason)sqlite3_column_int(stmt, 2)};
        *total = sqlite3_column_int64(stmt, 3);
    }
    return report_done(db, stmt, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

enum status db_words(struct db *db, int64_t picture, void (*each)(void *context, const struct word_row *row),
                     void *context, struct error *err)
{
    int code;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT o.id, o.person, o.at_ms, h.name, " CLASS_NOW("o.class") ", o.severity, o.note, o.verdict,"
                                    " o.role = 'lead', o.id = (SELECT event FROM verdict WHERE picture = ?1 AND source = 0)"
                                    " FROM standing o JOIN person h ON h.id = o.person WHERE o.picture = ?1 AND o.source IN (0, 3)"
                                    " AND " LAST_WORD("o") " ORDER BY o.id",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct word_row row = {.event = sqlite3_column_int64(stmt, 0), .person_id = sqlite3_column_int64(stmt, 1),
                               .at_ms = sqlite3_column_int64(stmt, 2), .person = column_text(stmt, 3),
                               .class_name = column_text(stmt, 4), .severity = column_text(stmt, 5),
                               .note = column_text(stmt, 6), .verdict = (enum verdict)sqlite3_column_int(stmt, 7),
                               .lead = sqlite3_column_int(stmt, 8) != 0, .label = sqlite3_column_int(stmt, 9) != 0};
        each(context, &row);
    }
    return report_done(db, stmt, code, err);
}

enum status db_agreement(struct db *db, int64_t scene, int64_t since_ms,
                         void (*each)(void *context, const struct agree_row *row), void *context, struct error *err)
{
    int code;
    sqlite3_stmt *stmt = report_prepare(
        db,
        "WITH pair AS (SELECT l.id AS second, (SELECT max(o.id) FROM standing o WHERE o.picture = l.picture AND o.source = 0"
        "  AND o.person <> l.person AND o.id < l.id) AS first FROM label_event l INDEXED BY event_lead"
        "  JOIN picture p ON p.id = l.picture WHERE l.role = 'lead' AND l.source = 0 AND l.at_ms >= ?2"
        "  AND (?1 = 0 OR p.scene = ?1) AND l.kind IN ('answer', 'redo') AND l.verdict <> 4"
        "  AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = l.id AND u.kind = 'undo') AND " LAST_WORD("l") ")"
        " SELECT l.picture, l.at_ms, h.name, g.name, " CLASS_NOW("f.class") ", " CLASS_NOW("l.class") ", f.verdict, l.verdict, l.blind"
        " FROM pair q JOIN label_event l ON l.id = q.second JOIN label_event f ON f.id = q.first"
        " JOIN person h ON h.id = f.person JOIN person g ON g.id = l.person ORDER BY l.id",
        scene, since_ms, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct agree_row row = {.picture = sqlite3_column_int64(stmt, 0), .at_ms = sqlite3_column_int64(stmt, 1),
                                .person = column_text(stmt, 2), .lead = column_text(stmt, 3),
                                .classes = {column_text(stmt, 4), column_text(stmt, 5)},
                                .verdicts = {(enum verdict)sqlite3_column_int(stmt, 6), (enum verdict)sqlite3_column_int(stmt, 7)},
                                .blind = sqlite3_column_int(stmt, 8) != 0};
        each(context, &row);
    }
    return report_done(db, stmt, code, err);
}
