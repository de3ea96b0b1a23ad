// What a picture becomes before it is sent: placed with its heatmap, and as sixel or symbols.
#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <wchar.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "tests/tui/unsixel.h"
#include "ui/compose.h"
#include "ui/sixel.h"
#include "ui/symbols.h"

// --- sixel, decoded back -------------------------------------------------

static void sixel_holds_the_quantised_frame(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 6, 1}, {7, 6, 1}, {33, 18, 1}, {300, 12, 1}, {7, 6, 3}, {61, 48, 3}, {33, 19, 1}, {61, 47, 3}};
    static const int registers[] = {256, 32, 16};
    struct rng rng = rng_seed(3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int r = 0; r < 3; r++) {
            int w = sizes[i][0], h = sizes[i][1], channels = sizes[i][2];
            size_t count = (size_t)w * (size_t)h;
            struct image frame;
            struct error err;
            struct strbuf out = {0};
            struct unsixel got;
            uint8_t palette[SIXEL_COLOURS * 3], *index = xcalloc(count, 1);
            image_init(&frame, w, h, channels);
            for (size_t k = 0; k < count * (size_t)channels; k++)
                frame.pixels[k] = (uint8_t)rng_below(&rng, 256);
            int colours = sixel_quantise(&frame, registers[r], index, palette);
            assert_in_range(colours, 1, registers[r] < SIXEL_COLOURS ? registers[r] : SIXEL_COLOURS);
            assert_ok(sixel_encode_frame(&frame, registers[r], &out, &err), &err);
            const char *wrong = unsixel(out.data, w, h, &got);
            if (wrong)
                fail_msg("%s", wrong);
            assert_int_equal(got.width, w);
            assert_int_equal(got.height, h);
            for (size_t k = 0; k < count * 3; k++) { // sixel colours are percentages
                int want = (palette[index[k / 3] * 3 + k % 3] * 100 + 127) / 255;
                assert_in_range(got.rgb[k] + 1, want, want + 2);
            }
            int far = channels == 1 ? 255 / (registers[r] < 64 ? registers[r] - 1 : 63) : 255;
            for (size_t k = 0; k < count && channels == 1; k++)
                assert_true(abs(palette[index[k] * 3] - frame.pixels[k]) <= far / 2 + 1);
            free(got.rgb);
            free(index);
            strbuf_clear(&out);
            image_clear(&frame);
        }
    }
}

static void colours_are_chosen_for_the_picture(void **state)
{
    (void)state;
    struct image frame;
    enum { W = 256, H = 120 };
    uint8_t *index = xcalloc(W * H, 1), palette[SIXEL_COLOURS * 3];
    image_init(&frame, W, H, 3);
    for (int i = 0; i < W * H; i++) // sky above, rust below, one odd spot
        memcpy(frame.pixels + i * 3,
               i / W < 60 ? (uint8_t[]){(uint8_t)(90 + i % W / 4), (uint8_t)(140 + i % W / 4), 230}
                          : (uint8_t[]){(uint8_t)(80 + i % W / 8), (uint8_t)(50 + i / W / 4), 30}, 3);
    memcpy(frame.pixels + (100 * W + 50) * 3, (uint8_t[]){20, 200, 20}, 3);
    int n = sixel_quantise(&frame, 256, index, palette);
    assert_in_range(n, 16, 128);
    int most = 0;
    for (int i = 0; i < W * H * 3; i++) {
        int far = abs(palette[index[i / 3] * 3 + i % 3] - frame.pixels[i]);
        most = far > most ? far : most;
    }
    assert_in_range(most, 0, 8);
    // few registers: coarser, and still within them
    assert_in_range(sixel_quantise(&frame, 16, index, palette), 4, 16);
    // one colour stays what it is
    for (int i = 0; i < W * H; i++)
        memcpy(frame.pixels + i * 3, (uint8_t[]){30, 120, 200}, 3);
    assert_int_equal(sixel_quantise(&frame, 256, index, palette), 1);
    assert_memory_equal(palette, ((uint8_t[]){30, 120, 200}), 3);
    image_clear(&frame);
    free(index);
}

static void grays_keep_their_levels_beside_a_tint(void **state)
{
    (void)state;
    struct image frame;
    uint8_t index[256 * 6], palette[SIXEL_COLOURS * 3];
    image_init(&frame, 256, 6, 3);
    for (int i = 0; i < 256 * 6; i++)
        memset(frame.pixels + i * 3, i % 256, 3);
    frame.pixels[0] = 255; // one red pixel
    int colours = sixel_quantise(&frame, 256, index, palette);
    assert_int_equal(colours, 65);
    for (int i = 1; i < 256 * 6; i++)
        assert_in_range(palette[index[i] * 3 + 1] + 3, i % 256, i % 256 + 6);
    assert_true(palette[index[0] * 3] > 200 && palette[index[0] * 3 + 1] == 0);
    image_clear(&frame);
}

