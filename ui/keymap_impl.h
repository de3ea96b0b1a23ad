// What keymap.c (the table) and keymap_file.c (a file's changes to it) share.
#ifndef UI_KEYMAP_IMPL_H
#define UI_KEYMAP_IMPL_H

#include "ui/keymap.h"

enum { KEYMAP_SHOWN = 64, KEYMAP_NAME = 24 };

struct keymap {
    struct binding *bindings;    // (count), in the table's order
    char (*shown)[KEYMAP_SHOWN]; // (count), `shown` of those that a file changed
    char (*first)[KEYMAP_NAME];  // (count), the first key of each, "-" none
    size_t count;
};

const struct binding *keymap_standard(size_t *count);
const char *keymap_context_name(enum context context); // as a file has it, and ...
const char *keymap_command_name(enum command command); // ... so

#endif
