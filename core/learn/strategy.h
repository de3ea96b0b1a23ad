// Which settings a round tries: a small pool, ranked by what they brought (UCB1: Auer, Cesa-Bianchi, Fischer 2002).
#ifndef LEARN_STRATEGY_H
#define LEARN_STRATEGY_H

#include "learn/gate.h"

enum { STRATEGIES = 5, STRATEGY_OPTIONS = 4 };
struct strategy {
    const char *name, *about;
    const char *options[STRATEGY_OPTIONS]; // "name=value" of adapt.h, NULL after the last
};
extern const struct strategy strategies[STRATEGIES]; // the first is the standard one

int strategy_find(const char *name); // -1 none

struct strategy_record {
    double count, sum; // of rounds, of their rewards
};
// The standard one until it was tried; then the one with the highest mean reward plus what is not known of it yet.
int strategy_choose(const struct strategy_record records[STRATEGIES]);
double strategy_rank(const struct strategy_record records[STRATEGIES], int strategy);

// 0 .. 1, 0.5 for a candidate as good as what was active: normals filtered and defects missed on held-out groups.
double strategy_reward(const struct gate_result *result);

#endif
