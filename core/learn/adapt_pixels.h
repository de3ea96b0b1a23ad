// What is done to a picture's pixels before the base sees them, and what its cells are called.
#ifndef LEARN_ADAPT_PIXELS_H
#define LEARN_ADAPT_PIXELS_H

#include "base/rng.h"
#include "learn/adapt_view.h"

// Mirrors rgb (rows, cols, 3) and mask (rows, cols; may be NULL) in place.
void adapt_mirror(int rows, int cols, bool across, bool down, float *rgb, float *mask);

// 255 factor (x / 255)^exponent, with the logarithms of both drawn normally; the mean stays within 16..240.
void adapt_light(struct rng *rng, double gain, double gamma, float *rgb, size_t pixels);

// Draws a synthetic defect into a square of 0.6 to all of the shorter side; mask (rows, cols) is written. Returns its kind.
int adapt_flaw(struct rng *rng, int rows, int cols, float *rgb, float *mask);

// target (rows / 8, cols / 8). mask: 1 where a twelfth of the cell or the largest share of any is covered, not known where less is and beside those,
// else 0. Without one 0. Then boxes: what is not known to be defective is not known inside.
void adapt_target(int rows, int cols, const float *mask, const double (*boxes)[4], int box_count, int8_t *target);

#endif
