#include "config.h"

#include "tests/unit/project.h"

#include "db/acquire.h"
#include "db/class.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"
#include "learn/acquire.h"

enum { PICTURES = 12, FLAGGED = 8 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, ann, bob, pictures[PICTURES], revision;
};

static struct error err;

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
        struct picture_new p = numbered_picture(f->scene, path, i);
        f->pictures[i] = add_picture(f->db, &p, PICTURE_ADDED);
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

static int64_t say(struct fixture *f, int at, enum verdict verdict)
{
    struct label l = {.picture = f->pictures[at],
                      .person = f->ann,
                      .role = "inspector",
                      .source = LABEL_REVIEW,
                      .verdict = verdict,
                      .class_name = verdict == VERDICT_DEFECT ? "tear" : "",
                      .severity = verdict == VERDICT_DEFECT ? "stop" : "",
                      .regions = "",
                      .note = ""};
    int64_t event = 0, class_id;
    if (verdict == VERDICT_DEFECT)
        assert_ok(db_class_ensure(f->db, "tear", "stop", &class_id, &err), &err);
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
    return event;
}

static void place(struct fixture *f, int at, double where, enum acquire_reason reason, int about,
                  double expected)
{
    struct ask_new ask = {.picture = f->pictures[at],
                          .place = where,
                          .expected = expected,
                          .reason = (int)reason,
                          .source = ACQUIRE_DIVERSE,
                          .about = about < 0 ? 0 : f->pictures[about]};
    assert_ok(db_ask_put(f->db, f->scene, f->revision, &ask, 1, &err), &err);
}

