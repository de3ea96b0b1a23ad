// Following folders: add what is written there, score it with the scene's active revision, flag it into the queue.
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "app/add.h"
#include "app/follow.h"
#include "app/project.h"

struct watch_options {
    struct add_options add; // scene, group, metadata
    struct follow_options follow; // newest_first, poll, once
    int threads;
    bool json, quiet;
};

struct watch_report {
    int64_t added, scored, flagged, poor, failed, unfinished;
};

// Runs until a signal asks it to stop, or, with `once`, until nothing is left to do. One process for a set of folders:
// ST_BUSY when another follows one of them, or one that lies inside or around it.
ASSAY_CHECKED enum status watch_run(struct project *project, char *const *folders, size_t count,
                                    const struct watch_options *options, struct watch_report *report,
                                    struct error *err);

// --- watch_lock.c: who follows what ---
struct watch_lock;
ASSAY_CHECKED enum status watch_lock_take(const struct project *project, char *const *folders, size_t count,
                                          struct watch_lock **lock, struct error *err);
void watch_lock_free(struct watch_lock *lock); // gives them back
// The folders that running watchers follow, one call each.
void watch_lock_list(const struct project *project, void (*each)(void *context, const char *folder), void *context);

#endif
