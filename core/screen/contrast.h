// Which ways an embedding moves when nothing is wrong and when something is: the changes that harmless copies
// of normal pictures (mirrored, other light) and copies with drawn defects make, a few hundred rows of each,
// fitted with no label. Normal pictures get the covariance S = that of the rows + that of harmless changes;
// defective ones S + C, with C from the drawn defects. The squared distance is the part of Mahalanobis' that
// tells the two apart, the quadratic term of the Gaussian log likelihood ratio:  x' (S^-1 - (S + C)^-1) x.
// Directions in which no drawn defect moves a picture count less, those in which light moves it count less,
// and none is left out.
#ifndef SCREEN_CONTRAST_H
#define SCREEN_CONTRAST_H

#include <stddef.h>

#include "base/status.h"
#include "screen/gaussian.h"

enum contrast_side { CONTRAST_HARMLESS, CONTRAST_FLAW, CONTRAST_SIDES };

struct contrast {
    int dim;
    size_t counts[CONTRAST_SIDES];
    float *rows[CONTRAST_SIDES]; // (count, dim): after - before
};

void contrast_clear(struct contrast *contrast);
void contrast_add(struct contrast *contrast, enum contrast_side side, const float *change); // (dim)

// rows: (count, contrast->dim) of normal pictures; shrinkage: that of a plain Gaussian of the same rows, the
// least that is used. g->whiten is lower triangular with |W (x - mean)|^2 the distance above. ST_INVALID: no
// flaws, or no variance.
ASSAY_CHECKED enum status contrast_fit(const struct contrast *contrast, const float *rows, size_t count,
                                       double shrinkage, struct gaussian *g, struct error *err);

#endif
