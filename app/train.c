#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/ask.h"
#include "app/calibrate.h"
#include "app/industry.h"
#include "app/learned.h"
#include "app/promote.h"
#include "app/screening.h"
#include "app/train.h"
#include "app/train_data.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/export.h"
#include "db/industry.h"
#include "db/label.h"
#include "db/model.h"
#include "db/report.h"
#include "db/revision.h"
#include "db/scene.h"
#include "db/strategy.h"
#include "learn/gate.h"
#include "learn/rescore.h"

static const double save_every = 5; // seconds between checkpoints

struct job {
    struct project *project;
    const struct round *round;
    const struct train_watch *watch;
    json_t *request;
    int threads;
    struct round_progress progress;
    double stage_start;
    struct base *base;
    struct net *net;
};

static char *kept(const struct project *project, int64_t round, const char *what)
{
    return xasprintf("%s/cache/round-%lld.%s", project->dir, (long long)round, what);
}

void train_forget(const struct project *project, int64_t round)
{
    static const char *const files[] = {"data", "checkpoint"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = kept(project, round, files[i]);
        unlink(path);
        free(path);
    }
}

// ---- the request ----

enum status train_request_text(const struct train_request *r, char **text, struct error *err)
{
    struct adapt_options options = adapt_defaults;
    json_t *list = json_array();
    enum status status = ST_OK;
    for (size_t i = 0; i < r->option_count && status == ST_OK; i++) {
        status = adapt_option_set(&options, r->options[i], err);
        json_array_append_new(list, json_string(r->options[i]));
    }
    json_t *j = json_pack("{s:s, s:b, s:b, s:s, s:o}", "from", r->from ? r->from : "", "no_from", r->no_from, "truth",
                          r->with_truth, "strategy", r->strategy ? r->strategy : "", "options", list);
    if (r->who)
        json_object_set_new(j, "who", json_outside(r->who));
    char *dump = json_dumps(j, JSON_COMPACT);
    *text = status == ST_OK ? xstrdup(dump) : NULL;
    free(dump);
    json_decref(j);
    return status;
}

static void add_record(void *context, const char *name, double count, double sum)
{
    struct strategy_record *records = context;
    int at = strategy_find(name);
    if (at >= 0)
        records[at] = (struct strategy_record){count, sum};
}

enum status train_records(struct project *project, int64_t scene, struct strategy_record records[STRATEGIES],
                          struct error *err)
{
    memset(records, 0, STRATEGIES * sizeof *records);
    return db_strategy_each(project->db, scene, add_record, records, err);
}

static enum status choose_strategy(const struct job *j, const char *asked, bool own, int *strategy, struct error *err)
{
    struct strategy_record records[STRATEGIES];
    *strategy = asked && asked[0] ? strategy_find(asked) : 0;
    if (*strategy < 0)
        return error_set(err, ST_INVALID, "there is no strategy '%s'; `assay strategies` shows them", asked);
    if ((asked && asked[0]) || own)
        return ST_OK;
    enum status status = train_records(j->project, j->round->scene, records, err);
    if (status == ST_OK)
        *strategy = strategy_choose(records);
    return status;
}

