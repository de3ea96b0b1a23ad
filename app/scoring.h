// Scoring new pictures with a scene's active revision: no new revision is made, nothing is fitted. What is flagged is
// in the queue when the call returns.
#ifndef APP_SCORING_H
#define APP_SCORING_H

#include "app/screening.h"
#include "db/live.h"
#include "db/scene.h"

struct scoring;

struct scoring_report {
    int64_t scored, flagged, poor, failed;
    // Called for each flagged picture, each set aside (why: kind and evidence), each that cannot be read (why), and with
    // picture 0 for a sentence about the scene (it drifts); may be NULL.
    void (*tell)(void *context, int64_t picture, const char *what, const char *why);
    void *context;
};

// The scene's active revision with its model and patch statistics. ST_NOT_FOUND: nothing was screened yet, or a file is
// missing; ST_CORRUPT: one was altered. ST_INVALID: the base has changed since. `base` must outlive it.
ASSAY_CHECKED enum status scoring_open(struct project *project, const struct base *base, const struct scene *scene,
                                       int threads, struct scoring **scoring, struct error *err);
// Whether the files are there that new pictures of the scene are scored with; the trained model's content too where `whole`
// asks for it. ST_OK where nothing was screened yet. ST_NOT_FOUND, ST_CORRUPT: which one, and what to do. ST_INVALID: the base or
// the scene's settings are other ones than the active revision's.
ASSAY_CHECKED enum status scoring_ready(const struct project *project, const struct scene *scene, bool whole,
                                        struct error *err);
void scoring_close(struct scoring *scoring);
int64_t scoring_revision(const struct scoring *scoring);

// Score these pictures: set poor ones aside, compute the features of the others (or take them from the store), follow
// the scene's drift, put the scores into the revision. ST_BUSY: someone else holds the features (a screening runs) or a
// newer revision is active: nothing was stored, ask again, after opening anew.
ASSAY_CHECKED enum status scoring_run(struct scoring *scoring, const int64_t *pictures, size_t count,
                                      struct scoring_report *report, struct error *err);

// Score what the active revision has no score of and `which` names (scoring_pending.c): LIVE_KNOWN are pictures that came while a
// model waited for its promotion, or under the revision that was left. The base is opened where there are any. threads 0: all cores.
// ST_BUSY as scoring_run: try again later.
ASSAY_CHECKED enum status scoring_pending(struct project *project, const struct scene *scene, enum live_pending which, int threads,
                                          struct scoring_report *report, struct error *err);

// One sentence about a scene's drift, "" when none stands.
enum { DRIFT_TEXT = 400 };
ASSAY_CHECKED enum status drift_sentence(struct project *project, const struct scene *scene, bool brief,
                                         char text[DRIFT_TEXT], struct error *err);

#endif
