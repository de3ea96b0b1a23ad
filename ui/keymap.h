// The one table of keys: what a key does, its word in the footer, its sentence
// in the help screen, in --help and in the manual page.
#ifndef UI_KEYMAP_H
#define UI_KEYMAP_H

#include <stddef.h>

// A key as the program sees it: a Unicode character, or a function key of
// curses with KEYMAP_FUNCTION added so that the two ranges do not meet.
enum { KEYMAP_FUNCTION = 1 << 24, KEYMAP_ENTER = '\n', KEYMAP_ESCAPE = 27, KEYMAP_BACKSPACE = 127 };

enum command {
    COMMAND_NONE, // also: the key is text
    COMMAND_NORMAL, COMMAND_DEFECT, COMMAND_UNSURE, COMMAND_UNDO, COMMAND_REDO, COMMAND_SKIP,
    COMMAND_NEXT, COMMAND_PREVIOUS, COMMAND_HEAT, COMMAND_HELP, COMMAND_REDRAW, COMMAND_QUIT,
    COMMAND_ACCEPT, COMMAND_BACK, COMMAND_UP, COMMAND_DOWN, COMMAND_ERASE,
    COMMAND_STOP, COMMAND_KEY, COMMAND_GENERAL,
};

enum context { CONTEXT_REVIEW, CONTEXT_CLASS, CONTEXT_SEVERITY, CONTEXT_HELP, CONTEXTS };

enum { KEYMAP_KEYS = 4 };

struct binding {
    enum context context;
    int keys[KEYMAP_KEYS];  // 0 ends
    enum command command;
    const char *shown;      // the keys as people read them
    const char *label;      // for the footer, NULL: not there
    const char *help;       // one sentence
};

const struct binding *keymap_table(size_t *count);
const char *keymap_context(enum context context); // heading
enum command keymap_find(enum context context, int key);

// "Enter", "Up", "C-r", or one character of UTF-8, as written in a script. 0: unknown.
int keymap_key(const char *name);

#endif
