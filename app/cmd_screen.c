#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/calibrate.h"
#include "app/layout.h"
#include "app/stored.h"
#include "app/template.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"
#include "db/label.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/scene.h"

enum { OPT_SCENE = OPT_OWN, OPT_RATE, OPT_FILTER, OPT_RECALL, OPT_SEVERITY, OPT_REFIT };

static const double FLAG_RATE = 0.004; // where none was chosen yet

struct options {
    const char *scene;
    struct screening_options run;
    bool recall_said; // --target-recall or --severity
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = o->run.quiet = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_REFIT: o->run.refit = true; return 0;
    case OPT_RATE: o->run.flag_rate = option_real(state, arg, "--flag-rate", 1e-6, 0.5); return 0;
    case OPT_FILTER: o->run.flag_rate = 1 - option_real(state, arg, "--filter-rate", 0.5, 1 - 1e-6); return 0;
    case OPT_RECALL:
        o->recall_said = true;
        o->run.target_recall = strcmp(arg, "0") == 0 ? 0 : option_real(state, arg, "--target-recall", RECALL_LEAST, RECALL_MOST);
        return 0;
    case OPT_SEVERITY:
        o->recall_said = true;
        if (!calibrate_option(arg, o->run.recall))
            argp_error(state, _("--severity is stop, key or general, =, and a recall from %g to %g, not '%s'"), RECALL_LEAST,
                       RECALL_MOST, arg);
        return 0;
    case 'j': o->run.threads = (int)option_number(state, arg, "--threads", 1, 1024); return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// Frees it.
static void put_line(char *line)
{
    put_wrapped(stdout, 2, line);
    free(line);
}

static void print_scene(const struct scene *scene, const struct screening_report *r, bool json)
{
    double rate = r->screened ? 1 - (double)r->flagged / (double)r->screened : 0;
    if (json) {
        print_json(json_pack("{s:o, s:i, s:I, s:I, s:I, s:f, s:I, s:f, s:f, s:i, s:I, s:I, s:f, s:O, s:O, s:O, s:s?, s:s?}",
                             "scene", json_outside(scene->name), "revision", r->revision, "screened",
                             (json_int_t)r->screened, "flagged", (json_int_t)r->flagged, "poor",
                             (json_int_t)r->poor, "filter_rate", rate, "believed_normal",
                             (json_int_t)r->believed, "threshold", r->threshold, "shrinkage", r->shrinkage, "looks",
                             r->looks, "extracted", (json_int_t)r->extracted, "failed", (json_int_t)r->failed,
                             "seconds", r->seconds, "bad", r->bad, "rule", r->rule, "alone", r->alone,
                             "without_learned", r->without_learned, "without_drawn", r->without_drawn));
        return;
    }
    size_t i;
    json_t *bad;
    json_array_foreach(r->bad, i, bad)
        printf(_("not screened: %s: %s\n"), json_string_value(json_object_get(bad, "path")),
               json_string_value(json_object_get(bad, "reason")));
    char *clean = text_cleaned(scene->name);
    if (r->poor > 0)
        printf(_("%s: %lld poor picture%s set aside; `assay review --poor` shows them\n"), clean, (long long)r->poor,
               r->poor == 1 ? "" : "s");
    printf(r->screened == 1 ? _("%s: revision %d, %lld picture, %lld flagged, %.2f %% filtered (%.1f s)\n")
                            : _("%s: revision %d, %lld pictures, %lld flagged, %.2f %% filtered (%.1f s)\n"),
           clean, r->revision,
           (long long)r->screened, (long long)r->flagged, 100 * rate, r->seconds);
    free(clean);
    const char *name;
    json_object_foreach(r->alone, name, bad)
        printf(_("  %lld flagged by %s alone\n"), (long long)json_integer_value(bad), _(name));
    if (r->looks > 1)
        put_line(xasprintf(_("its normal pictures have %d looks; where these are different cameras or things, a scene for each "
                             "(`assay add --scene` in a new project) filters better"),
                           r->looks));
    if (r->without_learned)
        put_line(xasprintf(_("without the learned detector: %s"), _(r->without_learned)));
    if (r->without_drawn)
        put_line(xasprintf(_("without the detector that drawn defects teach: %s"), _(r->without_drawn)));
    put_line(stored_text(json_string_value(json_object_get(r->rule, "reason"))));
}

// The rate that was chosen for the scene stays until another one is.
static enum status take_rate(const struct project *project, const struct scene *scene, double *rate, struct error *err)
{
    struct revision active = {.flag_rate = FLAG_RATE};
    enum status status =
        *rate > 0 || !scene->active_revision ? ST_OK : db_revision_get(project->db, scene->active_revision, &active, err);
    if (status == ST_OK && !(*rate > 0))
        *rate = active.flag_rate;
    return status;
}

static enum status run(struct options *o, struct error *err)
{
    struct project project;
    struct base *base = NULL;
    struct scene *scenes = NULL;
    size_t count = 0, screened = 0;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    o->run.threads = project_threads(&project, o->run.threads);
    status = project_base(&project, &base, err);
    if (status == ST_OK)
        status = db_scene_list(project.db, &scenes, &count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        struct scene_counts counts;
        if (o->scene && strcmp(o->scene, scenes[i].name) != 0)
            continue;
        screened++;
        status = db_counts(project.db, scenes[i].id, &counts, err);
        if (status == ST_OK && counts.pictures == counts.unreadable)
            status = error_set(err, ST_INVALID, "scene %s has no readable picture; `assay add` some first",
                               scenes[i].name);
        struct screening_report report = {.bad = json_array()};
        struct screening_options options = o->run;
        if (status == ST_OK && !o->recall_said) // what was asked for stays, as the rate does
            status = template_recall(&project, scenes[i].id, &options.target_recall, options.recall, err);
        if (status == ST_OK)
            status = take_rate(&project, &scenes[i], &options.flag_rate, err);
        if (status == ST_OK)
            status = screening_run(&project, base, &scenes[i], &options, &report, err);
        if (status == ST_OK && o->recall_said)
            status = template_ask_recall(&project, scenes[i].id, options.target_recall, options.recall, err);
        if (status == ST_OK)
            print_scene(&scenes[i], &report, o->json);
        screening_report_clear(&report);
    }
    if (status == ST_OK && screened == 0)
        status = o->scene ? error_set(err, ST_NOT_FOUND, "there is no scene '%s'", o->scene)
                          : error_set(err, ST_INVALID, "the project has no pictures; `assay add` some first");
    for (size_t i = 0; i < count; i++)
        scene_clear(&scenes[i]);
    free(scenes);
    base_free(base);
    project_close(&project);
    return status;
}

int cmd_screen(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"target-recall", OPT_RECALL, "R", 0,
         N_("share of the defects that must be flagged, of each severity, with a confidence of 0.95; shown on defects found "
         "independently of the score. Where these are too few, the filter rate is kept and the output says so. Stays until another is given; 0: none"), 0},
        {"severity", OPT_SEVERITY, "NAME=R", 0, N_("the same for one severity: stop, key or general; may be repeated"), 0},
        {"filter-rate", OPT_FILTER, "R", 0, N_("share of the normal pictures to filter (default: as in the scene's last screening, at first 0.996)"), 0},
        {"flag-rate", OPT_RATE, "R", 0, N_("the same said the other way round: the share that may be flagged"), 0},
        {"refit", OPT_REFIT, NULL, 0, N_("learn the patch statistics anew and compute every picture again"), 0},
        {"threads", 'j', "N", 0, N_("pictures worked on at once (default: all cores)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL, N_("Score every picture and flag the rare ones."), NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
