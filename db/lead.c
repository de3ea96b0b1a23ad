// Who decides, and what is said from one person to another.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "db/handle.h"
#include "db/person.h"

static enum status number(struct db *db, const char *sql, int64_t at_1, int64_t *value, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    if (sqlite3_bind_parameter_count(stmt) > 0)
        sqlite3_bind_int64(stmt, 1, at_1);
    enum status status = db_first(db, stmt, "reading who is a lead", err);
    if (status == ST_OK)
        *value = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

enum status db_lead(struct db *db, int64_t person, bool *may, struct error *err)
{
    int64_t value = 0;
    enum status status = number(db,
                                "SELECT NOT EXISTS(SELECT 1 FROM person WHERE role = 'lead')"
                                " OR EXISTS(SELECT 1 FROM person WHERE role = 'lead' AND id = ?1)",
                                person, &value, err);
    *may = value != 0;
    return status;
}

enum status db_lead_only(struct db *db, int64_t person, const char *what, struct error *err)
{
    bool may;
    enum status status = db_lead(db, person, &may, err);
    if (status == ST_OK && !may)
        return error_set(err, ST_INVALID, "%s is a lead's; `assay user` tells who is one", what);
    return status;
}

enum status db_role_set(struct db *db, int64_t by, int64_t person, bool lead, struct error *err)
{
    bool own;
    int64_t others = 0;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = db_lead_only(db, by, _("naming a lead"), err);
    if (status == ST_OK)
        status = number(db, "SELECT count(*) FROM person WHERE role = 'lead' AND id <> ?1", person, &others, err);
    bool is_lead = false;
    if (status == ST_OK && !lead) {
        int64_t value = 0;
        status = number(db, "SELECT EXISTS(SELECT 1 FROM person WHERE role = 'lead' AND id = ?1)", person, &value, err);
        is_lead = value != 0;
    }
    if (status == ST_OK && is_lead && others == 0)
        status = error_set(err, ST_INVALID, "the last lead stays one; name another first");
    sqlite3_stmt *stmt = status == ST_OK ? db_prepare(db, "UPDATE person SET role = ?2 WHERE id = ?1", err) : NULL;
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, person);
        bind_text(stmt, 2, lead ? "lead" : "inspector");
        status = db_run(db, stmt, "storing a role", err);
    } else if (status == ST_OK) {
        status = err->code;
    }
    return db_leave(db, own, status, err);
}

enum status db_users(struct db *db, struct user_row **rows, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *rows = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT p.id, p.name, p.role = 'lead', (SELECT count(*) FROM label_event e"
                                    " WHERE e.person = p.id AND e.source IN (0, 3) AND e.kind = 'answer') FROM person p ORDER BY p.name",
                                    err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*rows, capacity, *count + 1);
        (*rows)[(*count)++] = (struct user_row){.id = sqlite3_column_int64(stmt, 0), .name = column_copy(stmt, 1),
                                                .lead = sqlite3_column_int(stmt, 2) != 0,
                                                .answers = sqlite3_column_int64(stmt, 3)};
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "listing people", err);
    sqlite3_reset(stmt);
    return status;
}

void user_free(struct user_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].name);
    free(rows);
}

// --- comments ----------------------------------------------------------------

enum status db_comment_add(struct db *db, int64_t from, int64_t to, int64_t picture, const char *text, struct error *err)
{
    if (!text[0])
        return error_set(err, ST_INVALID, "a comment needs words");
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO comment(at_ms, person, recipient, picture, text) VALUES(?1, ?2, ?3, ?4, ?5)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, clock_unix_ms());
    sqlite3_bind_int64(stmt, 2, from);
    sqlite3_bind_int64(stmt, 3, to);
    sqlite3_bind_int64(stmt, 4, picture);
    bind_text(stmt, 5, text);
    return db_run(db, stmt, "saving a comment", err);
}

#define COMMENT                                                                                         \
    "SELECT m.id, m.at_ms, m.picture, f.name, t.name,"                                                  \
    " coalesce((SELECT path FROM location WHERE picture = m.picture ORDER BY id LIMIT 1), ''), m.text"  \
    " FROM comment m JOIN person f ON f.id = m.person JOIN person t ON t.id = m.recipient "

static enum status walk(struct db *db, const char *sql, int64_t at_1,
                        void (*each)(void *context, const struct comment_row *row), void *context, struct error *err)
{
    int code;
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, at_1);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct comment_row row = {.id = sqlite3_column_int64(stmt, 0), .at_ms = sqlite3_column_int64(stmt, 1),
                                  .picture = sqlite3_column_int64(stmt, 2), .from = column_text(stmt, 3),
                                  .to = column_text(stmt, 4), .path = column_text(stmt, 5), .text = column_text(stmt, 6)};
        each(context, &row);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading comments", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_comments_new(struct db *db, int64_t person, void (*each)(void *context, const struct comment_row *row),
                            void *context, struct error *err)
{
    return walk(db,
                COMMENT "WHERE m.recipient = ?1 AND NOT EXISTS(SELECT 1 FROM comment_seen s WHERE s.comment = m.id)"
                        " ORDER BY m.id",
                person, each, context, err);
}

enum status db_comments_about(struct db *db, int64_t picture, void (*each)(void *context, const struct comment_row *row),
                              void *context, struct error *err)
{
    return walk(db, COMMENT "WHERE m.picture = ?1 ORDER BY m.id", picture, each, context, err);
}

enum status db_comments_seen(struct db *db, int64_t person, int64_t last, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT OR IGNORE INTO comment_seen(comment, at_ms) SELECT id, ?3 FROM comment"
                                    " WHERE recipient = ?1 AND id <= ?2",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, person);
    sqlite3_bind_int64(stmt, 2, last);
    sqlite3_bind_int64(stmt, 3, clock_unix_ms());
    return db_run(db, stmt, "noting that comments were read", err);
}
