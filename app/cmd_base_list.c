#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/cmd_base.h"
#include "app/layout.h"
#include "app/project.h"
#include "base/alloc.h"
#include "base/file.h"
#include "nn/embedded.h"
#include "nn/net_import.h"

struct row {
    char name[64], sha256[HASH_HEX];
    long long parameters;
    uint64_t bytes;
    int channels[NET_TAPS]; // at stride 8, at stride 16
    bool in_use, embedded, here;
};

struct list {
    struct row *rows;
    size_t count;
    json_t *problems;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;
    switch (key) {
    case OPT_JSON:
        *json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, _("takes no argument '%s'"), arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static struct row *find(struct list *list, const char *sha256)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].sha256, sha256) == 0)
            return &list->rows[i];
    return NULL;
}

static struct row *add(struct list *list)
{
    list->rows = xreallocarray(list->rows, list->count + 1, sizeof *list->rows);
    list->rows[list->count] = (struct row){0};
    return &list->rows[list->count++];
}

static enum status add_net(struct list *list, const struct tensor_file *file, uint64_t bytes, bool embedded,
                           struct error *err)
{
    struct net *net;
    enum status status = net_read(file, &net, err);
    if (status != ST_OK)
        return status;
    struct row *row = find(list, net->sha256);
    if (!row)
        row = add(list);
    snprintf(row->name, sizeof row->name, "%s", net->plan.name);
    memcpy(row->sha256, net->sha256, sizeof row->sha256);
    row->parameters = net_parameters(net);
    row->bytes = bytes;
    row->embedded = row->embedded || embedded;
    row->here = row->here || !embedded;
    for (int i = 0; i < net->plan.count; i++)
        if (net->plan.blocks[i].tap >= 0)
            row->channels[net->plan.blocks[i].tap] = net->plan.blocks[i].to;
    net_free(net);
    return ST_OK;
}

static enum status add_embedded(struct list *list, struct error *err)
{
    const unsigned char *bytes;
    size_t count;
    struct tensor_file *file;
    enum status status = embedded_base(&bytes, &count, NULL, err);
    if (status == ST_OK)
        status = tensor_open_bytes(bytes, count, EMBEDDED_NAME, &file, err);
    if (status != ST_OK)
        return status;
    status = add_net(list, file, count, true, err);
    tensor_close(file);
    return status;
}

// What was learned on top of a base lies in the same folder and is no network.
static enum status add_file(struct list *list, const char *path, struct error *err)
{
    struct tensor_file *file;
    char unused[HASH_HEX];
    uint64_t bytes;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    status = tensor_check_name(file, err);
    if (status == ST_OK && net_format(file)) {
        status = hash_file(path, unused, &bytes, err);
        if (status == ST_OK)
            status = add_net(list, file, bytes, false, err);
    }
    tensor_close(file);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_models(struct list *list, const struct project *project)
{
    static const char end[] = ".safetensors";
    char *folder = file_join(project->dir, "models"), **paths = NULL;
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name), k = sizeof end - 1;
        if (n <= k || e->d_name[0] == '.' || strcmp(e->d_name + n - k, end) != 0)
            continue;
        paths = xreallocarray(paths, count + 1, sizeof *paths);
        paths[count++] = file_join(folder, e->d_name);
    }
    if (dir)
        closedir(dir);
    if (count)
        qsort(paths, count, sizeof *paths, by_name);
    for (size_t i = 0; i < count; i++) {
        struct error why;
        if (add_file(list, paths[i], &why) != ST_OK)
            json_array_append_new(list->problems, json_string(why.text));
        free(paths[i]);
    }
    free(paths);
    free(folder);
}

static enum status add_project(struct list *list, const struct project *project, struct error *err)
{
    char *name;
    enum status status = project_base_name(project, &name, err);
    if (status != ST_OK)
        return status;
    add_models(list, project);
    struct row *row = find(list, name);
    if (row && row->here) {
        row->in_use = true;
    } else if (strcmp(name, BASE_FILTERS) == 0) {
        struct base *base;
        status = base_open(NULL, &base, err);
        if (status == ST_OK) {
            const struct base_info *info = base_info(base);
            row = add(list);
            *row = (struct row){.in_use = true, .channels = {info->channels[0], info->channels[1]}};
            memcpy(row->name, info->name, sizeof row->name);
            memcpy(row->sha256, info->sha256, sizeof row->sha256);
            base_free(base);
        }
    } else {
        struct error text;
        error_set(&text, ST_CORRUPT,
                  "%s/models: the project's base %.12s... is missing or damaged; put it back", project->dir,
                  name);
        json_array_append_new(list->problems, json_string(text.text));
    }
    free(name);
    return status;
}

static void print(const struct list *list)
{
    size_t i;
    json_t *text;
    printf("%-*s %*s %*s %*s  %-12s  %s\n", CELL(_("base"), 28), CELL(_("parameters"), 10), CELL(_("size"), 8),
           CELL(_("taps"), 9), "SHA-256", _("where"));
    for (i = 0; i < list->count; i++) {
        const struct row *r = &list->rows[i];
        char size[16], taps[24];
        snprintf(size, sizeof size, r->bytes ? "%.1f MB" : "-", (double)r->bytes / 1e6);
        snprintf(taps, sizeof taps, "%d + %d", r->channels[0], r->channels[1]);
        const char *where = r->in_use ? _("in use") : r->here ? _("in this project") : _("inside the program");
        printf("%-28s %10lld %8s %9s  %.12s  %s%s\n", r->name, r->parameters, size, taps, r->sha256, where,
               r->embedded && r->here ? _(", inside the program") : "");
    }
    json_array_foreach(list->problems, i, text) printf(_("problem: %s\n"), json_string_value(text));
}

static void print_rows(const struct list *list)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct row *r = &list->rows[i];
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:I, s:I, s:[i, i], s:b, s:b, s:b}", "name", r->name,
                                        "sha256", r->sha256, "parameters", (json_int_t)r->parameters, "bytes",
                                        (json_int_t)r->bytes, "taps", r->channels[0], r->channels[1],
                                        "in_use", r->in_use, "in_project", r->here, "embedded", r->embedded));
    }
    print_json(json_pack("{s:o, s:O}", "bases", rows, "problems", list->problems));
}

int cmd_base_list(int argc, char **argv)
{
    static const struct argp_option table[] = {OPTION_JSON, {0}};
    static const struct argp argp = {
        table, parse, NULL, N_("List the bases of this project and the one inside the program."), NULL, NULL, NULL};
    bool json = false;
    struct project project;
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &json);
    bool inside = project_open(NULL, &project, &err) == ST_OK;
    if (!inside && err.code != ST_NOT_FOUND)
        return fail(&err);
    struct list list = {.problems = json_array()};
    enum status status = add_embedded(&list, &err);
    if (status != ST_OK)
        json_array_append_new(list.problems, json_string(err.text));
    status = inside ? add_project(&list, &project, &err) : ST_OK;
    if (inside)
        project_close(&project);
    bool sound = json_array_size(list.problems) == 0;
    if (status == ST_OK && json)
        print_rows(&list);
    else if (status == ST_OK)
        print(&list);
    json_decref(list.problems);
    free(list.rows);
    if (status != ST_OK)
        return fail(&err);
    return sound ? EXIT_OK : EXIT_FAILED;
}
