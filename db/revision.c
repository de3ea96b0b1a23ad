#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/handle.h"
#include "db/revision.h"

static enum status run_id(struct db *db, const char *sql, int64_t id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    return db_run(db, stmt, "making a revision", err);
}

// What a crash left half built of a scene; nothing refers to it yet. A part at a
// time, so that no answer waits for a million rows.
static enum status drop_unfinished(struct db *db, int64_t scene, struct error *err)
{
    enum status status;
    do
        status = run_id(db,
                        "DELETE FROM score WHERE (revision, picture) IN (SELECT s.revision, s.picture FROM revision r"
                        " JOIN score s ON s.revision = r.id WHERE r.scene = ?1 AND r.finished = 0 LIMIT 2000)",
                        scene, err);
    while (status == ST_OK && sqlite3_changes(db->sqlite) > 0);
    return status == ST_OK ? run_id(db, "DELETE FROM revision WHERE scene = ?1 AND finished = 0", scene, err) : status;
}

static enum status insert(struct db *db, const struct revision *r, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT INTO revision(scene, number, base_sha256, model_sha256, patch_sha256, threshold, flag_rate, believed,"
        " created_ms, rule, reason, goals, learned_sha256) VALUES(?1, (SELECT coalesce(max(number), 0) + 1 FROM revision WHERE scene = ?1),"
        " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, r->scene);
    bind_text(stmt, 2, r->base_sha256);
    bind_text(stmt, 3, r->model_sha256);
    bind_text(stmt, 4, r->patch_sha256);
    sqlite3_bind_double(stmt, 5, r->threshold);
    sqlite3_bind_double(stmt, 6, r->flag_rate);
    sqlite3_bind_int64(stmt, 7, r->believed);
    sqlite3_bind_int64(stmt, 8, r->created_ms);
    bind_text(stmt, 9, r->rule[0] ? r->rule : "filter-rate");
    bind_text(stmt, 10, r->reason);
    bind_text(stmt, 11, r->goals[0] ? r->goals : "[]");
    bind_text(stmt, 12, r->learned_sha256);
    enum status status = db_run(db, stmt, "making a revision", err);
    *id = sqlite3_last_insert_rowid(db->sqlite);
    return status;
}

enum status db_revision_begin(struct db *db, const struct revision *revision, int64_t *id, struct error *err)
{
    bool own;
    enum status status = drop_unfinished(db, revision->scene, err);
    if (status == ST_OK)
        status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, insert(db, revision, id, err), err) : status;
}

