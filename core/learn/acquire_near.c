#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "learn/acquire_impl.h"

enum { SAMPLE = 256, PAIRS = 4096 };
// A group may be one thing seen often or one vehicle with a hundred parts: its pictures are nearly the same
// only when they are closer than this share of the usual squared distance between pictures of different
// groups.
static const double group_share = 0.5, any_share = 0.2;

static int rising(const void *left, const void *right)
{
    const float *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double quantile(float *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, rising);
    return (double)values[(size_t)(share * (double)(count - 1))];
}

struct member {
    uint64_t group;
    size_t index;
};

static int by_group(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

// Distances of pictures that follow each other in a group.
static size_t within_groups(const struct acquire *a, float *pairs)
{
    struct member *members = xcalloc(a->count, sizeof *members);
    size_t found = 0;
    for (size_t i = 0; i < a->count; i++)
        members[i] = (struct member){a->candidates[i].group, i};
    qsort(members, a->count, sizeof *members, by_group);
    for (size_t i = 1; i < a->count && found < PAIRS; i++)
        if (members[i].group == members[i - 1].group)
            pairs[found++] = acquire_distance2(a->candidates[members[i].index].point,
                                               a->candidates[members[i - 1].index].point);
    free(members);
    return found;
}

// A sample of candidates against all others of other groups: to the nearest of them (nearest), and all
// (pairs).
static size_t between_groups(const struct acquire *a, float *nearest, size_t *nearest_count, float *pairs)
{
    size_t n = a->count < SAMPLE ? a->count : SAMPLE, found = 0;
    *nearest_count = 0;
    for (size_t s = 0; s < n; s++) {
        size_t i = s * a->count / n;
        float least = INFINITY;
        for (size_t j = 0; j < a->count; j++) {
            if (a->candidates[j].group == a->candidates[i].group)
                continue;
            float d = acquire_distance2(a->candidates[i].point, a->candidates[j].point);
            least = d < least ? d : least;
            if ((j * 40503u + s) % a->count < PAIRS / SAMPLE && found < 2 * PAIRS)
                pairs[found++] = d;
        }
        if (isfinite(least))
            nearest[(*nearest_count)++] = least;
    }
    return found;
}

void acquire_near_measure(struct acquire *a)
{
    float *same = xcalloc(PAIRS + 1, sizeof *same), *other = xcalloc(2 * PAIRS + 1, sizeof *other);
    float nearest[SAMPLE];
    size_t nearest_count = 0, same_count = within_groups(a, same);
    size_t other_count = between_groups(a, nearest, &nearest_count, other);
    a->near_any = a->near_group = 0;
    if (other_count > 0)
        a->near_group = group_share * quantile(other, other_count, 0.5);
    // Bursts show how close pictures of the same thing are. Never so far that the nearest strangers would
    // usually count.
    if (same_count >= 8 && nearest_count > 0)
        a->near_any =
            fmin(1.5 * quantile(same, same_count, 0.9), any_share * quantile(nearest, nearest_count, 0.5));
    free(same);
    free(other);
}
