#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/label.h"
#include "db/report.h"
#include "db/report_sql.h"

// What the picture is of: its object, else the group that was given for it.
#define OBJECT "coalesce(p.object, CASE WHEN p.grp_given THEN p.grp END, '')"

enum status db_finds(struct db *db, int64_t scene, int64_t since_ms, size_t limit, struct find_row **rows,
                     size_t *count, struct error *err)
{
    int code = SQLITE_DONE;
    *rows = xcalloc(limit + 1, sizeof **rows);
    *count = 0;
    sqlite3_stmt *stmt = report_prepare(
        db,
        "SELECT p.id, e.at_ms, (SELECT path FROM location WHERE picture = p.id ORDER BY id LIMIT 1), c.name, " OBJECT ","
        " p.position, " CLASS_NOW("e.class") ", h.name, e.note, " SEVERITY_OF("e") " AS worst FROM verdict v"
        " CROSS JOIN label_event e ON e.id = v.event CROSS JOIN picture p ON p.id = v.picture"
        " CROSS JOIN scene c ON c.id = p.scene CROSS JOIN person h ON h.id = e.person LEFT JOIN class k ON k.name = " CLASS_NOW("e.class")
        " WHERE v.verdict = 2 AND " SAID("v") " AND e.at_ms >= ?2 AND (?1 = 0 OR p.scene = ?1)"
        " ORDER BY CASE worst WHEN 'stop' THEN 0 WHEN 'key' THEN 1 ELSE 2 END, 5, e.at_ms LIMIT ?3",
        scene, since_ms, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 3, (int64_t)limit);
    while (*count < limit && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        (*rows)[(*count)++] = (struct find_row){.picture = sqlite3_column_int64(stmt, 0),
                                                .at_ms = sqlite3_column_int64(stmt, 1),
                                                .path = column_copy(stmt, 2),
                                                .scene = column_copy(stmt, 3),
                                                .object = column_copy(stmt, 4),
                                                .position = column_copy(stmt, 5),
                                                .class_name = column_copy(stmt, 6),
                                                .person = column_copy(stmt, 7),
                                                .note = column_copy(stmt, 8),
                                                .severity = column_severity(stmt, 9)};
    return report_done(db, stmt, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

void find_free(struct find_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *texts[] = {rows[i].path,       rows[i].scene,  rows[i].object, rows[i].position,
                         rows[i].class_name, rows[i].person, rows[i].note};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            free(texts[j]);
    }
    free(rows);
}

enum status db_objects(struct db *db, int64_t scene, int64_t since_ms, struct object_row **rows, size_t *count,
                       struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = report_prepare(
        db,
        "WITH part(object, answered, stop, key, general, unsure, open, picture, score) AS (SELECT " OBJECT ", 1,"
        " v.verdict = 2 AND " SEVERITY_OF("e") " = 'stop', v.verdict = 2 AND " SEVERITY_OF("e") " = 'key',"
        " v.verdict = 2 AND " SEVERITY_OF("e") " NOT IN ('stop', 'key'), v.verdict = 3, 0, p.id, 0 FROM verdict v"
        " CROSS JOIN label_event e ON e.id = v.event CROSS JOIN picture p ON p.id = v.picture"
        " LEFT JOIN class k ON k.name = " CLASS_NOW("e.class") " WHERE " SAID("v") " AND e.at_ms >= ?2 AND (?1 = 0 OR p.scene = ?1)"
        " UNION ALL SELECT " OBJECT ", 0, 0, 0, 0, 0, 1, p.id, q.score FROM queue q CROSS JOIN picture p ON p.id = q.picture"
        " WHERE ?1 = 0 OR q.scene = ?1) SELECT object, sum(answered), sum(stop), sum(key), sum(general), sum(unsure), sum(open),"
        " picture, max(open * 1e9 + score) FROM part GROUP BY object ORDER BY object", // the picture of the row with that maximum
        scene, since_ms, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        struct object_row *row = &(*rows)[(*count)++];
        *row = (struct object_row){.object = column_copy(stmt, 0),
                                   .answered = sqlite3_column_int64(stmt, 1),
                                   .unsure = sqlite3_column_int64(stmt, 5),
                                   .open = sqlite3_column_int64(stmt, 6),
                                   .picture = sqlite3_column_int64(stmt, 7)};
        for (int s = 0; s < SEVERITIES; s++)
            row->found[s] = sqlite3_column_int64(stmt, 2 + s);
    }
    return report_done(db, stmt, code, err);
}

void object_free(struct object_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].object);
    free(rows);
}
