#include "config.h"

#include <math.h>
#include <stdbool.h>

#include "tests/unit/scratch.h"

#include "base/file.h"
#include "base/parallel.h"
#include "image/image.h"
#include "learn/camera.h"
#include "learn/crops.h"
#include "learn/flaw.h"
#include "learn/texture.h"

enum { SIDE = 48, PIXELS = SIDE * SIDE };
static const int canary = -77; // after the last float of every buffer

// --- pictures ------------------------------------------------------------

static char *path_in(const char *dir, const char *name)
{
    return xasprintf("%s/%s/%s", scratch, dir, name);
}

// A colourful ramp that depends on `salt`; .jpg in its name makes a JPEG.
static void write_picture(const char *dir, const char *name, int width, int height, int channels, int salt)
{
    struct image image;
    struct error err;
    image_init(&image, width, height, channels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int k = 0; k < channels; k++)
                image.pixels[(y * width + x) * channels + k] =
                    (uint8_t)(40 + (x * (3 - k) + y * (1 + k) + salt * 37) % 170);
    char *folder = xasprintf("%s/%s", scratch, dir), *path = path_in(dir, name);
    assert_ok(file_mkdirs(folder, &err), &err);
    if (strstr(name, ".jpg"))
        assert_ok(image_write_jpeg(path, &image, 95, &err), &err);
    else
        assert_ok(image_write_png(path, &image, &err), &err);
    image_clear(&image);
    free(folder);
    free(path);
}

static void write_bytes(const char *dir, const char *name, const void *bytes, size_t count)
{
    struct error err;
    char *path = path_in(dir, name);
    assert_ok(file_write(path, bytes, count, &err), &err);
    free(path);
}

static struct crop_source *open_one(const char *dir, const struct crop_options *o)
{
    struct crop_source *source = NULL;
    struct error err;
    char *path = dir ? xasprintf("%s/%s", scratch, dir) : NULL;
    assert_ok(crop_source_open((const char *const *)&path, dir ? 1 : 0, o, &source, &err), &err);
    free(path);
    return source;
}

// All that a crop can show, over a folder of ten photos.
static struct crop_source *open_all(int threads)
{
    struct crop_options o = crop_options_default;
    o.demo_pool = 3;
    o.threads = threads;
    return open_one("photos", &o);
}

static float *buffer_new(int side, int channels)
{
    size_t n = (size_t)side * (size_t)side * (size_t)channels;
    float *buffer = xmalloc((n + 1) * sizeof *buffer);
    for (size_t i = 0; i <= n; i++)
        buffer[i] = (float)canary;
    return buffer;
}

static void check_range(const float *v, int side, int channels, float most)
{
    size_t n = (size_t)side * (size_t)side * (size_t)channels;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]) || v[i] < 0 || v[i] > most)
            fail_msg("sample %zu of side %d is %g", i, side, (double)v[i]);
    assert_true(v[n] == (float)canary);
}

static double deviation(const float *v, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += v[i];
        squares += (double)v[i] * v[i];
    }
    return sqrt(fmax(0, squares / (double)n - sum * sum / ((double)n * (double)n)));
}

// --- crops ---------------------------------------------------------------

static void the_same_numbers_give_the_same_crop(void **state)
{
    (void)state;
    struct crop_source *one = open_all(1), *four = open_all(4);
    float *a = buffer_new(SIDE, 3), *b = buffer_new(SIDE, 3);
    struct rng r = rng_seed(11), q = rng_seed(11);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(crop_make(one, &r, SIDE, a), crop_make(four, &q, SIDE, b));
        assert_memory_equal(a, b, PIXELS * 3 * sizeof *a);
        assert_memory_equal(&r, &q, sizeof r);
    }
    r = rng_seed(12); // another start, another crop
    q = rng_seed(13);
    crop_make(one, &r, SIDE, a);
    crop_make(one, &q, SIDE, b);
    assert_memory_not_equal(a, b, PIXELS * 3 * sizeof *a);
    free(a);
    free(b);
    crop_source_free(one);
    crop_source_free(four);
}

enum { SHARED_CROPS = 40, SHARED_THREADS = 4 };