static void the_queue_goes_by_place(void **state)
{
    struct fixture *f = *state;
    struct queue_item items[FLAGGED];
    size_t count;
    place(f, 5, 2, ACQUIRE_NEW, -1, 0.25);
    place(f, 3, 1.5, ACQUIRE_LIKE, 5, 0.5);
    place(f, 0, -1.5, ACQUIRE_BEHIND, 3, 0.75);
    place(f, 1, 0.4, ACQUIRE_BY_SCORE, -1, 0.4);
    place(f, 9, 2, ACQUIRE_NEW, -1, 0.5); // is not in the queue
    assert_ok(db_queue_lease(f->db, "s", f->ann, f->scene, FLAGGED, 1000, NULL, 0, items, &count, &err),
              &err);
    assert_int_equal(count, FLAGGED);
    // those that nothing has ordered by score between the questions and the rest
    static const int order[FLAGGED] = {5, 3, 2, 4, 6, 7, 1, 0};
    for (int i = 0; i < FLAGGED; i++)
        assert_int_equal(items[i].picture, f->pictures[order[i]]);
    assert_int_equal(items[0].reason, ACQUIRE_NEW);
    assert_int_equal(items[1].about, f->pictures[5]);
    assert_float_equal(items[1].expected, 0.5, 1e-12);
    assert_true(items[2].reason == ACQUIRE_BY_SCORE && items[2].expected < 0);
    struct ask_new *ahead;
    assert_ok(db_ask_ahead(f->db, f->scene, 3, &ahead, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_int_equal(ahead[1].picture, f->pictures[3]);
    free(ahead);
    assert_ok(db_queue_release(f->db, "s", 0, &err), &err);
    // all scenes together go by the same order
    assert_ok(db_queue_lease(f->db, "s", f->ann, 0, FLAGGED, 1000, NULL, 0, items, &count, &err), &err);
    for (int i = 0; i < FLAGGED; i++)
        assert_int_equal(items[i].picture, f->pictures[order[i]]);
}

static void places_are_of_the_active_revision(void **state)
{
    struct fixture *f = *state;
    struct ask_new ask = {.picture = f->pictures[1], .place = 2};
    assert_status(db_ask_put(f->db, f->scene, f->revision + 1, &ask, 1, &err), ST_BUSY, &err);
    struct queue_item items[2];
    size_t count;
    assert_ok(db_queue_lease(f->db, "s", f->ann, f->scene, 2, 1000, NULL, 0, items, &count, &err), &err);
    assert_int_equal(items[1].picture, f->pictures[1]);
}

static void what_lies_beyond_comes_last(void **state)
{
    struct fixture *f = *state;
    struct queue_item items[FLAGGED];
    size_t count;
    for (int i = 0; i < 4; i++)
        place(f, i, 0.1 * (i + 1), ACQUIRE_BY_SCORE, -1, 0.1);
    assert_ok(db_ask_beyond(f->db, f->scene, 20 - 3, &err), &err);
    assert_ok(db_queue_lease(f->db, "s", f->ann, f->scene, FLAGGED, 1000, NULL, 0, items, &count, &err), &err);
    assert_int_equal(items[0].picture, f->pictures[3]);
    assert_int_equal(items[4].picture, f->pictures[4]);
}

static void what_was_asked_is_noted_with_the_answer(void **state)
{
    struct fixture *f = *state;
    struct asked_row *rows;
    size_t count;
    int64_t undone;
    place(f, 5, 2, ACQUIRE_NEW, -1, 0.25);
    place(f, 6, 1.9, ACQUIRE_ODD, -1, 0.125);
    say(f, 5, VERDICT_DEFECT);
    say(f, 6, VERDICT_UNSURE); // says nothing
    say(f, 2, VERDICT_NORMAL); // was not ordered
    assert_ok(db_asked(f->db, f->scene, 10, &rows, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_true(rows[0].source == ACQUIRE_DIVERSE && rows[0].reason == ACQUIRE_NEW && rows[0].defect);
    assert_float_equal(rows[0].expected, 0.25, 1e-12);
    assert_true(rows[0].class_id > 0);
    free(rows);
    // taken back: it counts no more, and is open again
    for (int i = 0; i < 3; i++)
        assert_ok(db_label_undo(f->db, f->ann, &undone, &err), &err);
    assert_int_equal(undone, f->pictures[5]);
    assert_ok(db_asked(f->db, f->scene, 10, &rows, &count, &err), &err);
    assert_int_equal(count, 0);
    free(rows);
    struct scene_counts counts;
    assert_ok(db_counts(f->db, f->scene, &counts, &err), &err);
    assert_int_equal(counts.open, FLAGGED);
    // the latest, oldest first
    for (int i = 0; i < 4; i++) {
        place(f, i, 1.5, ACQUIRE_ODD, -1, 0.1 * (i + 1));
        say(f, i, VERDICT_NORMAL);
    }
    assert_ok(db_asked(f->db, f->scene, 3, &rows, &count, &err), &err);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        assert_float_equal(rows[i].expected, 0.1 * (i + 2), 1e-12);
    free(rows);
}

struct seen {
    int64_t pictures[2 * PICTURES];
    enum verdict verdicts[2 * PICTURES];
    size_t count, urgent;
};

static void see(void *context, const struct ask_row *row)
{
    struct seen *s = context;
    s->verdicts[s->count] = row->verdict;
    s->urgent += row->urgent;
    s->pictures[s->count++] = row->picture;
    assert_true((row->event != 0) == (row->verdict != VERDICT_NONE));
}

static void the_pool_is_what_is_open_and_what_was_answered(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.count = 0};
    int64_t before, last = 0;
    assert_ok(db_ask_last(f->db, &before, &err), &err);
    say(f, 3, VERDICT_DEFECT);
    int64_t event = say(f, 10, VERDICT_NORMAL); // was never flagged
    assert_ok(db_ask_pool(f->db, f->scene, 100, see, &seen, &err), &err);
    assert_int_equal(seen.count, FLAGGED - 1 + 2);
    assert_int_equal(seen.pictures[0], f->pictures[0]);
    assert_true(seen.pictures[FLAGGED - 1] == f->pictures[10] &&
                seen.verdicts[FLAGGED - 1] == VERDICT_NORMAL);
    assert_true(seen.pictures[FLAGGED] == f->pictures[3] && seen.verdicts[FLAGGED] == VERDICT_DEFECT &&
                seen.urgent == 1);
    struct ask_change *changes;
    size_t count;
    assert_ok(db_ask_changes(f->db, f->scene, before, &changes, &count, &last, &err), &err);
    assert_int_equal(count, 2);
    assert_true(changes[0].picture == f->pictures[3] && changes[0].urgent && changes[1].event == event &&
                last == event);
    assert_string_equal(changes[0].class_name, "tear");
    ask_change_free(changes, count);
    int64_t undone;
    assert_ok(db_label_undo(f->db, f->ann, &undone, &err), &err);
    assert_ok(db_ask_changes(f->db, f->scene, last, &changes, &count, &last, &err), &err);
    assert_int_equal(count, 1);
    assert_true(changes[0].picture == f->pictures[10] && changes[0].event == 0 &&
                changes[0].verdict == VERDICT_NONE);
    ask_change_free(changes, count);
}

static void a_doubt_ends_with_the_next_answer(void **state)
{
    struct fixture *f = *state;
    struct doubt_row *rows, put[2];
    size_t count;
    put[0] = (struct doubt_row){f->pictures[4], say(f, 4, VERDICT_NORMAL), 0.9, f->pictures[5]};
    put[1] = (struct doubt_row){f->pictures[5], say(f, 5, VERDICT_DEFECT), 0.1, 0};
    assert_ok(db_doubt_put(f->db, f->scene, put, 2, &err), &err);
    assert_ok(db_doubt_list(f->db, f->scene, &rows, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_true(rows[0].picture == f->pictures[4] && rows[0].about == f->pictures[5] && rows[1].about == 0);
    assert_float_equal(rows[0].defect, 0.9, 1e-12);
    free(rows);
    int64_t again = say(f, 4, VERDICT_NORMAL); // confirmed
    assert_ok(db_doubt_list(f->db, 0, &rows, &count, &err), &err);
    assert_int_equal(count, 1);
    free(rows);
    // said twice: not asked a third time, however much contradicts it
    put[0].event = again;
    assert_ok(db_doubt_put(f->db, f->scene, put, 2, &err), &err);
    assert_ok(db_doubt_list(f->db, f->scene, &rows, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].picture, f->pictures[5]);
    free(rows);
    // changed instead: the new answer stands alone and may be doubted
    put[1].event = say(f, 5, VERDICT_NORMAL);
    assert_ok(db_doubt_put(f->db, f->scene, &put[1], 1, &err), &err);
    assert_ok(db_doubt_list(f->db, f->scene, &rows, &count, &err), &err);
    assert_int_equal(count, 1);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_queue_goes_by_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_are_of_the_active_revision, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_lies_beyond_comes_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_asked_is_noted_with_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_pool_is_what_is_open_and_what_was_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_doubt_ends_with_the_next_answer, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
