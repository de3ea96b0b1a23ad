#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "db/handle.h"
#include "db/live.h"
#include "db/revision.h"

enum status db_live_pending(struct db *db, int64_t scene, enum live_pending which, int64_t after, size_t limit,
                            int64_t **ids, size_t *count, struct error *err)
{
    *ids = NULL;
    *count = 0;
#define UNSCORED                                                                                             \
    " AND p.id > ?2 AND p.unreadable IS NULL"                                                                \
    " AND NOT EXISTS(SELECT 1 FROM score s WHERE s.revision = (SELECT active_revision FROM scene WHERE id "  \
    "= ?1)"                                                                                                  \
    " AND s.picture = p.id)"
#define IN_THE_SCENE                                                                                         \
    "SELECT p.id FROM picture p WHERE p.scene = ?1"                                                          \
    " AND NOT EXISTS(SELECT 1 FROM poor o WHERE o.picture = p.id AND o.state <> 1)" UNSCORED
#define NEXT " ORDER BY p.id LIMIT ?3"
    static const char *const texts[] = {
        [LIVE_ALL] = IN_THE_SCENE NEXT,
        [LIVE_FINE] = "SELECT p.id FROM poor o JOIN picture p ON p.id = o.picture WHERE o.scene = ?1 AND o.state = 1" UNSCORED NEXT,
        [LIVE_KNOWN] = IN_THE_SCENE " AND EXISTS(SELECT 1 FROM revision r JOIN score x ON x.revision = r.id AND x.picture = p.id"
                                    " WHERE r.scene = ?1)" NEXT,
    };
#undef UNSCORED
#undef IN_THE_SCENE
#undef NEXT
    sqlite3_stmt *stmt = db_prepare(db, texts[which], err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, after);
    sqlite3_bind_int64(stmt, 3, (int64_t)limit);
    size_t capacity = 0;
    return db_ids(db, stmt, ids, count, &capacity, "listing pictures", err);
}

// --- the state of drift as numbers in text: every machine reads it back the same ---

enum { SUMS = 5, OWN = 14, NUMBERS = OWN + 3 * SUMS };

static void to_numbers(const struct drift *d, double n[NUMBERS])
{
    const struct drift_sums *sums[] = {&d->all, &d->rising, &d->falling};
    double own[OWN] = {d->rise,
                       d->fall,
                       (double)d->rise_since,
                       (double)d->fall_since,
                       d->base,
                       d->moved,
                       (double)d->settling,
                       d->place,
                       3 /* format */,
                       (double)d->arrivals,
                       d->squares,
                       d->start,
                       d->spread,
                       d->width};
    memcpy(n, own, sizeof own);
    for (int i = 0; i < 3; i++) {
        double *to = n + OWN + SUMS * i;
        to[0] = (double)sums[i]->count;
        to[1] = (double)sums[i]->looked;
        to[2] = sums[i]->z;
        to[3] = sums[i]->level;
        to[4] = sums[i]->sharp;
    }
}

static void from_numbers(const double n[NUMBERS], struct drift *d)
{
    struct drift_sums *sums[] = {&d->all, &d->rising, &d->falling};
    *d = (struct drift){.rise = n[0],
                        .fall = n[1],
                        .rise_since = (int64_t)n[2],
                        .fall_since = (int64_t)n[3],
                        .base = n[4],
                        .moved = n[5] != 0,
                        .settling = (int64_t)n[6],
                        .place = n[7],
                        .arrivals = (int64_t)n[9],
                        .squares = n[10],
                        .start = n[11],
                        .spread = n[12],
                        .width = n[13]};
    for (int i = 0; i < 3; i++) {
        const double *from = n + OWN + SUMS * i;
        *sums[i] = (struct drift_sums){(int64_t)from[0], (int64_t)from[1], from[2], from[3], from[4]};
    }
}

