// A project with very many picture rows and no picture files, and the times of what a person waits for in it.
#ifndef TESTS_BENCH_BIG_H
#define TESTS_BENCH_BIG_H

#include <stddef.h>
#include <stdint.h>

enum { BIG_SCENES = 3, BIG_ANSWERED = 4 }; // of so many flagged ones one is open

// Fill FILE, the database that `assay init` has made: three scenes, `flagged` of the `pictures` flagged, a known answer for
// every tenth, three quarters of the flagged ones answered by three people (one in ten a defect, of 40 classes).
void big_fill(const char *file, int64_t pictures, int64_t flagged);

// Sorts `ms`, prints a line of JSON to stdout and one of a table to stderr. goal_ms 0: none.
void big_report(const char *what, double *ms, size_t count, double goal_ms);

// The screen over a pseudo-terminal: opening, the next picture, the grid, finding with every filter.
void big_screen(const char *assay, const char *dir);

#endif