struct shared {
    const struct crop_source *source;
    float *crops[SHARED_THREADS]; // (SHARED_CROPS, SIDE, SIDE, 3)
};

static void draw_all(void *context, int worker)
{
    struct shared *shared = context;
    struct rng r = rng_seed(21);
    for (int i = 0; i < SHARED_CROPS; i++)
        crop_make(shared->source, &r, SIDE, shared->crops[worker] + i * PIXELS * 3);
}

static void threads_share_a_source(void **state)
{
    (void)state;
    struct crop_source *source = open_all(0);
    struct shared shared = {.source = source};
    for (int t = 0; t < SHARED_THREADS; t++)
        shared.crops[t] = xcalloc(SHARED_CROPS * PIXELS * 3, sizeof(float));
    parallel_run(SHARED_THREADS, draw_all, &shared);
    for (int t = 1; t < SHARED_THREADS; t++)
        assert_memory_equal(shared.crops[0], shared.crops[t], SHARED_CROPS * PIXELS * 3 * sizeof(float));
    for (int t = 0; t < SHARED_THREADS; t++)
        free(shared.crops[t]);
    crop_source_free(source);
}

static void crops_of_every_size_stay_in_range(void **state)
{
    (void)state;
    struct crop_source *source = open_all(0);
    static const int sides[] = {8, 9, 31, 64, 160};
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++) {
        int side = sides[s];
        float *a = buffer_new(side, 3), *b = buffer_new(side, 3), *mask = buffer_new(side, 1);
        struct rng r = rng_seed(31 + s);
        for (int i = 0; i < 60; i++) {
            crop_make(source, &r, side, a);
            check_range(a, side, 3, 255);
            crop_pair(source, &r, side, a, b);
            check_range(a, side, 3, 255);
            check_range(b, side, 3, 255);
            crop_defect(source, &r, side, a, mask);
            check_range(a, side, 3, 255);
            check_range(mask, side, 1, 1);
        }
        free(a);
        free(b);
        free(mask);
    }
    crop_source_free(source);
}

static void everything_is_shown_in_its_share(void **state)
{
    (void)state;
    struct crop_source *source = open_all(0);
    float *rgb = buffer_new(8, 3);
    struct rng r = rng_seed(41);
    int shown[CROP_TEXTURE + TEXTURE_KINDS] = {0}, gray = 0, count = 4000, textures = 0;
    for (int i = 0; i < count; i++) {
        int kind = crop_make(source, &r, 8, rgb);
        assert_in_range(kind, 0, CROP_TEXTURE + TEXTURE_KINDS - 1);
        shown[kind]++;
        bool same = true;
        for (int p = 0; p < 64; p++)
            same = same && rgb[3 * p] == rgb[3 * p + 1] && rgb[3 * p] == rgb[3 * p + 2];
        gray += same;
    }
    for (int k = 0; k < TEXTURE_KINDS; k++) {
        assert_true(shown[CROP_TEXTURE + k] > count / TEXTURE_KINDS / 8);
        textures += shown[CROP_TEXTURE + k];
    }
    // Five standard deviations of a count of 4000.
    assert_true(abs(textures - count / 4) < 140);
    assert_true(abs(shown[CROP_MIX] - count / 10) < 95);
    assert_true(abs(shown[CROP_DEMO] - count / 10) < 95);
    // Half of all, and what of the demo and the textures is gray by itself.
    assert_true(gray > count / 2 - 160 && gray < count * 3 / 4);
    free(rgb);
    crop_source_free(source);
}

static double correlation(const float *a, const float *b, size_t n)
{
    double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0, m = (double)n;
    for (size_t i = 0; i < n; i++) {
        sa += a[i];
        sb += b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
        ab += (double)a[i] * b[i];
    }
    double va = aa - sa * sa / m, vb = bb - sb * sb / m;
    return va > 0 && vb > 0 ? (ab - sa * sb / m) / sqrt(va * vb) : 0;
}

