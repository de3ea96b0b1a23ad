// A terminal in memory, for tests and benches: takes what a program writes, holds
// the screen as text and the last sixel picture, and answers as a terminal does.
// It knows what the xterm entries of terminfo use and what the review screen
// sends; everything else is counted in `unknown`.
#ifndef TESTS_TUI_VT_H
#define TESTS_TUI_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "base/strbuf.h"

enum vt_kind {
    VT_SILENT, // answers nothing
    VT_PLAIN,  // answers, has no sixel
    VT_KITTY, // answers, has the kitty protocol and no sixel
    VT_SIXEL,
};

struct vt {
    enum vt_kind kind;
    int rows, cols, cell_width, cell_height;
    wchar_t *cells;          // (rows, cols); 0: right half of a wide character
    int y, x, saved_y, saved_x, top, bottom; // cursor; scroll region, inclusive
    bool wrap_pending, alternate, cursor_hidden, line_drawing;
    wchar_t last;            // for REP
    struct strbuf replies;   // to be sent to the program; the owner empties it
    // pictures
    size_t begun, pictures;  // sixel introducers and finished sixels so far
    int picture_y, picture_x;
    struct strbuf picture;   // the last finished one, "ESC P" to "ESC \"
    struct strbuf kitty_keys; // of a kitty picture: what its first chunk said; picture is then its payload
    unsigned kitty_live;     // a bit for each of the first pictures that are there
    size_t scrolled;         // lines lost at the top
    size_t dragged;          // scrolls over lines in which a picture had been put: it went along
    size_t resets;           // "ESC \" outside of any string
    // what should not happen
    size_t unknown;
    struct strbuf unknown_text;
    // parser
    int state;
    struct strbuf sequence;
    unsigned long wide;
    int more;
};

void vt_init(struct vt *vt, enum vt_kind kind, int rows, int cols, int cell_width, int cell_height);
void vt_clear(struct vt *vt);
void vt_resize(struct vt *vt, int rows, int cols); // keeps the upper left part
void vt_feed(struct vt *vt, const char *bytes, size_t count);

// The screen, a line per row, blanks at line ends left out, as `dump` in a script writes it. Caller frees.
char *vt_text(const struct vt *vt);
bool vt_shows(const struct vt *vt, const char *words); // within a row

#endif
