#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/region.h"

static const char *const names[] = {[REGION_BOX] = "box", [REGION_POLYGON] = "polygon", [REGION_MASK] = "mask"};

const char *region_kind_name(enum region_kind kind)
{
    return names[kind];
}

bool region_kind_parse(const char *text, enum region_kind *kind)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *kind = (enum region_kind)i;
            return true;
        }
    }
    return false;
}

static void points_set(struct region *region, const double *points, size_t count)
{
    region->points = xmalloc((count + 1) * sizeof *points);
    memcpy(region->points, points, count * sizeof *points);
    region->count = count;
}

void region_box(struct region *region, double x0, double y0, double x1, double y1)
{
    double points[4] = {fmin(x0, x1), fmin(y0, y1), fmax(x0, x1), fmax(y0, y1)};
    region->kind = REGION_BOX;
    points_set(region, points, 4);
}

void region_polygon(struct region *region, const double *points, size_t count)
{
    region->kind = REGION_POLYGON;
    points_set(region, points, count);
}

void region_mask(struct region *region, struct spans *mask)
{
    region->kind = REGION_MASK;
    region->mask = *mask;
    *mask = (struct spans){0};
}

void region_copy(const struct region *from, struct region *to)
{
    to->kind = from->kind;
    if (from->kind == REGION_MASK)
        spans_copy(&from->mask, &to->mask);
    else
        points_set(to, from->points, from->count);
}

void region_clear(struct region *region)
{
    free(region->points);
    spans_clear(&region->mask);
    *region = (struct region){0};
}

bool region_same(const struct region *a, const struct region *b)
{
    bool same = a->kind == b->kind && a->count == b->count && spans_same(&a->mask, &b->mask);
    for (size_t i = 0; i < a->count && same; i++)
        same = fabs(a->points[i] - b->points[i]) < 1e-9;
    return same;
}

// ---- pixels ----

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

// The first pixel whose centre is not left of x.
static int centre_from(double x, int most)
{
    double at = ceil(x - 0.5);
    return at < 0 ? 0 : at > most ? most : (int)at;
}

static void polygon_spans(const struct region *region, int width, int height, struct spans *spans)
{
    double box[4], *across = xmalloc((region->count + 1) * sizeof *across);
    region_bounds(region, box);
    int end = centre_from(box[3], height);
    for (int y = centre_from(box[1], height); y < end; y++) {
        double middle = y + 0.5;
        size_t n = 0;
        for (size_t i = 0; i + 1 < region->count; i += 2) {
            const double *a = &region->points[i], *b = &region->points[(i + 2) % region->count];
            if ((a[1] <= middle) != (b[1] <= middle))
                across[n++] = a[0] + (middle - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
        }
        qsort(across, n, sizeof *across, by_value);
        for (size_t i = 0; i + 1 < n; i += 2)
            spans_put(spans, y, centre_from(across[i], width), centre_from(across[i + 1], width));
    }
    free(across);
}

void region_spans(const struct region *region, int width, int height, struct spans *spans)
{
    if (region->kind == REGION_MASK) {
        spans_copy(&region->mask, spans);
        spans_clip(spans, width, height);
    } else if (region->kind == REGION_POLYGON) {
        polygon_spans(region, width, height, spans);
    } else {
        int x0 = centre_from(region->points[0], width), x1 = centre_from(region->points[2], width);
        int end = centre_from(region->points[3], height);
        for (int y = centre_from(region->points[1], height); y < end; y++)
            spans_put(spans, y, x0, x1);
    }
}

void region_bounds(const struct region *region, double box[4])
{
    int pixels[4] = {0};
    if (region->kind == REGION_MASK) {
        spans_bounds(&region->mask, pixels);
        for (int i = 0; i < 4; i++)
            box[i] = pixels[i];
        return;
    }
    for (int i = 0; i < 4; i++)
        box[i] = i < 2 ? INFINITY : -INFINITY;
    for (size_t i = 0; i < region->count; i++) {
        box[i % 2] = fmin(box[i % 2], region->points[i]);
        box[2 + i % 2] = fmax(box[2 + i % 2], region->points[i]);
    }
}

int64_t region_area(const struct region *region, int width, int height)
{
    struct spans spans = {0};
    region_spans(region, width, height, &spans);
    int64_t area = spans_area(&spans);
    spans_clear(&spans);
    return area;
}

// ---- changes ----

void region_move(struct region *region, double right, double down, int width, int height)
{
    double box[4];
    region_bounds(region, box);
    right = fmax(fmin(right, width - box[2]), -box[0]);
    down = fmax(fmin(down, height - box[3]), -box[1]);
    for (size_t i = 0; i < region->count; i++)
        region->points[i] += i % 2 ? down : right;
    spans_move(&region->mask, (int)right, (int)down);
}

// Both ends of one side; false where it would be narrower than a pixel.
static bool grown(double by, double most, double *low, double *high)
{
    double a = fmax(*low - by, 0), b = fmin(*high + by, most);
    if (b - a < 1)
        return false;
    *low = a;
    *high = b;
    return true;
}

void region_grow(struct region *region, double by, int width, int height)
{
    double box[4], to[4];
    struct spans kept = {0};
    region_bounds(region, box);
    memcpy(to, box, sizeof box);
    switch (region->kind) {
    case REGION_BOX:
        if (grown(by, width, &to[0], &to[2]) && grown(by, height, &to[1], &to[3]))
            memcpy(region->points, to, sizeof to);
        break;
    case REGION_POLYGON:
        if (!grown(by, width, &to[0], &to[2]) || !grown(by, height, &to[1], &to[3]))
            break;
        for (size_t i = 0; i < region->count; i++) {
            size_t k = i % 2;
            double side = fmax(box[2 + k] - box[k], 1e-9);
            region->points[i] = to[k] + (region->points[i] - box[k]) / side * (to[2 + k] - to[k]);
        }
        break;
    case REGION_MASK:
        spans_copy(&region->mask, &kept);
        spans_grow(&region->mask, (int)by);
        spans_clip(&region->mask, width, height);
        if (region->mask.count == 0) {
            region->mask = kept;
            return;
        }
        break;
    }
    spans_clear(&kept);
}

size_t region_corners(const struct region *region)
{
    return region->kind == REGION_BOX ? 4 : region->kind == REGION_POLYGON ? region->count / 2 : 0;
}

void region_corner(const struct region *region, size_t number, double at[2])
{
    bool box = region->kind == REGION_BOX;
    at[0] = region->points[box ? (number == 1 || number == 2 ? 2 : 0) : 2 * number];
    at[1] = region->points[box ? (number >= 2 ? 3 : 1) : 2 * number + 1];
}

void region_corner_move(struct region *region, size_t number, double right, double down, int width, int height)
{
    double *p = region->points;
    if (region->kind == REGION_POLYGON) {
        p[2 * number] = fmin(fmax(p[2 * number] + right, 0), width);
        p[2 * number + 1] = fmin(fmax(p[2 * number + 1] + down, 0), height);
        return;
    }
    if (number == 1 || number == 2)
        p[2] = fmax(fmin(p[2] + right, width), p[0] + 1);
    else
        p[0] = fmin(fmax(p[0] + right, 0), p[2] - 1);
    if (number >= 2)
        p[3] = fmax(fmin(p[3] + down, height), p[1] + 1);
    else
        p[1] = fmin(fmax(p[1] + down, 0), p[3] - 1);
}
