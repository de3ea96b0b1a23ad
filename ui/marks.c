#include "config.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/marks.h"

struct mark {
    enum mark_style style;
    struct spans spans;
};

struct corner {
    double x, y;
    bool held;
};

struct marks {
    atomic_int users;
    int width, height;
    struct mark *rows;
    size_t count, room;
    struct corner *corners;
    size_t corner_count, corner_room;
    bool cursor;
    double x, y;
};

struct marks *marks_new(int width, int height)
{
    struct marks *m = xcalloc(1, sizeof *m);
    atomic_init(&m->users, 1);
    m->width = width;
    m->height = height;
    return m;
}

void marks_shape(struct marks *m, enum mark_style style, const struct region *shape)
{
    GROW(m->rows, m->room, m->count + 1);
    m->rows[m->count] = (struct mark){.style = style};
    region_spans(shape, m->width, m->height, &m->rows[m->count++].spans);
}

void marks_corner(struct marks *m, double x, double y, bool held)
{
    GROW(m->corners, m->corner_room, m->corner_count + 1);
    m->corners[m->corner_count++] = (struct corner){x, y, held};
}

void marks_cursor(struct marks *m, double x, double y)
{
    m->cursor = true;
    m->x = x;
    m->y = y;
}

struct marks *marks_use(struct marks *m)
{
    if (m)
        atomic_fetch_add(&m->users, 1);
    return m;
}

void marks_leave(struct marks *m)
{
    if (!m || atomic_fetch_sub(&m->users, 1) > 1)
        return;
    for (size_t i = 0; i < m->count; i++)
        spans_clear(&m->rows[i].spans);
    free(m->rows);
    free(m->corners);
    free(m);
}

// ---- drawing ----

// Which pixels of the picture, from `first` to before `last`, a frame pixel shows; of one direction. Entry i is frame
// pixel i - margin of the placed picture: a line at the rim of what is seen looks beyond it.
struct ruler {
    int margin, count;
    int *first, *last;
};

static int floor_div(int64_t a, int64_t b)
{
    return (int)(a / b - (a % b < 0));
}

static void ruler_set(struct ruler *r, int from, int seen, int shown, int margin)
{
    r->margin = margin;
    r->count = shown + 2 * margin;
    r->first = xcalloc((size_t)r->count, sizeof *r->first);
    r->last = xcalloc((size_t)r->count, sizeof *r->last);
    for (int i = 0; i < r->count; i++) {
        int64_t at = i - margin;
        if (seen <= shown) { // the pixel in the middle
            r->first[i] = from + floor_div((2 * at + 1) * seen, 2 * (int64_t)shown);
            r->last[i] = r->first[i] + 1;
        } else {
            r->first[i] = from + floor_div(at * seen, shown);
            r->last[i] = from + floor_div((at + 1) * seen + shown - 1, shown);
        }
    }
}

static void ruler_clear(struct ruler *r)
{
    free(r->first);
    free(r->last);
}

