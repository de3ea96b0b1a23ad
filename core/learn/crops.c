#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo_draw.h"
#include "image/resize.h"
#include "learn/camera.h"
#include "learn/crops_impl.h"
#include "learn/flaw.h"
#include "learn/texture.h"

static size_t samples_of(int side)
{
    return (size_t)side * (size_t)side * 3;
}

// --- what is shown -------------------------------------------------------

// A rectangle of one of the pictures, with its own size and aspect.
static void piece(const struct crop_source *s, const struct image *pictures, size_t count, struct rng *rng,
                  int side, float *rgb)
{
    const struct image *from = &pictures[rng_below(rng, count)];
    float size = draw_between(rng, (float)s->options.crop_least, (float)s->options.crop_most);
    float aspect = sqrtf(draw_log_between(rng, 0.75f, 4.0f / 3));
    int w = (int)(size * aspect + 0.5f), h = (int)(size / aspect + 0.5f);
    w = w < from->width ? w : from->width;
    h = h < from->height ? h : from->height;
    int x = (int)rng_below(rng, (uint64_t)(from->width - w + 1));
    int y = (int)rng_below(rng, (uint64_t)(from->height - h + 1));
    image_resize_rgb(from, x, y, w, h, side, side, rgb);
}

static int texture(struct rng *rng, int side, float *rgb)
{
    int kind = (int)rng_below(rng, TEXTURE_KINDS);
    texture_make(kind, rng, side, rgb);
    return CROP_TEXTURE + kind;
}

static void blend(float *rgb, const float *other, int side, struct rng *rng)
{
    float t = draw_between(rng, 0.3f, 0.7f);
    for (size_t i = 0; i < samples_of(side); i++)
        rgb[i] = mixf(rgb[i], other[i], t);
}

static void join(float *rgb, const float *other, int side, struct rng *rng)
{
    float turns = draw_between(rng, 0, 1), c = draw_cos(turns), s = draw_sin(turns);
    float at = draw_between(rng, -0.3f, 0.3f) * (float)side, soft = draw_log_between(rng, 0.7f, 12);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float d = ((float)(x - side / 2) * c + (float)(y - side / 2) * s - at) / soft + 0.5f;
            size_t i = ((size_t)y * (size_t)side + (size_t)x) * 3;
            for (size_t k = i; k < i + 3; k++)
                rgb[k] = mixf(rgb[k], other[k], clampf(d, 0, 1));
        }
}

// The second's light and dark over the first, as a pattern printed or pressed into it.
static void overlay(float *rgb, const float *other, int side, struct rng *rng)
{
    float depth = draw_between(rng, 0.3f, 1), mean = 0;
    size_t pixels = samples_of(side) / 3;
    for (size_t i = 0; i < pixels; i += 13)
        mean += other[3 * i + 1];
    mean /= (float)((pixels + 12) / 13);
    for (size_t i = 0; i < pixels; i++) {
        float f = fmaxf(0, 1 + depth * (other[3 * i + 1] - mean) * (1.0f / 128));
        for (size_t k = 3 * i; k < 3 * i + 3; k++)
            rgb[k] = fminf(255, rgb[k] * f);
    }
}

static void photo(const struct crop_source *s, struct rng *rng, int side, float *rgb)
{
    piece(s, s->photos, s->counts.photos, rng, side, rgb);
}

static void mix(const struct crop_source *s, struct rng *rng, int side, float *rgb)
{
    float *other = xmalloc(samples_of(side) * sizeof *other);
    photo(s, rng, side, rgb);
    if (draw_chance(rng, 0.4f))
        texture(rng, side, other);
    else
        photo(s, rng, side, other);
    static void (*const ways[])(float *, const float *, int, struct rng *) = {blend, join, overlay};
    ways[rng_below(rng, 3)](rgb, other, side, rng);
    free(other);
}

static void swap_pixels(float *a, float *b)
{
    for (int k = 0; k < 3; k++) {
        float held = a[k];
        a[k] = b[k];
        b[k] = held;
    }
}

