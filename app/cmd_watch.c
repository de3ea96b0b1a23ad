#include "config.h"

#include <stdlib.h>

#include "app/watch.h"

enum { OPT_SCENE = OPT_OWN, OPT_GROUP, OPT_SIDECAR, OPT_PATTERN, OPT_NEWEST, OPT_ONCE, OPT_POLL, OPT_QUIET };

struct options {
    char **folders;
    size_t count;
    const char *group, *sidecar, *pattern;
    struct watch_options watch;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->watch.json = true; return 0;
    case OPT_QUIET: o->watch.quiet = true; return 0;
    case OPT_SCENE: o->watch.add.scene = arg; return 0;
    case OPT_GROUP: o->group = arg; return 0;
    case OPT_SIDECAR: o->sidecar = arg; return 0;
    case OPT_PATTERN: o->pattern = arg; return 0;
    case OPT_NEWEST: o->watch.follow.newest_first = true; return 0;
    case OPT_ONCE: o->watch.follow.once = true; return 0;
    case OPT_POLL: o->watch.follow.poll = option_real(state, arg, "--poll", 0.1, 3600); return 0;
    case 'j': o->watch.threads = (int)option_number(state, arg, "--threads", 1, 1024); return 0;
    case ARGP_KEY_ARGS:
        o->folders = state->argv + state->next;
        o->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (o->count == 0)
            argp_error(state, _("name the folders that pictures are written to"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_end(const struct watch_options *o, const struct watch_report *r)
{
    if (o->json) {
        print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "event", "end", "added", (json_int_t)r->added,
                             "screened", (json_int_t)r->scored, "flagged", (json_int_t)r->flagged, "poor",
                             (json_int_t)r->poor, "failed", (json_int_t)r->failed, "unfinished",
                             (json_int_t)r->unfinished));
        return;
    }
    printf(r->poor == 1 ? _("%lld added, %lld screened, %lld flagged, %lld poor picture set aside\n")
                        : _("%lld added, %lld screened, %lld flagged, %lld poor pictures set aside\n"), (long long)r->added,
           (long long)r->scored, (long long)r->flagged, (long long)r->poor);
    if (r->failed > 0)
        printf(_("%lld could not be read any more\n"), (long long)r->failed);
    if (r->unfinished > 0)
        printf(_("%lld still being written: left for the next time\n"), (long long)r->unfinished);
}

static enum status run(struct options *o, struct watch_report *report, struct error *err)
{
    struct project project;
    struct metadata *metadata = NULL;
    regex_t group;
    bool has_group = false;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    o->watch.threads = project_threads(&project, o->watch.threads);
    if (o->group) {
        status = add_regex(&group, o->group, 0, err);
        has_group = status == ST_OK;
    }
    if (status == ST_OK && (o->sidecar || o->pattern))
        status = metadata_open(o->sidecar, o->pattern, &metadata, err);
    o->watch.add.group = has_group ? &group : NULL;
    o->watch.add.metadata = metadata;
    if (status == ST_OK)
        status = watch_run(&project, o->folders, o->count, &o->watch, report, err);
    metadata_free(metadata);
    if (has_group)
        regfree(&group);
    project_close(&project);
    return status;
}

int cmd_watch(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("scene the pictures belong to (default: main)"), 0},
        {"newest-first", OPT_NEWEST, NULL, 0, N_("work off what is there already from the newest on"), 0},
        {"once", OPT_ONCE, NULL, 0, N_("do what is to be done now, and end (for cron)"), 0},
        {"poll", OPT_POLL, "SECONDS", 0, N_("list the folders that often; network folders always are, every 2 s"), 0},
        {"group", OPT_GROUP, "REGEX", 0, N_("group pictures by this part of their path (first parenthesis, else the match)"), 0},
        {"sidecar", OPT_SIDECAR, "FILE", 0, N_("CSV or JSON with path and object, position, camera, time, group"), 0},
        {"pattern", OPT_PATTERN, "TEXT", 0, N_("the same from the path's end, e.g. '{object}/{camera}_{position}.jpg'"), 0},
        {"threads", 'j', "N", 0, N_("pictures worked on at once (default: all cores)"), 0},
        {"quiet", OPT_QUIET, NULL, 0, N_("tell errors and the end only"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "DIR...",
                                     N_("Follow folders that cameras write to: add each new picture, score it with the "
                                     "scene's active revision, and flag it into the open review screens. Runs until it "
                                     "is told to stop (^C, SIGTERM); no new revision is made."), NULL, NULL, NULL};
    struct options o = {.watch = {.add = {.scene = "main"}}};
    struct watch_report report = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    enum status status = run(&o, &report, &err);
    if (status == ST_OK || report.added + report.scored > 0)
        print_end(&o.watch, &report);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
