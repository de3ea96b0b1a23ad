#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/calibrate.h"
#include "app/simulate.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "learn/adapt.h"

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
    OPT_TRAIN,
    OPT_SET,
    OPT_RESAMPLES
};

static void parse_budgets(struct argp_state *state, char *arg, struct simulate_options *o)
{
    char *save;
    o->budget_count = 0;
    for (char *word = strtok_r(arg, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        if (o->budget_count == SIMULATE_BUDGETS)
            argp_error(state, _("--budget takes at most %d numbers"), SIMULATE_BUDGETS);
        o->budgets[o->budget_count++] = (int)option_number(state, word, "--budget", 1, 1000000);
    }
    if (o->budget_count == 0)
        argp_error(state, _("--budget needs a number"));
}

static enum simulate_train parse_train(struct argp_state *state, const char *arg)
{
    static const char *const names[] = {
        [SIMULATE_TRAIN_NEVER] = "never", [SIMULATE_TRAIN_GATE] = "gate", [SIMULATE_TRAIN_ALWAYS] = "always"};
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(arg, names[i]) == 0)
            return (enum simulate_train)i;
    argp_error(state, _("--train is never, gate or always, not '%s'"), arg);
    return SIMULATE_TRAIN_NEVER;
}

static error_t parse_screen(int key, char *arg, struct argp_state *state, struct screening_options *o)
{
    switch (key) {
    case OPT_FILTER: o->flag_rate = 1 - option_real(state, arg, "--filter-rate", 0.5, 1 - 1e-6); return 0;
    case OPT_RECALL:
        o->target_recall = option_real(state, arg, "--target-recall", RECALL_LEAST, RECALL_MOST);
        return 0;
    case OPT_SEVERITY:
        if (!calibrate_option(arg, o->recall))
            argp_error(state, _("--severity is stop, key or general, =, and a recall from %g to %g, not '%s'"),
                       RECALL_LEAST, RECALL_MOST, arg);
        return 0;
    case 'j': o->threads = (int)option_number(state, arg, "--threads", 1, 1024); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct simulate_options *o = state->input;
    struct error err;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_BASE: o->base = arg; return 0;
    case OPT_ROUNDS: o->rounds = (int)option_number(state, arg, "--rounds", 0, 10000); return 0;
    case OPT_BUDGET: parse_budgets(state, arg, o); return 0;
    case OPT_TRAIN: o->train = parse_train(state, arg); return 0;
    case OPT_SET:
        if (adapt_option_set(&(struct adapt_options){0}, arg, &err) != ST_OK)
            argp_error(state, _("--set: %s"), err.text);
        o->train_options = xreallocarray(o->train_options, o->train_option_count + 1, sizeof *o->train_options);
        o->train_options[o->train_option_count++] = arg;
        return 0;
    case OPT_SEED: o->seed = (uint64_t)option_number(state, arg, "--seed", 0, INT64_MAX); return 0;
    case OPT_DEFECTS: o->defect_rate = option_real(state, arg, "--defect-rate", 1e-6, 0.5); return 0;
    case OPT_HELD: o->held_out = option_real(state, arg, "--held-out", 0.05, 0.95); return 0;
    case OPT_RESAMPLES: o->resamples = (int)option_number(state, arg, "--resamples", 1, 100000); return 0;
    case OPT_STRATEGY:
        if (strcmp(arg, "queue") != 0 && strcmp(arg, "random") != 0)
            argp_error(state, _("--strategy is queue or random, not '%s'"), arg);
        o->random = strcmp(arg, "random") == 0;
        return 0;
    case ARGP_KEY_ARG:
        if (o->truth)
            argp_error(state, _("one table only, not '%s' too"), arg);
        o->truth = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->truth)
            argp_error(state, _("name the table of known answers"));
        return 0;
    default: return parse_screen(key, arg, state, &o->screen);
    }
}

int cmd_simulate(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"rounds", OPT_ROUNDS, "N", 0, N_("how often answers are given and the filter is updated (default 5); 0: without any answer"), 0},
        {"budget", OPT_BUDGET, "K[,K...]", 0, N_("answers in a round (default 40), or in the first, the second and so on"), 0},
        {"strategy", OPT_STRATEGY, "queue|random", 0,
         N_("what is asked: the order of the review, going on among the filtered by score where the flagged run out "
         "(default), or pictures drawn at random"), 0},
        {"train", OPT_TRAIN, "never|gate|always", 0,
         N_("train on the answers after each round: not at all, with the gate of `assay train` to decide (default), or "
         "with a person who says yes where the gate leaves it to one"), 0},
        {"defect-rate", OPT_DEFECTS, "R", 0, N_("leave out defects until this share of the pictures is one"), 0},
        {"held-out", OPT_HELD, "R", 0, N_("share of the groups that is only measured on (default 0.3)"), 0},
        {"seed", OPT_SEED, "S", 0, N_("of what is held out, left out and drawn (default 1)"), 0},
        {"filter-rate", OPT_FILTER, "R", 0, N_("share of the normal pictures to filter (default 0.996)"), 1},
        {"target-recall", OPT_RECALL, "R", 0, N_("share of the defects that must be flagged, as for `assay screen`"), 1},
        {"severity", OPT_SEVERITY, "NAME=R", 0, N_("the same for one severity; may be repeated"), 1},
        {"base", OPT_BASE, "FILE|filter-bank", 0, N_("for pictures without a project: another base than the one inside the program"), 1},
        {"set", OPT_SET, "NAME=NUMBER", 0, N_("an option of training, as for `assay train`; may be repeated"), 1},
        {"resamples", OPT_RESAMPLES, "N", 0, N_("bootstrap draws of whole groups for the intervals (default 200)"), 1},
        {"threads", 'j', "N", 0, N_("pictures worked on at once (default: all cores)"), 1},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {
        table, parse, "TRUTH.csv",
        N_("What would assay have saved? Replays pictures whose answers are all known, as if a person had given them: "
        "everything is hidden at first, each round asks the next pictures, takes their answers from the table, makes a "
        "new filter, trains on them, and measures it on groups of pictures held out, which it never learns from."
        "\v"
        "TRUTH.csv is the table that `assay add --truth` takes: path, verdict (normal or defect) and, where known, class, "
        "severity and group, one line for each picture. Pictures of one thing must share a group, else the figures are "
        "too good. Below a project the pictures are those of the project, which is only read: its answers, scores and "
        "revisions stay as they are, and take no part. Elsewhere the files are taken as they are, in the scene that a "
        "column scene names. All work is in a folder below TMPDIR (or /tmp) that is removed at the end; it holds a few "
        "kilobytes for each picture."
        "\n\n"
        "Two kinds of interval at 95 %: exact (Clopper and Pearson), which takes pictures for independent, and by groups "
        "(bootstrap), which does not and says nothing where all or none is hit. With --json, one line for each round, as it ends."),
        NULL, NULL, NULL};
    struct simulate_options o = {.rounds = 5,
                                 .budgets = {40},
                                 .budget_count = 1,
                                 .train = SIMULATE_TRAIN_GATE,
                                 .seed = 1,
                                 .held_out = 0.3,
                                 .resamples = 200,
                                 .screen = {.flag_rate = 0.004, .threads = parallel_cores()}};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    signal(SIGPIPE, SIG_IGN); // its folder would stay
    enum status status = simulate_run(&o, &err);
    free(o.train_options);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
