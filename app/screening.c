#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/poor.h"
#include "app/progress.h"
#include "app/screening_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "db/export.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"

enum {
    SAMPLE = 400, // pictures that the patch statistics are fitted on
    PAGE = 256,
};

// Pictures of a scene as the extractor wants them, paged from the database.
// `next` is called by one thread at a time, while no other uses the handle.
struct feed {
    struct project *project;
    const struct scene *scene;
    struct store *store;   // NULL: do not skip what is stored
    const int64_t *only;   // sorted ids to give, NULL all
    size_t only_count, only_at;
    struct picture *rows;
    size_t count, at;
    int64_t after;
    struct screening_report *report;
    struct progress *progress;
    int64_t done;
    enum status status;
    struct error error;
};

static void feed_drop(struct feed *f)
{
    for (size_t i = 0; i < f->count; i++)
        picture_clear(&f->rows[i]);
    free(f->rows);
    f->rows = NULL;
    f->count = f->at = 0;
}

static void feed_looked(void *context)
{
    struct feed *f = context;
    progress_step(f->progress, ++f->done);
}

static bool feed_next(void *context, struct extract_item *item)
{
    struct feed *f = context;
    if (f->only) {
        if (f->only_at == f->only_count)
            return false;
        struct picture row;
        f->status = db_picture_get(f->project->db, f->only[f->only_at++], &row, &f->error);
        if (f->status != ST_OK)
            return false;
        *item = (struct extract_item){row.id, project_picture(f->project, &row)};
        picture_clear(&row);
        return true;
    }
    for (;;) {
        if (f->at == f->count) {
            feed_drop(f);
            f->status = db_picture_page(f->project->db, f->scene->id, false, f->after, PAGE, &f->rows, &f->count,
                                        &f->error);
            if (f->status != ST_OK || f->count == 0)
                return false;
            f->after = f->rows[f->count - 1].id;
        }
        struct picture *row = &f->rows[f->at++];
        if (f->store && store_has(f->store, row->id))
            continue;
        *item = (struct extract_item){row->id, project_picture(f->project, row)};
        return true;
    }
}

// A picture that was readable when it was added, and is not now.
static enum status note_bad(struct feed *f, const struct extract_result *result, struct error *err)
{
    struct picture row;
    enum status status = db_picture_get(f->project->db, result->id, &row, err);
    if (status != ST_OK)
        return status;
    char *path = text_cleaned(row.path[0] ? row.path : "a file that was replaced");
    const char *reason = result->error.text;
    size_t n = strlen(path);
    if (strncmp(reason, path, n) == 0 && strncmp(reason + n, ": ", 2) == 0)
        reason += n + 2;
    if (!row.path[0])
        reason = "its path holds another picture now, and no copy is in the project";
    f->report->failed++;
    json_array_append_new(f->report->bad, json_pack("{s:s, s:s}", "path", path, "reason", reason));
    free(path);
    picture_clear(&row);
    return ST_OK;
}

static enum status feed_done(void *context, const struct extract_result *result, struct error *err)
{
    struct feed *f = context;
    progress_step(f->progress, ++f->done);
    if (result->status != ST_OK)
        return note_bad(f, result, err);
    f->report->extracted++;
    struct store_record record = screening_record(result);
    return store_append(f->store, &record, err);
}

struct store_record screening_record(const struct extract_result *result)
{
    struct store_record record = {
        .id = result->id, .heat = result->patch.heat, .embedding = result->embedding};
    memcpy(record.measures, result->patch.measures, sizeof record.measures);
    memcpy(record.box, result->patch.box, sizeof record.box);
    return record;
}

struct screen_input screening_input(const struct store_record *record)
{
    struct screen_input input = {.embedding = record->embedding};
    memcpy(input.measures, record->measures, sizeof input.measures);
    return input;
}

struct sample {
    int64_t ids[SAMPLE];
    size_t count, seen;
    struct rng rng;
};

