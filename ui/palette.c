#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/palette.h"

enum { BIN_BITS = 5, KEY_BITS = 6, COLOURS_MAX = 256 };

struct bin { // pixels that agree in the upper BIN_BITS of each part
    uint32_t count;
    uint64_t sum[3];
};

struct box { // bins from..to-1
    size_t from, to;
    uint64_t count, sum[3];
    double error; // squared, along `axis`, the one where it is largest
    int axis;
};

static bool gray(const uint8_t *p)
{
    return p[0] == p[1] && p[0] == p[2];
}

static int key(const uint8_t *p, int bits)
{
    int drop = 8 - bits;
    return (p[0] >> drop) << (2 * bits) | (p[1] >> drop) << bits | p[2] >> drop;
}

static double value(const struct bin *bin, int axis)
{
    return (double)bin->sum[axis] / bin->count;
}

// Only the bins in use, in order.
static size_t fill(const uint8_t *rgb, size_t count, bool skip_gray, struct bin *bins)
{
    for (size_t i = 0; i < count; i++, rgb += 3) {
        if (skip_gray && gray(rgb))
            continue;
        struct bin *bin = &bins[key(rgb, BIN_BITS)];
        bin->count++;
        for (int c = 0; c < 3; c++)
            bin->sum[c] += rgb[c];
    }
    size_t used = 0;
    for (size_t i = 0; i < (size_t)1 << (3 * BIN_BITS); i++)
        if (bins[i].count > 0)
            bins[used++] = bins[i];
    return used;
}

static void measure(const struct bin *bins, struct box *box)
{
    double squares[3] = {0};
    box->count = 0;
    memset(box->sum, 0, sizeof box->sum);
    for (size_t i = box->from; i < box->to; i++) {
        box->count += bins[i].count;
        for (int c = 0; c < 3; c++) {
            box->sum[c] += bins[i].sum[c];
            squares[c] += value(&bins[i], c) * (double)bins[i].sum[c];
        }
    }
    box->error = -1;
    for (int c = 0; c < 3; c++) {
        double mean = (double)box->sum[c] / (double)box->count;
        double error = squares[c] - mean * (double)box->sum[c];
        if (error > box->error) {
            box->error = error;
            box->axis = c;
        }
    }
    if (box->to - box->from < 2)
        box->error = 0;
}

// At the mean; false when all bins lie on one side of it.
static bool split(struct bin *bins, struct box *box, struct box *upper)
{
    double mean = (double)box->sum[box->axis] / (double)box->count;
    size_t low = box->from, high = box->to;
    while (low < high) {
        if (value(&bins[low], box->axis) <= mean) {
            low++;
        } else {
            struct bin keep = bins[--high];
            bins[high] = bins[low];
            bins[low] = keep;
        }
    }
    if (low == box->from || low == box->to)
        return false;
    *upper = (struct box){.from = low, .to = box->to};
    box->to = low;
    measure(bins, box);
    measure(bins, upper);
    return true;
}

static int choose(struct bin *bins, size_t used, int colours, uint8_t *palette)
{
    struct box boxes[COLOURS_MAX] = {{.from = 0, .to = used}};
    int n = used > 0;
    if (n)
        measure(bins, &boxes[0]);
    while (n > 0 && n < colours) {
        int worst = 0;
        for (int i = 1; i < n; i++)
            worst = boxes[i].error > boxes[worst].error ? i : worst;
        if (boxes[worst].error <= 0)
            break;
        if (split(bins, &boxes[worst], &boxes[n]))
            n++;
        else
            boxes[worst].error = 0;
    }
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            palette[i * 3 + c] = (uint8_t)((boxes[i].sum[c] + boxes[i].count / 2) / boxes[i].count);
    return n;
}

// The eye sees differences in green best.
static int nearest(const uint8_t *p, const uint8_t *palette, int n)
{
    int best = 0, least = INT32_MAX;
    for (int i = 0; i < n; i++) {
        int r = p[0] - palette[i * 3], g = p[1] - palette[i * 3 + 1], b = p[2] - palette[i * 3 + 2];
        int far = 2 * r * r + 4 * g * g + 3 * b * b;
        if (far < least) {
            least = far;
            best = i;
        }
    }
    return best;
}

int palette_choose(const uint8_t *rgb, size_t count, bool skip_gray, int colours, int first, uint8_t *index,
                   uint8_t *palette)
{
    struct bin *bins = xcalloc((size_t)1 << (3 * BIN_BITS), sizeof *bins);
    size_t used = fill(rgb, count, skip_gray, bins);
    int n = choose(bins, used, colours < COLOURS_MAX ? colours : COLOURS_MAX, palette);
    free(bins);
    int16_t *known = xmalloc(sizeof *known << (3 * KEY_BITS)); // of the first pixel with that key
    memset(known, 0xff, sizeof *known << (3 * KEY_BITS));
    for (size_t i = 0; i < count && n > 0; i++, rgb += 3) {
        if (skip_gray && gray(rgb))
            continue;
        int16_t *at = &known[key(rgb, KEY_BITS)];
        if (*at < 0)
            *at = (int16_t)nearest(rgb, palette, n);
        index[i] = (uint8_t)(first + *at);
    }
    free(known);
    return n;
}
