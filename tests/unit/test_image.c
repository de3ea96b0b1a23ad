#include "config.h"

#include <math.h>

#include <png.h>

#include "tests/unit/test.h"

#include "base/file.h"
#include "base/rng.h"
#include "image/image.h"
#include "image/phash.h"
#include "image/resize.h"
#include "tests/unit/test_pictures.h"

static char *scratch; // a fresh folder for the program

static enum status decode(const struct strbuf *file, int min_width, int min_height, struct image *image,
                          struct image_info *info, struct error *err)
{
    // An exact copy, so that a read past the end is seen.
    uint8_t *bytes = xmalloc(file->len ? file->len : 1);
    if (file->len)
        memcpy(bytes, file->data, file->len);
    enum status status =
        image_decode(bytes, file->len, &image_limits_default, min_width, min_height, image, info, err);
    free(bytes);
    return status;
}

static size_t size_of(const struct image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

static const uint8_t *at(const struct image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
}

static double apart(const struct image *a, const struct image *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->channels, b->channels);
    double sum = 0;
    for (size_t i = 0; i < size_of(a); i++)
        sum += abs(a->pixels[i] - b->pixels[i]);
    return sum / (double)size_of(a);
}

static void check_png(int type, int bits, bool transparent)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        struct png_kind kind = {21, 13, bits, type, interlaced, transparent};
        struct strbuf file = {0};
        struct image image;
        struct image_info info;
        struct error err;
        png_make(&kind, &file);
        assert_ok(decode(&file, 0, 0, &image, &info, &err), &err);
        int channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
        assert_int_equal(info.format, IMAGE_PNG);
        assert_int_equal(info.bits, bits);
        assert_int_equal(info.channels, channels);
        assert_int_equal(info.orientation, 1);
        assert_string_equal(info.taken, "");
        assert_int_equal(image.width, 21);
        assert_int_equal(image.height, 13);
        assert_int_equal(image.channels, channels);
        for (int y = 0; y < 13; y++) {
            for (int x = 0; x < 21; x++) {
                uint8_t want[3];
                png_kind_expect(&kind, x, y, want);
                for (int c = 0; c < channels; c++)
                    if (at(&image, x, y)[c] != want[c])
                        fail_msg("type %d, %d bits at %d, %d channel %d: %d, not %d", type, bits, x, y, c,
                                 at(&image, x, y)[c], want[c]);
            }
        }
        image_clear(&image);
        strbuf_clear(&file);
    }
}

static void png_gray_of_every_depth(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 16; bits *= 2)
        check_png(PNG_COLOR_TYPE_GRAY, bits, false);
    check_png(PNG_COLOR_TYPE_GRAY, 4, true);
    check_png(PNG_COLOR_TYPE_GRAY, 8, true);
}

static void png_palettes_with_and_without_alpha(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 8; bits *= 2) {
        check_png(PNG_COLOR_TYPE_PALETTE, bits, false);
        check_png(PNG_COLOR_TYPE_PALETTE, bits, true);
    }
}

static void png_colour_and_alpha_over_black(void **state)
{
    (void)state;
    for (int bits = 8; bits <= 16; bits *= 2) {
        check_png(PNG_COLOR_TYPE_RGB, bits, false);
        check_png(PNG_COLOR_TYPE_GRAY_ALPHA, bits, false);
        check_png(PNG_COLOR_TYPE_RGB_ALPHA, bits, false);
    }
}

