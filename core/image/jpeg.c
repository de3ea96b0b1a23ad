#include "config.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include <libexif/exif-data.h>

#include "base/alloc.h"
#include "base/file.h"
#include "image/decode.h"

// Everything a jump may pass over lives here, on the heap.
struct jpeg {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    int max_scans;
    bool too_many_scans;
    char message[JMSG_LENGTH_MAX];
    struct image image;
    uint8_t *row; // one CMYK row
};

static void on_error(j_common_ptr common)
{
    struct jpeg *j = common->client_data;
    common->err->format_message(common, j->message);
    longjmp(j->jump, 1);
}

// libjpeg only warns about torn data and fills with gray; here that is an error.
// Odd version numbers lose no pixel, nor do the few stray bytes that some cameras
// leave before a marker. Many are what is left of a scan that lost its place.
static void on_message(j_common_ptr common, int level)
{
    enum { STRAY = 64 };
    int code = common->err->msg_code;
    if (level >= 0 || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
        (code == JWRN_EXTRANEOUS_DATA && common->err->msg_parm.i[0] <= STRAY))
        return;
    on_error(common);
}

static void on_progress(j_common_ptr common)
{
    struct jpeg *j = common->client_data;
    if (common->is_decompressor && j->decoder.input_scan_number > j->max_scans) {
        j->too_many_scans = true;
        longjmp(j->jump, 1);
    }
}

// "2026:01:31 12:34:56" to "2026-01-31T12:34:56"; anything else leaves "".
static void read_time(const ExifEntry *e, char taken[20])
{
    static const char form[] = "dddd:dd:dd dd:dd:dd";
    if (!e || e->format != EXIF_FORMAT_ASCII || e->size < sizeof form - 1)
        return;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? e->data[i] < '0' || e->data[i] > '9' : e->data[i] != (unsigned char)form[i])
            return;
    char text[sizeof form] = "";
    memcpy(text, e->data, sizeof form - 1);
    int year, month, day, hour, minute, second;
    if (sscanf(text, "%d:%d:%d %d:%d:%d", &year, &month, &day, &hour, &minute, &second) != 6 || year < 1 ||
        month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return;
    text[4] = text[7] = '-';
    text[10] = 'T';
    memcpy(taken, text, sizeof form);
}

// Orientation and time of exposure from the APP1 segment, if any.
static void read_exif(struct jpeg *j, struct image_info *info)
{
    info->orientation = 1;
    for (jpeg_saved_marker_ptr m = j->decoder.marker_list; m; m = m->next) {
        if (m->marker != JPEG_APP0 + 1 || m->data_length < 6 || memcmp(m->data, "Exif\0", 6) != 0)
            continue;
        ExifData *exif = exif_data_new_from_data(m->data, m->data_length);
        if (!exif)
            return;
        // IFD 1 describes the thumbnail.
        ExifEntry *e = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
        if (e && e->format == EXIF_FORMAT_SHORT && e->components == 1 && e->size >= 2) {
            int value = exif_get_short(e->data, exif_data_get_byte_order(exif));
            info->orientation = value >= 1 && value <= 8 ? value : 1;
        }
        read_time(exif_content_get_entry(exif->ifd[EXIF_IFD_EXIF], EXIF_TAG_DATE_TIME_ORIGINAL), info->taken);
        exif_data_unref(exif);
        return;
    }
}

// Smallest M of M/8 that keeps both sides at or above the minimum.
static void choose_scale(struct jpeg_decompress_struct *d, int min_width, int min_height)
{
    d->scale_denom = 8;
    d->scale_num = 8;
    if (min_width <= 0 || min_height <= 0)
        return;
    for (unsigned m = 1; m < 8; m++) {
        if (((uint64_t)d->image_width * m + 7) / 8 >= (uint64_t)min_width &&
            ((uint64_t)d->image_height * m + 7) / 8 >= (uint64_t)min_height) {
            d->scale_num = m;
            return;
        }
    }
}

static void cmyk_to_rgb(const uint8_t *in, uint8_t *out, int width, bool inverted)
{
    for (int x = 0; x < width; x++) {
        unsigned k = inverted ? in[4 * x + 3] : 255u - in[4 * x + 3];
        for (int c = 0; c < 3; c++) {
            unsigned v = inverted ? in[4 * x + c] : 255u - in[4 * x + c];
            out[3 * x + c] = (uint8_t)((v * k + 127) / 255);
        }
    }
}

