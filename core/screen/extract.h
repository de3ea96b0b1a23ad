// Pictures -> features, on all cores: read, decode, resize, infer, score
// patches, hand over. Memory is bounded by the number of threads.
#ifndef SCREEN_EXTRACT_H
#define SCREEN_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "image/image.h"
#include "nn/base.h"
#include "screen/patch.h"
#include "screen/settings.h"

struct extract_config {
    const struct base *base;
    struct screen_settings settings;
    const struct image *ignore;      // gray, non-zero = do not look; scaled to the picture; NULL none
    struct image_limits limits;
    const struct patch_model *patch; // NULL: embeddings only
    int threads;                     // >= 1
    unsigned without;                // bits of enum flaw_kind: synthetic defects that are not drawn, not all
};

struct extract_item {
    int64_t id;
    char *path; // owned by the item: the runner frees it
};

struct extract_result {
    int64_t id;
    enum status status;      // not ST_OK: the picture could not be read, `error` says why
    struct error error;
    const float *
        embedding; // (dim), over the cells looked at: standard deviations of tap 0, of tap 1, means of tap 0,
                   // of tap 1, and of tap 1 how far the largest value is above the mean and the least below
    int dim;       // extract_dim: 2 * channels[0] + 4 * channels[1]
    struct patch_result patch; // scores and heatmap; only when config.patch
};

struct extract_io {
    void *context;
    // Next picture into *item, false at the end. Called by one thread at a time.
    bool (*next)(void *context, struct extract_item *item);
    // A finished picture; pointers are valid during the call. One thread at a time.
    // Not ST_OK stops the run with that error.
    enum status (*done)(void *context, const struct extract_result *result, struct error *err);
    // extract_fit_patches: a picture was looked at; may be NULL. One thread at a time.
    void (*looked)(void *context);
    // True ends the run early (ST_CANCELLED); may be NULL. Any thread.
    bool (*stop)(void *context);
};

int extract_dim(const struct base *base);
// The first number of an embedding that pictures are told apart by: from the means of tap 1 on.
int extract_from(const struct base *base);

ASSAY_CHECKED enum status extract_run(const struct extract_config *config, const struct extract_io *io,
                                      struct error *err);

// Fit patch statistics on the pictures that io->next gives (a sample of those
// believed normal, some hundred), all of them before the first is read; io->done
// is not called, unreadable pictures are passed over. config->patch is ignored. ST_INVALID when fewer than 8
// pictures could be read. Caller: patch_free.
ASSAY_CHECKED enum status extract_fit_patches(const struct extract_config *config, const struct extract_io *io,
                                              struct patch_model **model, struct error *err);

#endif
