// Text that came from outside (paths, notes, class names) on its way to a
// terminal or a message.
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// In place: every control byte (C0, DEL, UTF-8 encoded C1), and every byte that
// is not part of valid UTF-8, becomes "?"; so do characters without a width: directions, separators of
// lines, joiners. A character
// of several bytes becomes one "?", so the text never grows.
void text_clean(char *text);

// A cleaned copy (caller frees).
char *text_cleaned(const char *text);

// A cleaned copy as one word of a POSIX shell, for a command that a sentence names (caller frees): 'in quotes' where it needs them.
char *text_quoted(const char *text);

bool text_is_utf8(const char *text);
// Bytes of the byte order mark that Windows programs put before UTF-8: 3, else 0.
size_t text_bom(const void *bytes, size_t count);

// Whether it may name a person or a scene: not empty, no control byte (C0, DEL), not too long. What is not UTF-8 may:
// names of older systems come so.
enum { TEXT_NAME_BYTES = 200 };
bool text_is_name(const char *text);

#endif
