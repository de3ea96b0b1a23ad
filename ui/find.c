// The view of what a filter finds: a list, and the picture of the line in focus beside it.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { LINES_MOST = 5000, LIST_WIDE = 100, SCORE_WIDE = 5, DAY_WIDE = 10, TIME_WIDE = 16 };

static const char *const orders[] = {"score", "answered", "added"};

static void forget(struct find *f)
{
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < sizeof f->lines[i].texts / sizeof *f->lines[i].texts; k++)
            free(f->lines[i].texts[k]);
    f->count = f->at = f->top = 0;
    f->wide = (struct find_columns){.name = 8, .what = 18, .person = 8};
}

void find_clear(struct session *s)
{
    forget(&s->find);
    free(s->find.lines);
}

static void what_of(const struct session *s, const struct review_found *v, char *text, size_t room)
{
    if (strcmp(v->verdict, "defect") == 0)
        knowledge_defect(s, v->class_name, v->severity, text, room);
    else
        snprintf(text, room, "%s", v->verdict[0] ? _(v->verdict) : v->flagged ? _("open") : _("filtered"));
}

static void widen(int *column, const char *text)
{
    int width = draw_width(text);
    *column = width > *column ? width : *column;
}

static void add(struct session *s, const struct review_found *found)
{
    struct find *f = &s->find;
    char what[200];
    GROW(f->lines, f->room, f->count + 1);
    struct find_line *line = &f->lines[f->count++];
    line->found = *found;
    const char **fields[] = {&line->found.name, &line->found.scene, &line->found.verdict, &line->found.class_name,
                             &line->found.severity, &line->found.person, &line->found.at};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i] = line->texts[i] = xstrdup(*fields[i] ? *fields[i] : "");
    what_of(s, &line->found, what, sizeof what);
    widen(&f->wide.name, line->found.name);
    widen(&f->wide.what, what);
    widen(&f->wide.person, line->found.person);
    widen(&f->wide.scene, line->found.scene);
}

// The next page; from the beginning where `text` is not NULL.
static void read_more(struct session *s, const char *text)
{
    struct find *f = &s->find;
    const struct review_found *rows;
    size_t count = 0;
    struct error err;
    bool more = false;
    enum status status = s->model->find(s->model->context, text, &rows, &count, &more, &err);
    snprintf(f->why, sizeof f->why, "%s", status == ST_OK ? "" : err.text);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        add(s, &rows[i]);
    f->more = status == ST_OK && more && f->count < LINES_MOST;
    s->dirty = true;
}

static void begin(struct session *s)
{
    forget(&s->find);
    s->find.begun = true;
    read_more(s, s->find.filter);
    view_load(s);
}

static size_t rows_of(void)
{
    return LINES > 8 ? (size_t)(LINES - 6) : 2;
}

// Two halves, or on a narrow screen the list alone.
static int list_width(void)
{
    return COLS >= LIST_WIDE ? COLS / 2 : COLS;
}

static const char *refuse(struct session *s)
{
    return s->model->find ? NULL : _("There is nothing to find here.");
}

static void enter(struct session *s)
{
    struct find *f = &s->find;
    if (f->begun) { // answers may have been given since
        size_t at = f->at;
        forget(f);
        read_more(s, f->filter);
        for (int pages = 0; f->more && f->count <= at && pages < 10; pages++)
            read_more(s, NULL);
        f->at = at < f->count ? at : f->count ? f->count - 1 : 0;
    } else {
        forget(f);
        f->begun = true;
        read_more(s, f->filter);
    }
}

static void load(struct session *s)
{
    struct find *f = &s->find;
    struct review_item item;
    struct error err;
    size_t rows = rows_of();
    f->top = f->at < f->top ? f->at : f->at >= f->top + rows ? f->at - rows + 1 : f->top;
    if (f->count == 0 || COLS < LIST_WIDE)
        return;
    if (s->model->look(s->model->context, f->lines[f->at].found.id, &item, &err) != ST_OK)
        return; // without a score it has no place in the review either
    struct look look = {.heat = s->heat && !item.blind ? s->look.heat : 0};
    struct rect pane = {1, list_width() + 1, LINES - 3, COLS - list_width() - 1};
    picture_put(s, &pane, &item, &look);
}

// The lines above and below.
static int ahead(struct session *s, struct want *wants, int room)
{
    const struct find *f = &s->find;
    struct review_item item;
    struct error err;
    int n = 0;
    for (int step = 1; step >= -1 && s->shown_count > 0 && n < room; step -= 2) {
        size_t at = f->at + (size_t)step;
        if (at >= f->count || s->model->look(s->model->context, f->lines[at].found.id, &item, &err) != ST_OK)
            continue;
        struct look look = {.heat = s->heat && !item.blind ? s->look.heat : 0};
        picture_want(s, &s->shown[0].pane, &item, &look, &wants[n]);
        wants[n++].path = xstrdup(item.path ? item.path : "");
    }
    return n;
}

