#include "config.h"

#include "learn/acquire_impl.h"

// Odds of class `c` given a defect, by the answered defects nearby.
static double odds(const struct acquire *a, size_t i, int c)
{
    float all = a->defect_weight[i];
    return all > 0 ? (double)(a->class_weight[i * (size_t)a->class_count + (size_t)c] / all) : 0;
}

// Probability that the answer is a defect of a class, divided by the answers that class has already. Named is an answered
// defect of the class that counts most: the nearest defect where it is one, else the latest.
static struct acquire_value value(const struct acquire *a, const struct acquire_choice *choice, size_t i)
{
    (void)choice;
    struct acquire_value v = {.reason = ACQUIRE_RARE, .about = a->defect_nearest[i]};
    double most = 0;
    int rarest = -1;
    for (int c = 0; c < a->class_count; c++) {
        double part = odds(a, i, c) / (1 + (double)a->class_answers[c]);
        v.value += part;
        if (part > most) {
            most = part;
            rarest = c;
        }
    }
    if (rarest >= 0 && (v.about == SIZE_MAX || a->candidates[v.about].class_index != rarest))
        v.about = a->class_latest[rarest];
    v.value *= acquire_expected(a, i);
    return v;
}

static bool ready(const struct acquire *a)
{
    int seen = 0;
    for (int c = 0; c < a->class_count; c++)
        seen += a->class_answers[c] > 0;
    return seen > 1;
}

const struct acquire_strategy acquire_balanced = {.name = "balanced", .ready = ready, .value = value};
