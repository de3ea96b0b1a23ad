#include "config.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "image/resize.h"
#include "nn/embedded.h"
#include "screen/extract.h"
#include "screen/patch_impl.h"
#include "tests/bench/extracted.h"
#include "tests/bench/must.h"
#include "tests/bench/tiles.h"

enum { SAMPLE = 400 };

// ---- pixels ----

static void input_shape(const struct image *image, double side, int *rows, int *cols)
{
    double aspect = sqrt((double)image->width / image->height);
    *rows = patch_input_side(side / aspect, 16);
    *cols = patch_input_side(side * aspect, 16);
}

static void load_at(const struct tiles *t, size_t i, double side, struct adapt_pixels *pixels)
{
    const struct image *image = &t->images[i], *mask = &t->masks[i];
    input_shape(image, side, &pixels->rows, &pixels->cols);
    size_t count = (size_t)pixels->rows * (size_t)pixels->cols;
    pixels->rgb = xmalloc(3 * count * sizeof(float));
    image_resize_rgb(image, 0, 0, image->width, image->height, pixels->cols, pixels->rows, pixels->rgb);
    if (t->with_masks && mask->pixels) {
        float *three = xmalloc(3 * count * sizeof *three);
        image_resize_rgb(mask, 0, 0, mask->width, mask->height, pixels->cols, pixels->rows, three);
        pixels->mask = xmalloc(count * sizeof(float));
        for (size_t k = 0; k < count; k++)
            pixels->mask[k] = three[3 * k] / 255;
        free(three);
    }
}

enum status tiles_load(void *context, int64_t id, struct adapt_pixels *pixels, struct error *err)
{
    const struct tiles *t = context;
    (void)err;
    load_at(t, (size_t)id, t->scale * t->side, pixels);
    return ST_OK;
}

static void open_images(struct tiles *t)
{
    struct error err;
    t->images = xcalloc(t->mtd.count, sizeof *t->images);
    t->masks = xcalloc(t->mtd.count, sizeof *t->masks);
    for (size_t i = 0; i < t->mtd.count; i++) {
        char *path = xstrdup(t->mtd.pictures[i].path);
        must(image_load(path, &image_limits_default, 0, 0, &t->images[i], NULL, &err), &err);
        memcpy(strrchr(path, '.'), ".png", 4);
        if (mtd_defect(&t->mtd, i))
            must(image_load(path, &image_limits_default, 0, 0, &t->masks[i], NULL, &err), &err);
        free(path);
    }
}

// ---- what the base says ----

static void map_views(struct tiles *t, const struct adapt_options *options)
{
    t->view_count = options->views + options->flaws;
    for (size_t i = 0; i < t->mtd.count; i++) {
        int rows, cols;
        input_shape(&t->images[i], t->scale * t->side, &rows, &cols);
        size_t bytes = (adapt_kept_bytes(t->net, rows, cols) + 63) / 64 * 64;
        t->view_bytes = bytes > t->view_bytes ? bytes : t->view_bytes;
    }
    size_t all = t->mtd.count * (size_t)t->view_count * t->view_bytes;
    int file = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (t->folder[0]) { // what was drawn is part of the name: a folder serves one set of options at a time
        char *path = xasprintf("%s/views-%d-%d-%d-%d", t->folder, (int)(t->scale * t->side), options->views,
                               options->flaws, t->with_masks);
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || ftruncate(file, (off_t)all) != 0) {
            perror(path);
            exit(1);
        }
        free(path);
        flags = MAP_SHARED;
    }
    void *at = mmap(NULL, all, PROT_READ | PROT_WRITE, flags, file, 0);
    if (at == MAP_FAILED) {
        perror("views");
        exit(1);
    }
    if (file >= 0)
        close(file);
    t->views = at;
}

void *tiles_kept(void *context, int64_t id, int view)
{
    const struct tiles *t = context;
    return t->views + ((size_t)id * (size_t)t->view_count + (size_t)view) * t->view_bytes;
}

