// Drawing for the demo's pictures, shared by its scenes: noise, relief with light
// and shadow, what may sit on a lens; the training crops (core/learn) use its numbers
// and its noise. Only + - * / and sqrt of single floats, so that every machine draws the
// same bytes.
#ifndef IMAGE_DEMO_DRAW_H
#define IMAGE_DEMO_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

// The planes of one picture's drawing, all of one size. One block, so that the
// allocator keeps it from picture to picture instead of returning it page by page.
enum { POOL_PLANES = 16 };
struct pool {
    size_t plane; // floats
    float *block;
    bool taken[POOL_PLANES];
};
void pool_init(struct pool *pool, int width, int height);
void pool_clear(struct pool *pool); // after all its canvases and planes

// A picture being drawn: gray levels 0..255 before clipping, and for the scenes
// seen from above how far each pixel stands over the ground (in pixels).
struct canvas {
    struct pool *pool;
    int width, height, channels;
    float *tone[3]; // (height, width) each; [1] and [2] only with 3 channels
    float *relief;  // (height, width)
};

void canvas_init(struct canvas *c, struct pool *pool, int width, int height, int channels); // zeroed
void canvas_clear(struct canvas *c);

// One picture to draw. Streams of random numbers hang on the three seeds, so a
// defect does not move anything else.
struct demo_view {
    uint64_t place, frame, flaw; // what is there; this exposure of it; the defect
    int number;                  // of the picture in its scene: slow drifts follow it
    int kind;                    // index into the scene's kinds, -1 without a defect
};

void demo_draw_belt(struct canvas *c, const struct demo_view *view);
void demo_draw_fastener(struct canvas *c, const struct demo_view *view);
void demo_draw_insulator(struct canvas *c, const struct demo_view *view);
// Sky and land, farther than what hangs before them and so moving less with the
// shift; sky_low receives the colour at the horizon.
void demo_draw_backdrop(struct canvas *c, const struct demo_view *view, float shift_x, float shift_y,
                        float sky_low[3]);

// --- numbers -------------------------------------------------------------

static inline float clampf(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static inline float mixf(float a, float b, float t)
{
    return a + (b - a) * t;
}

// 0 below `low`, 1 above `high`, smooth between.
static inline float rampf(float low, float high, float x)
{
    float t = clampf((x - low) / (high - low), 0, 1);
    return t * t * (3 - 2 * t);
}

float draw_sin(float turns); // of a whole turn; exact to 1e-3, the same everywhere
float draw_cos(float turns);

// Never two draws in one expression or argument list: C leaves their order open,
// and compilers do differ.
struct rng draw_rng(uint64_t seed, uint64_t tag); // an independent stream per tag
float draw_between(struct rng *r, float low, float high);
float draw_log_between(struct rng *r, float low, float high); // log-uniform, 0 < low
bool draw_chance(struct rng *r, float p);

// --- noise ---------------------------------------------------------------

// Smooth value noise in -amplitude..amplitude, a new value every cell_x by
// cell_y pixels, added to a (height, width) plane. The texture moves with
// (shift_x, shift_y), up to NOISE_SHIFT either way.
enum { NOISE_SHIFT = 24 };
struct noise {
    float cell_x, cell_y, amplitude, shift_x, shift_y;
};
void noise_add(float *plane, int width, int height, struct noise n, struct rng *rng);
// `octaves` of it, each half as large and half as strong.
void noise_add_octaves(float *plane, int width, int height, struct noise n, int octaves, struct rng *rng);

// A periodic smooth curve for outlines and paths, values -1..1, period WAVE.
enum { WAVE = 32 };
struct wave {
    float v[WAVE];
};
struct wave wave_make(struct rng *rng);
float wave_at(const struct wave *w, float t);

// --- planes --------------------------------------------------------------

float *plane_new(const struct canvas *c); // zeroed, of the canvas's size
void plane_free(const struct canvas *c, float *plane);
void plane_box_blur(const struct canvas *c, float *plane, int radius_x, int radius_y);
// A step of a [1 2 1] kernel both ways, mixed in by `amount` 0..1.
void plane_soften(float *plane, int width, int height, float amount);
void canvas_soften(struct canvas *c, float amount);
// Every channel towards `tint` by cover * opacity.
void canvas_mix_plane(struct canvas *c, const float *cover, const float *tint, float opacity);

// --- relief --------------------------------------------------------------

struct light {
    float x, y, z;    // unit vector towards the lamp
    float hx, hy, hz; // half way between it and the camera above
    float ambient, sun;
};
// A flat surface comes out at its own tone.
struct light light_from(float turns, float rise, float sun_share);

struct material {
    float tint[3];
    float gloss;          // 0..1 how strong the highlight
    const float *texture; // (height, width) factor - 1, or NULL
    float rough;          // times texture
};

// An angular stone: the part above ground of a random convex body.
void draw_lump(struct canvas *c, float x, float y, float radius, float base, const struct material *m,
               const struct light *light, struct rng *rng);

struct knot {
    float x, y, z, radius;
};
// A round bar through the knots; z is that of its axis.
void draw_tube(struct canvas *c, const struct knot *knots, int count, const struct material *m,
               const struct light *light);
// The outline of such a bar, into a cover plane (max).
void draw_stroke(const struct canvas *c, float *cover, const struct knot *knots, int count);
// Catmull-Rom through `count` knots, `steps` pieces each; returns how many were written.
int knots_smooth(const struct knot *from, int count, int steps, struct knot *to, int room);
// A wandering path from (x, y): `count` knots over `length` pixels along `turns`,
// bent by `wander` pixels, radius swelling to `radius` in the middle.
void knots_wander(struct knot *to, int count, float x, float y, float turns, float length, float wander,
                  float radius, struct rng *rng);

enum { PRISM_SIDES = 8 };
struct prism {
    float x, y;
    int sides; // 0: round
    float nx[PRISM_SIDES], ny[PRISM_SIDES], out[PRISM_SIDES];
    float top, bevel;
};
struct prism prism_block(float x, float y, float half_x, float half_y, float turns);
struct prism prism_regular(float x, float y, float radius, int sides, float turns); // sides 0: a disc
void draw_prism(struct canvas *c, const struct prism *p, const struct material *m, const struct light *light);

// Shadows thrown along the light by what stands up, then the dark of the gaps.
void relief_shadow(struct canvas *c, const struct light *light, float strength);
void relief_occlude(struct canvas *c, int radius, float strength);

// --- harmless oddities ---------------------------------------------------

void lens_drop(struct canvas *c, struct rng *rng); // a water drop on the glass
void draw_leaf(struct canvas *c, float x, float y, float length, float turns, const float *tint,
               struct rng *rng);
// Irregular round patch into a cover plane (max): radius * (1 + ragged * noise).
void draw_blob(const struct canvas *c, float *cover, float x, float y, float radius_x, float radius_y,
               float ragged, float soft, struct rng *rng);

#endif
