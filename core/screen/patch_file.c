#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/safetensors.h"
#include "screen/patch_impl.h"

// Programs of before pictures were registered would measure registered ones wrongly: such files have a kind
// of their own.
static const char kind[] = "patch statistics 2", registered_kind[] = "patch statistics 3";
static const char *const part_names[PATCH_PARTS] = {"aligned", "free", "tile"};
static const char *const contrast_names[CONTRAST_SIDES] = {"contrast/harmless", "contrast/flaw"};
static const char placed_name[] = "aligned/placed";
static const char mean_name[] = "register/mean", shape_name[] = "register/figures",
                  fitted_name[] = "register/fitted", flaw_places_name[] = "aligned/1/flaw_typical";
enum { FIGURES = 4 }; // of a tap: quantile, blend, shrinkage, quantile of both taps together

static void put_stats(struct tensor_writer *writer, const struct patch_model *patch, int part, int t)
{
    const struct patch_stats *stats = &patch->parts[part];
    const struct patch_gaussian *g = &stats->taps[t];
    const int64_t dim = patch->channels[t];
    const float figures[FIGURES] = {g->quantile, g->blend, g->shrinkage, stats->quantile};
    char name[64];
    snprintf(name, sizeof name, "%s/%d/figures", part_names[part], t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){FIGURES}, figures);
    snprintf(name, sizeof name, "%s/%d/mean", part_names[part], t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){dim}, g->mean);
    snprintf(name, sizeof name, "%s/%d/whiten", part_names[part], t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){dim, dim}, g->whiten);
    if (part != PART_ALIGNED)
        return;
    snprintf(name, sizeof name, "%s/%d/places", part_names[part], t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){stats->rows[t], stats->cols[t], dim}, g->places);
    if (!g->typical) // too few pictures
        return;
    snprintf(name, sizeof name, "%s/%d/typical", part_names[part], t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){stats->rows[t], stats->cols[t]}, g->typical);
    snprintf(name, sizeof name, "%s/%d/power", part_names[part], t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){stats->rows[t], stats->cols[t]}, g->power);
}

static void put_flaws(struct tensor_writer *writer, const struct patch_model *patch, int part)
{
    const struct patch_flaws *flaws = &patch->parts[part].flaws;
    char name[64];
    snprintf(name, sizeof name, "%s/1/flaws", part_names[part]);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){patch->channels[1], flaws->rank}, flaws->project);
    if (patch->parts[part].flaw_typical)
        tensor_put(writer, flaw_places_name,
                   (const int64_t[TENSOR_RANK]){patch->parts[part].rows[1], patch->parts[part].cols[1]},
                   patch->parts[part].flaw_typical);
}

// Of tap t of the aligned part.
static void put_local(struct tensor_writer *writer, const struct patch_model *patch, int t)
{
    const struct patch_stats *stats = &patch->parts[PART_ALIGNED];
    const struct patch_local *local = &stats->taps[t].local;
    const int64_t rank = local->rank, places = (int64_t)patch_local_count(stats->rows[t], stats->cols[t]);
    char name[64];
    snprintf(name, sizeof name, "aligned/%d/local/project", t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){patch->channels[t], rank}, local->project);
    snprintf(name, sizeof name, "aligned/%d/local/factors", t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){places, rank * (rank + 1) / 2}, local->factors);
    snprintf(name, sizeof name, "aligned/%d/local/counts", t);
    tensor_put(writer, name, (const int64_t[TENSOR_RANK]){places}, local->counts);
}

// Marks have 48 bits: two whole numbers that floats hold.
static void put_fitted(struct tensor_writer *writer, const struct patch_model *patch)
{
    float *halves = xreallocarray(NULL, 2 * patch->fitted_count, sizeof *halves);
    for (size_t i = 0; i < patch->fitted_count; i++) {
        halves[2 * i] = (float)(patch->fitted[i] >> 24);
        halves[2 * i + 1] = (float)(patch->fitted[i] & 0xffffff);
    }
    tensor_put(writer, fitted_name, (const int64_t[TENSOR_RANK]){(int64_t)patch->fitted_count, 2}, halves);
    free(halves);
}

