// Fitting the patch statistics on a sample that may hold defects: after a first
// fit the most suspicious 3 % of the pictures are dropped and the fit repeated.
// For that the maps of the sample are kept, as 16-bit steps between the least
// and the largest value of each map (the rounding is far below what pictures
// differ by), up to SAMPLE_BYTES; pictures beyond are not used.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "screen/patch_impl.h"

enum { FIT_MIN = 8, ALIGN_MIN = 16 };
static const size_t SAMPLE_BYTES = (size_t)256 << 20;
static const double drop_share = 0.03;

struct kept_view {
    struct patch_view view;      // its shape; the taps have no data
    uint16_t *levels[BASE_TAPS]; // value = low + step * level
    float low[BASE_TAPS], step[BASE_TAPS];
    uint8_t *looked[BASE_TAPS];
    size_t bytes; // 0: none
};

struct unpacked { // one thread's view as floats again
    struct patch_view view;
    float *data[BASE_TAPS];
    size_t capacity[BASE_TAPS];
};

struct kept_picture {
    struct kept_view whole, tile;
    struct contrast changes;
    struct flaw_moves moves;
    bool dropped;
    float score;
};

struct patch_sample {
    struct base_info base;
    struct screen_settings settings;
    struct kept_picture *pictures;
    size_t count, capacity, bytes;
    struct registration registration;
};

struct patch_sample *patch_sample_new(const struct base_info *base, const struct screen_settings *settings)
{
    struct patch_sample *sample = xcalloc(1, sizeof *sample);
    sample->base = *base;
    sample->settings = *settings;
    return sample;
}

static void view_clear(struct kept_view *kept)
{
    for (int t = 0; t < BASE_TAPS; t++) {
        free(kept->levels[t]);
        free(kept->looked[t]);
    }
    *kept = (struct kept_view){0};
}

void patch_sample_free(struct patch_sample *sample)
{
    if (!sample)
        return;
    for (size_t i = 0; i < sample->count; i++) {
        view_clear(&sample->pictures[i].whole);
        view_clear(&sample->pictures[i].tile);
        contrast_clear(&sample->pictures[i].changes);
        flaw_moves_clear(&sample->pictures[i].moves);
    }
    registration_clear(&sample->registration);
    free(sample->pictures);
    free(sample);
}

void patch_sample_register(struct patch_sample *sample, struct registration *registration)
{
    sample->registration = *registration;
    *registration = (struct registration){0};
}

static void pack(const float *data, size_t count, uint16_t *levels, float *low, float *step)
{
    float least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        least = data[i] < least ? data[i] : least;
        most = data[i] > most ? data[i] : most;
    }
    bool usable = isfinite(least) && isfinite(most) && most > least;
    *low = isfinite(least) ? least : 0;
    *step = usable ? (most - least) / UINT16_MAX : 0;
    float scale = usable ? UINT16_MAX / (most - least) : 0;
    for (size_t i = 0; i < count; i++) {
        float level = (data[i] - *low) * scale + 0.5f; // not a number: 0
        levels[i] = level > 0 ? level < UINT16_MAX ? (uint16_t)level : UINT16_MAX : 0;
    }
}

// Tap `tap` of a kept view, or both for BASE_TAPS.
static const struct patch_view *unpack(struct unpacked *u, const struct kept_view *kept, int tap)
{
    u->view = kept->view;
    for (int t = 0; t < BASE_TAPS; t++) {
        if (tap != t && tap != BASE_TAPS)
            continue;
        const struct tap *shape = &kept->view.taps[t];
        size_t count = (size_t)shape->rows * (size_t)shape->cols * (size_t)shape->channels;
        GROW(u->data[t], u->capacity[t], count);
        for (size_t i = 0; i < count; i++)
            u->data[t][i] = kept->low[t] + kept->step[t] * (float)kept->levels[t][i];
        u->view.taps[t].data = u->data[t];
    }
    return &u->view;
}

