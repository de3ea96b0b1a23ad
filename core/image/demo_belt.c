// A coal conveyor seen from above: rubber belt between its stringers, running
// downwards in the picture, loaded with anything from dust to a full heap.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo_draw.h"

enum { TEAR, ROD, HOLE, ROCK, FRAY }; // the order of the scene's kinds
enum { PLACE_LOAD = 1, PLACE_RUBBER, PLACE_LUMPS, PLACE_FINES, PLACE_EDGE, STRUCTURE };

struct belt {
    struct canvas *c;
    const struct demo_view *view;
    struct rng flaw;
    struct light light;
    float centre, half;          // the belt across, pixels
    float load, load_half;       // 0 empty .. 1 heaped; half the width of the heap
    float load_centre, size;     // of the heap; typical lump radius
    float wet, shift_x, shift_y; // wetness 0..1; how far this exposure moved against the burst
    struct wave left, right;     // the belt's edges
};

static void choose(struct belt *b)
{
    struct rng place = draw_rng(b->view->place, PLACE_LOAD), frame = draw_rng(b->view->frame, PLACE_LOAD);
    float level = draw_between(&place, 0, 1);
    b->load = level < 0.14f ? 0.05f * level : rampf(0.1f, 0.95f, level) * 0.85f + 0.15f;
    b->half = 116 + draw_between(&place, -2, 2);
    b->centre = 160 + 5 * draw_sin((float)b->view->number / 190.0f) + draw_between(&place, -2, 2);
    b->load_half = b->half * clampf(0.3f + 0.5f * b->load + draw_between(&place, -0.08f, 0.08f), 0.2f, 0.78f);
    b->load_centre = b->centre + draw_between(&place, -0.5f, 0.5f) * (0.8f * b->half - b->load_half);
    b->size = draw_log_between(&place, 2.2f, 7.5f);
    float rain = 0.5f + 0.5f * draw_sin((float)b->view->number / 310.0f + 0.1f);
    b->wet = clampf(rain * draw_between(&place, 0.2f, 1.4f) - 0.2f, 0, 1);
    b->shift_x = draw_between(&frame, -1.5f, 1.5f);
    b->shift_y = draw_between(&frame, -7, 7);
    b->light = light_from(draw_between(&place, 0.58f, 0.66f), 1.1f, 0.62f);
    struct rng edge = draw_rng(b->view->place, PLACE_EDGE);
    b->left = wave_make(&edge);
    b->right = wave_make(&edge);
    b->flaw = draw_rng(b->view->flaw, 1);
}

// What does not move: floor, stringers, idler ends. The same camera for all pictures.
static void draw_structure(struct canvas *c, const struct light *light, float *grime)
{
    struct rng rng = draw_rng(77, STRUCTURE);
    int w = c->width, h = c->height;
    noise_add_octaves(grime, w, h, (struct noise){16, 16, 0.25f, 0, 0}, 2, &rng);
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        c->tone[0][i] = 26 + 18 * grime[i];
    struct material spill = {.tint = {42}, .gloss = 0.1f, .texture = grime, .rough = 0.5f};
    for (int i = 0; i < 130; i++) {
        float side = i & 1 ? draw_between(&rng, 262, 322) : draw_between(&rng, -2, 58);
        float y = draw_between(&rng, 0, 240), r = draw_log_between(&rng, 1.2f, 5);
        draw_lump(c, side, y, r, 0, &spill, light, &rng);
    }
    struct material steel = {.tint = {78}, .gloss = 0.2f, .texture = grime, .rough = 0.9f};
    struct material roller = {.tint = {92}, .gloss = 0.45f, .texture = grime, .rough = 0.4f};
    for (int s = 0; s < 2; s++) {
        float x = s ? 304 : 15;
        struct prism beam = prism_block(x, 120, 9, 140, 0);
        beam.top = 8;
        beam.bevel = 2;
        draw_prism(c, &beam, &steel, light);
        for (int k = 0; k < 3; k++) {
            float y = 22 + 98 * (float)k, inner = s ? -58 : 58;
            struct knot axle[] = {{x, y, 5, 3}, {x + inner * 0.36f, y, 5, 3}};
            struct knot drum[] = {{x + inner * 0.36f, y, 3, 9}, {x + inner, y, -1, 9}};
            draw_tube(c, drum, 2, &roller, light);
            draw_tube(c, axle, 2, &steel, light);
            struct prism foot = prism_block(x, y, 6, 8, 0), nut = prism_regular(x, y - 4, 3, 6, 0.03f);
            foot.top = 10;
            foot.bevel = 1.5f;
            nut.top = 13;
            nut.bevel = 1.2f;
            draw_prism(c, &foot, &steel, light);
            draw_prism(c, &nut, &steel, light);
        }
    }
    relief_shadow(c, light, 0.6f);
}

