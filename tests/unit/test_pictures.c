#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "base/alloc.h"
#include "tests/unit/test_pictures.h"

enum { WIDTH = 37, HEIGHT = 29, INK_LIGHT = 200 };

static int samples_of(int type)
{
    return (type & PNG_COLOR_MASK_COLOR && !(type & PNG_COLOR_MASK_PALETTE) ? 3 : 1) +
           (type & PNG_COLOR_MASK_ALPHA ? 1 : 0);
}

unsigned png_kind_sample(const struct png_kind *kind, int x, int y, int channel)
{
    unsigned wide = ((unsigned)x * 1777 + (unsigned)y * 4093 + (unsigned)channel * 21001) & 0xffff;
    return wide >> (16 - kind->bits);
}

void png_kind_colour(unsigned index, uint8_t rgb[3])
{
    rgb[0] = (uint8_t)(index * 37 + 11);
    rgb[1] = (uint8_t)(index * 91 + 60);
    rgb[2] = (uint8_t)(255 - index);
}

uint8_t png_kind_alpha(unsigned index)
{
    return (uint8_t)(255 - index * 53);
}

void png_kind_expect(const struct png_kind *kind, int x, int y, uint8_t *values)
{
    if (kind->type == PNG_COLOR_TYPE_PALETTE) {
        unsigned index = png_kind_sample(kind, x, y, 0);
        png_kind_colour(index, values);
        for (int c = 0; kind->transparent && c < 3; c++)
            values[c] = (uint8_t)((values[c] * png_kind_alpha(index) + 127) / 255);
        return;
    }
    unsigned eight[4];
    int samples = samples_of(kind->type), alpha = kind->type & PNG_COLOR_MASK_ALPHA ? 1 : 0;
    for (int c = 0; c < samples; c++) {
        unsigned s = png_kind_sample(kind, x, y, c);
        eight[c] = kind->bits == 16 ? s >> 8 : s * 255 / ((1u << kind->bits) - 1);
    }
    for (int c = 0; c < samples - alpha; c++)
        values[c] = (uint8_t)(alpha ? (eight[c] * eight[samples - 1] + 127) / 255 : eight[c]);
    if (kind->transparent && png_kind_sample(kind, x, y, 0) == 1)
        values[0] = 0;
}

static void png_put(png_structp png, png_bytep bytes, size_t count)
{
    strbuf_add(png_get_io_ptr(png), bytes, count);
}

static void png_flush_nothing(png_structp png)
{
    (void)png;
}

void png_make(const struct png_kind *kind, struct strbuf *file)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop header = png_create_info_struct(png);
    png_set_write_fn(png, file, png_put, png_flush_nothing);
    png_set_IHDR(png, header, (png_uint_32)kind->width, (png_uint_32)kind->height, kind->bits, kind->type,
                 kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_color palette[256];
    png_byte alpha[256];
    int colours = 1 << (kind->bits > 8 ? 8 : kind->bits);
    for (unsigned i = 0; i < (unsigned)colours; i++) {
        uint8_t rgb[3];
        png_kind_colour(i, rgb);
        palette[i] = (png_color){rgb[0], rgb[1], rgb[2]};
        alpha[i] = png_kind_alpha(i);
    }
    bool paletted = kind->type == PNG_COLOR_TYPE_PALETTE;
    if (paletted)
        png_set_PLTE(png, header, palette, colours);
    png_color_16 see_through = {.gray = 1};
    if (kind->transparent)
        png_set_tRNS(png, header, alpha, paletted ? colours : 1, &see_through);
    png_write_info(png, header);
    int samples = samples_of(kind->type);
    size_t bytes = ((size_t)kind->width * (size_t)samples * (size_t)kind->bits + 7) / 8;
    uint8_t *row = xmalloc(bytes);
    int passes = png_set_interlace_handling(png);
    for (; passes > 0; passes--) {
        for (int y = 0; y < kind->height; y++) {
            memset(row, 0, bytes);
            for (int i = 0; i < kind->width * samples; i++) {
                unsigned s = png_kind_sample(kind, i / samples, y, i % samples);
                int bit = i * kind->bits;
                if (kind->bits == 16) {
                    row[bit / 8] = (uint8_t)(s >> 8);
                    row[bit / 8 + 1] = (uint8_t)s;
                } else {
                    row[bit / 8] = (uint8_t)(row[bit / 8] | s << (8 - kind->bits - bit % 8));
                }
            }
            png_write_row(png, row);
        }
    }
    png_write_end(png, header);
    png_destroy_write_struct(&png, &header);
    free(row);
}