static void unpacked_clear(struct unpacked *u)
{
    for (int t = 0; t < BASE_TAPS; t++)
        free(u->data[t]);
}

static void view_keep(struct kept_view *kept, const struct patch_view *view)
{
    for (int t = 0; t < BASE_TAPS; t++) {
        const struct tap *tap = &view->taps[t];
        size_t cells = (size_t)tap->rows * (size_t)tap->cols, count = cells * (size_t)tap->channels;
        kept->levels[t] = xreallocarray(NULL, count, sizeof *kept->levels[t]);
        kept->looked[t] = xmalloc(cells);
        pack(tap->data, count, kept->levels[t], &kept->low[t], &kept->step[t]);
        memcpy(kept->looked[t], view->looked[t], cells);
        kept->bytes += count * sizeof *kept->levels[t] + cells;
        kept->view.taps[t] = *tap;
        kept->view.mark = view->mark;
        kept->view.taps[t].data = NULL;
        kept->view.looked[t] = kept->looked[t];
    }
}

void patch_sample_add(struct patch_sample *sample, size_t number, const struct patch_view *view, bool tile)
{
    size_t before = sample->capacity;
    GROW(sample->pictures, sample->capacity, number + 1);
    memset(sample->pictures + before, 0, (sample->capacity - before) * sizeof *sample->pictures);
    if (number >= sample->count)
        sample->count = number + 1;
    struct kept_picture *picture = &sample->pictures[number];
    struct kept_view *kept = tile ? &picture->tile : &picture->whole;
    view_keep(kept, view);
    sample->bytes += kept->bytes;
}

void patch_sample_change(struct patch_sample *sample, size_t number, enum contrast_side side,
                         const float *change, int dim)
{
    sample->pictures[number].changes.dim = dim;
    contrast_add(&sample->pictures[number].changes, side, change);
}

void patch_sample_moves(struct patch_sample *sample, size_t number, struct flaw_moves *moves)
{
    flaw_moves_clear(&sample->pictures[number].moves);
    sample->pictures[number].moves = *moves;
    *moves = (struct flaw_moves){0};
}

bool patch_sample_full(const struct patch_sample *sample)
{
    return sample->bytes > SAMPLE_BYTES;
}

// Closes the ranks: the readable pictures up to the byte budget, whatever else was read ahead.
static void sample_settle(struct patch_sample *sample)
{
    size_t kept = 0, bytes = 0;
    bool full = false;
    for (size_t i = 0; i < sample->count; i++) {
        struct kept_picture *picture = &sample->pictures[i];
        bytes += picture->whole.bytes + picture->tile.bytes;
        full = full || bytes > SAMPLE_BYTES;
        if (full) {
            view_clear(&picture->whole);
            view_clear(&picture->tile);
            contrast_clear(&picture->changes);
            flaw_moves_clear(&picture->moves);
        } else if (picture->whole.bytes) {
            sample->pictures[kept++] = *picture;
        }
    }
    sample->count = kept;
}

static bool same_grid(const struct patch_view *a, const struct patch_view *b)
{
    return a->taps[0].rows == b->taps[0].rows && a->taps[0].cols == b->taps[0].cols;
}

// The grid that most pictures have (the earlier on a tie): a view that has it, and how many do.
static const struct patch_view *common_grid(const struct patch_sample *sample, size_t *members)
{
    const struct patch_view *best = NULL;
    *members = 0;
    for (size_t i = 0; i < sample->count; i++) {
        size_t n = 0;
        for (size_t j = 0; j < sample->count; j++)
            n += !sample->pictures[j].dropped &&
                 same_grid(&sample->pictures[i].whole.view, &sample->pictures[j].whole.view);
        if (!sample->pictures[i].dropped && n > *members) {
            *members = n;
            best = &sample->pictures[i].whole.view;
        }
    }
    return best;
}

