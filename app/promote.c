#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/calibrate.h"
#include "app/industry.h"
#include "app/promote.h"
#include "app/rounds.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "db/label.h"
#include "db/person.h"
#include "db/project.h"
#include "db/revision.h"
#include "db/scene.h"

struct comparison {
    double thresholds[2];
    struct gate_item *items;
    size_t count, capacity;
    char **kinds; // names of classes
    size_t kind_count, kind_capacity;
};

static int kind_of(struct comparison *c, const char *class)
{
    if (!*class)
        return -1;
    for (size_t k = 0; k < c->kind_count; k++)
        if (strcmp(c->kinds[k], class) == 0)
            return (int)k;
    GROW(c->kinds, c->kind_capacity, c->kind_count + 1);
    c->kinds[c->kind_count++] = xstrdup(class);
    return (int)c->kind_count - 1;
}

// What nobody answered in a validation group is believed normal, as everywhere.
static enum status compare(void *context, const struct compare_row *row)
{
    struct comparison *c = context;
    if (gate_part_of(row->group) != GATE_VALIDATE ||
        (row->known != VERDICT_NONE && row->known != VERDICT_NORMAL && row->known != VERDICT_DEFECT))
        return ST_OK;
    GROW(c->items, c->capacity, c->count + 1);
    c->items[c->count++] = (struct gate_item){
        .group = gate_group(row->group), .defect = row->known == VERDICT_DEFECT, .severity = (int)row->severity,
        .kind = row->known == VERDICT_DEFECT ? kind_of(c, row->class) : -1,
        .flagged = {row->scores[0] >= c->thresholds[0], row->scores[1] >= c->thresholds[1]}};
    return ST_OK;
}

static enum status judge(struct project *project, const struct revision *first, const struct revision *candidate, int64_t seed,
                         struct gate_result *result, struct error *err)
{
    struct comparison c = {.thresholds = {first->threshold, candidate->threshold}};
    enum status status = db_compare(project->db, first->id, candidate->id, compare, &c, err);
    if (status == ST_OK)
        gate_judge(c.items, c.count, (const char *const *)c.kinds, c.kind_count, (uint64_t)seed, result);
    for (size_t k = 0; k < c.kind_count; k++)
        free(c.kinds[k]);
    free(c.kinds);
    free(c.items);
    return status;
}

static const double same = 1e-9;

static bool recalls_alike(const double first[SEVERITIES], const double second[SEVERITIES])
{
    bool alike = true;
    for (int s = 0; s < SEVERITIES; s++)
        alike = alike && fabs(first[s] - second[s]) < same;
    return alike;
}

// Revisions with other budgets or recalls asked for say nothing of each other's models.
static bool comparable(const struct revision *a, const struct revision *b)
{
    double first[SEVERITIES], second[SEVERITIES];
    calibrate_asked(a, first);
    calibrate_asked(b, second);
    return fabs(a->flag_rate - b->flag_rate) < same && recalls_alike(first, second);
}

// After several promotions, each within the bound: not below what the scene was before any of them.
static enum status judge_floor(struct project *project, const struct revision *active, const struct revision *candidate, int64_t seed,
                               struct gate_result *result, struct error *err)
{
    struct revision zero;
    struct gate_result against;
    enum status status = db_revision_untrained(project->db, active->scene, &zero, err);
    if (status == ST_NOT_FOUND || (status == ST_OK && (zero.id == active->id || !comparable(&zero, candidate))))
        return ST_OK;
    if (status == ST_OK)
        status = judge(project, &zero, candidate, seed, &against, err);
    if (status == ST_OK)
        gate_floor(result, &against, zero.number);
    return status;
}

// The model's scene (caller scene_clear), the revision that is active there and the model's own.
static enum status get_revisions(struct project *project, const struct model_row *model, struct scene *scene, struct revision *active,
                                 struct revision *candidate, struct error *err)
{
    *scene = (struct scene){0};
    enum status status = db_scene_get(project->db, model->scene, NULL, scene, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, scene->active_revision, active, err);
    if (status == ST_OK)
        status = db_revision_get(project->db, model->revision, candidate, err);
    return status == ST_OK ? db_revision_kept(candidate, err) : status;
}

