#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/progress.h"
#include "app/promote.h"
#include "app/simulate_impl.h"
#include "app/train.h"
#include "base/alloc.h"
#include "db/model.h"
#include "db/round.h"

// ---- progress ----

struct telling {
    struct progress progress;
    const char *scene;
    char stage[32];
    char *what;
    bool quiet;
};

static bool tell(void *context, const struct round_progress *p)
{
    struct telling *t = context;
    if (strcmp(t->stage, p->stage) != 0) {
        if (t->what)
            progress_end(&t->progress);
        free(t->what);
        snprintf(t->stage, sizeof t->stage, "%s", p->stage);
        t->what = xasprintf(_("%s: %s"), t->scene, _(t->stage));
        progress_start(&t->progress, t->what, p->steps, t->quiet);
    }
    t->progress.total = p->steps;
    progress_step(&t->progress, p->step);
    return !stop_asked(NULL);
}

// ---- a round ----

// Whether the scene has answers of both kinds and new ones since its last round.
static enum status is_due(struct project *project, int64_t scene, bool *due, struct error *err)
{
    struct round last = {0};
    struct round_answers answers;
    *due = false;
    enum status status = db_round_latest(project->db, scene, ROUND_RUNNING, &last, err);
    if (status == ST_OK || status == ST_NOT_FOUND)
        status = db_round_answers(project->db, scene, last.answers, &answers, err);
    if (status == ST_OK)
        *due = answers.fresh > 0 && answers.normals > 0 && answers.defects > 0;
    round_clear(&last);
    return status;
}

static enum status ask_round(struct project *project, int64_t scene, const struct simulate_options *o,
                             struct round *round, struct error *err)
{
    // Answers to random questions are kept as imported ones are.
    struct train_request request = {
        .with_truth = o->random, .options = o->train_options, .option_count = o->train_option_count};
    char *text;
    int64_t id;
    enum status status = train_request_text(&request, &text, err);
    if (status != ST_OK)
        return status;
    status = db_round_add(project->db, scene, text, &id, err);
    free(text);
    if (status == ST_OK)
        status = db_round_move(project->db, id, ROUND_QUEUED, ROUND_RUNNING, "", err);
    return status == ST_OK ? db_round_get(project->db, id, round, err) : status;
}

// What the gate leaves to a person is let through, if that is asked for; what it refuses stays out.
static enum status say_yes(struct project *project, int64_t round, char **sentence, struct error *err)
{
    struct round done;
    struct model_row model;
    enum status status = db_round_get(project->db, round, &done, err);
    if (status != ST_OK)
        return status;
    int64_t id = done.model;
    round_clear(&done);
    status = db_model_get(project->db, id, &model, err);
    if (status != ST_OK)
        return status;
    if (strcmp(model.state, "candidate") == 0) {
        char *goal;
        status = promote_by_hand(project, &model, "simulated", true, &goal, err);
        free(goal);
        model_clear(&model);
        if (status == ST_OK)
            status = db_model_get(project->db, id, &model, err);
        if (status == ST_OK) {
            free(*sentence);
            *sentence = xstrdup(model.reason);
        }
    }
    if (status == ST_OK)
        model_clear(&model);
    return status;
}

enum status simulate_train(struct simulate_copy *pool, size_t scene, const struct simulate_options *o,
                           char text[SIMULATE_TEXT], struct error *err)
{
    struct project *project = &pool->project;
    int64_t id = pool->scenes[scene].id;
    struct telling telling = {.scene = pool->scenes[scene].name, .quiet = o->json};
    struct train_watch watch = {&telling, tell};
    struct round round = {0};
    struct error why;
    char *sentence = NULL, *base;
    bool due = false;
    enum status status = project_base_name(project, &base, err);
    if (status != ST_OK)
        return status;
    if (o->train != SIMULATE_TRAIN_NEVER && strcmp(base, BASE_FILTERS) != 0) // which is no network
        status = is_due(project, id, &due, err);
    free(base);
    if (status != ST_OK || !due)
        return status;
    status = ask_round(project, id, o, &round, err);
    if (status != ST_OK)
        return status;
    enum status trained = train_round(project, &round, o->screen.threads, &watch, &sentence, &why);
    if (telling.what)
        progress_end(&telling.progress);
    free(telling.what);
    train_forget(project, round.id);
    if (trained == ST_OK && o->train == SIMULATE_TRAIN_ALWAYS)
        trained = say_yes(project, round.id, &sentence, &why);
    // As for the worker: answers that are not enough yet leave everything as it is, to the next round.
    bool few = trained == ST_INVALID;
    if (trained == ST_OK || few) {
        snprintf(text, SIMULATE_TEXT, "%s", few ? why.text : sentence);
        status = db_round_move(project->db, round.id, ROUND_RUNNING, few ? ROUND_FAILED : ROUND_DONE, text, err);
    } else {
        status = trained;
        *err = why;
    }
    free(sentence);
    round_clear(&round);
    return status;
}
