#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/handle.h"
#include "db/label.h"
#include "db/model.h"

static const char doing[] = "keeping track of models";

#define SELECT                                                                                          \
    "SELECT m.id, coalesce(m.scene, 0), coalesce(m.revision, 0), m.sha256, m.base_sha256, m.parent, m.state, m.notes,"   \
    " m.data, m.metrics, m.reason, m.created_ms, m.decided_ms,"                                         \
    " EXISTS(SELECT 1 FROM scene c JOIN revision r ON r.id = c.active_revision WHERE c.id = m.scene"     \
    " AND r.learned_sha256 = m.sha256) OR " INDUSTRY_NOW("m") ","                                          \
    " v.kind, v.who, v.at_ms, EXISTS(SELECT 1 FROM pruned g WHERE g.revision = m.revision) FROM model m LEFT JOIN activation v ON v.id = (SELECT a.id FROM activation a"              \
    " JOIN revision n ON n.id = a.after LEFT JOIN revision b ON b.id = a.before WHERE a.scene = m.scene"                 \
    " AND (n.learned_sha256 = m.sha256) <> (coalesce(b.learned_sha256, '') = m.sha256) ORDER BY a.id DESC LIMIT 1)"

void model_clear(struct model_row *m)
{
    free(m->notes), free(m->data), free(m->metrics), free(m->reason), free(m->mover);
    *m = (struct model_row){0};
}

const char *model_standing(const struct model_row *m)
{
    if (m->active || strcmp(m->state, "promoted") != 0 || !m->moved[0])
        return m->state;
    return strcmp(m->moved, "rollback") == 0 ? "rolled back" : "replaced";
}

void model_free(struct model_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        model_clear(&rows[i]);
    free(rows);
}

static void read_model(sqlite3_stmt *stmt, struct model_row *m)
{
    *m = (struct model_row){.id = sqlite3_column_int64(stmt, 0),
                            .scene = sqlite3_column_int64(stmt, 1),
                            .revision = sqlite3_column_int64(stmt, 2),
                            .notes = column_copy(stmt, 7),
                            .data = column_copy(stmt, 8),
                            .metrics = column_copy(stmt, 9),
                            .reason = column_copy(stmt, 10),
                            .created_ms = sqlite3_column_int64(stmt, 11),
                            .decided_ms = sqlite3_column_int64(stmt, 12),
                            .active = sqlite3_column_int(stmt, 13) != 0,
                            .mover = column_copy(stmt, 15),
                            .moved_ms = sqlite3_column_int64(stmt, 16),
                            .pruned = sqlite3_column_int(stmt, 17) != 0};
    column_hash(stmt, 3, m->sha256);
    column_hash(stmt, 4, m->base_sha256);
    column_hash(stmt, 5, m->parent);
    snprintf(m->state, sizeof m->state, "%s", column_text(stmt, 6));
    snprintf(m->moved, sizeof m->moved, "%s", column_text(stmt, 14));
}

static enum status add_picture(struct db *db, int64_t model, int64_t picture, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "INSERT OR IGNORE INTO model_picture(model, picture) VALUES(?1, ?2)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, model);
    sqlite3_bind_int64(stmt, 2, picture);
    return db_run(db, stmt, doing, err);
}

static enum status add(struct db *db, const struct model_row *m, const int64_t *pictures, size_t count, int64_t *id,
                       struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT id FROM model WHERE sha256 = ?1 AND coalesce(scene, 0) = ?2", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, m->sha256);
    sqlite3_bind_int64(stmt, 2, m->scene);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (status != ST_NOT_FOUND)
        return status;
    stmt = db_prepare(db,
                      "INSERT INTO model(sha256, scene, base_sha256, parent, notes, data, created_ms)"
                      " VALUES(?1, nullif(?2, 0), ?3, ?4, ?5, ?6, ?7)",
                      err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, m->sha256);
    sqlite3_bind_int64(stmt, 2, m->scene);
    bind_text(stmt, 3, m->base_sha256);
    bind_text(stmt, 4, m->parent);
    bind_text(stmt, 5, m->notes ? m->notes : "{}");
    bind_text(stmt, 6, m->data ? m->data : "{}");
    sqlite3_bind_int64(stmt, 7, clock_unix_ms());
    status = db_run(db, stmt, doing, err);
    *id = sqlite3_last_insert_rowid(db->sqlite);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        status = add_picture(db, *id, pictures[i], err);
    return status;
}

enum status db_model_add(struct db *db, const struct model_row *row, const int64_t *pictures, size_t count, int64_t *id,
                         struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, add(db, row, pictures, count, id, err), err) : status;
}

enum status db_model_groups(struct db *db, const char *sha256, void (*each)(void *context, const char *group), void *context,
                            struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT DISTINCT p.grp FROM model m JOIN model_picture t ON t.model = m.id"
                                    " JOIN picture p ON p.id = t.picture WHERE m.sha256 = ?1",
                                    err);
    int code;
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, sha256);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        each(context, column_text(stmt, 0));
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_model_get(struct db *db, int64_t id, struct model_row *row, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, SELECT " WHERE m.id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK)
        read_model(stmt, row);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "there is no model %lld", (long long)id) : status;
}

