#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/label.h"
#include "db/queue.h"
#include "db/report.h"
#include "db/report_sql.h"

enum severity column_severity(sqlite3_stmt *stmt, int at)
{
    enum severity severity;
    return severity_parse(column_text(stmt, at), &severity) ? severity : SEVERITY_GENERAL;
}

sqlite3_stmt *report_prepare(struct db *db, const char *sql, int64_t scene, int64_t since_ms, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return NULL;
    sqlite3_bind_int64(stmt, 1, scene);
    if (sqlite3_bind_parameter_count(stmt) > 1)
        sqlite3_bind_int64(stmt, 2, since_ms);
    return stmt;
}

enum status report_done(struct db *db, sqlite3_stmt *stmt, int code, struct error *err)
{
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading for the report", err);
    sqlite3_reset(stmt);
    return status;
}

// --- what the filter did -----------------------------------------------------

enum status db_independent_defects(struct db *db, int64_t scene, struct independent_defect **rows, size_t *count,
                                   struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    // CROSS JOIN: from the few defects, not from the many pictures.
    sqlite3_stmt *stmt = report_prepare(db,
                                        "SELECT v.picture, " SEVERITY_OF("e") ", s.score, s.flagged, v.source = 3 FROM verdict v"
                                        " CROSS JOIN label_event e ON e.id = v.event CROSS JOIN picture p ON p.id = v.picture"
                                        " CROSS JOIN scene c ON c.id = p.scene LEFT JOIN class k ON k.name = " CLASS_NOW("e.class")
                                        " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = v.picture"
                                        " WHERE v.source IN (1, 3) AND v.verdict = 2 AND (?1 = 0 OR p.scene = ?1) AND (v.source = 1"
                                        " OR (EXISTS(SELECT 1 FROM audit_found f WHERE f.picture = v.picture) AND NOT EXISTS("
                                        "SELECT 1 FROM verdict t WHERE t.picture = v.picture AND t.source = 1))) ORDER BY v.picture",
                                        scene, 0, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct independent_defect){.picture = sqlite3_column_int64(stmt, 0),
                                                          .severity = column_severity(stmt, 1),
                                                          .score = sqlite3_column_double(stmt, 2),
                                                          .screened = sqlite3_column_type(stmt, 2) != SQLITE_NULL,
                                                          .flagged = sqlite3_column_int(stmt, 3) != 0,
                                                          .audited = sqlite3_column_int(stmt, 4) != 0};
    }
    return report_done(db, stmt, code, err);
}

enum status db_scan_scores(struct db *db, int64_t revision, void (*each)(void *context, const struct scan_row *row),
                           void *context, struct error *err)
{
    int code;
    // Both tables are ordered by picture: the look-ups walk along with the scan.
    sqlite3_stmt *stmt = report_prepare(db,
                                        "SELECT s.picture, s.score, s.flagged, r.verdict, t.verdict, f.verdict FROM score s"
                                        " LEFT JOIN verdict r ON r.picture = s.picture AND r.source = 0"
                                        " LEFT JOIN verdict t ON t.picture = s.picture AND t.source = 1"
                                        " LEFT JOIN audit_found f ON f.picture = s.picture"
                                        " WHERE s.revision = ?1 ORDER BY s.picture",
                                        revision, 0, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct scan_row row = {.picture = sqlite3_column_int64(stmt, 0),
                               .score = sqlite3_column_double(stmt, 1),
                               .flagged = sqlite3_column_int(stmt, 2) != 0,
                               .review = (enum verdict)sqlite3_column_int(stmt, 3),
                               .truth = (enum verdict)sqlite3_column_int(stmt, 4),
                               .audit = (enum verdict)sqlite3_column_int(stmt, 5)};
        each(context, &row);
    }
    return report_done(db, stmt, code, err);
}

