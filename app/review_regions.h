// The review's share in drawing: what stands on a picture, what is suggested, and what an inspector makes of it.
#ifndef APP_REVIEW_REGIONS_H
#define APP_REVIEW_REGIONS_H

#include "app/regions.h"
#include "db/picture.h"
#include "db/queue.h"
#include "screen/blob.h"
#include "ui/review.h"

struct review_regions { // starts as {.db = ..., .person = ..., .name = ...}
    struct db *db;
    int64_t person;
    char *name;               // of that person; owned
    int64_t picture, before;  // looked at last, and which event stood
    int width, height;
    struct region_list stored; // what stood, ...
    struct region_list hidden; //  and what of it is not shown while an audit asks
    struct region_list hints;  // suggested
    struct blob *blobs; // (blob_count) the heatmap's
    size_t blob_count;
    struct review_region *rows;
};

void review_regions_clear(struct review_regions *r);
// As review_model's `regions`. hides: an audit asks about this picture: nothing that others drew, or that is known or
// computed, is told.
ASSAY_CHECKED enum status review_regions_get(struct review_regions *r, const struct picture *picture,
                                             const struct queue_item *item, bool hides, const struct review_region **rows,
                                             size_t *count, size_t *suggested, struct error *err);
// As review_model's `draw`.
ASSAY_CHECKED enum status review_regions_put(struct review_regions *r, int64_t picture, const struct review_region *rows,
                                             size_t count, struct error *err);

#endif
