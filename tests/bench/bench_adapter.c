// What answers are worth: the magnetic-tile pictures by group. Per seed, 80 % of the groups are those that answers are asked
// about (first by the anomaly score of the shrinkage Gaussian, then by the model, a part at random); the model is tested
// on the groups that are left, which nothing here ever reads before.
// bench_adapter PICTURES [--seeds N] [--first N] [--side N] [--answers N,N..] [--kinds adapter,heads,full] [--no-masks] [--threads N]
//     [--random] [--leave-out KIND] [--defects N,N..] [--between KIND] [name=value ..]
// --random: answers are about pictures drawn at random. --leave-out: no answer is about a picture of that kind.
// --defects: instead of answers, so many defects drawn at random and three normals to each.
// --between: what is trained between one stage and the last (adapter or heads; the latter is quicker).
// Recall of each kind is at the threshold that flags a tenth of the normals held out.
#include "config.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "image/resize.h"
#include "learn/adapt.h"
#include "nn/blas.h"
#include "nn/embedded.h"
#include "screen/gaussian.h"
#include "screen/metrics.h"
#include "screen/tail.h"

enum { KINDS = 6, NORMAL = 4, THREADS_MOST = 64, STAGES_MOST = 16 };
static const char *const kinds[KINDS] = {"Blowhole", "Break", "Crack", "Fray", "Free", "Uneven"};
static const double fit_share = 0.8;

struct tile {
    long number;
    int exposure, kind;
    uint64_t group;
    struct image image, mask;
};

struct bench {
    struct tile *tiles;
    size_t count, capacity, groups;
    int side, threads, without, between; // without: a kind that is never asked about, -1 none
    bool masks, random, drawn;
    double scale; // of the model's input to the side
    struct net *net;
    struct base *base;
    int dim;
    float *embeddings; // (count, dim)
    const struct adapt_scorer *scorer;
    double *logits; // (count) of the model in use
    int *classes;
    bool *unknown;
};

static _Noreturn void die(const struct error *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

// ---- pictures ----

static void add_folder(struct bench *b, const char *root, int kind)
{
    char *folder = xasprintf("%s/MT_%s/Imgs", root, kinds[kind]);
    DIR *dir = opendir(folder);
    struct error err;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int exposure;
        long number;
        char end[8];
        if (sscanf(e->d_name, "exp%d_num_%ld.%4s", &exposure, &number, end) != 3 || strcmp(end, "jpg") != 0)
            continue;
        struct tile t = {number, exposure, kind, 0, {0}, {0}};
        char *path = xasprintf("%s/%s", folder, e->d_name);
        if (image_load(path, &image_limits_default, 0, 0, &t.image, NULL, &err) != ST_OK)
            die(&err);
        memcpy(strrchr(path, '.'), ".png", 4);
        if (kind != NORMAL && image_load(path, &image_limits_default, 0, 0, &t.mask, NULL, &err) != ST_OK)
            die(&err);
        free(path);
        GROW(b->tiles, b->capacity, b->count + 1);
        b->tiles[b->count++] = t;
    }
    if (dir)
        closedir(dir);
    free(folder);
}

static int by_number(const void *left, const void *right)
{
    const struct tile *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->exposure - b->exposure;
}

// A new tile begins where the number of the exposure does not rise.
static void open_tiles(struct bench *b, const char *root)
{
    for (int k = 0; k < KINDS; k++)
        add_folder(b, root, k);
    qsort(b->tiles, b->count, sizeof *b->tiles, by_number);
    for (size_t i = 0; i < b->count; i++) {
        b->groups += i == 0 || b->tiles[i].exposure <= b->tiles[i - 1].exposure;
        b->tiles[i].group = b->groups - 1;
    }
}

static int input_side(double side)
{
    int multiple = (int)(side / 16 + 0.5) * 16;
    return multiple < 32 ? 32 : multiple;
}

static void input_shape(const struct tile *t, double side, int *rows, int *cols)
{
    double aspect = sqrt((double)t->image.width / t->image.height);
    *rows = input_side(side / aspect);
    *cols = input_side(side * aspect);
}

