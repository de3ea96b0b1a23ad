// Text into ncurses cells. Every text that reaches the screen passes here and is
// cleaned here.
#ifndef UI_DRAW_H
#define UI_DRAW_H

#include <curses.h>
#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

// UTF-8 to at most `room` characters; bytes that are no UTF-8 are skipped. Returns how many.
size_t draw_decode(const char *text, wchar_t *to, size_t room);

// One line from (y, x), at most `width` columns, cut with "~" where it is longer.
// Returns the columns taken.
int draw_text(WINDOW *window, int y, int x, int width, attr_t attributes, const char *text);
int draw_printf(WINDOW *window, int y, int x, int width, attr_t attributes, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

// The same, at the right end of the columns x to x + width.
int draw_right(WINDOW *window, int y, int x, int width, attr_t attributes, const char *text);

// The same, but it is the beginning that gives way: the ends of pictures' names tell them apart.
int draw_end(WINDOW *window, int y, int x, int width, attr_t attributes, const char *text);

// The columns that `text` takes, cleaned.
int draw_width(const char *text);

// The text with its paths shortened in their middle ("/srv/~/p/project.db"), as far as is needed to fit into `width` columns and
// the first one first: where a sentence begins with a long one, its words are what has to be read. Caller frees.
char *draw_shortened(const char *text, int width);

// Broken between words, over at most `lines` lines; a newline starts a new line.
// Paths are shortened where that lets more of it be read. Returns the lines taken.
int draw_wrapped(WINDOW *window, int y, int x, int width, int lines, attr_t attributes, const char *text);
// The text, cleaned, its lines broken like that; what goes on after a break begins with DRAW_GOES_ON, for whoever draws
// it to set it in by DRAW_INDENT columns. Caller frees.
#define DRAW_GOES_ON "\t"
enum { DRAW_INDENT = 4 };
char *draw_folded(const char *text, int width);

// A bar of `width` columns filled to `share` (0..1).
void draw_bar(WINDOW *window, int y, int x, int width, double share, bool ascii);

// The lines round a window.
void draw_frame(WINDOW *window, bool ascii);

#endif
