#include "config.h"

#include <math.h>

#include "learn/acquire.h"

// How the beliefs did lately says how far to trust them: of the last answers, defects that came against
// defects that were expected (prequential, Dawid 1984). With a gamma prior the defects among the next answers
// are negative binomial.
enum { LATELY = 200, CLASSES = 256 };

// Smallest m with P(defects <= m) >= 0.95, mean `expected` = shape * scale: the sum of Poisson draws around a
// gamma rate.
static size_t most(double shape, double scale, size_t limit)
{
    double q = scale / (1 + scale), term = pow(1 - q, shape), sum = term;
    size_t m = 0;
    for (; sum < 0.95 && m < limit; m++) {
        term *= q * (shape + (double)m) / (double)(m + 1);
        sum += term;
    }
    return m;
}

// Good (1953): the chance that the next defect is of a new class is that of the classes seen once among all
// defects.
static double new_kind(const struct acquire_record *records, size_t count)
{
    size_t seen[CLASSES] = {0}, defects = 0, once = 0;
    for (size_t i = 0; i < count; i++) {
        if (!records[i].defect || records[i].class_index < 0 || records[i].class_index >= CLASSES)
            continue;
        defects++;
        seen[records[i].class_index]++;
    }
    for (int c = 0; c < CLASSES; c++)
        once += seen[c] == 1;
    return defects ? (double)once / (double)defects : NAN;
}

void acquire_gain(const struct acquire_record *records, size_t record_count, const double *expected,
                  size_t count, size_t next, struct acquire_gain *gain)
{
    size_t first = record_count > LATELY ? record_count - LATELY : 0;
    double came = 0, foreseen = 0, ahead = 0;
    for (size_t i = first; i < record_count; i++) {
        came += records[i].defect;
        foreseen += records[i].expected;
    }
    next = next < count ? next : count;
    for (size_t i = 0; i < next; i++)
        ahead += expected[i];
    // Prior: the beliefs are right, worth one foreseen defect.
    double shape = came + 1, rate = foreseen + 1;
    *gain = (struct acquire_gain){.next = next,
                                  .expected = fmin(ahead * shape / rate, (double)next),
                                  .most = ahead > 0 ? most(shape, ahead / rate, next) : 0,
                                  .new_kind = new_kind(records, record_count)};
}
