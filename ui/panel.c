#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/braille.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { SCORE_ROWS = 3, SCORES_FROM = 30 }; // lines of the chart, and that the screen needs for it

static const double ODD_FROM = 0.18; // 1 in 1.5: what is below, most normals are

static const char blind_words[] = N_("An audit runs: score, reason and heatmap are hidden until you have answered.");

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
    if (!(score > ODD_FROM)) // also not a number
        snprintf(text, room, "%s", _("most normals look this odd"));
    else
        snprintf(text, room, score > 6 ? _("fewer than 1 normal in %s looks this odd") : _("1 normal in %s looks this odd"), n);
}

static void verdict_words(const struct session *s, const struct review_item *item, char *text, size_t room)
{
    if (strcmp(item->verdict, "defect") == 0)
        snprintf(text, room, _("defect: %s (%s)"), knowledge_class(s, item->class_name), _(item->severity));
    else
        snprintf(text, room, "%s", item->verdict[0] ? _(item->verdict) : _("not answered"));
}

static int draw_details(const struct review_item *item, int y, int x, int width, int end)
{
    if (item->details[0] && y < end)
        y += draw_wrapped(stdscr, y, x, width, end - y, A_NORMAL, item->details) + 1;
    return y;
}

static void draw_answer(const struct session *s, const struct review_item *item, int y, int x, int width)
{
    char text[256];
    if (y >= LINES - 2)
        return;
    verdict_words(s, item, text, sizeof text);
    int used = draw_text(stdscr, y, x, width, A_DIM, _("Answer: "));
    draw_text(stdscr, y, x + used, width - used, A_BOLD, text);
}

// The distribution of all scores, on a logarithmic scale of counts: a column of bars, below them where the threshold (|)
// and this picture (^) lie. Returns the line after it.
static int draw_scores(const struct session *s, const struct review_item *item, int y, int x, int width)
{
    const struct review_scores *v = s->scores;
    int columns = 2 * width;
    double top = item->threshold > item->score.score ? item->threshold : item->score.score, most = 0;
    for (size_t i = 0; i < v->bins; i++)
        top = v->counts[i] > 0 && (double)(i + 1) * v->step > top ? (double)(i + 1) * v->step : top;
    top = top > v->step ? top * 1.02 : 1;
    double *heights = xcalloc((size_t)columns, sizeof *heights);
    wchar_t *cells = xcalloc((size_t)(SCORE_ROWS * width), sizeof *cells);
    for (int c = 0; c < columns; c++) { // narrower than a bin: its height over all of its width
        size_t from = (size_t)(c * top / columns / v->step), to = (size_t)((c + 1) * top / columns / v->step);
        int64_t n = 0;
        for (size_t i = from; i <= to && i < v->bins; i++)
            n = v->counts[i] > n ? v->counts[i] : n;
        heights[c] = log1p((double)n);
        most = heights[c] > most ? heights[c] : most;
    }
    for (int c = 0; c < columns; c++)
        heights[c] = most > 0 ? heights[c] / most : 0;
    braille_bars(heights, SCORE_ROWS, width, s->symbols == SYMBOLS_ASCII || s->ascii_lines, cells);
    for (int row = 0; row < SCORE_ROWS; row++)
        mvaddnwstr(y + row, x, cells + row * width, width);
    int line = (int)(item->threshold / top * width), here = (int)(item->score.score / top * width);
    line = line < 0 ? 0 : line >= width ? width - 1 : line;
    here = here < 0 || !(item->score.score > 0) ? 0 : here >= width ? width - 1 : here;
    if (s->ascii_lines)
        mvhline(y + SCORE_ROWS, x, '-', width);
    else
        mvhline_set(y + SCORE_ROWS, x, WACS_HLINE, width); // as in frames: a character that a dump can tell
    mvaddch(y + SCORE_ROWS, x + line, '|' | A_BOLD);
    mvaddch(y + SCORE_ROWS, x + here, '^' | A_BOLD);
    free(cells);
    free(heights);
    return y + SCORE_ROWS + 1;
}

void panel_scores(struct session *s, bool first)
{
    const struct review_item *item = &s->entry.item;
    struct error unused;
    bool shown = s->entry.present && s->model->scores && COLS >= PANEL_FROM && LINES >= SCORES_FROM && !item->blind && !item->reason[0];
    if (!first && !s->scores_wait)
        return;
    s->scores = NULL;
    s->scores_wait = false;
    if (!shown)
        return;
    enum status status = s->model->scores(s->model->context, item->id, &s->scores, &unused);
    s->scores_wait = status == ST_BUSY;
    s->scores = status == ST_OK ? s->scores : NULL;
    s->dirty = s->dirty || (!first && !s->scores_wait);
}

