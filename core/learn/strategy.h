// Which settings a round tries: a small pool, ranked by what they brought (UCB1: Auer, Cesa-Bianchi, Fischer 2002).
#ifndef LEARN_STRATEGY_H
#define LEARN_STRATEGY_H

#include "learn/gate.h"

enum { STRATEGIES = 6, STRATEGY_OPTIONS = 6 };
struct strategy {
    const char *name, *about; // a line of `assay strategies`: at most 47 columns
    const char *options[STRATEGY_OPTIONS]; // "name=value" of adapt.h, NULL after the last where there are fewer
};
extern const struct strategy strategies[STRATEGIES]; // the first is the standard one

int strategy_find(const char *name); // -1 none

struct strategy_record {
    double count, sum; // of rounds, each as strategy_weight has it, of their rewards
};
// The standard one until a whole round of it was weighed; then the one with the highest mean reward plus what is not known of it yet.
int strategy_choose(const struct strategy_record records[STRATEGIES]);
double strategy_rank(const struct strategy_record records[STRATEGIES], int strategy);

// 0 .. 1, 0.5 for a candidate as good as what was active: normals filtered and defects missed on held-out groups.
double strategy_reward(const struct gate_result *result);
// How much of a round that comparison is, 0 .. 1: one with few held-out defects is the noisier. 0: nothing can be learnt from it.
double strategy_weight(const struct gate_result *result);

#endif
