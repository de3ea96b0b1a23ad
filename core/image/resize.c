#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/resize.h"

// Weights of one axis: output i is the sum over t < taps[i].count of
// weights[i * width + t] * input[first + t].
struct axis {
    int *first, *count;
    float *weights;
    int width;
};

static struct axis axis_new(int from, int to)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1;
    struct axis a = {.width = (int)ceil(support) * 2 + 1};
    a.first = xcalloc((size_t)to, sizeof *a.first);
    a.count = xcalloc((size_t)to, sizeof *a.count);
    a.weights = xcalloc((size_t)to * (size_t)a.width, sizeof *a.weights);
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
        low = low < 0 ? 0 : low;
        high = high > from ? from : high;
        float *w = a.weights + (size_t)i * (size_t)a.width;
        for (int x = low; x < high; x++) {
            double v = 1 - fabs((x + 0.5 - centre) / support);
            w[x - low] = v > 0 ? (float)v : 0;
            sum += w[x - low];
        }
        for (int x = low; x < high; x++)
            w[x - low] = (float)(w[x - low] / sum);
        a.first[i] = low;
        a.count[i] = high - low;
    }
    return a;
}

static void axis_clear(struct axis *a)
{
    free(a->first);
    free(a->count);
    free(a->weights);
}

// Horizontal pass of one input row (w, c) -> (width, c).
static void row_pass(const uint8_t *in, int channels, const struct axis *ax, int width, float *out)
{
    for (int i = 0; i < width; i++) {
        const float *w = ax->weights + (size_t)i * (size_t)ax->width;
        const uint8_t *p = in + (size_t)ax->first[i] * (size_t)channels;
        if (channels == 1) {
            float sum = 0;
            for (int t = 0; t < ax->count[i]; t++)
                sum += w[t] * p[t];
            out[i] = sum;
        } else {
            float r = 0, g = 0, b = 0;
            for (int t = 0; t < ax->count[i]; t++) {
                r += w[t] * p[3 * t];
                g += w[t] * p[3 * t + 1];
                b += w[t] * p[3 * t + 2];
            }
            out[3 * i] = r;
            out[3 * i + 1] = g;
            out[3 * i + 2] = b;
        }
    }
}

// (h, w, c) -> float (height, width, c). Rows are filtered once, each into its
// slot of a ring as tall as the vertical filter.
static void resample(const struct image *from, int x, int y, int w, int h, int width, int height, float *to)
{
    int c = from->channels;
    struct axis ax = axis_new(w, width), ay = axis_new(h, height);
    size_t line = (size_t)width * (size_t)c;
    float *ring = xmalloc((size_t)ay.width * line * sizeof *ring);
    int done = 0;
    for (int i = 0; i < height; i++) {
        for (; done < ay.first[i] + ay.count[i]; done++)
            row_pass(from->pixels + ((size_t)(y + done) * (size_t)from->width + (size_t)x) * (size_t)c, c,
                     &ax, width, ring + (size_t)(done % ay.width) * line);
        float *out = to + (size_t)i * line;
        memset(out, 0, line * sizeof *out);
        for (int t = 0; t < ay.count[i]; t++) {
            const float *in = ring + (size_t)((ay.first[i] + t) % ay.width) * line;
            float weight = ay.weights[(size_t)i * (size_t)ay.width + (size_t)t];
            for (size_t k = 0; k < line; k++)
                out[k] += weight * in[k];
        }
    }
    free(ring);
    axis_clear(&ax);
    axis_clear(&ay);
}

void image_resize_rgb(const struct image *from, int x, int y, int w, int h, int width, int height, float *to)
{
    if (from->channels == 3) {
        resample(from, x, y, w, h, width, height, to);
        return;
    }
    // gray lands in the last third and is spread forwards, never over what is still to be read
    size_t count = (size_t)width * (size_t)height;
    float *gray = to + 2 * count;
    resample(from, x, y, w, h, width, height, gray);
    for (size_t i = 0; i < count; i++) {
        float v = gray[i];
        to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = v;
    }
}

void image_resize(const struct image *from, int width, int height, struct image *to)
{
    size_t count = (size_t)width * (size_t)height * (size_t)from->channels;
    float *values = xmalloc(count * sizeof *values);
    resample(from, 0, 0, from->width, from->height, width, height, values);
    image_init(to, width, height, from->channels);
    for (size_t i = 0; i < count; i++) {
        float v = values[i] + 0.5f;
        to->pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    free(values);
}

void image_crop(const struct image *from, int x, int y, int w, int h, struct image *to)
{
    image_init(to, w, h, from->channels);
    size_t c = (size_t)from->channels, line = (size_t)w * c;
    for (int i = 0; i < h; i++)
        memcpy(to->pixels + (size_t)i * line,
               from->pixels + ((size_t)(y + i) * (size_t)from->width + (size_t)x) * c, line);
}

void image_to_gray(const struct image *from, struct image *to)
{
    image_init(to, from->width, from->height, 1);
    size_t count = (size_t)from->width * (size_t)from->height;
    if (from->channels == 1) {
        memcpy(to->pixels, from->pixels, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = from->pixels + 3 * i;
        to->pixels[i] = (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 32768u) >> 16);
    }
}
