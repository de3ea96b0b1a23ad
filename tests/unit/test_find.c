// Finding pictures in pages by what is known of them.
#include "config.h"

#include "tests/unit/project.h"

#include "base/strbuf.h"
#include "db/find.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/revision.h"
#include "db/scene.h"

enum { PICTURES = 60, FLAGGED = 20 }; // of each of two scenes

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scenes[2], ann, bob, pictures[2][PICTURES];
};

static struct error err;

static void add_scene(struct fixture *f, int scene, const char *name)
{
    struct score_new scores[PICTURES] = {0};
    int64_t revision;
    assert_ok(db_scene_ensure(f->db, name, &f->scenes[scene], &err), &err);
    for (int i = 0; i < PICTURES; i++) {
        char path[64];
        snprintf(path, sizeof path, "/nowhere/%s/Picture%02d.png", name, i);
        struct picture_new p = numbered_picture(f->scenes[scene], path, scene * 1000 + i);
        f->pictures[scene][i] = add_picture(f->db, &p, PICTURE_ADDED);
        // pairs of equal scores, also across the scenes
        scores[i] = (struct score_new){.picture = f->pictures[scene][i], .score = {.score = 40 - i / 2}, .flagged = i < FLAGGED};
    }
    struct revision r = {.scene = f->scenes[scene], .threshold = 12.5, .flag_rate = 0.01, .believed = PICTURES};
    assert_ok(db_revision_begin(f->db, &r, &revision, &err), &err);
    assert_ok(db_revision_scores(f->db, revision, scores, PICTURES, &err), &err);
    assert_ok(db_revision_finish(f->db, revision, &err), &err);
}

static void say_as(struct fixture *f, enum label_source source, int64_t person, int scene, int number, enum verdict verdict,
                   const char *class_name)
{
    int64_t event;
    struct label l = {.picture = f->pictures[scene][number], .person = person, .role = "inspector", .source = source, .verdict = verdict,
                      .class_name = class_name, .severity = class_name[0] ? "key" : "", .note = ""};
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
}

static void say(struct fixture *f, int64_t person, int scene, int number, enum verdict verdict, const char *class_name)
{
    say_as(f, LABEL_REVIEW, person, scene, number, verdict, class_name);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    add_scene(f, 0, "belt");
    add_scene(f, 1, "wagon");
    for (int i = 0; i < 10; i++)
        say(f, f->ann, 0, i, VERDICT_NORMAL, "");
    say(f, f->bob, 1, 3, VERDICT_DEFECT, "Hair crack");
    say(f, f->bob, 0, 4, VERDICT_DEFECT, "hole");
    say(f, f->ann, 1, 55, VERDICT_UNSURE, ""); // was filtered
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

// All pages of `limit`; how many rows. Each row comes once, in the order asked for.
static size_t walk(struct fixture *f, const struct find_filter *filter, size_t limit, struct find_result *first)
{
    struct find_key after = FIND_BEGIN(filter);
    int64_t seen[2 * PICTURES];
    double score = 1e9;
    size_t n = 0;
    bool more = true;
    while (more) {
        struct find_result *rows;
        size_t count;
        assert_ok(db_find(f->db, filter, &after, limit, &rows, &count, &more, &err), &err);
        assert_true(count <= limit);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < n; k++)
                assert_int_not_equal(seen[k], rows[i].picture);
            if (filter->order == FIND_SCORE)
                assert_true(rows[i].score <= score);
            if (filter->order == FIND_ADDED && n > 0)
                assert_true(rows[i].picture < seen[n - 1]);
            score = rows[i].score;
            if (n == 0 && first) {
                *first = rows[i];
                first->path = xstrdup(rows[i].path);
            }
            seen[n++] = rows[i].picture;
        }
        find_result_free(rows, count);
    }
    return n;
}

static void pages_hold_every_row_once(void **state)
{
    struct fixture *f = *state;
    static const size_t want[] = {[FIND_ANSWERED] = 12, [FIND_SCORE] = 2 * FLAGGED, [FIND_ADDED] = 2 * PICTURES};
    for (int order = FIND_ANSWERED; order <= FIND_ADDED; order++) {
        static const size_t limits[] = {1, 3, 7, 20, 500};
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
            struct find_filter filter = {.order = (enum find_order)order};
            assert_int_equal(walk(f, &filter, limits[i], NULL), want[order]);
            filter.scene = f->scenes[1];
            assert_int_equal(walk(f, &filter, limits[i], NULL), order == FIND_ANSWERED ? 2 : want[order] / 2);
        }
    }
}

