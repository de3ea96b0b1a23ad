#include "config.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "screen/extract_copy.h"
#include "screen/extract_view.h"

// A run of several threads. `lock` covers the callbacks and what follows.
struct run {
    const struct extract_config *config;
    const struct extract_io *io;
    struct ignore_map *ignore;
    struct patch_sample *sample; // when fitting, else NULL
    struct register_sample *places; // when finding whether the pictures are to be registered, else NULL
    const struct registration *registration; // NULL none
    pthread_mutex_t lock;
    size_t pulled;
    enum status status;
    struct error error;
    bool ended;
};

// What one thread reuses from picture to picture.
struct worker {
    struct viewer *viewer;
    struct patch_work *patch;
    struct register_work *place;
    struct copy_work *copies;
    struct viewer *before; // only where copies are made
    struct flaw_copy copy;
    float *embedding, *copied; // (dim)
    double *sums;     // (widest tap)
    float *values;    // of the cells looked at: one view's, or all tiles'
    size_t value_count, value_capacity;
};

int extract_dim(const struct base *base)
{
    const struct base_info *info = base_info(base);
    return 2 * info->channels[0] + 4 * info->channels[1];
}

int extract_from(const struct base *base)
{
    const struct base_info *info = base_info(base);
    return 2 * info->channels[0] + info->channels[1];
}

// Sums of each channel over the cells looked at, of the values or (about != NULL)
// of their squared distance from `about`; returns how many cells.
static size_t sum_cells(double *sums, const struct tap *tap, const uint8_t *looked, const float *about)
{
    size_t channels = (size_t)tap->channels, count = 0;
    memset(sums, 0, channels * sizeof *sums);
    for (size_t i = 0; i < (size_t)tap->rows * (size_t)tap->cols; i++) {
        const float *x = tap->data + i * channels;
        if (!looked[i])
            continue;
        count++;
        if (about)
            for (size_t k = 0; k < channels; k++)
                sums[k] += (double)(x[k] - about[k]) * (x[k] - about[k]);
        else
            for (size_t k = 0; k < channels; k++)
                sums[k] += x[k];
    }
    return count;
}

// How far the largest value of each channel is above its mean, and the least below: (channels) each.
static void pool_reach(const struct tap *tap, const uint8_t *looked, const float *mean, float *high,
                       float *low)
{
    size_t channels = (size_t)tap->channels;
    memset(high, 0, channels * sizeof *high);
    memset(low, 0, channels * sizeof *low);
    for (size_t i = 0; i < (size_t)tap->rows * (size_t)tap->cols; i++) {
        const float *x = tap->data + i * channels;
        for (size_t k = 0; looked[i] && k < channels; k++) {
            float above = x[k] - mean[k];
            high[k] = above > high[k] ? above : high[k];
            low[k] = -above > low[k] ? -above : low[k];
        }
    }
}

void extract_pool(const struct patch_view *view, double *sums, float *embedding)
{
    size_t both = (size_t)view->taps[0].channels + (size_t)view->taps[1].channels;
    float *deviations = embedding, *means = embedding + both, *reach = means + both;
    for (int t = 0; t < BASE_TAPS; t++) {
        const struct tap *tap = &view->taps[t];
        size_t channels = (size_t)tap->channels, count = sum_cells(sums, tap, view->looked[t], NULL);
        for (size_t k = 0; k < channels; k++)
            means[k] = (float)(sums[k] / (double)count);
        sum_cells(sums, tap, view->looked[t], means);
        for (size_t k = 0; k < channels; k++)
            deviations[k] = (float)sqrt(sums[k] / (double)count);
        if (t == 1)
            pool_reach(tap, view->looked[t], means, reach, reach + channels);
        deviations += channels;
        means += channels;
    }
}

static void heat_shape(struct heat *heat, int rows, int cols)
{
    int longest = rows > cols ? rows : cols, factor = (longest + HEAT_SIDE - 1) / HEAT_SIDE;
    heat->rows = (rows + factor - 1) / factor;
    heat->cols = (cols + factor - 1) / factor;
    memset(heat->cells, 0, sizeof heat->cells);
}