enum status promote_judge(struct project *project, const struct model_row *model, struct gate_result *result,
                          struct error *err)
{
    struct scene scene;
    struct revision active, candidate;
    enum status status = get_revisions(project, model, &scene, &active, &candidate, err);
    if (status == ST_OK)
        status = judge(project, &active, &candidate, model->id, result, err);
    if (status == ST_OK)
        status = judge_floor(project, &active, &candidate, model->id, result, err);
    if (status == ST_OK && !comparable(&active, &candidate))
        gate_other_goal(result);
    scene_clear(&scene);
    return status;
}

static char *metrics_of(const struct gate_result *r)
{
    json_t *severities = json_array();
    for (int s = 0; s < GATE_SEVERITIES; s++)
        json_array_append_new(severities,
                              json_pack("{s:s, s:I, s:[I,I], s:I}", "severity", severity_name((enum severity)s), "defects",
                                        (json_int_t)r->defects[s], "missed", (json_int_t)r->missed[0][s],
                                        (json_int_t)r->missed[1][s], "newly_missed", (json_int_t)r->newly[s]));
    json_t *j = json_pack("{s:s, s:I, s:[f,f], s:f, s:o}", "gate", gate_decision_name(r->decision), "normals",
                          (json_int_t)r->normals, "filtered", r->filtered[0], r->filtered[1], "change_bound", r->bound,
                          "severities", severities);
    char *dump = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9)), *text = xstrdup(dump);
    free(dump);
    json_decref(j);
    return text;
}

static enum status decide(struct project *project, const struct model_row *model, bool promote, const char *kind,
                          const char *who, const char *state, const char *reason, const char *metrics, struct error *err)
{
    enum status status = promote ? trained_check(project, model->sha256, TRAINED_PROMOTE, err) : ST_OK;
    if (status == ST_OK)
        status = db_begin(project->db, err);
    if (status != ST_OK)
        return status;
    if (promote)
        status = db_revision_activate(project->db, model->revision, kind, who, reason, err);
    if (status == ST_OK)
        status = db_model_decide(project->db, model->id, state, reason, metrics, err);
    if (status == ST_OK)
        return db_commit(project->db, err);
    db_rollback(project->db);
    return status;
}

enum status promote_by_gate(struct project *project, int64_t id, struct gate_result *result, struct error *err)
{
    static const char *const states[] = {[GATE_PROMOTE] = "promoted", [GATE_REFUSE] = "refused", [GATE_BY_HAND] = "candidate"};
    struct model_row model;
    enum status status = db_model_get(project->db, id, &model, err);
    if (status != ST_OK)
        return status;
    if (model.active) { // promoted before a crash
        *result = (struct gate_result){.decision = GATE_PROMOTE};
        snprintf(result->reason, sizeof result->reason, "%s", model.reason);
        model_clear(&model);
        return ST_OK;
    }
    status = promote_judge(project, &model, result, err);
    if (status == ST_OK) {
        char *metrics = metrics_of(result);
        status = decide(project, &model, result->decision == GATE_PROMOTE, "gate", "", states[result->decision],
                        result->reason, metrics, err);
        free(metrics);
    }
    model_clear(&model);
    return status;
}

// Without the command that the gate names where it leaves it to a person: that was given.
static char *by_hand(const char *who, const struct gate_result *result)
{
    return xasprintf(result->decision == GATE_BY_HAND ? "promoted by %s; the gate had not decided: %.*s" : "promoted by %s; the gate said: %.*s", who,
                     (int)rounds_asked(result->reason), result->reason);
}

