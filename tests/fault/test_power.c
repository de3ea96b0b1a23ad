// The power goes while answers are given, at very many places: what was
// confirmed (the call returned) is there afterwards, and the database is whole.
// SIGKILL does not show this: the kernel still writes what a killed program wrote.
#include "config.h"

#include "tests/unit/test.h"

#include <sqlite3.h>

#include "base/file.h"
#include "db/check.h"
#include "db/class.h"
#include "db/handle.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"
#include "tests/fault/power.h"

enum { PICTURES = 40, STEPS = 260, CUTS = 200 };


struct model { // what was confirmed
    enum verdict said[STEPS];
    int picture[STEPS], count, kept;
    bool undone[STEPS];
};

struct fixture {
    struct power *power;
    char dir[32], *path, *pristine;
    struct db *db, *keeper;
    int64_t person, scene, pictures[PICTURES], revision;
};

static struct error err;

static enum status make_project(struct fixture *f)
{
    enum status status = db_create(f->path, &f->db, &err);
    if (status == ST_OK)
        status = db_scene_ensure(f->db, "belt", &f->scene, &err);
    if (status == ST_OK)
        status = db_person_ensure(f->db, "Ann", &f->person, &err);
    struct score_new scores[PICTURES] = {0};
    for (int i = 0; i < PICTURES && status == ST_OK; i++) {
        char path[64];
        enum picture_outcome outcome;
        snprintf(path, sizeof path, "/nowhere/belt/%02d.png", i);
        struct picture_new p = {.scene = f->scene, .path = path, .bytes = 100, .width = 4, .height = 3, .channels = 1,
                                .format = "png", .group = "g"};
        hash_bytes(&i, sizeof i, p.sha256);
        status = db_picture_add(f->db, &p, &f->pictures[i], &outcome, &err);
        scores[i] = (struct score_new){.picture = f->pictures[i], .score = {.score = 50 - i}, .flagged = true};
    }
    struct revision r = {.scene = f->scene, .threshold = 2, .flag_rate = 0.5, .believed = PICTURES};
    if (status == ST_OK)
        status = db_revision_begin(f->db, &r, &f->revision, &err);
    if (status == ST_OK)
        status = db_revision_scores(f->db, f->revision, scores, PICTURES, &err);
    return status == ST_OK ? db_revision_finish(f->db, f->revision, &err) : status;
}

static void remove_files(struct fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *path = xasprintf("%s%s", f->path, ends[i]);
        unlink(path);
        free(path);
    }
}

static void close_all(struct fixture *f)
{
    if (f->keeper)
        db_close(f->keeper);
    if (f->db)
        db_close(f->db);
    f->db = f->keeper = NULL;
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    memcpy(f->dir, "/tmp/assay-power-XXXXXX", 24);
    if (!mkdtemp(f->dir))
        return -1;
    f->path = file_join(f->dir, "project.db");
    f->pristine = file_join(f->dir, "pristine.db");
    f->power = power_new();
    power_start(f->power, 0);
    assert_ok(make_project(f), &err);
    close_all(f); // the last connection folds the WAL into the database
    assert_int_equal(rename(f->path, f->pristine), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_all(f);
    power_free(f->power);
    remove_files(f);
    unlink(f->pristine);
    int failed = rmdir(f->dir);
    free(f->path);
    free(f->pristine);
    free(f);
    return failed;
}

static void take_pristine(struct fixture *f)
{
    unsigned char *bytes;
    size_t count;
    remove_files(f);
    assert_ok(file_read(f->pristine, 1 << 24, &bytes, &count, &err), &err);
    FILE *out = fopen(f->path, "wb"); // file_write would wait for the real disk
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, count, out), count);
    assert_int_equal(fclose(out), 0);
    free(bytes);
}

// --- the work that is cut off ---------------------------------------------------

static int last_standing(const struct model *m)
{
    int i = m->count - 1;
    while (i >= 0 && m->undone[i])
        i--;
    return i;
}

