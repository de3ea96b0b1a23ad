// The detectors of a scene on pictures whose answers are known, by group, no label used: fused, each alone,
// each off, with unknown defects in the fit, against patch kNN, and where on the picture. JSON lines with
// fixed names. bench_mtd BASE TRUTH.csv [SEEDS [SIDE [FIRST]]]; a line of TRUTH:
// path,verdict,class,severity,mask,group (tests/bench/mtd.sh)
#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "screen/evaluate.h"
#include "screen/extract_view.h"
#include "screen/model.h"
#include "tests/bench/must.h"

enum { KINDS = 16, KNN_CELLS = 2000, SAMPLE = 400, THREADS = 2 };

struct bench {
    struct base *base;
    size_t count;
    char **paths;
    bool *defect, *fit;
    int *kinds, kind_count;
    char *kind_names[KINDS];
    uint64_t *groups;
    int dim;
    float *embeddings; // (count, dim)
    struct patch_result *patches;
    // a run of the extractor
    const size_t *order;
    size_t at, end;
    struct rng rng;
};

static void read_truth(struct bench *b, const char *path)
{
    char line[4096];
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file)) {
        fprintf(stderr, "bench_mtd: %s cannot be read\n", path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) {
        char *cells[6], *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < 6; i++)
            cells[i] = strsep(&rest, ",");
        size_t n = b->count++;
        b->paths = xreallocarray(b->paths, b->count, sizeof *b->paths);
        b->defect = xreallocarray(b->defect, b->count, sizeof *b->defect);
        b->kinds = xreallocarray(b->kinds, b->count, sizeof *b->kinds);
        b->groups = xreallocarray(b->groups, b->count, sizeof *b->groups);
        b->paths[n] = xstrdup(cells[0]);
        b->defect[n] = strcmp(cells[1], "defect") == 0;
        b->groups[n] = strtoull(cells[5] + strcspn(cells[5], "0123456789"), NULL, 10);
        b->kinds[n] = 0;
        if (!b->defect[n])
            continue;
        while (b->kinds[n] < b->kind_count && strcmp(b->kind_names[b->kinds[n]], cells[2]) != 0)
            b->kinds[n]++;
        if (b->kinds[n] == b->kind_count && b->kind_count < KINDS)
            b->kind_names[b->kind_count++] = xstrdup(cells[2]);
    }
    fclose(file);
}

static bool next(void *context, struct extract_item *item)
{
    struct bench *b = context;
    if (b->at == b->end)
        return false;
    size_t i = b->order ? b->order[b->at] : b->at;
    *item = (struct extract_item){(int64_t)i, xstrdup(b->paths[i])};
    b->at++;
    return true;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct bench *b = context;
    if (result->status != ST_OK) {
        *err = result->error;
        return result->status;
    }
    memcpy(b->embeddings + result->id * b->dim, result->embedding, (size_t)b->dim * sizeof(float));
    b->patches[result->id] = result->patch;
    return ST_OK;
}

