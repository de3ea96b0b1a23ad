#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "db/find.h"
#include "db/handle.h"
#include "db/label.h"
#include "db/scene.h"

// One call looks on for so long at most, so that it returns soon also where nothing fits. Rows are cheap each, however
// many there are: what is read here is an index, and only what the filter names is looked up for a row.
static const double SLICE_S = 0.008;

// An audit's answer is the picture's where nobody answered in the review and the queue does not ask for it.
#define AUDITED(v)                                                                                      \
    v ".source = 3 AND NOT EXISTS(SELECT 1 FROM verdict r WHERE r.picture = " v ".picture AND r.source = 0)"              \
    " AND NOT EXISTS(SELECT 1 FROM queue q WHERE q.picture = " v ".picture)"
// What was answered, by an index; an audit's answers, which are few, are merged into its order.
#define ANSWERED(index, fits)                                                                   \
    "(SELECT a.picture, a.event, a.verdict FROM verdict a INDEXED BY " index " WHERE a.source = 0 AND " fits               \
    " UNION ALL SELECT a.picture, a.event, a.verdict FROM verdict a INDEXED BY verdict_kind WHERE " AUDITED("a") " AND " fits ") v"

// Where rows come from: in the order of an index, so that what was looked at last says where to go on.
enum walk { WALK_ANSWERS, WALK_SCORES, WALK_ANSWERED_PICTURES, WALK_VERDICT, WALK_SCENE, WALK_PICTURES };

static const struct {
    const char *key, *picture, *score, *from, *where;
} walks[] = {
    // ?11: the number of the event before
    [WALK_ANSWERS] = {"v.event", "v.picture", "0", ANSWERED("verdict_event", "a.event < ?11"), "1 ORDER BY v.event DESC"},
    // ?11, ?12: the score and the picture before; ?13: a revision
    [WALK_SCORES] = {"s.picture", "s.picture", "s.score", "score s INDEXED BY score_flagged",
                     "s.revision = ?13 AND s.flagged = 1 AND s.score <= ?11 AND s.score >= coalesce(?2, -1e300)"
                     " AND (s.score < ?11 OR s.picture > ?12) ORDER BY s.score DESC, s.picture"},
    // ?11: the picture before
    [WALK_ANSWERED_PICTURES] = {"v.picture", "v.picture", "0", ANSWERED("verdict_review", "a.picture < ?11"), "1 ORDER BY v.picture DESC"},
    [WALK_VERDICT] = {"v.picture", "v.picture", "0", ANSWERED("verdict_kind", "a.verdict = ?4 AND a.picture < ?11"), "1 ORDER BY v.picture DESC"},
    [WALK_SCENE] = {"p.id", "p.id", "0", "picture p INDEXED BY picture_scene", "p.scene = ?1 AND p.id < ?11 ORDER BY p.id DESC"},
    [WALK_PICTURES] = {"p.id", "p.id", "0", "picture p NOT INDEXED", "p.id < ?11 ORDER BY p.id DESC"},
};

static enum walk walk_of(const struct find_filter *f)
{
    bool defect = f->severity[0] || f->class_name[0];
    bool said = defect || f->person[0] || f->since_ms || f->until_ms;
    if (f->order == FIND_ANSWERED)
        return WALK_ANSWERS;
    if (f->order == FIND_SCORE)
        return WALK_SCORES;
    if (f->has_verdict && f->verdict != VERDICT_NONE)
        return WALK_VERDICT;
    return said ? WALK_ANSWERED_PICTURES : f->scene ? WALK_SCENE : WALK_PICTURES;
}

