#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/flaw.h"
#include "screen/extract_copy.h"

// Gain and gamma within a factor of exp(0.35) = 1.4 either way: what a lamp or a shutter does to the same
// thing.
static const double light_range = 0.35;

struct copy_work {
    float *out, *square, *other, *mask;
    size_t out_capacity, square_capacity, other_capacity, mask_capacity;
};

struct copy_work *copy_work_new(void)
{
    return xcalloc(1, sizeof(struct copy_work));
}

void copy_work_free(struct copy_work *work)
{
    if (!work)
        return;
    free(work->out);
    free(work->square);
    free(work->other);
    free(work->mask);
    free(work);
}

static void mirror(const float *rgb, int rows, int cols, bool across, float *out)
{
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++)
            memcpy(out + ((size_t)y * (size_t)cols + (size_t)x) * 3,
                   rgb + ((size_t)(across ? y : rows - 1 - y) * (size_t)cols +
                          (size_t)(across ? cols - 1 - x : x)) *
                             3,
                   3 * sizeof *out);
}

static void relight(struct rng *rng, float *out, size_t count)
{
    double gain = exp(light_range * (2 * rng_uniform(rng) - 1)),
           gamma = exp(light_range * (2 * rng_uniform(rng) - 1));
    for (size_t i = 0; i < count; i++)
        out[i] = fminf(255, 255 * (float)gain * powf(out[i] / 255, (float)gamma));
}

// A defect in the largest square at a random place; foreign material is the same square upside down and
// mirrored.
static void add_flaw(struct copy_work *work, int kind, struct rng *rng, int rows, int cols)
{
    int side = rows < cols ? rows : cols;
    size_t row = (size_t)side * 3, left = rng_below(rng, (uint64_t)(cols - side) + 1) * 3,
           top = rng_below(rng, (uint64_t)(rows - side) + 1), line = (size_t)cols * 3,
           size = row * (size_t)side;
    GROW(work->square, work->square_capacity, size);
    GROW(work->other, work->other_capacity, size);
    GROW(work->mask, work->mask_capacity, size / 3);
    for (size_t y = 0; y < (size_t)side; y++)
        memcpy(work->square + y * row, work->out + (top + y) * line + left, row * sizeof(float));
    for (size_t i = 0; i < size; i += 3)
        memcpy(work->other + i, work->square + size - 3 - i, 3 * sizeof(float));
    flaw_add(kind, rng, side, work->other, work->square, work->mask);
    for (size_t y = 0; y < (size_t)side; y++)
        memcpy(work->out + (top + y) * line + left, work->square + y * row, row * sizeof(float));
}

const float *copy_draw(struct copy_work *work, int nth, struct rng *rng, const float *rgb, int rows, int cols)
{
    size_t count = (size_t)rows * (size_t)cols * 3;
    GROW(work->out, work->out_capacity, count);
    if (nth < COPIES_MIRRORED) {
        mirror(rgb, rows, cols, nth == 0, work->out);
        return work->out;
    }
    memcpy(work->out, rgb, count * sizeof *rgb);
    if (nth < COPIES_HARMLESS)
        relight(rng, work->out, count);
    else
        add_flaw(work, (nth - COPIES_HARMLESS) % FLAW_KINDS, rng, rows, cols);
    return work->out;
}