static void jpeg_of_every_colour_and_form(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct jpeg_kind kind = {61, 43, (enum jpeg_colour)(i / 2), i % 2, 0, NULL};
        struct strbuf file = {0};
        struct image image;
        struct image_info info;
        struct error err;
        jpeg_make(&kind, &file);
        assert_ok(decode(&file, 0, 0, &image, &info, &err), &err);
        int channels = kind.colour == JPEG_GRAY ? 1 : 3;
        assert_int_equal(info.format, IMAGE_JPEG);
        assert_int_equal(info.bits, 8);
        assert_int_equal(info.channels, channels);
        assert_int_equal(image.channels, channels);
        assert_int_equal(image.width, 61);
        assert_int_equal(image.height, 43);
        for (int y = 0; y < 43; y++) {
            for (int x = 0; x < 61; x++) {
                uint8_t want[3];
                jpeg_kind_expect(&kind, x, y, want);
                for (int c = 0; c < channels; c++)
                    if (abs(at(&image, x, y)[c] - want[c]) > 8)
                        fail_msg("colour %d at %d, %d channel %d: %d, not near %d", i / 2, x, y, c,
                                 at(&image, x, y)[c], want[c]);
            }
        }
        image_clear(&image);
        strbuf_clear(&file);
    }
}

static void exif_turns_the_picture(void **state)
{
    (void)state;
    // Which corner of the stored picture (bit 0 right, bit 1 bottom) is then at
    // the upper left, upper right, lower left: EXIF 2.3, table of tag 274.
    static const int corners[9][3] = {{0},       {0, 1, 2}, {1, 0, 3}, {3, 2, 1}, {2, 3, 0},
                                      {0, 2, 1}, {2, 0, 3}, {3, 1, 2}, {1, 3, 0}};
    enum { W = 64, H = 40 };
    for (int o = 1; o <= 8; o++) {
        struct jpeg_kind kind = {W, H, JPEG_RGB, o % 2, o, "2026:01:31 12:34:56"};
        struct strbuf file = {0};
        jpeg_make(&kind, &file);
        for (int scaled = 0; scaled < 2; scaled++) {
            struct image image;
            struct image_info probed, info;
            struct error err;
            int w = o < 5 ? W : H, h = o < 5 ? H : W;
            assert_ok(image_probe((uint8_t *)file.data, file.len, &image_limits_default, &probed, &err),
                      &err);
            assert_ok(decode(&file, scaled ? w / 2 : 0, scaled ? h / 2 : 0, &image, &info, &err), &err);
            assert_memory_equal(&probed, &info, sizeof info);
            assert_int_equal(info.orientation, o);
            assert_string_equal(info.taken, "2026-01-31T12:34:56");
            assert_int_equal(info.width, w);
            assert_int_equal(info.height, h);
            assert_int_equal(image.width, scaled ? w / 2 : w);
            assert_int_equal(image.height, scaled ? h / 2 : h);
            for (int corner = 0; corner < 3; corner++) {
                int stored = corners[o][corner];
                uint8_t want[3];
                jpeg_kind_expect(&kind, stored & 1 ? W - 1 : 0, stored & 2 ? H - 1 : 0, want);
                const uint8_t *got =
                    at(&image, corner & 1 ? image.width - 1 : 0, corner & 2 ? image.height - 1 : 0);
                for (int c = 0; c < 3; c++)
                    if (abs(got[c] - want[c]) > 16)
                        fail_msg("orientation %d, corner %d: %d %d %d, not %d %d %d", o, corner, got[0],
                                 got[1], got[2], want[0], want[1], want[2]);
            }
            image_clear(&image);
        }
        strbuf_clear(&file);
    }
}

static void odd_exif_is_left_out(void **state)
{
    (void)state;
    static const char *const times[] = {NULL,
                                        "",
                                        "yesterday at about noon",
                                        "    :  :     :  :  ",
                                        "0000:00:00 00:00:00",
                                        "2026:13:01 00:00:00",
                                        "2026:1:31 12:34:56 ",
                                        "2026-01-31 12:34:56",
                                        "2026: 1:31 12:34:56",
                                        "2026:01:31 24:00:00"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct jpeg_kind kind = {16, 16, JPEG_GRAY, false, 9, times[i]};
        struct strbuf file = {0};
        struct image image;
        struct image_info info;
        struct error err;
        jpeg_make(&kind, &file);
        assert_ok(decode(&file, 0, 0, &image, &info, &err), &err);
        assert_int_equal(info.orientation, 1);
        assert_string_equal(info.taken, "");
        image_clear(&image);
        strbuf_clear(&file);
    }
}

