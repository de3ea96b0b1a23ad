#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/calibrate.h"
#include "app/simulate.h"
#include "base/parallel.h"

enum {
    OPT_SCENE = OPT_OWN,
    OPT_ROUNDS,
    OPT_BUDGET,
    OPT_SEED,
    OPT_DEFECTS,
    OPT_STRATEGY,
    OPT_HELD,
    OPT_FILTER,
    OPT_RECALL,
    OPT_SEVERITY,
    OPT_BASE,
    OPT_RESAMPLES
};

static error_t parse_screen(int key, char *arg, struct argp_state *state, struct screening_options *o)
{
    switch (key) {
    case OPT_FILTER: o->flag_rate = 1 - option_real(state, arg, "--filter-rate", 0.5, 1 - 1e-6); return 0;
    case OPT_RECALL:
        o->target_recall = option_real(state, arg, "--target-recall", RECALL_LEAST, RECALL_MOST);
        return 0;
    case OPT_SEVERITY:
        if (!calibrate_option(arg, o->recall))
            argp_error(state, "--severity is stop, key or general, =, and a recall from %g to %g, not '%s'",
                       RECALL_LEAST, RECALL_MOST, arg);
        return 0;
    case 'j': o->threads = (int)option_number(state, arg, "--threads", 1, 1024); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct simulate_options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_BASE: o->base = arg; return 0;
    case OPT_ROUNDS: o->rounds = (int)option_number(state, arg, "--rounds", 0, 10000); return 0;
    case OPT_BUDGET: o->budget = (int)option_number(state, arg, "--budget", 1, 1000000); return 0;
    case OPT_SEED: o->seed = (uint64_t)option_number(state, arg, "--seed", 0, INT64_MAX); return 0;
    case OPT_DEFECTS: o->defect_rate = option_real(state, arg, "--defect-rate", 1e-6, 0.5); return 0;
    case OPT_HELD: o->held_out = option_real(state, arg, "--held-out", 0.05, 0.95); return 0;
    case OPT_RESAMPLES: o->resamples = (int)option_number(state, arg, "--resamples", 1, 100000); return 0;
    case OPT_STRATEGY:
        if (strcmp(arg, "queue") != 0 && strcmp(arg, "random") != 0)
            argp_error(state, "--strategy is queue or random, not '%s'", arg);
        o->random = strcmp(arg, "random") == 0;
        return 0;
    case ARGP_KEY_ARG:
        if (o->truth)
            argp_error(state, "one table only, not '%s' too", arg);
        o->truth = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->truth)
            argp_error(state, "name the table of known answers");
        return 0;
    default: return parse_screen(key, arg, state, &o->screen);
    }
}

int cmd_simulate(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, "this scene only", 0},
        {"rounds", OPT_ROUNDS, "N", 0, "how often answers are given and the filter is updated (default 5); 0: without any answer", 0},
        {"budget", OPT_BUDGET, "K", 0, "answers in a round (default 40)", 0},
        {"strategy", OPT_STRATEGY, "queue|random", 0,
         "what is asked: the order of the review, on among the filtered pictures where the flagged ones run out "
         "(default), or pictures drawn at random", 0},
        {"defect-rate", OPT_DEFECTS, "R", 0, "leave out defects until this share of the pictures is one", 0},
        {"held-out", OPT_HELD, "R", 0, "share of the groups that is only measured on (default 0.3)", 0},
        {"seed", OPT_SEED, "S", 0, "of what is held out, left out and drawn (default 1)", 0},
        {"filter-rate", OPT_FILTER, "R", 0, "share of the normal pictures to filter (default 0.996)", 1},
        {"target-recall", OPT_RECALL, "R", 0, "share of the defects that must be flagged, as for `assay screen`", 1},
        {"severity", OPT_SEVERITY, "NAME=R", 0, "the same for one severity; may be repeated", 1},
        {"base", OPT_BASE, "FILE|filter-bank", 0, "for pictures without a project: another base than the one inside the program", 1},
        {"resamples", OPT_RESAMPLES, "N", 0, "bootstrap draws of whole groups for the intervals (default 200)", 1},
        {"threads", 'j', "N", 0, "pictures worked on at once (default: all cores)", 1},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {
        table, parse, "TRUTH.csv",
        "What would assay have saved? Replays pictures whose answers are all known, as if a person had given them: "
        "everything is hidden at first, each round asks the next pictures, takes their answers from the table and makes "
        "a new filter, and measures it on groups of pictures held out, which it never learns from."
        "\v"
        "TRUTH.csv is the table that `assay add --truth` takes: path, verdict (normal or defect) and, where known, class, "
        "severity and group, one line for each picture. Pictures of one thing must share a group, else the figures are "
        "too good. Below a project the pictures are those of the project, which is only read: its answers, scores and "
        "revisions stay as they are, and take no part. Elsewhere the files are taken as they are, in the scene that a "
        "column scene names. All work is in a folder below TMPDIR (or /tmp) that is removed at the end; it holds a few "
        "kilobytes for each picture."
        "\n\n"
        "Two kinds of interval at 95 %: exact (Clopper and Pearson), which takes pictures for independent, and by groups "
        "(bootstrap), which does not and says nothing where all or none is hit. With --json, one line for each round, as it ends.",
        NULL, NULL, NULL};
    struct simulate_options o = {.rounds = 5,
                                 .budget = 40,
                                 .seed = 1,
                                 .held_out = 0.3,
                                 .resamples = 200,
                                 .screen = {.flag_rate = 0.004, .threads = parallel_cores()}};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    return simulate_run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