void jpeg_kind_expect(const struct jpeg_kind *kind, int x, int y, uint8_t *values)
{
    // Red grows to the right, green downwards, blue to the upper left: the corners differ.
    int across = 255 * x / (kind->width - 1), down = 255 * y / (kind->height - 1);
    values[0] = (uint8_t)across;
    if (kind->colour != JPEG_GRAY) {
        values[1] = (uint8_t)down;
        values[2] = (uint8_t)(255 - (across + down) / 2);
    } else {
        values[0] = (uint8_t)((across + 2 * down) / 3);
    }
    // The black of CMYK lets no more than this through.
    for (int c = 0; kind->colour >= JPEG_CMYK && c < 3; c++)
        values[c] = values[c] > INK_LIGHT ? INK_LIGHT : values[c];
}

static void put16(struct strbuf *out, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    strbuf_add(out, bytes, 2);
}

static void put_entry(struct strbuf *out, unsigned tag, unsigned type, unsigned count, unsigned high,
                      unsigned low)
{
    put16(out, tag);
    put16(out, type);
    put16(out, 0);
    put16(out, count);
    put16(out, high);
    put16(out, low);
}

// TIFF structure, big-endian: IFD 0 with the orientation and a pointer to the
// EXIF IFD, which holds the time; then IFD 1 with a thumbnail and another
// orientation, which must not count.
static void put_exif(struct strbuf *out, const struct jpeg_kind *kind)
{
    strbuf_add(out, "Exif\0\0MM\0*\0\0\0\x08", 14);
    size_t time_bytes = kind->taken ? strlen(kind->taken) + 1 : 0;
    unsigned exif = 8 + 2 + 2 * 12 + 4, text = exif + 2 + 12 + 4;
    unsigned next = text + (unsigned)time_bytes;
    put16(out, 2);
    if (kind->orientation)
        put_entry(out, 0x0112, 3, 1, (unsigned)kind->orientation, 0);
    else
        put_entry(out, 0x0128, 3, 1, 2, 0); // unit of the resolution, to keep the sizes
    put_entry(out, 0x8769, 4, 1, 0, exif);
    put16(out, 0);
    put16(out, next);
    put16(out, kind->taken ? 1 : 0);
    if (kind->taken)
        put_entry(out, 0x9003, 2, (unsigned)time_bytes, 0, text);
    else
        strbuf_add(out, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    put16(out, 0);
    put16(out, 0);
    strbuf_add(out, kind->taken ? kind->taken : "", time_bytes);
    put16(out, 3);
    put_entry(out, 0x0112, 3, 1, 3, 0);
    put_entry(out, 0x0201, 4, 1, 0, next + 2 + 3 * 12 + 4);
    put_entry(out, 0x0202, 4, 1, 0, 4);
    put16(out, 0);
    put16(out, 0);
    strbuf_add(out, "\xff\xd8\xff\xd9", 4);
}

void jpeg_make(const struct jpeg_kind *kind, struct strbuf *file)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long count = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &count);
    bool four = kind->colour == JPEG_CMYK || kind->colour == JPEG_YCCK;
    jpeg.image_width = (JDIMENSION)kind->width;
    jpeg.image_height = (JDIMENSION)kind->height;
    jpeg.input_components = four ? 4 : kind->colour == JPEG_GRAY ? 1 : 3;
    jpeg.in_color_space = four ? JCS_CMYK : kind->colour == JPEG_GRAY ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    if (four)
        jpeg_set_colorspace(&jpeg, kind->colour == JPEG_YCCK ? JCS_YCCK : JCS_CMYK);
    jpeg.write_Adobe_marker = four;
    jpeg_set_quality(&jpeg, 98, TRUE);
    for (int c = 0; c < jpeg.num_components; c++)
        jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    if (kind->progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (kind->orientation || kind->taken) {
        struct strbuf exif = {0};
        put_exif(&exif, kind);
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, (const JOCTET *)exif.data, (unsigned)exif.len);
        strbuf_clear(&exif);
    }
    uint8_t *row = xmalloc((size_t)kind->width * 4);
    for (int y = 0; y < kind->height; y++) {
        for (int x = 0; x < kind->width; x++) {
            uint8_t *p = row + (size_t)x * (size_t)jpeg.input_components;
            jpeg_kind_expect(kind, x, y, p);
            if (!four)
                continue;
            // Adobe stores 255 - ink, so light is C * K / 255.
            p[3] = INK_LIGHT;
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)((p[c] * 255 + INK_LIGHT / 2) / INK_LIGHT);
        }
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    strbuf_add(file, bytes, count);
    free(bytes);
    free(row);
}