static void take_taps(void *context, int worker)
{
    struct tiles *t = context;
    struct base_work *work = base_work_new(t->base);
    for (size_t i = (size_t)worker; i < t->mtd.count; i += (size_t)t->threads) {
        struct adapt_pixels p = {0};
        struct tap taps[BASE_TAPS];
        load_at(t, i, t->scale * t->side, &p);
        base_taps(t->base, work, p.rgb, p.rows, p.cols, taps);
        for (int k = 0; k < NET_TAPS; k++) {
            size_t count = (size_t)taps[k].rows * (size_t)taps[k].cols * (size_t)taps[k].channels;
            t->taps[k][i] = xaligned(count, sizeof(float));
            memcpy(t->taps[k][i], taps[k].data, count * sizeof(float));
        }
        free(p.rgb);
        free(p.mask);
    }
    base_work_free(work);
}

struct scoring {
    struct tiles *tiles;
    struct heads *heads;
    struct tiles_said *said;
};

static void score(void *context, int worker)
{
    struct scoring *s = context;
    struct tiles *t = s->tiles;
    struct heads_work *work = heads_work_new(&s->heads->shape);
    for (size_t i = (size_t)worker; i < t->mtd.count; i += (size_t)t->threads) {
        struct graph_tap taps[NET_TAPS];
        struct heads_out out;
        float classes[HEADS_CLASSES];
        int rows, cols;
        input_shape(&t->images[i], t->scale * t->side, &rows, &cols);
        for (int k = 0; k < NET_TAPS; k++)
            taps[k] = (struct graph_tap){rows / (k ? 16 : 8), cols / (k ? 16 : 8),
                                         s->heads->shape.channels[k], t->taps[k][i]};
        heads_forward(s->heads, work, taps, 0, NULL, &out);
        s->said[i].logit = (double)out.logit;
        s->said[i].class_index = heads_classify(s->heads, &out, classes, &s->said[i].unknown);
    }
    heads_work_free(work);
}

void tiles_score(struct tiles *tiles, struct heads *heads, struct tiles_said *said)
{
    struct scoring s = {tiles, heads, said};
    parallel_run(tiles->threads, score, &s);
}

void tiles_open(struct tiles *t, const char *root, const char *program, const struct adapt_options *options)
{
    const unsigned char *bytes;
    size_t size;
    struct tensor_file *file;
    struct error err;
    mtd_open(root, program, &t->mtd);
    must(embedded_base(&bytes, &size, NULL, &err), &err);
    must(tensor_open_bytes(bytes, size, EMBEDDED_NAME, &file, &err), &err);
    must(net_read(file, &t->net, &err), &err);
    must(base_new(t->net, &t->base, &err), &err);
    tensor_close(file);
    open_images(t);
    map_views(t, options);
    for (int k = 0; k < NET_TAPS; k++)
        t->taps[k] = xcalloc(t->mtd.count, sizeof *t->taps[k]);
    parallel_run(t->threads, take_taps, t);
}

void tiles_close(struct tiles *t)
{
    for (size_t i = 0; i < t->mtd.count; i++) {
        image_clear(&t->images[i]);
        image_clear(&t->masks[i]);
        free(t->taps[0][i]);
        free(t->taps[1][i]);
    }
    munmap(t->views, t->mtd.count * (size_t)t->view_count * t->view_bytes);
    free(t->images), free(t->masks), free(t->taps[0]), free(t->taps[1]);
    base_free(t->base);
    net_free(t->net);
    mtd_close(&t->mtd);
}

// ---- a screening ----

struct reading {
    struct tiles *tiles;
    struct tiles_inputs *inputs;
    const size_t *order;
    size_t count, at;
};

static bool next(void *context, struct extract_item *item)
{
    struct reading *r = context;
    if (r->at == r->count)
        return false;
    size_t i = r->order[r->at++];
    *item = (struct extract_item){(int64_t)i, xstrdup(r->tiles->mtd.pictures[i].path)};
    return true;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct reading *r = context;
    return keep_extracted(result, r->inputs->dim, r->inputs->embeddings, r->inputs->inputs, err);
}

