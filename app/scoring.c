#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/learned.h"
#include "app/poor.h"
#include "app/scoring.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "db/live.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"
#include "db/revision.h"
#include "screen/drift.h"

struct scoring {
    struct project *project;
    const struct base *base;
    struct scene scene; // own copy
    struct revision revision;
    struct patch_model *patch;
    struct screen_model *model;
    struct learned *learned; // NULL: the revision has none
    struct image ignore;
    struct quality_range range;
    int threads;
};

static enum status load_models(struct scoring *s, struct error *err)
{
    const struct base_info *info = base_info(s->base);
    char *patch = project_model(s->project, s->revision.patch_sha256);
    char *model = project_model(s->project, s->revision.model_sha256);
    enum status status = patch_load(patch, info, &s->scene.settings, &s->patch, err);
    if (status == ST_OK)
        status = screen_load(model, info, &s->scene.settings, &s->model, err);
    free(patch);
    free(model);
    return status;
}

enum status scoring_ready(const struct project *project, const struct scene *scene, bool whole, struct error *err)
{
    struct revision revision;
    struct base_info base;
    if (!scene->active_revision)
        return ST_OK;
    enum status status = db_revision_get(project->db, scene->active_revision, &revision, err);
    if (status == ST_OK)
        status = project_base_kept(project, &base, err);
    if (status == ST_OK && strcmp(base.sha256, revision.base_sha256) != 0)
        status = screening_other_base(scene, err);
    const char *const names[] = {revision.patch_sha256, revision.model_sha256};
    for (int i = 0; i < 2 && status == ST_OK; i++) {
        char *path = project_model(project, names[i]);
        if (!file_exists(path))
            status = error_set(err, ST_NOT_FOUND,
                               "model %.12s of revision %d: its file is missing; put it back from a backup, or `assay screen --refit` "
                               "makes it anew (%s)",
                               names[i], revision.number, path);
        free(path);
    }
    if (status == ST_OK)
        status = screening_fits(project, &base, scene, revision.patch_sha256, err);
    if (status != ST_OK || !revision.learned_sha256[0])
        return status;
    char *path = project_model(project, revision.learned_sha256);
    if (whole || !file_exists(path))
        status = trained_check(project, revision.learned_sha256, TRAINED_SCORE, err);
    free(path);
    return status;
}

enum status scoring_open(struct project *project, const struct base *base, const struct scene *scene,
                         int threads, struct scoring **scoring, struct error *err)
{
    if (!scene->active_revision)
        return error_set(err, ST_NOT_FOUND, "scene %s: nothing was screened yet; run `assay screen` first",
                         scene->name);
    struct scoring *s = xcalloc(1, sizeof *s);
    *s = (struct scoring){.project = project, .base = base, .threads = threads};
    enum status status = db_scene_get(project->db, scene->id, NULL, &s->scene, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, s->scene.active_revision, &s->revision, err);
    if (status == ST_OK)
        status = scoring_ready(project, &s->scene, true, err);
    if (status == ST_OK)
        status = load_models(s, err);
    if (status == ST_OK && s->revision.learned_sha256[0])
        status = learned_open(project, base, &s->scene, s->revision.learned_sha256, &s->learned, err);
    if (status == ST_OK)
        status = screening_ignore(project, &s->scene, &s->ignore, err);
    if (status == ST_OK)
        status = db_quality_range_get(project->db, s->scene.id, &s->range, err);
    if (status != ST_OK) {
        scoring_close(s);
        return status;
    }
    *scoring = s;
    return ST_OK;
}

void scoring_close(struct scoring *s)
{
    if (!s)
        return;
    if (s->patch)
        patch_free(s->patch);
    if (s->model)
        screen_free(s->model);
    learned_close(s->learned);
    image_clear(&s->ignore);
    scene_clear(&s->scene);
    free(s);
}

int64_t scoring_revision(const struct scoring *s)
{
    return s->revision.id;
}

// ---- features ----

struct feed {
    struct scoring *s;
    struct store *store;
    const int64_t *ids;
    size_t count, at;
    struct scoring_report *report;
    enum status status;
    struct error error;
};

static void tell(const struct scoring_report *r, int64_t picture, const char *what, const char *why)
{
    if (r->tell)
        r->tell(r->context, picture, what, why);
}

