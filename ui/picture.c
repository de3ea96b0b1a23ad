#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/marks.h"
#include "ui/session.h"

enum { PANE_PAIR = 1, BATCH_BYTES = 1 << 17 }; // at once to the terminal, before it is asked whether it has them

static void size_of(const struct session *s, const struct rect *pane, struct want *want)
{
    want->rows = pane->rows;
    want->cols = pane->cols;
    if (!s->sixel) {
        symbols_size(want->how, want->rows, want->cols, &want->width, &want->height);
        return;
    }
    int cell_width, cell_height;
    term_cell(&s->term, &cell_width, &cell_height);
    want->width = pane->cols * cell_width;
    want->height = pane->rows * cell_height;
    // a wider picture than the terminal's limit is dropped altogether
    if (s->term.max_width > 0 && want->width > s->term.max_width)
        want->width = s->term.max_width;
    if (s->term.max_height > 0 && want->height > s->term.max_height)
        want->height = s->term.max_height;
    want->height -= want->height > 6 ? want->height % 6 : 0; // a sixel row is six pixels; the next would scroll
}

void picture_want(const struct session *s, const struct rect *pane, const struct review_item *item,
                  const struct look *look, struct want *want)
{
    *want = (struct want){.id = item->id, .look = *look, .full_width = item->width, .sixel = s->sixel,
                          .registers = s->term.registers > 0 ? s->term.registers : 256, .how = s->symbols};
    if (item->heat && !item->blind)
        want->heat = *item->heat;
    for (int i = 0; i < 4; i++)
        want->box[i] = item->box[i];
    size_of(s, pane, want);
}

static void forget(struct shown *shown)
{
    free(shown->want.path);
    marks_leave(shown->want.look.marks);
    free(shown->cells);
    *shown = (struct shown){0};
}

static void lift(struct session *s, const struct rect *pane)
{
    bool none = s->lift_from >= s->lift_to;
    s->lift_from = none || pane->y < s->lift_from ? pane->y : s->lift_from;
    s->lift_to = none || pane->y + pane->rows > s->lift_to ? pane->y + pane->rows : s->lift_to;
}

void picture_begin(struct session *s)
{
    s->shown_next = 0;
}

static bool same_rect(const struct rect *a, const struct rect *b)
{
    return a->y == b->y && a->x == b->x && a->rows == b->rows && a->cols == b->cols;
}

struct shown *picture_put(struct session *s, const struct rect *pane, const struct review_item *item,
                          const struct look *look)
{
    if (s->shown_next == SHOWN_MAX || pane->rows < 1 || pane->cols < 1)
        return NULL;
    struct shown *shown = &s->shown[s->shown_next];
    struct want want;
    picture_want(s, pane, item, look, &want);
    want.path = (char *)item->path;
    bool kept = s->shown_next < s->shown_count && same_rect(&shown->pane, pane);
    if (s->shown_next < s->shown_count && !kept && shown->on_screen)
        lift(s, &shown->pane);
    if (s->shown_next == s->shown_count)
        *shown = (struct shown){0};
    if (!kept || !want_same(&shown->want, &want)) {
        struct shown old = *shown;
        bool lies = kept && old.on_screen, stays = kept && old.want.id == want.id && old.want.rows == want.rows && old.want.cols == want.cols;
        *shown = (struct shown){.pane = *pane, .want = want, .on_screen = lies, .stays = stays && (lies || old.cells),
                                .cells = stays ? old.cells : NULL};
        shown->want.path = xstrdup(item->path ? item->path : "");
        marks_use(shown->want.look.marks);
        old.cells = stays ? NULL : old.cells;
        forget(&old);
    }
    s->shown_next++;
    s->shown_count = s->shown_count > s->shown_next ? s->shown_count : s->shown_next;
    return shown;
}

void picture_end(struct session *s)
{
    const struct ready *ready;
    bool known = true;
    for (int i = s->shown_next; i < s->shown_count; i++) {
        if (s->shown[i].on_screen)
            lift(s, &s->shown[i].pane);
        forget(&s->shown[i]);
    }
    s->shown_count = s->shown_next;
    s->dirty = s->look_ahead = true;
    // what is ready is drawn first, and only then are the next ones looked up
    for (int i = 0; i < s->shown_count && known; i++)
        known = prefetch_get(s->prefetch, &s->shown[i].want, &ready);
    if (!known)
        view_look_ahead(s);
}

const struct ready *picture_ready(struct session *s, const struct shown *shown)
{
    const struct ready *ready = NULL;
    return prefetch_get(s->prefetch, &shown->want, &ready) ? ready : NULL;
}

void picture_again(struct session *s)
{
    for (int i = 0; i < s->shown_count; i++)
        s->shown[i].drawn = false;
}

bool picture_all_drawn(const struct session *s)
{
    for (int i = 0; i < s->shown_count; i++)
        if (!s->shown[i].drawn)
            return false;
    return true;
}

