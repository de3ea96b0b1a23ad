#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/clock.h"
#include "db/class.h"
#include "db/handle.h"
#include "db/label.h"
#include "db/quality.h"

static const char *const verdict_names[] = {
    [VERDICT_NONE] = "", [VERDICT_NORMAL] = N_("normal"), [VERDICT_DEFECT] = N_("defect"), [VERDICT_UNSURE] = N_("unsure"),
    [VERDICT_SKIP] = N_("skip"), [VERDICT_POOR] = N_("poor"), [VERDICT_FINE] = N_("fine"), [VERDICT_REGIONS] = N_("regions")};

const char *verdict_name(enum verdict verdict)
{
    return verdict_names[verdict];
}

bool verdict_parse(const char *text, enum verdict *verdict)
{
    for (int v = VERDICT_NORMAL; v <= VERDICT_SKIP; v++) {
        if (strcmp(text, verdict_names[v]) == 0) {
            *verdict = (enum verdict)v;
            return true;
        }
    }
    return false;
}

static const char *const severity_names[SEVERITIES] = {"stop", "key", "general"};

const char *severity_name(enum severity severity)
{
    return severity_names[severity];
}

bool severity_parse(const char *text, enum severity *severity)
{
    for (int s = 0; s < SEVERITIES; s++) {
        if (strcmp(text, severity_names[s]) == 0) {
            *severity = (enum severity)s;
            return true;
        }
    }
    return false;
}

bool severity_known(const char *text)
{
    enum severity severity;
    return severity_parse(text, &severity);
}

static enum status append(struct db *db, const char *kind, const struct label *l, const char *mask, int64_t batch,
                          int64_t *event, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT INTO label_event(kind, at_ms, person, role, picture, source, verdict, class, severity, regions, note,"
        " took_ms, revision, score, mask, batch, blind, component)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, kind);
    sqlite3_bind_int64(stmt, 2, clock_unix_ms());
    sqlite3_bind_int64(stmt, 3, l->person);
    bind_text(stmt, 4, l->role);
    sqlite3_bind_int64(stmt, 5, l->picture);
    sqlite3_bind_int(stmt, 6, l->source);
    sqlite3_bind_int(stmt, 7, l->verdict);
    bind_text(stmt, 8, l->class_name);
    bind_text(stmt, 9, l->severity);
    bind_text(stmt, 10, l->regions);
    bind_text(stmt, 11, l->note);
    sqlite3_bind_int64(stmt, 12, l->took_ms);
    if (l->revision) {
        sqlite3_bind_int64(stmt, 13, l->revision);
        sqlite3_bind_double(stmt, 14, l->score);
    }
    bind_text(stmt, 15, mask);
    if (batch)
        sqlite3_bind_int64(stmt, 16, batch);
    sqlite3_bind_int(stmt, 17, l->blind);
    bind_text(stmt, 18, l->component ? l->component : "");
    enum status status = db_run(db, stmt, "saving an answer", err);
    *event = sqlite3_last_insert_rowid(db->sqlite);
    return status;
}

static const char *kind_of(const struct label *label)
{
    return label->source == LABEL_TRUTH ? "truth" : label->verdict == VERDICT_SKIP ? "skip" : "answer";
}

enum status db_label_add(struct db *db, const struct label *label, int64_t *event, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    return db_leave(db, own, append(db, kind_of(label), label, "", 0, event, err), err);
}

// The number of the next event.
static enum status next_event(struct db *db, int64_t *number, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT coalesce(max(id), 0) + 1 FROM label_event", err);
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, "saving an answer", err);
    if (status == ST_OK)
        *number = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

// Of source ?2; taking back and giving again is one for answers in the queue and in audits, and for what is drawn.
#define SOURCE_OF(e) " ?2 IN (" e ".source, " e ".source - 3, " e ".source - 4)"

enum status db_label_batch(struct db *db, const struct label *labels, size_t count, struct error *err)
{
    bool own;
    int64_t batch = 0, event;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = next_event(db, &batch, err);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        status = append(db, kind_of(&labels[i]), &labels[i], "", batch, &event, err);
    return db_leave(db, own, status, err);
}

// Run `sql`, which appends events that refer to `ref`, or to those of its `batch` where it has one.
static enum status append_copies(struct db *db, const char *sql, int64_t ref, int64_t batch, int64_t person,
                                 int64_t *count, struct error *err)
{
    int64_t next = 0;
    enum status status = batch ? next_event(db, &next, err) : ST_OK;
    sqlite3_stmt *stmt = status == ST_OK ? db_prepare(db, sql, err) : NULL;
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, clock_unix_ms());
    sqlite3_bind_int64(stmt, 2, batch ? batch : ref);
    sqlite3_bind_int64(stmt, 3, person);
    if (batch)
        sqlite3_bind_int64(stmt, 4, next);
    status = db_run(db, stmt, "saving an answer", err);
    *count = sqlite3_changes(db->sqlite);
    return status;
}

