#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#undef PACKAGE_VERSION // the library's header defines its own
#include <sixel.h>

#include "base/alloc.h"
#include "ui/sixel.h"

enum { GRAYS = 64, MIXED_SIDE = 5 };

// Bayer's 8 x 8 matrix.
static const uint8_t bayer[8][8] = {
    {0, 32, 8, 40, 2, 34, 10, 42},  {48, 16, 56, 24, 50, 18, 58, 26}, {12, 44, 4, 36, 14, 46, 6, 38},
    {60, 28, 52, 20, 62, 30, 54, 22}, {3, 35, 11, 43, 1, 33, 9, 41},   {51, 19, 59, 27, 49, 17, 57, 25},
    {15, 47, 7, 39, 13, 45, 5, 37}, {63, 31, 55, 23, 61, 29, 53, 21},
};

static void quantise_gray(const struct image *frame, int levels, uint8_t *index)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    uint8_t map[256];
    for (int v = 0; v < 256; v++)
        map[v] = (uint8_t)((v * (levels - 1) * 2 + 255) / 510);
    for (size_t i = 0; i < count; i++)
        index[i] = map[frame->pixels[i]];
}

static void quantise_cube(const struct image *frame, int side, uint8_t *index)
{
    const uint8_t *p = frame->pixels;
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++, p += 3) {
            int add = bayer[y & 7][x & 7] * 255, level[3];
            for (int c = 0; c < 3; c++)
                level[c] = (p[c] * (side - 1) * 64 + add) / (255 * 64);
            *index++ = (uint8_t)((level[0] * side + level[1]) * side + level[2]);
        }
    }
}

// A gray picture with a coloured overlay: its gray pixels keep their levels.
static bool mostly_gray(const struct image *frame)
{
    size_t count = (size_t)frame->width * (size_t)frame->height, gray = 0;
    const uint8_t *p = frame->pixels;
    for (size_t i = 0; i < count; i++, p += 3)
        gray += p[0] == p[1] && p[0] == p[2];
    return gray > count / 2;
}

static void keep_grays(const struct image *frame, int first, uint8_t *index)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    const uint8_t *p = frame->pixels;
    for (size_t i = 0; i < count; i++, p += 3)
        if (p[0] == p[1] && p[0] == p[2])
            index[i] = (uint8_t)(first + (p[0] * (GRAYS - 1) * 2 + 255) / 510);
}

int sixel_quantise(const struct image *frame, int registers, uint8_t *index,
                   uint8_t palette[SIXEL_COLOURS * 3])
{
    uint8_t all[SIXEL_COLOURS * 3];
    if (frame->channels == 1) {
        int levels = registers < GRAYS ? (registers < 2 ? 2 : registers) : GRAYS;
        quantise_gray(frame, levels, index);
        for (int i = 0; i < levels; i++)
            memset(all + i * 3, i * 255 / (levels - 1), 3);
    } else {
        bool grays = registers >= MIXED_SIDE * MIXED_SIDE * MIXED_SIDE + GRAYS && mostly_gray(frame);
        int side = grays ? MIXED_SIDE : 6;
        while (side > 2 && side * side * side > registers)
            side--;
        quantise_cube(frame, side, index);
        for (int i = 0; i < side * side * side; i++) {
            all[i * 3] = (uint8_t)(i / (side * side) * 255 / (side - 1));
            all[i * 3 + 1] = (uint8_t)(i / side % side * 255 / (side - 1));
            all[i * 3 + 2] = (uint8_t)(i % side * 255 / (side - 1));
        }
        if (grays)
            keep_grays(frame, side * side * side, index);
        for (int i = 0; grays && i < GRAYS; i++)
            memset(all + (side * side * side + i) * 3, i * 255 / (GRAYS - 1), 3);
    }
    int slot[SIXEL_COLOURS], used = 0;
    for (int i = 0; i < SIXEL_COLOURS; i++)
        slot[i] = -1;
    size_t count = (size_t)frame->width * (size_t)frame->height;
    for (size_t i = 0; i < count; i++) {
        int c = index[i];
        if (slot[c] < 0) {
            memcpy(palette + used * 3, all + c * 3, 3);
            slot[c] = used++;
        }
        index[i] = (uint8_t)slot[c];
    }
    return used;
}

static int collect(char *bytes, int count, void *context)
{
    strbuf_add(context, bytes, (size_t)count);
    return count;
}

enum status sixel_encode_frame(const struct image *frame, int registers, struct strbuf *out, struct error *err)
{
    uint8_t palette[SIXEL_COLOURS * 3];
    uint8_t *index = xcalloc((size_t)frame->width * (size_t)frame->height, 1);
    int colours = sixel_quantise(frame, registers, index, palette);
    sixel_output_t *output = NULL;
    sixel_dither_t *dither = NULL;
    SIXELSTATUS status = sixel_output_new(&output, collect, out, NULL);
    // one output and one dither per frame, palette given: no state is shared between threads
    if (SIXEL_SUCCEEDED(status))
        status = sixel_dither_new(&dither, colours < 2 ? 2 : colours, NULL);
    if (SIXEL_SUCCEEDED(status)) {
        if (colours < 2)
            memset(palette + 3, 0, 3);
        sixel_output_set_encode_policy(output, SIXEL_ENCODEPOLICY_SIZE);
        sixel_dither_set_palette(dither, palette);
        sixel_dither_set_pixelformat(dither, SIXEL_PIXELFORMAT_PAL8);
        status = sixel_encode(index, frame->width, frame->height, 8, dither, output);
    }
    if (dither)
        sixel_dither_unref(dither);
    if (output)
        sixel_output_unref(output);
    free(index);
    if (SIXEL_FAILED(status))
        return error_set(err, ST_INVALID, "the picture cannot be drawn as sixel: %s",
                         sixel_helper_format_error(status));
    return ST_OK;
}
