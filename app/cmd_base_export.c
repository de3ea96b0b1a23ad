#include "config.h"

#include <string.h>

#include "app/app.h"
#include "app/cmd_base.h"
#include "app/project.h"
#include "nn/net_elastic.h"
#include "nn/onnx.h"

enum { OPT_ONNX = OPT_OWN, OPT_SAFETENSORS, OPT_BASE, OPT_HALF };

struct options {
    const char *onnx, *safetensors, *base;
    bool half, json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_ONNX:
        o->onnx = arg;
        return 0;
    case OPT_SAFETENSORS:
        o->safetensors = arg;
        return 0;
    case OPT_BASE:
        o->base = arg;
        return 0;
    case OPT_HALF:
        o->half = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, _("takes no argument '%s'"), arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->onnx && !o->safetensors)
            argp_error(state, _("name the file to write: --onnx FILE or --safetensors FILE"));
        if (o->half && !o->safetensors)
            argp_error(state, _("--half goes with --safetensors"));
        if (o->onnx && o->safetensors && strcmp(o->onnx, o->safetensors) == 0)
            argp_error(state, _("--onnx and --safetensors must name two files"));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status write_own(const struct tensor_file *file, const struct net *net, const char *path, bool half,
                             struct error *err)
{
    char sha256[HASH_HEX];
    struct tensor_writer *writer = tensor_writer_new();
    net_put(net, writer, half);
    enum status status = elastic_copy(file, net, writer, err);
    if (status == ST_OK)
        status = tensor_write(writer, path, NULL, sha256, err);
    tensor_writer_free(writer);
    return status;
}

static enum status report(const struct options *o, const struct net *net, struct error *err)
{
    json_t *files = json_array();
    const char *const paths[] = {o->onnx, o->safetensors};
    enum status status = ST_OK;
    for (size_t i = 0; i < sizeof paths / sizeof *paths && status == ST_OK; i++) {
        char sha256[HASH_HEX];
        uint64_t size;
        if (!paths[i])
            continue;
        status = hash_file(paths[i], sha256, &size, err);
        if (status == ST_OK && !o->json)
            printf(_("%s: base %s, %llu bytes\n"), paths[i], net->plan.name, (unsigned long long)size);
        if (status == ST_OK)
            json_array_append_new(files, json_pack("{s:s, s:s, s:I}", "path", paths[i], "sha256", sha256,
                                                   "bytes", (json_int_t)size));
    }
    if (status == ST_OK && o->json)
        print_json(json_pack("{s:s, s:I, s:O}", "base", net->plan.name, "parameters",
                             (json_int_t)net_parameters(net), "files", files));
    json_decref(files);
    return status;
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    struct error unused;
    struct net *net = NULL;
    bool inside = project_open(NULL, &project, &unused) == ST_OK;
    if (!inside && unused.code != ST_NOT_FOUND)
        return error_set(err, unused.code, "%s", unused.text);
    struct tensor_file *file = NULL;
    enum status status = project_weights(inside ? &project : NULL, o->base, &file, err);
    if (status == ST_OK)
        status = net_read(file, &net, err);
    if (status == ST_OK && o->onnx)
        status = onnx_write(net, o->onnx, err);
    if (status == ST_OK && o->safetensors)
        status = write_own(file, net, o->safetensors, o->half, err);
    if (status == ST_OK)
        status = report(o, net, err);
    net_free(net);
    tensor_close(file);
    if (inside)
        project_close(&project);
    return status;
}

int cmd_base_export(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"onnx", OPT_ONNX, "FILE", 0, N_("as an ONNX model: rgb (1, 3, rows, cols) in, tap0 and tap1 out"), 0},
        {"safetensors", OPT_SAFETENSORS, "FILE", 0, N_("as a weight file of this program"), 0},
        {"half", OPT_HALF, NULL, 0, N_("weights of the weight file in half precision"), 0},
        {"base", OPT_BASE, "BASE", 0,
         N_("which: first digits of its SHA-256, a file, or 'embedded' (default: the project's, else the embedded one)"),
         0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, NULL,  N_("Write a base as a weight file or as an ONNX model."),
                                     NULL,  NULL,  NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
