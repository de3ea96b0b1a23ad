// The view of the log: who did what when, and the way to the picture.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { LINES_MOST = 20000, WIDE = 100, NARROW = 70 };

static void forget(struct log *v)
{
    for (size_t i = 0; i < v->count; i++)
        for (size_t k = 0; k < sizeof v->lines[i].texts / sizeof *v->lines[i].texts; k++)
            free(v->lines[i].texts[k]);
    v->count = v->at = v->top = 0;
}

void log_clear(struct session *s)
{
    forget(&s->log);
    free(s->log.lines);
}

static void add(struct log *v, const struct review_logged *row)
{
    GROW(v->lines, v->room, v->count + 1);
    struct log_line *line = &v->lines[v->count++];
    line->row = *row;
    const char **fields[] = {&line->row.at, &line->row.person, &line->row.kind, &line->row.name, &line->row.text};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i] = line->texts[i] = xstrdup(*fields[i] ? *fields[i] : "");
}

static void read_more(struct session *s, const char *text)
{
    struct log *v = &s->log;
    const struct review_logged *rows;
    size_t count = 0;
    bool more = false;
    struct error err;
    enum status status = s->model->log(s->model->context, text, &rows, &count, &more, &err);
    snprintf(v->why, sizeof v->why, "%s", status == ST_OK ? "" : err.text);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        add(v, &rows[i]);
    v->more = status == ST_OK && more && v->count < LINES_MOST;
    s->dirty = true;
}

static void begin(struct session *s)
{
    forget(&s->log);
    read_more(s, s->log.filter);
    view_load(s);
}

// Lines at the foot, in which what is in focus is told whole.
static int foot(void)
{
    return LINES >= 20 ? 3 : 1;
}

static size_t rows_of(void)
{
    return LINES > 8 ? (size_t)(LINES - 4 - foot()) : 2;
}

static const char *refuse(struct session *s)
{
    return s->model->log ? NULL : _("There is no log here.");
}

static void enter(struct session *s)
{
    forget(&s->log); // more may have happened since
    read_more(s, s->log.filter);
}

static void load(struct session *s)
{
    struct log *v = &s->log;
    size_t rows = rows_of();
    v->at = v->at < v->count ? v->at : v->count > 0 ? v->count - 1 : 0;
    v->top = v->at < v->top ? v->at : v->at >= v->top + rows ? v->at - rows + 1 : v->top;
}

// Below that width without the year and the kind: what happened says it. The line in focus is told whole below the others, as far as there is room.
static void draw_row(const struct session *s, size_t number, int y)
{
    const struct review_logged *r = &s->log.lines[number].row;
    bool in_focus = number == s->log.at;
    attr_t how = in_focus ? A_REVERSE : A_NORMAL;
    bool narrow = COLS < NARROW;
    int at = narrow ? 11 : 16, person = COLS >= WIDE ? 14 : 9, name = COLS >= WIDE ? 28 : 16, x = 1;
    mvaddch(y, 0, (in_focus ? '>' : ' ') | (in_focus ? A_BOLD : A_NORMAL));
    attron(how);
    mvhline(y, 1, ' ', COLS - 2);
    attroff(how);
    draw_text(stdscr, y, x, at, how, narrow && strlen(r->at) > 5 ? r->at + 5 : r->at);
    draw_text(stdscr, y, x += at + 1, person, how, r->person);
    x += person + 1;
    if (!narrow)
        draw_text(stdscr, y, x, 9, how, _(r->kind));
    x += narrow ? 0 : 10;
    int takes = draw_width(r->name);
    bool cut = takes > name;
    if (r->name[0]) {
        draw_text(stdscr, y, x, name, how, r->name);
        x += (narrow && !cut ? takes : name) + 1;
    }
    draw_text(stdscr, y, x, COLS - x - 1, how, r->text);
    if (in_focus && (cut || draw_width(r->text) > COLS - x - 1)) {
        char *whole = xasprintf("%s%s%s", r->name, r->name[0] ? "  " : "", r->text);
        draw_wrapped(stdscr, LINES - 2 - foot(), 1, COLS - 2, foot(), A_BOLD, whole);
        free(whole);
    }
}

static void draw(struct session *s)
{
    const struct log *v = &s->log;
    char right[64], none[80];
    snprintf(none, sizeof none, _("none; %s writes one"), session_key(s, COMMAND_FILTER));
    snprintf(right, sizeof right, v->more ? _("%zu and more") : "%zu", v->count);
    panel_head(s, _("log"), right);
    if (v->why[0])
        draw_wrapped(stdscr, 1, 1, COLS - 2, 3, A_BOLD, v->why);
    else
        draw_printf(stdscr, 1, 1, COLS - 2, A_NORMAL, _("Filter: %s"), v->filter[0] ? v->filter : none);
    for (size_t i = 0; i < rows_of() && v->top + i < v->count; i++)
        draw_row(s, v->top + i, 2 + (int)i);
    if (v->count == 0 && !v->why[0])
        draw_text(stdscr, 3, 1, COLS - 2, A_NORMAL, _("Nothing of this kind happened."));
}

static void step_to(struct session *s, size_t at)
{
    struct log *v = &s->log;
    while (at >= v->count && v->more)
        read_more(s, NULL);
    v->at = at < v->count ? at : v->count > 0 ? v->count - 1 : 0;
    session_say(s, "%s", "");
    view_load(s);
}

static void filter_done(struct session *s, const char *line)
{
    memmove(s->log.filter, line, strlen(line) + 1);
    session_say(s, "%s", "");
    begin(s);
}

static void open_it(struct session *s)
{
    struct log *v = &s->log;
    struct error err;
    size_t index;
    if (v->count == 0)
        return;
    if (v->lines[v->at].row.id == 0) {
        session_say(s, _("This line is about no single picture."));
    } else if (s->model->jump(s->model->context, v->lines[v->at].row.id, &index, &err)) {
        session_say(s, "%s", err.text);
    } else {
        s->index = index;
        view_switch(s, &view_review);
    }
}

static void handover_done(struct session *s, const char *line)
{
    char *text = NULL;
    int64_t *pictures = NULL;
    struct error err;
    if (s->model->handover(s->model->context, line, &text, &pictures, &err))
        session_say(s, "%s", err.text);
    else
        popup_jumps(s, _("Handover of the shift: pictures to go to"), text, pictures);
}

static bool key(struct session *s, enum command command, int pressed)
{
    struct log *v = &s->log;
    (void)pressed;
    switch (command) {
    case COMMAND_FILTER:
        popup_line(s, _("Look for: by:NAME kind:answer since:8h until:DATE"), v->filter, filter_done);
        return true;
    case COMMAND_HANDOVER:
        if (s->model->handover)
            popup_line(s, _("Handover since: 8h, 2026-01-31T06:00"), "8h", handover_done);
        return true;
    case COMMAND_OPEN:
        open_it(s);
        return true;
    case COMMAND_UP:
        step_to(s, v->at > 0 ? v->at - 1 : 0);
        return true;
    case COMMAND_DOWN:
        step_to(s, v->at + 1);
        return true;
    case COMMAND_PAGE_PREVIOUS:
        step_to(s, v->at > rows_of() ? v->at - rows_of() : 0);
        return true;
    case COMMAND_PAGE_NEXT:
        step_to(s, v->at + rows_of());
        return true;
    case COMMAND_BACK:
        v->filter[0] = '\0';
        begin(s);
        return true;
    default:
        return false;
    }
}

const struct view view_log = {.name = "log", .context = CONTEXT_LOG, .refuse = refuse, .enter = enter, .load = load,
                              .draw = draw, .key = key};
