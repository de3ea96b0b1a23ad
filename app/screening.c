#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/ask.h"
#include "app/calibrate.h"
#include "app/learned.h"
#include "app/poor.h"
#include "app/progress.h"
#include "app/prune.h"
#include "app/screening.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "db/export.h"
#include "db/model.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "learn/gate.h"

enum {
    SAMPLE = 400, // pictures that the patch statistics are fitted on
    PAGE = 256,
    BATCH = 200,  // scores per transaction at most
    FEW = 25,     // and at least: what a commit costs by itself does not fall with them
};
// No answer waits for the lock any longer than a transaction takes: where one took longer than this, the next are smaller.
static const double hold_seconds = 0.005;

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

enum status screening_ignore(const struct project *p, const struct scene *scene, struct image *mask,
                             struct error *err)
{
    struct image colour;
    *mask = (struct image){0};
    if (!scene->ignore_path || !scene->ignore_path[0])
        return ST_OK;
    char *path = file_join(p->dir, scene->ignore_path);
    enum status status = image_load(path, &p->limits, 0, 0, &colour, NULL, err);
    free(path);
    if (status != ST_OK)
        return status;
    image_clear(mask);
    *mask = colour;
    if (colour.channels == 3) { // anything not black is ignored
        struct image gray;
        image_init(&gray, colour.width, colour.height, 1);
        for (size_t i = 0; i < (size_t)colour.width * (size_t)colour.height; i++)
            gray.pixels[i] = colour.pixels[3 * i] | colour.pixels[3 * i + 1] | colour.pixels[3 * i + 2];
        image_clear(&colour);
        *mask = gray;
    }
    return ST_OK;
}

static char *patch_key(const struct scene *scene)
{
    return xasprintf("scene.%lld.patch", (long long)scene->id);
}

enum status screening_patch(struct project *project, const struct scene *scene, char sha256[HASH_HEX],
                            struct error *err)
{
    char *key = patch_key(scene), *value = NULL;
    enum status status = db_setting_get(project->db, key, &value, err);
    sha256[0] = '\0';
    if (status == ST_OK && value && strlen(value) == HASH_HEX - 1)
        memcpy(sha256, value, HASH_HEX);
    free(value);
    free(key);
    return status;
}

enum status screening_other_base(const struct scene *scene, struct error *err)
{
    return error_set(err, ST_INVALID, "scene %s: screened with another base; run `assay screen` with this one", scene->name);
}

enum status screening_fits(const struct project *project, const struct base_info *base, const struct scene *scene, const char *sha256,
                           struct error *err)
{
    struct error why;
    char *path = project_model(project, sha256);
    enum status status = patch_fits(path, base, &scene->settings, &why);
    free(path);
    if (status == ST_INVALID)
        return error_set(err, status, "scene %s: screened with other settings; run `assay screen` with these", scene->name);
    if (status != ST_OK)
        *err = why;
    return status;
}

enum status screening_begun(struct project *project, const struct scene *scene, char sha256[HASH_HEX], struct error *err)
{
    struct base_info base;
    enum status status = screening_patch(project, scene, sha256, err);
    if (status == ST_OK && !scene->active_revision)
        status = error_set(err, ST_INVALID, "scene %s was not screened yet; run `assay screen` first", scene->name);
    else if (status == ST_OK && !sha256[0]) // forgotten with the base before
        status = screening_other_base(scene, err);
    if (status == ST_OK)
        status = project_base_kept(project, &base, err);
    return status == ST_OK ? screening_fits(project, &base, scene, sha256, err) : status;
}

enum status screening_forget(struct project *project, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    enum status status = db_scene_list(project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        char *key = patch_key(&scenes[i]);
        if (status == ST_OK)
            status = db_setting_set(project->db, key, "", err);
        free(key);
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return status;
}

enum status screening_change_base(struct project *project, const char *name, struct error *err)
{
    enum status status = db_begin(project->db, err);
    if (status != ST_OK)
        return status;
    status = project_use_base(project, name, err);
    if (status == ST_OK)
        status = screening_forget(project, err);
    if (status == ST_OK)
        return db_commit(project->db, err);
    db_rollback(project->db);
    return status;
}

// A watcher holds the store for a moment at a time; another screening for long.
enum status screening_store(const struct project *project, const struct base *base, const struct scene *scene,
                            const char *patch_sha256, struct store **store, struct error *err)
{
    double until = clock_seconds() + 5;
    enum status status = screening_store_now(project, base, scene, patch_sha256, store, err);
    while (status == ST_BUSY && clock_seconds() < until && !stop_asked(NULL)) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        status = screening_store_now(project, base, scene, patch_sha256, store, err);
    }
    return status;
}

