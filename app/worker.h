// The worker: a process of its own that works off rounds of training. One at a time in a project; it outlives the
// terminal that it was started from.
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/project.h"
#include "db/round.h"

struct worker_options {
    int threads;
    int niceness;
    int every; // begin a round by itself when a scene has that many new answers; 0: as SETTING_TRAIN_EVERY says, and
               // where that is 0, too, end when nothing is left to do
};

// Work until nothing is left, or (options->every) until told to stop. ST_BUSY: another worker lives.
ASSAY_CHECKED enum status worker_run(struct project *project, const struct worker_options *options, struct error *err);

// Whether the project's worker lives: its process is there and began when it says, stopped or not; where its number cannot
// be looked up from here, it was heard of within a minute.
bool worker_lives(struct project *project);
// Whether a round waits for one, or was begun and goes on with one.
bool worker_wanted(struct project *project);
// Start one in the background, unless one lives. What it says goes to cache/worker.log. threads 0: all cores.
ASSAY_CHECKED enum status worker_spawn(struct project *project, int threads, struct error *err);

// One line on how a round stands: "round 3: training 120/300, loss 0.41, 85 pictures/s, 0:12 left".
enum { WORKER_TEXT = 700 };
void worker_text(struct db *db, const struct round *round, bool lives, char text[WORKER_TEXT]);
json_t *worker_json(struct db *db, const struct round *round, bool lives);

#endif
