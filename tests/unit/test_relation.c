// What is known of faults: stated, replaced, taken away, led on with renamed classes; classes of a template.
#include "config.h"

#include "tests/unit/scratch.h"

#include "base/file.h"
#include "db/back.h"
#include "db/class.h"
#include "db/export.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/relation.h"
#include "db/scene.h"

struct fixture {
    char *path;
    struct db *db;
    int64_t ann, scene, pictures[3];
};

static struct error err;

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    if (make_scratch(state) != 0)
        return -1;
    f->path = file_join(scratch, "project.db");
    assert_ok(db_create(f->path, &f->db, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    for (int i = 0; i < 3; i++) {
        char path[48];
        enum picture_outcome outcome;
        snprintf(path, sizeof path, "/nowhere/%d.png", i);
        struct picture_new p = {.scene = f->scene, .path = path, .width = 4, .height = 3, .channels = 1, .format = "png"};
        hash_bytes(&i, sizeof i, p.sha256);
        assert_ok(db_picture_add(f->db, &p, &f->pictures[i], &outcome, &err), &err);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    db_close(f->db);
    free(f->path);
    free(f);
    return remove_scratch(state);
}

static bool say(struct fixture *f, char *component, char *fault, char *action, char *severity, bool keep, char before[16])
{
    bool added;
    struct relation_row row = {.component = component, .fault = fault, .cause = "", .action = action, .severity = severity};
    assert_ok(db_relation_state(f->db, f->ann, &row, keep, before, &added, &err), &err);
    return added;
}

static size_t known(struct fixture *f, const char *fault, struct relation_row *first)
{
    struct relation_row *rows;
    size_t count;
    assert_ok(db_relation_list(f->db, fault, &rows, &count, &err), &err);
    if (count > 0)
        *first = (struct relation_row){.id = rows[0].id, .contradicted = rows[0].contradicted, .severity = NULL};
    if (count > 0)
        assert_true(strlen(rows[0].component) > 0);
    relation_free(rows, count);
    return count;
}

static void one_stands_of_a_component_and_a_fault(void **state)
{
    struct fixture *f = *state;
    struct relation_row first;
    char before[16];
    assert_true(say(f, "belt", "tear", "stop it", "stop", false, before));
    assert_string_equal(before, "");
    assert_false(say(f, "belt", "tear", "stop it", "stop", false, before)); // just so
    assert_true(say(f, "belt", "tear", "watch it", "key", false, before));
    assert_string_equal(before, "stop");
    assert_false(say(f, "belt", "tear", "stop it", "stop", true, before)); // a template keeps what people said
    assert_true(say(f, "chute", "tear", "", "", false, before));
    assert_int_equal(known(f, "tear", &first), 2);
    assert_int_equal(known(f, NULL, &first), 2);
    assert_int_equal(known(f, "hole", &first), 0);
    assert_int_equal(known(f, "tear", &first), 2);
    assert_ok(db_relation_retire(f->db, f->ann, first.id, &err), &err);
    assert_int_equal(known(f, "tear", &first), 1);
}

// The severity that stands of a belt's tear; "" none does.
static void stands(struct fixture *f, const char *severity)
{
    struct relation_row *rows;
    size_t count;
    assert_ok(db_relation_list(f->db, "tear", &rows, &count, &err), &err);
    assert_int_equal(count, severity[0] ? 1 : 0);
    if (count > 0)
        assert_string_equal(rows[0].severity, severity);
    relation_free(rows, count);
}

static bool back(struct fixture *f, int64_t person, bool again, const char *what)
{
    struct back taken;
    assert_ok(db_back(f->db, person, again, &taken, &err), &err);
    assert_int_equal(taken.picture, 0);
    assert_string_equal(taken.what, what);
    assert_string_equal(taken.name, "tear");
    assert_string_equal(taken.value, "belt");
    bool kept = taken.kept;
    back_clear(&taken);
    return !kept;
}

static void what_was_stated_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct relation_row first;
    char before[16];
    say(f, "belt", "tear", "stop it", "stop", false, before);
    say(f, "belt", "tear", "watch it", "key", false, before);
    known(f, "tear", &first);
    assert_ok(db_relation_retire(f->db, f->ann, first.id, &err), &err);
    stands(f, "");
    assert_true(back(f, f->ann, false, "taken away"));
    stands(f, "key");
    assert_true(back(f, f->ann, false, "stated"));
    stands(f, "stop");
    assert_true(back(f, f->ann, false, "stated"));
    stands(f, "");
    assert_true(back(f, f->ann, true, "stated"));
    stands(f, "stop");
    assert_true(back(f, f->ann, true, "stated"));
    stands(f, "key");
    assert_true(back(f, f->ann, true, "taken away"));
    stands(f, "");
}

static void what_another_one_stated_since_stays(void **state)
{
    struct fixture *f = *state;
    char before[16];
    int64_t ben;
    bool added;
    struct relation_row row = {.component = (char[]){"belt"}, .fault = (char[]){"tear"}, .cause = "", .action = "", .severity = (char[]){"general"}};
    assert_ok(db_person_ensure(f->db, "Ben", &ben, &err), &err);
    say(f, "belt", "tear", "stop it", "stop", false, before);
    assert_ok(db_relation_state(f->db, ben, &row, false, before, &added, &err), &err);
    assert_false(back(f, f->ann, false, "stated"));
    stands(f, "general");
    assert_true(back(f, ben, false, "stated"));
    stands(f, "stop");
}

static void what_is_no_relation_is_refused(void **state)
{
    struct fixture *f = *state;
    char before[16];
    bool added;
    struct relation_row row = {.component = "", .fault = "tear", .cause = "", .action = "", .severity = ""};
    assert_status(db_relation_state(f->db, f->ann, &row, false, before, &added, &err), ST_INVALID, &err);
    row.component = (char[]){"belt"};
    row.severity = (char[]){"awful"};
    assert_status(db_relation_state(f->db, f->ann, &row, false, before, &added, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "awful"));
}

static void a_renamed_fault_keeps_its_relations(void **state)
{
    struct fixture *f = *state;
    struct relation_row first;
    char before[16];
    int64_t id;
    assert_ok(db_class_ensure(f->db, "tear", "stop", &id, &err), &err);
    say(f, "belt", "tear", "stop it", "stop", false, before);
    assert_ok(db_class_change(f->db, f->ann, id, CLASS_RENAME, "long tear", &err), &err);
    assert_int_equal(known(f, "long tear", &first), 1);
    assert_false(say(f, "belt", "tear", "stop it", "stop", false, before)); // the old name leads on
}

static enum status find(void *context, const struct export_row *row, struct error *unused)
{
    (void)unused;
    int *seen = context;
    if (row->component && row->component[0]) {
        assert_string_equal(row->component, "belt");
        assert_string_equal(row->action, "stop it");
        ++*seen;
    }
    return ST_OK;
}

static void answers_name_a_component_and_may_contradict(void **state)
{
    struct fixture *f = *state;
    struct relation_row first;
    char before[16];
    int64_t event, picture;
    int seen = 0;
    say(f, "belt", "tear", "stop it", "stop", false, before);
    for (int i = 0; i < 3; i++) {
        struct label label = {.picture = f->pictures[i], .person = f->ann, .role = "inspector", .verdict = VERDICT_DEFECT,
                              .class_name = "tear", .severity = i ? "key" : "stop", .regions = "", .note = "",
                              .component = i < 2 ? "belt" : NULL};
        assert_ok(db_label_add(f->db, &label, &event, &err), &err);
    }
    assert_int_equal(known(f, "tear", &first), 1);
    assert_int_equal(first.contradicted, 1);
    assert_ok(db_export(f->db, 0, find, &seen, &err), &err);
    assert_int_equal(seen, 2);
    for (int i = 0; i < 2; i++)
        assert_ok(db_label_undo(f->db, f->ann, &picture, &err), &err);
    known(f, "tear", &first);
    assert_int_equal(first.contradicted, 0);
    assert_ok(db_label_redo(f->db, f->ann, &picture, &err), &err); // with its component
    known(f, "tear", &first);
    assert_int_equal(first.contradicted, 1);
}

static void a_template_leaves_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct class_row *rows;
    size_t count;
    int64_t id;
    bool added;
    assert_ok(db_class_ensure(f->db, "tear", "general", &id, &err), &err);
    assert_ok(db_class_change(f->db, f->ann, id, CLASS_CODE, "bd", &err), &err);
    struct class_row top = {.name = "belt damage", .severity = "stop", .code = "bd", .zh = "胶带损伤"};
    struct class_row below = {.name = "tear", .severity = "stop", .code = "lt", .zh = "撕裂"};
    struct class_row hole = {.name = "hole", .severity = "key", .code = "hb", .zh = "穿孔"};
    assert_ok(db_class_offer(f->db, &top, "", &added, &err), &err);
    assert_true(added);
    assert_ok(db_class_offer(f->db, &below, "belt damage", &added, &err), &err);
    assert_false(added);
    assert_ok(db_class_offer(f->db, &hole, "belt damage", &added, &err), &err);
    assert_true(added);
    assert_ok(db_class_list(f->db, &rows, &count, &err), &err);
    assert_int_equal(count, 3);
    int64_t parent = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, "belt damage") == 0) {
            assert_string_equal(rows[i].code, ""); // another class has it
            assert_string_equal(rows[i].zh, "胶带损伤");
            assert_int_equal(rows[i].uses, 0);
            parent = rows[i].id;
        }
        if (strcmp(rows[i].name, "tear") == 0)
            assert_string_equal(rows[i].severity, "general");
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, "hole") == 0)
            assert_true(parent && rows[i].parent == parent);
    class_free(rows, count);
}

