#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/handle.h"
#include "db/round.h"

static const char doing[] = "keeping track of a round";

#define COLUMNS ROUND_COLUMNS

const char *round_state_name(enum round_state state)
{
    static const char *const names[] = {"queued", "running", "paused", "done", "failed", "cancelled"};
    return names[state];
}

const char *round_standing(const struct round *round, bool lives)
{
    if (round->state != ROUND_RUNNING)
        return round_state_name(round->state);
    if (!lives && round->wish != WISH_CANCEL)
        return "stopped";
    return round->wish == WISH_CANCEL ? "cancelling" : round->wish == WISH_PAUSE ? "pausing" : round_state_name(round->state);
}

void round_clear(struct round *round)
{
    free(round->options);
    free(round->sentence);
    *round = (struct round){0};
}

void db_round_read(sqlite3_stmt *stmt, struct round *r)
{
    *r = (struct round){.id = sqlite3_column_int64(stmt, 0),
                        .scene = sqlite3_column_int64(stmt, 1),
                        .state = (enum round_state)sqlite3_column_int(stmt, 2),
                        .wish = (enum round_wish)sqlite3_column_int(stmt, 3),
                        .progress = {.step = sqlite3_column_int(stmt, 5),
                                     .steps = sqlite3_column_int(stmt, 6),
                                     .loss = sqlite3_column_double(stmt, 7),
                                     .rate = sqlite3_column_double(stmt, 8),
                                     .left = sqlite3_column_double(stmt, 9)},
                        .answers = sqlite3_column_int64(stmt, 10),
                        .created_ms = sqlite3_column_int64(stmt, 11),
                        .started_ms = sqlite3_column_int64(stmt, 12),
                        .updated_ms = sqlite3_column_int64(stmt, 13),
                        .ended_ms = sqlite3_column_int64(stmt, 14),
                        .model = sqlite3_column_int64(stmt, 15),
                        .options = column_copy(stmt, 16),
                        .sentence = column_copy(stmt, 17)};
    snprintf(r->progress.stage, sizeof r->progress.stage, "%s", column_text(stmt, 4));
}

static enum status first_round(struct db *db, sqlite3_stmt *stmt, struct round *round, struct error *err)
{
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK)
        db_round_read(stmt, round);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "there is no such round of training") : status;
}

static enum status add(struct db *db, int64_t scene, const char *options, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT id, state FROM round WHERE state < 3 AND coalesce(scene, 0) = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK) {
        *id = sqlite3_column_int64(stmt, 0);
        bool paused = sqlite3_column_int(stmt, 1) == ROUND_PAUSED;
        sqlite3_reset(stmt);
        if (paused)
            return error_set(err, ST_BUSY,
                             "round %lld of this scene is paused; `assay train --resume` goes on with it, --cancel gives it up",
                             (long long)*id);
        return error_set(err, ST_BUSY, "round %lld of this scene is under way; `assay train --status` tells of it",
                         (long long)*id);
    }
    if (status != ST_NOT_FOUND)
        return status;
    stmt = db_prepare(db,
                      "INSERT INTO round(scene, options, answers, created_ms)"
                      " VALUES(nullif(?1, 0), ?2, (SELECT coalesce(max(id), 0) FROM label_event), ?3)",
                      err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    bind_text(stmt, 2, options);
    sqlite3_bind_int64(stmt, 3, clock_unix_ms());
    status = db_run(db, stmt, doing, err);
    *id = sqlite3_last_insert_rowid(db->sqlite);
    return status;
}

enum status db_round_add(struct db *db, int64_t scene, const char *options, int64_t *id, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, add(db, scene, options, id, err), err) : status;
}

enum status db_round_get(struct db *db, int64_t id, struct round *round, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT " COLUMNS " FROM round WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    return first_round(db, stmt, round, err);
}

enum status db_round_next(struct db *db, struct round *round, struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db, "SELECT " COLUMNS " FROM round WHERE state < 2 ORDER BY state DESC, id LIMIT 1", err);
    return stmt ? first_round(db, stmt, round, err) : err->code;
}

enum status db_round_latest(struct db *db, int64_t scene, enum round_state rather, struct round *round, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "SELECT " COLUMNS " FROM round WHERE ?1 < 0 OR coalesce(scene, 0) = ?1"
            " ORDER BY CASE WHEN ?1 >= 0 OR state = ?2 THEN 0 WHEN state = 1 THEN 1 WHEN state = 0 THEN 2 WHEN state = 2 THEN 3 ELSE 4 END, id DESC LIMIT 1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int(stmt, 2, (int)rather);
    return first_round(db, stmt, round, err);
}

enum status db_round_move(struct db *db, int64_t id, enum round_state from, enum round_state to, const char *sentence,
                          struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE round SET state = ?2, wish = CASE WHEN ?2 = 1 THEN wish ELSE 0 END, sentence = ?3, updated_ms = ?4,"
                   " started_ms = CASE WHEN ?2 = 1 AND started_ms = 0 THEN ?4 ELSE started_ms END,"
                   " ended_ms = CASE WHEN ?2 >= 3 THEN ?4 ELSE 0 END WHERE id = ?1 AND state = ?5",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int(stmt, 2, (int)to);
    bind_text(stmt, 3, sentence);
    sqlite3_bind_int64(stmt, 4, clock_unix_ms());
    sqlite3_bind_int(stmt, 5, (int)from);
    enum status status = db_run(db, stmt, doing, err);
    if (status == ST_OK && sqlite3_changes(db->sqlite) == 0)
        return error_set(err, ST_NOT_FOUND, "round %lld is not %s any more", (long long)id, round_state_name(from));
    return status;
}

