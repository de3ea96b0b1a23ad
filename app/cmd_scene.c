#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/screening.h"
#include "app/template.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/intl.h"
#include "base/text.h"
#include "db/label.h"
#include "db/person.h"
#include "db/scene.h"

enum { OPT_SIZE = OPT_OWN, OPT_SQUASH, OPT_KEEP, OPT_ROI, OPT_IGNORE, OPT_TILE, OPT_OVERLAP, OPT_ALONE, OPT_TEMPLATE, OPT_TEMPLATES };

struct options {
    const char *name, *ignore, *template;
    bool json, templates, changes, roi_set;
    int size, tile, squash; // -1 unchanged
    double overlap, alone, roi[4];
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char rest;
    if (key >= OPT_SIZE && key <= OPT_TEMPLATE)
        o->changes = true;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SIZE: o->size = (int)option_number(state, arg, "--size", SCREEN_SIZE_MIN, SCREEN_SIZE_MAX); return 0;
    case OPT_SQUASH: o->squash = 1; return 0;
    case OPT_KEEP: o->squash = 0; return 0;
    case OPT_TILE: o->tile = (int)option_number(state, arg, "--tile", 0, 8192); return 0;
    case OPT_OVERLAP: o->overlap = option_real(state, arg, "--overlap", 0, 0.5); return 0;
    case OPT_ALONE:
        o->alone = option_real(state, arg, "--alone", 0, 0.9);
        return 0;
    case OPT_TEMPLATE: o->template = arg; return 0;
    case OPT_TEMPLATES: o->templates = true; return 0;
    case OPT_IGNORE: o->ignore = arg; return 0;
    case OPT_ROI:
        o->roi_set = true;
        if (sscanf(arg, "%lf,%lf,%lf,%lf%c", &o->roi[0], &o->roi[1], &o->roi[2], &o->roi[3], &rest) != 4)
            argp_error(state, _("--roi is X0,Y0,X1,Y1 as fractions of the picture, e.g. 0,0.2,1,0.8, not '%s'"), arg);
        return 0;
    case ARGP_KEY_ARG:
        if (o->name)
            argp_error(state, _("one scene only"));
        o->name = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->changes && !o->name)
            argp_error(state, _("name the scene to change"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// The mask is copied into the project: the file that was named may go.
static enum status set_ignore(struct project *p, struct scene *scene, const char *file, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    struct image mask;
    if (strcmp(file, "none") == 0) {
        scene->settings.ignore_sha256[0] = '\0';
        free(scene->ignore_path);
        scene->ignore_path = xstrdup("");
        return ST_OK;
    }
    enum status status = image_load(file, &p->limits, 0, 0, &mask, NULL, err);
    if (status != ST_OK)
        return status;
    image_clear(&mask);
    status = file_read(file, p->limits.file_bytes, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    hash_bytes(bytes, count, scene->settings.ignore_sha256);
    free(scene->ignore_path);
    scene->ignore_path = xasprintf("pictures/mask-%s", scene->settings.ignore_sha256);
    char *path = file_join(p->dir, scene->ignore_path);
    status = file_write(path, bytes, count, err);
    free(path);
    free(bytes);
    return status;
}

static enum status take_template(struct project *p, const struct options *o, int64_t scene, struct error *err)
{
    struct template t;
    struct template_report report;
    int64_t person;
    const char *who = settings_text(p->settings, SETTING_PERSON);
    struct passwd *account = getpwuid(geteuid());
    enum status status = template_load(o->template, &t, err);
    if (status != ST_OK)
        return status;
    status = db_person_ensure(p->db, who[0] ? who : account ? account->pw_name : "lead", &person, err);
    if (status == ST_OK)
        status = template_apply(p, &t, scene, person, &report, err);
    if (status == ST_OK && !o->json) {
        char *name = text_cleaned(o->name);
        printf(_("%s: %zu new classes and %zu relations of %s; what was there stays as it is\n"), name, report.classes, report.relations,
               t.name);
        free(name);
    }
    template_clear(&t);
    return status;
}

static enum status list_templates(bool json, struct error *err)
{
    char **names, *text;
    size_t count;
    enum status status = template_text(&text, err); // all of them are whole
    if (status != ST_OK)
        return status;
    if (!json)
        fputs(text, stdout);
    free(text);
    status = json ? template_names(&names, &count, err) : ST_OK;
    if (!json || status != ST_OK)
        return status;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(names[i]));
        free(names[i]);
    }
    free(names);
    print_json(json_pack("{s:o}", "templates", list));
    return ST_OK;
}

static enum status change(struct project *p, const struct options *o, struct error *err)
{
    struct scene scene;
    int64_t id;
    enum status status = db_scene_ensure(p->db, o->name, &id, err);
    if (status == ST_OK)
        status = db_scene_get(p->db, id, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    if (o->size > 0)
        scene.settings.size = o->size;
    if (o->squash >= 0)
        scene.settings.squash = o->squash;
    if (o->tile >= 0)
        scene.settings.tile = o->tile;
    if (o->overlap >= 0)
        scene.settings.overlap = o->overlap;
    if (o->roi_set)
        memcpy(scene.settings.roi, o->roi, sizeof o->roi);
    if (o->ignore)
        status = set_ignore(p, &scene, o->ignore, err);
    if (status == ST_OK)
        status = screen_settings_check(&scene.settings, err);
    if (status == ST_OK)
        status = db_scene_set(p->db, &scene, err);
    if (status == ST_OK && o->template)
        status = take_template(p, o, scene.id, err);
    if (status == ST_OK && o->alone >= 0)
        status = screening_set_alone(p, &scene, o->alone, err);
    scene_clear(&scene);
    return status;
}

static void print_text(const struct scene *scene, double alone, const double recall[SEVERITIES])
{
    const struct screen_settings *s = &scene->settings;
    char *name = text_cleaned(scene->name);
    printf(_("%s: size %d, %s, region %g,%g,%g,%g, tiles %d (overlap %g), ignore mask %s, one "
           "detector alone %g\n"),
           name, s->size, s->squash ? _("squashed") : _("aspect kept"), s->roi[0], s->roi[1], s->roi[2], s->roi[3], s->tile,
           s->overlap, s->ignore_sha256[0] ? s->ignore_sha256 : _("none"), alone);
    free(name);
    if (recall[SEVERITY_STOP] + recall[SEVERITY_KEY] + recall[SEVERITY_GENERAL] > 0)
        printf(_("  recalls asked for: stop %g, key %g, general %g\n"), recall[SEVERITY_STOP], recall[SEVERITY_KEY],
               recall[SEVERITY_GENERAL]);
}

static enum status show(struct project *p, const struct options *o, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0, shown = 0;
    enum status status = db_scene_list(p->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        const struct screen_settings *s = &scenes[i].settings;
        double alone = 0, all = 0, recall[SEVERITIES] = {0};
        if (status == ST_OK)
            status = screening_alone(p, &scenes[i], &alone, err);
        if (status == ST_OK)
            status = template_recall(p, scenes[i].id, &all, recall, err);
        for (int severity = 0; severity < SEVERITIES; severity++)
            recall[severity] = recall[severity] > 0 ? recall[severity] : all;
        if (status == ST_OK && (!o->name || strcmp(o->name, scenes[i].name) == 0)) {
            shown++;
            if (o->json)
                print_json(json_pack("{s:o, s:i, s:b, s:[f,f,f,f], s:i, s:f, s:s, s:f, s:[f,f,f]}", "scene",
                                     json_outside(scenes[i].name), "size", s->size, "squash", s->squash, "roi", s->roi[0],
                                     s->roi[1], s->roi[2], s->roi[3], "tile", s->tile, "overlap", s->overlap,
                                     "ignore", s->ignore_sha256, "alone", alone, "recall", recall[SEVERITY_STOP],
                                     recall[SEVERITY_KEY], recall[SEVERITY_GENERAL]));
            else
                print_text(&scenes[i], alone, recall);
        }
        scene_clear(&scenes[i]);
    }
    free(scenes);
    if (status == ST_OK && o->name && shown == 0)
        status = error_set(err, ST_NOT_FOUND, "there is no scene '%s'", o->name);
    return status;
}

int cmd_scene(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"size", OPT_SIZE, "N", 0, N_("network input: side of the square of equal area (default 256)"), 0},
        {"squash", OPT_SQUASH, NULL, 0, N_("squash every picture to a square"), 0},
        {"keep-aspect", OPT_KEEP, NULL, 0, N_("keep the aspect (default)"), 0},
        {"roi", OPT_ROI, "X0,Y0,X1,Y1", 0, N_("region of interest, fractions of the picture"), 0},
        {"ignore", OPT_IGNORE, "FILE", 0, N_("mask picture, white is not looked at; 'none' takes it away"), 0},
        {"tile", OPT_TILE, "N", 0, N_("screen native-resolution tiles of N pixels beside the whole; 0 none"), 0},
        {"alone", OPT_ALONE, "F", 0,
         "share of the normals that may be flagged which one detector alone may claim, whatever the others "
         "say (default 0.1)",
         0},
        {"overlap", OPT_OVERLAP, "F", 0, N_("overlap of neighbouring tiles, 0 to 0.5"), 0},
        {"template", OPT_TEMPLATE, "NAME", 0,
         N_("take the classes, relations and recalls of a template, or of a file of one"), 0},
        {"templates", OPT_TEMPLATES, NULL, 0, N_("list the templates"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[SCENE]",
                                     N_("Show or change how a scene's pictures are looked at. The next `assay screen` uses it."), NULL, NULL, NULL};
    struct options o = {.size = -1, .tile = -1, .squash = -1, .overlap = -1, .alone = -1};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (o.templates)
        return list_templates(o.json, &err) == ST_OK ? EXIT_OK : fail(&err);
    if (project_open(NULL, &project, &err) != ST_OK)
        return fail(&err);
    enum status status = o.changes ? change(&project, &o, &err) : ST_OK;
    if (status == ST_OK)
        status = show(&project, &o, &err);
    project_close(&project);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
