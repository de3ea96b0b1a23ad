// The command that is run when a stop defect is confirmed (setting hook.stop): run in the background by `assay hook
// --run`, once for each event. It gets the picture's path, object, class and person as arguments; the environment has
// these and more (hook.c). What fails is tried again, later and later, and then given up, which the screen says.
#ifndef APP_HOOK_H
#define APP_HOOK_H

#include "app/project.h"

enum { HOOK_TEXT = 400 };

// Commands for what was said after label event `before`, in the transaction of the answers. *due: there are some.
ASSAY_CHECKED enum status hook_note(const struct project *project, int64_t before, bool *due, struct error *err);
// Start what is due, in the background; nothing where no command is set or one is at it already. Costs a process.
ASSAY_CHECKED enum status hook_start(const struct project *project, struct error *err);
// The command was set anew: what failed or waits for another try is due at once, and started.
ASSAY_CHECKED enum status hook_corrected(struct project *project, struct error *err);
// Run what is due, one after the other, until nothing is; once: one try each, no waiting. Each try
// uses the command as it is set then. ST_BUSY: another does. A command
// whose runner was killed is not run again if it came to its end.
ASSAY_CHECKED enum status hook_run(struct project *project, bool once, struct error *err);
// How it stands, one sentence in English (stored.h has it in the reader's language); "" when nothing is due and nothing failed.
ASSAY_CHECKED enum status hook_sentence(struct project *project, char text[HOOK_TEXT], struct error *err);

#endif
