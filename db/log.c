// Who did what when, out of the tables where each kind of event lives.
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/intl.h"
#include "db/handle.h"
#include "db/hook.h"
#include "db/label.h"
#include "db/log.h"
#include "db/round.h"

enum status db_log_kind(const char *kind, struct error *err)
{
    static const char *const kinds[] = {"answer", "skip", "undo", "redo", "comment", "class", "role", "screening", "round", "model",
                                        "audit", "hook", "relation", "setting", "add", "import", "backup"};
    char all[256] = "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kind, kinds[i]) == 0)
            return ST_OK;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", kinds[i]);
    }
    return error_set(err, ST_INVALID, "there is no kind '%s' in the log; there are %s", kind, all);
}

// Who asked for round `o`: '' for the program itself, and before that was kept.
#define ASKED_BY "CASE WHEN json_valid(o.options) THEN coalesce(json_extract(o.options, '$.who'), '') ELSE '' END"

enum status db_log_person(struct db *db, const char *person, struct error *err)
{
    // what was not answered has the account's name, who need not be a person
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT 1 FROM person WHERE name = ?1 COLLATE NOCASE"
                                    " UNION ALL SELECT 1 FROM activation WHERE who = ?1 COLLATE NOCASE"
                                    " UNION ALL SELECT 1 FROM log WHERE person = ?1 COLLATE NOCASE"
                                    " UNION ALL SELECT 1 FROM round o WHERE " ASKED_BY " = ?1 COLLATE NOCASE LIMIT 1",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, person);
    enum status status = db_first(db, stmt, "reading the log", err);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "nobody called '%s' is in the log; `assay user` tells who there is", person) : status;
}

enum status db_log_add(struct db *db, const char *person, const char *kind, const char *scene, const char *text,
                       struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db, "INSERT INTO log(at_ms, person, kind, scene, text) VALUES(?1, ?2, ?3, ?4, ?5)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, clock_unix_ms());
    bind_text(stmt, 2, person);
    bind_text(stmt, 3, kind);
    bind_text(stmt, 4, scene);
    bind_text(stmt, 5, text);
    return db_run(db, stmt, "writing the log", err);
}

// ?1..?3 the key (at, source, id), ?4 person, ?5 kind, ?6 since, ?7 limit, ?8 scene. Every part is cut to the page before
// they are put together, so that no more than a page of each is sorted.
#define PART(source, at, id, columns, from, kind, person, scene)                                        \
    "SELECT * FROM (SELECT " at " AS at, " source " AS source, " id " AS id, " columns " FROM " from       \
    " AND " at " <= ?1 AND (" at ", " source ", " id ") < (?1, ?2, ?3) AND " at " >= ?6"                \
    " AND (?4 = '' OR " person " = ?4 COLLATE NOCASE) AND (?5 = '' OR " kind " = ?5) AND (?8 = 0 OR coalesce(" scene ", 0) IN (0, ?8))" \
    " ORDER BY at DESC, id DESC LIMIT ?7)"
#define AND_THEN " UNION ALL "
// columns: kind, person, scene's id, picture, what, first, second, note, lead, source of an answer
#define SAID                                                                                            \
    PART("9", "e.at_ms", "e.id",                                                                        \
         "e.kind, w.name, p.scene, e.picture, e.verdict, " CLASS_NOW("e.class") ", e.severity, e.note, e.role = 'lead', e.source", \
         "label_event e CROSS JOIN picture p ON p.id = e.picture CROSS JOIN person w ON w.id = e.person WHERE e.kind <> 'truth'", \
         "e.kind", "w.name", "p.scene")
#define COMMENTS                                                                                        \
    PART("8", "m.at_ms", "m.id", "'comment', w.name, p.scene, m.picture, '', t.name, '', m.text, 0, 0",    \
         "comment m JOIN picture p ON p.id = m.picture JOIN person w ON w.id = m.person JOIN person t ON t.id = m.recipient WHERE 1", \
         "'comment'", "w.name", "p.scene")
#define CLASSES                                                                                         \
    PART("7", "k.at_ms", "k.id", "'class', w.name, 0, 0, k.what, k.name, k.value, CASE k.kind WHEN 'change' THEN '' ELSE k.kind END, 0, 0",             \
         "class_event k JOIN person w ON w.id = k.person WHERE NOT " OF_RELATIONS, "'class'", "w.name", "0")
#define ACTIVE                                                                                          \
    PART("6", "a.at_ms", "a.id",                                                                        \
         "CASE a.kind WHEN 'screen' THEN 'screening' ELSE 'model' END, a.who, a.scene, 0, a.kind, r.number,"  \
         " CASE a.kind WHEN 'screen' THEN r.flagged || ' of ' || r.screened ELSE a.reason END, '', 0, 0",      \
         "activation a JOIN revision r ON r.id = a.after WHERE 1",                                       \
         "CASE a.kind WHEN 'screen' THEN 'screening' ELSE 'model' END", "a.who", "a.scene")
#define ROUNDS_ASKED                                                                                    \
    PART("5", "o.created_ms", "o.id", "'round', " ASKED_BY ", o.scene, 0, -1, o.id, '', '', 0, 0", "round o WHERE 1", "'round'", ASKED_BY, \
         "coalesce(o.scene, 0)")
#define ROUNDS_ENDED                                                                                    \
    PART("4", "o.ended_ms", "o.id", "'round', '', o.scene, 0, o.state, o.id, o.sentence, '', 0, 0",      \
         "round o WHERE o.ended_ms > 0", "'round'", "''", "coalesce(o.scene, 0)")