static void thumbnail_does_not_turn_the_picture(void **state)
{
    (void)state;
    struct jpeg_kind kind = {16, 24, JPEG_GRAY, false, 0, "1999:12:31 23:59:60"};
    struct strbuf file = {0};
    struct image_info info;
    struct error err;
    jpeg_make(&kind, &file);
    assert_ok(image_probe((uint8_t *)file.data, file.len, &image_limits_default, &info, &err), &err);
    assert_int_equal(info.orientation, 1);
    assert_string_equal(info.taken, "1999-12-31T23:59:60");
    strbuf_clear(&file);
}

static void stray_bytes_are_few_or_damage(void **state)
{
    (void)state;
    // The decoder has read up to 8 of them ahead.
    static const int counts[] = {1, 16, 64, 100, 5000};
    struct strbuf whole = {0};
    jpeg_make(&(struct jpeg_kind){60, 40, JPEG_RGB, false, 0, NULL}, &whole);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct strbuf file = {0};
        struct image image;
        struct error err;
        strbuf_add(&file, whole.data, whole.len - 2);
        for (int k = 0; k < counts[i]; k++)
            strbuf_add(&file, "\x55", 1);
        strbuf_add(&file, "\xff\xd9", 2);
        assert_status(decode(&file, 0, 0, &image, NULL, &err), counts[i] <= 64 ? ST_OK : ST_CORRUPT, &err);
        image_clear(&image);
        strbuf_clear(&file);
    }
    strbuf_clear(&whole);
}

static void jpeg_is_decoded_small(void **state)
{
    (void)state;
    static const int asked[][4] = {// min_width, min_height, then the sides that are the smallest allowed
                                   {50, 38, 50, 38},     {51, 38, 100, 75},    {100, 75, 100, 75},
                                   {1, 1, 50, 38},       {50, 150, 200, 150},  {399, 1, 400, 300},
                                   {400, 300, 400, 300}, {900, 900, 400, 300}, {0, 75, 400, 300},
                                   {140, 100, 150, 113}};
    struct jpeg_kind kind = {400, 300, JPEG_RGB, false, 0, NULL};
    struct strbuf file = {0};
    struct image full, small, reduced;
    struct error err;
    jpeg_make(&kind, &file);
    assert_ok(decode(&file, 0, 0, &full, NULL, &err), &err);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct image_info info;
        assert_ok(decode(&file, asked[i][0], asked[i][1], &small, &info, &err), &err);
        assert_int_equal(small.width, asked[i][2]);
        assert_int_equal(small.height, asked[i][3]);
        assert_int_equal(info.width, 400);
        assert_int_equal(info.height, 300);
        image_resize(&full, small.width, small.height, &reduced);
        assert_true(apart(&small, &reduced) < 2);
        image_clear(&small);
        image_clear(&reduced);
    }
    image_clear(&full);
    strbuf_clear(&file);
}

static struct image noise(int width, int height, int channels, uint64_t seed)
{
    struct image image;
    struct rng rng = rng_seed(seed);
    image_init(&image, width, height, channels);
    for (size_t i = 0; i < size_of(&image); i++)
        image.pixels[i] = (uint8_t)rng_below(&rng, 256);
    return image;
}

// The triangle of one output place over every input place, normalised.
static double weight(int from, int to, int i, int x)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1, centre = (i + 0.5) * scale, sum = 0;
    for (int k = 0; k < from; k++)
        sum += fmax(0, 1 - fabs(k + 0.5 - centre) / support);
    return fmax(0, 1 - fabs(x + 0.5 - centre) / support) / sum;
}

