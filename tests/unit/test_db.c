#include "config.h"

#include "tests/unit/project.h"

#include <sqlite3.h>

#include "base/file.h"
#include "base/rng.h"
#include "db/back.h"
#include "db/check.h"
#include "db/label.h"
#include "db/log.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"

enum { PICTURES = 12, FLAGGED = 8 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, ann, bob, pictures[PICTURES], revision;
};

static struct error err;

static int64_t add(struct fixture *f, const char *path, int number, enum picture_outcome want)
{
    struct picture_new p = numbered_picture(f->scene, path, number);
    return add_picture(f->db, &p, want);
}

// A project with 12 screened pictures, the first 8 flagged, scores falling.
static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    for (int i = 0; i < PICTURES; i++) {
        char path[64];
        snprintf(path, sizeof path, "/nowhere/belt/%02d.png", i);
        f->pictures[i] = add(f, path, i, PICTURE_ADDED);
    }
    struct revision r = {.scene = f->scene, .threshold = 12.5, .flag_rate = 0.01, .believed = PICTURES};
    f->revision = add_revision(f->db, &r, f->pictures, PICTURES, FLAGGED, 20, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    int failed = remove_project(f->dir, f->path, f->db);
    free(f);
    return failed;
}

static void reopen(struct fixture *f)
{
    db_close(f->db);
    assert_ok(db_open(f->path, &f->db, &err), &err);
}

static enum status say(struct fixture *f, int64_t person, int number, enum verdict verdict)
{
    int64_t event;
    struct label l = {.picture = f->pictures[number], .person = person, .role = "inspector", .verdict = verdict,
                      .class_name = verdict == VERDICT_DEFECT ? "tear" : "", .revision = f->revision, .score = 1};
    return db_label_add(f->db, &l, &event, &err);
}

static enum verdict stands(struct fixture *f, int number)
{
    struct verdict_row row;
    assert_ok(db_verdict_get(f->db, f->pictures[number], LABEL_REVIEW, &row, &err), &err);
    enum verdict v = row.verdict;
    verdict_clear(&row);
    return v;
}

static int count_finding;

static void on_finding(void *context, const char *sentence)
{
    (void)context;
    (void)sentence;
    count_finding++;
}

static int findings(struct fixture *f)
{
    count_finding = 0;
    assert_ok(db_check(f->db, on_finding, NULL, &err), &err);
    return count_finding;
}

// Run SQL on a connection of its own; the message, NULL when it succeeded.
static char *raw(struct fixture *f, const char *sql)
{
    sqlite3 *other;
    char *message = NULL, *copy = NULL;
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    sqlite3_exec(other, sql, NULL, NULL, &message);
    if (message)
        copy = xstrdup(message);
    sqlite3_free(message);
    sqlite3_close(other);
    return copy;
}

static void events_are_append_only(void **state)
{
    struct fixture *f = *state;
    assert_ok(say(f, f->ann, 0, VERDICT_DEFECT), &err);
    char *message = raw(f, "UPDATE label_event SET verdict = 1");
    assert_non_null(strstr(message, "never changed"));
    free(message);
    message = raw(f, "DELETE FROM label_event");
    assert_non_null(strstr(message, "never deleted"));
    free(message);
    assert_int_equal(stands(f, 0), VERDICT_DEFECT);
}

static void newer_and_foreign_databases_are_refused(void **state)
{
    struct fixture *f = *state;
    struct db *other;
    free(raw(f, "PRAGMA user_version = 99"));
    assert_status(db_open(f->path, &other, &err), ST_NEWER, &err);
    free(raw(f, "PRAGMA user_version = 6; PRAGMA application_id = 7"));
    assert_status(db_open(f->path, &other, &err), ST_CORRUPT, &err);
    free(raw(f, "PRAGMA user_version = -1; PRAGMA application_id = 1634956153"));
    assert_status(db_open(f->path, &other, &err), ST_CORRUPT, &err);
    free(raw(f, "PRAGMA user_version = 3")); // as one with tables of both, which programs made while a version grew
    assert_status(db_open(f->path, &other, &err), ST_CORRUPT, &err);
    assert_non_null(strstr(err.text, "not a whole version 3 of the database"));
    free(raw(f, "PRAGMA user_version = 6")); // it is as it was
    assert_ok(db_open(f->path, &other, &err), &err);
    db_close(other);
    assert_status(db_create(f->path, &other, &err), ST_INVALID, &err);
}

