// What arrives while a revision is active: scores and the queue, drift, poor pictures and what people say
// about them.
#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>

#include "base/file.h"
#include "db/check.h"
#include "db/label.h"
#include "db/live.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"

enum { PICTURES = 6 };

struct fixture {
    char *path;
    struct db *db;
    int64_t scene, ann, revision, pictures[PICTURES];
};

static struct error err;

static int64_t add(struct fixture *f, int number, const char *unreadable)
{
    char path[64];
    int64_t id;
    enum picture_outcome outcome;
    snprintf(path, sizeof path, "/nowhere/%02d.png", number);
    struct picture_new p = {.scene = f->scene,
                            .path = path,
                            .bytes = 100,
                            .mtime_ns = number,
                            .width = 4,
                            .height = 3,
                            .channels = 1,
                            .format = "png",
                            .unreadable = unreadable};
    hash_bytes(&number, sizeof number, p.sha256);
    assert_ok(db_picture_add(f->db, &p, &id, &outcome, &err), &err);
    return id;
}

static int64_t new_revision(struct fixture *f)
{
    int64_t id;
    struct revision r = {.scene = f->scene, .threshold = 3, .flag_rate = 0.01};
    assert_ok(db_revision_begin(f->db, &r, &id, &err), &err);
    assert_ok(db_revision_finish(f->db, id, &err), &err);
    return id;
}