static void draw_rubber(const struct belt *b, float *texture)
{
    struct canvas *c = b->c;
    struct rng rng = draw_rng(b->view->place, PLACE_RUBBER);
    int w = c->width, h = c->height;
    float *scratches = plane_new(c), sx = b->shift_x, sy = b->shift_y;
    noise_add(scratches, w, h, (struct noise){2.2f, 70, 0.5f, sx, sy}, &rng);
    noise_add(scratches, w, h, (struct noise){7, 130, 0.6f, sx, sy}, &rng);
    noise_add_octaves(scratches, w, h, (struct noise){44, 80, 0.9f, sx, sy}, 4, &rng);
    float base = draw_between(&rng, 58, 80), dust = draw_between(&rng, 0, 1);
    float *across = xcalloc((size_t)w, 2 * sizeof *across), *bends = across + w; // tone and bend by column
    for (int x = 0; x < w; x++) {
        float u = ((float)x - b->centre) / b->half, wing = fabsf(u) - 0.42f;
        // Three rollers carry the belt: the wings lean away from the lamp and a soft
        // bright band stands where it bends.
        float bend = wing * wing < 0.01f ? 1 - wing * wing * 100 : 0;
        float worn = (1 - u * u) * (0.3f + 0.5f * dust);
        across[x] = base * (wing > 0 ? 1 - 0.35f * wing * (u > 0 ? 1.3f : 0.5f) : 1) * (1 + 0.1f * bend) *
                    (1 - 0.45f * worn * b->load);
        bends[x] = bend * 0.7f;
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float sheen = scratches[i] + bends[x];
            c->tone[0][i] = across[x] * (1 + 0.22f * scratches[i] + 0.04f * texture[i]) +
                            (sheen > 0.25f ? 70 * b->wet * rampf(0.25f, 0.9f, sheen) : 0);
        }
    free(across);
    plane_free(c, scratches);
}

// Where a hole or tear can be seen: beside the heap, or anywhere on a bare belt.
static float bare_x(struct belt *b, float room)
{
    float heap = b->load < 0.12f ? 0 : b->load_half;
    float left = b->load_centre - heap - (b->centre - b->half),
          right = b->centre + b->half - b->load_centre - heap;
    bool on_right = draw_chance(&b->flaw, right / (left + right + 1e-3f));
    float low = on_right ? b->load_centre + heap : b->centre - b->half + 6 + room;
    float high = on_right ? b->centre + b->half - 6 - room : b->load_centre - heap;
    return low < high ? draw_between(&b->flaw, low, high) : 0.5f * (low + high);
}