static void draw_wide(struct session *s, const struct review_item *item)
{
    int x = s->pane.cols + 2, width = COLS - x - 1, y = 2, end = LINES - 4;
    char text[256], n[32];
    y += draw_wrapped(stdscr, y, x, width, 2, A_BOLD, item->name) + 1;
    if (item->reason[0]) {
        y += draw_wrapped(stdscr, y, x, width, 4, A_NORMAL, item->reason) + 1;
        draw_answer(s, item, draw_details(item, y, x, width, end), x, width);
        return;
    }
    if (item->blind) {
        y += draw_wrapped(stdscr, y, x, width, 3, A_NORMAL, _(blind_words)) + 1;
        draw_answer(s, item, draw_details(item, y, x, width, end), x, width);
        return;
    }
    score_words(item->score.score, text, sizeof text);
    y += draw_wrapped(stdscr, y, x, width, 2, A_NORMAL, text);
    one_in(item->threshold, n);
    draw_printf(stdscr, y++, x, width, A_DIM, _("flagged from 1 in %s on"), n);
    if (s->scores) {
        y = draw_scores(s, item, y, x, width);
        draw_printf(stdscr, y, x, width, A_NORMAL, _("^ this one, above %.1f %%  | threshold"), floor(item->percentile * 1000) / 10);
    } else {
        draw_bar(stdscr, y, x, width - 16, item->percentile, s->ascii_lines);
        draw_printf(stdscr, y, x + width - 15, 15, A_NORMAL, _("above %.1f %%"), floor(item->percentile * 1000) / 10);
    }
    y += 2;
    for (int i = 0; i < DETECTORS && y < end; i++) {
        double part = item->score.parts[i];
        if (i != DETECTOR_WHOLE && i != DETECTOR_PATCH && part <= 0) // not every scene has the others
            continue;
        draw_text(stdscr, y, x, 8, A_NORMAL, _(detector_name((enum detector)i)));
        if (part > 0) {
            one_in(part, n);
            draw_printf(stdscr, y, x + 8, 15, A_NORMAL, _("1 in %s"), n);
            draw_bar(stdscr, y, x + 23, width - 23, part / 6, s->ascii_lines);
        } else {
            draw_text(stdscr, y, x + 8, 15, A_DIM, _("nothing odd"));
        }
        y++;
    }
    if (item->why[0] && y + 1 < end)
        y += 1 + draw_wrapped(stdscr, y + 1, x, width, 4, A_NORMAL, item->why);
    draw_answer(s, item, draw_details(item, y + 1, x, width, end), x, width);
}

// Why it is asked and the details in one line.
static void draw_line(const struct review_item *item, int y, int width)
{
    struct strbuf line = {0};
    strbuf_puts(&line, item->blind ? "" : item->why);
    for (const char *p = item->details; *p; p += p[0] == '\n') {
        size_t length = strcspn(p, "\n");
        strbuf_printf(&line, "%s%.*s", line.len > 0 ? "  " : "", (int)length, p);
        p += length;
    }
    draw_text(stdscr, y, 1, width, A_DIM, line.data);
    strbuf_clear(&line);
}

// What the detectors that find it odd say, the one that says most first, from column `used` to `end`; what does not fit is
// left out.
static void draw_parts(const struct review_item *item, int y, int used, int end)
{
    bool said[DETECTORS] = {false};
    for (int k = 0; k < DETECTORS; k++) {
        int most = -1;
        char n[32];
        for (int i = 0; i < DETECTORS; i++)
            if (!said[i] && item->score.parts[i] > ODD_FROM && (most < 0 || item->score.parts[i] > item->score.parts[most]))
                most = i;
        if (most < 0)
            return;
        said[most] = true;
        one_in(item->score.parts[most], n);
        char *words = xasprintf(_("%s 1 in %s"), _(detector_name((enum detector)most)), n);
        if (used + 3 + draw_width(words) <= end)
            used += 3 + draw_text(stdscr, y, used + 3, end - used - 3, A_NORMAL, words);
        free(words);
    }
}

static void draw_narrow(struct session *s, const struct review_item *item)
{
    int y = s->pane.y + s->pane.rows, width = COLS - 2, used;
    char text[256], n[32];
    verdict_words(s, item, text, sizeof text);
    used = draw_width(text) < COLS / 2 ? draw_width(text) : COLS / 2;
    draw_text(stdscr, y, 1, width - used - 2, A_BOLD, item->name);
    draw_text(stdscr, y++, COLS - used - 1, used, A_BOLD, text);
    if (item->reason[0]) {
        draw_wrapped(stdscr, y, 1, width, INFO_LINES - 1, A_NORMAL, item->reason);
        return;
    }
    if (item->blind) {
        draw_text(stdscr, y, 1, width, A_NORMAL, _(blind_words));
        draw_line(item, y + 2, width);
        return;
    }
    score_words(item->score.score, text, sizeof text);
    one_in(item->threshold, n);
    used = draw_text(stdscr, y, 1, width, A_NORMAL, text);
    draw_printf(stdscr, y++, used + 1, width - used, A_DIM, _("; flagged from 1 in %s on"), n);
    draw_bar(stdscr, y, 1, 8, item->percentile, s->ascii_lines);
    used = 10 + draw_printf(stdscr, y, 10, width - 10, A_NORMAL, _("above %.1f %%"), floor(item->percentile * 1000) / 10);
    draw_parts(item, y, used, width + 1);
    draw_line(item, y + 1, width);
}

