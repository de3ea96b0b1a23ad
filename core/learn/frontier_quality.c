#include "config.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "image/resize.h"
#include "learn/flaw.h"
#include "learn/frontier_impl.h"
#include "learn/texture.h"
#include "screen/extract_view.h"
#include "screen/metrics.h"
#include "screen/model.h"

enum {
    FIT_MOST = 100,
    PATCH_MOST = 60, // of them for the patch statistics, which have many cells in each
    TEST_MOST = 80,
    FIT_LEAST = 24,
    TEST_LEAST = 12
};
static const double fit_share = 0.6, flaw_least = 0.6; // of the pictures; of their shorter side

struct input {
    float *rgb; // (rows, cols, 3)
    int rows, cols;
};

struct trial {
    size_t fit, patch_fit; // the first patch_fit of those to fit are for the patch statistics
    size_t test, count;    // count = fit + 2 test
    struct image *images;  // (count)
    struct input *inputs;  // (count) of the side in use
    uint64_t *groups;      // (fit)
    uint64_t seed;
    struct screen_settings settings;
};

struct features {
    int dim, from;
    float *embeddings; // (count, dim)
    float *patch;      // (count)
};

// ---- flaws ----

static struct rng stream(uint64_t seed, uint64_t number)
{
    uint64_t x = seed ^ 0x5bd1e995u;
    x = rng_splitmix(&x) + number;
    return rng_seed(x);
}

static int random_to(struct rng *rng, int most) // 0..most
{
    return (int)rng_below(rng, (uint64_t)most + 1);
}

// Foreign material for the flaw: a place of another picture, or a surface that has nothing to do with the
// scene.
static void draw_other(int kind, const struct image *elsewhere, struct rng *rng, int side, float *other)
{
    if (kind != FLAW_PASTE) {
        texture_make((int)rng_below(rng, TEXTURE_KINDS), rng, side, other);
        return;
    }
    int w = elsewhere->width, h = elsewhere->height, s = w < h ? w : h;
    s = side < s ? side : s;
    int x = random_to(rng, w - s), y = random_to(rng, h - s);
    image_resize_rgb(elsewhere, x, y, s, s, side, side, other);
}

static uint8_t level(float value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f);
}

// flaw_add draws into a square, and larger ones into a larger square: here one of 0.6 to all of the picture's
// shorter side, anywhere in it.
static void draw_flaw(const struct image *clean, const struct image *elsewhere, int kind, struct rng *rng,
                      struct image *out)
{
    int w = clean->width, h = clean->height, shorter = w < h ? w : h, channels = clean->channels;
    double share = kind == FLAW_ZONE ? 1 : pow(flaw_least, rng_uniform(rng));
    int side = (int)(shorter * share), x0 = random_to(rng, w - side), y0 = random_to(rng, h - side);
    size_t cells = (size_t)side * (size_t)side;
    float *rgb = xmalloc(7 * cells * sizeof *rgb), *other = rgb + 3 * cells, *mask = other + 3 * cells;
    image_resize_rgb(clean, x0, y0, side, side, side, side, rgb);
    if (flaw_needs_other(kind))
        draw_other(kind, elsewhere, rng, side, other);
    flaw_add(kind, rng, side, other, rgb, mask);
    image_init(out, w, h, channels);
    memcpy(out->pixels, clean->pixels, (size_t)w * (size_t)h * (size_t)channels);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            size_t i = (size_t)y * (size_t)side + (size_t)x;
            uint8_t *to = out->pixels + ((size_t)(y0 + y) * (size_t)w + (size_t)(x0 + x)) * (size_t)channels;
            const float *from = rgb + 3 * i;
            if (mask[i] <= 0)
                continue;
            if (channels == 1) // Rec. 601: a gray camera sees no colour of the flaw either
                to[0] = level(0.299f * from[0] + 0.587f * from[1] + 0.114f * from[2]);
            for (int k = 0; channels == 3 && k < 3; k++)
                to[k] = level(from[k]);
        }
    free(rgb);
}

// ---- the trial ----

struct unit { // a group
    uint64_t name;
    size_t order; // of its first picture, then of the shuffle
};

static int by_name(const void *left, const void *right)
{
    const struct unit *a = left, *b = right;
    if (a->name != b->name)
        return (a->name > b->name) - (a->name < b->name);
    return (a->order > b->order) - (a->order < b->order);
}

