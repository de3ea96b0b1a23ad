#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo_draw.h"
#include "learn/camera.h"

#ifdef HAVE_TARGET_CLONES
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

enum { BLOCK = 8, LEVELS = 256, BLUR_MOST = 16 };

// --- drawing -------------------------------------------------------------

static void draw_light(struct camera *c, struct rng *rng)
{
    float strength = draw_between(rng, 0.05f, 0.45f);
    if (draw_chance(rng, 0.6f)) {
        float turns = draw_between(rng, 0, 1);
        c->light_x = strength * draw_cos(turns);
        c->light_y = strength * draw_sin(turns);
    } else {
        c->bow_x = draw_between(rng, -0.8f, 0.8f);
        c->bow_y = draw_between(rng, -0.8f, 0.8f);
        float x = 1 + fabsf(c->bow_x), y = 1 + fabsf(c->bow_y); // the farthest corner
        c->light_bow = 1.5f * strength / (x * x + y * y);
    }
}

struct camera camera_draw(struct rng *rng, double gray)
{
    struct camera c = {.gamma = 1, .cast = {1, 1, 1}};
    c.gray = rng_uniform(rng) < gray;
    if (draw_chance(rng, 0.3f))
        draw_light(&c, rng);
    if (draw_chance(rng, 0.15f))
        c.blur = draw_between(rng, 0.5f, 2);
    if (draw_chance(rng, 0.3f))
        c.gamma = draw_log_between(rng, 0.6f, 1.7f);
    c.contrast = draw_between(rng, 0.3f, 1.3f);
    c.brightness = draw_between(rng, -50, 50);
    if (!c.gray && draw_chance(rng, 0.3f))
        for (int k = 0; k < 3; k++)
            c.cast[k] = draw_between(rng, 0.85f, 1.15f);
    if (draw_chance(rng, 0.5f)) {
        c.noise = draw_log_between(rng, 0.5f, 8);
        c.noise_shared = draw_chance(rng, 0.5f);
        c.noise_seed = (uint32_t)rng_u64(rng);
    }
    if (draw_chance(rng, 0.1f)) {
        c.quality = 20 + (int)rng_below(rng, 61);
        c.block_x = (int)rng_below(rng, BLOCK);
        c.block_y = (int)rng_below(rng, BLOCK);
    }
    return c;
}

// --- tone ----------------------------------------------------------------

static void gamma_table(float gamma, float table[LEVELS + 1])
{
    for (int v = 0; v <= LEVELS; v++)
        table[v] = 255 * powf((float)v / 255, gamma);
}

static inline float look_up(const float *table, float v)
{
    v = clampf(v, 0, 255);
    int i = (int)v;
    return mixf(table[i], table[i + 1], v - (float)i);
}

void camera_meter(struct camera *c, const float *rgb, int side)
{
    float table[LEVELS + 1], sum = 0;
    gamma_table(c->gamma, table);
    size_t pixels = (size_t)side * (size_t)side, step = 13, n = 0; // a prime: no column is preferred
    for (size_t i = 0; i < pixels; i += step, n++) {
        const float *p = rgb + i * 3;
        sum += look_up(table, 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]);
    }
    c->mean = sum / (float)n;
    float low = fminf(35, c->mean), high = fmaxf(220, c->mean);
    c->brightness = clampf(c->mean + c->brightness, low, high) - c->mean;
}

static void look_up_all(float *v, size_t n, const float *table)
{
    for (size_t i = 0; i < n; i++)
        v[i] = look_up(table, v[i]);
}

CLONES static void tone_gray(float *v, size_t n, float scale, float shift)
{
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] * scale + shift;
}

CLONES static void tone_rgb(float *v, size_t pixels, const float scale[3], const float shift[3])
{
    float a = scale[0], b = scale[1], c = scale[2], d = shift[0], e = shift[1], f = shift[2];
    for (size_t i = 0; i < pixels; i++) {
        v[3 * i] = v[3 * i] * a + d;
        v[3 * i + 1] = v[3 * i + 1] * b + e;
        v[3 * i + 2] = v[3 * i + 2] * c + f;
    }
}

static void tone(const struct camera *c, float *v, size_t pixels, int channels)
{
    if (c->gamma < 1 || c->gamma > 1) {
        float table[LEVELS + 1];
        gamma_table(c->gamma, table);
        look_up_all(v, pixels * (size_t)channels, table);
    }
    float scale[3], shift[3];
    for (int k = 0; k < 3; k++) {
        scale[k] = c->contrast * c->cast[k];
        shift[k] = (c->mean * (1 - c->contrast) + c->brightness) * c->cast[k];
    }
    if (channels == 1)
        tone_gray(v, pixels, scale[0], shift[0]);
    else
        tone_rgb(v, pixels, scale, shift);
}

