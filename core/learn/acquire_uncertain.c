#include "config.h"

#include <math.h>

#include "learn/acquire_impl.h"

double acquire_entropy(double p)
{
    if (!(p > 0 && p < 1))
        return 0;
    return -(p * log2(p) + (1 - p) * log2(1 - p));
}

// How far the committee of the detectors, a trained model's among them, disagrees: the Jensen-Shannon divergence of
// their votes, 0 .. 1 bit (query by committee: McCallum & Nigam 1998).
static double disagreement(const struct acquire *a, size_t i)
{
    const struct acquire_candidate *c = &a->candidates[i];
    double mean = 0, own = 0;
    int votes = 0;
    for (int d = 0; d < c->part_count; d++) {
        double p = acquire_score_chance(a, c->parts[d] - c->threshold);
        mean += p;
        own += acquire_entropy(p);
        votes++;
    }
    return votes > 1 ? acquire_entropy(mean / votes) - own / votes : 0;
}

static struct acquire_value value(const struct acquire *a, const struct acquire_choice *choice, size_t i)
{
    (void)choice;
    double entropy = acquire_entropy(acquire_expected(a, i)), apart = disagreement(a, i);
    return (struct acquire_value){.value = entropy + apart,
                                  .reason = apart > entropy ? ACQUIRE_DISPUTED : ACQUIRE_UNSURE,
                                  .about = SIZE_MAX};
}

// Before both sides were seen, what is unsure is only what the scores do not tell.
static bool ready(const struct acquire *a)
{
    return a->normals > 0 && a->defects > 0;
}

const struct acquire_strategy acquire_uncertain = {.name = "uncertain", .ready = ready, .value = value};
