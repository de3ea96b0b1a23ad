// A rail fastener seen from a track car: rail across a concrete sleeper in its
// ballast, an elastic clip and its bolt on each side. Nearly aligned.
#include "config.h"

#include <math.h>
#include <string.h>

#include "image/demo_draw.h"

enum { MISSING_CLIP, BROKEN_CLIP, MISSING_BOLT, LOOSE_BOLT, CRACKED_SLEEPER, FOREIGN_OBJECT };
enum { PLACE_LIGHT = 1, PLACE_BALLAST, PLACE_CONCRETE, PLACE_STEEL, PLACE_CLIPS, PLACE_DIRT, PLACE_ODD };

struct track {
    struct canvas *c;
    const struct demo_view *view;
    struct rng flaw;
    struct light light;
    float x, y;             // where the rail's centre line crosses the sleeper's
    float shift_x, shift_y; // of this exposure against the burst
    float sun;              // 0 overcast .. 1 clear
    float *grain, *stain;   // fine and coarse textures, about -1..1
    int bad_side;           // 0 left, 1 right: the fastener with the defect
};

static const float SLEEPER_HALF = 47, FOOT_HALF = 37, HEAD_HALF = 17;

static void choose(struct track *t)
{
    struct rng place = draw_rng(t->view->place, PLACE_LIGHT), frame = draw_rng(t->view->frame, PLACE_LIGHT);
    t->shift_x = draw_between(&frame, -2, 2);
    t->shift_y = draw_between(&frame, -3, 3);
    t->x = 160 + draw_between(&place, -3, 3) + t->shift_x;
    t->y = 120 + draw_between(&place, -6, 6) + t->shift_y;
    // The day goes by along the line: the sun turns, clouds come and go.
    float n = (float)t->view->number, clear = 0.5f + 0.6f * draw_sin(n / 170.0f + 0.07f);
    t->sun = clampf(clear + draw_between(&place, -0.35f, 0.35f), 0.12f, 1);
    float turn = 0.62f + 0.16f * draw_sin(n / 640.0f) + draw_between(&place, -0.02f, 0.02f);
    t->light = light_from(turn, draw_between(&place, 0.8f, 1.3f), 0.3f + 0.4f * t->sun);
    t->flaw = draw_rng(t->view->flaw, 1);
    t->bad_side = draw_chance(&t->flaw, 0.5f);
}

static void draw_ballast(struct track *t)
{
    struct canvas *c = t->c;
    struct rng rng = draw_rng(t->view->place, PLACE_BALLAST);
    float base = draw_between(&rng, 88, 130), spread = draw_between(&rng, 10, 26);
    for (size_t i = 0; i < (size_t)c->width * (size_t)c->height; i++)
        c->tone[0][i] = base * 0.45f * (1 + 0.35f * t->grain[i]);
    struct material stone = {.gloss = 0.05f, .texture = t->grain, .rough = 0.16f};
    // Stone by stone on a jittered lattice, so that little of the bed is left bare.
    enum { STEP = 11 };
    for (int i = -1; i < 320 / STEP + 2; i++)
        for (int j = -1; j < 240 / STEP + 2; j++) {
            struct rng one = draw_rng(rng_u64(&rng), 1);
            float x = STEP * ((float)i + draw_between(&one, -0.3f, 1.3f)) + t->shift_x;
            float y = STEP * ((float)j + draw_between(&one, -0.3f, 1.3f)) + t->shift_y;
            float r = draw_log_between(&one, 5.5f, 12), z = draw_between(&one, 0, 5);
            stone.tint[0] = clampf(base + spread * draw_between(&one, -1.4f, 1.6f), 40, 220);
            if (fabsf(y - t->y) > SLEEPER_HALF - 4 && fabsf(x - t->x) > FOOT_HALF - 4)
                draw_lump(c, x, y, r, z, &stone, &t->light, &one);
        }
}