static void everything_given_has_to_fit(void **state)
{
    struct fixture *f = *state;
    struct find_result first;
    struct find_filter a = {.class_name = "CRACK"}, b = {.has_verdict = true, .verdict = VERDICT_NORMAL, .person = "an"};
    assert_int_equal(walk(f, &a, 5, &first), 1);
    assert_int_equal(first.picture, f->pictures[1][3]);
    assert_string_equal(first.path, "/nowhere/wagon/Picture03.png");
    free(first.path);
    assert_int_equal(walk(f, &b, 5, &first), 9); // Bob corrected one
    assert_int_equal(first.picture, f->pictures[0][9]); // the latest
    free(first.path);
    struct find_filter c = {.severity = "key", .scene = f->scenes[0]}, d = {.order = FIND_ADDED, .path = "picture5"};
    assert_int_equal(walk(f, &c, 5, NULL), 1);
    assert_int_equal(walk(f, &d, 5, NULL), 20);
    d.has_verdict = true;
    d.verdict = VERDICT_UNSURE;
    assert_int_equal(walk(f, &d, 5, NULL), 1);
    struct find_filter e = {.order = FIND_SCORE, .has_least = true, .least = 36, .has_most = true, .most = 38};
    assert_int_equal(walk(f, &e, 2, NULL), 12); // 36, 37 and 38, two of each in two scenes
    e.has_verdict = true;                       // open
    assert_int_equal(walk(f, &e, 2, NULL), 6);  // of belt, those up to number 9 were answered
    struct find_filter g = {.since_ms = INT64_MAX}, h = {.until_ms = INT64_MAX};
    assert_int_equal(walk(f, &g, 5, NULL), 0);
    assert_int_equal(walk(f, &h, 5, NULL), 12);
}

static void what_an_audit_asked_is_found_as_answered(void **state)
{
    struct fixture *f = *state;
    struct find_result first;
    say_as(f, LABEL_AUDIT, f->bob, 1, 50, VERDICT_DEFECT, "scratch"); // filtered
    say_as(f, LABEL_AUDIT, f->bob, 0, 4, VERDICT_NORMAL, "");         // slipped in: what the review says stands
    say_as(f, LABEL_AUDIT, f->bob, 1, 10, VERDICT_NORMAL, "");        // flagged since, and asked again
    struct find_filter answered = {.order = FIND_ANSWERED}, scratch = {.class_name = "scratch"};
    assert_int_equal(walk(f, &answered, 5, &first), 13);
    assert_int_equal(first.picture, f->pictures[1][50]);
    assert_int_equal(first.verdict, VERDICT_DEFECT);
    free(first.path);
    assert_int_equal(walk(f, &scratch, 5, NULL), 1);
    // by an index of pictures, of verdicts, and of all pictures
    struct find_filter by = {.order = FIND_ADDED, .person = "bob"}, defects = {.order = FIND_ADDED, .has_verdict = true, .verdict = VERDICT_DEFECT};
    struct find_filter open = {.order = FIND_ADDED, .has_verdict = true}, flagged = {.order = FIND_SCORE, .has_verdict = true};
    assert_int_equal(walk(f, &by, 2, NULL), 3);
    assert_int_equal(walk(f, &defects, 2, NULL), 3);
    assert_int_equal(walk(f, &open, 7, NULL), 2 * PICTURES - 13);
    assert_int_equal(walk(f, &flagged, 7, NULL), 2 * FLAGGED - 11);
}

static void put(void *context, const char *name, const char *text)
{
    strbuf_printf(context, "%s=%s;", name, text);
}

static void filters_are_kept_by_name(void **state)
{
    struct fixture *f = *state;
    struct strbuf text = {0};
    assert_ok(db_filter_save(f->db, "mine", "class:a", &err), &err);
    assert_ok(db_filter_save(f->db, "all", "sort:added", &err), &err);
    assert_ok(db_filter_save(f->db, "mine", "class:b", &err), &err);
    assert_ok(db_filters(f->db, put, &text, &err), &err);
    assert_string_equal(text.data, "all=sort:added;mine=class:b;");
    strbuf_reset(&text);
    assert_ok(db_filter_save(f->db, "all", "", &err), &err);
    assert_ok(db_filters(f->db, put, &text, &err), &err);
    assert_string_equal(text.data, "mine=class:b;");
    strbuf_clear(&text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {CASE(pages_hold_every_row_once), CASE(everything_given_has_to_fit),
                                              CASE(what_an_audit_asked_is_found_as_answered),
                                              CASE(filters_are_kept_by_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