// The first entry that ends behind pixel x.
static int ruler_from(const struct ruler *r, int x)
{
    int low = 0, high = r->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (r->last[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct canvas {
    struct image *frame;
    const struct placement *at;
    struct ruler across, down;
    uint8_t *inside; // (down.count, across.count)
    int line;
};

static void put(const struct canvas *c, int x, int y, const uint8_t rgb[3]) // of the placed picture
{
    if (x < 0 || y < 0 || x >= c->at->width || y >= c->at->height)
        return;
    size_t at = (size_t)(c->at->y + y) * (size_t)c->frame->width + (size_t)(c->at->x + x);
    memcpy(c->frame->pixels + 3 * at, rgb, 3);
}

// Which frame pixels lie in it, with the margins; false: none.
static bool fill(struct canvas *c, const struct spans *spans)
{
    bool any = false;
    memset(c->inside, 0, (size_t)c->across.count * (size_t)c->down.count);
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *s = &spans->runs[i];
        int x0 = ruler_from(&c->across, s->x0), x1 = x0;
        while (x1 < c->across.count && c->across.first[x1] < s->x1)
            x1++;
        for (int y = ruler_from(&c->down, s->y); x1 > x0 && y < c->down.count && c->down.first[y] <= s->y; y++) {
            memset(c->inside + (size_t)y * (size_t)c->across.count + (size_t)x0, 1, (size_t)(x1 - x0));
            any = true;
        }
    }
    return any;
}

static bool meets(const struct canvas *c, int x, int y, int reach, bool inside) // x, y: of the canvas with its margins
{
    int w = c->across.count, h = c->down.count;
    for (int dy = -reach; dy <= reach; dy++)
        for (int dx = -reach; dx <= reach; dx++) {
            int nx = x + dx, ny = y + dy;
            if (nx >= 0 && ny >= 0 && nx < w && ny < h &&
                (c->inside[(size_t)ny * (size_t)w + (size_t)nx] != 0) != inside)
                return true;
        }
    return false;
}

static const uint8_t dark[3] = {0, 0, 0}, colours[][3] = {
    [MARK_PLAIN] = {255, 255, 255}, [MARK_CHOSEN] = {255, 220, 0}, [MARK_SUGGESTED] = {0, 230, 255}, [MARK_DRAFT] = {255, 120, 255}};

static void outline(struct canvas *c, const struct mark *mark)
{
    bool thick = mark->style == MARK_CHOSEN || mark->style == MARK_DRAFT;
    bool dashed = mark->style == MARK_SUGGESTED || mark->style == MARK_DRAFT;
    int width = thick || c->line < 2 ? c->line : c->line / 2, rim = c->line / 2, margin = c->across.margin;
    if (!fill(c, &mark->spans))
        return;
    for (int y = 0; y < c->at->height; y++)
        for (int x = 0; x < c->at->width; x++) {
            bool inside = c->inside[(size_t)(y + margin) * (size_t)c->across.count + (size_t)(x + margin)] != 0;
            int reach = inside ? width : rim;
            if (reach == 0 || !meets(c, x + margin, y + margin, reach, inside))
                continue;
            bool gap = dashed && (x + y) / (4 * c->line) % 2;
            if (!gap || !inside)
                put(c, x, y, inside ? colours[mark->style] : dark);
        }
}

// Where a point of the picture lies on the placed picture.
static int place_of(double at, int from, int seen, int shown)
{
    return (int)floor((at - from) * shown / seen);
}

static void square(const struct canvas *c, int x, int y, int half, const uint8_t rgb[3])
{
    for (int dy = -half; dy <= half; dy++)
        for (int dx = -half; dx <= half; dx++)
            put(c, x + dx, y + dy, rgb);
}

// Four arms round the place itself, which stays free.
static void cross(const struct canvas *c, int x, int y)
{
    int half = c->line / 2, gap = 3 * c->line, length = 9 * c->line;
    for (int pass = 0; pass < 2; pass++) // the dark rim first
        for (int k = gap - !pass; k < length + !pass; k++)
            for (int w = -half - !pass; w < c->line - half + !pass; w++) {
                const uint8_t *rgb = pass ? colours[MARK_PLAIN] : dark;
                put(c, x + k, y + w, rgb);
                put(c, x - k, y + w, rgb);
                put(c, x + w, y + k, rgb);
                put(c, x + w, y - k, rgb);
            }
}

void marks_draw(const struct marks *m, const struct seen *seen, int line, struct image *frame)
{
    struct canvas c = {.frame = frame, .at = &seen->at, .line = line};
    if (seen->width < 1 || seen->height < 1 || seen->at.width < 1 || seen->at.height < 1)
        return;
    compose_rgb(frame);
    ruler_set(&c.across, seen->x, seen->width, seen->at.width, line);
    ruler_set(&c.down, seen->y, seen->height, seen->at.height, line);
    c.inside = xcalloc((size_t)c.across.count * (size_t)c.down.count, 1);
    for (int chosen = 0; chosen < 2; chosen++) // the chosen one over the others
        for (size_t i = 0; i < m->count; i++)
            if ((m->rows[i].style == MARK_CHOSEN || m->rows[i].style == MARK_DRAFT) == chosen)
                outline(&c, &m->rows[i]);
    for (size_t i = 0; i < m->corner_count; i++) {
        const struct corner *k = &m->corners[i];
        int x = place_of(k->x, seen->x, seen->width, seen->at.width), y = place_of(k->y, seen->y, seen->height, seen->at.height);
        square(&c, x, y, line + 1, dark);
        square(&c, x, y, line, colours[k->held ? MARK_DRAFT : MARK_CHOSEN]);
        if (!k->held)
            square(&c, x, y, line / 2, dark);
    }
    if (m->cursor)
        cross(&c, place_of(m->x, seen->x, seen->width, seen->at.width), place_of(m->y, seen->y, seen->height, seen->at.height));
    free(c.inside);
    ruler_clear(&c.across);
    ruler_clear(&c.down);
}
