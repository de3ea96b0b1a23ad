// How many answers it takes to find the defects of the magnetic-tile pictures, by group: asked at random, by
// falling score, and in the order of core/learn/acquire. Every answer is given in turn; a tile counts as
// found with its first picture. bench_acquire PICTURES [--seeds N] [--tiles N] [--cache FILE] [--only NAME]
// --tiles: defective tiles that are kept, drawn anew for each seed; 0 all (the set has far more defects than
// a line).
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "image/image.h"
#include "learn/acquire.h"
#include "nn/base.h"
#include "nn/blas.h"
#include "nn/embedded.h"
#include "screen/extract.h"
#include "screen/model.h"
#include "tests/bench/mtd.h"
#include "tests/bench/must.h"

enum { HORIZON = 64 };

struct bench {
    struct mtd mtd;
    int dim, from;
    float *embeddings; // (count, dim)
    float *patches;    // (count)
    size_t given;      // by the extractor
};

// ---- pictures ----

static bool next(void *context, struct extract_item *item)
{
    struct bench *b = context;
    if (b->given == b->mtd.count)
        return false;
    *item = (struct extract_item){(int64_t)b->given, xstrdup(b->mtd.pictures[b->given].path)};
    b->given++;
    return true;
}

static enum status done(void *context, const struct extract_result *r, struct error *err)
{
    struct bench *b = context;
    if (r->status != ST_OK)
        return error_set(err, r->status, "%s", r->error.text);
    memcpy(b->embeddings + (size_t)r->id * (size_t)b->dim, r->embedding, (size_t)b->dim * sizeof(float));
    b->patches[r->id] = r->patch.measures[DETECTOR_PATCH];
    return ST_OK;
}

static void extract(struct bench *b)
{
    const unsigned char *bytes;
    size_t count;
    struct base *base;
    struct patch_model *patch;
    struct error err;
    must(embedded_base(&bytes, &count, NULL, &err), &err);
    must(base_open_bytes(bytes, count, EMBEDDED_NAME, &base, &err), &err);
    struct extract_config config = {.base = base,
                                    .settings = screen_settings_default,
                                    .limits = image_limits_default,
                                    .threads = parallel_cores()};
    struct extract_io io = {.context = b, .next = next, .done = done};
    b->dim = extract_dim(base);
    b->from = extract_from(base);
    b->embeddings = xcalloc(b->mtd.count * (size_t)b->dim, sizeof(float));
    b->patches = xcalloc(b->mtd.count, sizeof(float));
    must(extract_fit_patches(&config, &io, &patch, &err), &err);
    config.patch = patch;
    b->given = 0;
    must(extract_run(&config, &io, &err), &err);
    patch_free(patch);
    base_free(base);
}

// What was computed is kept in `path`, "" nowhere.
static void features(struct bench *b, const char *path)
{
    FILE *file = path[0] ? fopen(path, "rb") : NULL;
    size_t count = 0;
    if (file && fread(&b->dim, sizeof b->dim, 1, file) + fread(&b->from, sizeof b->from, 1, file) == 2) {
        b->embeddings = xcalloc(b->mtd.count * (size_t)b->dim, sizeof(float));
        b->patches = xcalloc(b->mtd.count, sizeof(float));
        count = fread(b->embeddings, sizeof(float) * (size_t)b->dim, b->mtd.count, file);
        count += fread(b->patches, sizeof(float), b->mtd.count, file);
    }
    if (file)
        fclose(file);
    if (count == 2 * b->mtd.count)
        return;
    extract(b);
    file = path[0] ? fopen(path, "wb") : NULL;
    if (file) {
        fwrite(&b->dim, sizeof b->dim, 1, file);
        fwrite(&b->from, sizeof b->from, 1, file);
        fwrite(b->embeddings, sizeof(float) * (size_t)b->dim, b->mtd.count, file);
        fwrite(b->patches, sizeof(float), b->mtd.count, file);
        fclose(file);
    }
}

// ---- a seed ----

struct pool {
    struct acquire_candidate *candidates;
    const struct mtd_picture **pictures;
    size_t count, defects, tiles_with;
};