static enum status put_score(struct db *db, int64_t revision, const struct score_new *s, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT OR REPLACE INTO score(revision, picture, score, patch, tile, drawn, learned, whole, known,"
        " alone, flagged, heat_rows, heat_cols, heat, x0, y0, x1, y1)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    sqlite3_bind_int64(stmt, 2, s->picture);
    sqlite3_bind_double(stmt, 3, s->score.score);
    for (int d = 0; d < DETECTORS; d++)
        sqlite3_bind_double(stmt, 4 + d, s->score.parts[d]);
    sqlite3_bind_int(stmt, 4 + DETECTORS, s->score.alone);
    sqlite3_bind_int(stmt, 5 + DETECTORS, s->flagged);
    if (s->flagged && s->heat && s->heat->rows > 0) {
        sqlite3_bind_int(stmt, 6 + DETECTORS, s->heat->rows);
        sqlite3_bind_int(stmt, 7 + DETECTORS, s->heat->cols);
        sqlite3_bind_blob(stmt, 8 + DETECTORS, s->heat->cells, s->heat->rows * s->heat->cols, SQLITE_TRANSIENT);
        for (int i = 0; i < 4; i++)
            sqlite3_bind_double(stmt, 9 + DETECTORS + i, s->box[i]);
    }
    return db_run(db, stmt, "storing scores", err);
}

static enum status put_scores(struct db *db, int64_t revision, const struct score_new *scores, size_t count,
                              struct error *err)
{
    int64_t flagged = 0;
    for (size_t i = 0; i < count; i++) {
        enum status status = put_score(db, revision, &scores[i], err);
        if (status != ST_OK)
            return status;
        flagged += scores[i].flagged;
    }
    sqlite3_stmt *stmt = db_prepare(
        db, "UPDATE revision SET screened = screened + ?2, flagged = flagged + ?3 WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    sqlite3_bind_int64(stmt, 2, (int64_t)count);
    sqlite3_bind_int64(stmt, 3, flagged);
    return db_run(db, stmt, "storing scores", err);
}

enum status db_revision_scores(struct db *db, int64_t revision, const struct score_new *scores, size_t count,
                               struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, put_scores(db, revision, scores, count, err), err) : status;
}

enum status db_revision_finish(struct db *db, int64_t id, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = run_id(db, "UPDATE revision SET finished = 1 WHERE id = ?1", id, err);
    if (status == ST_OK)
        status = run_id(db, "UPDATE scene SET active_revision = ?1 WHERE id = (SELECT scene FROM revision WHERE id = ?1)", id,
                        err);
    return db_leave(db, own, status, err);
}

enum status db_revision_ready(struct db *db, int64_t id, struct error *err)
{
    return run_id(db, "UPDATE revision SET finished = 1 WHERE id = ?1", id, err);
}

enum status db_revision_get(struct db *db, int64_t id, struct revision *r, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT id, scene, number, base_sha256, model_sha256, patch_sha256, threshold,"
                                    " flag_rate, screened, flagged, believed, created_ms, rule, reason, goals,"
                                    " learned_sha256, EXISTS(SELECT 1 FROM pruned g WHERE g.revision = id)"
                                    " FROM revision WHERE id = ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_first(db, stmt, "reading a revision", err);
    if (status == ST_OK) {
        *r = (struct revision){.id = id,
                               .scene = sqlite3_column_int64(stmt, 1),
                               .number = sqlite3_column_int(stmt, 2),
                               .threshold = sqlite3_column_double(stmt, 6),
                               .flag_rate = sqlite3_column_double(stmt, 7),
                               .screened = sqlite3_column_int64(stmt, 8),
                               .flagged = sqlite3_column_int64(stmt, 9),
                               .believed = sqlite3_column_int64(stmt, 10),
                               .created_ms = sqlite3_column_int64(stmt, 11),
                               .pruned = sqlite3_column_int(stmt, 16) != 0};
        snprintf(r->rule, sizeof r->rule, "%s", column_text(stmt, 12));
        snprintf(r->reason, sizeof r->reason, "%s", column_text(stmt, 13));
        snprintf(r->goals, sizeof r->goals, "%s", column_text(stmt, 14));
        column_hash(stmt, 3, r->base_sha256);
        column_hash(stmt, 4, r->model_sha256);
        column_hash(stmt, 5, r->patch_sha256);
        column_hash(stmt, 15, r->learned_sha256);
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "there is no revision with id %lld", (long long)id) : status;
}

enum status db_revision_alone(struct db *db, int64_t revision, int64_t counts[DETECTORS], struct error *err)
{
    memset(counts, 0, DETECTORS * sizeof *counts);
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT alone, count(*) FROM score WHERE revision = ?1 AND flagged = 1 AND alone > 0 GROUP BY alone",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int detector = sqlite3_column_int(stmt, 0) - 1;
        if (detector >= 0 && detector < DETECTORS)
            counts[detector] = sqlite3_column_int64(stmt, 1);
    }
    enum status status =
        code == SQLITE_DONE ? ST_OK : db_failed(db, "counting what single detectors flagged", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_revision_untrained(struct db *db, int64_t scene, struct revision *revision, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT id FROM revision WHERE scene = ?1 AND finished = 1 AND learned_sha256 = ''"
                                    " ORDER BY id DESC LIMIT 1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, "looking for the revision before any trained model", err);
    int64_t id = status == ST_OK ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    if (status == ST_NOT_FOUND)
        return error_set(err, status, "the scene was never screened without a trained model");
    return status == ST_OK ? db_revision_get(db, id, revision, err) : status;
}

// ---- pruning ----

static const char pruning[] = "pruning old scores";

enum status db_revision_prune(struct db *db, int64_t scene, int keep, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT INTO pruned(revision, at_ms) SELECT id, ?3 FROM (SELECT r.id AS id, row_number() OVER"
        " (PARTITION BY a.id IS NULL ORDER BY a.id DESC, r.id DESC) AS place FROM revision r"
        " LEFT JOIN activation a ON a.id = (SELECT max(x.id) FROM activation x WHERE x.after = r.id)"
        " WHERE r.scene = ?1 AND r.finished = 1 AND NOT EXISTS(SELECT 1 FROM pruned g WHERE g.revision = r.id)) WHERE place > ?2"
        " AND id IS NOT (SELECT active_revision FROM scene WHERE id = ?1)"
        " AND id IS NOT (SELECT max(u.id) FROM revision u WHERE u.scene = ?1 AND u.finished = 1 AND u.learned_sha256 = '')"
        " AND id IS NOT (SELECT max(m.revision) FROM model m WHERE m.scene = ?1 AND m.state = 'candidate')"
        " AND NOT EXISTS(SELECT 1 FROM audit t WHERE t.revision = id)",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    sqlite3_bind_int(stmt, 2, keep);
    sqlite3_bind_int64(stmt, 3, clock_unix_ms());
    return db_run(db, stmt, pruning, err);
}

enum status db_revision_pruned(struct db *db, int64_t scene, struct revision *revision, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT r.id FROM pruned g JOIN revision r ON r.id = g.revision WHERE r.scene = ?1"
                                    " AND EXISTS(SELECT 1 FROM score s WHERE s.revision = r.id) ORDER BY r.id LIMIT 1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, pruning, err);
    int64_t id = status == ST_OK ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return status == ST_OK ? db_revision_get(db, id, revision, err) : status;
}

enum status db_revision_uses(struct db *db, const char *sha256, bool *used, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT 1 FROM revision r WHERE ?1 IN (r.model_sha256, r.patch_sha256, r.learned_sha256)"
                                    " AND NOT EXISTS(SELECT 1 FROM pruned g WHERE g.revision = r.id)",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, sha256);
    enum status status = db_first(db, stmt, pruning, err);
    sqlite3_reset(stmt);
    *used = status == ST_OK;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status db_revision_drop(struct db *db, int64_t revision, bool *more, struct error *err)
{
    enum status status = run_id(db, "DELETE FROM live_shift WHERE revision IN (SELECT revision FROM pruned WHERE revision = ?1)", revision, err);
    if (status == ST_OK)
        status = run_id(db,
                        "DELETE FROM score WHERE (revision, picture) IN (SELECT s.revision, s.picture FROM pruned g"
                        " JOIN score s ON s.revision = g.revision WHERE g.revision = ?1 LIMIT 500)",
                        revision, err);
    *more = status == ST_OK && sqlite3_changes(db->sqlite) > 0;
    return status;
}

enum status db_revision_kept(const struct revision *r, struct error *err)
{
    if (!r->pruned)
        return ST_OK;
    if (!r->learned_sha256[0])
        return error_set(err, ST_NOT_FOUND, "revision %d was pruned: its scores are not kept any more (the setting revisions.keep); `assay screen` makes another", r->number);
    return error_set(err, ST_NOT_FOUND, "revision %d was pruned: its scores are not kept any more (the setting revisions.keep); `assay train --from %.12s` begins from its model", r->number, r->learned_sha256);
}

enum status db_score_bins(struct db *db, int64_t revision, double step, int bins, int64_t *counts, struct error *err)
{
    int code;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT max(0, min(CAST(score / ?2 AS INTEGER), ?3 - 1)) AS bin, count(*) FROM score"
                                    " WHERE revision = ?1 GROUP BY bin",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    sqlite3_bind_double(stmt, 2, step);
    sqlite3_bind_int(stmt, 3, bins);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        counts[sqlite3_column_int(stmt, 0)] = sqlite3_column_int64(stmt, 1);
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "counting the scores", err);
    sqlite3_reset(stmt);
    return status;
}
