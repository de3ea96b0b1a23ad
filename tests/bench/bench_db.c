// bench_db [PICTURES [FLAGGED]]: a project's database with as many pictures
// (default 1,000,000, of which 4,000 flagged) and no picture files; then the
// times of what a person waits for. JSON lines with fixed names on stdout, the
// same as a table on stderr.
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "db/db.h"

enum { BATCH = 5000, SCENES = 3, ANSWERS = 300, AHEAD = 6, TTL_MS = 120000, TRUTH_SHARE = 10 };

static struct error err;

static void must(enum status status)
{
    if (status == ST_OK)
        return;
    fprintf(stderr, "bench-db: %s\n", err.text);
    exit(1);
}

// --- filling --------------------------------------------------------------

static void add_picture(struct db *db, int64_t scene, int64_t number)
{
    char path[96], group[32];
    enum picture_outcome outcome;
    int64_t id;
    snprintf(path, sizeof path, "/camera/%" PRId64 "/%04" PRId64 "/%09" PRId64 ".jpg", scene, number / 1000, number);
    snprintf(group, sizeof group, "wagon-%" PRId64, number / 8);
    struct picture_new p = {.scene = scene, .path = path, .bytes = 300000 + (uint64_t)number, .mtime_ns = number,
                            .width = 1920, .height = 1080, .channels = 3, .format = "jpeg", .group = group,
                            .camera = "left", .taken = "2026-01-01T00:00:00"};
    hash_bytes(&number, sizeof number, p.sha256);
    if (number % 5000 == 17)
        p.unreadable = "the file ends early";
    must(db_picture_add(db, &p, &id, &outcome, &err));
}

static void fill_scene(struct db *db, int64_t scene, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i += BATCH) {
        must(db_begin(db, &err));
        for (int64_t k = i; k < i + BATCH && k < count; k++)
            add_picture(db, scene, first + k);
        must(db_commit(db, &err));
    }
}

static void import_answers(struct db *db, const struct picture *rows, size_t count)
{
    int64_t person;
    bool added;
    must(db_person_ensure(db, "import", &person, &err));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id % TRUTH_SHARE)
            continue;
        struct label l = {.picture = rows[i].id, .person = person, .role = "import", .source = LABEL_TRUTH,
                          .verdict = VERDICT_NORMAL, .class_name = "", .severity = ""};
        must(db_truth_add(db, &l, "", &added, &err));
    }
}

static void screen_scene(struct db *db, int64_t scene, double flag_rate)
{
    struct revision r = {.scene = scene, .threshold = 2.4, .flag_rate = flag_rate, .believed = 1};
    struct rng rng = rng_seed((uint64_t)scene);
    struct score_new *scores = xcalloc(BATCH, sizeof *scores);
    struct heat heat = {.rows = 24, .cols = 32};
    int64_t id, after = 0;
    must(db_revision_begin(db, &r, &id, &err));
    for (;;) {
        struct picture *rows;
        size_t count;
        must(db_picture_page(db, scene, false, after, BATCH, &rows, &count, &err));
        for (size_t i = 0; i < count; i++) {
            double score = 10 * rng_uniform(&rng);
            scores[i] = (struct score_new){.picture = rows[i].id, .score = {.score = score},
                                           .flagged = score > 10 * (1 - flag_rate), .heat = &heat};
            after = rows[i].id;
        }
        must(db_begin(db, &err));
        must(db_revision_scores(db, id, scores, count, &err));
        import_answers(db, rows, count);
        must(db_commit(db, &err));
        for (size_t i = 0; i < count; i++)
            picture_clear(&rows[i]);
        free(rows);
        if (count < BATCH)
            break;
    }
    free(scores);
    double started = clock_seconds();
    must(db_revision_finish(db, id, &err));
    fprintf(stderr, "scene %" PRId64 ": revision active after %.0f ms\n", scene, 1000 * (clock_seconds() - started));
}