static bool next(void *context, struct extract_item *item)
{
    struct feed *f = context;
    while (f->at < f->count && store_has(f->store, f->ids[f->at]))
        f->at++;
    if (f->at == f->count)
        return false;
    struct picture row;
    f->status = db_picture_get(f->s->project->db, f->ids[f->at], &row, &f->error);
    if (f->status != ST_OK)
        return false;
    *item = (struct extract_item){f->ids[f->at++], project_picture(f->s->project, &row)};
    picture_clear(&row);
    return true;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct feed *f = context;
    if (result->status != ST_OK) {
        f->report->failed++;
        tell(f->report, result->id, "not screened", result->error.text);
        return ST_OK;
    }
    struct store_record record = screening_record(result);
    return store_append(f->store, &record, err);
}

static enum status extract(struct scoring *s, struct store *store, const int64_t *ids, size_t count,
                           struct scoring_report *report, struct error *err)
{
    struct extract_config config = {.base = s->base,
                                    .settings = s->scene.settings,
                                    .limits = s->project->limits,
                                    .ignore = s->ignore.pixels ? &s->ignore : NULL,
                                    .patch = s->patch,
                                    .threads = s->threads};
    struct feed feed = {.s = s, .store = store, .ids = ids, .count = count, .report = report};
    struct extract_io io = {.context = &feed, .next = next, .done = done};
    if ((size_t)config.threads > count)
        config.threads = (int)count;
    enum status status = extract_run(&config, &io, err);
    if (status == ST_OK && feed.status != ST_OK) {
        *err = feed.error;
        status = feed.status;
    }
    return status == ST_OK ? store_refresh(store, err) : status;
}

// ---- scores ----

struct batch {
    struct live_score *scores;
    struct store_record *records; // heatmaps of the flagged
    size_t count;
    struct drift drift;
};

static enum status add_score(struct scoring *s, struct store *store, int64_t picture, struct batch *b,
                             struct error *err)
{
    struct live_score *score = &b->scores[b->count];
    struct store_record *record = &b->records[b->count];
    struct quality quality;
    bool measured;
    if (!store_get(store, picture, record))
        return ST_OK; // could not be read, which was told
    enum status status = db_quality_get(s->project->db, picture, &quality, &measured, err);
    if (status != ST_OK)
        return status;
    struct screen_input input = screening_input(record);
    struct heat heat;
    if (s->learned)
        input.measures[DETECTOR_LEARNED] = learned_get(s->learned, picture, &heat);
    if (s->learned && !isnan(input.measures[DETECTOR_LEARNED]))
        learned_lay_over(&record->heat, &heat);
    struct screen_score raw = screen_score(s->model, &input);
    *score = (struct live_score){.raw = raw.score};
    double compensated = drift_compensate(&b->drift, raw.score);
    if (compensated != raw.score)
        score->shift = drift_normal(raw.score) - drift_normal(compensated);
    struct drift_arrival arrival = {.picture = picture,
                                    .score = raw.score,
                                    .level = measured ? (double)quality.measures[QUALITY_LEVEL] : NAN,
                                    .sharp = measured ? (double)quality.measures[QUALITY_SHARP] : NAN};
    score->told = drift_add(&b->drift, &arrival, &score->finding);
    score->score = (struct score_new){.picture = picture, .score = raw};
    score->score.score.score = compensated;
    score->score.flagged = score->score.score.score >= s->revision.threshold;
    if (score->score.flagged) {
        score->score.heat = &record->heat;
        memcpy(score->score.box, record->box, sizeof record->box);
    }
    b->count++;
    return ST_OK;
}

static void report_batch(struct scoring *s, const struct batch *b, struct scoring_report *report)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct live_score *score = &b->scores[i];
        report->scored++;
        report->flagged += score->score.flagged;
        char why[64];
        snprintf(why, sizeof why, "1 normal in %.0f looks this odd",
                 pow(10, fmin(score->score.score.score, 6)));
        if (score->score.flagged)
            tell(report, score->score.picture, "flagged", why);
        char text[DRIFT_TEXT];
        struct error unused;
        if (score->told && drift_sentence(s->project, &s->scene, false, text, &unused) == ST_OK && text[0])
            tell(report, 0, "drift", text);
        else if (score->told)
            tell(report, 0, "drift", "the scores are back where they were");
    }
}

