// A round: train, score, compare, promote. Every stage is kept on disk or in the database, so that a round whose process
// was killed goes on where it was.
#ifndef APP_TRAIN_H
#define APP_TRAIN_H

#include "app/project.h"
#include "db/round.h"
#include "learn/adapt.h"
#include "learn/strategy.h"

struct train_watch {
    void *context;
    bool (*tell)(void *context, const struct round_progress *progress); // false: stop, at once, to go on later
};

// sentence: how it ended (caller frees), on ST_OK. ST_CANCELLED: `tell` said so; the checkpoint is written.
ASSAY_CHECKED enum status train_round(struct project *project, const struct round *round, int threads,
                                      const struct train_watch *watch, char **sentence, struct error *err);
// Removes what a round keeps beside the database.
void train_forget(const struct project *project, int64_t round);

// What `assay train` was asked, as a round's options. ST_INVALID: an option of adapt.h that is not one.
struct train_request {
    const char *who;      // asked for it, for the log; NULL: the program did
    const char *from;     // "" or the sha256 of a model in models/
    bool with_truth, no_from;
    char *const *options; // "name=value"
    size_t option_count;
    const char *strategy; // "": the standard one where options are given, else the most promising; credited only without options
};
ASSAY_CHECKED enum status train_request_text(const struct train_request *request, char **text, struct error *err);

// What strategies brought in a scene (0: in all).
ASSAY_CHECKED enum status train_records(struct project *project, int64_t scene, struct strategy_record records[STRATEGIES],
                                        struct error *err);

#endif
