#include "config.h"

#include <math.h>
#include <string.h>

#include "base/intl.h"
#include "learn/strategy.h"

static const double unsure = 0.3; // weight of what is not known; rewards lie close together

// What they vary: augmentation; rank and rates; steps; weights of places; weights of classes and sides.
const struct strategy strategies[STRATEGIES] = {
    {"standard", N_("the defaults"), {NULL}},
    {"varied", N_("other light, more drawn defects: cameras differ"),
     {"gain=0.4", "gamma=0.3", "defects=0.4", "synthetic=0.3", "synthetic_weight=0.5", "flaws=4"}},
    {"careful", N_("a smaller adapter moves less: answers conflict"),
     {"adapter_share=0.025", "rate=0.0008", "rate_adapter=0.0003", "decay_adapter=0.05", NULL}},
    {"long", N_("more and smaller steps: many answers that agree"), {"steps=1200", "rate=0.001", "rate_adapter=0.0005", NULL}},
    {"marked", N_("places weigh more: boxes and masks are good"), {"patch_weight=4", NULL}},
    {"rare", N_("defects and rare classes weigh more: few known"), {"defects=0.6", "adjustment=0", "class_weight=1", NULL}},
};

int strategy_find(const char *name)
{
    for (int i = 0; i < STRATEGIES; i++)
        if (strcmp(strategies[i].name, name) == 0)
            return i;
    return -1;
}

double strategy_rank(const struct strategy_record records[STRATEGIES], int strategy)
{
    const struct strategy_record *r = &records[strategy];
    double total = 0;
    for (int i = 0; i < STRATEGIES; i++)
        total += records[i].count;
    // One round of reward 0.5 that never was: nothing is known of what was not tried, and it is no better than the rest.
    return (r->sum + 0.5) / (r->count + 1) + unsure * sqrt(2 * log(total + 1) / (r->count + 1));
}

int strategy_choose(const struct strategy_record records[STRATEGIES])
{
    int best = 0;
    if (records[0].count < 1)
        return 0;
    for (int i = 1; i < STRATEGIES; i++)
        if (strategy_rank(records, i) > strategy_rank(records, best))
            best = i;
    return best;
}

static double held_out(const struct gate_result *r)
{
    double defects = 0;
    for (int s = 0; s < GATE_SEVERITIES; s++)
        defects += (double)r->defects[s];
    return defects;
}

double strategy_weight(const struct gate_result *r)
{
    return r->other_goal ? 0 : fmin(held_out(r) / GATE_DEFECTS, 1);
}

double strategy_reward(const struct gate_result *r)
{
    double defects = held_out(r), fewer = 0;
    for (int s = 0; s < GATE_SEVERITIES; s++)
        fewer += (double)r->missed[0][s] - (double)r->missed[1][s];
    double change = r->filtered[1] - r->filtered[0] + (defects > 0 ? fewer / defects : 0);
    return fmin(fmax(0.5 + change, 0), 1);
}
