#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/industry.h"
#include "app/log_text.h"
#include "app/promote.h"
#include "app/review_flow.h"
#include "app/rounds.h"
#include "app/scoring.h"
#include "app/stored.h"
#include "app/train.h"
#include "app/worker.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "db/acquire.h"
#include "db/industry.h"
#include "db/live.h"
#include "db/model.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"

enum { ROUNDS_SHOWN = 200 };

const char *texts_keep(struct texts *t, char *text)
{
    GROW(t->items, t->capacity, t->count + 1);
    return t->items[t->count++] = text;
}

void texts_clear(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
    *t = (struct texts){0};
}

void flow_time(int64_t at_ms, char text[FLOW_TIME])
{
    time_t at = (time_t)(at_ms / 1000), now = (time_t)(clock_unix_ms() / 1000);
    struct tm then, today;
    text[0] = '\0';
    if (at_ms <= 0 || !localtime_r(&at, &then) || !localtime_r(&now, &today))
        return;
    bool same = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    strftime(text, FLOW_TIME, same ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
}

bool flow_changed(struct review_flow *f, int64_t *version)
{
    int64_t now, event; // answers of this program are no change of another one's
    struct error unused;
    if (db_version(f->project->db, &now, &unused) != ST_OK || db_ask_last(f->project->db, &event, &unused) != ST_OK)
        return true;
    uint64_t mixed = (uint64_t)now + ((uint64_t)event << 16);
    mixed += (uint64_t)worker_lives(f->project) << 40; // that one has died is in no table
    now = (int64_t)mixed;
    bool changed = now != *version;
    *version = now;
    return changed;
}

void flow_round_words(const struct round *r, bool lives, char text[120])
{
    const struct round_progress *p = &r->progress;
    int left = (int)(p->left + 0.5), percent = p->steps > 0 ? (int)(100.0 * p->step / p->steps) : 0;
    text[0] = '\0';
    if (r->state == ROUND_RUNNING && !lives && r->wish == WISH_CANCEL)
        snprintf(text, 120, _("its process ended before it was cancelled (training)"));
    else if (r->state == ROUND_RUNNING && !lives)
        snprintf(text, 120, _("its process ended; it can go on (training)"));
    else if (r->state == ROUND_RUNNING && r->wish)
        snprintf(text, 120, "%s", flow_word(round_standing(r, lives)));
    else if (r->state == ROUND_RUNNING && p->steps > 0)
        snprintf(text, 120, _("%s %d %%, %d:%02d left"), flow_word(p->stage), percent, left / 60, left % 60);
    else if (r->state == ROUND_RUNNING)
        snprintf(text, 120, "%s", p->stage[0] ? flow_word(p->stage) : _("begins"));
    else if (r->state == ROUND_QUEUED)
        snprintf(text, 120, _("waits for the worker"));
    else if (r->state == ROUND_PAUSED)
        snprintf(text, 120, _("paused at %d %%"), percent);
}

// --- one line for every view ------------------------------------------------------------------

// A scene whose models are not all there: what comes in waits, and no view shows it.
static bool find_fault(struct review_flow *f)
{
    struct scene *scenes = NULL;
    struct error unused;
    size_t count = 0;
    bool found = false;
    if (db_scene_list(f->project->db, &scenes, &count, &unused) != ST_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!found && (!f->only || scenes[i].id == f->only) && scoring_ready(f->project, &scenes[i], false, &unused) == ST_NOT_FOUND) {
            snprintf(f->state, sizeof f->state, _("%s: a model's file is missing: assay status"), scenes[i].name);
            found = true;
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return found;
}

static const char *state(void *context)
{
    struct review_flow *f = context;
    struct db *db = f->project->db;
    struct round round;
    struct model_row *models = NULL;
    struct error unused;
    size_t count = 0;
    char words[120], when[FLOW_TIME];
    if (!flow_changed(f, &f->state_version))
        return f->state;
    f->state[0] = '\0';
    if (find_fault(f))
        return f->state;
    if (db_round_latest(db, -1, ROUND_RUNNING, &round, &unused) == ST_OK) {
        flow_round_words(&round, worker_lives(f->project), words);
        if (words[0])
            snprintf(f->state, sizeof f->state, _("round %lld: %s"), (long long)round.id, words);
        round_clear(&round);
    }
    if (f->state[0] || db_model_list(db, &models, &count, &unused) != ST_OK)
        return f->state;
    const struct model_row *active = NULL;
    bool waits = false;
    for (size_t i = 0; i < count; i++) {
        if (!models[i].scene || (f->only && models[i].scene != f->only)) // as key 6 shows them
            continue;
        active = models[i].active ? &models[i] : active;
        waits = waits || rounds_candidate(models, count, models[i].scene) == &models[i];
    }
    if (active)
        flow_time(active->created_ms, when);
    if (waits)
        snprintf(f->state, sizeof f->state, _("a model waits for a decision: key 6"));
    else if (active)
        snprintf(f->state, sizeof f->state, _("model of %s active"), when);
    model_free(models, count);
    return f->state;
}

// --- rounds and scenes -----------------------------------------------------------------------------

static const char *scene_name(struct review_flow *f, int64_t id)
{
    struct scene scene;
    struct error unused;
    if (!id || db_scene_get(f->project->db, id, NULL, &scene, &unused) != ST_OK)
        return id ? "?" : _("all scenes");
    const char *name = texts_keep(&f->texts, xstrdup(scene.name));
    scene_clear(&scene);
    return name;
}

static struct flow_round row_of(struct review_flow *f, const struct round *r, const struct model_row *models, size_t count, bool lives)
{
    const struct model_row none = {0}, *model = &none;
    char when[FLOW_TIME];
    int64_t began = r->started_ms ? r->started_ms : r->created_ms;
    int64_t took = r->started_ms ? ((r->ended_ms ? r->ended_ms : r->updated_ms) - r->started_ms) / 1000 : 0;
    json_t *request = json_loads(r->options, 0, NULL);
    const char *asked = json_string_value(json_object_get(request, "strategy")), *credit = json_string_value(json_object_get(request, "credit"));
    bool own = json_array_size(json_object_get(request, "options")) > 0;
    flow_time(began, when);
    for (size_t i = 0; i < count; i++)
        model = models[i].id == r->model ? &models[i] : model;
    struct flow_round row = {
        .id = r->id,
        .scene = scene_name(f, r->scene),
        .state = round_standing(r, lives),
        .open = r->state < ROUND_DONE,
        .running = r->state == ROUND_RUNNING && lives,
        .stage = texts_keep(&f->texts, xstrdup(r->progress.stage)),
        .step = r->progress.step,
        .steps = r->progress.steps,
        .loss = r->progress.loss,
        .rate = r->progress.rate,
        .left = r->progress.left,
        .begun = texts_keep(&f->texts, xstrdup(when[0] && strlen(when) > 5 ? when + 5 : when)), // without the year
        .model = r->model,
        .took = texts_keep(&f->texts, r->started_ms ? xasprintf("%lld:%02lld", (long long)took / 60, (long long)took % 60) : xstrdup("")),
        .strategy = texts_keep(&f->texts, xstrdup(own ? _("settings of its own (--set)") : credit ? credit : asked ? asked : "")),
    };
    if (!row.open)
        rounds_trained(model, &row.steps, &row.loss);
    char *told = rounds_sentence(r, model);
    size_t said = rounds_says(told, row.state) ? strlen(row.state) : 0; // beside it
    row.sentence = texts_keep(&f->texts, stored_text(told[said] == ';' ? told + said + 2 : told[said] ? told : ""));
    free(told);
    json_decref(request);
    return row;
}

static enum status add_target(struct review_flow *f, const struct scene *scene, const struct model_row *models, size_t count,
                              struct flow_target *to, struct error *err)
{
    struct db *db = f->project->db;
    struct round last = {0};
    struct round_answers answers;
    struct revision revision;
    char when[FLOW_TIME];
    enum status status = db_round_latest(db, scene->id, ROUND_RUNNING, &last, err);
    if (status == ST_OK || status == ST_NOT_FOUND)
        status = db_round_answers(db, scene->id, last.answers, &answers, err);
    round_clear(&last);
    if (status == ST_OK)
        status = db_revision_get(db, scene->active_revision, &revision, err);
    if (status != ST_OK)
        return status;
    const struct model_row *active = rounds_active(models, count, scene->id), *waits = rounds_candidate(models, count, scene->id);
    const struct model_row *decided = NULL;
    for (size_t i = 0; i < count; i++)
        decided = models[i].scene == scene->id && models[i].reason[0] ? &models[i] : decided;
    *to = (struct flow_target){.scene = scene->id, .name = texts_keep(&f->texts, xstrdup(scene->name)), .fresh = answers.fresh,
                               .normals = answers.normals, .defects = answers.defects, .candidate = waits ? waits->id : 0};
    if (active)
        flow_time(active->created_ms, when);
    to->active = texts_keep(&f->texts, active ? xasprintf(_("model %.8s of %s"), active->sha256, when)
                                              : xasprintf(_("revision %d, no trained model"), revision.number));
    decided = waits ? waits : decided;
    char *told = decided ? rounds_reason(decided) : xstrdup(""), *reason = stored_text(told);
    bool itself = waits || (decided && rounds_says(told, model_standing(decided))); // the sentence says how it stands
    to->gate = texts_keep(&f->texts, decided ? xasprintf(_("%.8s: %s%s%s"), decided->sha256, itself ? "" : flow_word(model_standing(decided)),
                                                         itself ? "" : _("; "), reason)
                                             : xstrdup(""));
    free(reason);
    free(told);
    return ST_OK;
}

static int every_of(const struct review_flow *f)
{
    return (int)settings_whole(f->project->settings, SETTING_TRAIN_EVERY);
}

static enum status gather(struct review_flow *f, struct error *err)
{
    struct db *db = f->project->db;
    struct round *rounds = NULL;
    struct scene *scenes = NULL;
    struct model_row *models = NULL;
    size_t round_count = 0, scene_count = 0, model_count = 0;
    bool lives = worker_lives(f->project);
    texts_clear(&f->texts);
    free(f->rounds);
    free(f->targets);
    f->rounds = NULL;
    f->targets = NULL;
    f->training = (struct flow_training){.worker = lives, .every = every_of(f)};
    enum status status = db_round_list(db, ROUNDS_SHOWN, &rounds, &round_count, err);
    if (status == ST_OK)
        status = db_scene_list(db, &scenes, &scene_count, err);
    if (status == ST_OK)
        status = db_model_list(db, &models, &model_count, err);
    f->rounds = xcalloc(round_count + 1, sizeof *f->rounds);
    f->targets = xcalloc(scene_count + 1, sizeof *f->targets);
    for (size_t i = 0; i < round_count; i++) {
        if (status == ST_OK && (!f->only || !rounds[i].scene || rounds[i].scene == f->only))
            f->rounds[f->training.round_count++] = row_of(f, &rounds[i], models, model_count, lives);
        round_clear(&rounds[i]);
    }
    for (size_t i = 0; i < scene_count; i++) {
        if (status == ST_OK && scenes[i].active_revision && (!f->only || f->only == scenes[i].id)) {
            status = add_target(f, &scenes[i], models, model_count, &f->targets[f->training.target_count], err);
            f->training.target_count += status == ST_OK;
        }
        scene_clear(&scenes[i]);
    }
    f->training.rounds = f->rounds;
    f->training.targets = f->targets;
    free(rounds);
    free(scenes);
    model_free(models, model_count);
    return status;
}

static enum status training(void *context, const struct flow_training **t, struct error *err)
{
    struct review_flow *f = context;
    enum status status = flow_changed(f, &f->version) || !f->rounds ? gather(f, err) : ST_OK;
    *t = &f->training;
    if (status != ST_OK)
        f->version = 0;
    return status;
}

static enum status curve(void *context, int64_t round, const struct flow_point **points, size_t *count, struct error *err)
{
    struct review_flow *f = context;
    struct round_point *rows = NULL;
    *count = 0;
    enum status status = db_round_curve(f->project->db, round, &rows, count, err);
    f->curve = xreallocarray(f->curve, *count + 1, sizeof *f->curve);
    for (size_t i = 0; i < *count; i++)
        f->curve[i] = (struct flow_point){rows[i].step, rows[i].loss};
    *points = f->curve;
    free(rows);
    return status;
}

// --- what is asked for -----------------------------------------------------------------------------------

static void look_again(struct review_flow *f)
{
    f->state_version = f->version = f->models_version = f->board_version = 0;
}

static enum status train(void *context, int64_t scene, bool alone, struct error *err)
{
    struct review_flow *f = context;
    struct round_answers answers;
    struct scene_counts counts;
    char *text;
    int64_t id;
    look_again(f);
    enum status status = db_round_answers(f->project->db, scene, 0, &answers, err);
    if (status == ST_OK)
        status = db_counts(f->project->db, scene, &counts, err);
    if (status == ST_OK && answers.normals + answers.defects == 0)
        return counts.truths ? error_set(err, ST_INVALID, "nothing to learn from was answered here yet; `assay train --with-truth` learns from what was imported as known")
                             : error_set(err, ST_INVALID, "nothing to learn from was answered here yet");
    if (status == ST_OK)
        status = train_request_text(&(struct train_request){.who = f->person, .no_from = alone}, &text, err);
    if (status != ST_OK)
        return status;
    status = db_round_add(f->project->db, scene, text, &id, err);
    free(text);
    return status == ST_OK ? worker_spawn(f->project, 0, err) : status;
}

static enum status wish(void *context, int64_t id, enum flow_wish what, struct error *err)
{
    static const enum rounds_wish wishes[] = {[FLOW_PAUSE] = ROUNDS_PAUSE, [FLOW_RESUME] = ROUNDS_RESUME, [FLOW_CANCEL] = ROUNDS_CANCEL};
    struct review_flow *f = context;
    struct round round;
    look_again(f);
    enum status status = db_round_get(f->project->db, id, &round, err);
    if (status != ST_OK)
        return status;
    status = rounds_ask(f->project, &round, wishes[what], 0, f->person, err);
    round_clear(&round);
    return status;
}

static enum status every(void *context, int answers, struct error *err)
{
    struct review_flow *f = context;
    char text[16];
    look_again(f);
    snprintf(text, sizeof text, "%d", answers);
    enum status status = settings_store(f->project->settings, SETTING_TRAIN_EVERY, text, SETTING_PROJECT, err);
    if (status == ST_OK)
        status = log_setting(f->project->db, f->person, SETTING_TRAIN_EVERY, text, settings_file(f->project->settings, SETTING_PROJECT), err);
    f->training.every = every_of(f);
    if (status == ST_OK && f->training.every != answers)
        return error_set(err, ST_INVALID, "written into the project's file, but %s says %d, and that comes first",
                         settings_where(f->project->settings, SETTING_TRAIN_EVERY), f->training.every);
    return status == ST_OK && answers ? worker_spawn(f->project, 0, err) : status;
}

// What another revision made of the queue: who chose it was told of that.
static void note_queue(struct review_flow *f, const struct scene_counts *before)
{
    struct scene_counts now;
    struct error unused; // it is news then
    if (db_counts(f->project->db, f->only, &now, &unused) != ST_OK)
        return;
    f->flagged += now.flagged - before->flagged;
    f->open += now.open - before->open;
}

static enum status promote(void *context, int64_t id, char **said, struct error *err)
{
    struct review_flow *f = context;
    struct model_row model;
    struct scene_counts before;
    look_again(f);
    enum status status = db_counts(f->project->db, f->only, &before, err);
    if (status == ST_OK)
        status = db_model_get(f->project->db, id, &model, err);
    if (status != ST_OK)
        return status;
    status = promote_by_hand(f->project, &model, f->person, false, said, err);
    model_clear(&model);
    if (status == ST_OK)
        note_queue(f, &before);
    return status == ST_OK ? worker_spawn(f->project, 0, err) : status; // it scores what came under the revision before
}

static int64_t active(void *context, int64_t id)
{
    struct review_flow *f = context;
    struct scene scene;
    struct base_info base;
    struct model_row industry;
    struct error unused;
    int64_t found = 0;
    if (id == FLOW_INDUSTRY) {
        if (project_base_kept(f->project, &base, &unused) != ST_OK || db_industry_now(f->project->db, base.sha256, &industry, &unused) != ST_OK)
            return 0;
        found = -industry.id; // no revision has it
        model_clear(&industry);
    } else if (db_scene_get(f->project->db, id, NULL, &scene, &unused) == ST_OK) {
        found = scene.active_revision;
        scene_clear(&scene);
    }
    return found;
}

static enum status rollback_industry(struct review_flow *f, char **said, struct error *err)
{
    struct model_row now;
    enum status status = industry_roll_back(f->project, f->person, &now, err);
    if (status != ST_OK)
        return status;
    *said = now.id ? xasprintf(_("Rounds begin from model %.8s again."), now.sha256)
                   : xstrdup(_("Rounds begin from the base again: there is no earlier industry model."));
    model_clear(&now);
    return ST_OK;
}

static enum status rollback(void *context, int64_t id, char **said, char **goal, struct error *err)
{
    struct review_flow *f = context;
    struct scene scene;
    struct revision now;
    struct scene_counts before;
    *said = *goal = NULL;
    look_again(f);
    if (id == FLOW_INDUSTRY)
        return rollback_industry(f, said, err);
    enum status status = db_counts(f->project->db, f->only, &before, err);
    if (status == ST_OK)
        status = db_scene_get(f->project->db, id, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    status = rounds_roll_back(f->project, &scene, f->person, &now, goal, err);
    if (status == ST_OK)
        note_queue(f, &before);
    if (status == ST_OK)
        *said = now.learned_sha256[0] ? xasprintf(_("%s: revision %d is active again (model %.8s)."), scene.name, now.number, now.learned_sha256)
                                      : xasprintf(_("%s: revision %d is active again (without a trained model)."), scene.name, now.number);
    scene_clear(&scene);
    return status == ST_OK ? worker_spawn(f->project, 0, err) : status; // as above
}

void review_flow_open(struct review_flow *f, struct project *project, const char *person, int64_t scene)
{
    *f = (struct review_flow){.project = project, .person = person, .only = scene};
    struct error unused; // then the screen says that no worker is there
    if ((every_of(f) || worker_wanted(project)) && worker_spawn(project, 0, &unused) != ST_OK)
        f->state_version = 0;
    f->model = (struct flow_model){.context = f, .state = state, .training = training, .curve = curve, .comparison = flow_comparison, .train = train, .every = every,
                                   .wish = wish, .models = flow_models, .details = flow_details, .promote = promote,
                                   .active = active, .rollback = rollback, .board = flow_board, .settings = flow_settings, .set = flow_set};
}

void review_flow_clear(struct review_flow *f)
{
    texts_clear(&f->texts);
    texts_clear(&f->models_texts);
    texts_clear(&f->board_texts);
    texts_clear(&f->setting_texts);
    free(f->rounds);
    free(f->targets);
    free(f->curve);
    free(f->models);
    free(f->boards);
}
