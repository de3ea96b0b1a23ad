// Industry models (model_row.scene 0): which one the rounds of a base begin from (industry.c). It is the one of state "promoted";
// those it followed are "replaced", those that were gone back from "rolled back" by a person or "refused" by the scenes' gates; one of another project is "foreign" until promoted.
#ifndef DB_INDUSTRY_H
#define DB_INDUSTRY_H

#include "db/model.h"

// ST_NOT_FOUND: they begin from the base.
ASSAY_CHECKED enum status db_industry_now(struct db *db, const char *base_sha256, struct model_row *row, struct error *err);
// The one that a rollback goes to: the newest that was followed by another. ST_NOT_FOUND: to the base.
ASSAY_CHECKED enum status db_industry_before(struct db *db, const char *base_sha256, struct model_row *row, struct error *err);
// Rounds begin from this one; the one they began from is kept as replaced. At once.
ASSAY_CHECKED enum status db_industry_promote(struct db *db, int64_t id, const char *reason, struct error *err);
// Rounds begin from db_industry_before again. state, reason: of the present one from now on. ST_NOT_FOUND: there is none.
ASSAY_CHECKED enum status db_industry_back(struct db *db, const char *base_sha256, const char *state, const char *reason,
                                           struct error *err);

struct industry_verdict {
    int64_t promoted, refused, judged; // scenes' models that began from it, by what came of them
    int64_t open;                      // rounds that were asked to begin from it and are not over
};
// except: a round that does not count as open.
ASSAY_CHECKED enum status db_industry_verdict(struct db *db, const char *sha256, int64_t except, struct industry_verdict *verdict,
                                              struct error *err);

#endif
