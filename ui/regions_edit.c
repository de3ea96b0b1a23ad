// Drawing and changing regions. What is complete is stored at once; a move when it has ended.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/session.h"

static int width_of(const struct session *s)
{
    return s->entry.item.width;
}

static int height_of(const struct session *s)
{
    return s->entry.item.height;
}

static void drawing_end(struct regions *r)
{
    r->drawing = DRAWING_NOT;
    r->point_count = 0;
    spans_clear(&r->paint);
    r->pen = r->rub = false;
    r->again = -1;
}

// Takes the shape; the new one is chosen and stored.
static void add(struct session *s, struct region *shape, const char *class_name, const char *severity)
{
    struct regions *r = &s->regions;
    GROW(r->rows, r->room, r->count + 1);
    struct region_entry *entry = &r->rows[r->count++];
    *entry = (struct region_entry){.shape = *shape};
    *shape = (struct region){0};
    snprintf(entry->class_name, sizeof entry->class_name, "%s", class_name);
    snprintf(entry->severity, sizeof entry->severity, "%s", severity);
    r->at = (long)r->count - 1;
    r->corner = -1;
    if (!regions_store(s))
        r->at = -1;
    else if (!class_name[0])
        session_say(s, _("Drawn. {class} names its class."));
    else
        session_say(s, _("Drawn: %s."), knowledge_class(s, class_name));
}

static void changed(struct regions *r)
{
    r->changed = true;
    r->changed_at = clock_seconds();
}

// ---- beginning ----

static void point_add(struct session *s)
{
    struct regions *r = &s->regions;
    if (r->point_count >= 2 * REGION_CORNERS) {
        session_say(s, _("A polygon has at most %d points; {accept} closes it."), REGION_CORNERS);
        return;
    }
    if (r->point_count >= 2 && r->points[r->point_count - 2] == r->x && r->points[r->point_count - 1] == r->y) {
        session_say(s, _("This point is set; arrows go to the next one."));
        return;
    }
    GROW(r->points, r->point_room, r->point_count + 2);
    r->points[r->point_count++] = r->x;
    r->points[r->point_count++] = r->y;
    session_say(s, r->point_count < 6 ? _("Point %zu; {polygon} sets the next one where the cursor is.") : _("Point %zu; {accept} closes the polygon."),
                r->point_count / 2);
}

static void brush_begin(struct session *s)
{
    struct regions *r = &s->regions;
    const struct region_entry *chosen = regions_chosen(s);
    r->again = -1;
    if (chosen && chosen->shape.kind == REGION_MASK) {
        r->again = r->at;
        spans_copy(&chosen->shape.mask, &r->paint);
    }
    r->pen = true;
    regions_paint(s, r->x, r->y);
    session_say(s, _("{Arrows} paint, {mark} lifts the brush, {smaller} and {larger} its size, {rub} takes away, {accept} keeps the mask."));
}

void regions_begin(struct session *s, int drawing)
{
    struct regions *r = &s->regions;
    bool same = r->drawing == (unsigned)drawing;
    if (r->drawing != DRAWING_NOT && !same) {
        session_say(s, _("{accept} keeps what is being drawn, {back} gives it up."));
        return;
    }
    if (same && drawing != DRAWING_POLYGON) {
        regions_finish(s);
        return;
    }
    r->drawing = (unsigned)drawing;
    if (drawing == DRAWING_MASK) {
        brush_begin(s);
    } else {
        r->at = -1;
        r->from[0] = r->x;
        r->from[1] = r->y;
        if (drawing == DRAWING_POLYGON)
            point_add(s);
        else
            session_say(s, _("{Arrows} move the other corner; {accept} keeps the box."));
    }
}

// ---- ending ----

void regions_give_up(struct session *s)
{
    drawing_end(&s->regions);
    session_say(s, _("Given up."));
}

void regions_back_step(struct session *s)
{
    struct regions *r = &s->regions;
    if (r->drawing != DRAWING_POLYGON || r->point_count <= 2) {
        regions_give_up(s);
        return;
    }
    r->point_count -= 2;
    r->x = (int)r->points[r->point_count - 2];
    r->y = (int)r->points[r->point_count - 1];
    session_say(s, _("The last point was taken back."));
}

