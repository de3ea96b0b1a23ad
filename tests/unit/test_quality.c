// Poor pictures: the demo's pictures degraded in known ways are recognised, with the reason; clean ones are
// not, and neither are those of scenes that are dark, smooth or bordered by nature.
#include "test.h"

#include <math.h>

#include "base/rng.h"
#include "image/demo.h"
#include "image/quality.h"

enum { PICTURES = 600 }; // of all scenes; two thirds of a scene's to learn from, the rest to judge

// ---- degradations ----

static size_t samples(const struct image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

static uint8_t level(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

static void multiply(struct image *image, double gain)
{
    for (size_t i = 0; i < samples(image); i++)
        image->pixels[i] = level(image->pixels[i] * gain);
}

static void add_noise(struct image *image, struct rng *rng, double sd)
{
    for (size_t i = 0; i < samples(image); i++)
        image->pixels[i] = level(image->pixels[i] + sd * rng_normal(rng));
}

// Box blur over 2r + 1 pixels along one axis (step in samples).
static void box(struct image *image, int r, bool down)
{
    int w = image->width, h = image->height, c = image->channels;
    uint8_t *from = xcalloc(samples(image), 1);
    memcpy(from, image->pixels, samples(image));
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            for (int k = 0; k < c; k++) {
                int sum = 0, n = 0;
                for (int o = -r; o <= r; o++) {
                    int u = down ? x : x + o, v = down ? y + o : y;
                    if (u >= 0 && v >= 0 && u < w && v < h) {
                        sum += from[(v * w + u) * c + k];
                        n++;
                    }
                }
                image->pixels[(y * w + x) * c + k] = (uint8_t)((sum + n / 2) / n);
            }
        }
    }
    free(from);
}

// Out of focus: the optics blur, the sensor's noise stays.
static void defocus(struct image *image, struct rng *rng)
{
    for (int pass = 0; pass < 2; pass++) {
        box(image, 2, false);
        box(image, 2, true);
    }
    add_noise(image, rng, 2);
}

static void motion(struct image *image, struct rng *rng)
{
    box(image, 5, rng_below(rng, 2) == 1);
    box(image, 1, false);
    box(image, 1, true);
    add_noise(image, rng, 2);
}

// Something smooth and out of focus reaches in from one side.
static void cover(struct image *image, struct rng *rng, double share)
{
    double angle = 6.283185307179586 * rng_uniform(rng), ca = cos(angle), sa = sin(angle),
           tone = 20 + 90 * rng_uniform(rng);
    double half = fabs(ca) * image->width / 2 + fabs(sa) * image->height / 2, edge = half * (1 - 2 * share);
    int c = image->channels;
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            double in = (x - image->width / 2.0) * ca + (y - image->height / 2.0) * sa - edge;
            double t = in < 0 ? 0 : in > 20 ? 1 : in / 20;
            for (int k = 0; k < c; k++) {
                uint8_t *p = &image->pixels[(y * image->width + x) * c + k];
                *p = level(*p * (1 - t) + t * (tone + 0.05 * in));
            }
        }
    }
    add_noise(image, rng, 1.5);
}

static void fill(struct image *image, int from_row, uint8_t tone)
{
    size_t line = (size_t)image->width * (size_t)image->channels;
    memset(image->pixels + (size_t)from_row * line, tone, line * (size_t)(image->height - from_row));
}

enum kind { CLEAN, DEFOCUS, MOTION, DARK, BRIGHT, COVER_HALF, COVER_MOST, BLANK, TORN, KINDS };
static const struct {
    const char *name;
    enum poor is; // what it should be called
    double least; // share recognised as poor, of all scenes
} kinds[KINDS] = {
    [CLEAN] = {"clean", POOR_NOT, 0},
    [DEFOCUS] = {"out of focus", POOR_BLURRED, 0.9},
    [MOTION] = {"moved by 11 pixels", POOR_BLURRED, 0.4},
    [DARK] = {"a fifth of the light", POOR_DARK, 0.95},
    [BRIGHT] = {"three times the light", POOR_BRIGHT, 0.93},
    [COVER_HALF] = {"half covered", POOR_COVERED, 0.6},
    [COVER_MOST] = {"three quarters covered", POOR_COVERED, 0.95},
    [BLANK] = {"blank", POOR_BLANK, 1},
    [TORN] = {"lower third gray", POOR_TORN, 1},
};

