#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/handle.h"
#include "db/quality.h"

#define MEASURES "level, spread, dark, bright, sharp, flat, torn"
_Static_assert(QUALITIES == 7, "the columns of `quality` are the measures in their order");

static void read_quality(sqlite3_stmt *stmt, int at, struct quality *quality)
{
    for (int m = 0; m < QUALITIES; m++)
        quality->measures[m] = (float)sqlite3_column_double(stmt, at + m);
}

enum status db_quality_set(struct db *db, int64_t picture, const struct quality *quality, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT OR REPLACE INTO quality(picture, " MEASURES ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    for (int m = 0; m < QUALITIES; m++)
        sqlite3_bind_double(stmt, 2 + m, (double)quality->measures[m]);
    return db_run(db, stmt, "storing how good a picture is", err);
}

enum status db_quality_get(struct db *db, int64_t picture, struct quality *quality, bool *known,
                           struct error *err)
{
    *quality = (struct quality){{0}};
    sqlite3_stmt *stmt = db_prepare(db, "SELECT " MEASURES " FROM quality WHERE picture = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading how good a picture is", err);
    *known = status == ST_OK;
    if (*known)
        read_quality(stmt, 0, quality);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status db_quality_missing(struct db *db, int64_t scene, int64_t after, size_t limit, int64_t **ids,
                               size_t *count, struct error *err)
{
    *ids = NULL;
    *count = 0;
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT p.id FROM picture p WHERE p.scene = ?1 AND p.id > ?2 AND p.unreadable IS NULL"
                   " AND NOT EXISTS(SELECT 1 FROM quality q WHERE q.picture = p.id) ORDER BY p.id LIMIT ?3",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, after);
    sqlite3_bind_int64(stmt, 3, (int64_t)limit);
    size_t capacity = 0;
    return db_ids(db, stmt, ids, count, &capacity, "listing pictures", err);
}

enum status db_quality_page(struct db *db, int64_t scene, int64_t after, size_t limit,
                            struct quality_row **rows, size_t *count, struct error *err)
{
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT p.id, EXISTS(SELECT 1 FROM verdict v WHERE v.picture = p.id AND v.source <> 2), " MEASURES
        " FROM picture p JOIN quality q ON q.picture = p.id WHERE p.scene = ?1 AND p.id > ?2 ORDER BY p.id "
        "LIMIT ?3",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, after);
    sqlite3_bind_int64(stmt, 3, (int64_t)limit);
    *rows = xcalloc(limit + 1, sizeof **rows);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct quality_row *row = &(*rows)[(*count)++];
        row->picture = sqlite3_column_int64(stmt, 0);
        row->known = sqlite3_column_int(stmt, 1) != 0;
        read_quality(stmt, 2, &row->quality);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "listing pictures", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_quality_range_set(struct db *db, int64_t scene, const struct quality_range *range,
                                 struct error *err)
{
    for (int m = 0; m < QUALITIES; m++) {
        sqlite3_stmt *stmt = db_prepare(db,
                                        "INSERT OR REPLACE INTO quality_range(scene, measure, count, low, "
                                        "middle, high) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                                        err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, scene);
        bind_text(stmt, 2, quality_name((enum quality_measure)m));
        sqlite3_bind_int64(stmt, 3, (int64_t)range->count);
        sqlite3_bind_double(stmt, 4, (double)range->low[m]);
        sqlite3_bind_double(stmt, 5, (double)range->middle[m]);
        sqlite3_bind_double(stmt, 6, (double)range->high[m]);
        enum status status = db_run(db, stmt, "storing what is usual in a scene", err);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

enum status db_quality_range_get(struct db *db, int64_t scene, struct quality_range *range, struct error *err)
{
    *range = (struct quality_range){0};
    int found = 0, code;
    sqlite3_stmt *stmt =
        db_prepare(db, "SELECT measure, count, low, middle, high FROM quality_range WHERE scene = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int m = 0; m < QUALITIES; m++) {
            if (strcmp(column_text(stmt, 0), quality_name((enum quality_measure)m)) != 0)
                continue;
            range->count = (size_t)sqlite3_column_int64(stmt, 1);
            range->low[m] = (float)sqlite3_column_double(stmt, 2);
            range->middle[m] = (float)sqlite3_column_double(stmt, 3);
            range->high[m] = (float)sqlite3_column_double(stmt, 4);
            found++;
        }
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading what is usual in a scene", err);
    sqlite3_reset(stmt);
    if (found < QUALITIES) // of a program that measured otherwise
        range->count = 0;
    return status;
}

static enum status put_poor(struct db *db, int64_t picture, enum poor poor, const char *why,
                            struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        poor == POOR_NOT
            ? "DELETE FROM poor WHERE picture = ?1 AND state = 0 AND kind <> 'damaged file'"
            : "INSERT INTO poor(picture, scene, kind, why, at_ms) SELECT id, scene, ?2, ?3, ?4 FROM picture"
              " WHERE id = ?1 ON CONFLICT(picture) DO UPDATE SET kind = excluded.kind, why = excluded.why",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    if (poor != POOR_NOT) {
        bind_text(stmt, 2, poor_name(poor));
        bind_text(stmt, 3, why);
        sqlite3_bind_int64(stmt, 4, clock_unix_ms());
    }
    return db_run(db, stmt, "setting a poor picture aside", err);
}

enum status db_poor_judge(struct db *db, int64_t picture, enum poor poor, const char *why, bool *aside,
                          struct error *err)
{
    struct poor_row row;
    enum status status = put_poor(db, picture, poor, why, err);
    if (status == ST_OK)
        status = db_poor_get(db, picture, &row, err);
    *aside = status == ST_OK && row.state != POOR_FINE;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static void read_poor(sqlite3_stmt *stmt, struct poor_row *row)
{
    row->picture = sqlite3_column_int64(stmt, 0);
    snprintf(row->kind, sizeof row->kind, "%s", column_text(stmt, 1));
    snprintf(row->why, sizeof row->why, "%s", column_text(stmt, 2));
    row->state = (enum poor_state)sqlite3_column_int(stmt, 3);
}

enum status db_poor_get(struct db *db, int64_t picture, struct poor_row *row, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT picture, kind, why, state FROM poor WHERE picture = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading a poor picture", err);
    if (status == ST_OK)
        read_poor(stmt, row);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND
               ? error_set(err, status, "picture %lld is no poor picture", (long long)picture)
               : status;
}

enum status db_poor_page(struct db *db, int64_t scene, int64_t after, size_t limit, struct poor_row **rows,
                         size_t *count, struct error *err)
{
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt =
        scene
            ? db_prepare(
                  db,
                  "SELECT picture, kind, why, state FROM poor WHERE scene = ?1 AND state = 0 AND picture > ?2"
                  " ORDER BY picture LIMIT ?3",
                  err)
            : db_prepare(db,
                         "SELECT picture, kind, why, state FROM poor WHERE state = 0 AND picture > ?2"
                         " ORDER BY picture LIMIT ?3",
                         err);
    if (!stmt)
        return err->code;
    if (scene)
        sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, after);
    sqlite3_bind_int64(stmt, 3, (int64_t)limit);
    *rows = xcalloc(limit + 1, sizeof **rows);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        read_poor(stmt, &(*rows)[(*count)++]);
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "listing poor pictures", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_poor_tally(struct db *db, int64_t scene,
                          void (*each)(void *context, const char *kind, int64_t count, int64_t open),
                          void *context, struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT kind, count(*), sum(state = 0) FROM poor WHERE (?1 = 0 OR scene = ?1)"
                   " AND state <> 1 GROUP BY kind ORDER BY count(*) DESC, kind",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        each(context, column_text(stmt, 0), sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2));
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "counting poor pictures", err);
    sqlite3_reset(stmt);
    return status;
}
