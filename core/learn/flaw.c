#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo_draw.h"
#include "learn/camera.h"
#include "learn/flaw.h"
#include "learn/texture.h"

enum { ATTEMPTS = 5, LEAST_PIXELS = 12, KNOTS = 24 };
static const float least_change = 8; // mean over what is covered, levels

// One defect in the making: `under` is the picture without it.
struct draft {
    int side;
    float unit; // pixels for each that the sizes below are given in, at 160
    const float *under, *other;
    float *rgb, *mask;
};

static size_t pixels_of(const struct draft *d)
{
    return (size_t)d->side * (size_t)d->side;
}

// --- covers --------------------------------------------------------------

static void cover_disc(const struct draft *d, float x, float y, float radius, float soft)
{
    float reach = radius + soft;
    int x0 = (int)clampf(x - reach, 0, (float)d->side), x1 = (int)clampf(x + reach + 2, 0, (float)d->side);
    int y0 = (int)clampf(y - reach, 0, (float)d->side), y1 = (int)clampf(y + reach + 2, 0, (float)d->side);
    for (int j = y0; j < y1; j++)
        for (int i = x0; i < x1; i++) {
            float dx = (float)i - x, dy = (float)j - y;
            float in = clampf((radius - sqrtf(dx * dx + dy * dy)) / soft + 0.5f, 0, 1);
            float *to = d->mask + (size_t)j * (size_t)d->side + i;
            *to = fmaxf(*to, in);
        }
}

// A turned rectangle (round: an ellipse) of half sizes a, b.
static void cover_bar(const struct draft *d, float x, float y, float a, float b, float turns, float soft,
                      bool round)
{
    float c = draw_cos(turns), s = draw_sin(turns), size = fminf(a, b);
    for (int j = 0; j < d->side; j++)
        for (int i = 0; i < d->side; i++) {
            float dx = (float)i - x, dy = (float)j - y;
            float u = fabsf(dx * c + dy * s), v = fabsf(dy * c - dx * s), in;
            if (round)
                in = (1 - sqrtf(u * u / (a * a) + v * v / (b * b))) * size;
            else
                in = fminf(a - u, b - v);
            d->mask[(size_t)j * (size_t)d->side + (size_t)i] = clampf(in / soft + 0.5f, 0, 1);
        }
}

// An island of noise around (x, y), about `radius` wide.
static void cover_island(const struct draft *d, struct rng *rng, float x, float y, float radius, float soft)
{
    float cell = radius * draw_between(rng, 0.4f, 1.2f), ragged = draw_between(rng, 0.3f, 0.9f);
    float squeeze = draw_log_between(rng, 0.5f, 2), turns = draw_between(rng, 0, 0.5f);
    float c = draw_cos(turns), s = draw_sin(turns);
    texture_noise(d->mask, d->side, fmaxf(2, cell), fmaxf(2, cell), 0, 3, rng);
    for (int j = 0; j < d->side; j++)
        for (int i = 0; i < d->side; i++) {
            float dx = ((float)i - x) / radius, dy = ((float)j - y) / radius;
            float u = (dx * c + dy * s) * squeeze, v = (dy * c - dx * s) / squeeze;
            float *m = d->mask + (size_t)j * (size_t)d->side + i;
            *m = clampf((1 + ragged * *m * 2 - sqrtf(u * u + v * v)) * radius / soft + 0.5f, 0, 1);
        }
}

// --- what covers ---------------------------------------------------------

// Towards one colour.
static void lay_colour(const struct draft *d, const float colour[3], float opacity)
{
    for (size_t i = 0; i < pixels_of(d); i++)
        for (size_t k = 0; k < 3 && d->mask[i] > 0; k++)
            d->rgb[3 * i + k] = mixf(d->rgb[3 * i + k], colour[k], d->mask[i] * opacity);
}