static void a_pair_shows_one_place_twice(void **state)
{
    (void)state;
    struct crop_options o = crop_options_default;
    o.textures = o.mixes = o.demo = 0;
    o.gray = 1;
    struct crop_source *source = open_one("photos", &o);
    float *a = buffer_new(SIDE, 3), *b = buffer_new(SIDE, 3), *one = buffer_new(SIDE, 3);
    struct rng r = rng_seed(51);
    double alike = 0, least = 1;
    int count = 80;
    for (int i = 0; i < count; i++) {
        struct rng again = r;
        int shown = crop_pair(source, &r, SIDE, a, b);
        assert_int_equal(crop_make(source, &again, SIDE, one), shown);
        assert_memory_equal(a, one, PIXELS * 3 * sizeof *a);
        assert_memory_equal(&r, &again, sizeof r);
        assert_memory_not_equal(a, b, PIXELS * 3 * sizeof *a);
        double c = correlation(a, b, PIXELS * 3);
        alike += c / count;
        least = fmin(least, c);
    }
    assert_true(alike > 0.85);
    assert_true(least > 0.2);
    free(a);
    free(b);
    free(one);
    crop_source_free(source);
}

static void a_defect_changes_what_its_mask_says(void **state)
{
    (void)state;
    struct crop_source *source = open_all(0);
    float *rgb = buffer_new(SIDE, 3), *clean = buffer_new(SIDE, 3), *mask = buffer_new(SIDE, 1);
    struct rng r = rng_seed(61);
    int count = 300, seen = 0, kinds[FLAW_KINDS] = {0};
    for (int i = 0; i < count; i++) {
        struct rng again = r;
        int kind = crop_defect(source, &r, SIDE, rgb, mask);
        crop_make(source, &again, SIDE, clean);
        assert_memory_equal(&r, &again, sizeof r);
        kinds[kind]++;
        double covered = 0, change = 0;
        for (int p = 0; p < PIXELS; p++) {
            covered += mask[p];
            for (int k = 0; k < 3; k++) {
                if (mask[p] == 0)
                    assert_true(rgb[3 * p + k] == clean[3 * p + k]);
                change += fabsf(rgb[3 * p + k] - clean[3 * p + k]) / 3;
            }
        }
        assert_true(covered > 4 && covered < 0.75 * PIXELS);
        seen += change > covered; // a level in the mean, whatever contrast is left
    }
    assert_true(seen > count * 97 / 100);
    for (int k = 0; k < FLAW_KINDS; k++)
        assert_true(kinds[k] > count / FLAW_KINDS / 3);
    free(rgb);
    free(clean);
    free(mask);
    crop_source_free(source);
}

// --- defects, textures, camera -------------------------------------------

// On black, white, gray and a texture, each kind keeps what flaw.h promises.
static void every_defect_shows_on_any_ground(void **state)
{
    (void)state;
    float *rgb = buffer_new(SIDE, 3), *under = buffer_new(SIDE, 3), *other = buffer_new(SIDE, 3);
    float *mask = buffer_new(SIDE, 1);
    struct rng r = rng_seed(71);
    for (int kind = 0; kind < FLAW_KINDS; kind++)
        for (int i = 0; i < 80; i++) {
            static const float flat[] = {0, 128, 255};
            if (i % 4 == 3)
                texture_make((int)rng_below(&r, TEXTURE_KINDS), &r, SIDE, under);
            for (int p = 0; p < PIXELS * 3 && i % 4 < 3; p++)
                under[p] = flat[i % 4];
            texture_make((int)rng_below(&r, TEXTURE_KINDS), &r, SIDE, other);
            memcpy(rgb, under, PIXELS * 3 * sizeof *rgb);
            flaw_add(kind, &r, SIDE, flaw_needs_other(kind) ? other : NULL, rgb, mask);
            check_range(rgb, SIDE, 3, 255);
            check_range(mask, SIDE, 1, 1);
            double covered = 0, change = 0;
            for (int p = 0; p < PIXELS; p++) {
                covered += mask[p];
                for (int k = 0; k < 3; k++) {
                    assert_true(mask[p] > 0 || rgb[3 * p + k] == under[3 * p + k]);
                    change += fabsf(rgb[3 * p + k] - under[3 * p + k]) / 3;
                }
            }
            if (covered < 11.9 || covered > (kind == FLAW_ZONE ? 0.66 : 0.51) * PIXELS ||
                change < 7.9 * covered)
                fail_msg("%s %d covers %.1f pixels and changes them by %.1f", flaw_name(kind), i, covered,
                         change / covered);
        }
    free(rgb);
    free(under);
    free(other);
    free(mask);
}

