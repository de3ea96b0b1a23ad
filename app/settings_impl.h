// Between settings.c and settings_file.c.
#ifndef APP_SETTINGS_IMPL_H
#define APP_SETTINGS_IMPL_H

#include "app/settings.h"

struct value {
    char *text, *where;
    enum setting_origin origin;
};

struct settings {
    char *project;                // its folder, NULL none
    char *files[SETTING_ORIGINS]; // NULL none
    struct value values[SETTINGS];
};

// dir: what a path is relative to, NULL the current folder.
ASSAY_CHECKED enum status settings_put(struct settings *settings, enum setting setting, const char *value,
                                       enum setting_origin origin, const char *dir, const char *where,
                                       struct error *err);
// A file that is not there says nothing.
ASSAY_CHECKED enum status settings_read(struct settings *settings, enum setting_origin origin, struct error *err);
// value NULL: take its lines out.
ASSAY_CHECKED enum status settings_write(const char *path, enum setting setting, const char *value, struct error *err);

#endif
