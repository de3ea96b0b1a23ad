// The mouse over the view of regions: drag a box, drag a region or its corner, paint, set points; the wheel magnifies.
#include "config.h"

#include <math.h>

#include "base/clock.h"
#include "ui/marks.h"
#include "ui/session.h"

enum { LEFT = 0, RIGHT = 2, WHEEL_UP = 64, WHEEL_DOWN = 65 };
static const double near_cells = 1.0; // a corner is met from so far

// Where it points, in pixels of the picture; false: beside it. far: pixels of the picture that a cell is wide.
static bool place(struct session *s, const struct mouse *mouse, double at[2], double *far)
{
    struct seen seen;
    int cell_width, cell_height;
    if (!regions_seen(s, &seen) || s->shown_count == 0)
        return false;
    const struct shown *shown = &s->shown[0];
    double x = mouse->x, y = mouse->y;
    if (s->bitmap) {
        struct rect from = picture_corner(s, shown);
        term_cell(&s->term, &cell_width, &cell_height);
        x = (x - from.x) * cell_width;
        y = (y - from.y) * cell_height;
    } else {
        x = (x - shown->pane.x) * shown->want.width / shown->want.cols;
        y = (y - shown->pane.y) * shown->want.height / shown->want.rows;
        cell_width = shown->want.width / shown->want.cols;
    }
    at[0] = seen.x + (x - seen.at.x) * seen.width / seen.at.width;
    at[1] = seen.y + (y - seen.at.y) * seen.height / seen.at.height;
    *far = near_cells * cell_width * seen.width / seen.at.width;
    bool inside = at[0] >= seen.x && at[1] >= seen.y && at[0] < seen.x + seen.width && at[1] < seen.y + seen.height;
    at[0] = fmin(fmax(at[0], seen.x), seen.x + seen.width - 1e-6);
    at[1] = fmin(fmax(at[1], seen.y), seen.y + seen.height - 1e-6);
    return inside || s->regions.mouse.down;
}

static int corner_near(struct session *s, const double at[2], double far)
{
    const struct region_entry *chosen = regions_chosen(s);
    double corner[2];
    for (size_t i = 0; chosen && i < region_corners(&chosen->shape); i++) {
        region_corner(&chosen->shape, i, corner);
        if (hypot(corner[0] - at[0], corner[1] - at[1]) <= far)
            return (int)i;
    }
    return -1;
}

// The smallest one at a place, of the drawn ones; -1 none.
static long row_at(const struct session *s, const double at[2])
{
    const struct regions *r = &s->regions;
    long best = -1;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < r->count; i++) {
        struct spans spans = {0};
        region_spans(&r->rows[i].shape, s->entry.item.width, s->entry.item.height, &spans);
        if (spans_has(&spans, (int)at[0], (int)at[1]) && spans_area(&spans) < least) {
            least = spans_area(&spans);
            best = (long)i;
        }
        spans_clear(&spans);
    }
    return best;
}

static void press(struct session *s, const double at[2], double far, int button)
{
    struct regions *r = &s->regions;
    r->mouse.down = true;
    r->mouse.moved = false;
    r->mouse.button = button;
    r->mouse.x = at[0];
    r->mouse.y = at[1];
    if (r->drawing == DRAWING_MASK) {
        r->x = (int)at[0];
        r->y = (int)at[1];
        r->pen = true;
        r->rub = button == RIGHT;
        regions_paint(s, r->x, r->y);
    } else if (r->drawing == DRAWING_POLYGON) {
        r->x = (int)lround(at[0]);
        r->y = (int)lround(at[1]);
        if (button == RIGHT)
            regions_finish(s);
        else
            regions_begin(s, DRAWING_POLYGON);
    } else if (r->drawing == DRAWING_NOT) {
        int corner = corner_near(s, at, far);
        long row = row_at(s, at);
        regions_settle(s);
        if (corner < 0 && row >= 0)
            r->at = row;
        else if (corner < 0)
            r->at = -1;
        r->corner = corner;
        r->x = (int)at[0];
        r->y = (int)at[1];
    }
}

static void drag(struct session *s, const double at[2])
{
    struct regions *r = &s->regions;
    int right = (int)floor(at[0]) - (int)floor(r->mouse.x), down = (int)floor(at[1]) - (int)floor(r->mouse.y);
    if (right == 0 && down == 0)
        return;
    r->mouse.moved = true;
    if (r->drawing == DRAWING_MASK) {
        regions_paint(s, (int)at[0], (int)at[1]);
    } else if (r->drawing == DRAWING_NOT && regions_chosen(s)) {
        regions_arrow(s, right, down);
    } else if (r->drawing == DRAWING_NOT) {
        regions_begin(s, DRAWING_BOX);
        r->x = (int)at[0];
        r->y = (int)at[1];
    } else if (r->drawing == DRAWING_BOX) {
        r->x = (int)at[0];
        r->y = (int)at[1];
    }
    r->mouse.x = at[0];
    r->mouse.y = at[1];
}

static void release(struct session *s)
{
    struct regions *r = &s->regions;
    r->mouse.down = false;
    if (r->drawing == DRAWING_BOX && r->mouse.moved)
        regions_finish(s);
    else if (r->drawing == DRAWING_MASK)
        r->pen = r->rub = false;
    regions_settle(s);
    r->corner = -1;
}

static void wheel(struct session *s, const double at[2], bool in)
{
    s->regions.x = (int)at[0];
    s->regions.y = (int)at[1];
    look_key(s, in ? COMMAND_IN : COMMAND_OUT);
    if (s->look.scale > 0) {
        s->look.x = at[0] / s->entry.item.width;
        s->look.y = at[1] / s->entry.item.height;
    }
}

void regions_mouse(struct session *s, const struct mouse *mouse)
{
    double at[2], far;
    if (!s->entry.present || !place(s, mouse, at, &far))
        return;
    if (mouse->button == WHEEL_UP || mouse->button == WHEEL_DOWN)
        wheel(s, at, mouse->button == WHEEL_UP);
    else if (mouse->press && !mouse->move && (mouse->button == LEFT || mouse->button == RIGHT))
        press(s, at, far, mouse->button);
    else if (mouse->move && s->regions.mouse.down)
        drag(s, at);
    else if (!mouse->press && s->regions.mouse.down)
        release(s);
    else
        return;
    regions_show(s);
}