struct model { // what a person said, kept the naive way
    struct said {
        int64_t person;
        int picture;
        enum verdict verdict;
        int undone;
        int order;
    } said[4000];
    int count, order;
};

static enum verdict model_stands(const struct model *m, int picture)
{
    enum verdict v = VERDICT_NONE;
    int best = -1;
    for (int i = 0; i < m->count; i++)
        if (m->said[i].picture == picture && !m->said[i].undone && m->said[i].verdict != VERDICT_SKIP &&
            m->said[i].order > best) {
            best = m->said[i].order;
            v = m->said[i].verdict;
        }
    return v;
}

// The kept numbers are those of the naive model.
static void assert_counts(struct fixture *f, const struct model *m)
{
    struct scene_counts counts;
    int64_t said[VERDICT_SKIP + 1] = {0}, open = 0;
    for (int i = 0; i < PICTURES; i++) {
        said[model_stands(m, i)]++;
        open += i < FLAGGED && model_stands(m, i) == VERDICT_NONE;
    }
    assert_ok(db_counts(f->db, f->scene, &counts, &err), &err);
    assert_int_equal(counts.open, open);
    assert_int_equal(counts.normals, said[VERDICT_NORMAL]);
    assert_int_equal(counts.defects, said[VERDICT_DEFECT]);
    assert_int_equal(counts.unsure, said[VERDICT_UNSURE]);
    assert_int_equal(counts.answered, PICTURES - said[VERDICT_NONE]);
}

static void verdicts_follow_any_sequence_of_answers(void **state)
{
    struct fixture *f = *state;
    struct rng rng = rng_seed(5);
    struct model *m = xcalloc(1, sizeof *m);
    int stack[2][2000], depth[2] = {0}, taken[2][2000], taken_depth[2] = {0};
    for (int step = 0; step < 1200; step++) {
        int who = (int)rng_below(&rng, 2), what = (int)rng_below(&rng, 6);
        int64_t person = who ? f->bob : f->ann, touched;
        if (what < 3) {
            int number = (int)rng_below(&rng, PICTURES);
            enum verdict v = (enum verdict)(1 + rng_below(&rng, 4));
            assert_ok(say(f, person, number, v), &err);
            m->said[m->count] = (struct said){person, number, v, 0, m->order++};
            stack[who][depth[who]++] = m->count++;
            taken_depth[who] = 0;
        } else if (what < 5) {
            enum status want = depth[who] ? ST_OK : ST_NOT_FOUND;
            assert_status(db_label_undo(f->db, person, &touched, &err), want, &err);
            if (want == ST_OK) {
                int i = stack[who][--depth[who]];
                m->said[i].undone = 1;
                taken[who][taken_depth[who]++] = i;
                assert_int_equal(touched, f->pictures[m->said[i].picture]);
            }
        } else {
            enum status want = taken_depth[who] ? ST_OK : ST_NOT_FOUND;
            assert_status(db_label_redo(f->db, person, &touched, &err), want, &err);
            if (want == ST_OK) {
                struct said again = m->said[taken[who][--taken_depth[who]]];
                again.undone = 0;
                again.order = m->order++;
                m->said[m->count] = again;
                stack[who][depth[who]++] = m->count++;
            }
        }
        if (step % 400 == 399)
            reopen(f);
        for (int i = 0; i < PICTURES; i++)
            assert_int_equal(stands(f, i), model_stands(m, i));
        assert_counts(f, m);
    }
    assert_int_equal(findings(f), 0);
    free(m);
}

