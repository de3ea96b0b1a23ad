// The view of the results: what is found and lost by severity, the scores, and what another threshold would cost.
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"
#include "screen/rates.h"
#include "ui/braille.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { LEAP = 10, BOTH_FROM = 150, CURVE_LEAST = 60, CHART_LEFT = 10 };
static const double confidence = 0.95;

static void ask(struct session *s, bool anew)
{
    struct results *r = &s->results;
    struct error err;
    r->shown = NULL;
    enum status status = s->model->results(s->model->context, r->scene, anew, &r->shown, &err);
    r->why[0] = '\0';
    if (status != ST_OK && status != ST_BUSY)
        snprintf(r->why, sizeof r->why, "%s", err.text);
    s->dirty = true;
}

static const char *refuse(struct session *s)
{
    return s->model->results ? NULL : _("There are no results of these pictures.");
}

static void enter(struct session *s)
{
    s->results.moved = false;
    ask(s, true);
}

static void load(struct session *s)
{
    s->open = s->model->open ? s->model->open(s->model->context) : 0;
}

static bool ready(struct session *s)
{
    return s->results.shown || s->results.why[0];
}

static void idle(struct session *s, double now)
{
    (void)now;
    if (!ready(s))
        ask(s, false);
}

// The line's bin; the threshold in use lies somewhere inside of its own.
static int line_of(const struct results *r)
{
    int bin = (int)floor(r->shown->threshold / r->shown->step + 1e-9);
    bin = bin < 0 ? 0 : bin >= (int)r->shown->bins ? (int)r->shown->bins - 1 : bin;
    return r->moved ? r->line : bin;
}

static int64_t from(const int64_t *bins, size_t count, int line)
{
    int64_t sum = 0;
    for (size_t i = (size_t)line; i < count; i++)
        sum += bins[i];
    return sum;
}

// The columns of the table, as they stand; those that do not all fit give way by rank.
enum column { ABOVE, BELOW, TOTAL, RATE, INTERVAL, REVIEW, CHANGE, TABLE_COLUMNS };
enum { TABLE_LEFT = 9, CELL_ROOM = 48 };

static void put_columns(int y, attr_t how, bool moved, const char cells[TABLE_COLUMNS][CELL_ROOM])
{
    static const int widths[TABLE_COLUMNS] = {8, 8, 8, 11, 18, 10, 7};
    static const enum column ranks[TABLE_COLUMNS] = {ABOVE, BELOW, TOTAL, RATE, CHANGE, REVIEW, INTERVAL};
    bool fits[TABLE_COLUMNS] = {false};
    int x = TABLE_LEFT, room = COLS - 1 - x;
    for (int i = 0; i < TABLE_COLUMNS; i++) {
        enum column c = ranks[i];
        fits[c] = widths[c] <= room && (c != CHANGE || moved);
        room -= fits[c] ? widths[c] : 0;
    }
    for (int c = 0; c < TABLE_COLUMNS; c++) {
        if (!fits[c])
            continue;
        draw_right(stdscr, y, x + 1, widths[c] - 1, c == CHANGE ? how | A_BOLD : how, cells[c]);
        x += widths[c];
    }
}

// By severity: as it is, or as it would be with the line where it is.
static int draw_severities(const struct results *r, int y)
{
    const struct review_results *v = r->shown;
    char cells[TABLE_COLUMNS][CELL_ROOM];
    const char *const heads[] = {r->moved ? _("above") : _("flagged"), r->moved ? _("below") : _("missed"), _("total"),
                                 _("rate"), /* xgettext:no-c-format */ _("95 % interval"), _("in review"), _("change")};
    for (int c = 0; c < TABLE_COLUMNS; c++)
        snprintf(cells[c], CELL_ROOM, "%s", heads[c]);
    draw_text(stdscr, y, 1, 8, A_BOLD, _("severity"));
    put_columns(y++, A_BOLD, r->moved, cells);
    for (size_t s = 0; s < v->severity_count; s++) {
        const struct review_severity *w = &v->severities[s];
        int64_t total = w->correct + w->missed, hits = r->moved ? from(w->bins, v->bins, r->line) : w->correct;
        attr_t how = s + 1 == v->severity_count ? A_BOLD : A_NORMAL;
        snprintf(cells[ABOVE], CELL_ROOM, "%" PRId64, hits);
        snprintf(cells[BELOW], CELL_ROOM, "%" PRId64, total - hits);
        snprintf(cells[TOTAL], CELL_ROOM, "%" PRId64, total);
        snprintf(cells[RATE], CELL_ROOM, "-");
        snprintf(cells[INTERVAL], CELL_ROOM, "-");
        if (total > 0) {
            struct rates_interval i = rates_exact((size_t)hits, (size_t)total, confidence);
            snprintf(cells[RATE], CELL_ROOM, "%.2f %%", 100.0 * (double)hits / (double)total);
            snprintf(cells[INTERVAL], CELL_ROOM, _("%.2f to %6.2f"), 100 * i.low, 100 * i.high);
        }
        snprintf(cells[REVIEW], CELL_ROOM, "%" PRId64, w->found);
        cells[CHANGE][0] = '\0';
        if (hits != w->correct)
            snprintf(cells[CHANGE], CELL_ROOM, "%+" PRId64, hits - w->correct);
        draw_text(stdscr, y, 1, 8, how, s + 1 == v->severity_count ? _("all") : _(w->name));
        put_columns(y++, how, r->moved, cells);
    }
    return y;
}