// Merges cell values (rows, cols) that cover `box` of the heatmap, by maximum.
static void heat_merge(struct heat *heat, const struct patch_view *view, const float *values,
                       const double box[4])
{
    int rows = view->taps[0].rows, cols = view->taps[0].cols;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            if (!view->looked[0][r * cols + c])
                continue;
            int y = (int)((box[1] + (r + 0.5) / rows * (box[3] - box[1])) * heat->rows);
            int x = (int)((box[0] + (c + 0.5) / cols * (box[2] - box[0])) * heat->cols);
            y = y < 0            ? 0
                : y < heat->rows ? y
                                 : heat->rows - 1; // a moved view's cells may begin before the edge
            x = x < 0 ? 0 : x < heat->cols ? x : heat->cols - 1;
            float level = values[r * cols + c] * 128;
            uint8_t cell = level >= 255 ? 255 : (uint8_t)(level + 0.5f),
                    *at = &heat->cells[y * heat->cols + x];
            *at = cell > *at ? cell : *at;
        }
}

static void keep_values(struct worker *worker, const struct patch_view *view, const float *values)
{
    size_t cells = (size_t)view->taps[0].rows * (size_t)view->taps[0].cols;
    GROW(worker->values, worker->value_capacity, worker->value_count + cells);
    for (size_t i = 0; i < cells; i++)
        if (view->looked[0][i])
            worker->values[worker->value_count++] = values[i];
}

static void score_view(struct worker *worker, const struct patch_model *model, enum patch_part part,
                       const struct patch_view *view, const double box[4], struct heat *heat)
{
    const float *values = patch_values(model, part, view, worker->patch);
    keep_values(worker, view, values);
    heat_merge(heat, view, values, box);
}

static void score_patches(const struct run *run, struct worker *worker, const struct picture *picture,
                          const struct patch_view *whole, const double box[4], struct patch_result *result)
{
    const struct patch_model *model = run->config->patch;
    heat_shape(&result->heat, whole->taps[0].rows, whole->taps[0].cols);
    memcpy(result->box, run->config->settings.roi, sizeof result->box);
    worker->value_count = 0;
    score_view(worker, model, patch_part_of(model, whole), whole, box, &result->heat);
    result->measures[DETECTOR_PATCH] = patch_top(worker->values, worker->value_count);
    result->measures[DETECTOR_LEARNED] = NAN;
    result->measures[DETECTOR_DRAWN] = patch_flaw_measure(model, patch_part_of(model, whole), whole, worker->patch);
    worker->value_count = 0;
    for (int i = 0; i < picture_tiles(run->config, picture); i++) {
        struct patch_view tile;
        double tile_box[4];
        if (viewer_tile(worker->viewer, picture, i, &tile, tile_box))
            score_view(worker, model, PART_TILE, &tile, tile_box, &result->heat);
    }
    result->measures[DETECTOR_TILE] = patch_top(worker->values, worker->value_count);
}

static enum status everything_ignored(const char *path, struct error *err)
{
    return error_set(err, ST_INVALID,
                     "%s: the ignore mask leaves nothing of the region of interest to look at", path);
}

static void extract_one(const struct run *run, struct worker *worker, const char *path,
                        struct extract_result *result)
{
    struct picture picture;
    struct patch_view view;
    double box[4];
    result->status = picture_open(run->config, path, &picture, &result->error);
    if (result->status != ST_OK)
        return;
    if (viewer_whole(worker->viewer, &picture, &view, box)) {
        extract_pool(&view, worker->sums, worker->embedding);
        result->embedding = worker->embedding;
        result->dim = extract_dim(run->config->base);
        if (run->config->patch)
            score_patches(run, worker, &picture, &view, box, &result->patch);
    } else {
        result->status = everything_ignored(path, &result->error);
    }
    image_clear(&picture.image);
}

static void end_run(struct run *run, enum status status)
{
    run->ended = true;
    if (run->status == ST_OK)
        run->status = status;
}