static enum status decode(struct jpeg *j, const uint8_t *bytes, size_t count,
                          const struct image_limits *limits, bool pixels, int min_width, int min_height,
                          struct image_info *info, struct error *err)
{
    struct jpeg_decompress_struct *d = &j->decoder;
    if (setjmp(j->jump)) {
        if (j->too_many_scans)
            return error_set(err, ST_INVALID, "the JPEG has more scans than the limit of %d", j->max_scans);
        return error_set(err, ST_CORRUPT, "damaged JPEG: %s", j->message);
    }
    jpeg_create_decompress(d);
    d->client_data = j;
    d->progress = &j->progress;
    jpeg_mem_src(d, bytes, (unsigned long)count);
    jpeg_save_markers(d, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(d, TRUE);
    enum status status = image_check_size(d->image_width, d->image_height, limits, err);
    if (status != ST_OK)
        return status;
    info->width = (int)d->image_width;
    info->height = (int)d->image_height;
    info->bits = d->data_precision;
    info->channels = d->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
    read_exif(j, info);
    if (!pixels)
        return ST_OK;
    // A picture in several scans is held whole as 16-bit coefficients.
    uint64_t coefficients = (uint64_t)d->image_width * d->image_height * (uint64_t)d->num_components * 2;
    if (jpeg_has_multiple_scans(d) && coefficients > limits->pixels * 6)
        return error_set(err, ST_INVALID,
                         "a JPEG in several scans that needs %llu bytes to decode, more than the limit of "
                         "%llu; store it as baseline",
                         (unsigned long long)coefficients, (unsigned long long)limits->pixels * 6);
    bool cmyk = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    d->out_color_space = cmyk ? JCS_CMYK : info->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    choose_scale(d, min_width, min_height);
    jpeg_start_decompress(d);
    image_init(&j->image, (int)d->output_width, (int)d->output_height, info->channels);
    if (cmyk)
        j->row = xmalloc((size_t)d->output_width * 4);
    size_t stride = (size_t)d->output_width * (size_t)info->channels;
    while (d->output_scanline < d->output_height) {
        uint8_t *out = j->image.pixels + d->output_scanline * stride;
        JSAMPROW row = cmyk ? j->row : out;
        jpeg_read_scanlines(d, &row, 1);
        if (cmyk)
            cmyk_to_rgb(j->row, out, (int)d->output_width, d->saw_Adobe_marker);
    }
    jpeg_finish_decompress(d);
    return ST_OK;
}

static enum status run(const uint8_t *bytes, size_t count, const struct image_limits *limits, bool pixels,
                       int min_width, int min_height, struct image *image, struct image_info *info,
                       struct error *err)
{
    struct jpeg *j = xcalloc(1, sizeof *j);
    j->decoder.err = jpeg_std_error(&j->errors);
    j->errors.error_exit = on_error;
    j->errors.emit_message = on_message;
    j->progress.progress_monitor = on_progress;
    j->decoder.client_data = j;
    j->max_scans = limits->jpeg_scans;
    enum status status = decode(j, bytes, count, limits, pixels, min_width, min_height, info, err);
    jpeg_destroy_decompress(&j->decoder);
    if (status == ST_OK && pixels)
        *image = j->image;
    else
        image_clear(&j->image);
    free(j->row);
    free(j);
    return status;
}

enum status jpeg_probe(const uint8_t *bytes, size_t count, const struct image_limits *limits,
                       struct image_info *info, struct error *err)
{
    return run(bytes, count, limits, false, 0, 0, NULL, info, err);
}

enum status jpeg_decode(const uint8_t *bytes, size_t count, const struct image_limits *limits, int min_width,
                        int min_height, struct image *image, struct image_info *info, struct error *err)
{
    return run(bytes, count, limits, true, min_width, min_height, image, info, err);
}

struct writer {
    struct jpeg_compress_struct encoder;
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    unsigned char *bytes;
    unsigned long count;
};

static void on_write_error(j_common_ptr common)
{
    struct writer *w = common->client_data;
    common->err->format_message(common, w->message);
    longjmp(w->jump, 1);
}

static bool encode(struct writer *w, const struct image *image, int quality)
{
    struct jpeg_compress_struct *e = &w->encoder;
    if (setjmp(w->jump))
        return false;
    jpeg_create_compress(e);
    e->client_data = w;
    jpeg_mem_dest(e, &w->bytes, &w->count);
    e->image_width = (JDIMENSION)image->width;
    e->image_height = (JDIMENSION)image->height;
    e->input_components = image->channels;
    e->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(e);
    jpeg_set_quality(e, quality, TRUE);
    jpeg_start_compress(e, TRUE);
    size_t stride = (size_t)image->width * (size_t)image->channels;
    while (e->next_scanline < e->image_height) {
        JSAMPROW row = image->pixels + e->next_scanline * stride;
        jpeg_write_scanlines(e, &row, 1);
    }
    jpeg_finish_compress(e);
    return true;
}

enum status image_encode_jpeg(const struct image *image, int quality, unsigned char **bytes, size_t *count,
                              struct error *err)
{
    struct writer *w = xcalloc(1, sizeof *w);
    w->encoder.err = jpeg_std_error(&w->errors);
    w->errors.error_exit = on_write_error;
    w->encoder.client_data = w;
    enum status status = ST_OK;
    if (encode(w, image, quality)) {
        *bytes = w->bytes;
        *count = w->count;
        w->bytes = NULL;
    } else {
        status = error_set(err, ST_INVALID, "cannot encode: %s", w->message);
    }
    jpeg_destroy_compress(&w->encoder);
    free(w->bytes);
    free(w);
    return status;
}

enum status image_write_jpeg(const char *path, const struct image *image, int quality, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    enum status status = image_encode_jpeg(image, quality, &bytes, &count, err);
    if (status != ST_OK)
        return error_prefix(err, "%s", path);
    status = file_write(path, bytes, count, err);
    free(bytes);
    return status;
}