static struct picture *add(struct pictures *set, enum status status, char *name, char *reason)
{
    GROW(set->items, set->capacity, set->count + 1);
    struct picture *p = &set->items[set->count++];
    *p = (struct picture){.name = name, .reason = reason, .status = status};
    return p;
}

void pictures_clear(struct pictures *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->items[i].name);
        free(set->items[i].reason);
        strbuf_clear(&set->items[i].bytes);
    }
    free(set->items);
    *set = (struct pictures){0};
}

void pictures_good(struct pictures *set)
{
    static const struct {
        const char *name;
        int type, bits[5];
        bool transparent;
    } kinds[] = {
        {"gray", PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}, false},
        {"gray-keyed", PNG_COLOR_TYPE_GRAY, {4, 8}, true},
        {"palette", PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}, false},
        {"palette-alpha", PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}, true},
        {"gray-alpha", PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}, false},
        {"rgb", PNG_COLOR_TYPE_RGB, {8, 16}, false},
        {"rgba", PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}, false},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (int i = 0; i < 10; i++) {
            struct png_kind kind = {WIDTH,         HEIGHT, kinds[k].bits[i / 2],
                                    kinds[k].type, i % 2,  kinds[k].transparent};
            if (!kind.bits)
                break;
            struct picture *p =
                add(set, ST_OK, xasprintf("%s-%d%s.png", kinds[k].name, kind.bits, i % 2 ? "-adam7" : ""),
                    xasprintf("%d bits%s", kind.bits, i % 2 ? ", interlaced" : ""));
            p->width = WIDTH;
            p->height = HEIGHT;
            p->channels = kind.type & PNG_COLOR_MASK_COLOR ? 3 : 1;
            png_make(&kind, &p->bytes);
        }
    }
    static const char *const colours[] = {"gray", "rgb", "cmyk", "ycck"};
    for (int i = 0; i < 8; i++) {
        struct jpeg_kind kind = {WIDTH, HEIGHT, (enum jpeg_colour)(i / 2), i % 2, 0, NULL};
        const char *form = i % 2 ? "progressive" : "baseline";
        struct picture *p = add(set, ST_OK, xasprintf("%s-%s.jpg", colours[i / 2], form), xstrdup(form));
        p->width = WIDTH;
        p->height = HEIGHT;
        p->channels = kind.colour == JPEG_GRAY ? 1 : 3;
        jpeg_make(&kind, &p->bytes);
    }
    for (int o = 1; o <= 8; o++) {
        struct jpeg_kind kind = {WIDTH, HEIGHT, JPEG_RGB, false, o, "2026:01:31 12:34:56"};
        struct picture *p =
            add(set, ST_OK, xasprintf("exif-%d.jpg", o), xasprintf("EXIF orientation %d and time", o));
        p->width = o < 5 ? WIDTH : HEIGHT;
        p->height = o < 5 ? HEIGHT : WIDTH;
        p->channels = 3;
        jpeg_make(&kind, &p->bytes);
    }
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