static void put_registration(struct tensor_writer *writer, const struct registration *registration)
{
    int rows = registration->rows / 2, cols = registration->cols / 2;
    float *mean = xreallocarray(NULL, (size_t)rows * (size_t)cols, sizeof *mean);
    const float figures[] = {(float)registration->rows, (float)registration->cols, registration->typical};
    for (int i = 0; i < rows * cols; i++)
        mean[i] = registration->mean[i];
    tensor_put(writer, mean_name, (const int64_t[TENSOR_RANK]){rows, cols}, mean);
    tensor_put(writer, shape_name, (const int64_t[TENSOR_RANK]){sizeof figures / sizeof *figures}, figures);
    free(mean);
}

enum status patch_save(const struct patch_model *patch, const struct base_info *base,
                       const struct screen_settings *settings, const char *dir, char sha256[HASH_HEX],
                       struct error *err)
{
    struct tensor_writer *writer = tensor_writer_new();
    char text[SCREEN_SETTINGS_TEXT];
    screen_settings_text(settings, text);
    tensor_put_meta(writer, "kind", patch->registration.rows ? registered_kind : kind);
    tensor_put_meta(writer, "base", base->name);
    tensor_put_meta(writer, "base_sha256", base->sha256);
    tensor_put_meta(writer, "settings", text);
    for (int part = 0; part < PATCH_PARTS; part++)
        for (int t = 0; t < BASE_TAPS; t++)
            if (patch->parts[part].used)
                put_stats(writer, patch, part, t);
    if (patch->parts[PART_ALIGNED].used)
        tensor_put(writer, placed_name, (const int64_t[TENSOR_RANK]){1}, &patch->parts[PART_ALIGNED].placed);
    if (patch->registration.rows)
        put_registration(writer, &patch->registration);
    for (int t = 0; t < BASE_TAPS; t++)
        if (patch->parts[PART_ALIGNED].taps[t].local.rank)
            put_local(writer, patch, t);
    if (patch->fitted_count)
        put_fitted(writer, patch);
    for (int side = 0; side < CONTRAST_SIDES; side++)
        if (patch->contrast.counts[side])
            tensor_put(
                writer, contrast_names[side],
                (const int64_t[TENSOR_RANK]){(int64_t)patch->contrast.counts[side], patch->contrast.dim},
                patch->contrast.rows[side]);
    for (int part = 0; part < PATCH_PARTS; part++)
        if (patch->parts[part].flaws.rank)
            put_flaws(writer, patch, part);
    enum status status = tensor_write(writer, NULL, dir, sha256, err);
    tensor_writer_free(writer);
    return status;
}

static bool has_tensor(const struct tensor_file *file, const char *name)
{
    for (size_t i = 0; i < tensor_count(file); i++)
        if (strcmp(tensor_name(file, i), name) == 0)
            return true;
    return false;
}

