// `assay models`, `assay promote`, `assay rollback`.
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/industry.h"
#include "app/promote.h"
#include "app/rounds.h"
#include "app/scoring.h"
#include "app/layout.h"
#include "app/stored.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/model.h"
#include "db/revision.h"
#include "db/scene.h"

enum { OPT_SCENE = OPT_OWN, OPT_LEAD, OPT_AS, OPT_INDUSTRY };

struct options {
    const char *scene, *model, *as;
    bool json, lead, takes_model, industry;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_LEAD: o->lead = true; return 0;
    case OPT_INDUSTRY: o->industry = true; return 0;
    case OPT_AS: o->as = arg; return 0;
    case ARGP_KEY_ARG:
        if (!o->takes_model || o->model)
            argp_error(state, _("takes no argument '%s'"), arg);
        o->model = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->industry && o->scene)
            argp_error(state, _("--industry is over all scenes: leave --scene out"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const char *person(const struct project *project, const struct options *o)
{
    const char *given = o->as ? o->as : settings_text(project->settings, SETTING_PERSON);
    struct passwd *account = getpwuid(geteuid());
    return given[0] ? given : account ? account->pw_name : "unknown";
}

static char *scene_name(struct project *project, int64_t id)
{
    struct scene scene;
    struct error unused;
    if (!id || db_scene_get(project->db, id, NULL, &scene, &unused) != ST_OK)
        return xstrdup(id ? "?" : "(all)");
    char *name = text_cleaned(scene.name);
    scene_clear(&scene);
    return name;
}

// ---- models ----

static json_t *parsed(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    return j ? j : json_object();
}

static json_t *model_json(struct project *project, const struct model_row *m)
{
    char *scene = scene_name(project, m->scene), *told = rounds_reason(m);
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:I, s:b, s:I, s:I, s:o, s:o, s:o}", "sha256", m->sha256, "level",
                          m->scene ? "L2" : "L1", "scene", scene, "base", m->base_sha256, "parent", m->parent, "state", model_standing(m),
                          "active", m->active, "reason", json_outside(told), "revision", (json_int_t)m->revision, "pruned", m->pruned, "created_ms",
                          (json_int_t)m->created_ms, "decided_ms", (json_int_t)m->decided_ms, "parameters", parsed(m->notes),
                          "data", parsed(m->data), "comparison", parsed(m->metrics));
    free(told);
    free(scene);
    return j;
}

static void print_model(struct project *project, const struct model_row *m)
{
    json_t *data = parsed(m->data);
    char when[CLOCK_TEXT], *scene = scene_name(project, m->scene);
    clock_text(m->created_ms, when);
    printf("%.12s %s %-*s %.16s  %s%s\n", m->sha256, m->scene ? "L2" : "L1", CELL(scene, 12), when, _(model_standing(m)),
           m->pruned ? _(", scores pruned") : !m->active ? "" : m->scene ? _(", active") : _(", rounds begin from it"));
    const char *base_word = m->parent[0] ? "" : _("base "), *from = m->parent[0] ? m->parent : m->base_sha256;
    char *share = trained_share(m);
    json_t *labels = json_object_get(data, "labels");
    long long answers = json_integer_value(labels);
    if (labels)
        printf(answers == 1 ? _("    from %s%.12s; %lld answer, %lld of them a defect; %s\n")
                            : _("    from %s%.12s; %lld answers, %lld of them defects; %s\n"),
               base_word, from, answers, (long long)json_integer_value(json_object_get(data, "defects")), share);
    else // of another project
        printf(_("    from %s%.12s; %s\n"), base_word, from, share);
    free(share);
    char *told = rounds_reason(m), *reason = stored_text(told);
    if (reason[0])
        put_wrapped(stdout, 4, reason);
    free(reason);
    free(told);
    free(scene);
    json_decref(data);
}

static enum status models(struct project *project, const struct options *o, struct error *err)
{
    struct model_row *rows;
    size_t count;
    enum status status = db_model_list(project->db, &rows, &count, err);
    if (status != ST_OK)
        return status;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (o->json)
            json_array_append_new(list, model_json(project, &rows[i]));
        else
            print_model(project, &rows[i]);
    if (o->json)
        print_json(json_pack("{s:O}", "models", list));
    else if (count == 0)
        puts(_("nothing was trained yet; `assay train` learns from the answers"));
    json_decref(list);
    model_free(rows, count);
    return ST_OK;
}