static char *goal_text(const struct revision *r)
{
    double recall[SEVERITIES];
    struct strbuf out = {0};
    calibrate_asked(r, recall);
    strbuf_printf(&out, _("%.6g %% of the normals shown"), 100 * r->flag_rate);
    for (int s = 0; s < SEVERITIES; s++)
        if (recall[s] > 0)
            strbuf_printf(&out, _(", %s recall %.6g %%"), _(severity_name((enum severity)s)), 100 * recall[s]);
    return out.data;
}

// The options of `assay screen` that ask for the goal of `r` where `other` is active.
static char *goal_options(const struct revision *r, const struct revision *other)
{
    double recall[SEVERITIES], others[SEVERITIES];
    struct strbuf out = {0};
    bool any = false;
    calibrate_asked(r, recall);
    calibrate_asked(other, others);
    strbuf_puts(&out, "");
    if (fabs(r->flag_rate - other->flag_rate) >= same)
        strbuf_printf(&out, " --flag-rate %.6g", r->flag_rate);
    if (recalls_alike(recall, others))
        return out.data;
    for (int s = 0; s < SEVERITIES; s++)
        if (recall[s] > 0) {
            strbuf_printf(&out, " --severity %s=%.6g", severity_name((enum severity)s), recall[s]);
            any = true;
        }
    strbuf_puts(&out, any ? "" : " --target-recall 0");
    return out.data;
}

char *promote_goal(const struct scene *scene, const struct revision *active, const struct revision *next, bool back)
{
    if (comparable(active, next))
        return NULL;
    char *before = goal_text(active), *now = goal_text(next), *options = goal_options(active, next);
    char *name = text_quoted(scene->name);
    char *said = xasprintf(back ? _("the threshold's goal goes back, too, from %s to %s; `assay screen --scene %s%s` scores again under the one that it leaves")
                                : _("with it the threshold's goal goes from %s to %s; `assay screen --scene %s%s` scores again under the former"),
                           before, now, name, options);
    free(name);
    free(options);
    free(now);
    free(before);
    return said;
}

static enum status goal_change(struct project *project, const struct model_row *model, char **said, struct error *err)
{
    struct scene scene;
    struct revision active, candidate;
    *said = NULL;
    enum status status = get_revisions(project, model, &scene, &active, &candidate, err);
    if (status == ST_OK)
        *said = promote_goal(&scene, &active, &candidate, false);
    scene_clear(&scene);
    return status;
}

enum status promote_by_hand(struct project *project, const struct model_row *model, const char *who, bool lead, char **said,
                            struct error *err)
{
    struct gate_result result;
    *said = NULL;
    int64_t person;
    enum status allowed = db_person_ensure(project->db, who, &person, err);
    if (allowed == ST_OK)
        allowed = db_lead_only(project->db, person, _("promoting a model"), err);
    if (allowed != ST_OK)
        return allowed;
    if (!model->scene)
        return industry_promote(project, model, who, err);
    if (!model->revision)
        return error_set(err, ST_INVALID, "model %.12s did not score its scene's pictures yet; `assay train --from %.12s` begins from it", model->sha256,
                         model->sha256);
    if (model->active)
        return error_set(err, ST_INVALID, "model %.12s is the active one already", model->sha256);
    enum status status = promote_judge(project, model, &result, err);
    if (status != ST_OK)
        return status;
    if (result.newly[GATE_STOP] && !lead)
        return error_set(err, ST_INVALID,
                         "model %.12s newly misses %zu of %zu stop defects: it takes a lead's yes (`assay promote --lead`)",
                         model->sha256, result.newly[GATE_STOP], result.defects[GATE_STOP]);
    status = goal_change(project, model, said, err);
    if (status != ST_OK)
        return status;
    char *metrics = metrics_of(&result), *reason = by_hand(who, &result);
    status = decide(project, model, true, "hand", who, "promoted", reason, metrics, err);
    free(reason);
    free(metrics);
    if (status != ST_OK) {
        free(*said);
        *said = NULL;
    }
    return status;
}
