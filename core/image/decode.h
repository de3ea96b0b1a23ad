// Inside of image_decode: one file per format.
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include "image/image.h"

enum status png_probe(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                      struct image_info *info, struct error *err);
enum status png_decode(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                       struct image *image, struct image_info *info, struct error *err);
// Both leave width, height as in the file and report the orientation; image.c turns.
enum status jpeg_probe(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                       struct image_info *info, struct error *err);
enum status jpeg_decode(const uint8_t *bytes, size_t count, const struct image_limits *limits, int min_width,
                        int min_height, struct image *image, struct image_info *info, struct error *err);

// Sizes within the limit, else ST_INVALID.
enum status image_check_size(uint64_t width, uint64_t height, const struct image_limits *limits,
                             struct error *err);

#endif