static char *store_path(const struct project *project, const struct base_info *base, const struct scene *scene,
                        const char *patch_sha256)
{
    return xasprintf("%s/cache/scene-%lld-%.12s-%s.features", project->dir, (long long)scene->id, patch_sha256,
                     base->precision);
}

static char *store_key(const struct base_info *base, const char *patch_sha256)
{
    // Taps of another precision differ a little: a score is never made of both.
    return xasprintf("%.64s %.64s %s", base->sha256, patch_sha256, base->precision);
}

enum status screening_store_reading(const struct project *project, const struct base_info *base, const struct scene *scene,
                                    const char *patch_sha256, struct store **store, struct error *err)
{
    char *path = store_path(project, base, scene, patch_sha256), *key = store_key(base, patch_sha256);
    enum status status = store_open_reading(path, key, store, err);
    free(key);
    free(path);
    return status;
}

enum status screening_store_now(const struct project *project, const struct base *base, const struct scene *scene,
                                const char *patch_sha256, struct store **store, struct error *err)
{
    char *path = store_path(project, base_info(base), scene, patch_sha256), *key = store_key(base_info(base), patch_sha256);
    char *cache = file_join(project->dir, "cache");
    enum status status = file_mkdirs(cache, err);
    if (status == ST_OK)
        status = store_open(path, key, extract_dim(base), store, err);
    free(key);
    free(cache);
    free(path);
    return status;
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
    char *models = file_join(project->dir, "models"), *key = patch_key(scene);
    status = patch_save(*patch, base_info(config->base), &scene->settings, models, sha256, err);
    if (status == ST_OK)
        status = db_setting_set(project->db, key, sha256, err);
    free(models);
    free(key);
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

static enum status store_scores(struct project *project, const struct dataset *set, const struct learned *learned,
                                const struct screen_score *scores, double threshold, int64_t revision,
                                int64_t *flagged, struct error *err)
{
    struct score_new *batch = xcalloc(BATCH, sizeof *batch);
    struct store_record *records = xcalloc(BATCH, sizeof *records);
    enum status status = ST_OK;
    size_t room = FEW;
    for (size_t at = 0, n; at < set->count && status == ST_OK; at += n) {
        n = set->count - at < room ? set->count - at : room;
        for (size_t i = 0; i < n; i++) {
            bool flag = scores[at + i].score >= threshold;
            batch[i] = (struct score_new){.picture = set->ids[at + i], .score = scores[at + i], .flagged = flag};
            if (flag && store_get(set->store, set->ids[at + i], &records[i])) {
                struct heat heat;
                if (learned && !isnan(learned_get(learned, set->ids[at + i], &heat)))
                    learned_lay_over(&records[i].heat, &heat);
                batch[i].heat = &records[i].heat;
                memcpy(batch[i].box, records[i].box, sizeof batch[i].box);
            }
            *flagged += flag;
        }
        double begun = clock_seconds();
        status = db_revision_scores(project->db, revision, batch, n, err);
        double took = clock_seconds() - begun;
        room = took > hold_seconds && room > FEW ? room / 2 : took < hold_seconds / 2 && 2 * room <= BATCH ? 2 * room : room;
    }
    free(records);
    free(batch);
    return status;
}

static void relieve(void *store)
{
    store_relieve(store);
}

static int by_hash(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

struct groups {
    uint64_t *names;
    size_t count, capacity;
};

static void add_group(void *context, const char *group)
{
    struct groups *g = context;
    GROW(g->names, g->capacity, g->count + 1);
    g->names[g->count++] = gate_group(group);
}

// Which pictures the model was trained on, or on others of their group.
static enum status mark_trained(struct project *project, const char *sha256, struct dataset *set, struct error *err)
{
    struct groups g = {0};
    enum status status = db_model_groups(project->db, sha256, add_group, &g, err);
    if (g.count)
        qsort(g.names, g.count, sizeof *g.names, by_hash);
    for (size_t i = 0; i < set->count && g.count && status == ST_OK; i++)
        set->inputs[i].trained = bsearch(&set->groups[i], g.names, g.count, sizeof *g.names, by_hash) != NULL;
    free(g.names);
    return status;
}

// What the scene's trained model says of the pictures, into their inputs.
static enum status take_learned(struct project *project, const struct base *base, const struct scene *scene,
                                const struct screening_options *o, struct dataset *set, struct learned **learned,
                                struct error *err)
{
    *learned = NULL;
    if (!o->learned[0])
        return ST_OK;
    enum status status = learned_open(project, base, scene, o->learned, learned, err);
    if (status != ST_OK)
        return status;
    struct learned_watch watch = {o->learned_context, o->learned_go_on};
    status = learned_begin(*learned, err);
    if (status == ST_OK)
        status = learned_run(*learned, set->ids, set->count, o->threads, &watch, err);
    for (size_t i = 0; i < set->count && status == ST_OK; i++)
        set->inputs[i].measures[DETECTOR_LEARNED] = learned_get(*learned, set->ids[i], NULL);
    if (status == ST_OK)
        status = mark_trained(project, o->learned, set, err);
    if (status != ST_OK) {
        learned_close(*learned);
        *learned = NULL;
    }
    return status;
}

static enum status make_revision(struct project *project, const struct base *base, const struct scene *scene,
                                 const struct screening_options *o, struct store *store,
                                 const struct patch_model *patch, const char *patch_sha256,
                                 struct screening_report *report, struct error *err)
{
    struct learned *learned;
    struct dataset set;
    struct screen_model *model;
    enum status status = dataset_load(project, scene, store, extract_dim(base), &set, err);
    if (status != ST_OK)
        return status;
    status = take_learned(project, base, scene, o, &set, &learned, err);
    if (status != ST_OK) {
        dataset_clear(&set);
        return status;
    }
    struct screen_score *scores = xcalloc(set.count + 1, sizeof *scores);
    struct screen_relief relief = {relieve, store};
    struct screen_space space = {
        .dim = set.dim, .from = extract_from(base), .contrast = patch_contrast(patch), .aligned = patch_aligned(patch)};
    status = screening_alone(project, scene, &space.alone, err);
    if (status == ST_OK)
        status = screen_fit(set.inputs, set.count, &space, set.believed, set.groups, o->flag_rate,
                            (uint64_t)scene->id, &relief, scores, &model, err);
    if (status != ST_OK) {
        learned_close(learned);
        free(scores);
        dataset_clear(&set);
        return error_prefix(err, "scene %s", scene->name);
    }
    struct revision revision = {.scene = scene->id, .flag_rate = o->flag_rate,
                                .believed = (int64_t)screen_fit_count(model), .created_ms = clock_unix_ms()};
    memcpy(revision.base_sha256, base_info(base)->sha256, HASH_HEX);
    memcpy(revision.patch_sha256, patch_sha256, HASH_HEX);
    memcpy(revision.learned_sha256, o->learned, HASH_HEX);
    char *models = file_join(project->dir, "models");
    int64_t id = 0;
    status = calibrate_threshold(project, scene, o, &set, scores, screen_threshold(model), &revision, err);
    if (status == ST_OK)
        status = screen_save(model, base_info(base), &scene->settings, models, revision.model_sha256, err);
    if (status == ST_OK)
        status = db_revision_begin(project->db, &revision, &id, err);
    if (status == ST_OK)
        status = store_scores(project, &set, learned, scores, revision.threshold, id, &report->flagged, err);
    if (status == ST_OK)
        status = o->candidate ? db_revision_ready(project->db, id, err) : db_revision_finish(project->db, id, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, id, &revision, err);
    if (status == ST_OK)
        status = screening_alone_json(project, id, &report->alone, err);
    report->screened = (int64_t)set.count;
    report->threshold = revision.threshold;
    report->believed = revision.believed;
    report->shrinkage = screen_shrinkage(model);
    report->looks = screen_looks(model);
    report->revision = revision.number;
    report->revision_id = id;
    report->rule = status == ST_OK ? calibrate_json(&revision) : NULL;
    report->without_learned = screening_without_learned(model, o->learned[0], o->learned_rests);
    report->without_drawn = screening_without_drawn(model, patch);
    struct error left;
    if (status == ST_OK && prune_revisions(project, scene, &left) != ST_OK)
        fprintf(stderr, _("assay: older scores are not pruned: %s\n"), left.text);
    free(models);
    learned_close(learned);
    screen_free(model);
    free(scores);
    dataset_clear(&set);
    return status;
}

enum status screening_candidate(struct project *project, const struct base *base, const struct scene *scene,
                                const struct screening_options *options, struct screening_report *report,
                                struct error *err)
{
    struct store *store;
    struct screening_options o = *options;
    char sha256[HASH_HEX];
    o.candidate = true;
    enum status status = screening_begun(project, scene, sha256, err);
    if (status == ST_OK)
        status = screening_store(project, base, scene, sha256, &store, err);
    if (status != ST_OK)
        return status;
    struct patch_model *patch = NULL;
    char *path = project_model(project, sha256);
    status = patch_load(path, base_info(base), &scene->settings, &patch, err);
    free(path);
    if (status == ST_OK)
        status = store_refresh(store, err);
    if (status == ST_OK)
        status = make_revision(project, base, scene, &o, store, patch, sha256, report, err);
    patch_free(patch);
    store_close(store);
    return status;
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
                status = make_revision(project, base, scene, &with, store, patch, sha256, report, err);
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