// --- compose -------------------------------------------------------------

static void a_picture_is_letterboxed(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    image_init(&picture, 40, 10, 3);
    memset(picture.pixels, 200, 40 * 10 * 3);
    compose_fit(&picture, 80, 60, &frame, &at);
    assert_int_equal(at.x, 0);
    assert_int_equal(at.y, 20);
    assert_int_equal(at.width, 80);
    assert_int_equal(at.height, 20);
    assert_int_equal(frame.channels, 1); // RGB of equal parts is gray
    for (int y = 0; y < 60; y++)
        for (int x = 0; x < 80; x++)
            assert_int_equal(frame.pixels[y * 80 + x], y >= 20 && y < 40 ? 200 : COMPOSE_MARGIN);
    image_clear(&frame);
    picture.pixels[0] = 10;
    compose_fit(&picture, 10, 90, &frame, &at);
    assert_int_equal(frame.channels, 3);
    assert_int_equal(at.height, 2);
    image_clear(&frame);
    image_clear(&picture);
}

static void the_overlay_lies_on_its_box(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    struct heat heat = {.rows = 4, .cols = 4};
    double box[4] = {0.5, 0, 1, 0.5}; // the upper right quarter
    heat.cells[0] = heat.cells[1] = heat.cells[4] = heat.cells[5] = 255;
    image_init(&picture, 100, 100, 1);
    memset(picture.pixels, 100, 100 * 100);
    compose_fit(&picture, 100, 120, &frame, &at);
    compose_heat(&frame, &at, &heat, box, 2, 2);
    assert_int_equal(frame.channels, 3);
    int white = 0, black = 0;
    for (int y = 0; y < 120; y++) {
        for (int x = 0; x < 100; x++) {
            const uint8_t *p = frame.pixels + (y * 100 + x) * 3;
            bool in_box = x >= 50 && y >= 10 && y < 60, in_picture = y >= 10 && y < 110;
            white += p[0] == 255 && p[1] == 255 && p[2] == 255;
            black += p[0] == 0 && p[1] == 0 && p[2] == 0;
            if (!in_picture)
                assert_int_equal(p[0], COMPOSE_MARGIN);
            else if (!in_box && (x < 48 || y > 62))
                assert_int_equal(p[0], 100);
        }
    }
    assert_true(white > 60 && black > 30); // round a region of some 25 x 25 pixels
    const uint8_t *hot = frame.pixels + (20 * 100 + 60) * 3;
    assert_true(hot[0] > hot[2] + 40); // reddened
    image_clear(&frame);
    image_clear(&picture);
}

static void the_heatmap_has_three_strengths(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    struct heat heat = {.rows = 1, .cols = 1, .cells = {120}};
    const double box[4] = {0, 0, 1, 1};
    int red[COMPOSE_STRENGTHS + 1] = {100};
    image_init(&picture, 16, 16, 1);
    memset(picture.pixels, 100, 256);
    for (int k = 1; k <= COMPOSE_STRENGTHS; k++) {
        compose_fit(&picture, 16, 16, &frame, &at);
        compose_heat(&frame, &at, &heat, box, 0, k);
        red[k] = frame.pixels[(8 * 16 + 8) * 3];
        assert_true(red[k] > red[k - 1]);
        image_clear(&frame);
    }
    image_clear(&picture);
}

static void a_part_of_the_picture_keeps_its_heat(void **state)
{
    (void)state;
    struct image picture, frame;
    struct placement at;
    double box[4] = {0.25, 0.5, 0.75, 1};
    struct look look = {.scale = 2, .x = 0.75, .y = 0.75}; // of 100 x 80 pixels, 50 x 40 are seen, from (50, 40) on
    image_init(&picture, 50, 40, 1);                       // decoded at half its size
    for (int i = 0; i < 50 * 40; i++)
        picture.pixels[i] = (uint8_t)(i % 50 * 4);
    compose_look(&picture, 100, &look, 100, 80, &frame, &at, box);
    assert_int_equal(at.width, 100);
    assert_int_equal(at.height, 80);
    assert_in_range(frame.pixels[0], 25 * 4, 25 * 4 + 1);
    assert_in_range(frame.pixels[99], 49 * 4 - 1, 49 * 4);
    assert_int_equal(lround(box[0] * 100), -50);
    assert_int_equal(lround(box[1] * 100), 0);
    assert_int_equal(lround(box[2] * 100), 50);
    assert_int_equal(lround(box[3] * 100), 100);
    image_clear(&frame);
    look = (struct look){.stretch = true};
    compose_look(&picture, 0, &look, 50, 40, &frame, &at, box);
    assert_int_equal(frame.pixels[0], 0);
    assert_int_equal(frame.pixels[49], 255);
    image_clear(&frame);
    look = (struct look){.invert = true};
    compose_look(&picture, 0, &look, 50, 40, &frame, &at, box);
    assert_int_equal(frame.pixels[10], 215);
    image_clear(&frame);
    image_clear(&picture);
}

