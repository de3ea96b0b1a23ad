// A revision of a scene from the features that are there: dataset, model, threshold, scores.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/calibrate.h"
#include "app/learned.h"
#include "app/prune.h"
#include "app/screening_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/model.h"
#include "db/revision.h"
#include "learn/gate.h"

enum {
    BATCH = 200, // scores per transaction at most
    FEW = 25,    // and at least: what a commit costs by itself does not fall with them
};
// No answer waits for the lock any longer than a transaction takes: where one took longer than this, the next are smaller.
static const double hold_seconds = 0.005;

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

enum status screening_revision(struct project *project, const struct base *base, const struct scene *scene,
                               const struct screening_options *o, struct store *store, const struct patch_model *patch,
                               const char *patch_sha256, struct screening_report *report, struct error *err)
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
        status = screening_revision(project, base, scene, &o, store, patch, sha256, report, err);
    patch_free(patch);
    store_close(store);
    return status;
}
