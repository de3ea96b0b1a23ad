// Taking back and giving again, across answers and changes of classes and relations: what a person did last comes first.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/back.h"
#include "db/class.h"
#include "db/class_back.h"
#include "db/label.h"

static const char doing[] = "changing a class";

// --- what a change made different -------------------------------------------------------------

#define COLUMNS(t) t ".id, " t ".name, " t ".severity, " t ".code, " t ".parent, " t ".retired, " t ".zh, " t ".uses, " t ".used_ms"
#define DIFFER(a, b)                                                                                    \
    "(" a ".name IS NOT " b ".name OR " a ".severity IS NOT " b ".severity OR " a ".code IS NOT " b ".code OR " a ".parent IS NOT " \
    b ".parent OR " a ".retired IS NOT " b ".retired OR " a ".zh IS NOT " b ".zh OR " a ".uses IS NOT " b ".uses)"

static enum status run_all(struct db *db, const char *const *steps, size_t count, int64_t a, int64_t b, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *stmt = db_prepare(db, steps[i], err);
        if (!stmt)
            return err->code;
        if (sqlite3_bind_parameter_count(stmt) > 0)
            sqlite3_bind_int64(stmt, 1, a);
        if (sqlite3_bind_parameter_count(stmt) > 1)
            sqlite3_bind_int64(stmt, 2, b);
        enum status status = db_run(db, stmt, doing, err);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

enum status class_watch(struct db *db, struct error *err)
{
    static const char *const steps[] = {
        "CREATE TEMP TABLE IF NOT EXISTS class_was(id INTEGER PRIMARY KEY, name, severity, code, parent, retired, zh, uses, used_ms)",
        "CREATE TEMP TABLE IF NOT EXISTS alias_was(name PRIMARY KEY, class)",
        "CREATE TEMP TABLE IF NOT EXISTS relation_was(id INTEGER PRIMARY KEY)",
        "DELETE FROM temp.class_was",
        "DELETE FROM temp.alias_was",
        "INSERT INTO temp.class_was SELECT " COLUMNS("c") " FROM class c",
        "INSERT INTO temp.alias_was SELECT name, class FROM class_alias",
        "DELETE FROM temp.relation_was",
        "INSERT INTO temp.relation_was SELECT id FROM relation WHERE retired_ms = 0",
    };
    return run_all(db, steps, sizeof steps / sizeof *steps, 0, 0, err);
}

enum status class_watched(struct db *db, int64_t event, struct error *err)
{
    static const char *const steps[] = {
        "INSERT INTO class_state SELECT ?1, 0, " COLUMNS("w") " FROM temp.class_was w LEFT JOIN class c ON c.id = w.id"
        " WHERE c.id IS NULL OR " DIFFER("w", "c"),
        "INSERT INTO class_state SELECT ?1, 1, " COLUMNS("c") " FROM class c LEFT JOIN temp.class_was w ON w.id = c.id"
        " WHERE w.id IS NULL OR " DIFFER("w", "c"),
        "INSERT INTO alias_state SELECT ?1, 0, w.name, w.class FROM temp.alias_was w LEFT JOIN class_alias a ON a.name = w.name"
        " WHERE a.class IS NOT w.class",
        "INSERT INTO alias_state SELECT ?1, 1, a.name, a.class FROM class_alias a LEFT JOIN temp.alias_was w ON w.name = a.name"
        " WHERE a.class IS NOT w.class",
        "INSERT INTO relation_state SELECT ?1, 0, w.id FROM temp.relation_was w JOIN relation r ON r.id = w.id WHERE r.retired_ms > 0",
        "INSERT INTO relation_state SELECT ?1, 1, r.id FROM relation r WHERE r.retired_ms = 0"
        " AND NOT EXISTS(SELECT 1 FROM temp.relation_was w WHERE w.id = r.id)",
    };
    return run_all(db, steps, sizeof steps / sizeof *steps, event, 0, err);
}

enum status class_note(struct db *db, int64_t person, int64_t id, const char *name, const char *what, const char *to,
                       int64_t *event, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO class_event(at_ms, person, class, what, name, value, after_event)"
                                    " SELECT ?1, ?2, ?3, ?4, coalesce(?6, (SELECT name FROM class WHERE id = ?3), ''), ?5,"
                                    " coalesce((SELECT max(id) FROM label_event), 0)",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, clock_unix_ms());
    sqlite3_bind_int64(stmt, 2, person);
    sqlite3_bind_int64(stmt, 3, id);
    bind_text(stmt, 4, what);
    bind_text(stmt, 5, to);
    if (name)
        bind_text(stmt, 6, name);
    enum status status = db_run(db, stmt, doing, err);
    *event = sqlite3_last_insert_rowid(db->sqlite);
    return status;
}

