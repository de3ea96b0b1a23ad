#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "app/ask.h"
#include "app/audit.h"
#include "app/calibrate.h"
#include "app/layout.h"
#include "app/rounds.h"
#include "app/scoring.h"
#include "app/screening.h"
#include "app/watch.h"
#include "app/worker.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "db/acquire.h"
#include "db/model.h"
#include "db/quality.h"
#include "db/queue.h"
#include "db/report.h"
#include "db/revision.h"
#include "db/round.h"
#include "db/scene.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;
    switch (key) {
    case OPT_JSON: *json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static json_t *counts_json(const struct scene_counts *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pictures", (json_int_t)c->pictures,
                     "unreadable", (json_int_t)c->unreadable, "screened", (json_int_t)c->screened, "flagged",
                     (json_int_t)c->flagged, "open", (json_int_t)c->open, "answered", (json_int_t)c->answered,
                     "normals", (json_int_t)c->normals, "defects", (json_int_t)c->defects, "unsure",
                     (json_int_t)c->unsure, "known_answers", (json_int_t)c->truths, "poor",
                     (json_int_t)c->poor, "poor_open", (json_int_t)c->poor_open);
}

static void print_counts(const char *name, const struct scene_counts *c)
{
    double filtered = c->screened ? 100.0 * (double)(c->screened - c->flagged) / (double)c->screened : 0;
    char *clean = text_cleaned(name);
    printf("%-*s %9lld %9lld %9lld %8.2f%% %9lld %9lld %9lld\n", CELL(clean, 12), (long long)c->pictures,
           (long long)c->screened, (long long)c->flagged, filtered, (long long)c->open, (long long)c->answered,
           (long long)c->defects);
    free(clean);
}

// Where the threshold of the scene's active revision came from; NULL when there is none yet.
static enum status rule_of(struct project *project, const struct scene *scene, json_t **rule, struct error *err)
{
    struct revision revision;
    *rule = NULL;
    enum status status = scene->active_revision ? db_revision_get(project->db, scene->active_revision, &revision, err) : ST_OK;
    if (status == ST_OK && scene->active_revision) {
        *rule = calibrate_json(&revision);
        json_object_set_new(*rule, "revision", json_integer(revision.number));
        json_t *alone;
        status = screening_alone_json(project, revision.id, &alone, err);
        if (status == ST_OK)
            json_object_set_new(*rule, "alone", alone);
    }
    return status;
}

static void print_rule(const char *scene, const json_t *rule)
{
    const char *reason = json_string_value(json_object_get(rule, "reason"));
    if (!reason || !reason[0])
        return;
    char *said = stored_text(reason);
    char *line = xasprintf(_("%s, revision %lld: %s"), scene, (long long)json_integer_value(json_object_get(rule, "revision")), said);
    put_wrapped(stdout, 0, line);
    free(line);
    free(said);
}

static void add_kind(void *context, const char *kind, int64_t count, int64_t open)
{
    (void)open;
    json_object_set_new(context, kind, json_integer((json_int_t)count));
}

// Poor pictures by kind and what drifts: into `entry`, and for people in a line each.
static enum status add_live(struct project *project, const struct scene *scene, const struct scene_counts *counts,
                            json_t *entry, json_t *lines, struct error *err)
{
    char drift[DRIFT_TEXT];
    json_t *kinds = json_object();
    enum status status = db_poor_tally(project->db, scene->id, add_kind, kinds, err);
    if (status == ST_OK)
        status = drift_sentence(project, scene, false, drift, err);
    if (status != ST_OK) {
        json_decref(kinds);
        return status;
    }
    if (counts->poor > 0) {
        struct strbuf text = {0};
        const char *kind;
        json_t *count;
        strbuf_printf(&text, _("%s: %lld poor picture%s set aside ("), scene->name, (long long)counts->poor,
                      counts->poor == 1 ? "" : "s");
        bool first = true;
        json_object_foreach(kinds, kind, count) {
            strbuf_printf(&text, "%s%lld %s", first ? "" : _(", "),
                          (long long)json_integer_value(count), _(kind));
            first = false;
        }
        strbuf_printf(&text, _("), %lld to look at: `assay review --poor`"), (long long)counts->poor_open);
        json_array_append_new(lines, json_string(text.data));
        strbuf_clear(&text);
    }
    if (drift[0]) {
        char *text = xasprintf("%s %s", scene->name, drift);
        json_array_append_new(lines, json_string(text));
        free(text);
    }
    json_object_set_new(entry, "poor_kinds", kinds);
    json_object_set_new(entry, "drift", json_string(drift));
    return ST_OK;
}

