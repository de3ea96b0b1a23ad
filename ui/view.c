#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "ui/marks.h"
#include "ui/session.h"

static const struct {
    enum command command;
    const struct view *view;
} views[] = {{COMMAND_VIEW_REVIEW, &view_review}, {COMMAND_VIEW_GRID, &view_grid},
              {COMMAND_VIEW_RESULTS, &view_results},
              {COMMAND_VIEW_FIND, &view_find},
              {COMMAND_VIEW_CLASSES, &view_classes},
              {COMMAND_VIEW_REGIONS, &view_regions},
              {COMMAND_VIEW_SECOND, &view_second},
              {COMMAND_VIEW_LOG, &view_log},
              {COMMAND_VIEW_TRAINING, &view_training}, {COMMAND_VIEW_WORKFLOW, &view_workflow}, {COMMAND_VIEW_MODELS, &view_models}, {COMMAND_VIEW_SETTINGS, &view_settings}};

enum { VIEWS = sizeof views / sizeof *views };

bool view_is(const struct view *view, enum command command)
{
    for (int i = 0; i < VIEWS; i++)
        if (views[i].command == command)
            return views[i].view == view;
    return false;
}

const struct view *view_named(const char *name)
{
    for (int i = 0; i < VIEWS; i++)
        if (strcmp(views[i].view->name, name) == 0)
            return views[i].view;
    return NULL;
}

void view_load(struct session *s)
{
    s->confirm = -1;
    s->dirty = true;
    picture_begin(s);
    s->view->load(s);
    picture_end(s);
}

void view_open(struct session *s, const struct view *view)
{
    s->view = view;
    s->context = view->context;
    if (view->enter)
        view->enter(s);
    view_load(s);
}

void view_switch(struct session *s, const struct view *view)
{
    const char *why = view->refuse ? view->refuse(s) : NULL;
    if (why)
        session_say(s, "%s", why);
    if (why || view == s->view)
        return;
    if (s->view->leave)
        s->view->leave(s);
    session_say(s, "%s", "");
    s->repaint = true; // pictures lie elsewhere: nothing of the old ones may stay
    view_open(s, view);
}

static void view_next(struct session *s)
{
    int at = 0;
    while (at < VIEWS - 1 && views[at].view != s->view)
        at++;
    for (int step = 1; step < VIEWS; step++) {
        const struct view *next = views[(at + step) % VIEWS].view;
        if (!next->refuse || !next->refuse(s)) {
            view_switch(s, next);
            return;
        }
    }
}

// What is on the screen first, then what the view may show next.
void view_look_ahead(struct session *s)
{
    struct want *wants = xcalloc(PREFETCH_SLOTS, sizeof *wants);
    int n = 0;
    s->look_ahead = false;
    for (; n < s->shown_count; n++) {
        wants[n] = s->shown[n].want;
        wants[n].path = xstrdup(s->shown[n].want.path);
        wants[n].look.onto = wants[n].look.onto ? xstrdup(wants[n].look.onto) : NULL;
        marks_use(wants[n].look.marks);
    }
    if (s->view->ahead)
        n += s->view->ahead(s, wants + n, PREFETCH_SLOTS - n);
    prefetch_want(s->prefetch, wants, n);
    free(wants);
}

static bool everywhere(struct session *s, enum command command)
{
    for (int i = 0; i < VIEWS; i++) {
        if (views[i].command == command) {
            view_switch(s, views[i].view);
            return true;
        }
    }
    switch (command) {
    case COMMAND_VIEW_NEXT:
        view_next(s);
        return true;
    case COMMAND_UNDO:
        answer_act(s, ACTION_UNDO, NULL, NULL);
        return true;
    case COMMAND_REDO:
        answer_act(s, ACTION_REDO, NULL, NULL);
        return true;
    case COMMAND_HELP:
        popup_read(s, _("Keys"), keymap_text(s->keymap, s->context));
        return true;
    case COMMAND_REDRAW:
        s->repaint = true;
        return true;
    case COMMAND_QUIT:
        s->quit = true;
        return true;
    default:
        return false;
    }
}

static void say_nothing(struct session *s, int key)
{
    if (key == KEYMAP_ESCAPE)
        session_say(s, "%s", "");
    else
        session_say(s, _("That key does nothing here; %s shows the keys."), session_key(s, COMMAND_HELP));
}

void view_key(struct session *s, int key)
{
    enum command command = keymap_find(s->keymap, session_too_small() ? s->view->context : s->context, key);
    s->dirty = true;
    if (session_too_small() && command != COMMAND_QUIT && command != COMMAND_REDRAW)
        return;
    if (session_too_small())
        everywhere(s, command);
    else if (s->context == CONTEXT_CLASS || s->context == CONTEXT_SEVERITY)
        answer_key(s, command, key);
    else if (s->context == CONTEXT_NOTE || s->context == CONTEXT_TEXT || s->context == CONTEXT_JUMPS || s->context == CONTEXT_LINE)
        popup_key(s, command, key);
    else if (!s->view->key(s, command, key) && !everywhere(s, command))
        say_nothing(s, key);
}
