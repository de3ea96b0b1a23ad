// Normal pictures of a scene as a mixture of a few Gaussians, one for each look (looks.h), mostly one. Each is fitted
// without the most suspicious of its rows, and sharpened by what drawn defects change (contrast.h). Distances in
// different looks are made comparable by their medians.
#ifndef SCREEN_MIXTURE_H
#define SCREEN_MIXTURE_H

#include "screen/contrast.h"
#include "screen/gaussian.h"
#include "screen/looks.h"

struct mixture {
    struct looks looks; // count 0: nothing was fitted
    struct gaussian parts[LOOKS_MOST];
    size_t fit_count; // rows in the fit after trimming
};

// rows: (count, looks->dim), reordered. looks: copied. contrast: NULL none. ST_INVALID as gaussian_fit, for a look with too
// few rows as well.
ASSAY_CHECKED enum status mixture_fit(const struct looks *looks, const struct contrast *contrast, float *rows, size_t count,
                                      struct mixture *mixture, struct error *err);
void mixture_clear(struct mixture *mixture);

// W (x - mean) of `count` rows (count, dim) into out (count, dim), each with its look's W and mean.
void mixture_whiten(const struct mixture *mixture, const float *rows, size_t count, float *out);

#endif
