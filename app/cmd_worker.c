#include "config.h"

#include "app/worker.h"
#include "base/intl.h"

enum { OPT_EVERY = OPT_OWN, OPT_NICE };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct worker_options *o = state->input;
    switch (key) {
    case OPT_EVERY: o->every = (int)option_number(state, arg, "--every", 1, 1000000); return 0;
    case OPT_NICE: o->niceness = (int)option_number(state, arg, "--nice", 0, 19); return 0;
    case 'j': o->threads = (int)option_number(state, arg, "--threads", 1, 1024); return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int cmd_worker(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"every", OPT_EVERY, "N", 0, N_("stay, and train a scene whenever it has N new answers and some of each side"), 0},
        {"nice", OPT_NICE, "N", 0, N_("priority that it lowers itself to (default 10)"), 0},
        {"threads", 'j', "N", 0, N_("cores that it may use (default: all)"), 0},
        {0}};
    static const struct argp argp = {table, parse, NULL,
                                     N_("Work off the rounds of training that were asked for, one project's worker at a time; "
                                     "`assay train` starts one. A round whose worker was killed goes on where it was."), NULL, NULL, NULL};
    struct worker_options o = {.niceness = 10};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    enum status status = project_open(NULL, &project, &err);
    if (status != ST_OK)
        return fail(&err);
    if (o.every)
        fprintf(stderr, _("assay: trains a scene whenever it has %d new answers and some of each side; ^C ends it\n"), o.every);
    intl_english(); // what ends or pauses a round is stored as it is said
    o.threads = project_threads(&project, o.threads);
    status = worker_run(&project, &o, &err);
    project_close(&project);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
