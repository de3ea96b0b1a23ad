// Regions as they are stored: what stands after drawing, taking back, other people and another start of the program.
#include "config.h"

#include "tests/unit/project.h"

#include "app/regions.h"
#include "db/class.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/region.h"
#include "db/scene.h"

enum { W = 64, H = 48 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, ann, bob, pictures[2];
};

static struct error err;

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "/nowhere/%02d.png", i);
        struct picture_new p = numbered_picture(f->scene, name, i);
        p.width = W;
        p.height = H;
        f->pictures[i] = add_picture(f->db, &p, PICTURE_ADDED);
    }
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

// As many boxes, the last `class_name`.
static enum status draw(struct fixture *f, int64_t person, size_t boxes, const char *class_name, int64_t before, int64_t *event)
{
    struct region_list list = {0};
    for (size_t i = 0; i < boxes; i++) {
        struct region_row *row = regions_add(&list);
        region_box(&row->shape, 1 + (double)i, 2, 9 + (double)i, 8);
        regions_set(&row->class_name, i + 1 == boxes ? class_name : "");
        regions_set(&row->severity, "key");
        regions_set(&row->who, person == f->ann ? "Ann" : "Bob");
        row->at_ms = 77;
    }
    enum status status = regions_put(f->db, f->pictures[0], W, H, person, &list, before, event, &err);
    regions_clear(&list);
    return status;
}

static void assert_stands(struct fixture *f, size_t boxes, const char *class_name)
{
    struct region_list list;
    enum label_source source;
    int64_t before;
    assert_ok(regions_get(f->db, f->pictures[0], W, H, &list, &before, &source, &err), &err);
    assert_int_equal(list.count, boxes);
    if (boxes > 0) {
        assert_string_equal(list.rows[boxes - 1].class_name, class_name);
        assert_int_equal(list.rows[boxes - 1].at_ms, 77);
    }
    regions_clear(&list);
}

static void undone_and_redone_with_answers_and_after_a_restart(void **state)
{
    struct fixture *f = *state;
    int64_t first, second, answer, picture, count;
    struct label label = {.picture = f->pictures[1], .person = f->ann, .role = "inspector", .verdict = VERDICT_NORMAL,
                          .class_name = "", .severity = "", .regions = "", .note = ""};
    assert_ok(draw(f, f->ann, 1, "tear", 0, &first), &err);
    assert_ok(draw(f, f->ann, 2, "hole", first, &second), &err);
    assert_ok(db_label_add(f->db, &label, &answer, &err), &err);
    assert_stands(f, 2, "hole");
    assert_ok(db_label_back(f->db, f->ann, false, &picture, &count, &err), &err); // the answer
    assert_int_equal(picture, f->pictures[1]);
    assert_stands(f, 2, "hole");
    reopen(f);
    assert_ok(db_label_back(f->db, f->ann, false, &picture, &count, &err), &err); // the second box
    assert_int_equal(picture, f->pictures[0]);
    assert_stands(f, 1, "tear");
    assert_status(db_label_back(f->db, f->bob, false, &picture, &count, &err), ST_NOT_FOUND, &err);
    assert_ok(db_label_back(f->db, f->ann, false, &picture, &count, &err), &err);
    assert_stands(f, 0, "");
    reopen(f);
    assert_ok(db_label_back(f->db, f->ann, true, &picture, &count, &err), &err);
    assert_stands(f, 1, "tear");
    assert_ok(db_label_back(f->db, f->ann, true, &picture, &count, &err), &err);
    assert_stands(f, 2, "hole");
    assert_ok(db_label_back(f->db, f->ann, true, &picture, &count, &err), &err);
    struct verdict_row row;
    assert_ok(db_verdict_get(f->db, f->pictures[1], LABEL_REVIEW, &row, &err), &err);
    assert_int_equal(row.verdict, VERDICT_NORMAL);
    verdict_clear(&row);
    // drawing is no answer
    assert_ok(db_verdict_get(f->db, f->pictures[0], LABEL_REVIEW, &row, &err), &err);
    assert_int_equal(row.verdict, VERDICT_NONE);
    verdict_clear(&row);
    struct scene_counts counts;
    assert_ok(db_counts(f->db, 0, &counts, &err), &err);
    assert_int_equal(counts.answered, 1);
}