// Over two lines where it has to be; frees it. Returns the line after it.
static int end_line(int y, int x, attr_t how, char *text)
{
    int room = LINES - 2 - y < 2 ? LINES - 2 - y : 2;
    y += room > 0 ? draw_wrapped(stdscr, y, x, COLS - x - 1, room, how, text) : 0;
    free(text);
    return y;
}

void panel_end(struct session *s)
{
    size_t counts[4] = {0};
    int y = LINES / 2 - 3 > 2 ? LINES / 2 - 3 : 2, x = COLS > 60 ? COLS / 2 - 25 : 2;
    for (size_t i = 0; i < answer_standing(s); i++)
        counts[s->done[i]]++;
    y = end_line(y, x, A_BOLD, xstrdup(_("Nothing more to review"))) + (LINES >= 16);
    y = end_line(y, x, A_NORMAL,
                 xasprintf(s->config->poor ? _("You answered in this session: %zu fine after all, %zu defect, %zu really poor.")
                                           : _("You answered in this session: %zu normal, %zu defect, %zu unsure."),
                           counts[ACTION_NORMAL], counts[ACTION_DEFECT], counts[ACTION_UNSURE]));
    if (s->open > 0)
        y = end_line(y, x, A_NORMAL, xasprintf(_("%lld still open: skipped, or on the screens of others; %s goes back."),
                                               (long long)s->open, session_key(s, COMMAND_PREVIOUS)));
    y = end_line(y, x, A_NORMAL, xasprintf(_("%s takes the last answer back, %s leaves."), session_key(s, COMMAND_UNDO),
                                           session_key(s, COMMAND_QUIT)));
    end_line(y, x, A_DIM, xstrdup(_("Pictures that are flagged now or given back by others appear here.")));
}

void panel_item(struct session *s)
{
    if (COLS >= PANEL_FROM)
        draw_wide(s, &s->entry.item);
    else
        draw_narrow(s, &s->entry.item);
}

void panel_head(struct session *s, const char *middle, const char *right)
{
    attron((int)s->theme.head);
    mvhline(0, 0, ' ', COLS);
    attroff((int)s->theme.head);
    int x = 1 + draw_text(stdscr, 0, 1, COLS / 2, s->theme.head | A_BOLD, s->config->title ? s->config->title : ""), room = COLS - x - 4;
    for (const char *next; draw_width(right) > room && (next = strstr(right, "   ")); right = next) // the last part says most
        next += strspn(next, " ");
    int width = draw_width(right) < room ? draw_width(right) : room;
    draw_text(stdscr, 0, x + 3, COLS - x - width - 6, s->theme.head, middle);
    draw_text(stdscr, 0, COLS - width - 1, width, s->theme.head, right);
}

static bool footer_always(const struct binding *binding)
{
    return binding->command == COMMAND_HELP || binding->command == COMMAND_QUIT || binding->command == COMMAND_BACK ||
           binding->command == COMMAND_UNDO;
}

static const char *footer_label(const struct session *s, const struct binding *binding)
{
    if (s->config->poor && binding->command == COMMAND_NORMAL)
        return _("fine after all");
    return s->config->poor && binding->command == COMMAND_UNSURE ? _("really poor") : _(binding->label);
}

// Columns with two blanks behind, 0 when it is not in this footer.
static int footer_width(const struct session *s, const struct binding *binding)
{
    bool here = binding->context == s->context || (binding->context == CONTEXT_ALL && keymap_is_view(s->context));
    if (!here || !binding->label || !binding->keys[0] || view_is(s->view, binding->command))
        return 0;
    return (int)strcspn(binding->shown, ",") + 1 + draw_width(footer_label(s, binding)) + 2;
}

void panel_foot(struct session *s)
{
    size_t count;
    const struct binding *table = keymap_table(s->keymap, &count);
    int x = 1, kept = 1;
    char *status = draw_shortened(s->status, COLS - 2);
    int said = draw_text(stdscr, LINES - 2, 1, COLS - 2, A_BOLD, status), room = COLS - said - 4;
    free(status);
    if (s->flow.state[0] && draw_width(s->flow.state) <= room)
        draw_text(stdscr, LINES - 2, COLS - 1 - draw_width(s->flow.state), room, A_DIM, s->flow.state);
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
        x += draw_printf(stdscr, LINES - 1, x, COLS - x, s->theme.key, "%.*s", key_width, key);
        x += draw_printf(stdscr, LINES - 1, x, COLS - x, A_NORMAL, " %s", footer_label(s, &table[i])) + 2;
    }
}

