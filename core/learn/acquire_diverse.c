#include "config.h"

#include "learn/acquire_impl.h"

// Greedy k-centre (Sener & Savarese 2018, algorithm 1): the one farthest from all that are answered or
// chosen.
static struct acquire_value value(const struct acquire *a, const struct acquire_choice *choice, size_t i)
{
    (void)a;
    return (struct acquire_value){
        .value = (double)choice->distance[i], .reason = ACQUIRE_NEW, .about = SIZE_MAX};
}

static bool ready(const struct acquire *a)
{
    return a->count > 1;
}

const struct acquire_strategy acquire_diverse = {
    .name = "diverse", .moves = true, .ready = ready, .value = value};
