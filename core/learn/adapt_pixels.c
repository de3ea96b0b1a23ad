#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/adapt_pixels.h"
#include "learn/flaw.h"
#include "learn/texture.h"

enum { CELL = 8, LEVELS = 256 };
static const float covered = 1 / 12.0f, touched = 0.01f; // shares of a cell

static void swap_pixels(float *a, float *b, int channels)
{
    for (int k = 0; k < channels; k++) {
        float t = a[k];
        a[k] = b[k];
        b[k] = t;
    }
}

static void mirror_plane(int rows, int cols, int channels, bool across, bool down, float *plane)
{
    size_t n = (size_t)channels, line = (size_t)cols * n;
    for (int y = 0; across && y < rows; y++)
        for (int x = 0; x < cols / 2; x++)
            swap_pixels(plane + (size_t)y * line + (size_t)x * n, plane + (size_t)y * line + (size_t)(cols - 1 - x) * n,
                        channels);
    for (int y = 0; down && y < rows / 2; y++)
        for (int x = 0; x < cols; x++)
            swap_pixels(plane + (size_t)y * line + (size_t)x * n,
                        plane + (size_t)(rows - 1 - y) * line + (size_t)x * n, channels);
}

void adapt_mirror(int rows, int cols, bool across, bool down, float *rgb, float *mask)
{
    mirror_plane(rows, cols, 3, across, down, rgb);
    if (mask)
        mirror_plane(rows, cols, 1, across, down, mask);
}

void adapt_light(struct rng *rng, double gain, double gamma, float *rgb, size_t pixels)
{
    double factor = exp(gain * rng_normal(rng)), exponent = exp(gamma * rng_normal(rng)), mean = 0;
    float table[LEVELS + 1];
    for (int i = 0; i <= LEVELS; i++)
        table[i] = (float)(255 * pow(fmin(i, 255) / 255.0, exponent));
    for (size_t i = 0; i < 3 * pixels; i++) {
        float x = fminf(fmaxf(rgb[i], 0), 255);
        int at = (int)x;
        rgb[i] = table[at] + (x - (float)at) * (table[at + 1] - table[at]);
        mean += (double)rgb[i];
    }
    mean /= 3.0 * (double)pixels;
    factor = mean > 0 ? fmin(fmax(factor, fmin(16 / mean, 1)), fmax(240 / mean, 1)) : 1;
    for (size_t i = 0; i < 3 * pixels; i++)
        rgb[i] = fminf((float)factor * rgb[i], 255);
}

static bool is_gray(const float *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        if (rgb[3 * i] != rgb[3 * i + 1] || rgb[3 * i] != rgb[3 * i + 2])
            return false;
    return true;
}

// Foreign material: another place of the picture, turned round, or a surface that has nothing to do with it.
static void draw_other(int kind, struct rng *rng, int rows, int cols, const float *rgb, int side, float *other)
{
    if (kind != FLAW_PASTE) {
        texture_make((int)rng_below(rng, TEXTURE_KINDS), rng, side, other);
        return;
    }
    int y0 = (int)rng_below(rng, (uint64_t)(rows - side) + 1), x0 = (int)rng_below(rng, (uint64_t)(cols - side) + 1);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            memcpy(other + 3 * ((size_t)x * (size_t)side + (size_t)y), // rows become columns
                   rgb + 3 * ((size_t)(y0 + y) * (size_t)cols + (size_t)(x0 + x)), 3 * sizeof *rgb);
}

int adapt_flaw(struct rng *rng, int rows, int cols, float *rgb, float *mask)
{
    int kind = (int)rng_below(rng, FLAW_KINDS), shorter = rows < cols ? rows : cols;
    double share = kind == FLAW_ZONE ? 1 : pow(0.6, rng_uniform(rng));
    int side = (int)(shorter * share);
    int y0 = (int)rng_below(rng, (uint64_t)(rows - side) + 1), x0 = (int)rng_below(rng, (uint64_t)(cols - side) + 1);
    size_t pixels = (size_t)side * (size_t)side;
    float *piece = xmalloc(7 * pixels * sizeof *piece), *other = piece + 3 * pixels, *cover = other + 3 * pixels;
    for (int y = 0; y < side; y++)
        memcpy(piece + 3 * (size_t)y * (size_t)side, rgb + 3 * ((size_t)(y0 + y) * (size_t)cols + (size_t)x0),
               3 * (size_t)side * sizeof *piece);
    if (flaw_needs_other(kind))
        draw_other(kind, rng, rows, cols, rgb, side, other);
    bool gray = is_gray(piece, pixels);
    flaw_add(kind, rng, side, other, piece, cover);
    memset(mask, 0, (size_t)rows * (size_t)cols * sizeof *mask);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            size_t i = (size_t)y * (size_t)side + (size_t)x;
            size_t at = (size_t)(y0 + y) * (size_t)cols + (size_t)(x0 + x);
            float *to = rgb + 3 * at;
            mask[at] = cover[i];
            if (cover[i] <= 0)
                continue;
            memcpy(to, piece + 3 * i, 3 * sizeof *to);
            if (gray) // a gray camera sees no colour of the flaw either
                to[0] = to[1] = to[2] = 0.299f * to[0] + 0.587f * to[1] + 0.114f * to[2];
        }
    free(piece);
    return kind;
}

static void by_mask(int rows, int cols, const float *mask, int8_t *target)
{
    int down = rows / CELL, across = cols / CELL;
    float *share = xcalloc((size_t)down * (size_t)across, sizeof *share), most = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++)
            share[y / CELL * across + x / CELL] += mask[(size_t)y * (size_t)cols + (size_t)x] / (CELL * CELL);
    for (int i = 0; i < down * across; i++)
        most = fmaxf(most, share[i]);
    float enough = fmaxf(fminf(covered, most), touched);
    for (int y = 0; y < down; y++)
        for (int x = 0; x < across; x++) {
            bool beside = false;
            for (int v = y > 0 ? y - 1 : y; v <= y + 1 && v < down; v++)
                for (int u = x > 0 ? x - 1 : x; u <= x + 1 && u < across; u++)
                    beside = beside || share[v * across + u] >= enough;
            float own = share[y * across + x];
            target[y * across + x] = own >= enough ? 1 : beside || own >= touched ? -1 : 0;
        }
    free(share);
}

void adapt_target(int rows, int cols, const float *mask, const double (*boxes)[4], int box_count, int8_t *target)
{
    int down = rows / CELL, across = cols / CELL;
    if (mask)
        by_mask(rows, cols, mask, target);
    else
        memset(target, 0, (size_t)down * (size_t)across);
    for (int i = 0; i < box_count; i++)
        for (int y = 0; y < down; y++)
            for (int x = 0; x < across; x++)
                if ((x + 1.0) / across > boxes[i][0] && (double)x / across < boxes[i][2] &&
                    (y + 1.0) / down > boxes[i][1] && (double)y / down < boxes[i][3])
                    target[y * across + x] = target[y * across + x] == 1 ? 1 : -1;
}
