// Whether a picture is any good as a picture: blurred, badly exposed, covered,
// blank, torn. A picture is measured by itself (quality_measure), once, when it
// is decoded; whether it is poor (quality_judge) is a question of what the
// scene's pictures are like: a scene of dark, smooth pictures is not poor.
#ifndef IMAGE_QUALITY_H
#define IMAGE_QUALITY_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"

// Measured on the luma, reduced to about QUALITY_SIDE x QUALITY_SIDE pixels with the aspect kept, so that
// pictures of different sizes compare; every number is finite.
enum { QUALITY_SIDE = 256 };
enum quality_measure {
    QUALITY_LEVEL,  // mean luma, 0..255
    QUALITY_SPREAD, // its standard deviation
    QUALITY_DARK,   // share of pixels at most 12
    QUALITY_BRIGHT, // share of pixels at least 243
    QUALITY_SHARP,  // log10 of the energy of the finest detail over that of detail twice as coarse, where
                   // there is most of it: variance of the Laplacian (Pech-Pacheco et al. 2000) of the
                   // smoothed luma in blocks, their 95 % quantile; the ratio (Crete et al. 2007 blur anew for
                   // it) depends on how sharp the picture is and hardly on what it shows or how bright it is
    QUALITY_FLAT, // share of the picture in the largest connected area without detail
    QUALITY_TORN, // share of the rows, counted from the bottom, in which all pixels are alike
    QUALITIES
};
const char *quality_name(enum quality_measure measure); // "level", "spread", ...

struct quality {
    float measures[QUALITIES];
};

// Pictures of less than 40 pixels a side have neither sharpness nor flat areas (both 0).
void quality_measure(const struct image *image, struct quality *quality);

// What is usual in a scene: 10 %, 50 % and 90 % quantiles, which a few per cent of poor ones do not move.
struct quality_range {
    size_t count; // pictures it was learnt from; below QUALITY_ENOUGH only absolute limits are judged by
    float low[QUALITIES], middle[QUALITIES], high[QUALITIES];
};
enum { QUALITY_ENOUGH = 30 };
void quality_learn(const struct quality *pictures, size_t count, struct quality_range *range);

enum poor { // why a picture is of no use; the first that holds
    POOR_NOT,
    POOR_BLANK,   // one tone
    POOR_DARK,    // under-exposed
    POOR_BRIGHT,  // over-exposed
    POOR_TORN,    // the lower part is missing
    POOR_COVERED, // a large area without detail that is not usual here
    POOR_BLURRED,
    POOR_FILE, // the file is damaged: said by the decoder, never by quality_judge
    POORS
};
const char *
poor_name(enum poor poor); // "", "blank", "dark", "bright", "torn", "covered", "blurred", "damaged file"

// `why` receives a sentence with the evidence, e.g. "mean level 14, usual here: 96 to 131" (untouched for
// POOR_NOT).
enum { QUALITY_WHY = 160 };
enum poor quality_judge(const struct quality *quality, const struct quality_range *range,
                        char why[QUALITY_WHY]);

#endif