static void shuffle(struct rng *rng, size_t *order, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(rng, i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

// ---- what a run says ----

struct line {
    double auroc, filtered90, filtered95, filtered9824, found5, kinds[KINDS], kinds_found5[KINDS];
};

// Share of the defects above the score that 5 % of the normals exceed.
static double found_at_5(const double *scores, const bool *defect, size_t count)
{
    double low = 0, high = 1; // the recall at which 5 % of the normals are flagged
    for (int step = 0; step < 20; step++) {
        double middle = (low + high) / 2;
        if (metrics_filtered(scores, defect, count, middle) >= 0.95)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// Figures over the pictures that did not fit, of all defects and of each kind by itself.
static struct line figures(const struct bench *b, const bool *fit, const double *scores)
{
    struct line line = {0};
    double *s = xcalloc(b->count, sizeof *s);
    bool *d = xcalloc(b->count, sizeof *d);
    for (int kind = -1; kind < b->kind_count; kind++) {
        size_t n = 0;
        for (size_t i = 0; i < b->count; i++)
            if (!fit[i] && (!b->defect[i] || kind < 0 || b->kinds[i] == kind)) {
                s[n] = scores[i];
                d[n++] = b->defect[i];
            }
        if (kind >= 0) {
            line.kinds[kind] = metrics_auroc(s, d, n);
            line.kinds_found5[kind] = found_at_5(s, d, n);
            continue;
        }
        line.auroc = metrics_auroc(s, d, n);
        line.filtered90 = metrics_filtered(s, d, n, 0.9);
        line.filtered95 = metrics_filtered(s, d, n, 0.95);
        line.filtered9824 = metrics_filtered(s, d, n, 0.9824);
        line.found5 = found_at_5(s, d, n);
    }
    free(s);
    free(d);
    return line;
}

struct rows { // lines of one name over the seeds
    char name[64];
    struct line lines[64];
    int count;
};

static void keep(struct rows *rows, const char *name, struct line line)
{
    while (rows->name[0] && strcmp(rows->name, name) != 0)
        rows++;
    snprintf(rows->name, sizeof rows->name, "%s", name);
    if (rows->count < 64)
        rows->lines[rows->count++] = line;
}

static void print_rows(const struct bench *b, const struct rows *r)
{
    struct line mean = {0};
    double square = 0;
    for (int i = 0; i < r->count; i++) {
        const struct line *l = &r->lines[i];
        mean.auroc += l->auroc / r->count;
        square += l->auroc * l->auroc / r->count;
        mean.filtered90 += l->filtered90 / r->count;
        mean.filtered95 += l->filtered95 / r->count;
        mean.filtered9824 += l->filtered9824 / r->count;
        mean.found5 += l->found5 / r->count;
        for (int k = 0; k < b->kind_count; k++)
            mean.kinds[k] += l->kinds[k] / r->count, mean.kinds_found5[k] += l->kinds_found5[k] / r->count;
    }
    printf("{\"run\":\"%s\",\"seeds\":%d,\"auroc\":%.4f,\"auroc_sd\":%.4f,\"filtered_90\":%.4f,\"filtered_"
           "95\":%.4f,"
           "\"filtered_9824\":%.4f,\"found_at_5\":%.4f",
           r->name, r->count, mean.auroc, sqrt(fmax(0, square - mean.auroc * mean.auroc)), mean.filtered90,
           mean.filtered95, mean.filtered9824, mean.found5);
    for (int k = 0; k < b->kind_count; k++)
        printf(",\"%s\":%.4f,\"%s_found_at_5\":%.4f", b->kind_names[k], mean.kinds[k], b->kind_names[k], mean.kinds_found5[k]);
    puts("}");
    fflush(stdout);
}

// ---- the baseline: nearest cell of the coarser tap among cells of the fitting normals, largest over the
// picture ----

static void standardise(float *cells, size_t count, size_t dim, const double *mean, const double *sd)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < dim; k++)
            cells[i * dim + k] = (float)((cells[i * dim + k] - mean[k]) / sd[k]);
}

static void patch_knn(struct bench *b, const struct extract_config *config, const bool *fit, double *scores)
{
    size_t dim = (size_t)base_info(b->base)->channels[1], normals = 0, n = 0;
    float *bank = xcalloc(KNN_CELLS * dim, sizeof *bank), *cells = NULL, *products = NULL;
    double *mean = xcalloc(dim, sizeof *mean), *sd = xcalloc(dim, sizeof *sd), squares[KNN_CELLS] = {0},
           box[4];
    struct viewer *viewer = viewer_new(config, NULL, NULL);
    for (size_t i = 0; i < b->count; i++)
        normals += fit[i];
    for (int test = 0; test < 2; test++)
        for (size_t i = 0; i < b->count; i++) {
            struct picture picture;
            struct patch_view view;
            struct error err;
            if (fit[i] == test)
                continue;
            must(picture_open(config, b->paths[i], &picture, &err), &err);
            viewer_whole(viewer, &picture, &view, box);
            image_clear(&picture.image);
            size_t count = (size_t)view.taps[1].rows * (size_t)view.taps[1].cols;
            for (size_t take = KNN_CELLS / normals + 1; !test && take > 0 && n < KNN_CELLS; take--)
                memcpy(bank + n++ * dim, view.taps[1].data + rng_below(&b->rng, count) * dim,
                       dim * sizeof *bank);
            if (!test)
                continue;
            cells = xreallocarray(cells, count * dim, sizeof *cells);
            products = xreallocarray(products, count * n, sizeof *products);
            memcpy(cells, view.taps[1].data, count * dim * sizeof *cells);
            if (!sd[0]) {
                for (size_t k = 0; k < dim; k++) {
                    double sum = 0, square = 0;
                    for (size_t j = 0; j < n; j++) {
                        sum += bank[j * dim + k];
                        square += (double)bank[j * dim + k] * bank[j * dim + k];
                    }
                    mean[k] = sum / (double)n;
                    sd[k] = sqrt(fmax(0, square / (double)n - mean[k] * mean[k])) + 1e-6;
                }
                standardise(bank, n, dim, mean, sd);
                for (size_t j = 0; j < n; j++)
                    squares[j] = cblas_dsdot((blasint)dim, bank + j * dim, 1, bank + j * dim, 1);
            }
            standardise(cells, count, dim, mean, sd);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)count, (blasint)n, (blasint)dim, -2,
                        cells, (blasint)dim, bank, (blasint)dim, 0, products, (blasint)n);
            scores[i] = 0;
            for (size_t c = 0; c < count; c++) {
                double nearest = INFINITY;
                for (size_t j = 0; j < n; j++)
                    nearest = fmin(nearest, squares[j] + (double)products[c * n + j]);
                scores[i] = fmax(scores[i],
                                 nearest + cblas_dsdot((blasint)dim, cells + c * dim, 1, cells + c * dim, 1));
            }
        }
    viewer_free(viewer);
    free(bank), free(cells), free(products), free(mean), free(sd);
}