// A sentence, which it frees, over as many lines as it takes, two at most; none where there is no line left above the status.
static int put_sentence(int y, attr_t how, char *text)
{
    int room = LINES - 2 - y < 2 ? LINES - 2 - y : 2;
    y += room > 0 ? draw_wrapped(stdscr, y, 1, COLS - 2, room, how, text) : 0;
    free(text);
    return y;
}

static int draw_cost(const struct results *r, int y)
{
    const struct review_results *v = r->shown;
    int64_t now = v->flagged, shown = r->moved ? from(v->all, v->bins, r->line) : now;
    int64_t normals = from(v->normal, v->bins, 0), above = from(v->normal, v->bins, line_of(r));
    bool exact = r->moved || fabs(line_of(r) * v->step - v->threshold) < 1e-6; // else it lies inside of a bin
    double all = v->screened > 0 ? (double)v->screened : 1;
    if (r->moved)
        y = put_sentence(y, A_BOLD, xasprintf(_("With the line at %.2f (now %.3f): %lld shown (%+lld), %.2f %% filtered (%+.2f)"),
                                              r->line * v->step, v->threshold, (long long)shown, (long long)(shown - now),
                                              100 * (1 - (double)shown / all), 100 * ((double)now - (double)shown) / all));
    else
        y = put_sentence(y, A_BOLD, xasprintf(_("Threshold at %.3f: %lld shown, %.2f %% filtered"), v->threshold, (long long)shown,
                                              100 * (1 - (double)shown / all)));
    if (normals > 0)
        y = put_sentence(y, A_NORMAL, xasprintf(exact ? _("%lld of %lld known normals lie below, %lld above")
                                                      : _("About %lld of %lld known normals lie below, %lld above"),
                                                (long long)(normals - above), (long long)normals, (long long)above));
    else
        y = put_sentence(y, A_NORMAL, xstrdup(_("No picture is known to be normal yet")));
    if (r->moved) {
        char *name = text_quoted(v->scene);
        y = put_sentence(y, A_NORMAL, xasprintf(_("Nothing is changed here: `assay screen --scene %s --filter-rate %.4f` makes such a revision"),
                                                name, 1 - (double)shown / all));
        free(name);
    } else
        y = put_sentence(y, A_DIM, xstrdup(v->reason));
    if (v->audit && v->audit[0])
        y = put_sentence(y, A_NORMAL, xstrdup(v->audit));
    return y;
}

struct chart {
    int y, x, rows, cols;
    int per, bars; // bins a bar, and how many of these
};

// The first column of a bar: as many columns for each as there is room for.
static int edge(const struct chart *c, int bar)
{
    return bar * c->cols / c->bars;
}

static int64_t in_bar(const struct chart *c, const int64_t *bins, size_t count, int bar)
{
    int64_t sum = 0;
    for (size_t i = (size_t)(bar * c->per); i < (size_t)((bar + 1) * c->per) && i < count; i++)
        sum += bins[i];
    for (size_t i = (size_t)(c->bars * c->per); bar + 1 == c->bars && i < count; i++)
        sum += bins[i]; // the last one holds all beyond
    return sum;
}

// How many of these in each bar, as a digit: colour and height would say less.
static void draw_counts(const struct chart *c, int y, const char *name, const int64_t *bins, size_t count)
{
    draw_text(stdscr, y, 1, c->x - 2, A_NORMAL, name);
    mvhline(y, c->x, '.', c->cols);
    for (int bar = 0; bar < c->bars; bar++) {
        int64_t n = in_bar(c, bins, count, bar);
        if (n > 0)
            mvaddch(y, c->x + edge(c, bar), n > 9 ? '+' : (chtype)('0' + n));
    }
}