// --- back and forth ---------------------------------------------------------------------------

// ?1 the change, ?2 the side that is to stand now (1: after it). Whether anything that it made different is otherwise by
// now, or in the way.
#define OTHER_SIDE "1 - ?2"
static const char in_the_way[] =
    "SELECT EXISTS(SELECT 1 FROM class_state f LEFT JOIN class_state t ON t.event = f.event AND t.class = f.class"
    "  AND t.after = " OTHER_SIDE " LEFT JOIN class c ON c.id = f.class WHERE f.event = ?1 AND f.after = ?2"
    "  AND (c.id IS NULL OR (t.class IS NOT NULL AND ((f.name IS NOT t.name AND c.name IS NOT f.name)"
    "   OR (f.severity IS NOT t.severity AND c.severity IS NOT f.severity) OR (f.code IS NOT t.code AND c.code IS NOT f.code)"
    "   OR (f.parent IS NOT t.parent AND c.parent IS NOT f.parent) OR (f.retired IS NOT t.retired AND c.retired IS NOT f.retired)"
    "   OR (f.zh IS NOT t.zh AND c.zh IS NOT f.zh)))"
    "  OR (t.class IS NULL AND (c.name IS NOT f.name OR c.uses > f.uses OR EXISTS(SELECT 1 FROM relation r WHERE r.retired_ms = 0"
    "   AND " CLASS_NOW("r.fault") " = c.name AND NOT EXISTS(SELECT 1 FROM relation_state x WHERE x.event = ?1 AND x.after = ?2"
    "   AND x.relation = r.id)) OR EXISTS(SELECT 1 FROM class k WHERE k.parent = c.id"
    "   AND NOT EXISTS(SELECT 1 FROM class_state x WHERE x.event = ?1 AND x.after = ?2 AND x.class = k.id))"
    "   OR EXISTS(SELECT 1 FROM class_alias a WHERE a.class = c.id AND NOT EXISTS(SELECT 1 FROM alias_state x"
    "    WHERE x.event = ?1 AND x.after = ?2 AND x.name = a.name))))))"
    " OR EXISTS(SELECT 1 FROM class_state t WHERE t.event = ?1 AND t.after = " OTHER_SIDE
    "  AND (EXISTS(SELECT 1 FROM class c WHERE c.id = t.class AND NOT EXISTS(SELECT 1 FROM class_state f WHERE f.event = ?1"
    "    AND f.after = ?2 AND f.class = c.id))"
    "   OR EXISTS(SELECT 1 FROM class c WHERE c.id <> t.class AND (c.name = t.name OR (t.code <> '' AND c.code = t.code))"
    "    AND NOT EXISTS(SELECT 1 FROM class_state f WHERE f.event = ?1 AND f.after = ?2 AND f.class = c.id))))"
    " OR EXISTS(SELECT 1 FROM alias_state f LEFT JOIN class_alias a ON a.name = f.name WHERE f.event = ?1 AND f.after = ?2"
    "  AND a.class IS NOT f.class)"
    " OR EXISTS(SELECT 1 FROM alias_state t JOIN class_alias a ON a.name = t.name WHERE t.event = ?1 AND t.after = " OTHER_SIDE
    "  AND NOT EXISTS(SELECT 1 FROM alias_state f WHERE f.event = ?1 AND f.after = ?2 AND f.name = t.name))"
    " OR EXISTS(SELECT 1 FROM relation_state f JOIN relation r ON r.id = f.relation WHERE f.event = ?1 AND f.after = ?2"
    "  AND r.retired_ms > 0)"
    " OR EXISTS(SELECT 1 FROM relation_state t JOIN relation r ON r.id = t.relation JOIN relation o ON o.component = r.component"
    "  AND " CLASS_NOW("o.fault") " = " CLASS_NOW("r.fault") " AND o.retired_ms = 0 WHERE t.event = ?1 AND t.after = " OTHER_SIDE
    "  AND NOT EXISTS(SELECT 1 FROM relation_state f WHERE f.event = ?1 AND f.after = ?2 AND f.relation = o.id))";