static void draw_tear(struct belt *b)
{
    struct canvas *c = b->c;
    enum { N = 48 };
    struct knot rip[N], lip[N];
    float length = draw_log_between(&b->flaw, 28, 190), radius = draw_log_between(&b->flaw, 0.7f, 3.6f);
    float contrast = draw_log_between(&b->flaw, 0.4f, 1), lean = draw_between(&b->flaw, -0.035f, 0.035f);
    float x = bare_x(b, radius + 2) + b->shift_x;
    float y = draw_between(&b->flaw, -0.2f * length, 240 - 0.8f * length) + b->shift_y;
    bool lamp_below = draw_chance(&b->flaw, 0.25f);
    knots_wander(rip, N, x, y, 0.25f + lean, length, 3 + radius, radius, &b->flaw);
    for (int i = 0; i < N; i++) {
        lip[i] = rip[i];
        lip[i].radius = rip[i].radius + draw_between(&b->flaw, 0.3f, 1.8f);
        lip[i].x += draw_between(&b->flaw, -0.5f, 0.9f);
    }
    float *cover = plane_new(c), *edge = plane_new(c);
    float torn = draw_between(&b->flaw, 105, 150), gap = lamp_below ? 205 : 7;
    draw_stroke(c, edge, lip, N);
    canvas_mix_plane(c, edge, &torn, 0.75f * contrast);
    draw_stroke(c, cover, rip, N);
    canvas_mix_plane(c, cover, &gap, contrast);
    plane_free(c, edge);
    plane_free(c, cover);
}

static void draw_hole(struct belt *b)
{
    struct canvas *c = b->c;
    float r = draw_log_between(&b->flaw, 3.5f, 15), stretch = draw_between(&b->flaw, 1, 1.7f);
    float x = bare_x(b, r) + b->shift_x, y = draw_between(&b->flaw, 15, 225) + b->shift_y;
    float contrast = draw_log_between(&b->flaw, 0.5f, 1), ply = draw_between(&b->flaw, 105, 165), dark = 6;
    float *edge = plane_new(c), *cover = plane_new(c);
    struct rng same = b->flaw;
    draw_blob(c, edge, x, y, r + 2, r * stretch + 2.5f, 0.25f, 1.5f, &b->flaw);
    canvas_mix_plane(c, edge, &ply, 0.8f * contrast);
    draw_blob(c, cover, x + 0.6f, y + 0.6f, r * 0.88f, r * stretch * 0.88f, 0.25f, 1.2f, &same);
    canvas_mix_plane(c, cover, &dark, contrast);
    plane_free(c, cover);
    plane_free(c, edge);
}

static float heap_height(const struct belt *b, float x)
{
    float u = (x - b->load_centre) / (b->load_half + 1e-3f), over = 1 - u * u;
    return over > 0 ? 11 * b->load * over : 0;
}

static void draw_load(struct belt *b, const float *texture)
{
    struct canvas *c = b->c;
    struct rng rng = draw_rng(b->view->place, PLACE_LUMPS), fines = draw_rng(b->view->place, PLACE_FINES);
    int w = c->width, h = c->height;
    struct wave left = wave_make(&fines), right = wave_make(&fines);
    float *bed = plane_new(c);
    noise_add(bed, w, h, (struct noise){2.6f, 3.2f, 1, b->shift_x, b->shift_y}, &fines);
    for (int y = 0; y < h; y++) {
        float t = ((float)y + b->shift_y + 40) / 26;
        float x0 = b->load_centre - b->load_half * (0.92f + 0.1f * wave_at(&left, t)) + b->shift_x;
        float x1 = b->load_centre + b->load_half * (0.92f + 0.1f * wave_at(&right, t)) + b->shift_x;
        int last = (int)clampf(x1 + 8, 0, (float)w);
        for (int x = (int)clampf(x0 - 7, 0, (float)w); x < last; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float in = rampf(-7, 9, (float)x - x0) * rampf(-7, 9, x1 - (float)x);
            float cover = rampf(0.25f, 0.75f, in * (0.4f + b->load) + 0.35f * bed[i] * in);
            c->tone[0][i] = mixf(c->tone[0][i], 27 + 10 * bed[i], cover * (b->load > 0.05f ? 1 : 0.4f));
            c->relief[i] += cover * (heap_height(b, (float)x - b->shift_x) + 1.2f * bed[i]);
        }
    }
    plane_free(c, bed);
    float area = 2 * b->load_half * (float)(h + 40) * (b->load < 0.1f ? 0.01f : 0.25f + b->load);
    float spent = 0;
    struct material coal = {.texture = texture, .rough = 0.13f};
    while (spent < area) {
        // Crushed coal: many small, few large.
        float r = b->size * draw_log_between(&rng, 0.45f, 1);
        if (draw_chance(&rng, 0.12f))
            r *= 1.8f;
        float u = draw_between(&rng, -1, 1);
        u += 0.35f * draw_between(&rng, -1, 1);
        float x = b->load_centre + u * b->load_half * 0.92f, y = draw_between(&rng, -20, (float)h + 20);
        if (draw_chance(&rng, 0.03f)) // strays
            x = b->centre + draw_between(&rng, -0.9f, 0.9f) * b->half;
        coal.tint[0] = draw_between(&rng, 32, 52);
        coal.gloss = draw_between(&rng, 0.05f, 0.28f) * (0.6f + 0.9f * b->wet);
        float z = heap_height(b, x) + draw_between(&rng, -0.3f, 0.35f) * r;
        draw_lump(c, x + b->shift_x, y + b->shift_y, r, z, &coal, &b->light, &rng);
        spent += 2.2f * r * r + 1;
    }
}

