#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/settings_impl.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/file.h"
#include "base/text.h"

static const struct setting_about table[SETTINGS] = {
    [SETTING_PERSON] = {"person", "ASSAY_AS", SETTING_TEXT, NULL, 0, 0, "",
                        N_("Who answers; without it the program asks.")},
    [SETTING_GRAPHICS] = {"graphics", "ASSAY_GRAPHICS", SETTING_CHOICE, "auto sixel kitty symbols blocks ascii", 0, 0, "auto",
                          N_("How pictures are drawn; auto: what the terminal says it has.")},
    [SETTING_THEME] = {"theme", "ASSAY_THEME", SETTING_CHOICE, "auto dark light none", 0, 0, "auto",
                       N_("Colours of the screen; auto: as the terminal's background is, none: bold and reverse only.")},
    [SETTING_KEYS] = {"keys", "ASSAY_KEYS", SETTING_PATH, NULL, 0, 0, "", N_("A file of key bindings; else ~/.config/assay/keys where that is there.")},
    [SETTING_THREADS] = {"threads", "ASSAY_THREADS", SETTING_WHOLE, NULL, 0, 1024, "0",
                         N_("Cores that screening and training may use; 0: all.")},
    [SETTING_TRAIN_EVERY] = {"train.every", "ASSAY_TRAIN_EVERY", SETTING_WHOLE, NULL, 0, 1000000, "0",
                             N_("Train after so many new answers; 0: only when asked for.")},
    [SETTING_REVISIONS_KEEP] = {"revisions.keep", "ASSAY_REVISIONS_KEEP", SETTING_WHOLE, NULL, 0, 100000, "10",
                                N_("How many revisions of a scene keep their scores, to go back to; 0: all.")},
    [SETTING_SECOND_SHARE] = {"second.share", "ASSAY_SECOND_SHARE", SETTING_REAL, NULL, 0, 1, "0.05",
                              N_("Share of the answers that the lead sees beside those that must be seen.")},
    [SETTING_HOOK_STOP] = {"hook.stop", "ASSAY_HOOK_STOP", SETTING_COMMAND, NULL, 0, 0, "",
                           N_("Command that is run when a stop defect is confirmed.")},
    [SETTING_BACKUP_DIR] = {"backup.dir", "ASSAY_BACKUP_DIR", SETTING_PATH, NULL, 0, 0, "",
                            N_("Where `assay backup` puts them.")},
    [SETTING_BACKUP_KEEP] = {"backup.keep", "ASSAY_BACKUP_KEEP", SETTING_WHOLE, NULL, 0, 100000, "0",
                             N_("How many backups are kept there; 0: all.")},
};

const struct setting_about *setting_about(enum setting setting)
{
    return &table[setting];
}

bool setting_find(const char *name, enum setting *setting)
{
    for (int i = 0; i < SETTINGS; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *setting = (enum setting)i;
            return true;
        }
    }
    return false;
}

const char *setting_origin_name(enum setting_origin origin)
{
    static const char *const names[SETTING_ORIGINS] = {N_("default"), N_("system"), N_("user"), N_("project"), N_("environment"), N_("option")};
    return names[origin];
}

// --- values ------------------------------------------------------------------

static bool one_of(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *p = choices; *p; p += strcspn(p, " "), p += *p == ' ')
        if (strcspn(p, " ") == length && strncmp(p, value, length) == 0)
            return true;
    return false;
}

enum status setting_valid(enum setting setting, const char *value, struct error *err)
{
    const struct setting_about *about = &table[setting];
    bool number = about->kind == SETTING_WHOLE || about->kind == SETTING_REAL;
    char *clean = text_cleaned(value), *end = NULL;
    bool fine = text_is_utf8(value) && strcmp(clean, value) == 0;
    free(clean);
    if (!fine)
        return error_set(err, ST_INVALID, "%s: control characters, or text that is not UTF-8", about->name);
    if (about->kind == SETTING_CHOICE && !one_of(about->choices, value))
        return error_set(err, ST_INVALID, "%s is one of %s, not '%s'", about->name, about->choices, value);
    if (!number)
        return ST_OK;
    double n = strtod(value, &end);
    if (end == value || *end || !isfinite(n) || n < about->low || n > about->high)
        return error_set(err, ST_INVALID, "%s is a number from %g to %g, not '%s'", about->name, about->low, about->high,
                         value);
    if (about->kind == SETTING_WHOLE && floor(n) != n)
        return error_set(err, ST_INVALID, "%s is a whole number, not '%s'", about->name, value);
    return ST_OK;
}