// ---- where on the picture ----

// AUROC of the heatmap's values as a judge of pixels, and PRO (Bergmann et al. 2020): mean share of each
// defective region that is found, over false-positive rates up to 0.3, as a share of the best possible. On a
// grid of a quarter of the pixels.
struct places {
    double *heat;
    bool *bad;
    int *region;
    size_t count, capacity[3];
    int regions;
};

static void label_region(const uint8_t *mask, int w, int h, int *labels, int start, int name, int *stack)
{
    int top = 0;
    stack[top++] = start;
    labels[start] = name;
    while (top) {
        int at = stack[--top], x = at % w, y = at / w;
        const int steps[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
        for (int s = 0; s < 4; s++) {
            int nx = x + steps[s][0], ny = y + steps[s][1];
            if (nx < 0 || ny < 0 || nx >= w || ny >= h || !mask[ny * w + nx] || labels[ny * w + nx] >= 0)
                continue;
            labels[ny * w + nx] = name;
            stack[top++] = ny * w + nx;
        }
    }
}

static void add_places(struct bench *b, struct places *p, size_t i)
{
    struct image image;
    struct error err;
    int w = 64, h = 64;
    uint8_t *mask = NULL;
    char *path = xstrdup(b->paths[i]), *dot = strrchr(path, '.');
    if (b->defect[i]) {
        memcpy(dot, ".png", 4);
        must(image_load(path, &image_limits_default, 0, 0, &image, NULL, &err), &err);
        w = (image.width + 3) / 4, h = (image.height + 3) / 4;
        mask = xcalloc((size_t)w * (size_t)h, 1);
        for (int y = 0; y < image.height; y++)
            for (int x = 0; x < image.width; x++)
                if (image.pixels[(y * image.width + x) * image.channels] > 127)
                    mask[y / 4 * w + x / 4] = 1;
        image_clear(&image);
    }
    free(path);
    size_t size = (size_t)w * (size_t)h;
    int *labels = xmalloc(size * sizeof *labels), *stack = xmalloc(size * sizeof *stack);
    memset(labels, -1, size * sizeof *labels);
    for (int at = 0; mask && at < w * h; at++)
        if (mask[at] && labels[at] < 0)
            label_region(mask, w, h, labels, at, p->regions++, stack);
    GROW(p->heat, p->capacity[0], p->count + size);
    GROW(p->bad, p->capacity[1], p->count + size);
    GROW(p->region, p->capacity[2], p->count + size);
    const struct heat *heat = &b->patches[i].heat;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            // between the centres of four cells
            double r = fmin(fmax((y + 0.5) / h * heat->rows - 0.5, 0), heat->rows - 1),
                   c = fmin(fmax((x + 0.5) / w * heat->cols - 0.5, 0), heat->cols - 1);
            int r0 = (int)r, c0 = (int)c, r1 = r0 + (r0 + 1 < heat->rows), c1 = c0 + (c0 + 1 < heat->cols);
            const uint8_t *v = heat->cells;
            double top = v[r0 * heat->cols + c0] * (1 - c + c0) + v[r0 * heat->cols + c1] * (c - c0),
                   low = v[r1 * heat->cols + c0] * (1 - c + c0) + v[r1 * heat->cols + c1] * (c - c0);
            p->heat[p->count] = top * (1 - r + r0) + low * (r - r0);
            p->bad[p->count] = labels[y * w + x] >= 0;
            p->region[p->count++] = labels[y * w + x];
        }
    free(labels), free(stack), free(mask);
}