// First row of (id, batch) for a person.
static enum status target(struct db *db, const char *sql, int64_t person, enum label_source source, int64_t row[2],
                          struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, person);
    sqlite3_bind_int(stmt, 2, source);
    enum status status = db_first(db, stmt, "looking for the last answer", err);
    for (int i = 0; i < 2 && status == ST_OK; i++)
        row[i] = sqlite3_column_int64(stmt, i);
    sqlite3_reset(stmt);
    return status;
}

// What the latest of this person's undos, or redos, was about first.
static enum status concerned(struct db *db, int64_t count, int64_t *picture, struct error *err)
{
    sqlite3_stmt *stmt =
        db_prepare(db, "SELECT picture FROM (SELECT id, picture FROM label_event ORDER BY id DESC LIMIT ?1) ORDER BY id LIMIT 1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, count);
    enum status status = db_first(db, stmt, "looking for the last answer", err);
    if (status == ST_OK)
        *picture = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

#define COPIED " person, role, picture, source, verdict, class, severity, regions, note, 0, revision, score, mask, blind, component"
#define COPY_INTO                                                                                       \
    "INSERT INTO label_event(kind, ref, at_ms, batch, person, role, picture, source, verdict, class, severity, regions,"  \
    " note, took_ms, revision, score, mask, blind, component) "
#define LIVE_ANSWER(e)                                                                                  \
    e ".kind IN ('answer', 'skip', 'redo') AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = " e ".id)"

static enum status undo(struct db *db, int64_t person, enum label_source source, int64_t *picture, int64_t *count,
                        struct error *err)
{
    int64_t row[2];
    enum status status = target(db,
                                "SELECT e.id, e.batch FROM label_event e WHERE e.person = ?1 AND" SOURCE_OF("e") " AND "
                                LIVE_ANSWER("e") " ORDER BY e.id DESC LIMIT 1",
                                person, source, row, err);
    if (status == ST_NOT_FOUND)
        return error_set(err, ST_NOT_FOUND, "nothing to undo");
    if (status == ST_OK)
        status = append_copies(db,
                               row[1] ? COPY_INTO "SELECT 'undo', id, ?1, ?4," COPIED " FROM label_event e"
                                                  " WHERE e.batch = ?2 AND e.person = ?3 AND " LIVE_ANSWER("e") " ORDER BY id"
                                      : COPY_INTO "SELECT 'undo', id, ?1, ?4," COPIED " FROM label_event"
                                                  " WHERE id = ?2 AND person = ?3",
                               row[0], row[1], person, count, err);
    return status == ST_OK ? concerned(db, *count, picture, err) : status;
}

static enum status redo(struct db *db, int64_t person, enum label_source source, int64_t *picture, int64_t *count,
                        struct error *err)
{
    int64_t row[2];
    enum status status = target(db,
                                "SELECT u.id, u.batch FROM label_event u WHERE u.person = ?1 AND" SOURCE_OF("u")
                                " AND u.kind = 'undo' AND NOT EXISTS(SELECT 1 FROM label_event r WHERE r.ref = u.id)"
                                " AND u.id > coalesce((SELECT max(a.id) FROM label_event a WHERE a.person = ?1"
                                " AND" SOURCE_OF("a") " AND a.kind IN ('answer', 'skip')), 0)"
                                " ORDER BY u.id DESC LIMIT 1",
                                person, source, row, err);
    if (status == ST_NOT_FOUND)
        return error_set(err, ST_NOT_FOUND, "nothing to redo");
    // an undo says what it took back, so it is what is copied
    if (status == ST_OK)
        status = append_copies(db,
                               row[1] ? COPY_INTO "SELECT 'redo', id, ?1, ?4," COPIED " FROM label_event u"
                                                  " WHERE u.batch = ?2 AND u.person = ?3 AND u.kind = 'undo'"
                                                  " AND NOT EXISTS(SELECT 1 FROM label_event r WHERE r.ref = u.id) ORDER BY id"
                                      : COPY_INTO "SELECT 'redo', id, ?1, ?4," COPIED " FROM label_event"
                                                  " WHERE id = ?2 AND person = ?3",
                               row[0], row[1], person, count, err);
    return status == ST_OK ? concerned(db, *count, picture, err) : status;
}

static enum status back(struct db *db, int64_t person, enum label_source source, bool again, int64_t *picture,
                        int64_t *count, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    return db_leave(db, own, (again ? redo : undo)(db, person, source, picture, count, err), err);
}

enum status db_label_back(struct db *db, int64_t person, bool again, int64_t *picture, int64_t *count, struct error *err)
{
    return back(db, person, LABEL_REVIEW, again, picture, count, err);
}

enum status db_label_undo(struct db *db, int64_t person, int64_t *picture, struct error *err)
{
    int64_t count;
    return back(db, person, LABEL_REVIEW, false, picture, &count, err);
}

enum status db_label_redo(struct db *db, int64_t person, int64_t *picture, struct error *err)
{
    int64_t count;
    return back(db, person, LABEL_REVIEW, true, picture, &count, err);
}

enum status db_poor_undo(struct db *db, int64_t person, bool again, int64_t *picture, struct error *err)
{
    int64_t count;
    return back(db, person, LABEL_QUALITY, again, picture, &count, err);
}

void verdict_clear(struct verdict_row *row)
{
    free(row->class_name);
    free(row->severity);
    free(row->person);
    free(row->note);
    *row = (struct verdict_row){0};
}

enum status db_verdict_get(struct db *db, int64_t picture, enum label_source source, struct verdict_row *row,
                           struct error *err)
{
    *row = (struct verdict_row){.picture = picture};
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT e.id, e.at_ms, e.verdict, " CLASS_NOW("e.class") ", e.severity, w.name, e.note, e.role = 'lead' FROM verdict v"
                                    " JOIN label_event e ON e.id = v.event JOIN person w ON w.id = e.person"
                                    " WHERE v.picture = ?1 AND v.source = ?2",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, picture);
    sqlite3_bind_int(stmt, 2, source);
    enum status status = db_first(db, stmt, "reading a verdict", err);
    if (status == ST_OK) {
        row->event = sqlite3_column_int64(stmt, 0);
        row->at_ms = sqlite3_column_int64(stmt, 1);
        row->verdict = (enum verdict)sqlite3_column_int(stmt, 2);
        row->class_name = column_copy(stmt, 3);
        row->severity = column_copy(stmt, 4);
        row->person = column_copy(stmt, 5);
        row->note = column_copy(stmt, 6);
        row->lead = sqlite3_column_int(stmt, 7) != 0;
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// Whether an event holds these regions.
static enum status same_regions(struct db *db, int64_t event, const char *regions, bool *same, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT regions = ?2 FROM label_event WHERE id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, event);
    bind_text(stmt, 2, regions);
    enum status status = db_first(db, stmt, "reading regions", err);
    *same = status == ST_OK && sqlite3_column_int(stmt, 0) != 0;
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status db_truth_add(struct db *db, const struct label *label, const char *mask_path, bool *added,
                         struct error *err)
{
    struct verdict_row now;
    char *class_name = NULL;
    int64_t event;
    bool own;
    *added = false;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = db_class_now(db, label->class_name, &class_name, err);
    if (status == ST_OK)
        status = db_verdict_get(db, label->picture, LABEL_TRUTH, &now, err);
    if (status == ST_OK) {
        bool same = now.verdict == label->verdict && strcmp(now.class_name ? now.class_name : "", class_name) == 0 &&
                    strcmp(now.severity ? now.severity : "", label->severity) == 0;
        if (same && label->regions && label->regions[0])
            status = same_regions(db, now.event, label->regions, &same, err);
        if (!same && status == ST_OK) {
            status = append(db, "truth", label, mask_path, 0, &event, err);
            *added = status == ST_OK;
        }
        verdict_clear(&now);
    }
    free(class_name);
    return db_leave(db, own, status, err);
}
