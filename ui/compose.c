#include "config.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/resize.h"
#include "screen/blob.h"
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

static void lay(const struct image *picture, struct placement at, int width, int height, struct image *frame)
{
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
}

void compose_fit(const struct image *picture, int width, int height, struct image *frame,
                 struct placement *place)
{
    *place = placed(picture->width, picture->height, width, height);
    lay(picture, *place, width, height, frame);
}

static int within(double value, int low, int high)
{
    return value < low ? low : value > high ? high : (int)lround(value);
}

// Every part of a pixel through `table`, inside the placed picture.
static void map(struct image *frame, const struct placement *at, const uint8_t table[256])
{
    size_t channels = (size_t)frame->channels;
    for (int y = 0; y < at->height; y++) {
        uint8_t *p = frame->pixels + ((size_t)(at->y + y) * (size_t)frame->width + (size_t)at->x) * channels;
        for (size_t i = 0; i < (size_t)at->width * channels; i++)
            p[i] = table[p[i]];
    }
}

// From the 0.5 % darkest to the 0.5 % brightest parts over the whole range.
static void stretch(struct image *frame, const struct placement *at)
{
    uint64_t counts[256] = {0}, all = 0, below = 0;
    size_t channels = (size_t)frame->channels;
    uint8_t table[256];
    int low = -1, high = 255;
    for (int y = 0; y < at->height; y++) {
        const uint8_t *p = frame->pixels + ((size_t)(at->y + y) * (size_t)frame->width + (size_t)at->x) * channels;
        for (size_t i = 0; i < (size_t)at->width * channels; i++, all++)
            counts[p[i]]++;
    }
    for (int v = 0; v < 256; v++) {
        below += counts[v];
        if (low < 0 && below * 200 > all)
            low = v;
        if (below * 200 < all * 199)
            high = v + 1;
    }
    high = high > 255 ? 255 : high;
    if (high <= low)
        return;
    for (int v = 0; v < 256; v++)
        table[v] = (uint8_t)within((v - low) * 255.0 / (high - low), 0, 255);
    map(frame, at, table);
}

void compose_seen(int width, int height, int full_width, const struct look *look, int across, int down, struct seen *seen)
{
    *seen = (struct seen){.at = placed(width, height, across, down), .width = width, .height = height};
    if (look->scale <= 0)
        return;
    double scale = look->scale * (full_width > 0 ? full_width : width) / width;
    seen->width = within(across / scale, 1, width);
    seen->height = within(down / scale, 1, height);
    seen->x = within(look->x * width - seen->width / 2.0, 0, width - seen->width);
    seen->y = within(look->y * height - seen->height / 2.0, 0, height - seen->height);
    seen->at.width = within(seen->width * scale, 1, across);
    seen->at.height = within(seen->height * scale, 1, down);
    seen->at.x = (across - seen->at.width) / 2;
    seen->at.y = (down - seen->at.height) / 2;
}

void compose_look(const struct image *picture, int full_width, const struct look *look, int width, int height,
                  struct image *frame, struct placement *place, double box[4])
{
    if (look->scale > 0) {
        struct image part = {0};
        struct seen seen;
        compose_seen(picture->width, picture->height, full_width, look, width, height, &seen);
        *place = seen.at;
        image_crop(picture, seen.x, seen.y, seen.width, seen.height, &part);
        for (int i = 0; i < 4; i++)
            box[i] = i % 2 ? (box[i] * picture->height - seen.y) / seen.height : (box[i] * picture->width - seen.x) / seen.width;
        lay(&part, *place, width, height, frame);
        image_clear(&part);
    } else {
        compose_fit(picture, width, height, frame, place);
    }
    if (look->stretch)
        stretch(frame, place);
    if (look->invert) {
        uint8_t table[256];
        for (int v = 0; v < 256; v++)
            table[v] = (uint8_t)(255 - v);
        map(frame, place, table);
    }
}

void compose_rgb(struct image *frame)
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
                  const double box[4], int line, int strength)
{
    static const int most[COMPOSE_STRENGTHS + 1] = {0, 50, 115, 175}; // of 255, where the heat is greatest
    if (heat->rows < 1 || heat->cols < 1)
        return;
    compose_rgb(frame);
    size_t w = (size_t)place->width, h = (size_t)place->height;
    uint8_t *values = xcalloc(w * h, 1); // (place height, place width)
    double span_x = box[2] - box[0], span_y = box[3] - box[1];
    for (size_t y = 0; y < h && span_x > 0 && span_y > 0; y++) {
        double v = (((double)y + 0.5) / (double)h - box[1]) / span_y;
        for (size_t x = 0; x < w; x++) {
            double u = (((double)x + 0.5) / (double)w - box[0]) / span_x;
            if (u >= 0 && u < 1 && v >= 0 && v < 1)
                values[y * w + x] = (uint8_t)heat_value(heat, (float)(u * heat->cols), (float)(v * heat->rows));
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
                // from yellow at the line to red at twice the normal quantile
                int alpha = (value - 96) * most[strength] / 159, green = value < 128 ? 210 : 210 - (value - 128) * 170 / 127;
                p[0] = (uint8_t)((p[0] * (255 - alpha) + 255 * alpha) / 255);
                p[1] = (uint8_t)((p[1] * (255 - alpha) + green * alpha) / 255);
                p[2] = (uint8_t)(p[2] * (255 - alpha) / 255);
            }
        }
    }
    free(values);
}
