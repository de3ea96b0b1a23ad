// The state of one run of the review screen, shared by the files that handle
// its keys (input.c, answer.c), draw it (panel.c, picture.c) and turn its loop (review.c).
#ifndef UI_SESSION_H
#define UI_SESSION_H

#include <curses.h>
#include <stdbool.h>

#include "ui/keymap.h"
#include "ui/prefetch.h"
#include "ui/review.h"
#include "ui/symbols.h"
#include "ui/term.h"

enum { CLASS_ROOM = 64, COLUMNS_MIN = 40, LINES_MIN = 12, PANEL_FROM = 100, PANEL_WIDTH = 40, INFO_LINES = 4 };

struct rect {
    int y, x, rows, cols;
};

struct entry { // an owned copy of the item on screen
    bool present;
    struct review_item item; // its strings are those below; `heat` is not kept
    char *texts[8];
};

struct choice { // class, then severity
    char search[CLASS_ROOM];
    size_t marked;
    char (*names)[CLASS_ROOM]; // (count)
    int *severities;           // (count) 0 stop, 1 key, 2 general
    size_t count;
    char taken[CLASS_ROOM];
    int severity;
};

struct session {
    const struct review_config *config;
    const struct review_model *model;
    struct term term;
    WINDOW *keys;        // a pad: reading from it never refreshes the screen
    struct prefetch *prefetch;
    struct want want;    // what is shown; its path is the entry's
    int64_t open;        // at the end of the list: what is open still
    bool look_ahead;     // the next pictures are to be asked for, after the drawing
    int pipe_read, pipe_write;
    bool sixel, ascii_lines, quit;
    enum symbols symbols; // where there is no sixel

    // a sequence ESC [ ... of which the end has not come yet
    char control[64];
    size_t control_count;
    double control_at;   // when the last key came
    bool escaped;        // that was a lone ESC

    size_t index;
    struct entry entry;
    enum context context;
    struct choice choice;
    bool heat;
    char status[512];
    int help_top;

    // what is on the terminal
    bool dirty, repaint;       // repaint: the whole screen anew
    bool on_screen;            // a sixel lies on the pane
    bool covered;              // a popup was in the last drawing
    bool drawn;                // the picture (or why it cannot be read) of `index` is drawn
    bool seen;                 // ... and has arrived at the terminal
    double sent;               // when a report was asked for after a picture; 0 none is due
    double seen_at;
    int64_t confirm;           // this picture's answer waits for a second press; -1 none
    struct rect pane;

    enum action_kind *done;    // this session's answers, for the counts
    size_t done_count, done_room, undone;
};

// review.c
void session_load(struct session *s);   // entry of `index`, to be drawn
void session_view(struct session *s);   // another view of it: heatmap, size
const struct ready *session_picture(struct session *s); // of the entry, NULL while it is not ready
void session_say(struct session *s, const char *fmt, ...) ASSAY_PRINTF(2, 3);
// input.c
void input_take(struct session *s);     // all keys that are there
// answer.c
void answer_key(struct session *s, int key);
size_t answer_matches(const struct choice *choice, size_t *places, size_t room); // into names; count for "new"
bool answer_new(const struct choice *choice); // the search is the name of no class yet
extern const char *const answer_severities[3];
// panel.c
void panel_layout(struct session *s);
void panel_draw(struct session *s);
// picture.c: into the cells before the refresh, and what goes to the terminal after it
void picture_cells(struct session *s);
void picture_send(struct session *s);
void picture_arrived(struct session *s); // the terminal has said that it has it, or never will
void picture_size(const struct session *s, struct want *want);
// script.c
enum status script_run(struct session *s, const char *path, struct error *err);
// review.c, for script.c
void session_draw(struct session *s);
void session_resize(struct session *s, int columns, int lines);
void session_wait(struct session *s, int ms);
bool session_ready(struct session *s);

#endif
