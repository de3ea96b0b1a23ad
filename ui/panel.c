#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/draw.h"
#include "ui/session.h"

void panel_layout(struct session *s)
{
    bool wide = COLS >= PANEL_FROM;
    s->pane = (struct rect){1, 0, LINES - 3 - (wide ? 0 : INFO_LINES), wide ? COLS - PANEL_WIDTH - 1 : COLS};
    s->pane.rows = s->pane.rows < 1 ? 1 : s->pane.rows;
    s->pane.cols = s->pane.cols < 1 ? 1 : s->pane.cols;
}

// 10^score to two digits, with commas: "2,500".
static void one_in(double score, char text[32])
{
    double n = pow(10, score < 6 ? score : 6);
    double unit = pow(10, floor(log10(n < 1 ? 1 : n)) - 1);
    long value = unit < 1 ? lround(n) : lround(n / unit) * lround(unit);
    if (value >= 1000000)
        snprintf(text, 32, "1,000,000");
    else if (value >= 1000)
        snprintf(text, 32, "%ld,%03ld", value / 1000, value % 1000);
    else
        snprintf(text, 32, "%ld", value < 1 ? 1 : value);
}

static void score_words(double score, char *text, size_t room)
{
    char n[32];
    one_in(score, n);
    if (!(score > 0.18)) // 1 in 1.5; also not a number
        snprintf(text, room, "most normals look this odd");
    else
        snprintf(text, room, "%s1 normal in %s looks this odd", score > 6 ? "fewer than " : "", n);
}

static void verdict_words(const struct review_item *item, char *text, size_t room)
{
    if (strcmp(item->verdict, "defect") == 0)
        snprintf(text, room, "defect: %s (%s)", item->class_name, item->severity);
    else
        snprintf(text, room, "%s", item->verdict[0] ? item->verdict : "not answered");
}

static int draw_details(const struct review_item *item, int y, int x, int width, int end)
{
    if (item->details[0] && y < end)
        y += draw_wrapped(stdscr, y, x, width, end - y, A_NORMAL, item->details) + 1;
    return y;
}

static void draw_answer(const struct review_item *item, int y, int x, int width)
{
    char text[256];
    if (y >= LINES - 2)
        return;
    verdict_words(item, text, sizeof text);
    int used = draw_text(stdscr, y, x, width, A_DIM, "Answer: ");
    draw_text(stdscr, y, x + used, width - used, A_BOLD, text);
}

static void draw_wide(struct session *s, const struct review_item *item)
{
    int x = s->pane.cols + 2, width = COLS - x - 1, y = 2, end = LINES - 4;
    char text[256], n[32];
    y += draw_wrapped(stdscr, y, x, width, 2, A_BOLD, item->name) + 1;
    if (item->reason[0]) {
        y += draw_wrapped(stdscr, y, x, width, 4, A_NORMAL, item->reason) + 1;
        draw_answer(item, draw_details(item, y, x, width, end), x, width);
        return;
    }
    score_words(item->score.score, text, sizeof text);
    y += draw_wrapped(stdscr, y, x, width, 2, A_NORMAL, text);
    one_in(item->threshold, n);
    draw_printf(stdscr, y++, x, width, A_DIM, "flagged from 1 in %s on", n);
    draw_bar(stdscr, y, x, width - 16, item->percentile, s->ascii_lines);
    draw_printf(stdscr, y, x + width - 15, 15, A_NORMAL, "above %.1f %%", floor(item->percentile * 1000) / 10);
    y += 2;
    for (int i = 0; i < DETECTORS && y < end; i++) {
        double part = item->score.parts[i];
        if (i != DETECTOR_WHOLE && i != DETECTOR_PATCH && part <= 0) // not every scene has the others
            continue;
        draw_text(stdscr, y, x, 8, A_NORMAL, detector_name((enum detector)i));
        if (part > 0) {
            one_in(part, n);
            draw_printf(stdscr, y, x + 8, 15, A_NORMAL, "1 in %s", n);
            draw_bar(stdscr, y, x + 23, width - 23, part / 6, s->ascii_lines);
        } else {
            draw_text(stdscr, y, x + 8, 15, A_DIM, "nothing odd");
        }
        y++;
    }
    draw_answer(item, draw_details(item, y + 1, x, width, end), x, width);
}

