// Replaying answers that are known as if they were given one after the other:
// which groups are held out to measure on, and which defects take part.
#ifndef LEARN_REPLAY_H
#define LEARN_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A number for a group's name, the same on every machine.
uint64_t replay_group(const char *name);

// Whether the group is held out: a hash of seed and name, so that neither order
// nor number of the pictures matters. About `share` (0 .. 1) of the groups are.
bool replay_held(const char *name, uint64_t seed, double share);

// How many defects beside `normals` normal pictures make the share `rate` of all
// (0 <= rate < 1), to the nearest whole number.
size_t replay_wanted(size_t normals, double rate);

// Keep `wanted` of the defects (all where there are no more): whole groups at
// random, so that a thing photographed twice stays twice; only the last one is
// cut to the number. Normals are kept. keep, defect, groups: (count).
void replay_thin(const bool *defect, const uint64_t *groups, size_t count, size_t wanted, uint64_t seed,
                 bool *keep);

#endif