static void draw_column(const struct session *s, const struct chart *c, int col, double height)
{
    static const wchar_t parts[] = L" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";
    int eighths = (int)(height * c->rows * 8 + 0.5);
    if (height > 0 && eighths == 0)
        eighths = 1;
    for (int row = 0; row < c->rows; row++) {
        int part = eighths - row * 8;
        part = part < 0 ? 0 : part > 8 ? 8 : part;
        wchar_t text[2] = {s->ascii_lines ? (part >= 4 || (part > 0 && row == 0) ? L'#' : L' ') : parts[part], 0};
        mvaddwstr(c->y + c->rows - 1 - row, c->x + col, text);
    }
}

// Recall against filter rate, of a threshold at every score: by the defects found independently of it, where there are any.
static void draw_curve(const struct session *s, int top, int x, int width)
{
    enum { AXIS = 6 };
    const struct results *r = &s->results;
    const struct review_results *v = r->shown;
    const struct review_severity *all = &v->severities[v->severity_count - 1];
    bool independent = all->correct + all->missed > 0;
    const int64_t *defects = independent ? all->bins : v->defect;
    int64_t total = from(defects, v->bins, 0);
    int rows = LINES - 2 - 3 - top, cols = width - AXIS;
    if (rows < 2 || cols < 8)
        return;
    draw_text(stdscr, top, x, width, A_BOLD, independent ? _("Recall against filter rate") : _("Recall against filter rate, of defects that the review found"));
    if (total == 0 || v->screened == 0)
        draw_wrapped(stdscr, top + 1, x, width, 2, A_NORMAL, _("No defect is known yet."));
    if (total == 0 || v->screened == 0)
        return;
    struct braille_point *points = xcalloc(v->bins, sizeof *points);
    wchar_t *cells = xcalloc((size_t)(rows * cols) + 1, sizeof *cells);
    int64_t shown = 0, found = 0; // from a line on
    for (size_t i = v->bins; i-- > 0;) {
        shown += v->all[i];
        found += defects[i];
        points[i] = (struct braille_point){1 - (double)shown / (double)v->screened, (double)found / (double)total};
    }
    const struct braille_range range = {0, 1, 0, 1};
    braille_plot(points, v->bins, &range, rows, cols, s->symbols == SYMBOLS_ASCII || s->ascii_lines, cells);
    for (int row = 0; row < rows; row++)
        mvaddnwstr(top + 1 + row, x + AXIS, cells + row * cols, cols);
    draw_right(stdscr, top + 1, x, AXIS - 1, A_NORMAL, "100 %");
    draw_right(stdscr, top + rows, x, AXIS - 1, A_NORMAL, "0 %");
    int under = top + 1 + rows, at = (int)(points[line_of(r)].x * (cols - 1) + 0.5);
    draw_text(stdscr, under, x + AXIS, cols, A_NORMAL, "0 %");
    draw_right(stdscr, under, x + AXIS + cols / 2, cols - cols / 2, A_NORMAL, /* xgettext:no-c-format */ _("100 % filtered"));
    draw_printf(stdscr, under + 1, x + AXIS + at, 2, A_BOLD, "^");
    char words[80];
    snprintf(words, sizeof words, _("%s: %.1f %% recall, %.1f %% filtered"), r->moved ? _("line") : _("threshold"), 100 * points[line_of(r)].y,
             100 * points[line_of(r)].x);
    int length = draw_width(words);
    draw_text(stdscr, under + 1, x + AXIS + (at > length ? at - length - 1 : at + 2), length, A_NORMAL, words);
    free(points);
    free(cells);
}

// The bins from 0 to the highest score and some beyond the line.
static int bins_shown(const struct results *r)
{
    const struct review_results *v = r->shown;
    size_t last = 0;
    for (size_t i = 0; i < v->bins; i++)
        last = v->all[i] > 0 ? i : last;
    int needed = (int)last + 1 > line_of(r) + 20 ? (int)last + 1 : line_of(r) + 20, most = (int)(8 / v->step);
    return needed > most ? most : needed;
}

