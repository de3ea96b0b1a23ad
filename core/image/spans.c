#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "image/region.h"

void spans_clear(struct spans *spans)
{
    free(spans->runs);
    *spans = (struct spans){0};
}

void spans_put(struct spans *spans, int y, int x0, int x1)
{
    struct span *last = spans->count ? &spans->runs[spans->count - 1] : NULL;
    if (x1 <= x0)
        return;
    if (last && last->y == y && last->x1 >= x0) {
        last->x1 = x1 > last->x1 ? x1 : last->x1;
        return;
    }
    GROW(spans->runs, spans->room, spans->count + 1);
    spans->runs[spans->count++] = (struct span){y, x0, x1};
}

void spans_copy(const struct spans *from, struct spans *to)
{
    for (size_t i = 0; i < from->count; i++)
        spans_put(to, from->runs[i].y, from->runs[i].x0, from->runs[i].x1);
}

static bool before(const struct span *a, const struct span *b)
{
    return a->y != b->y ? a->y < b->y : a->x0 < b->x0;
}

void spans_join(struct spans *spans, const struct spans *more)
{
    struct spans all = {0};
    size_t i = 0, k = 0;
    while (i < spans->count || k < more->count) {
        bool first = k == more->count || (i < spans->count && before(&spans->runs[i], &more->runs[k]));
        const struct span *s = first ? &spans->runs[i++] : &more->runs[k++];
        spans_put(&all, s->y, s->x0, s->x1);
    }
    spans_clear(spans);
    *spans = all;
}

void spans_less(struct spans *spans, const struct spans *less)
{
    struct spans left = {0};
    size_t k = 0;
    for (size_t i = 0; i < spans->count; i++) {
        struct span s = spans->runs[i];
        while (k < less->count && (less->runs[k].y < s.y || (less->runs[k].y == s.y && less->runs[k].x1 <= s.x0)))
            k++;
        for (size_t m = k; m < less->count && less->runs[m].y == s.y && less->runs[m].x0 < s.x1; m++) {
            spans_put(&left, s.y, s.x0, less->runs[m].x0);
            s.x0 = less->runs[m].x1 > s.x0 ? less->runs[m].x1 : s.x0;
        }
        spans_put(&left, s.y, s.x0, s.x1);
    }
    spans_clear(spans);
    *spans = left;
}

void spans_clip(struct spans *spans, int width, int height)
{
    size_t kept = 0;
    for (size_t i = 0; i < spans->count; i++) {
        struct span s = spans->runs[i];
        s.x0 = s.x0 < 0 ? 0 : s.x0;
        s.x1 = s.x1 > width ? width : s.x1;
        if (s.y >= 0 && s.y < height && s.x1 > s.x0)
            spans->runs[kept++] = s;
    }
    spans->count = kept;
}

void spans_move(struct spans *spans, int right, int down)
{
    for (size_t i = 0; i < spans->count; i++) {
        spans->runs[i].y += down;
        spans->runs[i].x0 += right;
        spans->runs[i].x1 += right;
    }
}

// One pixel to all eight sides.
static void dilate(struct spans *spans)
{
    struct spans wide = {0}, all = {0};
    for (size_t i = 0; i < spans->count; i++)
        spans_put(&wide, spans->runs[i].y, spans->runs[i].x0 - 1, spans->runs[i].x1 + 1);
    for (int down = -1; down <= 1; down++) {
        struct spans moved = {0};
        spans_copy(&wide, &moved);
        spans_move(&moved, 0, down);
        spans_join(&all, &moved);
        spans_clear(&moved);
    }
    spans_clear(&wide);
    spans_clear(spans);
    *spans = all;
}

void spans_grow(struct spans *spans, int by)
{
    int box[4];
    for (; by > 0; by--)
        dilate(spans);
    if (by == 0 || !spans_bounds(spans, box))
        return;
    struct spans around = {0}; // what is not there, with a rim, grows into it
    for (int y = box[1] - 1; y <= box[3]; y++)
        spans_put(&around, y, box[0] - 1, box[2] + 1);
    spans_less(&around, spans);
    for (; by < 0; by++)
        dilate(&around);
    spans_less(spans, &around);
    spans_clear(&around);
}

void spans_disc(int x, int y, int radius, struct spans *spans)
{
    double reach = radius + 0.5;
    for (int dy = -radius; dy <= radius; dy++) {
        int half = (int)floor(sqrt(reach * reach - (double)dy * dy));
        spans_put(spans, y + dy, x - half, x + half + 1);
    }
}

bool spans_has(const struct spans *spans, int x, int y)
{
    size_t low = 0, high = spans->count;
    while (low < high) { // the first run that ends behind it
        size_t middle = low + (high - low) / 2;
        const struct span *s = &spans->runs[middle];
        if (s->y < y || (s->y == y && s->x1 <= x))
            low = middle + 1;
        else
            high = middle;
    }
    return low < spans->count && spans->runs[low].y == y && spans->runs[low].x0 <= x;
}

