// Everything that the next step depends on, in a safetensors file.
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "learn/adapt_impl.h"

static const char format[] = "assay-round-1";

// Of all that a run is made of: options and data. The pixels themselves are not read. On other threads, and without a picture that went
// meanwhile, it is the same run, though to other last bits: a camera or a machine with fewer cores does not cost a round.
void trainer_fingerprint(struct trainer *t)
{
    const struct adapt_options *o = &t->options;
    size_t size = t->entry_count * 4 + 32, n = 0;
    double *numbers = xcalloc(size, sizeof *numbers);
    const double options[] = {o->kind, o->rank, o->hidden, o->wide, o->top_share, t->steps, o->batch, o->rate, o->rate_adapter,
                              o->decay, o->decay_adapter, o->dropout, o->ema, o->views, o->flaws, o->gain, o->gamma,
                              o->defects, o->pool, o->synthetic, o->pool_weight, o->synthetic_weight, o->patch_weight,
                              o->class_weight, o->adjustment, o->class_balance, (double)o->seed, t->data->classes};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        numbers[n++] = options[i];
    for (size_t i = 0; i < t->entry_count; i++) {
        const struct adapt_entry *e = &t->entries[i];
        numbers[n++] = (double)e->id;
        numbers[n++] = e->side;
        numbers[n++] = e->class_index;
        numbers[n++] = e->box_count;
    }
    char sha[HASH_HEX];
    hash_bytes(numbers, n * sizeof *numbers, sha);
    char *text = xasprintf("%s %s %s", sha, t->base->sha256, t->parent);
    hash_bytes(text, strlen(text), t->fingerprint);
    free(text);
    free(numbers);
}

static const char *const parts[] = {"values", "m", "v", "average"};

static float *part_of(const struct trainer *t, int vector, int part)
{
    const struct adapt_vector *v = &t->vectors[vector];
    return part == 0 ? v->values : part == 1 ? v->m : part == 2 ? v->v : v->average;
}

enum status trainer_save(const struct trainer *t, const char *path, struct error *err)
{
    struct tensor_writer *writer = tensor_writer_new();
    char text[160], name[64], sha256[HASH_HEX];
    tensor_put_meta(writer, "format", format);
    tensor_put_meta(writer, "run", t->fingerprint);
    snprintf(text, sizeof text, "%d %.17g %.17g %.17g %.17g", t->step, t->loss[0], t->loss[1], t->loss[2], t->loss[3]);
    tensor_put_meta(writer, "state", text);
    for (int v = 0; v < 2; v++)
        for (int p = 0; p < 4 && t->vectors[v].count; p++) {
            snprintf(name, sizeof name, "%s.%s", v ? "heads" : "adapter", parts[p]);
            tensor_put(writer, name, (int64_t[TENSOR_RANK]){(int64_t)t->vectors[v].count}, part_of(t, v, p));
        }
    tensor_put(writer, "heads.measured", (int64_t[TENSOR_RANK]){(int64_t)(t->heads->size - t->heads->trained)},
               t->heads->values + t->heads->trained);
    enum status status = tensor_write(writer, path, NULL, sha256, err);
    tensor_writer_free(writer);
    return status;
}

static enum status get(const struct tensor_file *file, const char *name, size_t count, float *values, struct error *err)
{
    int64_t shape[TENSOR_RANK] = {(int64_t)count};
    float *read;
    enum status status = tensor_read(file, name, shape, &read, err);
    if (status == ST_OK) {
        memcpy(values, read, count * sizeof *values);
        free(read);
    }
    return status;
}

enum status trainer_load(struct trainer *t, const char *path, struct error *err)
{
    struct tensor_file *file;
    char name[64];
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    const char *kind = tensor_meta(file, "format"), *theirs = tensor_meta(file, "run"), *state = tensor_meta(file, "state");
    if (!kind || strcmp(kind, format) != 0 || !theirs || !state)
        status = error_set(err, ST_INVALID, "%s: not a checkpoint of a training round", path);
    else if (strcmp(theirs, t->fingerprint) != 0)
        status = error_set(err, ST_INVALID, "%s: this round was begun with other answers or settings", path);
    else if (sscanf(state, "%d %lf %lf %lf %lf", &t->step, &t->loss[0], &t->loss[1], &t->loss[2], &t->loss[3]) != 5 ||
             t->step < 0)
        status = error_set(err, ST_CORRUPT, "%s: metadata \"state\" is damaged", path);
    for (int v = 0; v < 2 && status == ST_OK; v++)
        for (int p = 0; p < 4 && t->vectors[v].count && status == ST_OK; p++) {
            snprintf(name, sizeof name, "%s.%s", v ? "heads" : "adapter", parts[p]);
            status = get(file, name, t->vectors[v].count, part_of(t, v, p), err);
        }
    if (status == ST_OK)
        status = get(file, "heads.measured", t->heads->size - t->heads->trained, t->heads->values + t->heads->trained, err);
    if (status == ST_OK)
        adapter_apply(t->adapter, t->base, t->merged);
    tensor_close(file);
    return status;
}