// ---- promote ----

// The model that was named, else the newest candidate of the scene.
static enum status find(struct project *project, const struct options *o, struct model_row *model, struct error *err)
{
    struct model_row *rows;
    struct scene scene = {0};
    const struct model_row *row = NULL;
    size_t count, fits = 0;
    if (o->model && strlen(o->model) < MODEL_DIGITS)
        return error_set(err, ST_INVALID, "\"%s\" is too short for a model; give its first %d digits or more, as `assay models` shows them", o->model, MODEL_DIGITS);
    enum status status = o->scene || !o->model ? project_scene(project, o->scene, &scene, err) : ST_OK;
    if (status == ST_OK)
        status = db_model_list(project->db, &rows, &count, err);
    if (status == ST_OK) {
        if (o->model)
            fits = trained_named(rows, count, o->model, scene.id, &row);
        else
            for (size_t i = 0; i < count; i++)
                if (rows[i].revision && strcmp(rows[i].state, "candidate") == 0 && (!scene.id || rows[i].scene == scene.id))
                    row = &rows[i];
        int64_t found = row ? row->id : 0;
        model_free(rows, count);
        if (fits > 1)
            status = error_set(err, ST_INVALID, "more than one model begins with %s; give more digits", o->model);
        else if (found)
            status = db_model_get(project->db, found, model, err);
        else if (o->model)
            status = error_set(err, ST_NOT_FOUND, "no model begins with %s; `assay models` shows them", o->model);
        else
            status = error_set(err, ST_NOT_FOUND, "scene %s: no model waits for a decision; `assay models` shows them", scene.name);
    }
    scene_clear(&scene);
    return status;
}

// The revision that became active scores what came under another one, and its queue is put into its order, as after a
// screening.
static enum status take_over(struct project *project, int64_t id, struct error *err)
{
    struct scene scene = {0};
    struct scoring_report report = {0};
    struct error later;
    enum status status = db_scene_get(project->db, id, NULL, &scene, err);
    enum status ready = status == ST_OK ? scoring_ready(project, &scene, false, &later) : ST_OK; // the trained model was checked to become active
    if (ready != ST_OK) // it is active all the same
        fprintf(stderr, _("assay: new pictures are not screened: %s\n"), later.text);
    else if (status == ST_OK && scoring_pending(project, &scene, LIVE_KNOWN, 0, &report, &later) != ST_OK)
        fprintf(stderr, _("assay: what came under another revision is not scored yet (%s); `assay worker` does it\n"), later.text);
    if (report.scored > 0)
        fprintf(stderr, report.scored == 1 ? _("%lld picture that came under another revision is scored, too; %lld flagged\n")
                                           : _("%lld pictures that came under another revision are scored, too; %lld flagged\n"),
                (long long)report.scored, (long long)report.flagged);
    if (status == ST_OK)
        status = ask_scene(project, id, err);
    scene_clear(&scene);
    return status;
}

static enum status promote(struct project *project, const struct options *o, struct error *err)
{
    struct model_row model;
    char *goal = NULL;
    enum status status = find(project, o, &model, err);
    if (status != ST_OK)
        return status;
    status = promote_by_hand(project, &model, person(project, o), o->lead, &goal, err);
    if (status == ST_OK && model.scene)
        status = take_over(project, model.scene, err);
    int64_t id = model.id;
    model_clear(&model);
    if (status == ST_OK)
        status = db_model_get(project->db, id, &model, err);
    if (status == ST_OK && o->json) {
        json_t *j = model_json(project, &model);
        if (goal)
            json_object_set_new(j, "goal", json_string(goal));
        print_json(j);
    } else if (status == ST_OK) {
        char *reason = stored_text(model.reason);
        printf(model.scene ? _("%.12s is active: %s\n") : _("%.12s is the industry model: %s\n"), model.sha256, reason);
        if (goal)
            printf("%s\n", goal);
        free(reason);
    }
    free(goal);
    if (status != ST_OK)
        return status;
    model_clear(&model);
    return ST_OK;
}

