#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/industry.h"
#include "app/promote.h"
#include "app/rounds.h"
#include "app/train.h"
#include "app/trained.h"
#include "app/worker.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "db/log.h"
#include "db/person.h"
#include "db/project.h"

enum { TRIES = 5 };

enum status rounds_cancel(struct project *project, const struct round *round, enum round_state from, struct error *err)
{
    enum status status = db_begin(project->db, err);
    if (status != ST_OK)
        return status;
    status = db_round_move(project->db, round->id, from, ROUND_CANCELLED, "cancelled", err);
    if (status == ST_OK)
        status = industry_settle(project, round, err);
    if (status == ST_OK)
        return db_commit(project->db, err);
    db_rollback(project->db);
    return status;
}

bool rounds_unscored(const struct round *round, const struct model_row *model)
{
    return round->state == ROUND_FAILED && model->id && !model->revision && strcmp(model->state, "candidate") == 0;
}

// Not where the scene has a newer round, which may be under way.
static enum status queue_failed(struct project *project, const struct round *round, struct error *err)
{
    struct round newest;
    enum status status = db_begin(project->db, err);
    if (status != ST_OK)
        return status;
    status = db_round_latest(project->db, round->scene, ROUND_RUNNING, &newest, err);
    if (status == ST_OK) {
        status = newest.id == round->id ? db_round_move(project->db, round->id, ROUND_FAILED, ROUND_QUEUED, "", err)
                                        : error_set(err, ST_INVALID, "round %lld of this scene is newer", (long long)newest.id);
        round_clear(&newest);
    }
    if (status == ST_OK)
        return db_commit(project->db, err);
    db_rollback(project->db);
    return status;
}

static enum status resume(struct project *project, const struct round *round, int threads, struct error *err)
{
    enum status status = round->state == ROUND_FAILED   ? queue_failed(project, round, err)
                         : round->state == ROUND_PAUSED ? db_round_move(project->db, round->id, ROUND_PAUSED, ROUND_QUEUED, "", err)
                                                        : db_round_ask(project->db, round->id, WISH_NONE, err);
    return status == ST_OK ? worker_spawn(project, threads, err) : status;
}

// ST_NOT_FOUND: the round is not in that state any more.
static enum status ask(struct project *project, const struct round *round, enum rounds_wish wish, int threads, struct error *err)
{
    bool working = round->state == ROUND_RUNNING && worker_lives(project), unscored;
    struct model_row model;
    rounds_model(project->db, round, &model);
    unscored = rounds_unscored(round, &model);
    model_clear(&model);
    if (round->state >= ROUND_DONE && !(unscored && wish == ROUNDS_RESUME))
        return error_set(err, ST_INVALID, "round %lld is over (%s); `assay train` begins another", (long long)round->id, _(round_state_name(round->state)));
    if (wish == ROUNDS_RESUME)
        return resume(project, round, threads, err);
    if (working)
        return db_round_ask(project->db, round->id, wish == ROUNDS_PAUSE ? WISH_PAUSE : WISH_CANCEL, err);
    enum status status = wish == ROUNDS_PAUSE ? db_round_move(project->db, round->id, round->state, ROUND_PAUSED,
                                                              "paused; `assay train --resume` goes on", err)
                                              : rounds_cancel(project, round, round->state, err);
    if (status == ST_OK && wish == ROUNDS_CANCEL)
        train_forget(project, round->id);
    return status;
}

static enum status log_wish(struct project *project, const struct round *round, enum rounds_wish wish, const char *who, struct error *err)
{
    struct scene scene = {0};
    enum status status = round->scene ? db_scene_get(project->db, round->scene, NULL, &scene, err) : ST_OK;
    if (status != ST_OK)
        return status;
    char *text = xasprintf(wish == ROUNDS_PAUSE ? "round %lld is to pause" : wish == ROUNDS_RESUME ? "round %lld is to go on" : "round %lld is to end",
                           (long long)round->id);
    status = db_log_add(project->db, who, "round", scene.name ? scene.name : "", text, err);
    free(text);
    scene_clear(&scene);
    return status;
}