void regions_box(struct session *s, double x0, double y0, double x1, double y1)
{
    struct regions *r = &s->regions;
    struct region shape = {0};
    region_box(&shape, x0, y0, x1, y1);
    drawing_end(r);
    add(s, &shape, r->class_name, r->severity);
}

static void finish_polygon(struct session *s)
{
    struct regions *r = &s->regions;
    struct region shape = {0};
    region_polygon(&shape, r->points, r->point_count);
    if (r->point_count < 6 || region_area(&shape, width_of(s), height_of(s)) == 0) {
        region_clear(&shape);
        session_say(s, _("A polygon has three points or more and encloses something; {polygon} sets the next one."));
        return;
    }
    drawing_end(r);
    add(s, &shape, r->class_name, r->severity);
}

static void finish_mask(struct session *s)
{
    struct regions *r = &s->regions;
    struct region shape = {0};
    long again = r->again;
    if (r->paint.count == 0) {
        session_say(s, _("Nothing is painted yet; {mark} sets the brush down, {back} gives it up."));
        return;
    }
    region_mask(&shape, &r->paint);
    drawing_end(r);
    if (again < 0 || again >= (long)r->count) {
        add(s, &shape, r->class_name, r->severity);
        return;
    }
    struct region_entry *entry = &r->rows[again];
    region_clear(&entry->shape);
    entry->shape = shape;
    r->at = again;
    if (regions_store(s))
        session_say(s, _("The mask is stored."));
}

static void take(struct session *s, const struct region_entry *offered)
{
    struct regions *r = &s->regions;
    struct region shape = {0};
    bool named = offered->class_name[0] != '\0';
    region_copy(&offered->shape, &shape);
    add(s, &shape, named ? offered->class_name : r->class_name, named ? offered->severity : r->severity);
}

void regions_finish(struct session *s)
{
    struct regions *r = &s->regions;
    const struct region_entry *offered = regions_offer(s);
    if (r->drawing == DRAWING_BOX) {
        int x0 = r->from[0] < r->x ? r->from[0] : r->x, y0 = r->from[1] < r->y ? r->from[1] : r->y;
        regions_box(s, x0, y0, (r->from[0] > r->x ? r->from[0] : r->x) + 1, (r->from[1] > r->y ? r->from[1] : r->y) + 1);
    } else if (r->drawing == DRAWING_POLYGON) {
        finish_polygon(s);
    } else if (r->drawing == DRAWING_MASK) {
        finish_mask(s);
    } else if (offered) {
        take(s, offered);
        if (r->at >= 0 && r->offer_count > 0) { // Enter again takes the next one
            char said[sizeof s->status];
            memcpy(said, s->status, sizeof said);
            regions_choose(s, (long)r->count);
            session_say(s, _("%s {accept} takes the next suggestion, too."), said);
        }
    } else if (regions_chosen(s)) {
        r->at = -1;
    } else if (r->offer_count > 0) {
        regions_choose(s, (long)r->count);
        session_say(s, _("{accept} takes this suggestion."));
    } else {
        session_say(s, _("{box} begins a box, {polygon} a polygon, {mask} a mask, {fit} fits a box to the heatmap."));
    }
}

void regions_take_all(struct session *s)
{
    struct regions *r = &s->regions;
    size_t count = 0;
    if (r->drawing != DRAWING_NOT || r->offer_count == 0) {
        session_say(s, r->drawing != DRAWING_NOT ? _("{accept} keeps what is being drawn, {back} gives it up.") : _("Nothing is suggested here."));
        return;
    }
    for (size_t i = 0; i < r->offer_count; i++, count++) { // one change, taken back as one
        const struct region_entry *from = &r->hints[r->offered[i]];
        bool named = from->class_name[0] != '\0';
        GROW(r->rows, r->room, r->count + 1);
        struct region_entry *entry = &r->rows[r->count++];
        *entry = (struct region_entry){0};
        region_copy(&from->shape, &entry->shape);
        memcpy(entry->class_name, named ? from->class_name : r->class_name, sizeof entry->class_name);
        memcpy(entry->severity, named ? from->severity : r->severity, sizeof entry->severity);
    }
    r->at = -1;
    if (regions_store(s))
        session_say(s, _("%zu suggestions taken."), count);
}

