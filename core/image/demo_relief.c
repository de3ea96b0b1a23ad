#include "config.h"

#include <math.h>
#include <string.h>

#include "image/demo_draw.h"

struct box {
    int x0, y0, x1, y1; // x1, y1 not included
};

static struct box box_between(const struct canvas *c, float x0, float y0, float x1, float y1)
{
    float w = (float)c->width, h = (float)c->height;
    return (struct box){(int)clampf(x0, 0, w), (int)clampf(y0, 0, h), (int)clampf(x1 + 2, 0, w),
                        (int)clampf(y1 + 2, 0, h)};
}

struct light light_from(float turns, float rise, float sun_share)
{
    float dx = draw_cos(turns), dy = draw_sin(turns);
    float length = sqrtf(dx * dx + dy * dy + rise * rise);
    struct light l = {.x = dx / length, .y = dy / length, .z = rise / length};
    float half = sqrtf(l.x * l.x + l.y * l.y + (l.z + 1) * (l.z + 1));
    l.hx = l.x / half;
    l.hy = l.y / half;
    l.hz = (l.z + 1) / half;
    l.ambient = 1 - sun_share;
    l.sun = sun_share / l.z;
    return l;
}

// How bright a surface with unit normal n is against a flat one, and its highlight 0..1.
static float lit(const struct light *l, float nx, float ny, float nz, float *highlight)
{
    float toward = nx * l->x + ny * l->y + nz * l->z, half = nx * l->hx + ny * l->hy + nz * l->hz;
    half = half > 0 ? half * half : 0;
    half *= half;
    half *= half;
    half *= half;
    *highlight = half * half * l->sun * l->z;
    return l->ambient * (0.55f + 0.45f * nz) + l->sun * (toward > 0 ? toward : 0);
}

static void put(struct canvas *c, size_t i, const struct material *m, float shade, float highlight,
                float cover)
{
    float factor = shade * (m->texture ? 1 + m->rough * m->texture[i] : 1);
    for (int k = 0; k < c->channels; k++)
        c->tone[k][i] = mixf(c->tone[k][i], m->tint[k] * factor + 255 * m->gloss * highlight, cover);
}

enum { FACETS = 8 };

void draw_lump(struct canvas *c, float x, float y, float radius, float base, const struct material *m,
               const struct light *light, struct rng *rng)
{
    // Height over the ground is the lowest of the planes z = at - gx * dx - gy * dy.
    float at[FACETS], gx[FACETS], gy[FACETS], over_gx[FACETS], fade[FACETS], shade[FACETS], shine[FACETS];
    float turn = draw_between(rng, 0, 1), squash = draw_between(rng, 0.65f, 1);
    float ax = draw_cos(turn), ay = draw_sin(turn);
    for (int k = 0; k < FACETS; k++) {
        float nx, ny, nz, out;
        if (k == 0) { // the top, nearly level
            nx = draw_between(rng, -0.3f, 0.3f);
            ny = draw_between(rng, -0.3f, 0.3f);
            nz = 1;
            out = radius * draw_between(rng, 0.4f, 0.7f);
        } else {
            float side = ((float)k + draw_between(rng, -0.4f, 0.4f)) / (FACETS - 1);
            float u = draw_cos(side), v = draw_sin(side);
            nx = u * ax - v * ay;
            ny = u * ay + v * ax;
            nz = draw_between(rng, 0.25f, 1.1f);
            out = radius * (draw_between(rng, 0.62f, 0.95f) + 0.3f * (nz - 0.25f));
            out *= squash + (1 - squash) * u * u;
        }
        at[k] = out / nz;
        gx[k] = nx / nz;
        gy[k] = ny / nz;
        over_gx[k] = gx[k] > 1e-6f || gx[k] < -1e-6f ? 1 / gx[k] : 0;
        if (over_gx[k] == 0)
            gx[k] = 0;
        fade[k] = 1 / sqrtf(gx[k] * gx[k] + gy[k] * gy[k] + 0.4f);
        float length = sqrtf(nx * nx + ny * ny + nz * nz);
        shade[k] = lit(light, nx / length, ny / length, nz / length, &shine[k]);
        shade[k] *= draw_between(rng, 0.85f, 1.15f);
    }
    float reach = 1.35f * radius;
    struct box b = box_between(c, x - reach, y - reach, x + reach, y + reach);
    for (int j = b.y0; j < b.y1; j++) {
        // Each plane leaves a part of the row above ground: what all of them leave.
        float row[FACETS], left = (float)b.x0 - x, right = (float)(b.x1 - 1) - x;
        for (int k = 0; k < FACETS; k++) {
            row[k] = at[k] - gy[k] * ((float)j - y);
            float edge = row[k] * over_gx[k];
            left = gx[k] < 0 && edge > left ? edge : left;
            right = gx[k] > 0 && edge < right ? edge : right;
        }
        if (left >= right)
            continue;
        int i0 = (int)(left + x) + 1, i1 = (int)(right + x);
        if (i1 >= c->width)
            i1 = c->width - 1;
        for (int i = i0 > 0 ? i0 - 1 : 0; i <= i1; i++) {
            float dx = (float)i - x, low = row[0] - gx[0] * dx;
            int facet = 0;
            for (int k = 1; k < FACETS; k++) {
                float z = row[k] - gx[k] * dx;
                facet = z < low ? k : facet;
                low = z < low ? z : low;
            }
            size_t p = (size_t)j * (size_t)c->width + (size_t)i;
            if (low <= 0 || base + low <= c->relief[p])
                continue;
            // From the height back to how far inside the outline: its pixels are partly covered.
            float cover = low * fade[facet];
            put(c, p, m, shade[facet], shine[facet], cover < 1 ? cover : 1);
            if (cover > 0.5f)
                c->relief[p] = base + low;
        }
    }
}

