// The keys of the screen as a whole, for who reads and lists them; what they mean is keymap.h's.
#ifndef UI_KEYS_H
#define UI_KEYS_H

#include <stdbool.h>

#include "base/status.h"

// The keys in force: the table's, or what a file says instead. `shown` follows.
struct keymap;

struct keymap *keymap_new(void); // the table's
void keymap_free(struct keymap *map);

// Take over what the file says, lines `CONTEXT.COMMAND = KEY...`: all keys of that command; "none": it has none. Lines
// that begin with # are comments. ST_INVALID with the line where it is not understood, or where a key would mean two
// things; then `map` is as before.
ASSAY_CHECKED enum status keymap_read(struct keymap *map, const char *path, struct error *err);
char *keymap_file(const struct keymap *map); // all of it as such a file. Caller frees.

// In the table's order; man: as man page source (.TP entries). Caller frees.
char *keymap_all(const struct keymap *map, bool man);

#endif