// Towards `from` moved by (dx, dy), wrapped around, mirrored or not.
static void lay_piece(const struct draft *d, const float *from, int dx, int dy, bool mirror, float opacity)
{
    int side = d->side;
    for (int j = 0; j < side; j++)
        for (int i = 0; i < side; i++) {
            size_t at = (size_t)j * (size_t)side + (size_t)i;
            if (d->mask[at] <= 0)
                continue;
            int x = (mirror ? side - 1 - i : i) + dx, y = j + dy;
            const float *p = from + ((size_t)(y % side) * (size_t)side + (size_t)(x % side)) * 3;
            for (size_t k = 0; k < 3; k++)
                d->rgb[3 * at + k] = mixf(d->rgb[3 * at + k], p[k], d->mask[at] * opacity);
        }
}

// Towards what the camera would have made of the place: about its mean, then shifted.
static void lay_tone(const struct draft *d, float contrast, float shift, float blur)
{
    float *sharp = NULL, mean[3] = {0}, weight = 1e-6f;
    if (blur > 0) {
        sharp = xmalloc(pixels_of(d) * 3 * sizeof *sharp);
        memcpy(sharp, d->under, pixels_of(d) * 3 * sizeof *sharp);
        camera_blur(sharp, d->side, 3, blur);
    }
    const float *from = sharp ? sharp : d->under;
    for (size_t i = 0; i < pixels_of(d); i++) {
        weight += d->mask[i];
        for (size_t k = 0; k < 3; k++)
            mean[k] += d->mask[i] * from[3 * i + k];
    }
    for (size_t i = 0; i < pixels_of(d); i++)
        for (size_t k = 0; k < 3 && d->mask[i] > 0; k++) {
            float m = mean[k] / weight, v = m + (from[3 * i + k] - m) * contrast + shift;
            d->rgb[3 * i + k] = mixf(d->rgb[3 * i + k], clampf(v, 0, 255), d->mask[i]);
        }
    free(sharp);
}

static float draw_place(const struct draft *d, struct rng *rng)
{
    return draw_between(rng, 0.08f, 0.92f) * (float)d->side;
}

static void draw_colour(const struct draft *d, struct rng *rng, float dark_share, float colour[3])
{
    (void)d;
    float tone = draw_chance(rng, dark_share) ? draw_between(rng, 0, 70) : draw_between(rng, 70, 255);
    float vivid = draw_chance(rng, 0.25f) ? 60 : 8;
    for (int k = 0; k < 3; k++)
        colour[k] = clampf(tone + draw_between(rng, -vivid, vivid), 0, 255);
}

static bool somewhere_else(const struct draft *d, struct rng *rng, int *dx, int *dy)
{
    *dx = (int)((float)d->side * draw_between(rng, 0.15f, 0.85f));
    *dy = (int)((float)d->side * draw_between(rng, 0.15f, 0.85f));
    return draw_chance(rng, 0.5f);
}

// --- the kinds -----------------------------------------------------------

static void scar(const struct draft *d, struct rng *rng)
{
    float x = draw_place(d, rng), y = draw_place(d, rng), width = draw_log_between(rng, 1, 8) * d->unit;
    float length = draw_log_between(rng, 5, 45) * d->unit, turns = draw_between(rng, 0, 1);
    float soft = draw_log_between(rng, 0.7f, 4);
    cover_bar(d, x, y, length, width, turns, soft, false);
    if (draw_chance(rng, 0.5f)) {
        float colour[3];
        draw_colour(d, rng, 0.5f, colour);
        lay_colour(d, colour, draw_between(rng, 0.4f, 1));
    } else {
        int dx, dy;
        bool mirror = somewhere_else(d, rng, &dx, &dy);
        lay_piece(d, d->under, dx, dy, mirror, 1);
    }
}

static void blob(const struct draft *d, struct rng *rng)
{
    float x = draw_place(d, rng), y = draw_place(d, rng), radius = draw_log_between(rng, 4, 36) * d->unit;
    cover_island(d, rng, x, y, radius, draw_log_between(rng, 0.7f, 6));
    int dx, dy;
    bool mirror = somewhere_else(d, rng, &dx, &dy);
    lay_piece(d, d->other, dx, dy, mirror, draw_between(rng, 0.3f, 1));
}

