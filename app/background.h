// Processes of the program's own that outlive the terminal they were started from.
#ifndef APP_BACKGROUND_H
#define APP_BACKGROUND_H

#include "app/project.h"

// This program with `argv` (argv[0] "assay", ends with NULL), in the project's folder, in a session of its own, without
// input; what it says goes to `log`, relative to the project.
ASSAY_CHECKED enum status background_start(const struct project *project, char *const argv[], const char *log,
                                           struct error *err);

#endif