// How its audit stands, once there was one.
static enum status add_audit(struct project *project, const struct scene *scene, json_t *entry, json_t *lines, struct error *err)
{
    struct auditing a;
    enum status status = auditing_load(project, scene, &a, err);
    if (status != ST_OK || a.state == AUDITING_NONE)
        return status;
    char *line = auditing_line(scene, &a);
    json_array_append_new(lines, json_string(line));
    json_object_set_new(entry, "audit", auditing_json(scene, &a));
    free(line);
    return ST_OK;
}

// Why new pictures of the scene are not screened: a file of its models is missing or altered, or they are for another base or settings.
static enum status add_fault(struct project *project, const struct scene *scene, json_t *entry, json_t *lines, struct error *err)
{
    struct error why;
    enum status status = scoring_ready(project, scene, true, &why);
    if (status != ST_OK && status != ST_NOT_FOUND && status != ST_CORRUPT && status != ST_INVALID) {
        *err = why;
        return status;
    }
    if (status != ST_OK)
        json_array_append_new(lines, json_sprintf(_("%s: new pictures are not screened: %s"), scene->name, why.text));
    json_object_set_new(entry, "fault", status == ST_OK ? json_null() : json_string(why.text));
    return ST_OK;
}

// What the next answers are expected to bring, and which answers are doubted.
static enum status add_ask(struct project *project, const struct scene *scene, json_t *entry, json_t *lines,
                           struct error *err)
{
    char text[ASK_TEXT];
    struct acquire_gain gain;
    struct doubt_row *doubts;
    size_t count = 0;
    bool known;
    enum status status = ask_gain(project, scene->id, &gain, &known, err);
    if (status == ST_OK)
        status = ask_gain_text(project, scene->id, text, err);
    if (status == ST_OK)
        status = db_doubt_list(project->db, scene->id, &doubts, &count, err);
    if (status != ST_OK)
        return status;
    free(doubts);
    if (text[0])
        json_array_append_new(lines, json_sprintf(_("%s: %s"), scene->name, text));
    if (known && gain.new_kind > 0.5)
        json_array_append_new(lines, json_sprintf(_("%s: most of the defects to come will be of a class not seen yet"), scene->name));
    else if (known && gain.new_kind > 0)
        json_array_append_new(lines, json_sprintf(_("%s: about one in %.0f of the defects to come will be of a class not seen yet"), scene->name,
                                                  1 / gain.new_kind));
    if (count > 0)
        json_array_append_new(lines, json_sprintf(_("%s: %zu answer%s contradicted by score and neighbours: `assay review --second-look`"),
                                                  scene->name, count, count == 1 ? "" : "s"));
    json_object_set_new(entry, "second_look", json_integer((json_int_t)count));
    json_object_set_new(entry, "next_answers",
                        known ? json_pack("{s:I, s:f, s:I, s:o}", "answers", (json_int_t)gain.next, "expected_defects",
                                          gain.expected, "at_most_95", (json_int_t)gain.most, "new_class",
                                          isnan(gain.new_kind) ? json_null() : json_real(gain.new_kind))
                              : json_null());
    return ST_OK;
}

// A model that the gate left to a person.
static void add_candidate(const struct scene *scene, const struct model_row *models, size_t count, json_t *entry, json_t *lines)
{
    const struct model_row *waits = rounds_candidate(models, count, scene->id);
    if (waits) {
        char *name = text_quoted(scene->name);
        json_array_append_new(lines, json_sprintf(_("%s: model %.12s waits for a decision: `assay models` says why, `assay promote --scene %s` makes it active"),
                                                  scene->name, waits->sha256, name));
        free(name);
    }
    json_object_set_new(entry, "candidate", waits ? json_string(waits->sha256) : json_null());
}

// The latest round of training.
static enum status add_round(struct project *project, json_t **training, json_t *lines, struct error *err)
{
    struct round round;
    char text[WORKER_TEXT];
    *training = NULL;
    enum status status = db_round_latest(project->db, -1, ROUND_RUNNING, &round, err);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    bool alive = worker_lives(project);
    worker_text(project->db, &round, alive, text);
    json_array_append_new(lines, json_string(text));
    *training = worker_json(project->db, &round, alive);
    round_clear(&round);
    return ST_OK;
}