static double pro(const struct places *p)
{
    enum { LEVELS = 1024 };
    double *sizes = xcalloc((size_t)p->regions + 1, sizeof *sizes), area = 0, last_rate = 0, last_share = 0;
    double *share = xcalloc(LEVELS + 1, sizeof *share), *rate = xcalloc(LEVELS + 1, sizeof *rate), good = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->bad[i])
            sizes[p->region[i]]++;
        else
            good++;
    }
    for (size_t i = 0; i < p->count; i++) {
        int level = (int)(p->heat[i] / 255 * (LEVELS - 1));
        if (p->bad[i])
            share[level] += 1 / sizes[p->region[i]] / p->regions;
        else
            rate[level] += 1 / good;
    }
    double s = 0, f = 0;
    for (int level = LEVELS - 1; level >= 0; level--) {
        s += share[level];
        f += rate[level];
        double to = fmin(f, 0.3);
        if (to > last_rate) {
            double part =
                f > last_rate ? last_share + (s - last_share) * (to - last_rate) / (f - last_rate) : s;
            area += (to - last_rate) * (part + last_share) / 2;
            last_rate = to;
        }
        last_share = s;
        if (f >= 0.3)
            break;
    }
    free(sizes), free(share), free(rate);
    return area / 0.3;
}

// ---- one seed ----

static void extract_all(struct bench *b, struct extract_config *config, const bool *fit,
                        struct patch_model **patch)
{
    struct error err;
    size_t *order = xcalloc(b->count, sizeof *order), n = 0;
    struct extract_io io = {.context = b, .next = next, .done = done};
    for (size_t i = 0; i < b->count; i++)
        if (fit[i])
            order[n++] = i;
    shuffle(&b->rng, order, n);
    b->order = order, b->at = 0, b->end = n < SAMPLE ? n : SAMPLE;
    config->patch = NULL;
    must(extract_fit_patches(config, &io, patch, &err), &err);
    config->patch = *patch;
    b->order = NULL, b->at = 0, b->end = b->count;
    must(extract_run(config, &io, &err), &err);
    free(order);
}

// off: a detector that has no measure, DETECTORS none; by_itself: each picture's score without those of its group.
static void score_all(struct bench *b, const struct patch_model *patch, const bool *fit, uint64_t seed, int off,
                      struct screen_score *scores, double *by_itself)
{
    struct error err;
    struct screen_model *model;
    struct screen_input *inputs = xcalloc(b->count, sizeof *inputs);
    const struct screen_space space = {b->dim, extract_from(b->base), patch_contrast(patch), SCREEN_ALONE, patch_aligned(patch)};
    for (size_t i = 0; i < b->count; i++) {
        inputs[i].embedding = b->embeddings + i * (size_t)b->dim;
        memcpy(inputs[i].measures, b->patches[i].measures, sizeof inputs[i].measures);
        if (off == DETECTOR_WHOLE)
            inputs[i].embedding = b->embeddings; // all the same: nothing to say
        else if (off < DETECTORS_MEASURED)
            inputs[i].measures[off] = NAN;
    }
    must(screen_fit(inputs, b->count, &space, fit, b->groups, 0.004, seed, NULL, scores, &model, &err), &err);
    for (size_t i = 0; i < b->count; i++)
        by_itself[i] = screen_score(model, &inputs[i]).score;
    screen_free(model);
    free(inputs);
}