// Next picture under the lock; false when the run is over.
static bool pull(struct run *run, struct extract_item *item, size_t *number)
{
    *item = (struct extract_item){0};
    pthread_mutex_lock(&run->lock);
    if (!run->ended && run->io->stop && run->io->stop(run->io->context))
        end_run(run, error_set(&run->error, ST_CANCELLED, "stopped before the last picture"));
    if (!run->ended && run->sample && patch_sample_full(run->sample))
        run->ended = true;
    if (!run->ended && !run->io->next(run->io->context, item))
        run->ended = true;
    bool more = !run->ended;
    *number = run->pulled;
    run->pulled += more;
    pthread_mutex_unlock(&run->lock);
    return more;
}

static void deliver(struct run *run, const struct extract_result *result)
{
    pthread_mutex_lock(&run->lock);
    if (run->status == ST_OK) {
        enum status status = run->io->done(run->io->context, result, &run->error);
        if (status != ST_OK)
            end_run(run, status);
    }
    pthread_mutex_unlock(&run->lock);
}

static void worker_init(struct worker *worker, const struct run *run)
{
    const struct base_info *info = base_info(run->config->base);
    int widest = info->channels[0] > info->channels[1] ? info->channels[0] : info->channels[1];
    *worker = (struct worker){
        .viewer = viewer_new(run->config, run->ignore, run->registration),
        .patch = patch_work_new(),
        .place = register_work_new(),
        .copies = copy_work_new(),
        .copied = xcalloc((size_t)extract_dim(run->config->base), sizeof(float)),
        .copy = {.without = run->config->without},
        .embedding = xcalloc((size_t)extract_dim(run->config->base), sizeof(float)),
        .sums = xcalloc((size_t)widest, sizeof(double)),
    };
}

static void worker_clear(struct worker *worker)
{
    viewer_free(worker->viewer);
    viewer_free(worker->before);
    flaw_copy_clear(&worker->copy);
    patch_work_free(worker->patch);
    register_work_free(worker->place);
    copy_work_free(worker->copies);
    free(worker->copied);
    free(worker->embedding);
    free(worker->sums);
    free(worker->values);
}

static void extract_body(void *context, int index)
{
    (void)index;
    struct run *run = context;
    struct worker worker;
    struct extract_item item;
    size_t number;
    worker_init(&worker, run);
    while (pull(run, &item, &number)) {
        struct extract_result result = {.id = item.id};
        extract_one(run, &worker, item.path, &result);
        free(item.path);
        deliver(run, &result);
    }
    worker_clear(&worker);
}

static enum status run_start(struct run *run, const struct extract_config *config,
                             const struct extract_io *io, struct error *err)
{
    enum status status = screen_settings_check(&config->settings, err);
    if (status != ST_OK)
        return status;
    *run = (struct run){.config = config, .io = io, .ignore = ignore_new(config->ignore)};
    run->registration = config->patch ? patch_registration(config->patch) : NULL;
    pthread_mutex_init(&run->lock, NULL);
    return ST_OK;
}

static enum status run_end(struct run *run, struct error *err)
{
    pthread_mutex_destroy(&run->lock);
    ignore_free(run->ignore);
    if (run->status != ST_OK && err)
        *err = run->error;
    return run->status;
}

static enum status check_patch(const struct extract_config *config, struct error *err)
{
    char ours[SCREEN_SETTINGS_TEXT], theirs[SCREEN_SETTINGS_TEXT];
    screen_settings_text(&config->settings, ours);
    screen_settings_text(&config->patch->settings, theirs);
    if (strcmp(ours, theirs) != 0 || strcmp(base_info(config->base)->sha256, config->patch->base_sha256) != 0)
        return error_set(
            err, ST_INVALID,
            "the patch statistics were fitted with another base or other settings; fit the scene again");
    return ST_OK;
}

enum status extract_run(const struct extract_config *config, const struct extract_io *io, struct error *err)
{
    struct run run;
    enum status status = config->patch ? check_patch(config, err) : ST_OK;
    if (status == ST_OK)
        status = run_start(&run, config, io, err);
    if (status != ST_OK)
        return status;
    parallel_run(config->threads, extract_body, &run);
    return run_end(&run, err);
}

