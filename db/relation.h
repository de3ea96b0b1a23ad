// Relations: what is known of a fault on a component (relation.c).
#ifndef DB_RELATION_H
#define DB_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

struct relation_row {
    int64_t id;
    char *component, *fault;         // the fault is a class
    char *cause, *action, *severity; // "" not stated
    int64_t contradicted;            // labels that stand with this component and fault, and another severity
};
void relation_free(struct relation_row *rows, size_t count);
// State one; what stood of the same component and fault is retired (keep: it stays instead). before: the severity that
// stood, "" none. added false: it stood just so.
ASSAY_CHECKED enum status db_relation_state(struct db *db, int64_t person, const struct relation_row *row, bool keep,
                                            char before[16], bool *added, struct error *err);
ASSAY_CHECKED enum status db_relation_retire(struct db *db, int64_t person, int64_t id, struct error *err);
// Of a fault (by its name now; NULL: all), by fault and component; relation_free.
ASSAY_CHECKED enum status db_relation_list(struct db *db, const char *fault, struct relation_row **rows, size_t *count,
                                           struct error *err);

#endif
