// A line through points in characters of two by four dots, or of ASCII where those are not to be had.
#ifndef UI_BRAILLE_H
#define UI_BRAILLE_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

struct braille_point {
    double x, y;
};

// points: (count) by rising x; those that are not finite are left out. cells: (rows x cols), filled. Of several points in
// a column of dots their mean is drawn; columns are joined. The range is x_low..x_high, y_low..y_high; what lies beyond is
// drawn at the edge.
struct braille_range {
    double x_low, x_high, y_low, y_high;
};
void braille_plot(const struct braille_point *points, size_t count, const struct braille_range *range, int rows, int cols,
                  bool ascii, wchar_t *cells);

// Columns from the bottom up. heights: (2 * cols) shares 0..1; what is above 0 has one dot at least.
void braille_bars(const double *heights, int rows, int cols, bool ascii, wchar_t *cells);

#endif