// The same parameters: ?2 stands, and gives way to the other side. What others changed meanwhile stays.
#define BACK_TO(column) column " = CASE WHEN f." column " IS t." column " THEN class." column " ELSE t." column " END"
static const char *const turn[] = {
    "DELETE FROM class_alias WHERE name IN (SELECT name FROM alias_state WHERE event = ?1 AND after = ?2)",
    "DELETE FROM class WHERE id IN (SELECT f.class FROM class_state f WHERE f.event = ?1 AND f.after = ?2 AND NOT EXISTS("
    "SELECT 1 FROM class_state t WHERE t.event = ?1 AND t.after = " OTHER_SIDE " AND t.class = f.class))",
    "UPDATE class SET " BACK_TO("name") ", " BACK_TO("severity") ", " BACK_TO("code") ", " BACK_TO("parent") ", " BACK_TO("retired")
    ", " BACK_TO("zh") ", uses = max(0, class.uses + t.uses - f.uses) FROM class_state f JOIN class_state t ON t.event = f.event"
    " AND t.class = f.class AND t.after = " OTHER_SIDE " WHERE f.event = ?1 AND f.after = ?2 AND class.id = f.class",
    ("INSERT INTO class(id, name, severity, code, parent, retired, zh, uses, used_ms) SELECT t.class, t.name, t.severity, t.code,"
     " t.parent, t.retired, t.zh, t.uses, t.used_ms FROM class_state t WHERE t.event = ?1 AND t.after = " OTHER_SIDE
     " AND NOT EXISTS(SELECT 1 FROM class_state f WHERE f.event = ?1 AND f.after = ?2 AND f.class = t.class)"),
    "INSERT INTO class_alias(name, class) SELECT name, class FROM alias_state WHERE event = ?1 AND after = " OTHER_SIDE,
    "UPDATE relation SET retired_ms = (SELECT max(at_ms) FROM class_event WHERE coalesce(root, id) = ?1)"
    " WHERE id IN (SELECT relation FROM relation_state WHERE event = ?1 AND after = ?2)",
    "UPDATE relation SET retired_ms = 0 WHERE id IN (SELECT relation FROM relation_state WHERE event = ?1 AND after = " OTHER_SIDE ")",
};

// The events of one person that come next: a change of classes, and the newest answer that was there before it.
#define ANSWERS(e) e ".person = ?1 AND " e ".source IN (0, 3, 4)"
static const char last_change[] =
    "SELECT e.id, e.root, e.after_event, coalesce((SELECT a.id FROM label_event a WHERE " ANSWERS("a")
    "  AND a.kind IN ('answer', 'skip', 'redo') AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = a.id)"
    "  ORDER BY a.id DESC LIMIT 1), 0), e.what, e.name, e.value"
    " FROM (SELECT id, coalesce(root, id) AS root, after_event, what, name, value FROM class_event c WHERE person = ?1"
    "  AND kind IN ('change', 'redo') AND NOT EXISTS(SELECT 1 FROM class_event u WHERE u.ref = c.id)"
    "  AND EXISTS(SELECT 1 FROM class_state s WHERE s.event = coalesce(c.root, c.id)"
    "   UNION ALL SELECT 1 FROM relation_state s WHERE s.event = coalesce(c.root, c.id)) ORDER BY id DESC LIMIT 1) e";
static const char last_undone[] =
    "SELECT e.id, e.root, e.after_event, coalesce((SELECT a.id FROM label_event a WHERE " ANSWERS("a")
    "  AND a.kind = 'undo' AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = a.id) ORDER BY a.id DESC LIMIT 1), 0),"
    " e.what, e.name, e.value"
    " FROM (SELECT id, root, after_event, what, name, value FROM class_event c WHERE person = ?1 AND kind = 'undo'"
    "  AND NOT EXISTS(SELECT 1 FROM class_event u WHERE u.ref = c.id)"
    "  AND NOT EXISTS(SELECT 1 FROM class_event n WHERE n.person = ?1 AND n.kind = 'change' AND n.id > c.id)"
    "  AND NOT EXISTS(SELECT 1 FROM label_event a WHERE " ANSWERS("a") " AND a.kind IN ('answer', 'skip')"
    "   AND a.id > c.after_event) ORDER BY id DESC LIMIT 1) e";
