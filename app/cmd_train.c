#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/people.h"
#include "app/rounds.h"
#include "app/train.h"
#include "app/trained.h"
#include "app/worker.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "db/model.h"
#include "db/project.h"
#include "db/round.h"
#include "db/scene.h"

enum { OPT_SCENE = OPT_OWN, OPT_INDUSTRY, OPT_FROM, OPT_ALONE, OPT_TRUTH, OPT_WAIT, OPT_NO_WAIT, OPT_SET, OPT_STRATEGY, OPT_STATUS,
       OPT_PAUSE, OPT_RESUME, OPT_CANCEL };
enum { RESTARTS = 3 }; // of a worker that ends while somebody waits for its round
enum action { TRAIN, STATUS, PAUSE, RESUME, CANCEL };

struct options {
    const char *scene, *from;
    bool industry, json, no_wait;
    enum action action;
    int threads;
    struct train_request request;
    char **sets;
};

// One at a time: none takes another's place.
static error_t act(struct argp_state *state, struct options *o, enum action action)
{
    if (o->action != TRAIN && o->action != action)
        argp_error(state, _("one of --status, --pause, --resume and --cancel at a time"));
    o->action = action;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_INDUSTRY: o->industry = true; return 0;
    case OPT_FROM: o->from = arg; return 0;
    case OPT_ALONE: o->request.no_from = true; return 0;
    case OPT_TRUTH: o->request.with_truth = true; return 0;
    case OPT_WAIT: o->no_wait = false; return 0;
    case OPT_NO_WAIT: o->no_wait = true; return 0;
    case OPT_SET:
        o->sets = xreallocarray(o->sets, o->request.option_count + 1, sizeof *o->sets);
        o->sets[o->request.option_count++] = arg;
        return 0;
    case OPT_STRATEGY:
        if (strategy_find(arg) < 0)
            argp_error(state, _("there is no strategy '%s'; `assay strategies` shows them"), arg);
        o->request.strategy = arg;
        return 0;
    case OPT_STATUS: return act(state, o, STATUS);
    case OPT_PAUSE: return act(state, o, PAUSE);
    case OPT_RESUME: return act(state, o, RESUME);
    case OPT_CANCEL: return act(state, o, CANCEL);
    case 'j': o->threads = (int)option_number(state, arg, "--threads", 1, 1024); return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    case ARGP_KEY_END:
        if (o->industry && o->scene)
            argp_error(state, _("--industry is over all scenes: leave --scene out"));
        if (o->from && o->request.no_from)
            argp_error(state, _("--from begins from a model, --alone from none: leave one of them out"));
        if (o->action != TRAIN && (o->from || o->request.no_from || o->request.with_truth || o->request.strategy || o->request.option_count > 0))
            argp_error(state, _("--status, --pause, --resume and --cancel are about a round that was begun: leave out what a new one learns from"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// ---- what is asked for ----

static enum status find_scene(struct project *project, const struct options *o, int64_t *id, struct error *err)
{
    struct scene scene;
    *id = 0;
    if (o->industry)
        return ST_OK;
    enum status status = project_scene(project, o->scene, &scene, err);
    if (status == ST_INVALID) {
        struct error why = *err;
        return error_set(err, status, "%s, or train over all of them with --industry", why.text);
    }
    if (status != ST_OK)
        return status;
    *id = scene.id;
    scene_clear(&scene);
    return ST_OK;
}

// A model that nobody here knows gets a row, so that the lineage says where it came from; nothing but what asks for it begins from it.
static enum status enter(struct project *project, const struct adapt_model *model, const char *from, struct error *err)
{
    const char *slash = strrchr(from, '/');
    json_t *j = json_pack("{s:s}", "file", from);
    char *dump = j ? json_dumps(j, JSON_COMPACT) : NULL; // a name that is no UTF-8 is not kept
    int64_t id;
    struct model_row row = {.notes = model->notes, .data = dump ? dump : (char[]){"{}"}};
    memcpy(row.sha256, model->sha256, HASH_HEX);
    memcpy(row.base_sha256, model->base_sha256, HASH_HEX);
    memcpy(row.parent, model->parent, HASH_HEX);
    char *name = text_cleaned(slash ? slash + 1 : from), *reason = xasprintf("a model of another project, from the file %s", name);
    enum status status = db_begin(project->db, err);
    if (status == ST_OK) {
        status = db_model_add(project->db, &row, NULL, 0, &id, err);
        if (status == ST_OK)
            status = db_model_decide(project->db, id, "foreign", reason, NULL, err);
        if (status == ST_OK)
            status = db_commit(project->db, err);
        else
            db_rollback(project->db);
    }
    free(reason);
    free(name);
    free(dump);
    json_decref(j);
    return status;
}

static enum status copy_in(struct project *project, const struct adapt_model *model, const char *from, struct error *err)
{
    unsigned char *bytes;
    size_t size;
    char *path = project_model(project, model->sha256);
    enum status status = file_read(from, (uint64_t)1 << 30, &bytes, &size, err);
    if (status == ST_OK) {
        status = file_write(path, bytes, size, err);
        free(bytes);
    }
    free(path);
    return status;
}

static enum status take_in(struct project *project, const char *from, const struct model_row *rows, size_t count, char sha256[HASH_HEX], struct error *err)
{
    struct net *net;
    struct adapt_model *model;
    const struct model_row *known;
    enum status status = project_net(project, NULL, &net, err);
    if (status != ST_OK)
        return status;
    status = adapt_open(from, net, &model, err);
    if (status == ST_NOT_FOUND)
        status = error_set(err, status, "%s: no model begins so and there is no such file; `assay models` shows the models", from);
    if (status == ST_CORRUPT)
        status = error_set(err, status, "%s: not a whole model: its content was altered or cut off; copy it anew from models/ of its project", from);
    if (status == ST_OK) {
        memcpy(sha256, model->sha256, HASH_HEX);
        status = copy_in(project, model, from, err);
        if (status == ST_OK && !trained_named(rows, count, sha256, 0, &known))
            status = enter(project, model, from, err);
        adapt_model_free(model);
    }
    net_free(net);
    return status;
}

// A file, or the first digits of a registered model: its SHA-256, and a copy of the file in models/.
static enum status find_model(struct project *project, const char *from, char sha256[HASH_HEX], struct error *err)
{
    struct model_row *rows;
    const struct model_row *row;
    size_t count;
    enum status status = db_model_list(project->db, &rows, &count, err);
    if (status != ST_OK)
        return status;
    size_t found = trained_named(rows, count, from, 0, &row);
    if (found == 1) {
        memcpy(sha256, row->sha256, HASH_HEX);
        status = trained_check(project, sha256, TRAINED_BEGIN, err);
    } else if (found > 1) {
        status = error_set(err, ST_INVALID, "more than one model begins with %s; give more digits", from);
    } else {
        status = take_in(project, from, rows, count, sha256, err);
    }
    model_free(rows, count);
    return status;
}

// ---- waiting ----

// started: a worker was just now, who may not be there yet.
static void print_round(const struct options *o, struct project *project, const struct round *round, bool started)
{
    char text[WORKER_TEXT];
    struct model_row model;
    struct error unused;
    bool alive = started || worker_lives(project);
    if (o->json) {
        print_json(worker_json(project->db, round, alive));
    } else {
        worker_text(project->db, round, alive, text);
        puts(text);
        if (round->state == ROUND_DONE && round->model && db_model_get(project->db, round->model, &model, &unused) == ST_OK) {
            char *share = trained_share(&model);
            printf("    %s\n", share);
            free(share);
            model_clear(&model);
        }
    }
}

static enum status tell_round(struct project *project, const struct options *o, int64_t id, struct error *err)
{
    struct round round;
    enum status status = db_round_get(project->db, id, &round, err);
    if (status == ST_OK) {
        print_round(o, project, &round, o->action != PAUSE && o->action != CANCEL);
        round_clear(&round);
    }
    return status;
}

static void show(struct project *project, const struct round *round, bool terminal, bool end, char last[WORKER_TEXT])
{
    char text[WORKER_TEXT];
    worker_text(project->db, round, true, text);
    if (terminal)
        fprintf(stderr, "\r\033[K%s%s", end ? "" : text, end ? "" : "\r");
    else if (!end && strcmp(text, last) != 0)
        fprintf(stderr, "%s\n", text);
    memcpy(last, text, WORKER_TEXT);
}

// Not while another program holds the database: no worker can take the place then, and the one that was started waits for it.
static enum status start_again(struct project *project, const struct options *o, int64_t id, int *restarts, struct error *err)
{
    struct error held;
    enum status status = db_begin(project->db, &held);
    if (status == ST_OK)
        db_rollback(project->db);
    if (status == ST_BUSY)
        return ST_OK;
    return (*restarts)++ < RESTARTS
               ? worker_spawn(project, o->threads, err)
               : error_set(err, ST_IO, "round %lld stands still: its worker ended %d times; cache/worker.log says why, `assay train --resume` tries again",
                           (long long)id, *restarts);
}

static enum status wait_for(struct project *project, const struct options *o, int64_t id, struct error *err)
{
    bool terminal = isatty(STDERR_FILENO), open = true;
    char last[WORKER_TEXT] = "";
    double shown = 0, gone = 0;
    int restarts = 0;
    struct round round = {0};
    enum status status = ST_OK;
    while (status == ST_OK && open && !stop_asked(NULL)) {
        round_clear(&round);
        status = db_round_get(project->db, id, &round, err);
        if (status != ST_OK)
            break;
        open = round.state == ROUND_QUEUED || round.state == ROUND_RUNNING;
        if (!o->json && clock_seconds() - shown >= (terminal ? 0.3 : 5)) {
            show(project, &round, terminal, false, last);
            shown = clock_seconds();
        }
        bool alive = worker_lives(project);
        gone = alive ? 0 : gone ? gone : clock_seconds();
        if (open && gone && clock_seconds() - gone > 5) { // it was killed: another goes on
            status = start_again(project, o, id, &restarts, err);
            gone = 0;
        }
        if (open)
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    if (!o->json && terminal)
        show(project, &round, true, true, last);
    if (status == ST_OK && open) {
        fprintf(stderr, _("assay: the worker goes on; `assay train --status` tells, --pause and --cancel stop it\n"));
    } else if (status == ST_OK) {
        if (round.state == ROUND_DONE || o->json)
            print_round(o, project, &round, false);
        if (round.state != ROUND_DONE) {
            worker_text(project->db, &round, true, last);
            status = error_set(err, ST_CANCELLED, "%s", last);
        }
    }
    round_clear(&round);
    return status;
}

// ---- the actions ----

static enum status train(struct project *project, struct options *o, struct error *err)
{
    char sha256[HASH_HEX] = "", *text;
    int64_t scene, id;
    enum status status = find_scene(project, o, &scene, err);
    if (status == ST_OK && o->from)
        status = find_model(project, o->from, sha256, err);
    char *who = person_now(project, NULL);
    o->request.who = who;
    o->request.from = sha256;
    o->request.options = o->sets;
    if (status == ST_OK)
        status = train_request_text(&o->request, &text, err);
    free(who);
    if (status != ST_OK)
        return status;
    status = db_round_add(project->db, scene, text, &id, err);
    free(text);
    if (status == ST_OK)
        status = worker_spawn(project, o->threads, err);
    if (status != ST_OK)
        return status;
    return o->no_wait ? tell_round(project, o, id, err) : wait_for(project, o, id, err);
}

static enum status change(struct project *project, struct options *o, struct error *err)
{
    struct round round;
    int64_t scene = -1;
    enum status status = ST_OK;
    if (o->scene || o->industry)
        status = find_scene(project, o, &scene, err);
    if (status != ST_OK)
        return status;
    status = db_round_latest(project->db, scene, o->action == RESUME ? ROUND_PAUSED : ROUND_RUNNING, &round, err);
    if (status == ST_NOT_FOUND)
        return error_set(err, status, "there was no round of training yet; `assay train` begins one");
    if (status != ST_OK)
        return status;
    if (o->action == STATUS) {
        print_round(o, project, &round, false);
    } else {
        bool working = round.state == ROUND_RUNNING && worker_lives(project);
        char *who = person_now(project, NULL);
        status = rounds_ask(project, &round, o->action == PAUSE    ? ROUNDS_PAUSE
                                             : o->action == RESUME ? ROUNDS_RESUME
                                                                   : ROUNDS_CANCEL,
                            o->threads, who, err);
        free(who);
        if (status == ST_OK && o->action == RESUME && !o->no_wait)
            status = wait_for(project, o, round.id, err);
        else if (status == ST_OK && working && o->action != RESUME && !o->json)
            printf(o->action == PAUSE ? _("round %lld: it pauses after this step\n") : _("round %lld: it ends after this step\n"), (long long)round.id);
        else if (status == ST_OK)
            status = tell_round(project, o, round.id, err);
    }
    round_clear(&round);
    return status;
}

int cmd_train(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("the scene to train (needed where there are several)"), 0},
        {"industry", OPT_INDUSTRY, NULL, 0, N_("one model over the answers of all scenes; theirs begin from it then"), 0},
        {"from", OPT_FROM, "MODEL", 0, N_("begin from this model: first digits of one in `assay models`, or a file of another project with the same base"), 0},
        {"alone", OPT_ALONE, NULL, 0, N_("begin from nothing, though there is an industry model"), 0},
        {"with-truth", OPT_TRUTH, NULL, 0, N_("learn from answers that were imported as known, too; they prove nothing then"), 0},
        {"set", OPT_SET, "NAME=NUMBER", 0, N_("an option of the training itself; a wrong name lists them all; `assay strategies` learns nothing from such a round"), 0},
        {"strategy", OPT_STRATEGY, "NAME", 0, N_("one of `assay strategies` (default: the most promising; with --set, the standard one)"), 0},
        {"wait", OPT_WAIT, NULL, 0, N_("show how it goes until it ends (the default); ^C stops the showing only"), 0},
        {"no-wait", OPT_NO_WAIT, NULL, 0, N_("return at once"), 0},
        {"threads", 'j', "N", 0, N_("cores that the worker may use (default: all)"), 0},
        {"status", OPT_STATUS, NULL, 1, N_("tell of the round that runs, else of the latest"), 1},
        {"pause", OPT_PAUSE, NULL, 0, N_("stop it for now"), 1},
        {"resume", OPT_RESUME, NULL, 0, N_("go on with it"), 1},
        {"cancel", OPT_CANCEL, NULL, 0, N_("give it up"), 1},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL,
                                     N_("Learn from the answers: train an adapter of the base and what lies over it, score the scene "
                                     "with it, compare it with what is active, and promote it if it is better. A worker does it in "
                                     "the background, on what the answers are at that moment."), NULL, NULL, NULL};
    struct options o = {0};
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    enum status status = project_open(NULL, &project, &err);
    if (status == ST_OK) {
        status = o.action == TRAIN ? train(&project, &o, &err) : change(&project, &o, &err);
        project_close(&project);
    }
    free(o.sets);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