// What there is too much of is taken from this column, which keeps `least`.
static void narrow(int *column, int least, int *over)
{
    int take = *column - least < *over ? *column - least : *over;
    if (take > 0) {
        *column -= take;
        *over -= take;
    }
}

static void leave_out(int *column, int *over)
{
    if (*over > 0 && *column > 0) {
        *over -= *column + 1;
        *column = 0;
    }
}

// As wide as what stands in them; where the line is too short the class and its severity go last.
static struct find_columns columns_of(const struct find *f, int room)
{
    struct find_columns c = f->wide;
    c.date = TIME_WIDE;
    int over = c.name + 1 + SCORE_WIDE + 1 + c.what + 1 + c.person + 1 + c.date + (c.scene ? 1 + c.scene : 0) - room;
    narrow(&c.name, 24, &over);
    if (over > 0) {
        over -= TIME_WIDE - DAY_WIDE;
        c.date = DAY_WIDE;
    }
    narrow(&c.person, 8, &over);
    leave_out(&c.scene, &over);
    leave_out(&c.date, &over);
    narrow(&c.name, 12, &over);
    leave_out(&c.person, &over);
    narrow(&c.what, 8, &over);
    return c;
}

// The class is cut, its severity is not.
static void draw_what(const struct session *s, const struct review_found *v, int y, int x, int width, attr_t how)
{
    char what[200];
    what_of(s, v, what, sizeof what);
    const char *name = knowledge_class(s, v->class_name);
    size_t length = strlen(name);
    const char *severity = strncmp(what, name, length) == 0 ? what + length : what;
    int tail = draw_width(severity);
    if (draw_width(what) > width && length > 0 && tail + 4 <= width) {
        int taken = draw_text(stdscr, y, x, width - tail, how, name);
        draw_text(stdscr, y, x + taken, width - taken, how, severity);
    } else {
        draw_text(stdscr, y, x, width, how, what);
    }
}

static void draw_row(const struct session *s, const struct find_columns *c, size_t number, int y, int width)
{
    const struct review_found *v = &s->find.lines[number].found;
    bool in_focus = number == s->find.at;
    attr_t how = in_focus ? A_REVERSE : A_NORMAL;
    char score[16] = "  -", at[TIME_WIDE + 1];
    if (v->score >= 0 && !v->blind)
        snprintf(score, sizeof score, "%5.2f", v->score < 99 ? v->score : 99);
    snprintf(at, sizeof at, "%.*s", c->date, v->at);
    mvaddch(y, 0, (in_focus ? '>' : ' ') | (in_focus ? A_BOLD : A_NORMAL));
    attron(how);
    mvhline(y, 1, ' ', width - 2);
    attroff(how);
    int x = 1;
    draw_end(stdscr, y, x, c->name, how, v->name);
    draw_text(stdscr, y, x += c->name + 1, SCORE_WIDE, how, score);
    draw_what(s, v, y, x += SCORE_WIDE + 1, c->what, how);
    draw_text(stdscr, y, x += c->what + 1, c->person, how, v->person);
    x += c->person ? c->person + 1 : 0;
    draw_text(stdscr, y, x, c->date, how, at);
    x += c->date ? c->date + 1 : 0;
    draw_text(stdscr, y, x, c->scene, how, v->scene);
}

static void draw(struct session *s)
{
    const struct find *f = &s->find;
    int width = list_width();
    char right[96], none[96];
    snprintf(none, sizeof none, _("none; %s writes one"), session_key(s, COMMAND_FILTER));
    snprintf(right, sizeof right, f->more ? _("%zu and more found") : _("%zu found"), f->count);
    panel_head(s, _("find"), right);
    if (f->why[0])
        draw_wrapped(stdscr, 1, 1, width - 2, 2, A_BOLD, f->why);
    else
        draw_printf(stdscr, 1, 1, width - 2, A_NORMAL, _("Filter: %s"), f->filter[0] ? f->filter : none);
    struct find_columns columns = columns_of(f, width - 2);
    for (size_t i = 0; i < rows_of() && f->top + i < f->count; i++)
        draw_row(s, &columns, f->top + i, 3 + (int)i, width);
    if (f->count == 0 && !f->why[0])
        draw_wrapped(stdscr, 3, 1, width - 2, 2, A_NORMAL,
                     f->more ? _("Nothing so far; looking on ...") : _("Nothing fits."));
}

static void step_to(struct session *s, size_t at)
{
    struct find *f = &s->find;
    if (at >= f->count && f->more)
        read_more(s, NULL);
    if (f->count == 0)
        return;
    if (at >= f->count && f->at + 1 == f->count)
        session_say(s, f->more ? _("There is more to look through: go on.") : _("This is the end."));
    f->at = at < f->count ? at : f->count - 1;
    view_load(s);
}