static void draw_crack(struct track *t)
{
    struct canvas *c = t->c;
    enum { N = 40 };
    struct knot path[N], branch[N];
    float length = draw_log_between(&t->flaw, 26, 110), radius = draw_log_between(&t->flaw, 0.45f, 1.5f);
    float contrast = draw_log_between(&t->flaw, 0.45f, 1), dark = draw_between(&t->flaw, 18, 40),
          side = t->bad_side ? 1 : -1;
    float x = t->x + side * draw_between(&t->flaw, 74, 140), y = t->y + draw_between(&t->flaw, -34, 10);
    float turn = draw_chance(&t->flaw, 0.7f) ? draw_between(&t->flaw, 0.17f, 0.33f)
                                             : draw_between(&t->flaw, -0.06f, 0.06f);
    if (length > 80)
        y = t->y - 44;
    float *cover = plane_new(c);
    knots_wander(path, N, x, y, turn, length, 7, radius, &t->flaw);
    draw_stroke(c, cover, path, N);
    if (draw_chance(&t->flaw, 0.5f)) {
        const struct knot *from = path + N / 3;
        knots_wander(branch, N, from->x, from->y, turn + draw_between(&t->flaw, -0.12f, 0.12f),
                     length * 0.45f, 5, radius * 0.7f, &t->flaw);
        draw_stroke(c, cover, branch, N);
    }
    for (int j = 0; j < c->height; j++) // only in the concrete
        if (fabsf((float)j - t->y) > SLEEPER_HALF - 1)
            memset(cover + (size_t)j * (size_t)c->width, 0, (size_t)c->width * sizeof *cover);
    canvas_mix_plane(c, cover, &dark, contrast);
    if (draw_chance(&t->flaw, 0.4f)) { // spalled concrete beside it
        memset(cover, 0, (size_t)c->width * (size_t)c->height * sizeof *cover);
        float pale = 205;
        float wide = draw_between(&t->flaw, 3, 7), high = draw_between(&t->flaw, 2, 6);
        draw_blob(c, cover, path[N / 2].x + 2, path[N / 2].y, wide, high, 0.5f, 1.5f, &t->flaw);
        canvas_mix_plane(c, cover, &pale, 0.35f * contrast);
    }
    plane_free(c, cover);
}

static void draw_sleeper(struct track *t)
{
    struct canvas *c = t->c;
    struct rng rng = draw_rng(t->view->place, PLACE_CONCRETE);
    int w = c->width, h = c->height;
    float *skin = plane_new(c), sx = t->shift_x, sy = t->shift_y;
    noise_add_octaves(skin, w, h, (struct noise){70, 50, 0.5f, sx, sy}, 4, &rng);
    noise_add(skin, w, h, (struct noise){60, 5, 0.12f, sx, sy}, &rng); // marks of the mould
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        skin[i] += 0.3f * t->grain[i];
    struct prism body = prism_block(t->x, t->y, 240, SLEEPER_HALF, 0);
    body.top = 9;
    body.bevel = 5;
    struct material concrete = {.tint = {draw_between(&rng, 128, 172)}, .texture = skin, .rough = 0.2f};
    draw_prism(c, &body, &concrete, &t->light);
    float *pores = plane_new(c), dark = 62;
    for (int i = 0; i < 70; i++) {
        float x = draw_between(&rng, -10, 330) + sx, y = t->y + draw_between(&rng, -42, 42),
              r = draw_log_between(&rng, 0.3f, 1.1f);
        struct knot pore[] = {{x, y, 0, r}, {x + 0.4f, y, 0, r}};
        draw_stroke(c, pores, pore, 2);
    }
    canvas_mix_plane(c, pores, &dark, 0.6f);
    plane_free(c, pores);
    plane_free(c, skin);
    if (t->view->kind == CRACKED_SLEEPER)
        draw_crack(t);
}

static void draw_rail(struct track *t)
{
    struct canvas *c = t->c;
    struct rng rng = draw_rng(t->view->place, PLACE_STEEL);
    int w = c->width, h = c->height;
    float *roll = plane_new(c);
    noise_add(roll, w, h, (struct noise){1.7f, 90, 0.5f, t->shift_x, t->shift_y}, &rng);
    noise_add(roll, w, h, (struct noise){6, 160, 0.5f, t->shift_x, t->shift_y}, &rng);
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        roll[i] += 0.35f * t->stain[i];
    float rust = draw_between(&rng, 66, 108);
    struct material foot = {.tint = {rust}, .gloss = 0.06f, .texture = t->stain, .rough = 0.3f};
    struct material side = {.tint = {rust * 0.8f}, .gloss = 0.1f, .texture = t->stain, .rough = 0.3f};
    struct material crown = {
        .tint = {draw_between(&rng, 150, 195)}, .gloss = 0.15f, .texture = roll, .rough = 0.16f};
    struct prism p = prism_block(t->x, 120, FOOT_HALF, 160, 0);
    p.top = 14;
    p.bevel = 24;
    draw_prism(c, &p, &foot, &t->light);
    p = prism_block(t->x, 120, HEAD_HALF, 160, 0);
    p.top = 24;
    p.bevel = 5;
    draw_prism(c, &p, &side, &t->light);
    float running = draw_between(&rng, 9.5f, 13);
    p = prism_block(t->x + draw_between(&rng, -2, 2), 120, running, 160, 0);
    p.top = 24.5f;
    p.bevel = 3;
    draw_prism(c, &p, &crown, &t->light);
    plane_free(c, roll);
}