// Something was changed since the answers that could be given again were taken back.
static const char changed_since[] =
    "SELECT EXISTS(SELECT 1 FROM class_event n WHERE n.person = ?1 AND n.kind = 'change' AND n.after_event >="
    " (SELECT max(a.id) FROM label_event a WHERE " ANSWERS("a") " AND a.kind = 'undo'"
    "  AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = a.id)))";

struct step {
    int64_t id, root;
};

// Whether a change of classes comes before any answer; then what it was in `back`.
static enum status change_first(struct db *db, int64_t person, bool again, struct step *step, struct back *back,
                                bool *first, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, again ? last_undone : last_change, err);
    *first = false;
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, person);
    enum status status = db_first(db, stmt, doing, err);
    if (status == ST_OK && sqlite3_column_int64(stmt, 2) >= sqlite3_column_int64(stmt, 3)) {
        *first = true;
        *step = (struct step){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
        back->what = column_copy(stmt, 4);
        back->name = column_copy(stmt, 5);
        back->value = column_copy(stmt, 6);
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status ask(struct db *db, const char *sql, int64_t a, int64_t b, bool *yes, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, a);
    if (sqlite3_bind_parameter_count(stmt) > 1)
        sqlite3_bind_int64(stmt, 2, b);
    enum status status = db_first(db, stmt, doing, err);
    *yes = status == ST_OK && sqlite3_column_int(stmt, 0) != 0;
    sqlite3_reset(stmt);
    return status;
}

static enum status append(struct db *db, int64_t person, const char *kind, const struct step *step, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO class_event(at_ms, person, class, what, name, value, kind, ref, root, after_event)"
                                    " SELECT ?1, ?2, class, what, name, value, ?3, id, ?5,"
                                    " coalesce((SELECT max(id) FROM label_event), 0) FROM class_event WHERE id = ?4",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, clock_unix_ms());
    sqlite3_bind_int64(stmt, 2, person);
    bind_text(stmt, 3, kind);
    sqlite3_bind_int64(stmt, 4, step->id);
    sqlite3_bind_int64(stmt, 5, step->root);
    return db_run(db, stmt, doing, err);
}

static enum status back_class(struct db *db, int64_t person, bool again, const struct step *step, struct back *back,
                              struct error *err)
{
    enum status status = ask(db, in_the_way, step->root, !again, &back->kept, err);
    if (status == ST_OK)
        status = append(db, person, back->kept ? "kept" : again ? "redo" : "undo", step, err);
    if (status == ST_OK && !back->kept)
        status = run_all(db, turn, sizeof turn / sizeof *turn, step->root, !again, err);
    return status;
}

static enum status back_any(struct db *db, int64_t person, bool again, struct back *back, struct error *err)
{
    struct step step;
    bool first, since = false;
    enum status status = change_first(db, person, again, &step, back, &first, err);
    if (status == ST_OK && first)
        return back_class(db, person, again, &step, back, err);
    if (status == ST_OK && again)
        status = ask(db, changed_since, person, 0, &since, err);
    if (status == ST_OK && since)
        return error_set(err, ST_NOT_FOUND, "nothing to redo");
    return status == ST_OK ? db_label_back(db, person, again, &back->picture, &back->count, err) : status;
}

enum status db_back(struct db *db, int64_t person, bool again, struct back *back, struct error *err)
{
    bool own;
    *back = (struct back){0};
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = db_leave(db, own, back_any(db, person, again, back, err), err);
    if (status != ST_OK)
        back_clear(back);
    return status;
}

void back_clear(struct back *back)
{
    free(back->what);
    free(back->name);
    free(back->value);
    *back = (struct back){0};
}

enum status db_class_begin(struct db *db, struct error *err)
{
    return class_watch(db, err);
}

enum status db_class_end(struct db *db, int64_t person, const char *what, const char *value, struct error *err)
{
    int64_t event;
    enum status status = class_note(db, person, 0, NULL, what, value, &event, err);
    return status == ST_OK ? class_watched(db, event, err) : status;
}
