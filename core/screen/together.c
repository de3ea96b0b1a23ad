#include "config.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "screen/together.h"

enum { GROUPS_LEAST = 8 };
static const double loss_most = 0.5;

struct place {
    uint64_t group;
    size_t at;
};

static int by_group(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->group != b->group ? (a->group > b->group) - (a->group < b->group) : (a->at > b->at) - (a->at < b->at);
}

// members NULL: all of 0 .. count - 1. Pictures of a group one after the other, in their own order.
static struct place *sorted(const uint64_t *groups, const size_t *members, size_t count)
{
    struct place *places = xcalloc(count + 1, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        size_t at = members ? members[i] : i;
        places[i] = (struct place){groups[at], at};
    }
    if (count)
        qsort(places, count, sizeof *places, by_group);
    return places;
}

static size_t end_of_group(const struct place *places, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && places[end].group == places[first].group)
        end++;
    return end;
}

static double mean_of(const double *values, const struct place *places, size_t first, size_t end)
{
    double sum = 0;
    for (size_t i = first; i < end; i++)
        sum += values[places[i].at];
    return sum / (double)(end - first);
}

double together_agreement(const double *values, const uint64_t *groups, const size_t *members, size_t count)
{
    struct place *places = sorted(groups, members, count);
    double within = 0, between = 0, sum = 0, squares = 0, n = 0, units = 0;
    for (size_t first = 0, end; first < count; first = end) {
        end = end_of_group(places, first, count);
        double size = (double)(end - first), mean = mean_of(values, places, first, end);
        if (size < 2 || size > TOGETHER_MOST)
            continue;
        for (size_t i = first; i < end; i++)
            within += (values[places[i].at] - mean) * (values[places[i].at] - mean);
        between += size * mean * mean;
        sum += size * mean;
        squares += size * size;
        n += size;
        units++;
    }
    free(places);
    if (units < GROUPS_LEAST)
        return 0;
    between = (between - sum * sum / n) / (units - 1);
    within /= n - units;
    double typical = (n - squares / n) / (units - 1); // size of a group
    double all = between + (typical - 1) * within;
    return all > 0 ? fmin(fmax((between - within) / all, 0), 1) : 0;
}

void together_share(const double *values, const uint64_t *groups, size_t count, double agreement, double *out,
                    size_t *peers)
{
    struct place *places = sorted(groups, NULL, count);
    for (size_t first = 0, end; first < count; first = end) {
        end = end_of_group(places, first, count);
        double mean = mean_of(values, places, first, end);
        bool alone = end - first > TOGETHER_MOST || agreement <= 0;
        for (size_t i = first; i < end; i++) {
            size_t at = places[i].at;
            peers[at] = alone ? 1 : end - first;
            out[at] = peers[at] == 1 ? values[at]
                                     : fmax((1 - agreement) * values[at] + agreement * mean, values[at] - loss_most);
        }
    }
    free(places);
}

size_t together_things(const uint64_t *groups, const bool *shown, size_t count)
{
    struct place *places = sorted(groups, NULL, count);
    size_t things = 0;
    for (size_t first = 0, end; first < count; first = end) {
        size_t pictures = 0;
        end = end_of_group(places, first, count);
        for (size_t i = first; i < end; i++)
            pictures += shown[places[i].at];
        things += end - first > TOGETHER_MOST || pictures < 1 ? pictures : 1;
    }
    free(places);
    return things;
}
