// Classes of defects (class.c).
#ifndef DB_CLASS_H
#define DB_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

struct class_row {
    int64_t id;
    char *name, *severity; // severity used last for it: "stop", "key", "general"
    char *code;            // what is typed for it, "" none
    char *zh;              // its name in Chinese, "" none
    int64_t uses, parent;  // parent: the class above it, 0 none
    bool retired;          // not offered any more
};
ASSAY_CHECKED enum status db_class_ensure(struct db *db, const char *name, const char *severity, int64_t *id,
                                          struct error *err);
ASSAY_CHECKED enum status db_class_list(struct db *db, struct class_row **rows, size_t *count,
                                        struct error *err); // most recently used first; class_free
void class_free(struct class_row *rows, size_t count);
// The name that one has now, after renaming and merging; itself where nothing leads on. Caller frees.
ASSAY_CHECKED enum status db_class_now(struct db *db, const char *name, char **now, struct error *err);
// Its name in Chinese, "" none. Caller frees.
ASSAY_CHECKED enum status db_class_zh(struct db *db, const char *name, char **zh, struct error *err);
// What was said keeps the name it was said with; where it is read, that leads to the name of now.
enum class_change { CLASS_RENAME, CLASS_CODE, CLASS_SEVERITY, CLASS_PARENT, CLASS_RETIRE, CLASS_MERGE, CLASS_ZH, CLASS_NEW };
// value: the new name, code ("" none), severity, name of the class above ("" none), "yes" or "" for retired, name of the
// class to merge into, name of the new class (id is not used). ST_INVALID with a sentence where that cannot be; nothing is changed then.
ASSAY_CHECKED enum status db_class_change(struct db *db, int64_t person, int64_t id, enum class_change what,
                                          const char *value, struct error *err);

// Changes between these two calls are one: "template", its name and how much came of it. Inside of a transaction.
ASSAY_CHECKED enum status db_class_begin(struct db *db, struct error *err);
ASSAY_CHECKED enum status db_class_end(struct db *db, int64_t person, const char *what, const char *value, struct error *err);

// As a template has it: one that is there already (under this name or an earlier one) stays as it is, a code that another
// one has is left out. parent: name of the class above, "" none. zh may be "".
ASSAY_CHECKED enum status db_class_offer(struct db *db, const struct class_row *class, const char *parent, bool *added,
                                         struct error *err);

#endif