// --- light and lens ------------------------------------------------------

CLONES static void light_row(float *row, int side, int channels, float base, float slope, float bow,
                             float centre)
{
    float step = 2 / (float)side;
    for (int x = 0; x < side; x++) {
        float u = ((float)x + 0.5f) * step - 1, d = u - centre;
        float f = base + slope * u - bow * d * d;
        for (int k = 0; k < channels; k++)
            row[x * channels + k] *= f;
    }
}

static void uneven(const struct camera *c, float *v, int side, int channels)
{
    if (c->light_x == 0 && c->light_y == 0 && c->light_bow == 0)
        return;
    size_t line = (size_t)side * (size_t)channels;
    for (int y = 0; y < side; y++) {
        float t = ((float)y + 0.5f) * 2 / (float)side - 1, d = t - c->bow_y;
        float base = 1 + c->light_y * t - c->light_bow * d * d;
        light_row(v + (size_t)y * line, side, channels, base, c->light_x, c->light_bow, c->bow_x);
    }
}

// to[n] = the sum of `count` rows, each `stride` after the last, weighted. Four a turn, so that
// `to` is seldom loaded and stored.
CLONES static void sum_rows(float *restrict to, const float *const *rows, const float *weight, int count,
                            size_t n)
{
    memset(to, 0, n * sizeof *to);
    int k = 0;
    for (; k + 4 <= count; k += 4) {
        const float *a = rows[k], *b = rows[k + 1], *c = rows[k + 2], *d = rows[k + 3];
        float wa = weight[k], wb = weight[k + 1], wc = weight[k + 2], wd = weight[k + 3];
        for (size_t i = 0; i < n; i++)
            to[i] += (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
    }
    for (; k < count; k++)
        for (size_t i = 0; i < n; i++)
            to[i] += weight[k] * rows[k][i];
}

void camera_blur(float *samples, int side, int channels, float sigma)
{
    int radius = (int)ceilf(3 * sigma);
    radius = radius < 1 ? 1 : radius < BLUR_MOST ? radius : BLUR_MOST;
    float weight[2 * BLUR_MOST + 1], sum = 0;
    for (int k = -radius; k <= radius; k++)
        sum += weight[k + radius] = expf(-0.5f * (float)(k * k) / (sigma * sigma));
    for (int k = 0; k <= 2 * radius; k++)
        weight[k] /= sum;
    size_t n = (size_t)side * (size_t)channels, border = (size_t)radius * (size_t)channels;
    float *across = xaligned(n * (size_t)side + n + 2 * border, sizeof *across);
    float *line = across + n * (size_t)side; // one line with its border repeated
    const float *rows[2 * BLUR_MOST + 1];
    for (int k = 0; k <= 2 * radius; k++)
        rows[k] = line + (size_t)k * (size_t)channels;
    for (int y = 0; y < side; y++) {
        const float *from = samples + (size_t)y * n;
        memcpy(line + border, from, n * sizeof *line);
        for (size_t i = 0; i < border; i++) {
            line[i] = from[i % (size_t)channels];
            line[border + n + i] = from[n - (size_t)channels + i % (size_t)channels];
        }
        sum_rows(across + (size_t)y * n, rows, weight, 2 * radius + 1, n);
    }
    for (int y = 0; y < side; y++) {
        for (int k = -radius; k <= radius; k++) {
            int at = y + k < 0 ? 0 : y + k < side ? y + k : side - 1;
            rows[k + radius] = across + (size_t)at * n;
        }
        sum_rows(samples + (size_t)y * n, rows, weight, 2 * radius + 1, n);
    }
    free(across);
}

// --- sensor and storage --------------------------------------------------

// About normal, deviation 1: four bytes of a hash of the place (lowbias32 of the Hash
// Prospector, C. Wellons 2018) added up. No state, so that it goes in vectors.
static inline float noise_at(uint32_t place, uint32_t seed)
{
    uint32_t x = place + seed;
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    x ^= x >> 16;
    int32_t sum = (int32_t)((x & 0xff) + (x >> 8 & 0xff) + (x >> 16 & 0xff) + (x >> 24)) - 510;
    return (float)sum * (1 / 147.8f);
}

CLONES static void add_noise(float *v, size_t n, float sigma, uint32_t seed)
{
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        v[i] += sigma * noise_at(i, seed);
}

CLONES static void add_noise_shared(float *v, size_t pixels, float sigma, uint32_t seed)
{
    for (uint32_t i = 0; i < (uint32_t)pixels; i++) {
        float e = sigma * noise_at(i, seed);
        v[3 * i] += e;
        v[3 * i + 1] += e;
        v[3 * i + 2] += e;
    }
}

// Luminance steps of ITU-T T.81, table K.1, at quality 50.
static const uint8_t steps[BLOCK][BLOCK] = {
    {16, 11, 10, 16, 24, 40, 51, 61},     {12, 12, 14, 19, 26, 58, 60, 55},
    {14, 13, 16, 24, 40, 57, 69, 56},     {14, 17, 22, 29, 51, 87, 80, 62},
    {18, 22, 37, 56, 68, 109, 103, 77},   {24, 35, 55, 64, 81, 104, 113, 92},
    {49, 64, 78, 87, 103, 121, 120, 101}, {72, 92, 95, 98, 112, 100, 103, 99},
};

// to = basis * from * basis^T, or with the basis transposed the way back.
CLONES static void transform(const float basis[BLOCK][BLOCK], float block[BLOCK][BLOCK])
{
    float half[BLOCK][BLOCK] = {{0}};
    for (int i = 0; i < BLOCK; i++)
        for (int k = 0; k < BLOCK; k++)
            for (int j = 0; j < BLOCK; j++)
                half[i][j] += basis[i][k] * block[k][j];
    for (int i = 0; i < BLOCK; i++) {
        float row[BLOCK] = {0};
        for (int k = 0; k < BLOCK; k++)
            for (int j = 0; j < BLOCK; j++)
                row[j] += half[i][k] * basis[j][k];
        memcpy(block[i], row, sizeof row);
    }
}

// Quantises the luma of each block; colour, which eyes and JPEG care less for, follows it.
static void blocks(const struct camera *c, float *v, int side, int channels)
{
    float basis[BLOCK][BLOCK], back[BLOCK][BLOCK], step[BLOCK][BLOCK], luma[BLOCK][BLOCK],
        coded[BLOCK][BLOCK];
    float share = c->quality < 50 ? 50 / (float)c->quality : 2 - (float)c->quality / 50;
    for (int i = 0; i < BLOCK; i++)
        for (int j = 0; j < BLOCK; j++) {
            basis[i][j] = cosf((float)((2 * j + 1) * i) * 3.14159265f / 16) * (i ? 0.5f : 0.35355339f);
            back[j][i] = basis[i][j];
            step[i][j] = fmaxf(1, (float)steps[i][j] * share);
        }
    for (int y0 = -c->block_y; y0 < side; y0 += BLOCK)
        for (int x0 = -c->block_x; x0 < side; x0 += BLOCK) {
            float *at[BLOCK][BLOCK];
            for (int i = 0; i < BLOCK; i++)
                for (int j = 0; j < BLOCK; j++) {
                    int y = y0 + i < 0 ? 0 : y0 + i < side ? y0 + i : side - 1;
                    int x = x0 + j < 0 ? 0 : x0 + j < side ? x0 + j : side - 1;
                    float *p = v + ((size_t)y * (size_t)side + (size_t)x) * (size_t)channels;
                    luma[i][j] = channels == 1 ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
                    at[i][j] = y == y0 + i && x == x0 + j ? p : NULL;
                }
            memcpy(coded, luma, sizeof coded);
            transform((const float(*)[BLOCK])basis, coded);
            for (int i = 0; i < BLOCK; i++)
                for (int j = 0; j < BLOCK; j++)
                    coded[i][j] = floorf(coded[i][j] / step[i][j] + 0.5f) * step[i][j];
            transform((const float(*)[BLOCK])back, coded);
            for (int i = 0; i < BLOCK; i++)
                for (int j = 0; j < BLOCK; j++)
                    for (int k = 0; k < channels && at[i][j]; k++)
                        at[i][j][k] += coded[i][j] - luma[i][j];
        }
}

CLONES static void cut(float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i];
}

CLONES static void to_gray(float *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        rgb[i] = 0.299f * rgb[3 * i] + 0.587f * rgb[3 * i + 1] + 0.114f * rgb[3 * i + 2];
}

void camera_see(const struct camera *c, float *rgb, float *mask, int side)
{
    // A gray crop is worked on as one channel, in the first third of the buffer.
    int channels = c->gray ? 1 : 3;
    size_t pixels = (size_t)side * (size_t)side, n = pixels * (size_t)channels;
    if (c->gray)
        to_gray(rgb, pixels);
    uneven(c, rgb, side, channels);
    if (c->blur > 0) {
        camera_blur(rgb, side, channels, c->blur);
        if (mask)
            camera_blur(mask, side, 1, c->blur);
    }
    tone(c, rgb, pixels, channels);
    if (c->noise > 0 && channels == 3 && c->noise_shared)
        add_noise_shared(rgb, pixels, c->noise, c->noise_seed);
    else if (c->noise > 0)
        add_noise(rgb, n, c->noise, c->noise_seed);
    if (c->quality > 0)
        blocks(c, rgb, side, channels);
    cut(rgb, n);
    for (size_t i = pixels; c->gray && i-- > 0;)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = rgb[i];
}
