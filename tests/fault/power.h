// A disk that can lose its power: an SQLite VFS over the real one that knows,
// of every file, what was synced and which writes came after. Programs see
// all writes; after power_cut the files hold what a disk may hold that was
// switched off: everything synced, and of the rest nothing or any part.
#ifndef TESTS_FAULT_POWER_H
#define TESTS_FAULT_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

struct power;

// Becomes SQLite's default VFS. One at a time.
struct power *power_new(void);
void power_free(struct power *power);

// Forget what is known of files (they may then be replaced) and count from 0;
// at write, truncation, sync or deletion number `cut_at` (0: never) the power
// goes: that one and all later ones fail.
void power_start(struct power *power, int64_t cut_at);
int64_t power_operations(const struct power *power);
bool power_is_off(const struct power *power);

// With all connections closed: put on the real disk what is left. lucky NULL:
// nothing unsynced; else each unsynced sector of 512 bytes is there or not, by
// chance. Shared memory (-shm) is gone. Then the power is back.
void power_cut(struct power *power, struct rng *lucky);

#endif