// ---- the sample for patch statistics ----

// Of which pictures copies are made; many more say the same.
static bool is_copied(size_t number)
{
    return number < 32 || number % 8 == 0;
}

// What harmless and defective copies of picture `number` change in its embedding and move in its cells.
static void sample_copies(struct run *run, struct worker *worker, size_t number, const struct picture *picture)
{
    const struct base_info *info = base_info(run->config->base);
    struct rng rng = rng_seed(number);
    struct patch_view before, after;
    struct flaw_moves moves = {0};
    int dim = extract_dim(run->config->base), from = extract_from(run->config->base), channels = info->channels[1];
    double box[4];
    if (!worker->before)
        worker->before = viewer_new(run->config, run->ignore, run->registration);
    if (!viewer_whole(worker->before, picture, &before, box)) // stays while the other viewer's change
        return;
    extract_pool(&before, worker->sums, worker->embedding);
    size_t cells = (size_t)before.taps[1].rows * (size_t)before.taps[1].cols;
    unsigned char *chosen = xmalloc(cells);
    for (int nth = run->ignore ? COPIES_MIRRORED : 0; nth < COPIES; nth++) { // a mirrored mask would cover something else
        enum contrast_side side = nth < COPIES_HARMLESS ? CONTRAST_HARMLESS : CONTRAST_FLAW;
        const float *rgb;
        if (nth < COPIES_MIRRORED) {
            rgb = copy_draw(worker->copies, nth, &rng, viewer_rgb(worker->before), picture->rows, picture->cols);
        } else {
            enum flaw_side kind = flaw_copy_draw(&worker->copy, nth - COPIES_MIRRORED, &rng, viewer_rgb(worker->before),
                                                 picture->rows, picture->cols);
            flaw_copy_cells(&worker->copy, kind, &rng, picture->rows, picture->cols, info->stride[1], before.looked[1],
                            chosen);
            rgb = worker->copy.rgb;
        }
        viewer_again(worker->viewer, rgb, picture->rows, picture->cols, &after);
        extract_pool(&after, worker->sums, worker->copied);
        for (int k = from; k < dim; k++)
            worker->copied[k] -= worker->embedding[k];
        for (size_t i = 0; i < cells && nth >= COPIES_MIRRORED; i++)
            if (chosen[i])
                flaw_moves_add(&moves, (enum flaw_side)side, before.taps[1].data + i * (size_t)channels,
                               after.taps[1].data + i * (size_t)channels, channels);
        pthread_mutex_lock(&run->lock);
        patch_sample_change(run->sample, number, side, worker->copied + from, dim - from);
        pthread_mutex_unlock(&run->lock);
    }
    free(chosen);
    pthread_mutex_lock(&run->lock);
    patch_sample_moves(run->sample, number, &moves);
    pthread_mutex_unlock(&run->lock);
}

static void sample_one(struct run *run, struct worker *worker, size_t number, const char *path)
{
    struct picture picture;
    struct patch_view view;
    double box[4];
    bool tiled = false;
    struct error unread;
    if (picture_open(run->config, path, &picture, &unread) != ST_OK)
        return;
    // One tile stands for the picture; which one changes from picture to picture.
    int tiles = picture_tiles(run->config, &picture);
    bool looked = viewer_whole(worker->viewer, &picture, &view, box);
    if (looked) {
        pthread_mutex_lock(&run->lock);
        patch_sample_add(run->sample, number, &view, false);
        pthread_mutex_unlock(&run->lock);
        if (is_copied(number))
            sample_copies(run, worker, number, &picture);
    }
    for (int i = 0; looked && i < tiles && !tiled; i++)
        tiled = viewer_tile(worker->viewer, &picture, (int)((number * 7919 + (size_t)i) % (size_t)tiles),
                            &view, box);
    if (tiled) {
        pthread_mutex_lock(&run->lock);
        patch_sample_add(run->sample, number, &view, true);
        pthread_mutex_unlock(&run->lock);
    }
    image_clear(&picture.image);
}