// What the threads share: one job is one Gaussian, or the scores of one picture.
struct job_set {
    struct patch_sample *sample;
    struct patch_model *model;
    int threads;
    bool failed[PATCH_PARTS][BASE_TAPS];
};

static const struct kept_view *view_for(const struct kept_picture *picture, const struct patch_stats *stats,
                                        enum patch_part part)
{
    const struct kept_view *kept = part == PART_TILE ? &picture->tile : &picture->whole;
    if (picture->dropped || !kept->bytes)
        return NULL;
    if (part == PART_ALIGNED &&
        (kept->view.taps[0].rows != stats->rows[0] || kept->view.taps[0].cols != stats->cols[0]))
        return NULL;
    return kept;
}

struct chosen { // the views one Gaussian is fitted on
    const struct kept_view **views;
    struct unpacked unpacked;
};

static const struct patch_view *get_chosen(void *context, size_t i, int tap)
{
    struct chosen *chosen = context;
    return unpack(&chosen->unpacked, chosen->views[i], tap);
}

static void fit_job(struct job_set *set, enum patch_part part, int t)
{
    struct patch_sample *sample = set->sample;
    struct patch_stats *stats = &set->model->parts[part];
    if (!stats->used)
        return;
    size_t dim = (size_t)set->model->channels[t];
    size_t places = part == PART_ALIGNED ? (size_t)stats->rows[t] * (size_t)stats->cols[t] : 0;
    struct chosen chosen = {.views = xcalloc(sample->count, sizeof *chosen.views)};
    struct patch_views views = {.get = get_chosen,
                                .context = &chosen,
                                .registered = part == PART_ALIGNED && sample->registration.rows};
    for (size_t i = 0; i < sample->count; i++) {
        const struct kept_view *view = view_for(&sample->pictures[i], stats, part);
        if (view)
            chosen.views[views.count++] = view;
    }
    set->failed[part][t] = !patch_gaussian_fit(&views, t, dim, places, &stats->taps[t]);
    free(chosen.views);
    unpacked_clear(&chosen.unpacked);
}

static void fit_jobs(void *context, int worker)
{
    struct job_set *set = context;
    for (int job = worker; job < PATCH_PARTS * BASE_TAPS; job += set->threads)
        fit_job(set, (enum patch_part)(job / BASE_TAPS), job % BASE_TAPS);
}

static size_t looked_values(const struct patch_view *view, const float *values, float *out)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)view->taps[0].rows * (size_t)view->taps[0].cols; i++)
        if (view->looked[0][i])
            out[n++] = values[i];
    return n;
}

static size_t view_cells(const struct patch_view *view)
{
    return (size_t)view->taps[0].rows * (size_t)view->taps[0].cols;
}

static void score_jobs(void *context, int worker)
{
    struct job_set *set = context;
    struct patch_work *work = patch_work_new();
    struct unpacked unpacked = {0};
    for (size_t i = (size_t)worker; i < set->sample->count; i += (size_t)set->threads) {
        struct kept_picture *picture = &set->sample->pictures[i];
        const struct patch_view *view = unpack(&unpacked, &picture->whole, BASE_TAPS);
        float *looked = xreallocarray(NULL, view_cells(view), sizeof *looked);
        const float *values = patch_values(set->model, patch_part_of(set->model, view), view, work);
        picture->score = patch_top(looked, looked_values(view, values, looked));
        free(looked);
    }
    unpacked_clear(&unpacked);
    patch_work_free(work);
}

