// A model of a round as a file: the adapter's and the heads' tensors by name, the rest as metadata.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/adapt.h"
#include "nn/safetensors.h"

static const char family[] = "assay-adapter-", format[] = "assay-adapter-1";
enum { RANK_MOST = 256, HIDDEN_MOST = 1024 };

enum status adapt_write(struct adapt_model *model, const struct net *base, const char *path, const char *dir,
                        struct error *err)
{
    struct tensor_writer *writer = tensor_writer_new();
    const struct head_shape *s = &model->heads->shape;
    char text[128];
    tensor_put_meta(writer, "format", format);
    tensor_put_seal(writer);
    tensor_put_meta(writer, "base", model->base_sha256);
    tensor_put_meta(writer, "parent", model->parent);
    tensor_put_meta(writer, "notes", model->notes ? model->notes : "{}");
    snprintf(text, sizeof text, "%d %d", (int)model->adapter->kind, model->adapter->rank);
    tensor_put_meta(writer, "adapter", text);
    snprintf(text, sizeof text, "%d %d %d %.17g", s->hidden, s->wide, s->classes, s->top_share);
    tensor_put_meta(writer, "heads", text);
    for (int i = 0; i < model->adapter->count; i++) {
        struct adapter_tensor tensors[2];
        int n = adapter_tensors(model->adapter, base, i, tensors);
        for (int k = 0; k < n; k++)
            tensor_put(writer, tensors[k].name, tensors[k].shape, tensors[k].values);
    }
    for (int i = 0; i < HEAD_TENSORS; i++)
        if (model->heads->parts[i].count && (s->classes || (i != HEAD_CLASS && i != HEAD_CLASS_BIAS)))
            tensor_put(writer, model->heads->parts[i].name, model->heads->parts[i].shape, heads_values(model->heads, i));
    enum status status = tensor_write(writer, path, dir, model->sha256, err);
    tensor_writer_free(writer);
    return status;
}

static enum status take(const struct tensor_file *file, const char *name, const int64_t expected[TENSOR_RANK], float *values,
                        struct error *err)
{
    int64_t shape[TENSOR_RANK];
    float *read;
    size_t count = 1;
    memcpy(shape, expected, sizeof shape);
    for (int i = 0; i < TENSOR_RANK && shape[i]; i++)
        count *= (size_t)shape[i];
    enum status status = tensor_read(file, name, shape, &read, err);
    if (status == ST_OK) {
        memcpy(values, read, count * sizeof *values);
        free(read);
    }
    return status;
}

static enum status check(const struct tensor_file *file, const struct net *base, struct error *err)
{
    const char *path = tensor_path(file), *kind = tensor_meta(file, "format"), *of = tensor_meta(file, "base");
    struct error unsealed;
    enum status status = tensor_check_name(file, err), seal = tensor_check_seal(file, &unsealed);
    if (status != ST_OK)
        return status;
    if (seal == ST_CORRUPT) {
        *err = unsealed;
        return seal;
    }
    if (!kind || strncmp(kind, family, strlen(family)) != 0)
        return error_set(err, ST_INVALID, "%s: not a model that was trained here", path);
    if (strcmp(kind, format) != 0)
        return error_set(err, ST_NEWER, "%s: written by a newer program (%.40s); update this one to use it", path, kind);
    if (!of || strcmp(of, base->sha256) != 0)
        return error_set(err, ST_INVALID, "%s: trained on another base (%.12s, not %.12s); use that base or train again", path,
                         of ? of : "unknown", base->sha256);
    if (seal != ST_OK) // last: what is no model at all is told as that
        return error_set(err, ST_INVALID, "%s", unsealed.text);
    return ST_OK;
}

static int channels_of(const struct net *net, int tap)
{
    for (int i = 0; i < net->plan.count; i++)
        if (net->plan.blocks[i].tap == tap)
            return net->plan.blocks[i].to;
    return 0;
}

static enum status shapes(const struct tensor_file *file, const struct net *base, struct adapt_model *m, struct error *err)
{
    const char *adapter = tensor_meta(file, "adapter"), *heads = tensor_meta(file, "heads");
    struct head_shape s = {.channels = {channels_of(base, 0), channels_of(base, 1)}};
    int kind, rank;
    if (!adapter || sscanf(adapter, "%d %d", &kind, &rank) != 2 || kind < ADAPTER_NONE || kind > ADAPTER_ALL || rank < 0 ||
        rank > RANK_MOST || (kind == ADAPTER_LOW_RANK && rank < 1) || !heads ||
        sscanf(heads, "%d %d %d %lf", &s.hidden, &s.wide, &s.classes, &s.top_share) != 4 || s.hidden < 1 ||
        s.hidden > HIDDEN_MOST || s.wide < 1 || s.wide > HIDDEN_MOST || s.classes < 0 || s.classes > HEADS_CLASSES ||
        !(s.top_share >= 0 && s.top_share <= 1))
        return error_set(err, ST_CORRUPT, "%s: its metadata say no adapter and heads that could be; restore or train again",
                         tensor_path(file));
    m->adapter = adapter_new(base, (enum adapter_kind)kind, rank, 0);
    m->heads = heads_new(&s, 0);
    return ST_OK;
}

static enum status read_all(const struct tensor_file *file, const struct net *base, struct adapt_model *m, struct error *err)
{
    enum status status = shapes(file, base, m, err);
    for (int i = 0; status == ST_OK && i < m->adapter->count; i++) {
        struct adapter_tensor tensors[2];
        int n = adapter_tensors(m->adapter, base, i, tensors);
        for (int k = 0; k < n && status == ST_OK; k++)
            status = take(file, tensors[k].name, tensors[k].shape, tensors[k].values, err);
    }
    for (int i = 0; i < HEAD_TENSORS && status == ST_OK; i++)
        if (m->heads->parts[i].count && (m->heads->shape.classes || (i != HEAD_CLASS && i != HEAD_CLASS_BIAS)))
            status = take(file, m->heads->parts[i].name, m->heads->parts[i].shape, heads_values(m->heads, i), err);
    return status;
}

enum status adapt_open(const char *path, const struct net *base, struct adapt_model **model, struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    struct adapt_model *m = xcalloc(1, sizeof *m);
    status = check(file, base, err);
    if (status == ST_OK)
        status = read_all(file, base, m, err);
    if (status == ST_OK) {
        const char *parent = tensor_meta(file, "parent"), *notes = tensor_meta(file, "notes");
        snprintf(m->parent, sizeof m->parent, "%s", parent ? parent : "");
        memcpy(m->base_sha256, base->sha256, sizeof m->base_sha256);
        snprintf(m->sha256, sizeof m->sha256, "%s", tensor_sha256(file));
        m->notes = xstrdup(notes ? notes : "{}");
        *model = m;
    } else {
        adapt_model_free(m);
    }
    tensor_close(file);
    return status;
}