static void degrade(struct image *image, enum kind kind, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    switch (kind) {
    case DEFOCUS:
        defocus(image, &rng);
        break;
    case MOTION:
        motion(image, &rng);
        break;
    case DARK:
        multiply(image, 0.2);
        break;
    case BRIGHT:
        multiply(image, 3);
        break;
    case COVER_HALF:
        cover(image, &rng, 0.5);
        break;
    case COVER_MOST:
        cover(image, &rng, 0.75);
        break;
    case BLANK:
        fill(image, 0, 90);
        add_noise(image, &rng, 1.5);
        break;
    case TORN:
        fill(image, image->height * 2 / 3, 128);
        break;
    default:
        break;
    }
}

static struct quality measured(const struct image *picture, enum kind kind, uint64_t seed)
{
    struct image image;
    struct quality quality;
    image_init(&image, picture->width, picture->height, picture->channels);
    memcpy(image.pixels, picture->pixels, samples(picture));
    degrade(&image, kind, seed);
    quality_measure(&image, &quality);
    image_clear(&image);
    return quality;
}

// ---- tests ----

static void test_demo(void **state)
{
    (void)state;
    struct demo_item *items = demo_plan(11, PICTURES, 0.01);
    int total[KINDS] = {0}, poor[KINDS] = {0}, named[KINDS] = {0};
    for (int scene = 0; scene < DEMO_SCENES; scene++) {
        struct quality learnt[PICTURES], judged[PICTURES][KINDS];
        struct quality_range range;
        size_t count = 0, last = 0;
        for (size_t i = 0; i < PICTURES; i++) {
            struct image picture;
            if (items[i].scene != scene)
                continue;
            uint64_t seed = items[i].seed ^ (uint64_t)items[i].number;
            demo_render(&items[i], &picture, NULL);
            if (items[i].number % 3 > 0) { // every 25th of those learnt from is poor itself
                learnt[count] = measured(
                    &picture, count % 25 == 7 ? (enum kind)(1 + count / 25 % (KINDS - 1)) : CLEAN, seed);
                count++;
            } else {
                for (int kind = CLEAN; kind < KINDS; kind++)
                    judged[last][kind] = measured(&picture, (enum kind)kind, seed);
                last++;
            }
            image_clear(&picture);
        }
        quality_learn(learnt, count, &range);
        for (size_t i = 0; i < last; i++) {
            for (int kind = CLEAN; kind < KINDS; kind++) {
                char why[QUALITY_WHY] = "";
                enum poor is = quality_judge(&judged[i][kind], &range, why);
                total[kind]++;
                poor[kind] += is != POOR_NOT;
                named[kind] += is == kinds[kind].is;
                assert_int_equal(is != POOR_NOT, why[0] != '\0');
            }
        }
    }
    for (int kind = CLEAN; kind < KINDS; kind++)
        printf("# %-22s %5.1f %% of %d called poor, %5.1f %% %s\n", kinds[kind].name,
               100.0 * poor[kind] / total[kind], total[kind], 100.0 * named[kind] / total[kind],
               kind == CLEAN ? "not" : poor_name(kinds[kind].is));
    free(items);
    assert_true(total[CLEAN] >= 200);
    assert_true(poor[CLEAN] <= total[CLEAN] / 100);
    for (int kind = CLEAN + 1; kind < KINDS; kind++)
        if (poor[kind] < kinds[kind].least * total[kind])
            fail_msg("%s: only %d of %d recognised", kinds[kind].name, poor[kind], total[kind]);
}

// A scene of its own: `make` draws picture i; none of its pictures may be poor.
static void none_poor(struct image (*make)(uint64_t i), const char *what)
{
    struct quality all[120];
    struct quality_range range;
    for (uint64_t i = 0; i < 120; i++) {
        struct image image = make(i);
        quality_measure(&image, &all[i]);
        image_clear(&image);
    }
    quality_learn(all, 60, &range);
    for (int i = 0; i < 120; i++) {
        char why[QUALITY_WHY] = "";
        if (quality_judge(&all[i], &range, why) != POOR_NOT)
            fail_msg("%s, picture %d: %s", what, i, why);
    }
}

