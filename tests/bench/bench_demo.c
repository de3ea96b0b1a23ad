// What is found with no label at all in the demo's pictures, scene by scene. Some hundred normals of each
// scene, whole groups, are fitted on, as `assay screen` does it; the rest tests. bench_demo FOLDER [--fit N]
// [--seed S] [--scene NAME|mixed] [--base FILE] [--scores FILE]    FOLDER: of assay demo --no-project. mixed: the
// three scenes as if they were one
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "image/demo.h"
#include "nn/blas.h"
#include "nn/embedded.h"
#include "screen/extract.h"
#include "screen/metrics.h"
#include "screen/model.h"
#include "tests/bench/extracted.h"
#include "tests/bench/must.h"

struct picture {
    char *path, kind[32];
    bool defect, fit;
    uint64_t group;
};

struct bench {
    struct picture *pictures;
    size_t count, capacity, groups, at;
    bool fitting;
    const struct base *base;
    float *embeddings; // (count, dim)
    struct screen_input *inputs;
};

struct pooled { // all scenes' pictures that were not fitted on
    double *scores;
    bool *defect;
    size_t count, capacity, defect_capacity;
};

static void bench_clear(struct bench *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->pictures[i].path);
    free(b->pictures);
    free(b->embeddings);
    free(b->inputs);
}

// The lines of truth.csv that are of `scene`: path,verdict,class,severity,group,scene.
static bool read_scene(struct bench *b, const char *folder, const char *scene)
{
    char *name = xasprintf("%s/truth.csv", folder), line[512], group[64] = "", last[64] = "";
    FILE *file = fopen(name, "r");
    free(name);
    while (file && fgets(line, sizeof line, file)) {
        char *field[6], *at = line;
        int n = 0;
        while (n < 6 && at) {
            field[n++] = at;
            at = strchr(at, ',');
            if (at)
                *at++ = '\0';
        }
        if (n < 6 || strcmp(field[0], "path") == 0 || strncmp(field[5], scene, strlen(scene)) != 0)
            continue;
        snprintf(group, sizeof group, "%s", field[4]);
        b->groups += strcmp(group, last) != 0;
        snprintf(last, sizeof last, "%s", group);
        struct picture p = {.path = xasprintf("%s/%s", folder, field[0]), .group = b->groups};
        p.defect = strcmp(field[1], "defect") == 0;
        snprintf(p.kind, sizeof p.kind, "%s", field[2]);
        GROW(b->pictures, b->capacity, b->count + 1);
        b->pictures[b->count++] = p;
    }
    if (file)
        fclose(file);
    return b->count > 0;
}

// Whole groups of normals, drawn at random, until there are `wanted`.
static void choose(struct bench *b, size_t wanted, struct rng *rng)
{
    size_t *order = xcalloc(b->groups + 1, sizeof *order), chosen = 0;
    for (size_t g = 0; g < b->groups; g++)
        order[g] = g + 1;
    for (size_t g = b->groups; g > 1; g--) {
        size_t j = (size_t)rng_below(rng, g), kept = order[g - 1];
        order[g - 1] = order[j];
        order[j] = kept;
    }
    for (size_t g = 0; g < b->groups && chosen < wanted; g++)
        for (size_t i = 0; i < b->count; i++)
            if (b->pictures[i].group == order[g] && !b->pictures[i].defect) {
                b->pictures[i].fit = true;
                chosen++;
            }
    free(order);
}

static bool next(void *context, struct extract_item *item)
{
    struct bench *b = context;
    while (b->at < b->count && b->fitting && !b->pictures[b->at].fit)
        b->at++;
    if (b->at == b->count)
        return false;
    *item = (struct extract_item){(int64_t)b->at, xstrdup(b->pictures[b->at].path)};
    b->at++;
    return true;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct bench *b = context;
    return keep_extracted(result, extract_dim(b->base), b->embeddings, b->inputs, err);
}

