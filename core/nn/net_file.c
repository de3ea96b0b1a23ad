// A network in a safetensors file: the own format, whose metadata holds the
// plan as JSON. Foreign names are read by net_import.c.
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nn/net.h"
#include "nn/net_import.h"

static const char *const types[] = {"conv", "separable", "attention"};
static const char *const activations[] = {"linear", "relu", "relu6", "gelu"};
static const char *const paddings[] = {"symmetric", "end"};

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static int find(const char *const *table, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (name && strcmp(table[i], name) == 0)
            return i;
    return -1;
}

static json_t *block_json(const struct net_block *b)
{
    json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:s}", "type", types[b->type], "from", b->from, "to", b->to, "stride",
                          b->stride, "activation", activations[b->activation]);
    if (b->residual)
        json_object_set_new(o, "residual", json_true());
    if (b->optional)
        json_object_set_new(o, "optional", json_true());
    if (b->type == NET_ATTENTION) {
        json_object_set_new(o, "heads", json_integer(b->heads));
        json_object_set_new(o, "pool", json_integer(b->pool));
        json_object_set_new(o, "hidden", json_integer(b->hidden));
    }
    if (b->tap >= 0)
        json_object_set_new(o, "tap", json_integer(b->tap));
    if (b->branch)
        json_object_set_new(o, "branch", json_true());
    return o;
}

static char *plan_text(const struct net_plan *plan)
{
    json_t *blocks = json_array();
    for (int i = 0; i < plan->count; i++)
        json_array_append_new(blocks, block_json(&plan->blocks[i]));
    json_t *o = json_pack("{s:s, s:s, s:f, s:i, s:o}", "name", plan->name, "padding", paddings[plan->padding], "epsilon",
                          plan->epsilon, "side", plan->side, "blocks", blocks);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static bool parse_block(json_t *o, struct net_block *b)
{
    const char *type, *activation;
    int residual = 0, optional = 0, branch = 0;
    *b = (struct net_block){.tap = -1};
    if (json_unpack(o, "{s:s, s:i, s:i, s:i, s:s, s?b, s?b, s?i, s?i, s?i, s?i, s?b}", "type", &type, "from", &b->from, "to",
                    &b->to, "stride", &b->stride, "activation", &activation, "residual", &residual, "optional",
                    &optional, "heads", &b->heads, "pool", &b->pool, "hidden", &b->hidden, "tap", &b->tap,
                    "branch", &branch) != 0)
        return false;
    int t = find(types, COUNT(types), type), a = find(activations, COUNT(activations), activation);
    if (t < 0 || a < 0)
        return false;
    b->type = (enum net_type)t;
    b->activation = (enum net_activation)a;
    b->residual = residual;
    b->optional = optional;
    b->branch = branch;
    return true;
}

static enum status parse_plan(const char *path, const char *text, struct net_plan *plan, struct error *err)
{
    json_error_t where;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    const char *name, *padding;
    json_t *blocks;
    *plan = (struct net_plan){0};
    if (!o || json_unpack_ex(o, &where, 0, "{s:s, s:s, s:f, s?i, s:o}", "name", &name, "padding", &padding, "epsilon",
                             &plan->epsilon, "side", &plan->side, "blocks", &blocks) != 0) {
        json_decref(o);
        return error_set(err, ST_INVALID, "%s: metadata \"plan\" does not describe a network: %s", path, where.text);
    }
    enum status status = ST_OK;
    int pad = find(paddings, COUNT(paddings), padding);
    if (pad < 0 || !json_is_array(blocks) || json_array_size(blocks) > NET_BLOCKS)
        status = error_set(err, ST_INVALID, "%s: metadata \"plan\": unknown padding, or more than %d blocks", path,
                           NET_BLOCKS);
    else
        plan->padding = (enum net_padding)pad;
    snprintf(plan->name, sizeof plan->name, "%s", name);
    text_clean(plan->name);
    for (size_t i = 0; status == ST_OK && i < json_array_size(blocks); i++)
        if (!parse_block(json_array_get(blocks, i), &plan->blocks[plan->count++]))
            status = error_set(err, ST_INVALID, "%s: metadata \"plan\": block %zu is not one that this program knows",
                               path, i);
    json_decref(o);
    if (status == ST_OK && (status = net_plan_check(plan, err)) != ST_OK)
        status = error_prefix(err, "%s", path);
    return status;
}

static enum status read_own(const struct tensor_file *file, struct net **out, struct error *err)
{
    const char *text = tensor_meta(file, "plan");
    struct net_plan plan;
    if (!text)
        return error_set(err, ST_INVALID, "%s: metadata \"plan\" is missing", tensor_path(file));
    enum status status = parse_plan(tensor_path(file), text, &plan, err);
    if (status != ST_OK)
        return status;
    struct net *net = net_new(&plan);
    for (int i = 0; i < net->tensor_count && status == ST_OK; i++) {
        float *values;
        status = tensor_read(file, net->tensors[i].name, net->tensors[i].shape, &values, err);
        if (status != ST_OK)
            break;
        memcpy(net->tensors[i].values, values, net->tensors[i].count * sizeof *values);
        free(values);
    }
    if (status != ST_OK)
        net_free(net);
    else
        *out = net;
    return status;
}

// A negative variance would become NaN when folded.
static enum status check_statistics(const struct net *net, const char *path, struct error *err)
{
    for (int i = 0; i < net->tensor_count; i++) {
        const struct net_tensor *t = &net->tensors[i];
        size_t n = strlen(t->name);
        bool variance = n > 9 && strcmp(t->name + n - 9, ".variance") == 0;
        for (size_t k = 0; variance && k < t->count; k++)
            if (t->values[k] < 0)
                return error_set(err, ST_CORRUPT, "%s: tensor %s: variance %zu is negative", path, t->name, k);
    }
    return ST_OK;
}

enum status net_read(const struct tensor_file *file, struct net **net, struct error *err)
{
    const char *architecture = tensor_meta(file, "architecture");
    bool own = architecture && strcmp(architecture, NET_FORMAT) == 0;
    enum status status = own ? read_own(file, net, err) : net_import(file, net, err);
    if (status == ST_OK && (status = check_statistics(*net, tensor_path(file), err)) != ST_OK) {
        net_free(*net);
        *net = NULL;
    }
    if (status == ST_OK)
        memcpy((*net)->sha256, tensor_sha256(file), sizeof (*net)->sha256);
    return status;
}

enum status net_open(const char *path, struct net **net, struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    status = net_read(file, net, err);
    tensor_close(file);
    return status;
}

void net_put(const struct net *net, struct tensor_writer *writer, bool half)
{
    char *text = plan_text(&net->plan);
    tensor_put_meta(writer, "architecture", NET_FORMAT);
    tensor_put_meta(writer, "plan", text);
    free(text);
    for (int i = 0; i < net->tensor_count; i++) {
        const struct net_tensor *t = &net->tensors[i];
        // Statistics have a wide range and are few: they stay in full precision.
        tensor_put_as(writer, t->name, t->shape, t->values, half && t->role != NET_STATISTIC);
    }
}