static void paste(const struct draft *d, struct rng *rng)
{
    float x = draw_place(d, rng), y = draw_place(d, rng), a = draw_log_between(rng, 4, 34) * d->unit;
    float b = fminf(a * draw_log_between(rng, 0.4f, 2.5f), 0.35f * (float)d->side),
          turns = draw_between(rng, 0, 1);
    float soft = draw_log_between(rng, 1, 10);
    bool round = draw_chance(rng, 0.5f);
    cover_bar(d, x, y, a, b, turns, soft, round);
    int dx, dy;
    bool mirror = somewhere_else(d, rng, &dx, &dy), foreign = draw_chance(rng, 0.5f);
    lay_piece(d, foreign ? d->other : d->under, dx, dy, mirror, draw_between(rng, 0.6f, 1));
}

// Steps that keep their direction for a while; now and then a branch.
static void line(const struct draft *d, struct rng *rng)
{
    float x = draw_place(d, rng), y = draw_place(d, rng), way = draw_between(rng, 0, 1);
    float radius = draw_log_between(rng, 0.5f, 3) * fmaxf(1, d->unit),
          wander = draw_between(rng, 0.01f, 0.09f);
    float step = draw_log_between(rng, 1.5f, 7) * d->unit, branch_x = x, branch_y = y;
    memset(d->mask, 0, pixels_of(d) * sizeof *d->mask);
    int branch = draw_chance(rng, 0.3f) ? (int)rng_below(rng, KNOTS) : KNOTS;
    for (int k = 0; k < KNOTS + KNOTS / 2; k++) {
        if (k == KNOTS) {
            if (branch == KNOTS)
                break;
            x = branch_x;
            y = branch_y;
            way += draw_between(rng, 0.1f, 0.25f);
        }
        if (k == branch) {
            branch_x = x;
            branch_y = y;
        }
        way += draw_between(rng, -wander, wander);
        float c = draw_cos(way), s = draw_sin(way), here = radius * draw_between(rng, 0.6f, 1.2f);
        int dabs = 1 + (int)(step * 1.5f);
        for (int i = 0; i < dabs; i++, x += c * step / (float)dabs, y += s * step / (float)dabs)
            cover_disc(d, x, y, here, 1);
        if (x < 0 || y < 0 || x > (float)d->side || y > (float)d->side)
            way += 0.4f; // back in
    }
    float colour[3];
    draw_colour(d, rng, 0.75f, colour);
    lay_colour(d, colour, draw_between(rng, 0.4f, 1));
}

static void local(const struct draft *d, struct rng *rng)
{
    float x = draw_place(d, rng), y = draw_place(d, rng), radius = draw_log_between(rng, 5, 40) * d->unit;
    float soft = draw_log_between(rng, 2, 20);
    if (draw_chance(rng, 0.5f)) {
        cover_island(d, rng, x, y, radius, soft);
    } else {
        float b = radius * draw_log_between(rng, 0.5f, 2), turns = draw_between(rng, 0, 1);
        cover_bar(d, x, y, radius, fminf(b, 0.35f * (float)d->side), turns, soft, true);
    }
    float blur = draw_chance(rng, 0.5f) ? draw_between(rng, 1.5f, 5) : 0;
    float contrast = draw_chance(rng, 0.4f) ? draw_between(rng, 0.2f, 2) : 1;
    float shift = blur > 0 && draw_chance(rng, 0.5f) ? 0 : draw_between(rng, 12, 60);
    lay_tone(d, contrast, draw_chance(rng, 0.6f) ? -shift : shift, blur);
}

