#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "image/demo.h"
#include "learn/frontier_impl.h"

enum { RUNS = 11, HEADER = 16 << 10, HEADER_TENSOR = 120, HEADER_ROW = 180 };

// The networks of a file, ready to run.
struct networks {
    int count;
    struct net_cut cuts[ELASTIC_CUTS];
    struct base *bases[ELASTIC_CUTS];
    double bytes[ELASTIC_CUTS]; // of the tensors in half precision, and their part of the header
};

static void networks_free(struct networks *n)
{
    for (int i = 0; i < n->count; i++)
        base_free(n->bases[i]);
}

// As net_put stores it: statistics in full precision.
static double file_bytes(const struct net *net)
{
    double bytes = HEADER;
    for (int i = 0; i < net->tensor_count; i++)
        bytes +=
            HEADER_TENSOR + (double)net->tensors[i].count * (net->tensors[i].role == NET_STATISTIC ? 4 : 2);
    return bytes;
}

// The network and its cuts, at least one.
static enum status read_elastic(const struct tensor_file *file, struct net **net,
                                struct net_cut cuts[ELASTIC_CUTS], int *count, struct error *err)
{
    enum status status = net_read(file, net, err);
    if (status != ST_OK)
        return status;
    status = elastic_list(file, cuts, count, err);
    if (status == ST_OK && *count == 0)
        status = error_set(
            err, ST_INVALID,
            "%s: base %s is a plain one, with no smaller networks inside to cut out; `assay base train` "
            "makes elastic ones",
            tensor_path(file), (*net)->plan.name);
    if (status != ST_OK)
        net_free(*net);
    return status;
}

enum status frontier_check(const struct tensor_file *file, struct error *err)
{
    struct net_cut cuts[ELASTIC_CUTS];
    struct net *net;
    int count;
    enum status status = read_elastic(file, &net, cuts, &count, err);
    if (status == ST_OK)
        net_free(net);
    return status;
}

static enum status networks_open(const struct tensor_file *file, struct networks *n, struct frontier *f,
                                 struct error *err)
{
    struct net *net, *small;
    int cuts;
    *n = (struct networks){0};
    enum status status = read_elastic(file, &net, n->cuts, &cuts, err);
    if (status != ST_OK)
        return status;
    snprintf(f->base, sizeof f->base, "%s", net->plan.name);
    snprintf(f->sha256, sizeof f->sha256, "%s", net->sha256);
    for (int i = 0; i < cuts && status == ST_OK; i++) {
        status = elastic_read(file, net, i, &small, err);
        if (status != ST_OK)
            break;
        n->bytes[i] = file_bytes(small);
        status = base_new(small, &n->bases[i], err);
        if (status == ST_OK)
            n->count++;
        else
            status = error_prefix(err, "%s: its smaller network %d", tensor_path(file), i);
        net_free(small);
    }
    net_free(net);
    if (status != ST_OK)
        networks_free(n);
    return status;
}

// ---- cost ----