// An omega clip: tips on the rail foot, loops behind, the inner arms under the washer.
// u points away from the rail, v along it.
static const struct knot clip_shape[] = {
    {-17, -24, 3, 0}, {-9, -26, 4, 0}, {4, -26, 5, 0}, {13, -23, 5, 0}, {15, -17, 5, 0}, {8, -12, 5, 0},
    {-5, -10, 5, 0},  {-13, -6, 4, 0}, {-15, 0, 4, 0}, {-13, 6, 4, 0},  {-5, 10, 5, 0},  {8, 12, 5, 0},
    {15, 17, 5, 0},   {13, 23, 5, 0},  {4, 26, 5, 0},  {-9, 26, 4, 0},  {-17, 24, 3, 0},
};
enum {
    CLIP_KNOTS = sizeof clip_shape / sizeof *clip_shape,
    CLIP_STEPS = 4,
    CLIP_ROOM = CLIP_KNOTS * CLIP_STEPS
};

struct fastener {
    float x, y, out;     // the bolt's centre; +1 right of the rail, -1 left
    float lean, push;    // turn of the clip about the bolt; along u
    float radius, steel; // of the bar; its tone
    float nut_turn, nut_tone;
};

static struct knot clip_at(const struct fastener *f, float u, float v, float z, float radius)
{
    float turned_u = u * draw_cos(f->lean) - v * draw_sin(f->lean),
          turned_v = u * draw_sin(f->lean) + v * draw_cos(f->lean);
    return (struct knot){f->x + f->out * (turned_u + f->push), f->y + turned_v, z + 12, radius};
}

static void draw_clip(struct track *t, const struct fastener *f, bool broken)
{
    struct knot rough[CLIP_KNOTS], bar[CLIP_ROOM];
    for (int i = 0; i < CLIP_KNOTS; i++)
        rough[i] = clip_at(f, clip_shape[i].x, clip_shape[i].y, clip_shape[i].z, f->radius);
    int n = knots_smooth(rough, CLIP_KNOTS, CLIP_STEPS, bar, CLIP_ROOM);
    struct material m = {.tint = {f->steel}, .gloss = 0.35f, .texture = t->stain, .rough = 0.35f};
    if (!broken) {
        draw_tube(t->c, bar, n, &m, &t->light);
        return;
    }
    // One arm snapped: its outer part is gone or lies beside, bright where it broke.
    bool low = draw_chance(&t->flaw, 0.5f);
    int cut = 8 + (int)draw_between(&t->flaw, 0, 14);
    if (low)
        draw_tube(t->c, bar + cut, n - cut, &m, &t->light);
    else
        draw_tube(t->c, bar, n - cut, &m, &t->light);
    struct knot end = low ? bar[cut] : bar[n - cut - 1], face[] = {end, end};
    face[0].radius = face[1].radius = f->radius * 0.75f;
    face[0].z = face[1].z = end.z + f->radius * 0.6f;
    face[1].x += 0.5f;
    struct material fresh = {.tint = {draw_between(&t->flaw, 150, 205)}, .gloss = 0.3f};
    draw_tube(t->c, face, 2, &fresh, &t->light);
    if (draw_chance(&t->flaw, 0.45f)) {
        struct knot piece[CLIP_ROOM];
        float dx = draw_between(&t->flaw, 4, 16) * f->out,
              dy = (low ? -1 : 1) * draw_between(&t->flaw, 3, 10);
        for (int i = 0; i < cut; i++) {
            piece[i] = low ? bar[i] : bar[n - 1 - i];
            piece[i].x += dx - 0.25f * dy * (float)i / (float)cut;
            piece[i].y += dy + 0.25f * dx * (float)i / (float)cut;
            piece[i].z -= 1;
        }
        draw_tube(t->c, piece, cut, &m, &t->light);
    }
}