// What one detector says alone, and what the others make of it without.
static void one_detector(struct bench *b, const struct patch_model *patch, const bool *fit, int seed, enum detector d,
                         const struct screen_score *scores, struct rows *rows)
{
    struct screen_score *without = xcalloc(b->count, sizeof *without);
    double *values = xcalloc(b->count, sizeof *values), any = 0;
    char name[64];
    for (size_t i = 0; i < b->count; i++)
        any += values[i] = scores[i].parts[d];
    if (any > 0) {
        snprintf(name, sizeof name, "%s alone", detector_name(d));
        keep(rows, name, figures(b, fit, values));
        score_all(b, patch, fit, (uint64_t)seed, (int)d, without, values);
        for (size_t i = 0; i < b->count; i++)
            values[i] = without[i].score;
        snprintf(name, sizeof name, "%s off", detector_name(d));
        keep(rows, name, figures(b, fit, values));
    }
    free(values);
    free(without);
}

static void one_seed(struct bench *b, struct extract_config *config, int seed, struct rows *rows,
                     struct rows *where)
{
    static const double shares[] = {0, 0.005, 0.02};
    struct screen_score *scores = xcalloc(b->count, sizeof *scores);
    double *values = xcalloc(b->count, sizeof *values);
    bool *fit = xcalloc(b->count, sizeof *fit);
    const struct evaluate_set set = {.count = b->count, .dim = 1, .defect = b->defect, .groups = b->groups};
    for (size_t c = 0; c < sizeof shares / sizeof *shares; c++) {
        struct patch_model *patch;
        char name[64];
        size_t normals = 0;
        b->rng = rng_seed((uint64_t)seed);
        evaluate_split(&set, seed, true, fit);
        for (size_t i = 0; i < b->count; i++)
            normals += fit[i];
        for (size_t hidden = (size_t)lround(shares[c] * (double)normals); hidden > 0;) {
            size_t i = rng_below(&b->rng, b->count);
            if (b->defect[i] && !fit[i])
                fit[i] = true, hidden--;
        }
        extract_all(b, config, fit, &patch);
        score_all(b, patch, fit, (uint64_t)seed, DETECTORS, scores, values);
        if (c == 0)
            keep(rows, "fused, each picture by itself", figures(b, fit, values));
        for (size_t i = 0; i < b->count; i++)
            values[i] = scores[i].score;
        snprintf(name, sizeof name, c ? "fused, %.1f %% unknown defects in the fit" : "fused",
                 100 * shares[c]);
        keep(rows, name, figures(b, fit, values));
        for (int d = 0; d < DETECTORS && c == 0; d++)
            one_detector(b, patch, fit, seed, (enum detector)d, scores, rows);
        if (c == 0) {
            struct places places = {0};
            for (size_t i = 0; i < b->count; i++)
                if (!fit[i])
                    add_places(b, &places, i);
            keep(where, "pixels",
                 (struct line){.auroc = metrics_auroc(places.heat, places.bad, places.count),
                               .filtered90 = pro(&places)});
            free(places.heat), free(places.bad), free(places.region);
            patch_knn(b, config, fit, values);
            keep(rows, "patch kNN", figures(b, fit, values));
        }
        patch_free(patch);
    }
    free(fit), free(values), free(scores);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct error err;
    struct rows rows[40] = {0}, where[2] = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: bench_mtd BASE TRUTH.csv [SEEDS [SIDE [FIRST]]]\n");
        return 2;
    }
    int seeds = argc > 3 ? atoi(argv[3]) : 5;
    must(base_open(argv[1], &b.base, &err), &err);
    read_truth(&b, argv[2]);
    struct extract_config config = {.base = b.base,
                                    .settings = screen_settings_default,
                                    .limits = image_limits_default,
                                    .threads = THREADS};
    config.settings.size = argc > 4 ? atoi(argv[4]) : 256;
    b.dim = extract_dim(b.base);
    b.embeddings = xcalloc(b.count * (size_t)b.dim, sizeof *b.embeddings);
    b.patches = xcalloc(b.count, sizeof *b.patches);
    for (int seed = argc > 5 ? atoi(argv[5]) : 0; seed < seeds; seed++)
        one_seed(&b, &config, seed, rows, where);
    for (struct rows *r = rows; r->name[0]; r++)
        print_rows(&b, r);
    double auroc = 0, share = 0;
    for (int i = 0; i < where->count; i++) {
        auroc += where->lines[i].auroc / where->count;
        share += where->lines[i].filtered90 / where->count;
    }
    printf("{\"run\":\"pixels\",\"seeds\":%d,\"pixel_auroc\":%.4f,\"pro\":%.4f}\n", where->count, auroc,
           share);
    return 0;
}
