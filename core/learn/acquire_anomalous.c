#include "config.h"

#include "learn/acquire_impl.h"

// The likeliest defect. Says what makes it likely: its score, or an answered defect close by.
static struct acquire_value value(const struct acquire *a, const struct acquire_choice *choice, size_t i)
{
    (void)choice;
    double belief = acquire_expected(a, i), by_score = a->process.mean[i];
    bool like = a->defect_nearest[i] != SIZE_MAX && belief > 0.1 && belief > 2 * by_score;
    return (struct acquire_value){.value = belief,
                                  .reason = like ? ACQUIRE_LIKE : ACQUIRE_ODD,
                                  .about = like ? a->defect_nearest[i] : SIZE_MAX};
}

static bool ready(const struct acquire *a)
{
    (void)a;
    return true;
}

const struct acquire_strategy acquire_anomalous = {.name = "anomalous", .ready = ready, .value = value};
