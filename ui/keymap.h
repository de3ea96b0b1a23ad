// The one table of keys: what a key does, its word in the footer, its sentence
// in the help screen, in --help and in the manual page.
#ifndef UI_KEYMAP_H
#define UI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/keys.h"

// A key as the program sees it: a Unicode character, or a function key of
// curses with KEYMAP_FUNCTION added so that the two ranges do not meet.
enum { KEYMAP_FUNCTION = 1 << 24, KEYMAP_ENTER = '\n', KEYMAP_ESCAPE = 27, KEYMAP_BACKSPACE = 127 };

enum command {
    COMMAND_NONE, // also: the key is text
    COMMAND_NORMAL, COMMAND_DEFECT, COMMAND_UNSURE, COMMAND_UNDO, COMMAND_REDO, COMMAND_SKIP,
    COMMAND_NEXT, COMMAND_PREVIOUS, COMMAND_HEAT, COMMAND_STRENGTH, COMMAND_HELP, COMMAND_REDRAW, COMMAND_QUIT,
    COMMAND_ACCEPT, COMMAND_BACK, COMMAND_UP, COMMAND_DOWN, COMMAND_LEFT, COMMAND_RIGHT, COMMAND_ERASE,
    COMMAND_STOP, COMMAND_KEY, COMMAND_GENERAL,
    COMMAND_COMPARE, COMMAND_FLICKER, COMMAND_DEFECTS, COMMAND_IN, COMMAND_OUT, COMMAND_WHOLE, COMMAND_PIXELS,
    COMMAND_CONTRAST, COMMAND_INVERT, COMMAND_HISTORY, COMMAND_NOTE,
    COMMAND_MARK, COMMAND_RANGE, COMMAND_MARK_ALL, COMMAND_ALL_NORMAL, COMMAND_ALIKE, COMMAND_PAGE_NEXT,
    COMMAND_PAGE_PREVIOUS, COMMAND_OPEN, COMMAND_LARGER, COMMAND_SMALLER,
    COMMAND_RENAME, COMMAND_CLASS_NEW, COMMAND_CODE, COMMAND_LEVEL, COMMAND_BELOW, COMMAND_RETIRE, COMMAND_MERGE,
    COMMAND_RELATIONS, COMMAND_STATE, COMMAND_TEMPLATE, COMMAND_TEMPLATES, COMMAND_ZH,
    COMMAND_TRAIN, COMMAND_TRAIN_ALONE, COMMAND_PAUSE, COMMAND_CANCEL, COMMAND_PROMOTE, COMMAND_ROLLBACK, COMMAND_EVERY,
    COMMAND_SCENE, COMMAND_FILTER, COMMAND_SAVE, COMMAND_SAVED, COMMAND_ORDER,
    COMMAND_VIEW_TRAINING, COMMAND_VIEW_MODELS, COMMAND_VIEW_WORKFLOW, COMMAND_VIEW_SETTINGS, COMMAND_OWN, COMMAND_UNSET, COMMAND_UNSET_OWN,
    COMMAND_VIEW_REVIEW, COMMAND_VIEW_GRID, COMMAND_VIEW_RESULTS, COMMAND_VIEW_FIND, COMMAND_VIEW_CLASSES, COMMAND_VIEW_SECOND, COMMAND_VIEW_LOG, COMMAND_AGREE, COMMAND_TELL, COMMAND_COMMENT, COMMAND_KAPPA, COMMAND_HANDOVER, COMMAND_VIEW_NEXT,
    COMMAND_VIEW_REGIONS, COMMAND_BOX, COMMAND_POLYGON, COMMAND_BRUSH, COMMAND_CORNER, COMMAND_STEP, COMMAND_FIT, COMMAND_RUB, COMMAND_CLASS,
    COMMAND_UP_LIST, COMMAND_DOWN_LIST, COMMAND_FAR_LEFT, COMMAND_FAR_RIGHT, COMMAND_FAR_UP, COMMAND_FAR_DOWN,
};

// The views, what holds in all of them, and then what lies over one.
enum context {
    CONTEXT_REVIEW, CONTEXT_GRID, CONTEXT_RESULTS, CONTEXT_FIND, CONTEXT_CLASSES, CONTEXT_REGIONS, CONTEXT_SECOND, CONTEXT_LOG,
    CONTEXT_TRAINING, CONTEXT_MODELS, CONTEXT_WORKFLOW, CONTEXT_SETTINGS, CONTEXT_ALL,
    CONTEXT_CLASS, CONTEXT_SEVERITY, CONTEXT_LINE, CONTEXT_NOTE, CONTEXT_TEXT, CONTEXT_JUMPS, CONTEXTS
};

enum { KEYMAP_KEYS = 4 };

struct binding {
    enum context context;
    int keys[KEYMAP_KEYS];  // 0 ends
    enum command command;
    const char *shown;      // the keys as people read them
    const char *label;      // for the footer, NULL: not there
    const char *help;       // one sentence
};

const struct binding *keymap_table(const struct keymap *map, size_t *count);
const char *keymap_context(enum context context); // heading
bool keymap_is_view(enum context context);
enum command keymap_find(const struct keymap *map, enum context context, int key); // in a view what holds in all of them counts too
// The first key of a command as people read it, "-" where it has none.
const char *keymap_first(const struct keymap *map, enum context context, enum command command);
const char *keymap_shown(const struct keymap *map, enum context context, enum command command); // all of them: "s, 1"
// `text` with keys as people read them in place of {undo}, or {text.filter} for a command of another context than
// `context`, by the names that a file of keys has; {arrows} or {Arrows}: the four that move. Others stay. format: the result
// is a format of printf, as `text` is. Caller frees.
char *keymap_expand(const struct keymap *map, enum context context, const char *text, bool format)
    __attribute__((format_arg(3)));

// All of it as text, `first` before the others (with what holds in all of them if it is a view). Caller frees.
char *keymap_text(const struct keymap *map, enum context first);
// "Enter", "Up", "C-r", "F5", or one character of UTF-8, as written in a script or a file. 0: unknown.
int keymap_key(const char *name);

#endif
