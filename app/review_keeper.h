// Copies labelled pictures into the project on its own thread with its own handle, so that an answer never waits for a
// picture to be copied.
#ifndef APP_REVIEW_KEEPER_H
#define APP_REVIEW_KEEPER_H

#include "app/project.h"

struct keeper;
struct keeper *keeper_start(struct project *project);
void keeper_add(struct keeper *keeper, int64_t picture);
void keeper_hook(struct keeper *keeper); // start the commands that are due (hook.h)
// After all that was added is copied; *failed is set when something could not be.
void keeper_stop(struct keeper *keeper, struct error *failed);

#endif