// Where little fits, looking goes on while nothing is typed, until the page is full.
static bool ready(struct session *s)
{
    const struct find *f = &s->find;
    return !f->more || f->count >= f->top + rows_of();
}

static bool busy(struct session *s)
{
    return !ready(s);
}

static void idle(struct session *s, double now)
{
    (void)now;
    if (ready(s))
        return;
    bool none = s->find.count == 0;
    read_more(s, NULL);
    if (none && s->find.count > 0)
        view_load(s);
}

static void filter_done(struct session *s, const char *line)
{
    memmove(s->find.filter, line, strlen(line) + 1);
    session_say(s, "%s", "");
    begin(s);
}

static void save_done(struct session *s, const char *line)
{
    struct error err;
    if (!line[0])
        return;
    if (s->model->save(s->model->context, line, s->find.filter, &err))
        session_say(s, "%s", err.text);
    else if (s->find.filter[0])
        session_say(s, _("Saved as %s; %s applies it."), line, session_key(s, COMMAND_SAVED));
    else
        session_say(s, _("%s is forgotten."), line);
}

static void apply(struct session *s)
{
    struct find *f = &s->find;
    const char *const *pairs;
    size_t count = 0;
    struct error err;
    if (s->model->saved(s->model->context, &pairs, &count, &err)) {
        session_say(s, "%s", err.text);
    } else if (count == 0) {
        session_say(s, _("No filter is saved yet; %s saves this one."), session_key(s, COMMAND_SAVE));
    } else {
        size_t at = f->applied++ % count;
        snprintf(f->filter, sizeof f->filter, "%s", pairs[at * 2 + 1]);
        session_say(s, _("%s (%zu of %zu)"), pairs[at * 2], at + 1, count);
        begin(s);
    }
}

// sort: is a word of the filter, so that a saved one keeps it.
static void order(struct session *s)
{
    struct find *f = &s->find;
    char *word = strstr(f->filter, "sort:"), rest[NOTE_ROOM] = "";
    int now = 0;
    if (word) {
        size_t length = strcspn(word, " ");
        while (now < 2 && strncmp(word + 5, orders[now], strlen(orders[now])) != 0)
            now++;
        now = (now + 1) % 3;
        snprintf(rest, sizeof rest, "%s", word + length + strspn(word + length, " "));
        *word = '\0';
    }
    size_t used = strlen(f->filter);
    snprintf(f->filter + used, sizeof f->filter - used, "%s%ssort:%s%s%.*s", "",
             used > 0 && f->filter[used - 1] != ' ' ? " " : "", orders[now], rest[0] ? " " : "", NOTE_ROOM / 2, rest);
    begin(s);
}

static void open_it(struct session *s)
{
    struct find *f = &s->find;
    struct error err;
    size_t index;
    if (f->count == 0)
        return;
    if (s->model->jump(s->model->context, f->lines[f->at].found.id, &index, &err)) {
        session_say(s, "%s", err.text);
        return;
    }
    s->index = index;
    view_switch(s, &view_review);
}

static bool key(struct session *s, enum command command, int pressed)
{
    struct find *f = &s->find;
    (void)pressed;
    switch (command) {
    case COMMAND_FILTER:
        popup_line(s, _("Look for: class: severity: verdict: score:>2 date: by: scene: path"), f->filter, filter_done);
        return true;
    case COMMAND_SAVE:
        popup_line(s, f->filter[0] ? _("Save the filter as") : _("Forget the filter of this name"), "", save_done);
        return true;
    case COMMAND_SAVED:
        apply(s);
        return true;
    case COMMAND_ORDER:
        order(s);
        return true;
    case COMMAND_OPEN:
        open_it(s);
        return true;
    case COMMAND_UP:
        step_to(s, f->at > 0 ? f->at - 1 : 0);
        return true;
    case COMMAND_DOWN:
        step_to(s, f->at + 1);
        return true;
    case COMMAND_PAGE_PREVIOUS:
        step_to(s, f->at > rows_of() ? f->at - rows_of() : 0);
        return true;
    case COMMAND_PAGE_NEXT:
        step_to(s, f->at + rows_of());
        return true;
    case COMMAND_HEAT:
        s->heat = !s->heat;
        view_load(s);
        return true;
    case COMMAND_BACK:
        f->filter[0] = '\0';
        begin(s);
        return true;
    default:
        return false;
    }
}

const struct view view_find = {.name = "find", .context = CONTEXT_FIND, .refuse = refuse, .enter = enter, .load = load,
                               .draw = draw, .key = key, .ahead = ahead,
                               .ready = ready, .idle = idle, .busy = busy};