// `kind` NULL: all defects. Values of the pictures that were not fitted on.
static void print_figures(const struct bench *b, const char *scene, const char *what, const char *kind,
                          const double *values)
{
    double *scores = xcalloc(b->count, sizeof *scores);
    bool *defect = xcalloc(b->count, sizeof *defect);
    size_t n = 0, defects = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct picture *p = &b->pictures[i];
        if (p->fit || isnan(values[i]) || (p->defect && kind && strcmp(p->kind, kind) != 0))
            continue;
        scores[n] = values[i];
        defects += p->defect;
        defect[n++] = p->defect;
    }
    if (defects && defects < n)
        printf("{\"scene\":\"%s\",\"what\":\"%s\",\"kind\":\"%s\",\"defects\":%zu,\"auroc\":%.3f,"
               "\"filtered95\":%.3f,"
               "\"filtered9824\":%.3f}\n",
               scene, what, kind ? kind : "", defects, metrics_auroc(scores, defect, n),
               metrics_filtered(scores, defect, n, 0.95), metrics_filtered(scores, defect, n, 0.9824));
    fflush(stdout);
    free(scores);
    free(defect);
}

// How the pictures that were fitted on compare with the other normals: 0.5 = alike.
static void print_seen(const struct bench *b, const char *scene, const double *values)
{
    double *scores = xcalloc(b->count, sizeof *scores);
    bool *other = xcalloc(b->count, sizeof *other);
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (!b->pictures[i].defect && !isnan(values[i])) {
            scores[n] = values[i];
            other[n++] = !b->pictures[i].fit;
        }
    printf("{\"scene\":\"%s\",\"what\":\"patch, normals not fitted on\",\"auroc\":%.3f}\n", scene,
           metrics_auroc(scores, other, n));
    free(scores);
    free(other);
}

