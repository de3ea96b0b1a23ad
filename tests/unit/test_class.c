// Classes that are renamed, merged, put in a tree and retired, without what was said changing.
#include "config.h"

#include "tests/unit/project.h"

#include "base/rng.h"
#include "base/strbuf.h"
#include "db/back.h"
#include "db/class.h"
#include "db/export.h"
#include "db/find.h"
#include "db/known.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/scene.h"

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

// --- taking back --------------------------------------------------------------------------------

enum { STEPS = 60, CHANGES = 8 };

// All that a change of classes may touch, and what the answers read as.
static char *now(struct fixture *f)
{
    struct class_row *rows;
    struct strbuf text = {0};
    size_t count;
    assert_ok(db_class_list(f->db, &rows, &count, &err), &err);
    for (int id = 1; id < 200; id++)
        for (size_t i = 0; i < count; i++)
            if (rows[i].id == id)
                strbuf_printf(&text, "%d %s %s %s %s %d<%d u%d;", id, rows[i].name, rows[i].severity, rows[i].code, rows[i].zh,
                              rows[i].retired, (int)rows[i].parent, (int)rows[i].uses);
    class_free(rows, count);
    for (int i = 0; i < 4; i++) {
        struct verdict_row row;
        assert_ok(db_verdict_get(f->db, f->pictures[i], LABEL_REVIEW, &row, &err), &err);
        strbuf_printf(&text, " %d%s", row.verdict, row.class_name ? row.class_name : "");
        verdict_clear(&row);
    }
    return text.data;
}

static void answer(struct fixture *f, int number, int64_t person, enum verdict verdict)
{
    int64_t event;
    struct label l = {.picture = f->pictures[number], .person = person, .role = "inspector", .verdict = verdict,
                      .class_name = verdict == VERDICT_DEFECT ? "tear" : "", .severity = verdict == VERDICT_DEFECT ? "key" : "", .note = ""};
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
}

// One of all changes, with what may be refused; whether it was done.
static bool any_change(struct fixture *f, struct rng *rng)
{
    static const char *const severities[] = {"stop", "key", "general"};
    struct class_row *rows;
    size_t count;
    char value[32];
    assert_ok(db_class_list(f->db, &rows, &count, &err), &err);
    int64_t id = rows[rng_below(rng, count)].id;
    const char *other = rows[rng_below(rng, count)].name;
    enum class_change what = (enum class_change)rng_below(rng, CHANGES);
    snprintf(value, sizeof value, "n%d", (int)rng_below(rng, 30));
    const char *to = what == CLASS_SEVERITY ? severities[rng_below(rng, 3)]
                     : what == CLASS_PARENT || what == CLASS_MERGE ? other : what == CLASS_RETIRE && rng_below(rng, 2) ? "" : value;
    bool done = (what != CLASS_MERGE || count > 3) && db_class_change(f->db, f->ann, id, what, to, &err) == ST_OK;
    class_free(rows, count);
    return done;
}

static void step_back(struct fixture *f, bool again, const char *want)
{
    struct back back;
    assert_ok(db_back(f->db, f->ann, again, &back, &err), &err);
    assert_false(back.kept);
    char *text = now(f);
    assert_string_equal(text, want);
    free(text);
    back_clear(&back);
}

static void all_of_it_is_taken_back_in_order(void **state)
{
    struct fixture *f = *state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct rng rng = rng_seed(seed);
        char *were[STEPS + 1];
        int n = 0;
        were[0] = now(f);
        while (n < STEPS) {
            bool said = rng_below(&rng, 3) == 0, done = said;
            if (said)
                answer(f, (int)rng_below(&rng, 4), f->ann, rng_below(&rng, 2) ? VERDICT_NORMAL : VERDICT_DEFECT);
            else
                done = any_change(f, &rng);
            char *text = now(f);
            if (done && (said || strcmp(text, were[n]) != 0)) // a change to what was there already is no step
                were[++n] = text;
            else
                free(text);
        }
        struct back back;
        int at = n;
        while (at > 0) {
            step_back(f, false, were[at - 1]);
            at--;
            if (rng_below(&rng, 4) == 0) { // there and back
                step_back(f, true, were[at + 1]);
                step_back(f, false, were[at]);
            }
        }
        while (db_back(f->db, f->ann, true, &back, &err) == ST_OK) // all of it again
            back_clear(&back);
        char *text = now(f);
        assert_string_equal(text, were[n]);
        free(text);
        for (int i = 0; i <= n; i++)
            free(were[i]);
    }
}

