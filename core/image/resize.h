// Resampling and cutting.
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/image.h"

// Antialiased triangle filter (what PIL calls BILINEAR: support scales with the
// reduction, separable, half-pixel centres), to 8 bits.
void image_resize(const struct image *from, int width, int height, struct image *to);

// The same, to float RGB (height, width, 3), values 0..255, gray repeated;
// `to` holds width * height * 3 floats. The source is the sub-rectangle
// [x, x+w) x [y, y+h) of `from`, inside the picture.
void image_resize_rgb(const struct image *from, int x, int y, int w, int h, int width, int height, float *to);

void image_crop(const struct image *from, int x, int y, int w, int h, struct image *to);
void image_to_gray(const struct image *from, struct image *to); // Rec. 601 luma

#endif