static void draw_rod(struct belt *b, const float *texture)
{
    struct canvas *c = b->c;
    float length = draw_log_between(&b->flaw, 26, 110), r = draw_log_between(&b->flaw, 1.6f, 4.5f);
    float turn = draw_between(&b->flaw, 0.03f, 0.47f), dx = draw_cos(turn), dy = draw_sin(turn);
    float x = b->load_centre + draw_between(&b->flaw, -0.6f, 0.6f) * b->load_half + b->shift_x;
    float y = draw_between(&b->flaw, 40, 200) + b->shift_y;
    float z = heap_height(b, x - b->shift_x) + 0.5f * r +
              (b->load > 0.1f ? b->size * draw_between(&b->flaw, 0.2f, 0.9f) : 0);
    bool wood = draw_chance(&b->flaw, 0.35f);
    float tone = wood ? draw_between(&b->flaw, 95, 150) : draw_between(&b->flaw, 80, 125);
    float gloss = wood ? 0.02f : draw_between(&b->flaw, 0.2f, 0.6f);
    struct material m = {.tint = {tone}, .gloss = gloss, .texture = texture, .rough = wood ? 0.25f : 0.15f};
    enum { N = 7 };
    struct knot bar[N];
    float bow = wood ? draw_between(&b->flaw, -4, 4) : draw_between(&b->flaw, -1, 1);
    float tip = draw_between(&b->flaw, -3, 2);
    for (int i = 0; i < N; i++) {
        float t = (float)i / (N - 1) - 0.5f, off = bow * (1 - 4 * t * t);
        bar[i] = (struct knot){x + dx * length * t - dy * off, y + dy * length * t + dx * off, z + tip * t,
                               r * (wood ? 1.1f - 0.3f * t : 1)};
    }
    draw_tube(c, bar, N, &m, &b->light);
    if (!wood && draw_chance(&b->flaw, 0.7f)) { // an anchor bolt: plate and nut at one end
        struct prism plate = prism_block(bar[N - 1].x, bar[N - 1].y, r * 0.9f, r * 2.6f, turn);
        struct prism nut =
            prism_regular(bar[N - 1].x - dx * r * 2.2f, bar[N - 1].y - dy * r * 2.2f, r * 1.7f, 6, turn);
        plate.top = z + 2 * r;
        nut.top = z + 2.2f * r;
        plate.bevel = nut.bevel = 1.2f;
        draw_prism(c, &plate, &m, &b->light);
        draw_prism(c, &nut, &m, &b->light);
    }
}

