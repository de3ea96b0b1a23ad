// Audits in the database: whom they are about, what is drawn, answered, kept, and who gets what to answer.
#include "config.h"

#include "db/audit.h"
#include "db/check.h"
#include "db/class.h"
#include "db/export.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/queue.h"
#include "db/report.h"
#include "db/revision.h"
#include "db/scene.h"
#include "db/second.h"
#include "tests/unit/project.h"

#include <sqlite3.h>


enum { PICTURES = 40, FLAGGED = 10, LATE_AT = PICTURES, ROOM = PICTURES + 4 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, ann, bob, import, revision, pictures[ROOM];
};

static struct error err;

static int64_t add(struct fixture *f, int number)
{
    char path[64];
    snprintf(path, sizeof path, "/nowhere/%02d.png", number);
    struct picture_new p = numbered_picture(f->scene, path, number);
    return add_picture(f->db, &p, PICTURE_ADDED);
}

// A revision that flags the pictures from..from+FLAGGED (of `count`), the others being filtered.
static int64_t screen(struct fixture *f, int from, int count)
{
    struct score_new scores[ROOM] = {0};
    int64_t id;
    for (int i = 0; i < count; i++)
        scores[i] = (struct score_new){.picture = f->pictures[i], .score = {.score = 5 - i / 10.0},
                                       .flagged = i >= from && i < from + FLAGGED};
    struct revision r = {.scene = f->scene, .threshold = 3, .flag_rate = 0.01, .believed = count};
    assert_ok(db_revision_begin(f->db, &r, &id, &err), &err);
    assert_ok(db_revision_scores(f->db, id, scores, (size_t)count, &err), &err);
    assert_ok(db_revision_finish(f->db, id, &err), &err);
    return id;
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    assert_ok(db_person_ensure(f->db, "import", &f->import, &err), &err);
    for (int i = 0; i < PICTURES; i++)
        f->pictures[i] = add(f, i);
    f->revision = screen(f, 0, PICTURES);
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

static void say(struct fixture *f, int64_t person, enum label_source source, int number, enum verdict verdict)
{
    int64_t event;
    struct label l = {.picture = f->pictures[number], .person = person, .role = "inspector", .source = source, .verdict = verdict,
                      .class_name = "", .severity = "", .regions = "", .note = ""};
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
}

static void finding(void *context, const char *sentence)
{
    print_message("# %s\n", sentence);
    ++*(int *)context;
}

static int findings(struct fixture *f)
{
    int count = 0;
    assert_ok(db_check(f->db, finding, &count, &err), &err);
    return count;
}

static char *raw(struct fixture *f, const char *sql)
{
    sqlite3 *other;
    char *message = NULL, *copy = NULL;
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    sqlite3_exec(other, sql, NULL, NULL, &message);
    copy = message ? xstrdup(message) : NULL;
    sqlite3_free(message);
    sqlite3_close(other);
    return copy;
}

static struct audit_row begin(struct fixture *f)
{
    struct audit_row row = {.scene = f->scene, .bound = 0.01, .confidence = 0.95, .seed = UINT64_MAX - 5};
    int64_t id;
    assert_ok(db_audit_begin(f->db, &row, &id, &err), &err);
    assert_ok(db_audit_get(f->db, id, &row, &err), &err);
    return row;
}

// Draw pictures[numbers] from a pool of `size`, one known defect slipped in at the end where >= 0.
static void draw(struct fixture *f, struct audit_row *a, int64_t size, int64_t fresh, const int *numbers, int count, int slip)
{
    struct audit_drawn d[ROOM];
    a->size = size;
    a->fresh = fresh;
    for (int i = 0; i < count; i++) {
        double p = 1.0 / (double)(size - i);
        d[i] = (struct audit_drawn){.picture = f->pictures[numbers[i]], .place = i, .turn = i, .stratum = "uniform",
                                    .whole = fresh < size, .remaining = size - i, .probability = p, .least = p};
    }
    if (slip >= 0) {
        d[count] = (struct audit_drawn){.picture = f->pictures[slip], .place = -1, .turn = count, .stratum = "slipped"};
        count++;
    }
    assert_ok(db_audit_draw(f->db, a, d, (size_t)count, &err), &err);
}

struct pool {
    int64_t size, fresh, answered, drawn;
    bool has[ROOM];
};

static struct pool pool(struct fixture *f, int64_t audit)
{
    struct audit_member *rows;
    size_t count;
    struct pool p = {0};
    assert_ok(db_audit_pool(f->db, audit, &rows, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        p.size++;
        p.fresh += rows[i].fresh;
        p.answered += rows[i].answered;
        p.drawn += rows[i].drawn;
        for (int n = 0; n < ROOM; n++)
            p.has[n] |= f->pictures[n] == rows[i].picture;
    }
    free(rows);
    return p;
}

static void it_is_about_what_was_filtered_and_unknown_when_it_began(void **state)
{
    struct fixture *f = *state;
    int64_t undone;
    say(f, f->ann, LABEL_REVIEW, 20, VERDICT_NORMAL);
    say(f, f->import, LABEL_TRUTH, 21, VERDICT_DEFECT);
    say(f, f->ann, LABEL_REVIEW, 22, VERDICT_UNSURE); // nobody knows
    say(f, f->bob, LABEL_REVIEW, 23, VERDICT_NORMAL);
    assert_ok(db_label_undo(f->db, f->bob, &undone, &err), &err); // taken back
    struct audit_row a = begin(f);
    assert_true(a.active && !a.stopped && a.previous == 0 && a.seed == UINT64_MAX - 5);
    struct pool p = pool(f, a.id);
    assert_int_equal(p.size, PICTURES - FLAGGED - 2);
    assert_true(p.fresh == p.size && p.answered == 0 && p.drawn == 0);
    assert_false(p.has[0] || p.has[20] || p.has[21]);
    assert_true(p.has[22] && p.has[23] && p.has[39]);
    // what comes and what is said later changes nothing
    draw(f, &a, p.size, p.size, (int[]){22, 30, 31}, 3, -1);
    f->pictures[LATE_AT] = add(f, LATE_AT);
    struct score_new late = {.picture = f->pictures[LATE_AT], .score = {.score = 1}};
    assert_ok(db_revision_scores(f->db, f->revision, &late, 1, &err), &err);
    say(f, f->import, LABEL_TRUTH, 33, VERDICT_NORMAL);
    say(f, f->ann, LABEL_REVIEW, 34, VERDICT_NORMAL);
    p = pool(f, a.id);
    assert_true(p.size == PICTURES - FLAGGED - 2 && p.drawn == 3 && !p.has[LATE_AT] && p.has[33] && p.has[34]);
    struct audit_tally tally;
    assert_ok(db_audit_tally(f->db, &a, &tally, &err), &err);
    assert_true(tally.later == 1 && tally.filtered_defects == 1 && tally.flagged_defects == 0);
    assert_int_equal(findings(f), 0);
}

static void an_older_picture_that_is_scored_later_is_not_covered(void **state)
{
    struct fixture *f = *state;
    f->pictures[LATE_AT] = add(f, LATE_AT); // there, but not screened
    struct audit_row a = begin(f);
    struct score_new late = {.picture = f->pictures[LATE_AT], .score = {.score = 1}};
    assert_ok(db_revision_scores(f->db, f->revision, &late, 1, &err), &err);
    struct pool p = pool(f, a.id);
    assert_true(p.size == PICTURES - FLAGGED && !p.has[LATE_AT]);
    draw(f, &a, p.size, p.size, (int[]){30}, 1, -1);
    struct audit_tally tally;
    assert_ok(db_audit_tally(f->db, &a, &tally, &err), &err);
    assert_int_equal(tally.later, 1);
}

static void answers_stay_apart_and_are_never_learnt_from(void **state)
{
    struct fixture *f = *state;
    int64_t open, picture;
    uint64_t seed;
    say(f, f->import, LABEL_TRUTH, 15, VERDICT_DEFECT);
    struct audit_row a = begin(f);
    draw(f, &a, 29, 29, (int[]){30, 31, 32}, 3, 15);
    assert_ok(db_audit_open(f->db, f->scene, f->bob, &open, &seed, &err), &err);
    assert_true(open == 4 && seed == UINT64_MAX - 5);
    struct scene_counts before, after;
    assert_ok(db_counts(f->db, f->scene, &before, &err), &err);
    say(f, f->ann, LABEL_AUDIT, 30, VERDICT_NORMAL);
    say(f, f->ann, LABEL_AUDIT, 31, VERDICT_DEFECT);
    say(f, f->ann, LABEL_AUDIT, 32, VERDICT_SKIP);
    say(f, f->ann, LABEL_AUDIT, 15, VERDICT_NORMAL); // the known defect was not seen
    assert_ok(db_counts(f->db, f->scene, &after, &err), &err);
    assert_memory_equal(&before, &after, sizeof before); // no answer of the queue
    struct audit_drawn *d;
    size_t count;
    assert_ok(db_audit_draws(f->db, a.id, &d, &count, &err), &err);
    assert_int_equal(count, 4);
    assert_true(d[0].verdict == VERDICT_NORMAL && d[0].event > 0 && d[1].verdict == VERDICT_DEFECT && d[2].event == 0 &&
                d[3].verdict == VERDICT_NORMAL && d[3].place == -1);
    free(d);
    struct audit_tally tally;
    assert_ok(db_audit_tally(f->db, &a, &tally, &err), &err);
    assert_true(tally.slipped == 1 && tally.slipped_answered == 1 && tally.recognised == 0);
    struct independent_defect *defects;
    assert_ok(db_independent_defects(f->db, f->scene, &defects, &count, &err), &err);
    assert_int_equal(count, 2); // the imported one, and the one found
    assert_true(defects[0].picture == f->pictures[15] && !defects[0].audited);
    assert_true(defects[1].picture == f->pictures[31] && defects[1].audited && !defects[1].flagged);
    free(defects);
    struct verdict_row row;
    assert_ok(db_verdict_get(f->db, f->pictures[15], LABEL_TRUTH, &row, &err), &err);
    assert_int_equal(row.verdict, VERDICT_DEFECT); // what is known stays known
    verdict_clear(&row);
    // the skip, then the answers, are taken back like any other
    assert_ok(db_label_undo(f->db, f->ann, &picture, &err), &err);
    assert_int_equal(picture, f->pictures[15]);
    assert_ok(db_label_redo(f->db, f->ann, &picture, &err), &err);
    assert_int_equal(picture, f->pictures[15]);
    assert_int_equal(findings(f), 0);
}

static enum status export_each(void *context, const struct export_row *row, struct error *unused)
{
    (void)unused;
    int *seen = context;
    seen[0] += row->audited;
    seen[1] += row->audit != VERDICT_NONE;
    seen[2] += row->audit_remaining > 0 && row->audit_probability > 0;
    return ST_OK;
}

static void the_export_tells(void **state)
{
    struct fixture *f = *state;
    int seen[3] = {0};
    say(f, f->import, LABEL_TRUTH, 15, VERDICT_DEFECT);
    struct audit_row a = begin(f);
    draw(f, &a, 29, 29, (int[]){30, 31, 32}, 3, 15);
    say(f, f->ann, LABEL_AUDIT, 30, VERDICT_NORMAL);
    say(f, f->ann, LABEL_AUDIT, 15, VERDICT_DEFECT);
    assert_ok(db_export(f->db, f->scene, export_each, seen, &err), &err);
    assert_true(seen[0] == 1 && seen[1] == 2 && seen[2] == 3);
}

static enum status export_find(void *context, const struct export_row *row, struct error *unused)
{
    (void)unused;
    if (row->audited && strcmp(row->class_name, "tear") == 0 && strcmp(row->severity, "stop") == 0 && strcmp(row->person, "Ann") == 0 &&
        row->at_ms > 0 && row->verdict == VERDICT_NONE && row->audit == VERDICT_DEFECT)
        ++*(int *)context;
    return ST_OK;
}

// "stop" defects that wait for `person`'s second look.
static int64_t waiting(struct fixture *f, int64_t person)
{
    struct second_row *rows;
    size_t count;
    int64_t total;
    assert_ok(db_second(f->db, f->scene, person, 0, 8, &rows, &count, &total, &err), &err);
    if (count)
        assert_true(rows[0].picture == f->pictures[31] && rows[0].reason == SECOND_STOP);
    free(rows);
    return total;
}

static void count_words(void *context, const struct word_row *row)
{
    (void)row;
    ++*(int *)context;
}

static void a_defect_found_in_an_audit_is_found(void **state)
{
    struct fixture *f = *state;
    int64_t class_id, event, found[SEVERITIES], objects = 0;
    say(f, f->import, LABEL_TRUTH, 15, VERDICT_DEFECT);
    struct audit_row a = begin(f);
    draw(f, &a, 29, 29, (int[]){30, 31, 32}, 3, 15);
    say(f, f->ann, LABEL_AUDIT, 30, VERDICT_NORMAL);
    say(f, f->ann, LABEL_AUDIT, 15, VERDICT_DEFECT); // slipped in: known before, found by nobody now
    assert_ok(db_class_ensure(f->db, "tear", "stop", &class_id, &err), &err);
    struct label l = {.picture = f->pictures[31], .person = f->ann, .role = "inspector", .source = LABEL_AUDIT, .verdict = VERDICT_DEFECT,
                      .class_name = "tear", .severity = "stop", .regions = "", .note = ""};
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
    assert_ok(db_found(f->db, f->scene, 0, found, &err), &err);
    assert_true(found[SEVERITY_STOP] == 1 && found[SEVERITY_KEY] == 0 && found[SEVERITY_GENERAL] == 0);
    struct find_row *finds;
    struct object_row *rows;
    size_t count;
    assert_ok(db_finds(f->db, f->scene, 0, 8, &finds, &count, &err), &err);
    assert_true(count == 1 && finds[0].picture == f->pictures[31]);
    find_free(finds, count);
    assert_ok(db_objects(f->db, f->scene, 0, &rows, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        objects += rows[i].found[SEVERITY_STOP];
    assert_int_equal(objects, 1);
    object_free(rows, count);
    int seen = 0, words = 0;
    assert_ok(db_export(f->db, f->scene, export_find, &seen, &err), &err);
    assert_int_equal(seen, 1);
    // a stop defect is looked at twice, whoever found it where
    assert_true(waiting(f, f->bob) == 1 && waiting(f, f->ann) == 0);
    assert_ok(db_words(f->db, f->pictures[31], count_words, &words, &err), &err);
    assert_int_equal(words, 1);
    l.person = f->bob;
    l.role = "lead";
    l.source = LABEL_REVIEW;
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
    assert_int_equal(waiting(f, f->bob), 0);
    assert_ok(db_found(f->db, f->scene, 0, found, &err), &err); // still one
    assert_int_equal(found[SEVERITY_STOP], 1);
    struct audit_tally tally;
    assert_ok(db_audit_tally(f->db, &a, &tally, &err), &err);
    assert_int_equal(tally.filtered_defects, 1); // the imported one: the audit's own is in its draws
    assert_int_equal(findings(f), 0);
}

static void one_holds_a_draw_and_none_gets_his_own_find(void **state)
{
    struct fixture *f = *state;
    int64_t got[8], other[8];
    size_t count, others;
    say(f, f->ann, LABEL_REVIEW, 3, VERDICT_DEFECT); // flagged, answered
    int64_t *defects;
    assert_ok(db_audit_defects(f->db, f->scene, &defects, &count, &err), &err);
    assert_true(count == 1 && defects[0] == f->pictures[3]);
    free(defects);
    struct audit_row a = begin(f);
    draw(f, &a, 30, 30, (int[]){30, 31, 32}, 3, 3);
    assert_ok(db_audit_lease(f->db, "ann", f->ann, f->scene, 2, 60000, NULL, 0, got, &count, &err), &err);
    assert_true(count == 2 && got[0] == f->pictures[30] && got[1] == f->pictures[31]);
    assert_ok(db_audit_lease(f->db, "bob", f->bob, 0, 8, 60000, NULL, 0, other, &others, &err), &err);
    assert_true(others == 2 && other[0] == f->pictures[32] && other[1] == f->pictures[3]);
    assert_ok(db_queue_release(f->db, "bob", 0, &err), &err);
    assert_ok(db_audit_lease(f->db, "ann", f->ann, f->scene, 8, 60000, got, 2, other, &others, &err), &err);
    assert_true(others == 1 && other[0] == f->pictures[32]); // not what she found herself
    int64_t open;
    uint64_t seed;
    assert_ok(db_audit_open(f->db, f->scene, f->ann, &open, &seed, &err), &err);
    assert_int_equal(open, 3); // which does not wait for her
    assert_ok(db_audit_open(f->db, f->scene, f->bob, &open, &seed, &err), &err);
    assert_int_equal(open, 4);
    say(f, f->ann, LABEL_AUDIT, 30, VERDICT_SKIP);
    assert_ok(db_audit_lease(f->db, "ann", f->ann, f->scene, 8, 60000, NULL, 0, other, &others, &err), &err);
    assert_true(others == 3 && other[2] == f->pictures[30]); // skipped: last
    bool asks;
    assert_ok(db_audit_asks(f->db, f->pictures[30], &asks, &err), &err);
    assert_true(asks);
    assert_ok(db_audit_asks(f->db, f->pictures[0], &asks, &err), &err);
    assert_false(asks);
    assert_ok(db_audit_stop(f->db, a.id, &err), &err);
    assert_ok(db_audit_lease(f->db, "ann", f->ann, f->scene, 8, 60000, NULL, 0, other, &others, &err), &err);
    assert_int_equal(others, 0);
}

static void a_new_revision_voids_it_and_says_what_carries_over(void **state)
{
    struct fixture *f = *state;
    struct audit_row a = begin(f), last;
    draw(f, &a, 30, 30, (int[]){10, 11, 12, 35, 36}, 5, -1);
    say(f, f->ann, LABEL_AUDIT, 10, VERDICT_DEFECT); // will be flagged
    say(f, f->ann, LABEL_AUDIT, 11, VERDICT_DEFECT); // will be filtered still
    say(f, f->ann, LABEL_AUDIT, 12, VERDICT_NORMAL);
    say(f, f->ann, LABEL_AUDIT, 36, VERDICT_UNSURE); // after a gap; counts as a defect
    screen(f, 1, PICTURES); // 1..10 flagged: 0 is newly filtered, 10 is caught
    assert_ok(db_audit_last(f->db, f->scene, &last, &err), &err);
    assert_true(last.id == a.id && !last.active && last.revision_number == 1 && last.size == 30);
    int64_t open;
    struct audit_carried c;
    uint64_t seed;
    assert_ok(db_audit_open(f->db, 0, f->bob, &open, &seed, &err), &err);
    assert_int_equal(open, 0);
    struct error busy;
    struct audit_drawn more = {.picture = f->pictures[20], .place = 5, .turn = 5, .stratum = "uniform", .remaining = 25,
                               .probability = 0.04, .least = 0.04};
    assert_status(db_audit_draw(f->db, &a, &more, 1, &busy), ST_BUSY, &busy);

    struct audit_row b = begin(f);
    assert_true(b.previous == a.id && b.previous_used == 3 && b.active);
    struct pool p = pool(f, b.id);
    assert_int_equal(p.size, 30);
    assert_int_equal(p.fresh, 1); // picture 0
    assert_int_equal(p.answered, 3);
    assert_true(p.has[0] && p.has[11] && !p.has[10]);
    draw(f, &b, 30, 1, (int[]){0}, 1, -1);
    assert_ok(db_audit_carried(f->db, b.id, &c, &err), &err);
    assert_true(c.caught == 1 && c.known == 2 && c.known_fresh == 0 && c.drawn == 3 && c.drawn_fresh == 0);
    say(f, f->bob, LABEL_AUDIT, 36, VERDICT_NORMAL); // the lead knows better
    assert_ok(db_audit_carried(f->db, b.id, &c, &err), &err);
    assert_true(c.caught == 1 && c.known == 1 && c.drawn == 3);
    assert_ok(db_audit_last(f->db, f->scene, &last, &err), &err);
    assert_true(last.id == b.id && last.active);
    assert_int_equal(findings(f), 0);
}

static void a_crash_while_drawing_leaves_nothing_that_counts(void **state)
{
    struct fixture *f = *state;
    struct audit_row last;
    struct error none;
    begin(f); // and no draws
    assert_status(db_audit_last(f->db, f->scene, &last, &none), ST_NOT_FOUND, &none);
    struct audit_row a = begin(f);
    assert_int_equal(a.previous, 0);
    assert_int_equal(findings(f), 0);
}

static void what_was_drawn_is_never_changed_and_check_looks(void **state)
{
    struct fixture *f = *state;
    struct audit_row a = begin(f);
    draw(f, &a, 30, 30, (int[]){30, 31}, 2, -1);
    static const char *const tries[] = {
        "UPDATE audit SET bound = 0.1", "DELETE FROM audit", "UPDATE audit_draw SET probability = 1",
        "DELETE FROM audit_draw", "UPDATE audit_size SET size = 1", "DELETE FROM audit_stop"};
    assert_ok(db_audit_stop(f->db, a.id, &err), &err);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char *message = raw(f, tries[i]);
        assert_non_null(message);
        assert_non_null(strstr(message, "what an audit drew is never"));
        free(message);
    }
    assert_int_equal(findings(f), 0);
    char *message = raw(f, "DROP TRIGGER audit_draw_no_update; UPDATE audit_draw SET probability = 0.5, least = 0.01 WHERE place = 1;");
    assert_null(message);
    assert_int_equal(findings(f), 1);
    message = raw(f, "UPDATE audit_draw SET probability = 1.0 / 29, least = 1.0 / 29, picture = (SELECT min(id) FROM picture) WHERE place = 1;");
    assert_null(message);
    assert_int_equal(findings(f), 1); // a flagged one
    message = raw(f, "UPDATE audit_draw SET picture = (SELECT max(id) FROM picture), place = 7 WHERE place = 1;");
    assert_null(message);
    assert_int_equal(findings(f), 1); // a gap
}

static void nothing_screened_is_said(void **state)
{
    struct fixture *f = *state;
    int64_t scene, id;
    struct error why;
    assert_ok(db_scene_ensure(f->db, "empty", &scene, &err), &err);
    struct audit_row row = {.scene = scene, .bound = 0.01, .confidence = 0.95};
    assert_status(db_audit_begin(f->db, &row, &id, &why), ST_NOT_FOUND, &why);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_about_what_was_filtered_and_unknown_when_it_began),
        TEST(an_older_picture_that_is_scored_later_is_not_covered),
        TEST(answers_stay_apart_and_are_never_learnt_from),
        TEST(the_export_tells),
        TEST(a_defect_found_in_an_audit_is_found),
        TEST(one_holds_a_draw_and_none_gets_his_own_find),
        TEST(a_new_revision_voids_it_and_says_what_carries_over),
        TEST(a_crash_while_drawing_leaves_nothing_that_counts),
        TEST(what_was_drawn_is_never_changed_and_check_looks),
        TEST(nothing_screened_is_said),
    };
    return cmocka_run_group_tests_name("audits in the database", tests, NULL, NULL);
}
