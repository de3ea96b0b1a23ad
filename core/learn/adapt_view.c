#include "config.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "learn/adapt_pixels.h"
#include "learn/adapt_view.h"
#include "nn/kernel.h"

enum { LARGEST = 32767, CELL = 8 };

struct loader { // a worker's
    struct graph *graph;
    struct adapt_view view; // the last that was not kept
    float *map;
    size_t capacity;
};

// What lies in the caller's memory (adapt_data.kept); target and values follow.
struct kept_view {
    int ready, has_target;
    struct adapt_view view; // its pointers are set anew in every round
};

struct adapt_views {
    const struct net *base;
    int start, stride; // of the maps: picture pixels per cell
    bool taps;         // views are kept by the caller, as taps
    const struct adapt_data *data;
    struct adapt_options options;
    struct adapt_entry *entries;
    size_t count;
    int most; // views of an entry
    struct adapt_view *kept; // (count, most); values NULL: not kept
    struct loader *loaders;  // (threads)
    pthread_mutex_t lock;    // of data->load
    atomic_ullong bytes;
    atomic_size_t next, done;
    atomic_bool ended;
    bool (*go_on)(void *context, size_t done);
    void *context;
};

struct adapt_views *adapt_views_new(const struct net *base, int start, const struct adapt_data *data,
                                    const struct adapt_options *options, struct adapt_entry *entries, size_t count)
{
    struct adapt_views *v = xcalloc(1, sizeof *v);
    *v = (struct adapt_views){.base = base, .start = start, .stride = 1, .data = data, .options = *options,
                              .entries = entries, .count = count, .most = options->views + options->flaws};
    v->taps = start == base->plan.count;
    for (int i = 0; i < start; i++)
        v->stride *= base->plan.blocks[i].branch ? 1 : base->plan.blocks[i].stride;
    v->kept = xcalloc(count * (size_t)v->most + 1, sizeof *v->kept);
    v->loaders = xcalloc((size_t)options->threads, sizeof *v->loaders);
    for (int i = 0; i < options->threads; i++)
        v->loaders[i].graph = graph_new();
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

static void view_clear(struct adapt_view *view)
{
    free(view->values);
    free(view->target);
    *view = (struct adapt_view){0};
}

void adapt_views_free(struct adapt_views *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->count * (size_t)v->most && !v->taps; i++)
        view_clear(&v->kept[i]);
    for (int i = 0; i < v->options.threads; i++) {
        graph_free(v->loaders[i].graph);
        view_clear(&v->loaders[i].view);
        free(v->loaders[i].map);
    }
    pthread_mutex_destroy(&v->lock);
    free(v->kept);
    free(v->loaders);
    free(v);
}

uint64_t adapt_views_bytes(const struct adapt_views *v)
{
    return atomic_load(&((struct adapt_views *)v)->bytes);
}

// Pictures without an answer: fewer views of more pictures.
int adapt_views_plain(const struct adapt_views *v, size_t entry)
{
    int half = (v->options.views + 1) / 2;
    return v->entries[entry].side == ADAPT_POOL ? half : v->options.views;
}

int adapt_views_flawed(const struct adapt_views *v, size_t entry)
{
    return v->entries[entry].side == ADAPT_DEFECT ? 0 : v->options.flaws;
}

// ---- making ----

// 16 bits per value: a thirty-thousandth of the map's largest, which is returned.
static float quantise(const float *map, size_t count, int16_t *values)
{
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(map[i]));
    float inverse = largest > 0 ? LARGEST / largest : 0;
    for (size_t i = 0; i < count; i++)
        values[i] = (int16_t)lrintf(map[i] * inverse);
    return largest / LARGEST;
}

KERNEL_CLONES static void expand(const int16_t *restrict values, size_t count, float scale, float *restrict map)
{
    for (size_t i = 0; i < count; i++)
        map[i] = scale * (float)values[i];
}

static size_t tap_count(const struct net *base, int tap, int rows, int cols)
{
    size_t cell = tap ? 2 * CELL : CELL, channels = 0;
    for (int i = 0; i < base->plan.count; i++)
        if (base->plan.blocks[i].tap == tap)
            channels = (size_t)base->plan.blocks[i].to;
    return (size_t)rows / cell * ((size_t)cols / cell) * channels;
}

static size_t target_count(int rows, int cols)
{
    return (size_t)(rows / CELL) * (size_t)(cols / CELL);
}

size_t adapt_kept_bytes(const struct net *base, int rows, int cols)
{
    size_t values = tap_count(base, 0, rows, cols) + tap_count(base, 1, rows, cols);
    return sizeof(struct kept_view) + values * sizeof(int16_t) + target_count(rows, cols);
}

