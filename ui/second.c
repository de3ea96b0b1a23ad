// The view of a lead's second look: one picture after the other, what was said of it hidden until it is asked for or
// answered.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

static void forget(struct second *v)
{
    free(v->said);
    v->said = NULL;
    v->present = false;
}

void second_clear(struct session *s)
{
    forget(&s->second);
    free(s->second.known);
}

static bool knows(const struct second *v, int64_t id)
{
    for (size_t i = 0; i < v->known_count; i++)
        if (v->known[i] == id)
            return true;
    return false;
}

// What was said is shown from here on, also when the picture comes back.
static void tell(struct second *v)
{
    v->told = true;
    if (knows(v, v->id))
        return;
    GROW(v->known, v->known_room, v->known_count + 1);
    v->known[v->known_count++] = v->id;
}

static const char *refuse(struct session *s)
{
    return s->model->second ? NULL : _("There is no second review here.");
}

static struct look look_of(const struct session *s, const struct review_item *item)
{
    struct look look = {.heat = s->heat && !item->blind ? s->look.heat : 0, .stretch = s->look.stretch, .invert = s->look.invert};
    return look;
}

static void take(struct session *s, const struct review_second *row)
{
    struct second *v = &s->second;
    char *said = xstrdup(row->said);
    forget(v);
    *v = (struct second){.at = v->at, .present = true, .told = knows(v, row->id), .id = row->id, .total = row->total, .said = said,
                         .known = v->known, .known_count = v->known_count, .known_room = v->known_room};
    snprintf(v->why, sizeof v->why, "%s", row->why);
    snprintf(v->person, sizeof v->person, "%s", row->person);
    snprintf(v->verdict, sizeof v->verdict, "%s", row->verdict);
    snprintf(v->class_name, sizeof v->class_name, "%s", row->class_name);
    snprintf(v->severity, sizeof v->severity, "%s", row->severity);
}

static void load(struct session *s)
{
    struct second *v = &s->second;
    struct review_second row;
    struct review_item item;
    struct error err;
    panel_layout(s);
    enum status status = s->model->second(s->model->context, &v->at, &row, &err);
    if (status == ST_OK) {
        take(s, &row);
        status = s->model->look(s->model->context, row.id, &item, &err);
    } else {
        forget(v);
        v->id = 0;
        v->total = 0;
    }
    snprintf(v->none, sizeof v->none, "%s",
             status == ST_OK || (status == ST_NOT_FOUND && !v->present) ? "" : err.text);
    int64_t before = s->entry.present ? s->entry.item.id : 0;
    entry_clear(&s->entry);
    if (status != ST_OK)
        return;
    struct look look = look_of(s, &item);
    entry_set(&s->entry, &item);
    size_t after = v->at + 1;
    v->last = s->model->second(s->model->context, &after, &row, &err) != ST_OK || after != v->at + 1;
    s->item_seen = s->item_seen && before == item.id;
    picture_put(s, &s->pane, &item, &look);
}

static int draw_said(const struct session *s, int y, int x, int width, int lines)
{
    const struct second *v = &s->second;
    if (lines < 1)
        return 0;
    if (v->told)
        return draw_wrapped(stdscr, y, x, width, lines, A_NORMAL, v->said);
    char *hidden = session_keyed(s, _("What was said is hidden until you answer; {tell} tells it."));
    int taken = draw_wrapped(stdscr, y, x, width, lines, A_DIM, hidden);
    free(hidden);
    return taken;
}

static void draw_none(const struct session *s)
{
    int x = COLS > 60 ? COLS / 2 - 25 : 2, y = LINES / 2 - 2;
    if (s->second.none[0]) {
        draw_wrapped(stdscr, y, x, COLS - x - 2, 4, A_BOLD, s->second.none);
        return;
    }
    draw_text(stdscr, y, x, COLS - x, A_BOLD, _("No answer waits for a second look"));
    draw_printf(stdscr, y + 2, x, COLS - x, A_NORMAL, _("%s shows how the answers agree, %s takes your last one back."),
                session_key(s, COMMAND_KAPPA), session_key(s, COMMAND_UNDO));
}