enum status db_unreadable_reasons(struct db *db, int64_t scene, size_t limit, struct reason_row **rows, size_t *count,
                                  struct error *err)
{
    int code = SQLITE_DONE;
    *rows = xcalloc(limit + 1, sizeof **rows);
    *count = 0;
    sqlite3_stmt *stmt = report_prepare(db,
                                        "SELECT unreadable, count(*) FROM picture WHERE unreadable IS NOT NULL"
                                        " AND (?1 = 0 OR scene = ?1) GROUP BY unreadable ORDER BY 2 DESC, 1 LIMIT ?2",
                                        scene, (int64_t)limit, err);
    if (!stmt)
        return err->code;
    while (*count < limit && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        (*rows)[(*count)++] = (struct reason_row){column_copy(stmt, 0), sqlite3_column_int64(stmt, 1)};
    return report_done(db, stmt, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

void reason_free(struct reason_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].reason);
    free(rows);
}

// --- what people said --------------------------------------------------------

enum status db_counts_said(struct db *db, int64_t scene, struct scene_counts *counts, struct error *err)
{
    enum status status = db_counts(db, scene, counts, err);
    if (status != ST_OK)
        return status;
    sqlite3_stmt *stmt = report_prepare(db,
                                        "SELECT total(v.verdict = 1), total(v.verdict = 2), total(v.verdict = 3) FROM verdict v"
                                        " CROSS JOIN picture p ON p.id = v.picture WHERE v.source = 3 AND " SAID("v")
                                        " AND (?1 = 0 OR p.scene = ?1)",
                                        scene, 0, err);
    if (!stmt)
        return err->code;
    status = db_first(db, stmt, "counting", err);
    if (status == ST_OK) {
        counts->normals += sqlite3_column_int64(stmt, 0);
        counts->defects += sqlite3_column_int64(stmt, 1);
        counts->unsure += sqlite3_column_int64(stmt, 2);
        counts->answered = counts->normals + counts->defects + counts->unsure;
    }
    sqlite3_reset(stmt);
    return status;
}

// Each person's last word on each picture, corrections and what was taken back left out.
#define LAST_WORDS                                                                                      \
    "WITH word AS (SELECT max(e.id) AS id, e.person, e.picture FROM standing e JOIN picture p ON p.id = e.picture" \
    " WHERE e.source IN (0, 3) AND e.at_ms >= ?2 AND (?1 = 0 OR p.scene = ?1) GROUP BY e.person, e.picture)"

enum status db_people(struct db *db, int64_t scene, int64_t since_ms, struct person_row **rows, size_t *count,
                      struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = report_prepare(
        db,
        LAST_WORDS ", said AS (SELECT e.person, count(*) AS answers, sum(e.verdict = 1) AS normals,"
                   " sum(e.verdict = 2) AS defects, sum(e.verdict = 3) AS unsure FROM word w"
                   " JOIN label_event e ON e.id = w.id GROUP BY e.person),"
                   " skipped AS (SELECT e.person, count(*) AS skips FROM label_event e JOIN picture p ON p.id = e.picture"
                   " WHERE e.source IN (0, 3) AND e.kind = 'skip' AND e.at_ms >= ?2 AND (?1 = 0 OR p.scene = ?1)"
                   " AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = e.id) GROUP BY e.person),"
                   " took AS (SELECT e.person, e.took_ms, row_number() OVER (PARTITION BY e.person ORDER BY e.took_ms) AS n,"
                   " count(*) OVER (PARTITION BY e.person) AS timed FROM word w JOIN label_event e ON e.id = w.id"
                   " WHERE e.took_ms > 0)"
                   " SELECT h.name, coalesce(s.answers, 0), coalesce(s.normals, 0), coalesce(s.defects, 0),"
                   " coalesce(s.unsure, 0), coalesce(k.skips, 0), coalesce(t.timed, 0), coalesce(t.took_ms, 0) FROM person h"
                   " LEFT JOIN said s ON s.person = h.id LEFT JOIN skipped k ON k.person = h.id"
                   " LEFT JOIN took t ON t.person = h.id AND t.n = (t.timed + 1) / 2"
                   " WHERE s.answers IS NOT NULL OR k.skips IS NOT NULL ORDER BY h.name",
        scene, since_ms, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        struct person_row *row = &(*rows)[(*count)++];
        *row = (struct person_row){.name = column_copy(stmt, 0)};
        int64_t *fields[] = {&row->answers, &row->normals, &row->defects, &row->unsure,
                             &row->skips,   &row->timed,   &row->median_ms};
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            *fields[i] = sqlite3_column_int64(stmt, 1 + i);
    }
    return report_done(db, stmt, code, err);
}

void person_free(struct person_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].name);
    free(rows);
}

