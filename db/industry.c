#include "config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "db/handle.h"
#include "db/industry.h"

static const char doing[] = "keeping track of industry models";

static enum status one(struct db *db, const char *sql, const char *base_sha256, struct model_row *row, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, base_sha256);
    enum status status = db_first(db, stmt, doing, err);
    int64_t id = status == ST_OK ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return status == ST_OK ? db_model_get(db, id, row, err) : status;
}

enum status db_industry_now(struct db *db, const char *base_sha256, struct model_row *row, struct error *err)
{
    enum status status = one(db, "SELECT m.id FROM model m WHERE m.base_sha256 = ?1 AND " INDUSTRY_NOW("m"), base_sha256, row, err);
    return status != ST_NOT_FOUND ? status
                                  : error_set(err, status, "there is no industry model that rounds begin from; `assay promote` takes one that `assay models` shows, "
                                                           "`assay train --industry` makes one");
}

// One that was never replaced, though others followed it, is of a project from before models were.
enum status db_industry_before(struct db *db, const char *base_sha256, struct model_row *row, struct error *err)
{
    enum status status = one(db,
                             "SELECT m.id FROM model m WHERE m.base_sha256 = ?1 AND m.scene IS NULL AND m.state IN ('replaced', 'promoted')"
                             " AND NOT (" INDUSTRY_NOW("m") ") ORDER BY m.decided_ms DESC, m.id DESC LIMIT 1",
                             base_sha256, row, err);
    return status == ST_NOT_FOUND ? error_set(err, status, "there is no earlier industry model") : status;
}

static enum status replace(struct db *db, int64_t id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "UPDATE model SET state = 'replaced', decided_ms = ?2 WHERE scene IS NULL AND state = 'promoted'"
                                    " AND id <> ?1 AND base_sha256 = (SELECT base_sha256 FROM model WHERE id = ?1)",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, clock_unix_ms());
    return db_run(db, stmt, doing, err);
}

enum status db_industry_promote(struct db *db, int64_t id, const char *reason, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = replace(db, id, err);
    if (status == ST_OK)
        status = db_model_decide(db, id, "promoted", reason, NULL, err);
    return db_leave(db, own, status, err);
}

static enum status back(struct db *db, const char *base_sha256, const char *state, const char *reason, struct error *err)
{
    struct model_row now = {0}, before = {0};
    enum status status = db_industry_now(db, base_sha256, &now, err);
    if (status != ST_OK)
        return status;
    status = db_industry_before(db, base_sha256, &before, err);
    if (status == ST_OK || status == ST_NOT_FOUND)
        status = db_model_decide(db, now.id, state, reason, NULL, err);
    if (status == ST_OK && before.id)
        status = db_model_decide(db, before.id, "promoted", before.reason, NULL, err);
    model_clear(&before);
    model_clear(&now);
    return status;
}

enum status db_industry_back(struct db *db, const char *base_sha256, const char *state, const char *reason, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, back(db, base_sha256, state, reason, err), err) : status;
}

enum status db_industry_verdict(struct db *db, const char *sha256, int64_t except, struct industry_verdict *verdict, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT total(state = 'promoted'), total(state = 'refused'), total(decided_ms > 0), (SELECT count(*) FROM round WHERE state < 3 AND id <> ?2"
                                    " AND instr(options, '\"from\":\"' || ?1 || '\"') > 0)"
                                    " FROM model WHERE parent = ?1 AND scene IS NOT NULL",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, sha256);
    sqlite3_bind_int64(stmt, 2, except);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK)
        *verdict = (struct industry_verdict){.promoted = sqlite3_column_int64(stmt, 0),
                                             .refused = sqlite3_column_int64(stmt, 1),
                                             .judged = sqlite3_column_int64(stmt, 2),
                                             .open = sqlite3_column_int64(stmt, 3)};
    sqlite3_reset(stmt);
    return status;
}
