// Insulator strings on a pylon, from the air or from the ground: glass or
// porcelain discs before sky, hills or forest, at changing angle and scale.
#include "config.h"

#include <math.h>
#include <string.h>

#include "image/demo_draw.h"

enum { MISSING_DISC, BURN, BROKEN_DISC, THREAD, NEST };
enum { PLACE_VIEW = 1, PLACE_TOWER = 5, PLACE_ODD };
enum { GLASS, PORCELAIN_BROWN, PORCELAIN_WHITE, LOOKS };
enum { MAX_DISCS = 22, LAYERS = 7 };

struct scene {
    struct canvas *c;
    const struct demo_view *view;
    struct rng flaw;
    struct light light;
    float ax, ay;        // along the string, from the pylon to the conductor
    float px, py;        // across it
    float x, y;          // the first disc's rim centre
    float pitch, radius; // pixels from disc to disc; of a disc
    float flat;          // minor by major axis of a disc as seen
    float taper, sag;    // how the far end shrinks; bend of the string, pixels
    int discs, look, strings;
    float apart;         // between two parallel strings
    bool from_below;     // the ribs are seen, not the caps
    float sun, lit_side; // strength of the sun; -1..1 where across a disc it glints
    float shift_x, shift_y;
    float tint[3], sky_low[3];
    float *mottle; // fine dirt, about -1..1
    int bad_disc, bad_string, bad_count;
};

static void choose(struct scene *s)
{
    struct rng place = draw_rng(s->view->place, PLACE_VIEW), frame = draw_rng(s->view->frame, PLACE_VIEW);
    float n = (float)s->view->number;
    bool suspended = draw_chance(&place, 0.55f);
    float turn =
        suspended ? 0.25f + draw_between(&place, -0.06f, 0.06f) : draw_between(&place, -0.07f, 0.11f);
    s->ax = draw_cos(turn);
    s->ay = draw_sin(turn);
    s->px = -s->ay;
    s->py = s->ax;
    s->flat = draw_between(&place, 0.16f, 0.5f);
    float pitch = draw_log_between(&place, 13, 25);
    s->radius = pitch * draw_between(&place, 0.84f, 1.02f);
    s->pitch = pitch * sqrtf(1 - s->flat * s->flat);
    float room = suspended ? 205 : 270;
    s->discs = (int)clampf(room * draw_between(&place, 0.75f, 1.25f) / s->pitch, 6, MAX_DISCS);
    s->shift_x = draw_between(&frame, -4, 4);
    s->shift_y = draw_between(&frame, -3, 3);
    float length = s->pitch * (float)(s->discs - 1);
    s->x =
        160 + draw_between(&place, -45, 45) * (suspended ? 1.3f : 0.5f) - 0.5f * s->ax * length + s->shift_x;
    s->y =
        122 + draw_between(&place, -22, 22) * (suspended ? 0.5f : 1.3f) - 0.5f * s->ay * length + s->shift_y;
    s->taper = draw_between(&place, -0.22f, 0.22f);
    s->sag = suspended ? draw_between(&place, -3, 3) : draw_between(&place, -2, 12);
    s->strings = draw_chance(&place, 0.35f) ? 2 : 1;
    s->apart = s->radius * draw_between(&place, 2.2f, 3.4f);
    s->from_below = draw_chance(&place, 0.45f);
    float look = draw_between(&place, 0, 1);
    s->look = look < 0.45f ? GLASS : look < 0.75f ? PORCELAIN_BROWN : PORCELAIN_WHITE;
    static const float looks[LOOKS][3] = {{148, 186, 176}, {122, 66, 46}, {205, 203, 194}};
    for (int k = 0; k < 3; k++)
        s->tint[k] = looks[s->look][k] * draw_between(&place, 0.88f, 1.1f);
    s->sun = clampf(0.5f + 0.5f * draw_sin(n / 230.0f) + draw_between(&place, -0.3f, 0.3f), 0.08f, 1);
    s->lit_side = draw_between(&place, 0.2f, 0.55f);
    s->lit_side *= draw_chance(&place, 0.5f) ? 1 : -1;
    s->light = light_from(draw_between(&place, 0.55f, 0.95f), 0.7f, 0.25f + 0.35f * s->sun);
    s->flaw = draw_rng(s->view->flaw, 1);
    s->bad_disc = (int)draw_between(&s->flaw, 0, (float)s->discs - 0.01f);
    s->bad_string = draw_chance(&s->flaw, 0.5f) ? s->strings - 1 : 0;
    s->bad_count = draw_chance(&s->flaw, 0.35f) ? 2 : 1;
}

