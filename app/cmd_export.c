#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/coco.h"
#include "app/likely.h"
#include "app/project.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/csv.h"
#include "db/export.h"
#include "db/label.h"
#include "db/revision.h"
#include "db/scene.h"

enum { OPT_FORMAT = OPT_OWN, OPT_SCENE, OPT_ALL };

struct options {
    bool jsonl, answered, coco;
    const char *scene;
};

struct trained { // what a scene's trained model says
    struct scene scene;
    struct revision active;
    struct likely *likely;
};

struct writing {
    const struct options *options;
    struct project *project;
    struct trained *trained; // (count) of every scene
    size_t count;
};

static enum status open_trained(struct writing *w, struct error *err)
{
    struct scene *scenes = NULL;
    enum status status = db_scene_list(w->project->db, &scenes, &w->count, err);
    w->trained = xcalloc(w->count + 1, sizeof *w->trained);
    for (size_t i = 0; i < w->count; i++) {
        w->trained[i].scene = scenes[i];
        if (status == ST_OK && scenes[i].active_revision)
            status = db_revision_get(w->project->db, scenes[i].active_revision, &w->trained[i].active, err);
    }
    free(scenes);
    return status;
}

static void close_trained(struct writing *w)
{
    for (size_t i = 0; i < w->count; i++) {
        likely_close(w->trained[i].likely);
        scene_clear(&w->trained[i].scene);
    }
    free(w->trained);
}

