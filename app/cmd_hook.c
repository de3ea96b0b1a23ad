#include "config.h"

#include <stdlib.h>

#include "app/hook.h"
#include "app/stored.h"
#include "db/hook.h"

enum { OPT_RUN = OPT_OWN, OPT_ONCE, OPT_AGAIN };

struct options {
    bool json, run, once, again;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_RUN: o->run = true; return 0;
    case OPT_ONCE: o->run = o->once = true; return 0;
    case OPT_AGAIN: o->run = o->again = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// again: how many were made due; busy: another process is at it.
static enum status tell(struct project *project, const struct options *o, int64_t again, bool busy, struct error *err)
{
    struct hook_counts counts;
    char text[HOOK_TEXT];
    const char *command = settings_text(project->settings, SETTING_HOOK_STOP);
    enum status status = db_hook_counts(project->db, &counts, err);
    if (status == ST_OK)
        status = hook_sentence(project, text, err);
    if (status != ST_OK)
        return status;
    if (o->json) {
        print_json(json_pack("{s:o, s:I, s:I, s:o, s:I, s:b}", "command", json_outside(command), "due", (json_int_t)counts.due, "failed",
                             (json_int_t)counts.failed, "last", json_outside(counts.sentence), "again", (json_int_t)again, "other_runs", busy));
        return ST_OK;
    }
    if (o->again)
        printf(_("%lld made due now\n"), (long long)again);
    if (busy)
        puts(_("another `assay hook` of this project runs what is due"));
    char *words = stored_text(text);
    printf(_("command: %s\n%lld due, %lld failed\n%s%s"), command[0] ? command : _("none (`assay config hook.stop 'COMMAND'`)"),
           (long long)counts.due, (long long)counts.failed, words, text[0] ? "\n" : "");
    free(words);
    return ST_OK;
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    int64_t again = 0;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    if (o->again)
        status = db_hook_again(project.db, &again, err);
    if (status == ST_OK && o->run)
        status = hook_run(&project, o->once, err);
    bool busy = status == ST_BUSY;
    if (status == ST_OK || busy) // what is due is done by the other one
        status = tell(&project, o, again, busy, err);
    project_close(&project);
    return status;
}

int cmd_hook(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"run", OPT_RUN, NULL, 0, N_("run what is due and try again what fails, until nothing is left (the review starts this)"), 0},
        {"once", OPT_ONCE, NULL, 0, N_("one try for each that is due, no waiting"), 0},
        {"again", OPT_AGAIN, NULL, 0, N_("those that were given up, and those that wait for another try, now"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL,
                                     N_("How the command for confirmed stop defects (setting hook.stop) stands. It gets the "
                                     "picture's path, object, class and person as arguments, and ASSAY_PICTURE, ASSAY_OBJECT, "
                                     "ASSAY_POSITION, ASSAY_SCENE, ASSAY_CLASS, ASSAY_PERSON, ASSAY_NOTE, ASSAY_TIME and "
                                     "ASSAY_EVENT in the environment; it runs once for each event, and is tried again when it "
                                     "ends with another status than 0."),
                                     NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
