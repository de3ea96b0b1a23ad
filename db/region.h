// Regions: each event holds all regions of its picture after a change (region.c).
#ifndef DB_REGION_H
#define DB_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/label.h"

struct db;

struct region_set {
    int64_t event;            // 0: nothing was ever drawn or imported
    enum label_source source; // LABEL_REGION, or LABEL_TRUTH where nobody drew
    char *json;               // "" none
};
// What stands. Caller frees set->json.
ASSAY_CHECKED enum status db_region_get(struct db *db, int64_t picture, struct region_set *set, struct error *err);
// Whether the latest that this person said, took back or gave again was about regions.
ASSAY_CHECKED enum status db_region_last(struct db *db, int64_t person, bool *regions, struct error *err);
// label: of source LABEL_REGION and VERDICT_REGIONS. before: the drawn event that stood when the picture was looked at (0
// none). ST_BUSY naming who, and nothing stored, when others drew since.
ASSAY_CHECKED enum status db_region_put(struct db *db, const struct label *label, int64_t before, int64_t *event,
                                        struct error *err);

#endif
