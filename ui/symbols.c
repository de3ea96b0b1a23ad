#include "config.h"

#include <curses.h>
#include <math.h>
#include <stdlib.h>
#ifdef HAVE_CHAFA
#include <chafa.h>
#include <pthread.h>
#endif

#include "base/alloc.h"
#include "ui/symbols.h"

enum { FINE_WIDTH = 8, FINE_HEIGHT = 16 }; // pixels of a cell handed to chafa

enum { FIRST = 16, COLOURS = 240 }; // of the 256; those before are the user's

struct tone { // Oklab (Ottosson 2020): distances as the eye sees them, hue included
    float l, a, b;
};

struct palette {
    float linear[256]; // sRGB part to light
    struct tone tones[COLOURS];
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
}

static short nearest(const struct palette *palette, int r, int g, int b)
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

int symbols_colour(int r, int g, int b)
{
    struct palette palette;
    palette_set(&palette);
    return nearest(&palette, r, g, b);
}

static const uint8_t *pixel(const struct image *frame, int y, int x)
{
    return frame->pixels + ((size_t)y * (size_t)frame->width + (size_t)x) * (size_t)frame->channels;
}

static short pixel_colour(const struct palette *palette, const struct image *frame, int y, int x)
{
    const uint8_t *p = pixel(frame, y, x);
    return frame->channels == 1 ? nearest(palette, p[0], p[0], p[0]) : nearest(palette, p[0], p[1], p[2]);
}

static int luma(const struct image *frame, int y, int x)
{
    const uint8_t *p = pixel(frame, y, x);
    return frame->channels == 1 ? p[0] : (p[0] * 299 + p[1] * 587 + p[2] * 114) / 1000;
}

bool symbols_fine(void)
{
#ifdef HAVE_CHAFA
    return true;
#else
    return false;
#endif
}

void symbols_size(enum symbols how, int rows, int cols, int *width, int *height)
{
    bool fine = how == SYMBOLS_FINE && symbols_fine();
    *width = cols * (fine ? FINE_WIDTH : 1);
    *height = rows * (fine ? FINE_HEIGHT : 2);
}

#ifdef HAVE_CHAFA
// Setting a canvas up asks GLib for properties of characters, which it keeps in a
// variable of its own without a lock (g_unichar_get_script, 2.74). Drawing does not.
static pthread_mutex_t setting_up = PTHREAD_MUTEX_INITIALIZER;

static ChafaCanvas *canvas_new(int rows, int cols)
{
    pthread_mutex_lock(&setting_up);
    ChafaSymbolMap *map = chafa_symbol_map_new();
    // what nearly every font has: no sextants, no braille, nothing of uncertain width
    chafa_symbol_map_add_by_tags(map, CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_SOLID |
                                          CHAFA_SYMBOL_TAG_HALF | CHAFA_SYMBOL_TAG_QUAD |
                                          CHAFA_SYMBOL_TAG_BLOCK);
    chafa_symbol_map_remove_by_tags(map, CHAFA_SYMBOL_TAG_STIPPLE);
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    chafa_canvas_config_set_geometry(config, cols, rows);
    chafa_canvas_config_set_canvas_mode(config, CHAFA_CANVAS_MODE_TRUECOLOR); // the 256 are chosen from below
    chafa_canvas_config_set_symbol_map(config, map);
    chafa_canvas_config_set_preprocessing_enabled(config, FALSE);
    chafa_canvas_config_set_work_factor(config, 0.5f);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_config_unref(config);
    chafa_symbol_map_unref(map);
    pthread_mutex_unlock(&setting_up);
    return canvas;
}

void symbols_init(void)
{
    chafa_set_n_threads(1);
    chafa_canvas_unref(canvas_new(1, 1));
}

static short packed_colour(const struct palette *palette, int rgb) // -1: none
{
    return rgb < 0 ? (short)-1 : nearest(palette, rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
}

static void make_fine(const struct palette *palette, const struct image *frame, int rows, int cols,
                      struct symbol *cells)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    uint8_t *rgb = xcalloc(count, 3);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[i * 3 + c] = frame->channels == 1 ? frame->pixels[i] : frame->pixels[i * 3 + c];
    ChafaCanvas *canvas = canvas_new(rows, cols);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, frame->width, frame->height,
                                 frame->width * 3);
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            int front, back;
            chafa_canvas_get_raw_colors_at(canvas, x, y, &front, &back);
            *cells++ = (struct symbol){(wchar_t)chafa_canvas_get_char_at(canvas, x, y),
                                       packed_colour(palette, front), packed_colour(palette, back)};
        }
    }
    chafa_canvas_unref(canvas);
    free(rgb);
}
#else
void symbols_init(void)
{
}
#endif

void symbols_make(const struct image *frame, enum symbols how, int rows, int cols, struct symbol *cells)
{
    static const char ramp[] = " .:-=+*#%@";
    struct palette palette;
    palette_set(&palette);
#ifdef HAVE_CHAFA
    if (how == SYMBOLS_FINE) {
        make_fine(&palette, frame, rows, cols, cells);
        return;
    }
#endif
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            if (how == SYMBOLS_ASCII) {
                int v = (luma(frame, y * 2, x) + luma(frame, y * 2 + 1, x)) / 2;
                *cells++ = (struct symbol){(wchar_t)ramp[v * 10 / 256], -1, -1};
            } else {
                short top = pixel_colour(&palette, frame, y * 2, x),
                      low = pixel_colour(&palette, frame, y * 2 + 1, x);
                *cells++ = (struct symbol){top == low ? L' ' : L'\u2580', top, low};
            }
        }
    }
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
