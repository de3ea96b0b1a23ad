#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/net_elastic.h"

enum status elastic_list(const struct tensor_file *file, struct net_cut cuts[ELASTIC_CUTS], int *count,
                         struct error *err)
{
    const char *text = tensor_meta(file, "cuts");
    *count = 0;
    if (!text)
        return ST_OK;
    json_t *list = json_loads(text, 0, NULL);
    bool good = json_is_array(list) && json_array_size(list) <= ELASTIC_CUTS;
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        struct net_cut *cut = &cuts[*count];
        good = json_unpack(json_array_get(list, i), "{s:F, s:i}", "width", &cut->width, "depth", &cut->depth) == 0 &&
               cut->width > 0 && cut->width <= 1 && cut->depth >= 0 && cut->depth <= NET_BLOCKS;
        *count += good;
    }
    json_decref(list);
    return good ? ST_OK
                : error_set(err, ST_INVALID, "%s: metadata \"cuts\" does not list smaller networks", tensor_path(file));
}

enum status elastic_read(const struct tensor_file *file, const struct net *net, int index, struct net **out,
                         struct error *err)
{
    struct net_cut cuts[ELASTIC_CUTS];
    struct net_plan plan;
    int count;
    enum status status = elastic_list(file, cuts, &count, err);
    if (status != ST_OK)
        return status;
    if (index < 0 || index >= count)
        return error_set(err, ST_NOT_FOUND, "%s: it has %d smaller networks, no number %d", tensor_path(file), count,
                         index);
    net_cut_plan(&net->plan, &cuts[index], &plan);
    if ((status = net_plan_check(&plan, err)) != ST_OK)
        return status;
    struct net *small = net_new(&plan);
    net_cut_gather(net, &cuts[index], small);
    for (int i = 0; i < small->tensor_count && status == ST_OK; i++) {
        struct net_tensor *t = &small->tensors[i];
        if (t->role != NET_STATISTIC)
            continue;
        char *name = xasprintf("cut.%d.%s", index, t->name);
        float *values;
        status = tensor_read(file, name, t->shape, &values, err);
        if (status == ST_OK) {
            memcpy(t->values, values, t->count * sizeof *values);
            free(values);
        }
        free(name);
    }
    if (status != ST_OK)
        net_free(small);
    else
        *out = small;
    return status;
}

void elastic_put(struct tensor_writer *writer, const struct net_cut *cuts, struct net *const *smalls, int count)
{
    json_t *list = json_array();
    for (int c = 0; c < count; c++) {
        json_array_append_new(list, json_pack("{s:f, s:i}", "width", cuts[c].width, "depth", cuts[c].depth));
        for (int i = 0; i < smalls[c]->tensor_count; i++) {
            const struct net_tensor *t = &smalls[c]->tensors[i];
            if (t->role != NET_STATISTIC)
                continue;
            char *name = xasprintf("cut.%d.%s", c, t->name);
            tensor_put(writer, name, t->shape, t->values);
            free(name);
        }
    }
    char *text = json_dumps(list, JSON_COMPACT);
    tensor_put_meta(writer, "cuts", text);
    free(text);
    json_decref(list);
}

enum status elastic_copy(const struct tensor_file *file, const struct net *net, struct tensor_writer *writer,
                         struct error *err)
{
    static const char *const keys[] = {"training", "imported_from", "cut_from", "frontier"};
    struct net_cut cuts[ELASTIC_CUTS];
    struct net *smalls[ELASTIC_CUTS];
    int count, read = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (tensor_meta(file, keys[i]))
            tensor_put_meta(writer, keys[i], tensor_meta(file, keys[i]));
    enum status status = elastic_list(file, cuts, &count, err);
    while (status == ST_OK && read < count) {
        status = elastic_read(file, net, read, &smalls[read], err);
        read += status == ST_OK;
    }
    if (status == ST_OK && count)
        elastic_put(writer, cuts, smalls, count);
    while (read > 0)
        net_free(smalls[--read]);
    return status;
}