static bool defective(const struct mtd_picture *t)
{
    return t->kind != MTD_FREE;
}

// Everything, or the normals and the pictures of `keep` defective tiles, scored as a scene without labels is.
static void make_pool(const struct bench *b, size_t keep, uint64_t seed, struct pool *pool)
{
    struct rng rng = rng_seed(seed);
    bool *bad = xcalloc(b->mtd.groups, sizeof *bad), *kept = xcalloc(b->mtd.groups, sizeof *kept);
    for (size_t i = 0; i < b->mtd.count; i++)
        bad[b->mtd.pictures[i].group] |= defective(&b->mtd.pictures[i]);
    for (size_t left = keep; left > 0;) {
        size_t g = rng_below(&rng, b->mtd.groups);
        left -= bad[g] && !kept[g];
        kept[g] |= bad[g];
    }
    struct screen_input *inputs = xcalloc(b->mtd.count, sizeof *inputs);
    struct screen_score *scores = xcalloc(b->mtd.count, sizeof *scores);
    bool *believed = xcalloc(b->mtd.count, sizeof *believed), *found = xcalloc(b->mtd.groups, sizeof *found);
    uint64_t *groups = xcalloc(b->mtd.count, sizeof *groups);
    *pool = (struct pool){.candidates = xcalloc(b->mtd.count, sizeof *pool->candidates),
                          .pictures = xcalloc(b->mtd.count, sizeof *pool->pictures)};
    size_t n = 0;
    for (size_t i = 0; i < b->mtd.count; i++) {
        const struct mtd_picture *t = &b->mtd.pictures[i];
        if (keep && bad[t->group] && !kept[t->group])
            continue;
        inputs[n] = (struct screen_input){.embedding = b->embeddings + i * (size_t)b->dim};
        for (int m = 0; m < DETECTORS_MEASURED; m++)
            inputs[n].measures[m] = m == DETECTOR_PATCH ? b->patches[i] : NAN;
        believed[n] = true;
        groups[n] = t->group;
        pool->defects += defective(t);
        pool->tiles_with += defective(t) && !found[t->group];
        found[t->group] |= defective(t);
        pool->pictures[n++] = t;
    }
    struct screen_model *model;
    struct acquire_projection projection;
    struct error err;
    float *rows = xcalloc(n * (size_t)b->dim, sizeof *rows);
    const struct screen_space space = {.dim = b->dim, .from = b->from, .alone = SCREEN_ALONE};
    must(screen_fit(inputs, n, &space, believed, groups, 0.004, seed, NULL, scores, &model, &err), &err);
    for (size_t i = 0; i < n; i++)
        memcpy(rows + i * (size_t)b->dim, inputs[i].embedding, (size_t)b->dim * sizeof *rows);
    must(acquire_projection_fit(rows, n, b->dim, &projection, &err), &err);
    for (size_t i = 0; i < n; i++) {
        struct acquire_candidate *c = &pool->candidates[i];
        *c = (struct acquire_candidate){.score = scores[i].score,
                                        .threshold = screen_threshold(model),
                                        .part_count = 2,
                                        .group = groups[i],
                                        .class_index = -1};
        c->parts[0] = scores[i].parts[DETECTOR_WHOLE];
        c->parts[1] = scores[i].parts[DETECTOR_PATCH];
        acquire_point(&projection, inputs[i].embedding, c->point);
    }
    pool->count = n;
    acquire_projection_clear(&projection);
    screen_free(model);
    free(rows);
    free(inputs);
    free(scores);
    free(believed);
    free(found);
    free(groups);
    free(bad);
    free(kept);
}

struct figures {
    double half, most; // answers until half and 90 % of the defective tiles are found
    double pictures_half, pictures_most;
    double ms; // for one answer and the new order
    double shares[ACQUIRE_SOURCES];
};

struct tally {
    bool *tiles;
    size_t asked, found, pictures;
};