static void load_at(const struct bench *b, const struct tile *t, double side, struct adapt_pixels *pixels)
{
    input_shape(t, side, &pixels->rows, &pixels->cols);
    size_t count = (size_t)pixels->rows * (size_t)pixels->cols;
    pixels->rgb = xmalloc(3 * count * sizeof(float));
    image_resize_rgb(&t->image, 0, 0, t->image.width, t->image.height, pixels->cols, pixels->rows, pixels->rgb);
    if (b->masks && t->mask.pixels) {
        float *three = xmalloc(3 * count * sizeof *three);
        image_resize_rgb(&t->mask, 0, 0, t->mask.width, t->mask.height, pixels->cols, pixels->rows, three);
        pixels->mask = xmalloc(count * sizeof(float));
        for (size_t i = 0; i < count; i++)
            pixels->mask[i] = three[3 * i] / 255;
        free(three);
    }
}

static enum status load(void *context, int64_t id, struct adapt_pixels *pixels, struct error *err)
{
    const struct bench *b = context;
    (void)err;
    load_at(b, &b->tiles[id], b->scale * b->side, pixels);
    return ST_OK;
}

// ---- scores ----

static void embed(void *context, int worker)
{
    struct bench *b = context;
    struct base_work *work = base_work_new(b->base);
    for (size_t i = (size_t)worker; i < b->count; i += (size_t)b->threads) {
        struct adapt_pixels p = {0};
        struct tap taps[BASE_TAPS];
        load_at(b, &b->tiles[i], b->side, &p);
        base_taps(b->base, work, p.rgb, p.rows, p.cols, taps);
        float *to = b->embeddings + i * (size_t)b->dim;
        for (int t = 0; t < BASE_TAPS; t++)
            for (int c = 0; c < taps[t].channels; c++) {
                double sum = 0, square = 0, cells = taps[t].rows * taps[t].cols;
                for (int k = 0; k < taps[t].rows * taps[t].cols; k++) {
                    double x = (double)taps[t].data[(size_t)k * (size_t)taps[t].channels + (size_t)c];
                    sum += x;
                    square += x * x;
                }
                *to++ = (float)(sum / cells);
                *to++ = (float)sqrt(fmax(0, square / cells - sum / cells * sum / cells));
            }
        free(p.rgb);
        free(p.mask);
    }
    base_work_free(work);
}

static void score(void *context, int worker)
{
    struct bench *b = context;
    struct adapt_score_work *work = adapt_score_work_new(b->scorer);
    for (size_t i = (size_t)worker; i < b->count; i += (size_t)b->threads) {
        struct adapt_pixels p = {0};
        struct adapt_score s;
        if (load(b, (int64_t)i, &p, NULL) != ST_OK)
            continue;
        adapt_score(b->scorer, work, p.rgb, p.rows, p.cols, &s);
        b->logits[i] = (double)s.logit;
        b->classes[i] = s.class_index;
        b->unknown[i] = s.unknown;
        free(p.rgb);
        free(p.mask);
    }
    adapt_score_work_free(work);
}

// ---- a seed ----

struct seed {
    uint64_t number;
    bool *fit, *answered; // (count)
    double *distance;     // (count) of the Gaussian
    double *fused;        // (count) what is asked next follows it
    size_t answers;
    struct rng rng;
};

