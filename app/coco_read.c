#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/coco.h"
#include "app/regions.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "db/class.h"
#include "db/label.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"

struct image_row {
    json_int_t id;
    int64_t picture;
    int width, height;
    enum verdict verdict; // as the file says, else DEFECT with regions and NONE without
    const char *class_name, *severity; // of the picture, "" not said
    struct region_list regions;
};

struct reading {
    struct project *project;
    const char *file;
    char *folder;
    const json_t *all;
    struct image_row *images; // by id
    size_t count;
};

static int by_id(const void *left, const void *right)
{
    const struct image_row *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static enum status read_images(struct reading *r, struct error *err)
{
    const json_t *images = json_object_get(r->all, "images");
    size_t i;
    json_t *image;
    r->images = xcalloc(json_array_size(images) + 1, sizeof *r->images);
    json_array_foreach(images, i, image) {
        struct image_row *row = &r->images[r->count];
        const char *name = json_string_value(json_object_get(image, "file_name")), *verdict = json_string_value(json_object_get(image, "verdict"));
        struct picture picture;
        if (!name || !json_is_integer(json_object_get(image, "id")))
            return error_set(err, ST_INVALID, "%s: image %zu: needs an id and a file_name", r->file, i + 1);
        *row = (struct image_row){.id = json_integer_value(json_object_get(image, "id")), .class_name = json_string_at(image, "class"),
                                  .severity = json_string_at(image, "severity")};
        if (row->severity[0] && !severity_known(row->severity))
            return error_set(err, ST_INVALID, "%s: image %zu: severity must be stop, key or general", r->file, i + 1);
        if (verdict && (!verdict_parse(verdict, &row->verdict) || row->verdict == VERDICT_SKIP))
            return error_set(err, ST_INVALID, "%s: image %zu: verdict must be normal, defect or unsure", r->file, i + 1);
        enum status status = truth_picture(r->project, name, r->folder, &row->picture, err);
        if (status == ST_NOT_FOUND)
            return error_set(err, ST_NOT_FOUND, "%s: image %zu: %s is not a picture of this project; add it first", r->file, i + 1, name);
        if (status == ST_OK)
            status = db_picture_get(r->project->db, row->picture, &picture, err);
        if (status != ST_OK)
            return status;
        row->width = picture.width;
        row->height = picture.height;
        picture_clear(&picture);
        const json_t *width = json_object_get(image, "width"), *height = json_object_get(image, "height");
        if ((json_is_integer(width) && json_integer_value(width) != row->width) ||
            (json_is_integer(height) && json_integer_value(height) != row->height))
            return error_set(err, ST_INVALID, "%s: image %zu: %s is said to be %lld x %lld and is %d x %d; regions of another size do not fit",
                             r->file, i + 1, name, (long long)json_integer_value(width), (long long)json_integer_value(height), row->width, row->height);
        r->count++;
    }
    qsort(r->images, r->count, sizeof *r->images, by_id);
    for (i = 1; i < r->count; i++)
        if (r->images[i].id == r->images[i - 1].id)
            return error_set(err, ST_INVALID, "%s: two images have the id %lld", r->file, (long long)r->images[i].id);
    return ST_OK;
}

static const char *category_name(const struct reading *r, json_int_t id)
{
    size_t i;
    json_t *category;
    json_array_foreach(json_object_get(r->all, "categories"), i, category)
        if (json_is_integer(json_object_get(category, "id")) && json_integer_value(json_object_get(category, "id")) == id)
            return json_string_value(json_object_get(category, "name"));
    return NULL;
}

static bool read_polygon(const json_t *array, struct region *shape)
{
    size_t count = json_array_size(array);
    if (count < 6 || count % 2 || count > 100000)
        return false;
    double *points = xcalloc(count, sizeof *points);
    bool fine = true;
    for (size_t i = 0; i < count && fine; i++) {
        points[i] = json_number_value(json_array_get(array, i));
        fine = json_is_number(json_array_get(array, i)) && fabs(points[i]) < 1e6;
    }
    if (fine)
        region_polygon(shape, points, count);
    free(points);
    return fine;
}

// Several polygons are one region: all their pixels. So is one that is said to be a mask, or has too many corners.
static bool read_polygons(const json_t *array, const struct image_row *image, bool mask, struct region *shape)
{
    struct spans all = {0};
    size_t i;
    json_t *polygon;
    bool fine = true;
    mask = mask || json_array_size(array) > 1 || json_array_size(json_array_get(array, 0)) > 2 * REGION_CORNERS;
    if (!mask)
        return read_polygon(json_array_get(array, 0), shape);
    json_array_foreach(array, i, polygon) {
        struct region part = {0};
        struct spans spans = {0};
        fine = read_polygon(polygon, &part);
        if (!fine)
            break;
        region_spans(&part, image->width, image->height, &spans);
        spans_join(&all, &spans);
        spans_clear(&spans);
        region_clear(&part);
    }
    if (fine)
        region_mask(shape, &all);
    spans_clear(&all);
    return fine;
}

static enum status read_runs(const json_t *object, const struct image_row *image, struct region *shape, struct error *err)
{
    const json_t *size = json_object_get(object, "size"), *from = json_object_get(object, "counts");
    uint32_t *counts = NULL;
    size_t count = json_array_size(from);
    struct spans spans = {0};
    enum status status = ST_OK;
    if (json_integer_value(json_array_get(size, 0)) != image->height || json_integer_value(json_array_get(size, 1)) != image->width)
        return error_set(err, ST_INVALID, "its run lengths are not of a picture of %d x %d", image->width, image->height);
    if (json_is_string(from)) {
        status = spans_from_text(json_string_value(from), &counts, &count, err);
    } else {
        counts = xcalloc(count + 1, sizeof *counts);
        for (size_t i = 0; i < count && status == ST_OK; i++) {
            json_int_t n = json_integer_value(json_array_get(from, i));
            counts[i] = (uint32_t)n;
            if (!json_is_integer(json_array_get(from, i)) || n < 0 || n > UINT32_MAX)
                status = error_set(err, ST_INVALID, "its run lengths are no whole numbers");
        }
    }
    if (status == ST_OK)
        status = spans_from_counts(counts, count, image->width, image->height, &spans, err);
    free(counts);
    if (status == ST_OK)
        region_mask(shape, &spans);
    return status;
}

static enum status read_shape(const json_t *annotation, const struct image_row *image, const char *kind, struct region *shape,
                              struct error *err)
{
    const json_t *segmentation = json_object_get(annotation, "segmentation"), *bbox = json_object_get(annotation, "bbox");
    bool box = strcmp(kind, "box") == 0 || !segmentation || (json_is_array(segmentation) && json_array_size(segmentation) == 0);
    enum status status = ST_OK;
    if (box) {
        double b[4];
        for (size_t i = 0; i < 4; i++)
            b[i] = json_number_value(json_array_get(bbox, i));
        if (json_array_size(bbox) != 4 || !(b[2] > 0) || !(b[3] > 0))
            return error_set(err, ST_INVALID, "needs a segmentation, or a bbox [x, y, width, height]");
        region_box(shape, b[0], b[1], b[0] + b[2], b[1] + b[3]);
    } else if (json_is_object(segmentation)) {
        status = read_runs(segmentation, image, shape, err);
    } else if (!json_is_array(segmentation) || !read_polygons(segmentation, image, strcmp(kind, "mask") == 0, shape)) {
        return error_set(err, ST_INVALID, "its segmentation is neither polygons of three points or more nor run lengths");
    }
    if (status == ST_OK && region_area(shape, image->width, image->height) == 0)
        status = error_set(err, ST_INVALID, "lies outside its picture, or encloses no pixel");
    return status;
}

static enum status read_annotation(struct reading *r, const json_t *annotation, struct error *err)
{
    struct image_row key = {.id = json_integer_value(json_object_get(annotation, "image_id"))};
    struct image_row *image = json_is_integer(json_object_get(annotation, "image_id"))
                                  ? bsearch(&key, r->images, r->count, sizeof key, by_id)
                                  : NULL;
    const char *class_name = category_name(r, json_integer_value(json_object_get(annotation, "category_id")));
    const json_t *attributes = json_object_get(annotation, "attributes");
    const char *kind = json_string_value(json_object_get(attributes, "kind")), *severity = json_string_value(json_object_get(attributes, "severity"));
    if (!image)
        return error_set(err, ST_INVALID, "its image_id is the id of no image");
    if (!class_name || !class_name[0])
        return error_set(err, ST_INVALID, "its category_id is the id of no category");
    if (severity && severity[0] && !severity_known(severity))
        return error_set(err, ST_INVALID, "severity must be stop, key or general");
    struct region_row *row = regions_add(&image->regions);
    if (!row)
        return error_set(err, ST_INVALID, "a picture holds at most %d regions", REGIONS_MOST);
    regions_set(&row->class_name, class_name);
    regions_set(&row->severity, severity);
    regions_set(&row->who, json_string_value(json_object_get(attributes, "who")));
    row->at_ms = json_integer_value(json_object_get(attributes, "at"));
    return read_shape(annotation, image, kind ? kind : "", &row->shape, err);
}

static enum status store_image(struct reading *r, int64_t person, const struct image_row *image, struct add_report *report, struct error *err)
{
    const struct region_row *worst = NULL;
    const char *class_name = "", *severity = "";
    enum verdict verdict = image->verdict != VERDICT_NONE ? image->verdict : image->regions.count ? VERDICT_DEFECT : VERDICT_NONE;
    enum status status = ST_OK;
    bool added;
    if (verdict == VERDICT_NONE || verdict == VERDICT_UNSURE) // it says nothing that is known
        return ST_OK;
    if (verdict == VERDICT_NORMAL && image->regions.count > 0)
        return error_set(err, ST_INVALID, "%s: image %lld is said to be normal and has annotations", r->file, (long long)image->id);
    for (size_t i = 0; i < image->regions.count && status == ST_OK; i++) {
        const struct region_row *row = &image->regions.rows[i];
        enum severity now = SEVERITY_GENERAL, before = SEVERITY_GENERAL;
        int64_t id;
        bool known = severity_parse(row->severity, &now);
        if (!worst || (known && (!severity_parse(worst->severity, &before) || now < before)))
            worst = row;
        status = db_class_ensure(r->project->db, row->class_name, known ? row->severity : "general", &id, err);
    }
    if (worst) {
        class_name = worst->class_name;
        severity = worst->severity;
    } else if (verdict == VERDICT_DEFECT && image->class_name[0]) {
        int64_t id;
        class_name = image->class_name;
        severity = image->severity;
        status = db_class_ensure(r->project->db, class_name, severity[0] ? severity : "general", &id, err);
    }
    char *text = regions_text(&image->regions, image->width, image->height);
    struct label label = {.picture = image->picture, .person = person, .role = "import", .source = LABEL_TRUTH, .verdict = verdict,
                          .class_name = class_name, .severity = severity,
                          .regions = image->regions.count ? text : "", .note = ""};
    if (status == ST_OK)
        status = db_truth_add(r->project->db, &label, "", &added, err);
    report->truths += status == ST_OK && added;
    free(text);
    return status;
}

static enum status store(struct reading *r, struct add_report *report, struct error *err)
{
    int64_t person;
    enum status status = db_begin(r->project->db, err);
    if (status != ST_OK)
        return status;
    status = db_person_ensure(r->project->db, "import", &person, err);
    for (size_t i = 0; i < r->count && status == ST_OK; i++)
        status = store_image(r, person, &r->images[i], report, err);
    if (status == ST_OK)
        return db_commit(r->project->db, err);
    db_rollback(r->project->db);
    return status;
}

static enum status read_all(struct reading *r, struct error *err)
{
    size_t i;
    json_t *annotation;
    if (!json_is_array(json_object_get(r->all, "images")) || !json_is_array(json_object_get(r->all, "annotations")) ||
        !json_is_array(json_object_get(r->all, "categories")))
        return error_set(err, ST_INVALID, "%s: not a COCO file: needs the arrays images, annotations and categories", r->file);
    enum status status = read_images(r, err);
    json_array_foreach(json_object_get(r->all, "annotations"), i, annotation) {
        if (status != ST_OK)
            break;
        status = read_annotation(r, annotation, err);
        if (status != ST_OK)
            error_prefix(err, "%s: annotation %zu", r->file, i + 1);
    }
    return status;
}

enum status coco_import(struct project *project, const char *file, struct add_report *report, struct error *err)
{
    json_error_t where;
    unsigned char *bytes;
    size_t count;
    enum status status = file_read(file, (uint64_t)1 << 30, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    size_t bom = text_bom(bytes, count);
    json_t *all = json_loadb((const char *)bytes + bom, count - bom, 0, &where);
    free(bytes);
    if (!all)
        return error_set(err, ST_INVALID, "%s: line %d: not JSON: %s", file, where.line, where.text);
    struct reading r = {.project = project, .file = file, .folder = truth_folder(file), .all = all};
    status = read_all(&r, err);
    if (status == ST_OK)
        status = store(&r, report, err);
    for (size_t i = 0; i < r.count; i++)
        regions_clear(&r.images[i].regions);
    free(r.images);
    free(r.folder);
    json_decref(all);
    return status;
}
