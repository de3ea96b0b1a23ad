#include "config.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <png.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "image/image.h"

// Both libraries leave by longjmp; what must survive that lives here.
struct writer {
    struct jpeg_compress_struct jpeg; // first, so that a callback's cinfo is the writer
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr out;
    const struct image *image;
    struct error *err;
    enum status status;
    png_structp png;
    png_infop header;
    struct strbuf file;
    JOCTET block[16384];
    jmp_buf escape;
};

static void png_failed(png_structp png, png_const_charp message)
{
    struct writer *w = png_get_error_ptr(png);
    w->status = error_set(w->err, ST_INVALID, "cannot be written as PNG (%s)", message);
    longjmp(w->escape, 1);
}

static void png_warned(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_put(png_structp png, png_bytep bytes, size_t count)
{
    struct writer *w = png_get_io_ptr(png);
    strbuf_add(&w->file, bytes, count);
}

static void png_no_flush(png_structp png)
{
    (void)png;
}

// May leave by longjmp.
static void encode_png(struct writer *w)
{
    const struct image *image = w->image;
    png_set_user_limits(w->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(w->png, w, png_put, png_no_flush);
    png_set_IHDR(w->png, w->header, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->header);
    size_t stride = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++)
        png_write_row(w->png, image->pixels + (size_t)y * stride);
    png_write_end(w->png, NULL);
}

static void jpeg_failed(j_common_ptr jpeg)
{
    struct writer *w = (struct writer *)jpeg;
    char message[JMSG_LENGTH_MAX];
    w->errors.format_message(jpeg, message);
    w->status = error_set(w->err, ST_INVALID, "cannot be written as JPEG (%s)", message);
    longjmp(w->escape, 1);
}

static void jpeg_said(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void jpeg_start(j_compress_ptr jpeg)
{
    struct writer *w = (struct writer *)jpeg;
    w->out.next_output_byte = w->block;
    w->out.free_in_buffer = sizeof w->block;
}

static boolean jpeg_full(j_compress_ptr jpeg)
{
    struct writer *w = (struct writer *)jpeg;
    strbuf_add(&w->file, w->block, sizeof w->block);
    jpeg_start(jpeg);
    return TRUE;
}

static void jpeg_end(j_compress_ptr jpeg)
{
    struct writer *w = (struct writer *)jpeg;
    strbuf_add(&w->file, w->block, sizeof w->block - w->out.free_in_buffer);
}

// May leave by longjmp.
static void encode_jpeg(struct writer *w, int quality)
{
    const struct image *image = w->image;
    jpeg_create_compress(&w->jpeg);
    w->out = (struct jpeg_destination_mgr){
        .init_destination = jpeg_start, .empty_output_buffer = jpeg_full, .term_destination = jpeg_end};
    w->jpeg.dest = &w->out;
    w->jpeg.image_width = (JDIMENSION)image->width;
    w->jpeg.image_height = (JDIMENSION)image->height;
    w->jpeg.input_components = image->channels;
    w->jpeg.in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&w->jpeg);
    jpeg_set_quality(&w->jpeg, quality, TRUE);
    w->jpeg.optimize_coding = TRUE;
    jpeg_start_compress(&w->jpeg, TRUE);
    size_t stride = (size_t)image->width * (size_t)image->channels;
    while (w->jpeg.next_scanline < w->jpeg.image_height) {
        JSAMPROW row = image->pixels + w->jpeg.next_scanline * stride;
        jpeg_write_scanlines(&w->jpeg, &row, 1);
    }
    jpeg_finish_compress(&w->jpeg);
}

static enum status finish(struct writer *w, const char *path, struct error *err)
{
    enum status status = w->status;
    if (status == ST_OK)
        status = file_write(path, w->file.data, w->file.len, err);
    else
        error_prefix(err, "%s", path);
    strbuf_clear(&w->file);
    free(w);
    return status;
}

enum status image_write_jpeg(const char *path, const struct image *image, int quality, struct error *err)
{
    struct writer *w = xcalloc(1, sizeof *w);
    w->image = image;
    w->err = err;
    w->jpeg.err = jpeg_std_error(&w->errors);
    w->errors.error_exit = jpeg_failed;
    w->errors.output_message = jpeg_said;
    if (setjmp(w->escape) == 0)
        encode_jpeg(w, quality);
    jpeg_destroy_compress(&w->jpeg);
    return finish(w, path, err);
}

enum status image_write_png(const char *path, const struct image *image, struct error *err)
{
    struct writer *w = xcalloc(1, sizeof *w);
    w->image = image;
    w->err = err;
    if (setjmp(w->escape) == 0) {
        w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, png_failed, png_warned);
        w->header = w->png ? png_create_info_struct(w->png) : NULL;
        if (w->header)
            encode_png(w);
        else
            w->status = error_set(err, ST_INVALID, "the PNG library cannot start; check its version");
    }
    png_destroy_write_struct(&w->png, &w->header);
    return finish(w, path, err);
}