// Reservoir sampling (Vitter 1985, algorithm R) over the pictures not known to be other than normal.
static enum status draw(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    struct sample *s = context;
    enum verdict known = row->verdict != VERDICT_NONE ? row->verdict : row->truth;
    if ((row->unreadable && row->unreadable[0]) || row->poor || row->audited ||
        (known != VERDICT_NONE && known != VERDICT_NORMAL))
        return ST_OK;
    s->seen++;
    if (s->count < SAMPLE) {
        s->ids[s->count++] = row->picture;
    } else {
        uint64_t at = rng_below(&s->rng, s->seen);
        if (at < SAMPLE)
            s->ids[at] = row->picture;
    }
    return ST_OK;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum status fit_patches(struct project *project, struct extract_config *config, const struct scene *scene,
                               const struct screening_options *o, struct patch_model **patch,
                               char sha256[HASH_HEX], struct error *err)
{
    struct sample *sample = xcalloc(1, sizeof *sample);
    sample->rng = rng_seed((uint64_t)scene->id);
    enum status status = db_export(project->db, scene->id, draw, sample, err);
    if (status == ST_OK && sample->count < 16)
        status = error_set(err, ST_INVALID,
                           "scene %s: %zu pictures believed normal are too few to learn from; at least 16 are needed",
                           scene->name, sample->count);
    qsort(sample->ids, sample->count, sizeof *sample->ids, by_id);
    struct progress progress;
    char *what = xasprintf(_("learning %s"), scene->name);
    progress_start(&progress, what, (int64_t)sample->count, o->quiet);
    struct feed feed = {.project = project, .scene = scene, .only = sample->ids, .only_count = sample->count,
                        .progress = &progress};
    struct extract_io io = {.context = &feed, .next = feed_next, .looked = feed_looked, .stop = stop_asked};
    if (status == ST_OK)
        status = extract_fit_patches(config, &io, patch, err);
    progress_end(&progress);
    free(what);
    free(sample);
    if (feed.status != ST_OK && status == ST_OK) {
        patch_free(*patch);
        *err = feed.error;
        return feed.status;
    }
    if (status != ST_OK)
        return status;
    char *models = file_join(project->dir, "models");
    status = patch_save(*patch, base_info(config->base), &scene->settings, models, sha256, err);
    if (status == ST_OK)
        status = screening_use_patch(project, scene, sha256, err);
    free(models);
    if (status != ST_OK)
        patch_free(*patch);
    return status;
}

// The stored patch statistics when they fit base and settings, else new ones.
static enum status get_patches(struct project *project, struct extract_config *config, const struct scene *scene,
                               const struct screening_options *o, struct patch_model **patch,
                               char sha256[HASH_HEX], struct error *err)
{
    struct error unused;
    enum status status = screening_patch(project, scene, sha256, err);
    if (status != ST_OK)
        return status;
    if (sha256[0] && !o->refit) {
        char *path = project_model(project, sha256);
        status = patch_load(path, base_info(config->base), &scene->settings, patch, &unused);
        free(path);
        if (status == ST_OK)
            return ST_OK;
    }
    return fit_patches(project, config, scene, o, patch, sha256, err);
}

// The trained model of the active revision goes on working, unless the base is another one now.
static enum status keep_learned(struct project *project, const struct base *base, const struct scene *scene,
                                struct screening_options *o, struct error *err)
{
    struct revision active;
    if (o->learned[0] || !scene->active_revision)
        return ST_OK;
    enum status status = db_revision_get(project->db, scene->active_revision, &active, err);
    if (status == ST_OK && strcmp(active.base_sha256, base_info(base)->sha256) == 0)
        memcpy(o->learned, active.learned_sha256, HASH_HEX);
    else if (status == ST_OK)
        o->learned_rests = active.learned_sha256[0];
    return status;
}

void screening_report_clear(struct screening_report *report)
{
    json_decref(report->bad);
    json_decref(report->rule);
    json_decref(report->alone);
    *report = (struct screening_report){0};
}

enum status screening_run(struct project *project, const struct base *base, const struct scene *scene,
                          const struct screening_options *options, struct screening_report *report,
                          struct error *err)
{
    double started = clock_seconds();
    struct image ignore;
    struct patch_model *patch;
    struct store *store;
    struct scene_counts counts;
    struct screening_options with = *options;
    char sha256[HASH_HEX];
    enum status status = keep_learned(project, base, scene, &with, err);
    if (status == ST_OK)
        status = screening_ignore(project, scene, &ignore, err);
    if (status != ST_OK)
        return status;
    struct extract_config config = {.base = base, .settings = scene->settings, .limits = project->limits,
                                    .ignore = ignore.pixels ? &ignore : NULL, .threads = options->threads};
    status = poor_screen(project, scene, options->threads, options->quiet, err);
    if (status == ST_OK)
        status = get_patches(project, &config, scene, options, &patch, sha256, err);
    if (status == ST_OK) {
        config.patch = patch;
        status = screening_store(project, base, scene, sha256, &store, err);
        if (status == ST_OK) {
            status = db_counts(project->db, scene->id, &counts, err);
            report->poor = counts.poor;
            struct progress progress;
            char *what = xasprintf(_("screening %s"), scene->name);
            int64_t todo = counts.pictures - counts.unreadable - (int64_t)store_count(store);
            progress_start(&progress, what, todo, options->quiet);
            struct feed feed = {.project = project, .scene = scene, .store = store, .report = report,
                                .progress = &progress};
            struct extract_io io = {.context = &feed, .next = feed_next, .done = feed_done, .stop = stop_asked};
            if (status == ST_OK)
                status = extract_run(&config, &io, err);
            feed_drop(&feed);
            if (status == ST_OK && feed.status != ST_OK) {
                *err = feed.error;
                status = feed.status;
            }
            progress_end(&progress);
            free(what);
            struct error flush;
            if (status == ST_OK)
                status = store_refresh(store, err);
            else if (store_flush(store, &flush) == ST_OK && status == ST_CANCELLED)
                status = error_set(err, ST_CANCELLED, "stopped; run it again and it goes on from here");
            if (status == ST_OK)
                status = screening_revision(project, base, scene, &with, store, patch, sha256, report, err);
            store_close(store);
            if (status == ST_OK)
                status = ask_scene(project, scene->id, err);
        }
        patch_free(patch);
    }
    image_clear(&ignore);
    report->seconds = clock_seconds() - started;
    return status;
}