static void every_texture_varies(void **state)
{
    (void)state;
    float *a = buffer_new(SIDE, 1), *b = buffer_new(SIDE, 1), *rgb = buffer_new(SIDE, 3);
    for (int kind = 0; kind < TEXTURE_KINDS; kind++) {
        double within = 0;
        int count = 30;
        assert_true(texture_name(kind)[0] != '\0');
        for (int i = 0; i < count; i++) {
            struct rng r = rng_seed(1000 + (uint64_t)i), q = r;
            texture_plane(kind, &r, SIDE, a);
            check_range(a, SIDE, 1, 1);
            texture_plane(kind, &q, SIDE, b);
            assert_memory_equal(a, b, PIXELS * sizeof *a);
            q = rng_seed(2000 + (uint64_t)i);
            texture_plane(kind, &q, SIDE, b);
            assert_true(fabs(correlation(a, b, PIXELS)) < 0.98);
            within += deviation(a, PIXELS) / count;
            texture_make(kind, &r, SIDE, rgb);
            check_range(rgb, SIDE, 3, 255);
        }
        if (within < 0.04)
            fail_msg("%s varies by %.3f only", texture_name(kind), within);
    }
    free(a);
    free(b);
    free(rgb);
}

static void noise_turns_and_keeps_its_size(void **state)
{
    (void)state;
    float *flat = buffer_new(SIDE, 1), *turned = buffer_new(SIDE, 1);
    double along[2] = {0}, across[2] = {0};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng r = rng_seed(seed), q = rng_seed(seed);
        texture_noise(flat, SIDE, 30, 3, 0, 2, &r);
        texture_noise(turned, SIDE, 30, 3, 0.25f, 2, &q); // a quarter: what ran along now runs down
        for (int y = 0; y + 1 < SIDE; y++)
            for (int x = 0; x + 1 < SIDE; x++) {
                int at = y * SIDE + x;
                along[0] += fabsf(flat[at + 1] - flat[at]);
                across[0] += fabsf(flat[at + SIDE] - flat[at]);
                along[1] += fabsf(turned[at + 1] - turned[at]);
                across[1] += fabsf(turned[at + SIDE] - turned[at]);
                assert_true(fabsf(flat[at]) <= 1.01f && fabsf(turned[at]) <= 1.01f);
            }
    }
    assert_true(across[0] > 4 * along[0]);
    assert_true(along[1] > 4 * across[1]);
    free(flat);
    free(turned);
}

static const struct camera plain = {.gamma = 1, .contrast = 1, .cast = {1, 1, 1}};

static void fill(float *rgb, float r, float g, float b)
{
    for (int p = 0; p < PIXELS; p++) {
        rgb[3 * p] = r;
        rgb[3 * p + 1] = g;
        rgb[3 * p + 2] = b;
    }
}

