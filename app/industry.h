// Industry models: what a new one asks of the scenes, and which one their rounds begin from (db/industry.h).
#ifndef APP_INDUSTRY_H
#define APP_INDUSTRY_H

#include <jansson.h>

#include "app/project.h"
#include "db/model.h"
#include "db/round.h"

// Rounds begin from a new one, model `id`: every scene that was screened is asked for one, each through its own gate, with what
// `request` says of strategy and options. sentence: what came of it; caller frees.
ASSAY_CHECKED enum status industry_finish(struct project *project, const json_t *request, int64_t id, char **sentence,
                                          struct error *err);
// `round` is over, or just about to be. Where it was the last of those that the present industry model asked for, and the gates refused
// what began from it and promoted nothing, rounds begin from the one before again; a round that failed or was cancelled says nothing for
// it. What a person promotes stays.
ASSAY_CHECKED enum status industry_settle(struct project *project, const struct round *round, struct error *err);
// A person's decision; whether `who` may is the caller's matter. ST_INVALID: it is that one already. ST_NOT_FOUND, ST_CORRUPT: its
// file is missing or altered.
ASSAY_CHECKED enum status industry_promote(struct project *project, const struct model_row *model, const char *who, struct error *err);
// To the one before, or to the base where there is none: now->id 0. A lead's where one is named. Caller model_clear. ST_NOT_FOUND: rounds
// begin from the base.
ASSAY_CHECKED enum status industry_roll_back(struct project *project, const char *who, struct model_row *now, struct error *err);

#endif
