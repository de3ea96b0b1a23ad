#include "config.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/base_impl.h"

struct base_work {
    float *memory;
    size_t capacity; // floats
};

enum status base_open(const char *path, struct base **base, struct error *err)
{
    openblas_set_num_threads(1); // one picture per thread: BLAS must not start threads of its own
    if (!path) {
        *base = filterbank_new();
        return ST_OK;
    }
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    const char *architecture = tensor_meta(file, "architecture");
    if (!architecture || strncmp(architecture, "mobilenet_v1", 12) != 0)
        status = error_set(err, ST_INVALID, "%s: metadata \"architecture\" is %.60s, not mobilenet_v1...",
                           path, architecture ? architecture : "missing");
    else
        status = mobilenet_open(file, base, err);
    tensor_close(file);
    return status;
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
