// The view of the settings: each with its value and where that was said; changed in the file that is meant.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { FILES_FROM = 17, SAID_LEAST = 24 }; // lines of the screen; columns

static const struct flow_setting *focused(const struct session *s)
{
    return s->flow.setting < s->flow.setting_count ? &s->flow.settings[s->flow.setting] : NULL;
}

static void load(struct session *s)
{
    const struct flow_model *flow = s->model->flow;
    s->flow.settings = NULL;
    s->flow.setting_count = 0;
    flow->settings(flow->context, &s->flow.settings, &s->flow.setting_count, &s->flow.files);
}

static void draw(struct session *s)
{
    // what is said of the one in focus stands below the list, on low screens without the files
    bool files = LINES >= FILES_FROM;
    int y = 3, wide = COLS >= 120 ? 40 : 24, last = LINES - (files ? 9 : 6);
    int said = 20 + wide, help = COLS >= 160 ? said + 48 : COLS; // wide enough to say of each what it does
    bool where = help - said > SAID_LEAST;
    wide = where ? wide : COLS - 19;
    size_t rows = last > y ? (size_t)(last - y) : 1, top = s->flow.setting >= rows ? s->flow.setting - rows + 1 : 0;
    panel_head(s, _("settings"), "");
    draw_text(stdscr, 1, 2, 14, A_BOLD, _("setting"));
    draw_text(stdscr, 1, 18, wide, A_BOLD, _("value"));
    if (where)
        draw_text(stdscr, 1, said, help - said - 1, A_BOLD, _("where it is said"));
    if (help < COLS)
        draw_text(stdscr, 1, help, COLS - help - 1, A_BOLD, _("what it does"));
    for (size_t i = top; i < s->flow.setting_count && y < last; i++, y++) {
        const struct flow_setting *row = &s->flow.settings[i];
        bool in_focus = i == s->flow.setting;
        attr_t how = in_focus ? A_REVERSE : A_NORMAL;
        mvaddch(y, 0, (in_focus ? '>' : ' ') | A_BOLD);
        attron(how);
        mvhline(y, 1, ' ', COLS - 2);
        attroff(how);
        draw_text(stdscr, y, 2, 15, how, row->name);
        draw_text(stdscr, y, 18, wide, how, row->value[0] ? row->value : "-");
        if (where)
            draw_printf(stdscr, y, said, help - said - 1, how, "%s%s%s", _(row->origin), row->where[0] ? _(": ") : "", row->where);
        if (help < COLS)
            draw_text(stdscr, y, help, COLS - help - 1, how, _(row->help));
    }
    const struct flow_setting *row = focused(s);
    y++;
    if (row) {
        y += draw_wrapped(stdscr, y, 2, COLS - 4, 2, A_BOLD, _(row->help));
        char *more = xasprintf(_("environment: %s   default: %s"), row->environment, row->standard[0] ? row->standard : "-");
        if (files || draw_width(more) <= COLS - 4)
            draw_text(stdscr, y++, 2, COLS - 4, A_NORMAL, more);
        free(more);
    }
    if (files)
        draw_wrapped(stdscr, y, 2, COLS - 4, LINES - 2 - y, A_DIM, s->flow.files);
}

static void store(struct session *s, const char *value)
{
    const struct flow_model *flow = s->model->flow;
    struct error err;
    char *said = NULL;
    enum status status = flow->set(flow->context, s->flow.setting, value, s->flow.own, &said, &err);
    flow_said(s, status, &err, said ? said : "");
    free(said);
    view_load(s);
}

static void took(struct session *s, const char *line)
{
    store(s, line);
}

static void ask(struct session *s, bool own)
{
    const struct flow_setting *row = focused(s);
    char title[sizeof s->line_title];
    if (!row)
        return;
    s->flow.own = own;
    snprintf(title, sizeof title, row->choices[0] ? _("%s (%s)") : "%s%s", row->name, row->choices);
    popup_line(s, title, row->value, took);
}

static bool key(struct session *s, enum command command, int pressed)
{
    (void)pressed;
    switch (command) {
    case COMMAND_OPEN:
    case COMMAND_OWN:
        ask(s, command == COMMAND_OWN);
        return true;
    case COMMAND_UNSET:
    case COMMAND_UNSET_OWN:
        s->flow.own = command == COMMAND_UNSET_OWN;
        store(s, NULL);
        return true;
    case COMMAND_UP:
    case COMMAND_DOWN:
        s->flow.setting = flow_step(s, s->flow.setting, s->flow.setting_count, command, 0);
        return true;
    default:
        return false;
    }
}

static const char *refuse(struct session *s)
{
    return s->model->flow && s->model->flow->settings ? NULL : _("There are no settings here.");
}

const struct view view_settings = {.name = "settings", .context = CONTEXT_SETTINGS, .refuse = refuse, .load = load,
                                   .draw = draw, .key = key};