// Group by group in random order: the pictures' numbers into order[]. Groups stay together.
static void shuffle_groups(const struct frontier_scene *scene, uint64_t seed, size_t *order)
{
    struct unit *units = xcalloc(scene->count, sizeof *units);
    size_t *starts = xcalloc(scene->count + 1, sizeof *starts), groups = 0, at = 0;
    for (size_t i = 0; i < scene->count; i++)
        units[i] = (struct unit){scene->groups[i], i};
    qsort(units, scene->count, sizeof *units, by_name);
    for (size_t i = 0; i < scene->count; i++)
        if (i == 0 || units[i].name != units[i - 1].name)
            starts[groups++] = i;
    size_t *turn = xcalloc(groups, sizeof *turn);
    struct rng rng = stream(seed, 0);
    for (size_t g = 0; g < groups; g++)
        turn[g] = g;
    for (size_t i = groups; i > 1; i--) {
        size_t j = rng_below(&rng, i), t = turn[i - 1];
        turn[i - 1] = turn[j];
        turn[j] = t;
    }
    for (size_t g = 0; g < groups; g++)
        for (size_t i = starts[turn[g]]; i < scene->count && units[i].name == units[starts[turn[g]]].name;
             i++)
            order[at++] = units[i].order;
    free(turn);
    free(starts);
    free(units);
}

struct making {
    struct trial *trial;
    const struct frontier_scene *scene;
    const size_t *order;
    size_t first; // of the test pictures in order[]
    int threads;
};

static void copy_image(const struct image *from, struct image *to)
{
    image_init(to, from->width, from->height, from->channels);
    memcpy(to->pixels, from->pixels, (size_t)from->width * (size_t)from->height * (size_t)from->channels);
}

static void make(void *context, int worker)
{
    const struct making *m = context;
    struct trial *t = m->trial;
    for (size_t i = (size_t)worker; i < t->fit + t->test; i += (size_t)m->threads) {
        size_t number = i < t->fit ? i : i - t->fit;
        const struct image *picture = &m->scene->pictures[m->order[i < t->fit ? i : m->first + number]];
        copy_image(picture, &t->images[i]);
        if (i < t->fit)
            continue;
        struct rng rng = stream(t->seed, 1 + number);
        const struct image *elsewhere = &m->scene->pictures[m->order[rng_below(&rng, t->fit)]];
        draw_flaw(picture, elsewhere, (int)(number % FLAW_KINDS), &rng, &t->images[i + t->test]);
    }
}

enum status trial_new(const struct frontier_scene *scene, uint64_t seed, int threads, struct trial **trial,
                      struct error *err)
{
    size_t *order = xcalloc(scene->count + 1, sizeof *order),
           fit = (size_t)(fit_share * (double)scene->count);
    shuffle_groups(scene, seed, order);
    fit = fit < FIT_MOST ? fit : FIT_MOST;
    size_t first = fit; // the group that the last of the fit belongs to is not tested on
    while (first > 0 && first < scene->count && scene->groups[order[first]] == scene->groups[order[fit - 1]])
        first++;
    size_t test = scene->count - first < TEST_MOST ? scene->count - first : TEST_MOST;
    if (fit < FIT_LEAST || test < TEST_LEAST) {
        free(order);
        return error_set(
            err, ST_INVALID,
            "scene %s: %zu pictures believed normal, in groups that leave %zu to fit and %zu to test, "
            "are too few to compare bases by",
            scene->name, scene->count, fit, test);
    }
    struct trial *t = xcalloc(1, sizeof *t);
    t->fit = fit;
    t->patch_fit = fit < PATCH_MOST ? fit : PATCH_MOST;
    t->test = test;
    t->count = fit + 2 * test;
    t->seed = seed;
    t->images = xcalloc(t->count, sizeof *t->images);
    t->inputs = xcalloc(t->count, sizeof *t->inputs);
    t->groups = xcalloc(fit, sizeof *t->groups);
    t->settings = screen_settings_default;
    t->settings.squash = scene->squash;
    for (size_t i = 0; i < fit; i++)
        t->groups[i] = scene->groups[order[i]];
    struct making making = {t, scene, order, first, threads};
    parallel_run(threads, make, &making);
    free(order);
    *trial = t;
    return ST_OK;
}

void trial_free(struct trial *trial)
{
    if (!trial)
        return;
    for (size_t i = 0; i < trial->count; i++) {
        image_clear(&trial->images[i]);
        free(trial->inputs[i].rgb);
    }
    free(trial->images);
    free(trial->inputs);
    free(trial->groups);
    free(trial);
}

struct resizing {
    struct trial *trial;
    const struct base *base;
    int threads;
};

static void resize(void *context, int worker)
{
    const struct resizing *r = context;
    struct trial *t = r->trial;
    const struct extract_config config = {.base = r->base, .settings = t->settings};
    for (size_t i = (size_t)worker; i < t->count; i += (size_t)r->threads) {
        struct input *in = &t->inputs[i];
        const struct image *image = &t->images[i];
        view_shape(&config, image->width, image->height, &in->rows, &in->cols);
        free(in->rgb);
        in->rgb = xaligned((size_t)in->rows * (size_t)in->cols * 3, sizeof *in->rgb);
        image_resize_rgb(image, 0, 0, image->width, image->height, in->cols, in->rows, in->rgb);
    }
}

