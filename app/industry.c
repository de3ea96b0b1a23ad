#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/industry.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "db/industry.h"
#include "db/person.h"
#include "db/scene.h"

// ---- by rounds ----

// What the industry round was asked, from its model.
static char *scenes_request(const json_t *request, const char *sha256)
{
    json_t *own = json_copy((json_t *)(uintptr_t)request);
    json_object_set_new(own, "from", json_string(sha256));
    json_object_set_new(own, "industry", json_true());
    json_object_del(own, "settings"); // what the round itself settled on: each scene's round chooses by its own records
    json_object_del(own, "credit");
    json_object_del(own, "parent");
    char *dump = json_dumps(own, JSON_COMPACT), *text = xstrdup(dump);
    free(dump);
    json_decref(own);
    return text;
}

enum status industry_finish(struct project *project, const json_t *request, int64_t id, char **sentence, struct error *err)
{
    struct model_row model;
    struct scene *scenes = NULL;
    size_t count = 0, asked = 0;
    enum status status = db_model_get(project->db, id, &model, err);
    if (status != ST_OK)
        return status;
    char *text = scenes_request(request, model.sha256);
    status = db_scene_list(project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK && scenes[i].active_revision) {
            int64_t round;
            status = db_round_add(project->db, scenes[i].id, text, &round, err);
            asked += status == ST_OK;
            if (status == ST_BUSY) // its next round begins from the new model
                status = ST_OK;
        }
        scene_clear(&scenes[i]);
    }
    free(text);
    free(scenes);
    if (status == ST_OK)
        status = db_industry_promote(project->db, id, "an industry model: each scene's model that begins from it goes through its own gate",
                                     err);
    if (status == ST_OK)
        *sentence = xasprintf(asked == 1 ? "industry model %.12s is there; %zu scene now trains from it"
                                         : "industry model %.12s is there; %zu scenes now train from it",
                              model.sha256, asked);
    model_clear(&model);
    return status;
}

static enum status settle(struct project *project, const char *from, int64_t round, struct error *err)
{
    struct base_info base;
    struct model_row now;
    struct industry_verdict verdict;
    enum status status = project_base_kept(project, &base, err);
    if (status == ST_OK)
        status = db_industry_now(project->db, base.sha256, &now, err);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    bool same = strcmp(now.sha256, from) == 0;
    model_clear(&now);
    if (same)
        status = db_industry_verdict(project->db, from, round, &verdict, err);
    if (status != ST_OK || !same || verdict.open || verdict.promoted || !verdict.refused)
        return status;
    char *reason = xasprintf("rounds no longer begin from it: the gates refused %lld of %lld models that did, and promoted none",
                             (long long)verdict.refused, (long long)verdict.judged);
    status = db_industry_back(project->db, base.sha256, "refused", reason, err);
    free(reason);
    return status;
}

enum status industry_settle(struct project *project, const struct round *round, struct error *err)
{
    json_t *request = json_loads(round->options, 0, NULL);
    const char *from = json_string_value(json_object_get(request, "from"));
    bool asked = from && json_is_true(json_object_get(request, "industry"));
    enum status status = asked ? settle(project, from, round->id, err) : ST_OK;
    json_decref(request);
    return status;
}

// ---- by people ----

enum status industry_promote(struct project *project, const struct model_row *model, const char *who, struct error *err)
{
    if (model->active)
        return error_set(err, ST_INVALID, "rounds begin from industry model %.12s already", model->sha256);
    enum status status = trained_check(project, model->sha256, TRAINED_PROMOTE, err);
    if (status != ST_OK)
        return status;
    char *reason = xasprintf("rounds begin from it; promoted by %s", who);
    status = db_industry_promote(project->db, model->id, reason, err);
    free(reason);
    return status;
}

static enum status roll_back(struct project *project, const char *base_sha256, const char *who, struct model_row *now, struct error *err)
{
    *now = (struct model_row){0};
    enum status status = db_industry_before(project->db, base_sha256, now, err);
    if (status == ST_OK)
        status = trained_check(project, now->sha256, TRAINED_BACK, err);
    if (status == ST_OK || status == ST_NOT_FOUND) { // the latter: to the base
        char *reason = xasprintf("rounds no longer begin from it; rolled back by %s", who);
        status = db_industry_back(project->db, base_sha256, "rolled back", reason, err);
        free(reason);
    }
    return status;
}

enum status industry_roll_back(struct project *project, const char *who, struct model_row *now, struct error *err)
{
    struct base_info base;
    int64_t person;
    enum status status = db_person_ensure(project->db, who, &person, err);
    if (status == ST_OK)
        status = db_lead_only(project->db, person, _("rolling back"), err);
    if (status == ST_OK)
        status = project_base_kept(project, &base, err);
    return status == ST_OK ? roll_back(project, base.sha256, who, now, err) : status;
}
