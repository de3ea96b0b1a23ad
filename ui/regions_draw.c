// What the view of regions shows: the outlines over the picture, and the list of them.
#include "config.h"

#include <math.h>
#include <time.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/marks.h"
#include "ui/session.h"

static void corners(struct marks *marks, const struct region *shape, int held)
{
    double at[2];
    for (size_t i = 0; i < region_corners(shape); i++) {
        region_corner(shape, i, at);
        marks_corner(marks, at[0], at[1], (int)i == held);
    }
}

static void draft(const struct session *s, struct marks *marks)
{
    const struct regions *r = &s->regions;
    struct region shape = {0};
    if (r->drawing == DRAWING_BOX) {
        int x0 = r->from[0] < r->x ? r->from[0] : r->x, y0 = r->from[1] < r->y ? r->from[1] : r->y;
        region_box(&shape, x0, y0, (r->from[0] > r->x ? r->from[0] : r->x) + 1, (r->from[1] > r->y ? r->from[1] : r->y) + 1);
        marks_shape(marks, MARK_DRAFT, &shape);
    } else if (r->drawing == DRAWING_POLYGON) {
        region_polygon(&shape, r->points, r->point_count);
        if (r->point_count >= 6)
            marks_shape(marks, MARK_DRAFT, &shape);
        corners(marks, &shape, (int)r->point_count / 2 - 1);
    } else if (r->drawing == DRAWING_MASK) {
        struct spans paint = {0}, disc = {0};
        struct region brush = {0};
        spans_copy(&r->paint, &paint);
        region_mask(&shape, &paint);
        marks_shape(marks, MARK_DRAFT, &shape);
        spans_disc(r->x, r->y, r->radius, &disc);
        region_mask(&brush, &disc);
        marks_shape(marks, MARK_PLAIN, &brush);
        region_clear(&brush);
    }
    region_clear(&shape);
}

struct marks *regions_marks(struct session *s)
{
    const struct regions *r = &s->regions;
    struct marks *marks = marks_new(s->entry.item.width, s->entry.item.height);
    const struct region_entry *chosen = regions_chosen(s), *offered = regions_offer(s);
    for (size_t i = 0; i < r->count; i++)
        if ((long)i != r->again || r->drawing != DRAWING_MASK)
            marks_shape(marks, &r->rows[i] == chosen ? MARK_CHOSEN : MARK_PLAIN, &r->rows[i].shape);
    for (size_t i = 0; i < r->offer_count; i++)
        marks_shape(marks, &r->hints[r->offered[i]] == offered ? MARK_DRAFT : MARK_SUGGESTED, &r->hints[r->offered[i]].shape);
    draft(s, marks);
    if (chosen && r->drawing == DRAWING_NOT)
        corners(marks, &chosen->shape, r->corner);
    double middle = r->drawing == DRAWING_POLYGON ? 0 : 0.5;
    if (r->drawing != DRAWING_NOT || (!chosen && !offered))
        marks_cursor(marks, r->x + middle, r->y + middle);
    return marks;
}

// ---- words ----

static const char *kind_words(enum region_kind kind)
{
    return kind == REGION_BOX ? _("box") : kind == REGION_POLYGON ? _("polygon") : _("mask");
}

static void class_words(const struct session *s, const struct region_entry *entry, char *text, size_t room)
{
    if (entry->class_name[0])
        knowledge_defect(s, entry->class_name, entry->severity[0] ? entry->severity : "general", text, room);
    else
        snprintf(text, room, "%s", _("no class"));
}

static void area_words(const struct session *s, const struct region_entry *entry, char *text, size_t room)
{
    snprintf(text, room, "%lld px", (long long)region_area(&entry->shape, s->entry.item.width, s->entry.item.height));
}

// What the arrows do now.
static const char *mode_words(struct session *s)
{
    const struct regions *r = &s->regions;
    if (r->drawing == DRAWING_BOX)
        return _("Box: {arrows} move its corner, {accept} keeps it, {back} gives it up.");
    if (r->drawing == DRAWING_POLYGON)
        return _("Polygon: {polygon} sets a point, {erase} takes it back, {accept} closes it, {back} gives it up.");
    if (r->drawing == DRAWING_MASK)
        return r->pen ? r->rub ? _("Mask: {arrows} take away, {rub} paints, {mark} lifts the brush, {accept} keeps it.")
                               : _("Mask: {arrows} paint, {rub} takes away, {mark} lifts the brush, {accept} keeps it.")
                      : _("Mask: the brush is lifted, {mark} sets it down, {accept} keeps it, {back} gives it up.");
    if (regions_offer(s))
        return _("A suggestion: {accept} takes it, {mark-all} takes all, {erase} dismisses it.");
    if (regions_chosen(s))
        return r->corner >= 0 ? _("{Arrows} move this corner, {corner} goes to the next.")
                              : _("{Arrows} move it, {smaller} {larger} its size, {corner} its corners, {class} its class, {erase} erases it.");
    return _("{Arrows} move the cursor, {mark} chooses what lies under it, {list-down} {list-up} the next.");
}

static int count_all(const struct regions *r)
{
    return (int)(r->count + r->offer_count);
}

static const struct region_entry *entry_at(const struct regions *r, int number)
{
    return number < (int)r->count ? &r->rows[number] : &r->hints[r->offered[number - (int)r->count]];
}

