// What the terminal's type says, before anything is written to the terminal.
#ifndef UI_TERMINFO_H
#define UI_TERMINFO_H

#include "base/status.h"

// ST_INVALID unless `type` (NULL: none is set) is known and can place the cursor.
ASSAY_CHECKED enum status terminfo_check(const char *type, struct error *err);

#endif