static void answers_and_changes_take_turns(void **state)
{
    struct fixture *f = *state;
    struct back back;
    answer(f, 0, f->ann, VERDICT_NORMAL);
    change(f, 0, CLASS_RENAME, "long tear");
    answer(f, 1, f->ann, VERDICT_NORMAL);
    change(f, 0, CLASS_MERGE, "hole");
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    assert_int_equal(back.picture, 0);
    assert_string_equal(back.what, "merge");
    assert_string_equal(back.name, "long tear");
    assert_string_equal(back.value, "hole");
    back_clear(&back);
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    assert_int_equal(back.picture, f->pictures[1]);
    back_clear(&back);
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    assert_string_equal(back.what, "rename");
    back_clear(&back);
    assert_class(f, 3, "tear");
    assert_ok(db_back(f->db, f->ann, true, &back, &err), &err);
    assert_string_equal(back.what, "rename");
    back_clear(&back);
    assert_class(f, 3, "long tear");
    change(f, 1, CLASS_CODE, "h"); // something new: the rest is not given again
    assert_status(db_back(f->db, f->ann, true, &back, &err), ST_NOT_FOUND, &err);
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    back_clear(&back);
    answer(f, 1, f->ann, VERDICT_NORMAL);
    assert_status(db_back(f->db, f->ann, true, &back, &err), ST_NOT_FOUND, &err);
}

static void what_others_have_built_on_stays(void **state)
{
    struct fixture *f = *state;
    int64_t bob, id;
    struct back back;
    assert_ok(db_person_ensure(f->db, "Bob", &bob, &err), &err);
    answer(f, 0, f->ann, VERDICT_NORMAL);
    assert_ok(db_class_change(f->db, f->ann, 0, CLASS_NEW, "scratch", &err), &err);
    refused(f, 0, CLASS_NEW, "scratch", "there is a class called");
    change(f, 2, CLASS_MERGE, "tear");
    change(f, 1, CLASS_SEVERITY, "stop");
    assert_ok(db_class_change(f->db, bob, f->classes[0], CLASS_RENAME, "cut", &err), &err); // what "rip" leads to, too
    assert_ok(db_class_ensure(f->db, "scratch", "key", &id, &err), &err);                   // somebody answered with it
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    assert_true(!back.kept && strcmp(back.what, "severity") == 0);
    back_clear(&back);
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err); // a new name of the other one is not in its way
    assert_true(!back.kept && strcmp(back.what, "merge") == 0);
    back_clear(&back);
    assert_class(f, 2, "rip");
    assert_class(f, 3, "cut");
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    assert_true(back.kept && strcmp(back.what, "new") == 0);
    back_clear(&back);
    assert_ok(db_back(f->db, f->ann, false, &back, &err), &err);
    assert_int_equal(back.picture, f->pictures[0]);
    back_clear(&back);
    assert_ok(db_back(f->db, bob, false, &back, &err), &err); // each takes back his own
    assert_string_equal(back.value, "cut");
    back_clear(&back);
    assert_class(f, 3, "tear");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {CASE(a_new_name_is_read_everywhere), CASE(merged_classes_are_one),
                                              CASE(the_tree_has_no_rings), CASE(all_of_it_is_taken_back_in_order),
                                              CASE(answers_and_changes_take_turns), CASE(what_others_have_built_on_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