static void draw_narrow(struct session *s, const struct review_item *item)
{
    int y = s->pane.y + s->pane.rows, width = COLS - 2, used;
    char text[256], n[32];
    verdict_words(item, text, sizeof text);
    used = (int)strlen(text) < COLS / 2 ? (int)strlen(text) : COLS / 2;
    draw_text(stdscr, y, 1, width - used - 2, A_BOLD, item->name);
    draw_text(stdscr, y++, COLS - used - 1, used, A_BOLD, text);
    if (item->reason[0]) {
        draw_text(stdscr, y, 1, width, A_NORMAL, item->reason);
        return;
    }
    score_words(item->score.score, text, sizeof text);
    one_in(item->threshold, n);
    used = draw_text(stdscr, y, 1, width, A_NORMAL, text);
    draw_printf(stdscr, y++, used + 1, width - used, A_DIM, "; flagged from 1 in %s on", n);
    draw_bar(stdscr, y, 1, 16, item->percentile, s->ascii_lines);
    used = 18 + draw_printf(stdscr, y, 18, width - 18, A_NORMAL, "above %.1f %%", floor(item->percentile * 1000) / 10);
    for (int i = 0; i < DETECTORS; i++) {
        if (item->score.parts[i] > 0) {
            one_in(item->score.parts[i], n);
            used += 3 + draw_printf(stdscr, y, used + 3, COLS - used - 4, A_NORMAL, "%s 1 in %s",
                                    detector_name((enum detector)i), n);
        }
    }
    char *line = xstrdup(item->details);
    for (char *p = line; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    draw_text(stdscr, ++y, 1, width, A_DIM, line);
    free(line);
}

static void draw_end(struct session *s)
{
    size_t counts[4] = {0};
    int y = LINES / 2 - 3 > 2 ? LINES / 2 - 3 : 2, x = COLS > 60 ? COLS / 2 - 25 : 2;
    for (size_t i = 0; i < s->done_count - s->undone; i++)
        counts[s->done[i]]++;
    draw_text(stdscr, y, x, COLS - x, A_BOLD, "Nothing more to review");
    draw_printf(stdscr, y + 2, x, COLS - x, A_NORMAL,
                s->config->poor ? "You answered in this session: %zu fine after all, %zu defect, %zu really poor."
                                : "You answered in this session: %zu normal, %zu defect, %zu unsure.",
                counts[ACTION_NORMAL], counts[ACTION_DEFECT], counts[ACTION_UNSURE]);
    if (s->open > 0)
        draw_printf(stdscr, y + 3, x, COLS - x, A_NORMAL, "%lld still open: skipped, or on the screens of others; k goes back.",
                    (long long)s->open);
    draw_text(stdscr, y + 4, x, COLS - x, A_NORMAL, "u takes the last answer back, q leaves.");
    draw_text(stdscr, y + 5, x, COLS - x, A_DIM, "Pictures that are flagged now or given back by others appear here.");
}

static bool footer_always(const struct binding *binding)
{
    return binding->command == COMMAND_HELP || binding->command == COMMAND_QUIT || binding->command == COMMAND_BACK;
}

static const char *footer_label(const struct session *s, const struct binding *binding)
{
    if (s->config->poor && binding->command == COMMAND_NORMAL)
        return "fine after all";
    return s->config->poor && binding->command == COMMAND_UNSURE ? "really poor" : binding->label;
}

// Columns with two blanks behind, 0 when it is not in this footer.
static int footer_width(const struct session *s, const struct binding *binding)
{
    if (binding->context != s->context || !binding->label)
        return 0;
    return (int)strcspn(binding->shown, ",") + 1 + (int)strlen(footer_label(s, binding)) + 2;
}

static void draw_footer(struct session *s)
{
    size_t count;
    const struct binding *table = keymap_table(&count);
    int x = 1, kept = 1;
    // where not all fit, help, the way out and the first ones do
    for (size_t i = 0; i < count; i++)
        kept += footer_always(&table[i]) ? footer_width(s, &table[i]) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *key = table[i].shown;
        int key_width = (int)strcspn(key, ","), width = footer_width(s, &table[i]);
        bool always = footer_always(&table[i]);
        if (width == 0 || (!always && x + kept + width > COLS + 2))
            continue;
        kept -= always ? width : 0;
        x += draw_printf(stdscr, LINES - 1, x, COLS - x, A_REVERSE, "%.*s", key_width, key);
        x += draw_printf(stdscr, LINES - 1, x, COLS - x, A_NORMAL, " %s", footer_label(s, &table[i])) + 2;
    }
}

static WINDOW *popup(struct session *s, int rows, int cols)
{
    rows = rows > LINES - 3 ? LINES - 3 : rows;
    cols = cols > COLS ? COLS : cols;
    // beside the picture where there is room, else on its lower right
    int x = COLS >= PANEL_FROM && cols <= PANEL_WIDTH ? s->pane.cols + 1 : COLS - cols;
    WINDOW *window = newwin(rows, cols, LINES - 2 - rows, x);
    wbkgd(window, COLOR_PAIR(2)); // an explicit background: else a sixel may show through
    werase(window);
    draw_frame(window, s->ascii_lines);
    return window;
}

// Of one height through both steps of a choice: what it covers of the picture
// stays covered until it closes.
static int choice_rows(const struct choice *c)
{
    int most = LINES - 9, rows = (int)c->count + 1;
    return rows > most ? most : rows < 3 ? 3 : rows;
}

