// Which of a few thousand pictures look most like one, by their embeddings.
#ifndef SCREEN_NEAREST_H
#define SCREEN_NEAREST_H

#include <stddef.h>

struct nearest {
    size_t row;      // into `rows`
    double distance; // 0 equal; about sqrt(2) for pictures that have nothing in common
};

// The `most` rows nearest to `query` (dim), nearest first; equal ones in the order of the rows. The distance is
// Euclidean after each feature was divided by its standard deviation over query and rows (features that never vary do
// not count), divided by the root of their number. rows: (count) of (dim); out: (most). Returns how many. Rows that are
// not finite are left out.
size_t nearest_find(const float *query, const float *const *rows, size_t count, int dim, size_t most,
                    struct nearest *out);

#endif