static int set_up(void **state)
{
    static int count;
    char name[32];
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(name, sizeof name, "%d.db", count++);
    f->path = file_join(scratch, name);
    assert_ok(db_create(f->path, &f->db, &err), &err);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    f->revision = new_revision(f);
    for (int i = 0; i < PICTURES; i++)
        f->pictures[i] = add(f, i, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    db_close(f->db);
    free(f->path);
    free(f);
    return 0;
}

static void on_finding(void *context, const char *sentence)
{
    printf("# %s\n", sentence);
    ++*(int *)context;
}

static void assert_sound(struct fixture *f)
{
    int count = 0;
    assert_ok(db_check(f->db, on_finding, &count, &err), &err);
    assert_int_equal(count, 0);
}

static struct scene_counts counts(struct fixture *f)
{
    struct scene_counts c;
    assert_ok(db_counts(f->db, f->scene, &c, &err), &err);
    return c;
}

static struct live_score score_of(struct fixture *f, int number, double score)
{
    return (struct live_score){
        .raw = score,
        .score = {.picture = f->pictures[number], .score = {.score = score}, .flagged = score >= 3}};
}

static size_t pending(struct fixture *f, enum live_pending which)
{
    int64_t *ids;
    size_t count;
    assert_ok(db_live_pending(f->db, f->scene, which, 0, 100, &ids, &count, &err), &err);
    free(ids);
    return count;
}

static void a_live_score_enters_the_queue(void **state)
{
    struct fixture *f = *state;
    struct drift drift = {0};
    struct live_score scores[] = {score_of(f, 0, 5), score_of(f, 1, 1), score_of(f, 2, 4)};
    assert_int_equal(pending(f, LIVE_ALL), PICTURES);
    assert_ok(db_live_scores(f->db, f->scene, f->revision, scores, 3, &drift, &err), &err);
    struct scene_counts c = counts(f);
    assert_int_equal(c.screened, 3);
    assert_int_equal(c.flagged, 2);
    assert_int_equal(c.open, 2);
    assert_int_equal(pending(f, LIVE_ALL), PICTURES - 3);
    // a second time it changes nothing, and an answered picture does not come back
    int64_t event;
    struct label l = {
        .picture = f->pictures[0], .person = f->ann, .role = "inspector", .verdict = VERDICT_NORMAL};
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
    scores[0].score.score.score = 9;
    assert_ok(db_live_scores(f->db, f->scene, f->revision, scores, 3, &drift, &err), &err);
    c = counts(f);
    assert_int_equal(c.screened, 3);
    assert_int_equal(c.open, 1);
    struct queue_item item;
    assert_ok(db_queue_item(f->db, f->pictures[0], &item, &err), &err);
    assert_true(item.score.score == 5);
    assert_sound(f);
}

static void a_revision_that_is_not_active_takes_none(void **state)
{
    struct fixture *f = *state;
    struct drift drift = {0};
    struct live_score score = score_of(f, 0, 5);
    int64_t old = f->revision;
    f->revision = new_revision(f);
    assert_status(db_live_scores(f->db, f->scene, old, &score, 1, &drift, &err), ST_BUSY, &err);
    assert_int_equal(counts(f).screened, 0);
    assert_int_equal(counts(f).open, 0);
    assert_sound(f);
}

static void drift_is_kept_to_the_last_bit(void **state)
{
    struct fixture *f = *state;
    struct drift drift = {0}, read;
    struct drift_finding finding;
    struct drift_row row;
    for (int i = 0; i < 500; i++) {
        struct drift_arrival a = {
            .picture = f->pictures[i % PICTURES], .score = 0.1 + i % 7 * 0.37, .level = 80, .sharp = -0.2};
        drift_add(&drift, &a, &finding);
    }
    struct live_score score = score_of(f, 0, 5);
    score.told = true;
    score.shift = 0.5;
    score.finding = (struct drift_finding){.since = f->pictures[2],
                                           .at = f->pictures[0],
                                           .after_count = 90,
                                           .before = 0.1,
                                           .after = 1.2,
                                           .level_before = 80,
                                           .level_after = NAN,
                                           .sharp_before = 0,
                                           .sharp_after = 1};
    assert_status(db_drift_last(f->db, f->scene, &row, &err), ST_NOT_FOUND, &err);
    assert_ok(db_live_scores(f->db, f->scene, f->revision, &score, 1, &drift, &err), &err);
    assert_ok(db_drift_get(f->db, f->scene, f->revision, &read, &err), &err);
    assert_true(read.rise == drift.rise && read.fall == drift.fall && read.base == drift.base &&
                read.place == drift.place && read.width == drift.width && read.start == drift.start &&
                read.spread == drift.spread && read.squares == drift.squares &&
                read.arrivals == drift.arrivals && read.settling == drift.settling &&
                read.moved == drift.moved);
    assert_memory_equal(&read.all, &drift.all, sizeof read.all);
    assert_memory_equal(&read.rising, &drift.rising, sizeof read.all);
    assert_memory_equal(&read.falling, &drift.falling, sizeof read.all);
    assert_ok(db_drift_last(f->db, f->scene, &row, &err), &err);
    assert_true(row.finding.since == f->pictures[2] && row.finding.after == 1.2 &&
                isnan(row.finding.level_after));
    assert_string_equal(row.since_path, "/nowhere/02.png");
    free(row.since_path);
    // a new revision begins anew
    assert_ok(db_drift_get(f->db, f->scene, new_revision(f), &read, &err), &err);
    assert_int_equal(read.arrivals, 0);
    assert_status(db_drift_last(f->db, f->scene, &row, &err), ST_NOT_FOUND, &err);
}

static void say(struct fixture *f, int number, enum label_source source, enum verdict verdict)
{
    int64_t event;
    struct label l = {.picture = f->pictures[number],
                      .person = f->ann,
                      .role = "inspector",
                      .source = source,
                      .verdict = verdict};
    assert_ok(db_label_add(f->db, &l, &event, &err), &err);
}

static enum poor_state state_of(struct fixture *f, int number)
{
    struct poor_row row;
    assert_ok(db_poor_get(f->db, f->pictures[number], &row, &err), &err);
    return row.state;
}

static void poor_pictures_wait_for_an_answer(void **state)
{
    struct fixture *f = *state;
    bool aside;
    int64_t picture;
    for (int i = 0; i < 3; i++) {
        assert_ok(db_poor_judge(f->db, f->pictures[i], POOR_BLURRED, "soft", &aside, &err), &err);
        assert_true(aside);
    }
    assert_int_equal(counts(f).poor, 3);
    assert_int_equal(counts(f).poor_open, 3);
    assert_int_equal(pending(f, LIVE_ALL), PICTURES - 3);
    say(f, 0, LABEL_QUALITY, VERDICT_FINE);
    say(f, 1, LABEL_QUALITY, VERDICT_POOR);
    say(f, 2, LABEL_REVIEW, VERDICT_DEFECT);
    assert_int_equal(state_of(f, 0), POOR_FINE);
    assert_int_equal(state_of(f, 1), POOR_CONFIRMED);
    assert_int_equal(state_of(f, 2), POOR_ANSWERED);
    assert_int_equal(counts(f).poor, 2);
    assert_int_equal(counts(f).poor_open, 0);
    assert_int_equal(counts(f).defects, 1);
    assert_int_equal(counts(f).answered,
                     1); // what is said about a picture's quality is no answer about what it shows
    assert_int_equal(pending(f, LIVE_FINE), 1);
    // judging anew takes nothing back that a person said
    assert_ok(db_poor_judge(f->db, f->pictures[0], POOR_DARK, "dark", &aside, &err), &err);
    assert_false(aside);
    assert_ok(db_poor_judge(f->db, f->pictures[1], POOR_NOT, "", &aside, &err), &err);
    assert_true(aside);
    // undo takes them back one by one, the review's own undo does not touch them
    assert_ok(db_poor_undo(f->db, f->ann, false, &picture, &err), &err);
    assert_int_equal(picture, f->pictures[1]);
    assert_int_equal(state_of(f, 1), POOR_OPEN);
    assert_ok(db_poor_undo(f->db, f->ann, true, &picture, &err), &err);
    assert_int_equal(state_of(f, 1), POOR_CONFIRMED);
    assert_ok(db_label_undo(f->db, f->ann, &picture, &err), &err);
    assert_int_equal(picture, f->pictures[2]);
    assert_int_equal(state_of(f, 2), POOR_OPEN);
    assert_sound(f);
    assert_ok(db_poor_judge(f->db, f->pictures[2], POOR_NOT, "", &aside, &err), &err);
    assert_false(aside);
    assert_int_equal(counts(f).poor, 1);
    assert_sound(f);
}

static void damaged_files_are_poor_pictures_until_they_are_whole(void **state)
{
    struct fixture *f = *state;
    struct poor_row *rows;
    size_t count;
    int64_t id = add(f, 50, "the file ends early");
    assert_int_equal(counts(f).poor_open, 1);
    assert_ok(db_poor_page(f->db, f->scene, 0, 10, &rows, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].picture, id);
    assert_string_equal(rows[0].kind, "damaged file");
    assert_string_equal(rows[0].why, "the file ends early");
    free(rows);
    struct picture_new whole = {.scene = f->scene,
                                .path = "/nowhere/50.png",
                                .bytes = 200,
                                .mtime_ns = 9,
                                .width = 4,
                                .height = 3,
                                .channels = 1,
                                .format = "png"};
    enum picture_outcome outcome;
    hash_bytes("whole", 5, whole.sha256);
    assert_ok(db_picture_add(f->db, &whole, &id, &outcome, &err), &err);
    assert_int_equal(counts(f).poor, 0);
    assert_sound(f);
}

static void measures_and_ranges_are_kept(void **state)
{
    struct fixture *f = *state;
    struct quality quality = {{90, 30, 0.25f, 0.5f, -0.5f, 0.125f, 0}}, read;
    struct quality_range range, back;
    struct quality_row *rows;
    int64_t *ids;
    size_t count;
    bool known;
    assert_ok(db_quality_get(f->db, f->pictures[0], &read, &known, &err), &err);
    assert_false(known);
    assert_ok(db_quality_set(f->db, f->pictures[0], &quality, &err), &err);
    assert_ok(db_quality_get(f->db, f->pictures[0], &read, &known, &err), &err);
    assert_true(known);
    assert_memory_equal(&read, &quality, sizeof read);
    assert_ok(db_quality_missing(f->db, f->scene, 0, 3, &ids, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_int_equal(ids[0], f->pictures[1]);
    free(ids);
    say(f, 0, LABEL_TRUTH, VERDICT_DEFECT);
    assert_ok(db_quality_page(f->db, f->scene, 0, 10, &rows, &count, &err), &err);
    assert_true(count == 1 && rows[0].known && rows[0].picture == f->pictures[0]);
    free(rows);
    assert_ok(db_quality_range_get(f->db, f->scene, &back, &err), &err);
    assert_int_equal(back.count, 0);
    quality_learn(&quality, 1, &range);
    assert_ok(db_quality_range_set(f->db, f->scene, &range, &err), &err);
    assert_ok(db_quality_range_get(f->db, f->scene, &back, &err), &err);
    assert_memory_equal(&range, &back, sizeof range);
}

static void another_connection_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct db *other;
    int64_t before, after;
    assert_ok(db_version(f->db, &before, &err), &err);
    add(f, 70, NULL);
    assert_ok(db_version(f->db, &after, &err), &err);
    assert_int_equal(before, after); // its own changes are no news
    assert_ok(db_open(f->path, &other, &err), &err);
    assert_ok(db_setting_set(other, "a", "b", &err), &err);
    db_close(other);
    assert_ok(db_version(f->db, &after, &err), &err);
    assert_int_not_equal(before, after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_live_score_enters_the_queue),
        TEST(a_revision_that_is_not_active_takes_none),
        TEST(drift_is_kept_to_the_last_bit),
        TEST(poor_pictures_wait_for_an_answer),
        TEST(damaged_files_are_poor_pictures_until_they_are_whole),
        TEST(measures_and_ranges_are_kept),
        TEST(another_connection_is_noticed),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
