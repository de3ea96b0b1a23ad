// Whether a database agrees with itself (check.c).
#ifndef DB_CHECK_H
#define DB_CHECK_H

#include "base/status.h"

struct db;

// SQLite's integrity_check and foreign_key_check, verdicts against events, counts
// against rows. Each finding is handed over as a sentence; ST_OK when the check
// itself could run.
ASSAY_CHECKED enum status db_check(struct db *db, void (*finding)(void *context, const char *sentence),
                                   void *context, struct error *err);

#endif