static double naive(const struct image *image, int x0, int y0, int w, int h, int width, int height, int i,
                    int j, int channel)
{
    double sum = 0;
    for (int y = 0; y < h; y++) {
        double wy = weight(h, height, j, y);
        for (int x = 0; wy > 0 && x < w; x++)
            sum += wy * weight(w, width, i, x) * at(image, x0 + x, y0 + y)[channel];
    }
    return sum;
}

static void resize_matches_the_definition(void **state)
{
    (void)state;
    static const int sizes[][4] = {{17, 11, 17, 11}, {17, 11, 5, 3}, {17, 11, 1, 1},
                                   {3, 2, 10, 9},    {1, 1, 4, 3},   {1, 12, 3, 5},
                                   {16, 9, 7, 20},   {12, 12, 6, 6}, {19, 5, 18, 4}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int channels = 1; channels <= 3; channels += 2) {
            int w = sizes[s][0], h = sizes[s][1], width = sizes[s][2], height = sizes[s][3];
            struct image image = noise(w + 5, h + 4, channels, s), small, whole, again;
            image_crop(&image, 3, 2, w, h, &whole);
            assert_int_equal(whole.width, w);
            assert_int_equal(whole.height, h);
            for (int y = 0; y < h; y++)
                assert_memory_equal(at(&whole, 0, y), at(&image, 3, 2 + y), (size_t)(w * channels));
            image_resize(&whole, width, height, &small);
            assert_int_equal(small.channels, channels);
            float *values = xcalloc((size_t)width * (size_t)height * 3, sizeof *values);
            image_resize_rgb(&image, 3, 2, w, h, width, height, values);
            for (int j = 0; j < height; j++) {
                for (int i = 0; i < width; i++) {
                    for (int c = 0; c < 3; c++) {
                        int channel = channels == 3 ? c : 0;
                        double want = naive(&whole, 0, 0, w, h, width, height, i, j, channel);
                        assert_true(fabs(values[(j * width + i) * 3 + c] - want) < 1e-3);
                        assert_true(fabs(at(&small, i, j)[channel] - want) < 0.501);
                    }
                }
            }
            image_resize(&whole, w, h, &again);
            assert_memory_equal(again.pixels, whole.pixels, size_of(&whole)); // the same size changes nothing
            free(values);
            image_clear(&again);
            image_clear(&image);
            image_clear(&small);
            image_clear(&whole);
        }
    }
}

static void gray_is_luma(void **state)
{
    (void)state;
    struct image image = noise(40, 30, 3, 5), gray, copy;
    image_to_gray(&image, &gray);
    for (int i = 0; i < 40 * 30; i++) {
        const uint8_t *p = image.pixels + 3 * i;
        assert_true(fabs(gray.pixels[i] - (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])) < 0.51);
    }
    image_to_gray(&gray, &copy);
    assert_memory_equal(copy.pixels, gray.pixels, 40 * 30);
    image_clear(&copy);
    image_clear(&gray);
    image_clear(&image);
}

static void written_pictures_come_back(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        struct image small = noise(9, 7, channels, 8), image, back;
        image_resize(&small, 90, 70, &image);
        char *path = file_join(scratch, "written");
        struct error err;
        struct image_info info;
        assert_ok(image_write_png(path, &image, &err), &err);
        assert_ok(image_load(path, &image_limits_default, 0, 0, &back, &info, &err), &err);
        assert_string_equal(image_format_name(info.format), "png");
        assert_true(apart(&image, &back) == 0);
        image_clear(&back);
        assert_ok(image_write_jpeg(path, &image, 90, &err), &err);
        assert_ok(image_load(path, &image_limits_default, 0, 0, &back, &info, &err), &err);
        assert_string_equal(image_format_name(info.format), "jpeg");
        assert_true(apart(&image, &back) < (channels == 1 ? 3 : 10));
        image_clear(&back);
        assert_status(image_write_png("/nonexistent/x.png", &image, &err), ST_IO, &err);
        assert_status(image_write_jpeg("/nonexistent/x.jpg", &image, 90, &err), ST_IO, &err);
        image_clear(&image);
        image_clear(&small);
        free(path);
    }
}