static void zone(const struct draft *d, struct rng *rng)
{
    float turns = draw_between(rng, 0, 1), c = draw_cos(turns), s = draw_sin(turns);
    float at = draw_between(rng, 0, 0.35f) * (float)d->side, soft = draw_log_between(rng, 1, 25);
    float wavy = draw_between(rng, 0, 12) * d->unit, cell = draw_log_between(rng, 10, 60) * d->unit;
    texture_noise(d->mask, d->side, fmaxf(2, cell), fmaxf(2, cell), 0, 2, rng);
    for (int j = 0; j < d->side; j++)
        for (int i = 0; i < d->side; i++) {
            float *m = d->mask + (size_t)j * (size_t)d->side + i;
            float in = (float)(i - d->side / 2) * c + (float)(j - d->side / 2) * s - at + wavy * *m;
            *m = clampf(in / soft + 0.5f, 0, 1);
        }
    if (draw_chance(rng, 0.3f)) {
        lay_piece(d, d->other, 0, 0, false, draw_between(rng, 0.25f, 0.8f));
        return;
    }
    float shift = draw_between(rng, 12, 45), contrast = draw_between(rng, 0.6f, 1.3f);
    lay_tone(d, contrast, draw_chance(rng, 0.5f) ? -shift : shift, draw_chance(rng, 0.3f) ? 1.5f : 0);
}

// The last resort: away from the nearer end of the scale, so that it always shows.
static void stain(const struct draft *d, struct rng *rng)
{
    float x = draw_place(d, rng), y = draw_place(d, rng), radius = draw_between(rng, 6, 14) * d->unit;
    memset(d->mask, 0, pixels_of(d) * sizeof *d->mask);
    cover_disc(d, x, y, fmaxf(radius, 2.5f), 1.5f);
    for (size_t i = 0; i < pixels_of(d); i++)
        for (size_t k = 3 * i; k < 3 * i + 3; k++)
            d->rgb[k] += d->mask[i] * (d->rgb[k] < 128 ? 45.0f : -45.0f);
}

static const struct {
    const char *name;
    void (*draw)(const struct draft *d, struct rng *rng);
    bool other;
    float most; // share of the picture
} kinds[FLAW_KINDS] = {
    [FLAW_SCAR] = {"scar", scar, false, 0.5f},    [FLAW_BLOB] = {"blob", blob, true, 0.5f},
    [FLAW_PASTE] = {"paste", paste, true, 0.5f},  [FLAW_LINE] = {"line", line, false, 0.5f},
    [FLAW_LOCAL] = {"local", local, false, 0.5f}, [FLAW_ZONE] = {"zone", zone, true, 0.65f},
};

const char *flaw_name(int kind)
{
    return kinds[kind].name;
}

bool flaw_needs_other(int kind)
{
    return kinds[kind].other;
}

static bool shows(const struct draft *d, float most)
{
    size_t pixels = pixels_of(d);
    float covered = 0, change = 0;
    for (size_t i = 0; i < pixels; i++) {
        if (d->mask[i] <= 0)
            continue;
        covered += d->mask[i];
        for (size_t k = 3 * i; k < 3 * i + 3; k++)
            change += fabsf(d->rgb[k] - d->under[k]) * (1.0f / 3);
    }
    return covered >= LEAST_PIXELS && covered <= most * (float)pixels && change >= least_change * covered;
}

void flaw_add(int kind, struct rng *rng, int side, const float *other, float *rgb, float *mask)
{
    size_t samples = (size_t)side * (size_t)side * 3;
    float *under = xmalloc(samples * sizeof *under);
    struct draft d = {side, (float)side / 160, under, other, rgb, mask};
    memcpy(under, rgb, samples * sizeof *under);
    int attempt = 0;
    do {
        if (attempt > 0)
            memcpy(rgb, under, samples * sizeof *rgb);
        kinds[kind].draw(&d, rng);
    } while (!shows(&d, kinds[kind].most) && ++attempt < ATTEMPTS);
    if (attempt == ATTEMPTS) {
        memcpy(rgb, under, samples * sizeof *rgb);
        stain(&d, rng);
    }
    free(under);
}