// --- hardware ------------------------------------------------------------

// Where disc k of a string has its rim's centre, and how large it is against the middle one.
static void disc_place(const struct scene *s, int string, float k, float *x, float *y, float *scale)
{
    float t = k / (float)(s->discs - 1), bend = s->sag * 4 * t * (1 - t);
    *scale = 1 + s->taper * (t - 0.5f);
    float off = s->strings > 1 ? ((float)string - 0.5f) * s->apart * *scale : 0;
    float way = k * s->pitch * (1 + 0.5f * s->taper * (t - 1));
    *x = s->x + s->ax * way + s->px * off + (s->ay > 0.8f ? bend : 0);
    *y = s->y + s->ay * way + s->py * off + (s->ay > 0.8f ? 0 : bend);
}

// What holds the strings: a link from the cross-arm to each head, from each foot to the line.
static void draw_links(struct scene *s, float arm_x, float arm_y, float end_x, float end_y)
{
    struct material iron = {.tint = {104, 103, 101}, .gloss = 0.3f, .texture = s->mottle, .rough = 0.25f};
    for (int k = 0; k < s->strings; k++) {
        float x, y, scale, r = s->radius * 0.11f + 0.3f;
        disc_place(s, k, -0.7f, &x, &y, &scale);
        struct knot head[] = {{arm_x, arm_y, 6, r}, {x, y, 6, r * 1.3f}};
        disc_place(s, k, (float)s->discs - 1, &x, &y, &scale);
        struct knot foot[] = {{x, y, 6, r * 1.3f}, {end_x, end_y, 6, r}};
        draw_tube(s->c, head, 2, &iron, &s->light);
        draw_tube(s->c, foot, 2, &iron, &s->light);
    }
}