// Nearest point of the segment a-b to (x, y): 0..1 along it, distance squared in *apart.
static float along(const struct knot *a, const struct knot *b, float x, float y, float *apart)
{
    float ux = b->x - a->x, uy = b->y - a->y, dx = x - a->x, dy = y - a->y;
    float t = clampf((dx * ux + dy * uy) / (ux * ux + uy * uy + 1e-6f), 0, 1);
    dx -= t * ux;
    dy -= t * uy;
    *apart = dx * dx + dy * dy;
    return t;
}

static struct box box_of_segment(const struct canvas *c, const struct knot *a, const struct knot *b)
{
    float r = (a->radius > b->radius ? a->radius : b->radius) + 1;
    float x0 = a->x < b->x ? a->x : b->x, x1 = a->x < b->x ? b->x : a->x;
    float y0 = a->y < b->y ? a->y : b->y, y1 = a->y < b->y ? b->y : a->y;
    return box_between(c, x0 - r, y0 - r, x1 + r, y1 + r);
}

void draw_tube(struct canvas *c, const struct knot *knots, int count, const struct material *m,
               const struct light *light)
{
    for (int s = 0; s + 1 < count; s++) {
        const struct knot *a = knots + s, *b = a + 1;
        struct box box = box_of_segment(c, a, b);
        for (int j = box.y0; j < box.y1; j++)
            for (int i = box.x0; i < box.x1; i++) {
                float apart, t = along(a, b, (float)i, (float)j, &apart);
                float r = mixf(a->radius, b->radius, t);
                if (apart >= (r + 0.5f) * (r + 0.5f))
                    continue;
                float d = sqrtf(apart), up = sqrtf(clampf(r * r - apart, 0.04f * r * r, r * r));
                size_t at = (size_t)j * (size_t)c->width + (size_t)i;
                float z = mixf(a->z, b->z, t) + up;
                if (z <= c->relief[at])
                    continue;
                float nx = ((float)i - mixf(a->x, b->x, t)) / r, ny = ((float)j - mixf(a->y, b->y, t)) / r;
                float highlight, shade = lit(light, nx, ny, up / r, &highlight);
                float cover = clampf(r + 0.5f - d, 0, 1);
                put(c, at, m, shade, highlight, cover);
                if (cover > 0.5f) // a thin edge must not hide the next piece
                    c->relief[at] = z;
            }
    }
}

