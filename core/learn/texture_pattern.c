#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "image/demo_draw.h"
#include "learn/texture_impl.h"

static float part_of(float u) // after the point
{
    return u - floorf(u);
}

// How far a pattern wanders from its formula, in units of its period: (side, side).
static float *draw_warp(struct rng *rng, int side, float most)
{
    float *warp = xcalloc((size_t)side * (size_t)side, sizeof *warp);
    if (draw_chance(rng, 0.6f)) {
        float cell = draw_log_between(rng, 20, 120), by = draw_between(rng, 0, most);
        texture_noise(warp, side, cell, cell, 0, 2, rng);
        for (size_t i = 0; i < (size_t)side * (size_t)side; i++)
            warp[i] *= by;
    }
    return warp;
}

void texture_weave(struct rng *rng, int side, float *plane)
{
    struct lay l = lay_draw(rng, 4, 22);
    float *warp = draw_warp(rng, side, 0.6f), tone[2];
    uint32_t salt = (uint32_t)rng_u64(rng);
    int over = 1 + (int)rng_below(rng, 3), repeat = over + 1 + (int)rng_below(rng, 2);
    int step = 1 + (int)rng_below(rng, 2);
    float gap = draw_between(rng, 0.02f, 0.16f), vary = draw_between(rng, 0.02f, 0.2f);
    float fibre = draw_between(rng, 0, 0.15f), dip = draw_between(rng, 0.2f, 0.8f);
    tone[0] = draw_between(rng, 0.45f, 0.95f);
    tone[1] = draw_chance(rng, 0.5f) ? tone[0] : draw_between(rng, 0.45f, 0.95f);
    float blur = 0.7f / fminf(l.px, l.py);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            size_t at = (size_t)y * (size_t)side + (size_t)x;
            float u, v;
            lay_at(&l, (float)x, (float)y, &u, &v);
            u += warp[at];
            v += 0.7f * warp[at];
            int i = (int)floorf(u), j = (int)floorf(v);
            int turn = (i + step * j) % repeat;
            bool up = (turn < 0 ? turn + repeat : turn) < over; // the thread along v lies above
            float across = 2 * (up ? part_of(u) : part_of(v)) - 1,
                  along = 2 * (up ? part_of(v) : part_of(u)) - 1;
            float thread = up ? texture_hash(i, 0, salt) : texture_hash(0, j, salt + 1);
            float round = 1 - across * across, edge = rampf(0, gap + blur, 1 - fabsf(across));
            float strand = texture_hash((int)(across * 3), up ? i : j, salt + 2) - 0.5f;
            float shade = 0.45f + 0.55f * sqrtf(fmaxf(0, round)) - dip * 0.35f * along * along;
            plane[at] = edge * (tone[up] + vary * (thread - 0.5f) + fibre * strand) * shade;
        }
    free(warp);
}

void texture_grid(struct rng *rng, int side, float *plane)
{
    struct lay l = lay_draw(rng, 7, 60);
    float *warp = draw_warp(rng, side, 0.12f);
    uint32_t salt = (uint32_t)rng_u64(rng);
    bool bricks = draw_chance(rng, 0.35f), mesh = draw_chance(rng, 0.3f);
    if (bricks)
        l.px *= draw_between(rng, 1.5f, 3);
    float joint = draw_log_between(rng, 1, fmaxf(1.2f, 0.22f * fminf(l.px, l.py)));
    if (mesh)
        joint *= draw_between(rng, 1, 2);
    float tile = draw_between(rng, 0.3f, 0.9f), grout = draw_between(rng, 0, 1);
    float vary = draw_between(rng, 0, 0.4f), bevel = draw_between(rng, -0.4f, 0.4f);
    float width = draw_between(rng, 0.7f, 3), shift = bricks ? draw_between(rng, 0.3f, 0.5f) : 0;
    if (fabsf(grout - tile) < 0.2f) // a joint that can be seen
        grout = tile > 0.5f ? tile - 0.35f : tile + 0.35f;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            size_t at = (size_t)y * (size_t)side + (size_t)x;
            float u, v;
            lay_at(&l, (float)x, (float)y, &u, &v);
            u += warp[at];
            v -= warp[at];
            int j = (int)floorf(v);
            u += shift * (float)(j & 1);
            int i = (int)floorf(u);
            float fu = part_of(u), fv = part_of(v);
            float du = fminf(fu, 1 - fu) * l.px,
                  dv = fminf(fv, 1 - fv) * l.py; // pixels to the joint's middle
            float in = clampf((fminf(du, dv) - joint / 2) + 0.5f, 0, 1);
            float rim = fmaxf(0, 1 - (fminf(du, dv) - joint / 2) / (2 * width));
            float side_lit = du < dv ? (fu < 0.5f ? 1.0f : -1.0f) : (fv < 0.5f ? 1.0f : -1.0f);
            float face = tile + vary * (texture_hash(i, j, salt) - 0.5f) + bevel * rim * side_lit;
            plane[at] = mixf(grout, face, in);
        }
    free(warp);
}