// What a round begins from: what was asked for, else the industry model that is promoted, else nothing.
static enum status find_parent(const struct job *j, char sha256[HASH_HEX], struct error *err)
{
    struct model_row row;
    const char *from = json_string_value(json_object_get(j->request, "from"));
    snprintf(sha256, HASH_HEX, "%s", from ? from : "");
    if (sha256[0] || json_is_true(json_object_get(j->request, "no_from")) || !j->round->scene)
        return ST_OK;
    enum status status = db_industry_now(j->project->db, j->net->sha256, &row, err);
    if (status == ST_OK) {
        memcpy(sha256, row.sha256, HASH_HEX);
        model_clear(&row);
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// What a round begins from and learns with is settled and kept when it begins: it goes on with the same, whatever was promoted or strategies
// brought meanwhile.
// Settings of one's own say nothing of the strategy they change: no credit.
static enum status settle(struct job *j, struct error *err)
{
    int strategy;
    char parent[HASH_HEX];
    json_t *own = json_object_get(j->request, "options");
    if (json_object_get(j->request, "settings"))
        return ST_OK;
    enum status status = choose_strategy(j, json_string_value(json_object_get(j->request, "strategy")), json_array_size(own) > 0,
                                         &strategy, err);
    if (status == ST_OK)
        status = find_parent(j, parent, err);
    if (status != ST_OK)
        return status;
    json_t *settings = json_array();
    for (int k = 0; k < STRATEGY_OPTIONS && strategies[strategy].options[k]; k++)
        json_array_append_new(settings, json_string(strategies[strategy].options[k]));
    json_array_extend(settings, own);
    json_object_set_new(j->request, "settings", settings);
    json_object_set_new(j->request, "parent", json_string(parent));
    json_object_set_new(j->request, "credit", json_string(json_array_size(own) > 0 ? "" : strategies[strategy].name));
    char *text = json_dumps(j->request, JSON_COMPACT);
    status = db_round_settle(j->project->db, j->round->id, text, err);
    free(text);
    return status;
}

static const char *credit(const struct job *j) // NULL none
{
    const char *name = json_string_value(json_object_get(j->request, "credit"));
    return name && name[0] ? name : NULL;
}

static enum status options_of(const struct job *j, struct adapt_options *options, struct error *err)
{
    size_t i;
    json_t *text;
    enum status status = ST_OK;
    *options = adapt_defaults;
    options->threads = j->threads;
    options->seed = (uint64_t)j->round->id;
    json_array_foreach(json_object_get(j->request, "settings"), i, text)
        if (status == ST_OK)
            status = adapt_option_set(options, json_string_value(text), err);
    return status;
}

// ---- telling ----

static bool tell(struct job *j)
{
    return j->watch->tell(j->watch->context, &j->progress);
}

static bool begin_stage(struct job *j, const char *name)
{
    j->progress = (struct round_progress){0};
    snprintf(j->progress.stage, sizeof j->progress.stage, "%s", name);
    j->stage_start = clock_seconds();
    return tell(j);
}

static enum status stopped(struct error *err)
{
    return error_set(err, ST_CANCELLED, "the round was stopped; it goes on where it was");
}

static bool tell_training(void *context, const struct adapt_report *r)
{
    struct job *j = context;
    bool training = r->step > 0 || r->loaded == r->pictures;
    snprintf(j->progress.stage, sizeof j->progress.stage, "%s", training ? N_("training") : N_("pictures"));
    j->progress.step = training ? r->step : (int)r->loaded;
    j->progress.steps = training ? r->steps : (int)r->pictures;
    j->progress.loss = r->loss;
    j->progress.rate = r->pictures_per_second;
    j->progress.left = r->left;
    return tell(j);
}

static bool tell_scoring(void *context, size_t done, size_t total)
{
    struct job *j = context;
    double seconds = clock_seconds() - j->stage_start;
    j->progress.step = (int)done;
    j->progress.steps = (int)total;
    j->progress.rate = seconds > 0 ? (double)done / seconds : 0;
    j->progress.left = j->progress.rate > 0 ? (double)(total - done) / j->progress.rate : 0;
    return tell(j);
}

// ---- training ----

static enum status open_parent(const struct job *j, struct adapt_model **parent, struct error *err)
{
    const char *sha256 = json_string_value(json_object_get(j->request, "parent"));
    *parent = NULL;
    return sha256 && sha256[0] ? trained_open(j->project, sha256, TRAINED_BEGIN, j->net, parent, err) : ST_OK;
}

static enum status store_model(const struct job *j, struct adapt_model *model, const struct train_data *from, int64_t *id,
                               struct error *err)
{
    if (credit(j))
        json_object_set_new(from->summary, "strategy", json_string(credit(j)));
    char *dir = file_join(j->project->dir, "models"), *data = json_dumps(from->summary, JSON_COMPACT);
    enum status status = adapt_write(model, j->net, NULL, dir, err);
    struct model_row row = {.scene = j->round->scene, .notes = model->notes, .data = data};
    memcpy(row.sha256, model->sha256, HASH_HEX);
    memcpy(row.base_sha256, model->base_sha256, HASH_HEX);
    memcpy(row.parent, model->parent, HASH_HEX);
    if (status == ST_OK) // the file is there: now the row
        status = db_model_add(j->project->db, &row, from->pictures, from->picture_count, id, err);
    if (status == ST_OK)
        status = db_round_result(j->project->db, j->round->id, *id, err);
    free(data);
    free(dir);
    return status;
}

// A checkpoint that cannot be gone on from is of a program that learns with other settings, or damaged: what was answered when the round
// was asked for is kept beside it, and learnt from the first step again.
static enum status train(struct job *j, const struct adapt_model *parent, const struct adapt_data *data, const struct adapt_options *options,
                         const char *checkpoint, struct adapt_model **model, struct error *err)
{
    struct adapt_watch watch = {j, tell_training, checkpoint, save_every};
    enum status status = adapt_train(j->net, parent, data, options, &watch, model, err);
    if ((status != ST_INVALID && status != ST_CORRUPT) || !file_exists(checkpoint))
        return status;
    fprintf(stderr, _("assay: %s; round %lld begins anew with its training\n"), err->text, (long long)j->round->id);
    unlink(checkpoint);
    return adapt_train(j->net, parent, data, options, &watch, model, err);
}

static enum status learn(struct job *j, int64_t *id, struct error *err)
{
    struct train_data data;
    struct adapt_model *parent = NULL, *model;
    struct adapt_options options;
    char *list = kept(j->project, j->round->id, "data"), *checkpoint = kept(j->project, j->round->id, "checkpoint");
    enum status status = options_of(j, &options, err);
    if (status == ST_OK)
        status = open_parent(j, &parent, err);
    if (status == ST_OK)
        status = train_data_open(j->project, j->base, j->round->scene, json_is_true(json_object_get(j->request, "truth")),
                                 options.pool_most, options.scale, list, &data, err);
    if (status == ST_OK) {
        status = train(j, parent, &data.data, &options, checkpoint, &model, err);
        if (status == ST_OK) {
            status = store_model(j, model, &data, id, err);
            adapt_model_free(model);
        }
        train_data_close(&data);
    }
    adapt_model_free(parent);
    free(checkpoint);
    free(list);
    return status;
}

// ---- scoring ----

struct ids {
    int64_t *ids;
    size_t count, capacity;
    struct rescore_score *scores; // in the active revision
    size_t score_count, score_capacity;
};

static enum status add_id(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    struct ids *l = context;
    if ((row->unreadable && row->unreadable[0]) || row->poor)
        return ST_OK;
    GROW(l->ids, l->capacity, l->count + 1);
    l->ids[l->count++] = row->picture;
    return ST_OK;
}

static void add_score(void *context, const struct scan_row *row)
{
    struct ids *l = context;
    GROW(l->scores, l->score_capacity, l->score_count + 1);
    l->scores[l->score_count++] = (struct rescore_score){row->picture, row->score};
}

// The scene's pictures in the order in which they are scored. The active revision's queue stands meanwhile.
static enum status list_ids(struct job *j, const struct scene *scene, struct ids *list, struct error *err)
{
    struct revision active;
    enum status status = db_export(j->project->db, scene->id, add_id, list, err);
    if (status == ST_OK)
        status = db_revision_get(j->project->db, scene->active_revision, &active, err);
    if (status == ST_OK)
        status = db_scan_scores(j->project->db, active.id, add_score, list, err);
    if (status == ST_OK)
        rescore_order(list->ids, list->count, list->scores, list->score_count, active.threshold);
    return status;
}

static enum status score_all(struct job *j, const struct scene *scene, const char *sha256, struct error *err)
{
    struct ids list = {0};
    struct learned *learned;
    enum status status = list_ids(j, scene, &list, err);
    if (status == ST_OK)
        status = learned_open(j->project, j->base, scene, sha256, &learned, err);
    if (status == ST_OK) {
        struct learned_watch watch = {j, tell_scoring};
        status = learned_begin(learned, err);
        if (status == ST_OK)
            status = learned_run(learned, list.ids, list.count, j->threads, &watch, err);
        learned_close(learned);
    }
    free(list.ids);
    free(list.scores);
    return status;
}

static enum status make_candidate(struct job *j, const struct scene *scene, const struct model_row *model,
                                  struct error *err)
{
    struct revision active;
    struct scene now;
    struct screening_report report = {.bad = json_array()};
    struct screening_options o = {.threads = j->threads, .quiet = true, .learned_go_on = tell_scoring, .learned_context = j};
    enum status status = db_scene_get(j->project->db, scene->id, NULL, &now, err);
    if (status == ST_OK) { // it may have been screened anew while this one scored
        status = db_revision_get(j->project->db, now.active_revision, &active, err);
        scene_clear(&now);
    }
    if (status == ST_OK) {
        o.flag_rate = active.flag_rate; // made as the active one was
        calibrate_asked(&active, o.recall);
        memcpy(o.learned, model->sha256, HASH_HEX);
        status = screening_candidate(j->project, j->base, scene, &o, &report, err);
    }
    if (status == ST_OK)
        status = db_model_scored(j->project->db, model->id, report.revision_id, err);
    screening_report_clear(&report);
    return status;
}

static enum status compare(struct job *j, int64_t id, char **sentence, struct error *err)
{
    struct gate_result result;
    if (!begin_stage(j, N_("comparing")))
        return stopped(err);
    enum status status = promote_by_gate(j->project, id, &result, err);
    if (status != ST_OK)
        return status;
    if (result.decision == GATE_PROMOTE) // its queue is put into its order, as after a screening
        status = ask_scene(j->project, j->round->scene, err);
    if (status != ST_OK)
        return status;
    *sentence = xstrdup(result.reason);
    double weight = strategy_weight(&result);
    if (!credit(j) || !(weight > 0))
        return ST_OK;
    return db_strategy_add(j->project->db, j->round->scene, credit(j), id, weight, strategy_reward(&result), err);
}

static enum status finish_scene(struct job *j, int64_t id, char **sentence, struct error *err)
{
    struct scene scene;
    struct model_row model;
    enum status status = db_model_get(j->project->db, id, &model, err);
    if (status != ST_OK)
        return status;
    status = db_scene_get(j->project->db, j->round->scene, NULL, &scene, err);
    if (status == ST_OK) {
        if (!model.revision) {
            status = begin_stage(j, N_("scoring")) ? score_all(j, &scene, model.sha256, err) : stopped(err);
            if (status == ST_OK)
                status = make_candidate(j, &scene, &model, err);
        }
        if (status == ST_OK)
            status = compare(j, id, sentence, err);
        scene_clear(&scene);
    }
    model_clear(&model);
    return status;
}

static enum status check(const struct job *j, struct error *err)
{
    struct scene scene;
    char sha256[HASH_HEX];
    if (!j->round->scene)
        return ST_OK;
    enum status status = db_scene_get(j->project->db, j->round->scene, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    status = screening_begun(j->project, &scene, sha256, err); // else nothing could be scored when the training is done
    scene_clear(&scene);
    return status;
}

// Where the round failed, for that reason, that one stands.
static enum status judge_industry(const struct job *j, enum status status, char **sentence, struct error *err)
{
    struct error why;
    enum status own = industry_settle(j->project, j->round, &why);
    if (status != ST_OK || own == ST_OK)
        return status;
    free(*sentence);
    *sentence = NULL;
    *err = why;
    return own;
}

enum status train_round(struct project *project, const struct round *round, int threads, const struct train_watch *watch,
                        char **sentence, struct error *err)
{
    struct job j = {.project = project, .round = round, .watch = watch, .threads = threads};
    int64_t model = round->model;
    j.request = json_loads(round->options, 0, NULL);
    enum status status = check(&j, err);
    if (status == ST_OK)
        status = project_net(project, NULL, &j.net, err);
    if (status == ST_OK)
        status = settle(&j, err);
    if (status == ST_OK)
        status = project_base(project, &j.base, err);
    if (status == ST_OK && !begin_stage(&j, N_("pictures")))
        status = stopped(err);
    if (status == ST_OK && !model)
        status = learn(&j, &model, err);
    if (status == ST_OK)
        status = round->scene ? finish_scene(&j, model, sentence, err) : industry_finish(project, j.request, model, sentence, err);
    if (status != ST_CANCELLED && status != ST_IO && status != ST_BUSY) // it is over
        status = judge_industry(&j, status, sentence, err);
    if (j.base)
        base_free(j.base);
    if (j.net)
        net_free(j.net);
    json_decref(j.request);
    return status;
}
