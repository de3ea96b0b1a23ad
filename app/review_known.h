// What the review screen tells of a picture beside its scores: pictures like it, and its history.
#ifndef APP_REVIEW_KNOWN_H
#define APP_REVIEW_KNOWN_H

#include "app/similar.h"
#include "db/picture.h"
#include "ui/review.h"

enum { REVIEW_NEAR = 3 };

struct review_known { // starts as {.project = ...}
    struct project *project;
    struct similar *similar;
    struct review_near rows[REVIEW_NEAR];
    char *paths[REVIEW_NEAR], *words[REVIEW_NEAR];
    struct picture pictures[REVIEW_NEAR];
    size_t count;
};

void review_known_clear(struct review_known *known);
// As `near` of struct review_model. Where no picture of the scene is known to be normal, filtered ones, and it says so.
ASSAY_CHECKED enum status review_known_near(struct review_known *known, int64_t id, enum near kind,
                                            const struct review_near **rows, size_t *count, struct error *err);
ASSAY_CHECKED enum status review_known_history(struct project *project, int64_t id, char **text, struct error *err);

#endif
