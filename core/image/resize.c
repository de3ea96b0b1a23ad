#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/resize.h"

#ifdef HAVE_TARGET_CLONES
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

// What one output position takes from a line of the input.
struct taps {
    int *first;    // (outputs) first input position
    int *count;    // (outputs) how many
    float *weight; // (outputs, most), summing to 1
    int most;
};

// Triangle of half-width max(1, in / out) around the centre (i + 0.5) * in / out,
// sampled at the half-pixel centres of the input, cut at the border and normalised.
static struct taps taps_new(int in, int out)
{
    double scale = (double)in / out, support = scale > 1 ? scale : 1;
    struct taps t = {.most = (int)ceil(support) * 2 + 1};
    t.first = xcalloc((size_t)out, sizeof *t.first);
    t.count = xcalloc((size_t)out, sizeof *t.count);
    t.weight = xcalloc((size_t)out * (size_t)t.most, sizeof *t.weight);
    for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int low = (int)floor(centre - support + 0.5), high = (int)floor(centre + support + 0.5);
        low = low < 0 ? 0 : low;
        high = high > in ? in : high;
        float *weight = t.weight + (size_t)i * (size_t)t.most;
        for (int pass = 0; pass < 2; pass++) { // the sum first, then the weights over it
            for (int k = low; k < high; k++) {
                double w = 1 - fabs((k + 0.5 - centre) / support);
                w = w > 0 ? w : 0;
                if (pass == 0)
                    sum += w;
                else
                    weight[k - low] = (float)(w / sum);
            }
        }
        while (high - low > 1 && weight[high - low - 1] == 0)
            high--;
        t.first[i] = low;
        t.count[i] = high - low;
    }
    return t;
}

static void taps_clear(struct taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
}

// Weighted sum of `rows` lines of n bytes, `stride` apart, into sum[n]. Four
// lines a turn, so that `sum` is seldom loaded and stored.
CLONES static void add_rows(const uint8_t *from, size_t stride, const float *weight, int rows, size_t n,
                            float *restrict sum)
{
    memset(sum, 0, n * sizeof *sum);
    int k = 0;
    for (; k + 4 <= rows; k += 4) {
        const uint8_t *a = from + (size_t)k * stride, *b = a + stride, *c = b + stride, *d = c + stride;
        float wa = weight[k], wb = weight[k + 1], wc = weight[k + 2], wd = weight[k + 3];
        for (size_t i = 0; i < n; i++)
            sum[i] += (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
    }
    for (; k < rows; k++) {
        const uint8_t *a = from + (size_t)k * stride;
        for (size_t i = 0; i < n; i++)
            sum[i] += weight[k] * a[i];
    }
}

static void across_gray(const float *line, const struct taps *t, int width, float *to)
{
    for (int x = 0; x < width; x++) {
        const float *p = line + t->first[x], *weight = t->weight + (size_t)x * (size_t)t->most;
        float sum = 0;
        for (int k = 0; k < t->count[x]; k++)
            sum += weight[k] * p[k];
        to[x] = sum;
    }
}

static void across_rgb(const float *line, const struct taps *t, int width, float *to)
{
    for (int x = 0; x < width; x++, to += 3) {
        const float *p = line + (size_t)t->first[x] * 3, *weight = t->weight + (size_t)x * (size_t)t->most;
        float r = 0, g = 0, b = 0;
        for (int k = 0; k < t->count[x]; k++, p += 3) {
            r += weight[k] * p[0];
            g += weight[k] * p[1];
            b += weight[k] * p[2];
        }
        to[0] = r;
        to[1] = g;
        to[2] = b;
    }
}

// Resamples one output line at a time: down the columns first, which is the
// bulk of the work and runs along memory, then across the one line that is left.
struct resampler {
    struct taps down, across;
    const uint8_t *from; // first pixel of the rectangle
    size_t stride;       // bytes from line to line
    size_t n;            // samples in a line of the rectangle
    int channels, width;
    float *line; // (n)
};

static struct resampler resampler_new(const struct image *from, int x, int y, int w, int h, int width,
                                      int height)
{
    struct resampler r = {.down = taps_new(h, height), .across = taps_new(w, width)};
    r.channels = from->channels;
    r.width = width;
    r.stride = (size_t)from->width * (size_t)from->channels;
    r.from = from->pixels + (size_t)y * r.stride + (size_t)x * (size_t)from->channels;
    r.n = (size_t)w * (size_t)from->channels;
    r.line = xaligned(r.n, sizeof *r.line);
    return r;
}

// Output line y into to[width * channels].
static void resampler_line(const struct resampler *r, int y, float *to)
{
    add_rows(r->from + (size_t)r->down.first[y] * r->stride, r->stride,
             r->down.weight + (size_t)y * (size_t)r->down.most, r->down.count[y], r->n, r->line);
    if (r->channels == 1)
        across_gray(r->line, &r->across, r->width, to);
    else
        across_rgb(r->line, &r->across, r->width, to);
}

static void resampler_clear(struct resampler *r)
{
    taps_clear(&r->down);
    taps_clear(&r->across);
    free(r->line);
}

void image_resize(const struct image *from, int width, int height, struct image *to)
{
    struct resampler r = resampler_new(from, 0, 0, from->width, from->height, width, height);
    image_init(to, width, height, from->channels);
    size_t n = (size_t)width * (size_t)from->channels;
    float *line = xaligned(n, sizeof *line);
    for (int y = 0; y < height; y++) {
        resampler_line(&r, y, line);
        uint8_t *row = to->pixels + (size_t)y * n;
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(line[i] + 0.5f); // a weighted mean of bytes: 0 .. 255.0001
    }
    free(line);
    resampler_clear(&r);
}

void image_resize_rgb(const struct image *from, int x, int y, int w, int h, int width, int height, float *to)
{
    struct resampler r = resampler_new(from, x, y, w, h, width, height);
    for (int line = 0; line < height; line++) {
        float *row = to + (size_t)line * (size_t)width * 3;
        resampler_line(&r, line, row);
        for (int i = width - 1; from->channels == 1 && i >= 0; i--) // backwards: spreads in place
            row[i * 3] = row[i * 3 + 1] = row[i * 3 + 2] = row[i];
    }
    resampler_clear(&r);
}

void image_crop(const struct image *from, int x, int y, int w, int h, struct image *to)
{
    image_init(to, w, h, from->channels);
    size_t channels = (size_t)from->channels, n = (size_t)w * channels;
    for (int line = 0; line < h; line++)
        memcpy(to->pixels + (size_t)line * n,
               from->pixels + ((size_t)(y + line) * (size_t)from->width + (size_t)x) * channels, n);
}

void image_to_gray(const struct image *from, struct image *to)
{
    image_init(to, from->width, from->height, 1);
    size_t n = (size_t)from->width * (size_t)from->height;
    if (from->channels == 1) {
        memcpy(to->pixels, from->pixels, n);
        return;
    }
    const uint8_t *p = from->pixels;
    for (size_t i = 0; i < n; i++, p += 3) // 0.299, 0.587, 0.114 in 1/65536
        to->pixels[i] = (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 32768u) >> 16);
}
