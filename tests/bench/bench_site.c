// What few answers are worth on the demo's scenes, heads alone, half of each scene's pictures in the order of
// the camera to learn from and the other half to measure on: with 10 to 40 defects and three normals to each;
// and at a new site, with 28 pictures of one scene, from nothing and from a model of another scene. A line of
// JSON a model. bench_site [--part few|site] [--seeds N] [--first N] [--threads N] [name=value ..]
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "image/demo.h"
#include "image/resize.h"
#include "learn/adapt.h"
#include "nn/blas.h"
#include "nn/embedded.h"
#include "screen/metrics.h"
#include "screen/patch_impl.h"
#include "tests/bench/must.h"

enum { PICTURES = 600, SIDE = 256, LABELS = 160, TESTED = 200, POOL = 100, NEW = 28, VIEWS = 8 };
static const double defect_rate = 0.3;

struct bench {
    bool few, site;          // the parts that are measured
    struct demo_item *items; // (DEMO_SCENES * PICTURES), scene by scene
    struct net *net;
    int threads;
    const struct adapt_scorer *scorer;
    const size_t *tested;
    size_t tested_count;
    double *logits; // (tested_count)
    unsigned char *views;
    size_t view_bytes;
};

// ---- pictures ----

static void input_shape(int scene, int *rows, int *cols)
{
    double aspect = sqrt((double)demo_scenes[scene].width / demo_scenes[scene].height);
    *rows = patch_input_side(SIDE / aspect, 16);
    *cols = patch_input_side(SIDE * aspect, 16);
}

static enum status load(void *context, int64_t id, struct adapt_pixels *p, struct error *err)
{
    const struct bench *b = context;
    const struct demo_item *item = &b->items[id];
    struct image picture, mask;
    (void)err;
    demo_render(item, &picture, &mask);
    input_shape(item->scene, &p->rows, &p->cols);
    size_t count = (size_t)p->rows * (size_t)p->cols;
    p->rgb = xmalloc(3 * count * sizeof(float));
    p->mask = NULL;
    image_resize_rgb(&picture, 0, 0, picture.width, picture.height, p->cols, p->rows, p->rgb);
    if (item->kind >= 0) {
        float *three = xmalloc(3 * count * sizeof *three);
        image_resize_rgb(&mask, 0, 0, mask.width, mask.height, p->cols, p->rows, three);
        p->mask = xmalloc(count * sizeof(float));
        for (size_t i = 0; i < count; i++)
            p->mask[i] = three[3 * i] / 255;
        free(three);
    }
    image_clear(&picture);
    image_clear(&mask);
    return ST_OK;
}

static void *kept(void *context, int64_t id, int view)
{
    const struct bench *b = context;
    return b->views + ((size_t)id * VIEWS + (size_t)view) * b->view_bytes;
}

static void map_views(struct bench *b)
{
    for (int s = 0; s < DEMO_SCENES; s++) {
        int rows, cols;
        input_shape(s, &rows, &cols);
        size_t bytes = (adapt_kept_bytes(b->net, rows, cols) + 63) / 64 * 64;
        b->view_bytes = bytes > b->view_bytes ? bytes : b->view_bytes;
    }
    b->views = mmap(NULL, (size_t)DEMO_SCENES * PICTURES * VIEWS * b->view_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (b->views == MAP_FAILED) {
        perror("views");
        exit(1);
    }
}

// Up to `want` pictures of a scene's half that are defects or not, in their order from `skip` on.
static size_t take(const struct bench *b, int scene, bool later, bool defect, size_t skip, size_t want,
                   size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < PICTURES / 2 && n < want; i++) {
        size_t at = (size_t)scene * PICTURES + (later ? PICTURES / 2 : 0) + i;
        if ((b->items[at].kind >= 0) == defect && (skip == 0 || skip-- == 0))
            out[n++] = at;
    }
    return n;
}

// ---- a model ----

struct lesson {
    int scene;
    size_t defects, normals, pool;
    const struct adapt_model *from;
};

static struct adapt_model *learn(struct bench *b, const struct lesson *l, const struct adapt_options *o)
{
    size_t rows[PICTURES], n = take(b, l->scene, false, true, 0, l->defects, rows);
    n += take(b, l->scene, false, false, 0, l->normals, rows + n);
    size_t pool = take(b, l->scene, false, false, l->normals, l->pool, rows + n);
    struct adapt_label *labels = xcalloc(n + 1, sizeof *labels);
    int64_t *believed = xcalloc(pool + 1, sizeof *believed);
    for (size_t i = 0; i < n; i++)
        labels[i] = (struct adapt_label){
            .id = (int64_t)rows[i], .defect = b->items[rows[i]].kind >= 0, .class_index = -1};
    for (size_t i = 0; i < pool; i++)
        believed[i] = (int64_t)rows[n + i];
    struct adapt_data data = {.context = b,
                              .load = load,
                              .labels = labels,
                              .label_count = n,
                              .pool = believed,
                              .pool_count = pool,
                              .kept = kept,
                              .kept_seed = 1};
    struct adapt_model *model;
    struct error err;
    must(adapt_train(b->net, l->from, &data, o, NULL, &model, &err), &err);
    free(labels);
    free(believed);
    return model;
}