static void sessions_never_hold_the_same_picture(void **state)
{
    struct fixture *f = *state;
    struct queue_item a[8], b[8];
    size_t na, nb;
    assert_ok(db_queue_lease(f->db, "a", f->ann, 0, 5, 60000, NULL, 0, a, &na, &err), &err);
    assert_int_equal(na, 5);
    assert_int_equal(a[0].picture, f->pictures[0]);
    assert_ok(db_queue_item(f->db, a[0].picture, &a[0], &err), &err);
    assert_ok(db_queue_item(f->db, a[4].picture, &a[4], &err), &err);
    assert_int_equal(a[4].picture, f->pictures[4]);
    assert_true(a[0].percentile > a[4].percentile);
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, 8, 60000, NULL, 0, b, &nb, &err), &err);
    assert_int_equal(nb, 3);
    assert_int_equal(b[0].picture, f->pictures[5]);
    assert_ok(db_queue_release(f->db, "a", f->pictures[1], &err), &err);
    int64_t known[] = {b[0].picture, b[1].picture, b[2].picture};
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, 8, 60000, known, 3, b, &nb, &err), &err);
    assert_int_equal(nb, 1);
    assert_int_equal(b[0].picture, f->pictures[1]);
    // leases of a session that is gone run out
    assert_ok(db_queue_renew(f->db, "a", -1, &err), &err);
    assert_ok(db_queue_lease(f->db, "c", f->ann, 0, 8, 60000, NULL, 0, a, &na, &err), &err);
    assert_int_equal(na, 4);
}