static void draw(struct session *s)
{
    const struct second *v = &s->second;
    char right[64] = "";
    if (v->present)
        snprintf(right, sizeof right, _("%zu of %lld"), v->at + 1, (long long)v->total);
    panel_head(s, _("second review"), right);
    if (!s->entry.present) {
        draw_none(s);
        return;
    }
    const struct review_item *item = &s->entry.item;
    if (COLS >= PANEL_FROM) {
        int x = s->pane.cols + 2, width = COLS - x - 1, y = 2, end = LINES - 4;
        y += draw_wrapped(stdscr, y, x, width, 2, A_BOLD, item->name) + 1;
        y += draw_wrapped(stdscr, y, x, width, 4, A_NORMAL, v->why) + 1;
        y += draw_said(s, y, x, width, end - y > 12 ? end - y - 6 : 6) + 1;
        if (item->details[0] && y < end)
            draw_wrapped(stdscr, y, x, width, end - y, A_DIM, item->details);
        return;
    }
    int y = s->pane.y + s->pane.rows;
    draw_text(stdscr, y, 1, COLS - 2, A_BOLD, item->name);
    draw_text(stdscr, y + 1, 1, COLS - 2, A_NORMAL, v->why);
    draw_said(s, y + 2, 1, COLS - 2, INFO_LINES - 2);
}

static int ahead(struct session *s, struct want *wants, int room)
{
    struct second *v = &s->second;
    struct review_second row;
    struct review_item item;
    struct error err;
    int n = 0;
    for (size_t step = 1; step <= 3 && v->present && n < room; step++) {
        size_t at = v->at + step;
        if (s->model->second(s->model->context, &at, &row, &err) != ST_OK || at != v->at + step ||
            s->model->look(s->model->context, row.id, &item, &err) != ST_OK)
            break;
        struct look look = look_of(s, &item);
        picture_want(s, &s->pane, &item, &look, &wants[n]);
        wants[n++].path = xstrdup(item.path ? item.path : "");
    }
    return n;
}

static void go(struct session *s, bool forward)
{
    struct second *v = &s->second;
    if (!v->present || (!forward && v->at == 0) || (forward && v->last)) {
        session_say(s, forward ? _("This is the end.") : _("This is the first picture."));
        return;
    }
    v->at = forward ? v->at + 1 : v->at - 1;
    session_say(s, "%s", "");
    view_load(s);
}

static void decide(struct session *s, enum action_kind kind, const char *class_name, const char *severity)
{
    struct second *v = &s->second;
    struct action action = {.kind = kind, .id = v->id, .class_name = class_name, .severity = severity};
    const char *told = "";
    struct error err;
    action.component = answer_component(s, v->id, class_name);
    if (s->item_seen)
        action.took_ms = (int64_t)((clock_seconds() - s->item_seen_at) * 1000);
    if (s->note_id == v->id)
        action.note = s->note;
    if (s->model->decide(s->model->context, &action, !v->told, &told, &err)) {
        session_say(s, "%s", err.text);
        return;
    }
    answer_count(s, kind);
    tell(v); // the sentence compares them
    session_say(s, "%s", told);
    view_load(s);
}

static void found_defect(struct session *s, const char *class_name, const char *severity)
{
    decide(s, ACTION_DEFECT, class_name, severity);
}

// The same as was said, seen.
static void agree(struct session *s)
{
    struct second *v = &s->second;
    char class_name[CLASS_ROOM], severity[16];
    bool defect = strcmp(v->verdict, "defect") == 0;
    memcpy(class_name, v->class_name, sizeof class_name);
    memcpy(severity, v->severity, sizeof severity);
    if (!v->told) {
        tell(v);
        session_say(s, _("This is what was said; %s again agrees with it."), session_key(s, COMMAND_AGREE));
    } else if (defect) {
        decide(s, ACTION_DEFECT, class_name, severity[0] ? severity : "general");
    } else {
        decide(s, strcmp(v->verdict, "normal") == 0 ? ACTION_NORMAL : ACTION_UNSURE, NULL, NULL);
    }
}