// Washer, nut and the bolt's end; `raised` in pixels lifts and swells what is nearer the camera.
static void draw_bolt(struct track *t, const struct fastener *f, float raised, float off_x, float off_y)
{
    struct canvas *c = t->c;
    float grow = 1 + 0.025f * raised, x = f->x + off_x, y = f->y + off_y;
    struct material plate = {
        .tint = {f->nut_tone * 0.8f}, .gloss = 0.15f, .texture = t->stain, .rough = 0.3f};
    struct material nut = {.tint = {f->nut_tone}, .gloss = 0.4f, .texture = t->stain, .rough = 0.25f};
    struct material thread = {
        .tint = {f->nut_tone * 0.7f}, .gloss = 0.5f, .texture = t->grain, .rough = 0.3f};
    struct prism p = prism_regular(f->x + 0.4f * off_x, f->y + 0.4f * off_y, 11.5f, 0, 0);
    p.top = 22;
    p.bevel = 1.5f;
    draw_prism(c, &p, &plate, &t->light);
    if (raised > 3) { // the shank shows below the nut
        p = prism_regular(x, y, 6.3f * grow, 0, 0);
        p.top = 24 + 0.5f * raised;
        draw_prism(c, &p, &thread, &t->light);
    }
    p = prism_regular(x, y, 8 * grow, 6, f->nut_turn);
    p.top = 27 + raised;
    p.bevel = 1.8f;
    draw_prism(c, &p, &nut, &t->light);
    p = prism_regular(x, y, 4.4f * grow, 0, 0);
    p.top = 31 + 1.3f * raised;
    p.bevel = 1.6f;
    draw_prism(c, &p, &thread, &t->light);
}

static void draw_fastening(struct track *t, int side)
{
    struct canvas *c = t->c;
    struct rng rng = draw_rng(t->view->place, PLACE_CLIPS + 10 * (uint64_t)side);
    struct fastener f = {.out = side ? 1 : -1};
    f.x = t->x + f.out * (FOOT_HALF + 14 + draw_between(&rng, -1, 1));
    f.y = t->y + draw_between(&rng, -1.5f, 1.5f);
    f.lean = draw_between(&rng, -0.006f, 0.006f);
    f.push = draw_between(&rng, -0.8f, 0.8f);
    f.radius = draw_between(&rng, 3.6f, 4.2f);
    f.steel = draw_between(&rng, 58, 110);
    f.nut_turn = draw_between(&rng, 0, 1);
    f.nut_tone = draw_between(&rng, 70, 135);
    int kind = t->bad_side == side ? t->view->kind : -1;

    struct material gauge = {
        .tint = {draw_between(&rng, 44, 92)}, .gloss = 0.08f, .texture = t->grain, .rough = 0.12f};
    struct material shoulder = {.tint = {draw_between(&rng, 100, 150)}, .texture = t->stain, .rough = 0.2f};
    struct prism p = prism_block(f.x + f.out * 25, f.y, 7, 33, 0);
    p.top = 15;
    p.bevel = 4;
    draw_prism(c, &p, &shoulder, &t->light);
    p = prism_block(f.x + f.out * 2, f.y, 18, 29, 0);
    p.top = 12.5f;
    p.bevel = 2;
    draw_prism(c, &p, &gauge, &t->light);
    struct prism hole = prism_regular(f.x, f.y, 5, 0, 0);
    hole.top = 12.8f;
    struct material dark = {.tint = {14}};
    bool gone = kind == MISSING_CLIP && draw_chance(&t->flaw, 0.55f); // with or without its bolt
    draw_prism(c, &hole, &dark, &t->light);

    if (kind == LOOSE_BOLT && draw_chance(&t->flaw, 0.35f)) { // the clip, no longer pressed down, wanders
        f.lean += draw_between(&t->flaw, -0.03f, 0.03f);
        f.push += draw_between(&t->flaw, 1, 5);
    }
    if (kind != MISSING_CLIP)
        draw_clip(t, &f, kind == BROKEN_CLIP);
    if (kind == LOOSE_BOLT) {
        float raised = draw_log_between(&t->flaw, 4, 14);
        f.nut_turn += draw_between(&t->flaw, 0.05f, 0.12f);
        float off_x = draw_between(&t->flaw, -0.25f, 0.25f), off_y = draw_between(&t->flaw, -0.25f, 0.25f);
        draw_bolt(t, &f, raised, off_x * raised, off_y * raised);
    } else if (kind != MISSING_BOLT && !gone) {
        draw_bolt(t, &f, 0, 0, 0);
    }
}