// ---- rollback ----

static enum status roll_back(struct project *project, const struct scene *scene, const struct options *o, struct error *err)
{
    struct revision revision;
    char *goal;
    enum status status = rounds_roll_back(project, scene, person(project, o), &revision, &goal, err);
    if (status == ST_OK)
        status = take_over(project, scene->id, err);
    if (status != ST_OK) {
        free(goal);
        return error_prefix(err, "scene %s", scene->name);
    }
    if (o->json) {
        json_t *j = json_pack("{s:o, s:i, s:s}", "scene", json_outside(scene->name), "revision", revision.number, "learned",
                              revision.learned_sha256);
        if (goal)
            json_object_set_new(j, "goal", json_string(goal));
        print_json(j);
        free(goal);
        return ST_OK;
    }
    char *name = text_cleaned(scene->name);
    printf(_("%s: revision %d is active again (%s%.12s)\n"), name, revision.number,
           revision.learned_sha256[0] ? _("model ") : _("without a trained model"), revision.learned_sha256);
    if (goal)
        printf("%s\n", goal);
    free(goal);
    free(name);
    return ST_OK;
}

static enum status roll_back_industry(struct project *project, const struct options *o, struct error *err)
{
    struct model_row now;
    enum status status = industry_roll_back(project, person(project, o), &now, err);
    if (status != ST_OK)
        return status;
    if (o->json)
        print_json(json_pack("{s:s}", "industry", now.sha256));
    else if (now.id)
        printf(_("rounds begin from industry model %.12s again\n"), now.sha256);
    else
        puts(_("rounds begin from the base again: there is no earlier industry model"));
    model_clear(&now);
    return ST_OK;
}

static enum status rollback(struct project *project, const struct options *o, struct error *err)
{
    struct scene scene;
    if (o->industry)
        return roll_back_industry(project, o, err);
    enum status status = project_scene(project, o->scene, &scene, err);
    if (status != ST_OK)
        return status;
    status = roll_back(project, &scene, o, err);
    scene_clear(&scene);
    return status;
}

// ---- all ----

static int run(const struct argp *argp, struct options *o, int argc, char **argv,
               enum status (*body)(struct project *project, const struct options *o, struct error *err))
{
    struct project project;
    struct error err;
    argp_parse(argp, argc, argv, 0, NULL, o);
    enum status status = project_open(NULL, &project, &err);
    if (status != ST_OK)
        return fail(&err);
    status = body(&project, o, &err);
    project_close(&project);
    return status == ST_OK ? EXIT_OK : fail(&err);
}

int cmd_models(int argc, char **argv)
{
    static const struct argp_option table[] = {OPTION_JSON, {0}};
    static const struct argp argp = {table, parse, NULL, N_("List what was trained: from what, on what, how it compared, and why "
                                                       "it is or is not active."), NULL, NULL, NULL};
    return run(&argp, &(struct options){0}, argc, argv, models);
}

int cmd_promote(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("of this scene (needed where there are several and no model is named)"), 0},
        {"lead", OPT_LEAD, NULL, 0, N_("yes to stop defects that are newly missed, as a lead"), 0},
        {"as", OPT_AS, "PERSON", 0, N_("who decides (default: the account)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[MODEL]", N_("Make a scored model the active one of its scene, at once: the one "
                                                             "that begins with these digits, or the newest candidate. An industry "
                                                             "model: rounds of all scenes begin from it."), NULL, NULL, NULL};
    return run(&argp, &(struct options){.takes_model = true}, argc, argv, promote);
}

int cmd_rollback(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("the scene (needed where there are several)"), 0},
        {"industry", OPT_INDUSTRY, NULL, 0, N_("rounds begin from the industry model before, or else from the base; scenes keep their models"), 0},
        {"as", OPT_AS, "PERSON", 0, N_("who decides (default: the account)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL, N_("Go back to the revision that was active before, at once; its scores were "
                                                       "kept. Again: one further back."), NULL, NULL, NULL};
    return run(&argp, &(struct options){0}, argc, argv, rollback);
}
