#include "config.h"

#include <stdlib.h>

#include "app/audit.h"
#include "base/alloc.h"
#include "base/text.h"
#include "db/audit.h"
#include "db/scene.h"

enum { OPT_SCENE = OPT_OWN, OPT_BOUND, OPT_CONFIDENCE, OPT_DRAWS, OPT_FIXED, OPT_SEED, OPT_STATUS, OPT_STOP };

struct options {
    bool json, status, stop;
    const char *scene;
    struct auditing_options audit;
};

static double share(struct argp_state *state, const char *text, const char *what, double low, double high)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value > low && value < high))
        argp_error(state, _("%s must lie between %g and %g, not be '%s'"), what, low, high, text);
    return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_BOUND: o->audit.bound = share(state, arg, "--bound", 0, 1); return 0;
    case OPT_CONFIDENCE: o->audit.confidence = share(state, arg, "--confidence", 0.5, 1); return 0;
    case OPT_DRAWS: o->audit.draws = option_number(state, arg, "--draws", 1, 100000000); return 0;
    case OPT_FIXED: o->audit.fixed = true; return 0;
    case OPT_SEED:
        o->audit.seed = (uint64_t)option_number(state, arg, "--seed", 0, INT64_MAX);
        o->audit.seeded = true;
        return 0;
    case OPT_STATUS: o->status = true; return 0;
    case OPT_STOP: o->stop = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    case ARGP_KEY_END:
        if (o->status + o->stop > 1 || ((o->status || o->stop) && (o->audit.bound > 0 || o->audit.confidence > 0 || o->audit.draws > 0 || o->audit.fixed)))
            argp_error(state, _("--status and --stop go with --scene and --json only"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool runs(const struct auditing *a)
{
    return a->state == AUDITING_RUNNING || a->state == AUDITING_ANSWERED;
}

// *told: with something about it.
static enum status one_scene(struct project *project, const struct scene *scene, const struct options *o, json_t *list,
                             bool *told, struct error *err)
{
    struct auditing a;
    int64_t drawn = 0;
    enum status status = ST_OK;
    if (o->stop)
        status = auditing_load(project, scene, &a, err);
    if (status == ST_OK && o->stop && !runs(&a))
        return o->scene ? error_set(err, ST_NOT_FOUND, "scene %s: no audit runs", scene->name) : ST_OK;
    if (status == ST_OK && o->stop)
        status = db_audit_stop(project->db, a.row.id, err);
    if (status == ST_OK && !o->stop && !o->status)
        status = auditing_start(project, scene, &o->audit, &drawn, err);
    if (status == ST_OK)
        status = auditing_load(project, scene, &a, err);
    if (status != ST_OK)
        return status;
    *told = true;
    if (o->json) {
        json_t *entry = auditing_json(scene, &a);
        json_object_set_new(entry, "drawn_now", json_integer(drawn));
        json_array_append_new(list, entry);
        return ST_OK;
    }
    if (drawn > 0) {
        char *name = text_cleaned(scene->name);
        printf(drawn == 1 ? _("%s: %lld picture drawn; `assay review` asks about it among the others\n")
                          : _("%s: %lld pictures drawn; `assay review` asks about them among the others\n"),
               name, (long long)drawn);
        free(name);
    }
    auditing_text(scene, &a, stdout);
    return ST_OK;
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    struct scene *scenes = NULL;
    size_t count = 0, done = 0;
    bool told = false;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    json_t *list = json_array();
    status = db_scene_list(project.db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        bool wanted = o->scene ? strcmp(o->scene, scenes[i].name) == 0 : scenes[i].active_revision != 0;
        if (status == ST_OK && wanted) {
            done++;
            status = one_scene(&project, &scenes[i], o, list, &told, err);
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    if (status == ST_OK && done == 0)
        status = o->scene ? error_set(err, ST_NOT_FOUND, "there is no scene '%s'", o->scene)
                          : error_set(err, ST_INVALID, "nothing was screened yet, so that nothing is filtered; run `assay screen` first");
    if (status == ST_OK && !told)
        status = error_set(err, ST_NOT_FOUND, "no audit runs in any scene");
    if (status == ST_OK && o->json)
        print_json(json_pack("{s:O}", "audits", list));
    json_decref(list);
    project_close(&project);
    return status;
}

int cmd_audit(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only (default: every screened one)"), 0},
        {"bound", OPT_BOUND, "SHARE", 0, N_("missed defects among the filtered pictures to be shown to be at most this share (default 0.001)"), 0},
        {"confidence", OPT_CONFIDENCE, "SHARE", 0, N_("how sure that is to be (default 0.95)"), 0},
        {"draws", OPT_DRAWS, "N", 0, N_("draw N pictures, or N more (default: as many as the bound needs, at most half of the filtered ones)"), 0},
        {"fixed", OPT_FIXED, NULL, 0, N_("a plan fixed beforehand: all draws uniform, looked at once all are answered"), 0},
        {"seed", OPT_SEED, "N", 0, N_("draw the same again, for tests (default: a seed that nobody chose)"), 0},
        {"status", OPT_STATUS, NULL, 0, N_("show how it stands, draw nothing"), 0},
        {"stop", OPT_STOP, NULL, 0, N_("end it; its answers count on"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {
        table, parse, NULL,
        N_("Bound what the filter lets through: draw filtered pictures at random, which `assay review` mixes unmarked among the flagged ones, "
        "with known defects slipped in, and reckon from the answers how many defects are missed at most. While an audit runs, the review "
        "shows no score, reason or heatmap before an answer. A new revision voids the bound and uses the draws again.\v"
        "Half of the draws or more are uniform; the rest favour scores near the threshold. What an audit drew is never learnt from."), NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
