// The keys of the screen as the settings say.
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include "app/settings.h"
#include "ui/keys.h"

// From the file that the setting `keys` names, else from assay/keys in $XDG_CONFIG_HOME or ~/.config where there is one.
ASSAY_CHECKED enum status keys_read(const struct settings *settings, struct keymap *map, struct error *err);

#endif