// Lattice members of the cross-arm at the string's head, the conductor at its foot.
static void draw_hardware(struct scene *s, float head_x, float head_y, float foot_x, float foot_y)
{
    struct canvas *c = s->c;
    struct rng rng = draw_rng(s->view->place, PLACE_TOWER);
    float grey = draw_between(&rng, 105, 165), r = s->radius;
    struct material steel = {
        .tint = {grey, grey * 1.01f, grey * 1.03f}, .gloss = 0.25f, .texture = s->mottle, .rough = 0.12f};
    float spread = draw_between(&rng, 0.8f, 1.3f), back = r * 1.5f;
    float bx = head_x - s->ax * back, by = head_y - s->ay * back;
    struct knot chord[] = {{bx - s->px * 400, by - s->py * 400 - 40 * spread, 1, r * 0.22f},
                           {bx, by, 1, r * 0.24f},
                           {bx + s->px * 400, by + s->py * 400 - 70 * spread, 1, r * 0.22f}};
    struct knot upper[] = {{chord[0].x - s->ax * 130, chord[0].y - s->ay * 130, 0, r * 0.2f},
                           {chord[2].x - s->ax * 60, chord[2].y - s->ay * 60, 0, r * 0.2f}};
    draw_tube(c, upper, 2, &steel, &s->light);
    for (int i = -7; i < 8; i++) { // the diagonals between the two chords
        float t0 = (float)i * 46, t1 = t0 + 23;
        struct knot brace[] = {
            {bx + s->px * t0, by + s->py * t0 - fabsf(t0) * 0.13f, 0, r * 0.1f + 0.5f},
            {bx + s->px * t1 - s->ax * 75, by + s->py * t1 - s->ay * 75, 0, r * 0.1f + 0.5f},
            {bx + s->px * (t0 + 46), by + s->py * (t0 + 46) - fabsf(t0 + 46) * 0.13f, 0, r * 0.1f + 0.5f}};
        draw_tube(c, brace, 3, &steel, &s->light);
    }
    draw_tube(c, chord, 3, &steel, &s->light);
    float dark = draw_between(&rng, 60, 110);
    struct material wire = {.tint = {dark, dark, dark}, .gloss = 0.35f, .texture = s->mottle, .rough = 0.2f};
    float end_x = foot_x + s->ax * r * 1.1f, end_y = foot_y + s->ay * r * 1.1f, w = r * 0.17f + 0.4f;
    bool hanging = s->ay > 0.8f;
    float lean = draw_between(&rng, -0.2f, 0.2f);
    int wires = draw_chance(&rng, 0.4f) ? 2 : 1;
    for (int k = 0; k < wires; k++) {
        float off = (float)k * r * 0.9f;
        struct knot line[] = {{end_x - 400, end_y + off + 400 * lean + 34, 2, w},
                              {end_x, end_y + off, 2, w},
                              {end_x + 400, end_y + off - 400 * lean + 34, 2, w}};
        struct knot dead_end[] = {{end_x, end_y, 2, w * 2.2f},
                                  {end_x + s->ax * r * 2.5f, end_y + s->ay * r * 2.5f + off, 2, w * 1.9f},
                                  {end_x + 400, end_y + 0.5f * (s->ay / (s->ax + 0.01f)) * 400 + off, 2, w}};
        struct knot jumper[] = {{end_x + s->ax * r, end_y + s->ay * r, 1, w},
                                {end_x - r, end_y + 2.6f * r + off, 1, w},
                                {end_x - 5 * r, end_y + 4.4f * r + off, 1, w},
                                {end_x - 400, end_y + 7 * r + off, 1, w}};
        if (hanging) {
            draw_tube(c, line, 3, &wire, &s->light);
        } else {
            struct knot smooth[32];
            draw_tube(c, smooth, knots_smooth(jumper, 4, 8, smooth, 32), &wire, &s->light);
            draw_tube(c, dead_end, 3, &wire, &s->light);
        }
    }
    draw_links(s, bx, by, end_x, end_y);
    if (hanging) { // the suspension clamp
        struct knot clamp[] = {{end_x - r * 0.75f, end_y + r * 0.08f, 4, w * 1.6f},
                               {end_x, end_y - w, 4, w * 2.4f},
                               {end_x + r * 0.75f, end_y + r * 0.08f, 4, w * 1.6f}};
        draw_tube(c, clamp, 3, &steel, &s->light);
    }
}

// --- a string ------------------------------------------------------------

struct disc {
    float x, y, radius;                    // of the rim
    float chip_s, chip_t, chip;            // direction of what broke off, and where it starts (1: nothing)
    float burn, burn_s, burn_t, burn_size; // 0..1 and where
    bool shattered;
    struct wave jag;
};