void texture_stripes(struct rng *rng, int side, float *plane)
{
    struct lay l = lay_draw(rng, 4, 70);
    float *warp = draw_warp(rng, side, 1.2f);
    uint32_t salt = (uint32_t)rng_u64(rng);
    int form = (int)rng_below(rng, 3);
    float duty = draw_between(rng, 0.15f, 0.85f),
          vary = draw_chance(rng, 0.5f) ? draw_between(rng, 0, 0.5f) : 0;
    float depth = draw_between(rng, 0.3f, 1), blur = draw_log_between(rng, 0.6f, 4) / l.px;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            size_t at = (size_t)y * (size_t)side + (size_t)x;
            float u, v;
            lay_at(&l, (float)x, (float)y, &u, &v);
            u += warp[at];
            float t = part_of(u), wave;
            if (form == 0)
                wave = 0.5f + 0.5f * draw_sin(t);
            else if (form == 1) // bands
                wave = clampf((fabsf(t - 0.5f) - duty / 2) / blur + 0.5f, 0, 1);
            else // rods, lit from one side
                wave = sqrtf(fmaxf(0, 1 - (2 * t - 1) * (2 * t - 1))) * (0.6f + 0.4f * (1 - t));
            plane[at] = 0.5f + depth * (wave - 0.5f) + vary * (texture_hash((int)floorf(u), 0, salt) - 0.5f);
        }
    free(warp);
}

// --- dots ----------------------------------------------------------------

struct dot {
    float x, y, radius, squeeze, c, s, tone;
};

// A stone or a hole: `form` 0 flat, 1 round and lit from (lx, ly), 2 a hole with a lit rim.
static void put_dot(float *plane, int side, const struct dot *d, int form, float lx, float ly)
{
    float reach = d->radius * fmaxf(1, d->squeeze) + 1.5f;
    int x0 = (int)clampf(d->x - reach, 0, (float)side), x1 = (int)clampf(d->x + reach + 1, 0, (float)side);
    int y0 = (int)clampf(d->y - reach, 0, (float)side), y1 = (int)clampf(d->y + reach + 1, 0, (float)side);
    float inverse = 1 / d->radius, inverse_v = inverse / d->squeeze;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            float dx = (float)x - d->x, dy = (float)y - d->y;
            float u = (dx * d->c + dy * d->s) * inverse, v = (dy * d->c - dx * d->s) * inverse_v;
            float r = sqrtf(u * u + v * v), in = clampf((1 - r) * d->radius + 0.5f, 0, 1);
            if (in <= 0)
                continue;
            float lit = (dx * lx + dy * ly) * inverse, tone = d->tone;
            if (form == 1)
                tone *= 0.65f + 0.35f * sqrtf(fmaxf(0, 1 - r * r)) + 0.35f * lit;
            else if (form == 2)
                tone += 0.5f * fmaxf(0, -lit) * r;
            float *to = plane + (size_t)y * (size_t)side + x;
            *to = mixf(*to, tone, in);
        }
}

