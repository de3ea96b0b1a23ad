#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo_draw.h"
#include "learn/texture_impl.h"

static size_t pixels_of(int side)
{
    return (size_t)side * (size_t)side;
}

// --- noise ---------------------------------------------------------------

// Cuts a turned square out of a larger one, bilinear.
static void turn_into(const float *from, int from_side, float *to, int side, float turns)
{
    float c = draw_cos(turns), s = draw_sin(turns), length = sqrtf(c * c + s * s);
    c /= length;
    s /= length;
    float centre = (float)(from_side - 1) / 2, half = (float)(side - 1) / 2, edge = (float)from_side - 1.001f;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float dx = (float)x - half, dy = (float)y - half;
            float u = clampf(centre + dx * c + dy * s, 0, edge),
                  v = clampf(centre + dy * c - dx * s, 0, edge);
            int i = (int)u, j = (int)v;
            const float *p = from + (size_t)j * (size_t)from_side + i, *q = p + from_side;
            float f = u - (float)i;
            to[(size_t)y * (size_t)side + (size_t)x] =
                mixf(mixf(p[0], p[1], f), mixf(q[0], q[1], f), v - (float)j);
        }
}

void texture_noise(float *plane, int side, float cell_x, float cell_y, float turns, int octaves,
                   struct rng *rng)
{
    struct noise n = {.cell_x = cell_x, .cell_y = cell_y};
    n.shift_x = draw_between(rng, -NOISE_SHIFT, NOISE_SHIFT);
    n.shift_y = draw_between(rng, -NOISE_SHIFT, NOISE_SHIFT);
    n.amplitude = 1 / (2 - 1 / (float)(1 << (octaves - 1))); // all octaves together: 1
    bool turned = turns > 0 || turns < 0;
    int room = turned ? (int)ceilf((float)side * 1.4143f) + 2 : side;
    float *field = turned ? xcalloc(pixels_of(room), sizeof *field) : plane;
    if (!turned)
        memset(plane, 0, pixels_of(side) * sizeof *plane);
    for (int i = 0; i < octaves; i++) { // below two pixels it would only alias
        noise_add(field, room, room, n, rng);
        n.cell_x = fmaxf(1.5f, n.cell_x * 0.5f);
        n.cell_y = fmaxf(1.5f, n.cell_y * 0.5f);
        n.amplitude *= 0.5f;
    }
    if (turned) {
        turn_into(field, room, plane, side, turns);
        free(field);
    }
}

// Turned in two of three cases, never by nearly nothing.
static float draw_turns(struct rng *rng)
{
    float turns = draw_between(rng, 0.02f, 0.48f);
    return draw_chance(rng, 0.66f) ? turns : 0;
}

struct lay lay_draw(struct rng *rng, float least, float most)
{
    float turns = draw_chance(rng, 0.4f) ? 0 : draw_between(rng, 0, 1);
    struct lay l = {.c = draw_cos(turns), .s = draw_sin(turns)};
    float length = sqrtf(l.c * l.c + l.s * l.s);
    l.c /= length;
    l.s /= length;
    l.px = draw_log_between(rng, least, most);
    l.py = l.px * draw_log_between(rng, 0.6f, 1.7f);
    l.u0 = draw_between(rng, 0, 64);
    l.v0 = draw_between(rng, 0, 64);
    return l;
}

// --- the smooth kinds ----------------------------------------------------

static void cloud(struct rng *rng, int side, float *plane)
{
    float cell = draw_log_between(rng, 4, 90), stretch = draw_log_between(rng, 1, 3.5f);
    int octaves = 2 + (int)rng_below(rng, 4);
    texture_noise(plane, side, cell * stretch, cell, draw_turns(rng), octaves, rng);
    int form = (int)rng_below(rng, 4);
    float sharp = draw_log_between(rng, 0.04f, 0.5f), level = draw_between(rng, -0.3f, 0.3f);
    for (size_t i = 0; i < pixels_of(side); i++) {
        float v = plane[i];
        if (form == 1) // veins
            v = 1 - fminf(1, fabsf(v - level) / (sharp + 0.1f));
        else if (form == 2) // spots and islands, with some of the ground left
            v = 0.75f * rampf(level - sharp, level + sharp, v) + 0.25f * (0.5f + 0.6f * v);
        else
            v = 0.5f + 0.8f * v;
        plane[i] = v;
    }
}