static size_t map_count(const struct adapt_views *v, const struct adapt_view *view)
{
    if (v->taps)
        return tap_count(v->base, 0, view->rows, view->cols) + tap_count(v->base, 1, view->rows, view->cols);
    return (size_t)(view->rows / v->stride) * (size_t)(view->cols / v->stride) *
           (size_t)v->base->plan.blocks[v->start].from;
}

// The pixels of a view as the network sees them.
static void look(struct adapt_views *v, struct loader *l, const float *rgb, struct adapt_view *view)
{
    struct graph_tap taps[NET_TAPS], out;
    const struct graph_pass front = {.end = v->start, .frozen = v->start, .running = true};
    view->values = xmalloc(map_count(v, view) * sizeof *view->values);
    if (v->start > 0)
        graph_run(l->graph, v->base, &front, rgb, 1, view->rows, view->cols, taps, &out);
    if (!v->taps) {
        view->scale[0] = quantise(v->start > 0 ? out.values : rgb, map_count(v, view), view->values);
        return;
    }
    size_t fine = tap_count(v->base, 0, view->rows, view->cols);
    view->scale[0] = quantise(taps[0].values, fine, view->values);
    view->scale[1] = quantise(taps[1].values, map_count(v, view) - fine, view->values + fine);
}

// View `index` of an entry whose pixels were loaded; they stay as they are.
static void make(struct adapt_views *v, struct loader *l, size_t entry, int index, const struct adapt_pixels *pixels,
                 struct adapt_view *view)
{
    const struct adapt_entry *e = &v->entries[entry];
    size_t count = (size_t)pixels->rows * (size_t)pixels->cols;
    float *rgb = xmalloc(3 * count * sizeof *rgb), *mask = NULL;
    uint64_t x = (v->taps ? v->data->kept_seed : v->options.seed) ^ (uint64_t)e->id * 0x9e3779b97f4a7c15u;
    struct rng rng = rng_seed(rng_splitmix(&x) + (uint64_t)index);
    *view = (struct adapt_view){.rows = pixels->rows, .cols = pixels->cols, .flaw = -1};
    memcpy(rgb, pixels->rgb, 3 * count * sizeof *rgb);
    bool flawed = index >= adapt_views_plain(v, entry);
    if (flawed || pixels->mask) {
        mask = xmalloc(count * sizeof *mask);
        if (!flawed)
            memcpy(mask, pixels->mask, count * sizeof *mask);
    }
    bool across = index & 1, down = index & 2;
    double boxes[16][4];
    int box_count = e->box_count < 16 ? e->box_count : 16;
    if (flawed) {
        across = rng_below(&rng, 2);
        down = rng_below(&rng, 2);
        view->flaw = adapt_flaw(&rng, pixels->rows, pixels->cols, rgb, mask);
    }
    for (int i = 0; i < box_count; i++) {
        boxes[i][0] = across ? 1 - e->boxes[i][2] : e->boxes[i][0];
        boxes[i][2] = across ? 1 - e->boxes[i][0] : e->boxes[i][2];
        boxes[i][1] = down ? 1 - e->boxes[i][3] : e->boxes[i][1];
        boxes[i][3] = down ? 1 - e->boxes[i][1] : e->boxes[i][3];
    }
    adapt_mirror(pixels->rows, pixels->cols, across, down, rgb, mask);
    if (index > 0)
        adapt_light(&rng, v->options.gain, v->options.gamma, rgb, count);
    if (e->side != ADAPT_DEFECT || mask || (e->boxes && e->box_count <= 16)) {
        view->target = xmalloc(count / 64 * sizeof *view->target);
        bool clean = e->side != ADAPT_DEFECT && !flawed;
        adapt_target(pixels->rows, pixels->cols, clean ? NULL : mask, boxes, clean ? 0 : box_count, view->target);
    }
    look(v, l, rgb, view);
    free(rgb);
    free(mask);
}

static enum status load(struct adapt_views *v, size_t entry, struct adapt_pixels *pixels, struct error *err)
{
    *pixels = (struct adapt_pixels){0};
    pthread_mutex_lock(&v->lock);
    enum status status = v->data->load(v->data->context, v->entries[entry].id, pixels, err);
    pthread_mutex_unlock(&v->lock);
    if (status == ST_OK && (pixels->rows < 32 || pixels->cols < 32 || pixels->rows % 16 || pixels->cols % 16)) {
        status = error_set(err, ST_INVALID, "picture %lld was given with sides that are no multiples of 16 from 32 on",
                           (long long)v->entries[entry].id);
        free(pixels->rgb);
        free(pixels->mask);
    }
    return status;
}

