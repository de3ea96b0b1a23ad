// Surfaces made by code, none like another: a second source of training crops
// beside photos, and the foreign material of synthetic defects.
#ifndef LEARN_TEXTURE_H
#define LEARN_TEXTURE_H

#include "base/rng.h"

enum texture_kind {
    TEXTURE_CLOUD,     // fractal value noise: stains, marble, spots
    TEXTURE_RELIEF,    // the same as a height, lit from one side: cast, leather, plaster
    TEXTURE_BRUSHED,   // drawn out in one direction: metal, wood
    TEXTURE_WEAVE,     // threads over and under each other: linen, twill
    TEXTURE_GRID,      // tiles, bricks, meshes
    TEXTURE_DOTS,      // gravel, grains, perforations
    TEXTURE_STRIPES,   // straight or bent
    TEXTURE_SCRATCHES, // on smooth ground
    TEXTURE_CELLS,     // Voronoi: cracked mud, scales, crystals
    TEXTURE_SLOPE,     // smooth shading with a few soft shapes
    TEXTURE_KINDS
};

const char *texture_name(int kind); // one word

// Tones of one surface into plane: (side, side), 0..1. Everything follows from `rng`.
void texture_plane(int kind, struct rng *rng, int side, float *plane);

// A coloured surface into rgb: (side, side, 3), 0..255; three in ten carry a second kind, with an
// edge, in patches or throughout.
void texture_make(int kind, struct rng *rng, int side, float *rgb);

// Smooth noise of `octaves` into plane, about -1..1 (may go a little beyond): the largest features
// cell_x by cell_y pixels, turned by `turns` of a whole turn.
void texture_noise(float *plane, int side, float cell_x, float cell_y, float turns, int octaves,
                   struct rng *rng);

#endif
