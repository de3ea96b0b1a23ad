#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "image/resize.h"
#include "screen/extract_view.h"
#include "screen/pixels.h"

static void cover(const struct image *ignore, const struct picture *from, float *rgb)
{
    size_t cells = (size_t)from->rows * (size_t)from->cols, seen = 0;
    double sum[3] = {0};
    bool *covered = xcalloc(cells, sizeof *covered);
    for (int y = 0; y < from->rows; y++)
        for (int x = 0; x < from->cols; x++) {
            double across = (from->x + (x + 0.5) / from->cols * from->w) / from->image.width;
            double down = (from->y + (y + 0.5) / from->rows * from->h) / from->image.height;
            int u = (int)fmin(across * ignore->width, ignore->width - 1);
            int v = (int)fmin(down * ignore->height, ignore->height - 1);
            size_t at = (size_t)y * (size_t)from->cols + (size_t)x;
            covered[at] = ignore->pixels[((size_t)v * (size_t)ignore->width + (size_t)u) * (size_t)ignore->channels] != 0;
            for (size_t c = 0; c < 3 && !covered[at]; c++)
                sum[c] += (double)rgb[3 * at + c];
            seen += !covered[at];
        }
    for (size_t at = 0; at < cells; at++)
        for (size_t c = 0; c < 3 && covered[at]; c++)
            rgb[3 * at + c] = seen ? (float)(sum[c] / (double)seen) : 0;
    free(covered);
}

static float *load_mask(const struct extract_config *config, const char *path, int rows, int cols)
{
    struct picture picture;
    struct error unread; // the answer stands without it
    if (picture_open(config, path, &picture, &unread) != ST_OK)
        return NULL;
    size_t cells = (size_t)rows * (size_t)cols;
    float *three = xmalloc(3 * cells * sizeof *three), *mask = xmalloc(cells * sizeof *mask), most = 0;
    image_resize_rgb(&picture.image, picture.x, picture.y, picture.w, picture.h, cols, rows, three);
    for (size_t i = 0; i < cells; i++) {
        mask[i] = fmaxf(three[3 * i], fmaxf(three[3 * i + 1], three[3 * i + 2])) / 255;
        most = fmaxf(most, mask[i]);
    }
    free(three);
    image_clear(&picture.image);
    if (most <= 0) {
        free(mask);
        return NULL;
    }
    return mask;
}

enum status pixels_load(const struct extract_config *config, const char *path, const char *mask_path, int *rows, int *cols,
                        float **rgb, float **mask, struct error *err)
{
    struct picture picture;
    enum status status = picture_open(config, path, &picture, err);
    if (status != ST_OK)
        return status;
    *rows = picture.rows;
    *cols = picture.cols;
    *rgb = xmalloc(3 * (size_t)*rows * (size_t)*cols * sizeof **rgb);
    image_resize_rgb(&picture.image, picture.x, picture.y, picture.w, picture.h, *cols, *rows, *rgb);
    if (config->ignore)
        cover(config->ignore, &picture, *rgb);
    *mask = mask_path && mask_path[0] ? load_mask(config, mask_path, *rows, *cols) : NULL;
    image_clear(&picture.image);
    return ST_OK;
}