static int rising(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

// Processor time of this thread: what wall time is when nothing else runs.
static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Round after round over all rows, so that a machine that is busy for a while is so for all of them.
static void measure_ms(const struct networks *n, struct frontier *f)
{
    int most = frontier_sides[FRONTIER_SIDES - 1];
    size_t values = (size_t)most * (size_t)most * 3;
    float *rgb = xaligned(values, sizeof *rgb);
    double(*runs)[RUNS] = xcalloc((size_t)f->count, sizeof *runs);
    struct rng rng = rng_seed(1);
    struct tap taps[BASE_TAPS];
    for (size_t i = 0; i < values; i++)
        rgb[i] = (float)(255 * rng_uniform(&rng));
    struct base_work *work = base_work_new(n->bases[0]);
    for (int round = 0; round < RUNS; round++)
        for (int i = 0; i < f->count; i++) {
            const struct frontier_row *row = &f->rows[i];
            const struct base *base = n->bases[row->index];
            base_taps(base, work, rgb, row->side, row->side, taps);
            double started = thread_seconds();
            base_taps(base, work, rgb, row->side, row->side, taps);
            runs[i][round] = thread_seconds() - started;
        }
    for (int i = 0; i < f->count; i++) {
        qsort(runs[i], RUNS, sizeof **runs, rising);
        f->rows[i].ms = fmax(0.001, round(1e6 * runs[i][RUNS / 2]) / 1e3);
    }
    base_work_free(work);
    free(runs);
    free(rgb);
}

// ---- quality ----

struct scoring {
    const struct trial *trial;
    struct features *features[ELASTIC_CUTS];
    int count, threads;
    double auroc[ELASTIC_CUTS];
    enum status status[ELASTIC_CUTS];
    struct error errors[ELASTIC_CUTS];
};

static void score(void *context, int worker)
{
    struct scoring *s = context;
    for (int i = worker; i < s->count; i += s->threads)
        s->status[i] = features_quality(s->trial, s->features[i], &s->auroc[i], &s->errors[i]);
}

struct course { // of a measurement
    const struct frontier_options *options;
    int done, total;
};

static enum status step(struct course *c, struct error *err)
{
    const struct frontier_options *o = c->options;
    if (o->progress)
        o->progress(o->context, c->done++, c->total);
    if (o->stop && o->stop(o->context))
        return error_set(err, ST_CANCELLED, "stopped; what was measured so far is not kept");
    return ST_OK;
}

// All cuts at one side on one scene; adds to rows[cut].
static enum status measure_side(const struct networks *n, struct trial *trial, int side,
                                struct course *course, struct frontier_row *rows, int scene_count,
                                struct error *err)
{
    int threads = course->options->threads;
    struct scoring *s = xcalloc(1, sizeof *s);
    enum status status = ST_OK;
    trial_resize(trial, n->bases[0], side, threads);
    for (int i = 0; i < n->count && status == ST_OK; i++) {
        status = step(course, err);
        if (status == ST_OK)
            status = trial_features(trial, n->bases[i], threads, &s->features[i], err);
    }
    if (status == ST_OK) {
        s->trial = trial;
        s->count = n->count;
        s->threads = threads;
        parallel_run(threads, score, s);
    }
    for (int i = 0; i < n->count; i++) {
        if (status == ST_OK && s->status[i] != ST_OK)
            status = error_set(err, s->status[i], "%s", s->errors[i].text);
        rows[i].quality += s->auroc[i] / scene_count;
        features_free(s->features[i]);
    }
    free(s);
    return status;
}

static enum status measure_quality(const struct networks *n, const struct frontier_scene *scenes,
                                   int scene_count, const struct frontier_options *o, struct frontier *f,
                                   struct error *err)
{
    struct course course = {o, 0, scene_count * FRONTIER_SIDES * n->count};
    enum status status = ST_OK;
    for (int s = 0; s < scene_count && status == ST_OK; s++) {
        struct trial *trial;
        status = trial_new(&scenes[s], o->seed + (uint64_t)s, o->threads, &trial, err);
        if (status != ST_OK)
            break;
        for (int k = 0; k < FRONTIER_SIDES && status == ST_OK; k++)
            status =
                measure_side(n, trial, frontier_sides[k], &course, f->rows + k * n->count, scene_count, err);
        trial_free(trial);
    }
    for (int i = 0; i < f->count; i++)
        f->rows[i].quality = round(1e3 * f->rows[i].quality) / 1e3;
    return status;
}

// ---- all of it ----

enum status frontier_measure(const struct tensor_file *file, const struct frontier_scene *scenes,
                             int scene_count, const struct frontier_options *options, struct frontier *f,
                             struct error *err)
{
    double started = clock_seconds();
    struct networks n;
    openblas_set_num_threads(1); // one picture per thread
    f->count = 0;
    enum status status = networks_open(file, &n, f, err);
    if (status != ST_OK)
        return status;
    for (int k = 0; k < FRONTIER_SIDES; k++)
        for (int i = 0; i < n.count; i++)
            f->rows[f->count++] = (struct frontier_row){
                .index = i,
                .cut = n.cuts[i],
                .side = frontier_sides[k],
                .parameters = base_info(n.bases[i])->parameters,
                .megabytes = (n.bytes[i] + HEADER_ROW * FRONTIER_SIDES * n.count) / 1e6,
            };
    frontier_machine(f->machine);
    measure_ms(&n, f);
    status = measure_quality(&n, scenes, scene_count, options, f, err);
    networks_free(&n);
    if (status != ST_OK)
        return status;
    f->seconds = clock_seconds() - started;
    frontier_mark(f);
    return ST_OK;
}

enum status frontier_net(const struct tensor_file *file, const struct frontier_row *row, struct net **net,
                         struct error *err)
{
    struct net *large;
    enum status status = net_read(file, &large, err);
    if (status != ST_OK)
        return status;
    status = elastic_read(file, large, row->index, net, err);
    if (status == ST_OK) {
        struct net_plan *plan = &(*net)->plan;
        if (row->side != large->plan.side) {
            char name[sizeof plan->name];
            snprintf(name, sizeof name, "%.50s-%d", plan->name, row->side);
            memcpy(plan->name, name, sizeof name);
        }
        plan->side = row->side;
    }
    net_free(large);
    return status;
}

void frontier_put(const struct net *net, const struct frontier *f, struct tensor_writer *writer)
{
    char *table = frontier_text(f);
    net_put(net, writer, true);
    tensor_put_meta(writer, "cut_from", f->sha256);
    tensor_put_meta(writer, "frontier", table);
    free(table);
}

// ---- the demo's pictures ----

struct drawing {
    const struct demo_item *items;
    struct image **pictures;
    size_t count;
    int threads;
};

static void draw(void *context, int worker)
{
    const struct drawing *d = context;
    for (size_t i = (size_t)worker; i < d->count; i += (size_t)d->threads)
        demo_render(&d->items[i], d->pictures[i], NULL);
}

void frontier_demo(uint64_t seed, int threads, struct frontier_scene *scenes)
{
    size_t count = (size_t)FRONTIER_MOST * DEMO_SCENES;
    struct demo_item *items = demo_plan(seed, count, 0);
    struct image **pictures = xcalloc(count, sizeof *pictures);
    for (int s = 0; s < DEMO_SCENES; s++) {
        scenes[s] = (struct frontier_scene){.pictures = xcalloc(FRONTIER_MOST, sizeof *scenes[s].pictures),
                                            .groups = xcalloc(FRONTIER_MOST, sizeof *scenes[s].groups),
                                            .squash = true}; // side x side, as the milliseconds are for
        snprintf(scenes[s].name, sizeof scenes[s].name, "%s", demo_scenes[s].name);
    }
    for (size_t i = 0; i < count; i++) {
        struct frontier_scene *scene = &scenes[items[i].scene];
        scene->groups[scene->count] = (uint64_t)items[i].group;
        pictures[i] = &scene->pictures[scene->count++];
    }
    parallel_run(threads, draw, &(struct drawing){items, pictures, count, threads});
    free(pictures);
    free(items);
}

void frontier_scene_clear(struct frontier_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        image_clear(&scene->pictures[i]);
    free(scene->pictures);
    free(scene->groups);
    *scene = (struct frontier_scene){0};
}
