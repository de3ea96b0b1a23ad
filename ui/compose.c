#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/resize.h"
#include "ui/compose.h"

static bool is_gray(const struct image *image)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    const uint8_t *p = image->pixels;
    if (image->channels == 1)
        return true;
    for (size_t i = 0; i < count; i++, p += 3)
        if (p[0] != p[1] || p[0] != p[2])
            return false;
    return true;
}

static struct placement placed(int picture_width, int picture_height, int width, int height)
{
    struct placement at = {.width = width, .height = height};
    int64_t w = picture_width, h = picture_height;
    if (w * height > h * width)
        at.height = (int)(h * width / w);
    else
        at.width = (int)(w * height / h);
    at.width = at.width < 1 ? 1 : at.width;
    at.height = at.height < 1 ? 1 : at.height;
    at.x = (width - at.width) / 2;
    at.y = (height - at.height) / 2;
    return at;
}

void compose_fit(const struct image *picture, int width, int height, struct image *frame,
                 struct placement *place)
{
    struct placement at = placed(picture->width, picture->height, width, height);
    struct image fitted = {0};
    image_resize(picture, at.width, at.height, &fitted);
    int channels = is_gray(&fitted) ? 1 : 3, step = fitted.channels;
    image_init(frame, width, height, channels);
    memset(frame->pixels, COMPOSE_MARGIN, (size_t)width * (size_t)height * (size_t)channels);
    for (int y = 0; y < at.height; y++) {
        const uint8_t *from = fitted.pixels + (size_t)y * (size_t)at.width * (size_t)step;
        uint8_t *to = frame->pixels + ((size_t)(at.y + y) * (size_t)width + (size_t)at.x) * (size_t)channels;
        if (channels == step)
            memcpy(to, from, (size_t)at.width * (size_t)channels);
        else
            for (int x = 0; x < at.width; x++)
                to[x] = from[(size_t)x * (size_t)step];
    }
    image_clear(&fitted);
    *place = at;
}

static void to_rgb(struct image *frame)
{
    if (frame->channels == 3)
        return;
    struct image rgb = {0};
    image_init(&rgb, frame->width, frame->height, 3);
    size_t count = (size_t)frame->width * (size_t)frame->height;
    for (size_t i = 0; i < count; i++)
        memset(rgb.pixels + i * 3, frame->pixels[i], 3);
    image_clear(frame);
    *frame = rgb;
}

// Value at (u, v) in cell units, between cell centres, clamped at the rim.
static float heat_at(const struct heat *heat, float u, float v)
{
    u = u - 0.5f < 0 ? 0 : u - 0.5f;
    v = v - 0.5f < 0 ? 0 : v - 0.5f;
    int x0 = (int)u < heat->cols - 1 ? (int)u : heat->cols - 1;
    int y0 = (int)v < heat->rows - 1 ? (int)v : heat->rows - 1;
    int x1 = x0 + 1 < heat->cols ? x0 + 1 : x0, y1 = y0 + 1 < heat->rows ? y0 + 1 : y0;
    float fx = u - (float)x0, fy = v - (float)y0;
    fx = fx > 1 ? 1 : fx;
    fy = fy > 1 ? 1 : fy;
    const uint8_t *top = heat->cells + y0 * heat->cols, *low = heat->cells + y1 * heat->cols;
    float a = (float)top[x0] + fx * ((float)top[x1] - (float)top[x0]);
    float b = (float)low[x0] + fx * ((float)low[x1] - (float)low[x0]);
    return a + fy * (b - a);
}

// Whether a pixel within `reach` (a square) lies on the other side of the line.
static bool meets(const uint8_t *values, int width, int height, int x, int y, int reach, bool inside)
{
    for (int dy = -reach; dy <= reach; dy++) {
        for (int dx = -reach; dx <= reach; dx++) {
            int nx = x + dx, ny = y + dy;
            bool out = nx < 0 || ny < 0 || nx >= width || ny >= height;
            bool hot = !out && values[(size_t)ny * (size_t)width + (size_t)nx] >= 128;
            if (hot != inside)
                return true;
        }
    }
    return false;
}

void compose_heat(struct image *frame, const struct placement *place, const struct heat *heat,
                  const double box[4], int line)
{
    if (heat->rows < 1 || heat->cols < 1)
        return;
    to_rgb(frame);
    size_t w = (size_t)place->width, h = (size_t)place->height;
    uint8_t *values = xcalloc(w * h, 1); // (place height, place width)
    double span_x = box[2] - box[0], span_y = box[3] - box[1];
    for (size_t y = 0; y < h && span_x > 0 && span_y > 0; y++) {
        double v = (((double)y + 0.5) / (double)h - box[1]) / span_y;
        for (size_t x = 0; x < w; x++) {
            double u = (((double)x + 0.5) / (double)w - box[0]) / span_x;
            if (u >= 0 && u < 1 && v >= 0 && v < 1)
                values[y * w + x] = (uint8_t)heat_at(heat, (float)(u * heat->cols), (float)(v * heat->rows));
        }
    }
    for (int y = 0; y < place->height; y++) {
        for (int x = 0; x < place->width; x++) {
            int value = values[(size_t)y * w + (size_t)x];
            uint8_t *p = frame->pixels +
                         ((size_t)(place->y + y) * (size_t)frame->width + (size_t)(place->x + x)) * 3;
            bool inside = value >= 128;
            int reach = inside ? line : line / 2;
            if (reach > 0 && meets(values, place->width, place->height, x, y, reach, inside)) {
                memset(p, inside ? 255 : 0, 3);
            } else if (value > 96) {
                // from yellow at the line to red at twice the normal quantile, at most 45 % of the pixel
                int alpha = (value - 96) * 115 / 159, green = value < 128 ? 210 : 210 - (value - 128) * 170 / 127;
                p[0] = (uint8_t)((p[0] * (255 - alpha) + 255 * alpha) / 255);
                p[1] = (uint8_t)((p[1] * (255 - alpha) + green * alpha) / 255);
                p[2] = (uint8_t)(p[2] * (255 - alpha) / 255);
            }
        }
    }
    free(values);
}