// ---- changing ----

void regions_paint(struct session *s, int x, int y)
{
    struct regions *r = &s->regions;
    int steps = abs(x - r->x) > abs(y - r->y) ? abs(x - r->x) : abs(y - r->y);
    for (int i = steps > 0; i <= steps && r->pen; i++) { // every pixel on the way
        struct spans disc = {0};
        spans_disc(r->x + (steps ? (int)lround((double)(x - r->x) * i / steps) : 0),
                   r->y + (steps ? (int)lround((double)(y - r->y) * i / steps) : 0), r->radius, &disc);
        spans_clip(&disc, width_of(s), height_of(s));
        (r->rub ? spans_less : spans_join)(&r->paint, &disc);
        spans_clear(&disc);
    }
    r->x = x;
    r->y = y;
}

static void move_cursor(struct session *s, int right, int down)
{
    struct regions *r = &s->regions;
    int beyond = r->drawing == DRAWING_POLYGON; // its points lie between pixels
    int x = r->x + right, y = r->y + down, most_x = width_of(s) - 1 + beyond, most_y = height_of(s) - 1 + beyond;
    x = x < 0 ? 0 : x > most_x ? most_x : x;
    y = y < 0 ? 0 : y > most_y ? most_y : y;
    if (r->drawing == DRAWING_MASK) {
        regions_paint(s, x, y);
        return;
    }
    if (regions_offer(s))
        r->at = -1;
    r->x = x;
    r->y = y;
}

void regions_arrow(struct session *s, int right, int down)
{
    struct regions *r = &s->regions;
    struct region_entry *chosen = r->drawing == DRAWING_NOT ? regions_chosen(s) : NULL;
    double box[4], corner[2];
    if (!chosen) {
        move_cursor(s, right, down);
        return;
    }
    if (r->corner >= 0) {
        region_corner_move(&chosen->shape, (size_t)r->corner, right, down, width_of(s), height_of(s));
        region_corner(&chosen->shape, (size_t)r->corner, corner);
        r->x = (int)fmin(corner[0], width_of(s) - 1);
        r->y = (int)fmin(corner[1], height_of(s) - 1);
    } else {
        region_move(&chosen->shape, right, down, width_of(s), height_of(s));
        region_bounds(&chosen->shape, box);
        r->x = (int)((box[0] + box[2]) / 2);
        r->y = (int)((box[1] + box[3]) / 2);
    }
    changed(r);
}

void regions_size(struct session *s, int by)
{
    struct regions *r = &s->regions;
    struct region_entry *chosen = regions_chosen(s);
    if (r->drawing == DRAWING_MASK) {
        int step = r->radius / 4 > 1 ? r->radius / 4 : 1;
        r->radius += by > 0 ? step : -step;
        r->radius = r->radius < 0 ? 0 : r->radius > BRUSH_MOST ? BRUSH_MOST : r->radius;
        session_say(s, _("Brush of %d pixels."), 2 * r->radius + 1);
    } else if (chosen) {
        region_grow(&chosen->shape, by, width_of(s), height_of(s));
        changed(r);
    } else {
        session_say(s, _("Choose a region first: {list-down} and {list-up} go through them."));
    }
}

void regions_next_corner(struct session *s)
{
    struct regions *r = &s->regions;
    struct region_entry *chosen = regions_chosen(s);
    double at[2];
    int corners = chosen ? (int)region_corners(&chosen->shape) : 0;
    if (!chosen || corners == 0) {
        session_say(s, chosen ? _("A mask has no corners: {mask} paints on it.") : _("Choose a region first: {list-down} and {list-up} go through them."));
        return;
    }
    int step = chosen->shape.kind == REGION_BOX ? 2 : 1; // two opposite corners reach all sides
    r->corner = r->corner + (r->corner < 0 ? 1 : step);
    if (r->corner >= corners) {
        r->corner = -1;
        session_say(s, _("{Arrows} move the whole region again."));
        return;
    }
    region_corner(&chosen->shape, (size_t)r->corner, at);
    r->x = (int)fmin(at[0], width_of(s) - 1);
    r->y = (int)fmin(at[1], height_of(s) - 1);
    session_say(s, _("{Arrows} move this corner; {corner} goes to the next one."));
}

