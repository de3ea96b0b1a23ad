#include "config.h"

#include <stdlib.h>

#include "app/keys.h"
#include "app/project.h"
#include "base/intl.h"

struct options {
    bool man, file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'm': o->man = true; return 0;
    case 'f': o->file = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// The keys of the screen, as they are here; the manual page's section KEYS is made with --man, from the standard ones.
int cmd_keys(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"file", 'f', NULL, 0, N_("as a file of key bindings, to be changed and named by the setting keys"), 0},
        {"man", 'm', NULL, 0, N_("the standard keys, as source of the manual page"), 0},
        {0}};
    static const struct argp argp = {table, parse, NULL, N_("List the keys of the screen."), NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    struct settings *settings = NULL;
    struct keymap *map = keymap_new();
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    char *dir = o.man ? NULL : project_nearest();
    enum status status = o.man ? ST_OK : settings_load(dir, &settings, &err);
    if (status == ST_OK && settings)
        status = keys_read(settings, map, &err);
    char *text = o.file ? keymap_file(map) : keymap_all(map, o.man);
    if (status == ST_OK)
        fputs(text, stdout);
    free(text);
    free(dir);
    settings_free(settings);
    keymap_free(map);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
