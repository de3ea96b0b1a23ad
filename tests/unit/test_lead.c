// Roles, comments, which answers a lead sees, what counts after a second answer, and agreement.
#include "config.h"

#include <math.h>

#include "base/clock.h"
#include "base/file.h"
#include "db/acquire.h"
#include "db/backup.h"
#include "db/check.h"
#include "db/class.h"
#include "db/hook.h"
#include "db/label.h"
#include "db/log.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"
#include "db/second.h"
#include "screen/rates.h"
#include "tests/unit/project.h"

enum { PICTURES = 30 };

struct fixture {
    char *dir, *path;
    struct db *db;
    int64_t scene, ann, bob, lea, revision, pictures[PICTURES];
};

static struct error err;

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->db = make_project(&f->dir, &f->path);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    assert_ok(db_person_ensure(f->db, "Bob", &f->bob, &err), &err);
    assert_ok(db_person_ensure(f->db, "Lea", &f->lea, &err), &err);
    for (int i = 0; i < PICTURES; i++) {
        char path[64];
        snprintf(path, sizeof path, "/nowhere/%02d.png", i);
        struct picture_new p = numbered_picture(f->scene, path, i);
        f->pictures[i] = add_picture(f->db, &p, PICTURE_ADDED);
    }
    struct revision r = {.scene = f->scene, .threshold = 3, .flag_rate = 0.01, .believed = PICTURES};
    f->revision = add_revision(f->db, &r, f->pictures, PICTURES, PICTURES, 5, 0.1);
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

static int64_t say(struct fixture *f, int64_t person, int number, enum verdict verdict, const char *class_name,
                   const char *severity, const char *role)
{
    int64_t event, class_id;
    struct label l = {.picture = f->pictures[number], .person = person, .role = role, .source = LABEL_REVIEW, .verdict = verdict,
                      .class_name = class_name, .severity = severity, .regions = "", .note = "",
                      .blind = strcmp(role, "lead") == 0};
    if (class_name[0])
        assert_ok(db_class_ensure(f->db, class_name, severity, &class_id, &err), &err);
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
    return event;
}

static int64_t normal(struct fixture *f, int64_t person, int number)
{
    return say(f, person, number, VERDICT_NORMAL, "", "", "inspector");
}

static int64_t leads(struct fixture *f, int number, enum verdict verdict)
{
    return verdict == VERDICT_DEFECT ? say(f, f->lea, number, verdict, "crack", "stop", "lead")
                                     : say(f, f->lea, number, verdict, "", "", "lead");
}

