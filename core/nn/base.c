#include "config.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/infer.h"

struct base_work {
    float *memory;
    size_t capacity; // floats
};

static const struct kernels *kernels_of(enum base_precision precision)
{
    int set = 0;
    while (precision == BASE_F32 && kernel_set(set)->precision != KERNEL_F32)
        set++; // the last one is of floats
    return kernel_set(set);
}

enum status base_new_as(const struct net *net, enum base_precision precision, struct base **base,
                        struct error *err)
{
    return infer_new(net, kernels_of(precision), base, err);
}

const char *base_precision_name(enum base_precision precision)
{
    return kernels_of(precision)->precision == KERNEL_I16 ? "i16" : "f32";
}

enum status base_new(const struct net *net, struct base **base, struct error *err)
{
    return base_new_as(net, BASE_FASTEST, base, err);
}

// Takes over the opened file.
static enum status from_file(struct tensor_file *file, struct base **base, struct error *err)
{
    struct net *net = NULL;
    enum status status = net_read(file, &net, err);
    if (status == ST_OK) {
        status = base_new(net, base, err);
        if (status != ST_OK)
            status = error_prefix(err, "%s", tensor_path(file));
        net_free(net);
    }
    tensor_close(file);
    return status;
}

enum status base_open_bytes(const void *bytes, size_t count, const char *name, struct base **base,
                            struct error *err)
{
    openblas_set_num_threads(1);
    struct tensor_file *file;
    enum status status = tensor_open_bytes(bytes, count, name, &file, err);
    return status == ST_OK ? from_file(file, base, err) : status;
}

enum status base_open(const char *path, struct base **base, struct error *err)
{
    openblas_set_num_threads(1); // one picture per thread: BLAS must not start threads of its own
    if (!path) {
        *base = filterbank_new();
        return ST_OK;
    }
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    return status == ST_OK ? from_file(file, base, err) : status;
}

void base_free(struct base *base)
{
    if (base)
        base->free(base);
}

const struct base_info *base_info(const struct base *base)
{
    return &base->info;
}

struct base_work *base_work_new(const struct base *base)
{
    (void)base;
    return xcalloc(1, sizeof(struct base_work));
}

void base_work_free(struct base_work *work)
{
    if (!work)
        return;
    free(work->memory);
    free(work);
}

float *base_work_floats(struct base_work *work, size_t count)
{
    if (count > work->capacity) {
        free(work->memory);
        work->memory = xaligned(count, sizeof *work->memory);
        work->capacity = count;
    }
    return work->memory;
}

void base_taps(const struct base *base, struct base_work *work, const float *rgb, int rows, int cols,
               struct tap taps[BASE_TAPS])
{
    base->taps(base, work, rgb, rows, cols, taps);
}
