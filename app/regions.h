// The regions of a picture as they are stored: a JSON array of objects
//   {"kind": "box" | "polygon", "points": [..]} or {"kind": "mask", "size": [height, width], "counts": "COCO's text"}
// each with "class", "severity" ("" none), "who" drew it or changed it last, and "at" (milliseconds). Coordinates are
// pixels (image/region.h). An array of four numbers in place of an object is a box.
#ifndef APP_REGIONS_H
#define APP_REGIONS_H

#include <jansson.h>

#include "db/label.h"
#include "image/region.h"

struct region_row {
    struct region shape;
    char *class_name, *severity, *who; // never NULL; owned
    int64_t at_ms;
};
struct region_list {
    struct region_row *rows;
    size_t count, room;
};
enum { REGIONS_MOST = 1000 }; // of a picture

void regions_clear(struct region_list *list);
// A new last one with empty texts and an empty shape; NULL when there are REGIONS_MOST.
struct region_row *regions_add(struct region_list *list);
void regions_set(char **text, const char *value);

// width, height: of the picture. json "" or NULL: none. ST_CORRUPT with what is wrong in it.
ASSAY_CHECKED enum status regions_read(const char *json, int width, int height, struct region_list *list, struct error *err);
char *regions_text(const struct region_list *list, int width, int height); // caller frees

// What stands on a picture, its classes with the names they have now. before, source: as of struct region_set.
ASSAY_CHECKED enum status regions_get(struct db *db, int64_t picture, int width, int height,
                                      struct region_list *list, int64_t *before, enum label_source *source,
                                      struct error *err);
// All regions of a picture from now on, by `person`; classes that were not among them before are made where they are
// missing. ST_BUSY: others changed them since `before`.
ASSAY_CHECKED enum status regions_put(struct db *db, int64_t picture, int width, int height, int64_t person,
                                      const struct region_list *list, int64_t before, int64_t *event, struct error *err);

#endif
