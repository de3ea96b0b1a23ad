#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo_draw.h"

void pool_init(struct pool *pool, int width, int height)
{
    *pool = (struct pool){.plane = (size_t)width * (size_t)height};
    pool->block = xmalloc(POOL_PLANES * pool->plane * sizeof(float));
}

void pool_clear(struct pool *pool)
{
    free(pool->block);
    *pool = (struct pool){0};
}

float *plane_new(const struct canvas *c)
{
    struct pool *pool = c->pool;
    float *plane = NULL;
    for (size_t i = 0; i < POOL_PLANES && !plane; i++)
        if (!pool->taken[i]) {
            pool->taken[i] = true;
            plane = pool->block + i * pool->plane;
        }
    if (!plane) // more at once than was foreseen
        plane = xmalloc(pool->plane * sizeof *plane);
    memset(plane, 0, pool->plane * sizeof *plane);
    return plane;
}

void plane_free(const struct canvas *c, float *plane)
{
    struct pool *pool = c->pool;
    for (size_t i = 0; i < POOL_PLANES; i++)
        if (plane == pool->block + i * pool->plane) {
            pool->taken[i] = false;
            return;
        }
    free(plane);
}

void canvas_init(struct canvas *c, struct pool *pool, int width, int height, int channels)
{
    *c = (struct canvas){.pool = pool, .width = width, .height = height, .channels = channels};
    for (int k = 0; k < channels; k++)
        c->tone[k] = plane_new(c);
    c->relief = plane_new(c);
}

void canvas_clear(struct canvas *c)
{
    for (int k = 0; k < c->channels; k++)
        plane_free(c, c->tone[k]);
    plane_free(c, c->relief);
    *c = (struct canvas){0};
}

// --- numbers -------------------------------------------------------------

float draw_sin(float turns)
{
    // Parabola through the zeros and peaks, squared once more for the shape.
    float t = turns - floorf(turns);
    float x = t < 0.5f ? t : t - 0.5f;
    float p = 16 * x * (0.5f - x);
    p = 0.775f * p + 0.225f * p * p;
    return t < 0.5f ? p : -p;
}

float draw_cos(float turns)
{
    return draw_sin(turns + 0.25f);
}

struct rng draw_rng(uint64_t seed, uint64_t tag)
{
    uint64_t mixed = seed + tag * 0xd1342543de82ef95u;
    return rng_seed(rng_splitmix(&mixed));
}

float draw_between(struct rng *r, float low, float high)
{
    return low + (high - low) * ((float)(rng_u64(r) >> 40) * 0x1p-24f);
}

float draw_log_between(struct rng *r, float low, float high)
{
    // Halve the range, in the logarithm, as the bits say: nine square roots instead of a power.
    uint64_t bits = rng_u64(r);
    for (int i = 0; i < 9; i++, bits >>= 1) {
        float middle = sqrtf(low * high);
        if (bits & 1)
            low = middle;
        else
            high = middle;
    }
    return mixf(low, high, (float)(bits & 0xffffff) * 0x1p-24f);
}

bool draw_chance(struct rng *r, float p)
{
    return draw_between(r, 0, 1) < p;
}

// --- noise ---------------------------------------------------------------

// Four values in -amplitude..amplitude from each random number.
static void noise_values(float *to, size_t count, float amplitude, struct rng *rng)
{
    float scale = amplitude / 32768;
    for (size_t i = 0; i < count; i += 4) {
        uint64_t bits = rng_u64(rng);
        for (size_t k = i; k < i + 4 && k < count; k++, bits >>= 16)
            to[k] = ((float)(bits & 0xffff) - 32767.5f) * scale;
    }
}

void noise_add(float *plane, int width, int height, struct noise n, struct rng *rng)
{
    float left = n.shift_x + NOISE_SHIFT, top = n.shift_y + NOISE_SHIFT;
    left = clampf(left, 0, 2 * NOISE_SHIFT);
    top = clampf(top, 0, 2 * NOISE_SHIFT);
    int columns = (int)((float)(width + 2 * NOISE_SHIFT) / n.cell_x) + 3;
    int rows = (int)((float)(height + 2 * NOISE_SHIFT) / n.cell_y) + 3;
    float *lattice = xmalloc(((size_t)columns * (size_t)(rows + 1) + (size_t)width) * sizeof *lattice);
    float *row = lattice + (size_t)columns * (size_t)rows, *fade = row + columns;
    uint16_t *cell = xmalloc((size_t)width * sizeof *cell);
    noise_values(lattice, (size_t)columns * (size_t)rows, n.amplitude, rng);
    for (int x = 0; x < width; x++) {
        float g = ((float)x + left) / n.cell_x;
        cell[x] = (uint16_t)g;
        fade[x] = rampf(0, 1, g - (float)cell[x]);
    }
    for (int y = 0; y < height; y++) {
        float g = ((float)y + top) / n.cell_y;
        int j = (int)g;
        float f = rampf(0, 1, g - (float)j);
        const float *a = lattice + (size_t)j * (size_t)columns, *b = a + columns;
        for (int i = 0; i < columns; i++)
            row[i] = mixf(a[i], b[i], f);
        float *to = plane + (size_t)y * (size_t)width;
        for (int x = 0; x < width; x++)
            to[x] += mixf(row[cell[x]], row[cell[x] + 1], fade[x]);
    }
    free(cell);
    free(lattice);
}

