#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/learned.h"
#include "app/regions.h"
#include "app/train_data.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "db/export.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/scene.h"
#include "learn/gate.h"

enum { BOXES = 16 };
static const uint64_t list_most = (uint64_t)256 << 20;

// ---- choosing ----

struct choice {
    struct project *project;
    bool with_truth;
    json_t *labels, *classes;
    int64_t *pool;         // (pool_most) reservoir (Vitter 1985, algorithm R)
    uint64_t *pool_groups; // (pool_most)
    size_t pool_most, pool_count, pool_seen;
    size_t never; // answers that no round learns from: held out to compare models with, or of an audit
    uint64_t *defective; // groups with a defect that somebody confirmed
    size_t defective_count, defective_capacity;
    struct rng rng;
};

static int class_of(struct choice *c, const char *name)
{
    size_t i;
    json_t *known;
    if (!name || !name[0])
        return -1;
    json_array_foreach(c->classes, i, known)
        if (strcmp(json_string_value(known), name) == 0)
            return (int)i;
    if (json_array_size(c->classes) == HEADS_CLASSES) // the rest are defects of no class
        return -1;
    json_array_append_new(c->classes, json_string(name));
    return (int)json_array_size(c->classes) - 1;
}

static uint64_t group_of(const struct export_row *row) // 0 none
{
    return row->group && row->group[0] ? gate_group(row->group) : 0;
}

static void add_pool(struct choice *c, int64_t picture, uint64_t group)
{
    uint64_t at = c->pool_seen++ < c->pool_most ? c->pool_count++ : rng_below(&c->rng, c->pool_seen);
    if (at >= c->pool_most)
        return;
    c->pool[at] = picture;
    c->pool_groups[at] = group;
}

// Other pictures of a thing that is known to be defective are not believed normal.
static bool is_of_defective(const struct choice *c, uint64_t group)
{
    for (size_t i = 0; i < c->defective_count && group; i++)
        if (c->defective[i] == group)
            return true;
    return false;
}

static enum status choose(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    struct choice *c = context;
    if ((row->unreadable && row->unreadable[0]) || row->poor)
        return ST_OK;
    bool said = row->verdict != VERDICT_NONE;
    enum verdict known = said ? row->verdict : c->with_truth ? row->truth : VERDICT_NONE;
    if (row->audited || gate_part_of(row->group ? row->group : "") != GATE_TRAIN) {
        c->never += known == VERDICT_NORMAL || known == VERDICT_DEFECT;
        return ST_OK;
    }
    if (known == VERDICT_NONE && row->revision_number > 0 && !row->flagged)
        add_pool(c, row->picture, group_of(row));
    if (known != VERDICT_NORMAL && known != VERDICT_DEFECT)
        return ST_OK;
    json_t *label = json_pack("{s:I, s:b}", "id", (json_int_t)row->picture, "defect", known == VERDICT_DEFECT);
    if (known == VERDICT_DEFECT) {
        GROW(c->defective, c->defective_capacity, c->defective_count + 1);
        c->defective[c->defective_count++] = group_of(row);
        json_object_set_new(label, "class", json_integer(class_of(c, said ? row->class_name : row->truth_class)));
        json_t *regions = row->regions && row->regions[0] ? json_loads(row->regions, 0, NULL) : NULL;
        bool drawn = json_is_array(regions) && json_array_size(regions) > 0;
        if (drawn)
            json_object_set(label, "regions", regions);
        json_decref(regions);
        if (!said && !drawn && row->truth_mask && row->truth_mask[0])
            json_object_set_new(label, "mask", json_string(row->truth_mask));
    }
    json_array_append_new(c->labels, label);
    return ST_OK;
}