// The quantile of the two taps' values together, so that 1 means the same as for each.
static void calibrate_jobs(void *context, int worker)
{
    struct job_set *set = context;
    for (int part = worker; part < PATCH_PARTS; part += set->threads) {
        struct patch_stats *stats = &set->model->parts[part];
        if (!stats->used)
            continue;
        struct patch_work *work = patch_work_new();
        struct unpacked unpacked = {0};
        float *all = NULL;
        size_t count = 0, capacity = 0;
        for (size_t i = 0; i < set->sample->count; i++) {
            const struct kept_view *kept = view_for(&set->sample->pictures[i], stats, (enum patch_part)part);
            if (!kept)
                continue;
            const struct patch_view *view = unpack(&unpacked, kept, BASE_TAPS);
            GROW(all, capacity, count + view_cells(view));
            count +=
                looked_values(view, patch_values(set->model, (enum patch_part)part, view, work), all + count);
        }
        if (count)
            stats->quantile = patch_quantile(all, count);
        free(all);
        unpacked_clear(&unpacked);
        patch_work_free(work);
    }
}

static int by_mark(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void note_fitted(const struct patch_sample *sample, struct patch_model *model)
{
    model->fitted = xcalloc(sample->count + 1, sizeof *model->fitted);
    for (size_t i = 0; i < sample->count; i++) {
        const struct kept_picture *picture = &sample->pictures[i];
        if (!picture->dropped && picture->whole.view.mark &&
            view_for(picture, &model->parts[PART_ALIGNED], PART_ALIGNED))
            model->fitted[model->fitted_count++] = picture->whole.view.mark;
    }
    qsort(model->fitted, model->fitted_count, sizeof *model->fitted, by_mark);
}

static enum status fit_round(struct patch_sample *sample, int threads, struct patch_model **out,
                             struct error *err)
{
    struct patch_model *model = xcalloc(1, sizeof *model);
    memcpy(model->channels, sample->base.channels, sizeof model->channels);
    memcpy(model->base_sha256, sample->base.sha256, sizeof model->base_sha256);
    model->settings = sample->settings;
    size_t members;
    const struct patch_view *common = common_grid(sample, &members);
    struct patch_stats *aligned = &model->parts[PART_ALIGNED];
    aligned->used = members >= ALIGN_MIN;
    for (int t = 0; t < BASE_TAPS && aligned->used; t++) {
        aligned->rows[t] = common->taps[t].rows;
        aligned->cols[t] = common->taps[t].cols;
    }
    model->parts[PART_FREE].used = !(aligned->used && sample->settings.squash);
    for (size_t i = 0; i < sample->count; i++)
        if (!sample->pictures[i].dropped && sample->pictures[i].tile.bytes)
            model->parts[PART_TILE].used = true;
    for (int p = 0; p < PATCH_PARTS; p++)
        model->parts[p].quantile = 1;
    note_fitted(sample, model);

    struct job_set set = {.sample = sample, .model = model, .threads = threads};
    parallel_run(threads, fit_jobs, &set);
    for (int p = 0; p < PATCH_PARTS; p++)
        for (int t = 0; t < BASE_TAPS; t++)
            if (set.failed[p][t]) {
                patch_free(model);
                return error_set(
                    err, ST_INVALID,
                    "the pictures of the sample do not differ at all: patch statistics need variation");
            }
    size_t usable = 0;
    for (size_t i = 0; i < sample->count; i++)
        usable += !sample->pictures[i].dropped;
    aligned->placed = aligned->taps[1].placed * (float)members / (float)usable;
    parallel_run(threads, calibrate_jobs, &set);
    *out = model;
    return ST_OK;
}

static int by_score(const void *a, const void *b)
{
    float x = (*(struct kept_picture *const *)a)->score, y = (*(struct kept_picture *const *)b)->score;
    return (x > y) - (x < y);
}

static void drop_suspicious(struct patch_sample *sample)
{
    struct kept_picture **order = xcalloc(sample->count, sizeof *order);
    for (size_t i = 0; i < sample->count; i++)
        order[i] = &sample->pictures[i];
    qsort(order, sample->count, sizeof *order, by_score);
    size_t drop = (size_t)(drop_share * (double)sample->count + 0.5);
    for (size_t i = 0; i < drop; i++)
        order[sample->count - 1 - i]->dropped = true;
    free(order);
}

static void gather_changes(const struct patch_sample *sample, struct contrast *all)
{
    for (size_t i = 0; i < sample->count; i++) {
        const struct contrast *own = &sample->pictures[i].changes;
        if (sample->pictures[i].dropped || !own->dim)
            continue;
        all->dim = own->dim;
        for (int side = 0; side < CONTRAST_SIDES; side++)
            for (size_t j = 0; j < own->counts[side]; j++)
                contrast_add(all, (enum contrast_side)side, own->rows[side] + j * (size_t)own->dim);
    }
}

static void fit_flaws(const struct patch_sample *sample, struct patch_model *model)
{
    const struct flaw_moves **moves = xcalloc(sample->count + 1, sizeof *moves);
    size_t count = 0;
    for (size_t i = 0; i < sample->count; i++)
        if (!sample->pictures[i].dropped && sample->pictures[i].moves.dim == model->channels[1])
            moves[count++] = &sample->pictures[i].moves;
    for (int part = 0; part < PART_TILE; part++)
        if (model->parts[part].used)
            patch_flaws_fit(moves, count, model->parts[part].taps[1].whiten, model->channels[1], &model->parts[part].flaws);
    free(moves);
}

// How much cells that are normal at their place look like a drawn defect, where some hundred pictures tell.
// Registered scenes have a covariance for each place that says so better: there it costs (the demo's
// fasteners: AUROC of the learned measure 0.776 without, 0.724 with; belt 0.869 and 0.878, insulators 0.575
// and 0.627).
static void fit_flaw_places(const struct patch_sample *sample, struct patch_model *model)
{
    struct patch_stats *stats = &model->parts[PART_ALIGNED];
    size_t places = (size_t)stats->rows[1] * (size_t)stats->cols[1], count = 0, capacity = 0, at_capacity = 0;
    struct patch_work *work = patch_work_new();
    struct unpacked unpacked = {0};
    float *all = NULL, *values, *power = NULL;
    uint32_t *at = NULL;
    if (stats->used && stats->flaws.rank && stats->taps[1].typical && !model->registration.rows)
        for (size_t i = 0; i < sample->count; i++) {
            const struct kept_view *kept = view_for(&sample->pictures[i], stats, PART_ALIGNED);
            if (!kept)
                continue;
            GROW(all, capacity, count + places);
            GROW(at, at_capacity, count + places);
            size_t n =
                patch_flaw_values(model, PART_ALIGNED, unpack(&unpacked, kept, 1), work, &values, at + count);
            memcpy(all + count, values, n * sizeof *all);
            count += n;
        }
    if (count)
        patch_typical_fit(all, at, count, places, &stats->flaw_typical, &power);
    free(power); // spreads made equal, too, tell less
    free(all);
    free(at);
    unpacked_clear(&unpacked);
    patch_work_free(work);
}

enum status patch_fit(struct patch_sample *sample, int threads, struct patch_model **model, struct error *err)
{
    sample_settle(sample);
    if (sample->count < FIT_MIN)
        return error_set(err, ST_INVALID,
                         "patch statistics need at least %d readable pictures, there are %zu", FIT_MIN,
                         sample->count);
    struct patch_model *first;
    enum status status = fit_round(sample, threads, &first, err);
    if (status != ST_OK)
        return status;
    struct job_set set = {.sample = sample, .model = first, .threads = threads};
    parallel_run(threads, score_jobs, &set);
    patch_free(first);
    drop_suspicious(sample);
    status = fit_round(sample, threads, model, err);
    if (status == ST_OK) {
        gather_changes(sample, &(*model)->contrast);
        fit_flaws(sample, *model);
        (*model)->registration = sample->registration;
        sample->registration = (struct registration){0};
        fit_flaw_places(sample, *model);
    }
    return status;
}
