#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "image/region.h"
#include "screen/blob.h"

enum { W = 37, H = 29 };

static void random_spans(struct rng *rng, double share, struct spans *spans)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            if (rng_uniform(rng) < share)
                spans_put(spans, y, x, x + 1);
}

static void to_cells(const struct spans *spans, uint8_t cells[H][W])
{
    memset(cells, 0, H * W);
    for (size_t i = 0; i < spans->count; i++)
        for (int x = spans->runs[i].x0; x < spans->runs[i].x1; x++)
            cells[spans->runs[i].y][x] = 1;
}

static void assert_in_order(const struct spans *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *s = &spans->runs[i];
        assert_true(s->x0 < s->x1);
        assert_true(i == 0 || s[-1].y < s->y || (s[-1].y == s->y && s[-1].x1 < s->x0));
    }
}

static void test_set_operations_as_cell_by_cell(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1);
    for (int turn = 0; turn < 60; turn++) {
        struct spans a = {0}, b = {0}, both = {0}, less = {0};
        uint8_t in_a[H][W], in_b[H][W], in_both[H][W], in_less[H][W];
        random_spans(&rng, turn % 3 == 0 ? 0.9 : 0.4, &a);
        random_spans(&rng, turn % 5 == 0 ? 0.05 : 0.5, &b);
        spans_copy(&a, &both);
        spans_join(&both, &b);
        spans_copy(&a, &less);
        spans_less(&less, &b);
        assert_in_order(&both);
        assert_in_order(&less);
        to_cells(&a, in_a);
        to_cells(&b, in_b);
        to_cells(&both, in_both);
        to_cells(&less, in_less);
        int64_t area = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                assert_int_equal(in_both[y][x], in_a[y][x] | in_b[y][x]);
                assert_int_equal(in_less[y][x], in_a[y][x] & ~in_b[y][x] & 1);
                assert_int_equal(spans_has(&both, x, y), in_both[y][x]);
                area += in_both[y][x];
            }
        assert_int_equal(spans_area(&both), area);
        spans_clear(&a);
        spans_clear(&b);
        spans_clear(&both);
        spans_clear(&less);
    }
}

static void test_growing_as_cell_by_cell(void **state)
{
    (void)state;
    struct rng rng = rng_seed(2);
    for (int by = -2; by <= 2; by++) {
        struct spans a = {0}, grown = {0};
        random_spans(&rng, 0.93, &a);
        spans_copy(&a, &grown);
        spans_grow(&grown, by);
        assert_in_order(&grown);
        for (int y = -3; y < H + 3; y++)
            for (int x = -3; x < W + 3; x++) {
                bool any = false, all = true;
                for (int dy = -abs(by); dy <= abs(by); dy++)
                    for (int dx = -abs(by); dx <= abs(by); dx++) {
                        any = any || spans_has(&a, x + dx, y + dy);
                        all = all && spans_has(&a, x + dx, y + dy);
                    }
                assert_int_equal(spans_has(&grown, x, y), by >= 0 ? any : all);
            }
        spans_clear(&a);
        spans_clear(&grown);
    }
}

static void test_disc(void **state)
{
    (void)state;
    for (int radius = 0; radius < 9; radius++) {
        struct spans disc = {0};
        spans_disc(20, 12, radius, &disc);
        for (int y = 0; y < 30; y++)
            for (int x = 0; x < 40; x++)
                assert_int_equal(spans_has(&disc, x, y), hypot(x - 20, y - 12) <= radius + 0.5);
        spans_clear(&disc);
    }
}

// The even-odd rule for one point (crossings of a ray to the left).
static bool inside_naive(const double *p, size_t count, double x, double y)
{
    bool inside = false;
    for (size_t i = 0; i < count; i += 2) {
        const double *a = &p[i], *b = &p[(i + 2) % count];
        if ((a[1] <= y) != (b[1] <= y) && a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) <= x)
            inside = !inside;
    }
    return inside;
}

static void test_polygons_as_point_by_point(void **state)
{
    (void)state;
    struct rng rng = rng_seed(3);
    for (int turn = 0; turn < 200; turn++) {
        double points[24];
        size_t corners = 3 + rng_below(&rng, 10);
        for (size_t i = 0; i < 2 * corners; i++) { // also outside, and on whole pixels
            points[i] = rng_uniform(&rng) * 1.4 * (i % 2 ? H : W) - 5;
            points[i] = turn % 2 ? floor(points[i]) : points[i];
        }
        struct region region = {0};
        struct spans spans = {0};
        region_polygon(&region, points, 2 * corners);
        region_spans(&region, W, H, &spans);
        assert_in_order(&spans);
        int64_t area = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                bool inside = inside_naive(points, 2 * corners, x + 0.5, y + 0.5);
                assert_int_equal(spans_has(&spans, x, y), inside);
                area += inside;
            }
        assert_int_equal(region_area(&region, W, H), area);
        spans_clear(&spans);
        region_clear(&region);
    }
}