// Takes the views that the caller keeps, and makes those that are not there.
static enum status recall(struct adapt_views *v, struct loader *l, size_t entry, struct error *err)
{
    struct adapt_pixels pixels = {0};
    int views = adapt_views_plain(v, entry) + adapt_views_flawed(v, entry);
    enum status status = ST_OK;
    for (int k = 0; k < views && status == ST_OK; k++) {
        pthread_mutex_lock(&v->lock);
        struct kept_view *kept = v->data->kept(v->data->context, v->entries[entry].id, k);
        pthread_mutex_unlock(&v->lock);
        int16_t *values = (int16_t *)(kept + 1);
        if (!kept->ready && !pixels.rgb)
            status = load(v, entry, &pixels, err);
        if (!kept->ready && status == ST_OK) {
            struct adapt_view made;
            make(v, l, entry, k, &pixels, &made);
            size_t count = map_count(v, &made);
            memcpy(values, made.values, count * sizeof *values);
            if (made.target)
                memcpy(values + count, made.target, target_count(made.rows, made.cols));
            *kept = (struct kept_view){1, made.target != NULL, made};
            view_clear(&made);
        }
        struct adapt_view *view = &v->kept[entry * (size_t)v->most + (size_t)k];
        if (status == ST_OK) {
            *view = kept->view;
            view->values = values;
            view->target = kept->has_target ? (int8_t *)(values + map_count(v, view)) : NULL;
        }
    }
    free(pixels.rgb);
    free(pixels.mask);
    return status;
}

static void fill_from_kept(struct adapt_views *v, int worker)
{
    for (size_t i; (i = atomic_fetch_add(&v->next, 1)) < v->count && !atomic_load(&v->ended);) {
        struct error err;
        v->entries[i].gone = recall(v, &v->loaders[worker], i, &err) != ST_OK;
        size_t done = atomic_fetch_add(&v->done, 1) + 1;
        if (worker == 0 && !v->go_on(v->context, done))
            atomic_store(&v->ended, true);
    }
}

static void fill(void *context, int worker)
{
    struct adapt_views *v = context;
    if (v->taps) {
        fill_from_kept(v, worker);
        return;
    }
    for (size_t i; (i = atomic_fetch_add(&v->next, 1)) < v->count && !atomic_load(&v->ended);) {
        struct adapt_pixels pixels;
        struct error err;
        v->entries[i].gone = load(v, i, &pixels, &err) != ST_OK;
        int views = v->entries[i].gone ? 0 : adapt_views_plain(v, i) + adapt_views_flawed(v, i);
        for (int k = 0; k < views; k++) {
            struct adapt_view view;
            uint64_t room = (uint64_t)pixels.rows * (uint64_t)pixels.cols / (uint64_t)(v->stride * v->stride) *
                            (uint64_t)v->base->plan.blocks[v->start].from * sizeof *view.values;
            if (atomic_fetch_add(&v->bytes, room) + room > v->options.cache_bytes) {
                atomic_fetch_sub(&v->bytes, room);
                break;
            }
            make(v, &v->loaders[worker], i, k, &pixels, &view);
            v->kept[i * (size_t)v->most + (size_t)k] = view;
        }
        if (!v->entries[i].gone) {
            free(pixels.rgb);
            free(pixels.mask);
        }
        size_t done = atomic_fetch_add(&v->done, 1) + 1;
        if (worker == 0 && !v->go_on(v->context, done))
            atomic_store(&v->ended, true);
    }
}

enum status adapt_views_fill(struct adapt_views *v, bool (*go_on)(void *context, size_t done), void *context,
                             struct error *err)
{
    v->go_on = go_on;
    v->context = context;
    parallel_run(v->options.threads, fill, v);
    if (atomic_load(&v->ended))
        return error_set(err, ST_CANCELLED, "training was cancelled");
    return ST_OK;
}

enum status adapt_view_get(struct adapt_views *v, int worker, size_t entry, int index, const struct adapt_view **out,
                           const float **map, int *map_rows, int *map_cols, struct error *err)
{
    struct loader *l = &v->loaders[worker];
    const struct adapt_view *view = &v->kept[entry * (size_t)v->most + (size_t)index];
    if (!view->values) {
        struct adapt_pixels pixels;
        enum status status = load(v, entry, &pixels, err);
        if (status != ST_OK)
            return status;
        view_clear(&l->view);
        make(v, l, entry, index, &pixels, &l->view);
        free(pixels.rgb);
        free(pixels.mask);
        view = &l->view;
    }
    size_t count = map_count(v, view);
    if (count > l->capacity) {
        free(l->map);
        l->map = xaligned(count, sizeof *l->map);
        l->capacity = count;
    }
    size_t first = v->taps ? tap_count(v->base, 0, view->rows, view->cols) : count;
    expand(view->values, first, view->scale[0], l->map);
    expand(view->values + first, count - first, view->scale[1], l->map + first);
    *out = view;
    *map = l->map;
    *map_rows = view->rows / (v->taps ? CELL : v->stride);
    *map_cols = view->cols / (v->taps ? CELL : v->stride);
    return ST_OK;
}
