#include "config.h"

#include <stdlib.h>

#include "app/backup.h"
#include "app/people.h"
#include "base/alloc.h"
#include "db/log.h"

enum { OPT_KEEP = OPT_OWN, OPT_BARE };

struct options {
    const char *first, *second;
    long keep; // -1: as set
    bool json, bare, restore;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_KEEP: o->keep = (long)option_number(state, arg, "--keep", 1, 100000); return 0;
    case OPT_BARE: o->bare = true; return 0;
    case ARGP_KEY_ARG:
        if (!o->first)
            o->first = arg;
        else if (o->restore && !o->second)
            o->second = arg;
        else
            argp_error(state, _("takes no argument '%s'"), arg);
        return 0;
    case ARGP_KEY_END:
        if (o->restore && (!o->second || !o->second[0]))
            argp_error(state, _("name the backup and the new project's folder"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print(const struct options *o, const struct backup_report *r, const char *did)
{
    if (o->json)
        print_json(json_pack("{s:o, s:I, s:I, s:I}", o->restore ? "project" : "backup", json_outside(r->path), "files", (json_int_t)r->files,
                             "bytes", (json_int_t)r->bytes, "removed", (json_int_t)r->removed));
    else
        printf(_("%s: %s, %zu files, %.1f MB, every one checked%s\n"), r->path, _(did), r->files, (double)r->bytes / 1e6,
               r->removed ? _("; older ones removed") : "");
}

static enum status backup(const struct options *o, struct error *err)
{
    struct project project;
    struct backup_report report = {0};
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    const char *to = o->first ? o->first : settings_text(project.settings, SETTING_BACKUP_DIR);
    long keep = o->keep > 0 ? o->keep : settings_whole(project.settings, SETTING_BACKUP_KEEP);
    if (!to[0])
        status = error_set(err, ST_INVALID, "say where to: `assay backup FILE|DIR`, or set backup.dir (`assay config`)");
    if (status == ST_OK)
        status = backup_make(&project, to, keep, !o->bare, &report, err);
    if (status == ST_OK) {
        char *person = person_now(&project, NULL), *text = xasprintf("%s, %zu files, %.1f MB", report.path, report.files,
                                                                     (double)report.bytes / 1e6);
        print(o, &report, N_("backed up"));
        status = db_log_add(project.db, person, "backup", "", text, err);
        free(text);
        free(person);
    }
    backup_report_clear(&report);
    project_close(&project);
    return status;
}

static enum status restore(const struct options *o, struct error *err)
{
    struct backup_report report = {0};
    enum status status = backup_restore(o->first, o->second, &report, err);
    if (status == ST_OK)
        print(o, &report, N_("restored"));
    backup_report_clear(&report);
    return status;
}

int cmd_backup(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"keep", OPT_KEEP, "N", 0, N_("in a folder: remove older backups of this project than the latest N (default: the setting backup.keep)"), 0},
        {"without-pictures", OPT_BARE, NULL, 0, N_("leave out the copies of labelled and audited pictures"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[FILE|DIR]",
                                     N_("Copy the project into one file while people work: answers, regions, models, settings and "
                                     "the copies of labelled pictures, as they are at one moment. The file is checked before "
                                     "it gets its name; tar opens it."), NULL, NULL, NULL};
    struct options o = {.keep = -1};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    return backup(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}

int cmd_restore(int argc, char **argv)
{
    static const struct argp_option table[] = {OPTION_JSON, {0}};
    static const struct argp argp = {table, parse, "FILE DIR",
                                     N_("Make a project in a new folder from a backup, after checking all of it. Nothing is ever "
                                     "written over; a project that has gone wrong stays as it is until you move it away."), NULL, NULL, NULL};
    struct options o = {.restore = true};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return restore(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
