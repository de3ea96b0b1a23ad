// Lines through points in braille and in ASCII.
#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <wchar.h>

#include "ui/braille.h"

static void assert_cells(const struct braille_point *points, size_t count, const struct braille_range *range, int rows, int cols,
                         bool ascii, const wchar_t *want)
{
    wchar_t *cells = xcalloc((size_t)(rows * cols) + 1, sizeof *cells);
    braille_plot(points, count, range, rows, cols, ascii, cells);
    for (int i = 0; i < rows * cols; i++)
        if (cells[i] != want[i])
            fail_msg("cell %d: U+%04X, not U+%04X", i, (unsigned)cells[i], (unsigned)want[i]);
    free(cells);
}

static void a_diagonal_has_a_dot_in_every_column(void **state)
{
    (void)state;
    static const struct braille_point line[] = {{0, 0}, {3, 3}};
    static const struct braille_range range = {0, 3, 0, 3};
    // dots from the lower left to the upper right: (row 3, left), (2, right), (1, left), (0, right)
    assert_cells(line, 2, &range, 1, 2, false, L"\u2860\u280a");
    assert_cells(line, 2, &range, 1, 2, true, L".'");
}

static void a_jump_is_joined(void **state)
{
    (void)state;
    static const struct braille_point line[] = {{0, 0}, {1, 7}};
    static const struct braille_range range = {0, 1, 0, 7};
    // the left column: the lowest dot; the right one: all above it
    assert_cells(line, 2, &range, 2, 1, false, L"\u28b8\u2878");
}

static void means_edges_and_what_is_no_number(void **state)
{
    (void)state;
    static const struct braille_range range = {0, 1, 0, 3};
    static const struct braille_point mean[] = {{0, 0}, {0, 2}, {0, NAN}, {NAN, 1}, {1, 1}};
    assert_cells(mean, 5, &range, 1, 1, false, L"\u2824"); // both columns one above the lowest
    static const struct braille_point beyond[] = {{0, -5}, {1, 50}};
    assert_cells(beyond, 1, &range, 1, 1, false, L"\u2840");
    assert_cells(beyond + 1, 1, &range, 1, 1, false, L"\u2808");
    assert_cells(NULL, 0, &range, 1, 2, false, L"  ");
    static const struct braille_range flat = {0, 1, 2, 2};
    assert_cells(mean + 1, 1, &flat, 1, 1, true, L".");
}

static void bars_stand_on_the_ground(void **state)
{
    (void)state;
    static const double heights[4] = {0, 0.01, 0.5, 1};
    wchar_t cells[3] = {0};
    braille_bars(heights, 1, 2, false, cells); // none, one dot; two of four, all four
    assert_int_equal(cells[0], 0x2880);
    assert_int_equal(cells[1], 0x2800 + 0x04 + 0x40 + 0x08 + 0x10 + 0x20 + 0x80);
    braille_bars(heights, 1, 2, true, cells);
    assert_true(cells[0] == L'.' && cells[1] == L':');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diagonal_has_a_dot_in_every_column),
        cmocka_unit_test(a_jump_is_joined),
        cmocka_unit_test(means_edges_and_what_is_no_number),
        cmocka_unit_test(bars_stand_on_the_ground),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