static void add_folder(void *context, const char *folder)
{
    char *clean = text_cleaned(folder);
    json_array_append_new(context, json_string(clean));
    free(clean);
}

static void print_lines(const json_t *lines, const char *before)
{
    size_t i;
    json_t *text;
    json_array_foreach(lines, i, text) {
        char *clean = text_cleaned(json_string_value(text));
        printf("%s%s\n", before, clean);
        free(clean);
    }
}

static enum status run(bool json, struct error *err)
{
    struct project project;
    struct base *base = NULL;
    struct scene *scenes = NULL;
    struct model_row *models = NULL;
    struct scene_counts counts;
    size_t count = 0, model_count = 0;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    status = project_base(&project, &base, err);
    if (status == ST_OK)
        status = db_scene_list(project.db, &scenes, &count, err);
    if (status == ST_OK)
        status = db_model_list(project.db, &models, &model_count, err);
    json_t *list = json_array(), *lines = json_array(), *watched = json_array();
    watch_lock_list(&project, add_folder, watched);
    if (status == ST_OK && !json) {
        printf(_("%s, base %s\n"), project.dir, base_info(base)->name);
        printf("%-*s %*s %*s %*s %*s %*s %*s %*s\n", CELL(_("scene"), 12), CELL(_("pictures"), 9), CELL(_("screened"), 9),
               CELL(_("flagged"), 9), CELL(_("filtered"), 9), CELL(_("open"), 9), CELL(_("answered"), 9), CELL(_("defects"), 9));
    }
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        status = db_counts_said(project.db, scenes[i].id, &counts, err);
        if (status != ST_OK)
            break;
        json_t *entry = counts_json(&counts);
        json_t *rule = NULL;
        status = rule_of(&project, &scenes[i], &rule, err);
        json_object_set_new(entry, "scene", json_outside(scenes[i].name));
        json_object_set_new(entry, "threshold", rule ? rule : json_null());
        json_array_append_new(list, entry);
        if (status == ST_OK)
            status = add_fault(&project, &scenes[i], entry, lines, err);
        if (status == ST_OK)
            status = add_live(&project, &scenes[i], &counts, entry, lines, err);
        if (status == ST_OK)
            status = add_audit(&project, &scenes[i], entry, lines, err);
        if (status == ST_OK)
            status = add_ask(&project, &scenes[i], entry, lines, err);
        if (status != ST_OK)
            break;
        add_candidate(&scenes[i], models, model_count, entry, lines);
        if (!json)
            print_counts(scenes[i].name, &counts);
    }
    json_t *training = NULL;
    if (status == ST_OK)
        status = add_round(&project, &training, lines, err);
    if (status == ST_OK)
        status = db_counts_said(project.db, 0, &counts, err);
    if (status == ST_OK && json)
        print_json(json_pack("{s:o, s:s, s:o, s:O, s:O, s:O?}", "project", json_outside(project.dir), "base", base_info(base)->name, "total",
                             counts_json(&counts), "scenes", list, "watched", watched, "training", training));
    else if (status == ST_OK && count != 1)
        print_counts(_("total"), &counts);
    size_t nth;
    json_t *entry;
    if (status == ST_OK && !json)
        json_array_foreach(list, nth, entry)
            print_rule(scenes[nth].name, json_object_get(entry, "threshold"));
    if (status == ST_OK && !json) {
        print_lines(lines, "");
        print_lines(watched, _("watching "));
    }
    json_decref(list);
    json_decref(lines);
    json_decref(watched);
    json_decref(training);
    for (size_t i = 0; i < count; i++)
        scene_clear(&scenes[i]);
    free(scenes);
    model_free(models, model_count);
    if (base)
        base_free(base);
    project_close(&project);
    return status;
}

int cmd_status(int argc, char **argv)
{
    static const struct argp_option table[] = {OPTION_JSON, {0}};
    static const struct argp argp = {table, parse, NULL, N_("Show what stands where."), NULL, NULL, NULL};
    bool json = false;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &json);
    return run(json, &err) == ST_OK ? EXIT_OK : fail(&err);
}
