// Inside of texture.h.
#ifndef LEARN_TEXTURE_IMPL_H
#define LEARN_TEXTURE_IMPL_H

#include "learn/texture.h"

// Where a pattern lies: u, v are its own coordinates, in units of its period.
struct lay {
    float c, s;   // direction
    float px, py; // pixels per unit along u and v
    float u0, v0;
};
struct lay lay_draw(struct rng *rng, float least, float most); // pixels per unit, log-uniform
static inline void lay_at(const struct lay *l, float x, float y, float *u, float *v)
{
    *u = (x * l->c + y * l->s) / l->px + l->u0;
    *v = (y * l->c - x * l->s) / l->py + l->v0;
}

// Two integers and a salt to 0..1.
static inline float texture_hash(int i, int j, uint32_t salt)
{
    uint32_t x = (uint32_t)i * 0x9e3779b1u ^ ((uint32_t)j * 0x85ebca77u + salt);
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return (float)((x ^ x >> 16) >> 8) * 0x1p-24f;
}

// The patterns with edges, in texture_pattern.c; plane (side, side), about 0..1.
void texture_weave(struct rng *rng, int side, float *plane);
void texture_grid(struct rng *rng, int side, float *plane);
void texture_dots(struct rng *rng, int side, float *plane);
void texture_stripes(struct rng *rng, int side, float *plane);
void texture_scratches(struct rng *rng, int side, float *plane); // laid over what is in plane
void texture_cells(struct rng *rng, int side, float *plane);

#endif
