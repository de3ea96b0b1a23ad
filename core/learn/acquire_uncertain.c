#include "config.h"

#include <math.h>

#include "learn/acquire_impl.h"

double acquire_entropy(double p)
{
    if (!(p > 0 && p < 1))
        return 0;
    return -(p * log2(p) + (1 - p) * log2(1 - p));
}

// Of normal and all classes together (entropy sampling: Settles 2009, 2.1), where a model tells classes
// apart.
static double answer_entropy(const struct acquire *a, size_t i, double defect)
{
    double bits = acquire_entropy(defect);
    if (!a->has_classes[i])
        return bits;
    const float *odds = a->classes + i * (size_t)a->class_count;
    for (int c = 0; c < a->class_count; c++)
        if (odds[c] > 0)
            bits -= defect * (double)odds[c] * log2((double)odds[c]);
    return bits;
}

// How far the committee of the detectors and the trained model disagree: the Jensen-Shannon divergence of
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
    if (!isnan(c->defect)) {
        mean += c->defect;
        own += acquire_entropy(c->defect);
        votes++;
    }
    return votes > 1 ? acquire_entropy(mean / votes) - own / votes : 0;
}

static struct acquire_value value(const struct acquire *a, const struct acquire_choice *choice, size_t i)
{
    (void)choice;
    double entropy = answer_entropy(a, i, acquire_expected(a, i)), apart = disagreement(a, i);
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