void trial_resize(struct trial *trial, const struct base *base, int side, int threads)
{
    trial->settings.size = side;
    parallel_run(threads, resize, &(struct resizing){trial, base, threads});
}

// ---- features ----

struct pass {
    const struct trial *trial;
    const struct base *base;
    const struct patch_model *patch; // NULL: the pictures to fit go into the sample
    struct patch_sample *sample;
    struct features *features;
    atomic_size_t next;
    pthread_mutex_t lock; // of the sample
};

static void look(void *context, int worker)
{
    (void)worker;
    struct pass *p = context;
    struct base_work *work = base_work_new(p->base);
    struct patch_work *patch = patch_work_new();
    double *sums = xcalloc((size_t)extract_dim(p->base), sizeof *sums);
    uint8_t *looked = NULL;
    float *values = NULL;
    size_t looked_count = 0, value_count = 0, count = p->patch ? p->trial->count : p->trial->patch_fit;
    for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < count;) {
        const struct input *in = &p->trial->inputs[i];
        struct patch_view view;
        base_taps(p->base, work, in->rgb, in->rows, in->cols, view.taps);
        size_t cells = (size_t)view.taps[0].rows * (size_t)view.taps[0].cols; // the coarser tap has fewer
        GROW(looked, looked_count, cells);
        memset(looked, 1, cells);
        view.looked[0] = view.looked[1] = looked;
        if (!p->patch) {
            pthread_mutex_lock(&p->lock);
            patch_sample_add(p->sample, i, &view, false);
            pthread_mutex_unlock(&p->lock);
            continue;
        }
        extract_pool(&view, sums, p->features->embeddings + i * (size_t)p->features->dim);
        GROW(values, value_count, cells);
        memcpy(values, patch_values(p->patch, patch_part_of(p->patch, &view), &view, patch),
               cells * sizeof *values);
        p->features->patch[i] = patch_top(values, cells);
    }
    free(values);
    free(looked);
    free(sums);
    patch_work_free(patch);
    base_work_free(work);
}

enum status trial_features(const struct trial *trial, const struct base *base, int threads,
                           struct features **features, struct error *err)
{
    struct patch_model *patch;
    struct pass pass = {.trial = trial, .base = base};
    pass.sample = patch_sample_new(base_info(base), &trial->settings);
    pthread_mutex_init(&pass.lock, NULL);
    parallel_run(threads, look, &pass);
    pthread_mutex_destroy(&pass.lock);
    enum status status = patch_fit(pass.sample, threads, &patch, err);
    patch_sample_free(pass.sample);
    if (status != ST_OK)
        return status;
    struct features *f = xcalloc(1, sizeof *f);
    f->dim = extract_dim(base);
    f->from = extract_from(base);
    f->embeddings = xcalloc(trial->count * (size_t)f->dim, sizeof *f->embeddings);
    f->patch = xcalloc(trial->count, sizeof *f->patch);
    pass.patch = patch;
    pass.features = f;
    pass.next = 0;
    parallel_run(threads, look, &pass);
    patch_free(patch);
    *features = f;
    return ST_OK;
}

void features_free(struct features *features)
{
    if (!features)
        return;
    free(features->embeddings);
    free(features->patch);
    free(features);
}

enum status features_quality(const struct trial *trial, const struct features *features, double *auroc,
                             struct error *err)
{
    static const double flag_rate = 0.004; // moves the threshold, not the order
    size_t tests = 2 * trial->test, dim = (size_t)features->dim;
    struct screen_input *inputs = xcalloc(trial->count, sizeof *inputs);
    struct screen_score *scores = xcalloc(trial->fit, sizeof *scores);
    bool *believed = xmalloc(trial->fit * sizeof *believed), *defect = xcalloc(tests, sizeof *defect);
    double *tested = xcalloc(tests, sizeof *tested);
    struct screen_model *model;
    const struct screen_space space = {.dim = features->dim, .from = features->from};
    memset(believed, true, trial->fit * sizeof *believed);
    for (size_t i = 0; i < trial->count; i++)
        inputs[i] = (struct screen_input){.embedding = features->embeddings + i * dim,
                                          .measures = {[DETECTOR_PATCH] = features->patch[i]}};
    enum status status = screen_fit(inputs, trial->fit, &space, believed, trial->groups, flag_rate,
                                    trial->seed, NULL, scores, &model, err);
    if (status == ST_OK) {
        for (size_t i = 0; i < tests; i++) {
            tested[i] = screen_score(model, &inputs[trial->fit + i]).score;
            defect[i] = i >= trial->test;
        }
        *auroc = metrics_auroc(tested, defect, tests);
        screen_free(model);
    }
    free(tested);
    free(defect);
    free(believed);
    free(scores);
    free(inputs);
    return status;
}