static void split(const struct bench *b, struct seed *s)
{
    size_t *order = xcalloc(b->groups, sizeof *order);
    bool *chosen = xcalloc(b->groups, sizeof *chosen);
    for (size_t i = 0; i < b->groups; i++) {
        size_t j = (size_t)rng_below(&s->rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < (size_t)lround(fit_share * (double)b->groups); i++)
        chosen[order[i]] = true;
    for (size_t i = 0; i < b->count; i++)
        s->fit[i] = chosen[b->tiles[i].group];
    free(order);
    free(chosen);
}

// Fitted on what is not known to be a defect.
static void fit_gaussian(const struct bench *b, struct seed *s)
{
    size_t n = 0, dim = (size_t)b->dim;
    float *rows = xmalloc(b->count * dim * sizeof *rows);
    struct gaussian g;
    struct error err;
    for (size_t i = 0; i < b->count; i++)
        if (s->fit[i] && !(s->answered[i] && b->tiles[i].kind != NORMAL))
            memcpy(rows + n++ * dim, b->embeddings + i * dim, dim * sizeof *rows);
    if (gaussian_fit(rows, n, b->dim, &g, &err) != ST_OK)
        die(&err);
    gaussian_distances(&g, b->embeddings, b->count, s->distance);
    gaussian_clear(&g);
    free(rows);
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
    return a->index < b->index ? -1 : 1;
}

// Unanswered pictures of the fitting groups, by falling score.
static struct ranked *rank(const struct bench *b, const struct seed *s, const double *values, size_t *count)
{
    struct ranked *list = xcalloc(b->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (s->fit[i] && !s->answered[i] && b->tiles[i].kind != b->without)
            list[(*count)++] = (struct ranked){values[i], i};
    qsort(list, *count, sizeof *list, falling);
    return list;
}

// Half of the questions go to the highest scores, a quarter to the upper third, the rest anywhere.
static void ask(const struct bench *b, struct seed *s, const double *values, size_t total)
{
    size_t asked = s->answers, left;
    while (s->answers < total) {
        struct ranked *list = rank(b, s, values, &left);
        size_t at = 0, turn = (s->answers - asked) % 4;
        if (left == 0) {
            free(list);
            return;
        }
        if (b->random)
            at = (size_t)rng_below(&s->rng, left);
        else if (turn == 2)
            at = (size_t)rng_below(&s->rng, left / 3 + 1);
        else if (turn == 3)
            at = (size_t)rng_below(&s->rng, left);
        s->answered[list[at < left ? at : left - 1].index] = true;
        s->answers++;
        free(list);
    }
}

// So many defects, three normals to each, in an order drawn once a seed.
static void draw(const struct bench *b, struct seed *s, size_t defects)
{
    struct rng rng = rng_seed(s->number + 1000);
    size_t *order = xcalloc(b->count + 1, sizeof *order), counts[2] = {0};
    for (size_t i = 0; i < b->count; i++) {
        size_t j = (size_t)rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < b->count; i++) {
        bool defect = b->tiles[order[i]].kind != NORMAL;
        if (s->fit[order[i]] && counts[defect]++ < (defect ? defects : 3 * defects))
            s->answered[order[i]] = true;
    }
    free(order);
}

static bool is_class(int kind)
{
    return kind != NORMAL;
}

struct figures {
    double auroc, filtered95, filtered98, class_right, seconds, megabytes;
    double kinds[KINDS], found[KINDS]; // AUROC; recall where a tenth of the normals is flagged
    double recall, precision;          // of what the model itself calls rather a defect than not
    struct metrics_interval interval95, interval98, interval;
};

static bool watch(void *context, const struct adapt_report *r)
{
    if (getenv("VERBOSE") && r->step % 100 == 0 && r->step)
        fprintf(stderr, "  step %d/%d loss %.3f picture %.3f patch %.3f class %.3f, %.0f/s, %.0f MB, %.0f s\n", r->step, r->steps,
                r->loss, r->picture, r->patch, r->class_loss, r->pictures_per_second, (double)r->cached / 1e6, r->seconds);
    (void)context;
    return true;
}

static struct adapt_model *train(struct bench *b, struct seed *s, const struct adapt_options *o)
{
    struct adapt_label *labels = xcalloc(b->count, sizeof *labels);
    int64_t *pool = xcalloc(b->count, sizeof *pool);
    struct adapt_data data = {.context = b, .load = load, .labels = labels, .pool = pool, .classes = KINDS - 1};
    struct adapt_watch w = {.progress = watch};
    struct adapt_model *model;
    struct error err;
    size_t left;
    for (size_t i = 0; i < b->count; i++)
        if (s->answered[i]) {
            int kind = b->tiles[i].kind;
            labels[data.label_count++] = (struct adapt_label){
                .id = (int64_t)i, .defect = is_class(kind), .class_index = is_class(kind) ? kind - (kind > NORMAL) : -1};
        }
    // Believed normal, as in a project: what was not asked about, less the most suspicious tenth and what is of a thing known to
    // be defective.
    bool *defective = xcalloc(b->groups, sizeof *defective);
    for (size_t i = 0; i < b->count; i++)
        if (s->answered[i] && is_class(b->tiles[i].kind))
            defective[b->tiles[i].group] = true;
    struct ranked *list = rank(b, s, s->fused, &left);
    for (size_t i = left / 10; i < left; i++)
        if (!defective[b->tiles[list[i].index].group])
            pool[data.pool_count++] = (int64_t)list[i].index;
    free(defective);
    free(list);
    if (adapt_train(b->net, NULL, &data, o, &w, &model, &err) != ST_OK)
        die(&err);
    free(labels);
    free(pool);
    return model;
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void gather(const struct bench *b, const struct seed *s, const double *values, double *scores, bool *defect, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (!s->fit[i]) {
            scores[*n] = values[i];
            defect[(*n)++] = b->tiles[i].kind != NORMAL;
        }
}

// -log10 of the tail probability among unanswered pictures that are believed normal.
static void tails(const struct bench *b, const struct seed *s, const double *values, const bool *believed, double *out)
{
    double *sample = xcalloc(b->count, sizeof *sample);
    struct tail tail;
    struct error err;
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (believed[i] && s->fit[i])
            sample[n++] = values[i];
    if (tail_fit(sample, n, &tail, &err) != ST_OK)
        die(&err);
    for (size_t i = 0; i < b->count; i++)
        out[i] = tail_score(&tail, values[i]);
    free(sample);
}

// Sum of the model's and the Gaussian's -log10 tail probabilities.
static void fuse(const struct bench *b, struct seed *s)
{
    bool *believed = xcalloc(b->count, sizeof *believed);
    double *own = xcalloc(b->count, sizeof *own), *other = xcalloc(b->count, sizeof *other);
    for (size_t i = 0; i < b->count; i++)
        believed[i] = s->fit[i] && (!s->answered[i] || b->tiles[i].kind == NORMAL);
    tails(b, s, b->logits, believed, own);
    tails(b, s, s->distance, believed, other);
    for (size_t i = 0; i < b->count; i++)
        s->fused[i] = own[i] + other[i];
    free(believed);
    free(own);
    free(other);
}

static struct figures measure(struct bench *b, struct seed *s)
{
    struct figures f = {0};
    double *scores = xcalloc(b->count, sizeof *scores), right = 0, classed = 0;
    bool *defect = xcalloc(b->count, sizeof *defect);
    uint64_t *groups = xcalloc(b->count, sizeof *groups);
    double hits = 0, called = 0, defects = 0;
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (!s->fit[i])
            groups[n++] = b->tiles[i].group;
    gather(b, s, b->logits, scores, defect, &n);
    struct metrics m = metrics_all(scores, defect, groups, n, 200, 1);
    f.auroc = m.auroc, f.interval = m.auroc_ci;
    f.filtered95 = m.filtered95, f.interval95 = m.filtered95_ci;
    f.filtered98 = m.filtered9824, f.interval98 = m.filtered9824_ci;
    for (size_t i = 0; i < n; i++) {
        called += scores[i] > 0;
        hits += scores[i] > 0 && defect[i];
        defects += defect[i];
    }
    f.recall = hits / fmax(defects, 1);
    f.precision = hits / fmax(called, 1);
    double *normals = xcalloc(n + 1, sizeof *normals), threshold = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!defect[i])
            normals[count++] = scores[i];
    qsort(normals, count, sizeof *normals, rising);
    threshold = count ? normals[count - 1 - count / 10] : 0;
    free(normals);
    free(groups);
    for (int k = 0; k < KINDS; k++) {
        n = 0;
        for (size_t i = 0; i < b->count; i++)
            if (!s->fit[i] && (b->tiles[i].kind == k || b->tiles[i].kind == NORMAL)) {
                scores[n] = b->logits[i];
                defect[n++] = b->tiles[i].kind == k;
            }
        f.kinds[k] = metrics_auroc(scores, defect, n);
        double of_kind = 0, found = 0;
        for (size_t i = 0; i < n; i++) {
            of_kind += defect[i];
            found += defect[i] && scores[i] > threshold;
        }
        f.found[k] = of_kind > 0 ? found / of_kind : NAN;
    }
    for (size_t i = 0; i < b->count; i++)
        if (!s->fit[i] && b->tiles[i].kind != NORMAL) {
            classed++;
            right += b->classes[i] == b->tiles[i].kind - (b->tiles[i].kind > NORMAL);
        }
    f.class_right = right / fmax(classed, 1);
    free(scores);
    free(defect);
    return f;
}

static struct figures round_of(struct bench *b, struct seed *s, const struct adapt_options *o)
{
    double start = clock_seconds();
    struct adapt_model *model = train(b, s, o);
    struct adapt_scorer *scorer;
    struct error err;
    double seconds = clock_seconds() - start;
    if (adapt_scorer_new(b->net, model, BASE_FASTEST, &scorer, &err) != ST_OK)
        die(&err);
    b->scorer = scorer;
    parallel_run(b->threads, score, b);
    adapt_scorer_free(scorer);
    fuse(b, s);
    struct figures f = measure(b, s);
    f.seconds = seconds;
    f.megabytes = (double)(model->adapter->size + model->heads->size) * sizeof(float) / 1e6;
    adapt_model_free(model);
    return f;
}

// ---- all ----

static const char *const names[] = {"none", "adapter", "full"};

// A number as JSON knows it.
static void put(const char *name, double value)
{
    if (isfinite(value))
        printf(",\"%s\":%.4f", name, value);
    else
        printf(",\"%s\":null", name);
}

static void put_interval(const char *name, struct metrics_interval i)
{
    printf(",\"%s\":[%.4f,%.4f]", name, i.low, i.high);
}

static void print(const char *kind, long answers, long seed, size_t defects, const struct figures *f)
{
    static const char *const lower[KINDS] = {"blowhole", "break", "crack", "fray", "free", "uneven"};
    printf("{\"kind\":\"%s\",\"answers\":%ld,\"seed\":%ld,\"defects\":%zu", kind, answers, seed, defects);
    put("auroc", f->auroc), put("filtered95", f->filtered95), put("filtered9824", f->filtered98);
    put_interval("auroc_ci", f->interval), put_interval("filtered95_ci", f->interval95);
    put_interval("filtered9824_ci", f->interval98);
    put("recall", f->recall), put("precision", f->precision), put("class_right", f->class_right);
    put("seconds", f->seconds), put("megabytes", f->megabytes);
    for (int k = 0; k < KINDS; k++)
        if (k != NORMAL)
            put(lower[k], f->kinds[k]);
    printf(",\"found\":{\"at\":0.1");
    for (int k = 0; k < KINDS; k++)
        if (k != NORMAL)
            put(lower[k], f->found[k]);
    puts("}}");
    fflush(stdout);
}

static void one_seed(struct bench *b, long number, const long *stages, int stage_count, unsigned which,
                     const struct adapt_options *options)
{
    struct seed s = {.number = (uint64_t)number, .rng = rng_seed((uint64_t)number)};
    s.fit = xcalloc(b->count, sizeof *s.fit);
    s.answered = xcalloc(b->count, sizeof *s.answered);
    s.distance = xcalloc(b->count, sizeof *s.distance);
    s.fused = xcalloc(b->count, sizeof *s.fused);
    split(b, &s);
    fit_gaussian(b, &s);
    memcpy(s.fused, s.distance, b->count * sizeof *s.fused);
    memcpy(b->logits, s.distance, b->count * sizeof *s.fused);
    struct figures zero = measure(b, &s);
    print("gaussian", 0, number, 0, &zero);
    double *queue = xcalloc(b->count, sizeof *queue); // what questions follow: the adapter's model
    memcpy(queue, s.distance, b->count * sizeof *queue);
    for (int i = 0; i < stage_count; i++) {
        size_t defects = 0;
        if (b->drawn)
            draw(b, &s, (size_t)stages[i]);
        else
            ask(b, &s, queue, (size_t)stages[i]);
        fit_gaussian(b, &s);
        for (size_t k = 0; k < b->count; k++)
            defects += s.answered[k] && b->tiles[k].kind != NORMAL;
        double *believed = xcalloc(b->count, sizeof *believed); // the same pool for all that are compared
        memcpy(believed, s.fused, b->count * sizeof *believed);
        for (int kind = ADAPTER_ALL; kind >= ADAPTER_NONE; kind--) {
            bool last = i == stage_count - 1;
            if (b->between >= 0 && !last ? kind != b->between : !(which & 1u << kind))
                continue;
            struct adapt_options o = *options;
            o.kind = (enum adapter_kind)kind;
            o.seed = (uint64_t)number;
            memcpy(s.fused, believed, b->count * sizeof *believed);
            struct figures f = round_of(b, &s, &o);
            print(kind == ADAPTER_NONE ? "heads" : names[kind], stages[i], number, defects, &f);
            if (kind == ADAPTER_LOW_RANK || which == 1u << kind || (kind == b->between && !last))
                memcpy(queue, s.fused, b->count * sizeof *queue);
        }
        memcpy(s.fused, queue, b->count * sizeof *queue);
        free(believed);
    }
    free(queue);
    free(s.fit), free(s.answered), free(s.distance), free(s.fused);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct bench b = {.side = 256, .threads = parallel_cores(), .without = -1, .between = -1, .masks = true};
    struct adapt_options options = adapt_defaults;
    long first = 0, seeds = 5, stages[STAGES_MOST] = {40, 80, 160, 400};
    int stage_count = 4;
    struct error err;
    unsigned which = 1u << ADAPTER_LOW_RANK | 1u << ADAPTER_NONE | 1u << ADAPTER_ALL;
    const char *root = argc > 1 ? argv[1] : "";
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = atol(value), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = atol(value), i++;
        } else if (strcmp(argv[i], "--side") == 0) {
            b.side = atoi(value), i++;
        } else if (strcmp(argv[i], "--threads") == 0) {
            b.threads = atoi(value), i++;
        } else if (strcmp(argv[i], "--no-masks") == 0) {
            b.masks = false;
        } else if (strcmp(argv[i], "--random") == 0) {
            b.random = true;
        } else if (strcmp(argv[i], "--between") == 0) {
            b.between = strcmp(value, "heads") == 0 ? ADAPTER_NONE : ADAPTER_LOW_RANK, i++;
        } else if (strcmp(argv[i], "--leave-out") == 0) {
            for (int k = 0; k < KINDS; k++)
                b.without = strcmp(value, kinds[k]) == 0 ? k : b.without;
            i++;
        } else if (strcmp(argv[i], "--answers") == 0 || strcmp(argv[i], "--defects") == 0) {
            b.drawn = argv[i][2] == 'd';
            stage_count = 0;
            for (const char *at = value; *at && stage_count < STAGES_MOST; at += *at == ',') {
                char *end;
                stages[stage_count++] = strtol(at, &end, 10);
                at = end;
            }
            i++;
        } else if (strcmp(argv[i], "--kinds") == 0) {
            which = (strstr(value, "adapter") ? 1u << ADAPTER_LOW_RANK : 0) | (strstr(value, "heads") ? 1u << ADAPTER_NONE : 0) |
                    (strstr(value, "full") ? 1u << ADAPTER_ALL : 0);
            i++;
        } else if (adapt_option_set(&options, argv[i], &err) != ST_OK) {
            fprintf(stderr, "%s: %s\n", argv[0], err.text);
            return 2;
        }
    }
    open_tiles(&b, root);
    if (!b.count) {
        fprintf(stderr, "%s: no magnetic-tile pictures in \"%s\" (development data, not part of the repository): nothing measured\n",
                argv[0], root);
        return 77;
    }
    const unsigned char *bytes;
    size_t size;
    struct tensor_file *file;
    if (embedded_base(&bytes, &size, NULL, &err) != ST_OK || tensor_open_bytes(bytes, size, EMBEDDED_NAME, &file, &err) != ST_OK ||
        net_read(file, &b.net, &err) != ST_OK || base_new(b.net, &b.base, &err) != ST_OK)
        die(&err);
    tensor_close(file);
    options.threads = b.threads;
    b.scale = options.scale;
    for (int t = 0; t < BASE_TAPS; t++)
        b.dim += 2 * base_info(b.base)->channels[t];
    b.embeddings = xcalloc(b.count * (size_t)b.dim, sizeof *b.embeddings);
    b.logits = xcalloc(b.count, sizeof *b.logits);
    b.classes = xcalloc(b.count, sizeof *b.classes);
    b.unknown = xcalloc(b.count, sizeof *b.unknown);
    int rank = options.rank ? options.rank : adapter_rank(b.net, 0.05);
    fprintf(stderr, "%zu pictures, %zu groups, side %d, %d threads, %s; adapter rank %d: %lld of %lld parameters (%.2f %%)\n", b.count,
            b.groups, b.side, b.threads, blas_core(), rank, adapter_parameters(b.net, rank), net_parameters(b.net),
            100.0 * (double)adapter_parameters(b.net, rank) / (double)net_parameters(b.net));
    parallel_run(b.threads, embed, &b);
    for (long i = first; i < first + seeds; i++)
        one_seed(&b, i, stages, stage_count, which, &options);
    for (size_t i = 0; i < b.count; i++) {
        image_clear(&b.tiles[i].image);
        image_clear(&b.tiles[i].mask);
    }
    base_free(b.base);
    net_free(b.net);
    free(b.tiles), free(b.embeddings), free(b.logits), free(b.classes), free(b.unknown);
    return 0;
}