void noise_add_octaves(float *plane, int width, int height, struct noise n, int octaves, struct rng *rng)
{
    for (int i = 0; i < octaves; i++) {
        noise_add(plane, width, height, n, rng);
        n.cell_x *= 0.5f;
        n.cell_y *= 0.5f;
        n.amplitude *= 0.5f;
    }
}

struct wave wave_make(struct rng *rng)
{
    struct wave w;
    noise_values(w.v, WAVE, 1, rng);
    return w;
}

float wave_at(const struct wave *w, float t)
{
    float below = floorf(t);
    int i = (int)below & (WAVE - 1);
    return mixf(w->v[i], w->v[(i + 1) & (WAVE - 1)], rampf(0, 1, t - below));
}

// --- planes --------------------------------------------------------------

void plane_box_blur(const struct canvas *c, float *plane, int radius_x, int radius_y)
{
    int width = c->width, height = c->height;
    size_t w = (size_t)width;
    float *copy = plane_new(c), *sum = xcalloc(w, sizeof *sum);
    float scale = 1 / (float)(2 * radius_x + 1);
    for (int y = 0; y < height; y++) {
        const float *from = plane + (size_t)y * w;
        float *to = copy + (size_t)y * w, run = from[0] * (float)(radius_x + 1);
        for (int x = 1; x <= radius_x; x++)
            run += from[x < width ? x : width - 1];
        for (int x = 0; x < width; x++) {
            to[x] = run * scale;
            int in = x + radius_x + 1, out = x - radius_x;
            run += from[in < width ? in : width - 1] - from[out > 0 ? out : 0];
        }
    }
    scale = 1 / (float)(2 * radius_y + 1);
    for (int y = -radius_y; y <= radius_y; y++) {
        const float *from = copy + (size_t)(y < 0 ? 0 : y < height ? y : height - 1) * w;
        for (int x = 0; x < width; x++)
            sum[x] += from[x];
    }
    for (int y = 0; y < height; y++) {
        int in = y + radius_y + 1, out = y - radius_y;
        const float *enter = copy + (size_t)(in < height ? in : height - 1) * w;
        const float *leave = copy + (size_t)(out > 0 ? out : 0) * w;
        float *to = plane + (size_t)y * w;
        for (int x = 0; x < width; x++) {
            to[x] = sum[x] * scale;
            sum[x] += enter[x] - leave[x];
        }
    }
    free(sum);
    plane_free(c, copy);
}

void plane_soften(float *plane, int width, int height, float amount)
{
    size_t w = (size_t)width;
    float *rows = xmalloc(3 * w * sizeof *rows); // the last row as it was, this row, the result of both
    float *above = rows, *here = rows + w, *column = rows + 2 * w;
    memcpy(above, plane, w * sizeof *plane);
    for (int y = 0; y < height; y++) {
        float *to = plane + (size_t)y * w;
        const float *below = y + 1 < height ? to + w : to;
        memcpy(here, to, w * sizeof *to);
        for (int x = 0; x < width; x++)
            column[x] = 0.25f * (above[x] + below[x]) + 0.5f * here[x];
        for (int x = 0; x < width; x++) {
            float l = column[x > 0 ? x - 1 : 0], r = column[x + 1 < width ? x + 1 : x];
            to[x] = mixf(here[x], 0.25f * (l + r) + 0.5f * column[x], amount);
        }
        float *old = above;
        above = here;
        here = old;
    }
    free(rows);
}

void canvas_soften(struct canvas *c, float amount)
{
    for (int k = 0; k < c->channels; k++)
        plane_soften(c->tone[k], c->width, c->height, amount);
}

void canvas_mix_plane(struct canvas *c, const float *cover, const float *tint, float opacity)
{
    size_t count = (size_t)c->width * (size_t)c->height;
    for (int k = 0; k < c->channels; k++)
        for (size_t i = 0; i < count; i++)
            c->tone[k][i] = mixf(c->tone[k][i], tint[k], cover[i] * opacity);
}

// --- harmless oddities ---------------------------------------------------

