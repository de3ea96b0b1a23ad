// What clearing a queue costs a person, in keys.
#ifndef TESTS_BENCH_EFFORT_H
#define TESTS_BENCH_EFFORT_H

#include <stdbool.h>

// An inspector who knows what truth.csv of the project in `dir` says clears the queue of every scene of `dir` over a
// pseudo-terminal with as few keys as the screen allows, reading from it what is shown: by pages of the grid (defects
// first, class by class, then the rest of the page as normal), or, with `one_by_one`, a picture after the other. Prints
// answers, keys and keys per picture.
void effort_measure(const char *assay, const char *dir, bool one_by_one, bool json);

#endif