// without a size nothing was drawn
#define AUDITS                                                                                          \
    PART("3", "u.at_ms", "u.id", "'audit', '', u.scene, 0, 'began', u.id, '', '', 0, 0",                 \
         "audit u JOIN audit_size z ON z.audit = u.id WHERE 1", "'audit'", "''", "u.scene")
#define AUDITS_ENDED                                                                                    \
    PART("2", "t.at_ms", "t.audit", "'audit', '', u.scene, 0, 'stopped', u.id, '', '', 0, 0",            \
         "audit_stop t JOIN audit u ON u.id = t.audit WHERE 1", "'audit'", "''", "u.scene")
#define HOOKS                                                                                           \
    PART("1", "h.told_ms", "h.event", "'hook', w.name, p.scene, e.picture, h.state, h.name, h.sentence, '', 0, 0",        \
         "hook h JOIN label_event e ON e.id = h.event JOIN picture p ON p.id = e.picture JOIN person w ON w.id = e.person"  \
         " WHERE h.told_ms > 0", "'hook'", "w.name", "p.scene")
#define OTHERS                                                                                          \
    PART("0", "g.at_ms", "g.id", "g.kind, g.person, (SELECT id FROM scene WHERE name = g.scene), 0, '', g.text, '', '', 0, 0", \
         "log g WHERE 1", "g.kind", "g.person", "(SELECT id FROM scene WHERE name = g.scene)")

#define OF_RELATIONS "k.what IN ('stated', 'taken away')"
#define RELATIONS                                                                                       \
    PART("10", "k.at_ms", "k.id",                                                                       \
         "'relation', w.name, 0, 0, k.what, k.value, " CLASS_NOW("k.name") ", CASE k.kind WHEN 'change' THEN coalesce((SELECT r.severity"  \
         " FROM relation_state s JOIN relation r ON r.id = s.relation WHERE s.event = k.id AND s.after = 1), '') ELSE k.kind END, 0, 0",   \
         "class_event k JOIN person w ON w.id = k.person WHERE " OF_RELATIONS, "'relation'", "w.name", "0")

// What the column `what` holds is a number where the name is the program's.
static const char *what_of(sqlite3_stmt *stmt, const char *kind)
{
    int number = sqlite3_column_int(stmt, 7);
    if (strcmp(kind, "round") == 0 && sqlite3_column_type(stmt, 7) == SQLITE_INTEGER)
        return number < 0 ? N_("asked") : round_state_name((enum round_state)number);
    if (strcmp(kind, "hook") == 0)
        return number == HOOK_DONE ? N_("done") : number == HOOK_DUE ? N_("again") : number == HOOK_FAILED ? N_("failed") : N_("taken back");
    if (strcmp(kind, "answer") == 0 || strcmp(kind, "skip") == 0 || strcmp(kind, "undo") == 0 || strcmp(kind, "redo") == 0)
        return verdict_name((enum verdict)number);
    return column_text(stmt, 7);
}

enum status db_log(struct db *db, const struct log_filter *filter, struct log_key *after, size_t limit,
                   void (*each)(void *context, const struct log_row *row), void *context, size_t *count, struct error *err)
{
    int code;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT x.*, coalesce(c.name, ''), coalesce((SELECT path FROM location WHERE picture = x.picture ORDER BY id LIMIT 1), '')"
        " FROM (SELECT at, source, id, kind, name AS person, scene, picture, verdict AS what, first, second, note, lead, about FROM ("
        "SELECT 0 AS at, 0 AS source, 0 AS id, '' AS kind, '' AS name, 0 AS scene, 0 AS picture, '' AS verdict, '' AS first,"
        " '' AS second, '' AS note, 0 AS lead, 0 AS about WHERE 0" AND_THEN SAID AND_THEN COMMENTS AND_THEN CLASSES AND_THEN ACTIVE
        AND_THEN ROUNDS_ASKED AND_THEN ROUNDS_ENDED AND_THEN AUDITS AND_THEN AUDITS_ENDED AND_THEN HOOKS AND_THEN OTHERS AND_THEN RELATIONS
        ") ORDER BY at DESC, source DESC, id DESC LIMIT ?7) x LEFT JOIN scene c ON c.id = x.scene"
        " ORDER BY at DESC, source DESC, id DESC",
        err);
    if (!stmt)
        return err->code;
    bool first = after->at_ms == 0;
    sqlite3_bind_int64(stmt, 1, !first ? after->at_ms : filter->until_ms ? filter->until_ms : INT64_MAX);
    sqlite3_bind_int64(stmt, 2, first ? INT64_MAX : after->source);
    sqlite3_bind_int64(stmt, 3, first ? INT64_MAX : after->id);
    bind_text(stmt, 4, filter->person);
    bind_text(stmt, 5, filter->kind);
    sqlite3_bind_int64(stmt, 6, filter->since_ms);
    sqlite3_bind_int64(stmt, 7, (int64_t)limit);
    sqlite3_bind_int64(stmt, 8, filter->scene);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *kind = column_text(stmt, 3);
        int about = sqlite3_column_int(stmt, 12);
        struct log_row row = {.at_ms = sqlite3_column_int64(stmt, 0), .kind = kind, .person = column_text(stmt, 4),
                              .picture = sqlite3_column_int64(stmt, 6), .what = what_of(stmt, kind),
                              .first = column_text(stmt, 8), .second = column_text(stmt, 9), .note = column_text(stmt, 10),
                              .lead = sqlite3_column_int(stmt, 11) != 0, .quality = about == LABEL_QUALITY,
                              .audited = about == LABEL_AUDIT, .scene = column_text(stmt, 13), .path = column_text(stmt, 14)};
        *after = (struct log_key){row.at_ms, sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)};
        ++*count;
        each(context, &row);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "reading the log", err);
    sqlite3_reset(stmt);
    return status;
}
