// The view of the classes: a tree that can be changed. What was said keeps its names; the database leads them on.
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { NAME_LEAST = 18 }; // columns

static void forget(struct classes *c)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < sizeof c->lines[i].texts / sizeof *c->lines[i].texts; k++)
            free(c->lines[i].texts[k]);
    free(c->lines);
    c->lines = NULL;
    c->count = 0;
}

void classes_clear(struct session *s)
{
    forget(&s->classes);
}

static int by_name(const void *a, const void *b)
{
    const struct review_class *x = *(const struct review_class *const *)a, *y = *(const struct review_class *const *)b;
    int order = x->retired - y->retired; // those in use first
    return order ? order : strcasecmp(x->name, y->name);
}

static bool is_there(const struct review_class *classes, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (classes[i].id == id)
            return true;
    return false;
}

// Those below `parent` (0: below none that is there), each with what lies below it.
static void add_below(struct classes *c, const struct review_class *const *sorted, const struct review_class *classes,
                      size_t count, int64_t parent, int depth)
{
    for (size_t i = 0; i < count && c->count < count; i++) {
        int64_t above = is_there(classes, count, sorted[i]->parent) ? sorted[i]->parent : 0;
        if (above != parent || depth > (int)count)
            continue;
        struct class_line *line = &c->lines[c->count++];
        *line = (struct class_line){.row = *sorted[i], .depth = depth};
        const char **fields[] = {&line->row.name, &line->row.severity, &line->row.code, &line->row.zh};
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            *fields[k] = line->texts[k] = xstrdup(*fields[k] ? *fields[k] : "");
        add_below(c, sorted, classes, count, sorted[i]->id, depth + 1);
    }
}

static void load(struct session *s)
{
    struct classes *c = &s->classes;
    const struct review_class *classes = NULL;
    size_t count = 0, rows = LINES > 8 ? (size_t)(LINES - 6) : 2;
    int64_t id = c->at < c->count ? c->lines[c->at].row.id : 0; // stays in focus where it goes
    s->model->classes(s->model->context, &classes, &count);
    forget(c);
    c->lines = xcalloc(count + 1, sizeof *c->lines);
    const struct review_class **sorted = xcalloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &classes[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    add_below(c, sorted, classes, count, 0, 0);
    free(sorted);
    for (size_t i = 0; i < c->count; i++)
        if (c->lines[i].row.id == id)
            c->at = i;
    c->at = c->at < c->count ? c->at : c->count ? c->count - 1 : 0;
    c->top = c->at < c->top ? c->at : c->at >= c->top + rows ? c->at - rows + 1 : c->top;
}

// Both names, that of the reader's language first.
static const char *class_words(const struct review_class *row, char *text, size_t room)
{
    const char *first = knowledge_name(row->name, row->zh), *second = first == row->name ? row->zh : row->name;
    snprintf(text, room, "%s%s%s", first, second[0] ? "  " : "", second);
    return text;
}

static void draw(struct session *s)
{
    char words[300];
    const struct classes *c = &s->classes;
    char right[64];
    int y = 3, name = COLS - 42 < NAME_LEAST ? NAME_LEAST : COLS - 42 < 60 ? COLS - 42 : 60;
    bool uses = name + 29 < COLS;
    snprintf(right, sizeof right, _("classes: %zu"), c->count);
    panel_head(s, _("classes"), right);
    if (c->count == 0) {
        draw_wrapped(stdscr, 2, 1, COLS - 2, 3, A_NORMAL, _("No class yet: the first defect that is answered makes one."));
        return;
    }
    draw_text(stdscr, 1, 2, name, A_BOLD, _("class"));
    draw_text(stdscr, 1, name + 3, 8, A_BOLD, _("code"));
    draw_text(stdscr, 1, name + 12, 9, A_BOLD, _("severity"));
    if (uses)
        draw_right(stdscr, 1, name + 22, 7, A_BOLD, _("uses"));
    for (size_t i = c->top; i < c->count && y < LINES - 3; i++, y++) {
        const struct review_class *row = &c->lines[i].row;
        bool in_focus = i == c->at;
        attr_t how = in_focus ? A_REVERSE : row->retired ? A_DIM : A_NORMAL;
        int indent = c->lines[i].depth * 2 < name / 2 ? c->lines[i].depth * 2 : name / 2;
        mvaddch(y, 0, (in_focus ? '>' : ' ') | (in_focus ? A_BOLD : A_NORMAL));
        attron(how);
        mvhline(y, 1, ' ', COLS - 2);
        attroff(how);
        draw_text(stdscr, y, 2 + indent, name - indent, how, class_words(row, words, sizeof words));
        draw_text(stdscr, y, name + 3, 8, how, row->code);
        draw_text(stdscr, y, name + 12, 9, how, _(row->severity));
        if (uses)
            draw_printf(stdscr, y, name + 22, 7, how, "%7lld", (long long)row->uses);
        draw_text(stdscr, y, name + 31, COLS - name - 32, how, row->retired ? _("retired") : "");
    }
}

static const struct review_class *focused(struct session *s)
{
    struct classes *c = &s->classes;
    return c->at < c->count ? &c->lines[c->at].row : NULL;
}

// NULL when it went while the line was written, with the reason on the screen.
static const struct review_class *written_about(struct session *s)
{
    const struct classes *c = &s->classes;
    for (size_t i = 0; i < c->count; i++)
        if (c->lines[i].row.id == c->about)
            return &c->lines[i].row;
    session_say(s, _("That class is not there any more: nothing was changed."));
    return NULL;
}

static void ask(struct session *s, const struct review_class *row, const char *title, const char *text,
                void (*done)(struct session *s, const char *line))
{
    s->classes.about = row->id;
    popup_line(s, title, text, done);
}

static void change_row(struct session *s, const struct review_class *row, enum class_action what, const char *value, const char *said)
{
    struct error err;
    if (!row)
        return;
    char *name = xstrdup(row->name);
    if (s->model->change_class(s->model->context, row->id, what, value, &err))
        session_say(s, "%s", err.text);
    else
        session_say(s, _("%s: %s%s"), name, said, value[0] && what != CLASS_ACTION_RETIRE ? what == CLASS_ACTION_SEVERITY ? _(value) : value : "");
    free(name);
    view_load(s);
}

// As a line says.
static void change(struct session *s, enum class_action what, const char *line, const char *said)
{
    change_row(s, written_about(s), what, line, said);
}

static void renamed(struct session *s, const char *line)
{
    change(s, CLASS_ACTION_RENAME, line, _("is now called "));
}

static void go_to(struct session *s, const char *name)
{
    struct classes *c = &s->classes;
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->lines[i].row.name, name) == 0)
            c->at = i;
    view_load(s); // with it on the page
}

