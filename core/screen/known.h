// Similarity to known defects: how much more a picture deviates from normal in the directions in which
// confirmed defects do than in those of confirmed normals. In the space where normal pictures are white the
// cosine c of two deviations is near 0 for strangers; the measure is the log ratio of two kernel densities on
// the sphere (von Mises-Fisher kernels exp(kappa c)):  log mean_defects exp(kappa c) - log mean_normals
// exp(kappa c). A few dozen labels carry it where a regression in as many dimensions would not.
#ifndef SCREEN_KNOWN_H
#define SCREEN_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KNOWN_MOST = 1000 }; // rows kept of each side: bounds the model's size and the time a picture takes

struct known {
    int dim;
    size_t counts[2];    // of normals, of defects
    float *rows[2];      // (counts[side], dim), unit length
    uint64_t *groups[2]; // of each row
};

void known_init(struct known *known, int dim);
void known_clear(struct known *known);
// white: (dim), a whitened deviation from the normal mean; kept as a direction. False: no direction (all
// zero), or the side is full; nothing was added.
bool known_add(struct known *known, bool defect, const float *white, uint64_t group);

// Measures of `count` pictures (count, dim). groups (NULL: none): rows of a picture's own group do not take
// part, so that a labelled picture sees neither itself nor the same thing under another lamp. NAN: no defect
// is left to compare with.
void known_measure(const struct known *known, const float *white, const uint64_t *groups, size_t count,
                   double *out);

// The pictures of an open queue, whose measures follow each answer without a new model: an answer costs one
// product of the queue's rows with one row.
struct known_queue;
struct known_queue *known_queue_new(const struct known *known, const float *white, const uint64_t *groups,
                                    size_t count);
void known_queue_free(struct known_queue *queue);
// A confirmed normal or defect; the measures of all pictures of other groups change.
void known_queue_answer(struct known_queue *queue, bool defect, const float *white, uint64_t group);
const double *known_queue_measures(const struct known_queue *queue); // (count), NAN without any defect

#endif