enum status db_answer_time(struct db *db, int64_t scene, int64_t since_ms, int64_t *timed, int64_t *median_ms,
                           struct error *err)
{
    *timed = *median_ms = 0;
    sqlite3_stmt *stmt =
        report_prepare(db,
                       LAST_WORDS ", took AS (SELECT e.took_ms, row_number() OVER (ORDER BY e.took_ms) AS n,"
                                  " count(*) OVER () AS timed FROM word w JOIN label_event e ON e.id = w.id WHERE e.took_ms > 0)"
                                  " SELECT timed, took_ms FROM took WHERE n = (timed + 1) / 2",
                       scene, since_ms, err);
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, "reading for the report", err);
    if (status == ST_OK) {
        *timed = sqlite3_column_int64(stmt, 0);
        *median_ms = sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status db_pairs(struct db *db, int64_t scene, int64_t since_ms, struct pair_row **rows, size_t *count,
                     struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt =
        report_prepare(db,
                       LAST_WORDS ", said AS MATERIALIZED (SELECT h.name, e.picture, e.verdict FROM word w"
                                  " JOIN label_event e ON e.id = w.id JOIN person h ON h.id = w.person),"
                                  " shared AS (SELECT picture FROM said GROUP BY picture HAVING count(*) > 1)"
                                  " SELECT a.name, b.name, a.verdict, b.verdict, count(*) FROM shared x"
                                  " JOIN said a ON a.picture = x.picture JOIN said b ON b.picture = a.picture AND b.name > a.name"
                                  " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2",
                       scene, since_ms, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *first = column_text(stmt, 0), *second = column_text(stmt, 1);
        struct pair_row *row = *count ? &(*rows)[*count - 1] : NULL;
        if (!row || strcmp(row->first, first) != 0 || strcmp(row->second, second) != 0) {
            GROW(*rows, capacity, *count + 1);
            row = &(*rows)[(*count)++];
            *row = (struct pair_row){.first = xstrdup(first), .second = xstrdup(second)};
        }
        int a = sqlite3_column_int(stmt, 2) - VERDICT_NORMAL, b = sqlite3_column_int(stmt, 3) - VERDICT_NORMAL;
        if (a >= 0 && a < 3 && b >= 0 && b < 3)
            row->table[a * 3 + b] = sqlite3_column_int64(stmt, 4);
    }
    return report_done(db, stmt, code, err);
}

void pair_free(struct pair_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].first);
        free(rows[i].second);
    }
    free(rows);
}

enum status db_found(struct db *db, int64_t scene, int64_t since_ms, int64_t found[SEVERITIES], struct error *err)
{
    int code;
    memset(found, 0, SEVERITIES * sizeof *found);
    sqlite3_stmt *stmt =
        report_prepare(db,
                       "SELECT " SEVERITY_OF("e") ", count(*) FROM verdict v CROSS JOIN label_event e ON e.id = v.event"
                       " CROSS JOIN picture p ON p.id = v.picture LEFT JOIN class k ON k.name = " CLASS_NOW("e.class") " WHERE " SAID("v")
                       " AND v.verdict = 2 AND e.at_ms >= ?2 AND (?1 = 0 OR p.scene = ?1) GROUP BY 1",
                       scene, since_ms, err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        found[column_severity(stmt, 0)] += sqlite3_column_int64(stmt, 1);
    return report_done(db, stmt, code, err);
}
