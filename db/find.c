#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/handle.h"

// One call looks at so many rows at most, so that it returns soon also where nothing fits.
enum { SCAN = 2000 };

// ?1.. ?9 are the filter; NULL: any. Only columns that the filter names are looked up.
#define FITS                                                                                            \
    " (?1 IS NULL OR p.scene = ?1)"                                                                     \
    " AND (?2 IS NULL OR s.score >= ?2) AND (?3 IS NULL OR s.score <= ?3)"                              \
    " AND (?4 IS NULL OR coalesce(v.verdict, 0) = ?4)"                                                  \
    " AND (?5 IS NULL OR e.severity = ?5)"                                                              \
    " AND (?6 IS NULL OR (v.verdict = 2 AND instr(lower(" CLASS_NOW("e.class") "), lower(?6)) > 0))"                     \
    " AND (?7 IS NULL OR instr(lower(w.name), lower(?7)) > 0)"                                          \
    " AND (?8 IS NULL OR EXISTS(SELECT 1 FROM location l WHERE l.picture = p.id AND instr(lower(l.path), lower(?8)) > 0))" \
    " AND (?9 IS NULL OR e.at_ms >= ?9) AND (?10 IS NULL OR e.at_ms < ?10)"
#define VERDICT                                                                                         \
    " LEFT JOIN verdict v ON v.picture = p.id AND v.source = 0 LEFT JOIN label_event e ON e.id = v.event" \
    " LEFT JOIN person w ON w.id = e.person"
#define COLUMNS(key) "SELECT " key ", p.id, coalesce(s.score, -1)," FITS

static const char *const orders[] = {
    // ?11: the number of the event before
    [FIND_ANSWERED] = COLUMNS("a.id") " FROM label_event a CROSS JOIN verdict v ON v.picture = a.picture AND v.source = 0"
                      " AND v.event = a.id JOIN picture p ON p.id = a.picture JOIN scene c ON c.id = p.scene"
                      " JOIN label_event e ON e.id = a.id JOIN person w ON w.id = a.person"
                      " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
                      " WHERE a.id < ?11 ORDER BY a.id DESC",
    // ?11, ?12: the score and the picture before; ?13: a revision
    [FIND_SCORE] = COLUMNS("p.id") " FROM score s CROSS JOIN picture p ON p.id = s.picture" VERDICT
                   " WHERE s.revision = ?13 AND s.flagged = 1 AND s.score <= ?11 AND (s.score < ?11 OR s.picture > ?12)"
                   " ORDER BY s.score DESC, s.picture",
    // ?11: the picture before
    [FIND_ADDED] = COLUMNS("p.id") " FROM picture p CROSS JOIN scene c ON c.id = p.scene"
                   " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id" VERDICT
                   " WHERE p.id < ?11 AND p.unreadable IS NULL ORDER BY p.id DESC",
};

static void bind_filter(sqlite3_stmt *stmt, const struct find_filter *f)
{
    if (f->scene)
        sqlite3_bind_int64(stmt, 1, f->scene);
    if (f->has_least)
        sqlite3_bind_double(stmt, 2, f->least);
    if (f->has_most)
        sqlite3_bind_double(stmt, 3, f->most);
    if (f->has_verdict)
        sqlite3_bind_int(stmt, 4, f->verdict);
    bind_text_or_null(stmt, 5, f->severity[0] ? f->severity : NULL);
    bind_text_or_null(stmt, 6, f->class_name[0] ? f->class_name : NULL);
    bind_text_or_null(stmt, 7, f->person[0] ? f->person : NULL);
    bind_text_or_null(stmt, 8, f->path[0] ? f->path : NULL);
    if (f->since_ms)
        sqlite3_bind_int64(stmt, 9, f->since_ms);
    if (f->until_ms)
        sqlite3_bind_int64(stmt, 10, f->until_ms);
}

struct hit {
    struct find_key key; // of the row
    int64_t picture;
};

struct hits {
    struct hit *rows; // (limit)
    size_t count, limit;
    bool more;        // not at the end
    struct find_key last; // what was looked at last
};

static enum status scan(struct db *db, const struct find_filter *f, int64_t revision, const struct find_key *after,
                        struct hits *hits, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, orders[f->order], err);
    int code = SQLITE_DONE, looked = 0;
    if (!stmt)
        return err->code;
    bind_filter(stmt, f);
    if (f->order == FIND_SCORE) {
        sqlite3_bind_double(stmt, 11, after->score);
        sqlite3_bind_int64(stmt, 12, after->id);
        sqlite3_bind_int64(stmt, 13, revision);
    } else {
        sqlite3_bind_int64(stmt, 11, after->id);
    }
    while (hits->count < hits->limit && looked < SCAN && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        looked++;
        hits->last = (struct find_key){sqlite3_column_double(stmt, 2), sqlite3_column_int64(stmt, 0)};
        if (sqlite3_column_int(stmt, 3))
            hits->rows[hits->count++] = (struct hit){hits->last, sqlite3_column_int64(stmt, 1)};
    }
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? ST_OK : db_failed(db, "looking for pictures", err);
    hits->more = hits->more || code == SQLITE_ROW;
    sqlite3_reset(stmt);
    return status;
}