// --- measuring --------------------------------------------------------------

static int rising(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

// goal_ms 0: none.
static void report(const char *what, double *ms, size_t count, double goal_ms)
{
    qsort(ms, count, sizeof *ms, rising);
    double median = ms[count / 2], most = ms[count - 1];
    printf("{\"bench\":\"db\",\"what\":\"%s\",\"count\":%zu,\"median_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", what,
           count, median, ms[count * 99 / 100], most);
    fprintf(stderr, "%-24s %8.3f %8.3f %8.3f", what, median, ms[count * 99 / 100], most);
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
    must(tile ? db_queue_tile(r->db, id, &item, &err) : db_queue_item(r->db, 0, id, &item, &err));
    must(db_picture_get(r->db, id, &row, &err));
    must(db_verdict_get(r->db, id, LABEL_REVIEW, &verdict, &err));
    must(db_scene_get(r->db, row.scene, NULL, &scene, &err));
    must(db_revision_get(r->db, item.revision, &revision, &err));
    must(db_counts(r->db, 0, &counts, &err));
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
    must(db_queue_lease(r->db, "bench", r->person, 0, AHEAD, TTL_MS, NULL, 0, r->held, &r->count, &err));
    if (r->count == 0) {
        fputs("bench-db: the queue is empty\n", stderr);
        exit(1);
    }
}

static void open_review(const char *path, struct reviewer *r)
{
    struct scene_counts counts;
    must(db_open(path, &r->db, &err));
    must(db_person_ensure(r->db, "bench", &r->person, &err));
    must(db_counts(r->db, 0, &counts, &err));
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
        must(db_label_add(r.db, &l, &event, &err));
        double said = clock_seconds();
        lease(&r);
        show(&r, r.held[0].picture);
        answer_ms[i] = 1000 * (said - started);
        next_ms[i] = 1000 * (clock_seconds() - said);
    }
    for (int i = 0; i < ANSWERS; i++) {
        int64_t picture;
        double started = clock_seconds();
        must(db_label_undo(r.db, r.person, &picture, &err));
        show(&r, picture);
        undo_ms[i] = 1000 * (clock_seconds() - started);
    }
    report("open review", open_ms, 20, 200);
    report("answer saved (fsync)", answer_ms, ANSWERS, 0);
    report("next picture", next_ms, ANSWERS, 50);
    report("undo and show", undo_ms, ANSWERS, 50);
    db_close(r.db);
}

static void measure_pages(const char *path, int64_t pictures)
{
    static double counts_ms[50], page_ms[50], find_ms[50], opens_ms[50];
    struct db *db;
    must(db_open(path, &db, &err));
    struct rng rng = rng_seed(1);
    for (int i = 0; i < 50; i++) {
        struct scene_counts counts;
        struct picture *rows, one;
        struct db *other;
        size_t count;
        int64_t id, after = (int64_t)rng_below(&rng, (uint64_t)pictures);
        double t0 = clock_seconds();
        for (int64_t scene = 0; scene <= SCENES; scene++)
            must(db_counts(db, scene, &counts, &err));
        double t1 = clock_seconds();
        must(db_picture_page(db, 1 + i % SCENES, i % 2, after, 100, &rows, &count, &err));
        double t2 = clock_seconds();
        for (size_t k = 0; k < count; k++)
            picture_clear(&rows[k]);
        free(rows);
        must(db_picture_get(db, 1 + after, &one, &err));
        double t3 = clock_seconds();
        must(db_picture_find(db, one.path + strlen("/camera/"), &id, &err));
        double t4 = clock_seconds();
        picture_clear(&one);
        must(db_open(path, &other, &err));
        double t5 = clock_seconds();
        db_close(other);
        counts_ms[i] = 1000 * (t1 - t0);
        page_ms[i] = 1000 * (t2 - t1);
        find_ms[i] = 1000 * (t4 - t3);
        opens_ms[i] = 1000 * (t5 - t4);
    }
    report("open database", opens_ms, 50, 0);
    report("status counts", counts_ms, 50, 0);
    report("page of 100", page_ms, 50, 0);
    report("find by path's end", find_ms, 50, 0);
    db_close(db);
}

