#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/kitty.h"
#include "ui/marks.h"
#include "ui/session.h"

enum { PANE_PAIR = 1, DRAFT_FROM = 200 * 200, MEASURE_FROM = 1 << 13, BATCH_BYTES = 1 << 17 }; // at once to the terminal, before it is asked whether it has them

static const double SLOW_S = 1.0, QUICK_S = 0.2; // a picture that takes longer, or shorter

static void size_of(const struct session *s, const struct rect *pane, struct want *want)
{
    want->rows = pane->rows;
    want->cols = pane->cols;
    if (!s->bitmap) {
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
    if (s->bitmap == BITMAP_SIXEL)
        want->height -= want->height > 6 ? want->height % 6 : 0; // a sixel row is six pixels; the next would scroll
}

// Fewer colours, then fewer pixels, and a small picture before, where the line is slow.
static void follow_line(const struct session *s, struct want *want)
{
    static const int colours[LINE_SLOWEST + 1] = {256, 32, 16, 16};
    int level = s->bitmap ? s->line_speed.level : 0;
    want->registers = want->registers > colours[level] ? colours[level] : want->registers;
    want->coarse = level == LINE_SLOWEST || (level == 2 && s->bitmap == BITMAP_KITTY) ? 2 : 1;
    want->draft = level > 0 && want->width * want->height > DRAFT_FROM;
}

// What came after the picture says how fast the line is; a short one says more about its delay.
void picture_measure(struct session *s)
{
    struct line_speed *l = &s->line_speed;
    double took = clock_seconds() - s->sent;
    if (took <= 0 || (l->bytes < MEASURE_FROM && took < SLOW_S))
        return;
    double rate = (double)l->bytes / took;
    l->rate = l->rate > 0 ? (l->rate + rate) / 2 : rate;
    if ((double)l->bytes / l->rate > SLOW_S)
        l->level += l->level < LINE_SLOWEST;
    else if (l->bytes >= MEASURE_FROM && (double)l->bytes / l->rate < QUICK_S)
        l->level -= l->level > 0;
}

void picture_want(const struct session *s, const struct rect *pane, const struct review_item *item,
                  const struct look *look, struct want *want)
{
    *want = (struct want){.id = item->id, .look = *look, .full_width = item->width, .bitmap = s->bitmap,
                          .registers = s->term.registers > 0 ? s->term.registers : 256, .how = s->symbols};
    if (item->heat && !item->blind)
        want->heat = *item->heat;
    for (int i = 0; i < 4; i++)
        want->box[i] = item->box[i];
    size_of(s, pane, want);
    follow_line(s, want);
}

static void forget(struct shown *shown)
{
    free(shown->want.path);
    free(shown->want.look.onto);
    marks_leave(shown->want.look.marks);
    free(shown->cells);
    *shown = (struct shown){0};
}

// The picture `number` is to be taken off the terminal.
static void lift(struct session *s, int number)
{
    const struct rect *pane = &s->shown[number].pane;
    if (s->bitmap == BITMAP_KITTY) { // it lies below the text, which need not be written again
        struct strbuf out = {0};
        kitty_delete(&out, number + 1);
        term_write(&s->term, out.data, out.len);
        strbuf_clear(&out);
        return;
    }
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
    if (kept && shown->want.id == want.id && shown->want.bitmap == want.bitmap) { // not sent anew for its quality
        want.registers = shown->want.registers;
        want.coarse = shown->want.coarse;
        want.draft = shown->want.draft;
    }
    if (s->shown_next < s->shown_count && !kept && shown->on_screen)
        lift(s, s->shown_next);
    if (s->shown_next == s->shown_count)
        *shown = (struct shown){0};
    if (!kept || !want_same(&shown->want, &want)) {
        struct shown old = *shown;
        bool lies = kept && old.on_screen, stays = kept && old.want.id == want.id && old.want.rows == want.rows && old.want.cols == want.cols;
        *shown = (struct shown){.pane = *pane, .want = want, .on_screen = lies, .stays = stays && (lies || old.cells),
                                .cells = stays ? old.cells : NULL};
        shown->want.path = xstrdup(item->path ? item->path : "");
        shown->want.look.onto = look->onto ? xstrdup(look->onto) : NULL;
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
            lift(s, i);
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

enum sight picture_sight(const struct shown *shown)
{
    return shown->unreadable ? SIGHT_NONE : shown->seen ? SIGHT_SEEN : SIGHT_NOT_YET;
}

enum sight picture_item_sight(const struct session *s)
{
    for (int i = 0; i < s->shown_count && !s->item_seen && s->entry.present; i++)
        if (s->shown[i].want.id == s->entry.item.id && s->shown[i].unreadable)
            return SIGHT_NONE;
    return s->item_seen ? SIGHT_SEEN : SIGHT_NOT_YET;
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
    shown->ready = ready && ready->status == ST_OK && s->bitmap;
    shown->unreadable = ready && ready->status != ST_OK;
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
        snprintf(text, sizeof text, _("This picture cannot be shown: %s. Press %s to skip it."), ready->err.text, session_key(s, COMMAND_SKIP));
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
        lift(s, (int)(shown - s->shown));
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

static void put_bitmap(const struct session *s, const struct shown *shown, int id, const struct strbuf *bytes, int coarse,
                       struct strbuf *out)
{
    const struct want *want = &shown->want;
    bool stretched = coarse > 1;
    if (s->bitmap == BITMAP_KITTY)
        kitty_put(out, bytes, (want->width + coarse - 1) / coarse, (want->height + coarse - 1) / coarse, id,
                  stretched ? shown->pane.rows : 0, stretched ? shown->pane.cols : 0);
    else
        strbuf_add(out, bytes->data, bytes->len);
}

void picture_send(struct session *s)
{
    struct strbuf out = {0};
    bool more = false;
    for (int i = 0; i < s->shown_count && s->bitmap && s->sent == 0; i++) {
        struct shown *shown = &s->shown[i];
        // one that got ready since has words of its own in its cells still
        const struct ready *ready = shown->drawn || !shown->ready ? NULL : picture_ready(s, shown);
        if (!ready || ready->status != ST_OK)
            continue;
        bool small = shown->want.draft && !shown->drafted && ready->draft.len > 0;
        if (out.len > BATCH_BYTES) {
            more = true;
            break;
        }
        struct rect at = picture_corner(s, shown);
        if (out.len == 0 && s->term.sync)
            strbuf_puts(&out, "\033[?2026h");
        strbuf_printf(&out, "\0337\033[%d;%dH", at.y + 1, at.x + 1);
        put_bitmap(s, shown, i + 1, !small ? &ready->bytes : &ready->draft, small ? PREFETCH_DRAFT : shown->want.coarse, &out);
        strbuf_puts(&out, "\0338");
        shown->on_screen = true;
        shown->drafted = true;
        shown->drawn = !small;
        more = more || small;
    }
    if (out.len > 0) {
        strbuf_printf(&out, "%s%s", s->term.sync ? "\033[?2026l" : "", s->term.answered ? "\033[5n" : "");
        double began = clock_seconds(); // a slow line without buffers makes the write itself wait
        term_write(&s->term, out.data, out.len);
        s->sent = s->term.answered ? began : 0;
        s->line_speed.bytes = out.len;
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
            if (s->item_seen || shown->unreadable || !s->entry.present || shown->want.id != s->entry.item.id)
                continue;
            s->item_seen = true;
            s->item_seen_at = clock_seconds();
        }
        s->dirty = s->dirty || (awaited && !shown->drawn); // those after it can go out now
    }
}