static void a_camera_does_what_its_numbers_say(void **state)
{
    (void)state;
    float *rgb = buffer_new(SIDE, 3);
    struct camera c = plain;
    fill(rgb, 50, 100, 200);
    camera_meter(&c, rgb, SIDE);
    assert_float_equal(c.mean, 0.299f * 50 + 0.587f * 100 + 0.114f * 200, 0.01);
    c.contrast = 0.5f; // about 96.45
    c.brightness = 10;
    camera_see(&c, rgb, NULL, SIDE);
    assert_float_equal(rgb[0], 96.45f - 46.45f / 2 + 10, 0.01);
    assert_float_equal(rgb[3 * PIXELS - 1], 96.45f + 103.55f / 2 + 10, 0.01);

    c = plain;
    c.gray = true;
    fill(rgb, 50, 100, 200);
    camera_meter(&c, rgb, SIDE);
    camera_see(&c, rgb, NULL, SIDE);
    for (int i = 0; i < PIXELS * 3; i++)
        assert_float_equal(rgb[i], 96.45f, 0.01);

    c = plain;
    c.gamma = 2;
    fill(rgb, 51, 51, 51);
    camera_meter(&c, rgb, SIDE);
    camera_see(&c, rgb, NULL, SIDE);
    assert_float_equal(rgb[7], 255 * 0.04f, 0.05);

    c = plain; // a bright scene is not driven out of the range
    fill(rgb, 230, 230, 230);
    c.brightness = 50;
    camera_meter(&c, rgb, SIDE);
    assert_float_equal(c.brightness, 0, 0.01);

    c = plain; // darker to one side, the same on the whole
    c.light_x = 0.4f;
    fill(rgb, 100, 100, 100);
    camera_meter(&c, rgb, SIDE);
    camera_see(&c, rgb, NULL, SIDE);
    assert_true(rgb[0] < 65 && rgb[3 * (SIDE - 1)] > 135);
    assert_float_equal(rgb[0] + rgb[3 * (SIDE - 1)], 200, 0.05);
    free(rgb);
}

static void a_camera_blurs_adds_noise_and_blocks(void **state)
{
    (void)state;
    float *rgb = buffer_new(SIDE, 3), *mask = buffer_new(SIDE, 1);
    struct camera c = plain;
    c.noise = 5;
    c.noise_seed = 7;
    fill(rgb, 120, 120, 120);
    camera_meter(&c, rgb, SIDE);
    camera_see(&c, rgb, NULL, SIDE);
    assert_float_equal(deviation(rgb, PIXELS * 3), 5, 0.3);
    assert_true(rgb[0] != rgb[1]);
    c.noise_shared = true;
    fill(rgb, 120, 120, 120);
    camera_see(&c, rgb, NULL, SIDE);
    assert_float_equal(deviation(rgb, PIXELS * 3), 5, 0.3);
    assert_float_equal(rgb[0], rgb[1], 0.001);

    // One bright pixel keeps its light, and its mask spreads alike.
    c = plain;
    c.blur = 1.5f;
    fill(rgb, 0, 0, 0);
    memset(mask, 0, PIXELS * sizeof *mask);
    int at = 20 * SIDE + 25;
    rgb[3 * at] = 255;
    mask[at] = 1;
    camera_see(&c, rgb, mask, SIDE);
    double sum = 0;
    for (int p = 0; p < PIXELS; p++) {
        sum += rgb[3 * p];
        assert_float_equal(rgb[3 * p], 255 * mask[p], 0.001);
        assert_true(rgb[3 * p + 1] == 0);
    }
    assert_float_equal(sum, 255, 0.1);
    double peak = 1 / (2 * 3.14159265 * 1.5 * 1.5);
    assert_float_equal(mask[at], peak, 0.05 * peak);

    // A flat picture survives any coding but a step; a busy one comes closer the better it is coded.
    double off[2];
    for (int i = 0; i < 2; i++) {
        c = plain;
        c.quality = i ? 90 : 20;
        c.block_x = 3;
        fill(rgb, 120, 120, 120);
        camera_see(&c, rgb, NULL, SIDE);
        for (int p = 0; p < PIXELS * 3; p++)
            assert_true(fabsf(rgb[p] - 120) < 5.1f);
        float *before = buffer_new(SIDE, 3);
        struct rng r = rng_seed(81);
        for (int p = 0; p < PIXELS * 3; p++)
            before[p] = rgb[p] = (float)(60 + rng_below(&r, 120));
        camera_see(&c, rgb, NULL, SIDE);
        off[i] = 0;
        for (int p = 0; p < PIXELS * 3; p++)
            off[i] += fabsf(rgb[p] - before[p]) / (PIXELS * 3);
        free(before);
    }
    assert_true(off[0] > 3 * off[1] && off[1] > 0.1);
    free(rgb);
    free(mask);
}

// --- sources -------------------------------------------------------------