static void two_people_do_not_overwrite_each_other(void **state)
{
    struct fixture *f = *state;
    int64_t first, second;
    assert_ok(draw(f, f->ann, 1, "tear", 0, &first), &err);
    assert_status(draw(f, f->bob, 2, "hole", 0, &second), ST_BUSY, &err);
    assert_non_null(strstr(err.text, "Ann changed the regions"));
    assert_stands(f, 1, "tear");
    struct class_row *classes;
    size_t count;
    assert_ok(db_class_list(f->db, &classes, &count, &err), &err);
    assert_int_equal(count, 1); // nothing of it was stored
    class_free(classes, count);
    assert_ok(draw(f, f->bob, 2, "hole", first, &second), &err);
    assert_stands(f, 2, "hole");
}

static void classes_lead_on(void **state)
{
    struct fixture *f = *state;
    int64_t event;
    struct class_row *classes;
    size_t count;
    assert_ok(draw(f, f->ann, 1, "tear", 0, &event), &err);
    assert_ok(db_class_list(f->db, &classes, &count, &err), &err);
    assert_ok(db_class_change(f->db, f->ann, classes[0].id, CLASS_RENAME, "rip", &err), &err);
    class_free(classes, count);
    assert_stands(f, 1, "rip");
}

static void all_kinds_come_back(void **state)
{
    struct fixture *f = *state;
    struct region_list list = {0}, back;
    const double points[] = {1, 1, 30.25, 2, 11, 40.5};
    struct spans disc = {0};
    int64_t event, before;
    enum label_source source;
    region_polygon(&regions_add(&list)->shape, points, 6);
    spans_disc(30, 20, 9, &disc);
    region_mask(&regions_add(&list)->shape, &disc);
    region_box(&regions_add(&list)->shape, 0, 0, W, H);
    regions_set(&list.rows[1].class_name, "裂纹 \"1\"");
    assert_ok(regions_put(f->db, f->pictures[0], W, H, f->ann, &list, 0, &event, &err), &err);
    assert_ok(regions_get(f->db, f->pictures[0], W, H, &back, &before, &source, &err), &err);
    assert_int_equal(back.count, 3);
    assert_int_equal(before, event);
    assert_int_equal(source, LABEL_REGION);
    for (size_t i = 0; i < 3; i++) {
        assert_true(region_same(&list.rows[i].shape, &back.rows[i].shape));
        assert_string_equal(list.rows[i].class_name, back.rows[i].class_name);
    }
    regions_clear(&list);
    regions_clear(&back);
}

static void damaged_ones_are_told(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}", "[", "[7]", "[[1,2,3]]", "[[5,5,5,9]]", "[{\"kind\":\"circle\"}]", "[{\"kind\":\"polygon\",\"points\":[1,2,3,4]}]",
        "[{\"kind\":\"polygon\",\"points\":[1,2,3,4,5]}]", "[{\"kind\":\"polygon\",\"points\":[1,2,3,4,5,1e300]}]",
        "[{\"kind\":\"mask\",\"size\":[48,64],\"counts\":\"4\"}]", "[{\"kind\":\"mask\",\"size\":[64,48],\"counts\":\"P`3\"}]",
        "[{\"kind\":\"mask\",\"counts\":\"4\"}]", "[{\"kind\":\"box\",\"points\":[\"a\",2,3,4]}]"};
    struct region_list list;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(regions_read(bad[i], W, H, &list, &err), ST_CORRUPT, &err);
        assert_int_equal(list.count, 0);
    }
    assert_ok(regions_read("[[1,2,3,4]]", W, H, &list, &err), &err); // a plain box
    assert_int_equal(list.rows[0].shape.kind, REGION_BOX);
    regions_clear(&list);
}

static void others_events_hold_no_regions(void **state)
{
    struct fixture *f = *state;
    int64_t event;
    struct label label = {.picture = f->pictures[0], .person = f->ann, .role = "inspector", .source = LABEL_REGION,
                          .verdict = VERDICT_REGIONS, .class_name = "", .severity = "", .regions = "{}", .note = ""};
    assert_status(db_region_put(f->db, &label, 0, &event, &err), ST_INVALID, &err);
    label.regions = "[]";
    label.source = LABEL_REVIEW;
    assert_status(db_label_add(f->db, &label, &event, &err), ST_INVALID, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(undone_and_redone_with_answers_and_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_people_do_not_overwrite_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(classes_lead_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_kinds_come_back, set_up, tear_down),
        cmocka_unit_test(damaged_ones_are_told),
        cmocka_unit_test_setup_teardown(others_events_hold_no_regions, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
