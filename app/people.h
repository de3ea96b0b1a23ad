// Who runs a command, and who is what (cmd_user.c).
#ifndef APP_PEOPLE_H
#define APP_PEOPLE_H

#include "app/project.h"

// `as`, else the setting `person`, else the account. Caller frees.
char *person_now(const struct project *project, const char *as);
// Said by `by`; in the log. As db_role_set.
ASSAY_CHECKED enum status people_name(struct project *project, const char *by, const char *name, bool lead,
                                      struct error *err);

#endif