void draw_stroke(const struct canvas *c, float *cover, const struct knot *knots, int count)
{
    for (int s = 0; s + 1 < count; s++) {
        const struct knot *a = knots + s, *b = a + 1;
        struct box box = box_of_segment(c, a, b);
        for (int j = box.y0; j < box.y1; j++)
            for (int i = box.x0; i < box.x1; i++) {
                float apart, t = along(a, b, (float)i, (float)j, &apart), r = mixf(a->radius, b->radius, t);
                // Thinner than a pixel is fainter than a pixel.
                float in = clampf(r + 0.5f - sqrtf(apart), 0, 1) * (r < 0.5f ? 2 * r : 1);
                float *to = cover + (size_t)j * (size_t)c->width + i;
                if (in > *to)
                    *to = in;
            }
    }
}

static float spline(float a, float b, float c, float d, float t)
{
    return b + 0.5f * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

int knots_smooth(const struct knot *from, int count, int steps, struct knot *to, int room)
{
    int n = 0;
    for (int i = 0; i + 1 < count; i++) {
        const struct knot *p = from + i, *a = i > 0 ? p - 1 : p, *q = p + 1, *d = i + 2 < count ? p + 2 : q;
        for (int s = 0; s < steps && n < room; s++, n++) {
            float t = (float)s / (float)steps;
            to[n] = (struct knot){spline(a->x, p->x, q->x, d->x, t), spline(a->y, p->y, q->y, d->y, t),
                                  mixf(p->z, q->z, t), mixf(p->radius, q->radius, t)};
        }
    }
    if (n < room)
        to[n++] = from[count - 1];
    return n;
}

void knots_wander(struct knot *to, int count, float x, float y, float turns, float length, float wander,
                  float radius, struct rng *rng)
{
    struct wave bend = wave_make(rng), jag = wave_make(rng), swell = wave_make(rng);
    float dx = draw_cos(turns), dy = draw_sin(turns);
    for (int i = 0; i < count; i++) {
        float t = (float)i / (float)(count - 1);
        float off = wander * (wave_at(&bend, t * 3) + 0.35f * wave_at(&jag, t * 14));
        float r = radius * (0.25f + 0.75f * draw_sin(t * 0.5f)) * (1 + 0.35f * wave_at(&swell, t * 9));
        to[i] = (struct knot){x + dx * length * t - dy * off, y + dy * length * t + dx * off, 0, r};
    }
}

struct prism prism_regular(float x, float y, float radius, int sides, float turns)
{
    struct prism p = {.x = x, .y = y, .sides = sides, .out = {radius}};
    for (int k = 0; k < sides; k++) {
        p.nx[k] = draw_cos(turns + (float)k / (float)sides);
        p.ny[k] = draw_sin(turns + (float)k / (float)sides);
        p.out[k] = radius;
    }
    return p;
}

struct prism prism_block(float x, float y, float half_x, float half_y, float turns)
{
    struct prism p = prism_regular(x, y, half_x, 4, turns);
    p.out[1] = p.out[3] = half_y;
    return p;
}

// The pixels of row j on the level top, inside the bevels: first and one past the last.
static void level_part(const struct prism *p, int j, int *first, int *end)
{
    float dy = (float)j - p->y, left = (float)*first - p->x, right = (float)(*end - 1) - p->x;
    for (int k = 0; k < p->sides; k++) {
        float rest = p->out[k] - p->bevel - p->ny[k] * dy;
        if (p->nx[k] > 1e-4f)
            right = rest / p->nx[k] < right ? rest / p->nx[k] : right;
        else if (p->nx[k] < -1e-4f)
            left = rest / p->nx[k] > left ? rest / p->nx[k] : left;
        else if (rest < 0)
            right = left - 1;
    }
    if (p->sides == 0 || left + 1 >= right) {
        *end = *first;
        return;
    }
    *first = (int)(left + p->x) + 1;
    *end = (int)(right + p->x);
}

void draw_prism(struct canvas *c, const struct prism *p, const struct material *m, const struct light *light)
{
    float wide = p->out[0] * 1.2f, high = wide; // a regular one's corners
    if (p->sides == 4) {
        wide = fabsf(p->nx[0]) * p->out[0] + fabsf(p->nx[1]) * p->out[1];
        high = fabsf(p->ny[0]) * p->out[0] + fabsf(p->ny[1]) * p->out[1];
    }
    struct box b = box_between(c, p->x - wide - 1, p->y - high - 1, p->x + wide + 1, p->y + high + 1);
    float flat_shine, flat = lit(light, 0, 0, 1, &flat_shine);
    for (int j = b.y0; j < b.y1; j++) {
        int level = b.x0, level_end = b.x1;
        level_part(p, j, &level, &level_end);
        size_t row = (size_t)j * (size_t)c->width;
        for (int i = level; i < level_end; i++)
            if (p->top > c->relief[row + (size_t)i]) {
                put(c, row + (size_t)i, m, flat, flat_shine, 1);
                c->relief[row + (size_t)i] = p->top;
            }
        for (int i = b.x0; i < b.x1; i++) {
            if (i == level && level < level_end) {
                i = level_end - 1;
                continue;
            }
            float dx = (float)i - p->x, dy = (float)j - p->y, far = -1e9f, nx = 0, ny = 0;
            if (p->sides == 0) {
                float r = sqrtf(dx * dx + dy * dy) + 1e-6f;
                far = r - p->out[0];
                nx = dx / r;
                ny = dy / r;
            }
            for (int k = 0; k < p->sides; k++) {
                float f = p->nx[k] * dx + p->ny[k] * dy - p->out[k];
                if (f > far) {
                    far = f;
                    nx = p->nx[k];
                    ny = p->ny[k];
                }
            }
            if (far >= 0.5f)
                continue;
            float z = p->top, shade = flat, shine = flat_shine, cover = clampf(0.5f - far, 0, 1);
            if (p->bevel > 0 && -far < p->bevel) {
                float tilt = clampf(1 + far / p->bevel, 0, 1), length = sqrtf(1 + tilt * tilt);
                z -= (p->bevel < 6 ? 0.5f * p->bevel : 3) * tilt * tilt;
                shade = lit(light, nx * tilt / length, ny * tilt / length, 1 / length, &shine);
            }
            if (z <= c->relief[row + (size_t)i])
                continue;
            put(c, row + (size_t)i, m, shade, shine, cover);
            if (cover > 0.5f)
                c->relief[row + (size_t)i] = z;
        }
    }
}

void relief_shadow(struct canvas *c, const struct light *light, float strength)
{
    int w = c->width, h = c->height;
    float flat = sqrtf(light->x * light->x + light->y * light->y) + 1e-6f, climb = light->z / flat;
    float *shadow = plane_new(c);
    static const int steps[] = {1, 2, 4, 7, 11};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        float length = (float)steps[s], rise = length * climb;
        int dx = (int)floorf(light->x / flat * length + 0.5f),
            dy = (int)floorf(light->y / flat * length + 0.5f);
        int x0 = dx < 0 ? -dx : 0, x1 = dx > 0 ? w - dx : w;
        for (int y = dy < 0 ? -dy : 0; y < (dy > 0 ? h - dy : h); y++) {
            const float *here = c->relief + (size_t)y * (size_t)w, *there = here + (ptrdiff_t)dy * w + dx;
            float *to = shadow + (size_t)y * (size_t)w;
            for (int x = x0; x < x1; x++) {
                float over = (there[x] - here[x] - rise) * 0.5f;
                to[x] = over > to[x] ? over : to[x];
            }
        }
    }
    size_t count = (size_t)w * (size_t)h;
    for (int k = 0; k < c->channels; k++)
        for (size_t i = 0; i < count; i++)
            c->tone[k][i] *= 1 - strength * (shadow[i] < 1 ? shadow[i] : 1);
    plane_free(c, shadow);
}

void relief_occlude(struct canvas *c, int radius, float strength)
{
    size_t count = (size_t)c->width * (size_t)c->height;
    float *mean = plane_new(c), scale = 1.5f / (float)radius;
    memcpy(mean, c->relief, count * sizeof *mean);
    plane_box_blur(c, mean, radius, radius);
    for (int k = 0; k < c->channels; k++)
        for (size_t i = 0; i < count; i++) {
            float sunk = clampf((mean[i] - c->relief[i]) * scale, -0.25f, 1);
            c->tone[k][i] *= 1 - strength * sunk;
        }
    plane_free(c, mean);
}