// ?1.. ?10: the filter. What is cheap to look up decides first; a CASE looks no further than it must.
static char *query(const struct find_filter *f)
{
    enum walk walk = walk_of(f);
    bool from_verdict = walk == WALK_ANSWERS || walk == WALK_ANSWERED_PICTURES || walk == WALK_VERDICT;
    bool from_picture = walk == WALK_SCENE || walk == WALK_PICTURES;
    bool event = f->severity[0] || f->class_name[0] || f->person[0] || f->since_ms || f->until_ms;
    bool score = walk != WALK_SCORES && (f->has_least || f->has_most);
    bool scene = walk != WALK_SCORES && walk != WALK_SCENE && f->scene;
    bool readable = f->order == FIND_ADDED;
    const struct {
        bool given;
        const char *fits;
    } conditions[] = {
        {readable, "p.unreadable IS NULL"},
        {scene, "p.scene = ?1"},
        {f->has_verdict && walk != WALK_VERDICT, "coalesce(v.verdict, 0) = ?4"},
        {f->severity[0], "e.severity = ?5"},
        {f->since_ms != 0, "e.at_ms >= ?9"},
        {f->until_ms != 0, "e.at_ms < ?10"},
        {f->person[0], "instr(lower(w.name), lower(?7)) > 0"},
        {f->class_name[0], "v.verdict = 2 AND instr(lower(" CLASS_NOW("e.class") "), lower(?6)) > 0"},
        {score && f->has_least, "s.score >= ?2"},
        {score && f->has_most, "s.score <= ?3"},
    };
    struct strbuf sql = {0};
    strbuf_printf(&sql, "SELECT %s, %s, %s, CASE", walks[walk].key, walks[walk].picture, walks[walk].score);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (conditions[i].given)
            strbuf_printf(&sql, " WHEN (%s) IS NOT TRUE THEN 0", conditions[i].fits);
    if (f->path[0])
        strbuf_printf(&sql, " WHEN NOT EXISTS(SELECT 1 FROM location l WHERE l.picture = %s AND l.path LIKE ?8 ESCAPE '\\') THEN 0",
                      walks[walk].picture);
    strbuf_printf(&sql, " WHEN 1 THEN 1 END FROM %s", walks[walk].from);
    if (!from_picture && (readable || scene || score))
        strbuf_printf(&sql, " CROSS JOIN picture p ON p.id = %s", walks[walk].picture);
    if (score)
        strbuf_puts(&sql, " CROSS JOIN scene c ON c.id = p.scene"
                          " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id");
    if (!from_verdict && (f->has_verdict || event))
        strbuf_printf(&sql, " LEFT JOIN verdict v ON v.picture = %s AND (v.source = 0 OR (" AUDITED("v") "))", walks[walk].picture);
    if (event)
        strbuf_puts(&sql, " LEFT JOIN label_event e ON e.id = v.event");
    if (f->person[0])
        strbuf_puts(&sql, " LEFT JOIN person w ON w.id = e.person");
    strbuf_printf(&sql, " WHERE %s", walks[walk].where);
    return sql.data;
}

// A part of a path, as LIKE takes it.
static void bind_part(sqlite3_stmt *stmt, int at, const char *part)
{
    struct strbuf like = {0};
    strbuf_puts(&like, "%");
    for (; *part; part++)
        strbuf_printf(&like, "%s%c", *part == '%' || *part == '_' || *part == '\\' ? "\\" : "", *part);
    strbuf_puts(&like, "%");
    bind_text(stmt, at, like.data);
    strbuf_clear(&like);
}

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
    if (f->path[0])
        bind_part(stmt, 8, f->path);
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
    double until;     // looking on (clock_seconds)
    bool more;        // not at the end
    struct find_key last; // what was looked at last
};

static enum status scan(struct db *db, const struct find_filter *f, int64_t revision, const struct find_key *after,
                        struct hits *hits, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_DONE;
    char *sql = query(f);
    int prepared = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
    free(sql);
    if (prepared != SQLITE_OK)
        return db_failed(db, "looking for pictures", err);
    bind_filter(stmt, f);
    if (f->order == FIND_SCORE) {
        bool below = f->has_most && f->most < after->score;
        sqlite3_bind_double(stmt, 11, below ? f->most : after->score);
        sqlite3_bind_int64(stmt, 12, below ? 0 : after->id);
        sqlite3_bind_int64(stmt, 13, revision);
    } else {
        sqlite3_bind_int64(stmt, 11, after->id);
    }
    bool first = true; // every call gets on, however slow the disk
    while (hits->count < hits->limit && (first || clock_seconds() < hits->until) && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        first = false;
        hits->last = (struct find_key){sqlite3_column_double(stmt, 2), sqlite3_column_int64(stmt, 0)};
        if (sqlite3_column_int(stmt, 3))
            hits->rows[hits->count++] = (struct hit){hits->last, sqlite3_column_int64(stmt, 1)};
    }
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? ST_OK : db_failed(db, "looking for pictures", err);
    hits->more = hits->more || code == SQLITE_ROW;
    sqlite3_finalize(stmt);
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
            struct hits one = {.rows = hits->rows + hits->count, .limit = limit, .until = clock_seconds() + SLICE_S / (double)count};
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
        " LEFT JOIN score s ON s.revision = c.active_revision AND s.picture = p.id"
        " LEFT JOIN verdict v ON v.picture = p.id AND (v.source = 0 OR (" AUDITED("v") ")) LEFT JOIN label_event e ON e.id = v.event"
        " LEFT JOIN person w ON w.id = e.person WHERE p.id = ?1",
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
    struct hits hits = {.rows = xcalloc(limit + 1, sizeof *hits.rows), .limit = limit, .until = clock_seconds() + SLICE_S, .last = *after};
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
