#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/folds.h"

void folds_shuffle(size_t *order, size_t count, struct rng *rng)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(rng, i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

struct unit { // a group among the believed normals
    uint64_t name;
    size_t index, size;
};

static int by_name(const void *left, const void *right)
{
    const struct unit *a = left, *b = right;
    return a->name != b->name ? (a->name > b->name) - (a->name < b->name)
                              : (a->index > b->index) - (a->index < b->index);
}

static int largest_first(const void *left, const void *right)
{
    const struct unit *a = left, *b = right;
    return a->size != b->size ? (a->size < b->size) - (a->size > b->size)
                              : (a->index > b->index) - (a->index < b->index);
}

void folds_assign(const uint64_t *groups, const size_t *members, size_t count, struct rng *rng, int *folds)
{
    struct unit *all = xmalloc(count * sizeof *all), *units = xmalloc(count * sizeof *units);
    size_t *order = xmalloc(count * sizeof *order), *unit_of = xmalloc(count * sizeof *unit_of);
    size_t n = 0, largest = 0;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct unit){.name = groups[members[i]], .index = i};
    qsort(all, count, sizeof *all, by_name);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || all[i].name != all[i - 1].name)
            units[n++] = (struct unit){0};
        unit_of[all[i].index] = n - 1;
        if (++units[n - 1].size > largest)
            largest = units[n - 1].size;
    }
    if (largest * 2 > count) {
        n = count;
        for (size_t i = 0; i < count; i++) {
            units[i].size = 1;
            unit_of[i] = i;
        }
    }
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    folds_shuffle(order, n, rng);
    for (size_t i = 0; i < n; i++) {
        units[order[i]].index = i;
        units[order[i]].name = order[i];
    }
    qsort(units, n, sizeof *units, largest_first);
    size_t load[FOLDS] = {0};
    int *fold_of = xmalloc(n * sizeof *fold_of);
    for (size_t i = 0; i < n; i++) {
        int smallest = 0;
        for (int f = 1; f < FOLDS; f++)
            if (load[f] < load[smallest])
                smallest = f;
        load[smallest] += units[i].size;
        fold_of[units[i].name] = smallest;
    }
    for (size_t i = 0; i < count; i++)
        folds[i] = fold_of[unit_of[i]];
    free(fold_of);
    free(unit_of);
    free(order);
    free(units);
    free(all);
}

static bool drawn(uint64_t name, uint64_t seed, double share)
{
    struct rng rng = rng_seed(seed ^ name);
    return rng_uniform(&rng) < share;
}

size_t folds_draw(size_t *members, size_t normals, const uint64_t *groups, uint64_t seed)
{
    double share = (double)FOLDED_MOST / (double)normals;
    size_t front = 0, back = 0;
    if (share >= 1)
        return normals;
    for (size_t i = 0; i < normals; i++)
        front += drawn(groups[members[i]], seed, share);
    bool whole = front > FOLDED_MOST / 2 && front < 2 * FOLDED_MOST;
    size_t *rest = xmalloc(normals * sizeof *rest);
    front = 0;
    for (size_t i = 0; i < normals; i++)
        if (drawn(whole ? groups[members[i]] : members[i], seed, share))
            members[front++] = members[i];
        else
            rest[back++] = members[i];
    memcpy(members + front, rest, back * sizeof *rest);
    free(rest);
    return front;
}