enum status db_model_list(struct db *db, struct model_row **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db, SELECT " ORDER BY m.id", err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        read_model(stmt, &(*rows)[(*count)++]);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_model_scored(struct db *db, int64_t id, int64_t revision, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "UPDATE model SET revision = ?2 WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, revision);
    return db_run(db, stmt, doing, err);
}

enum status db_model_decide(struct db *db, int64_t id, const char *state, const char *reason, const char *metrics,
                            struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "UPDATE model SET state = ?2, reason = ?3, metrics = coalesce(?4, metrics),"
                                    " decided_ms = ?5 WHERE id = ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_text(stmt, 2, state);
    bind_text(stmt, 3, reason);
    bind_text_or_null(stmt, 4, metrics);
    sqlite3_bind_int64(stmt, 5, clock_unix_ms());
    return db_run(db, stmt, doing, err);
}

// ---- promotion and rollback ----

static enum status activate(struct db *db, int64_t revision, const char *kind, const char *who, const char *reason,
                            struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "UPDATE scene SET active_revision = ?1 WHERE id = (SELECT scene FROM revision"
                                    " WHERE id = ?1 AND finished = 1 AND NOT EXISTS(SELECT 1 FROM pruned g WHERE g.revision = ?1))"
                                    " AND active_revision IS NOT ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    enum status status = db_run(db, stmt, "changing the active revision", err);
    if (status != ST_OK)
        return status;
    if (sqlite3_changes(db->sqlite) == 0)
        return error_set(err, ST_INVALID, "revision %lld is active already, was pruned, or was never completed", (long long)revision);
    stmt = db_prepare(db,
                      "UPDATE activation SET kind = ?2, who = ?3, reason = ?4"
                      " WHERE id = (SELECT max(id) FROM activation WHERE after = ?1)",
                      err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, revision);
    bind_text(stmt, 2, kind);
    bind_text(stmt, 3, who);
    bind_text(stmt, 4, reason);
    return db_run(db, stmt, "changing the active revision", err);
}

enum status db_revision_activate(struct db *db, int64_t revision, const char *kind, const char *who, const char *reason,
                                 struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    return status == ST_OK ? db_leave(db, own, activate(db, revision, kind, who, reason, err), err) : status;
}

enum status db_revision_before(struct db *db, int64_t scene, int64_t *revision, struct error *err)
{
    // Not how a rollback came here: going back twice goes back two steps.
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT a.before FROM activation a JOIN scene c ON c.id = a.scene"
                                    " WHERE a.scene = ?1 AND a.after = c.active_revision AND a.kind <> 'rollback'"
                                    " AND a.before IS NOT NULL ORDER BY a.id DESC LIMIT 1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    enum status status = db_first(db, stmt, "looking for an earlier revision", err);
    if (status == ST_OK)
        *revision = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "no earlier revision; `assay promote` takes any model that `assay models` shows") : status;
}

enum status db_compare(struct db *db, int64_t first, int64_t second,
                       enum status (*each)(void *context, const struct compare_row *row), void *context, struct error *err)
{
    static const char sql[] =
        "SELECT p.id, p.grp, a.score, b.score, coalesce(v.verdict, t.verdict, 0), v.verdict IS NULL,"
        " coalesce(nullif(e.severity, ''), c.severity, 'general'), coalesce(c.name, e.class, '')"
        " FROM score a JOIN score b ON b.revision = ?2 AND b.picture = a.picture JOIN picture p ON p.id = a.picture"
        " LEFT JOIN verdict v ON v.picture = p.id AND v.source = 0"
        " LEFT JOIN verdict t ON t.picture = p.id AND t.source = 1"
        " LEFT JOIN label_event e ON e.id = coalesce(v.event, t.event) LEFT JOIN class c ON c.name = " CLASS_NOW("e.class")
        " WHERE a.revision = ?1 ORDER BY p.id";
    sqlite3_stmt *stmt = NULL; // its own: `each` may call the database again
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
        return db_failed(db, "comparing revisions", err);
    sqlite3_bind_int64(stmt, 1, first);
    sqlite3_bind_int64(stmt, 2, second);
    enum status status = ST_OK;
    int code = SQLITE_DONE;
    while (status == ST_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct compare_row row = {.picture = sqlite3_column_int64(stmt, 0),
                                  .group = column_text(stmt, 1),
                                  .scores = {sqlite3_column_double(stmt, 2), sqlite3_column_double(stmt, 3)},
                                  .known = (enum verdict)sqlite3_column_int(stmt, 4),
                                  .source = sqlite3_column_int(stmt, 5) ? LABEL_TRUTH : LABEL_REVIEW,
                                  .severity = SEVERITY_GENERAL};
        severity_parse(column_text(stmt, 6), &row.severity);
        row.class = column_text(stmt, 7);
        status = each(context, &row);
    }
    if (status == ST_OK && code != SQLITE_DONE)
        status = db_failed(db, "comparing revisions", err);
    sqlite3_finalize(stmt);
    return status;
}
