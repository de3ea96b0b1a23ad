// Where a heatmap is hot, as parts of the picture: what its outline encloses on the screen.
#ifndef SCREEN_BLOB_H
#define SCREEN_BLOB_H

#include "image/region.h"
#include "screen/patch.h"

enum { BLOB_LEVEL = 128, BLOB_LEAST = 32 }; // the outline; a heatmap that stays below BLOB_LEAST has no blob

struct blob {
    struct spans spans; // pixels of the picture
    int box[4];         // their bounds, x0 y0 x1 y1
    int peak;           // hottest cell, 0..255
    int x, y;           //  and the pixel in its middle
};

// Value at (u, v) in cells, between cell centres, clamped at the rim.
float heat_value(const struct heat *heat, float u, float v);

// box: where the heatmap lies, fractions of the picture. Hottest first, specks left out; where nothing reaches BLOB_LEVEL, what reaches
// 0.6 of the hottest cell. blobs_free.
struct blob *blobs_find(const struct heat *heat, const double box[4], int width, int height, size_t *count);
void blobs_free(struct blob *blobs, size_t count);

#endif