static void draw_rock(struct belt *b, const float *texture)
{
    float r = draw_log_between(&b->flaw, 15, 46);
    bool gangue = draw_chance(&b->flaw, 0.65f); // rock, lighter than coal
    struct material m = {.tint = {gangue ? draw_between(&b->flaw, 68, 125) : draw_between(&b->flaw, 44, 58)},
                         .gloss = gangue ? 0.03f : 0.3f,
                         .texture = texture,
                         .rough = 0.3f};
    float x = b->load_centre + draw_between(&b->flaw, -0.75f, 0.75f) * b->load_half + b->shift_x;
    float y = draw_between(&b->flaw, 30, 210) + b->shift_y;
    draw_lump(b->c, x, y, r, heap_height(b, x - b->shift_x) - 0.1f * r, &m, &b->light, &b->flaw);
    for (int i = 0; i < 3; i++) { // knobs, so that it is not one clean crystal
        float u = draw_between(&b->flaw, -0.5f, 0.5f) * r, v = draw_between(&b->flaw, -0.5f, 0.5f) * r;
        float base = heap_height(b, x - b->shift_x) + 0.15f * r;
        draw_lump(b->c, x + u, y + v, r * draw_between(&b->flaw, 0.35f, 0.6f), base, &m, &b->light, &b->flaw);
    }
}

// Lays the moving belt over the structure; the belt's edges, frayed or not.
static void lay_belt(struct belt *b, struct canvas *under)
{
    struct canvas *c = b->c;
    int w = c->width, h = c->height;
    float fray_y = draw_between(&b->flaw, 30, 210) + b->shift_y,
          fray_half = draw_log_between(&b->flaw, 14, 70);
    float depth = draw_log_between(&b->flaw, 4, 17);
    bool on_right = draw_chance(&b->flaw, 0.5f), fray = b->view->kind == FRAY;
    struct wave ragged = wave_make(&b->flaw), coarse = wave_make(&b->flaw);
    for (int y = 0; y < h; y++) {
        float t = ((float)y - b->shift_y + 40) / 30, bite = 0;
        if (fray) {
            float v = ((float)y - fray_y) / fray_half;
            bite = v * v < 1 ? depth * (1 - v * v) *
                                   (0.75f + 0.3f * wave_at(&coarse, (float)y / 9) +
                                    0.25f * wave_at(&ragged, (float)y / 2.3f))
                             : 0;
        }
        float x0 = b->centre - b->half + 1.2f * wave_at(&b->left, t) + (on_right ? 0 : bite) + b->shift_x;
        float x1 = b->centre + b->half + 1.2f * wave_at(&b->right, t) - (on_right ? bite : 0) + b->shift_x;
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float inside = (float)x - x0 < x1 - (float)x ? (float)x - x0 : x1 - (float)x;
            if (inside > 5)
                continue;
            float cover = clampf(inside + 0.5f, 0, 1), shade = 0.55f + 0.45f * rampf(-14, -1, -inside - 3);
            float torn = bite > 0.5f && (on_right ? x > 160 : x < 160) ? rampf(5, 0.5f, inside) * 0.5f : 0;
            float tone = mixf(c->tone[0][i] * (0.75f + 0.25f * rampf(0, 4, inside)), 120, torn);
            c->tone[0][i] = mixf(under->tone[0][i] * (inside < 0 ? shade : 1), tone, cover);
        }
    }
    if (!fray)
        return;
    float *cover = plane_new(c), light = draw_between(&b->flaw, 110, 170);
    float edge = on_right ? b->centre + b->half + b->shift_x : b->centre - b->half + b->shift_x;
    float out = on_right ? 1 : -1;
    for (int i = 0; i < (int)(fray_half / 4) + 3; i++) { // loose cords of the carcass
        struct knot cord[8];
        float v = draw_between(&b->flaw, -0.8f, 0.8f), back = depth * (1 - v * v) * 0.8f;
        float turn = (on_right ? 0 : 0.5f) + draw_between(&b->flaw, -0.14f, 0.14f);
        float length = draw_between(&b->flaw, 0.3f, 1.4f) * depth;
        knots_wander(cord, 8, edge - out * back, fray_y + v * fray_half, turn, length, 2, 0.55f, &b->flaw);
        draw_stroke(c, cover, cord, 8);
    }
    canvas_mix_plane(c, cover, &light, 0.7f);
    plane_free(c, cover);
}