static void test_box(void **state)
{
    (void)state;
    struct region region = {0};
    region_box(&region, 9, 7, 3, 2); // any two corners
    assert_int_equal(region_area(&region, W, H), 6 * 5);
    region_move(&region, 100, -100, W, H); // stays whole
    double box[4];
    region_bounds(&region, box);
    assert_true(box[0] == W - 6 && box[1] == 0 && box[2] == W && box[3] == 5);
    region_grow(&region, 2, W, H);
    region_bounds(&region, box);
    assert_true(box[0] == W - 8 && box[1] == 0 && box[2] == W && box[3] == 7);
    region_grow(&region, -20, W, H); // not below a pixel
    assert_int_equal(region_area(&region, W, H), 8 * 7);
    region_corner_move(&region, 0, 50, 50, W, H);
    region_bounds(&region, box);
    assert_true(box[0] == W - 1 && box[1] == 6 && box[2] == W && box[3] == 7);
    region_corner_move(&region, 2, 50, 3, W, H);
    region_corner_move(&region, 3, -4, 0, W, H);
    region_bounds(&region, box);
    assert_true(box[0] == W - 5 && box[1] == 6 && box[2] == W && box[3] == 10);
    double at[2];
    region_corner(&region, 1, at);
    assert_true(at[0] == W && at[1] == 6);
    region_clear(&region);
}

static void test_polygon_changes(void **state)
{
    (void)state;
    double points[6] = {10, 10, 20, 10, 10, 20}, box[4];
    struct region region = {0}, copy = {0};
    region_polygon(&region, points, 6);
    region_copy(&region, &copy);
    assert_true(region_same(&region, &copy));
    region_grow(&region, 2, W, H);
    region_bounds(&region, box);
    assert_true(box[0] == 8 && box[1] == 8 && box[2] == 22 && box[3] == 22);
    assert_false(region_same(&region, &copy));
    assert_int_equal(region_corners(&region), 3);
    region_corner_move(&region, 1, 100, -1, W, H);
    region_bounds(&region, box);
    assert_true(box[2] == W && box[1] == 7);
    region_clear(&region);
    region_clear(&copy);
}

static void test_run_lengths(void **state)
{
    (void)state;
    struct rng rng = rng_seed(4);
    struct error err;
    for (int turn = 0; turn < 80; turn++) {
        struct spans a = {0}, back = {0};
        size_t count, again;
        uint32_t *read;
        random_spans(&rng, turn == 0 ? 0 : turn == 1 ? 1 : turn % 4 * 0.3, &a);
        uint32_t *counts = spans_counts(&a, W, H, &count);
        // as the rule says it, pixel by pixel
        size_t at = 0;
        uint32_t left = counts[0];
        for (int x = 0; x < W; x++)
            for (int y = 0; y < H; y++) {
                while (left == 0) {
                    assert_true(at + 1 < count);
                    left = counts[++at];
                }
                assert_int_equal(at % 2 == 1, spans_has(&a, x, y));
                left--;
            }
        assert_int_equal(left, 0);
        assert_int_equal(at, count - 1);
        for (size_t i = 1; i < count; i++)
            assert_true(counts[i] > 0);
        char *text = spans_text(counts, count);
        assert_ok(spans_from_text(text, &read, &again, &err), &err);
        assert_int_equal(again, count);
        assert_memory_equal(read, counts, count * sizeof *counts);
        assert_ok(spans_from_counts(read, again, W, H, &back, &err), &err);
        assert_in_order(&back);
        assert_true(spans_same(&a, &back));
        free(text);
        free(read);
        free(counts);
        spans_clear(&a);
        spans_clear(&back);
    }
}

