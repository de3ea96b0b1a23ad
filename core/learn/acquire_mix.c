#include "config.h"

#include <math.h>

#include "learn/acquire_impl.h"

// Discount: after 100 further answers a reward counts a third. Least: no source is lost for good.
static const double reward_bits = 4, found = 0.5, discount = 0.99, least = 0.05;
// Before any answer: the likeliest come more often than the others.
static const double gain_prior[ACQUIRE_SOURCES] = {2, 1, 1, 1}, loss_prior[ACQUIRE_SOURCES] = {2, 3, 3, 3};

const char *acquire_source_name(enum acquire_source source)
{
    return acquire_strategies[source]->name;
}

double acquire_surprise(double p, bool defect)
{
    double bits = -log2(fmax(defect ? p : 1 - p, 1e-6));
    double reward = fmin(bits, reward_bits) / reward_bits;
    return defect ? fmax(reward, found) : reward; // an expected defect was worth asking for, too
}

void acquire_mix_learn(struct acquire_mix *mix, enum acquire_source source, double reward)
{
    for (int s = 0; s < ACQUIRE_SOURCES; s++) {
        mix->gain[s] *= discount;
        mix->loss[s] *= discount;
    }
    mix->gain[source] += reward;
    mix->loss[source] += 1 - reward;
}

// Gamma(shape, 1), shape >= 1 (Marsaglia & Tsang 2000).
static double gamma_draw(double shape, struct rng *rng)
{
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = rng_normal(rng), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

enum acquire_source acquire_mix_draw(const struct acquire_mix *mix, const bool use[ACQUIRE_SOURCES],
                                     struct rng *rng)
{
    int best = ACQUIRE_ANOMALOUS, count = 0;
    double most = -1;
    for (int s = 0; s < ACQUIRE_SOURCES; s++)
        count += use[s];
    if (count > 0 && rng_uniform(rng) < least * count) {
        uint64_t nth = rng_below(rng, (uint64_t)count);
        for (int s = 0; s < ACQUIRE_SOURCES; s++)
            if (use[s] && nth-- == 0)
                return (enum acquire_source)s;
    }
    for (int s = 0; s < ACQUIRE_SOURCES; s++) {
        if (!use[s])
            continue;
        double up = gamma_draw(gain_prior[s] + mix->gain[s], rng),
               down = gamma_draw(loss_prior[s] + mix->loss[s], rng);
        if (up / (up + down) > most) {
            most = up / (up + down);
            best = s;
        }
    }
    return (enum acquire_source)best;
}

void acquire_mix_shares(const struct acquire_mix *mix, const bool use[ACQUIRE_SOURCES], int draws,
                        uint64_t seed, double shares[ACQUIRE_SOURCES])
{
    struct rng rng = rng_seed(seed);
    for (int s = 0; s < ACQUIRE_SOURCES; s++)
        shares[s] = 0;
    for (int i = 0; i < draws; i++)
        shares[acquire_mix_draw(mix, use, &rng)] += 1.0 / draws;
}
