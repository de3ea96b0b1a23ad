#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/cmd_base.h"
#include "app/project.h"
#include "app/screening.h"
#include "base/file.h"
#include "base/text.h"
#include "nn/net_import.h"

enum { OPT_USE = OPT_OWN };

struct options {
    const char *file;
    bool use, json;
};

struct taken {
    char name[HASH_HEX]; // as project_take_base says
    char format[80];
    char *before; // base in use so far
};

static bool is_word(const char *file)
{
    return strcmp(file, BASE_EMBEDDED) == 0 || strcmp(file, BASE_FILTERS) == 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_USE:
        o->use = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, _("one file only"));
        o->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->file)
            argp_error(state, _("name the weight file"));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// A network with foreign names, written with ours. The file is read twice: base_open refuses what could not
// be used, whatever the names.
static enum status convert(const struct project *project, const struct tensor_file *file, char name[HASH_HEX],
                           struct error *err)
{
    struct net *net;
    struct base *base;
    enum status status = base_open(tensor_path(file), &base, err);
    if (status != ST_OK)
        return status;
    base_free(base);
    status = net_read(file, &net, err);
    if (status != ST_OK)
        return status;
    struct tensor_writer *writer = tensor_writer_new();
    char *models = file_join(project->dir, "models");
    net_put(net, writer, false);
    tensor_put_meta(writer, "imported_from", tensor_sha256(file));
    status = tensor_write(writer, NULL, models, name, err);
    free(models);
    tensor_writer_free(writer);
    net_free(net);
    return status;
}

static enum status take_file(const struct project *project, const char *path, struct taken *t,
                             struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    const char *format = net_format(file), *architecture = tensor_meta(file, "architecture");
    bool own = architecture && strcmp(architecture, NET_FORMAT) == 0;
    snprintf(t->format, sizeof t->format, "%s", format ? format : "");
    status = tensor_check_name(file, err);
    if (status == ST_OK)
        status = own ? project_take_base(project, path, t->name, err) : convert(project, file, t->name, err);
    tensor_close(file);
    return status;
}

static enum status report(const struct project *project, const struct options *o, const struct taken *t,
                          struct error *err)
{
    struct base *base;
    char *path = project_model(project, t->name);
    bool filters = strcmp(t->name, BASE_FILTERS) == 0, was = strcmp(t->name, t->before) == 0;
    enum status status = base_open(filters ? NULL : path, &base, err); // what was written can be used
    if (status != ST_OK) {
        free(path);
        return status;
    }
    const struct base_info *info = base_info(base);
    if (o->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:I, s:b, s:b}", "base", info->name, "sha256", info->sha256,
                             "format", t->format, "parameters", (json_int_t)info->parameters, "in_use",
                             was || o->use, "screen_again", o->use && !was));
    } else {
        printf(_("%s: %s, %lld parameters; base %s of this project, SHA-256 %.12s.\n"), o->file, _(t->format),
               info->parameters, info->name, info->sha256);
        if (was)
            puts(_("It is the project's base already."));
        else if (o->use)
            puts(_("It is the project's base now. Scenes must be screened again with it: run `assay screen`. Until then\n"
                   "the review shows what the base before it found; answers stay."));
        else {
            char *file = text_quoted(o->file), *base_file = text_quoted(is_word(o->file) ? o->file : path);
            printf(_("Use it here with `assay base import %s --use`, in a new project with `assay init DIR --base %s`.\n"), file, base_file);
            free(base_file);
            free(file);
        }
    }
    base_free(base);
    free(path);
    return ST_OK;
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    struct taken taken = {0};
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    status = project_base_name(&project, &taken.before, err);
    if (status == ST_OK && is_word(o->file)) {
        snprintf(taken.format, sizeof taken.format, N_("part of the program"));
        status = project_take_base(&project, o->file, taken.name, err);
    } else if (status == ST_OK) {
        status = take_file(&project, o->file, &taken, err);
    }
    if (status == ST_OK && o->use && strcmp(taken.name, taken.before) != 0)
        status = screening_change_base(&project, taken.name, err);
    if (status == ST_OK)
        status = report(&project, o, &taken, err);
    free(taken.before);
    project_close(&project);
    return status;
}

int cmd_base_import(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"use", OPT_USE, NULL, 0, N_("make it the project's base; scenes must then be screened again"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {
        table,
        parse,
        "FILE|embedded|filter-bank",
        N_("Take a weight file (safetensors) into the project: a network of this program, or a MobileNet v1 with the "
           "names of Keras or of timm. It is checked, and kept in models/ under its SHA-256."),
        NULL,
        NULL,
        NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
