#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "learn/replay.h"

// The first 64 bits of the text's SHA-256.
static uint64_t number_of(const char *text)
{
    char hex[HASH_HEX];
    hash_bytes(text, strlen(text), hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

uint64_t replay_group(const char *name)
{
    return number_of(name);
}

bool replay_held(const char *name, uint64_t seed, double share)
{
    char *text = xasprintf("%llu %s", (unsigned long long)seed, name);
    double at = ldexp((double)(number_of(text) >> 11), -53);
    free(text);
    return at < share;
}

size_t replay_wanted(size_t normals, double rate)
{
    return (size_t)llround(rate / (1 - rate) * (double)normals);
}

struct member {
    uint64_t order; // random, the same throughout a group
    size_t index;
};

static int by_order(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    return a->order != b->order ? (a->order > b->order) - (a->order < b->order)
                                : (a->index > b->index) - (a->index < b->index);
}

void replay_thin(const bool *defect, const uint64_t *groups, size_t count, size_t wanted, uint64_t seed,
                 bool *keep)
{
    struct member *members = xcalloc(count + 1, sizeof *members);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        keep[i] = !defect[i];
        if (defect[i]) {
            uint64_t state = seed ^ groups[i];
            members[n++] = (struct member){rng_splitmix(&state), i};
        }
    }
    qsort(members, n, sizeof *members, by_order);
    for (size_t i = 0; i < n && i < wanted; i++)
        keep[members[i].index] = true;
    free(members);
}