bool spans_same(const struct spans *a, const struct spans *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++)
        same = a->runs[i].y == b->runs[i].y && a->runs[i].x0 == b->runs[i].x0 && a->runs[i].x1 == b->runs[i].x1;
    return same;
}

int64_t spans_area(const struct spans *spans)
{
    int64_t area = 0;
    for (size_t i = 0; i < spans->count; i++)
        area += spans->runs[i].x1 - spans->runs[i].x0;
    return area;
}

bool spans_bounds(const struct spans *spans, int box[4])
{
    if (spans->count == 0)
        return false;
    box[0] = spans->runs[0].x0;
    box[1] = spans->runs[0].y;
    box[2] = spans->runs[0].x1;
    box[3] = spans->runs[spans->count - 1].y + 1;
    for (size_t i = 1; i < spans->count; i++) {
        box[0] = spans->runs[i].x0 < box[0] ? spans->runs[i].x0 : box[0];
        box[2] = spans->runs[i].x1 > box[2] ? spans->runs[i].x1 : box[2];
    }
    return true;
}

// ---- bitmaps of the bounds ----

struct bitmap {
    int x, y, width, height;
    uint8_t *cells; // (height, width)
};

// With a rim of `rim` pixels.
static bool bitmap_of(const struct spans *spans, int rim, struct bitmap *map)
{
    int box[4];
    if (!spans_bounds(spans, box))
        return false;
    *map = (struct bitmap){box[0] - rim, box[1] - rim, box[2] - box[0] + 2 * rim, box[3] - box[1] + 2 * rim, NULL};
    map->cells = xcalloc((size_t)map->width * (size_t)map->height, 1);
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *s = &spans->runs[i];
        memset(map->cells + (size_t)(s->y - map->y) * (size_t)map->width + (size_t)(s->x0 - map->x), 1,
               (size_t)(s->x1 - s->x0));
    }
    return true;
}

static bool cell(const struct bitmap *map, int x, int y) // of the bitmap
{
    return map->cells[(size_t)y * (size_t)map->width + (size_t)x] != 0;
}

// ---- run lengths ----

struct counting {
    uint32_t *counts;
    size_t count, room;
    uint64_t told, from, to; // pixels told of, and a run of present ones that may go on
};

static void tell(struct counting *c, uint64_t from, uint64_t to)
{
    GROW(c->counts, c->room, c->count + 2);
    c->counts[c->count++] = (uint32_t)(from - c->told);
    if (to > from)
        c->counts[c->count++] = (uint32_t)(to - from);
    c->told = to;
}

static void present(struct counting *c, uint64_t from, uint64_t to)
{
    if (c->to > c->from && c->to < from)
        tell(c, c->from, c->to);
    if (c->to < from || c->to == c->from)
        c->from = from;
    c->to = to;
}

uint32_t *spans_counts(const struct spans *spans, int width, int height, size_t *count)
{
    struct spans inside = {0};
    struct bitmap map;
    struct counting c = {0};
    uint64_t all = (uint64_t)width * (uint64_t)height;
    spans_copy(spans, &inside);
    spans_clip(&inside, width, height);
    if (bitmap_of(&inside, 0, &map)) {
        for (int x = 0; x < map.width; x++)
            for (int y = 0; y < map.height; y++) {
                int from = y;
                while (y < map.height && cell(&map, x, y))
                    y++;
                uint64_t top = (uint64_t)(map.x + x) * (uint64_t)height + (uint64_t)map.y;
                if (y > from)
                    present(&c, top + (uint64_t)from, top + (uint64_t)y);
            }
        free(map.cells);
        tell(&c, c.from, c.to);
    }
    if (c.told < all)
        tell(&c, all, all);
    spans_clear(&inside);
    *count = c.count;
    return c.counts;
}

enum status spans_from_counts(const uint32_t *counts, size_t count, int width, int height, struct spans *spans,
                              struct error *err)
{
    uint64_t sum = 0, all = (uint64_t)width * (uint64_t)height, h = (uint64_t)height;
    int low = width, high = 0;
    for (size_t i = 0; i < count && sum <= all; i++) {
        if (i % 2 && counts[i] > 0) {
            low = (int)(sum / h) < low ? (int)(sum / h) : low;
            high = (int)((sum + counts[i] - 1) / h) + 1;
        }
        sum += counts[i];
    }
    if (sum != all || width < 1 || height < 1)
        return error_set(err, ST_INVALID, "the run lengths do not sum to %d x %d pixels", width, height);
    if (low >= high)
        return ST_OK;
    size_t across = (size_t)(high - low);
    uint8_t *cells = xcalloc(across * h, 1); // (height, across)
    uint64_t at = 0;
    for (size_t i = 0; i < count; at += counts[i++])
        for (uint64_t p = at; i % 2 && p < at + counts[i]; p++)
            cells[p % h * across + (p / h - (uint64_t)low)] = 1;
    for (int y = 0; y < height; y++)
        for (size_t x = 0; x < across; x++) {
            size_t end = x;
            while (end < across && cells[(size_t)y * across + end])
                end++;
            spans_put(spans, y, low + (int)x, low + (int)end);
            x = end;
        }
    free(cells);
    return ST_OK;
}

