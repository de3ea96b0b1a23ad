// The grid on the screen: its tiles, and the line of words below each picture.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { NAME_LEAST = 4, NAME_MOST = 9, WORDS_LEAST = 3 }; // columns below a tile
enum { TILE_NARROW = 16, TILE_WIDE = 20, TILE_LEAST = 12, TILE_LOW = 3 };

// `cols` tiles across, as wide as that allows.
static void lay_out(struct session *s, int cols, double shape)
{
    struct grid *g = &s->grid;
    int width, height;
    term_cell(&s->term, &width, &height);
    g->cols = cols < 1 ? 1 : cols;
    g->tile_cols = s->pane.cols / g->cols;
    int rows = (int)lround((g->tile_cols - 2) * width * shape / height) + 1;
    rows = rows < TILE_LOW ? TILE_LOW : rows > s->pane.rows ? s->pane.rows : rows;
    g->rows = s->pane.rows / rows;
    g->tile_rows = s->pane.rows / g->rows;
}

// Their shape is that of the first picture.
void grid_layout(struct session *s, size_t count)
{
    struct grid *g = &s->grid;
    struct review_item item;
    struct error err;
    double shape = 0.75;
    size_t place = grid_place(g, g->top);
    if (place != SIZE_MAX && s->model->item(s->model->context, place, &item, &err) == ST_OK && item.width > 0)
        shape = fmin(fmax((double)item.height / item.width, 0.3), 1.5);
    s->pane = (struct rect){1, 0, LINES - 3 < TILE_LOW ? TILE_LOW : LINES - 3, COLS < 4 ? 4 : COLS};
    int columns = g->columns ? g->columns : COLS >= PANEL_FROM ? TILE_WIDE : TILE_NARROW;
    lay_out(s, s->pane.cols / (columns < TILE_LEAST ? TILE_LEAST : columns), shape);
    while (g->cols * g->rows > SHOWN_MAX && g->cols > 1)
        lay_out(s, g->cols - 1, shape);
    while (count > 0 && g->cols > 1) { // few: as large as lets all of them be seen
        int cols = g->cols;
        lay_out(s, cols - 1, shape);
        if ((size_t)(g->cols * g->rows) < count) {
            lay_out(s, cols, shape);
            return;
        }
    }
}

struct rect grid_tile(const struct session *s, size_t number)
{
    const struct grid *g = &s->grid;
    int row = (int)number / g->cols, col = (int)number % g->cols;
    return (struct rect){s->pane.y + row * g->tile_rows, s->pane.x + col * g->tile_cols, g->tile_rows, g->tile_cols};
}

static void words_of(const struct session *s, const struct review_item *item, char *text, size_t room)
{
    double score = item->score.score < 6 ? item->score.score : 6;
    if (strcmp(item->verdict, "defect") == 0)
        knowledge_defect(s, item->class_name, item->severity, text, room);
    else if (item->verdict[0])
        snprintf(text, room, "%s", _(item->verdict));
    else if (item->blind)
        snprintf(text, room, "%s", _("open"));
    else
        snprintf(text, room, "%.1f", score);
}

// The name without its ending, which tells nothing; caller frees.
static char *stem_of(const char *name)
{
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
    return dot && dot > name && dot[-1] != '/' ? strndup(name, (size_t)(dot - name)) : xstrdup(name);
}

// The columns that the number at its end takes, with the sign that something stands before it; at least some letters.
static int number_width(const char *name)
{
    int length = (int)strlen(name), digits = 0, all = draw_width(name);
    while (digits < length && name[length - 1 - digits] >= '0' && name[length - 1 - digits] <= '9')
        digits++;
    int least = digits + 1 < NAME_LEAST ? NAME_LEAST : digits + 1 > NAME_MOST ? NAME_MOST : digits + 1;
    return least < all ? least : all;
}

static void draw_tile(struct session *s, size_t number)
{
    const struct grid *g = &s->grid;
    const struct review_item *item = &g->entries[number].item;
    struct rect tile = grid_tile(s, number);
    bool in_focus = g->top + number == g->at, marked = grid_marked(g, item->id);
    int y = tile.y + tile.rows - 1, width = tile.cols - 1;
    char words[128];
    words_of(s, item, words, sizeof words);
    for (int row = 0; row < tile.rows; row++) // a bar at its left says which one it is
        mvaddch(tile.y + row, tile.x, (in_focus ? '>' : ' ') | (in_focus ? A_BOLD : A_NORMAL));
    attr_t how = in_focus ? A_REVERSE : item->verdict[0] ? A_DIM : A_NORMAL;
    char *name = stem_of(item->name);
    int needed = number_width(name), used = draw_printf(stdscr, y, tile.x + 1, 4, how | (marked ? A_BOLD : A_NORMAL), "[%c] ",
                                                        marked ? 'x' : item->verdict[0] ? '-' : ' ');
    int room = width - 1 - used - 1 - needed; // for the words
    used += draw_text(stdscr, y, tile.x + 1 + used, room < WORDS_LEAST ? WORDS_LEAST : room, how | (marked ? A_BOLD : A_NORMAL), words);
    if (used + 2 < width) {
        draw_text(stdscr, y, tile.x + 1 + used, 1, how, " ");
        draw_end(stdscr, y, tile.x + 2 + used, width - 2 - used, how, name);
    }
    free(name);
}

void grid_draw(struct session *s)
{
    const struct grid *g = &s->grid;
    char middle[200], right[96];
    if (g->alike)
        snprintf(middle, sizeof middle, _("like %s"), g->alike_name);
    else
        snprintf(middle, sizeof middle, "%s", s->entry.present ? s->entry.item.scene : "");
    snprintf(right, sizeof right, _("%s%zu marked   %lld open"), s->heat ? _("heatmap on   ") : "", g->mark_count, (long long)s->open);
    panel_head(s, middle, right);
    for (size_t i = 0; i < g->count; i++)
        draw_tile(s, i);
    if (g->count == 0)
        panel_end(s);
}