static void masks_and_bad_files_are_left_out(void **state)
{
    (void)state;
    write_picture("mixed", "tile.jpg", 90, 60, 3, 1);
    write_picture("mixed", "tile.png", 90, 60, 1, 2); // its mask
    write_picture("mixed", "free.png", 50, 40, 1, 3);
    write_picture("mixed/deeper", "other.jpeg.jpg", 30, 30, 3, 4);
    write_picture("mixed/deeper", "png-by-content.dat", 30, 20, 3, 5);
    write_picture("mixed/.hidden", "no.png", 30, 30, 3, 6);
    write_bytes("mixed", "notes.txt", "no picture", 10);
    static const unsigned char torn[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0};
    write_bytes("mixed", "torn.png", torn, sizeof torn);
    struct crop_options o = crop_options_default;
    o.textures = o.mixes = o.demo = 0;
    struct crop_source *source = open_one("mixed", &o);
    struct crop_counts counts = crop_source_counts(source);
    assert_int_equal(counts.photos, 4);
    assert_int_equal(counts.masks, 1);
    assert_int_equal(counts.skipped, 2);
    assert_int_equal(counts.left_out, 0);
    assert_int_equal(counts.demo, 0);
    assert_int_equal(counts.bytes, 90 * 60 * 3 + 50 * 40 + 30 * 30 * 3 + 30 * 20 * 3);
    assert_non_null(strstr(crop_source_summary(source), "4 photos"));
    assert_non_null(strstr(crop_source_summary(source), "2 files skipped"));
    assert_non_null(strstr(crop_source_summary(source), "1 masks"));
    float *rgb = buffer_new(SIDE, 3);
    struct rng r = rng_seed(91);
    for (int i = 0; i < 50; i++) { // all of them smaller than a crop is
        assert_int_equal(crop_make(source, &r, SIDE, rgb), CROP_PHOTO);
        check_range(rgb, SIDE, 3, 255);
        assert_true(deviation(rgb, PIXELS * 3) > 1);
    }
    crop_source_free(source);

    // Named one by one, a file is taken as it is; one that is gone is counted.
    char *paths[] = {path_in("mixed", "tile.png"), path_in("mixed", "free.png"),
                     path_in("mixed", "gone.png")};
    struct error err;
    assert_ok(crop_source_open((const char *const *)paths, 3, &o, &source, &err), &err);
    counts = crop_source_counts(source);
    assert_int_equal(counts.photos, 2);
    assert_int_equal(counts.masks, 0);
    assert_int_equal(counts.skipped, 1);
    crop_source_free(source);
    for (int i = 0; i < 3; i++)
        free(paths[i]);
    free(rgb);
}

static void textures_and_demo_are_enough(void **state)
{
    (void)state;
    struct crop_options o = crop_options_default;
    o.demo_pool = 4;
    struct crop_source *source = open_one(NULL, &o);
    assert_int_equal(crop_source_counts(source).photos, 0);
    assert_int_equal(crop_source_counts(source).demo, 4);
    float *rgb = buffer_new(8, 3);
    struct rng r = rng_seed(101);
    int demo = 0, count = 1000;
    for (int i = 0; i < count; i++) {
        int shown = crop_make(source, &r, 8, rgb);
        assert_true(shown == CROP_DEMO || shown >= CROP_TEXTURE);
        demo += shown == CROP_DEMO;
    }
    assert_true(abs(demo - count * 2 / 7) < 80); // 0.1 to 0.25
    free(rgb);
    crop_source_free(source);
}

static void memory_is_a_limit(void **state)
{
    (void)state;
    struct crop_options o = crop_options_default;
    o.textures = o.mixes = o.demo = 0;
    o.memory = 70000; // photos are 120 x 90 x 3 = 32,400
    struct crop_source *source[3];
    float *crops[3];
    for (int i = 0; i < 3; i++) {
        o.seed = i < 2 ? 5 : 6;
        o.threads = i + 1;
        source[i] = open_one("photos", &o);
        struct crop_counts counts = crop_source_counts(source[i]);
        assert_int_equal(counts.photos, 2);
        assert_int_equal(counts.left_out, 8);
        assert_int_equal(counts.bytes, 64800);
        assert_non_null(strstr(crop_source_summary(source[i]), "a random part of 10"));
        crops[i] = xcalloc(20 * PIXELS * 3, sizeof *crops[i]);
        struct rng r = rng_seed(111);
        for (int k = 0; k < 20; k++)
            crop_make(source[i], &r, SIDE, crops[i] + k * PIXELS * 3);
    }
    // The seed decides which, the threads do not.
    assert_memory_equal(crops[0], crops[1], 20 * PIXELS * 3 * sizeof(float));
    assert_memory_not_equal(crops[0], crops[2], 20 * PIXELS * 3 * sizeof(float));
    for (int i = 0; i < 3; i++) {
        free(crops[i]);
        crop_source_free(source[i]);
    }

    o.memory = 1 << 20; // and a photo is only as large as asked for
    o.side_max = 30;
    source[0] = open_one("photos", &o);
    assert_int_equal(crop_source_counts(source[0]).bytes, 10 * 40 * 30 * 3);
    crop_source_free(source[0]);
}

