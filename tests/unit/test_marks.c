// Outlines over pictures: against a naive twin at any zoom, and as a terminal would show them.
#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "tests/tui/unsixel.h"
#include "ui/marks.h"
#include "ui/sixel.h"

enum { W = 61, H = 43 };

static void gray_picture(struct image *picture)
{
    image_init(picture, W, H, 1);
    memset(picture->pixels, 120, W * H);
}

static void show(const struct image *picture, const struct look *look, int width, int height, int line, struct image *frame,
                 struct seen *seen)
{
    struct placement at;
    double box[4] = {0, 0, 1, 1};
    compose_look(picture, 0, look, width, height, frame, &at, box);
    compose_seen(picture->width, picture->height, 0, look, width, height, seen);
    assert_memory_equal(&at, &seen->at, sizeof at); // the picture lies where it is said to
    marks_draw(look->marks, seen, line, frame);
}

// ---- the twin: by definition, one frame pixel after the other ----

// Whether one of the picture's pixels that frame pixel i of one direction shows lies in [a, b).
static bool shows(int i, int from, int seen, int shown, int a, int b)
{
    if (seen <= shown) {
        int p = from + (int)floor((i + 0.5) * seen / shown);
        return p >= a && p < b;
    }
    int first = from + (int)floor((double)i * seen / shown), last = from + (int)ceil((double)(i + 1) * seen / shown);
    return first < b && last > a;
}

static bool inside(const struct spans *spans, const struct seen *seen, int x, int y)
{
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *s = &spans->runs[i];
        if (shows(x, seen->x, seen->width, seen->at.width, s->x0, s->x1) && shows(y, seen->y, seen->height, seen->at.height, s->y, s->y + 1))
            return true;
    }
    return false;
}

static bool differs(const struct spans *spans, const struct seen *seen, int x, int y, int reach, bool is)
{
    for (int dy = -reach; dy <= reach; dy++)
        for (int dx = -reach; dx <= reach; dx++)
            if (inside(spans, seen, x + dx, y + dy) != is)
                return true;
    return false;
}

static void outlines_as_pixel_by_pixel(void **state)
{
    (void)state;
    static const struct { // frame, look
        int width, height, line;
        double scale, x, y;
    } cases[] = {{W, H, 1, 0, 0, 0},       {200, 150, 2, 0, 0, 0},     {30, 30, 2, 0, 0, 0},         {17, 40, 1, 0, 0, 0},
                 {64, 48, 2, 8, 0.5, 0.5}, {64, 48, 4, 4, 0.05, 0.95}, {50, 50, 2, 2, 0.97, 0.1},    {90, 66, 2, 1, 0.5, 0.5},
                 {40, 40, 1, 0.5, 0, 0},   {40, 44, 2, 16, 0.3, 0.6},  {33, 29, 2, 0.25, 0.5, 0.5}};
    struct rng rng = rng_seed(9);
    struct image picture;
    gray_picture(&picture);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int turn = 0; turn < 3; turn++) {
            struct region shape = {0};
            struct spans spans = {0};
            double points[10];
            for (int i = 0; i < 10; i++)
                points[i] = floor(rng_uniform(&rng) * ((i % 2 ? H : W) + 1));
            if (turn == 0)
                region_box(&shape, points[0], points[1], points[0] + 1, points[1] + 1); // a single pixel is not lost
            else
                region_polygon(&shape, points, 10);
            region_spans(&shape, W, H, &spans);
            struct marks *marks = marks_new(W, H);
            marks_shape(marks, MARK_CHOSEN, &shape);
            struct look look = {.scale = cases[c].scale, .x = cases[c].x, .y = cases[c].y, .marks = marks};
            struct image frame;
            struct seen seen;
            int line = cases[c].line;
            show(&picture, &look, cases[c].width, cases[c].height, line, &frame, &seen);
            for (int y = 0; y < seen.at.height; y++)
                for (int x = 0; x < seen.at.width; x++) {
                    const uint8_t *p = frame.pixels + 3 * ((size_t)(seen.at.y + y) * (size_t)frame.width + (size_t)(seen.at.x + x));
                    bool is = inside(&spans, &seen, x, y), edge = differs(&spans, &seen, x, y, is ? line : line / 2, is);
                    uint8_t want[3] = {120, 120, 120};
                    if (edge && is)
                        memcpy(want, (uint8_t[]){255, 220, 0}, 3);
                    else if (edge)
                        memset(want, 0, 3);
                    if (memcmp(p, want, 3) != 0)
                        fail_msg("case %zu turn %d at %d, %d: %d %d %d", c, turn, x, y, p[0], p[1], p[2]);
                }
            image_clear(&frame);
            marks_leave(marks);
            spans_clear(&spans);
            region_clear(&shape);
        }
    }
    image_clear(&picture);
}

