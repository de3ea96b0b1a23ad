// Self-supervised loss of two views of the same places: their features should
// agree, vary from place to place, and not say the same thing twice. Source:
// Bardes, Ponce & LeCun 2022, "VICReg", arXiv:2105.04906, eq. 1-6, cell by cell
// as in "VICRegL", arXiv:2210.01571.
#ifndef LEARN_VICREG_H
#define LEARN_VICREG_H

#include <stddef.h>

// a, b: (cells, channels), cells >= 2. Overwrites them with `factor` times the gradient. Returns
//   invariance + variance + covariance / 25, each one's weight in the paper divided by 25:
//   mean (a - b)^2; mean over channels of max(0, 1 - sd) of a and b; sum of squared covariances / channels.
// scratch: vicreg_scratch() floats.
static inline size_t vicreg_scratch(size_t cells, int channels)
{
    return ((size_t)channels + 2 * cells) * (size_t)channels;
}
double vicreg(float *a, float *b, size_t cells, int channels, double factor, float *scratch);

#endif