static void cap(struct scene *s, const struct disc *d, float from, float to, float wide)
{
    // Iron: from and to along the axis in radii, away from the pylon is positive.
    float r = d->radius;
    struct material iron = {.tint = {112, 110, 108}, .gloss = 0.3f, .texture = s->mottle, .rough = 0.25f};
    struct knot bar[] = {{d->x + s->ax * from * r, d->y + s->ay * from * r, 40, wide * r * 0.8f},
                         {d->x + s->ax * (0.4f * from + 0.6f * to) * r,
                          d->y + s->ay * (0.4f * from + 0.6f * to) * r, 40, wide * r},
                         {d->x + s->ax * to * r, d->y + s->ay * to * r, 40, wide * r}};
    // Discs do not write relief; the iron must always win over what is behind.
    int x0 = (int)clampf(d->x - 2 * r, 0, (float)s->c->width),
        x1 = (int)clampf(d->x + 2 * r, 0, (float)s->c->width);
    for (int y = (int)clampf(d->y - 2 * r, 0, (float)s->c->height);
         y < (int)clampf(d->y + 2 * r, 0, (float)s->c->height); y++)
        for (int x = x0; x < x1; x++)
            s->c->relief[(size_t)y * (size_t)s->c->width + (size_t)x] = 0;
    draw_tube(s->c, bar, 3, &iron, &s->light);
}

// One ellipse of a disc's body: `part` of the rim's radius, `along` radii up the axis.
// `up` is how much it faces the sky (0 rim .. 1 neck), `under` the ribbed side.
static void shell(struct scene *s, const struct disc *d, float part, float along, float up, bool under)
{
    struct canvas *c = s->c;
    float rad = d->radius * part, minor = rad * s->flat, cx = d->x + s->ax * along * d->radius,
          cy = d->y + s->ay * along * d->radius;
    int x0 = (int)clampf(cx - rad - 1, 0, (float)c->width),
        x1 = (int)clampf(cx + rad + 2, 0, (float)c->width);
    int y0 = (int)clampf(cy - rad - 1, 0, (float)c->height),
        y1 = (int)clampf(cy + rad + 2, 0, (float)c->height);
    bool glass = s->look == GLASS;
    float solid = glass ? 0.5f : 1;
    for (int j = y0; j < y1; j++)
        for (int i = x0; i < x1; i++) {
            float dx = (float)i - cx, dy = (float)j - cy;
            float u = (dx * s->px + dy * s->py) / rad, v = (dx * s->ax + dy * s->ay) / minor,
                  r2 = u * u + v * v;
            if (r2 >= 1.25f)
                continue;
            float r = sqrtf(r2), cover = clampf((1 - r) * minor + 0.5f, 0, 1);
            if (d->chip < 1) {
                float depth = (u * d->chip_s + v * d->chip_t) * part,
                      side = (u * d->chip_t - v * d->chip_s) * part;
                float line = d->chip + 0.14f * wave_at(&d->jag, side * 6 + 8) + 0.35f * side * side;
                cover *= clampf((line - depth) * 9, 0, 1);
            }
            if (cover <= 0)
                continue;
            size_t at = (size_t)j * (size_t)c->width + (size_t)i;
            // Round across: brighter towards the sun, a narrow glint, dark at the turn away from it.
            float side = u * (s->lit_side > 0 ? 1 : -1), glint = (u - s->lit_side) * 5;
            float shade = 0.72f + 0.26f * up + (0.1f + 0.2f * s->sun) * side - 0.12f * r2 * r2;
            float spec =
                glint * glint < 1 ? (1 - glint * glint) * (0.15f + 0.85f * s->sun) * (0.25f + 0.6f * up) : 0;
            float rim = rampf(0.82f, 0.98f, r) * (1 - up);
            if (under) {
                float rib = r * 3.2f - floorf(r * 3.2f);
                shade = (0.45f + 0.25f * rampf(0.25f, 0.5f, rib) * rampf(1, 0.75f, rib)) * (1 + 0.2f * side) +
                        0.1f * rim;
                spec *= 0.3f;
            }
            shade *= 1 + 0.06f * s->mottle[at];
            float burnt = 0;
            if (d->burn > 0) {
                float bu = u * part - d->burn_s, bv = v * part - d->burn_t;
                float spread = (bu * bu + bv * bv) / (d->burn_size * d->burn_size);
                burnt = d->burn * rampf(1.2f, 0.35f, spread + 0.35f * s->mottle[at]);
            }
            float through = glass ? mixf(solid + 0.2f * (1 - up), 0.95f, rim > spec ? rim : spec) : 1;
            through = mixf(through, 1, burnt);
            for (int k = 0; k < 3; k++) {
                static const float soot[3] = {38, 33, 30};
                float tone = s->tint[k] * shade + (glass ? 45 : 15) * rim + 150 * spec;
                tone = mixf(tone, soot[k], burnt);
                c->tone[k][at] = mixf(c->tone[k][at], tone, cover * through);
            }
        }
}

