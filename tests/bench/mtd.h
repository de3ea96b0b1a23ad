// The magnetic-tile pictures (../shared/data/mtd, no part of the repository): which there are, of which kind,
// of which tile.
#ifndef BENCH_MTD_H
#define BENCH_MTD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

enum mtd_kind { MTD_BLOWHOLE, MTD_BREAK, MTD_CRACK, MTD_FRAY, MTD_FREE, MTD_UNEVEN, MTD_KINDS };
const char *mtd_kind_name(int kind); // "Blowhole" ...
const char *mtd_kind_key(int kind);  // "blowhole" ...

struct mtd_picture {
    char *path;
    int kind;
    uint64_t group; // of the exposures of one tile: 0, 1 ..
};

struct mtd {
    struct mtd_picture *pictures; // in the order of their numbers
    size_t count, groups;
};

// Prints that nothing is measured and ends with 77 where there are none in `root`.
void mtd_open(const char *root, const char *program, struct mtd *mtd);
void mtd_close(struct mtd *mtd);
static inline bool mtd_defect(const struct mtd *mtd, size_t picture)
{
    return mtd->pictures[picture].kind != MTD_FREE;
}

void mtd_shuffle(size_t *order, size_t count, struct rng *rng);
// Draws 80 % of the groups, the same for every bench that begins with rng_seed(seed): fit[picture].
void mtd_split(const struct mtd *mtd, struct rng *rng, bool *fit);

#endif