static int falling(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->key.score != y->key.score)
        return x->key.score < y->key.score ? 1 : -1;
    return (x->key.id > y->key.id) - (x->key.id < y->key.id);
}

// Scores are kept by revision: those of every scene together, as far as all of them were looked at.
static enum status scan_scores(struct db *db, const struct find_filter *f, const struct find_key *after, struct hits *hits,
                               struct error *err)
{
    struct scene *scenes;
    size_t count, limit = hits->limit;
    struct find_key floor = {-1e300, 0}; // the best place at which a scan ended early
    enum status status = db_scene_list(db, &scenes, &count, err);
    hits->rows = xreallocarray(hits->rows, (count + 1) * limit, sizeof *hits->rows);
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK && scenes[i].active_revision && (!f->scene || f->scene == scenes[i].id)) {
            struct hits one = {.rows = hits->rows + hits->count, .limit = limit};
            status = scan(db, f, scenes[i].active_revision, after, &one, err);
            hits->count += one.count;
            hits->more = hits->more || one.more;
            if (one.more && (one.last.score > floor.score || (one.last.score == floor.score && one.last.id < floor.id)))
                floor = one.last;
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    qsort(hits->rows, hits->count, sizeof *hits->rows, falling);
    struct hit end = {.key = floor};
    while (hits->count > 0 && hits->more && falling(&hits->rows[hits->count - 1], &end) > 0)
        hits->count--; // others of another scene may come before these
    hits->last = floor;
    if (hits->count >= limit) {
        hits->more = hits->more || hits->count > limit;
        hits->count = limit;
        hits->last = hits->rows[limit - 1].key;
    }
    return status;
}

static enum status read_row(struct db *db, int64_t picture, struct find_result *row, struct error *err)
{
    *row = (struct find_result){.picture = picture};
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT (SELECT path FROM location WHERE picture = p.id ORDER BY id LIMIT 1), c.name, coalesce(s.score, -1),"
        " coalesce(s.flagged, 0), coalesce(v.verdict, 0), " CLASS_NOW("e.class") ", e.severity, w.name, coalesce(e.at_ms, 0), p.scene"
        " FROM picture p JOIN scene c ON c.id = p.scene"
        " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id" VERDICT " WHERE p.id = ?1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    enum status status = db_first(db, stmt, "reading a picture", err);
    if (status == ST_OK) {
        row->path = column_copy(stmt, 0);
        row->scene_name = column_copy(stmt, 1);
        row->score = sqlite3_column_double(stmt, 2);
        row->flagged = sqlite3_column_int(stmt, 3) != 0;
        row->verdict = (enum verdict)sqlite3_column_int(stmt, 4);
        row->class_name = column_copy(stmt, 5);
        row->severity = column_copy(stmt, 6);
        row->person = column_copy(stmt, 7);
        row->at_ms = sqlite3_column_int64(stmt, 8);
        row->scene = sqlite3_column_int64(stmt, 9);
    }
    sqlite3_reset(stmt);
    return status;
}

void find_result_free(struct find_result *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].path);
        free(rows[i].scene_name);
        free(rows[i].class_name);
        free(rows[i].severity);
        free(rows[i].person);
    }
    free(rows);
}

enum status db_find(struct db *db, const struct find_filter *f, struct find_key *after, size_t limit,
                    struct find_result **rows, size_t *count, bool *more, struct error *err)
{
    struct hits hits = {.rows = xcalloc(limit + 1, sizeof *hits.rows), .limit = limit, .last = *after};
    enum status status = f->order == FIND_SCORE ? scan_scores(db, f, after, &hits, err) : scan(db, f, 0, after, &hits, err);
    *rows = xcalloc(hits.count + 1, sizeof **rows);
    *count = 0;
    for (size_t i = 0; i < hits.count && status == ST_OK; i++) {
        status = read_row(db, hits.rows[i].picture, &(*rows)[i], err);
        *count += status == ST_OK;
    }
    *more = hits.more;
    *after = hits.last;
    free(hits.rows);
    if (status != ST_OK) {
        find_result_free(*rows, *count);
        *rows = NULL;
        *count = 0;
    }
    return status;
}

// --- saved filters -------------------------------------------------------------------

enum status db_filter_save(struct db *db, const char *name, const char *text, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    text[0] ? "INSERT INTO filter(name, text) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET text = ?2"
                                            : "DELETE FROM filter WHERE name = ?1 AND ?2 = ''",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    bind_text(stmt, 2, text);
    return db_run(db, stmt, "saving a filter", err);
}

enum status db_filters(struct db *db, void (*each)(void *context, const char *name, const char *text), void *context,
                       struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT name, text FROM filter ORDER BY name", err);
    int code;
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        each(context, column_text(stmt, 0), column_text(stmt, 1));
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "listing filters", err);
    sqlite3_reset(stmt);
    return status;
}