// Magnified eight times a box of 4 x 3 pixels is one of 32 x 24, and so it comes out of the sixel.
static void a_sixel_holds_the_outline_exactly(void **state)
{
    (void)state;
    struct image picture, frame;
    struct region box = {0};
    struct seen seen;
    struct strbuf out = {0};
    struct error err;
    struct unsixel back;
    struct marks *marks = marks_new(W, H);
    gray_picture(&picture);
    region_box(&box, 30, 20, 34, 23);
    marks_shape(marks, MARK_CHOSEN, &box);
    struct look look = {.scale = 8, .x = 0.5, .y = 0.5, .marks = marks};
    show(&picture, &look, 160, 120, 2, &frame, &seen);
    assert_ok(sixel_encode_frame(&frame, 256, &out, &err), &err);
    const char *wrong = unsixel(out.data, 160, 120, &back);
    if (wrong)
        fail_msg("%s", wrong);
    int x0 = (30 - seen.x) * 8, y0 = (20 - seen.y) * 8;
    for (int y = 0; y < 120; y++)
        for (int x = 0; x < 160; x++) {
            const uint8_t *p = back.rgb + 3 * (y * 160 + x); // in percent
            bool in = x >= x0 && x < x0 + 32 && y >= y0 && y < y0 + 24;
            bool core = x >= x0 + 2 && x < x0 + 30 && y >= y0 + 2 && y < y0 + 22;
            bool rim = x >= x0 - 1 && x < x0 + 33 && y >= y0 - 1 && y < y0 + 25;
            bool yellow = p[0] == 100 && abs(p[1] - 86) <= 1 && p[2] == 0, black = p[0] == 0 && p[1] == 0 && p[2] == 0;
            assert_int_equal(yellow, in && !core);
            assert_int_equal(black, rim && !in);
        }
    free(back.rgb);
    strbuf_clear(&out);
    image_clear(&frame);
    image_clear(&picture);
    region_clear(&box);
    marks_leave(marks);
}

// A line at the rim of what is seen is none where the region goes on, and is one where the picture ends.
static void what_goes_on_beyond_the_rim_has_no_line_there(void **state)
{
    (void)state;
    struct image picture, frame;
    struct region box = {0};
    struct seen seen;
    struct marks *marks = marks_new(W, H);
    gray_picture(&picture);
    region_box(&box, 0, 0, W, H);
    marks_shape(marks, MARK_CHOSEN, &box);
    struct look look = {.scale = 4, .x = 0.5, .y = 0, .marks = marks};
    show(&picture, &look, 80, 80, 2, &frame, &seen);
    assert_int_equal(seen.y, 0);
    for (int y = 0; y < seen.at.height; y++)
        for (int x = 0; x < seen.at.width; x++) {
            const uint8_t *p = frame.pixels + 3 * ((size_t)(seen.at.y + y) * 80 + (size_t)(seen.at.x + x));
            assert_int_equal(p[2], y < 2 ? 0 : 120);
        }
    image_clear(&frame);
    image_clear(&picture);
    region_clear(&box);
    marks_leave(marks);
}

static void suggestions_are_dashed_and_the_cursor_is_a_cross(void **state)
{
    (void)state;
    struct image picture, frame;
    struct region box = {0};
    struct seen seen;
    struct marks *marks = marks_new(W, H);
    int on = 0, off = 0;
    gray_picture(&picture);
    region_box(&box, 10, 10, 50, 30);
    marks_shape(marks, MARK_SUGGESTED, &box);
    marks_cursor(marks, 30.5, 20.5);
    struct look look = {.marks = marks};
    show(&picture, &look, 8 * W, 8 * H, 2, &frame, &seen);
    for (int x = 84; x < 396; x++) { // along its upper line
        const uint8_t *p = frame.pixels + 3 * (80 * frame.width + x);
        on += p[1] == 230;
        off += p[1] == 120;
    }
    assert_true(on > 100 && off > 100);
    const uint8_t *middle = frame.pixels + 3 * (164 * frame.width + 244), *arm = middle + 3 * 8;
    assert_int_equal(middle[0], 120); // what it points at stays free
    assert_int_equal(arm[0], 255);
    image_clear(&frame);
    image_clear(&picture);
    region_clear(&box);
    marks_leave(marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlines_as_pixel_by_pixel),
        cmocka_unit_test(a_sixel_holds_the_outline_exactly),
        cmocka_unit_test(what_goes_on_beyond_the_rim_has_no_line_there),
        cmocka_unit_test(suggestions_are_dashed_and_the_cursor_is_a_cross),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