// By hand after the rule: 3 x 3 with the middle one; a long run; one that ends in a bit that would be a sign.
static void test_text_of_run_lengths(void **state)
{
    (void)state;
    uint32_t middle[] = {4, 1, 4}, *counts, wide[] = {40, 16, 3, 2, 1};
    struct error err;
    struct spans spans = {0};
    size_t count;
    char *text = spans_text(middle, 3);
    assert_string_equal(text, "414");
    free(text);
    text = spans_text(wide, 5); // 40; 16; 3; 2 - 16 = -14; 1 - 3 = -2
    assert_string_equal(text, "X1`03BN");
    free(text);
    const char *bad[] = {"4 4", "4~", "X", "PPPPPPPPPPPPP0", "41K"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (spans_from_text(bad[i], &counts, &count, &err) == ST_OK) {
            enum status status = spans_from_counts(counts, count, 3, 3, &spans, &err);
            free(counts);
            assert_status(status, ST_INVALID, &err);
        }
    assert_status(spans_from_text("X", &counts, &count, &err), ST_INVALID, &err);
    assert_status(spans_from_text("4 4", &counts, &count, &err), ST_INVALID, &err);
    uint32_t huge[] = {1, UINT32_MAX};
    assert_status(spans_from_counts(huge, 2, 3, 3, &spans, &err), ST_INVALID, &err);
}

// Lines round parts and holes; all together give the pixels back.
static void test_lines_give_the_pixels_back(void **state)
{
    (void)state;
    struct rng rng = rng_seed(5);
    for (int turn = 0; turn < 60; turn++) {
        struct spans a = {0}, once = {0};
        size_t count;
        random_spans(&rng, 0.15 + turn % 5 * 0.2, &a);
        struct spans_line *lines = spans_lines(&a, &count);
        uint8_t odd[H][W] = {{0}}, cells[H][W];
        for (size_t i = 0; i < count; i++) {
            struct region line = {0};
            struct spans inside = {0};
            double twice = 0;
            region_polygon(&line, lines[i].points, lines[i].count);
            region_spans(&line, W, H, &inside);
            for (size_t k = 0; k < inside.count; k++)
                for (int x = inside.runs[k].x0; x < inside.runs[k].x1; x++)
                    odd[inside.runs[k].y][x] ^= 1;
            for (size_t k = 0; k < line.count; k += 2) {
                size_t next = (k + 2) % line.count;
                twice += line.points[k] * line.points[next + 1] - line.points[next] * line.points[k + 1];
                // corners only: the direction turns at each
                assert_true((line.points[k] == line.points[next]) != (line.points[k + 1] == line.points[next + 1]));
            }
            assert_true(lines[i].hole == (twice < 0));
            assert_int_equal(spans_area(&inside), fabs(twice) / 2);
            region_clear(&line);
            spans_clear(&inside);
        }
        to_cells(&a, cells);
        assert_memory_equal(odd, cells, sizeof cells);
        spans_lines_free(lines, count);
        spans_clear(&a);
        spans_clear(&once);
    }
    struct spans ring = {0}, middle = {0};
    size_t count;
    spans_disc(10, 10, 6, &ring);
    spans_disc(10, 10, 2, &middle);
    spans_less(&ring, &middle);
    struct spans_line *lines = spans_lines(&ring, &count);
    assert_int_equal(count, 2);
    assert_true(!lines[0].hole && lines[1].hole);
    spans_lines_free(lines, count);
    spans_clear(&ring);
    spans_clear(&middle);
}

static void test_blobs(void **state)
{
    (void)state;
    struct heat heat = {.rows = 8, .cols = 8};
    double box[4] = {0, 0, 1, 1}, half[4] = {0.5, 0, 1, 1};
    size_t count;
    heat.cells[2 * 8 + 2] = heat.cells[2 * 8 + 3] = 200;
    heat.cells[6 * 8 + 6] = 250;
    struct blob *blobs = blobs_find(&heat, box, 160, 80, &count);
    assert_int_equal(count, 2);
    assert_int_equal(blobs[0].peak, 250); // the hottest first
    assert_true(blobs[0].x >= 120 && blobs[0].x < 140 && blobs[0].y >= 60 && blobs[0].y < 70);
    assert_true(blobs[1].box[0] < 60 && blobs[1].box[2] > 60);
    // exactly what the outline encloses
    for (int y = 0; y < 80; y++)
        for (int x = 0; x < 160; x++) {
            bool hot = heat_value(&heat, (float)((x + 0.5) / 20), (float)((y + 0.5) / 10)) >= 128;
            assert_int_equal(spans_has(&blobs[0].spans, x, y) || spans_has(&blobs[1].spans, x, y), hot);
        }
    blobs_free(blobs, count);
    heat.cells[4 * 8 + 5] = 129; // a pixel would be left of it
    blobs = blobs_find(&heat, box, 160, 80, &count);
    assert_int_equal(count, 2);
    blobs_free(blobs, count);
    heat.cells[4 * 8 + 5] = 0;
    blobs = blobs_find(&heat, half, 160, 80, &count);
    assert_int_equal(count, 2);
    assert_true(blobs[1].box[0] >= 90);
    blobs_free(blobs, count);
    heat.cells[6 * 8 + 6] = 0;
    heat.cells[2 * 8 + 2] = heat.cells[2 * 8 + 3] = 60; // below the outline: still what stands out
    blobs = blobs_find(&heat, box, 160, 80, &count);
    assert_int_equal(count, 1);
    blobs_free(blobs, count);
    heat.cells[2 * 8 + 2] = heat.cells[2 * 8 + 3] = 20;
    blobs = blobs_find(&heat, box, 160, 80, &count);
    assert_int_equal(count, 0);
    blobs_free(blobs, count);
    heat = (struct heat){0};
    blobs = blobs_find(&heat, box, 160, 80, &count);
    assert_int_equal(count, 0);
    blobs_free(blobs, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_operations_as_cell_by_cell), cmocka_unit_test(test_growing_as_cell_by_cell),
        cmocka_unit_test(test_disc),                           cmocka_unit_test(test_polygons_as_point_by_point),
        cmocka_unit_test(test_box),                            cmocka_unit_test(test_polygon_changes),
        cmocka_unit_test(test_run_lengths),                    cmocka_unit_test(test_text_of_run_lengths),
        cmocka_unit_test(test_lines_give_the_pixels_back),     cmocka_unit_test(test_blobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