static void comment_done(struct session *s, const char *line)
{
    struct error err;
    if (!line[0])
        return;
    if (s->model->comment(s->model->context, s->second.id, line, &err))
        session_say(s, "%s", err.text);
    else
        session_say(s, _("%s sees it at the next start, and with the picture."), s->second.person);
}

static void show(struct session *s, enum status status, const char *title, char *text, const struct error *err)
{
    if (status != ST_OK)
        session_say(s, "%s", err->text);
    else
        popup_read(s, title, text);
}

void second_agreement(struct session *s)
{
    char *text = NULL;
    struct error err;
    if (!s->model->agreement) {
        session_say(s, _("There are no results of these pictures."));
        return;
    }
    enum status status = s->model->agreement(s->model->context, &text, &err);
    show(s, status, _("How the answers agree"), text, &err);
}

static void history(struct session *s)
{
    char *text = NULL;
    struct error err;
    enum status status = s->model->history(s->model->context, s->second.id, &text, &err);
    show(s, status, _("What was said about this picture"), text, &err);
}

static bool about_picture(struct session *s, enum command command)
{
    struct second *v = &s->second;
    switch (command) {
    case COMMAND_NORMAL:
    case COMMAND_UNSURE:
    case COMMAND_DEFECT:
        if (!answer_confirmed(s, picture_item_sight(s), v->id))
            return true;
        if (command == COMMAND_DEFECT)
            answer_choose(s, found_defect);
        else
            decide(s, command == COMMAND_NORMAL ? ACTION_NORMAL : ACTION_UNSURE, NULL, NULL);
        return true;
    case COMMAND_AGREE:
        if (answer_confirmed(s, picture_item_sight(s), v->id))
            agree(s);
        return true;
    case COMMAND_TELL:
        tell(v);
        return true;
    case COMMAND_COMMENT: {
        char title[160];
        snprintf(title, sizeof title, _("To %s"), v->person);
        popup_line(s, title, "", comment_done);
        return true;
    }
    case COMMAND_NOTE:
        popup_note(s, v->id);
        return true;
    case COMMAND_HISTORY:
        tell(v); // it says all of it
        history(s);
        return true;
    case COMMAND_OPEN: {
        struct error err;
        size_t index;
        if (s->model->jump(s->model->context, v->id, &index, &err)) {
            session_say(s, "%s", err.text);
        } else {
            tell(v); // so does the review
            s->index = index;
            view_switch(s, &view_review);
        }
        return true;
    }
    default:
        return false;
    }
}

static bool key(struct session *s, enum command command, int pressed)
{
    (void)pressed;
    switch (command) {
    case COMMAND_NEXT:
    case COMMAND_PREVIOUS:
        go(s, command == COMMAND_NEXT);
        return true;
    case COMMAND_HEAT:
    case COMMAND_CONTRAST:
    case COMMAND_INVERT:
        s->heat = s->heat != (command == COMMAND_HEAT);
        s->look.stretch = s->look.stretch != (command == COMMAND_CONTRAST);
        s->look.invert = s->look.invert != (command == COMMAND_INVERT);
        view_load(s);
        return true;
    case COMMAND_KAPPA:
        second_agreement(s);
        return true;
    case COMMAND_NORMAL:
    case COMMAND_DEFECT:
    case COMMAND_UNSURE:
    case COMMAND_AGREE:
    case COMMAND_TELL:
    case COMMAND_COMMENT:
    case COMMAND_NOTE:
    case COMMAND_HISTORY:
    case COMMAND_OPEN:
        return s->entry.present && s->second.present ? about_picture(s, command) : true;
    default:
        return false;
    }
}

const struct view view_second = {.name = "second", .context = CONTEXT_SECOND, .answers = true, .refuse = refuse, .load = load,
                                 .draw = draw, .key = key, .ahead = ahead};
