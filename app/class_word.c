#include "config.h"

#include <stdlib.h>

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