enum status db_drift_get(struct db *db, int64_t scene, int64_t revision, struct drift *drift,
                         struct error *err)
{
    *drift = (struct drift){0};
    sqlite3_stmt *stmt = db_prepare(db, "SELECT state FROM live WHERE scene = ?1 AND revision = ?2", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, revision);
    enum status status = db_first(db, stmt, "reading a scene's drift", err);
    if (status == ST_OK) {
        double n[NUMBERS];
        const char *text = column_text(stmt, 0);
        char *end;
        int count = 0;
        for (; count < NUMBERS; count++, text = end) {
            n[count] = strtod(text, &end);
            if (end == text || !isfinite(n[count]))
                break;
        }
        if (count == NUMBERS && n[8] == 3)
            from_numbers(n, drift);
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status put_drift(struct db *db, int64_t scene, int64_t revision, const struct drift *drift,
                             struct error *err)
{
    double n[NUMBERS];
    struct strbuf text = {0};
    sqlite3_stmt *stmt =
        db_prepare(db, "INSERT OR REPLACE INTO live(scene, revision, state) VALUES(?1, ?2, ?3)", err);
    if (!stmt)
        return err->code;
    to_numbers(drift, n);
    for (int i = 0; i < NUMBERS; i++)
        strbuf_printf(&text, "%s%.17g", i ? " " : "", n[i]);
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, revision);
    bind_text(stmt, 3, text.data);
    strbuf_clear(&text);
    return db_run(db, stmt, "storing a scene's drift", err);
}

static void bind_number(sqlite3_stmt *stmt, int at, double value)
{
    if (isfinite(value))
        sqlite3_bind_double(stmt, at, value);
    else
        sqlite3_bind_null(stmt, at);
}

static enum status put_finding(struct db *db, int64_t scene, int64_t revision, const struct drift_finding *f,
                               struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO drift(scene, revision, at_ms, since, picture, count, before, after, "
                   "level_before, level_after,"
                   " sharp_before, sharp_after) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                   err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int64(stmt, 2, revision);
    sqlite3_bind_int64(stmt, 3, clock_unix_ms());
    sqlite3_bind_int64(stmt, 4, f->since);
    sqlite3_bind_int64(stmt, 5, f->at);
    sqlite3_bind_int64(stmt, 6, f->after_count);
    bind_number(stmt, 7, f->before);
    bind_number(stmt, 8, f->after);
    bind_number(stmt, 9, f->level_before);
    bind_number(stmt, 10, f->level_after);
    bind_number(stmt, 11, f->sharp_before);
    bind_number(stmt, 12, f->sharp_after);
    return db_run(db, stmt, "storing a scene's drift", err);
}

enum status db_drift_last(struct db *db, int64_t scene, struct drift_row *row, struct error *err)
{
    *row = (struct drift_row){0};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT d.since, d.picture, d.count, d.before, d.after, d.level_before, d.level_after, "
        "d.sharp_before,"
        " d.sharp_after, d.at_ms, (SELECT path FROM location WHERE picture = d.since ORDER BY id LIMIT 1)"
        " FROM drift d JOIN scene c ON c.id = d.scene AND c.active_revision = d.revision WHERE d.scene = ?1"
        " ORDER BY d.id DESC LIMIT 1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, "reading a scene's drift", err);
    if (status == ST_OK) {
        double *numbers[] = {&row->finding.before,       &row->finding.after,
                             &row->finding.level_before, &row->finding.level_after,
                             &row->finding.sharp_before, &row->finding.sharp_after};
        row->finding.since = sqlite3_column_int64(stmt, 0);
        row->finding.at = sqlite3_column_int64(stmt, 1);
        row->finding.after_count = sqlite3_column_int64(stmt, 2);
        for (int i = 0; i < 6; i++)
            *numbers[i] =
                sqlite3_column_type(stmt, 3 + i) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, 3 + i);
        row->at_ms = sqlite3_column_int64(stmt, 9);
        row->since_path = column_copy(stmt, 10);
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "the scene has not drifted") : status;
}

// --- scores ---

static enum status one_number(struct db *db, sqlite3_stmt *stmt, int64_t *value, struct error *err)
{
    *value = 0;
    enum status status = db_first(db, stmt, "storing scores", err);
    if (status == ST_OK)
        *value = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status has_score(struct db *db, int64_t revision, int64_t picture, bool *has, struct error *err)
{
    int64_t one;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM score WHERE revision = ?1 AND picture = ?2", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    sqlite3_bind_int64(stmt, 2, picture);
    enum status status = one_number(db, stmt, &one, err);
    *has = one == 1;
    return status;
}

static enum status put_shift(struct db *db, int64_t revision, const struct live_score *s, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT OR REPLACE INTO live_shift(revision, picture, raw, shift) VALUES(?1, ?2, ?3, ?4)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    sqlite3_bind_int64(stmt, 2, s->score.picture);
    sqlite3_bind_double(stmt, 3, s->raw);
    sqlite3_bind_double(stmt, 4, s->shift);
    return db_run(db, stmt, "storing scores", err);
}

static enum status put_live(struct db *db, int64_t scene, int64_t revision, const struct live_score *scores,
                            size_t count, const struct drift *drift, struct error *err)
{
    int64_t active;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT active_revision FROM scene WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = one_number(db, stmt, &active, err);
    if (status == ST_OK && active != revision)
        return error_set(err, ST_BUSY, "the scene has a new revision; score the pictures with that one");
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        bool has = false;
        status = has_score(db, revision, scores[i].score.picture, &has, err);
        if (status == ST_OK && !has)
            status = db_revision_scores(db, revision, &scores[i].score, 1, err);
        if (status == ST_OK && !has && scores[i].shift != 0)
            status = put_shift(db, revision, &scores[i], err);
        if (status == ST_OK && scores[i].told)
            status = put_finding(db, scene, revision, &scores[i].finding, err);
    }
    return status == ST_OK ? put_drift(db, scene, revision, drift, err) : status;
}

enum status db_live_scores(struct db *db, int64_t scene, int64_t revision, const struct live_score *scores,
                           size_t count, const struct drift *drift, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, put_live(db, scene, revision, scores, count, drift, err), err)
                           : status;
}

enum status db_version(struct db *db, int64_t *version, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "PRAGMA data_version", err);
    return stmt ? one_number(db, stmt, version, err) : err->code;
}
