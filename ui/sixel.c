#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#undef PACKAGE_VERSION // the library's header defines its own
#include <sixel.h>

#include "base/alloc.h"
#include "ui/palette.h"
#include "ui/sixel.h"

enum { GRAYS = 64, COLOURS = 128 };

static void quantise_gray(const struct image *frame, int levels, uint8_t *index)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    uint8_t map[256];
    for (int v = 0; v < 256; v++)
        map[v] = (uint8_t)((v * (levels - 1) * 2 + 255) / 510);
    for (size_t i = 0; i < count; i++)
        index[i] = map[frame->pixels[i]];
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

// The gray pixels of a mostly gray picture: `first` and up.
static void keep_grays(const struct image *frame, int first, uint8_t *index)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    const uint8_t *p = frame->pixels;
    for (size_t i = 0; i < count; i++, p += 3)
        if (p[0] == p[1] && p[0] == p[2])
            index[i] = (uint8_t)(first + (p[0] * (GRAYS - 1) * 2 + 255) / 510);
}

static void even_grays(int levels, uint8_t *palette)
{
    for (int i = 0; i < levels; i++)
        memset(palette + i * 3, i * 255 / (levels - 1), 3);
}

int sixel_quantise(const struct image *frame, int registers, uint8_t *index,
                   uint8_t palette[SIXEL_COLOURS * 3])
{
    uint8_t all[SIXEL_COLOURS * 3];
    size_t count = (size_t)frame->width * (size_t)frame->height;
    registers = registers < 2 ? 2 : registers;
    if (frame->channels == 1) {
        int levels = registers < GRAYS ? registers : GRAYS;
        quantise_gray(frame, levels, index);
        even_grays(levels, all);
    } else {
        bool grays = registers >= 2 * GRAYS && mostly_gray(frame);
        int room = registers - (grays ? GRAYS : 0);
        int n = palette_choose(frame->pixels, count, grays, room < COLOURS ? room : COLOURS, 0, index, all);
        if (grays) {
            keep_grays(frame, n, index);
            even_grays(GRAYS, all + n * 3);
        }
    }
    int slot[SIXEL_COLOURS], used = 0;
    for (int i = 0; i < SIXEL_COLOURS; i++)
        slot[i] = -1;
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
