#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/align.h"
#include "image/resize.h"

enum { COARSEST = 80, FINEST = 640, LEVELS = 4, BLUR = 4, FINE_REACH = 2 };

static const double gain_least = 0.05, alike_least = 0.3, shape_most = 0.01;

struct plane { // what is compared: gray less its surroundings
    int width, height;
    float *values; // (height, width)
};

struct offset {
    int x, y;
};

static void gray_of(const struct image *from, int width, int height, float *gray)
{
    struct image fitted = {0};
    image_resize(from, width, height, &fitted);
    size_t count = (size_t)width * (size_t)height, step = (size_t)fitted.channels;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = fitted.pixels + i * step;
        gray[i] = step == 1 ? p[0] : (p[0] + p[1] + p[2]) / 3.0F;
    }
    image_clear(&fitted);
}

// Means over squares of 2 * BLUR + 1 are taken away: a sum over the lines, then over the columns of that.
static void sharpen(float *values, int width, int height)
{
    size_t w = (size_t)width + 1;
    double *sums = xcalloc(w * ((size_t)height + 1), sizeof *sums); // (height + 1, width + 1) of all above and left
    float *out = xcalloc((size_t)width * (size_t)height, sizeof *out);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            size_t at = ((size_t)y + 1) * w + (size_t)x + 1;
            sums[at] = values[(size_t)y * (size_t)width + (size_t)x] + sums[at - 1] + sums[at - w] - sums[at - w - 1];
        }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int x0 = x < BLUR ? 0 : x - BLUR, y0 = y < BLUR ? 0 : y - BLUR;
            int x1 = x + BLUR + 1 > width ? width : x + BLUR + 1, y1 = y + BLUR + 1 > height ? height : y + BLUR + 1;
            double sum = sums[(size_t)y1 * w + (size_t)x1] - sums[(size_t)y0 * w + (size_t)x1] -
                         sums[(size_t)y1 * w + (size_t)x0] + sums[(size_t)y0 * w + (size_t)x0];
            size_t at = (size_t)y * (size_t)width + (size_t)x;
            out[at] = values[at] - (float)(sum / ((x1 - x0) * (y1 - y0)));
        }
    memcpy(values, out, (size_t)width * (size_t)height * sizeof *values);
    free(out);
    free(sums);
}

static struct plane plane_new(const struct image *from, int width, int height)
{
    struct plane p = {width, height, xcalloc((size_t)width * (size_t)height, sizeof(float))};
    gray_of(from, width, height, p.values);
    sharpen(p.values, width, height);
    return p;
}

// Of where b, moved by `by`, overlaps a.
static double correlation(const struct plane *a, const struct plane *b, struct offset by)
{
    int x0 = by.x > 0 ? by.x : 0, x1 = by.x > 0 ? a->width : a->width + by.x;
    int y0 = by.y > 0 ? by.y : 0, y1 = by.y > 0 ? a->height : a->height + by.y;
    double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0, n = (double)(x1 - x0) * (y1 - y0);
    if (x1 <= x0 || y1 <= y0)
        return -1;
    for (int y = y0; y < y1; y++) {
        const float *p = a->values + (size_t)y * (size_t)a->width;
        const float *q = b->values + (size_t)(y - by.y) * (size_t)a->width - by.x;
        float la = 0, lb = 0, laa = 0, lbb = 0, lab = 0; // of a line: short enough for single precision
        for (int x = x0; x < x1; x++) {
            la += p[x];
            lb += q[x];
            laa += p[x] * p[x];
            lbb += q[x] * q[x];
            lab += p[x] * q[x];
        }
        sum_a += la;
        sum_b += lb;
        aa += laa;
        bb += lbb;
        ab += lab;
    }
    double va = aa - sum_a * sum_a / n, vb = bb - sum_b * sum_b / n;
    return va > n * 0.01 && vb > n * 0.01 ? (ab - sum_a * sum_b / n) / sqrt(va * vb) : 0; // flat: nothing to see
}

// The best within `reach` of `around`, at most `limit` from none; of equal ones the shorter.
static struct offset best_near(const struct plane *a, const struct plane *b, struct offset around, int reach, int limit)
{
    struct offset best = {0, 0};
    double most = -2;
    for (int y = around.y - reach; y <= around.y + reach; y++)
        for (int x = around.x - reach; x <= around.x + reach; x++) {
            if (abs(x) > limit || abs(y) > limit)
                continue;
            double value = correlation(a, b, (struct offset){x, y}) - 1e-4 * (abs(x) + abs(y)) / (limit + 1);
            if (value > most) {
                most = value;
                best = (struct offset){x, y};
            }
        }
    return best;
}

static int scaled(int value, double factor)
{
    int n = (int)lround(value * factor);
    return n < 1 ? 1 : n;
}

void align_find(const struct image *still, const struct image *moved, double limit, struct align *found)
{
    *found = (struct align){0};
    double w = moved->width, h = moved->height, longer = fmax(w, h);
    double shape = still->width * h / (still->height * w);
    if (fabs(shape - 1) > shape_most || longer < COARSEST / 2 || limit <= 0)
        return;
    struct offset at = {0, 0};
    double side = 0, finest = fmin(fmin(longer, fmax(still->width, still->height)), FINEST);
    bool far = false;
    for (int level = 0, size = COARSEST; level < LEVELS && side < finest; level++, size *= 2) {
        double before = side;
        side = fmin(size, finest);
        int width = scaled(moved->width, side / longer), height = scaled(moved->height, side / longer);
        struct plane a = plane_new(still, width, height), b = plane_new(moved, width, height);
        int most = (int)(limit * side + 0.5);
        if (before > 0)
            at = (struct offset){(int)lround(at.x * side / before), (int)lround(at.y * side / before)};
        at = best_near(&a, &b, at, before > 0 ? FINE_REACH : most, most);
        far = level == 0 ? abs(at.x) >= most || abs(at.y) >= most : far;
        found->before = correlation(&a, &b, (struct offset){0, 0});
        found->after = correlation(&a, &b, at);
        free(a.values);
        free(b.values);
    }
    if (far || found->after < found->before + gain_least || found->after < alike_least) {
        found->after = found->before;
        return;
    }
    found->x = (int)lround(at.x * longer / side);
    found->y = (int)lround(at.y * longer / side);
}

void align_shift(struct image *picture, int x, int y, uint8_t gray)
{
    struct image out = {0};
    size_t channels = (size_t)picture->channels, line = (size_t)picture->width * channels;
    if (x == 0 && y == 0)
        return;
    image_init(&out, picture->width, picture->height, picture->channels);
    memset(out.pixels, gray, line * (size_t)picture->height);
    int from = x > 0 ? 0 : -x, to = x > 0 ? x : 0, count = picture->width - abs(x);
    for (int row = 0; row < picture->height && count > 0; row++)
        if (row - y >= 0 && row - y < picture->height)
            memcpy(out.pixels + (size_t)row * line + (size_t)to * channels,
                   picture->pixels + (size_t)(row - y) * line + (size_t)from * channels, (size_t)count * channels);
    image_clear(picture);
    *picture = out;
}
