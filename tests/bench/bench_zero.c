// What is found with no label at all: the magnetic-tile pictures by group. Per seed, the normals of 80 % of
// the groups are fitted on, as `assay screen` does it; the other groups' normals and all defects are tested.
// No defect is ever fitted on: each kind is one that was never seen.
// --kinds: what labels do to a kind that has none. Half of the defective tiles are labelled, and as many
// pictures of other tiles that are normal; the other half is tested: without labels, with all of them, with
// all but those of a kind. bench_zero PICTURES [--seeds N] [--first N] [--size N] [--ablate] [--kinds]
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "learn/flaw.h"
#include "nn/blas.h"
#include "nn/embedded.h"
#include "screen/extract.h"
#include "screen/metrics.h"
#include "screen/model.h"
#include "tests/bench/extracted.h"
#include "tests/bench/mtd.h"
#include "tests/bench/must.h"

enum { SAMPLE = 400 };
static const double flag_rate = 0.05;

struct bench {
    struct mtd mtd;
    struct base *base;
    struct extract_config config;
    struct patch_model *patch;
    bool *fit;     // (count) of the fitted normals
    size_t *order; // what a pass reads
    size_t order_count, at;
    float *embeddings; // (count, dim)
    struct screen_input *inputs;
};

// ---- pictures ----

static bool next(void *context, struct extract_item *item)
{
    struct bench *b = context;
    if (b->at == b->order_count)
        return false;
    size_t i = b->order[b->at++];
    *item = (struct extract_item){(int64_t)i, xstrdup(b->mtd.pictures[i].path)};
    return true;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct bench *b = context;
    return keep_extracted(result, extract_dim(b->base), b->embeddings, b->inputs, err);
}

// ---- a seed ----

static int rising(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return (a > b) - (a < b);
}

// The caller frees b->patch.
static double measure_all(struct bench *b, uint64_t seed, unsigned without)
{
    struct rng rng = rng_seed(seed);
    struct extract_io io = {.context = b, .next = next, .done = done};
    struct error err;
    mtd_split(&b->mtd, &rng, b->fit);
    b->order_count = b->at = 0;
    for (size_t i = 0; i < b->mtd.count; i++) {
        b->fit[i] &= !mtd_defect(&b->mtd, i);
        if (b->fit[i])
            b->order[b->order_count++] = i;
    }
    mtd_shuffle(b->order, b->order_count, &rng);
    b->order_count = b->order_count < SAMPLE ? b->order_count : SAMPLE;
    qsort(b->order, b->order_count, sizeof *b->order, rising);
    b->config.patch = NULL;
    b->config.without = without;
    double start = clock_seconds();
    if (extract_fit_patches(&b->config, &io, &b->patch, &err) != ST_OK)
        die(&err);
    double seconds = clock_seconds() - start;
    b->config.patch = b->patch;
    b->order_count = b->mtd.count;
    b->at = 0;
    for (size_t i = 0; i < b->mtd.count; i++)
        b->order[i] = i;
    if (extract_run(&b->config, &io, &err) != ST_OK)
        die(&err);
    b->config.patch = NULL;
    return seconds;
}

struct figures {
    double auroc, filtered90, filtered95, filtered98,
        found; // found: defects above all but 5 % of the normals
    double kinds[MTD_KINDS];
};

// untested: pictures that the figures are not about.
static struct figures figures_of(const struct bench *b, const double *values, const bool *untested)
{
    struct figures f = {0};
    double *scores = xcalloc(b->mtd.count, sizeof *scores), normals = 0, defects = 0;
    bool *defect = xcalloc(b->mtd.count, sizeof *defect);
    for (int k = -1; k < MTD_KINDS; k++) {
        size_t n = 0;
        for (size_t i = 0; i < b->mtd.count; i++)
            if (!untested[i] &&
                (k < 0 || b->mtd.pictures[i].kind == k || b->mtd.pictures[i].kind == MTD_FREE)) {
                scores[n] = values[i];
                defect[n++] = b->mtd.pictures[i].kind != MTD_FREE;
            }
        if (k >= 0) {
            f.kinds[k] = metrics_auroc(scores, defect, n);
            continue;
        }
        f.auroc = metrics_auroc(scores, defect, n);
        f.filtered90 = metrics_filtered(scores, defect, n, 0.9);
        f.filtered95 = metrics_filtered(scores, defect, n, 0.95);
        f.filtered98 = metrics_filtered(scores, defect, n, 0.9824);
        for (size_t i = 0; i < n; i++)
            normals += !defect[i];
        for (size_t i = 0; i < n; i++) {
            double above = 0;
            for (size_t j = 0; j < n && defect[i]; j++)
                above += !defect[j] && scores[j] >= scores[i];
            f.found += defect[i] && above < flag_rate * normals;
            defects += defect[i];
        }
        f.found /= defects;
    }
    free(scores);
    free(defect);
    return f;
}

