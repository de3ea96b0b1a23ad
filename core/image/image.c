#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "image/decode.h"
#include "image/image.h"

const struct image_limits image_limits_default = {
    .file_bytes = (uint64_t)256 << 20, .pixels = 120000000, .jpeg_scans = 100};

void image_init(struct image *image, int width, int height, int channels)
{
    *image = (struct image){width, height, channels,
                            xcalloc((size_t)width * (size_t)height, (size_t)channels)};
}

void image_clear(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}

const char *image_format_name(enum image_format format)
{
    return format == IMAGE_PNG ? "png" : format == IMAGE_JPEG ? "jpeg" : "unknown";
}

enum status image_check_size(uint64_t width, uint64_t height, const struct image_limits *limits,
                             struct error *err)
{
    if (width == 0 || height == 0)
        return error_set(err, ST_CORRUPT, "the picture has no pixels");
    if (width > INT32_MAX / 8 || height > INT32_MAX / 8 || width * height > limits->pixels)
        return error_set(err, ST_INVALID, "%llu x %llu pixels are more than the limit of %llu",
                         (unsigned long long)width, (unsigned long long)height,
                         (unsigned long long)limits->pixels);
    return ST_OK;
}

static enum status detect(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                          enum image_format *format, struct error *err)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t jpeg[3] = {0xff, 0xd8, 0xff};
    if (count == 0)
        return error_set(err, ST_INVALID, "the file is empty");
    if (count > limits->file_bytes)
        return error_set(err, ST_INVALID, "%zu bytes are more than the limit of %llu", count,
                         (unsigned long long)limits->file_bytes);
    if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        *format = IMAGE_PNG;
    else if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        *format = IMAGE_JPEG;
    else
        return error_set(err, ST_INVALID, "neither a PNG nor a JPEG picture");
    return ST_OK;
}

static bool swaps_sides(int orientation)
{
    return orientation >= 5;
}

// Turn `image` by its EXIF orientation (2..8): pixel (x, y) of the result is
// taken from where the tag says the camera stored it.
static void orient(struct image *image, int orientation)
{
    if (orientation < 2 || orientation > 8)
        return;
    bool swap = swaps_sides(orientation);
    int w = swap ? image->height : image->width, h = swap ? image->width : image->height;
    struct image out;
    image_init(&out, w, h, image->channels);
    size_t c = (size_t)image->channels;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            int u = swap ? y : x, v = swap ? x : y;
            bool mirror_u = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
            bool mirror_v = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
            if (mirror_u)
                u = image->width - 1 - u;
            if (mirror_v)
                v = image->height - 1 - v;
            memcpy(out.pixels + ((size_t)y * (size_t)w + (size_t)x) * c,
                   image->pixels + ((size_t)v * (size_t)image->width + (size_t)u) * c, c);
        }
    }
    image_clear(image);
    *image = out;
}

static void swap_info(struct image_info *info)
{
    if (swaps_sides(info->orientation)) {
        int w = info->width;
        info->width = info->height;
        info->height = w;
    }
}

enum status image_probe(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                        struct image_info *info, struct error *err)
{
    *info = (struct image_info){.orientation = 1};
    enum status status = detect(bytes, count, limits, &info->format, err);
    if (status == ST_OK)
        status = info->format == IMAGE_PNG ? png_probe(bytes, count, limits, info, err)
                                           : jpeg_probe(bytes, count, limits, info, err);
    if (status == ST_OK)
        swap_info(info);
    return status;
}

enum status image_decode(const uint8_t *bytes, size_t count, const struct image_limits *limits, int min_width,
                         int min_height, struct image *image, struct image_info *info, struct error *err)
{
    struct image_info local;
    if (!info)
        info = &local;
    *image = (struct image){0};
    enum status status = image_probe(bytes, count, limits, info, err);
    if (status != ST_OK)
        return status;
    bool swap = swaps_sides(info->orientation);
    if (info->format == IMAGE_PNG)
        status = png_decode(bytes, count, limits, image, info, err);
    else
        status = jpeg_decode(bytes, count, limits, swap ? min_height : min_width,
                             swap ? min_width : min_height, image, info, err);
    if (status != ST_OK) {
        image_clear(image);
        return status;
    }
    swap_info(info);
    orient(image, info->orientation);
    return ST_OK;
}

enum status image_load(const char *path, const struct image_limits *limits, int min_width, int min_height,
                       struct image *image, struct image_info *info, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    *image = (struct image){0};
    enum status status = file_read(path, limits->file_bytes, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    struct error why = {0};
    status = image_decode(bytes, count, limits, min_width, min_height, image, info, &why);
    free(bytes);
    return status == ST_OK ? ST_OK : error_set(err, status, "%s: %s", path, why.text);
}
