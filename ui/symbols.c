#include "config.h"

#include <curses.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "ui/symbols.h"

enum { FINE_WIDTH = 4, FINE_HEIGHT = 8, FINE = FINE_WIDTH * FINE_HEIGHT }; // pixels of a cell

enum { FIRST = 16, COLOURS = 240 }; // of the 256; those before are the user's

struct tone { // Oklab (Ottosson 2020): distances as the eye sees them, hue included
    float l, a, b;
};

enum { KNOWN = 4096 }; // a power of two

struct palette {
    float linear[256]; // sRGB part to light
    struct tone tones[COLOURS];
    struct {
        int rgb; // -1 none
        short colour;
    } known[KNOWN]; // found before
};

static struct tone tone(const struct palette *palette, int red, int green, int blue)
{
    float r = palette->linear[red], g = palette->linear[green], b = palette->linear[blue];
    float l = cbrtf(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
    float m = cbrtf(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
    float s = cbrtf(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
    return (struct tone){0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
                         1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
                         0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

static void palette_set(struct palette *palette)
{
    static const int levels[6] = {0, 95, 135, 175, 215, 255};
    for (int i = 0; i < 256; i++) {
        float part = (float)i / 255;
        palette->linear[i] = part <= 0.04045f ? part / 12.92f : powf((part + 0.055f) / 1.055f, 2.4f);
    }
    for (int i = 0; i < COLOURS; i++) {
        int gray = 8 + 10 * (i - 216);
        palette->tones[i] = i < 216 ? tone(palette, levels[i / 36], levels[i / 6 % 6], levels[i % 6])
                                    : tone(palette, gray, gray, gray);
    }
    for (int i = 0; i < KNOWN; i++)
        palette->known[i].rgb = -1;
}

static short search(const struct palette *palette, int r, int g, int b)
{
    struct tone want = tone(palette, r, g, b);
    int best = 0;
    float least = HUGE_VALF;
    for (int i = 0; i < COLOURS; i++) {
        const struct tone *t = &palette->tones[i];
        float dl = t->l - want.l, da = t->a - want.a, db = t->b - want.b;
        float far = dl * dl + 6 * (da * da + db * db); // another hue disturbs more than another brightness
        best = far < least ? i : best;
        least = far < least ? far : least;
    }
    return (short)(FIRST + best);
}

static short nearest(struct palette *palette, int r, int g, int b)
{
    int rgb = r << 16 | g << 8 | b;
    unsigned at = ((unsigned)rgb * 2654435761u) >> 20 & (KNOWN - 1); // (Knuth 1973, 6.4)
    if (palette->known[at].rgb != rgb) {
        palette->known[at].rgb = rgb;
        palette->known[at].colour = search(palette, r, g, b);
    }
    return palette->known[at].colour;
}

static struct palette *palette_new(void)
{
    struct palette *palette = xcalloc(1, sizeof *palette);
    palette_set(palette);
    return palette;
}

int symbols_colour(int r, int g, int b)
{
    struct palette *palette = palette_new();
    int colour = nearest(palette, r, g, b);
    free(palette);
    return colour;
}

static const uint8_t *pixel(const struct image *frame, int y, int x)
{
    return frame->pixels + ((size_t)y * (size_t)frame->width + (size_t)x) * (size_t)frame->channels;
}

static short pixel_colour(struct palette *palette, const struct image *frame, int y, int x)
{
    const uint8_t *p = pixel(frame, y, x);
    return frame->channels == 1 ? nearest(palette, p[0], p[0], p[0]) : nearest(palette, p[0], p[1], p[2]);
}

static int luma(const struct image *frame, int y, int x)
{
    const uint8_t *p = pixel(frame, y, x);
    return frame->channels == 1 ? p[0] : (p[0] * 299 + p[1] * 587 + p[2] * 114) / 1000;
}

void symbols_size(enum symbols how, int rows, int cols, int *width, int *height)
{
    bool fine = how == SYMBOLS_FINE;
    *width = cols * (fine ? FINE_WIDTH : 1);
    *height = rows * (fine ? FINE_HEIGHT : 2);
}

// --- fine: the two parts of a cell whose means say most of it -----------------

// What nearly every font has: no sextants, no braille, nothing of uncertain width. The front is the part of the cell with
// a bit set, bit (row * 4 + column).
static const struct {
    wchar_t c;
    uint32_t front;
} parts[] = {
    {L'\u2581', 0xf0000000}, {L'\u2582', 0xff000000}, {L'\u2583', 0xfff00000}, {L'\u2584', 0xffff0000}, {L'\u2585', 0xfffff000},
    {L'\u2586', 0xffffff00}, {L'\u2587', 0xfffffff0}, // lower eighths
    {L'\u258e', 0x11111111}, {L'\u258c', 0x33333333}, {L'\u258a', 0x77777777}, // left quarters
    {L'\u2598', 0x00003333}, {L'\u259d', 0x0000cccc}, {L'\u2596', 0x33330000}, {L'\u2597', 0xcccc0000}, // one quarter of it
    {L'\u259a', 0xcccc3333}, // two
};
enum { PARTS = sizeof parts / sizeof *parts };

struct sums { // of a cell's pixels, by row and half row: every part above is made of these
    int all[3], rows[FINE_HEIGHT][3], columns[FINE_WIDTH][3], quarters[2][2][3];
};

static void add_up(const struct image *frame, int y, int x, struct sums *s)
{
    *s = (struct sums){0};
    for (int v = 0; v < FINE_HEIGHT; v++) {
        const uint8_t *p = pixel(frame, y * FINE_HEIGHT + v, x * FINE_WIDTH);
        for (int u = 0; u < FINE_WIDTH; u++) {
            for (int c = 0; c < frame->channels; c++, p++) {
                s->rows[v][c] += *p;
                s->columns[u][c] += *p;
                s->quarters[v / 4][u / 2][c] += *p;
            }
        }
    }
    for (int u = 0; u < FINE_WIDTH; u++)
        for (int c = 0; c < frame->channels; c++)
            s->all[c] += s->columns[u][c];
}

// The sum of part `i`.
static void part_sum(const struct sums *s, int i, int channels, int sum[3])
{
    for (int c = 0; c < channels; c++) {
        sum[c] = 0;
        if (i < 7)
            for (int v = FINE_HEIGHT - 1 - i; v < FINE_HEIGHT; v++)
                sum[c] += s->rows[v][c];
        else if (i < 10)
            for (int u = 0; u <= i - 7; u++)
                sum[c] += s->columns[u][c];
        else if (i < 14)
            sum[c] = s->quarters[(i - 10) / 2][(i - 10) % 2][c];
        else
            sum[c] = s->quarters[0][0][c] + s->quarters[1][1][c];
    }
}

// Means of the two parts leave the least squared error where n1 n2 (m1 - m2)^2 is largest (Otsu 1979), that is
// (n sum1 - n1 sum)^2 / (n1 n2).
static struct symbol fine_cell(struct palette *palette, const struct sums *s, int channels)
{
    int best = -1, front[3] = {0}, back[3] = {0};
    double most = 0;
    for (int i = 0; i < PARTS; i++) {
        int sum[3], n = __builtin_popcount(parts[i].front);
        int64_t between = 0;
        part_sum(s, i, channels, sum);
        for (int c = 0; c < channels; c++) {
            int64_t apart = FINE * sum[c] - n * s->all[c];
            between += apart * apart;
        }
        double gain = (double)between / (n * (FINE - n));
        if (gain > most) {
            most = gain;
            best = i;
            for (int c = 0; c < channels; c++) {
                front[c] = (sum[c] + n / 2) / n;
                back[c] = (s->all[c] - sum[c] + (FINE - n) / 2) / (FINE - n);
            }
        }
    }
    for (int c = 0; c < channels && best < 0; c++)
        back[c] = s->all[c] / FINE;
    for (int c = channels; c < 3; c++) {
        front[c] = front[0];
        back[c] = back[0];
    }
    short under = nearest(palette, back[0], back[1], back[2]);
    short over = best < 0 ? under : nearest(palette, front[0], front[1], front[2]);
    return (struct symbol){over == under ? L' ' : parts[best].c, over, under};
}

static void make_fine(struct palette *palette, const struct image *frame, int rows, int cols, struct symbol *cells)
{
    struct sums sums;
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            add_up(frame, y, x, &sums);
            *cells++ = fine_cell(palette, &sums, frame->channels);
        }
    }
}

static void make_blocks(struct palette *palette, const struct image *frame, int rows, int cols, struct symbol *cells)
{
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            short top = pixel_colour(palette, frame, y * 2, x), low = pixel_colour(palette, frame, y * 2 + 1, x);
            *cells++ = (struct symbol){top == low ? L' ' : L'\u2580', top, low};
        }
    }
}

static void make_ascii(const struct image *frame, int rows, int cols, struct symbol *cells)
{
    static const char ramp[] = " .:-=+*#%@";
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            int v = (luma(frame, y * 2, x) + luma(frame, y * 2 + 1, x)) / 2;
            *cells++ = (struct symbol){(wchar_t)ramp[v * 10 / 256], -1, -1};
        }
    }
}

void symbols_make(const struct image *frame, enum symbols how, int rows, int cols, struct symbol *cells)
{
    struct palette *palette = how == SYMBOLS_ASCII ? NULL : palette_new();
    if (how == SYMBOLS_FINE)
        make_fine(palette, frame, rows, cols, cells);
    else if (how == SYMBOLS_BLOCKS)
        make_blocks(palette, frame, rows, cols, cells);
    else
        make_ascii(frame, rows, cols, cells);
    free(palette);
}

void symbols_draw(WINDOW *window, int y, int x, const struct symbol *cells, int rows, int cols)
{
    for (int row = 0; row < rows; row++) {
        wmove(window, y + row, x);
        for (int col = 0; col < cols; col++, cells++) {
            int pair = cells->front < 0 && cells->back < 0 ? 0 : alloc_pair(cells->front, cells->back);
            wchar_t text[2] = {cells->c, 0};
            cchar_t cell;
            setcchar(&cell, text, A_NORMAL, 0, &pair);
            wadd_wch(window, &cell);
        }
    }
}