void texture_dots(struct rng *rng, int side, float *plane)
{
    struct lay l = lay_draw(rng, 5, 40);
    int form = (int)rng_below(rng, 3);
    bool even = draw_chance(rng, 0.4f); // perforated or printed rather than strewn
    float ground = draw_between(rng, 0.05f, 0.8f), tone = draw_between(rng, 0.1f, 0.9f);
    float jitter = even ? draw_between(rng, 0, 0.06f) : draw_between(rng, 0.3f, 0.6f);
    float size = draw_between(rng, 0.2f, even ? 0.45f : 0.75f),
          vary = even ? 0.05f : draw_between(rng, 0.1f, 0.5f);
    float turns = draw_between(rng, 0, 1), lx = draw_cos(turns), ly = draw_sin(turns);
    float missing = even ? 0 : draw_between(rng, 0, 0.4f), fade = draw_between(rng, 0, 0.5f);
    float squeeze = even ? 1 : draw_log_between(rng, 0.6f, 1.6f);
    if (fabsf(tone - ground) < 0.25f)
        tone = ground > 0.5f ? ground - 0.4f : ground + 0.4f;
    for (size_t i = 0; i < (size_t)side * (size_t)side; i++)
        plane[i] = ground;
    float pitch = l.px, reach = 0.75f * (float)side;
    int count = (int)(reach / pitch) + 2;
    struct rng place = rng_seed(rng_u64(rng));
    for (int j = -count; j <= count; j++)
        for (int i = -count; i <= count; i++) {
            float u = ((float)i + draw_between(&place, -jitter, jitter)) * pitch;
            float v = ((float)j + draw_between(&place, -jitter, jitter)) * pitch;
            float radius = size * pitch * (1 + draw_between(&place, -vary, vary));
            float own = tone + fade * draw_between(&place, -0.5f, 0.5f), way = draw_between(&place, 0, 1);
            bool gone = draw_chance(&place, missing);
            float half = (float)side / 2, x = half + u * l.c - v * l.s, y = half + u * l.s + v * l.c;
            if (gone || x < -2 * pitch || y < -2 * pitch || x > (float)side + 2 * pitch ||
                y > (float)side + 2 * pitch)
                continue;
            struct dot d = {x, y, fmaxf(0.8f, radius), even ? 1 : squeeze, draw_cos(way), draw_sin(way), own};
            put_dot(plane, side, &d, form, lx, ly);
        }
}

// --- scratches -----------------------------------------------------------

// A line of `length` pixels that bends by `bend` radians on its way, thinning out at both ends.
static void put_line(float *plane, int side, float x, float y, float angle, float length, float bend,
                     float radius, float tone)
{
    int steps = (int)(length * 1.5f) + 1;
    for (int k = 0; k < steps; k++) {
        float t = (float)k / (float)steps, turn = angle + bend * t;
        x += cosf(turn) / 1.5f;
        y += sinf(turn) / 1.5f;
        float r = radius * fminf(1, 6 * fminf(t, 1 - t) + 0.2f);
        int x0 = (int)floorf(x - r), y0 = (int)floorf(y - r), x1 = (int)ceilf(x + r), y1 = (int)ceilf(y + r);
        for (int j = y0 < 0 ? 0 : y0; j <= y1 && j < side; j++)
            for (int i = x0 < 0 ? 0 : x0; i <= x1 && i < side; i++) {
                float dx = (float)i - x, dy = (float)j - y;
                float in = clampf(r + 0.5f - sqrtf(dx * dx + dy * dy), 0, 1) * fminf(1, 2 * r);
                float *to = plane + (size_t)j * (size_t)side + i;
                *to = mixf(*to, tone, 0.5f * in); // steps overlap
            }
    }
}