// --- symbols -------------------------------------------------------------

static void colours_of_the_256(void **state)
{
    (void)state;
    assert_int_equal(symbols_colour(0, 0, 0), 16);
    assert_int_equal(symbols_colour(255, 255, 255), 231);
    assert_int_equal(symbols_colour(255, 0, 0), 196);
    assert_int_equal(symbols_colour(118, 118, 118), 243);
    assert_int_equal(symbols_colour(95, 135, 175), 67);
}

// Pixel (y, x) of 8 x 4 in a cell holding `c`: in the front colour?
static bool in_front(wchar_t c, int y, int x)
{
    static const wchar_t quads[] = L" \u2598\u259d\u2580\u2596\u258c\u259e\u259b\u2597\u259a\u2590\u259c\u2584\u2599\u259f\u2588";
    const wchar_t *at = wcschr(quads, c);
    if (!c || !at)
        fail_msg("another character than a quarter: U+%04X", (unsigned)c);
    return (at - quads) >> (y / 4 * 2 + x / 2) & 1;
}

// Every pattern of quarters in two colours comes out as drawn, the same each time.
static void fine_symbols_hold_quarters(void **state)
{
    (void)state;
    struct image frame;
    struct symbol cells[16], again[16];
    static const int gray[2] = {58, 198}, index[2] = {237, 251};
    int width, height;
    symbols_size(SYMBOLS_FINE, 1, 16, &width, &height);
    assert_int_equal(width, 16 * 4);
    assert_int_equal(height, 8);
    image_init(&frame, width, height, 1);
    for (int i = 0; i < width * height; i++)
        frame.pixels[i] = (uint8_t)gray[(i % width / 4) >> (i / width / 4 * 2 + i % 4 / 2) & 1];
    symbols_make(&frame, SYMBOLS_FINE, 1, 16, cells);
    for (int i = 0; i < width * height; i++) {
        const struct symbol *cell = &cells[i % width / 4];
        int seen = in_front(cell->c, i / width, i % 4) ? cell->front : cell->back;
        assert_int_equal(seen, index[frame.pixels[i] == gray[1]]);
    }
    symbols_make(&frame, SYMBOLS_FINE, 1, 16, again);
    for (int i = 0; i < 16; i++)
        assert_true(again[i].c == cells[i].c && again[i].front == cells[i].front && again[i].back == cells[i].back);
    image_clear(&frame);
}

static void blocks_hold_two_pixels_a_cell(void **state)
{
    (void)state;
    struct image frame;
    struct symbol cells[2];
    image_init(&frame, 2, 2, 3);
    memcpy(frame.pixels, (uint8_t[]){255, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0}, 12);
    symbols_make(&frame, SYMBOLS_BLOCKS, 1, 2, cells);
    assert_true(cells[0].c == L'\u2580' && cells[0].front == 196 && cells[0].back == 21);
    assert_true(cells[1].c == L' ' && cells[1].back == 16);
    symbols_make(&frame, SYMBOLS_ASCII, 1, 2, cells);
    assert_true(cells[0].c == L':' && cells[0].front == -1 && cells[1].c == L' ');
    image_clear(&frame);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixel_holds_the_quantised_frame),
        cmocka_unit_test(colours_are_chosen_for_the_picture),
        cmocka_unit_test(grays_keep_their_levels_beside_a_tint),
        cmocka_unit_test(a_picture_is_letterboxed),
        cmocka_unit_test(the_overlay_lies_on_its_box),
        cmocka_unit_test(the_heatmap_has_three_strengths),
        cmocka_unit_test(a_part_of_the_picture_keeps_its_heat),
        cmocka_unit_test(colours_of_the_256),
        cmocka_unit_test(fine_symbols_hold_quarters),
        cmocka_unit_test(blocks_hold_two_pixels_a_cell),
    };
    return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