static void count_answer(const struct pool *p, struct tally *t, size_t i, struct figures *f)
{
    const struct mtd_picture *tile = p->pictures[i];
    t->asked++;
    if (!defective(tile))
        return;
    t->found += !t->tiles[tile->group];
    t->tiles[tile->group] = true;
    t->pictures++;
    double asked = (double)t->asked;
    if (f->half == 0 && 2 * t->found >= p->tiles_with)
        f->half = asked;
    if (f->most == 0 && 10 * t->found >= 9 * p->tiles_with)
        f->most = asked;
    if (f->pictures_half == 0 && 2 * t->pictures >= p->defects)
        f->pictures_half = asked;
    if (f->pictures_most == 0 && 10 * t->pictures >= 9 * p->defects)
        f->pictures_most = asked;
}

struct ranked {
    double value;
    size_t index;
};

static int falling(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static void fixed_order(const struct bench *b, const struct pool *p, bool by_score, uint64_t seed,
                        struct figures *f)
{
    struct rng rng = rng_seed(seed);
    struct ranked *list = xcalloc(p->count, sizeof *list);
    struct tally t = {.tiles = xcalloc(b->mtd.groups, sizeof(bool))};
    for (size_t i = 0; i < p->count; i++)
        list[i] = (struct ranked){by_score ? p->candidates[i].score : rng_uniform(&rng), i};
    qsort(list, p->count, sizeof *list, falling);
    for (size_t i = 0; i < p->count; i++)
        count_answer(p, &t, list[i].index, f);
    free(list);
    free(t.tiles);
}

// only: one source has every turn, -1 the mixture.
static void asked_order(const struct bench *b, const struct pool *p, int only, uint64_t seed,
                        struct figures *f)
{
    struct acquire *a = acquire_new(p->candidates, p->count, MTD_KINDS);
    struct acquire_ask *asks = xcalloc(p->count, sizeof *asks);
    struct acquire_mix mix = {{0}, {0}};
    struct tally t = {.tiles = xcalloc(b->mtd.groups, sizeof(bool))};
    bool *answered = xcalloc(p->count, sizeof *answered);
    double started = clock_seconds();
    size_t turns[ACQUIRE_SOURCES] = {0};
    for (size_t n = 0; n < p->count; n++) {
        struct acquire_mix use = mix;
        for (int s = 0; s < ACQUIRE_SOURCES && only >= 0; s++) {
            use.gain[s] = s == only ? 1e6 : 0;
            use.loss[s] = s == only ? 0 : 1e6;
        }
        acquire_order(a, &use, HORIZON, rng_seed(seed * 100000 + n), asks);
        size_t at = SIZE_MAX;
        for (size_t i = 0; i < p->count; i++)
            if (!answered[i] && (at == SIZE_MAX || asks[i].place > asks[at].place))
                at = i;
        const struct mtd_picture *tile = p->pictures[at];
        if (f->most == 0)
            turns[asks[at].source]++;
        acquire_mix_learn(&mix, asks[at].source, acquire_surprise(asks[at].expected, defective(tile)));
        answered[at] = true;
        count_answer(p, &t, at, f);
        acquire_answer(a, at, defective(tile) ? ACQUIRE_DEFECT : ACQUIRE_NORMAL,
                       defective(tile) ? tile->kind : -1, false);
        if (f->pictures_most > 0)
            break;
    }
    f->ms = (clock_seconds() - started) * 1000 / (double)t.asked;
    for (int s = 0; s < ACQUIRE_SOURCES; s++)
        f->shares[s] = (double)turns[s] / f->most;
    acquire_free(a);
    free(asks);
    free(answered);
    free(t.tiles);
}

// ---- the table ----

enum { ROWS = 7 };
static const char *const row_names[ROWS] = {"random",  "score",    "anomalous", "uncertain",
                                            "diverse", "balanced", "mixture"};

static void spread(const struct figures *f, int seeds, size_t offset, double *mean, double *deviation)
{
    double sum = 0, square = 0;
    for (int i = 0; i < seeds; i++) {
        double x = *(const double *)((const char *)&f[i] + offset);
        sum += x;
        square += x * x;
    }
    *mean = sum / seeds;
    *deviation = seeds > 1 ? sqrt(fmax(0, (square - sum * sum / seeds) / (seeds - 1))) : 0;
}

static void print_row(const char *name, const struct figures *f, int seeds)
{
    static const size_t offsets[4] = {offsetof(struct figures, half), offsetof(struct figures, most),
                                      offsetof(struct figures, pictures_half),
                                      offsetof(struct figures, pictures_most)};
    printf("%-10s", name);
    for (int c = 0; c < 4; c++) {
        double mean, deviation;
        spread(f, seeds, offsets[c], &mean, &deviation);
        printf("  %6.1f ± %5.1f", mean, deviation);
    }
    double ms, unused;
    spread(f, seeds, offsetof(struct figures, ms), &ms, &unused);
    printf("  %6.2f", ms);
    for (int s = 0; s < ACQUIRE_SOURCES; s++) {
        double share;
        spread(f, seeds, offsetof(struct figures, shares) + (size_t)s * sizeof(double), &share, &unused);
        printf(" %3.0f%%", 100 * share);
    }
    printf("\n");
}

static void measure(const struct bench *b, size_t tiles, int seeds, const char *only)
{
    struct figures *f = xcalloc((size_t)seeds * ROWS, sizeof *f);
    size_t pictures = 0, defects = 0, with = 0;
    for (int s = 0; s < seeds; s++) {
        struct pool pool;
        make_pool(b, tiles, (uint64_t)s + 1, &pool);
        pictures += pool.count;
        defects += pool.defects;
        with += pool.tiles_with;
        for (int r = 0; r < ROWS; r++) {
            struct figures *to = &f[r * seeds + s];
            if (only[0] && strcmp(only, row_names[r]) != 0)
                continue;
            if (r < 2)
                fixed_order(b, &pool, r == 1, (uint64_t)s, to);
            else
                asked_order(b, &pool, r < ROWS - 1 ? r - 2 : -1, (uint64_t)s, to);
        }
        free(pool.candidates);
        free(pool.pictures);
    }
    printf("%zu pictures, %zu of them defects of %zu tiles (mean of %d seeds)\n", pictures / (size_t)seeds,
           defects / (size_t)seeds, with / (size_t)seeds, seeds);
    printf("%-10s  %14s  %14s  %14s  %14s  %6s  anomalous uncertain diverse balanced\n", "answers",
           "half of tiles", "90 % of tiles", "half of pict.", "90 % of pict.", "ms");
    for (int r = 0; r < ROWS; r++)
        if (!only[0] || strcmp(only, row_names[r]) == 0)
            print_row(row_names[r], f + r * seeds, seeds);
    free(f);
}

// ---- wrong answers ----

// Of 400 pictures that were asked about, one answer in twenty is turned round: which of them are put up
// again?
static void second_look(const struct bench *b, int seeds)
{
    enum { ANSWERS = 400 };
    double wrong_all = 0, named = 0, hits = 0, clean = 0, first = 0;
    for (int s = 0; s < seeds; s++) {
        struct pool p;
        make_pool(b, 0, (uint64_t)s + 1, &p);
        struct rng rng = rng_seed((uint64_t)s + 100);
        bool *wrong = xcalloc(p.count, sizeof *wrong);
        for (int turn = 0; turn < 2; turn++) { // with right answers, then with wrong ones among them
            for (size_t n = 0; n < ANSWERS && turn == 0; n++) {
                size_t i = rng_below(&rng, p.count);
                while (p.candidates[i].answer != ACQUIRE_OPEN)
                    i = (i + 1) % p.count;
                p.candidates[i].answer = defective(p.pictures[i]) ? ACQUIRE_DEFECT : ACQUIRE_NORMAL;
            }
            for (size_t i = 0; i < p.count && turn == 1; i++) {
                wrong[i] = p.candidates[i].answer != ACQUIRE_OPEN && rng_uniform(&rng) < 0.05;
                if (wrong[i])
                    p.candidates[i].answer = defective(p.pictures[i]) ? ACQUIRE_NORMAL : ACQUIRE_DEFECT;
                wrong_all += wrong[i];
            }
            struct acquire *a = acquire_new(p.candidates, p.count, 0);
            struct acquire_doubt *doubts;
            size_t count;
            acquire_doubts(a, &doubts, &count);
            clean += turn == 0 ? (double)count : 0;
            named += turn == 1 ? (double)count : 0;
            for (size_t i = 0; i < count && turn == 1; i++)
                hits += wrong[doubts[i].index], first += i < 20 && wrong[doubts[i].index];
            free(doubts);
            acquire_free(a);
        }
        free(wrong);
        free(p.candidates);
        free(p.pictures);
    }
    printf("second look at %d answers, %.0f of them wrong: %.0f named, recall %.2f, precision %.2f (of the "
           "first 20: %.2f); %.0f named where none is wrong\n",
           ANSWERS, wrong_all / seeds, named / seeds, hits / wrong_all, hits / named, first / 20 / seeds,
           clean / seeds);
}

// ---- time ----

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void time_large(void)
{
    enum { COUNT = 5000, ANSWERS = 400, ROUNDS = 20 };
    struct rng rng = rng_seed(5);
    struct acquire_candidate *c = xcalloc(COUNT, sizeof *c);
    struct acquire_ask *asks = xcalloc(COUNT, sizeof *asks);
    struct acquire_mix mix = {{0}, {0}};
    for (size_t i = 0; i < COUNT; i++) {
        c[i] = (struct acquire_candidate){.score = 2.4 + 3 * rng_uniform(&rng),
                                          .threshold = 2.4,
                                          .part_count = 3,
                                          .group = i / 2,
                                          .class_index = -1};
        for (int k = 0; k < ACQUIRE_POINT; k++)
            c[i].point[k] = (float)rng_normal(&rng);
        c[i].answer = i >= ANSWERS ? ACQUIRE_OPEN : i % 5 ? ACQUIRE_NORMAL : ACQUIRE_DEFECT;
        c[i].class_index = c[i].answer == ACQUIRE_DEFECT ? (int)(i % 3) : -1;
    }
    double started = cpu_seconds(), least_answer = INFINITY, least_order = INFINITY;
    struct acquire *a = acquire_new(c, COUNT, 3);
    double made = cpu_seconds() - started;
    for (size_t n = 0; n < ROUNDS; n++) {
        double before = cpu_seconds();
        acquire_answer(a, ANSWERS + n, n % 5 ? ACQUIRE_NORMAL : ACQUIRE_DEFECT, n % 5 ? -1 : 1, false);
        double between = cpu_seconds();
        acquire_order(a, &mix, HORIZON, rng_seed(n), asks);
        least_answer = fmin(least_answer, between - before);
        least_order = fmin(least_order, cpu_seconds() - between);
    }
    printf("%d pictures, %d answered: %.1f ms of processor time for one more answer, %.1f ms for the new "
           "order, %.0f ms from nothing (best of %d)\n",
           COUNT, ANSWERS, least_answer * 1000, least_order * 1000, made * 1000, ROUNDS);
    acquire_free(a);
    free(c);
    free(asks);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct bench b = {0};
    const char *cache = "", *only = "";
    int seeds = 5;
    long tiles = -1;
    if (argc < 2) {
        fprintf(stderr,
                "usage: bench_acquire PICTURES [--seeds N] [--tiles N] [--cache FILE] [--only NAME]\n");
        return 2;
    }
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--tiles") == 0)
            tiles = atol(argv[i + 1]);
        else if (strcmp(argv[i], "--cache") == 0)
            cache = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            only = argv[i + 1];
    }
    mtd_open(argv[1], argv[0], &b.mtd);
    features(&b, cache);
    if (tiles < 0) {
        measure(&b, 0, seeds, only);
        measure(&b, 12, seeds, only);
    } else {
        measure(&b, (size_t)tiles, seeds, only);
    }
    second_look(&b, seeds);
    time_large();
    mtd_close(&b.mtd);
    free(b.embeddings);
    free(b.patches);
    return 0;
}