static enum verdict stands(struct fixture *f, int number)
{
    struct verdict_row row;
    assert_ok(db_verdict_get(f->db, f->pictures[number], LABEL_REVIEW, &row, &err), &err);
    enum verdict v = row.verdict;
    verdict_clear(&row);
    return v;
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

// "3:stop 4:unsure": what waits for the lead, numbers of pictures.
static const char *waiting(struct fixture *f, int64_t person, double share)
{
    static char text[400];
    struct second_row *rows;
    size_t count;
    int64_t total;
    assert_ok(db_second(f->db, f->scene, person, share, 50, &rows, &count, &total, &err), &err);
    assert_int_equal(total, count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int number = 0;
        while (f->pictures[number] != rows[i].picture)
            number++;
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%d:%s", i ? " " : "", number, second_reason_name(rows[i].reason));
    }
    free(rows);
    return text;
}

static void a_leads_answer_is_the_label(void **state)
{
    struct fixture *f = *state;
    int64_t picture;
    normal(f, f->ann, 0);
    leads(f, 0, VERDICT_DEFECT);
    assert_int_equal(stands(f, 0), VERDICT_DEFECT);
    normal(f, f->ann, 0); // says it again
    assert_int_equal(stands(f, 0), VERDICT_DEFECT);
    assert_int_equal(findings(f), 0);
    assert_ok(db_label_undo(f->db, f->lea, &picture, &err), &err);
    assert_int_equal(stands(f, 0), VERDICT_NORMAL);
    assert_ok(db_label_redo(f->db, f->lea, &picture, &err), &err);
    assert_int_equal(stands(f, 0), VERDICT_DEFECT);
    leads(f, 0, VERDICT_UNSURE); // the lead may change it
    assert_int_equal(stands(f, 0), VERDICT_UNSURE);
    assert_int_equal(findings(f), 0);
    normal(f, f->ann, 1); // without a lead the last one counts, as ever
    say(f, f->bob, 1, VERDICT_UNSURE, "", "", "inspector");
    assert_int_equal(stands(f, 1), VERDICT_UNSURE);
}

static void what_waits_is_ordered_by_reason(void **state)
{
    struct fixture *f = *state;
    normal(f, f->ann, 0);
    say(f, f->ann, 1, VERDICT_DEFECT, "crack", "stop", "inspector");
    say(f, f->ann, 2, VERDICT_DEFECT, "dust", "general", "inspector");
    say(f, f->ann, 3, VERDICT_UNSURE, "", "", "inspector");
    int64_t doubted = normal(f, f->ann, 4);
    normal(f, f->ann, 5);
    say(f, f->bob, 5, VERDICT_DEFECT, "dust", "general", "inspector");
    struct doubt_row doubt = {.picture = f->pictures[4], .event = doubted, .defect = 0.9};
    assert_ok(db_doubt_put(f->db, f->scene, &doubt, 1, &err), &err);
    assert_string_equal(waiting(f, f->lea, 0), "5:dispute 3:unsure 1:stop 4:doubt");
    assert_string_equal(waiting(f, f->ann, 0), "5:dispute"); // not one's own
    assert_string_equal(waiting(f, f->lea, 1), "5:dispute 3:unsure 1:stop 4:doubt 0:share 2:share");
    leads(f, 1, VERDICT_DEFECT);
    leads(f, 3, VERDICT_NORMAL);
    leads(f, 5, VERDICT_NORMAL);
    assert_string_equal(waiting(f, f->lea, 0), "4:doubt");
    normal(f, f->ann, 1); // contradicts the lead
    assert_string_equal(waiting(f, f->lea, 0), "1:dispute 4:doubt");
    say(f, f->ann, 1, VERDICT_DEFECT, "crack", "stop", "inspector"); // and comes round
    assert_string_equal(waiting(f, f->lea, 0), "4:doubt");
}

static void one_class_by_two_names_is_no_dispute(void **state)
{
    struct fixture *f = *state;
    struct class_row *rows;
    size_t count;
    say(f, f->ann, 0, VERDICT_DEFECT, "crack", "key", "inspector");
    say(f, f->bob, 0, VERDICT_DEFECT, "split", "key", "inspector");
    assert_string_equal(waiting(f, f->lea, 0), "0:dispute");
    assert_ok(db_class_list(f->db, &rows, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, "split") == 0)
            assert_ok(db_class_change(f->db, f->lea, rows[i].id, CLASS_MERGE, "crack", &err), &err);
    class_free(rows, count);
    assert_string_equal(waiting(f, f->lea, 0), "");
}

static void the_share_is_the_same_each_time_and_about_as_large_as_asked(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < PICTURES; i++)
        normal(f, f->ann, i);
    char *first = xstrdup(waiting(f, f->lea, 0.3));
    assert_string_equal(waiting(f, f->lea, 0.3), first);
    int count = 0;
    for (const char *p = first; (p = strchr(p, ':')); p++)
        count++;
    assert_in_range(count, 6, 12);
    free(first);
}