static void draw_chart(const struct session *s, int y, int width)
{
    const struct results *r = &s->results;
    const struct review_results *v = r->shown;
    struct chart c = {.y = y, .x = CHART_LEFT, .cols = width - CHART_LEFT - 1, .rows = LINES - 2 - 4 - y};
    int needed = bins_shown(r);
    int64_t most = 1;
    c.per = (needed + c.cols - 1) / c.cols;
    c.bars = (needed + c.per - 1) / c.per;
    c.cols = c.cols * 4 < c.bars * 5 ? c.bars : c.cols; // a few columns more would only make some bars twice as wide
    if (c.rows < 2)
        return;
    for (int bar = 0; bar < c.bars; bar++)
        most = in_bar(&c, v->all, v->bins, bar) > most ? in_bar(&c, v->all, v->bins, bar) : most;
    draw_printf(stdscr, c.y, 1, c.x - 2, A_DIM, "%" PRId64, most);
    draw_text(stdscr, c.y + c.rows - 1, 1, c.x - 2, A_NORMAL, _("pictures"));
    for (int bar = 0; bar < c.bars; bar++) // by the logarithm: a few odd ones beside a million
        for (int col = edge(&c, bar); col < edge(&c, bar + 1); col++)
            draw_column(s, &c, col, log1p((double)in_bar(&c, v->all, v->bins, bar)) / log1p((double)most));
    draw_counts(&c, c.y + c.rows, _("normals"), v->normal, v->bins);
    draw_counts(&c, c.y + c.rows + 1, _("defects"), v->defect, v->bins);
    int axis = c.y + c.rows + 2, line = edge(&c, line_of(r) / c.per);
    draw_text(stdscr, axis, 1, c.x - 2, A_NORMAL, _("score"));
    for (int whole = 0; whole * (1 / v->step) / c.per < c.bars; whole++)
        draw_printf(stdscr, axis, c.x + edge(&c, (int)(whole / v->step) / c.per), 3, A_NORMAL, "%d", whole);
    if (line < c.cols)
        draw_printf(stdscr, axis + 1, c.x + line, width - c.x - line, A_BOLD, "^ %s", r->moved ? _("line") : _("threshold"));
    int used = edge(&c, (int)(v->threshold / v->step) / c.per);
    if (r->moved && used < c.cols && abs(used - line) > 6)
        draw_text(stdscr, axis + 1, c.x + used, width - c.x - used, A_NORMAL, _("^ now"));
}

// Half of the screen, or as much as lets each bin have a column of its own while the curve can still be read.
static int chart_width(const struct results *r)
{
    int one = bins_shown(r) + CHART_LEFT + 1;
    return one > COLS / 2 && one <= COLS - CURVE_LEAST - 3 ? one : COLS / 2;
}

static void draw(struct session *s)
{
    const struct results *r = &s->results;
    char right[96] = "";
    if (!r->shown) {
        panel_head(s, _("results"), "");
        draw_wrapped(stdscr, LINES / 2 - 1, 4, COLS - 8, 3, A_NORMAL, r->why[0] ? r->why : _("Counting the scores ..."));
        return;
    }
    snprintf(right, sizeof right, _("revision %d   %lld screened   %lld open"), r->shown->revision, (long long)r->shown->screened,
             (long long)r->shown->open);
    panel_head(s, r->shown->scene, right);
    int y = draw_severities(r, 2);
    y = draw_cost(r, y + 1);
    bool both = COLS >= BOTH_FROM;
    int chart = both ? chart_width(r) : COLS;
    if (both || !r->curve)
        draw_chart(s, y + 1, chart);
    if (both || r->curve)
        draw_curve(s, y + 1, both ? chart + 2 : 1, both ? COLS - chart - 3 : COLS - 2);
}

static bool key(struct session *s, enum command command, int pressed)
{
    struct results *r = &s->results;
    (void)pressed;
    bool left = command == COMMAND_LEFT || command == COMMAND_PAGE_PREVIOUS;
    bool moves = left || command == COMMAND_RIGHT || command == COMMAND_PAGE_NEXT;
    if (command == COMMAND_SCENE) {
        if (!r->shown || r->shown->scenes < 2) {
            session_say(s, _("There is no other scene."));
            return true;
        }
        r->scene = (r->scene + 1) % r->shown->scenes;
        r->moved = false;
        ask(s, true);
    } else if (command == COMMAND_KAPPA) {
        second_agreement(s);
    } else if (command == COMMAND_COMPARE) {
        r->curve = !r->curve;
        s->dirty = true;
    } else if (command == COMMAND_BACK) {
        r->moved = false;
    } else if (moves && r->shown) {
        int step = command == COMMAND_LEFT || command == COMMAND_RIGHT ? 1 : LEAP, most = (int)r->shown->bins - 1;
        int line = line_of(r) + (left ? -step : step);
        r->line = line < 0 ? 0 : line > most ? most : line;
        r->moved = true;
    } else if (!moves) {
        return false;
    }
    session_say(s, "%s", "");
    return true;
}

const struct view view_results = {.name = "results", .context = CONTEXT_RESULTS, .refuse = refuse, .enter = enter,
                                  .load = load, .draw = draw, .key = key, .ready = ready, .idle = idle};
