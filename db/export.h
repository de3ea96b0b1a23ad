// Every picture with all that is known of it: for export and for screening (export.c).
#ifndef DB_EXPORT_H
#define DB_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"
#include "screen/model.h"

struct db;

struct export_row { // one picture with everything known about it; text valid during the callback
    int64_t picture;
    const char *path, *scene, *group, *sha256, *unreadable;
    int width, height;
    const char *object, *position, *camera, *taken;
    int revision_number;       // 0 not screened
    struct screen_score score;
    bool flagged;
    bool poor;                 // set aside: neither fitted on nor scored
    bool audited;              // drawn by an audit and answered there: never to be fitted on, whatever was said since
    enum verdict audit;        // that answer, also about a known defect slipped in
    const char *audit_stratum; // of the latest draw: "uniform", "weighted", "slipped"; "" not drawn
    int64_t audit_remaining;   // how many it was drawn from; 0 not drawn
    double audit_probability;  // with which probability
    enum verdict verdict;      // review
    const char *class_name, *severity, *person, *note; // of the review; where `verdict` is none, of the audit where `audited`
    const char *component, *cause, *action; // of the same: what it was on, and what the relations say of that
    const char *regions;       // drawn, else imported
    int64_t at_ms;
    enum verdict truth;        // imported
    const char *truth_class, *truth_severity;
    const char *truth_mask;
};
// Walk pictures (by id, readable or not, of `scene` or all for 0). ST_CANCELLED from `each` stops.
ASSAY_CHECKED enum status db_export(struct db *db, int64_t scene,
                                    enum status (*each)(void *context, const struct export_row *row,
                                                        struct error *err),
                                    void *context, struct error *err);

#endif