static void one_scene(struct extract_config *config, const char *folder, const struct demo_scene *scene,
                      size_t fit, uint64_t seed, FILE *dump, struct pooled *pooled)
{
    struct bench b = {.base = config->base};
    struct extract_io io = {.context = &b, .next = next, .done = done};
    struct patch_model *patch;
    struct screen_model *model;
    struct error err;
    if (!read_scene(&b, folder, scene->name))
        return;
    struct rng rng = rng_seed(seed);
    choose(&b, fit, &rng);
    b.inputs = xcalloc(b.count, sizeof *b.inputs);
    b.embeddings = xcalloc(b.count * (size_t)extract_dim(b.base), sizeof *b.embeddings);
    b.fitting = true;
    double start = clock_seconds();
    config->patch = NULL;
    if (extract_fit_patches(config, &io, &patch, &err) != ST_OK)
        die(&err);
    double fitted = clock_seconds();
    b.fitting = false;
    b.at = 0;
    config->patch = patch;
    if (extract_run(config, &io, &err) != ST_OK)
        die(&err);
    double ran = clock_seconds();
    const struct screen_space space = {extract_dim(b.base), extract_from(b.base), patch_contrast(patch),
                                       SCREEN_ALONE, patch_aligned(patch)};
    struct screen_score *scores = xcalloc(b.count, sizeof *scores);
    bool *believed = xcalloc(b.count, sizeof *believed);
    uint64_t *groups = xcalloc(b.count, sizeof *groups);
    double *values = xcalloc(b.count, sizeof *values);
    for (size_t i = 0; i < b.count; i++) {
        believed[i] = b.pictures[i].fit;
        groups[i] = b.pictures[i].group;
    }
    if (screen_fit(b.inputs, b.count, &space, believed, groups, 0.004, seed, NULL, scores, &model, &err) !=
        ST_OK)
        die(&err);
    printf("{\"scene\":\"%s\",\"aligned\":%.2f,\"fit_seconds\":%.1f,\"run_seconds\":%.1f,\"threads\":%d}\n",
           scene->name, patch_aligned(patch), fitted - start, ran - fitted, config->threads);
    for (int d = 0; d < DETECTORS_MEASURED; d++) {
        for (size_t i = 0; i < b.count; i++)
            values[i] = (double)b.inputs[i].measures[d];
        if (screen_uses(model, (enum detector)d))
            print_figures(&b, scene->name, detector_name((enum detector)d), NULL, values);
        if (d == DETECTOR_PATCH)
            print_seen(&b, scene->name, values);
    }
    for (size_t i = 0; i < b.count; i++)
        values[i] = scores[i].parts[DETECTOR_WHOLE];
    print_figures(&b, scene->name, "whole", NULL, values);
    for (size_t i = 0; i < b.count; i++) {
        const struct picture *p = &b.pictures[i];
        values[i] = scores[i].score;
        if (dump)
            fprintf(dump, "%s,%s,%d,%.4f,%.4f,%.4f,%.4f,%d\n", p->path, p->kind, p->fit, values[i],
                    scores[i].parts[DETECTOR_PATCH], scores[i].parts[DETECTOR_DRAWN],
                    scores[i].parts[DETECTOR_WHOLE], p->defect);
        if (p->fit)
            continue;
        GROW(pooled->scores, pooled->capacity, pooled->count + 1);
        GROW(pooled->defect, pooled->defect_capacity, pooled->count + 1);
        pooled->scores[pooled->count] = values[i];
        pooled->defect[pooled->count++] = p->defect;
    }
    print_figures(&b, scene->name, "fused", NULL, values);
    for (int k = 0; k < scene->kind_count; k++)
        print_figures(&b, scene->name, "fused", scene->kinds[k].name, values);
    screen_free(model);
    patch_free(patch);
    free(scores);
    free(believed);
    free(groups);
    free(values);
    bench_clear(&b);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct extract_config config = {
        .settings = screen_settings_default, .limits = image_limits_default, .threads = parallel_cores()};
    const char *only = NULL, *file = NULL;
    long fit = 400, seed = 1;
    FILE *dump = NULL;
    struct pooled pooled = {0};
    struct error err;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--fit") == 0) {
            fit = atol(argv[i + 1]);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = atol(argv[i + 1]);
        } else if (strcmp(argv[i], "--scene") == 0) {
            only = argv[i + 1];
        } else if (strcmp(argv[i], "--size") == 0) {
            config.settings.size = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--tile") == 0) {
            config.settings.tile = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--threads") == 0) {
            config.threads = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--base") == 0) {
            file = argv[i + 1];
        } else if (strcmp(argv[i], "--scores") == 0) {
            dump = fopen(argv[i + 1], "w");
        } else {
            fprintf(stderr, "%s: unknown argument %s\n", argv[0], argv[i]);
            return 2;
        }
    }
    struct base *base;
    const unsigned char *bytes;
    size_t size;
    enum status st = file ? base_open(file, &base, &err) : embedded_base(&bytes, &size, NULL, &err);
    if (st == ST_OK && !file)
        st = base_open_bytes(bytes, size, EMBEDDED_NAME, &base, &err);
    if (st != ST_OK)
        die(&err);
    config.base = base;
    for (int s = 0; s < DEMO_SCENES && argc > 1; s++)
        if (!only || strcmp(only, demo_scenes[s].name) == 0)
            one_scene(&config, argv[1], &demo_scenes[s], (size_t)fit, (uint64_t)seed, dump, &pooled);
    if (only && strcmp(only, "mixed") == 0)
        one_scene(&config, argv[1], &(struct demo_scene){.name = ""}, (size_t)fit, (uint64_t)seed, dump, &pooled);
    if (!pooled.count) {
        fprintf(stderr, "%s: no pictures of the demo in \"%s\": make them with assay demo --no-project\n",
                argv[0], argc > 1 ? argv[1] : "");
        return 1;
    }
    printf(
        "{\"scene\":\"all\",\"what\":\"fused\",\"auroc\":%.3f,\"filtered95\":%.3f,\"filtered9824\":%.3f}\n",
        metrics_auroc(pooled.scores, pooled.defect, pooled.count),
        metrics_filtered(pooled.scores, pooled.defect, pooled.count, 0.95),
        metrics_filtered(pooled.scores, pooled.defect, pooled.count, 0.9824));
    if (dump)
        fclose(dump);
    free(pooled.scores);
    free(pooled.defect);
    base_free(base);
    return 0;
}