// One step of a reviewer and of the copying beside it. `next`: what holds if it is carried out.
static enum status work(struct fixture *f, int step, struct rng *rng, const struct model *now, struct model *next)
{
    int64_t touched, event, class_id;
    int last = last_standing(now);
    *next = *now;
    if (step % 9 == 8) { // labelled pictures are copied by another thread with its own connection
        next->kept++;
        return db_picture_set_kept(f->keeper, f->pictures[step % PICTURES], "pictures/copy", &err);
    }
    if (step % 7 == 6 && last >= 0) {
        next->undone[last] = true;
        return db_label_undo(f->db, f->person, &touched, &err);
    }
    struct queue_item items[2];
    size_t leased;
    int picture = (int)rng_below(rng, PICTURES);
    enum verdict verdict = (enum verdict)(1 + rng_below(rng, 3));
    enum status status = db_queue_lease(f->db, "s", f->person, 0, 2, 60000, NULL, 0, items, &leased, &err);
    if (status == ST_OK && verdict == VERDICT_DEFECT)
        status = db_class_ensure(f->db, "tear", "stop", &class_id, &err);
    struct label l = {.picture = f->pictures[picture], .person = f->person, .role = "inspector", .verdict = verdict,
                      .class_name = verdict == VERDICT_DEFECT ? "tear" : "", .severity = "", .revision = f->revision};
    next->said[next->count] = verdict;
    next->picture[next->count++] = picture;
    return status == ST_OK ? db_label_add(f->db, &l, &event, &err) : status;
}

// Returns what was confirmed in `m`, what the step that failed would have made in `maybe`.
static void run(struct fixture *f, uint64_t seed, const char *pragma, struct model *m, struct model *maybe)
{
    struct rng rng = rng_seed(seed);
    struct model next;
    memset(m, 0, sizeof *m);
    enum status status = db_open(f->path, &f->db, &err);
    if (status == ST_OK)
        status = db_open(f->path, &f->keeper, &err);
    if (status == ST_OK && pragma && sqlite3_exec(f->db->sqlite, pragma, NULL, NULL, NULL) != SQLITE_OK)
        status = ST_IO;
    *maybe = *m;
    for (int i = 0; i < STEPS && status == ST_OK; i++) {
        status = work(f, i, &rng, m, &next);
        *maybe = next;
        if (status == ST_OK)
            *m = next;
    }
    if (status != ST_OK && !power_is_off(f->power))
        fail_msg("with the power on: %s", err.text);
    close_all(f);
}

// --- what is there afterwards ---------------------------------------------------

static void print_finding(void *context, const char *sentence)
{
    ++*(int *)context;
    print_message("# %s\n", sentence);
}

static bool holds(struct fixture *f, const struct model *m)
{
    for (int p = 0; p < PICTURES; p++) {
        enum verdict want = VERDICT_NONE;
        struct verdict_row row;
        for (int i = 0; i < m->count; i++)
            if (m->picture[i] == p && !m->undone[i])
                want = m->said[i];
        assert_ok(db_verdict_get(f->db, f->pictures[p], LABEL_REVIEW, &row, &err), &err);
        bool same = row.verdict == want;
        verdict_clear(&row);
        if (!same)
            return false;
    }
    return true;
}

// Cut at operation `at`; whether everything confirmed is there. The database must be whole in any case.
static bool survives(struct fixture *f, int64_t at, struct rng *lucky, const char *pragma)
{
    struct model m, maybe;
    int findings = 0;
    take_pristine(f);
    power_start(f->power, at);
    run(f, 7, pragma, &m, &maybe);
    power_cut(f->power, lucky);
    assert_ok(db_open(f->path, &f->db, &err), &err);
    assert_ok(db_check(f->db, print_finding, &findings, &err), &err);
    if (findings)
        fail_msg("cut at operation %lld: the database is damaged", (long long)at);
    bool whole = holds(f, &m) || holds(f, &maybe);
    close_all(f);
    return whole;
}

