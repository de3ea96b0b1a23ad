// Text for people, where columns must be counted: names from outside may be of any script.
#ifndef APP_LAYOUT_H
#define APP_LAYOUT_H

#include <stdio.h>

enum { LAYOUT_COLUMNS = 79 };

// Text from outside, cleaned, in exactly `width` columns: cut with "~" where it is longer.
void put_cell(FILE *out, const char *text, int width);

// What `%-*s` or `%*s` takes as its width so that `text` fills so many columns; CELL gives both arguments.
int layout_width(const char *text, int columns);
#define CELL(text, columns) layout_width(text, columns), text

// A sentence, cleaned, broken between words; every line begins with `indent` spaces.
void put_wrapped(FILE *out, int indent, const char *text);

#endif
