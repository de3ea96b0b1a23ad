#include "config.h"

#include "base/clock.h"
#include "db/handle.h"
#include "db/strategy.h"

static const char doing[] = "keeping track of strategies";

enum status db_strategy_add(struct db *db, int64_t scene, const char *strategy, int64_t model, double count, double reward,
                            struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO strategy(scene, name, model, count, reward, at_ms)"
                                    " VALUES(nullif(?1, 0), ?2, nullif(?3, 0), ?4, ?5, ?6) ON CONFLICT(model) DO NOTHING",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    bind_text(stmt, 2, strategy);
    sqlite3_bind_int64(stmt, 3, model);
    sqlite3_bind_double(stmt, 4, count);
    sqlite3_bind_double(stmt, 5, reward);
    sqlite3_bind_int64(stmt, 6, clock_unix_ms());
    return db_run(db, stmt, doing, err);
}

enum status db_strategy_each(struct db *db, int64_t scene,
                             void (*each)(void *context, const char *name, double count, double sum), void *context,
                             struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT name, total(count), total(count * reward) FROM strategy"
                                    " WHERE ?1 = 0 OR scene = ?1 OR scene IS NULL GROUP BY name ORDER BY name",
                                    err);
    int code;
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        each(context, column_text(stmt, 0), sqlite3_column_double(stmt, 1), sqlite3_column_double(stmt, 2));
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_strategy_forget(struct db *db, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "DELETE FROM strategy WHERE scene IS NULL", err);
    return stmt ? db_run(db, stmt, doing, err) : err->code;
}
