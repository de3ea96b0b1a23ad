#include "config.h"

#include <curses.h>
#include <stdlib.h>

#include "ui/symbols.h"

static int square(int v)
{
    return v * v;
}

static int cube_level(int v)
{
    return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

int symbols_colour(int r, int g, int b)
{
    static const int levels[6] = {0, 95, 135, 175, 215, 255};
    int cr = cube_level(r), cg = cube_level(g), cb = cube_level(b);
    int gray = (r + g + b) / 3, step = gray < 8 ? 0 : (gray - 3) / 10;
    step = step > 23 ? 23 : step;
    int gray_value = 8 + 10 * step;
    int to_cube = square(r - levels[cr]) + square(g - levels[cg]) + square(b - levels[cb]);
    int to_gray = square(r - gray_value) + square(g - gray_value) + square(b - gray_value);
    return to_gray < to_cube ? 232 + step : 16 + 36 * cr + 6 * cg + cb;
}

static int pixel_colour(const struct image *frame, int y, int x)
{
    const uint8_t *p = frame->pixels +
                       ((size_t)y * (size_t)frame->width + (size_t)x) * (size_t)frame->channels;
    return frame->channels == 1 ? symbols_colour(p[0], p[0], p[0]) : symbols_colour(p[0], p[1], p[2]);
}

static int luma(const struct image *frame, int y, int x)
{
    const uint8_t *p = frame->pixels +
                       ((size_t)y * (size_t)frame->width + (size_t)x) * (size_t)frame->channels;
    return frame->channels == 1 ? p[0] : (p[0] * 299 + p[1] * 587 + p[2] * 114) / 1000;
}

void symbols_draw(WINDOW *window, int y, int x, const struct image *frame, enum symbols how)
{
    static const char ramp[] = " .:-=+*#%@";
    static const wchar_t upper[] = L"\u2580", space[] = L" ";
    for (int row = 0; row < frame->height / 2; row++) {
        wmove(window, y + row, x);
        for (int col = 0; col < frame->width; col++) {
            if (how == SYMBOLS_ASCII) {
                int v = (luma(frame, row * 2, col) + luma(frame, row * 2 + 1, col)) / 2;
                waddch(window, (chtype)ramp[v * 10 / 256]);
                continue;
            }
            int top = pixel_colour(frame, row * 2, col), low = pixel_colour(frame, row * 2 + 1, col);
            int pair = alloc_pair(top, low);
            cchar_t cell;
            setcchar(&cell, top == low ? space : upper, A_NORMAL, 0, &pair);
            wadd_wch(window, &cell);
        }
    }
}
