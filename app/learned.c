#include "config.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/learned.h"
#include "app/screening.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "db/picture.h"
#include "screen/pixels.h"

// ---- pixels ----

struct learned_pixels {
    struct extract_config config;
    struct image ignore;
};

enum status learned_pixels_open(const struct project *project, const struct base *base, const struct scene *scene, double scale,
                                struct learned_pixels **pixels, struct error *err)
{
    struct learned_pixels *p = xcalloc(1, sizeof *p);
    enum status status = screening_ignore(project, scene, &p->ignore, err);
    if (status != ST_OK) {
        free(p);
        return status;
    }
    p->config = (struct extract_config){.base = base, .settings = scene->settings, .limits = project->limits,
                                         .ignore = p->ignore.pixels ? &p->ignore : NULL, .threads = 1};
    p->config.settings.size = (int)lround(scale * scene->settings.size);
    *pixels = p;
    return ST_OK;
}

void learned_pixels_close(struct learned_pixels *p)
{
    if (!p)
        return;
    image_clear(&p->ignore);
    free(p);
}

enum status learned_pixels_load(const struct learned_pixels *p, const char *path, const char *mask,
                                struct adapt_pixels *out, struct error *err)
{
    *out = (struct adapt_pixels){0};
    return pixels_load(&p->config, path, mask, &out->rows, &out->cols, &out->rgb, &out->mask, err);
}

float *learned_pixels_mask(const struct learned_pixels *p, const struct spans *spans, int width, int height, int rows, int cols)
{
    const double *roi = p->config.settings.roi;
    double left = roi[0] * width, top = roi[1] * height, across = (roi[2] - roi[0]) * width / cols, down = (roi[3] - roi[1]) * height / rows;
    float *mask = xcalloc((size_t)rows * (size_t)cols, sizeof *mask);
    bool any = false;
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *s = &spans->runs[i];
        double x0 = (s->x0 - left) / across, x1 = (s->x1 - left) / across, y0 = (s->y - top) / down, y1 = (s->y + 1 - top) / down;
        for (int y = (int)fmax(floor(y0), 0); y < y1 && y < rows; y++)
            for (int x = (int)fmax(floor(x0), 0); x < x1 && x < cols; x++) { // the share of it that this run covers
                double share = fmax(fmin(x1, x + 1) - fmax(x0, x), 0) * fmax(fmin(y1, y + 1) - fmax(y0, y), 0);
                float *at = &mask[(size_t)y * (size_t)cols + (size_t)x];
                *at = fminf(*at + (float)share, 1);
                any = any || share > 0;
            }
    }
    if (any)
        return mask;
    free(mask);
    return NULL;
}

bool learned_pixels_box(const struct learned_pixels *p, const double box[4], int width, int height, double out[4])
{
    const double *roi = p->config.settings.roi;
    for (int i = 0; i < 4; i++) {
        double at = box[i] / (i % 2 ? height : width), low = roi[i % 2], high = roi[2 + i % 2];
        out[i] = fmin(fmax((at - low) / (high - low), 0), 1);
    }
    return out[2] > out[0] && out[3] > out[1];
}

// ---- a model ----

struct learned {
    struct project *project;
    struct learned_pixels *pixels;
    struct adapt_scorer *scorer;
    char *path, *key; // of what is kept
    int dim;
    struct store *store; // between begin and end
};

// Where what the model says of the scene's pictures is kept, and under which key; caller frees both.
static char *store_name(const struct project *project, const struct scene *scene, const char *sha256, const char *precision, char **key)
{
    char settings[SCREEN_SETTINGS_TEXT], digest[HASH_HEX];
    screen_settings_text(&scene->settings, settings);
    hash_bytes(settings, strlen(settings), digest);
    *key = xasprintf("%.64s %.64s %s", sha256, digest, precision);
    return xasprintf("%s/cache/scene-%lld-%.12s-%.8s-%s.learned", project->dir, (long long)scene->id, sha256, digest, precision);
}

enum status learned_reading(const struct project *project, const struct scene *scene, const char *sha256, struct store **store,
                            struct error *err)
{
    char *key, *path = store_name(project, scene, sha256, base_precision_name(BASE_FASTEST), &key);
    enum status status = store_open_reading(path, key, store, err);
    free(key);
    free(path);
    return status;
}

enum status learned_open(struct project *project, const struct base *base, const struct scene *scene, const char *sha256,
                         struct learned **learned, struct error *err)
{
    struct learned *l = xcalloc(1, sizeof *l);
    struct net *net = NULL;
    struct adapt_model *model = NULL;
    l->project = project;
    enum status status = project_net(project, NULL, &net, err);
    if (status == ST_OK)
        status = trained_open(project, sha256, TRAINED_SCORE, net, &model, err);
    if (status == ST_OK)
        status = adapt_scorer_new(net, model, BASE_FASTEST, &l->scorer, err);
    if (status == ST_OK)
        status = learned_pixels_open(project, base, scene, adapt_scale(model), &l->pixels, err);
    if (status == ST_OK) {
        l->path = store_name(project, scene, sha256, base_info(adapt_scorer_base(l->scorer))->precision, &l->key);
        l->dim = heads_embedding(&model->heads->shape);
    }
    adapt_model_free(model);
    if (net)
        net_free(net);
    if (status != ST_OK) {
        learned_close(l);
        return status;
    }
    *learned = l;
    return ST_OK;
}