static enum status read_stats(const struct tensor_file *file, struct patch_model *patch, int part, int t,
                              struct error *err)
{
    struct patch_stats *stats = &patch->parts[part];
    struct patch_gaussian *g = &stats->taps[t];
    const int64_t dim = patch->channels[t];
    float *figures = NULL;
    char name[64];
    snprintf(name, sizeof name, "%s/%d/mean", part_names[part], t);
    enum status status = tensor_read(file, name, (int64_t[TENSOR_RANK]){dim}, &g->mean, err);
    snprintf(name, sizeof name, "%s/%d/whiten", part_names[part], t);
    if (status == ST_OK)
        status = tensor_read(file, name, (int64_t[TENSOR_RANK]){dim, dim}, &g->whiten, err);
    for (int64_t i = 0; status == ST_OK && i < dim; i++)
        if (!(g->whiten[i * dim + i] > 0))
            status = error_set(err, ST_CORRUPT, "%s: tensor %s: its diagonal is not positive",
                               tensor_path(file), name);
    snprintf(name, sizeof name, "%s/%d/figures", part_names[part], t);
    if (status == ST_OK)
        status = tensor_read(file, name, (int64_t[TENSOR_RANK]){FIGURES}, &figures, err);
    if (status == ST_OK && !(figures[0] > 0 && figures[3] > 0))
        status = error_set(err, ST_CORRUPT, "%s: tensor %s: its quantiles are not positive",
                           tensor_path(file), name);
    if (status == ST_OK) {
        g->quantile = figures[0];
        g->blend = figures[1];
        g->shrinkage = figures[2];
        stats->quantile = figures[3];
    }
    free(figures);
    snprintf(name, sizeof name, "%s/%d/places", part_names[part], t);
    if (status == ST_OK && part == PART_ALIGNED) {
        int64_t shape[TENSOR_RANK] = {-1, -1, dim};
        status = tensor_read(file, name, shape, &g->places, err);
        if (status == ST_OK && (shape[0] > INT16_MAX || shape[1] > INT16_MAX))
            status = error_set(err, ST_CORRUPT, "%s: tensor %s: its grid is absurd", tensor_path(file), name);
        if (status == ST_OK) {
            stats->rows[t] = (int)shape[0];
            stats->cols[t] = (int)shape[1];
        }
    }
    snprintf(name, sizeof name, "%s/%d/typical", part_names[part], t);
    if (status == ST_OK && part == PART_ALIGNED && has_tensor(file, name)) { // of many pictures, not of earlier versions
        int64_t shape[TENSOR_RANK] = {stats->rows[t], stats->cols[t]};
        status = tensor_read(file, name, shape, &g->typical, err);
        snprintf(name, sizeof name, "%s/%d/power", part_names[part], t);
        if (status == ST_OK)
            status = tensor_read(file, name, shape, &g->power, err);
        for (int i = 0; status == ST_OK && i < stats->rows[t] * stats->cols[t]; i++)
            if (!(g->typical[i] > 0 && g->power[i] > 0))
                status = error_set(err, ST_CORRUPT, "%s: tensor %s: it is not positive everywhere", tensor_path(file), name);
    }
    return status;
}

// Statistics of before these were learned have none.
static enum status read_flaws(const struct tensor_file *file, struct patch_model *patch, int part, struct error *err)
{
    struct patch_flaws *flaws = &patch->parts[part].flaws;
    int64_t shape[TENSOR_RANK] = {patch->channels[1], -1};
    char name[64];
    snprintf(name, sizeof name, "%s/1/flaws", part_names[part]);
    if (!has_tensor(file, name))
        return ST_OK;
    enum status status = tensor_read(file, name, shape, &flaws->project, err);
    if (status == ST_OK && (shape[1] < 1 || shape[1] > shape[0]))
        status = error_set(err, ST_CORRUPT, "%s: tensor %s: its shape is absurd", tensor_path(file), name);
    if (status == ST_OK)
        flaws->rank = (int)shape[1];
    if (status != ST_OK || part != PART_ALIGNED || !has_tensor(file, flaw_places_name))
        return status;
    struct patch_stats *stats = &patch->parts[part];
    status = tensor_read(file, flaw_places_name, (int64_t[TENSOR_RANK]){stats->rows[1], stats->cols[1]},
                         &stats->flaw_typical, err);
    for (int i = 0; status == ST_OK && i < stats->rows[1] * stats->cols[1]; i++)
        if (!(stats->flaw_typical[i] > 0))
            status = error_set(err, ST_CORRUPT, "%s: tensor %s: it is not positive everywhere",
                               tensor_path(file), flaw_places_name);
    return status;
}

// Scenes that are not registered have none.
static enum status read_local(const struct tensor_file *file, struct patch_model *patch, int t,
                              struct error *err)
{
    const struct patch_stats *stats = &patch->parts[PART_ALIGNED];
    struct patch_local *local = &patch->parts[PART_ALIGNED].taps[t].local;
    const int64_t places = (int64_t)patch_local_count(stats->rows[t], stats->cols[t]);
    int64_t shape[TENSOR_RANK] = {patch->channels[t], -1};
    char name[64];
    snprintf(name, sizeof name, "aligned/%d/local/project", t);
    if (!has_tensor(file, name))
        return ST_OK;
    enum status status = tensor_read(file, name, shape, &local->project, err);
    if (status == ST_OK && (shape[1] < 1 || shape[1] > LOCAL_RANK))
        status = error_set(err, ST_CORRUPT, "%s: tensor %s: its shape is absurd", tensor_path(file), name);
    snprintf(name, sizeof name, "aligned/%d/local/factors", t);
    if (status == ST_OK)
        status = tensor_read(file, name, (int64_t[TENSOR_RANK]){places, shape[1] * (shape[1] + 1) / 2},
                             &local->factors, err);
    snprintf(name, sizeof name, "aligned/%d/local/counts", t);
    if (status == ST_OK)
        status = tensor_read(file, name, (int64_t[TENSOR_RANK]){places}, &local->counts, err);
    for (int64_t i = 0; status == ST_OK && i < places; i++)
        if (!(local->counts[i] > 0))
            status = error_set(err, ST_CORRUPT, "%s: tensor %s: it is not positive everywhere",
                               tensor_path(file), name);
    if (status == ST_OK)
        local->rank = (int)shape[1];
    return status;
}

