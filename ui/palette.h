// A palette chosen for one picture. Pure; may run on several threads at once.
#ifndef UI_PALETTE_H
#define UI_PALETTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Choose at most `colours` (1..256) colours for the pixels of `rgb` (count, 3) and
// give every pixel the nearest of them: index[i] = first + its number. With
// skip_gray the pixels of equal parts neither count nor get an index. `palette`:
// (colours, 3). Returns how many. The bins are split where the squared error is
// largest, at the mean of the axis it is largest on (Wan, Wong, Prusinkiewicz,
// "An algorithm for multidimensional data clustering", ACM TOMS 14, 1988).
int palette_choose(const uint8_t *rgb, size_t count, bool skip_gray, int colours, int first, uint8_t *index,
                   uint8_t *palette);

#endif