char *spans_text(const uint32_t *counts, size_t count)
{
    struct strbuf text = {0};
    strbuf_puts(&text, "");
    for (size_t i = 0; i < count; i++) {
        int64_t x = (int64_t)counts[i] - (i > 2 ? (int64_t)counts[i - 2] : 0);
        for (bool more = true; more;) {
            int letter = (int)(x & 31);
            x >>= 5;
            more = letter & 16 ? x != -1 : x != 0;
            char c = (char)(letter + (more ? 32 : 0) + 48);
            strbuf_add(&text, &c, 1);
        }
    }
    return text.data;
}

enum status spans_from_text(const char *text, uint32_t **counts, size_t *count, struct error *err)
{
    size_t room = 0;
    bool fine = true;
    *counts = NULL;
    *count = 0;
    while (*text && fine) {
        int64_t x = 0;
        int letter = 32;
        for (int shift = 0; letter & 32 && fine; shift += 5, text++) {
            letter = (unsigned char)*text - 48;
            fine = letter >= 0 && letter < 64 && shift <= 35;
            if (fine)
                x += (int64_t)(letter & 31) * ((int64_t)1 << shift);
            if (fine && !(letter & 32) && letter & 16)
                x -= (int64_t)1 << (shift + 5);
        }
        x += *count > 2 ? (int64_t)(*counts)[*count - 2] : 0;
        fine = fine && x >= 0 && x <= UINT32_MAX;
        if (!fine)
            break;
        GROW(*counts, room, *count + 1);
        (*counts)[(*count)++] = (uint32_t)x;
    }
    if (fine)
        return ST_OK;
    free(*counts);
    *counts = NULL;
    *count = 0;
    return error_set(err, ST_INVALID, "the text of run lengths is damaged");
}

// ---- outlines ----

static void put_point(struct spans_line *line, size_t *room, int x, int y)
{
    GROW(line->points, *room, line->count + 2);
    line->points[line->count++] = x;
    line->points[line->count++] = y;
}

// Along the edges with the pixels on the right, from the upper left corner of a pixel with none above to the east.
static void follow(const struct bitmap *map, uint8_t *seen, int x0, int y0, struct spans_line *line)
{
    static const int step[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    // the pixel before a corner on the right hand and the one on the left, for each direction
    static const int right[4][2] = {{0, 0}, {-1, 0}, {-1, -1}, {0, -1}}, left[4][2] = {{0, -1}, {0, 0}, {-1, 0}, {-1, -1}};
    int x = x0, y = y0, way = 0;
    double twice = 0;
    size_t room = 0;
    do {
        if (way == 0)
            seen[(size_t)y * (size_t)map->width + (size_t)x] = 1;
        x += step[way][0];
        y += step[way][1];
        int turn = !cell(map, x + right[way][0], y + right[way][1]) ? 1 : cell(map, x + left[way][0], y + left[way][1]) ? 3 : 0;
        if (turn)
            put_point(line, &room, map->x + x, map->y + y);
        way = (way + turn) % 4;
    } while (x != x0 || y != y0 || way != 0);
    for (size_t i = 0; i < line->count; i += 2) {
        size_t k = (i + 2) % line->count;
        twice += line->points[i] * line->points[k + 1] - line->points[k] * line->points[i + 1];
    }
    line->hole = twice < 0;
}

struct spans_line *spans_lines(const struct spans *spans, size_t *count)
{
    struct bitmap map;
    struct spans_line *lines = NULL;
    size_t room = 0;
    *count = 0;
    if (!bitmap_of(spans, 1, &map))
        return NULL;
    uint8_t *seen = xcalloc((size_t)map.width * (size_t)map.height, 1);
    for (int y = 1; y < map.height; y++)
        for (int x = 0; x < map.width; x++) {
            if (!cell(&map, x, y) || cell(&map, x, y - 1) || seen[(size_t)y * (size_t)map.width + (size_t)x])
                continue;
            GROW(lines, room, *count + 1);
            lines[*count] = (struct spans_line){0};
            follow(&map, seen, x, y, &lines[(*count)++]);
        }
    free(seen);
    free(map.cells);
    return lines;
}

void spans_lines_free(struct spans_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(lines[i].points);
    free(lines);
}