static void draw_disc(struct scene *s, const struct disc *d)
{
    const float dome = 0.5f * sqrtf(1 - s->flat * s->flat);
    float neck = -dome * 0.95f, next = -s->pitch / d->radius * 0.98f;
    if (s->from_below) {
        cap(s, d, next, neck + 0.1f, 0.27f);
        if (d->shattered) {
            shell(s, d, 0.36f, neck * 0.5f, 0.2f, false);
            return;
        }
        for (int k = LAYERS; k-- > 1;) {
            float t = (float)k / LAYERS;
            shell(s, d, 1 - 0.6f * t * t, neck * t, 0.75f * t, false);
        }
        shell(s, d, 1, 0, 0, false);
        shell(s, d, 0.95f, 0.02f, 0, true);
        return;
    }
    if (d->shattered) { // toughened glass falls as crumbs; the cap keeps a stump
        cap(s, d, 0.15f, neck, 0.12f);
        shell(s, d, 0.36f, neck * 0.6f, 0.3f, false);
        cap(s, d, next + 0.1f, neck, 0.27f);
        return;
    }
    shell(s, d, 0.97f, 0.07f, 0, true);
    for (int k = 0; k < LAYERS; k++) {
        float t = (float)k / (LAYERS - 1);
        shell(s, d, 1 - 0.62f * t * t, neck * t, 0.15f + 0.6f * t, false);
    }
    cap(s, d, next + 0.15f, neck, 0.27f);
}

static struct disc make_disc(struct scene *s, int string, int k)
{
    struct disc d = {.chip = 1};
    float scale;
    disc_place(s, string, (float)k, &d.x, &d.y, &scale);
    d.radius = s->radius * scale;
    int kind = s->view->kind, from = s->bad_disc;
    if (string != s->bad_string || k < from)
        return d;
    struct rng flaw = draw_rng(s->view->flaw, 50 + (uint64_t)k);
    if (kind == MISSING_DISC && k < from + s->bad_count)
        d.shattered = true;
    if (kind == BROKEN_DISC && k == from) {
        float turn = draw_between(&flaw, 0, 1);
        d.chip_s = draw_cos(turn);
        d.chip_t = draw_sin(turn);
        d.chip = 1 - draw_log_between(&flaw, 0.22f, 0.9f);
        d.jag = wave_make(&flaw);
    }
    if (kind == BURN && k < from + 1 + 2 * (s->bad_count - 1)) {
        d.burn = draw_log_between(&flaw, 0.45f, 0.95f);
        d.burn_s = draw_between(&flaw, -0.7f, 0.7f);
        d.burn_t = draw_between(&flaw, -0.5f, 0.5f);
        d.burn_size = draw_log_between(&flaw, 0.35f, 1);
    }
    return d;
}

static void draw_strings(struct scene *s)
{
    for (int string = 0; string < s->strings; string++)
        for (int k = 0; k < s->discs; k++) {
            // Far ones first: seen from below the pylon's end is far, from above the conductor's.
            struct disc d = make_disc(s, string, s->from_below ? k : s->discs - 1 - k);
            draw_disc(s, &d);
        }
}

// --- foreign things ------------------------------------------------------

