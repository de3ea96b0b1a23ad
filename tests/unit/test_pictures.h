// Pictures made by code: every kind that is accepted and every kind of damage.
#ifndef TESTS_UNIT_TEST_PICTURES_H
#define TESTS_UNIT_TEST_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/strbuf.h"

struct picture {
    char *name;                  // file name with its ending
    int width, height, channels; // what image_info is to say; 0 for a bad one
    enum status status;          // of image_decode under the default limits
    char *reason;                // what is odd or wrong about it
    struct strbuf bytes;
};

struct pictures {
    struct picture *items;
    size_t count, capacity;
};

// Append every good, every bad picture. pictures_clear frees.
void pictures_good(struct pictures *set);
void pictures_bad(struct pictures *set);
void pictures_clear(struct pictures *set);

// A PNG whose samples are png_kind_sample() at each place.
struct png_kind {
    int width, height, bits, type; // type: PNG_COLOR_TYPE_*
    bool interlaced;
    bool transparent; // a tRNS chunk: for a palette alpha png_kind_alpha(), for gray the sample 1 is
                      // see-through
};

void png_make(const struct png_kind *kind, struct strbuf *file);
unsigned png_kind_sample(const struct png_kind *kind, int x, int y, int channel); // `bits` wide
void png_kind_colour(unsigned index, uint8_t rgb[3]);
uint8_t png_kind_alpha(unsigned index);
// What decoding is to give: 1 or 3 values, over black.
void png_kind_expect(const struct png_kind *kind, int x, int y, uint8_t *values);

enum jpeg_colour { JPEG_GRAY, JPEG_RGB, JPEG_CMYK, JPEG_YCCK };

// A smooth picture, exact up to the coding: jpeg_kind_expect() at each place.
struct jpeg_kind {
    int width, height;
    enum jpeg_colour colour;
    bool progressive;
    int orientation;   // EXIF; 0 writes none
    const char *taken; // EXIF DateTimeOriginal as stored; NULL writes none
};

void jpeg_make(const struct jpeg_kind *kind, struct strbuf *file);
void jpeg_kind_expect(const struct jpeg_kind *kind, int x, int y,
                      uint8_t *values); // 1 or 3, before orientation

#endif
