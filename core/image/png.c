#include "config.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "image/decode.h"

// What libpng's callbacks and the jump share; on the heap, so that longjmp does
// not leave it undefined.
struct reader {
    const uint8_t *bytes;
    size_t count, at;
    char message[128];
    struct image image;
};

static void on_error(png_structp png, png_const_charp text)
{
    struct reader *r = png_get_error_ptr(png);
    snprintf(r->message, sizeof r->message, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep out, size_t count)
{
    struct reader *r = png_get_io_ptr(png);
    if (count > r->count - r->at)
        png_error(png, "the file ends too early");
    memcpy(out, r->bytes + r->at, count);
    r->at += count;
}

// Everything libpng, in one function without locals that a jump could spoil.
static enum status read_png(struct reader *r, const struct image_limits *limits, bool pixels,
                            struct image_info *info, struct error *err)
{
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
    png_infop meta = png ? png_create_info_struct(png) : NULL;
    if (!meta) {
        png_destroy_read_struct(&png, NULL, NULL);
        return error_set(err, ST_INVALID, "libpng cannot start");
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &meta, NULL);
        return error_set(err, ST_CORRUPT, "damaged PNG: %s", r->message);
    }
    png_set_read_fn(png, r, on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); // image_check_size names the limit
    // A transparency chunk with a wrong sum would otherwise be dropped in silence.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_chunk_malloc_max(png, 64 << 20);
    png_set_chunk_cache_max(png, 1000);
    png_read_info(png, meta);
    png_uint_32 width, height;
    int bits, type;
    png_get_IHDR(png, meta, &width, &height, &bits, &type, NULL, NULL, NULL);
    enum status status = image_check_size(width, height, limits, err);
    info->width = (int)width;
    info->height = (int)height;
    info->bits = bits;
    info->channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    if (status != ST_OK || !pixels) {
        png_destroy_read_struct(&png, &meta, NULL);
        return status;
    }
    png_set_strip_16(png);
    png_set_expand(png); // palettes, low bit depths and transparency to 8-bit samples
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, meta);
    int samples = png_get_channels(png, meta); // 1 gray, 2 gray+alpha, 3 RGB, 4 RGBA
    image_init(&r->image, (int)width, (int)height, samples);
    size_t stride = (size_t)width * (size_t)samples;
    if (png_get_rowbytes(png, meta) != stride)
        png_error(png, "unexpected row size");
    for (; passes > 0; passes--)
        for (size_t y = 0; y < height; y++)
            png_read_row(png, r->image.pixels + y * stride, NULL);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &meta, NULL);
    return ST_OK;
}

// Lay gray+alpha or RGBA over black, in place; leaves 1 or 3 channels.
static void flatten(struct image *image)
{
    if (image->channels != 2 && image->channels != 4)
        return;
    size_t from = (size_t)image->channels, to = from - 1;
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++) {
        unsigned alpha = image->pixels[i * from + to];
        for (size_t c = 0; c < to; c++)
            image->pixels[i * to + c] = (uint8_t)((image->pixels[i * from + c] * alpha + 127) / 255);
    }
    image->channels = (int)to;
}

static enum status run(const uint8_t *bytes, size_t count, const struct image_limits *limits, bool pixels,
                       struct image *image, struct image_info *info, struct error *err)
{
    struct reader *r = xcalloc(1, sizeof *r);
    r->bytes = bytes;
    r->count = count;
    enum status status = read_png(r, limits, pixels, info, err);
    if (status == ST_OK && pixels) {
        flatten(&r->image);
        info->channels = r->image.channels;
        *image = r->image;
    } else {
        image_clear(&r->image);
    }
    free(r);
    return status;
}

enum status png_probe(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                      struct image_info *info, struct error *err)
{
    return run(bytes, count, limits, false, NULL, info, err);
}

enum status png_decode(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                       struct image *image, struct image_info *info, struct error *err)
{
    return run(bytes, count, limits, true, image, info, err);
}

enum status image_write_png(const char *path, const struct image *image, struct error *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)image->width,
                     .height = (png_uint_32)image->height,
                     .format = image->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
    void *bytes = xmalloc(size);
    enum status status;
    if (png_image_write_to_memory(&png, bytes, &size, 0, image->pixels, 0, NULL))
        status = file_write(path, bytes, size, err);
    else
        status = error_set(err, ST_INVALID, "%s: cannot encode: %s", path, png.message);
    free(bytes);
    return status;
}
