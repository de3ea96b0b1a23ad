#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "base/intl.h"
#include "db/class.h"

const char *class_word(struct db *db, const char *name, char room[CLASS_WORD])
{
    struct error unused;
    char *zh = NULL;
    if (!db || !name[0] || !intl_chinese() || db_class_zh(db, name, &zh, &unused) != ST_OK || !zh[0]) {
        free(zh);
        return name;
    }
    snprintf(room, CLASS_WORD, "%s", zh);
    free(zh);
    return room;
}

void class_deed(struct db *db, const char *what, const char *value, char text[CLASS_WORD])
{
    static const struct {
        const char *what, *words, *none; // none: where the value is empty
    } kinds[] = {{"rename", N_("renamed to"), NULL}, {"code", N_("code"), N_("no code")}, {"severity", N_("severity"), NULL},
                 {"parent", N_("below"), N_("at the top")}, {"retire", N_("retired"), N_("offered again")},
                 {"merge", N_("merged into"), NULL}, {"zh", N_("in Chinese"), N_("no Chinese name")}, {"new", N_("new"), NULL},
                 {"template", N_("template"), NULL}, {"stated", N_("stated of"), NULL}, {"taken away", N_("no longer stated of"), NULL}};
    char room[CLASS_WORD];
    const char *words = what;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].what, what) == 0)
            words = value[0] || !kinds[i].none ? kinds[i].words : kinds[i].none;
    if (strcmp(what, "retire") == 0)
        value = "";
    else if (strcmp(what, "severity") == 0 && value[0])
        value = _(value);
    else if (strcmp(what, "parent") == 0 || strcmp(what, "merge") == 0)
        value = class_word(db, value, room);
    snprintf(text, CLASS_WORD, "%s%s%s", _(words), value[0] ? " " : "", value);
}
