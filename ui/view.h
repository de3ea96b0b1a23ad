// A view is a table of functions over the session. Switching views is view.c's;
// what holds in every view (help, undo, the number keys) is done there once.
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "ui/keymap.h"
#include "ui/prefetch.h"

struct session;
struct mouse; // regions.h

struct view {
    const char *name;
    enum context context;                   // its keys
    bool answers;                           // it shows the picture whose answer an undo takes back; else the review does
    const char *(*refuse)(struct session *s); // NULL, or why it cannot be entered here; may be NULL
    void (*enter)(struct session *s);       // may be NULL
    void (*leave)(struct session *s);       // may be NULL
    void (*load)(struct session *s);        // read what it shows anew and put its pictures (picture_put)
    void (*draw)(struct session *s);        // its text into stdscr; the pictures' cells are filled already
    bool (*key)(struct session *s, enum command command, int key); // false: not one of its keys
    bool (*ready)(struct session *s);       // what it shows is there; NULL: always
    int (*ahead)(struct session *s, struct want *wants, int room); // what may be wanted next; may be NULL
    void (*mouse)(struct session *s, const struct mouse *mouse); // may be NULL
    void (*idle)(struct session *s, double now); // about every tenth of a second while nothing is typed; may be NULL
    bool (*busy)(struct session *s);        // there is work left for `idle`: it is called again at once; may be NULL
};

extern const struct view view_review, view_grid, view_results, view_find, view_classes, view_regions, view_second, view_log;
extern const struct view view_training, view_models, view_workflow, view_settings;

void view_open(struct session *s, const struct view *view); // first
void view_switch(struct session *s, const struct view *view);
bool view_is(const struct view *view, enum command command); // the command leads to this view
const struct view *view_named(const char *name); // NULL none
void view_load(struct session *s);
void view_look_ahead(struct session *s);
void view_key(struct session *s, int key); // also into what lies over the view

#endif
