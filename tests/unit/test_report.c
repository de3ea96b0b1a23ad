#include "config.h"

#include <math.h>

#include "tests/unit/project.h"

#include "base/clock.h"
#include "db/class.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/report.h"
#include "db/revision.h"
#include "db/scene.h"
#include "screen/rates.h"

// One scene of 12 screened pictures with scores 20, 19 .. 9, the first 8 flagged,
// pictures 0 .. 5 of object "w1", the others of "w2"; then one that is not screened
// and two that cannot be read; and a second scene of one picture.
enum { PICTURES = 12, FLAGGED = 8, LATE = 12, OTHER = 15, ALL = 16 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, other, ann, bob, import, pictures[ALL], revision;
};

static struct error err;

static int64_t add(struct fixture *f, int number)
{
    char path[64];
    snprintf(path, sizeof path, "/nowhere/belt/%02d.png", number);
    struct picture_new p = numbered_picture(number == OTHER ? f->other : f->scene, path, number);
    p.object = number < 6 ? "w1" : "w2";
    bool torn = number == 13 || number == 14;
    if (torn)
        p.unreadable = "the file is empty";
    return add_picture(f->db, &p, torn ? PICTURE_UNREADABLE : PICTURE_ADDED);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_scene_ensure(f->db, "other", &f->other, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    assert_ok(db_person_ensure(f->db, "import", &f->import, &err), &err);
    for (int i = 0; i < ALL; i++)
        f->pictures[i] = add(f, i);
    struct revision r = {.scene = f->scene, .threshold = 12.5, .flag_rate = 0.01, .believed = PICTURES, .rule = "recall",
                         .reason = "because", .goals = "[{\"severity\":\"stop\"}]"};
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

static void say(struct fixture *f, int64_t person, int number, enum verdict verdict, const char *class_name,
                const char *severity, int64_t took_ms)
{
    int64_t event;
    bool added;
    struct label l = {.picture = f->pictures[number], .person = person, .role = "inspector", .verdict = verdict,
                      .class_name = class_name, .severity = severity, .regions = "", .note = "", .took_ms = took_ms};
    if (person == f->import) {
        l.source = LABEL_TRUTH;
        assert_ok(db_truth_add(f->db, &l, "", &added, &err), &err);
        assert_true(added);
    } else {
        assert_ok(db_label_add(f->db, &l, &event, &err), &err);
    }
}

static void a_revision_keeps_why(void **state)
{
    struct fixture *f = *state;
    struct revision r;
    assert_ok(db_revision_get(f->db, f->revision, &r, &err), &err);
    assert_string_equal(r.rule, "recall");
    assert_string_equal(r.reason, "because");
    assert_string_equal(r.goals, "[{\"severity\":\"stop\"}]");
}

static void imported_defects_count_and_found_ones_do_not(void **state)
{
    struct fixture *f = *state;
    int64_t class_id;
    assert_ok(db_class_ensure(f->db, "tear", "key", &class_id, &err), &err);
    say(f, f->import, 0, VERDICT_DEFECT, "tear", "stop", 0); // as said
    say(f, f->import, 9, VERDICT_DEFECT, "tear", "", 0);     // its class's
    say(f, f->import, 11, VERDICT_DEFECT, "", "", 0);        // neither
    say(f, f->import, LATE, VERDICT_DEFECT, "", "stop", 0);  // not screened
    say(f, f->import, 2, VERDICT_NORMAL, "", "", 0);
    say(f, f->import, OTHER, VERDICT_DEFECT, "", "stop", 0); // of another scene
    say(f, f->ann, 1, VERDICT_DEFECT, "tear", "stop", 100);  // the queue showed it
    say(f, f->ann, 9, VERDICT_NORMAL, "", "", 100);          // a person thinks otherwise: it was found all the same
    struct independent_defect *rows;
    size_t count;
    assert_ok(db_independent_defects(f->db, f->scene, &rows, &count, &err), &err);
    assert_int_equal(count, 4);
    static const struct {
        int number;
        enum severity severity;
        bool screened, flagged;
        double score;
    } want[] = {{0, SEVERITY_STOP, true, true, 20}, {9, SEVERITY_KEY, true, false, 11},
                {11, SEVERITY_GENERAL, true, false, 9}, {LATE, SEVERITY_STOP, false, false, 0}};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].picture, f->pictures[want[i].number]);
        assert_int_equal(rows[i].severity, want[i].severity);
        assert_int_equal(rows[i].screened, want[i].screened);
        assert_int_equal(rows[i].flagged, want[i].flagged);
        assert_true(rows[i].score == want[i].score);
    }
    free(rows);
    assert_ok(db_independent_defects(f->db, 0, &rows, &count, &err), &err);
    assert_int_equal(count, 5);
    free(rows);
    int64_t found[SEVERITIES];
    assert_ok(db_found(f->db, f->scene, 0, found, &err), &err);
    assert_true(found[SEVERITY_STOP] == 1 && found[SEVERITY_KEY] == 0 && found[SEVERITY_GENERAL] == 0);
}

