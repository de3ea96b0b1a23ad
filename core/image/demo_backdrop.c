// What is behind an insulator string: sky with its clouds, hazy ridges, forest.
#include "config.h"

#include "image/demo_draw.h"

enum { PLACE_SKY = 2, PLACE_LAND };

static void draw_sky(struct canvas *c, const struct demo_view *view, float shift_x, float shift_y,
                     float sky_low[3])
{
    struct rng rng = draw_rng(view->place, PLACE_SKY);
    int w = c->width, h = c->height;
    static const float high[4][3] = {{72, 122, 190}, {122, 158, 200}, {168, 176, 186}, {96, 116, 160}};
    static const float low[4][3] = {{172, 200, 224}, {206, 216, 222}, {206, 208, 208}, {232, 196, 160}};
    float weather = draw_between(&rng, 0, 1), bright = draw_between(&rng, 0.88f, 1.08f);
    int kind = weather < 0.35f ? 0 : weather < 0.65f ? 1 : weather < 0.93f ? 2 : 3;
    float clear = kind == 2 ? 0.25f : 0.7f, amount = draw_between(&rng, -0.9f, 0.6f);
    float *cloud = plane_new(c), sx = 0.4f * shift_x, sy = 0.4f * shift_y;
    float cloud_x = draw_between(&rng, 90, 190), cloud_y = draw_between(&rng, 45, 90);
    noise_add_octaves(cloud, w, h, (struct noise){cloud_x, cloud_y, 1, sx, sy}, 5, &rng);
    float white[3];
    for (int k = 0; k < 3; k++) {
        sky_low[k] = low[kind][k] * bright;
        white[k] = ((k == 2 ? 244 : 240) - 28 * (1 - clear)) * bright;
    }
    for (int y = 0; y < h; y++) {
        float t = ((float)y + 20) / 250, base[3];
        for (int k = 0; k < 3; k++)
            base[k] = mixf(high[kind][k], low[kind][k], t * t * 0.4f + t * 0.6f) * bright;
        for (int x = 0; x < w; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            float cover = rampf(-0.1f, 1.1f, cloud[i] + amount) * 0.85f;
            float body = 1 - 0.16f * rampf(0.2f, 1.5f, cloud[i] + amount);
            for (int k = 0; k < 3; k++)
                c->tone[k][i] = mixf(base[k], white[k] * body, cover);
        }
    }
    plane_free(c, cloud);
}

static void draw_land(struct canvas *c, const struct demo_view *view, float shift_x, float shift_y,
                      const float sky_low[3])
{
    struct rng rng = draw_rng(view->place, PLACE_LAND);
    int w = c->width, h = c->height;
    float mood = draw_between(&rng, 0, 1), sx = 0.6f * shift_x, sy = 0.6f * shift_y;
    int ridges = mood < 0.35f ? 0 : mood < 0.8f ? 2 : 3;
    float level = mood < 0.8f ? draw_between(&rng, 130, 215) : draw_between(&rng, -60, 40);
    if (!ridges)
        return;
    float *leaves = plane_new(c);
    noise_add_octaves(leaves, w, h, (struct noise){14, 9, 0.6f, sx, sy}, 3, &rng);
    noise_add(leaves, w, h, (struct noise){70, 40, 0.5f, sx, sy}, &rng);
    float season = draw_between(&rng, 0, 1);
    float near[3] = {mixf(40, 106, season), mixf(66, 92, season), mixf(34, 58, season)};
    for (int r = 0; r < ridges; r++) {
        struct wave big = wave_make(&rng), small = wave_make(&rng), trees = wave_make(&rng);
        float far = (float)(ridges - 1 - r) / (float)ridges, top = level + 34 * (float)r;
        float haze = 0.22f + 0.75f * far, wide = draw_between(&rng, 70, 130);
        for (int x = 0; x < w; x++) {
            float at = (float)x + sx + 40;
            float ridge = top + sy + 30 * wave_at(&big, at / wide) + 9 * wave_at(&small, at / 23) +
                          (far > 0.3f ? 0.6f : 2.2f) * wave_at(&trees, at / 2.7f);
            int y0 = (int)clampf(ridge, 0, (float)h);
            for (int y = y0; y < h; y++) {
                size_t i = (size_t)y * (size_t)w + (size_t)x;
                float cover = clampf((float)y - ridge + 0.5f, 0, 1),
                      rough = 1 + (0.5f - 0.35f * far) * leaves[i];
                float mist = clampf(haze - 0.0012f * ((float)y - ridge), 0.1f, 0.97f);
                for (int k = 0; k < 3; k++)
                    c->tone[k][i] =
                        mixf(c->tone[k][i], mixf(near[k] * rough, sky_low[k] * 0.9f, mist), cover);
            }
        }
    }
    plane_free(c, leaves);
}

void demo_draw_backdrop(struct canvas *c, const struct demo_view *view, float shift_x, float shift_y,
                        float sky_low[3])
{
    draw_sky(c, view, shift_x, shift_y, sky_low);
    draw_land(c, view, shift_x, shift_y, sky_low);
}
