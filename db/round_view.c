#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "db/handle.h"
#include "db/round.h"

static const char doing[] = "looking back at the rounds of training";

enum status db_round_list(struct db *db, size_t limit, struct round **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT " ROUND_COLUMNS " FROM round ORDER BY id DESC LIMIT ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, (int64_t)limit);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        db_round_read(stmt, &(*rows)[(*count)++]);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_round_curve(struct db *db, int64_t round, struct round_point **points, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *points = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT step, loss FROM round_point WHERE round = ?1 ORDER BY step", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, round);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*points, capacity, *count + 1);
        (*points)[(*count)++] = (struct round_point){sqlite3_column_int(stmt, 0), sqlite3_column_double(stmt, 1)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

void activation_free(struct activation_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].kind);
        free(rows[i].who);
        free(rows[i].reason);
    }
    free(rows);
}

enum status db_activations(struct db *db, int64_t scene, size_t limit, struct activation_row **rows, size_t *count,
                           struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT a.scene, a.at_ms, coalesce(b.number, 0), n.number, n.learned_sha256, a.kind, a.who,"
                                    " a.reason FROM activation a JOIN revision n ON n.id = a.after"
                                    " LEFT JOIN revision b ON b.id = a.before WHERE a.scene = ?1 ORDER BY a.id DESC LIMIT ?2",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, (int64_t)limit);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        struct activation_row *row = &(*rows)[(*count)++];
        *row = (struct activation_row){.scene = sqlite3_column_int64(stmt, 0),
                                       .at_ms = sqlite3_column_int64(stmt, 1),
                                       .before = sqlite3_column_int(stmt, 2),
                                       .after = sqlite3_column_int(stmt, 3),
                                       .kind = column_copy(stmt, 5),
                                       .who = column_copy(stmt, 6),
                                       .reason = column_copy(stmt, 7)};
        column_hash(stmt, 4, row->learned);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}
