#include "config.h"

#include <curses.h>
#include <term.h>
#include <unistd.h>

#include "ui/terminfo.h"

enum status terminfo_check(const char *type, struct error *err)
{
    int found;
    const char *name = type && type[0] ? type : "none";
    if (setupterm(type, STDOUT_FILENO, &found) != OK)
        return error_set(err, ST_INVALID, "the terminal type \"%s\" is not known here; set TERM", name);
    bool places = cursor_address && clear_screen;
    del_curterm(cur_term);
    if (!places)
        return error_set(err, ST_INVALID, "a terminal of type \"%s\" cannot show pictures or place text; "
                                          "use another terminal, or set TERM to what this one is", name);
    return ST_OK;
}