static void a_source_without_pictures_is_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    struct crop_source *source = NULL;
    char *empty = xasprintf("%s/empty", scratch), *bad = xasprintf("%s/bad", scratch);
    char *missing = xasprintf("%s/missing", scratch), *photos = xasprintf("%s/photos", scratch);
    assert_ok(file_mkdirs(empty, &err), &err);
    assert_ok(file_mkdirs(bad, &err), &err);
    write_bytes("bad", "a.jpg", "not a JPEG", 10);
    const char *paths[] = {empty};
    assert_status(crop_source_open(paths, 1, NULL, &source, &err), ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "empty: no PNG or JPEG"));
    paths[0] = bad;
    assert_status(crop_source_open(paths, 1, NULL, &source, &err), ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "a.jpg"));
    paths[0] = missing;
    assert_status(crop_source_open(paths, 1, NULL, &source, &err), ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "missing"));

    paths[0] = photos;
    struct crop_options o = crop_options_default;
    o.memory = 1000;
    assert_status(crop_source_open(paths, 1, &o, &source, &err), ST_INVALID, &err);
    o = crop_options_default;
    o.textures = 0.9;
    o.mixes = 0.2;
    assert_status(crop_source_open(paths, 1, &o, &source, &err), ST_INVALID, &err);
    o = crop_options_default;
    o.gray = NAN;
    assert_status(crop_source_open(paths, 1, &o, &source, &err), ST_INVALID, &err);
    o = crop_options_default;
    o.crop_most = o.crop_least - 1;
    assert_status(crop_source_open(paths, 1, &o, &source, &err), ST_INVALID, &err);
    o = crop_options_default;
    o.textures = o.demo = 0;
    assert_status(crop_source_open(NULL, 0, &o, &source, &err), ST_INVALID, &err);
    assert_null(source);
    crop_source_free(NULL);
    free(empty);
    free(bad);
    free(missing);
    free(photos);
}

static int set_up(void **state)
{
    int failed = make_scratch(state);
    for (int i = 0; i < 10 && !failed; i++) {
        char name[32];
        snprintf(name, sizeof name, i % 2 ? "%d.jpg" : "%d.png", i);
        write_picture("photos", name, 120, 90, 3, i);
    }
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_numbers_give_the_same_crop),
        cmocka_unit_test(threads_share_a_source),
        cmocka_unit_test(crops_of_every_size_stay_in_range),
        cmocka_unit_test(everything_is_shown_in_its_share),
        cmocka_unit_test(a_pair_shows_one_place_twice),
        cmocka_unit_test(a_defect_changes_what_its_mask_says),
        cmocka_unit_test(every_defect_shows_on_any_ground),
        cmocka_unit_test(every_texture_varies),
        cmocka_unit_test(noise_turns_and_keeps_its_size),
        cmocka_unit_test(a_camera_does_what_its_numbers_say),
        cmocka_unit_test(a_camera_blurs_adds_noise_and_blocks),
        cmocka_unit_test(masks_and_bad_files_are_left_out),
        cmocka_unit_test(textures_and_demo_are_enough),
        cmocka_unit_test(memory_is_a_limit),
        cmocka_unit_test(a_source_without_pictures_is_an_error),
    };
    return cmocka_run_group_tests_name("crops", tests, set_up, remove_scratch);
}