// Without the area where there is no room for it: false then.
static bool draw_entry(const struct session *s, int number, int y, int x, int width)
{
    const struct regions *r = &s->regions;
    const struct region_entry *entry = entry_at(r, number);
    bool offered = number >= (int)r->count, chosen = number == r->at;
    char class_name[REGION_NAME + 32], size[64], area[32];
    double box[4];
    attr_t how = (chosen ? A_REVERSE : A_NORMAL) | (offered ? A_DIM : 0);
    class_words(s, entry, class_name, sizeof class_name);
    area_words(s, entry, area, sizeof area);
    region_bounds(&entry->shape, box);
    snprintf(size, sizeof size, "%.0f x %.0f", box[2] - box[0], box[3] - box[1]);
    char *text = xasprintf(_("%c%2d %s%s %s, %s"), chosen ? '>' : ' ', number + 1, offered ? _("suggested: ") : "",
                           kind_words(entry->shape.kind), class_name, size);
    bool room = draw_width(text) + 2 + draw_width(area) <= width;
    draw_printf(stdscr, y, x, width, how, room ? _("%s, %s") : "%s", text, area);
    free(text);
    return room;
}

static void summary(const struct regions *r, char *text, size_t room)
{
    snprintf(text, room, _("%zu drawn, %zu suggested"), r->count, r->offer_count);
}

static void local_time(int64_t at_ms, char text[32])
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    text[0] = '\0';
    if (localtime_r(&at, &tm))
        strftime(text, 32, "%Y-%m-%d %H:%M", &tm);
}

static void draw_list(struct session *s)
{
    const struct regions *r = &s->regions;
    const struct review_item *item = &s->entry.item;
    int x = s->pane.cols + 2, width = COLS - x - 1, y = 2, end = LINES - 4, all = count_all(r);
    char text[160];
    y += draw_wrapped(stdscr, y, x, width, 2, A_BOLD, item->name);
    draw_printf(stdscr, y++, x, width, A_DIM, "%d x %d", item->width, item->height);
    summary(r, text, sizeof text);
    draw_text(stdscr, ++y, x, width, A_NORMAL, text);
    y += 2;
    int rows = end - y - 10 > 3 ? end - y - 10 : 3, top = r->at >= rows ? (int)r->at - rows + 1 : 0;
    bool told = true;
    for (int i = top; i < all && i < top + rows; i++) {
        bool area = draw_entry(s, i, y++, x, width);
        told = told && (area || i != r->at);
    }
    if (r->at >= 0 && r->at < all) {
        const struct region_entry *entry = entry_at(r, (int)r->at);
        char at[32];
        double box[4];
        region_bounds(&entry->shape, box);
        draw_printf(stdscr, ++y, x, width, A_NORMAL, _("from %.0f, %.0f to %.0f, %.0f"), box[0], box[1], box[2], box[3]);
        area_words(s, entry, text, sizeof text);
        if (!told)
            draw_text(stdscr, ++y, x, width, A_NORMAL, text);
        if (entry->who[0]) {
            local_time(entry->at_ms, at);
            draw_printf(stdscr, ++y, x, width, A_DIM, "%s  %s", entry->who, at);
        }
        y++;
    }
    char *mode = session_keyed(s, mode_words(s));
    y += 1 + draw_wrapped(stdscr, y + 1, x, width, 4, A_NORMAL, mode);
    free(mode);
    if (item->blind && y + 1 < end)
        draw_wrapped(stdscr, y + 1, x, width, 3, A_DIM, _("An audit runs: nothing is suggested until you have answered."));
}

static void draw_narrow(struct session *s)
{
    const struct regions *r = &s->regions;
    int y = s->pane.y + s->pane.rows, width = COLS - 2, all = count_all(r);
    char text[160];
    summary(r, text, sizeof text);
    int used = draw_text(stdscr, y, 1, width / 2, A_BOLD, s->entry.item.name);
    draw_text(stdscr, y++, used + 4, width - used - 3, A_NORMAL, text);
    int from = r->at > 0 ? (int)r->at - 1 : 0;
    from = from + 2 > all ? all - 2 : from;
    for (int i = from < 0 ? 0 : from; i < all && i < from + 2; i++)
        draw_entry(s, i, y + i - (from < 0 ? 0 : from), 1, width);
    char *mode = session_keyed(s, mode_words(s));
    draw_text(stdscr, y + 2, 1, width, A_DIM, mode);
    free(mode);
}

void regions_draw(struct session *s)
{
    const struct regions *r = &s->regions;
    char place[160] = "", scale[32] = "";
    if (s->look.scale > 0)
        snprintf(scale, sizeof scale, "%g:%g   ", fmax(s->look.scale, 1), fmax(1 / s->look.scale, 1));
    if (s->entry.present)
        snprintf(place, sizeof place, _("%s%sstep %d   %d, %d"), scale, s->heat && !s->entry.item.blind ? _("heatmap on   ") : "",
                 regions_step(s, false), r->x, r->y);
    panel_head(s, _("regions"), place);
    if (!s->entry.present)
        panel_end(s);
    else if (COLS >= PANEL_FROM)
        draw_list(s);
    else
        draw_narrow(s);
}