static enum status choose_all(struct project *project, int64_t scene, bool with_truth, int pool_most, json_t **list,
                              size_t *never, struct error *err)
{
    struct choice all = {.project = project, .with_truth = with_truth, .labels = json_array(), .classes = json_array(),
                         .pool_most = (size_t)pool_most, .rng = rng_seed((uint64_t)scene)}, *c = &all;
    c->pool = xcalloc(c->pool_most + 1, sizeof *c->pool);
    c->pool_groups = xcalloc(c->pool_most + 1, sizeof *c->pool_groups);
    enum status status = db_export(project->db, scene, choose, c, err);
    json_t *pool = json_array();
    for (size_t i = 0; i < c->pool_count; i++)
        if (!is_of_defective(c, c->pool_groups[i]))
            json_array_append_new(pool, json_integer((json_int_t)c->pool[i]));
    *list = json_pack("{s:o, s:o, s:o}", "labels", c->labels, "classes", c->classes, "pool", pool);
    free(c->pool), free(c->pool_groups), free(c->defective);
    *never = c->never;
    if (status != ST_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return status;
}

static enum status read_list(const char *path, json_t **list, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    enum status status = file_read(path, list_most, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    *list = json_loadb((const char *)bytes, count, 0, NULL);
    free(bytes);
    if (!json_is_array(json_object_get(*list, "labels")) || !json_is_array(json_object_get(*list, "pool")) ||
        !json_is_array(json_object_get(*list, "classes"))) {
        json_decref(*list);
        return error_set(err, ST_CORRUPT, "%s: damaged; `assay train --cancel` gives the round up", path);
    }
    return ST_OK;
}

// Whether what was imported as known would do where nothing was answered: a normal picture is needed beside it.
static bool truth_would_do(struct project *project, int64_t scene, int pool_most)
{
    struct error unused;
    json_t *list, *label;
    size_t i, never;
    if (choose_all(project, scene, true, pool_most, &list, &never, &unused) != ST_OK)
        return false;
    json_t *labels = json_object_get(list, "labels");
    bool normal = json_array_size(json_object_get(list, "pool")) > 0, would = json_array_size(labels) > 0;
    json_array_foreach(labels, i, label)
        normal = normal || json_is_false(json_object_get(label, "defect"));
    json_decref(list);
    return would && normal;
}

static enum status get_list(struct project *project, int64_t scene, bool with_truth, int pool_most, const char *path, json_t **list,
                            char sha256[HASH_HEX], struct error *err)
{
    enum status status = ST_OK;
    size_t never;
    if (file_exists(path)) {
        status = read_list(path, list, err);
    } else {
        status = choose_all(project, scene, with_truth, pool_most, list, &never, err);
        if (status == ST_OK && json_array_size(json_object_get(*list, "labels")) == 0) {
            json_decref(*list);
            if (never > 0)
                return error_set(err, ST_INVALID, "nothing to learn from yet: what was answered (%zu) is held out to compare models with, or of an audit; answer more, `assay review` asks",
                                 never);
            return !with_truth && truth_would_do(project, scene, pool_most)
                       ? error_set(err, ST_INVALID, "nothing to learn from was answered; `assay review` asks, or `assay train --with-truth` learns from what was imported as known")
                       : error_set(err, ST_INVALID, "nothing to learn from was answered; `assay review` asks");
        }
    }
    if (status != ST_OK)
        return status;
    char *text = json_dumps(*list, JSON_COMPACT);
    hash_bytes(text, strlen(text), sha256);
    if (!file_exists(path))
        status = file_write(path, text, strlen(text), err);
    free(text);
    if (status != ST_OK)
        json_decref(*list);
    return status;
}

// ---- pictures ----

struct item {
    int64_t id;
    char *path, *mask;
    struct spans defect; // drawn: pixels of the whole picture
    int width, height;
    const struct learned_pixels *pixels;
};

struct scene_pixels {
    int64_t scene;
    struct learned_pixels *pixels;
};

struct train_items {
    struct item *items; // by id
    size_t count;
    struct scene_pixels *scenes;
    size_t scene_count;
    struct adapt_label *labels;
    double (*boxes)[4];
    int64_t *pool;
    double scale;
};

static int by_id(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static enum status load(void *context, int64_t id, struct adapt_pixels *pixels, struct error *err)
{
    const struct train_items *t = context;
    struct item key = {.id = id};
    const struct item *item = bsearch(&key, t->items, t->count, sizeof key, by_id);
    if (!item)
        return error_set(err, ST_NOT_FOUND, "picture %lld is not of this round", (long long)id);
    enum status status = learned_pixels_load(item->pixels, item->path, item->mask, pixels, err);
    if (status == ST_OK && !pixels->mask && item->defect.count > 0)
        pixels->mask = learned_pixels_mask(item->pixels, &item->defect, item->width, item->height, pixels->rows, pixels->cols);
    return status;
}

static enum status pixels_of(struct project *project, const struct base *base, struct train_items *t, int64_t scene_id,
                             const struct learned_pixels **pixels, struct error *err)
{
    for (size_t i = 0; i < t->scene_count; i++)
        if (t->scenes[i].scene == scene_id) {
            *pixels = t->scenes[i].pixels;
            return ST_OK;
        }
    struct scene scene;
    enum status status = db_scene_get(project->db, scene_id, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    t->scenes = xreallocarray(t->scenes, t->scene_count + 1, sizeof *t->scenes);
    status = learned_pixels_open(project, base, &scene, t->scale, &t->scenes[t->scene_count].pixels, err);
    if (status == ST_OK) {
        *pixels = t->scenes[t->scene_count].pixels;
        t->scenes[t->scene_count++].scene = scene_id;
    }
    scene_clear(&scene);
    return status;
}

static enum status add_item(struct project *project, const struct base *base, struct train_items *t, int64_t id,
                            const char *mask, struct picture *row, struct error *err)
{
    struct item *item = &t->items[t->count];
    enum status status = db_picture_get(project->db, id, row, err);
    if (status != ST_OK)
        return status;
    *item = (struct item){.id = id, .path = project_picture(project, row), .mask = mask ? xstrdup(mask) : NULL};
    t->count++;
    status = pixels_of(project, base, t, row->scene, &item->pixels, err);
    if (status != ST_OK)
        picture_clear(row);
    return status;
}

// What was drawn on a picture. Polygons and masks say which pixels are defective; a box that there is something in it: as
// fractions of what is seen of the picture. Returns how many boxes.
static int read_regions(const json_t *regions, struct item *item, const struct picture *row, double (*out)[4])
{
    struct region_list list;
    struct error unread; // the answer stands without them
    int count = 0;
    char *text = regions ? json_dumps(regions, JSON_COMPACT) : NULL;
    bool read = text && regions_read(text, row->width, row->height, &list, &unread) == ST_OK;
    free(text);
    if (!read)
        return 0;
    bool fits = true;
    for (size_t i = 0; i < list.count; i++) {
        double box[4];
        struct spans spans = {0};
        region_bounds(&list.rows[i].shape, box);
        fits = fits && (list.rows[i].shape.kind != REGION_BOX || count < BOXES);
        if (list.rows[i].shape.kind != REGION_BOX) {
            region_spans(&list.rows[i].shape, row->width, row->height, &spans);
            spans_join(&item->defect, &spans);
            spans_clear(&spans);
        } else if (fits && learned_pixels_box(item->pixels, box, row->width, row->height, out[count])) {
            count++;
        }
    }
    regions_clear(&list);
    item->width = row->width;
    item->height = row->height;
    if (fits)
        return count;
    spans_clear(&item->defect); // not all of them: nothing is known of the rest of the picture
    return 0;
}

static enum status fill(struct project *project, const struct base *base, const json_t *list, struct train_data *d,
                        struct error *err)
{
    const json_t *labels = json_object_get(list, "labels"), *pool = json_object_get(list, "pool");
    size_t n = json_array_size(labels), m = json_array_size(pool), defects = 0, i, boxes = 0, outlined = 0, boxed = 0;
    struct train_items *t = d->items;
    json_t *entry;
    enum status status = ST_OK;
    t->items = xcalloc(n + m + 1, sizeof *t->items);
    t->labels = xcalloc(n + 1, sizeof *t->labels);
    t->boxes = xcalloc(n * BOXES + 1, sizeof *t->boxes);
    t->pool = xcalloc(m + 1, sizeof *t->pool);
    json_array_foreach(labels, i, entry) {
        struct picture row;
        int64_t id = json_integer_value(json_object_get(entry, "id"));
        bool defect = json_is_true(json_object_get(entry, "defect"));
        status = add_item(project, base, t, id, json_string_value(json_object_get(entry, "mask")), &row, err);
        if (status != ST_OK)
            return status;
        int count = read_regions(json_object_get(entry, "regions"), &t->items[t->count - 1], &row, t->boxes + boxes);
        t->labels[i] = (struct adapt_label){.id = id, .defect = defect, .class_index = -1, .box_count = count,
                                            .boxes = count ? (const double (*)[4])(t->boxes + boxes) : NULL};
        if (json_is_integer(json_object_get(entry, "class")))
            t->labels[i].class_index = (int)json_integer_value(json_object_get(entry, "class"));
        boxes += (size_t)count;
        boxed += count > 0;
        outlined += t->items[t->count - 1].defect.count > 0 || t->items[t->count - 1].mask;
        defects += defect;
        picture_clear(&row);
    }
    json_array_foreach(pool, i, entry) {
        struct picture row;
        t->pool[i] = json_integer_value(entry);
        status = add_item(project, base, t, t->pool[i], NULL, &row, err);
        if (status != ST_OK)
            return status;
        picture_clear(&row);
    }
    qsort(t->items, t->count, sizeof *t->items, by_id);
    d->pictures = xcalloc(t->count + 1, sizeof *d->pictures);
    for (i = 0; i < t->count; i++)
        d->pictures[d->picture_count++] = t->items[i].id;
    d->data = (struct adapt_data){.context = t, .load = load, .labels = t->labels, .label_count = n, .pool = t->pool,
                                  .pool_count = m, .classes = (int)json_array_size(json_object_get(list, "classes"))};
    d->summary = json_pack("{s:I, s:I, s:I, s:I, s:O}", "labels", (json_int_t)n, "defects", (json_int_t)defects, "normals",
                           (json_int_t)(n - defects), "pool", (json_int_t)m, "classes", json_object_get(list, "classes"));
    json_object_set_new(d->summary, "outlined", json_integer((json_int_t)outlined));
    json_object_set_new(d->summary, "boxed", json_integer((json_int_t)boxed));
    return ST_OK;
}

enum status train_data_open(struct project *project, const struct base *base, int64_t scene, bool with_truth,
                            int pool_most, double scale, const char *path, struct train_data *d, struct error *err)
{
    json_t *list;
    char sha256[HASH_HEX];
    *d = (struct train_data){.items = xcalloc(1, sizeof *d->items)};
    d->items->scale = scale;
    enum status status = get_list(project, scene, with_truth, pool_most, path, &list, sha256, err);
    if (status == ST_OK) {
        status = fill(project, base, list, d, err);
        json_decref(list);
    }
    if (status != ST_OK)
        train_data_close(d);
    else
        json_object_set_new(d->summary, "sha256", json_string(sha256));
    return status;
}

void train_data_close(struct train_data *d)
{
    struct train_items *t = d->items;
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].path);
        free(t->items[i].mask);
        spans_clear(&t->items[i].defect);
    }
    for (size_t i = 0; i < t->scene_count; i++)
        learned_pixels_close(t->scenes[i].pixels);
    free(t->items), free(t->scenes), free(t->labels), free(t->boxes), free(t->pool);
    free(t);
    free(d->pictures);
    json_decref(d->summary);
    *d = (struct train_data){0};
}
