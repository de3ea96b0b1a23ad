#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/coco.h"
#include "app/regions.h"
#include "base/alloc.h"
#include "base/text.h"
#include "db/class.h"
#include "db/export.h"
#include "db/label.h"

struct writing {
    struct project *project;
    json_t *images, *annotations, *categories;
};

static int category(struct writing *w, const char *name)
{
    size_t i;
    json_t *known;
    json_array_foreach(w->categories, i, known)
        if (strcmp(json_string_value(json_object_get(known, "name")), name) == 0)
            return (int)i + 1;
    json_array_append_new(w->categories, json_pack("{s:i, s:s, s:s}", "id", (int)i + 1, "name", name, "supercategory", "defect"));
    return (int)i + 1;
}

static json_t *numbers(const double *points, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_real(points[i]));
    return array;
}

// Polygons where they say it all, else run lengths.
static json_t *mask_segmentation(const struct spans *spans, int width, int height, bool *crowd)
{
    size_t count;
    struct spans_line *lines = spans_lines(spans, &count);
    json_t *out = json_array();
    *crowd = false;
    for (size_t i = 0; i < count; i++) {
        *crowd = *crowd || lines[i].hole;
        json_array_append_new(out, numbers(lines[i].points, lines[i].count));
    }
    spans_lines_free(lines, count);
    if (!*crowd)
        return out;
    json_decref(out);
    uint32_t *runs = spans_counts(spans, width, height, &count);
    json_t *counts = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(counts, json_integer(runs[i]));
    free(runs);
    return json_pack("{s:[i, i], s:o}", "size", height, width, "counts", counts);
}

static void add_annotation(struct writing *w, const struct export_row *picture, const struct region_row *row, const char *class_name)
{
    double box[4];
    struct spans spans = {0};
    bool crowd = false;
    json_t *segmentation;
    region_bounds(&row->shape, box);
    region_spans(&row->shape, picture->width, picture->height, &spans);
    if (row->shape.kind == REGION_MASK) {
        segmentation = mask_segmentation(&spans, picture->width, picture->height, &crowd);
    } else if (row->shape.kind == REGION_POLYGON) {
        segmentation = json_pack("[o]", numbers(row->shape.points, row->shape.count));
    } else {
        const double corners[8] = {box[0], box[1], box[2], box[1], box[2], box[3], box[0], box[3]};
        segmentation = json_pack("[o]", numbers(corners, 8));
    }
    json_array_append_new(
        w->annotations,
        json_pack("{s:I, s:I, s:i, s:[f, f, f, f], s:I, s:i, s:o, s:{s:s, s:s, s:s, s:I}}", "id",
                  (json_int_t)json_array_size(w->annotations) + 1, "image_id", (json_int_t)picture->picture, "category_id",
                  category(w, class_name), "bbox", box[0], box[1], box[2] - box[0], box[3] - box[1], "area",
                  (json_int_t)spans_area(&spans), "iscrowd", crowd, "segmentation", segmentation, "attributes", "kind",
                  region_kind_name(row->shape.kind), "severity", row->severity, "who", row->who, "at", (json_int_t)row->at_ms));
    spans_clear(&spans);
}

// The imported mask of a picture as a region; nothing where it cannot be read: the answer stands without it.
static void mask_region(const struct writing *w, const struct export_row *picture, struct region_list *list)
{
    struct image mask;
    struct error unread;
    struct spans spans = {0};
    if (image_load(picture->truth_mask, &w->project->limits, 0, 0, &mask, NULL, &unread) != ST_OK)
        return;
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++) {
            size_t v = (size_t)((int64_t)y * mask.height / picture->height), u = (size_t)((int64_t)x * mask.width / picture->width);
            const uint8_t *p = mask.pixels + (v * (size_t)mask.width + u) * (size_t)mask.channels;
            if (p[0] || (mask.channels == 3 && (p[1] || p[2])))
                spans_put(&spans, y, x, x + 1);
        }
    image_clear(&mask);
    if (spans.count > 0)
        region_mask(&regions_add(list)->shape, &spans);
    spans_clear(&spans);
}

static enum status add_picture(void *context, const struct export_row *row, struct error *err)
{
    struct writing *w = context;
    struct region_list list = {0};
    enum verdict known = row->verdict != VERDICT_NONE ? row->verdict : row->truth;
    bool drawn = row->regions && strchr(row->regions, '{');
    if ((row->unreadable && row->unreadable[0]) || (known == VERDICT_NONE && !drawn))
        return ST_OK;
    json_t *name = json_string(row->path);
    if (!name) { // not UTF-8: no name that JSON can hold
        char *cleaned = text_cleaned(row->path);
        name = json_string(cleaned);
        free(cleaned);
    }
    json_t *image = json_pack("{s:I, s:o, s:i, s:i}", "id", (json_int_t)row->picture, "file_name", name ? name : json_string(""), "width",
                              row->width, "height", row->height);
    if (known != VERDICT_NONE)
        json_object_set_new(image, "verdict", json_string(verdict_name(known)));
    bool said = row->verdict != VERDICT_NONE;
    const char *of_picture = said ? row->class_name : row->truth_class, *severity = said ? row->severity : row->truth_severity;
    if (known == VERDICT_DEFECT) { // no region need say so
        json_object_set_new(image, "class", json_outside(of_picture));
        json_object_set_new(image, "severity", json_outside(severity));
    }
    json_array_append_new(w->images, image);
    if (known == VERDICT_NORMAL)
        return ST_OK;
    enum status status = regions_read(row->regions, row->width, row->height, &list, err);
    if (status != ST_OK)
        return error_prefix(err, "%s", row->path);
    if (list.count == 0 && !(row->regions && row->regions[0]) && row->truth_mask && row->truth_mask[0])
        mask_region(w, row, &list);
    for (size_t i = 0; i < list.count; i++) {
        char *now = NULL;
        status = list.rows[i].class_name[0] ? db_class_now(w->project->db, list.rows[i].class_name, &now, err) : ST_OK;
        if (status == ST_OK)
            add_annotation(w, row, &list.rows[i], now ? now : of_picture && of_picture[0] ? of_picture : "defect");
        free(now);
        if (status != ST_OK)
            break;
    }
    regions_clear(&list);
    return status;
}

enum status coco_write(struct project *project, int64_t scene, enum status (*print)(void *context, const char *text, struct error *err),
                       void *context, struct error *err)
{
    struct writing w = {project, json_array(), json_array(), json_array()};
    enum status status = db_export(project->db, scene, add_picture, &w, err);
    json_t *all = json_pack("{s:{s:s, s:s}, s:o, s:o, s:o}", "info", "description", "regions drawn in assay", "version",
                            PACKAGE_VERSION, "images", w.images, "annotations", w.annotations, "categories", w.categories);
    if (status == ST_OK) {
        char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(10));
        status = print(context, text, err);
        free(text);
    }
    json_decref(all);
    return status;
}
