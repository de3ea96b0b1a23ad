// A small frame as characters in ncurses cells, for terminals without sixel.
#ifndef UI_SYMBOLS_H
#define UI_SYMBOLS_H

#include <curses.h>
#include <stdbool.h>

#include "image/image.h"

enum symbols {
    SYMBOLS_FINE,   // quarters, halves and eighths of a cell, the part that says most of a cell, 256 colours
    SYMBOLS_BLOCKS, // upper half blocks, two pixels a cell, 256 colours
    SYMBOLS_ASCII,  // brightness as ten characters, no colour
};

struct symbol {
    wchar_t c;
    short front, back; // xterm 256-colour indices, -1 the terminal's own
};

// The frame that `how` wants for rows x cols cells, pixels (of one width and height).
void symbols_size(enum symbols how, int rows, int cols, int *width, int *height);

// `frame`: of that size, 1 or 3 channels; `cells`: (rows, cols). Pure; may run on
// several threads at once.
void symbols_make(const struct image *frame, enum symbols how, int rows, int cols, struct symbol *cells);

// The xterm 256-colour index nearest to r, g, b.
int symbols_colour(int r, int g, int b);

// With the corner at cell (y, x).
void symbols_draw(WINDOW *window, int y, int x, const struct symbol *cells, int rows, int cols);

#endif
