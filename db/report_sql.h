// What the report's statements share.
#ifndef DB_REPORT_SQL_H
#define DB_REPORT_SQL_H

#include "db/handle.h"
#include "db/label.h"

// Severity of event `e`, with its class joined as k: as said, else the class's, else general.
#define SEVERITY_OF(e) "coalesce(nullif(" e ".severity, ''), k.severity, 'general')"

enum severity column_severity(sqlite3_stmt *stmt, int at); // general for what is unknown

// db_prepare with ?1 the scene (0 all) and, where there is one, ?2.
sqlite3_stmt *report_prepare(struct db *db, const char *sql, int64_t scene, int64_t since_ms, struct error *err);
// Reset; `code` is what the last step gave.
enum status report_done(struct db *db, sqlite3_stmt *stmt, int code, struct error *err);

#endif