// Lamp, dust, exposure, glass: what lies between the belt and the picture.
static void expose(struct belt *b)
{
    struct canvas *c = b->c;
    struct rng place = draw_rng(b->view->place, 20), frame = draw_rng(b->view->frame, 20);
    int w = c->width, h = c->height, n = b->view->number;
    float *dust = plane_new(c);
    noise_add_octaves(dust, w, h, (struct noise){110, 90, 1, 0, 0}, 2, &frame);
    float lamp_x = 150 + 45 * draw_sin((float)n / 420.0f),
          lamp_y = 95 + 25 * draw_sin((float)n / 260.0f + 0.3f);
    float reach = draw_between(&place, 190, 240), haze = draw_log_between(&place, 0.01f, 0.16f);
    float exposure = (1.55f + 0.18f * draw_sin((float)n / 530.0f)) * draw_between(&frame, 0.88f, 1.12f);
    exposure *= draw_chance(&place, 0.05f) ? 0.65f : 1; // a lamp out
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float dx = ((float)x - lamp_x) / reach, dy = ((float)y - lamp_y) / reach;
            float v = c->tone[0][i] * exposure * 1.1f / (1 + 0.9f * (dx * dx + dy * dy));
            c->tone[0][i] = mixf(v, 105, haze * (1 + 0.8f * dust[i]));
        }
    plane_free(c, dust);
    canvas_soften(c, draw_between(&frame, 0, 0.6f));
    if (draw_chance(&frame, 0.02f))
        lens_drop(c, &frame);
    if (draw_chance(&frame, 0.02f)) { // a water spray's streaks
        float *cover = plane_new(c), white = 190;
        for (int i = 0; i < 14; i++) {
            float x = draw_between(&frame, 30, 290), y = draw_between(&frame, 0, 240);
            float length = draw_between(&frame, 4, 16);
            struct knot streak[] = {{x, y, 0, 0.4f}, {x + 0.1f * length, y + length, 0, 0.6f}};
            draw_stroke(c, cover, streak, 2);
        }
        canvas_mix_plane(c, cover, &white, 0.35f);
        plane_free(c, cover);
    }
}

void demo_draw_belt(struct canvas *c, const struct demo_view *view)
{
    struct belt b = {.c = c, .view = view};
    struct canvas under;
    choose(&b);
    canvas_init(&under, c->pool, c->width, c->height, 1);
    float *texture = plane_new(c), *grime = plane_new(c);
    struct rng rng = draw_rng(view->place, 30), frame = draw_rng(view->frame, 30);
    noise_add(texture, c->width, c->height, (struct noise){1.6f, 1.6f, 1, b.shift_x, b.shift_y}, &rng);
    noise_add(texture, c->width, c->height, (struct noise){4, 4, 0.7f, b.shift_x, b.shift_y}, &rng);
    draw_structure(&under, &b.light, grime);
    draw_rubber(&b, texture);
    if (view->kind == TEAR)
        draw_tear(&b);
    if (view->kind == HOLE)
        draw_hole(&b);
    draw_load(&b, texture);
    if (view->kind == ROCK)
        draw_rock(&b, texture);
    if (view->kind == ROD)
        draw_rod(&b, texture);
    relief_shadow(c, &b.light, 0.55f);
    relief_occlude(c, 5, 0.4f);
    lay_belt(&b, &under);
    // Only the belt moves, but the blur across its edges is along them.
    int blur = (int)draw_between(&frame, 0, 2.99f);
    if (blur)
        plane_box_blur(c, c->tone[0], 0, blur);
    expose(&b);
    plane_free(c, grime);
    plane_free(c, texture);
    canvas_clear(&under);
}