// Give the IHDR other sides and the checksum that fits them.
static void patch_header(struct strbuf *file, uint32_t width, uint32_t height)
{
    uint8_t *ihdr = (uint8_t *)file->data + 12; // type, 13 bytes of data, checksum
    put32(ihdr + 4, width);
    put32(ihdr + 8, height);
    uint32_t crc = 0xffffffff;
    for (int i = 0; i < 17; i++) {
        crc ^= ihdr[i];
        for (int b = 0; b < 8; b++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    put32(ihdr + 17, ~crc);
}

// Sides in the frame header of a JPEG.
static void patch_frame(struct strbuf *file, unsigned width, unsigned height)
{
    for (size_t i = 2; i + 9 < file->len; i++) {
        uint8_t *p = (uint8_t *)file->data + i;
        if (p[0] == 0xff && (p[1] == 0xc0 || p[1] == 0xc2)) {
            p[5] = (uint8_t)(height >> 8);
            p[6] = (uint8_t)height;
            p[7] = (uint8_t)(width >> 8);
            p[8] = (uint8_t)width;
            return;
        }
    }
}

static struct strbuf *bad(struct pictures *set, enum status status, const char *name, const char *reason,
                          const struct strbuf *from)
{
    struct picture *p = add(set, status, xstrdup(name), xstrdup(reason));
    if (from)
        strbuf_add(&p->bytes, from->data, from->len);
    return &p->bytes;
}

static void cut(struct pictures *set, const char *stem, const char *ending, const struct strbuf *from)
{
    for (size_t part = 1; part < 16; part++) {
        // Less than a signature is no picture at all.
        size_t count = from->len * part / 16, signature = ending[1] == 'p' ? 8 : 3;
        struct picture *p = add(set, count < signature ? ST_INVALID : ST_CORRUPT,
                                xasprintf("%s-cut-%02zu%s", stem, part, ending),
                                xasprintf("the first %zu of %zu bytes", count, from->len));
        strbuf_add(&p->bytes, from->data, count);
    }
}

void pictures_bad(struct pictures *set)
{
    struct strbuf png = {0}, keyed = {0}, jpeg = {0}, progressive = {0};
    png_make(&(struct png_kind){WIDTH, HEIGHT, 8, PNG_COLOR_TYPE_RGB, false, false}, &png);
    png_make(&(struct png_kind){WIDTH, HEIGHT, 8, PNG_COLOR_TYPE_PALETTE, false, true}, &keyed);
    struct jpeg_kind kind = {WIDTH, HEIGHT, JPEG_RGB, false, 0, NULL};
    jpeg_make(&kind, &jpeg);
    kind.progressive = true;
    jpeg_make(&kind, &progressive);

    bad(set, ST_INVALID, "empty.png", "no bytes", NULL);
    strbuf_puts(bad(set, ST_INVALID, "text.jpg", "text", NULL), "This is no picture.\n");
    strbuf_add(bad(set, ST_INVALID, "gif.png", "another format", NULL), "GIF89a\1\0\1\0\0\0\0;", 14);
    strbuf_add(bad(set, ST_CORRUPT, "signature.png", "PNG signature only", NULL), png.data, 8);
    strbuf_add(bad(set, ST_CORRUPT, "start.jpg", "start marker only", NULL), jpeg.data, 4);
    strbuf_add(bad(set, ST_CORRUPT, "no-end.png", "the end chunk is missing", NULL), png.data, png.len - 12);
    strbuf_add(bad(set, ST_CORRUPT, "no-end.jpg", "the end marker is missing", NULL), jpeg.data,
               jpeg.len - 2);
    cut(set, "png", ".png", &png);
    cut(set, "baseline", ".jpg", &jpeg);
    cut(set, "progressive", ".jpg", &progressive);

    bad(set, ST_CORRUPT, "crc-header.png", "wrong checksum of the header", &png)->data[29] ^= 1;
    bad(set, ST_CORRUPT, "crc-pixels.png", "wrong checksum of the pixels", &png)->data[png.len - 13] ^= 1;
    struct strbuf *file = bad(set, ST_CORRUPT, "crc-alpha.png", "wrong checksum of the transparency", &keyed);
    char *trns = memmem(file->data, file->len, "tRNS", 4);
    if (trns)
        trns[4] ^= 1;
    patch_header(bad(set, ST_CORRUPT, "zero-width.png", "no pixels", &png), 0, HEIGHT);
    patch_header(bad(set, ST_CORRUPT, "zero-height.png", "no pixels", &png), WIDTH, 0);
    patch_header(bad(set, ST_CORRUPT, "short.png", "fewer rows than promised", &png), WIDTH, HEIGHT + 100);
    patch_header(bad(set, ST_INVALID, "huge.png", "more pixels than the limit", &png), 100000, 100000);
    patch_header(bad(set, ST_INVALID, "vast.png", "more pixels than the limit", &png), 0x7fffffff,
                 0x7fffffff);
    patch_frame(bad(set, ST_CORRUPT, "zero-width.jpg", "no pixels", &jpeg), 0, HEIGHT);
    patch_frame(bad(set, ST_INVALID, "huge.jpg", "more pixels than the limit", &jpeg), 65000, 65000);
    patch_frame(bad(set, ST_CORRUPT, "short.jpg", "fewer rows than promised", &jpeg), WIDTH, HEIGHT + 100);
    file = bad(set, ST_CORRUPT, "no-scan.jpg", "headers without a scan", NULL);
    char *scan = memmem(jpeg.data, jpeg.len, "\xff\xda", 2);
    strbuf_add(file, jpeg.data, scan ? (size_t)(scan - jpeg.data) : 0);
    strbuf_add(file, "\xff\xd9", 2);

    strbuf_clear(&png);
    strbuf_clear(&keyed);
    strbuf_clear(&jpeg);
    strbuf_clear(&progressive);
}
