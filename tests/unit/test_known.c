// What the database tells of pictures for comparing them, and bulk answers.
#include "config.h"

#include "tests/unit/test.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "db/db.h"

enum { PICTURES = 20, FLAGGED = 8 };

struct fixture {
    char dir[32];
    struct db *db;
    int64_t scenes[2], ann, bob, revision;
    int64_t pictures[PICTURES]; // the last four in the second scene
};

static struct error err;

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct score_new scores[PICTURES] = {0};
    memcpy(f->dir, "/tmp/assay-kn-XXXXXX", 21);
    if (!mkdtemp(f->dir))
        return -1;
    char *path = file_join(f->dir, "project.db");
    assert_ok(db_create(path, &f->db, &err), &err);
    free(path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scenes[0], &err), &err);
    assert_ok(db_scene_ensure(f->db, "wagon", &f->scenes[1], &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    for (int i = 0; i < PICTURES; i++) {
        char name[64];
        enum picture_outcome outcome;
        snprintf(name, sizeof name, "/nowhere/%02d.png", i);
        struct picture_new p = {.scene = f->scenes[i >= PICTURES - 4], .path = name, .bytes = 100, .mtime_ns = i,
                                .width = 4, .height = 3, .channels = 1, .format = "png"};
        hash_bytes(&i, sizeof i, p.sha256);
        assert_ok(db_picture_add(f->db, &p, &f->pictures[i], &outcome, &err), &err);
        scores[i] = (struct score_new){.picture = f->pictures[i], .score = {.score = 20 - i}, .flagged = i < FLAGGED};
    }
    struct revision r = {.scene = f->scenes[0], .threshold = 12.5, .flag_rate = 0.01, .believed = PICTURES};
    assert_ok(db_revision_begin(f->db, &r, &f->revision, &err), &err);
    assert_ok(db_revision_scores(f->db, f->revision, scores, PICTURES - 4, &err), &err);
    assert_ok(db_revision_finish(f->db, f->revision, &err), &err);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    db_close(f->db);
    char *command = xasprintf("rm -rf '%s'", f->dir);
    int failed = system(command);
    free(command);
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(the_latest_known_ones_come_first), CASE(filtered_ones_nearby_are_found_on_both_sides),
        CASE(history_is_everything_that_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
