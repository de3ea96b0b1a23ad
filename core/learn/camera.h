// How a crop is seen: light, lens, sensor and storage as random as they are in
// practice. The distribution is stated in crops.h.
#ifndef LEARN_CAMERA_H
#define LEARN_CAMERA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

struct camera {
    bool gray;
    float light_x, light_y;        // light per half side to the right, downwards; 0, 0 even
    float light_bow, bow_x, bow_y; // fall-off per half side squared, from where (-1..1)
    float blur;                    // sigma, pixels; 0 none
    float gamma;                   // 1 none
    float contrast, brightness;    // about `mean`
    float mean;                    // of the scene after gamma, set by camera_meter
    float cast[3];                 // factor of each channel
    float noise;                   // standard deviation; 0 none
    bool noise_shared;             // the same in all channels
    uint32_t noise_seed;
    int quality;          // of JPEG, 1..100; 0 none
    int block_x, block_y; // where its blocks start, 0..7
};

// Ten or so numbers are taken from `rng`; camera_meter must follow.
struct camera camera_draw(struct rng *rng, double gray);

// Sets the level that contrast turns about and limits the brightness, by a scene
// (side, side, 3). What is seen afterwards need not be that scene.
void camera_meter(struct camera *c, const float *rgb, int side);

// rgb (side, side, 3), in place, to 0..255. `mask` (side, side; may be NULL) spreads as the blur spreads.
void camera_see(const struct camera *c, float *rgb, float *mask, int side);

// Gaussian blur in place, cut at 3 sigma, of (side, side, channels); border repeated.
void camera_blur(float *samples, int side, int channels, float sigma);

#endif
