#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/regions.h"
#include "base/alloc.h"
#include "db/class.h"
#include "db/project.h"
#include "db/region.h"

void regions_clear(struct region_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct region_row *row = &list->rows[i];
        region_clear(&row->shape);
        free(row->class_name);
        free(row->severity);
        free(row->who);
    }
    free(list->rows);
    *list = (struct region_list){0};
}

struct region_row *regions_add(struct region_list *list)
{
    if (list->count == REGIONS_MOST)
        return NULL;
    GROW(list->rows, list->room, list->count + 1);
    struct region_row *row = &list->rows[list->count++];
    *row = (struct region_row){.class_name = xstrdup(""), .severity = xstrdup(""), .who = xstrdup("")};
    return row;
}

void regions_set(char **text, const char *value)
{
    char *copy = xstrdup(value ? value : "");
    free(*text);
    *text = copy;
}

// ---- JSON ----

static bool read_numbers(const json_t *array, double *to, size_t room, size_t *count)
{
    *count = json_array_size(array);
    bool fine = json_is_array(array) && *count <= room;
    for (size_t i = 0; i < *count && fine; i++) {
        const json_t *number = json_array_get(array, i);
        to[i] = json_number_value(number);
        fine = json_is_number(number) && fabs(to[i]) < 1e7;
    }
    return fine;
}

static bool read_box(const json_t *array, struct region *shape)
{
    double p[4];
    size_t count;
    if (!read_numbers(array, p, 4, &count) || count != 4 || p[2] <= p[0] || p[3] <= p[1])
        return false;
    region_box(shape, p[0], p[1], p[2], p[3]);
    return true;
}

static bool read_polygon(const json_t *array, struct region *shape)
{
    size_t room = 2 * REGION_CORNERS, count;
    double *p = xcalloc(room, sizeof *p);
    bool fine = read_numbers(array, p, room, &count) && count >= 6 && count % 2 == 0;
    if (fine)
        region_polygon(shape, p, count);
    free(p);
    return fine;
}

static bool read_mask(const json_t *object, int width, int height, struct region *shape)
{
    const char *text = json_string_value(json_object_get(object, "counts"));
    uint32_t *counts = NULL;
    size_t count, sides;
    double size[2];
    struct spans mask = {0};
    struct error err;
    bool fine = text && read_numbers(json_object_get(object, "size"), size, 2, &sides) && sides == 2 &&
                (int)size[0] == height && (int)size[1] == width && spans_from_text(text, &counts, &count, &err) == ST_OK &&
                spans_from_counts(counts, count, width, height, &mask, &err) == ST_OK;
    free(counts);
    if (fine)
        region_mask(shape, &mask);
    return fine;
}

static bool read_one(const json_t *value, int width, int height, struct region_row *row)
{
    const char *kind = json_string_value(json_object_get(value, "kind"));
    const json_t *points = json_object_get(value, "points");
    enum region_kind which = REGION_BOX;
    if (json_is_array(value))
        return read_box(value, &row->shape);
    if (!kind || !region_kind_parse(kind, &which))
        return false;
    regions_set(&row->class_name, json_string_value(json_object_get(value, "class")));
    regions_set(&row->severity, json_string_value(json_object_get(value, "severity")));
    regions_set(&row->who, json_string_value(json_object_get(value, "who")));
    row->at_ms = json_integer_value(json_object_get(value, "at"));
    return which == REGION_BOX       ? read_box(points, &row->shape)
           : which == REGION_POLYGON ? read_polygon(points, &row->shape)
                                     : read_mask(value, width, height, &row->shape);
}

enum status regions_read(const char *json, int width, int height, struct region_list *list, struct error *err)
{
    *list = (struct region_list){0};
    if (!json || !json[0])
        return ST_OK;
    json_t *array = json_loads(json, 0, NULL), *value;
    size_t i;
    enum status status = json_is_array(array) ? ST_OK : error_set(err, ST_CORRUPT, "the regions are no JSON array");
    json_array_foreach(array, i, value) {
        struct region_row *row = status == ST_OK ? regions_add(list) : NULL;
        if (!row || !read_one(value, width, height, row)) {
            status = error_set(err, ST_CORRUPT, "region %zu cannot be read", i + 1);
            break;
        }
    }
    json_decref(array);
    if (status != ST_OK)
        regions_clear(list);
    return status;
}

