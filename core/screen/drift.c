#include "config.h"

#include <math.h>
#include <stddef.h>

#include "screen/drift.h"

static const double SLACK =
    0.35; // of a cumulative sum, in standard deviations: mean shifts below are left alone
static const double SLACK_AT_START = 0.45; // against what the fit says
static const double NEAR = 0.6;            // as far from that may be what is usual
static const double LIMIT = 62;   // at which it is a finding: a shift of 1 takes about 62 / 0.65 pictures
static const double CLIP = 3;     // a picture counts for no more: one defect is not a drift
static const double STANDS = 0.5; // a base farther than this from the start is a drift
static const double RATE = 0.02;  // of the running mean
static const double STEP = 1.5;   // what it follows at most (Huber)
static const double MEAN_DEVIATION = 0.7978845608; // of a standard normal number: sqrt(2 / pi)
enum { SETTLE = 100 };

// Natural logarithm of P(standard normal > z).
static double log_tail(double z)
{
    if (z < 30)
        return log(erfc(z / sqrt(2)) / 2);
    return -z * z / 2 - log(z * sqrt(6.283185307179586)) + log1p(-1 / (z * z)); // Mills' ratio, two terms
}

double drift_normal(double score)
{
    double want = -score * 2.302585092994046, low = -40, high = 10 + sqrt(2 * fmax(-want, 0));
    if (!(score > 0))
        return low;
    for (int i = 0; i < 55; i++) {
        double middle = (low + high) / 2;
        if (log_tail(middle) > want)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double drift_score(double z)
{
    return fmax(-log_tail(z) / 2.302585092994046, 0);
}

static double clip(double x, double most)
{
    return x > most ? most : x < -most ? -most : x;
}

static void count_in(struct drift_sums *sums, const struct drift_arrival *a, double z)
{
    sums->count++;
    sums->z += z;
    if (isfinite(a->level) && isfinite(a->sharp)) {
        sums->looked++;
        sums->level += a->level;
        sums->sharp += a->sharp;
    }
}

static double mean(double sum, int64_t count)
{
    return count > 0 ? sum / (double)count : NAN;
}

// Adds to one cumulative sum; true at its limit.
static bool accumulate(double *sum, int64_t *since, struct drift_sums *sums, const struct drift_arrival *a,
                       double z, double step)
{
    if (*sum <= 0) {
        *sums = (struct drift_sums){0};
        *since = a->picture;
    }
    *sum = fmax(*sum + step, 0);
    count_in(sums, a, z);
    return *sum >= LIMIT;
}

static void tell(const struct drift *d, const struct drift_sums *after, int64_t since, int64_t at,
                 struct drift_finding *f)
{
    struct drift_sums before = {.count = d->all.count - after->count,
                                .looked = d->all.looked - after->looked,
                                .z = d->all.z - after->z,
                                .level = d->all.level - after->level,
                                .sharp = d->all.sharp - after->sharp};
    *f = (struct drift_finding){
        .since = since,
        .at = at,
        .after_count = after->count,
        .before = before.count > 0 ? mean(before.z, before.count) : d->base,
        .after = mean(after->z, after->count),
        .level_before = mean(before.level, before.looked),
        .level_after = mean(after->level, after->looked),
        .sharp_before = mean(before.sharp, before.looked),
        .sharp_after = mean(after->sharp, after->looked),
    };
}

static bool stands(const struct drift *d)
{
    return fabs(d->base - d->start) > STANDS * d->spread;
}

// What is usual, from the first arrivals.
static void start(struct drift *d)
{
    double average = d->all.z / (double)d->all.count,
           variance = d->squares / (double)d->all.count - average * average;
    d->start = d->base = clip(average, NEAR);
    d->spread = sqrt(fmin(fmax(variance, 0.25), 2.25));
    d->place = d->start;
    d->width = MEAN_DEVIATION * d->spread;
}

bool drift_add(struct drift *d, const struct drift_arrival *a, struct drift_finding *finding)
{
    double z = clip(drift_normal(a->score), CLIP);
    if (d->arrivals++ == 0) {
        d->spread = 1;
        d->width = MEAN_DEVIATION;
    }
    bool starting = d->arrivals <= DRIFT_START;
    double slack = starting ? SLACK_AT_START : SLACK;
    d->width += RATE * (fmin(fabs(z - d->place), 2 * STEP) - d->width);
    d->place += RATE * clip(z - d->place, STEP * d->spread);
    d->squares += starting ? z * z : 0;
    count_in(&d->all, a, z);
    if (d->settling > 0) {
        d->base = d->all.z / (double)d->all.count;
        d->moved = stands(d);
        d->settling--;
        return false;
    }
    double off = (z - d->base) / d->spread;
    bool rose = accumulate(&d->rise, &d->rise_since, &d->rising, a, z, off - slack);
    bool fell = accumulate(&d->fall, &d->fall_since, &d->falling, a, z, -off - slack);
    if (d->arrivals == DRIFT_START)
        start(d);
    if (!rose && !fell)
        return false;
    const struct drift_sums after = rose ? d->rising : d->falling;
    tell(d, &after, rose ? d->rise_since : d->fall_since, a->picture, finding);
    d->rise = d->fall = 0;
    d->rising = d->falling = (struct drift_sums){0};
    d->all = after;
    d->base = finding->after;
    d->settling = SETTLE;
    d->moved = stands(d);
    if (d->arrivals < DRIFT_START) // it was never as the fit says
        d->arrivals = DRIFT_START;
    return true;
}

double drift_shift(const struct drift *d)
{
    return d->moved ? clip(d->place - d->start, DRIFT_BOUND) : 0;
}

double drift_compensate(const struct drift *d, double score)
{
    if (!d->moved)
        return score;
    double spread = fmin(fmax(d->width / (MEAN_DEVIATION * d->spread), 1), DRIFT_SPREAD);
    return drift_score(d->start + (drift_normal(score) - drift_shift(d) - d->start) / spread);
}