void texture_scratches(struct rng *rng, int side, float *plane)
{
    int count = 2 + (int)draw_log_between(rng, 1, 40);
    bool combed = draw_chance(rng, 0.4f);
    float main_way = draw_between(rng, 0, 6.2832f),
          spread = combed ? draw_between(rng, 0.02f, 0.3f) : 3.1416f;
    float bright = draw_between(rng, 0, 1), bow = draw_chance(rng, 0.5f) ? 0 : draw_between(rng, 0, 1);
    for (int k = 0; k < count; k++) {
        float x = draw_between(rng, -0.2f, 1.1f) * (float)side,
              y = draw_between(rng, -0.2f, 1.1f) * (float)side;
        float way = main_way + draw_between(rng, -spread, spread);
        float length = draw_log_between(rng, 0.08f, 1.5f) * (float)side, bend = draw_between(rng, -bow, bow);
        float radius = draw_log_between(rng, 0.3f, 1.8f);
        float tone = draw_chance(rng, bright) ? draw_between(rng, 0.7f, 1) : draw_between(rng, 0, 0.3f);
        put_line(plane, side, x, y, way, length, bend, radius, tone);
    }
}

// --- cells ---------------------------------------------------------------

struct seed_point {
    float x, y, tone;
};

void texture_cells(struct rng *rng, int side, float *plane)
{
    float pitch = draw_log_between(rng, 7, 50), stretch = draw_log_between(rng, 0.6f, 1.7f);
    float px = pitch * stretch, py = pitch / stretch, jitter = draw_between(rng, 0.25f, 0.5f);
    int columns = (int)((float)side / px) + 5, rows = (int)((float)side / py) + 5;
    struct seed_point *seeds = xcalloc((size_t)columns * (size_t)rows, sizeof *seeds);
    for (int j = 0; j < rows; j++)
        for (int i = 0; i < columns; i++) {
            struct seed_point *p = &seeds[j * columns + i];
            p->x = ((float)(i - 2) + 0.5f + draw_between(rng, -jitter, jitter)) * px;
            p->y = ((float)(j - 2) + 0.5f + draw_between(rng, -jitter, jitter)) * py;
            p->tone = draw_between(rng, 0, 1);
        }
    int form = (int)rng_below(rng, 3);
    float vary = draw_between(rng, 0, 0.6f), joint = draw_log_between(rng, 0.6f, fmaxf(0.8f, 0.15f * pitch));
    float soft = draw_between(rng, 0.7f, 2.5f), dome = draw_between(rng, 0.2f, 0.7f);
    for (int y = 0; y < side; y++) {
        int j0 = (int)((float)y / py) + 1; // rows j0 .. j0 + 2 hold all that may be nearest
        for (int x = 0; x < side; x++) {
            int i0 = (int)((float)x / px) + 1;
            float first = 1e9f, second = 1e9f, tone = 0, next = 0;
            for (int j = j0; j < j0 + 3; j++)
                for (int i = i0; i < i0 + 3; i++) {
                    const struct seed_point *p = &seeds[j * columns + i];
                    float dx = p->x - (float)x, dy = p->y - (float)y, d = dx * dx + dy * dy;
                    if (d < first) {
                        second = first;
                        next = tone;
                        first = d;
                        tone = p->tone;
                    } else if (d < second) {
                        second = d;
                        next = p->tone;
                    }
                }
            float r = sqrtf(first), edge = sqrtf(second) - r; // about twice the pixels to the border
            float in = rampf(joint - soft, joint + soft, edge), own = 0.5f + vary * (tone - 0.5f);
            float *to = plane + (size_t)y * (size_t)side + x;
            if (form == 0) // cracked ground
                *to = mixf(0.1f, own, in);
            else if (form == 1) // facets without a joint
                *to = 0.5f + (vary + 0.3f) * (mixf(next, tone, fminf(1, 0.5f + 0.5f * edge)) - 0.5f);
            else // scales, light in the middle
                *to = mixf(0.15f, own + dome * (0.4f - r / pitch), in);
        }
    }
    free(seeds);
}