enum status rounds_ask(struct project *project, const struct round *round, enum rounds_wish wish, int threads,
                       const char *who, struct error *err)
{
    enum status status = ask(project, round, wish, threads, err);
    for (int i = 0; status == ST_NOT_FOUND && i < TRIES; i++) { // a worker took it, or somebody else asked, just now
        struct round now;
        status = db_round_get(project->db, round->id, &now, err);
        if (status != ST_OK)
            return status;
        status = ask(project, &now, wish, threads, err);
        round_clear(&now);
    }
    return status == ST_OK ? log_wish(project, round, wish, who, err) : status;
}

enum status rounds_roll_back(struct project *project, const struct scene *scene, const char *who, struct revision *now,
                             char **goal, struct error *err)
{
    struct revision active;
    int64_t before, person;
    *goal = NULL;
    enum status status = db_person_ensure(project->db, who, &person, err);
    if (status == ST_OK)
        status = db_lead_only(project->db, person, _("rolling back"), err);
    if (status == ST_OK)
        status = db_revision_before(project->db, scene->id, &before, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, before, now, err);
    if (status == ST_OK)
        status = db_revision_kept(now, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, scene->active_revision, &active, err);
    if (status == ST_OK && now->learned_sha256[0])
        status = trained_check(project, now->learned_sha256, TRAINED_BACK, err);
    if (status == ST_OK)
        status = db_revision_activate(project->db, before, "rollback", who, "rolled back", err);
    if (status == ST_OK)
        *goal = promote_goal(scene, &active, now, true);
    return status;
}

// ---- what is said of them ----

bool rounds_says(const char *sentence, const char *state)
{
    return strncmp(sentence, state, strlen(state)) == 0;
}

size_t rounds_asked(const char *sentence)
{
    const char *command = strstr(sentence, "; `assay promote");
    return command ? (size_t)(command - sentence) : strlen(sentence);
}

// Of a model, after `at_ms`; "" nothing. Fresh.
static char *since(const struct model_row *m, int64_t at_ms)
{
    bool back = strcmp(m->moved, "rollback") == 0;
    if (!m->scene)
        return xstrdup(strcmp(m->state, "replaced") == 0 ? "replaced" : "");
    if (m->moved_ms <= at_ms)
        return xstrdup("");
    if (m->active)
        return xasprintf(back ? "active again, by a rollback of %s" : "promoted by %s", m->mover[0] ? m->mover : "the gate");
    return back ? xasprintf("rolled back by %s", m->mover) : xstrdup("replaced");
}

// What became of it, before what was said of it then. Frees `now`.
static char *told(char *now, const char *then)
{
    char *text = now[0] ? xasprintf("%s; before that: %.*s", now, (int)rounds_asked(then), then) : xstrdup(then);
    free(now);
    return text;
}

char *rounds_reason(const struct model_row *model)
{
    if (model->scene && !model->revision && strcmp(model->state, "candidate") == 0)
        return xasprintf("it did not score its scene's pictures yet; `assay train --from %.12s` begins from it", model->sha256);
    return told(since(model, model->decided_ms), model->reason);
}

char *rounds_sentence(const struct round *round, const struct model_row *model)
{
    bool gone_back = !model->scene && (strcmp(model->state, "rolled back") == 0 || strcmp(model->state, "refused") == 0);
    if (!model->id)
        return xstrdup(round->sentence);
    return told(gone_back ? xstrdup(model->reason) : since(model, round->ended_ms), round->sentence);
}

void rounds_model(struct db *db, const struct round *round, struct model_row *model)
{
    struct error unused;
    if (!round->model || db_model_get(db, round->model, model, &unused) != ST_OK)
        *model = (struct model_row){0};
}

void rounds_trained(const struct model_row *model, int *steps, double *loss)
{
    json_t *notes = model->id ? json_loads(model->notes, 0, NULL) : NULL;
    *steps = (int)json_integer_value(json_object_get(notes, "steps"));
    *loss = json_number_value(json_object_get(notes, "loss"));
    json_decref(notes);
}

const struct model_row *rounds_active(const struct model_row *models, size_t count, int64_t scene)
{
    for (size_t i = count; i > 0; i--)
        if (models[i - 1].scene == scene && models[i - 1].active)
            return &models[i - 1];
    return NULL;
}

const struct model_row *rounds_candidate(const struct model_row *models, size_t count, int64_t scene)
{
    for (size_t i = count; i > 0; i--) {
        const struct model_row *m = &models[i - 1];
        if (m->scene != scene)
            continue;
        if (m->active)
            return NULL;
        if (m->revision && strcmp(m->state, "candidate") == 0)
            return m;
    }
    return NULL;
}