// Dark and smooth: a vignetted surface at level 9 with little noise.
static struct image dark_smooth(uint64_t i)
{
    struct rng rng = rng_seed(i);
    struct image image;
    image_init(&image, 300, 200, 1);
    double gain = 0.8 + 0.4 * rng_uniform(&rng);
    for (int y = 0; y < 200; y++)
        for (int x = 0; x < 300; x++)
            image.pixels[y * 300 + x] =
                level(gain * (9 - hypot(x - 150, y - 100) / 60) + 0.7 * rng_normal(&rng));
    return image;
}

// Texture above a black border of a third.
static struct image bordered(uint64_t i)
{
    struct rng rng = rng_seed(i);
    struct image image;
    image_init(&image, 240, 240, 3);
    for (size_t p = 0; p < samples(&image); p++)
        image.pixels[p] = level(110 + 30 * rng_normal(&rng));
    fill(&image, 160, 0);
    return image;
}

// White nearly everywhere, a dark stroke somewhere.
static struct image bright(uint64_t i)
{
    struct rng rng = rng_seed(i);
    struct image image;
    image_init(&image, 320, 200, 1);
    memset(image.pixels, 252, samples(&image));
    int x0 = (int)rng_below(&rng, 300), y0 = (int)rng_below(&rng, 120);
    for (int y = y0; y < y0 + 80; y++)
        memset(image.pixels + y * 320 + x0, 40, 20);
    return image;
}

static void test_scenes_of_their_own(void **state)
{
    (void)state;
    none_poor(dark_smooth, "dark and smooth");
    none_poor(bordered, "bordered");
    none_poor(bright, "bright");
}

static void test_unknown_scene(void **state)
{
    (void)state;
    struct quality_range nothing = {0};
    struct quality quality;
    struct image image = bordered(1);
    char why[QUALITY_WHY] = "";
    quality_measure(&image, &quality);
    assert_int_equal(quality_judge(&quality, &nothing, why), POOR_NOT);
    fill(&image, 0, 3);
    quality_measure(&image, &quality);
    assert_int_equal(quality_judge(&quality, &nothing, why), POOR_DARK);
    fill(&image, 0, 255);
    quality_measure(&image, &quality);
    assert_int_equal(quality_judge(&quality, &nothing, why), POOR_BRIGHT);
    fill(&image, 0, 120);
    quality_measure(&image, &quality);
    assert_int_equal(quality_judge(&quality, &nothing, why), POOR_BLANK);
    image_clear(&image);
}

static void test_sizes(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {1, 500}, {7, 3}, {19, 21}, {40, 40}, {2000, 3}, {1200, 900}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct image image;
        struct quality quality;
        image_init(&image, sides[i][0], sides[i][1], i % 2 ? 3 : 1);
        for (size_t p = 0; p < samples(&image); p++)
            image.pixels[p] = (uint8_t)(p * 37);
        quality_measure(&image, &quality);
        for (int m = 0; m < QUALITIES; m++)
            assert_true(isfinite(quality.measures[m]));
        image_clear(&image);
    }
    // a picture and its enlargement by 4 are about equally bright and equally torn
    struct image small = bordered(2), large;
    struct quality a, b;
    image_init(&large, 960, 960, 3);
    for (int y = 0; y < 960; y++)
        for (int x = 0; x < 960; x++)
            memcpy(large.pixels + (y * 960 + x) * 3, small.pixels + (y / 4 * 240 + x / 4) * 3, 3);
    quality_measure(&small, &a);
    quality_measure(&large, &b);
    assert_true(fabsf(a.measures[QUALITY_LEVEL] - b.measures[QUALITY_LEVEL]) < 1);
    assert_true(fabsf(a.measures[QUALITY_TORN] - b.measures[QUALITY_TORN]) < 0.02f);
    image_clear(&small);
    image_clear(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo),
        cmocka_unit_test(test_scenes_of_their_own),
        cmocka_unit_test(test_unknown_scene),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