static void draw_object(struct track *t)
{
    struct canvas *c = t->c;
    float size = draw_log_between(&t->flaw, 11, 42), turn = draw_between(&t->flaw, 0, 1);
    float x = t->x + (t->bad_side ? 1 : -1) * draw_between(&t->flaw, 30, 130),
          y = draw_between(&t->flaw, 25, 215);
    float dx = draw_cos(turn) * size, dy = draw_sin(turn) * size, z = 18;
    float what = draw_between(&t->flaw, 0, 1);
    if (what < 0.35f) { // a stick, or a piece of one
        struct knot stick[12], smooth[44];
        knots_wander(stick, 12, x - dx, y - dy, turn, 2 * size, size * 0.12f, size * 0.11f + 0.6f, &t->flaw);
        for (int i = 0; i < 12; i++) {
            stick[i].z = z;
            stick[i].radius += 0.8f;
        }
        struct material wood = {
            .tint = {draw_between(&t->flaw, 70, 175)}, .gloss = 0.02f, .texture = t->grain, .rough = 0.25f};
        int n = knots_smooth(stick, 12, 3, smooth, 44);
        draw_tube(c, smooth, n, &wood, &t->light);
    } else if (what < 0.65f) { // a bottle or can
        float r = 0.24f * size + 2, tone = draw_between(&t->flaw, 90, 215);
        struct material body = {.tint = {tone}, .gloss = 0.8f, .texture = t->stain, .rough = 0.12f};
        struct material label = {.tint = {draw_chance(&t->flaw, 0.5f) ? 60 : 225}, .gloss = 0.4f};
        struct knot can[] = {{x - 0.55f * dx, y - 0.55f * dy, z, r},
                             {x + 0.45f * dx, y + 0.45f * dy, z, r},
                             {x + 0.7f * dx, y + 0.7f * dy, z, 0.45f * r},
                             {x + 0.9f * dx, y + 0.9f * dy, z, 0.42f * r}};
        struct knot band[] = {{x - 0.2f * dx, y - 0.2f * dy, z + 0.3f, r},
                              {x + 0.15f * dx, y + 0.15f * dy, z + 0.3f, r}};
        draw_tube(c, can, 4, &body, &t->light);
        draw_tube(c, band, 2, &label, &t->light);
    } else { // a crumpled bag or paper
        struct material film = {.gloss = 0.3f, .texture = t->grain, .rough = 0.05f};
        float tone = draw_between(&t->flaw, 120, 235);
        for (int i = 0; i < 9; i++) {
            film.tint[0] = tone * draw_between(&t->flaw, 0.85f, 1.1f);
            float u = draw_between(&t->flaw, -0.45f, 0.45f) * size,
                  v = draw_between(&t->flaw, -0.45f, 0.45f) * size;
            draw_lump(c, x + u, y + v, size * draw_between(&t->flaw, 0.25f, 0.6f), z - 2, &film, &t->light,
                      &t->flaw);
        }
    }
}

// Oil along the rail, rust run from the clips, dust: darker or paler, never in the shape of a thing.
static void soil(struct track *t)
{
    struct canvas *c = t->c;
    struct rng rng = draw_rng(t->view->place, PLACE_DIRT);
    int w = c->width, h = c->height;
    float *patch = plane_new(c);
    noise_add_octaves(patch, w, h, (struct noise){80, 66, 1, t->shift_x, t->shift_y}, 4, &rng);
    float oil = draw_log_between(&rng, 0.04f, 0.6f), dust = draw_log_between(&rng, 0.03f, 0.4f);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float u = ((float)x - t->x) / 75, near = u * u < 1 ? 1 - u * u : 0;
            if (fabsf((float)x - t->x) < HEAD_HALF - 4)
                near = 0;
            float v = c->tone[0][i] * (1 - oil * near * rampf(-0.2f, 0.9f, patch[i]));
            c->tone[0][i] = mixf(v, 118, dust * rampf(0.1f, 1.1f, -patch[i]));
        }
    plane_free(c, patch);
}

