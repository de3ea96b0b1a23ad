// A part of a picture: a box, a polygon or a mask. Coordinates are pixels of the whole picture; pixel (x, y) is the
// square from x to x + 1 and from y to y + 1, and belongs to a region when its centre lies inside (even-odd rule).
#ifndef IMAGE_REGION_H
#define IMAGE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// ---- pixels (spans.c) ----

struct span {
    int y, x0, x1; // pixels x0 .. x1 - 1 of row y
};
struct spans { // invariant: by y, then x0; none empty, none that touches the next of its row. Start from {0}
    struct span *runs;
    size_t count, room;
};

void spans_clear(struct spans *spans);
void spans_put(struct spans *spans, int y, int x0, int x1); // at the end: not before what is there
void spans_copy(const struct spans *from, struct spans *to); // into {0}
void spans_join(struct spans *spans, const struct spans *more); // union
void spans_less(struct spans *spans, const struct spans *less); // difference
void spans_clip(struct spans *spans, int width, int height);
void spans_move(struct spans *spans, int right, int down);
void spans_grow(struct spans *spans, int by); // by so many pixels to all sides, below 0: smaller
void spans_disc(int x, int y, int radius, struct spans *spans); // into {0}: pixels whose centre is within radius + 1/2 of (x, y)'s
bool spans_has(const struct spans *spans, int x, int y);
bool spans_same(const struct spans *a, const struct spans *b);
int64_t spans_area(const struct spans *spans);
bool spans_bounds(const struct spans *spans, int box[4]); // x0 y0 x1 y1; false: empty

// Run lengths as in COCO (Lin et al. 2014, cocoapi common/maskApi.c): column after column, absent ones first.
// Caller frees. The counts sum to width * height.
uint32_t *spans_counts(const struct spans *spans, int width, int height, size_t *count);
// ST_INVALID: they do not sum to width * height. Into {0}.
ASSAY_CHECKED enum status spans_from_counts(const uint32_t *counts, size_t count, int width, int height,
                                            struct spans *spans, struct error *err);
// The same counts as COCO's text: from the fourth on the difference to the one two before, five bits a letter, the lowest
// first, bit six: more follow; plus 48. Caller frees.
char *spans_text(const uint32_t *counts, size_t count);
ASSAY_CHECKED enum status spans_from_text(const char *text, uint32_t **counts, size_t *count, struct error *err);

// The lines along the pixels' edges, each closed: round a part (clockwise as seen) or a hole in one. Pixels that meet in
// a corner only are apart. With even-odd all of them together give the pixels back. spans_lines_free.
struct spans_line {
    double *points; // x y x y ..., corners only
    size_t count;   // numbers
    bool hole;
};
struct spans_line *spans_lines(const struct spans *spans, size_t *count);
void spans_lines_free(struct spans_line *lines, size_t count);

// ---- regions (region.c) ----

enum region_kind { REGION_BOX, REGION_POLYGON, REGION_MASK };
enum { REGION_CORNERS = 1000 }; // most corners of a polygon

struct region {
    enum region_kind kind;
    double *points; // box: x0 y0 x1 y1, x1 > x0, y1 > y0; polygon: x y x y ...; owned
    size_t count;   // numbers in points
    struct spans mask; // REGION_MASK
};

const char *region_kind_name(enum region_kind kind); // "box", "polygon", "mask"
bool region_kind_parse(const char *text, enum region_kind *kind);

void region_box(struct region *region, double x0, double y0, double x1, double y1); // into {0}; any two corners
void region_polygon(struct region *region, const double *points, size_t count);    // into {0}; copies
void region_mask(struct region *region, struct spans *mask);                       // into {0}; takes the spans
void region_copy(const struct region *from, struct region *to);                    // into {0}
void region_clear(struct region *region);
bool region_same(const struct region *a, const struct region *b);

void region_spans(const struct region *region, int width, int height, struct spans *spans); // into {0}
void region_bounds(const struct region *region, double box[4]);
int64_t region_area(const struct region *region, int width, int height); // pixels

// As far as all of it stays in the picture.
void region_move(struct region *region, double right, double down, int width, int height);
// To all sides by so many pixels, below 0: smaller, at least one pixel. A polygon grows from its middle.
void region_grow(struct region *region, double by, int width, int height);
// One corner of a box (0 upper left, then as the clock goes) or a polygon, within the picture. A box keeps a pixel.
size_t region_corners(const struct region *region); // 0 of a mask
void region_corner(const struct region *region, size_t number, double at[2]);
void region_corner_move(struct region *region, size_t number, double right, double down, int width, int height);

#endif
