// Figures of a round of bench_adapter, on pictures held out.
#ifndef BENCH_VERDICTS_H
#define BENCH_VERDICTS_H

#include "screen/metrics.h"
#include "tests/bench/mtd.h"

struct verdicts {
    double auroc, filtered95, filtered98;
    struct metrics_interval auroc_ci, filtered95_ci, filtered98_ci; // by groups
    double found[MTD_KINDS];  // recall where a tenth of the normals is flagged, NAN none held out
    double recall, precision; // of scores above 0
};

// values: (mtd->count). The mean over a tile's pictures, half and half with a picture's own, where
// `together`.
struct verdicts verdicts_of(const struct mtd *mtd, const bool *fit, const double *values, bool together);
// As members of a JSON object, each after a comma and beginning with `name`.
void verdicts_print(const char *name, const struct verdicts *verdicts);

#endif