static void roles(void **state)
{
    struct fixture *f = *state;
    bool may;
    assert_ok(db_lead(f->db, f->ann, &may, &err), &err);
    assert_true(may); // nobody is named
    assert_ok(db_role_set(f->db, f->ann, f->lea, true, &err), &err);
    assert_ok(db_lead(f->db, f->ann, &may, &err), &err);
    assert_false(may);
    assert_ok(db_lead(f->db, f->lea, &may, &err), &err);
    assert_true(may);
    assert_status(db_role_set(f->db, f->ann, f->ann, true, &err), ST_INVALID, &err);
    assert_status(db_role_set(f->db, f->lea, f->lea, false, &err), ST_INVALID, &err); // the last one
    assert_status(db_lead_only(f->db, f->ann, "merging classes", &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "merging classes is a lead's"));
    assert_ok(db_lead_only(f->db, f->lea, "merging classes", &err), &err);
    assert_ok(db_role_set(f->db, f->lea, f->bob, true, &err), &err);
    assert_ok(db_role_set(f->db, f->bob, f->lea, false, &err), &err);
    struct user_row *rows;
    size_t count;
    normal(f, f->ann, 0);
    assert_ok(db_users(f->db, &rows, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_string_equal(rows[0].name, "Ann");
    assert_int_equal(rows[0].answers, 1);
    assert_true(!rows[0].lead && rows[1].lead && !rows[2].lead);
    user_free(rows, count);
}

static void collect(void *context, const struct comment_row *row)
{
    char *text = context;
    size_t n = strlen(text);
    snprintf(text + n, 400 - n, "%s>%s %s: %s;", row->from, row->to, strrchr(row->path, '/') + 1, row->text);
}

static void last_id(void *context, const struct comment_row *row)
{
    *(int64_t *)context = row->id;
}

static void comments(void **state)
{
    struct fixture *f = *state;
    char text[400] = "";
    int64_t last = 0;
    assert_ok(db_comment_add(f->db, f->lea, f->ann, f->pictures[3], "look at the rim", &err), &err);
    assert_ok(db_comments_new(f->db, f->ann, last_id, &last, &err), &err);
    assert_ok(db_comment_add(f->db, f->lea, f->ann, f->pictures[4], "and here", &err), &err);
    assert_status(db_comment_add(f->db, f->lea, f->ann, f->pictures[4], "", &err), ST_INVALID, &err);
    assert_ok(db_comments_new(f->db, f->bob, collect, text, &err), &err);
    assert_string_equal(text, "");
    assert_ok(db_comments_new(f->db, f->ann, collect, text, &err), &err);
    assert_string_equal(text, "Lea>Ann 03.png: look at the rim;Lea>Ann 04.png: and here;");
    assert_ok(db_comments_seen(f->db, f->ann, last, &err), &err);
    text[0] = '\0';
    assert_ok(db_comments_new(f->db, f->ann, collect, text, &err), &err); // what came later was not read
    assert_string_equal(text, "Lea>Ann 04.png: and here;");
    text[0] = '\0';
    assert_ok(db_comments_about(f->db, f->pictures[3], collect, text, &err), &err);
    assert_string_equal(text, "Lea>Ann 03.png: look at the rim;");
}

static void pair(void *context, const struct agree_row *row)
{
    char *text = context;
    size_t n = strlen(text);
    snprintf(text + n, 400 - n, "%s %s%s/%s%s%s;", row->person, verdict_name(row->verdicts[0]), row->classes[0],
             verdict_name(row->verdicts[1]), row->classes[1], row->blind ? "" : " seen");
}

static void agreement(void **state)
{
    struct fixture *f = *state;
    char text[400] = "";
    int64_t picture;
    normal(f, f->ann, 0);
    leads(f, 0, VERDICT_NORMAL);
    normal(f, f->bob, 1);
    leads(f, 1, VERDICT_DEFECT);
    normal(f, f->ann, 2);
    leads(f, 2, VERDICT_DEFECT);
    assert_ok(db_label_undo(f->db, f->lea, &picture, &err), &err); // never said
    leads(f, 3, VERDICT_NORMAL);                                   // to nothing
    normal(f, f->ann, 4);
    leads(f, 4, VERDICT_UNSURE);
    leads(f, 4, VERDICT_NORMAL); // the last one counts
    assert_ok(db_agreement(f->db, 0, 0, pair, text, &err), &err);
    assert_string_equal(text, "Ann normal/normal;Bob normal/defectcrack;Ann normal/normal;");
    text[0] = '\0';
    assert_ok(db_agreement(f->db, 0, clock_unix_ms() + 1000, pair, text, &err), &err);
    assert_string_equal(text, "");
}

static void word(void *context, const struct word_row *row)
{
    char *text = context;
    size_t n = strlen(text);
    snprintf(text + n, 400 - n, "%s %s%s%s;", row->person, verdict_name(row->verdict), row->lead ? " lead" : "", row->label ? " label" : "");
}

static void last_words(void **state)
{
    struct fixture *f = *state;
    char text[400] = "";
    normal(f, f->ann, 0);
    say(f, f->ann, 0, VERDICT_UNSURE, "", "", "inspector");
    leads(f, 0, VERDICT_DEFECT);
    normal(f, f->bob, 0);
    assert_ok(db_words(f->db, f->pictures[0], word, text, &err), &err);
    assert_string_equal(text, "Ann unsure;Lea defect lead label;Bob normal;");
}

static void row_text(void *context, const struct log_row *row)
{
    char *text = context;
    size_t n = strlen(text);
    snprintf(text + n, 600 - n, "%s %s %s%s%s;", row->kind, row->person, row->what, row->first[0] ? " " : "", row->first);
}

static const char *logged(struct fixture *f, struct log_filter filter, size_t page)
{
    static char text[600];
    struct log_key key = {0};
    size_t count = 1;
    text[0] = '\0';
    while (count > 0)
        assert_ok(db_log(f->db, &filter, &key, page, row_text, text, &count, &err), &err);
    return text;
}

static void the_log(void **state)
{
    struct fixture *f = *state;
    int64_t picture;
    normal(f, f->ann, 0);
    say(f, f->ann, 1, VERDICT_DEFECT, "crack", "stop", "inspector");
    assert_ok(db_label_undo(f->db, f->ann, &picture, &err), &err);
    leads(f, 0, VERDICT_NORMAL);
    assert_ok(db_comment_add(f->db, f->lea, f->ann, f->pictures[0], "look", &err), &err);
    assert_ok(db_log_add(f->db, "Bob", "backup", "", "b.tar", &err), &err);
    static const char all[] = "backup Bob  b.tar;comment Lea  Ann;answer Lea normal;undo Ann defect crack;"
                              "answer Ann defect crack;answer Ann normal;screening  screen 1;";
    // events of one millisecond come in the order of their kinds: compare what is there, in pages of any size
    char *one = xstrdup(logged(f, (struct log_filter){0}, 100));
    assert_int_equal(strlen(one), strlen(all));
    for (size_t page = 1; page < 4; page++)
        assert_string_equal(logged(f, (struct log_filter){0}, page), one);
    free(one);
    assert_string_equal(logged(f, (struct log_filter){.person = "bob"}, 10), "backup Bob  b.tar;");
    assert_string_equal(logged(f, (struct log_filter){.kind = "undo"}, 10), "undo Ann defect crack;");
    assert_string_equal(logged(f, (struct log_filter){.since_ms = clock_unix_ms() + 1000}, 10), "");
    assert_string_equal(logged(f, (struct log_filter){.until_ms = 1000}, 10), "");
    assert_string_equal(logged(f, (struct log_filter){.scene = f->scene + 1, .kind = "answer"}, 10), "");
}

static int64_t due(struct fixture *f, int64_t first)
{
    int64_t count;
    assert_ok(db_hook_add(f->db, "stop", first, &count, &err), &err);
    return count;
}

static void hooks(void **state)
{
    struct fixture *f = *state;
    struct hook_row row;
    struct hook_counts counts;
    int64_t picture, count;
    assert_int_equal(due(f, normal(f, f->ann, 0)), 0);
    assert_int_equal(due(f, say(f, f->ann, 1, VERDICT_DEFECT, "dust", "general", "inspector")), 0);
    int64_t stop = say(f, f->ann, 2, VERDICT_DEFECT, "crack", "stop", "inspector");
    assert_int_equal(due(f, stop), 1);
    assert_int_equal(due(f, stop), 0);                              // once
    assert_int_equal(due(f, leads(f, 2, VERDICT_DEFECT)), 0);       // nor for who agrees
    assert_status(db_hook_next(f->db, &row, &err), ST_OK, &err);
    assert_int_equal(row.event, stop);
    assert_string_equal(row.class_name, "crack");
    assert_true(row.stands);
    hook_clear(&row);
    assert_ok(db_hook_try(f->db, stop, 5000, &err), &err);
    assert_ok(db_hook_tell(f->db, stop, HOOK_DUE, "exit status 3", &err), &err);
    assert_ok(db_hook_counts(f->db, &counts, &err), &err);
    assert_true(counts.due == 1 && counts.failed == 0);
    assert_string_equal(counts.sentence, "exit status 3");
    assert_ok(db_hook_tell(f->db, stop, HOOK_FAILED, "given up", &err), &err);
    assert_status(db_hook_next(f->db, &row, &err), ST_NOT_FOUND, &err);
    assert_ok(db_hook_again(f->db, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_ok(db_hook_try(f->db, stop, 5000, &err), &err);
    assert_ok(db_hook_again(f->db, &count, &err), &err); // what waits need not
    assert_int_equal(count, 1);
    assert_ok(db_hook_next(f->db, &row, &err), &err);
    assert_true(row.next_ms == 0 && row.tries == 0);
    hook_clear(&row);
    assert_ok(db_hook_tell(f->db, stop, HOOK_DONE, "", &err), &err);
    int64_t second = say(f, f->bob, 3, VERDICT_DEFECT, "crack", "stop", "inspector");
    assert_int_equal(due(f, second), 1);
    assert_ok(db_label_undo(f->db, f->bob, &picture, &err), &err);
    assert_status(db_hook_next(f->db, &row, &err), ST_OK, &err);
    assert_false(row.stands);
    hook_clear(&row);
    assert_int_equal(findings(f), 0);
}

static bool never(void *context, double done)
{
    (void)context;
    (void)done;
    return false;
}

static void copies_of_the_database(void **state)
{
    struct fixture *f = *state;
    char *copy = file_join(f->dir, "copy.db"), *beside = file_join(f->dir, "copy.db-wal");
    struct db *other;
    struct verdict_row row;
    struct queue_item items[2];
    size_t leased = 0, free_there = 1;
    normal(f, f->ann, 0);
    assert_ok(db_queue_lease(f->db, "elsewhere", f->ann, 0, 2, 60000, NULL, 0, items, &leased, &err), &err);
    assert_status(db_backup(f->db, copy, never, NULL, &err), ST_OK, &err); // small: done in one step
    assert_status(db_backup(f->db, copy, NULL, NULL, &err), ST_INVALID, &err); // nothing is written over
    assert_false(file_exists(beside));
    assert_ok(db_inspect(copy, &err), &err);
    normal(f, f->ann, 1); // is not in it
    assert_ok(db_open(copy, &other, &err), &err);
    assert_ok(db_verdict_get(other, f->pictures[0], LABEL_REVIEW, &row, &err), &err);
    assert_int_equal(row.verdict, VERDICT_NORMAL);
    verdict_clear(&row);
    assert_ok(db_verdict_get(other, f->pictures[1], LABEL_REVIEW, &row, &err), &err);
    assert_int_equal(row.verdict, VERDICT_NONE);
    verdict_clear(&row);
    int64_t same = items[0].picture;
    assert_ok(db_queue_claim(other, "here", f->ann, 60000, &same, &free_there, &err), &err);
    assert_true(leased > 0 && free_there == 1); // nobody reviews the copy
    db_close(other);
    assert_ok(file_write(copy, "no database", 11, &err), &err);
    assert_status(db_inspect(copy, &err), ST_CORRUPT, &err);
    assert_status(db_backup(f->db, "/nowhere/copy.db", NULL, NULL, &err), ST_IO, &err);
    normal(f, f->ann, 2); // the handle is as before
    free(copy);
    free(beside);
}

// Two tables whose kappa and standard error can be had on paper.
static void the_interval_of_kappa(void **state)
{
    (void)state;
    // Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (3rd ed.), table 18.2: 0.68, 0.087
    static const int64_t fleiss[9] = {75, 1, 4, 5, 4, 1, 0, 0, 10};
    assert_true(fabs(rates_kappa(fleiss, 3) - 0.676) < 0.0015);
    assert_true(fabs(rates_kappa_error(fleiss, 3) - 0.087) < 0.0015);
    struct rates_interval i = rates_kappa_interval(fleiss, 3, 1.96);
    assert_true(i.low > 0.49 && i.low < 0.52 && i.high > 0.83 && i.high < 0.86);
    static const int64_t same[4] = {5, 0, 0, 5};
    i = rates_kappa_interval(same, 2, 1.96);
    assert_true(i.low == 1 && i.high == 1);
    static const int64_t none[4] = {0}, one[4] = {7, 0, 0, 0};
    assert_true(isnan(rates_kappa_error(none, 2)) && isnan(rates_kappa_error(one, 2)));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(a_leads_answer_is_the_label),
        WITH(what_waits_is_ordered_by_reason),
        WITH(one_class_by_two_names_is_no_dispute),
        WITH(the_share_is_the_same_each_time_and_about_as_large_as_asked),
        WITH(roles),
        WITH(comments),
        WITH(agreement),
        WITH(last_words),
        WITH(the_log),
        WITH(hooks),
        WITH(copies_of_the_database),
        cmocka_unit_test(the_interval_of_kappa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