static void relief(struct rng *rng, int side, float *plane)
{
    float cell = draw_log_between(rng, 2.5f, 40), stretch = draw_log_between(rng, 1, 3);
    int octaves = 1 + (int)rng_below(rng, 4);
    texture_noise(plane, side, cell * stretch, cell, draw_turns(rng), octaves, rng);
    bool ridged = draw_chance(rng, 0.3f);
    float turns = draw_between(rng, 0, 1), lx = draw_cos(turns), ly = draw_sin(turns);
    float gain = draw_between(rng, 0.15f, 0.5f) * cell, hollow = draw_between(rng, 0, 0.35f);
    for (size_t i = 0; ridged && i < pixels_of(side); i++)
        plane[i] = 0.7f - 2 * fabsf(plane[i]);
    // In place from the top left: what a pixel needs lies right of and below it.
    for (int y = 0; y < side; y++) {
        float *row = plane + (size_t)y * (size_t)side, *below = y + 1 < side ? row + side : row;
        float last = 0.5f;
        for (int x = 0; x < side; x++) {
            if (x + 1 < side)
                last = (row[x + 1] - row[x]) * lx + (below[x] - row[x]) * ly;
            float slope = y + 1 < side ? last : 0;
            row[x] = 0.5f + gain * slope / (1 + fabsf(gain * slope)) * 0.6f + hollow * row[x];
        }
    }
    if (side > 1) // the last line has nothing below it
        memcpy(plane + pixels_of(side) - (size_t)side, plane + pixels_of(side) - 2 * (size_t)side,
               (size_t)side * sizeof *plane);
}

static void brushed(struct rng *rng, int side, float *plane)
{
    bool wood = draw_chance(rng, 0.35f);
    float across = draw_log_between(rng, 1.5f, wood ? 14 : 4), along = across * draw_log_between(rng, 12, 90);
    float turns = draw_turns(rng), strength = draw_between(rng, 0.3f, 0.9f);
    texture_noise(plane, side, along, across, turns, wood ? 3 : 2, rng);
    float sheen = draw_between(rng, -0.35f, 0.35f), tilt = draw_between(rng, 0, 1);
    float sx = draw_cos(tilt) / (float)side, sy = draw_sin(tilt) / (float)side;
    float rings = wood ? draw_between(rng, 1, 4) : 0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float *v = plane + (size_t)y * (size_t)side + x;
            float t = (float)(x - side / 2) * sx + (float)(y - side / 2) * sy;
            float grain = rings > 0 ? 0.6f * draw_sin(rings * *v) + 0.4f * *v : *v;
            *v = 0.5f + strength * grain * 0.7f + sheen * (1 - 4 * t * t) * 0.5f + sheen * t;
        }
}

// A ramp, and up to four soft shapes on it, each lit across.
static void slope(struct rng *rng, int side, float *plane)
{
    float turns = draw_between(rng, 0, 1), steep = draw_between(rng, 0.1f, 0.9f) / (float)side;
    float gx = steep * draw_cos(turns), gy = steep * draw_sin(turns), bow = draw_between(rng, -0.4f, 0.4f);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float dx = (float)(x - side / 2), dy = (float)(y - side / 2);
            float r = (dx * dx + dy * dy) / (float)pixels_of(side);
            plane[(size_t)y * (size_t)side + (size_t)x] = 0.5f + dx * gx + dy * gy + bow * (r - 0.2f);
        }
    int shapes = (int)rng_below(rng, 5);
    for (int k = 0; k < shapes; k++) {
        bool block = draw_chance(rng, 0.5f);
        struct lay l = lay_draw(rng, 0.06f * (float)side, 0.5f * (float)side);
        float cx = draw_between(rng, 0, (float)side), cy = draw_between(rng, 0, (float)side);
        float tone = draw_between(rng, 0.1f, 0.9f), shade = draw_between(rng, -0.4f, 0.4f);
        float soft = draw_log_between(rng, 0.7f, 12), size = fminf(l.px, l.py);
        l.u0 = l.v0 = 0;
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                float u, v;
                lay_at(&l, (float)x - cx, (float)y - cy, &u, &v);
                float out = block ? fmaxf(fabsf(u), fabsf(v)) : sqrtf(u * u + v * v);
                float in = clampf((1 - out) * size / soft + 0.5f, 0, 1);
                float *to = plane + (size_t)y * (size_t)side + x;
                *to = mixf(*to, tone + shade * u, in);
            }
    }
}

static void scratched(struct rng *rng, int side, float *plane)
{
    int ground = (int)rng_below(rng, 3);
    if (ground == 0)
        brushed(rng, side, plane);
    else if (ground == 1)
        cloud(rng, side, plane);
    else
        slope(rng, side, plane);
    for (size_t i = 0; i < pixels_of(side); i++)
        plane[i] = 0.5f + (clampf(plane[i], 0, 1) - 0.5f) * 0.35f;
    texture_scratches(rng, side, plane);
}

// --- a surface -----------------------------------------------------------

static const struct {
    const char *name;
    void (*draw)(struct rng *rng, int side, float *plane);
} kinds[TEXTURE_KINDS] = {
    [TEXTURE_CLOUD] = {"cloud", cloud},
    [TEXTURE_RELIEF] = {"relief", relief},
    [TEXTURE_BRUSHED] = {"brushed", brushed},
    [TEXTURE_WEAVE] = {"weave", texture_weave},
    [TEXTURE_GRID] = {"grid", texture_grid},
    [TEXTURE_DOTS] = {"dots", texture_dots},
    [TEXTURE_STRIPES] = {"stripes", texture_stripes},
    [TEXTURE_SCRATCHES] = {"scratches", scratched},
    [TEXTURE_CELLS] = {"cells", texture_cells},
    [TEXTURE_SLOPE] = {"slope", slope},
};

