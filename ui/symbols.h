// A small frame as characters in ncurses cells, for terminals without sixel.
#ifndef UI_SYMBOLS_H
#define UI_SYMBOLS_H

#include <curses.h>

#include "image/image.h"

enum symbols {
    SYMBOLS_BLOCKS, // upper half blocks, two pixels a cell, 256 colours
    SYMBOLS_ASCII,  // brightness as ten characters, no colour
};

// The xterm 256-colour index nearest to r, g, b.
int symbols_colour(int r, int g, int b);

// `frame`: (2 * rows, cols, 1 or 3), drawn with its corner at cell (y, x).
void symbols_draw(WINDOW *window, int y, int x, const struct image *frame, enum symbols how);

#endif