static json_t *write_one(const struct region_row *row, int width, int height)
{
    const struct region *shape = &row->shape;
    json_t *object = json_pack("{s:s}", "kind", region_kind_name(shape->kind));
    if (shape->kind == REGION_MASK) {
        size_t count;
        uint32_t *counts = spans_counts(&shape->mask, width, height, &count);
        char *text = spans_text(counts, count);
        json_object_set_new(object, "size", json_pack("[i, i]", height, width));
        json_object_set_new(object, "counts", json_string(text));
        free(text);
        free(counts);
    } else {
        json_t *points = json_array();
        for (size_t i = 0; i < shape->count; i++) {
            double at = shape->points[i];
            json_array_append_new(points, at == floor(at) ? json_integer((json_int_t)at) : json_real(at));
        }
        json_object_set_new(object, "points", points);
    }
    json_object_set_new(object, "class", json_string(row->class_name));
    json_object_set_new(object, "severity", json_string(row->severity));
    json_object_set_new(object, "who", json_string(row->who));
    json_object_set_new(object, "at", json_integer((json_int_t)row->at_ms));
    return object;
}

char *regions_text(const struct region_list *list, int width, int height)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, write_one(&list->rows[i], width, height));
    char *text = json_dumps(array, JSON_COMPACT);
    json_decref(array);
    return text;
}

// ---- stored ----

enum status regions_get(struct db *db, int64_t picture, int width, int height, struct region_list *list,
                        int64_t *before, enum label_source *source, struct error *err)
{
    struct region_set set;
    enum status status = db_region_get(db, picture, &set, err);
    *list = (struct region_list){0};
    if (status != ST_OK)
        return status;
    status = regions_read(set.json, width, height, list, err);
    *source = set.source;
    *before = set.source == LABEL_REGION ? set.event : 0;
    free(set.json);
    for (size_t i = 0; i < list->count && status == ST_OK; i++) {
        struct region_row *row = &list->rows[i];
        char *now = NULL;
        if (row->class_name[0])
            status = db_class_now(db, row->class_name, &now, err);
        if (status == ST_OK && now)
            regions_set(&row->class_name, now);
        free(now);
    }
    if (status != ST_OK)
        regions_clear(list);
    return status;
}

static size_t uses(const struct region_list *list, const char *class_name)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += strcmp(list->rows[i].class_name, class_name) == 0;
    return count;
}

static enum status ensure_classes(struct db *db, const struct region_list *list, const struct region_list *old,
                                  struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < list->count && status == ST_OK; i++) {
        const struct region_row *row = &list->rows[i];
        int64_t id;
        if (row->class_name[0] && uses(list, row->class_name) > uses(old, row->class_name))
            status = db_class_ensure(db, row->class_name, row->severity[0] ? row->severity : "general", &id, err);
    }
    return status;
}

enum status regions_put(struct db *db, int64_t picture, int width, int height, int64_t person,
                        const struct region_list *list, int64_t before, int64_t *event, struct error *err)
{
    struct region_list old = {0};
    enum label_source source;
    int64_t standing;
    char *text = regions_text(list, width, height);
    struct label label = {.picture = picture, .person = person, .role = "inspector", .source = LABEL_REGION,
                          .verdict = VERDICT_REGIONS, .class_name = "", .severity = "", .regions = text, .note = ""};
    enum status status = db_begin(db, err); // classes and regions: one transaction, one fsync
    if (status == ST_OK) {
        status = regions_get(db, picture, width, height, &old, &standing, &source, err);
        if (status == ST_OK)
            status = ensure_classes(db, list, &old, err);
        if (status == ST_OK)
            status = db_region_put(db, &label, before, event, err);
        if (status == ST_OK)
            status = db_commit(db, err);
        else
            db_rollback(db);
    }
    regions_clear(&old);
    free(text);
    return status;
}
