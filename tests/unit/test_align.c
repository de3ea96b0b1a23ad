// Moving one picture on another (core/image/align).
#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "image/align.h"
#include "image/resize.h"

enum { WIDTH = 400, HEIGHT = 300, WIDER = WIDTH + 80, HIGHER = HEIGHT + 80 };

// Blobs of gray on a gradient, larger than what is cut out of it.
static void scene(uint64_t seed, struct image *image)
{
    struct rng rng = rng_seed(seed);
    struct image small = {0};
    image_init(&small, WIDER / 8, HIGHER / 8, 1);
    for (int i = 0; i < small.width * small.height; i++)
        small.pixels[i] = (uint8_t)(40 + 150 * rng_uniform(&rng));
    image_resize(&small, WIDER, HIGHER, image);
    image_clear(&small);
}

static void cut(const struct image *from, int x, int y, double gain, struct image *to)
{
    image_init(to, WIDTH, HEIGHT, 1);
    for (int v = 0; v < HEIGHT; v++)
        for (int u = 0; u < WIDTH; u++)
            to->pixels[v * WIDTH + u] = (uint8_t)(from->pixels[(size_t)(v + y) * WIDER + (size_t)(u + x)] * gain + 60.0 * (1 - gain) * u / WIDTH);
}

static void finds_the_shift(void **state)
{
    (void)state;
    static const int shifts[][2] = {{17, -9}, {-30, 4}, {0, 22}, {-3, -2}};
    struct image all = {0}, still = {0}, moved = {0};
    scene(1, &all);
    cut(&all, 40, 40, 1, &still);
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        struct align found;
        cut(&all, 40 + shifts[i][0], 40 + shifts[i][1], 0.7, &moved); // under a weaker lamp
        align_find(&still, &moved, 0.125, &found);
        assert_int_equal(found.x, shifts[i][0]);
        assert_int_equal(found.y, shifts[i][1]);
        assert_true(found.after > 0.9 && found.after > found.before + 0.05);
        align_shift(&moved, found.x, found.y, 32);
        for (int u = 40; u < WIDTH - 40; u++) // lies on it now, but for the lamp
            assert_true(abs(moved.pixels[150 * WIDTH + u] - (int)(still.pixels[150 * WIDTH + u] * 0.7)) <= 20);
        image_clear(&moved);
    }
    image_clear(&still);
    image_clear(&all);
}

static void leaves_what_fits_already(void **state)
{
    (void)state;
    struct image all = {0}, still = {0}, other = {0};
    struct align found;
    scene(2, &all);
    cut(&all, 40, 40, 1, &still);
    align_find(&still, &still, 0.125, &found);
    assert_int_equal(found.x, 0);
    assert_int_equal(found.y, 0);
    assert_true(found.before > 0.999);
    scene(3, &other); // something else altogether
    image_clear(&all);
    cut(&other, 40, 40, 1, &all);
    image_clear(&other);
    align_find(&still, &all, 0.125, &found);
    assert_int_equal(found.x, 0);
    assert_int_equal(found.y, 0);
    memset(all.pixels, 90, (size_t)WIDTH * HEIGHT); // nothing to see
    align_find(&still, &all, 0.125, &found);
    assert_int_equal(found.x, 0);
    assert_int_equal(found.y, 0);
    image_clear(&all);
    image_clear(&still);
}

static void keeps_to_its_limit(void **state)
{
    (void)state;
    struct image all = {0}, still = {0}, moved = {0}, high = {0};
    struct align found;
    scene(4, &all);
    cut(&all, 5, 40, 1, &still);
    cut(&all, 70, 40, 1, &moved); // 65 pixels of 400
    align_find(&still, &moved, 0.1, &found);
    assert_true(abs(found.x) <= 40);
    assert_true(abs(found.y) <= 40);
    image_resize(&moved, WIDTH, WIDTH, &high); // of another shape
    align_find(&still, &high, 0.2, &found);
    assert_int_equal(found.x, 0);
    align_find(&still, &moved, 0.2, &found);
    assert_int_equal(found.x, 65);
    assert_int_equal(found.y, 0);
    image_clear(&high);
    image_clear(&moved);
    image_clear(&still);
    image_clear(&all);
}

static void takes_pictures_of_other_sizes(void **state)
{
    (void)state;
    struct image all = {0}, still = {0}, moved = {0}, half = {0};
    struct align found;
    scene(5, &all);
    cut(&all, 40, 40, 1, &still);
    cut(&all, 60, 48, 1, &moved);
    image_resize(&still, WIDTH / 2, HEIGHT / 2, &half);
    align_find(&half, &moved, 0.125, &found); // in pixels of the one that is moved
    assert_true(abs(found.x - 20) <= 2);
    assert_true(abs(found.y - 8) <= 2);
    image_clear(&half);
    image_clear(&moved);
    image_clear(&still);
    image_clear(&all);
}

static void shifts_pixels(void **state)
{
    (void)state;
    struct image image = {0};
    image_init(&image, 3, 2, 3);
    for (int i = 0; i < 18; i++)
        image.pixels[i] = (uint8_t)(i + 1);
    align_shift(&image, 1, 1, 9);
    static const uint8_t expected[18] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6};
    assert_memory_equal(image.pixels, expected, 18);
    align_shift(&image, -2, 0, 0);
    static const uint8_t back[18] = {9, 9, 9, 0, 0, 0, 0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(image.pixels, back, 18);
    align_shift(&image, 7, -7, 1); // further than it is wide
    assert_int_equal(image.pixels[0], 1);
    image_clear(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_shift), cmocka_unit_test(leaves_what_fits_already), cmocka_unit_test(keeps_to_its_limit),
        cmocka_unit_test(takes_pictures_of_other_sizes), cmocka_unit_test(shifts_pixels)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("align", tests, NULL, NULL);
}