// The model of `assay screen` with these measures left out.
static struct figures fused(struct bench *b, unsigned off, enum detector alone, uint64_t seed)
{
    struct screen_score *scores = xcalloc(b->mtd.count, sizeof *scores);
    struct screen_input *inputs = xcalloc(b->mtd.count, sizeof *inputs);
    uint64_t *groups = xcalloc(b->mtd.count, sizeof *groups);
    double *values = xcalloc(b->mtd.count, sizeof *values);
    struct screen_model *model;
    struct error err;
    for (size_t i = 0; i < b->mtd.count; i++) {
        inputs[i] = b->inputs[i];
        groups[i] = b->mtd.pictures[i].group;
        for (int d = 0; d < DETECTORS_MEASURED; d++)
            if (off & 1u << d)
                inputs[i].measures[d] = NAN;
    }
    const struct screen_space space = {extract_dim(b->base), extract_from(b->base), patch_contrast(b->patch),
                                       0, patch_aligned(b->patch)};
    if (screen_fit(inputs, b->mtd.count, &space, b->fit, groups, 0.004, seed, NULL, scores, &model, &err) !=
        ST_OK)
        die(&err);
    for (size_t i = 0; i < b->mtd.count; i++)
        values[i] = alone == DETECTORS ? scores[i].score : scores[i].parts[alone];
    struct figures f = figures_of(b, values, b->fit);
    screen_free(model);
    free(values);
    free(groups);
    free(inputs);
    free(scores);
    return f;
}

// Half of the defective groups, drawn by the seed, and the other groups' normals after it, as many: what is
// labelled, 1 or -1. Confirmed pictures are what a person has said: no fitted one is among them.
static void label_half(const struct bench *b, uint64_t seed, int *said)
{
    struct rng rng = rng_seed(seed + 77);
    bool *labelled = xcalloc(b->mtd.groups, sizeof *labelled),
         *defective = xcalloc(b->mtd.groups, sizeof *defective);
    size_t defects = 0, normals = 0;
    for (size_t g = 0; g < b->mtd.groups; g++)
        labelled[g] = rng_uniform(&rng) < 0.5;
    for (size_t i = 0; i < b->mtd.count; i++)
        if (b->mtd.pictures[i].kind != MTD_FREE)
            defective[b->mtd.pictures[i].group] = true;
    for (size_t i = 0; i < b->mtd.count; i++) {
        bool defect = b->mtd.pictures[i].kind != MTD_FREE;
        said[i] = labelled[b->mtd.pictures[i].group] && defect ? 1 : 0;
        defects += said[i] > 0;
    }
    for (size_t i = 0; i < b->mtd.count && normals < defects; i++)
        if (labelled[b->mtd.pictures[i].group] && !defective[b->mtd.pictures[i].group] &&
            b->mtd.pictures[i].kind == MTD_FREE && !b->fit[i]) {
            said[i] = -1;
            normals++;
        }
    free(labelled);
    free(defective);
}

// As `assay screen` would score with these labels; a kind of which none are heard (MTD_KINDS: all are).
static struct figures with_labels(struct bench *b, const int *said, int left_out, uint64_t seed)
{
    struct screen_score *scores = xcalloc(b->mtd.count, sizeof *scores);
    struct screen_input *inputs = xcalloc(b->mtd.count, sizeof *inputs);
    uint64_t *groups = xcalloc(b->mtd.count, sizeof *groups);
    double *values = xcalloc(b->mtd.count, sizeof *values);
    bool *untested = xcalloc(b->mtd.count, sizeof *untested);
    struct screen_model *model;
    struct error err;
    for (size_t i = 0; i < b->mtd.count; i++) {
        inputs[i] = b->inputs[i];
        groups[i] = b->mtd.pictures[i].group;
        untested[i] = b->fit[i] || said[i];
        inputs[i].said = left_out < 0 || b->mtd.pictures[i].kind == left_out ? 0 : said[i];
    }
    const struct screen_space space = {extract_dim(b->base), extract_from(b->base), patch_contrast(b->patch),
                                       SCREEN_ALONE, patch_aligned(b->patch)};
    if (screen_fit(inputs, b->mtd.count, &space, b->fit, groups, 0.004, seed, NULL, scores, &model, &err) !=
        ST_OK)
        die(&err);
    for (size_t i = 0; i < b->mtd.count; i++)
        values[i] = scores[i].score;
    struct figures f = figures_of(b, values, untested);
    screen_free(model);
    free(untested);
    free(values);
    free(groups);
    free(inputs);
    free(scores);
    return f;
}

