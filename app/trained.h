// The file of a trained model, which may have been removed or altered since it was registered: then one sentence says
// what is wrong with it, where it is, and what to do.
#ifndef APP_TRAINED_H
#define APP_TRAINED_H

#include "app/project.h"
#include "db/model.h"
#include "learn/adapt.h"

// What it is needed for: what there is to do without it.
enum trained_use { TRAINED_SCORE, TRAINED_BEGIN, TRAINED_PROMOTE, TRAINED_BACK };

// The file in models/ is there and its content is that of its name. ST_NOT_FOUND, ST_CORRUPT.
ASSAY_CHECKED enum status trained_check(const struct project *project, const char *sha256, enum trained_use use,
                                        struct error *err);
// The same, then adapt_open of it; also ST_INVALID: another base.
ASSAY_CHECKED enum status trained_open(const struct project *project, const char *sha256, enum trained_use use,
                                       const struct net *net, struct adapt_model **model, struct error *err);

// What of it was learned: "adapter 1234 numbers (3.1 % of the base), heads 56". Caller frees.
char *trained_share(const struct model_row *row);

// How many different models of `rows` (of `scene`, 0 any) begin with `digits`; *newest: the last of them, inside rows. None do with
// fewer than MODEL_DIGITS.
enum { MODEL_DIGITS = 4 };
size_t trained_named(const struct model_row *rows, size_t count, const char *digits, int64_t scene, const struct model_row **newest);

#endif