// The suggestion that has the cursor in it, else the nearest one; NULL: there is none.
static const struct region_entry *nearest(const struct session *s, double x, double y)
{
    const struct regions *r = &s->regions;
    const struct region_entry *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < r->hint_count; i++) {
        double box[4];
        region_bounds(&r->hints[i].shape, box);
        double dx = fmax(fmax(box[0] - x, x - box[2]), 0), dy = fmax(fmax(box[1] - y, y - box[3]), 0);
        if (dx * dx + dy * dy < least) {
            least = dx * dx + dy * dy;
            best = &r->hints[i];
        }
    }
    return best;
}

void regions_fit(struct session *s)
{
    struct regions *r = &s->regions;
    struct region_entry *chosen = r->drawing == DRAWING_NOT ? regions_chosen(s) : NULL;
    const struct region_entry *to = nearest(s, r->x, r->y);
    double box[4];
    if (!to) {
        session_say(s, s->entry.item.blind ? _("Hidden while an audit runs, until you have answered.")
                                           : _("The heatmap stands out nowhere here: there is nothing to fit to."));
        return;
    }
    region_bounds(&to->shape, box);
    if (r->drawing == DRAWING_MASK) {
        spans_join(&r->paint, &to->pixels);
        session_say(s, _("What the heatmap encloses is painted."));
    } else if (chosen) {
        struct region shape = {0};
        struct spans pixels = {0};
        spans_copy(&to->pixels, &pixels);
        if (chosen->shape.kind == REGION_MASK && pixels.count > 0)
            region_mask(&shape, &pixels);
        else
            region_box(&shape, box[0], box[1], box[2], box[3]);
        spans_clear(&pixels);
        region_clear(&chosen->shape);
        chosen->shape = shape;
        if (regions_store(s))
            session_say(s, _("Fitted to the heatmap."));
    } else {
        regions_box(s, box[0], box[1], box[2], box[3]);
    }
}

void regions_erase(struct session *s)
{
    struct regions *r = &s->regions;
    struct region_entry *chosen = regions_chosen(s), *offered = regions_offer(s);
    if (r->drawing != DRAWING_NOT) {
        regions_back_step(s);
    } else if (offered) {
        offered->dismissed = true;
        for (size_t i = (size_t)(r->at - (long)r->count); i + 1 < r->offer_count; i++)
            r->offered[i] = r->offered[i + 1];
        r->offer_count--;
        regions_choose(s, r->at < (long)(r->count + r->offer_count) ? r->at : -1);
        session_say(s, _("This suggestion is gone."));
    } else if (chosen) {
        region_clear(&chosen->shape);
        spans_clear(&chosen->pixels);
        for (size_t i = (size_t)r->at; i + 1 < r->count; i++)
            r->rows[i] = r->rows[i + 1];
        r->count--;
        r->at = -1;
        if (regions_store(s))
            session_say(s, _("Erased; {undo} brings it back."));
    } else {
        session_say(s, _("Choose a region first: {list-down} and {list-up} go through them."));
    }
}

void regions_name(struct session *s, const char *class_name, const char *severity)
{
    struct regions *r = &s->regions;
    struct region_entry *chosen = regions_chosen(s);
    snprintf(r->class_name, sizeof r->class_name, "%s", class_name);
    snprintf(r->severity, sizeof r->severity, "%s", severity);
    if (!chosen)
        return;
    memcpy(chosen->class_name, r->class_name, sizeof chosen->class_name);
    memcpy(chosen->severity, r->severity, sizeof chosen->severity);
    if (regions_store(s))
        session_say(s, _("%s (%s)"), knowledge_class(s, r->class_name), _(r->severity));
    regions_show(s);
}