void draw_blob(const struct canvas *c, float *cover, float x, float y, float radius_x, float radius_y,
               float ragged, float soft, struct rng *rng)
{
    struct wave wave = wave_make(rng), fine = wave_make(rng);
    float reach = 1 + 1.5f * ragged;
    int x0 = (int)clampf(x - radius_x * reach - 2, 0, (float)c->width);
    int x1 = (int)clampf(x + radius_x * reach + 3, 0, (float)c->width);
    int y0 = (int)clampf(y - radius_y * reach - 2, 0, (float)c->height);
    int y1 = (int)clampf(y + radius_y * reach + 3, 0, (float)c->height);
    float size = radius_x < radius_y ? radius_x : radius_y;
    for (int j = y0; j < y1; j++)
        for (int i = x0; i < x1; i++) {
            float u = ((float)i - x) / radius_x, v = ((float)j - y) / radius_y;
            float r = sqrtf(u * u + v * v) + 1e-6f;
            // The direction as a number 0..4 without an arc tangent.
            float s = v / (fabsf(u) + fabsf(v) + 1e-6f), turn = u >= 0 ? 1 + s : 3 - s;
            float edge = 1 + ragged * (wave_at(&wave, turn * 2) + 0.5f * wave_at(&fine, turn * 8));
            float in = clampf((edge - r) * size / soft + 0.5f, 0, 1);
            float *to = cover + (size_t)j * (size_t)c->width + i;
            if (in > *to)
                *to = in;
        }
}

void lens_drop(struct canvas *c, struct rng *rng)
{
    float x = draw_between(rng, 0.05f, 0.95f) * (float)c->width;
    float y = draw_between(rng, 0.06f, 0.94f) * (float)c->height, radius = draw_log_between(rng, 5.5f, 23);
    int w = c->width, h = c->height;
    int x0 = (int)clampf(x - radius - 1, 0, (float)w), x1 = (int)clampf(x + radius + 2, 0, (float)w);
    int y0 = (int)clampf(y - radius - 1, 0, (float)h), y1 = (int)clampf(y + radius + 2, 0, (float)h);
    if (x0 >= x1 || y0 >= y1)
        return;
    float *old = plane_new(c);
    for (int k = 0; k < c->channels; k++) {
        memcpy(old, c->tone[k], (size_t)w * (size_t)h * sizeof *old);
        for (int j = y0; j < y1; j++)
            for (int i = x0; i < x1; i++) {
                float u = ((float)i - x) / radius, v = ((float)j - y) / radius, r = u * u + v * v;
                if (r >= 1)
                    continue;
                // A drop is a tiny lens of its own: it shows the view upside down, blurred.
                float sum = 0;
                for (int t = 0; t < 9; t++) {
                    float sx = x - u * radius * 1.6f + (float)(t % 3 - 1) * 3;
                    float sy = y - v * radius * 1.6f + (float)(t / 3 - 1) * 3;
                    int a = (int)clampf(sx, 0, (float)(w - 1)), b = (int)clampf(sy, 0, (float)(h - 1));
                    sum += old[(size_t)b * (size_t)w + (size_t)a];
                }
                float shade = 0.9f + 0.25f * v, cover = clampf((1 - r) * 3, 0, 0.85f);
                float glint = rampf(0.35f, 0.1f, (u + 0.4f) * (u + 0.4f) + (v + 0.45f) * (v + 0.45f));
                float *to = c->tone[k] + (size_t)j * (size_t)w + i;
                *to = mixf(*to, sum / 9 * shade + 60 * glint, cover);
            }
    }
    plane_free(c, old);
}

void draw_leaf(struct canvas *c, float x, float y, float length, float turns, const float *tint,
               struct rng *rng)
{
    float *cover = plane_new(c);
    struct knot half[9], rib[9];
    float dx = draw_cos(turns), dy = draw_sin(turns), bend = draw_between(rng, -0.2f, 0.2f) * length;
    for (int i = 0; i < 9; i++) {
        float t = (float)i / 8, belly = t * (1 - t) * 4, off = bend * belly;
        half[i] = (struct knot){x + dx * length * t - dy * off, y + dy * length * t + dx * off, 0,
                                0.4f + 0.22f * length * belly * (1.1f - 0.5f * t)};
        rib[i] = half[i];
        rib[i].radius = 0.4f;
    }
    draw_stroke(c, cover, half, 9);
    canvas_mix_plane(c, cover, tint, 0.95f);
    memset(cover, 0, (size_t)c->width * (size_t)c->height * sizeof *cover);
    draw_stroke(c, cover, rib, 9);
    float dark[3];
    for (int k = 0; k < c->channels; k++)
        dark[k] = tint[k] * 0.65f;
    canvas_mix_plane(c, cover, dark, 0.8f);
    plane_free(c, cover);
}
