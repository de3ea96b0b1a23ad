// Classes that are renamed, merged, put in a tree and retired, without what was said changing.
#include "config.h"

#include "tests/unit/project.h"

#include "base/strbuf.h"

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, ann, pictures[4], classes[3]; // tear, hole, rip
};

static struct error err;

static int set_up(void **state)
{
    static const char *const names[3] = {"tear", "hole", "rip"};
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    for (int i = 0; i < 3; i++)
        assert_ok(db_class_ensure(f->db, names[i], "key", &f->classes[i], &err), &err);
    for (int i = 0; i < 4; i++) {
        char name[64];
        int64_t event;
        snprintf(name, sizeof name, "/nowhere/%02d.png", i);
        struct picture_new p = numbered_picture(f->scene, name, i);
        f->pictures[i] = add_picture(f->db, &p, PICTURE_ADDED);
        struct label l = {.picture = f->pictures[i], .person = f->ann, .role = "inspector", .verdict = VERDICT_DEFECT,
                          .class_name = names[i % 3], .severity = "key", .note = ""};
        assert_ok(db_label_add(f->db, &l, &event, &err), &err);
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

static void change(struct fixture *f, int class, enum class_change what, const char *value)
{
    assert_ok(db_class_change(f->db, f->ann, f->classes[class], what, value, &err), &err);
}

static void refused(struct fixture *f, int class, enum class_change what, const char *value, const char *words)
{
    assert_status(db_class_change(f->db, f->ann, f->classes[class], what, value, &err), ST_INVALID, &err);
    if (!strstr(err.text, words))
        fail_msg("%s", err.text);
}

// The class of picture `number` as it reads now.
static void assert_class(struct fixture *f, int number, const char *want)
{
    struct verdict_row row;
    assert_ok(db_verdict_get(f->db, f->pictures[number], LABEL_REVIEW, &row, &err), &err);
    assert_string_equal(row.class_name, want);
    verdict_clear(&row);
}

static enum status put_export(void *context, const struct export_row *row, struct error *unused)
{
    (void)unused;
    strbuf_printf(context, "%s;", row->class_name);
    return ST_OK;
}

static void assert_export(struct fixture *f, const char *want)
{
    struct strbuf text = {0};
    assert_ok(db_export(f->db, 0, put_export, &text, &err), &err);
    assert_string_equal(text.data, want);
    strbuf_clear(&text);
}

static void put_said(void *context, const struct said_row *row)
{
    strbuf_printf(context, "%s;", row->class_name);
}

static void assert_list(struct fixture *f, const char *want)
{
    struct class_row *rows;
    struct strbuf text = {0};
    size_t count;
    assert_ok(db_class_list(f->db, &rows, &count, &err), &err);
    for (int id = 1; id < 10; id++)
        for (size_t i = 0; i < count; i++)
            if (rows[i].id == id)
                strbuf_printf(&text, "%s %s<%lld%s %lld;", rows[i].name, rows[i].code, (long long)rows[i].parent,
                              rows[i].retired ? " retired" : "", (long long)rows[i].uses);
    assert_string_equal(text.data, want);
    strbuf_clear(&text);
    class_free(rows, count);
}

static void a_new_name_is_read_everywhere(void **state)
{
    struct fixture *f = *state;
    struct strbuf said = {0};
    struct find_filter filter = {.class_name = "long t"};
    struct find_key after = FIND_BEGIN(&filter);
    struct find_result *rows;
    size_t count;
    bool more, added;
    change(f, 0, CLASS_RENAME, "long tear");
    assert_class(f, 0, "long tear");
    assert_export(f, "long tear;hole;rip;long tear;");
    assert_ok(db_find(f->db, &filter, &after, 10, &rows, &count, &more, &err), &err);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].class_name, "long tear");
    find_result_free(rows, count);
    assert_ok(db_history(f->db, f->pictures[0], put_said, &said, &err), &err);
    assert_string_equal(said.data, "tear;"); // as it was said
    strbuf_clear(&said);
    // who still says the old name means the same class; an import of the old name adds nothing new
    int64_t id;
    assert_ok(db_class_ensure(f->db, "tear", "stop", &id, &err), &err);
    assert_int_equal(id, f->classes[0]);
    struct label truth = {.picture = f->pictures[1], .person = f->ann, .role = "import", .source = LABEL_TRUTH,
                          .verdict = VERDICT_DEFECT, .class_name = "tear", .severity = "key", .note = "", .regions = ""};
    assert_ok(db_truth_add(f->db, &truth, "", &added, &err), &err);
    assert_true(added);
    assert_ok(db_truth_add(f->db, &truth, "", &added, &err), &err);
    assert_false(added);
    change(f, 0, CLASS_RENAME, "tear"); // and back
    assert_class(f, 0, "tear");
    refused(f, 0, CLASS_RENAME, "hole", "merge this one into it");
    refused(f, 0, CLASS_RENAME, "", "needs a name");
    change(f, 1, CLASS_RENAME, "pit");
    refused(f, 0, CLASS_RENAME, "hole", "was the name of another class");
}

static void merged_classes_are_one(void **state)
{
    struct fixture *f = *state;
    change(f, 2, CLASS_RENAME, "ripped");
    change(f, 1, CLASS_PARENT, "ripped");
    change(f, 2, CLASS_MERGE, "tear");
    assert_class(f, 2, "tear"); // said as rip, then called ripped
    assert_export(f, "tear;hole;tear;tear;");
    assert_list(f, "tear <0 2;hole <1 1;");
    change(f, 0, CLASS_RENAME, "torn");
    assert_class(f, 2, "torn");
    int64_t id;
    assert_ok(db_class_ensure(f->db, "rip", "key", &id, &err), &err);
    assert_int_equal(id, f->classes[0]);
    refused(f, 0, CLASS_MERGE, "torn", "into itself");
    refused(f, 0, CLASS_MERGE, "nothing", "there is no class");
    assert_status(db_class_change(f->db, f->ann, f->classes[2], CLASS_CODE, "x", &err), ST_NOT_FOUND, &err);
    change(f, 0, CLASS_MERGE, "hole"); // into one that lay below it
    assert_list(f, "hole <0 4;");
}

static void the_tree_has_no_rings(void **state)
{
    struct fixture *f = *state;
    change(f, 0, CLASS_PARENT, "hole");
    change(f, 1, CLASS_PARENT, "rip");
    refused(f, 2, CLASS_PARENT, "tear", "lies below this class");
    refused(f, 2, CLASS_PARENT, "rip", "lies below this class");
    refused(f, 2, CLASS_PARENT, "what", "there is no class");
    change(f, 0, CLASS_PARENT, "");
    change(f, 2, CLASS_PARENT, "tear");
    change(f, 0, CLASS_CODE, "t");
    refused(f, 1, CLASS_CODE, "t", "another class has the code");
    change(f, 1, CLASS_RETIRE, "yes");
    refused(f, 1, CLASS_SEVERITY, "bad", "a severity is");
    assert_list(f, "tear t<0 1;hole <3 retired 1;rip <1 1;");
    int64_t id;
    assert_ok(db_class_ensure(f->db, "hole", "stop", &id, &err), &err); // used again: offered again
    assert_list(f, "tear t<0 1;hole <3 2;rip <1 1;");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {CASE(a_new_name_is_read_everywhere), CASE(merged_classes_are_one),
                                              CASE(the_tree_has_no_rings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