static int64_t operations(struct fixture *f)
{
    struct model m, maybe;
    take_pristine(f);
    power_start(f->power, 0);
    run(f, 7, NULL, &m, &maybe);
    assert_true(m.count > STEPS / 2);
    return power_operations(f->power);
}

static void answers_are_synced_before_they_are_confirmed(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *stmt;
    take_pristine(f);
    power_start(f->power, 0);
    assert_ok(db_open(f->path, &f->db, &err), &err);
    assert_int_equal(sqlite3_prepare_v2(f->db->sqlite, "PRAGMA synchronous", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 2); // FULL
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_prepare_v2(f->db->sqlite, "PRAGMA journal_mode", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "wal");
    sqlite3_finalize(stmt);
}

static void confirmed_answers_survive(void **state, bool by_chance)
{
    struct fixture *f = *state;
    int64_t all = operations(f);
    struct rng rng = rng_seed(by_chance ? 3 : 1);
    for (int i = 0; i < CUTS; i++) { // one somewhere in each part, the first and the last operation too
        int64_t low = 1 + all * i / CUTS, high = 1 + all * (i + 1) / CUTS;
        int64_t at = i == 0 ? 1 : i + 1 == CUTS ? all : low + (int64_t)rng_below(&rng, (uint64_t)(high - low));
        if (!survives(f, at, by_chance ? &rng : NULL, NULL))
            fail_msg("cut at operation %lld of %lld: a confirmed answer is lost", (long long)at, (long long)all);
    }
    print_message("# %d cuts over %lld writes and syncs\n", CUTS, (long long)all);
}

static void confirmed_answers_survive_without_what_was_not_synced(void **state)
{
    confirmed_answers_survive(state, false);
}

static void confirmed_answers_survive_torn_writes(void **state)
{
    confirmed_answers_survive(state, true);
}

// The same cuts, the answers not synced: the test above must notice.
static void a_loss_would_be_seen(void **state)
{
    struct fixture *f = *state;
    int64_t all = operations(f);
    int lost = 0;
    for (int i = 1; i <= 20; i++)
        lost += !survives(f, all * i / 24, NULL, "PRAGMA synchronous=NORMAL");
    assert_true(lost > 10);
}

static void a_project_that_was_just_made_is_whole_or_made_again(void **state)
{
    struct fixture *f = *state;
    struct rng rng = rng_seed(11);
    remove_files(f);
    power_start(f->power, 0);
    assert_ok(make_project(f), &err);
    close_all(f);
    int64_t all = power_operations(f->power);
    for (int64_t at = 1; at <= all; at += 1 + all / 160) {
        int findings = 0;
        remove_files(f);
        power_start(f->power, at);
        enum status status = make_project(f);
        close_all(f);
        assert_true(power_is_off(f->power)); // while it was made, or while it was closed
        assert_true(status == ST_OK || status == ST_IO);
        power_cut(f->power, at % 2 ? &rng : NULL);
        if (!file_exists(f->path))
            continue;
        status = db_open(f->path, &f->db, &err);
        if (status == ST_CORRUPT) { // nothing of it was on the disk yet: that is said, and it can be made again
            assert_non_null(strstr(err.text, "empty, it holds no project"));
            remove_files(f);
            power_start(f->power, 0);
            assert_ok(make_project(f), &err);
        } else {
            assert_ok(status, &err);
        }
        assert_ok(db_check(f->db, print_finding, &findings, &err), &err);
        assert_int_equal(findings, 0);
        close_all(f);
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(answers_are_synced_before_they_are_confirmed),
        WITH(confirmed_answers_survive_without_what_was_not_synced),
        WITH(confirmed_answers_survive_torn_writes),
        WITH(a_loss_would_be_seen),
        WITH(a_project_that_was_just_made_is_whole_or_made_again),
    };
    return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