// Of a flagged picture the class that the trained model takes it for. False: nothing is said.
static bool likely_of(struct writing *w, const struct export_row *r, struct likely_class *likely)
{
    for (size_t i = 0; i < w->count && r->flagged; i++) {
        struct trained *t = &w->trained[i];
        if (strcmp(t->scene.name, r->scene) == 0 && t->active.learned_sha256[0] && r->revision_number == t->active.number)
            return likely_get(&t->likely, w->project, &t->scene, t->active.learned_sha256, r->picture, likely);
    }
    return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->jsonl = true; return 0;
    case OPT_FORMAT:
        o->coco = strcmp(arg, "coco") == 0;
        if (strcmp(arg, "csv") != 0 && strcmp(arg, "jsonl") != 0 && !o->coco)
            argp_error(state, _("--format is csv, jsonl or coco, not '%s'"), arg);
        o->jsonl = strcmp(arg, "jsonl") == 0;
        return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_ALL: o->answered = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const char *const columns[] = {
    "path",       "scene",       "group",      "sha256",        "width",          "height",
    "unreadable", "object",      "position",   "camera",        "taken",          "revision",
    "score",      "score_patch", "score_tile", "score_learned", "score_whole",    "score_known",
    "flagged",    "verdict",     "class",      "severity",      "regions",        "note",
    "who",        "when",        "truth",      "truth_class",   "truth_severity", "truth_mask",
    "audit",      "audit_stratum", "audit_remaining", "audit_probability",
    "component",  "cause",         "action",   "score_drawn",
    "likely_class", "likely_share"}; // what is new comes last: scripts count columns
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *text(const char *value)
{
    return value ? value : "";
}

// What a person said of the picture, in the review or where an audit drew it.
static enum verdict said(const struct export_row *r)
{
    return r->verdict == VERDICT_NONE && r->audited ? r->audit : r->verdict;
}

static void write_csv(const struct export_row *r, const struct likely_class *likely)
{
    char number[7 + DETECTORS][32] = {""}, when[CLOCK_TEXT] = "";
    bool scored = r->revision_number > 0;
    snprintf(number[0], sizeof *number, "%d", r->width);
    snprintf(number[1], sizeof *number, "%d", r->height);
    if (scored) {
        snprintf(number[2], sizeof *number, "%d", r->revision_number);
        snprintf(number[3], sizeof *number, "%.6g", r->score.score);
        for (int d = 0; d < DETECTORS; d++)
            snprintf(number[4 + d], sizeof *number, "%.6g", r->score.parts[d]);
    }
    if (r->audit_remaining > 0) {
        snprintf(number[4 + DETECTORS], sizeof *number, "%lld", (long long)r->audit_remaining);
        snprintf(number[5 + DETECTORS], sizeof *number, "%.9g", r->audit_probability);
    }
    if (likely && !likely->unknown)
        snprintf(number[6 + DETECTORS], sizeof *number, "%.3f", likely->share);
    if (said(r) != VERDICT_NONE)
        clock_text(r->at_ms, when);
    const char *cells[COLUMNS] = {r->path,
                                  r->scene,
                                  r->group,
                                  r->sha256,
                                  number[0],
                                  number[1],
                                  r->unreadable,
                                  r->object,
                                  r->position,
                                  r->camera,
                                  r->taken,
                                  number[2],
                                  number[3],
                                  number[4 + DETECTOR_PATCH],
                                  number[4 + DETECTOR_TILE],
                                  number[4 + DETECTOR_LEARNED],
                                  number[4 + DETECTOR_WHOLE],
                                  number[4 + DETECTOR_KNOWN],
                                  scored ? r->flagged ? "1" : "0" : "",
                                  verdict_name(said(r)),
                                  r->class_name,
                                  r->severity,
                                  r->regions,
                                  r->note,
                                  r->person,
                                  when,
                                  verdict_name(r->truth),
                                  r->truth_class,
                                  r->truth_severity,
                                  r->truth_mask,
                                  verdict_name(r->audit),
                                  r->audit_stratum,
                                  number[4 + DETECTORS],
                                  number[5 + DETECTORS],
                                  r->component,
                                  r->cause,
                                  r->action,
                                  number[4 + DETECTOR_DRAWN],
                                  likely && !likely->unknown ? likely->name : "",
                                  number[6 + DETECTORS]};
    for (int i = 0; i < COLUMNS; i++)
        csv_put(stdout, text(cells[i]), i == COLUMNS - 1);
}

static void put(json_t *object, const char *key, const char *value)
{
    if (value && value[0]) {
        json_t *string = json_string(value);
        // a path need not be UTF-8; its bytes are then given as Latin-1 would read them
        if (!string) {
            char wide[4096];
            size_t n = 0;
            for (const unsigned char *p = (const unsigned char *)value; *p && n + 3 < sizeof wide; p++) {
                if (*p < 0x80) {
                    wide[n++] = (char)*p;
                } else {
                    wide[n++] = (char)(0xc0 | *p >> 6);
                    wide[n++] = (char)(0x80 | (*p & 0x3f));
                }
            }
            wide[n] = '\0';
            string = json_string(wide);
        }
        json_object_set_new(object, key, string);
    }
}

static void write_json(const struct export_row *r, const struct likely_class *likely)
{
    char when[CLOCK_TEXT];
    json_t *o = json_object();
    put(o, "path", r->path);
    put(o, "scene", r->scene);
    put(o, "group", r->group);
    put(o, "sha256", r->sha256);
    json_object_set_new(o, "width", json_integer(r->width));
    json_object_set_new(o, "height", json_integer(r->height));
    put(o, "unreadable", r->unreadable);
    put(o, "object", r->object);
    put(o, "position", r->position);
    put(o, "camera", r->camera);
    put(o, "taken", r->taken);
    if (r->revision_number > 0) {
        json_object_set_new(o, "revision", json_integer(r->revision_number));
        json_object_set_new(o, "score", json_real(r->score.score));
        json_t *parts = json_object();
        for (int d = 0; d < DETECTORS; d++)
            json_object_set_new(parts, detector_name((enum detector)d), json_real(r->score.parts[d]));
        json_object_set_new(o, "scores", parts);
        json_object_set_new(o, "flagged", json_boolean(r->flagged));
    }
    if (likely)
        json_object_set_new(o, "likely", json_pack("{s:o, s:f, s:b}", "class", json_outside(likely->name), "share", likely->share, "unknown", likely->unknown));
    if (said(r) != VERDICT_NONE) {
        clock_text(r->at_ms, when);
        put(o, "verdict", verdict_name(said(r)));
        put(o, "class", r->class_name);
        put(o, "severity", r->severity);
        put(o, "component", r->component);
        put(o, "cause", r->cause);
        put(o, "action", r->action);
        put(o, "note", r->note);
        put(o, "who", r->person);
        put(o, "when", when);
    }
    json_t *regions = r->regions && r->regions[0] ? json_loads(r->regions, 0, NULL) : NULL;
    if (regions)
        json_object_set_new(o, "regions", regions);
    if (r->truth != VERDICT_NONE) {
        put(o, "truth", verdict_name(r->truth));
        put(o, "truth_class", r->truth_class);
        put(o, "truth_severity", r->truth_severity);
        put(o, "truth_mask", r->truth_mask);
    }
    if (r->audit_stratum && r->audit_stratum[0]) {
        json_t *audit = json_object();
        put(audit, "answer", verdict_name(r->audit));
        put(audit, "stratum", r->audit_stratum);
        if (r->audit_remaining > 0) {
            json_object_set_new(audit, "remaining", json_integer(r->audit_remaining));
            json_object_set_new(audit, "probability", json_real(r->audit_probability));
        }
        json_object_set_new(o, "audit", audit);
    }
    print_json(o);
}

static enum status each(void *context, const struct export_row *row, struct error *err)
{
    struct writing *w = context;
    struct likely_class likely;
    if (w->options->answered && row->verdict == VERDICT_NONE && row->audit == VERDICT_NONE)
        return ST_OK;
    bool says = likely_of(w, row, &likely);
    if (w->options->jsonl)
        write_json(row, says ? &likely : NULL);
    else
        write_csv(row, says ? &likely : NULL);
    return ferror(stdout) ? error_set(err, ST_IO, "cannot write the output: disk full or pipe closed") : ST_OK;
}

static enum status print_text(void *context, const char *text, struct error *err)
{
    (void)context;
    if (fputs(text, stdout) < 0 || putchar('\n') < 0 || fflush(stdout))
        return error_set(err, ST_IO, "cannot write the output: disk full or pipe closed");
    return ST_OK;
}

int cmd_export(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"format", OPT_FORMAT, "csv|jsonl|coco", 0, N_("form of the output (default: csv); coco: answered pictures and their regions"), 0},
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"answered", OPT_ALL, NULL, 0, N_("only pictures that a person answered"), 0},
        {"json", OPT_JSON, NULL, 0, N_("the same as --format jsonl"), 90},
        {0}};
    static const struct argp argp = {table, parse, NULL, N_("Write everything known about the pictures to standard output."), NULL, NULL, NULL};
    struct options o = {0};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    enum status status = project_open(NULL, &project, &err);
    if (status != ST_OK)
        return fail(&err);
    struct scene scene = {0};
    if (o.scene)
        status = db_scene_get(project.db, 0, o.scene, &scene, &err);
    if (status == ST_OK) {
        if (!o.jsonl && !o.coco)
            for (int i = 0; i < COLUMNS; i++)
                csv_put(stdout, columns[i], i == COLUMNS - 1);
        struct writing w = {.options = &o, .project = &project};
        status = o.coco ? ST_OK : open_trained(&w, &err);
        if (status == ST_OK)
            status = o.coco ? coco_write(&project, scene.id, print_text, NULL, &err) : db_export(project.db, scene.id, each, &w, &err);
        close_trained(&w);
        scene_clear(&scene);
    }
    project_close(&project);
    return status == ST_OK || ferror(stdout) ? EXIT_OK : fail(&err); // main says that nothing can be written
}