static void draw_oddities(struct track *t)
{
    struct canvas *c = t->c;
    struct rng rng = draw_rng(t->view->place, PLACE_ODD);
    struct material stone = {.gloss = 0.03f, .texture = t->grain, .rough = 0.15f};
    int stones = draw_chance(&rng, 0.25f) ? (int)draw_log_between(&rng, 1, 7) : 0;
    for (int i = 0; i < stones; i++) { // ballast thrown onto the sleeper
        float x = draw_between(&rng, -1, 1), y = draw_between(&rng, -38, 38);
        x = t->x + (x < 0 ? -88 + 60 * x : 88 + 60 * x);
        stone.tint[0] = draw_between(&rng, 75, 150);
        draw_lump(c, x, t->y + y, draw_log_between(&rng, 2, 6.5f), 9, &stone, &t->light, &rng);
    }
    if (draw_chance(&rng, 0.03f)) {
        float tint = draw_between(&rng, 70, 150);
        float x = t->x + draw_between(&rng, -130, 110), y = draw_between(&rng, 20, 215);
        float length = draw_between(&rng, 12, 24), turn = draw_between(&rng, 0, 1);
        draw_leaf(c, x, y, length, turn, &tint, &rng);
    }
}

static void expose(struct track *t)
{
    struct canvas *c = t->c;
    struct rng place = draw_rng(t->view->place, 40), frame = draw_rng(t->view->frame, 40);
    int w = c->width, h = c->height;
    float exposure = draw_between(&frame, 0.85f, 1.12f) * (0.82f + 0.26f * t->sun);
    // The car's own shadow, or a pole's: a soft straight edge across the picture.
    bool shaded = draw_chance(&place, 0.3f * t->sun);
    float turn = draw_between(&place, -0.12f, 0.12f);
    turn += draw_chance(&place, 0.5f) ? 0.25f : 0;
    float nx = draw_cos(turn), ny = draw_sin(turn), at = draw_between(&place, -90, 90),
          depth = draw_between(&place, 0.3f, 0.55f);
    float pole = draw_chance(&place, 0.35f) ? draw_between(&place, 14, 40) : 1e6f,
          soft = draw_between(&place, 3, 14);
    float gain = draw_between(&frame, -0.08f, 0.08f), vignette = draw_between(&place, 0.1f, 0.3f);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float dx = (float)x - 160, dy = (float)y - 120,
                  v = c->tone[0][i] * exposure * (1 + gain * dx / 160);
            if (shaded) {
                float d = dx * nx + dy * ny - at;
                v *= 1 - depth * rampf(-soft, soft, d) * (1 - rampf(-soft, soft, d - pole));
            }
            v *= 1 - vignette * (dx * dx + dy * dy) / 40000;
            c->tone[0][i] = v > 200 ? 200 + (v - 200) * 0.5f : v; // the sensor's shoulder
        }
    canvas_soften(c, draw_between(&frame, 0, 0.9f));
    if (draw_chance(&frame, 0.12f)) // a fast stretch: blurred along the rail
        plane_box_blur(c, c->tone[0], 0, draw_chance(&frame, 0.3f) ? 2 : 1);
    if (draw_chance(&frame, 0.025f))
        lens_drop(c, &frame);
}

void demo_draw_fastener(struct canvas *c, const struct demo_view *view)
{
    struct track t = {.c = c, .view = view};
    choose(&t);
    t.grain = plane_new(c);
    t.stain = plane_new(c);
    struct rng rng = draw_rng(view->place, 50);
    noise_add(t.grain, c->width, c->height, (struct noise){1.5f, 1.5f, 1, t.shift_x, t.shift_y}, &rng);
    noise_add_octaves(t.stain, c->width, c->height, (struct noise){15, 15, 1, t.shift_x, t.shift_y}, 3, &rng);
    draw_ballast(&t);
    draw_sleeper(&t);
    draw_rail(&t);
    draw_fastening(&t, 0);
    draw_fastening(&t, 1);
    draw_oddities(&t);
    if (view->kind == FOREIGN_OBJECT)
        draw_object(&t);
    relief_occlude(c, 4, 0.35f);
    relief_shadow(c, &t.light, 0.12f + 0.5f * t.sun);
    soil(&t);
    expose(&t);
    plane_free(c, t.stain);
    plane_free(c, t.grain);
}