static void print(const char *name, const char *without, long seed, double seconds, const struct figures *f)
{
    printf(
        "{\"what\":\"%s\",\"without\":\"%s\",\"seed\":%ld,\"auroc\":%.4f,\"filtered90\":%.3f,\"filtered95\":%"
        ".3f,"
        "\"filtered9824\":%.3f,\"found5\":%.3f,\"blowhole\":%.3f,\"break\":%.3f,\"crack\":%.3f,\"fray\":%.3f,"
        "\"uneven\":%.3f,\"fit_seconds\":%.1f}\n",
        name, without, seed, f->auroc, f->filtered90, f->filtered95, f->filtered98, f->found, f->kinds[0],
        f->kinds[1], f->kinds[2], f->kinds[3], f->kinds[5], seconds);
    fflush(stdout);
}

static void by_kinds(struct bench *b, long seed)
{
    int *said = xcalloc(b->mtd.count, sizeof *said);
    label_half(b, (uint64_t)seed, said);
    struct figures f = with_labels(b, said, -1, (uint64_t)seed);
    print("no labels", "", seed, 0, &f);
    for (int k = MTD_KINDS; k >= 0; k--) {
        if (k == MTD_FREE)
            continue;
        f = with_labels(b, said, k, (uint64_t)seed);
        print("half labelled", k < MTD_KINDS ? mtd_kind_name(k) : "", seed, 0, &f);
    }
    free(said);
}

static void one_seed(struct bench *b, long seed, int without, bool labels)
{
    const char *name = without < 0 ? "" : flaw_name(without);
    double seconds = measure_all(b, (uint64_t)seed, without < 0 ? 0 : 1u << without);
    static const enum detector alone[] = {DETECTOR_WHOLE, DETECTOR_PATCH, DETECTOR_DRAWN};
    for (size_t i = without < 0 ? 0 : 2; i < sizeof alone / sizeof *alone; i++) {
        struct figures f = fused(b, 0, alone[i], (uint64_t)seed);
        print(detector_name(alone[i]), name, seed, seconds, &f);
    }
    struct figures all = fused(b, 0, DETECTORS, (uint64_t)seed);
    print("all", name, seed, seconds, &all);
    for (int d = 0; d < DETECTORS_MEASURED && without < 0; d++) {
        if (d == DETECTOR_TILE)
            continue;
        char *what = xasprintf("all but %s", detector_name((enum detector)d));
        struct figures f = fused(b, 1u << d, DETECTORS, (uint64_t)seed);
        print(what, name, seed, seconds, &f);
        free(what);
    }
    if (labels)
        by_kinds(b, seed);
    patch_free(b->patch);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct bench b = {.config = {.settings = screen_settings_default,
                                 .limits = image_limits_default,
                                 .threads = parallel_cores()}};
    long first = 0, seeds = 5;
    bool ablate = false, labels = false;
    struct error err;
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = atol(value), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = atol(value), i++;
        } else if (strcmp(argv[i], "--size") == 0) {
            b.config.settings.size = atoi(value), i++;
        } else if (strcmp(argv[i], "--ablate") == 0) {
            ablate = true;
        } else if (strcmp(argv[i], "--kinds") == 0) {
            labels = true;
        } else {
            fprintf(stderr, "%s: unknown argument %s\n", argv[0], argv[i]);
            return 2;
        }
    }
    mtd_open(argc > 1 ? argv[1] : "", argv[0], &b.mtd);
    const unsigned char *bytes;
    size_t size;
    if (embedded_base(&bytes, &size, NULL, &err) != ST_OK ||
        base_open_bytes(bytes, size, EMBEDDED_NAME, &b.base, &err) != ST_OK)
        die(&err);
    b.config.base = b.base;
    b.fit = xcalloc(b.mtd.count, sizeof *b.fit);
    b.order = xcalloc(b.mtd.count, sizeof *b.order);
    b.inputs = xcalloc(b.mtd.count, sizeof *b.inputs);
    b.embeddings = xcalloc(b.mtd.count * (size_t)extract_dim(b.base), sizeof *b.embeddings);
    for (long seed = first; seed < first + seeds; seed++)
        for (int without = -1; without < (ablate ? (int)FLAW_KINDS : 0); without++)
            one_seed(&b, seed, without, labels && without < 0);
    mtd_close(&b.mtd);
    base_free(b.base);
    free(b.fit), free(b.order), free(b.inputs), free(b.embeddings);
    return 0;
}