static void hash_knows_a_picture_again(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        int channels = seed % 2 ? 3 : 1;
        struct image coarse = noise(9, 8, channels, seed), other_coarse = noise(9, 8, channels, seed + 100);
        struct image image, other, back;
        for (size_t i = 0; i < size_of(&coarse); i++)
            coarse.pixels[i] = (uint8_t)(20 + coarse.pixels[i] * 3 / 4);
        image_resize(&coarse, 333, 250, &image);
        image_resize(&other_coarse, 333, 250, &other);
        struct phash hash = phash_of(&image);
        assert_int_equal(phash_distance(&hash, &hash), 0);

        char *path = file_join(scratch, "hashed");
        struct error err;
        assert_ok(image_write_jpeg(path, &image, 60, &err), &err);
        assert_ok(image_load(path, &image_limits_default, 0, 0, &back, NULL, &err), &err);
        struct phash again = phash_of(&back);
        assert_in_range(phash_distance(&hash, &again), 0, PHASH_NEAR);
        image_clear(&back);
        assert_ok(image_load(path, &image_limits_default, 40, 40, &back, NULL, &err), &err);
        again = phash_of(&back);
        assert_in_range(phash_distance(&hash, &again), 0, 2 * PHASH_NEAR);

        struct phash stranger = phash_of(&other);
        assert_in_range(phash_distance(&hash, &stranger), 60, 256);
        for (size_t i = 0; i < size_of(&image); i++)
            image.pixels[i] = (uint8_t)(image.pixels[i] + 12);
        again = phash_of(&image);
        assert_in_range(phash_distance(&hash, &again), 0, PHASH_NEAR);
        image_clear(&back);
        image_clear(&image);
        image_clear(&other);
        image_clear(&coarse);
        image_clear(&other_coarse);
        free(path);
    }
}

static void flat_pictures_match_nothing(void **state)
{
    (void)state;
    struct phash_index *index = phash_index_new();
    for (int i = 0; i < 4; i++) {
        struct image image;
        image_init(&image, 50, 50, 1);
        memset(image.pixels, 70, 2500);
        if (i == 3) // brighter to the right: every bit set, as little to tell by
            for (int k = 0; k < 2500; k++)
                image.pixels[k] = (uint8_t)(5 * (k % 50));
        struct phash hash = phash_of(&image);
        assert_int_equal(phash_index_add(index, &hash, i), -1);
        assert_int_equal(phash_index_add(index, &hash, i + 10), -1);
        image_clear(&image);
    }
    phash_index_free(index);
    phash_index_free(NULL);
}

static void index_finds_what_a_search_finds(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct rng rng = rng_seed(3);
    struct phash *hashes = xcalloc(COUNT, sizeof *hashes);
    struct phash_index *index = phash_index_new();
    int matches = 0, near_misses = 0;
    for (int i = 0; i < COUNT; i++) {
        if (i > 10 && rng_below(&rng, 3) == 0) {
            hashes[i] = hashes[rng_below(&rng, (uint64_t)i)];
            for (uint64_t flips = rng_below(&rng, 11); flips > 0; flips--) {
                uint64_t bit = rng_below(&rng, 256);
                hashes[i].bits[bit / 64] ^= (uint64_t)1 << (bit % 64);
            }
        } else {
            for (int w = 0; w < PHASH_WORDS; w++)
                hashes[i].bits[w] = rng_u64(&rng);
        }
        int64_t want = -1;
        for (int k = 0; k < i; k++) {
            int distance = phash_distance(&hashes[k], &hashes[i]), id = k * 7919 % COUNT;
            near_misses += distance == PHASH_NEAR + 1;
            if (distance <= PHASH_NEAR && (want < 0 || id < want))
                want = id;
        }
        matches += want >= 0;
        assert_int_equal(phash_index_add(index, &hashes[i], i * 7919 % COUNT), want);
    }
    assert_true(matches > 500 && near_misses > 50);
    phash_index_free(index);
    free(hashes);
}