static void score(void *context, int worker)
{
    struct bench *b = context;
    struct adapt_score_work *work = adapt_score_work_new(b->scorer);
    for (size_t i = (size_t)worker; i < b->tested_count; i += (size_t)b->threads) {
        struct adapt_pixels p;
        struct adapt_score s;
        struct error err;
        must(load(b, (int64_t)b->tested[i], &p, &err), &err);
        adapt_score(b->scorer, work, p.rgb, p.rows, p.cols, &s);
        b->logits[i] = (double)s.logit;
        free(p.rgb);
        free(p.mask);
    }
    adapt_score_work_free(work);
}

static void measure(struct bench *b, const struct lesson *l, const char *from, long seed,
                    const struct adapt_model *model)
{
    size_t rows[PICTURES], n = take(b, l->scene, true, true, 0, TESTED / 2, rows);
    n += take(b, l->scene, true, false, 0, TESTED, rows + n);
    double logits[PICTURES], hits = 0, called = 0, defects = 0;
    bool defect[PICTURES];
    struct adapt_scorer *scorer;
    struct error err;
    must(adapt_scorer_new(b->net, model, BASE_FASTEST, &scorer, &err), &err);
    b->scorer = scorer;
    b->tested = rows;
    b->tested_count = n;
    b->logits = logits;
    parallel_run(b->threads, score, b);
    adapt_scorer_free(scorer);
    for (size_t i = 0; i < n; i++) {
        defect[i] = b->items[rows[i]].kind >= 0;
        called += logits[i] > 0;
        hits += logits[i] > 0 && defect[i];
        defects += defect[i];
    }
    printf("{\"scene\":\"%s\",\"from\":\"%s\",\"seed\":%ld,\"defects\":%zu,\"normals\":%zu,\"pool\":%zu,"
           "\"auroc\":%.4f,"
           "\"filtered95\":%.4f,\"filtered9824\":%.4f,\"recall\":%.4f,\"precision\":%.4f}\n",
           demo_scenes[l->scene].name, from, seed, l->defects, l->normals, l->pool,
           metrics_auroc(logits, defect, n), metrics_filtered(logits, defect, n, 0.95),
           metrics_filtered(logits, defect, n, 0.9824), hits / fmax(defects, 1), hits / fmax(called, 1));
    fflush(stdout);
}

static void one_seed(struct bench *b, long seed, const struct adapt_options *options)
{
    struct adapt_options o = *options;
    struct adapt_model *sites[DEMO_SCENES];
    o.seed = (uint64_t)seed + 1;
    b->items = demo_plan((uint64_t)seed + 1, (size_t)DEMO_SCENES * PICTURES, defect_rate);
    map_views(b);
    for (int s = 0; s < DEMO_SCENES && b->few; s++)
        for (size_t defects = 10; defects <= 40; defects += 10) {
            struct lesson l = {.scene = s, .defects = defects, .normals = 3 * defects, .pool = POOL};
            struct adapt_model *model = learn(b, &l, &o);
            measure(b, &l, "", seed, model);
            adapt_model_free(model);
        }
    for (int s = 0; s < DEMO_SCENES && b->site; s++) {
        struct lesson l = {.scene = s, .defects = LABELS / 4, .normals = LABELS - LABELS / 4};
        sites[s] = learn(b, &l, &o);
        measure(b, &l, "", seed, sites[s]);
    }
    for (int s = 0; s < DEMO_SCENES && b->site; s++)
        for (int from = -1; from < DEMO_SCENES; from++) {
            struct lesson l = {.scene = s,
                               .defects = NEW / 2,
                               .normals = NEW / 2,
                               .pool = POOL,
                               .from = from < 0 ? NULL : sites[from]};
            if (from == s)
                continue;
            struct adapt_model *model = learn(b, &l, &o);
            measure(b, &l, from < 0 ? "" : demo_scenes[from].name, seed, model);
            adapt_model_free(model);
        }
    for (int s = 0; s < DEMO_SCENES && b->site; s++)
        adapt_model_free(sites[s]);
    munmap(b->views, (size_t)DEMO_SCENES * PICTURES * VIEWS * b->view_bytes);
    free(b->items);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct bench b = {.few = true, .site = true, .threads = parallel_cores()};
    struct adapt_options options = adapt_defaults;
    const unsigned char *bytes;
    size_t size;
    struct tensor_file *file;
    struct error err;
    long seeds = 1, first = 0;
    options.kind = ADAPTER_NONE;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = atol(value), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = atol(value), i++;
        } else if (strcmp(argv[i], "--part") == 0) {
            b.few = strcmp(value, "site") != 0;
            b.site = strcmp(value, "few") != 0;
            i++;
        } else if (strcmp(argv[i], "--threads") == 0) {
            b.threads = atoi(value), i++;
        } else if (adapt_option_set(&options, argv[i], &err) != ST_OK) {
            fprintf(stderr, "%s: %s\n", argv[0], err.text);
            return 2;
        }
    }
    options.threads = b.threads;
    if (options.views + options.flaws != VIEWS) {
        fprintf(stderr, "%s: views and flaws make %d\n", argv[0], VIEWS);
        return 2;
    }
    must(embedded_base(&bytes, &size, NULL, &err), &err);
    must(tensor_open_bytes(bytes, size, EMBEDDED_NAME, &file, &err), &err);
    must(net_read(file, &b.net, &err), &err);
    tensor_close(file);
    for (long seed = first; seed < first + seeds; seed++)
        one_seed(&b, seed, &options);
    net_free(b.net);
    return 0;
}