static WINDOW *draw_classes(struct session *s)
{
    const struct choice *c = &s->choice;
    size_t *places = xcalloc(c->count + 1, sizeof *places);
    size_t n = answer_matches(c, places, c->count + 1), marked = c->marked < n ? c->marked : n ? n - 1 : 0;
    int rows = choice_rows(c);
    WINDOW *w = popup(s, rows + 4, PANEL_WIDTH);
    int width = getmaxx(w) - 4;
    size_t top = (int)marked >= rows ? marked - (size_t)rows + 1 : 0;
    draw_text(w, 0, 2, width, A_BOLD, " What is wrong? ");
    int used = draw_printf(w, 1, 2, width, A_NORMAL, "Search: %s", c->search);
    draw_text(w, 1, 2 + used, 1, A_REVERSE, " ");
    for (int i = 0; i < rows && top + (size_t)i < n; i++) {
        size_t place = places[top + (size_t)i];
        attr_t how = top + (size_t)i == marked ? A_REVERSE : A_NORMAL;
        if (place == c->count)
            draw_printf(w, 3 + i, 2, width, how | A_BOLD, "new class: %s", c->search);
        else
            draw_printf(w, 3 + i, 2, width, how, "%s (%s)", c->names[place], answer_severities[c->severities[place]]);
    }
    if (n == 0)
        draw_text(w, 3, 2, width, A_NORMAL, "No class yet: type a name.");
    free(places);
    return w;
}

static WINDOW *draw_severities(struct session *s)
{
    static const char *const lines[3] = {"s 1  stop: pull it from service", "k 2  key: repair it soon",
                                         "g 3  general: note it"};
    WINDOW *w = popup(s, choice_rows(&s->choice) + 4, PANEL_WIDTH);
    int width = getmaxx(w) - 4;
    draw_text(w, 0, 2, width, A_BOLD, " How severe? ");
    draw_text(w, 1, 2, width, A_BOLD, s->choice.taken);
    for (int i = 0; i < 3; i++)
        draw_text(w, 3 + i, 2, width, s->choice.severity == i ? A_REVERSE : A_NORMAL, lines[i]);
    return w;
}

static WINDOW *draw_help(struct session *s)
{
    char *text = review_keys(0), *rest = text, *line;
    int rows = LINES - 3, count = -1;
    for (const char *p = text; p; p = strchr(p + 1, '\n'))
        count++;
    int last = count + 2 > rows ? count + 2 - rows : 0;
    s->help_top = s->help_top > last ? last : s->help_top < 0 ? 0 : s->help_top;
    WINDOW *w = popup(s, count + 2, COLS < 100 ? COLS : 100);
    for (int i = 0; (line = strsep(&rest, "\n")); i++)
        if (i >= s->help_top && i - s->help_top < getmaxy(w) - 2)
            draw_text(w, 1 + i - s->help_top, 2, getmaxx(w) - 4, line[0] == ' ' ? A_NORMAL : A_BOLD, line);
    draw_printf(w, 0, 2, getmaxx(w) - 4, A_BOLD, " Keys%s ", last > s->help_top ? " (more below)" : "");
    free(text);
    return w;
}

void panel_draw(struct session *s)
{
    const struct review_item *item = &s->entry.item;
    werase(stdscr);
    if (COLS < COLUMNS_MIN || LINES < LINES_MIN) {
        draw_wrapped(stdscr, 0, 0, COLS, LINES, A_NORMAL, "This window is too small; it needs 40 x 12.");
        wnoutrefresh(stdscr);
        return;
    }
    attron(A_REVERSE);
    mvhline(0, 0, ' ', COLS);
    attroff(A_REVERSE);
    int x = 1 + draw_text(stdscr, 0, 1, COLS / 2, A_REVERSE | A_BOLD, s->config->title ? s->config->title : "");
    if (s->entry.present) {
        char place[96];
        snprintf(place, sizeof place, "%s%lld of %lld open", s->heat ? "heatmap on   " : "", (long long)item->position,
                 (long long)item->open);
        int width = (int)strlen(place);
        draw_text(stdscr, 0, x + 3, COLS - x - width - 6, A_REVERSE, item->scene);
        draw_text(stdscr, 0, COLS - width - 1, width, A_REVERSE, place);
        if (COLS >= PANEL_FROM)
            draw_wide(s, item);
        else
            draw_narrow(s, item);
    }
    if (s->entry.present || s->on_screen)
        picture_cells(s);
    if (!s->entry.present)
        draw_end(s);
    draw_text(stdscr, LINES - 2, 1, COLS - 2, A_BOLD, s->status);
    draw_footer(s);
    wnoutrefresh(stdscr);
    WINDOW *over = s->context == CONTEXT_CLASS      ? draw_classes(s)
                   : s->context == CONTEXT_SEVERITY ? draw_severities(s)
                   : s->context == CONTEXT_HELP     ? draw_help(s)
                                                    : NULL;
    if (over) {
        wnoutrefresh(over);
        delwin(over);
    }
}