static void good_pictures_decode(void **state)
{
    (void)state;
    struct pictures set = {0};
    pictures_good(&set);
    assert_true(set.count > 40);
    for (size_t i = 0; i < set.count; i++) {
        const struct picture *p = &set.items[i];
        struct image image;
        struct image_info info;
        struct error err = {0};
        if (decode(&p->bytes, 0, 0, &image, &info, &err) != ST_OK)
            fail_msg("%s: %s", p->name, err.text);
        assert_int_equal(info.width, p->width);
        assert_int_equal(info.height, p->height);
        assert_int_equal(info.channels, p->channels);
        assert_int_equal(image.width, p->width);
        assert_int_equal(image.height, p->height);
        assert_int_equal(image.channels, p->channels);
        image_clear(&image);
    }
    pictures_clear(&set);
}

static void bad_pictures_are_refused_with_a_sentence(void **state)
{
    (void)state;
    struct pictures set = {0};
    pictures_bad(&set);
    for (size_t i = 0; i < set.count; i++) {
        const struct picture *p = &set.items[i];
        for (int scaled = 0; scaled < 2; scaled++) {
            struct image image;
            struct error err = {0};
            enum status status = decode(&p->bytes, scaled * 8, scaled * 8, &image, NULL, &err);
            if (status != p->status || strlen(err.text) < 12 || strchr(err.text, '\n'))
                fail_msg("%s (%s): status %d, not %d: %s", p->name, p->reason, status, p->status, err.text);
            assert_null(image.pixels);
        }
    }
    pictures_clear(&set);
}

static void flipped_bytes_do_no_harm(void **state)
{
    (void)state;
    struct pictures set = {0};
    struct rng rng = rng_seed(11);
    pictures_good(&set);
    for (size_t i = 0; i < set.count; i++) {
        struct picture *p = &set.items[i];
        bool png = strstr(p->name, ".png");
        for (int k = 0; k < 300; k++) {
            size_t where = rng_below(&rng, p->bytes.len);
            char old = p->bytes.data[where];
            p->bytes.data[where] = (char)(old ^ (char)(1 + rng_below(&rng, 255)));
            struct image_limits limits = {1 << 20, 1 << 18, 20};
            struct image image;
            struct image_info info;
            struct error err = {0};
            int min = k % 2 ? 10 : 0;
            enum status status =
                image_decode((uint8_t *)p->bytes.data, p->bytes.len, &limits, min, min, &image, &info, &err);
            if (status == ST_OK) {
                // Each byte of a PNG is under a checksum.
                if (png)
                    fail_msg("%s: byte %zu changed and nobody saw", p->name, where);
                assert_true(image.pixels && image.width >= 1 && image.height >= 1);
                assert_true(image.channels == 1 || image.channels == 3);
                assert_true(image.width <= info.width && image.height <= info.height);
            } else {
                assert_null(image.pixels);
                assert_true(status == ST_CORRUPT || status == ST_INVALID);
                assert_true(strlen(err.text) > 12);
            }
            image_clear(&image);
            p->bytes.data[where] = old;
        }
    }
    pictures_clear(&set);
}