enum status db_round_ask(struct db *db, int64_t id, enum round_wish wish, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE round SET wish = ?2 WHERE id = ?1 AND state < 3", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int(stmt, 2, (int)wish);
    return db_run(db, stmt, doing, err);
}

enum status db_round_tell(struct db *db, int64_t id, const struct round_progress *p, enum round_wish *wish,
                          struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "UPDATE round SET stage = ?2, step = ?3, steps = ?4, loss = ?5, rate = ?6, left_s = ?7,"
                                    " updated_ms = ?8 WHERE id = ?1 AND state = 1 RETURNING wish",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_text(stmt, 2, p->stage);
    sqlite3_bind_int(stmt, 3, p->step);
    sqlite3_bind_int(stmt, 4, p->steps);
    sqlite3_bind_double(stmt, 5, p->loss);
    sqlite3_bind_double(stmt, 6, p->rate);
    sqlite3_bind_double(stmt, 7, p->left);
    sqlite3_bind_int64(stmt, 8, clock_unix_ms());
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK)
        *wish = (enum round_wish)sqlite3_column_int(stmt, 0);
    if (sqlite3_reset(stmt) != SQLITE_OK && status == ST_OK)
        status = db_failed(db, doing, err);
    return status == ST_NOT_FOUND ? error_set(err, status, "round %lld is not %s any more", (long long)id, round_state_name(ROUND_RUNNING)) : status;
}

enum status db_round_settle(struct db *db, int64_t id, const char *options, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE round SET options = ?2 WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_text(stmt, 2, options);
    return db_run(db, stmt, doing, err);
}

enum status db_round_result(struct db *db, int64_t id, int64_t model, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE round SET model = ?2 WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, model);
    return db_run(db, stmt, doing, err);
}

static enum status count_sides(struct db *db, int64_t scene, struct round_answers *a, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT total(v.verdict = 1), total(v.verdict = 2) FROM verdict v"
                                    " JOIN picture p ON p.id = v.picture WHERE v.source = 0 AND v.verdict IN (1, 2)"
                                    " AND (?1 = 0 OR p.scene = ?1)",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK) {
        a->normals = sqlite3_column_int64(stmt, 0);
        a->defects = sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    return status;
}

enum status db_round_answers(struct db *db, int64_t scene, int64_t since, struct round_answers *answers,
                             struct error *err)
{
    *answers = (struct round_answers){0};
    sqlite3_stmt *stmt = db_prepare(db, // of those that stand: what was taken back is nothing to learn from
                                    "SELECT count(*) FROM verdict v JOIN picture p ON p.id = v.picture"
                                    " WHERE v.source = 0 AND v.event > ?2 AND v.verdict IN (1, 2) AND (?1 = 0 OR p.scene = ?1)",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, since);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK)
        answers->fresh = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status == ST_OK ? count_sides(db, scene, answers, err) : status;
}

// ---- the worker ----

static const char working[] = "keeping track of the worker";

enum status db_worker_get(struct db *db, struct worker_row *row, struct error *err)
{
    *row = (struct worker_row){0};
    sqlite3_stmt *stmt = db_prepare(db, "SELECT pid, heartbeat_ms, started FROM worker", err);
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, working, err);
    if (status == ST_OK) {
        row->pid = sqlite3_column_int64(stmt, 0);
        row->heartbeat_ms = sqlite3_column_int64(stmt, 1);
        snprintf(row->started, sizeof row->started, "%s", column_text(stmt, 2));
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "nobody works") : status;
}

static enum status put(struct db *db, const char *sql, const struct worker_row *own, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, own->pid);
    bind_text(stmt, 2, own->started);
    if (sqlite3_bind_parameter_count(stmt) > 2)
        sqlite3_bind_int64(stmt, 3, clock_unix_ms());
    return db_run(db, stmt, working, err);
}

static enum status take(struct db *db, const struct worker_row *own, const struct worker_row *dead, struct error *err)
{
    struct worker_row now;
    enum status status = db_worker_get(db, &now, err);
    if (status != ST_OK && status != ST_NOT_FOUND)
        return status;
    if (now.pid != dead->pid || strcmp(now.started, dead->started) != 0)
        return error_set(err, ST_BUSY, "another worker was first (process %lld)", (long long)now.pid);
    return put(db, "INSERT OR REPLACE INTO worker(id, pid, started, heartbeat_ms) VALUES(1, ?1, ?2, ?3)", own, err);
}

enum status db_worker_take(struct db *db, const struct worker_row *own, const struct worker_row *dead, struct error *err)
{
    bool inside;
    enum status status = db_enter(db, &inside, err);
    return status == ST_OK ? db_leave(db, inside, take(db, own, dead, err), err) : status;
}

enum status db_worker_beat(struct db *db, const struct worker_row *own, struct error *err)
{
    enum status status = put(db, "UPDATE worker SET heartbeat_ms = ?3 WHERE pid = ?1 AND started = ?2", own, err);
    if (status == ST_OK && sqlite3_changes(db->sqlite) == 0)
        return error_set(err, ST_NOT_FOUND, "another process took this worker's place; it ends");
    return status;
}

enum status db_worker_leave(struct db *db, const struct worker_row *own, struct error *err)
{
    return put(db, "DELETE FROM worker WHERE pid = ?1 AND started = ?2", own, err);
}