static void turn(struct rng *rng, int side, float *rgb)
{
    size_t line = (size_t)side * 3;
    bool across = draw_chance(rng, 0.5f), down = draw_chance(rng, 0.5f), transpose = draw_chance(rng, 0.25f);
    for (int y = 0; across && y < side; y++)
        for (int x = 0; x < side / 2; x++)
            swap_pixels(rgb + (size_t)y * line + (size_t)x * 3,
                        rgb + (size_t)y * line + (size_t)(side - 1 - x) * 3);
    for (int y = 0; down && y < side / 2; y++)
        for (size_t i = 0; i < line; i++) {
            float *a = rgb + (size_t)y * line + i, *b = rgb + (size_t)(side - 1 - y) * line + i, held = *a;
            *a = *b;
            *b = held;
        }
    for (int y = 0; transpose && y < side; y++)
        for (int x = 0; x < y; x++)
            swap_pixels(rgb + (size_t)y * line + (size_t)x * 3, rgb + (size_t)x * line + (size_t)y * 3);
}

// The scene before any camera.
static int show(const struct crop_source *s, struct rng rng, int side, float *rgb)
{
    const struct crop_options *o = &s->options;
    double at = rng_uniform(&rng), demo = s->counts.demo ? o->demo : 0;
    int shown;
    if (s->counts.photos == 0)
        at *= demo + o->textures;
    if (at < demo) {
        piece(s, s->demo, s->counts.demo, &rng, side, rgb);
        shown = CROP_DEMO;
    } else if (at < demo + o->textures || s->counts.photos == 0) {
        shown = texture(&rng, side, rgb);
    } else if (at < demo + o->textures + o->mixes) {
        mix(s, &rng, side, rgb);
        shown = CROP_MIX;
    } else {
        photo(s, &rng, side, rgb);
        shown = CROP_PHOTO;
    }
    turn(&rng, side, rgb);
    return shown;
}

// --- crops ---------------------------------------------------------------

// Independent streams, always all of them: what a crop shows, how it is seen once and again, its
// defect. So crops of the three functions with the same rng belong together.
struct streams {
    struct rng scene, first, second, flaw;
};

static struct streams draw_streams(struct rng *rng)
{
    struct streams s;
    s.scene = rng_seed(rng_u64(rng));
    s.first = rng_seed(rng_u64(rng));
    s.second = rng_seed(rng_u64(rng));
    s.flaw = rng_seed(rng_u64(rng));
    return s;
}

static struct camera camera_for(const struct crop_source *s, struct rng *rng, const float *rgb, int side)
{
    struct camera camera = camera_draw(rng, s->options.gray);
    camera_meter(&camera, rgb, side);
    return camera;
}

int crop_make(const struct crop_source *source, struct rng *rng, int side, float *rgb)
{
    struct streams streams = draw_streams(rng);
    int shown = show(source, streams.scene, side, rgb);
    struct camera camera = camera_for(source, &streams.first, rgb, side);
    camera_see(&camera, rgb, NULL, side);
    return shown;
}

int crop_pair(const struct crop_source *source, struct rng *rng, int side, float *a, float *b)
{
    struct streams streams = draw_streams(rng);
    int shown = show(source, streams.scene, side, a);
    memcpy(b, a, samples_of(side) * sizeof *b);
    struct camera first = camera_for(source, &streams.first, a, side);
    struct camera second = camera_for(source, &streams.second, b, side);
    camera_see(&first, a, NULL, side);
    camera_see(&second, b, NULL, side);
    return shown;
}

int crop_defect(const struct crop_source *source, struct rng *rng, int side, float *rgb, float *mask)
{
    struct streams streams = draw_streams(rng);
    float *clean = xmalloc(2 * samples_of(side) * sizeof *clean), *other = clean + samples_of(side);
    show(source, streams.scene, side, clean);
    memcpy(rgb, clean, samples_of(side) * sizeof *rgb);
    struct camera camera = camera_for(source, &streams.first, clean, side);
    int kind = (int)rng_below(&streams.flaw, FLAW_KINDS);
    struct rng foreign = rng_seed(rng_u64(&streams.flaw));
    if (flaw_needs_other(kind))
        show(source, foreign, side, other);
    flaw_add(kind, &streams.flaw, side, other, rgb, mask);
    // The camera is set by the clean scene and sees both; blocks and blur reach beyond the
    // defect, so what it left alone is taken from the clean picture.
    camera_see(&camera, clean, NULL, side);
    camera_see(&camera, rgb, mask, side);
    for (size_t i = 0; i < samples_of(side) / 3; i++) {
        mask[i] = fminf(mask[i], 1); // a blur's weights do not sum to 1 exactly
        if (mask[i] < 1.0f / 64) {
            mask[i] = 0;
            memcpy(rgb + 3 * i, clean + 3 * i, 3 * sizeof *rgb);
        }
    }
    free(clean);
    return kind;
}
