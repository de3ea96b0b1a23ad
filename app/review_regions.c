#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/review_regions.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "db/label.h"

enum { HINTS = 40 }; // suggestions on one picture

static void forget(struct review_regions *r)
{
    regions_clear(&r->stored);
    regions_clear(&r->hidden);
    regions_clear(&r->hints);
    blobs_free(r->blobs, r->blob_count);
    free(r->rows);
    r->rows = NULL;
    r->blobs = NULL;
    r->blob_count = 0;
    r->picture = 0;
}

void review_regions_clear(struct review_regions *r)
{
    forget(r);
    free(r->name);
    r->name = NULL;
}

static void copy_row(const struct region_row *from, struct region_list *to)
{
    struct region_row *row = regions_add(to);
    if (!row)
        return;
    region_copy(&from->shape, &row->shape);
    regions_set(&row->class_name, from->class_name);
    regions_set(&row->severity, from->severity);
    regions_set(&row->who, from->who);
    row->at_ms = from->at_ms;
}

static void take_out_hidden(struct review_regions *r)
{
    struct region_list own = {0};
    for (size_t i = 0; i < r->stored.count; i++)
        copy_row(&r->stored.rows[i], strcmp(r->stored.rows[i].who, r->name) == 0 ? &own : &r->hidden);
    regions_clear(&r->stored);
    r->stored = own;
}

enum status review_regions_get(struct review_regions *r, const struct picture *picture, const struct queue_item *item,
                               bool hides, const struct review_region **rows, size_t *count, size_t *suggested,
                               struct error *err)
{
    enum label_source source;
    struct region_list imported = {0};
    forget(r);
    *rows = NULL;
    *count = *suggested = 0;
    enum status status = regions_get(r->db, picture->id, picture->width, picture->height, &r->stored, &r->before, &source, err);
    if (status != ST_OK)
        return status;
    r->picture = picture->id;
    r->width = picture->width;
    r->height = picture->height;
    if (source == LABEL_TRUTH) { // nobody drew: what was imported is a suggestion
        imported = r->stored;
        r->stored = (struct region_list){0};
    }
    if (hides)
        take_out_hidden(r);
    else
        r->blobs = blobs_find(&item->heat, item->box, picture->width, picture->height, &r->blob_count);
    for (size_t i = 0; i < imported.count && !hides; i++)
        copy_row(&imported.rows[i], &r->hints);
    regions_clear(&imported);
    size_t first = r->stored.count + r->hints.count;
    for (size_t i = 0; i < r->blob_count && r->hints.count < HINTS; i++)
        region_box(&regions_add(&r->hints)->shape, r->blobs[i].box[0], r->blobs[i].box[1], r->blobs[i].box[2], r->blobs[i].box[3]);
    size_t all = r->stored.count + r->hints.count;
    r->rows = xcalloc(all + 1, sizeof *r->rows);
    for (size_t i = 0; i < all; i++) {
        const struct region_row *row = i < r->stored.count ? &r->stored.rows[i] : &r->hints.rows[i - r->stored.count];
        r->rows[i] = (struct review_region){.shape = row->shape, .class_name = row->class_name, .severity = row->severity,
                                            .who = row->who, .at_ms = row->at_ms};
        if (i >= first)
            r->rows[i].pixels = r->blobs[i - first].spans;
    }
    *rows = r->rows;
    *count = r->stored.count;
    *suggested = r->hints.count;
    return ST_OK;
}

// As it stood before.
static const struct region_row *unchanged(const struct review_regions *r, const struct review_region *row)
{
    for (size_t i = 0; i < r->stored.count; i++) {
        const struct region_row *old = &r->stored.rows[i];
        if (strcmp(old->class_name, row->class_name) == 0 && strcmp(old->severity, row->severity) == 0 &&
            strcmp(old->who, row->who ? row->who : "") == 0 && region_same(&old->shape, &row->shape))
            return old;
    }
    return NULL;
}

enum status review_regions_put(struct review_regions *r, int64_t picture, const struct review_region *rows, size_t count,
                               struct error *err)
{
    struct region_list list = {0};
    int64_t event;
    if (picture != r->picture)
        return error_set(err, ST_INVALID, "this picture is not the one that was drawn on");
    if (count + r->hidden.count > REGIONS_MOST)
        return error_set(err, ST_INVALID, "a picture holds at most %d regions", REGIONS_MOST);
    for (size_t i = 0; i < count; i++) {
        const struct region_row *old = unchanged(r, &rows[i]);
        struct region_row *row = regions_add(&list);
        region_copy(&rows[i].shape, &row->shape);
        regions_set(&row->class_name, rows[i].class_name);
        regions_set(&row->severity, rows[i].severity);
        regions_set(&row->who, old ? old->who : r->name);
        row->at_ms = old ? old->at_ms : clock_unix_ms();
    }
    for (size_t i = 0; i < r->hidden.count; i++)
        copy_row(&r->hidden.rows[i], &list);
    enum status status = regions_put(r->db, picture, r->width, r->height, r->person, &list, r->before, &event, err);
    regions_clear(&list);
    return status;
}
