// What the database tells of pictures for comparing them, and bulk answers.
#include "config.h"

#include "tests/unit/project.h"

#include "base/strbuf.h"
#include "db/check.h"
#include "db/known.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"

enum { PICTURES = 20, FLAGGED = 8 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scenes[2], ann, bob, revision;
    int64_t pictures[PICTURES]; // the last four in the second scene
};

static struct error err;

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scenes[0], &err), &err);
    assert_ok(db_scene_ensure(f->db, "wagon", &f->scenes[1], &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    for (int i = 0; i < PICTURES; i++) {
        char name[64];
        snprintf(name, sizeof name, "/nowhere/%02d.png", i);
        struct picture_new p = numbered_picture(f->scenes[i >= PICTURES - 4], name, i);
        f->pictures[i] = add_picture(f->db, &p, PICTURE_ADDED);
    }
    struct revision r = {.scene = f->scenes[0], .threshold = 12.5, .flag_rate = 0.01, .believed = PICTURES};
    f->revision = add_revision(f->db, &r, f->pictures, PICTURES - 4, FLAGGED, 20, 1);
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

static struct label label(const struct fixture *f, int64_t person, int number, enum verdict verdict)
{
    return (struct label){.picture = f->pictures[number], .person = person, .role = "inspector", .verdict = verdict,
                          .class_name = verdict == VERDICT_DEFECT ? "tear" : "",
                          .severity = verdict == VERDICT_DEFECT ? "key" : "", .note = number == 1 ? "oily" : ""};
}

static void say(struct fixture *f, int64_t person, int number, enum verdict verdict)
{
    int64_t event;
    struct label l = label(f, person, number, verdict);
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
}

static void import(struct fixture *f, int number, enum verdict verdict)
{
    bool added;
    struct label l = label(f, f->ann, number, verdict);
    l.source = LABEL_TRUTH;
    l.role = "import";
    assert_ok(db_truth_add(f->db, &l, "", &added, &err), &err);
}

static void assert_ids(struct fixture *f, const int64_t *ids, size_t count, const int *numbers, size_t want)
{
    assert_int_equal(count, want);
    for (size_t i = 0; i < want; i++)
        assert_int_equal(ids[i], f->pictures[numbers[i]]);
}

static void the_latest_known_ones_come_first(void **state)
{
    struct fixture *f = *state;
    int64_t *ids;
    size_t count;
    say(f, f->ann, 1, VERDICT_NORMAL);
    say(f, f->ann, 3, VERDICT_NORMAL);
    say(f, f->ann, 5, VERDICT_DEFECT);
    import(f, 5, VERDICT_NORMAL);  // the review says otherwise
    import(f, 7, VERDICT_NORMAL);
    import(f, 17, VERDICT_NORMAL); // of the other scene
    import(f, 8, VERDICT_DEFECT);
    assert_ok(db_known(f->db, f->scenes[0], VERDICT_NORMAL, 10, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){3, 1, 7}, 3);
    free(ids);
    assert_ok(db_known(f->db, f->scenes[0], VERDICT_NORMAL, 2, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){3, 1}, 2);
    free(ids);
    assert_ok(db_known(f->db, f->scenes[0], VERDICT_DEFECT, 10, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){5, 8}, 2);
    free(ids);
    assert_ok(db_known(f->db, f->scenes[1], VERDICT_DEFECT, 10, &ids, &count, &err), &err);
    assert_int_equal(count, 0);
    free(ids);
}

static void filtered_ones_nearby_are_found_on_both_sides(void **state)
{
    struct fixture *f = *state;
    int64_t *ids;
    size_t count;
    assert_ok(db_filtered_near(f->db, f->revision, f->pictures[12], 4, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){11, 10, 13, 14}, 4);
    free(ids);
    assert_ok(db_filtered_near(f->db, f->revision, f->pictures[2], 4, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){8, 9}, 2); // those before are flagged
    free(ids);
}

static void put(void *context, const struct said_row *row)
{
    strbuf_printf(context, "%s %s %s %s|%s\n", row->kind, row->person, verdict_name(row->verdict), row->class_name, row->note);
}

static void history_is_everything_that_was_said(void **state)
{
    struct fixture *f = *state;
    struct strbuf text = {0};
    int64_t picture;
    say(f, f->ann, 1, VERDICT_SKIP);
    say(f, f->ann, 1, VERDICT_DEFECT);
    say(f, f->bob, 2, VERDICT_NORMAL);
    say(f, f->bob, 1, VERDICT_NORMAL);
    assert_ok(db_label_undo(f->db, f->ann, &picture, &err), &err);
    assert_ok(db_history(f->db, f->pictures[1], put, &text, &err), &err);
    assert_string_equal(text.data, "skip Ann skip |oily\nanswer Ann defect tear|oily\nanswer Bob normal |oily\nundo Ann defect tear|oily\n");
    strbuf_clear(&text);
    assert_ok(db_history(f->db, f->pictures[9], put, &text, &err), &err);
    assert_int_equal(text.len, 0);
}

static int64_t open_count(struct fixture *f)
{
    struct scene_counts counts;
    assert_ok(db_counts(f->db, f->scenes[0], &counts, &err), &err);
    return counts.open;
}

static enum verdict stands(struct fixture *f, int number)
{
    struct verdict_row row;
    assert_ok(db_verdict_get(f->db, f->pictures[number], LABEL_REVIEW, &row, &err), &err);
    enum verdict v = row.verdict;
    verdict_clear(&row);
    return v;
}

static void count_finding(void *context, const char *sentence)
{
    (void)sentence;
    ++*(int *)context;
}

static void assert_sound(struct fixture *f)
{
    int found = 0;
    assert_ok(db_check(f->db, count_finding, &found, &err), &err);
    assert_int_equal(found, 0);
}

static void batch(struct fixture *f, int64_t person, int from, int to, enum verdict verdict)
{
    struct label labels[PICTURES];
    for (int i = from; i < to; i++)
        labels[i - from] = label(f, person, i, verdict);
    assert_ok(db_label_batch(f->db, labels, (size_t)(to - from), &err), &err);
}

static void assert_back(struct fixture *f, int64_t person, bool redo, int first, int64_t count)
{
    int64_t picture, got;
    assert_ok(db_label_back(f->db, person, redo, &picture, &got, &err), &err);
    assert_int_equal(got, count);
    assert_int_equal(picture, f->pictures[first]);
}

static void a_batch_is_taken_back_whole(void **state)
{
    struct fixture *f = *state;
    int64_t picture, count;
    say(f, f->ann, 0, VERDICT_UNSURE);
    batch(f, f->ann, 1, 6, VERDICT_NORMAL);
    batch(f, f->bob, 6, 8, VERDICT_DEFECT); // another person's are left alone
    say(f, f->ann, 3, VERDICT_DEFECT);      // one of them anew
    assert_int_equal(open_count(f), 0);
    assert_back(f, f->ann, false, 3, 1);
    assert_int_equal(stands(f, 3), VERDICT_NORMAL);
    assert_back(f, f->ann, false, 1, 5);
    assert_int_equal(open_count(f), 5);
    assert_int_equal(stands(f, 6), VERDICT_DEFECT);
    assert_back(f, f->ann, true, 1, 5);
    assert_int_equal(open_count(f), 0);
    assert_int_equal(stands(f, 5), VERDICT_NORMAL);
    assert_back(f, f->ann, true, 3, 1);
    assert_int_equal(stands(f, 3), VERDICT_DEFECT);
    assert_back(f, f->ann, false, 3, 1);
    assert_back(f, f->ann, false, 1, 5); // what was given again goes together too
    assert_back(f, f->ann, false, 0, 1);
    assert_int_equal(open_count(f), 6);
    assert_status(db_label_back(f->db, f->ann, false, &picture, &count, &err), ST_NOT_FOUND, &err);
    assert_back(f, f->ann, true, 0, 1);
    assert_back(f, f->ann, true, 1, 5);
    batch(f, f->ann, 2, 4, VERDICT_SKIP);
    assert_status(db_label_back(f->db, f->ann, true, &picture, &count, &err), ST_NOT_FOUND, &err);
    assert_back(f, f->ann, false, 2, 2);
    assert_sound(f);
}

static void a_batch_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct label labels[3];
    for (int i = 0; i < 3; i++)
        labels[i] = label(f, f->ann, i, VERDICT_NORMAL);
    labels[2].picture = 999999;
    assert_int_not_equal(db_label_batch(f->db, labels, 3, &err), ST_OK);
    assert_int_equal(open_count(f), FLAGGED);
    assert_int_equal(stands(f, 0), VERDICT_NONE);
    assert_sound(f);
}

static void what_others_hold_is_not_claimed(void **state)
{
    struct fixture *f = *state;
    struct queue_item items[2];
    int64_t *ids, want[4] = {f->pictures[0], f->pictures[3], f->pictures[12], f->pictures[7]};
    size_t count;
    assert_ok(db_queue_lease(f->db, "bob's", f->bob, f->scenes[0], 2, 60000, NULL, 0, items, &count, &err), &err);
    assert_int_equal(count, 2); // the first two
    assert_ok(db_queue_ids(f->db, "ann's", f->scenes[0], 4, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){2, 3, 4, 5}, 4);
    free(ids);
    count = 4; // one is held, one not open
    assert_ok(db_queue_claim(f->db, "ann's", f->ann, 60000, want, &count, &err), &err);
    assert_ids(f, want, count, (const int[]){3, 7}, 2);
    assert_ok(db_queue_ids(f->db, "bob's", f->scenes[0], 10, &ids, &count, &err), &err);
    assert_ids(f, ids, count, (const int[]){0, 1, 2, 4, 5, 6}, 6);
    free(ids);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(the_latest_known_ones_come_first), CASE(filtered_ones_nearby_are_found_on_both_sides),
        CASE(history_is_everything_that_was_said), CASE(a_batch_is_taken_back_whole), CASE(a_batch_is_all_or_nothing),
        CASE(what_others_hold_is_not_claimed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
