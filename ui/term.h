// The terminal below ncurses: what it can do, its cell size, and that it is left
// as it was found, also by a crash.
#ifndef UI_TERM_H
#define UI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/status.h"
#include "base/strbuf.h"

struct term {
    int fd;                       // /dev/tty
    bool answered;                // it answered DA1: later questions are answered as well
    bool mouse_pixels;            // the mouse can be told in pixels, mode 1016
    bool sixel, sync;             // sync: synchronised output, mode 2026
    bool kitty;                   // the kitty graphics protocol; asked for only where there is no sixel
    enum { TERM_UNKNOWN, TERM_DARK, TERM_BRIGHT } background;
    char name[32];                // what it calls itself (XTVERSION), "" unknown
    bool wide_lines;              // box characters take two columns here: draw with ASCII
    int registers;                // sixel colours, 0 unknown
    int max_width, max_height;    // sixel limits in pixels, 0 unknown
    int cell_width, cell_height;  // pixels, 0 unknown
    int area_width, area_height;  // text area in pixels (14t), 0 unknown
    bool late;                    // answers are due still
    bool report;                  // a status report (ESC [ 0 n) has come in
    struct termios saved;
};

// Ask every question at once, device attributes last, and read until their
// answer or 2 s. Keys typed meanwhile are appended to `keys`. Leaves the
// terminal's modes as they were. ST_INVALID without a terminal.
ASSAY_CHECKED enum status term_open(struct term *term, struct strbuf *keys, struct error *err);
void term_close(struct term *term);

// Take in answers; what is none (typed keys) is appended to `keys`. An unfinished
// sequence at the end is dropped. Pure.
void term_parse(struct term *term, const char *bytes, size_t count, struct strbuf *keys);

// Best knowledge of the cell size: 16t, 14t / cells, the kernel's / cells, 8x16.
void term_cell(const struct term *term, int *width, int *height);

// Reports of the mouse (SGR, with motion while a button is down) on or off.
void term_mouse(const struct term *term, bool on);

// Write all of it, through interruptions and a full line.
void term_write(const struct term *term, const void *bytes, size_t count);

// From here on a fatal signal first puts the terminal right, then takes its course.
// log: a file that it appends the place of the fault to and names in its message; NULL none. It stays the caller's.
void term_guard(const struct term *term, const char *log);
void term_unguard(void);

#endif
