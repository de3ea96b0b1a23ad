#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/demo.h"
#include "image/demo_draw.h"

static const struct demo_kind belt_kinds[] = {
    {"tear", "stop"},      {"foreign rod", "stop"},  {"hole", "key"},
    {"large rock", "key"}, {"edge fray", "general"},
};
static const struct demo_kind fastener_kinds[] = {
    {"missing clip", "stop"}, {"broken clip", "stop"},    {"missing bolt", "key"},
    {"loose bolt", "key"},    {"cracked sleeper", "key"}, {"foreign object", "general"},
};
static const struct demo_kind insulator_kinds[] = {
    {"missing disc", "stop"},  {"flashover burn", "key"}, {"broken disc", "key"},
    {"foreign thread", "key"}, {"bird nest", "general"},
};

#define KINDS(list) (list), sizeof(list) / sizeof *(list)
const struct demo_scene demo_scenes[DEMO_SCENES] = {
    {"belt", KINDS(belt_kinds), 320, 240},
    {"fastener", KINDS(fastener_kinds), 320, 240},
    {"insulator", KINDS(insulator_kinds), 320, 240},
};

static void (*const draw_scene[DEMO_SCENES])(struct canvas *, const struct demo_view *) = {
    demo_draw_belt,
    demo_draw_fastener,
    demo_draw_insulator,
};
static const int channels_of[DEMO_SCENES] = {1, 1, 3};

// --- the plan ------------------------------------------------------------

static void shuffle(void *list, size_t count, size_t size, struct rng *rng)
{
    unsigned char *at = list, swap[64];
    for (size_t i = count; i > 1; i--) {
        unsigned char *a = at + (i - 1) * size, *b = at + rng_below(rng, i) * size;
        memcpy(swap, a, size);
        memcpy(a, b, size);
        memcpy(b, swap, size);
    }
}

// Even over the scenes; then, where there are enough for every kind, moved from
// the scene with the most to spare to one with fewer than its kinds.
static void split_defects(size_t defects, const size_t pictures[DEMO_SCENES], size_t quota[DEMO_SCENES])
{
    for (size_t s = 0; s < DEMO_SCENES; s++)
        quota[s] = defects / DEMO_SCENES + (s < defects % DEMO_SCENES);
    for (;;) {
        int from = -1, to = -1;
        size_t spare = 0;
        for (int s = 0; s < DEMO_SCENES; s++) {
            size_t kinds = (size_t)demo_scenes[s].kind_count;
            if (quota[s] > kinds && quota[s] - kinds > spare) {
                spare = quota[s] - kinds;
                from = s;
            } else if (quota[s] < kinds && quota[s] < pictures[s]) {
                to = s;
            }
        }
        if (from < 0 || to < 0)
            return;
        quota[from]--;
        quota[to]++;
    }
}

struct burst {
    int size, kind;
};

static size_t burst_size(struct rng *rng, size_t left)
{
    size_t size = 1 + (size_t)rng_below(rng, 3);
    return size < left ? size : left;
}

// One scene's bursts in the order of its camera; a defect stays through its burst.
static size_t plan_scene(const struct demo_scene *scene, size_t pictures, size_t defects, struct rng *rng,
                         struct burst *bursts)
{
    size_t n = 0, kinds = (size_t)scene->kind_count;
    size_t order[16];
    for (size_t k = 0; k < kinds; k++)
        order[k] = k;
    shuffle(order, kinds, sizeof *order, rng);
    for (size_t left = defects; left > 0; n++) {
        // Leave a picture for each kind that has not had its turn.
        size_t waiting = n + 1 < kinds ? kinds - n - 1 : 0;
        size_t size = burst_size(rng, left > waiting ? left - waiting : 1);
        size_t kind = n < kinds ? order[n] : (size_t)rng_below(rng, kinds);
        bursts[n] = (struct burst){(int)size, (int)kind};
        left -= size;
    }
    for (size_t left = pictures - defects; left > 0; n++) {
        bursts[n] = (struct burst){(int)burst_size(rng, left), -1};
        left -= (size_t)bursts[n].size;
    }
    shuffle(bursts, n, sizeof *bursts, rng);
    return n;
}

struct demo_item *demo_plan(uint64_t seed, size_t count, double defect_rate)
{
    struct demo_item *items = xcalloc(count + 1, sizeof *items);
    struct burst *bursts = xcalloc(count + 1, sizeof *bursts);
    double wanted = floor((double)count * defect_rate + 0.5);
    size_t defects = wanted <= 0 ? 0 : wanted >= (double)count ? count : (size_t)wanted;
    size_t pictures[DEMO_SCENES], quota[DEMO_SCENES], at = 0;
    int group = 0;
    for (size_t s = 0; s < DEMO_SCENES; s++)
        pictures[s] = count / DEMO_SCENES + (s < count % DEMO_SCENES);
    split_defects(defects, pictures, quota);
    for (int s = 0; s < DEMO_SCENES; s++) {
        struct rng rng = draw_rng(seed, 100 + (uint64_t)s);
        size_t n = plan_scene(&demo_scenes[s], pictures[s], quota[s], &rng, bursts);
        int number = 0;
        for (size_t i = 0; i < n; i++, group++) {
            uint64_t place = rng_u64(&rng);
            for (int k = 0; k < bursts[i].size; k++)
                items[at++] = (struct demo_item){s, bursts[i].kind, number++, group, place};
        }
    }
    free(bursts);
    return items;
}

// --- one picture ---------------------------------------------------------

