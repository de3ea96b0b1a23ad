// The picture of the review beside, or in the place of, pictures that look like it.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

static const double flicker_s = 0.6; // one picture stands so long

static void forget(struct compare *c)
{
    for (int i = 0; i < COMPARE_MOST; i++)
        entry_clear(&c->with[i]);
    c->count = 0;
    c->why[0] = '\0';
    c->loaded = c->other = false;
}

void compare_clear(struct session *s)
{
    forget(&s->compare);
    s->compare.how = COMPARE_NOTHING;
}

static void load(struct session *s, const struct review_item *item)
{
    struct compare *c = &s->compare;
    const struct review_near *rows = NULL;
    size_t count = 0, most = c->how == COMPARE_DEFECTS ? COMPARE_MOST : 1;
    struct error err;
    if (c->loaded && c->id == item->id && c->blind == item->blind)
        return;
    forget(c);
    c->loaded = true;
    c->id = item->id;
    c->blind = item->blind;
    enum near kind = c->how == COMPARE_DEFECTS ? NEAR_DEFECT : NEAR_NORMAL;
    if (s->model->near(s->model->context, item->id, kind, &rows, &count, &err))
        snprintf(c->why, sizeof c->why, "%s", err.text);
    else if (count == 0)
        snprintf(c->why, sizeof c->why, "%s", item->blind           ? _("Hidden while an audit runs, until you have answered.")
                                              : kind == NEAR_DEFECT ? _("No defect is known in this scene yet.")
                                                                    : _("No picture of this scene is known to be normal yet."));
    for (size_t i = 0; i < count && i < most; i++) {
        struct review_item near = {.id = rows[i].id, .path = rows[i].path, .name = rows[i].name,
                                   .details = rows[i].words, .width = rows[i].width, .height = rows[i].height};
        entry_set(&c->with[c->count++], &near);
    }
}

// Whether two pictures of this shape are clearly larger one above the other.
static bool better_stacked(const struct session *s, const struct review_item *item)
{
    int width, height;
    term_cell(&s->term, &width, &height);
    double w = s->pane.cols * width, h = s->pane.rows * height;
    if (item->width < 1 || item->height < 1)
        return false;
    double beside = fmin(w / 2 / item->width, h / item->height), above = fmin(w / item->width, h / 2 / item->height);
    return above > 1.2 * beside;
}

// The first half, or the `number`-th part of the other one; one line below each is left for words.
static struct rect part(const struct session *s, bool left, int number, int parts)
{
    struct rect r = s->pane;
    if (s->compare.how == COMPARE_BESIDE && s->compare.stacked) {
        r.y += left ? 0 : r.rows / 2;
        r.rows = r.rows / 2 - 1;
        return r;
    }
    int half = (r.cols - 1) / 2, rows = r.rows / parts;
    r.x += left ? 0 : half + 1;
    r.cols = left ? half : r.cols - half - 1;
    r.y += left ? 0 : number * rows;
    r.rows = (left ? r.rows : rows) - 1;
    return r;
}

void compare_put(struct session *s, const struct review_item *item, const struct look *look)
{
    struct compare *c = &s->compare;
    struct look plain = *look;
    struct rect pane = s->pane;
    plain.heat = 0;
    if (c->how != COMPARE_NOTHING)
        load(s, item);
    if (c->how == COMPARE_NOTHING || c->count == 0) {
        if (c->how != COMPARE_NOTHING)
            session_say(s, "%s", c->why);
        picture_put(s, &pane, item, look);
        return;
    }
    if (c->how == COMPARE_FLICKER) {
        pane = compare_pane(s);
        plain.onto = s->entry.item.path[0] ? s->entry.texts[0] : NULL; // moved on this one: only differences flicker
        picture_put(s, &pane, c->other ? &c->with[0].item : item, c->other ? &plain : look);
        return;
    }
    c->stacked = better_stacked(s, item);
    pane = part(s, true, 0, 1);
    picture_put(s, &pane, item, look);
    for (size_t i = 0; i < c->count; i++) {
        pane = part(s, false, (int)i, (int)c->count);
        picture_put(s, &pane, &c->with[i].item, &plain);
    }
}