// The cell of its upper left corner: in the middle where the terminal takes no picture as wide as the pane.
struct rect picture_corner(const struct session *s, const struct shown *shown)
{
    int width, height;
    struct rect at = shown->pane;
    term_cell(&s->term, &width, &height);
    at.x += (at.cols - (shown->want.width + width - 1) / width) / 2;
    at.y += (at.rows - (shown->want.height + height - 1) / height) / 2;
    return at;
}

static void sentence(const struct rect *pane, const char *text, const char *brief)
{
    bool small = pane->cols < 40;
    draw_wrapped(stdscr, pane->y + (pane->rows - 1) / 2 - (pane->rows > 2), pane->x + (small ? 0 : 2),
                 pane->cols - (small ? 0 : 4), pane->rows > 4 ? 4 : pane->rows, A_NORMAL, small ? brief : text);
}

static void cells_of(struct session *s, struct shown *shown)
{
    const struct rect *pane = &shown->pane;
    // a pair of its own keeps ncurses from clearing these cells with an erase-to-end-of-line
    attron(COLOR_PAIR(PANE_PAIR));
    for (int y = 0; y < pane->rows; y++)
        mvhline(pane->y + y, pane->x, ' ', pane->cols);
    attroff(COLOR_PAIR(PANE_PAIR));
    const struct ready *ready = picture_ready(s, shown);
    shown->ready = ready && ready->status == ST_OK && s->sixel;
    if (shown->ready)
        return;
    if (ready && ready->status == ST_OK) {
        size_t count = (size_t)shown->want.rows * (size_t)shown->want.cols;
        symbols_draw(stdscr, pane->y, pane->x, ready->cells, shown->want.rows, shown->want.cols);
        shown->cells = xreallocarray(shown->cells, count, sizeof *shown->cells);
        memcpy(shown->cells, ready->cells, count * sizeof *shown->cells);
        shown->drawn = true;
    } else if (ready) {
        char text[640];
        snprintf(text, sizeof text, _("This picture cannot be shown: %s. Press s to skip it."), ready->err.text);
        sentence(pane, text, _("cannot be shown"));
        shown->drawn = true;
    } else if (shown->stays && shown->on_screen) {
        return;
    } else if (shown->stays && shown->cells) {
        symbols_draw(stdscr, pane->y, pane->x, shown->cells, shown->want.rows, shown->want.cols);
    } else {
        sentence(pane, _("Reading the picture ..."), "...");
    }
    if (shown->on_screen)
        lift(s, pane);
    shown->on_screen = false;
}

void picture_cells(struct session *s)
{
    for (int i = 0; i < s->shown_count; i++)
        cells_of(s, &s->shown[i]);
    if (s->lift_from >= s->lift_to)
        return;
    wredrawln(stdscr, s->lift_from, s->lift_to - s->lift_from);
    for (int i = 0; i < s->shown_count; i++) { // those beside go with them
        struct shown *shown = &s->shown[i];
        if (shown->on_screen && shown->pane.y < s->lift_to && shown->pane.y + shown->pane.rows > s->lift_from)
            shown->drawn = shown->on_screen = false;
    }
    s->lift_from = s->lift_to = 0;
}

void picture_send(struct session *s)
{
    struct strbuf out = {0};
    bool more = false;
    for (int i = 0; i < s->shown_count && s->sixel && s->sent == 0; i++) {
        struct shown *shown = &s->shown[i];
        // one that got ready since has words of its own in its cells still
        const struct ready *ready = shown->drawn || !shown->ready ? NULL : picture_ready(s, shown);
        if (!ready || ready->status != ST_OK)
            continue;
        if ((more = out.len > BATCH_BYTES))
            break;
        struct rect at = picture_corner(s, shown);
        if (out.len == 0 && s->term.sync)
            strbuf_puts(&out, "\033[?2026h");
        strbuf_printf(&out, "\0337\033[%d;%dH", at.y + 1, at.x + 1);
        strbuf_add(&out, ready->bytes.data, ready->bytes.len);
        strbuf_puts(&out, "\0338");
        shown->on_screen = shown->drawn = true;
    }
    if (out.len > 0) {
        strbuf_printf(&out, "%s%s", s->term.sync ? "\033[?2026l" : "", s->term.answered ? "\033[5n" : "");
        term_write(&s->term, out.data, out.len);
        s->sent = s->term.answered ? clock_seconds() : 0;
        s->term.report = false;
    }
    strbuf_clear(&out);
    if (s->sent == 0)
        picture_arrived(s);
    s->dirty = s->dirty || (more && s->sent == 0);
}

void picture_arrived(struct session *s)
{
    bool awaited = s->sent > 0;
    s->sent = 0;
    for (int i = 0; i < s->shown_count; i++) {
        struct shown *shown = &s->shown[i];
        if (shown->drawn && !shown->seen) {
            shown->seen = true;
            if (!s->item_seen && s->entry.present && shown->want.id == s->entry.item.id)
                s->item_seen_at = clock_seconds();
            s->item_seen = s->item_seen || (s->entry.present && shown->want.id == s->entry.item.id);
        }
        s->dirty = s->dirty || (awaited && !shown->drawn); // those after it can go out now
    }
}