static void what_a_template_stated_goes_with_it(void **state)
{
    struct fixture *f = *state;
    char before[16];
    bool added;
    struct back taken;
    struct class_row tear = {.name = "tear", .severity = "stop", .code = "lt", .zh = ""};
    assert_ok(db_class_begin(f->db, &err), &err);
    assert_ok(db_class_offer(f->db, &tear, "", &added, &err), &err);
    assert_true(say(f, "belt", "tear", "stop it", "stop", true, before));
    assert_ok(db_class_end(f->db, f->ann, "template", "mine", &err), &err);
    stands(f, "stop");
    assert_ok(db_back(f->db, f->ann, false, &taken, &err), &err);
    assert_false(taken.kept);
    back_clear(&taken);
    stands(f, "");
    assert_ok(db_back(f->db, f->ann, true, &taken, &err), &err);
    back_clear(&taken);
    stands(f, "stop");
    say(f, "chute", "tear", "", "", false, before); // it needs the class
    assert_ok(db_relation_retire(f->db, f->ann, 0, &err), &err); // there is none: nothing happens
    assert_ok(db_back(f->db, f->ann, false, &taken, &err), &err);
    assert_string_equal(taken.what, "stated");
    back_clear(&taken);
    stands(f, "stop");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_stands_of_a_component_and_a_fault),
        TEST(what_was_stated_is_taken_back),
        TEST(what_another_one_stated_since_stays),
        TEST(what_a_template_stated_goes_with_it),
        TEST(what_is_no_relation_is_refused),
        TEST(a_renamed_fault_keeps_its_relations),
        TEST(answers_name_a_component_and_may_contradict),
        TEST(a_template_leaves_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
