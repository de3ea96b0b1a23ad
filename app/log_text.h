// The log as text and JSON.
#ifndef APP_LOG_TEXT_H
#define APP_LOG_TEXT_H

#include "app/app.h"
#include "app/settings.h"
#include "db/log.h"

enum { LOG_TEXT = 700 };

// What happened, one sentence without who and when; cleaned. db: for the reader's names of classes; NULL: as they are stored.
void log_sentence(struct db *db, const struct log_row *row, char text[LOG_TEXT]);
json_t *log_json(const struct log_row *row);

// That a setting was changed in the file `path`; value NULL: taken out of it.
ASSAY_CHECKED enum status log_setting(struct db *db, const char *person, enum setting setting, const char *value,
                                      const char *path, struct error *err);

#endif
