// A picture in memory and how one is decoded. Decoding never trusts the file:
// sizes, memory and JPEG scans are limited, and a torn file is an error.
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct image {
    int width, height, channels; // channels: 1 gray or 3 RGB
    uint8_t *pixels;             // (height, width, channels); NULL when empty
};

void image_init(struct image *image, int width, int height, int channels); // zeroed pixels
void image_clear(struct image *image);                                     // frees, leaves {0}

enum image_format { IMAGE_UNKNOWN, IMAGE_PNG, IMAGE_JPEG };

struct image_info {
    enum image_format format;
    int width, height; // whole picture, after EXIF orientation
    int channels;      // 1 or 3, of the decoded picture (alpha is laid over black, CMYK becomes RGB)
    int bits;          // per sample in the file: 1, 2, 4, 8, 16
    int orientation;   // EXIF 1..8, 1 when absent
    char taken[20];    // EXIF DateTimeOriginal as 2026-01-31T12:34:56, "" when absent
};

struct image_limits {
    uint64_t file_bytes; // largest file
    uint64_t pixels;     // largest width * height
    int jpeg_scans;      // most scans of a progressive JPEG
};

extern const struct image_limits image_limits_default; // 256 MiB, 120 megapixels, 100 scans

// What the header says, without decoding pixels.
ASSAY_CHECKED enum status image_probe(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                                      struct image_info *info, struct error *err);

// Decode a whole file held in memory, EXIF orientation applied. 16-bit samples
// keep their high byte. Any damage that the decoder reports (a truncated JPEG
// too, which libjpeg only warns about) is ST_CORRUPT.
// min_width, min_height: when both are > 0 a JPEG may be decoded at M/8 scale,
// chosen so that both sides (after orientation) stay >= these; 0, 0 is full size.
// Errors are sentences without the path. `info` may be NULL. Caller: image_clear.
ASSAY_CHECKED enum status image_decode(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                                       int min_width, int min_height, struct image *image,
                                       struct image_info *info, struct error *err);

// file_read + image_decode; errors name the path.
ASSAY_CHECKED enum status image_load(const char *path, const struct image_limits *limits, int min_width,
                                     int min_height, struct image *image, struct image_info *info,
                                     struct error *err);

// A JPEG in memory; caller frees *bytes. quality 1..100.
ASSAY_CHECKED enum status image_encode_jpeg(const struct image *image, int quality, unsigned char **bytes,
                                            size_t *count, struct error *err);
// Write atomically (file_write).
ASSAY_CHECKED enum status image_write_jpeg(const char *path, const struct image *image, int quality,
                                           struct error *err);
ASSAY_CHECKED enum status image_write_png(const char *path, const struct image *image, struct error *err);

const char *image_format_name(enum image_format format); // "png", "jpeg", "unknown"

#endif