static void made(struct session *s, const char *line)
{
    struct error err;
    if (!line[0])
        return;
    if (s->model->change_class(s->model->context, 0, CLASS_ACTION_NEW, line, &err)) {
        session_say(s, "%s", err.text);
        return;
    }
    session_say(s, _("%s is a class now; {severity} gives its severity, {undo} takes it back."), line);
    view_load(s);
    go_to(s, line);
}

static void coded(struct session *s, const char *line)
{
    change(s, CLASS_ACTION_CODE, line, line[0] ? _("code ") : _("no code"));
}

static void named_zh(struct session *s, const char *line)
{
    change(s, CLASS_ACTION_ZH, line, line[0] ? _("in Chinese ") : _("no Chinese name"));
}

static void stated(struct session *s, const char *line)
{
    const struct review_class *row = written_about(s);
    if (row)
        knowledge_state(s, row->name, line);
}

static void put_below(struct session *s, const char *line)
{
    change(s, CLASS_ACTION_PARENT, line, line[0] ? _("below ") : _("at the top"));
}

static void merged(struct session *s, const char *line)
{
    if (line[0])
        change(s, CLASS_ACTION_MERGE, line, _("merged into "));
}

static void step(struct session *s, long by)
{
    struct classes *c = &s->classes;
    long at = (long)c->at + by;
    c->at = at < 0 ? 0 : c->count > 0 && at >= (long)c->count ? c->count - 1 : (size_t)at;
    session_say(s, "%s", ""); // what was said was of the other class
    view_load(s);
}

static void find_pictures(struct session *s)
{
    const struct review_class *row = focused(s);
    if (!row || (view_find.refuse && view_find.refuse(s)))
        return;
    snprintf(s->find.filter, sizeof s->find.filter, "class:\"%.200s\"", row->name);
    view_switch(s, &view_find);
}

static bool key(struct session *s, enum command command, int pressed)
{
    const struct review_class *row = focused(s);
    int level = 0;
    (void)pressed;
    switch (command) {
    case COMMAND_CLASS_NEW:
        popup_line(s, _("The new class is called"), "", made);
        return true;
    case COMMAND_RENAME:
        if (row)
            ask(s, row, _("The class is called"), row->name, renamed);
        return true;
    case COMMAND_CODE:
        if (row)
            ask(s, row, _("Code to type for it"), row->code, coded);
        return true;
    case COMMAND_BELOW:
        if (row)
            ask(s, row, _("Below the class (nothing: at the top)"), "", put_below);
        return true;
    case COMMAND_MERGE:
        if (row && session_leads(s, LEAD_MERGE))
            ask(s, row, _("Merge into the class"), "", merged);
        return true;
    case COMMAND_LEVEL:
        while (row && level < 2 && strcmp(row->severity, answer_severities[level]) != 0)
            level++;
        change_row(s, row, CLASS_ACTION_SEVERITY, answer_severities[(level + 1) % 3], _("severity "));
        return true;
    case COMMAND_RETIRE:
        change_row(s, row, CLASS_ACTION_RETIRE, row && row->retired ? "" : "yes", row && row->retired ? _("offered again") : _("retired"));
        return true;
    case COMMAND_RELATIONS:
        if (row)
            knowledge_show(s, row->name);
        return true;
    case COMMAND_STATE:
        if (row && s->model->knowledge)
            ask(s, row, _("component; cause; action; severity (-component: take it away)"), "", stated);
        return true;
    case COMMAND_ZH:
        if (row)
            ask(s, row, _("In Chinese it is called"), row->zh, named_zh);
        return true;
    case COMMAND_TEMPLATE:
    case COMMAND_TEMPLATES:
        knowledge_templates(s, command == COMMAND_TEMPLATE);
        return true;
    case COMMAND_OPEN:
        find_pictures(s);
        return true;
    case COMMAND_UP:
    case COMMAND_DOWN:
        step(s, command == COMMAND_UP ? -1 : 1);
        return true;
    case COMMAND_PAGE_PREVIOUS:
    case COMMAND_PAGE_NEXT:
        step(s, command == COMMAND_PAGE_PREVIOUS ? -(long)LINES + 6 : (long)LINES - 6);
        return true;
    default:
        return false;
    }
}

static const char *refuse(struct session *s)
{
    return s->model->change_class ? NULL : _("The classes cannot be changed here.");
}

const struct view view_classes = {.name = N_("classes"), .context = CONTEXT_CLASSES, .refuse = refuse, .load = load,
                                  .draw = draw, .key = key};