const char *texture_name(int kind)
{
    return kinds[kind].name;
}

void texture_plane(int kind, struct rng *rng, int side, float *plane)
{
    kinds[kind].draw(rng, side, plane);
    // No surface is as clean as its formula.
    float dirt = draw_chance(rng, 0.6f) ? draw_between(rng, 0.02f, 0.2f) : 0;
    float *noise = xmalloc(pixels_of(side) * sizeof *noise);
    if (dirt > 0) {
        float cell_x = draw_log_between(rng, 4, 60), cell_y = draw_log_between(rng, 4, 60);
        texture_noise(noise, side, cell_x, cell_y, 0, 3, rng);
    }
    for (size_t i = 0; i < pixels_of(side); i++)
        plane[i] = clampf(plane[i] + (dirt > 0 ? dirt * noise[i] : 0), 0, 1);
    free(noise);
}

enum { RAMP = 512 };

// From dark to light through a third colour; most materials are near gray.
static void draw_ramp(struct rng *rng, float ramp[RAMP + 1][3])
{
    float knot[3][3],
        colour = draw_chance(rng, 0.3f) ? draw_between(rng, 0.3f, 1) : draw_between(rng, 0, 0.3f);
    float low = draw_between(rng, 0, 150), high = low + draw_between(rng, 50, 255 - low);
    bool inverse = draw_chance(rng, 0.5f);
    float tint[3], bend = draw_between(rng, 0.35f, 0.65f);
    for (int k = 0; k < 3; k++)
        tint[k] = draw_between(rng, -60, 60);
    for (int p = 0; p < 3; p++) {
        float tone = p == 0 ? low : p == 1 ? mixf(low, high, bend) : high;
        for (int k = 0; k < 3; k++)
            knot[inverse ? 2 - p : p][k] =
                clampf(tone + colour * (tint[k] + draw_between(rng, -30, 30)), 0, 255);
    }
    for (int i = 0; i <= RAMP; i++) {
        float t = 2 * (float)i / RAMP;
        int p = t < 1 ? 0 : 1;
        for (int k = 0; k < 3; k++)
            ramp[i][k] = mixf(knot[p][k], knot[p + 1][k], t - (float)p);
    }
}

static void paint(struct rng *rng, int kind, int side, float *plane, float *rgb)
{
    float ramp[RAMP + 1][3];
    texture_plane(kind, rng, side, plane);
    draw_ramp(rng, ramp);
    for (size_t i = 0; i < pixels_of(side); i++) {
        const float *colour = ramp[(int)(plane[i] * RAMP + 0.5f)];
        for (int k = 0; k < 3; k++)
            rgb[3 * i + (size_t)k] = colour[k];
    }
}

// How much of the second surface shows where.
static void draw_cover(struct rng *rng, int side, float *cover)
{
    int form = (int)rng_below(rng, 3);
    float soft = draw_log_between(rng, 0.7f, 10), most = draw_between(rng, 0.5f, 1);
    if (form == 0) { // a straight edge
        struct lay l = lay_draw(rng, 1, 1.01f);
        float at = draw_between(rng, -0.3f, 0.3f) * (float)side;
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                float d = (float)(x - side / 2) * l.c + (float)(y - side / 2) * l.s - at;
                cover[(size_t)y * (size_t)side + (size_t)x] = clampf(d / soft + 0.5f, 0, 1);
            }
    } else if (form == 1) { // patches
        float cell = draw_log_between(rng, 15, 80), level = draw_between(rng, -0.1f, 0.4f);
        texture_noise(cover, side, cell, cell, 0, 3, rng);
        for (size_t i = 0; i < pixels_of(side); i++)
            cover[i] = most * clampf((cover[i] - level) * cell / soft + 0.5f, 0, 1);
    } else { // throughout
        for (size_t i = 0; i < pixels_of(side); i++)
            cover[i] = 0.5f * most;
    }
}

void texture_make(int kind, struct rng *rng, int side, float *rgb)
{
    size_t pixels = pixels_of(side);
    float *plane = xmalloc(pixels * 4 * sizeof *plane), *other = plane + pixels;
    paint(rng, kind, side, plane, rgb);
    if (draw_chance(rng, 0.3f)) {
        paint(rng, (int)rng_below(rng, TEXTURE_KINDS), side, plane, other);
        draw_cover(rng, side, plane);
        for (size_t i = 0; i < pixels; i++)
            for (size_t k = 3 * i; k < 3 * i + 3; k++)
                rgb[k] = mixf(rgb[k], other[k], plane[i]);
    }
    free(plane);
}
