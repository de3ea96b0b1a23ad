// What can be set, and where it was: the one table of settings, read from files, the environment and options.
// What is said later in this order counts: the default, SYSCONFDIR/assay.conf, the user's file
// ($XDG_CONFIG_HOME/assay.conf, else ~/.config/assay.conf), PROJECT/assay.conf, the environment, an option.
// A file holds lines `name = value`; a line that begins with # is a comment. A path is relative to the file's folder,
// ~/ is the home folder. `assay config` lists all of it with where each came from.
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum setting { // grows at the end of a group; the order is that of the list people see
    SETTING_PERSON,       // who answers
    SETTING_GRAPHICS,     // how pictures are drawn
    SETTING_THEME,
    SETTING_KEYS,         // a file of key bindings
    SETTING_THREADS,      // cores for screening and training, 0 all
    SETTING_TRAIN_EVERY,  // a round after so many new answers, 0 only when asked for
    SETTING_REVISIONS_KEEP, // of a scene, 0 all
    SETTING_SECOND_SHARE, // share of the answers that the lead sees beside those that have to be seen
    SETTING_HOOK_STOP,    // command to run when a stop defect is confirmed
    SETTING_BACKUP_DIR,
    SETTING_BACKUP_KEEP,  // backups kept there, 0 all
    SETTINGS
};

enum setting_kind { SETTING_TEXT, SETTING_CHOICE, SETTING_WHOLE, SETTING_REAL, SETTING_PATH, SETTING_COMMAND };

struct setting_about {
    const char *name;        // in files and in `assay config`
    const char *environment; // variable; an empty one counts as unset
    enum setting_kind kind;
    const char *choices;     // CHOICE: words, a blank between
    double low, high;        // WHOLE and REAL
    const char *standard;    // the default, "" none
    const char *help;        // one sentence
};

enum setting_origin { SETTING_DEFAULT, SETTING_SYSTEM, SETTING_USER, SETTING_PROJECT, SETTING_ENVIRONMENT,
                      SETTING_OPTION, SETTING_ORIGINS };

struct settings;

const struct setting_about *setting_about(enum setting setting);
bool setting_find(const char *name, enum setting *setting);
const char *setting_origin_name(enum setting_origin origin);
// Whether `value` can be set; ST_INVALID with what it may be.
ASSAY_CHECKED enum status setting_valid(enum setting setting, const char *value, struct error *err);

// project: its folder, NULL outside of one. ST_INVALID: a file says what it cannot, with its line. A command in a
// project's file counts only where nobody else can have written it: not everybody may write the file, and it belongs to
// root, to this user, or lies in a folder that a group of this user's shares.
ASSAY_CHECKED enum status settings_load(const char *project, struct settings **settings, struct error *err);
void settings_free(struct settings *settings);

const char *settings_text(const struct settings *settings, enum setting setting); // "" none; until set anew or freed
long settings_whole(const struct settings *settings, enum setting setting);
double settings_real(const struct settings *settings, enum setting setting);
enum setting_origin settings_origin(const struct settings *settings, enum setting setting);
// "/etc/assay.conf:3", "ASSAY_AS", "--as"; "" for a default.
const char *settings_where(const struct settings *settings, enum setting setting);
// The file of SETTING_SYSTEM, _USER or _PROJECT; NULL where there is none (no project, no home).
const char *settings_file(const struct settings *settings, enum setting_origin origin);

// What an option says; NULL or "" leaves it as it is. where: "--as".
ASSAY_CHECKED enum status settings_option(struct settings *settings, enum setting setting, const char *value,
                                          const char *where, struct error *err);
// Say it in the user's or the project's file, whose other lines stay; NULL takes it out. What counts then is loaded anew
// (an environment variable may still come before it).
ASSAY_CHECKED enum status settings_store(struct settings *settings, enum setting setting, const char *value,
                                         enum setting_origin file, struct error *err);

#endif