static void draw_nest(struct scene *s, float head_x, float head_y)
{
    struct canvas *c = s->c;
    float size = draw_log_between(&s->flaw, 11, 34);
    float x = clampf(head_x - s->ax * s->radius, 15, 305) + draw_between(&s->flaw, -25, 25);
    float y = clampf(head_y - s->ay * s->radius - 0.3f * size, 14, 226);
    float tone = draw_between(&s->flaw, 0.7f, 1.2f);
    const float brown[3] = {78 * tone, 62 * tone, 44 * tone}, core[3] = {46 * tone, 37 * tone, 28 * tone};
    const float straw[3] = {146 * tone, 122 * tone, 84 * tone};
    size_t bytes = (size_t)c->width * (size_t)c->height * sizeof(float);
    float *cover = plane_new(c);
    draw_blob(c, cover, x, y, size * 0.9f, size * 0.48f, 0.25f, 3, &s->flaw);
    canvas_mix_plane(c, cover, core, 0.9f);
    for (int layer = 0; layer < 3; layer++) {
        memset(cover, 0, bytes);
        for (int i = 0; i < 14 + (int)size; i++) {
            struct knot twig[6];
            float at = draw_between(&s->flaw, -1, 1),
                  over = draw_between(&s->flaw, -0.5f, 0.5f) * (1 - 0.5f * at * at);
            float turn = draw_between(&s->flaw, -0.11f, 0.11f);
            turn += draw_chance(&s->flaw, 0.15f) ? 0.2f : 0;
            float length = size * draw_between(&s->flaw, 0.5f, 1.1f);
            knots_wander(twig, 6, x + at * size * 0.75f - 0.5f * length, y + over * size, turn, length, 2,
                         0.7f, &s->flaw);
            draw_stroke(c, cover, twig, 6);
        }
        canvas_mix_plane(c, cover, layer == 1 ? straw : layer ? core : brown, 0.8f);
    }
    plane_free(c, cover);
}

static void draw_thread(struct scene *s)
{
    struct canvas *c = s->c;
    static const float tints[4][3] = {{228, 228, 226}, {190, 46, 40}, {34, 34, 38}, {210, 190, 60}};
    const float *tint = tints[(int)draw_between(&s->flaw, 0, 3.99f)];
    float x, y, scale, length = draw_log_between(&s->flaw, 35, 170),
                       thick = draw_log_between(&s->flaw, 0.5f, 1.7f);
    disc_place(s, s->bad_string, (float)s->bad_disc, &x, &y, &scale);
    enum { N = 40 };
    struct knot path[N];
    float *cover = plane_new(c);
    float turn = 0.25f + draw_between(&s->flaw, -0.16f, 0.16f);
    for (int i = 0; i < 1 + s->bad_count; i++) {
        float from_x = x + draw_between(&s->flaw, -0.8f, 0.8f) * s->radius, from_y = y - 0.2f * length;
        knots_wander(path, N, from_x, from_y, turn + draw_between(&s->flaw, -0.05f, 0.05f), length, 13, thick,
                     &s->flaw);
        for (int k = 0; k < N; k++)
            path[k].radius = thick * (0.7f + 0.3f * path[k].radius / thick);
        draw_stroke(c, cover, path, N);
    }
    if (draw_chance(&s->flaw, 0.4f)) { // a torn film hanging in it
        float wide = draw_between(&s->flaw, 4, 11), high = draw_between(&s->flaw, 7, 24);
        draw_blob(c, cover, path[N / 2].x, path[N / 2].y, wide, high, 0.6f, 1.5f, &s->flaw);
    }
    canvas_mix_plane(c, cover, tint, draw_log_between(&s->flaw, 0.6f, 0.95f));
    plane_free(c, cover);
}

