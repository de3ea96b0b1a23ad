#include "config.h"

#include <string.h>

#include "app/hook.h"
#include "app/layout.h"
#include "app/log_text.h"
#include "app/people.h"
#include "app/project.h"

enum { OPT_USER = OPT_OWN, OPT_UNSET };

struct options {
    const char *name, *value;
    bool json, user, unset;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_USER: o->user = true; return 0;
    case OPT_UNSET: o->unset = true; return 0;
    case ARGP_KEY_ARG:
        if (!o->name)
            o->name = arg;
        else if (!o->value)
            o->value = arg;
        else
            argp_error(state, _("a setting and its value, no more"));
        return 0;
    case ARGP_KEY_END:
        if (o->unset && (!o->name || o->value))
            argp_error(state, _("--unset takes the name of a setting, and no value"));
        if (o->user && !o->value && !o->unset)
            argp_error(state, _("--user says where to set a value"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_one(const struct settings *s, enum setting setting)
{
    const char *text = settings_text(s, setting), *where = settings_where(s, setting);
    printf("%-14s %-*s %s%s%s\n", setting_about(setting)->name, CELL(text[0] ? text : "-", 24),
           _(setting_origin_name(settings_origin(s, setting))), where[0] ? _(", ") : "", where);
}

static json_t *one_json(const struct settings *s, enum setting setting)
{
    const struct setting_about *about = setting_about(setting);
    json_t *j = json_pack("{s:s, s:o, s:s, s:o, s:s, s:s, s:s}", "name", about->name, "value", json_outside(settings_text(s, setting)), "origin",
                          setting_origin_name(settings_origin(s, setting)), "where", json_outside(settings_where(s, setting)), "default",
                          about->standard, "environment", about->environment, "about", about->help);
    if (about->choices)
        json_object_set_new(j, "choices", json_string(about->choices));
    return j;
}

static void list(const struct settings *s, bool json)
{
    json_t *all = json_array(), *files = json_object();
    for (int i = 0; i < SETTINGS; i++) {
        if (json)
            json_array_append_new(all, one_json(s, (enum setting)i));
        else
            print_one(s, (enum setting)i);
    }
    for (int origin = SETTING_SYSTEM; origin <= SETTING_PROJECT; origin++) {
        const char *path = settings_file(s, (enum setting_origin)origin);
        if (path && json)
            json_object_set_new(files, setting_origin_name((enum setting_origin)origin), json_outside(path));
        else if (path)
            printf("%s  %-*s %s\n", origin == SETTING_SYSTEM ? _("\nfiles, a later one counts more, then the environment, then options:\n") : "",
                   CELL(_(setting_origin_name((enum setting_origin)origin)), 8), path);
    }
    if (json)
        print_json(json_pack("{s:O, s:O}", "settings", all, "files", files));
    json_decref(all);
    json_decref(files);
}

// What the project that one stands in has to know: its log, but of its own settings only, and the commands that wait for a
// corrected one.
static enum status tell_project(const char *dir, const struct options *o, const struct settings *s, enum setting setting,
                                struct error *err)
{
    struct project project;
    if (!dir || (o->user && setting != SETTING_HOOK_STOP))
        return ST_OK;
    enum status status = project_open(dir, &project, err);
    if (status != ST_OK)
        return status;
    char *person = person_now(&project, NULL);
    if (!o->user)
        status = log_setting(project.db, person, setting, o->value, settings_file(s, SETTING_PROJECT), err);
    if (status != ST_OK)
        error_prefix(err, "the setting is stored, but not in the log");
    else if (setting == SETTING_HOOK_STOP)
        status = hook_corrected(&project, err);
    free(person);
    project_close(&project);
    return status;
}

static enum status run(const struct options *o, struct error *err)
{
    struct settings *s;
    enum setting setting = SETTINGS;
    char *dir = project_nearest();
    enum status status = settings_load(dir, &s, err);
    if (status != ST_OK) {
        free(dir);
        return status;
    }
    if (o->name && !setting_find(o->name, &setting))
        status = error_set(err, ST_NOT_FOUND, "there is no setting '%s'; `assay config` lists them", o->name);
    else if (o->value || o->unset)
        status = settings_store(s, setting, o->unset ? NULL : o->value, o->user ? SETTING_USER : SETTING_PROJECT, err);
    if (status == ST_OK && (o->value || o->unset))
        status = tell_project(dir, o, s, setting, err);
    free(dir);
    if (status == ST_OK && o->json && o->name)
        print_json(one_json(s, setting));
    else if (status == ST_OK && o->value)
        print_one(s, setting);
    else if (status == ST_OK && o->name)
        puts(settings_text(s, setting));
    else if (status == ST_OK)
        list(s, o->json);
    settings_free(s);
    return status;
}

int cmd_config(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"user", OPT_USER, NULL, 0, N_("set it in your own file, for all projects, instead of the project's"), 0},
        {"unset", OPT_UNSET, NULL, 0, N_("take it out of the file again"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[NAME [VALUE]]",
                                     N_("List the settings with where each comes from, show one, or set one."), NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