void learned_close(struct learned *l)
{
    if (!l)
        return;
    learned_end(l);
    adapt_scorer_free(l->scorer);
    learned_pixels_close(l->pixels);
    free(l->path);
    free(l->key);
    free(l);
}

enum status learned_begin(struct learned *l, struct error *err)
{
    char *cache = file_join(l->project->dir, "cache");
    enum status status = file_mkdirs(cache, err);
    if (status == ST_OK)
        status = store_open(l->path, l->key, l->dim, &l->store, err);
    if (status == ST_OK)
        status = store_refresh(l->store, err);
    free(cache);
    return status;
}

void learned_end(struct learned *l)
{
    if (l->store)
        store_close(l->store);
    l->store = NULL;
}

struct run {
    struct learned *learned;
    const int64_t *ids;
    size_t count, at, done;
    const struct learned_watch *watch;
    pthread_mutex_t lock; // of all above and the store, and of the database's handle
    enum status status;
    struct error error;
};

// Path of the next picture without a score; NULL at the end. Caller frees.
static char *next(struct run *r, int64_t *id)
{
    char *path = NULL;
    pthread_mutex_lock(&r->lock);
    while (r->status == ST_OK && !path && r->at < r->count) {
        *id = r->ids[r->at++];
        if (store_has(r->learned->store, *id)) {
            r->done++;
            continue;
        }
        struct picture row;
        r->status = db_picture_get(r->learned->project->db, *id, &row, &r->error);
        if (r->status != ST_OK)
            break;
        path = project_picture(r->learned->project, &row);
        picture_clear(&row);
    }
    pthread_mutex_unlock(&r->lock);
    return path;
}

// Of at most HEAT_SIDE cells a side, as extraction's (screen/extract.c).
static void heat_of(const struct adapt_score *score, struct heat *heat)
{
    int longest = score->rows > score->cols ? score->rows : score->cols, factor = (longest + HEAT_SIDE - 1) / HEAT_SIDE;
    heat->rows = (score->rows + factor - 1) / factor;
    heat->cols = (score->cols + factor - 1) / factor;
    memset(heat->cells, 0, sizeof heat->cells);
    for (int y = 0; y < score->rows; y++)
        for (int x = 0; x < score->cols; x++) {
            float level = 255 / (1 + expf(-score->patch[y * score->cols + x]));
            uint8_t *at = &heat->cells[y * heat->rows / score->rows * heat->cols + x * heat->cols / score->cols];
            *at = level > *at ? (uint8_t)level : *at;
        }
}

static void put(struct run *r, int64_t id, const struct adapt_score *score)
{
    struct store_record record = {.id = id, .embedding = score ? score->embedding : NULL};
    for (int d = 0; d < DETECTORS_MEASURED; d++)
        record.measures[d] = NAN;
    if (score) {
        record.measures[DETECTOR_LEARNED] = score->logit;
        heat_of(score, &record.heat);
    }
    pthread_mutex_lock(&r->lock);
    if (score && r->status == ST_OK)
        r->status = store_append(r->learned->store, &record, &r->error);
    r->done++;
    if (r->status == ST_OK && r->watch && r->watch->go_on && !r->watch->go_on(r->watch->context, r->done, r->count))
        r->status = error_set(&r->error, ST_CANCELLED, "stopped before the last picture");
    pthread_mutex_unlock(&r->lock);
}

static void work(void *context, int worker)
{
    (void)worker;
    struct run *r = context;
    struct adapt_score_work *own = adapt_score_work_new(r->learned->scorer);
    int64_t id;
    for (char *path; (path = next(r, &id)); free(path)) {
        struct adapt_pixels pixels;
        struct adapt_score score;
        struct error unread;
        if (learned_pixels_load(r->learned->pixels, path, NULL, &pixels, &unread) != ST_OK) {
            put(r, id, NULL);
            continue;
        }
        adapt_score(r->learned->scorer, own, pixels.rgb, pixels.rows, pixels.cols, &score);
        put(r, id, &score);
        free(pixels.rgb);
    }
    adapt_score_work_free(own);
}

enum status learned_run(struct learned *l, const int64_t *ids, size_t count, int threads, const struct learned_watch *watch,
                        struct error *err)
{
    struct run r = {.learned = l, .ids = ids, .count = count, .watch = watch};
    pthread_mutex_init(&r.lock, NULL);
    parallel_run((size_t)threads > count ? (int)count : threads, work, &r);
    pthread_mutex_destroy(&r.lock);
    if (r.status != ST_OK) {
        struct error unused;
        if (store_flush(l->store, &unused) != ST_OK && r.status == ST_CANCELLED)
            r.error = unused;
        *err = r.error;
        return r.status;
    }
    return store_refresh(l->store, err);
}

float learned_get(const struct learned *l, int64_t id, struct heat *heat)
{
    struct store_record record;
    if (!store_get(l->store, id, &record))
        return NAN;
    if (heat)
        *heat = record.heat;
    return record.measures[DETECTOR_LEARNED];
}

void learned_lay_over(struct heat *heat, const struct heat *over)
{
    for (int y = 0; y < heat->rows; y++)
        for (int x = 0; x < heat->cols && over->rows > 0; x++) {
            int row = (2 * y + 1) * over->rows / (2 * heat->rows), col = (2 * x + 1) * over->cols / (2 * heat->cols);
            uint8_t *at = &heat->cells[y * heat->cols + x], level = over->cells[row * over->cols + col];
            *at = level > *at ? level : *at;
        }
}
