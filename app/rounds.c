#include "config.h"

#include <string.h>

#include "app/industry.h"
#include "app/rounds.h"
#include "app/train.h"
#include "app/trained.h"
#include "app/worker.h"
#include "base/intl.h"
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

// ST_NOT_FOUND: the round is not in that state any more.
static enum status ask(struct project *project, const struct round *round, enum rounds_wish wish, int threads, struct error *err)
{
    bool working = round->state == ROUND_RUNNING && worker_lives(project);
    if (round->state >= ROUND_DONE)
        return error_set(err, ST_INVALID, "round %lld is over (%s)", (long long)round->id, round_state_name(round->state));
    if (wish == ROUNDS_RESUME) {
        enum status status = round->state == ROUND_PAUSED
                                 ? db_round_move(project->db, round->id, ROUND_PAUSED, ROUND_QUEUED, "", err)
                                 : db_round_ask(project->db, round->id, WISH_NONE, err);
        return status == ST_OK ? worker_spawn(project, threads, err) : status;
    }
    if (working)
        return db_round_ask(project->db, round->id, wish == ROUNDS_PAUSE ? WISH_PAUSE : WISH_CANCEL, err);
    enum status status = wish == ROUNDS_PAUSE ? db_round_move(project->db, round->id, round->state, ROUND_PAUSED,
                                                              "paused; `assay train --resume` goes on", err)
                                              : rounds_cancel(project, round, round->state, err);
    if (status == ST_OK && wish == ROUNDS_CANCEL)
        train_forget(project, round->id);
    return status;
}

enum status rounds_ask(struct project *project, const struct round *round, enum rounds_wish wish, int threads,
                       struct error *err)
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
    return status;
}

enum status rounds_roll_back(struct project *project, const struct scene *scene, const char *who, struct revision *now,
                             struct error *err)
{
    int64_t before, person;
    enum status status = db_person_ensure(project->db, who, &person, err);
    if (status == ST_OK)
        status = db_lead_only(project->db, person, _("rolling back"), err);
    if (status == ST_OK)
        status = db_revision_before(project->db, scene->id, &before, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, before, now, err);
    if (status == ST_OK && now->learned_sha256[0])
        status = trained_check(project, now->learned_sha256, TRAINED_BACK, err);
    return status == ST_OK ? db_revision_activate(project->db, before, "rollback", who, "rolled back", err) : status;
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
