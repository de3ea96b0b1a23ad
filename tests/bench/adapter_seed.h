// One seed of bench_adapter: which tiles are asked about, what a screening says of them, and the questions.
#ifndef BENCH_ADAPTER_SEED_H
#define BENCH_ADAPTER_SEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/rng.h"
#include "learn/acquire.h"
#include "tests/bench/tiles.h"

enum order { BY_ACQUIRE, BY_SCORE, BY_CHANCE };

struct bench {
    struct tiles tiles;
    size_t count;         // of pictures
    int without, between; // without: a kind that is never asked about, -1 none
    enum order order;
    size_t defective; // tiles that are kept, 0 all
    bool drawn;
    FILE *table; // NULL none
    const struct adapt_scorer *scorer;
    struct tiles_said *said; // (count) of the model in use
};

struct seed {
    uint64_t number;
    bool *fit, *in, *answered,
        *trained;  // (count); in: of those in `fit` that take part; trained: of a group that was trained on
    size_t *asked; // (count) in the order of the answers
    size_t answers;
    struct tiles_inputs inputs;
    struct screen_score *scores; // (count) as a revision has them
    double *fused;               // (count) the same
    double threshold;
    struct acquire_projection projection;
    struct acquire_mix mix;
    struct rng rng;
};

static inline bool is_defect(const struct bench *b, size_t picture)
{
    return mtd_defect(&b->tiles.mtd, picture);
}

static inline uint64_t group_of(const struct bench *b, size_t picture)
{
    return b->tiles.mtd.pictures[picture].group;
}

struct ranked {
    double value;
    size_t index;
};

void seed_begin(struct bench *b, struct seed *s, uint64_t number);
void seed_end(struct seed *s);
// What a revision says after the answers so far. taught: with the scores of b->said.
void seed_screen(const struct bench *b, struct seed *s, bool taught);
// Unanswered pictures that take part, by falling score. Caller frees.
struct ranked *seed_rank(const struct bench *b, const struct seed *s, size_t *count);
// Asks and answers until there are `total` answers, or nothing is left.
void seed_ask(const struct bench *b, struct seed *s, size_t total);
// So many defects, three normals to each, in an order drawn once a seed.
void seed_draw(const struct bench *b, struct seed *s, size_t defects);

#endif