struct seen {
    int rows, flagged, review, truth;
    double sum;
};

static void each(void *context, const struct scan_row *row)
{
    struct seen *s = context;
    s->rows++;
    s->flagged += row->flagged;
    s->review += row->review == VERDICT_DEFECT;
    s->truth += row->truth == VERDICT_NORMAL;
    s->sum += row->score;
}

static void a_scan_sees_every_score_once(void **state)
{
    struct fixture *f = *state;
    say(f, f->import, 2, VERDICT_NORMAL, "", "", 0);
    say(f, f->import, 3, VERDICT_DEFECT, "", "", 0);
    say(f, f->ann, 2, VERDICT_DEFECT, "", "", 100);
    struct seen seen = {0};
    assert_ok(db_scan_scores(f->db, f->revision, each, &seen, &err), &err);
    assert_true(seen.rows == PICTURES && seen.flagged == FLAGGED && seen.review == 1 && seen.truth == 1 && seen.sum == 174);
}

static void peoples_last_words_count(void **state)
{
    struct fixture *f = *state;
    struct person_row *people;
    struct pair_row *pairs;
    size_t count;
    int64_t timed, median, undone, class_id;
    assert_ok(db_people(f->db, 0, 0, &people, &count, &err), &err);
    assert_int_equal(count, 0);
    person_free(people, count);
    assert_ok(db_class_ensure(f->db, "tear", "key", &class_id, &err), &err);
    say(f, f->ann, 0, VERDICT_DEFECT, "tear", "", 1000);
    say(f, f->ann, 1, VERDICT_NORMAL, "", "", 9000); // corrected below
    say(f, f->ann, 1, VERDICT_DEFECT, "tear", "", 4000);
    say(f, f->ann, 2, VERDICT_UNSURE, "", "", 2000);
    say(f, f->ann, 4, VERDICT_NORMAL, "", "", 0); // not timed
    say(f, f->ann, 5, VERDICT_SKIP, "", "", 500);
    say(f, f->bob, 0, VERDICT_DEFECT, "tear", "", 3000);
    say(f, f->bob, 1, VERDICT_NORMAL, "", "", 6000);
    say(f, f->bob, 2, VERDICT_NORMAL, "", "", 7000);
    say(f, f->bob, 4, VERDICT_NORMAL, "", "", 8000);
    say(f, f->bob, 6, VERDICT_DEFECT, "tear", "", 1); // taken back
    assert_ok(db_label_undo(f->db, f->bob, &undone, &err), &err);
    say(f, f->import, 7, VERDICT_DEFECT, "tear", "", 0); // no person's answer

    assert_ok(db_people(f->db, f->scene, 0, &people, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_string_equal(people[0].name, "Ann");
    assert_true(people[0].answers == 4 && people[0].normals == 1 && people[0].defects == 2 && people[0].unsure == 1);
    assert_true(people[0].skips == 1 && people[0].timed == 3 && people[0].median_ms == 2000);
    assert_string_equal(people[1].name, "Bob");
    assert_true(people[1].answers == 4 && people[1].normals == 3 && people[1].defects == 1 && people[1].skips == 0);
    assert_true(people[1].timed == 4 && people[1].median_ms == 6000);
    person_free(people, count);
    assert_ok(db_answer_time(f->db, 0, 0, &timed, &median, &err), &err);
    assert_true(timed == 7 && median == 4000); // 1 2 3 4 6 7 8
    assert_ok(db_people(f->db, f->other, 0, &people, &count, &err), &err);
    assert_int_equal(count, 0);
    person_free(people, count);
    assert_ok(db_people(f->db, 0, clock_unix_ms() + 1000, &people, &count, &err), &err);
    assert_int_equal(count, 0);
    person_free(people, count);
    assert_ok(db_answer_time(f->db, 0, clock_unix_ms() + 1000, &timed, &median, &err), &err);
    assert_true(timed == 0 && median == 0);

    assert_ok(db_pairs(f->db, 0, 0, &pairs, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(pairs[0].first, "Ann");
    assert_string_equal(pairs[0].second, "Bob");
    static const int64_t want[9] = {1, 0, 0, 1, 1, 0, 1, 0, 0};
    assert_memory_equal(pairs[0].table, want, sizeof want);
    // agreement 2 / 4; by chance 1/4 * 3/4 + 2/4 * 1/4
    assert_float_equal(rates_kappa(pairs[0].table, 3), (0.5 - 0.3125) / (1 - 0.3125), 1e-12);
    pair_free(pairs, count);
}

static void a_handover_lists_what_was_found_and_what_is_open(void **state)
{
    struct fixture *f = *state;
    struct find_row *finds;
    struct object_row *objects;
    size_t count;
    int64_t class_id;
    assert_ok(db_class_ensure(f->db, "tear", "key", &class_id, &err), &err);
    say(f, f->ann, 0, VERDICT_DEFECT, "", "", 100);
    say(f, f->ann, 6, VERDICT_DEFECT, "tear", "", 100);
    say(f, f->bob, 7, VERDICT_DEFECT, "rod", "stop", 100);
    say(f, f->bob, 1, VERDICT_NORMAL, "", "", 100);
    say(f, f->bob, 2, VERDICT_UNSURE, "", "", 100);
    say(f, f->import, 3, VERDICT_DEFECT, "", "", 0);
    assert_ok(db_finds(f->db, 0, 0, 10, &finds, &count, &err), &err);
    assert_int_equal(count, 3);
    static const int order[] = {7, 6, 0}; // worst first
    for (int i = 0; i < 3; i++) {
        assert_int_equal(finds[i].picture, f->pictures[order[i]]);
        assert_int_equal(finds[i].severity, i);
    }
    assert_string_equal(finds[0].class_name, "rod");
    assert_string_equal(finds[0].person, "Bob");
    assert_string_equal(finds[0].object, "w2");
    assert_string_equal(finds[0].path, "/nowhere/belt/07.png");
    find_free(finds, count);
    assert_ok(db_finds(f->db, 0, 0, 2, &finds, &count, &err), &err);
    assert_int_equal(count, 2);
    find_free(finds, count);
    assert_ok(db_finds(f->db, f->other, 0, 10, &finds, &count, &err), &err);
    assert_int_equal(count, 0);
    find_free(finds, count);

    assert_ok(db_objects(f->db, f->scene, 0, &objects, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_string_equal(objects[0].object, "w1");
    assert_true(objects[0].answered == 3 && objects[0].found[SEVERITY_GENERAL] == 1 && objects[0].found[SEVERITY_STOP] == 0 &&
                objects[0].unsure == 1 && objects[0].open == 3);
    assert_string_equal(objects[1].object, "w2");
    assert_true(objects[1].answered == 2 && objects[1].found[SEVERITY_STOP] == 1 && objects[1].found[SEVERITY_KEY] == 1 &&
                objects[1].open == 0);
    object_free(objects, count);
    assert_ok(db_objects(f->db, 0, clock_unix_ms() + 1000, &objects, &count, &err), &err);
    assert_true(count == 1 && objects[0].answered == 0 && objects[0].open == 3); // what is open is open now
    object_free(objects, count);
}

static void unreadable_ones_are_counted_by_reason(void **state)
{
    struct fixture *f = *state;
    struct reason_row *rows;
    size_t count;
    assert_ok(db_unreadable_reasons(f->db, f->scene, 5, &rows, &count, &err), &err);
    assert_true(count == 1 && rows[0].count == 2);
    assert_string_equal(rows[0].reason, "the file is empty");
    reason_free(rows, count);
    assert_ok(db_unreadable_reasons(f->db, f->other, 5, &rows, &count, &err), &err);
    assert_int_equal(count, 0);
    reason_free(rows, count);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_revision_keeps_why),
        TEST(imported_defects_count_and_found_ones_do_not),
        TEST(a_scan_sees_every_score_once),
        TEST(peoples_last_words_count),
        TEST(a_handover_lists_what_was_found_and_what_is_open),
        TEST(unreadable_ones_are_counted_by_reason),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
