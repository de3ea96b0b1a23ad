// bench_db ASSAY [PICTURES [FLAGGED [DIR]]]: a project with as many pictures (default 1,080,000, of which 40,000 flagged) and
// no picture files; then the times of what a person waits for, by calls of the database and over a pseudo-terminal. JSON
// lines with fixed names on stdout, the same as a table on stderr. DIR: made there and kept, or used as it stands there.
#include "config.h"

#include <inttypes.h>
#include <locale.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "db/check.h"
#include "db/find.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"
#include "tests/bench/big.h"
#include "tests/bench/must.h"

enum { SCENES = BIG_SCENES, ANSWERS = 300, AHEAD = 6, TTL_MS = 120000 };

extern char **environ;

static struct error err;

// --- measuring --------------------------------------------------------------

static int rising(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

void big_report(const char *what, double *ms, size_t count, double goal_ms)
{
    qsort(ms, count, sizeof *ms, rising);
    double median = ms[count / 2], most = ms[count - 1];
    printf("{\"bench\":\"db\",\"what\":\"%s\",\"count\":%zu,\"median_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", what,
           count, median, ms[count * 99 / 100], most);
    fprintf(stderr, "%-34s %8.3f %8.3f %8.3f", what, median, ms[count * 99 / 100], most);
    if (goal_ms > 0)
        fprintf(stderr, "  goal %.0f: %s", goal_ms, most < goal_ms ? "held" : "MISSED");
    fputc('\n', stderr);
}

struct reviewer {
    struct db *db;
    int64_t person;
    struct queue_item held[AHEAD];
    size_t count;
};

// What the screen needs of one picture.
static void show_as(struct reviewer *r, int64_t id, bool tile)
{
    struct queue_item item;
    struct picture row;
    struct verdict_row verdict;
    struct scene scene;
    struct revision revision;
    struct scene_counts counts;
    must(tile ? db_queue_tile(r->db, id, &item, &err) : db_queue_item(r->db, id, &item, &err), &err);
    must(db_picture_get(r->db, id, &row, &err), &err);
    must(db_verdict_get(r->db, id, LABEL_REVIEW, &verdict, &err), &err);
    must(db_scene_get(r->db, row.scene, NULL, &scene, &err), &err);
    must(db_revision_get(r->db, item.revision, &revision, &err), &err);
    must(db_counts(r->db, 0, &counts, &err), &err);
    picture_clear(&row);
    verdict_clear(&verdict);
    scene_clear(&scene);
}

static void show(struct reviewer *r, int64_t id)
{
    show_as(r, id, false);
}

static void lease(struct reviewer *r)
{
    must(db_queue_lease(r->db, "bench", r->person, 0, AHEAD, TTL_MS, NULL, 0, r->held, &r->count, &err), &err);
    if (r->count == 0) {
        fputs("bench-db: the queue is empty\n", stderr);
        exit(1);
    }
}

static void open_review(const char *path, struct reviewer *r)
{
    struct scene_counts counts;
    must(db_open(path, &r->db, &err), &err);
    must(db_person_ensure(r->db, "bench", &r->person, &err), &err);
    must(db_counts(r->db, 0, &counts, &err), &err);
    lease(r);
    show(r, r->held[0].picture);
}

static void measure_review(const char *path)
{
    static double open_ms[20], answer_ms[ANSWERS], next_ms[ANSWERS], undo_ms[ANSWERS];
    struct reviewer r;
    for (int i = 0; i < 20; i++) {
        double started = clock_seconds();
        open_review(path, &r);
        open_ms[i] = 1000 * (clock_seconds() - started);
        db_close(r.db);
    }
    open_review(path, &r);
    for (int i = 0; i < ANSWERS; i++) {
        struct label l = {.picture = r.held[0].picture, .person = r.person, .role = "inspector",
                          .verdict = i % 10 ? VERDICT_NORMAL : VERDICT_SKIP, .class_name = "", .severity = ""};
        int64_t event;
        double started = clock_seconds();
        must(db_label_add(r.db, &l, &event, &err), &err);
        double said = clock_seconds();
        lease(&r);
        show(&r, r.held[0].picture);
        answer_ms[i] = 1000 * (said - started);
        next_ms[i] = 1000 * (clock_seconds() - said);
    }
    for (int i = 0; i < ANSWERS; i++) {
        int64_t picture;
        double started = clock_seconds();
        must(db_label_undo(r.db, r.person, &picture, &err), &err);
        show(&r, picture);
        undo_ms[i] = 1000 * (clock_seconds() - started);
    }
    big_report("open review", open_ms, 20, 200);
    big_report("answer saved (fsync)", answer_ms, ANSWERS, 0);
    big_report("next picture", next_ms, ANSWERS, 50);
    big_report("undo and show", undo_ms, ANSWERS, 50);
    db_close(r.db);
}

static void measure_pages(const char *path, int64_t pictures)
{
    static double counts_ms[50], page_ms[50], find_ms[50], opens_ms[50];
    struct db *db;
    must(db_open(path, &db, &err), &err);
    struct rng rng = rng_seed(1);
    for (int i = 0; i < 50; i++) {
        struct scene_counts counts;
        struct picture *rows, one;
        struct db *other;
        size_t count;
        int64_t id, after = (int64_t)rng_below(&rng, (uint64_t)pictures);
        double t0 = clock_seconds();
        for (int64_t scene = 0; scene <= SCENES; scene++)
            must(db_counts(db, scene, &counts, &err), &err);
        double t1 = clock_seconds();
        must(db_picture_page(db, 1 + i % SCENES, i % 2, after, 100, &rows, &count, &err), &err);
        double t2 = clock_seconds();
        for (size_t k = 0; k < count; k++)
            picture_clear(&rows[k]);
        free(rows);
        must(db_picture_get(db, 1 + after, &one, &err), &err);
        double t3 = clock_seconds();
        must(db_picture_find(db, one.path + strlen("/camera/"), &id, &err), &err);
        double t4 = clock_seconds();
        picture_clear(&one);
        must(db_open(path, &other, &err), &err);
        double t5 = clock_seconds();
        db_close(other);
        counts_ms[i] = 1000 * (t1 - t0);
        page_ms[i] = 1000 * (t2 - t1);
        find_ms[i] = 1000 * (t4 - t3);
        opens_ms[i] = 1000 * (t5 - t4);
    }
    big_report("open database", opens_ms, 50, 0);
    big_report("status counts", counts_ms, 50, 0);
    big_report("page of 100", page_ms, 50, 0);
    big_report("find by path's end", find_ms, 50, 0);
    db_close(db);
}

// Every filter of the find view in every order, a page after the other until the end.
static void measure_find(const char *path)
{
    static const struct {
        const char *name;
        struct find_filter filter;
    } finds[] = {
        {"nothing asked", {0}},
        {"class", {.class_name = "class 07"}},
        {"severity", {.severity = "stop"}},
        {"score from, to", {.has_least = true, .least = 9.7, .has_most = true, .most = 9.8}},
        {"date", {.since_ms = 1}},
        {"scene", {.scene = 2}},
        {"inspector", {.person = "wang"}},
        {"verdict defect", {.has_verdict = true, .verdict = VERDICT_DEFECT}},
        {"verdict open", {.has_verdict = true, .verdict = VERDICT_NONE}},
        {"path", {.path = "0007.jpg"}},
        {"class, severity, person, scene", {.class_name = "class", .severity = "key", .person = "wang", .scene = 3}},
        {"class and path that few have", {.class_name = "class 07", .path = "55.jpg"}},
        {"no such class", {.class_name = "no such"}},
        {"no such path", {.path = "no such path"}},
        {"no such date", {.until_ms = 1}},
        {"no such person", {.person = "no such"}},
        {"no such score", {.has_least = true, .least = 99}},
    };
    static const char *const orders[] = {"answered", "score", "added"};
    static double ms[400];
    for (size_t k = 0; k < 3 * sizeof finds / sizeof *finds; k++) {
        struct find_filter filter = finds[k / 3].filter;
        struct db *db;
        size_t n = 0, found = 0;
        bool more = true;
        filter.order = (enum find_order)(k % 3);
        must(db_open(path, &db, &err), &err);
        struct find_key after = FIND_BEGIN(&filter);
        double began = clock_seconds();
        for (; more && n < sizeof ms / sizeof *ms; n++) { // pages on, as one scrolls
            struct find_result *rows;
            size_t count;
            double started = clock_seconds();
            must(db_find(db, &filter, &after, 100, &rows, &count, &more, &err), &err);
            ms[n] = 1000 * (clock_seconds() - started);
            find_result_free(rows, count);
            found += count;
        }
        double all = clock_seconds() - began;
        char *name = xasprintf("find %s, by %s", finds[k / 3].name, orders[k % 3]);
        big_report(name, ms, n, 50);
        fprintf(stderr, "    %zu%s found in %zu slices, %.2f s\n", found, more ? " and more" : "", n, all);
        free(name);
        db_close(db);
    }
}

// What the screen needs of 70 pictures.
static void measure_grid(const char *path)
{
    static double ms[50];
    struct reviewer r;
    open_review(path, &r);
    int64_t *ids;
    size_t count, pages = 0;
    must(db_queue_ids(r.db, "bench", 1, 50 * 70, &ids, &count, &err), &err);
    for (; pages < 50 && (pages + 1) * 70 <= count; pages++) {
        double started = clock_seconds();
        for (size_t k = 0; k < 70; k++)
            show_as(&r, ids[pages * 70 + k], true);
        ms[pages] = 1000 * (clock_seconds() - started);
    }
    if (pages > 0)
        big_report("page of the grid (70)", ms, pages, 50);
    free(ids);
    db_close(r.db);
}

static void count_finding(void *context, const char *sentence)
{
    ++*(int *)context;
    fprintf(stderr, "check: %s\n", sentence);
}

static void measure_check(const char *path)
{
    struct db *db;
    int findings = 0;
    must(db_open(path, &db, &err), &err);
    double started = clock_seconds(), ms;
    must(db_check(db, count_finding, &findings, &err), &err);
    ms = 1000 * (clock_seconds() - started);
    big_report("check of the database", &ms, 1, 0);
    db_close(db);
    if (findings)
        exit(1);
}

static void init(const char *assay, const char *dir)
{
    char *argv[] = {(char *)assay, (char *)"init", (char *)dir, NULL};
    pid_t pid;
    int status = -1;
    if (posix_spawn(&pid, assay, NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        fputs("bench-db: `assay init` failed\n", stderr);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    long long pictures = argc > 2 ? atoll(argv[2]) : 1080000, flagged = argc > 3 ? atoll(argv[3]) : 40000;
    if (argc < 2 || pictures < 10 * ANSWERS || flagged < 2 * BIG_ANSWERED * ANSWERS || flagged > pictures) {
        fprintf(stderr, "usage: %s ASSAY [PICTURES [FLAGGED [DIR]]]\n", argv[0]);
        return 2;
    }
    setlocale(LC_CTYPE, "C.UTF-8");
    char own[] = "/tmp/assay-bench-db-XXXXXX", *assay = realpath(argv[1], NULL), *dir = argc > 4 ? argv[4] : mkdtemp(own);
    if (!assay || !dir) {
        perror(assay ? own : argv[1]);
        return 1;
    }
    char *path = file_join(dir, "project.db");
    if (!file_exists(path)) {
        init(assay, dir);
        double started = clock_seconds();
        big_fill(path, pictures, flagged);
        fprintf(stderr, "%lld pictures, %lld flagged, made in %.0f s\n", pictures, flagged, clock_seconds() - started);
    }
    fprintf(stderr, "%-34s %8s %8s %8s\n", "milliseconds", "median", "99 %", "most");
    big_screen(assay, dir);
    measure_review(path);
    measure_pages(path, pictures);
    measure_find(path);
    measure_grid(path);
    measure_check(path);
    char *command = xasprintf("rm -rf '%s'", dir);
    int failed = argc > 4 ? 0 : system(command);
    free(command);
    free(path);
    free(assay);
    return failed != 0;
}
