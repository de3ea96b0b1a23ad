// What the made pictures show, as a function of place: known to the program
// that writes them and to the tests that read them back.
#ifndef TESTS_DATA_SCENE_H
#define TESTS_DATA_SCENE_H

#include <math.h>

// Brightness 0..1 of channel c (0..2) at (x, y) of w x h: smooth, so that JPEG
// keeps it, with a different colour in every corner and a dark spot off the middle.
static inline double scene_value(int x, int y, int c, int w, int h)
{
    double u = (x + 0.5) / w, v = (y + 0.5) / h;
    double ramp = c == 0 ? u : c == 1 ? v : 1 - (u + v) / 2;
    double du = u - 0.35, dv = v - 0.6, spot = exp(-(du * du + dv * dv) / 0.01);
    return (0.1 + 0.8 * ramp) * (1 - 0.7 * spot) + 0.05 * sin(9 * u + 5 * v + c);
}

static inline double scene_gray(int x, int y, int w, int h)
{
    double u = (x + 0.5) / w, v = (y + 0.5) / h;
    double du = u - 0.35, dv = v - 0.6, spot = exp(-(du * du + dv * dv) / 0.01);
    return (0.1 + 0.5 * u + 0.3 * v) * (1 - 0.7 * spot) + 0.05 * sin(9 * u + 5 * v);
}

// Alpha 0..1: opaque on the left, clear on the right.
static inline double scene_alpha(int x, int w)
{
    return 1 - (double)x / (w > 1 ? w - 1 : 1);
}

static inline unsigned scene_level(double value, unsigned most) // 0..most
{
    value = value < 0 ? 0 : value > 1 ? 1 : value;
    return (unsigned)(value * most + 0.5);
}

// Colour i of the made palettes; entry 0 is clear where the palette has a tRNS.
static inline unsigned scene_palette(unsigned i, int c)
{
    return (i * (c == 0 ? 37 : c == 1 ? 101 : 59) + 11 * (unsigned)c + 40) & 255;
}

static inline unsigned scene_index(int x, int y, int bits) // palette index at (x, y)
{
    return (unsigned)(x / 2 + y * 3) & ((1u << bits) - 1);
}

#endif