static enum status read_fitted(const struct tensor_file *file, struct patch_model *patch, struct error *err)
{
    int64_t shape[TENSOR_RANK] = {-1, 2};
    float *halves;
    if (!has_tensor(file, fitted_name))
        return ST_OK;
    enum status status = tensor_read(file, fitted_name, shape, &halves, err);
    if (status != ST_OK)
        return status;
    patch->fitted_count = (size_t)shape[0];
    patch->fitted = xcalloc(patch->fitted_count + 1, sizeof *patch->fitted);
    for (size_t i = 0; i < patch->fitted_count && status == ST_OK; i++) {
        const float high = halves[2 * i], low = halves[2 * i + 1];
        if (!(high >= 0 && high < 0x1p24f && low >= 0 && low < 0x1p24f))
            status = error_set(err, ST_CORRUPT, "%s: tensor %s: it holds no marks", tensor_path(file),
                               fitted_name);
        else
            patch->fitted[i] = (uint64_t)high << 24 | (uint64_t)low;
        if (status == ST_OK && i && patch->fitted[i] < patch->fitted[i - 1])
            status = error_set(err, ST_CORRUPT, "%s: tensor %s: its marks are not in order",
                               tensor_path(file), fitted_name);
    }
    free(halves);
    return status;
}

// Statistics of before pictures were registered, and of scenes where they are not, have none.
static enum status read_registration(const struct tensor_file *file, struct registration *registration,
                                     struct error *err)
{
    float *mean = NULL, *figures = NULL;
    if (!has_tensor(file, mean_name))
        return ST_OK;
    int64_t shape[TENSOR_RANK] = {-1, -1};
    enum status status = tensor_read(file, mean_name, shape, &mean, err);
    if (status == ST_OK)
        status = tensor_read(file, shape_name, (int64_t[TENSOR_RANK]){3}, &figures, err);
    bool sound = status == ST_OK && (int64_t)figures[0] / 2 == shape[0] &&
                 (int64_t)figures[1] / 2 == shape[1] && shape[0] > REGISTER_REACH &&
                 shape[1] > REGISTER_REACH && shape[0] <= INT16_MAX && shape[1] <= INT16_MAX;
    for (int64_t i = 0; sound && i < shape[0] * shape[1]; i++)
        sound = mean[i] >= -REGISTER_LEVEL && mean[i] <= REGISTER_LEVEL;
    if (status == ST_OK && !sound)
        status =
            error_set(err, ST_CORRUPT, "%s: tensor %s: it is no mean picture", tensor_path(file), mean_name);
    if (status == ST_OK) {
        registration->rows = (int)figures[0];
        registration->cols = (int)figures[1];
        registration->typical = figures[2];
        registration->mean = xreallocarray(NULL, (size_t)(shape[0] * shape[1]), sizeof *registration->mean);
        for (int64_t i = 0; i < shape[0] * shape[1]; i++)
            registration->mean[i] = (int16_t)mean[i];
    }
    free(mean);
    free(figures);
    return status;
}