static void skipped_pictures_go_to_the_end_and_answered_ones_leave(void **state)
{
    struct fixture *f = *state;
    struct queue_item items[8];
    struct scene_counts counts;
    size_t n;
    assert_ok(say(f, f->ann, 0, VERDICT_SKIP), &err);
    assert_ok(say(f, f->ann, 1, VERDICT_NORMAL), &err);
    assert_ok(db_queue_lease(f->db, "a", f->ann, 0, 8, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 7);
    assert_int_equal(items[0].picture, f->pictures[2]);
    assert_int_equal(items[6].picture, f->pictures[0]);
    assert_ok(db_counts(f->db, f->scene, &counts, &err), &err);
    assert_int_equal(counts.open, 7);
    assert_int_equal(counts.answered, 1);
    assert_int_equal(counts.flagged, 8);
    assert_int_equal(counts.pictures, PICTURES);
}

static void adding_tells_known_moved_copied_and_changed(void **state)
{
    struct fixture *f = *state;
    char *here = file_join(f->dir, "here.png");
    assert_ok(file_write(here, "x", 1, &err), &err);
    int64_t first = add(f, here, 100, PICTURE_ADDED);
    assert_int_equal(add(f, here, 100, PICTURE_KNOWN), first);
    assert_int_equal(add(f, "/nowhere/copy.png", 100, PICTURE_COPY), first); // `here` still exists
    assert_int_equal(add(f, "/nowhere/moved.png", 3, PICTURE_MOVED), f->pictures[3]);
    assert_int_not_equal(add(f, here, 101, PICTURE_CHANGED), first);
    struct picture_new torn = numbered_picture(f->scene, "/nowhere/it's\n\033[31m\"torn\".png", 102);
    torn.unreadable = "damaged";
    enum picture_outcome outcome;
    int64_t id;
    struct picture back;
    assert_ok(db_picture_add(f->db, &torn, &id, &outcome, &err), &err);
    assert_int_equal(outcome, PICTURE_UNREADABLE);
    assert_ok(db_picture_add(f->db, &torn, &id, &outcome, &err), &err);
    assert_int_equal(outcome, PICTURE_STILL_UNREADABLE);
    assert_ok(db_picture_get(f->db, id, &back, &err), &err);
    assert_string_equal(back.path, torn.path);
    assert_string_equal(back.unreadable, "damaged");
    picture_clear(&back);
    assert_ok(db_picture_find(f->db, "belt/03.png", &id, &err) == ST_NOT_FOUND ? ST_OK : ST_INVALID, &err); // moved away
    assert_ok(db_picture_find(f->db, "belt/04.png", &id, &err), &err);
    assert_int_equal(id, f->pictures[4]);
    assert_int_equal(findings(f), 0);
    free(here);
}

static void a_building_revision_is_invisible(void **state)
{
    struct fixture *f = *state;
    struct revision r = {.scene = f->scene};
    struct scene_counts counts;
    struct score_new all = {.picture = f->pictures[0], .score = {.score = 1}, .flagged = true};
    int64_t left, next;
    assert_ok(db_revision_begin(f->db, &r, &left, &err), &err);
    assert_ok(db_revision_scores(f->db, left, &all, 1, &err), &err);
    assert_ok(db_counts(f->db, 0, &counts, &err), &err);
    assert_int_equal(counts.screened, PICTURES);
    assert_ok(db_revision_begin(f->db, &r, &next, &err), &err); // the one left behind is thrown away
    assert_ok(db_revision_scores(f->db, next, &all, 1, &err), &err);
    assert_ok(db_revision_finish(f->db, next, &err), &err);
    assert_ok(db_counts(f->db, 0, &counts, &err), &err);
    assert_int_equal(counts.screened, 1);
    assert_ok(db_revision_get(f->db, next, &r, &err), &err);
    assert_int_equal(r.number, 2);
    assert_int_equal(findings(f), 0);
}

static void a_scene_has_its_own_queue(void **state)
{
    struct fixture *f = *state;
    struct queue_item items[4];
    int64_t other, revision, id;
    size_t n;
    assert_ok(db_scene_ensure(f->db, "rail", &other, &err), &err);
    struct picture_new p = numbered_picture(f->scene, "/nowhere/rail/1.png", 500);
    enum picture_outcome outcome;
    p.scene = other;
    assert_ok(db_picture_add(f->db, &p, &id, &outcome, &err), &err);
    struct revision r = {.scene = other};
    struct score_new s = {.picture = id, .score = {.score = 17.5}, .flagged = true};
    assert_ok(db_revision_begin(f->db, &r, &revision, &err), &err);
    assert_ok(db_revision_scores(f->db, revision, &s, 1, &err), &err);
    assert_ok(db_revision_finish(f->db, revision, &err), &err);
    assert_ok(db_queue_lease(f->db, "a", f->ann, other, 4, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(items[0].picture, id);
    assert_ok(db_queue_release(f->db, "a", 0, &err), &err);
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, 4, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 4);
    assert_int_equal(items[3].picture, id); // among all: after 20, 19 and 18
    assert_ok(db_queue_release(f->db, "b", 0, &err), &err);
    assert_ok(db_queue_lease(f->db, "a", f->ann, other, 4, 60000, NULL, 0, items, &n, &err), &err);
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, 4, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 4);
    assert_int_equal(items[3].picture, f->pictures[3]); // the other session holds 17.5
    assert_int_equal(findings(f), 0);
}

static void a_lease_ends_by_itself(void **state)
{
    struct fixture *f = *state;
    struct queue_item items[FLAGGED];
    size_t n;
    assert_ok(db_queue_lease(f->db, "a", f->ann, 0, FLAGGED, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, FLAGGED);
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, FLAGGED, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 0);
    free(raw(f, "UPDATE lease SET expires_ms = expires_ms - 60000")); // a minute goes by
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, 3, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_ok(db_queue_renew(f->db, "a", 60000, &err), &err); // comes back to what is left
    assert_ok(db_queue_lease(f->db, "b", f->bob, 0, FLAGGED, 60000, NULL, 0, items, &n, &err), &err);
    assert_int_equal(n, 3);
}

#define WITHOUT_VERSION_6 "DROP TABLE pruned; DROP INDEX activation_after;"
// What version 3 added, taken away again; one line for each piece of it.
static const char without_version_3[] = WITHOUT_VERSION_6
    "DROP INDEX verdict_event; DROP INDEX verdict_review; DROP INDEX score_flagged;"
    "CREATE INDEX score_flagged ON score(revision, score DESC, picture) WHERE flagged = 1;" // FIND_3
    "DROP VIEW region_now; DROP TRIGGER region_event;" // REGION_3
    "DROP TRIGGER event_verdict; DROP TABLE disputed; DROP TABLE comment_seen; DROP TABLE comment; DROP TABLE hook; DROP TABLE log;"
    "DROP INDEX event_lead; DROP INDEX event_time; ALTER TABLE person DROP COLUMN role; ALTER TABLE label_event DROP COLUMN blind;"
    "CREATE TRIGGER event_verdict AFTER INSERT ON label_event BEGIN"
    " DELETE FROM verdict WHERE picture = NEW.picture AND source = NEW.source;"
    " INSERT INTO verdict(picture, source, event, verdict)"
    "  SELECT picture, source, id, verdict FROM standing WHERE picture = NEW.picture AND source = NEW.source"
    "  ORDER BY id DESC LIMIT 1; END;" // LEAD_3
    "DROP VIEW audit_found; DROP VIEW audit_open; DROP VIEW audit_running; DROP TRIGGER score_late; DROP "
    "TABLE audit_draw;"
    "DROP TABLE audit_late; DROP TABLE audit_stop; DROP TABLE audit_size; DROP TABLE audit;" // AUDIT_3
    "DROP TABLE quality; DROP TABLE quality_range; DROP TABLE live; DROP TABLE live_shift; DROP TABLE drift;"
    "DROP TRIGGER poor_said; DROP TRIGGER poor_unsaid; DROP TRIGGER poor_file; DROP TRIGGER poor_file_change;"
    "DROP TRIGGER score_live; DROP TABLE poor; ALTER TABLE scene DROP COLUMN poor;"
    "ALTER TABLE scene DROP COLUMN poor_open;" // LIVE_3
    "DROP INDEX verdict_kind; ALTER TABLE revision DROP COLUMN rule; ALTER TABLE revision DROP COLUMN reason;"
    "ALTER TABLE revision DROP COLUMN goals; ALTER TABLE score DROP COLUMN learned;"
    "ALTER TABLE score DROP COLUMN known; ALTER TABLE score DROP COLUMN alone;" // REVISION_3
    "ALTER TABLE score DROP COLUMN drawn;" // version 5
    "DROP TRIGGER round_curve; DROP TABLE round_point;" // CURVE_3
    "DROP TABLE relation_state; DROP TABLE relation; ALTER TABLE class DROP COLUMN zh; ALTER TABLE label_event DROP COLUMN component;" // RELATION_3, RELATION_BACK_3
    "DROP TRIGGER scene_activation; DROP TABLE activation; DROP TABLE round; DROP TABLE model_picture; DROP TABLE strategy; DROP TABLE model; DROP TABLE worker;"
    "ALTER TABLE revision DROP COLUMN learned_sha256;" // ROUND_3
    "DROP TABLE class_state; DROP TABLE alias_state;" // CLASS_BACK_3
    "DROP TABLE filter; DROP TABLE class_alias; DROP TABLE class_event; ALTER TABLE class DROP COLUMN code;"
    "ALTER TABLE class DROP COLUMN parent; ALTER TABLE class DROP COLUMN retired; DROP INDEX event_batch; ALTER TABLE label_event DROP COLUMN batch;" // CLASS_3
    "DROP TRIGGER queue_asked; DROP TABLE asked; DROP TABLE doubt; DROP INDEX queue_scene; DROP INDEX queue_all;"
    "ALTER TABLE queue DROP COLUMN place; ALTER TABLE queue DROP COLUMN reason; ALTER TABLE queue DROP COLUMN about;"
    "ALTER TABLE queue DROP COLUMN source; ALTER TABLE queue DROP COLUMN expected;"
    "CREATE INDEX queue_scene ON queue(scene, score DESC, picture);"
    "CREATE INDEX queue_all ON queue(score DESC, picture);"; // ACQUIRE_3

// What versions 2 and 3 added is taken away; opening has to build it from the rest.
static void an_older_database_is_brought_forward(void **state)
{
    struct fixture *f = *state;
    struct scene_counts before, after;
    struct label truth = {.picture = f->pictures[9], .person = f->ann, .role = "import", .source = LABEL_TRUTH,
                          .verdict = VERDICT_DEFECT, .class_name = "hole", .severity = "stop"};
    bool added;
    assert_ok(say(f, f->ann, 0, VERDICT_DEFECT), &err);
    assert_ok(say(f, f->ann, 1, VERDICT_NORMAL), &err);
    assert_ok(say(f, f->bob, 10, VERDICT_UNSURE), &err); // was never flagged
    assert_ok(db_truth_add(f->db, &truth, "", &added, &err), &err);
    assert_ok(db_counts(f->db, 0, &before, &err), &err);
    db_close(f->db);
    char *message = raw(f, without_version_3);
    assert_null(message);
    message = raw(f, "DROP TRIGGER queue_new; DROP TRIGGER queue_gone; DROP TRIGGER verdict_new;"
                           "DROP TRIGGER verdict_gone; DROP TRIGGER scene_activate; DROP TABLE queue;"
                           "DROP INDEX picture_unreadable; ALTER TABLE scene DROP COLUMN open;"
                           "ALTER TABLE scene DROP COLUMN normals; ALTER TABLE scene DROP COLUMN defects;"
                           "ALTER TABLE scene DROP COLUMN unsure; ALTER TABLE scene DROP COLUMN truths;"
                           "PRAGMA user_version = 1;");
    assert_null(message);
    assert_ok(db_open(f->path, &f->db, &err), &err);
    assert_ok(db_counts(f->db, 0, &after, &err), &err);
    assert_memory_equal(&before, &after, sizeof before);
    struct revision revision; // what was made before says where its threshold came from
    assert_ok(db_revision_get(f->db, f->revision, &revision, &err), &err);
    assert_string_equal(revision.rule, "filter-rate");
    assert_string_equal(revision.goals, "[]");
    assert_int_equal(after.open, FLAGGED - 2);
    assert_int_equal(after.truths, 1);
    assert_int_equal(findings(f), 0);
    assert_ok(say(f, f->ann, 2, VERDICT_NORMAL), &err); // and the triggers are there
    assert_ok(db_counts(f->db, 0, &after, &err), &err);
    assert_int_equal(after.open, FLAGGED - 3);
}

static void collect(void *context, const struct log_row *row)
{
    char *told = context;
    size_t used = strlen(told);
    snprintf(told + used, 200 - used, "%s %s: %s of %s;", row->person, row->what, row->second, row->first);
}

// What was stated before statements could be taken back is told as ever, and is not what u takes back.
static void relations_of_version_3_are_told(void **state)
{
    struct fixture *f = *state;
    struct log_key after = {0};
    struct back taken;
    char told[200] = "";
    size_t count;
    db_close(f->db);
    char *message = raw(f, WITHOUT_VERSION_6 "ALTER TABLE score DROP COLUMN drawn; DROP TABLE relation_state; ALTER TABLE relation ADD COLUMN retired_by INTEGER NOT NULL DEFAULT 0;"
                           "ALTER TABLE relation ADD COLUMN template INTEGER NOT NULL DEFAULT 0;"
                           "INSERT INTO relation(component, fault, cause, action, severity, at_ms, person, retired_ms, retired_by, template)"
                           " VALUES('belt', 'tear', '', '', 'stop', 10, (SELECT id FROM person WHERE name = 'Ann'), 20,"
                           "  (SELECT id FROM person WHERE name = 'Bob'), 0), ('belt', 'hole', '', '', 'key', 5,"
                           "  (SELECT id FROM person WHERE name = 'Ann'), 0, 0, 1);"
                           "PRAGMA user_version = 3;");
    assert_null(message);
    assert_ok(db_open(f->path, &f->db, &err), &err);
    struct log_filter filter = {.person = "", .kind = "relation"};
    assert_ok(db_log(f->db, &filter, &after, 10, collect, told, &count, &err), &err);
    assert_string_equal(told, "Bob taken away: tear of belt;Ann stated: tear of belt;");
    assert_status(db_back(f->db, f->ann, false, &taken, &err), ST_NOT_FOUND, &err);
}

// What drawn defects taught stood as the learned detector until there was a trained model.
static void scores_of_version_4_name_their_detector(void **state)
{
    struct fixture *f = *state;
    struct queue_item item = {0};
    int64_t counts[DETECTORS];
    db_close(f->db);
    char *message = raw(f, WITHOUT_VERSION_6 "ALTER TABLE score DROP COLUMN drawn; UPDATE score SET learned = 2.5, whole = 1.5, alone = rowid_ - 1"
                           " FROM (SELECT picture AS p, row_number() OVER (ORDER BY picture) AS rowid_ FROM score) WHERE p = picture;"
                           "INSERT INTO revision SELECT 77, scene, 77, finished, base_sha256, model_sha256, patch_sha256, threshold,"
                           " flag_rate, screened, flagged, believed, created_ms, rule, reason, goals, 'ab' FROM revision;"
                           "INSERT INTO score SELECT 77, picture, score, whole, patch, tile, flagged, heat_rows, heat_cols, heat,"
                           " x0, y0, x1, y1, learned, known, alone FROM score;"
                           "PRAGMA user_version = 4;");
    assert_null(message);
    assert_ok(db_open(f->path, &f->db, &err), &err);
    assert_ok(db_queue_item(f->db, f->pictures[0], &item, &err), &err);
    assert_float_equal(item.score.parts[DETECTOR_DRAWN], 2.5, 0);
    assert_float_equal(item.score.parts[DETECTOR_LEARNED], 0, 0);
    assert_float_equal(item.score.parts[DETECTOR_WHOLE], 1.5, 0);
    for (int taught = 0; taught < 2; taught++) { // 0 .. 7: none, patch, tile, learned, whole, known, and two that are none
        assert_ok(db_revision_alone(f->db, taught ? 77 : f->revision, counts, &err), &err);
        assert_int_equal(counts[DETECTOR_PATCH], 1);
        assert_int_equal(counts[DETECTOR_TILE], 1);
        assert_int_equal(counts[DETECTOR_DRAWN], !taught);
        assert_int_equal(counts[DETECTOR_LEARNED], taught);
        assert_int_equal(counts[DETECTOR_WHOLE], 1);
        assert_int_equal(counts[DETECTOR_KNOWN], 1);
    }
}

static void importing_twice_adds_nothing(void **state)
{
    struct fixture *f = *state;
    struct label l = {.picture = f->pictures[0], .person = f->ann, .role = "import", .source = LABEL_TRUTH,
                      .verdict = VERDICT_DEFECT, .class_name = "hole", .severity = "stop"};
    bool added;
    assert_ok(db_truth_add(f->db, &l, "", &added, &err), &err);
    assert_true(added);
    assert_ok(db_truth_add(f->db, &l, "", &added, &err), &err);
    assert_false(added);
    assert_int_equal(stands(f, 0), VERDICT_NONE); // nobody said so in front of the picture
}

static void check_finds_a_verdict_that_nobody_gave(void **state)
{
    struct fixture *f = *state;
    assert_ok(say(f, f->ann, 2, VERDICT_NORMAL), &err);
    assert_int_equal(findings(f), 0);
    free(raw(f, "UPDATE verdict SET verdict = 2"));
    assert_int_equal(findings(f), 2); // the row, and the scene's count
    free(raw(f, "DELETE FROM verdict"));
    assert_int_equal(findings(f), 2);
}

static void check_finds_a_queue_that_was_altered(void **state)
{
    struct fixture *f = *state;
    free(raw(f, "DELETE FROM queue WHERE score = 18"));
    assert_int_equal(findings(f), 1); // the count follows by trigger, the picture is missing
    free(raw(f, "UPDATE scene SET open = open + 1"));
    assert_int_equal(findings(f), 2);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(events_are_append_only),
        WITH(newer_and_foreign_databases_are_refused),
        WITH(verdicts_follow_any_sequence_of_answers),
        WITH(sessions_never_hold_the_same_picture),
        WITH(skipped_pictures_go_to_the_end_and_answered_ones_leave),
        WITH(adding_tells_known_moved_copied_and_changed),
        WITH(a_building_revision_is_invisible),
        WITH(a_scene_has_its_own_queue),
        WITH(a_lease_ends_by_itself),
        WITH(an_older_database_is_brought_forward),
        WITH(relations_of_version_3_are_told),
        WITH(scores_of_version_4_name_their_detector),
        WITH(importing_twice_adds_nothing),
        WITH(check_finds_a_verdict_that_nobody_gave),
        WITH(check_finds_a_queue_that_was_altered),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
