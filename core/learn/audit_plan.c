#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "learn/audit.h"
#include "screen/rates.h"

// --- drawing -------------------------------------------------------------------

bool audit_weighted(int64_t place)
{
    return place % 3 == 2;
}

// One that was not taken yet, in proportion to what `sums` rises by; one taken since they were summed is drawn anew.
static size_t by_weight(const double *sums, const bool *taken, size_t size, struct rng *rng)
{
    for (;;) {
        double x = rng_uniform(rng) * sums[size - 1];
        size_t low = 0, high = size - 1;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (sums[middle] > x)
                high = middle;
            else
                low = middle + 1;
        }
        if (!taken[low])
            return low;
    }
}

static size_t evenly(const bool *taken, size_t size, struct rng *rng)
{
    size_t i;
    do
        i = (size_t)rng_below(rng, size);
    while (taken[i]);
    return i;
}

static double running_sums(const double *weights, const bool *taken, size_t size, double *sums)
{
    double sum = 0;
    for (size_t i = 0; i < size; i++)
        sums[i] = sum += taken[i] ? 0 : weights ? weights[i] : 1;
    return sum;
}

void audit_pick(const double *weights, size_t size, int64_t place, size_t count, struct rng *rng,
                struct audit_pick *picks)
{
    bool *taken = xcalloc(size + 1, sizeof *taken);
    double *sums = xcalloc(size + 1, sizeof *sums), left = running_sums(weights, taken, size, sums), all = left;
    for (size_t n = 0; n < count && n < size; n++) {
        int64_t remaining = (int64_t)(size - n);
        double uniform = 1 / (double)remaining;
        bool weighted = weights && audit_weighted(place + (int64_t)n), by = weighted && rng_u64(rng) >> 63;
        if (left < all / 2) // few are left to hit
            all = left = running_sums(weights, taken, size, sums);
        size_t i = by ? by_weight(sums, taken, size, rng) : evenly(taken, size, rng);
        picks[n] = (struct audit_pick){i, remaining, uniform, uniform};
        if (weighted) {
            picks[n].least = uniform / 2;
            picks[n].probability = fmin(uniform / 2 + weights[i] / left / 2, 1);
        }
        taken[i] = true;
        left -= weights ? weights[i] : 1;
    }
    free(sums);
    free(taken);
}

// --- the reviewer ----------------------------------------------------------------

// Logarithm of the fortune against a recall, 0 < recall < 1.
static double against(int64_t shown, int64_t recognised, double recall)
{
    int sign;
    double hits = (double)recognised, misses = (double)(shown - recognised);
    double chance = hits * log(recall) + misses * log1p(-recall);
    double even = lgamma_r(hits + 1, &sign) + lgamma_r(misses + 1, &sign) - lgamma_r((double)shown + 2, &sign) - chance;
    double perfect = misses > 0 ? -INFINITY : -chance, high = fmax(even, perfect);
    return high + log((exp(even - high) + exp(perfect - high)) / 2);
}

double audit_reader(int64_t shown, int64_t recognised, double alpha)
{
    if (shown < 1 || recognised < 1)
        return 0;
    double low = 0, high = (double)recognised / (double)shown; // the fortune falls from the one to the other
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(against(shown, recognised, middle) >= log(1 / alpha) ? &low : &high) = middle;
    }
    return low;
}

static bool may_be(int64_t defects, int64_t most, double recall, double alpha)
{
    return defects <= most || rates_binomial((size_t)most, (size_t)defects, recall) > alpha;
}

int64_t audit_unrecognised(int64_t most, double recall, double alpha, int64_t limit)
{
    int64_t low = most, high = limit + 1; // low may be, high may not
    if (most >= limit || recall <= 0 || may_be(limit, most, recall, alpha))
        return limit;
    if (recall >= 1)
        return most;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *(may_be(middle, most, recall, alpha) ? &low : &high) = middle;
    }
    return low;
}

int64_t audit_recognised(int64_t target, double recall, double alpha, int64_t limit)
{
    int64_t low = -1, high = target + 1; // low does, high does not
    if (target >= limit)
        return limit;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *(audit_unrecognised(middle, recall, alpha, limit) <= target ? &low : &high) = middle;
    }
    return low;
}

// --- a plan fixed beforehand --------------------------------------------------------

double audit_fixed(int64_t draws, int64_t misses, double alpha)
{
    return rates_exact((size_t)misses, (size_t)draws, 1 - 2 * alpha).high;
}

int64_t audit_fixed_draws(double bound, double alpha)
{
    return (int64_t)ceil(log(alpha) / log1p(-bound) - 1e-9);
}