// As it is used: ~/ and what is relative to `dir` (NULL: to where the program is) made a path.
static char *resolved(enum setting setting, const char *value, const char *dir)
{
    const char *home = getenv("HOME");
    if (table[setting].kind != SETTING_PATH || !value[0])
        return xstrdup(value);
    if (value[0] == '~' && value[1] == '/' && home)
        return file_join(home, value + 2);
    return file_join(dir ? dir : "", value);
}

enum status settings_put(struct settings *s, enum setting setting, const char *value, enum setting_origin origin,
                         const char *dir, const char *where, struct error *err)
{
    enum status status = setting_valid(setting, value, err);
    if (status != ST_OK)
        return where[0] ? error_prefix(err, "%s", where) : status;
    struct value *v = &s->values[setting];
    free(v->text);
    free(v->where);
    *v = (struct value){resolved(setting, value, dir), xstrdup(where), origin};
    return ST_OK;
}

const char *settings_text(const struct settings *s, enum setting setting)
{
    return s->values[setting].text;
}

long settings_whole(const struct settings *s, enum setting setting)
{
    return (long)settings_real(s, setting);
}

double settings_real(const struct settings *s, enum setting setting)
{
    return strtod(s->values[setting].text, NULL);
}

enum setting_origin settings_origin(const struct settings *s, enum setting setting)
{
    return s->values[setting].origin;
}

const char *settings_where(const struct settings *s, enum setting setting)
{
    return s->values[setting].where;
}

const char *settings_file(const struct settings *s, enum setting_origin origin)
{
    return s->files[origin];
}

// --- life --------------------------------------------------------------------

static void find_files(struct settings *s)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    s->files[SETTING_SYSTEM] = xstrdup(SYSCONFDIR "/assay.conf");
    if (config && config[0] == '/')
        s->files[SETTING_USER] = file_join(config, "assay.conf");
    else if (home && home[0] == '/')
        s->files[SETTING_USER] = file_join(home, ".config/assay.conf");
    if (s->project)
        s->files[SETTING_PROJECT] = file_join(s->project, "assay.conf");
}

static enum status read_all(struct settings *s, struct error *err)
{
    enum status status = ST_OK;
    for (int i = 0; i < SETTINGS && status == ST_OK; i++)
        status = settings_put(s, (enum setting)i, table[i].standard, SETTING_DEFAULT, NULL, "", err);
    for (int origin = SETTING_SYSTEM; origin <= SETTING_PROJECT && status == ST_OK; origin++)
        if (s->files[origin])
            status = settings_read(s, (enum setting_origin)origin, err);
    for (int i = 0; i < SETTINGS && status == ST_OK; i++) {
        const char *value = getenv(table[i].environment);
        if (value && value[0])
            status = settings_put(s, (enum setting)i, value, SETTING_ENVIRONMENT, NULL, table[i].environment, err);
    }
    return status;
}

enum status settings_load(const char *project, struct settings **settings, struct error *err)
{
    struct settings *s = xcalloc(1, sizeof *s);
    s->project = project ? xstrdup(project) : NULL;
    find_files(s);
    enum status status = read_all(s, err);
    if (status == ST_OK)
        *settings = s;
    else
        settings_free(s);
    return status;
}

void settings_free(struct settings *s)
{
    if (!s)
        return;
    for (int i = 0; i < SETTINGS; i++) {
        free(s->values[i].text);
        free(s->values[i].where);
    }
    for (int i = 0; i < SETTING_ORIGINS; i++)
        free(s->files[i]);
    free(s->project);
    free(s);
}

enum status settings_option(struct settings *s, enum setting setting, const char *value, const char *where,
                            struct error *err)
{
    return value && value[0] ? settings_put(s, setting, value, SETTING_OPTION, NULL, where, err) : ST_OK;
}

enum status settings_store(struct settings *s, enum setting setting, const char *value, enum setting_origin file,
                           struct error *err)
{
    struct settings *anew;
    if ((file != SETTING_USER && file != SETTING_PROJECT) || !s->files[file])
        return error_set(err, ST_INVALID, "there is no %s file to say %s in", setting_origin_name(file), table[setting].name);
    enum status status = value ? setting_valid(setting, value, err) : ST_OK;
    if (status == ST_OK)
        status = settings_write(s->files[file], setting, value, err);
    if (status == ST_OK)
        status = settings_load(s->project, &anew, err);
    if (status != ST_OK)
        return status;
    for (int i = 0; i < SETTINGS; i++) { // what options said stays
        struct value kept = s->values[i];
        if (kept.origin == SETTING_OPTION)
            continue;
        s->values[i] = anew->values[i];
        anew->values[i] = kept;
    }
    settings_free(anew);
    return ST_OK;
}