static enum status check_meta(const struct tensor_file *file, const struct base_info *base,
                              const struct screen_settings *settings, struct error *err)
{
    const char *what = tensor_meta(file, "kind"), *sha = tensor_meta(file, "base_sha256");
    const char *name = tensor_meta(file, "base"), *text = tensor_meta(file, "settings");
    char want[SCREEN_SETTINGS_TEXT];
    screen_settings_text(settings, want);
    if (!what || (strcmp(what, kind) != 0 && strcmp(what, registered_kind) != 0))
        return error_set(err, ST_INVALID, "%s: not a file of patch statistics", tensor_path(file));
    if (!sha || !name || strcmp(sha, base->sha256) != 0)
        return error_set(err, ST_INVALID,
                         "%s: fitted with base %s (%.12s), not with %s (%.12s); fit the scene again",
                         tensor_path(file), name ? name : "?", sha ? sha : "?", base->name, base->sha256);
    if (!text || strcmp(text, want) != 0)
        return error_set(err, ST_INVALID, "%s: fitted with other settings (%.120s); fit the scene again",
                         tensor_path(file), text ? text : "none");
    return ST_OK;
}

enum status patch_fits(const char *path, const struct base_info *base, const struct screen_settings *settings, struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    status = check_meta(file, base, settings, err);
    tensor_close(file);
    return status;
}

enum status patch_load(const char *path, const struct base_info *base, const struct screen_settings *settings,
                       struct patch_model **out, struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    struct patch_model *patch = xcalloc(1, sizeof *patch);
    memcpy(patch->channels, base->channels, sizeof patch->channels);
    memcpy(patch->base_sha256, base->sha256, sizeof patch->base_sha256);
    patch->settings = *settings;
    status = tensor_check_name(file, err);
    if (status == ST_OK)
        status = check_meta(file, base, settings, err);
    for (int part = 0; part < PATCH_PARTS && status == ST_OK; part++) {
        char name[64];
        snprintf(name, sizeof name, "%s/0/mean", part_names[part]);
        patch->parts[part].used = has_tensor(file, name);
        for (int t = 0; t < BASE_TAPS && patch->parts[part].used && status == ST_OK; t++)
            status = read_stats(file, patch, part, t, err);
        if (status == ST_OK && patch->parts[part].used)
            status = read_flaws(file, patch, part, err);
    }
    if (status == ST_OK && patch->parts[PART_ALIGNED].used && has_tensor(file, placed_name)) {
        float *placed;
        status = tensor_read(file, placed_name, (int64_t[TENSOR_RANK]){1}, &placed, err);
        if (status == ST_OK)
            patch->parts[PART_ALIGNED].placed = placed[0] > 0 && placed[0] <= 1 ? placed[0] : 0;
        if (status == ST_OK)
            free(placed);
    }
    if (status == ST_OK)
        status = read_registration(file, &patch->registration, err);
    for (int t = 0; t < BASE_TAPS && patch->parts[PART_ALIGNED].used && status == ST_OK; t++)
        status = read_local(file, patch, t, err);
    if (status == ST_OK)
        status = read_fitted(file, patch, err);
    patch->contrast.dim = 3 * base->channels[1];
    for (int side = 0; side < CONTRAST_SIDES && status == ST_OK; side++) {
        int64_t shape[TENSOR_RANK] = {-1, patch->contrast.dim};
        if (!has_tensor(file, contrast_names[side]))
            continue;
        status = tensor_read(file, contrast_names[side], shape, &patch->contrast.rows[side], err);
        if (status == ST_OK)
            patch->contrast.counts[side] = (size_t)shape[0];
    }
    // Only where all pictures have one grid may the statistics for any grid be absent.
    const struct patch_stats *aligned = &patch->parts[PART_ALIGNED];
    int side = patch_input_side(settings->size, base->multiple);
    if (status == ST_OK && !patch->parts[PART_FREE].used &&
        !(aligned->used && settings->squash && aligned->rows[0] == side / base->stride[0] &&
          aligned->cols[0] == side / base->stride[0] && aligned->rows[1] == side / base->stride[1] &&
          aligned->cols[1] == side / base->stride[1]))
        status = error_set(err, ST_CORRUPT, "%s: the statistics for whole pictures are missing", path);
    if (status == ST_OK && settings->tile && !patch->parts[PART_TILE].used)
        status = error_set(err, ST_CORRUPT, "%s: the statistics for tiles are missing", path);
    tensor_close(file);
    if (status != ST_OK) {
        patch_free(patch);
        return status;
    }
    *out = patch;
    return ST_OK;
}
