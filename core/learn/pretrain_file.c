// Checkpoints of a pretraining run: a safetensors file with the network, the
// heads, AdamW's moments and the moving average by name; the rest as metadata.
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/pretrain_impl.h"

static const char format[] = "assay-pretrain-1";

static void put(struct tensor_writer *writer, const char *prefix, const char *name, size_t count, const float *values)
{
    char *full = xasprintf("%s.%s", prefix, name);
    const int64_t shape[TENSOR_RANK] = {(int64_t)count};
    tensor_put(writer, full, shape, values);
    free(full);
}

// What must be the same for the run to go on; the limit may change.
static char *options_text(const struct pretrain *p)
{
    static const char *const objectives[] = {"", " adapt", " views"};
    const struct pretrain_options *o = &p->options;
    return xasprintf("seed %" PRIu64 " batch %d side %d rate %.9g decay %.9g ema %.9g elastic %d teacher %.16s network %s%s",
                     o->seed, o->batch, o->side, o->rate, o->decay, o->ema, o->elastic,
                     p->teacher ? base_info(p->teacher)->sha256 : "none", p->net->plan.name, objectives[o->objective]);
}

enum status pretrain_save(const struct pretrain *p, const char *path, struct error *err)
{
    struct tensor_writer *writer = tensor_writer_new();
    char text[256], *options = options_text(p), sha256[HASH_HEX];
    tensor_put_meta(writer, "format", format);
    tensor_put_meta(writer, "options", options);
    snprintf(text, sizeof text, "%lld %d %.17g %.17g %.17g %.17g", p->step, p->standardised, p->seconds,
             p->report.loss[0], p->report.loss[1], p->report.smallest);
    tensor_put_meta(writer, "state", text);
    for (int i = 0; i < p->net->tensor_count; i++)
        if (p->net->tensors[i].role == NET_STATISTIC)
            put(writer, "value", p->net->tensors[i].name, p->net->tensors[i].count, p->net->tensors[i].values);
    for (int i = 0; i < p->param_count; i++) {
        const struct param *q = &p->params[i];
        put(writer, "value", q->name, q->count, q->values);
        put(writer, "m", q->name, q->count, q->m);
        put(writer, "v", q->name, q->count, q->v);
        if (q->average)
            put(writer, "average", q->name, q->count, q->average);
    }
    for (int t = 0; t < NET_TAPS; t++) {
        put(writer, "teacher", t ? "1.mean" : "0.mean", (size_t)p->heads[t].to, p->heads[t].mean);
        put(writer, "teacher", t ? "1.inverse" : "0.inverse", (size_t)p->heads[t].to, p->heads[t].inverse);
    }
    enum status status = tensor_write(writer, path, NULL, sha256, err);
    tensor_writer_free(writer);
    free(options);
    return status;
}

static enum status get(const struct tensor_file *file, const char *prefix, const char *name, size_t count, float *values,
                       struct error *err)
{
    char *full = xasprintf("%s.%s", prefix, name);
    int64_t shape[TENSOR_RANK] = {(int64_t)count};
    float *read;
    enum status status = tensor_read(file, full, shape, &read, err);
    if (status == ST_OK) {
        memcpy(values, read, count * sizeof *values);
        free(read);
    }
    free(full);
    return status;
}

static enum status get_all(struct pretrain *p, const struct tensor_file *file, struct error *err)
{
    enum status status = ST_OK;
    for (int i = 0; i < p->net->tensor_count && status == ST_OK; i++)
        if (p->net->tensors[i].role == NET_STATISTIC)
            status = get(file, "value", p->net->tensors[i].name, p->net->tensors[i].count, p->net->tensors[i].values, err);
    for (int i = 0; i < p->param_count && status == ST_OK; i++) {
        struct param *q = &p->params[i];
        status = get(file, "value", q->name, q->count, q->values, err);
        if (status == ST_OK)
            status = get(file, "m", q->name, q->count, q->m, err);
        if (status == ST_OK)
            status = get(file, "v", q->name, q->count, q->v, err);
        if (status == ST_OK && q->average)
            status = get(file, "average", q->name, q->count, q->average, err);
    }
    for (int t = 0; t < NET_TAPS && status == ST_OK; t++) {
        status = get(file, "teacher", t ? "1.mean" : "0.mean", (size_t)p->heads[t].to, p->heads[t].mean, err);
        if (status == ST_OK)
            status = get(file, "teacher", t ? "1.inverse" : "0.inverse", (size_t)p->heads[t].to, p->heads[t].inverse, err);
    }
    return status;
}

enum status pretrain_load(struct pretrain *p, const char *path, struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    const char *kind = tensor_meta(file, "format"), *theirs = tensor_meta(file, "options");
    const char *state = tensor_meta(file, "state");
    char *ours = options_text(p);
    int standardised = 0;
    if (!kind || strcmp(kind, format) != 0 || !theirs || !state)
        status = error_set(err, ST_INVALID, "%s: not a checkpoint of a pretraining run", path);
    else if (strcmp(theirs, ours) != 0)
        status = error_set(err, ST_INVALID,
                           "%s: this run was begun with other settings (%.150s), not with (%.150s); repeat those or remove "
                           "the file to begin anew",
                           path, theirs, ours);
    else if (sscanf(state, "%lld %d %lf %lf %lf %lf", &p->step, &standardised, &p->seconds, &p->report.loss[0],
                    &p->report.loss[1], &p->report.smallest) != 6 ||
             p->step < 0)
        status = error_set(err, ST_CORRUPT, "%s: metadata \"state\" is damaged", path);
    else
        status = get_all(p, file, err);
    p->standardised = standardised;
    p->report.step = p->step;
    p->report.crops = p->step * p->options.batch;
    p->report.seconds = p->seconds;
    free(ours);
    tensor_close(file);
    return status;
}