static void draw_bird(struct scene *s, struct rng *rng)
{
    struct canvas *c = s->c;
    float *cover = plane_new(c), dark[3] = {58, 58, 62}, x = draw_between(rng, 20, 300),
          y = draw_between(rng, 12, 120);
    float size = draw_log_between(rng, 3, 8), up = draw_between(rng, 0.2f, 0.7f) * size;
    struct knot wings[] = {{x - size, y - up * 0.6f, 0, 0.3f},
                           {x - size * 0.5f, y - up, 0, 0.6f},
                           {x, y, 0, 0.9f},
                           {x + size * 0.5f, y - up, 0, 0.6f},
                           {x + size, y - up * 0.6f, 0, 0.3f}};
    draw_stroke(c, cover, wings, 5);
    canvas_mix_plane(c, cover, dark, 0.85f);
    plane_free(c, cover);
}

static void expose(struct scene *s)
{
    struct canvas *c = s->c;
    struct rng place = draw_rng(s->view->place, 40), frame = draw_rng(s->view->frame, 40);
    int w = c->width, h = c->height;
    float exposure = draw_between(&frame, 0.86f, 1.08f), vignette = draw_between(&place, 0, 0.2f);
    float warm = draw_between(&place, -0.05f, 0.05f),
          flare = draw_chance(&place, 0.08f) ? draw_between(&place, 20, 60) : 0;
    float sun_x = draw_between(&place, 0, 320), sun_y = draw_between(&place, -40, 40),
          veil = draw_log_between(&place, 0.01f, 0.14f);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float dx = ((float)x - 160) / 200, dy = ((float)y - 120) / 200, fx = (float)x - sun_x,
                  fy = (float)y - sun_y;
            float gain = exposure * (1 - vignette * (dx * dx + dy * dy)),
                  glow = flare > 0 ? flare / (1 + (fx * fx + fy * fy) / 4000) : 0;
            for (int k = 0; k < 3; k++) {
                float v =
                    mixf(c->tone[k][i], s->sky_low[k], veil) * gain * (1 + warm * (float)(1 - k)) + glow;
                c->tone[k][i] = v > 215 ? 215 + (v - 215) * 0.6f : v;
            }
        }
    canvas_soften(c, draw_between(&frame, 0.1f, 0.9f));
    if (draw_chance(&frame, 0.06f)) { // out of focus
        canvas_soften(c, 1);
        canvas_soften(c, 1);
    }
    if (draw_chance(&frame, 0.02f))
        lens_drop(c, &frame);
}

void demo_draw_insulator(struct canvas *c, const struct demo_view *view)
{
    struct scene s = {.c = c, .view = view};
    choose(&s);
    s.mottle = plane_new(c);
    struct rng rng = draw_rng(view->place, 50), odd = draw_rng(view->place, PLACE_ODD);
    noise_add(s.mottle, c->width, c->height, (struct noise){2, 2, 0.6f, s.shift_x, s.shift_y}, &rng);
    noise_add(s.mottle, c->width, c->height, (struct noise){7, 7, 0.6f, s.shift_x, s.shift_y}, &rng);
    demo_draw_backdrop(c, view, s.shift_x, s.shift_y, s.sky_low);
    if (draw_chance(&odd, 0.04f))
        draw_bird(&s, &odd);
    float head_x, head_y, foot_x, foot_y, scale;
    disc_place(&s, 0, -0.6f, &head_x, &head_y, &scale);
    disc_place(&s, 0, (float)s.discs - 1, &foot_x, &foot_y, &scale);
    if (s.strings > 1) {
        float x, y;
        disc_place(&s, 1, -0.6f, &x, &y, &scale);
        head_x = 0.5f * (head_x + x);
        head_y = 0.5f * (head_y + y);
        disc_place(&s, 1, (float)s.discs - 1, &x, &y, &scale);
        foot_x = 0.5f * (foot_x + x);
        foot_y = 0.5f * (foot_y + y);
    }
    draw_hardware(&s, head_x, head_y, foot_x, foot_y);
    draw_strings(&s);
    if (view->kind == THREAD)
        draw_thread(&s);
    if (view->kind == NEST)
        draw_nest(&s, head_x, head_y);
    expose(&s);
    plane_free(c, s.mottle);
}