static void limits_are_named(void **state)
{
    (void)state;
    struct strbuf file = {0};
    struct image image;
    struct error err;
    jpeg_make(&(struct jpeg_kind){60, 40, JPEG_RGB, true, 0, NULL}, &file);
    struct image_limits limits = image_limits_default;
    limits.pixels = 2399;
    enum status status = image_decode((uint8_t *)file.data, file.len, &limits, 0, 0, &image, NULL, &err);
    assert_status(status, ST_INVALID, &err);
    assert_non_null(strstr(err.text, "60 x 40"));
    assert_non_null(strstr(err.text, "2399"));
    limits.pixels = 2400;
    limits.jpeg_scans = 3;
    status = image_decode((uint8_t *)file.data, file.len, &limits, 0, 0, &image, NULL, &err);
    assert_status(status, ST_INVALID, &err);
    assert_non_null(strstr(err.text, "limit of 3"));
    limits.jpeg_scans = 10; // what libjpeg's own script writes for colour
    assert_ok(image_decode((uint8_t *)file.data, file.len, &limits, 0, 0, &image, NULL, &err), &err);
    image_clear(&image);
    // Four components in several scans need a third more than the limit stands for.
    for (int progressive = 0; progressive < 2; progressive++) {
        struct strbuf cmyk = {0};
        jpeg_make(&(struct jpeg_kind){60, 40, JPEG_CMYK, progressive, 0, NULL}, &cmyk);
        limits.jpeg_scans = 100;
        status = image_decode((uint8_t *)cmyk.data, cmyk.len, &limits, 0, 0, &image, NULL, &err);
        assert_status(status, progressive ? ST_INVALID : ST_OK, &err);
        image_clear(&image);
        strbuf_clear(&cmyk);
    }
    assert_non_null(strstr(err.text, "19200"));
    assert_non_null(strstr(err.text, "limit of 14400"));
    limits.file_bytes = file.len - 1;
    char *path = file_join(scratch, "large.jpg"), *size = xasprintf("%zu", file.len);
    char *limit = xasprintf("%zu", file.len - 1);
    assert_ok(file_write(path, file.data, file.len, &err), &err);
    for (int loaded = 0; loaded < 2; loaded++) {
        status = loaded ? image_load(path, &limits, 0, 0, &image, NULL, &err)
                        : image_decode((uint8_t *)file.data, file.len, &limits, 0, 0, &image, NULL, &err);
        assert_status(status, ST_INVALID, &err);
        assert_non_null(strstr(err.text, size));
        assert_non_null(strstr(err.text, limit));
    }
    assert_non_null(strstr(err.text, path));
    status = image_load("/nonexistent/x.png", &limits, 0, 0, &image, NULL, &err);
    assert_status(status, ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "/nonexistent/x.png"));
    free(size);
    free(limit);
    free(path);
    strbuf_clear(&file);
}

static int make_scratch(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    scratch = xasprintf("%s/assay-image-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(scratch) ? 0 : -1;
}

static int drop_scratch(void **state)
{
    (void)state;
    static const char *const names[] = {"written", "hashed", "large.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(scratch, names[i]);
        unlink(path);
        free(path);
    }
    int left = rmdir(scratch); // fails where a write left a temporary behind
    free(scratch);
    return left;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_gray_of_every_depth),
        cmocka_unit_test(png_palettes_with_and_without_alpha),
        cmocka_unit_test(png_colour_and_alpha_over_black),
        cmocka_unit_test(jpeg_of_every_colour_and_form),
        cmocka_unit_test(exif_turns_the_picture),
        cmocka_unit_test(odd_exif_is_left_out),
        cmocka_unit_test(thumbnail_does_not_turn_the_picture),
        cmocka_unit_test(stray_bytes_are_few_or_damage),
        cmocka_unit_test(jpeg_is_decoded_small),
        cmocka_unit_test(resize_matches_the_definition),
        cmocka_unit_test(gray_is_luma),
        cmocka_unit_test(written_pictures_come_back),
        cmocka_unit_test(hash_knows_a_picture_again),
        cmocka_unit_test(flat_pictures_match_nothing),
        cmocka_unit_test(index_finds_what_a_search_finds),
        cmocka_unit_test(good_pictures_decode),
        cmocka_unit_test(bad_pictures_are_refused_with_a_sentence),
        cmocka_unit_test(flipped_bytes_do_no_harm),
        cmocka_unit_test(limits_are_named),
    };
    return cmocka_run_group_tests_name("image", tests, make_scratch, drop_scratch);
}
