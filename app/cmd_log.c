#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/layout.h"
#include "app/log_text.h"
#include "app/project.h"
#include "app/report.h"
#include "base/clock.h"
#include "db/log.h"
#include "db/scene.h"

enum { OPT_SCENE = OPT_OWN, OPT_PERSON, OPT_KIND, OPT_SINCE, OPT_UNTIL };
enum { PAGE = 500 };

struct options {
    const char *scene;
    struct log_filter filter;
    long long most;
    bool json;
    struct db *db;
};

static int64_t time_of(struct argp_state *state, const char *option, const char *arg)
{
    int64_t at;
    if (!clock_parse(arg, clock_unix_ms(), &at) || at < 0)
        argp_error(state, _("%s is a date (2026-01-31), a time (2026-01-31T06:00) or an age (8h, 30m, 2d), not '%s'"), option, arg);
    return at;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_PERSON: snprintf(o->filter.person, sizeof o->filter.person, "%s", arg); return 0;
    case OPT_KIND: snprintf(o->filter.kind, sizeof o->filter.kind, "%s", arg); return 0;
    case OPT_SINCE: o->filter.since_ms = time_of(state, "--since", arg); return 0;
    case OPT_UNTIL: o->filter.until_ms = time_of(state, "--until", arg); return 0;
    case 'n': o->most = option_number(state, arg, "--lines", 1, 1000000000); return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_row(void *context, const struct log_row *row)
{
    const struct options *o = context;
    char at[CLOCK_TEXT], text[LOG_TEXT];
    if (o->json) {
        print_json(log_json(row));
        return;
    }
    const char *slash = strrchr(row->path, '/');
    report_time(row->at_ms, at);
    log_sentence(o->db, row, text);
    printf("%s  ", at);
    put_cell(stdout, row->person, 12);
    printf("  %-*s  ", CELL(_(row->kind), 9));
    if (row->picture) {
        put_cell(stdout, slash ? slash + 1 : row->path, 24);
        fputs("  ", stdout);
    }
    printf("%s\n", text);
}

static enum status run(struct options *o, struct error *err)
{
    struct project project;
    struct log_key key = {0};
    struct scene scene = {0};
    long long left = o->most;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    if (o->filter.kind[0])
        status = db_log_kind(o->filter.kind, err);
    if (status == ST_OK && o->filter.person[0])
        status = db_log_person(project.db, o->filter.person, err);
    if (status == ST_OK && o->scene)
        status = db_scene_get(project.db, 0, o->scene, &scene, err);
    o->filter.scene = scene.id;
    o->db = project.db;
    scene_clear(&scene);
    for (size_t count = 1; status == ST_OK && left > 0 && count > 0 && !stop_asked(NULL); left -= (long long)count)
        status = db_log(project.db, &o->filter, &key, (size_t)(left < PAGE ? left : PAGE), print_row, o, &count, err);
    project_close(&project);
    return status;
}

int cmd_log(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"person", OPT_PERSON, "NAME", 0, N_("what this person did"), 0},
        {"kind", OPT_KIND, "KIND", 0, N_("answer, skip, undo, redo, comment, class, role, screening, round, model, audit, hook, relation, setting, add, import, backup"), 0},
        {"since", OPT_SINCE, "TIME", 0, N_("from then on: a date, a time, or an age such as 8h"), 0},
        {"until", OPT_UNTIL, "TIME", 0, N_("until then"), 0},
        {"lines", 'n', "N", 0, N_("at most (default 200)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL, N_("Who did what when, the latest first."), NULL, NULL, NULL};
    struct options o = {.most = 200};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