static void extract(struct tiles *t, uint64_t seed, const bool *fit, struct tiles_inputs *in)
{
    struct rng rng = rng_seed(seed);
    struct error err;
    struct extract_config config = {.base = t->base,
                                    .settings = screen_settings_default,
                                    .limits = image_limits_default,
                                    .threads = t->threads};
    size_t *order = xcalloc(t->mtd.count, sizeof *order), count = 0;
    for (size_t i = 0; i < t->mtd.count; i++)
        if (fit[i])
            order[count++] = i;
    mtd_shuffle(order, count, &rng);
    struct reading r = {t, in, order, count < SAMPLE ? count : SAMPLE, 0};
    struct extract_io io = {.context = &r, .next = next, .done = done};
    config.settings.size = t->side;
    must(extract_fit_patches(&config, &io, &in->patch, &err), &err);
    config.patch = in->patch;
    for (size_t i = 0; i < t->mtd.count; i++)
        order[i] = i;
    r.at = 0;
    r.count = t->mtd.count;
    must(extract_run(&config, &io, &err), &err);
    free(order);
}

// What extract() finds, kept in the folder: patch statistics under their own name, which begins the file of
// all else.
struct kept {
    char sha256[HASH_HEX];
    int dim, side;
};

static void write_kept(const struct tiles *t, const char *path, const struct tiles_inputs *in)
{
    struct screen_settings settings = screen_settings_default;
    struct kept kept = {.dim = in->dim, .side = t->side};
    struct error err;
    settings.size = t->side;
    must(patch_save(in->patch, base_info(t->base), &settings, t->folder, kept.sha256, &err), &err);
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        return;
    }
    fwrite(&kept, sizeof kept, 1, file);
    fwrite(in->embeddings, (size_t)in->dim * sizeof(float), t->mtd.count, file);
    for (size_t i = 0; i < t->mtd.count; i++)
        fwrite(in->inputs[i].measures, sizeof in->inputs[i].measures, 1, file);
    fclose(file);
}

static bool read_kept(const struct tiles *t, const char *path, struct tiles_inputs *in)
{
    struct screen_settings settings = screen_settings_default;
    struct kept kept;
    struct error err;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t rows = fread(&kept, sizeof kept, 1, file) == 1 && kept.dim == in->dim && kept.side == t->side
                      ? t->mtd.count
                      : 0;
    size_t read = rows ? fread(in->embeddings, (size_t)in->dim * sizeof(float), rows, file) : 0;
    for (size_t i = 0; i < rows; i++)
        read += fread(in->inputs[i].measures, sizeof in->inputs[i].measures, 1, file);
    fclose(file);
    if (rows == 0 || read != 2 * rows)
        return false;
    settings.size = t->side;
    char *patch = xasprintf("%s/%s.safetensors", t->folder, kept.sha256);
    bool fine = patch_load(patch, base_info(t->base), &settings, &in->patch, &err) == ST_OK;
    free(patch);
    return fine;
}

void tiles_screen(struct tiles *t, uint64_t seed, const bool *fit, struct tiles_inputs *in)
{
    *in = (struct tiles_inputs){.dim = extract_dim(t->base), .from = extract_from(t->base)};
    in->embeddings = xcalloc(t->mtd.count * (size_t)in->dim, sizeof(float));
    in->inputs = xcalloc(t->mtd.count, sizeof *in->inputs);
    char *path = xasprintf("%s/screen-%d-%llu", t->folder, t->side, (unsigned long long)seed);
    if (!t->folder[0] || !read_kept(t, path, in)) {
        extract(t, seed, fit, in);
        if (t->folder[0])
            write_kept(t, path, in);
    }
    free(path);
    for (size_t i = 0; i < t->mtd.count; i++)
        in->inputs[i].embedding = in->embeddings + i * (size_t)in->dim;
}

void tiles_inputs_clear(struct tiles_inputs *in)
{
    free(in->inputs);
    free(in->embeddings);
    patch_free(in->patch);
    *in = (struct tiles_inputs){0};
}
