#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/app.h"
#include "app/cmd_base.h"
#include "app/frontier.h"
#include "app/layout.h"
#include "app/screening.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

enum { OPT_MS = OPT_OWN, OPT_PARAMETERS, OPT_MB, OPT_BASE, OPT_IMAGES, OPT_OUT, OPT_USE, OPT_MEASURE };

struct options {
    struct frontier_limit limit;
    const char *base, *out;
    struct frontier_request request;
    bool use, json;
};

struct written {
    char name[64], sha256[HASH_HEX];
    char *path; // of the file for people, NULL when it is in models/ only
    uint64_t bytes;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    bool limited = o->limit.ms > 0 || o->limit.parameters > 0 || o->limit.megabytes > 0;
    switch (key) {
    case OPT_JSON:
        o->json = o->request.quiet = true;
        return 0;
    case OPT_MS:
        o->limit.ms = option_real(state, arg, "--latency-ms", 1e-6, 1e6);
        return 0;
    case OPT_PARAMETERS:
        o->limit.parameters = option_number(state, arg, "--parameters", 1, INT64_MAX);
        return 0;
    case OPT_MB:
        o->limit.megabytes = option_real(state, arg, "--size-mb", 1e-6, 1e6);
        return 0;
    case OPT_BASE:
        o->base = arg;
        return 0;
    case OPT_IMAGES:
        o->request.images = arg;
        return 0;
    case OPT_OUT:
        o->out = arg;
        return 0;
    case OPT_USE:
        o->use = true;
        return 0;
    case OPT_MEASURE:
        o->request.measure = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, _("takes no argument '%s'"), arg);
        return 0;
    case ARGP_KEY_END:
        if ((o->out || o->use) && !limited)
            argp_error(state, _("say how small: --latency-ms X, --parameters N or --size-mb S"));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- the file ----

static char *default_path(const char *name)
{
    char *path = xasprintf("base-%s.safetensors", name);
    for (char *p = path; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
            *p = '-';
    return path;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum status put(struct project *project, const struct options *o, const struct net *net,
                       const struct tensor_file *from, const struct frontier *f, struct written *w,
                       struct error *err)
{
    struct tensor_writer *writer = tensor_writer_new();
    char *models = project ? file_join(project->dir, "models") : NULL;
    enum status status = ST_OK;
    frontier_put(net, f, writer);
    if (w->path && same_file(w->path, tensor_path(from)))
        status =
            error_set(err, ST_INVALID, "%s: this is the base to cut from; write to another file", w->path);
    if (status == ST_OK && w->path)
        status = tensor_write(writer, w->path, NULL, w->sha256, err);
    if (status == ST_OK && o->use)
        status = tensor_write(writer, NULL, models, w->sha256, err);
    if (status == ST_OK && o->use)
        status = screening_change_base(project, w->sha256, err);
    free(models);
    tensor_writer_free(writer);
    return status;
}

static enum status extract(struct project *project, const struct options *o, const struct tensor_file *file,
                           const struct frontier *f, const struct frontier_row *row, struct written *w,
                           struct error *err)
{
    struct net *net;
    struct base *base;
    char hash[HASH_HEX];
    enum status status = frontier_net(file, row, &net, err);
    if (status != ST_OK)
        return status;
    memcpy(w->name, net->plan.name, sizeof w->name);
    if (o->out || !o->use)
        w->path = o->out ? xstrdup(o->out) : default_path(w->name);
    status = base_new(net, &base, err); // what is written can be used
    if (status == ST_OK) {
        base_free(base);
        status = put(project, o, net, file, f, w, err);
    }
    net_free(net);
    if (status != ST_OK)
        return status;
    char *path = w->path ? xstrdup(w->path) : project_model(project, w->sha256);
    status = hash_file(path, hash, &w->bytes, err);
    free(path);
    return status;
}

// ---- what it says ----

static void print_row(const struct frontier_row *row, const struct frontier_row *chosen)
{
    printf("%c%c %5.2f %12d %5d %11lld %6.2f %8.2f %8.3f\n", row == chosen ? '>' : ' ', row->best ? '*' : ' ',
           row->cut.width, row->cut.depth, row->side, row->parameters, row->megabytes, row->ms, row->quality);
}

static void print_table(const struct frontier *f, const struct frontier_row *chosen)
{
    static const char *const parts[] = {N_("a quarter of"), N_("half of"), N_("all of")};
    static const double shares[] = {0.25, 0.5, 1};
    char *machine = stored_text(f->machine), *pictures = stored_text(f->pictures);
    printf(_("%s (%.12s) on %s\n"), f->base, f->sha256, machine);
    printf(_("ms: one picture, one thread; quality: AUROC of synthetic flaws, %s; * no other is as good and faster\n\n"),
           pictures);
    free(machine);
    free(pictures);
    printf("   %*s %*s %*s %*s %6s %8s %*s\n", CELL(_("width"), 5), CELL(_("blocks fewer"), 12), CELL(_("side"), 5),
           CELL(_("parameters"), 11), "MB", "ms", CELL(_("quality"), 8));
    for (int i = 0; i < f->count; i++)
        print_row(&f->rows[i], chosen);
    const struct frontier_row *whole = frontier_whole(f), *row;
    for (size_t i = 0; whole && i < sizeof shares / sizeof *shares; i++)
        if (frontier_choose(f, &(struct frontier_limit){.ms = shares[i] * whole->ms}, &row, NULL) == ST_OK)
            printf(_("%sBest for %s the whole network's %.2f ms: width %g, %d blocks fewer, side %d: %.2f ms, quality "
                     "%.3f.\n"),
                   i ? "" : "\n", _(parts[i]), whole->ms, row->cut.width, row->cut.depth, row->side, row->ms,
                   row->quality);
}

static void print_kept(const struct frontier_report *report, const struct frontier *f)
{
    if (report->reused)
        printf(_("This was measured before and is kept in %s; --measure measures anew.\n"), report->path);
    else if (report->path)
        printf(_("Measured in %.0f s; kept in %s.\n"), f->seconds, report->path);
    else
        printf(_("Measured in %.0f s; there is no folder to keep it in (set HOME).\n"), f->seconds);
}

static void print_written(const struct options *o, const struct frontier_row *row, const struct written *w)
{
    printf(_("\n%s: width %g, %d blocks fewer, side %d; %lld parameters, %llu bytes, SHA-256 %.12s.\n"),
           w->path ? w->path : w->name, row->cut.width, row->cut.depth, row->side, row->parameters,
           (unsigned long long)w->bytes, w->sha256);
    if (o->use)
        printf(_("It is the project's base now, and new scenes have size %d (`assay scene NAME --size %d` changes one that "
                 "exists).\nScenes must be screened again with it: run `assay screen`.\n"),
               row->side, row->side);
    if (o->use)
        return;
    char *file = text_quoted(w->path);
    printf(_("Use it in a new project with `assay init DIR --base %s`, in an old one with `assay base import %s "
             "--use`.\n"),
           file, file);
    free(file);
}

static void print_all(const struct options *o, const struct frontier *f, const struct frontier_report *report,
                      const struct frontier_row *chosen, const struct written *w)
{
    char *text = frontier_text(f);
    json_t *out = json_loads(text, 0, NULL);
    free(text);
    json_object_set_new(out, "reused", json_boolean(report->reused));
    json_object_set_new(out, "kept", report->path ? json_string(report->path) : json_null());
    if (chosen) {
        json_t *row =
            json_deep_copy(json_array_get(json_object_get(out, "rows"), (size_t)(chosen - f->rows)));
        json_object_set_new(row, "name", json_string(w->name));
        json_object_set_new(row, "path", w->path ? json_string(w->path) : json_null());
        json_object_set_new(row, "sha256", json_string(w->sha256));
        json_object_set_new(row, "bytes", json_integer((json_int_t)w->bytes));
        json_object_set_new(row, "in_use", json_boolean(o->use));
        json_object_set_new(out, "chosen", row);
    }
    print_json(out);
}

// ---- the command ----

static enum status run_on(struct project *project, const struct options *o, const struct tensor_file *file,
                          struct error *err)
{
    struct frontier *f = xcalloc(1, sizeof *f);
    struct frontier_report report;
    const struct frontier_row *chosen = NULL;
    struct written written = {0};
    bool limited = o->limit.ms > 0 || o->limit.parameters > 0 || o->limit.megabytes > 0;
    enum status status = frontier_get(project, file, &o->request, f, &report, err);
    if (status != ST_OK) {
        free(f);
        return status;
    }
    if (limited)
        status = frontier_choose(f, &o->limit, &chosen, err);
    if (!o->json) {
        print_table(f, chosen);
        print_kept(&report, f);
    }
    if (status == ST_OK && chosen)
        status = extract(project, o, file, f, chosen, &written, err);
    if (status == ST_OK && o->json)
        print_all(o, f, &report, chosen, &written);
    else if (status == ST_OK && chosen)
        print_written(o, chosen, &written);
    fflush(stdout);
    free(written.path);
    free(report.path);
    free(f);
    return status;
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    struct error unused;
    struct tensor_file *file;
    bool inside = project_open(NULL, &project, &unused) == ST_OK;
    if (!inside && (o->use || unused.code != ST_NOT_FOUND))
        return error_set(err, unused.code, "%s", unused.text);
    enum status status = project_weights(inside ? &project : NULL, o->base, &file, err);
    if (status == ST_OK) {
        status = run_on(inside ? &project : NULL, o, file, err);
        tensor_close(file);
    }
    if (inside)
        project_close(&project);
    return status;
}

int cmd_base_extract(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"latency-ms", OPT_MS, "X", 0, N_("at most X milliseconds a picture on this machine, one thread"), 0},
        {"parameters", OPT_PARAMETERS, "N", 0, N_("at most N parameters"), 0},
        {"size-mb", OPT_MB, "S", 0, N_("a file of at most S megabytes"), 0},
        {"base", OPT_BASE, "BASE", 0,
         N_("the elastic base: first digits of its SHA-256, a file, or 'embedded' (default: the project's, else the "
            "embedded one)"),
         1},
        {"images", OPT_IMAGES, "PROJECT", 0,
         N_("compare on this project's pictures believed normal (regions of interest, without ignore masks) instead of "
            "the demo's"),
         1},
        {"measure", OPT_MEASURE, NULL, 0,
         N_("measure anew, even if the table of this base and machine is kept"), 1},
        {"out", OPT_OUT, "FILE", 0,
         N_("write here (default: base-NAME.safetensors, with --use to the project only)"), 2},
        {"use", OPT_USE, NULL, 0, N_("make it this project's base; scenes must then be screened again"), 2},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {
        table,
        parse,
        NULL,
        N_("Cut a smaller base out of an elastic one, without training: the best within the limits asked, of every smaller "
           "network in the file at every input side. What each costs is measured on this machine, how good it is on pictures "
           "with synthetic flaws. Without a limit the table is shown and nothing is written."),
        NULL,
        NULL,
        NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    stop_on_signals();
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