static enum status score(struct scoring *s, struct store *store, const int64_t *ids, size_t count,
                         struct scoring_report *report, struct error *err)
{
    struct batch b = {.scores = xcalloc(count, sizeof *b.scores),
                      .records = xcalloc(count, sizeof *b.records)};
    enum status status = extract(s, store, ids, count, report, err);
    if (status == ST_OK && s->learned)
        status = learned_begin(s->learned, err);
    if (status == ST_OK && s->learned)
        status = learned_run(s->learned, ids, count, s->threads, NULL, err);
    if (status == ST_OK)
        status = db_drift_get(s->project->db, s->scene.id, s->revision.id, &b.drift, err);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        status = add_score(s, store, ids[i], &b, err);
    if (status == ST_OK)
        status =
            db_live_scores(s->project->db, s->scene.id, s->revision.id, b.scores, b.count, &b.drift, err);
    if (status == ST_OK)
        report_batch(s, &b, report);
    if (s->learned)
        learned_end(s->learned);
    free(b.scores);
    free(b.records);
    return status;
}

static enum status set_aside(struct scoring *s, const int64_t *pictures, size_t count, int64_t *good,
                             size_t *left, struct scoring_report *report, struct error *err)
{
    enum status status = db_begin(s->project->db, err);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        char why[2 * QUALITY_WHY] = "";
        bool aside;
        status = poor_judge(s->project, &s->range, pictures[i], &aside, why, err);
        if (status != ST_OK)
            break;
        if (!aside) {
            good[(*left)++] = pictures[i];
            continue;
        }
        report->poor++;
        tell(report, pictures[i], "poor picture", why);
    }
    if (status == ST_OK)
        return db_commit(s->project->db, err);
    db_rollback(s->project->db);
    return status;
}

enum status scoring_run(struct scoring *s, const int64_t *pictures, size_t count,
                        struct scoring_report *report, struct error *err)
{
    struct store *store;
    size_t left = 0;
    enum status status =
        screening_store_now(s->project, s->base, &s->scene, s->revision.patch_sha256, &store, err);
    if (status != ST_OK)
        return status;
    int64_t *good = xcalloc(count + 1, sizeof *good);
    status = set_aside(s, pictures, count, good, &left, report, err);
    if (status == ST_OK && left > 0)
        status = score(s, store, good, left, report, err);
    store_close(store);
    free(good);
    return status;
}

// ---- what is said about drift ----

static void moved(char *text, size_t room, const char *what, double before, double after, int digits)
{
    if (isfinite(before) && isfinite(after))
        snprintf(text, room, _(", %s %.*f -> %.*f"), what, digits, before, digits, after);
    else
        text[0] = '\0';
}

enum status drift_sentence(struct project *project, const struct scene *scene, bool brief,
                           char text[DRIFT_TEXT], struct error *err)
{
    struct drift drift;
    struct drift_row row;
    text[0] = '\0';
    if (!scene->active_revision)
        return ST_OK;
    enum status status = db_drift_get(project->db, scene->id, scene->active_revision, &drift, err);
    if (status != ST_OK || !drift.moved)
        return status;
    status = db_drift_last(project->db, scene->id, &row, err);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    const struct drift_finding *f = &row.finding;
    const char *slash = strrchr(row.since_path, '/');
    char *name = text_cleaned(slash ? slash + 1 : row.since_path), when[CLOCK_TEXT], level[64], sharp[64];
    clock_text(row.at_ms, when);
    moved(level, sizeof level, _("brightness"), f->level_before, f->level_after, 0);
    moved(sharp, sizeof sharp, _("sharpness"), f->sharp_before, f->sharp_after, 2);
    double shift = drift_shift(&drift);
    if (brief)
        snprintf(text, DRIFT_TEXT, _("%s drifts: scores %+.1f sd since %s%s"), scene->name, drift.base, name,
                 level);
    else
        snprintf(text, DRIFT_TEXT,
                 _("drifts since %s (told %.16s): mean score %+.2f -> %+.2f sd of normal%s%s; compensated by "
                   "%+.2f sd;"
                   " look at lamp and lens, then `assay screen` for a new revision"),
                 name, when, f->before, f->after, level, sharp, shift);
    free(name);
    free(row.since_path);
    return ST_OK;
}
