#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "ui/braille.h"

// Bit of the dot (row, column) in U+2800, as Unicode orders them.
static const int dots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

static int place(double value, double low, double high, int count)
{
    double share = high > low ? (value - low) / (high - low) : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (int)lround(share * (count - 1));
}

// Mean y of each column of dots; columns without a point lie on the line between their neighbours.
static void columns(const struct braille_point *points, size_t count, const struct braille_range *range, int width, double *y)
{
    double *sum = xcalloc((size_t)width, sizeof *sum);
    int *n = xcalloc((size_t)width, sizeof *n), last = -1;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(points[i].x) || !isfinite(points[i].y))
            continue;
        int x = place(points[i].x, range->x_low, range->x_high, width);
        sum[x] += points[i].y;
        n[x]++;
    }
    for (int x = 0; x < width; x++) {
        y[x] = n[x] ? sum[x] / n[x] : NAN;
        for (int between = last + 1; n[x] && last >= 0 && between < x; between++)
            y[between] = y[last] + (y[x] - y[last]) * (between - last) / (x - last);
        last = n[x] ? x : last;
    }
    free(sum);
    free(n);
}

static void set(wchar_t *cells, int cols, int y, int x, bool ascii)
{
    wchar_t *cell = &cells[y / 4 * cols + x / 2];
    if (ascii) {
        wchar_t half = y % 4 < 2 ? L'\'' : L'.';
        *cell = *cell == L' ' || *cell == half ? half : L':';
    } else {
        *cell = (*cell == L' ' ? 0x2800 : *cell) | dots[y % 4][x % 2];
    }
}

void braille_plot(const struct braille_point *points, size_t count, const struct braille_range *range, int rows, int cols,
                  bool ascii, wchar_t *cells)
{
    int width = cols * 2, height = rows * 4, before = -1;
    for (int i = 0; i < rows * cols; i++)
        cells[i] = L' ';
    if (rows < 1 || cols < 1)
        return;
    double *y = xcalloc((size_t)width, sizeof *y);
    columns(points, count, range, width, y);
    for (int x = 0; x < width; x++) {
        if (isnan(y[x])) {
            before = -1;
            continue;
        }
        int at = height - 1 - place(y[x], range->y_low, range->y_high, height);
        int from = before < 0 || abs(at - before) <= 1 ? at : before < at ? before + 1 : before - 1;
        for (int dot = from < at ? from : at; dot <= (from < at ? at : from); dot++)
            set(cells, cols, dot, x, ascii);
        before = at;
    }
    free(y);
}

void braille_bars(const double *heights, int rows, int cols, bool ascii, wchar_t *cells)
{
    int height = rows * 4;
    for (int i = 0; i < rows * cols; i++)
        cells[i] = L' ';
    for (int x = 0; x < 2 * cols; x++) {
        int dot = heights[x] > 0 ? (int)lround(heights[x] * height) : 0;
        dot = heights[x] > 0 && dot < 1 ? 1 : dot > height ? height : dot;
        for (int y = height - dot; y < height; y++)
            set(cells, cols, y, x, ascii);
    }
}
