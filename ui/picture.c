#include "config.h"

#include "base/clock.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { PANE_PAIR = 1 };

void picture_size(const struct session *s, struct want *want)
{
    want->rows = s->pane.rows;
    want->cols = s->pane.cols;
    if (!s->sixel) {
        symbols_size(want->how, want->rows, want->cols, &want->width, &want->height);
        return;
    }
    int cell_width, cell_height;
    term_cell(&s->term, &cell_width, &cell_height);
    want->width = s->pane.cols * cell_width;
    want->height = s->pane.rows * cell_height;
    // a wider picture than the terminal's limit is dropped altogether
    if (s->term.max_width > 0 && want->width > s->term.max_width)
        want->width = s->term.max_width;
    if (s->term.max_height > 0 && want->height > s->term.max_height)
        want->height = s->term.max_height;
    want->height -= want->height > 6 ? want->height % 6 : 0; // a sixel row is six pixels; the next would scroll
}

// The cell of its upper left corner: in the middle where the terminal takes no picture as wide as the pane.
static struct rect placed(const struct session *s)
{
    int width, height;
    struct rect at = s->pane;
    term_cell(&s->term, &width, &height);
    at.x += (at.cols - (s->want.width + width - 1) / width) / 2;
    at.y += (at.rows - (s->want.height + height - 1) / height) / 2;
    return at;
}

static void sentence(struct session *s, const char *text)
{
    draw_wrapped(stdscr, s->pane.y + s->pane.rows / 2 - 1, s->pane.x + 2, s->pane.cols - 4, 4, A_NORMAL, text);
}

void picture_cells(struct session *s)
{
    // a pair of its own keeps ncurses from clearing these cells with an erase-to-end-of-line
    for (int y = 0; y < s->pane.rows; y++) {
        attron(COLOR_PAIR(PANE_PAIR));
        mvhline(s->pane.y + y, s->pane.x, ' ', s->pane.cols);
        attroff(COLOR_PAIR(PANE_PAIR));
    }
    const struct ready *ready = session_picture(s);
    bool lift = s->on_screen; // a sixel to take away
    if (ready && ready->status == ST_OK && s->sixel) {
        lift = false;
    } else if (ready && ready->status == ST_OK) {
        symbols_draw(stdscr, s->pane.y, s->pane.x, ready->cells, s->want.rows, s->want.cols);
        s->drawn = true;
    } else if (ready) {
        char text[640];
        snprintf(text, sizeof text, "This picture cannot be shown: %s. Press s to skip it.", ready->err.text);
        sentence(s, text);
        s->drawn = true;
    } else if (s->entry.present) {
        sentence(s, "Reading the picture ...");
    }
    if (lift) {
        wredrawln(stdscr, s->pane.y, s->pane.rows);
        s->on_screen = false;
    }
}

void picture_send(struct session *s)
{
    const struct ready *ready = s->sixel ? session_picture(s) : NULL;
    if (ready && ready->status == ST_OK && !s->drawn && s->sent == 0) {
        struct strbuf out = {0};
        struct rect at = placed(s);
        strbuf_printf(&out, "%s\0337\033[%d;%dH", s->term.sync ? "\033[?2026h" : "", at.y + 1, at.x + 1);
        strbuf_add(&out, ready->bytes.data, ready->bytes.len);
        strbuf_printf(&out, "\0338%s%s", s->term.sync ? "\033[?2026l" : "", s->term.answered ? "\033[5n" : "");
        term_write(&s->term, out.data, out.len);
        strbuf_clear(&out);
        s->on_screen = s->drawn = true;
        s->sent = s->term.answered ? clock_seconds() : 0;
        s->term.report = false;
    }
    if (s->drawn && !s->seen && s->sent == 0)
        picture_arrived(s);
}

void picture_arrived(struct session *s)
{
    s->sent = 0;
    s->dirty = s->dirty || !s->drawn; // the one after it can go out now
    s->seen = s->drawn;
    s->seen_at = clock_seconds();
}