enum {
    MASK_LEVELS = 3, // a change below this many gray levels is not the defect's
    MASK_LEAST = 24, // pixels of the smallest defect
    RIM = 2,         // pixels by which the change fades out around the mask
    ATTEMPTS = 12,
};
static const float FAINTEST = 7; // mean change inside the mask, gray levels

// The camera: quantised with shot noise (grows with the light) and read noise.
static void develop(const struct canvas *c, struct rng *rng, struct image *picture)
{
    size_t count = (size_t)c->width * (size_t)c->height;
    float read = draw_log_between(rng, 0.7f, 2.5f), shot = draw_log_between(rng, 0.006f, 0.04f);
    float noise[256]; // standard deviation at each level, over that of the sum below
    for (int v = 0; v < 256; v++)
        noise[v] = sqrtf(read * read + shot * (float)v) / 147.8f;
    for (int k = 0; k < c->channels; k++) {
        uint8_t *to = picture->pixels + k;
        uint64_t bits = 0;
        for (size_t i = 0; i < count; i++, to += c->channels) {
            // The sum of four uniform bytes is near enough to a normal number.
            bits = i & 1 ? bits >> 32 : rng_u64(rng);
            uint32_t pairs = ((uint32_t)bits & 0xff00ff) + ((uint32_t)bits >> 8 & 0xff00ff);
            int sum = (int)((pairs & 0xffff) + (pairs >> 16)) - 510;
            float v = clampf(c->tone[k][i], 0, 255);
            *to = (uint8_t)clampf(v + (float)sum * noise[(int)v] + 0.5f, 0, 255);
        }
    }
}

// Where `with` differs from `without`, as 0/1; returns how many pixels, the mean change in *change.
static size_t changed(const struct canvas *with, const struct canvas *without, float *where, float *change)
{
    int w = with->width, h = with->height;
    size_t count = (size_t)w * (size_t)h, in = 0;
    float *apart = plane_new(with), scale = 1 / (float)with->channels;
    double sum = 0;
    for (int k = 0; k < with->channels; k++)
        for (size_t i = 0; i < count; i++)
            apart[i] += scale * fabsf(clampf(with->tone[k][i], 0, 255) - clampf(without->tone[k][i], 0, 255));
    // A little blur closes the mask where the two happen to agree.
    memcpy(where, apart, count * sizeof *where);
    plane_box_blur(with, where, 1, 1);
    for (size_t i = 0; i < count; i++) {
        where[i] = where[i] >= MASK_LEVELS ? 1 : 0;
        if (where[i] > 0) {
            in++;
            sum += apart[i];
        }
    }
    *change = in ? (float)(sum / (double)in) : 0;
    plane_free(with, apart);
    return in;
}

// `c` becomes `without` outside the mask, itself (the change `gain` times) inside, with a soft rim.
static void blend(struct canvas *c, const struct canvas *without, const float *where, float gain)
{
    size_t count = (size_t)c->width * (size_t)c->height;
    float *weight = plane_new(c);
    memcpy(weight, where, count * sizeof *weight);
    plane_box_blur(c, weight, RIM, RIM);
    for (size_t i = 0; i < count; i++)
        weight[i] = clampf(weight[i] * 3, where[i], 1) * gain;
    for (int k = 0; k < c->channels; k++)
        for (size_t i = 0; i < count; i++)
            c->tone[k][i] = mixf(without->tone[k][i], c->tone[k][i], weight[i]);
    plane_free(c, weight);
}

// Draws the scene twice, so that a defect changes exactly what it covers.
static void draw_defect(const struct demo_item *item, struct demo_view view, struct canvas *c, float *where)
{
    struct canvas without;
    canvas_init(&without, c->pool, c->width, c->height, c->channels);
    view.kind = -1;
    draw_scene[item->scene](&without, &view);
    view.kind = item->kind;
    float change = 0;
    for (uint64_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        // Behind something else or out of the picture: another size and position.
        struct rng rng = draw_rng(item->seed, 1000 + attempt);
        view.flaw = rng_u64(&rng);
        canvas_clear(c);
        canvas_init(c, without.pool, without.width, without.height, without.channels);
        draw_scene[item->scene](c, &view);
        if (changed(c, &without, where, &change) >= MASK_LEAST && change >= FAINTEST / 2)
            break;
    }
    blend(c, &without, where, change < FAINTEST && change > 0 ? FAINTEST / change : 1);
    canvas_clear(&without);
}

void demo_render(const struct demo_item *item, struct image *picture, struct image *mask)
{
    const struct demo_scene *scene = &demo_scenes[item->scene];
    struct rng rng = draw_rng(item->seed, 2000 + (uint64_t)item->number);
    struct demo_view view = {.place = item->seed, .frame = rng_u64(&rng), .number = item->number, .kind = -1};
    struct pool pool;
    struct canvas c;
    pool_init(&pool, scene->width, scene->height);
    canvas_init(&c, &pool, scene->width, scene->height, channels_of[item->scene]);
    float *where = plane_new(&c);
    if (item->kind < 0)
        draw_scene[item->scene](&c, &view);
    else
        draw_defect(item, view, &c, where);
    image_init(picture, c.width, c.height, c.channels);
    develop(&c, &rng, picture);
    if (mask) {
        image_init(mask, c.width, c.height, 1);
        for (size_t i = 0; i < (size_t)c.width * (size_t)c.height; i++)
            mask->pixels[i] = where[i] > 0 ? 255 : 0;
    }
    plane_free(&c, where);
    canvas_clear(&c);
    pool_clear(&pool);
}