// A page of the find view, and a page of the grid: what the screen needs of 70 pictures.
static void measure_views(const char *path)
{
    static const struct find_filter filters[] = {{.order = FIND_SCORE}, {.order = FIND_ADDED}, {.order = FIND_ANSWERED},
                                                 {.order = FIND_ADDED, .path = "no such path"},
                                                 {.order = FIND_SCORE, .has_verdict = true, .verdict = VERDICT_DEFECT}};
    static const char *const names[] = {"find by score", "find by addition", "find by answer", "find nothing, added",
                                        "find nothing, score"};
    static double ms[50];
    struct reviewer r;
    for (int k = 0; k < 5; k++) {
        struct db *db;
        must(db_open(path, &db, &err));
        struct find_key after = FIND_BEGIN(&filters[k]);
        for (int i = 0; i < 50; i++) { // pages on, as one scrolls
            struct find_result *rows;
            size_t count;
            bool more;
            double started = clock_seconds();
            must(db_find(db, &filters[k], &after, 100, &rows, &count, &more, &err));
            ms[i] = 1000 * (clock_seconds() - started);
            find_result_free(rows, count);
            if (!more)
                after = FIND_BEGIN(&filters[k]);
        }
        report(names[k], ms, 50, 50);
        db_close(db);
    }
    open_review(path, &r);
    int64_t *ids;
    size_t count;
    must(db_queue_ids(r.db, "bench", 1, 1000, &ids, &count, &err));
    for (size_t i = 0; i < 10 && (i + 1) * 70 <= count; i++) {
        double started = clock_seconds();
        for (size_t k = 0; k < 70; k++)
            show_as(&r, ids[i * 70 + k], true);
        ms[i] = 1000 * (clock_seconds() - started);
    }
    if (count >= 700)
        report("page of the grid (70)", ms, 10, 50);
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
    must(db_open(path, &db, &err));
    double started = clock_seconds(), ms;
    must(db_check(db, count_finding, &findings, &err));
    ms = 1000 * (clock_seconds() - started);
    report("check of the database", &ms, 1, 0);
    db_close(db);
    if (findings)
        exit(1);
}

int main(int argc, char **argv)
{
    long long pictures = argc > 1 ? atoll(argv[1]) : 1000000, flagged = argc > 2 ? atoll(argv[2]) : 4000;
    if (pictures < 10 * ANSWERS || flagged < 2 * ANSWERS || flagged > pictures) {
        fprintf(stderr, "usage: %s [PICTURES [FLAGGED]]\n", argv[0]);
        return 2;
    }
    char dir[] = "/tmp/assay-bench-db-XXXXXX";
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    char *path = file_join(dir, "project.db");
    struct db *db;
    must(db_create(path, &db, &err));
    double started = clock_seconds();
    for (int s = 0; s < SCENES; s++) {
        char name[32];
        int64_t scene, part = pictures / SCENES + (s < pictures % SCENES);
        snprintf(name, sizeof name, "scene%d", s + 1);
        must(db_scene_ensure(db, name, &scene, &err));
        fill_scene(db, scene, s * (pictures / SCENES + 1), part);
        screen_scene(db, scene, (double)flagged / (double)pictures);
    }
    db_close(db);
    fprintf(stderr, "%lld pictures, %lld flagged, made in %.0f s\n%-24s %8s %8s %8s\n", pictures, flagged,
            clock_seconds() - started, "milliseconds", "median", "99 %", "most");
    measure_review(path);
    measure_pages(path, pictures);
    measure_views(path);
    measure_check(path);
    char *command = xasprintf("rm -rf '%s'", dir);
    int failed = system(command);
    free(command);
    free(path);
    return failed != 0;
}
