// What the report's statements share.
#ifndef DB_REPORT_SQL_H
#define DB_REPORT_SQL_H

#include "db/handle.h"
#include "db/label.h"

// Severity of event `e`, with its class joined as k: as said, else the class's, else general.
#define SEVERITY_OF(e) "coalesce(nullif(" e ".severity, ''), k.severity, 'general')"
// What people found, verdict `v`: as said in the review; where nothing was said there, as said of what an audit drew.
#define SAID(v)                                                                                                     \
    "(" v ".source IN (0, 3) AND (" v ".source = 0 OR (EXISTS(SELECT 1 FROM audit_found f_ WHERE f_.picture = " v ".picture)" \
    " AND NOT EXISTS(SELECT 1 FROM verdict o_ WHERE o_.picture = " v ".picture AND o_.source = 0))))"

enum severity column_severity(sqlite3_stmt *stmt, int at); // general for what is unknown

// db_prepare with ?1 the scene (0 all) and, where there is one, ?2.
sqlite3_stmt *report_prepare(struct db *db, const char *sql, int64_t scene, int64_t since_ms, struct error *err);
// Reset; `code` is what the last step gave.
enum status report_done(struct db *db, sqlite3_stmt *stmt, int code, struct error *err);

#endif