static void words(const struct rect *pane, const char *text, const char *more)
{
    int used = draw_text(stdscr, pane->y + pane->rows, pane->x + 1, pane->cols - 2, A_BOLD, text);
    if (more[0])
        draw_printf(stdscr, pane->y + pane->rows, pane->x + 1 + used, pane->cols - 2 - used, A_NORMAL, "%s%s", _(": "), more);
}

void compare_draw(struct session *s)
{
    struct compare *c = &s->compare;
    if (c->how == COMPARE_NOTHING || c->count == 0)
        return;
    if (c->how == COMPARE_FLICKER) {
        struct rect pane = compare_pane(s);
        char name[300] = "";
        const struct ready *ready = c->other && s->shown_count > 0 ? picture_ready(s, &s->shown[0]) : NULL;
        if (ready && (ready->moved[0] || ready->moved[1]))
            snprintf(name, sizeof name, _("%.200s (moved by %d, %d pixels)"), c->with[0].item.name, ready->moved[0], ready->moved[1]);
        else if (c->other)
            snprintf(name, sizeof name, "%s", c->with[0].item.name);
        words(&pane, c->other ? c->with[0].item.details : _("This picture"), name);
        return;
    }
    struct rect pane = part(s, true, 0, 1);
    words(&pane, _("This picture"), "");
    for (size_t i = 0; i < c->count; i++) {
        pane = part(s, false, (int)i, (int)c->count);
        words(&pane, c->with[i].item.details, c->with[i].item.name);
    }
}

void compare_key(struct session *s, enum command command)
{
    struct compare *c = &s->compare;
    int how = command == COMMAND_COMPARE ? COMPARE_BESIDE : command == COMMAND_FLICKER ? COMPARE_FLICKER : COMPARE_DEFECTS;
    if (!s->model->near || !s->entry.present) {
        session_say(s, _("There is nothing to compare with here."));
        return;
    }
    forget(c);
    c->how = (int)c->how == how ? COMPARE_NOTHING : how;
    session_say(s, "%s", "");
    s->repaint = true;
    view_load(s);
}

void compare_idle(struct session *s, double now)
{
    struct compare *c = &s->compare;
    bool shown = s->shown_count > 0 && s->shown[0].seen;
    if (c->how != COMPARE_FLICKER || c->count == 0 || !shown || now - c->turned_at < flicker_s ||
        !keymap_is_view(s->context))
        return;
    c->turned_at = now;
    c->other = !c->other;
    view_load(s);
}

struct rect compare_pane(const struct session *s)
{
    const struct compare *c = &s->compare;
    struct rect pane = s->pane;
    if (c->how == COMPARE_NOTHING || c->count == 0)
        return pane;
    if (c->how != COMPARE_FLICKER)
        return part(s, true, 0, 1);
    pane.rows--;
    return pane;
}

// The one of the two that is not on the screen.
int compare_ahead(struct session *s, const struct look *look, struct want *wants, int room)
{
    const struct compare *c = &s->compare;
    struct rect pane = compare_pane(s);
    struct look plain = *look;
    struct review_item item = c->with[0].item;
    struct error err;
    if (c->how != COMPARE_FLICKER || c->count == 0 || room < 1)
        return 0;
    plain.heat = 0;
    if (c->other && s->model->item(s->model->context, s->index, &item, &err))
        return 0;
    picture_want(s, &pane, &item, c->other ? look : &plain, wants);
    wants->path = xstrdup(item.path ? item.path : "");
    wants->look.onto = c->other || !s->entry.item.path[0] ? NULL : xstrdup(s->entry.item.path);
    return 1;
}