static void sample_body(void *context, int index)
{
    (void)index;
    struct run *run = context;
    struct worker worker;
    struct extract_item item;
    size_t number;
    worker_init(&worker, run);
    while (pull(run, &item, &number)) {
        sample_one(run, &worker, number, item.path);
        free(item.path);
    }
    worker_clear(&worker);
}

// ---- whether the sample's pictures are to be registered ----

static void place_body(void *context, int index)
{
    (void)index;
    struct run *run = context;
    struct viewer *viewer = viewer_new(run->config, run->ignore, NULL);
    struct register_work *work = register_work_new();
    struct extract_item item;
    size_t number;
    while (pull(run, &item, &number)) {
        struct picture picture;
        if (picture_open(run->config, item.path, &picture, &(struct error){0}) == ST_OK) {
            const float *rgb = viewer_input(viewer, &picture);
            pthread_mutex_lock(&run->lock);
            register_sample_add(run->places, work, number, rgb, picture.rows, picture.cols);
            pthread_mutex_unlock(&run->lock);
            image_clear(&picture.image);
        }
        free(item.path);
    }
    register_work_free(work);
    viewer_free(viewer);
}

// The caller's pictures, to be gone through twice.
struct listed {
    const struct extract_io *io;
    struct extract_item *items;
    size_t count, capacity, at, most;
    bool last; // time through
};

static bool next_listed(void *context, struct extract_item *item)
{
    struct listed *listed = context;
    if (listed->at == listed->most || listed->at == listed->count)
        return false;
    *item = (struct extract_item){listed->items[listed->at].id, xstrdup(listed->items[listed->at].path)};
    listed->at++;
    if (listed->last && listed->io->looked)
        listed->io->looked(listed->io->context);
    return true;
}

static bool stop_listed(void *context)
{
    const struct listed *listed = context;
    return listed->io->stop && listed->io->stop(listed->io->context);
}

// ST_OK, registration empty: they are not to be.
static enum status find_places(const struct extract_config *config, struct listed *listed,
                               struct registration *registration, struct error *err)
{
    const struct extract_io io = {.context = listed, .next = next_listed, .stop = stop_listed};
    struct run run;
    listed->most = REGISTER_MOST;
    if (listed->count < REGISTER_LEAST)
        return ST_OK;
    enum status status = run_start(&run, config, &io, err);
    if (status != ST_OK)
        return status;
    run.places = register_sample_new();
    parallel_run(config->threads, place_body, &run);
    struct register_sample *places = run.places;
    status = run_end(&run, err);
    if (status == ST_OK)
        register_fit(places, registration, NULL);
    register_sample_free(places);
    return status;
}

enum status extract_fit_patches(const struct extract_config *config, const struct extract_io *io,
                                struct patch_model **model, struct error *err)
{
    struct extract_config plain = *config;
    struct listed listed = {.io = io};
    struct extract_item item;
    struct registration registration = {0};
    plain.patch = NULL;
    while (io->next(io->context, &item)) {
        GROW(listed.items, listed.capacity, listed.count + 1);
        listed.items[listed.count++] = item;
    }
    enum status status = find_places(&plain, &listed, &registration, err);
    if (status == ST_OK) {
        const struct extract_io again = {.context = &listed, .next = next_listed, .stop = stop_listed};
        struct run run;
        listed.at = 0;
        listed.last = true;
        listed.most = SIZE_MAX;
        status = run_start(&run, &plain, &again, err);
        if (status == ST_OK) {
            run.sample = patch_sample_new(base_info(config->base), &config->settings);
            run.registration = &registration;
            parallel_run(config->threads, sample_body, &run);
            struct patch_sample *sample = run.sample;
            status = run_end(&run, err);
            patch_sample_register(sample, &registration);
            if (status == ST_OK)
                status = patch_fit(sample, config->threads, model, err);
            patch_sample_free(sample);
        }
    }
    registration_clear(&registration);
    for (size_t i = 0; i < listed.count; i++)
        free(listed.items[i].path);
    free(listed.items);
    return status;
}
