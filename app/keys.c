#include "config.h"

#include <stdlib.h>

#include "app/keys.h"
#include "base/alloc.h"
#include "base/file.h"

// The file where nothing names one; NULL where there is no home. Caller frees.
static char *usual_file(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/')
        return xasprintf("%s/assay/keys", config);
    return home && home[0] == '/' ? xasprintf("%s/.config/assay/keys", home) : NULL;
}

enum status keys_read(const struct settings *settings, struct keymap *map, struct error *err)
{
    const char *set = settings_text(settings, SETTING_KEYS);
    if (set[0])
        return keymap_read(map, set, err);
    char *usual = usual_file();
    enum status status = usual && file_exists(usual) ? keymap_read(map, usual, err) : ST_OK;
    free(usual);
    return status;
}
