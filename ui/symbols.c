#include "config.h"

#include <curses.h>
#include <stdlib.h>
#ifdef HAVE_CHAFA
#include <chafa.h>
#include <pthread.h>
#endif

#include "base/alloc.h"
#include "ui/symbols.h"

enum { FINE_WIDTH = 8, FINE_HEIGHT = 16 }; // pixels of a cell handed to chafa

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

static const uint8_t *pixel(const struct image *frame, int y, int x)
{
    return frame->pixels + ((size_t)y * (size_t)frame->width + (size_t)x) * (size_t)frame->channels;
}

static short pixel_colour(const struct image *frame, int y, int x)
{
    const uint8_t *p = pixel(frame, y, x);
    return (short)(frame->channels == 1 ? symbols_colour(p[0], p[0], p[0]) : symbols_colour(p[0], p[1], p[2]));
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

static ChafaCanvas *canvas_new(int rows, int cols, bool gray)
{
    pthread_mutex_lock(&setting_up);
    ChafaSymbolMap *map = chafa_symbol_map_new();
    // what nearly every font has: no sextants, no braille, nothing of uncertain width
    chafa_symbol_map_add_by_tags(map, CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_SOLID | CHAFA_SYMBOL_TAG_HALF |
                                          CHAFA_SYMBOL_TAG_QUAD | CHAFA_SYMBOL_TAG_BLOCK);
    chafa_symbol_map_remove_by_tags(map, CHAFA_SYMBOL_TAG_STIPPLE);
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    chafa_canvas_config_set_geometry(config, cols, rows);
    chafa_canvas_config_set_canvas_mode(config, CHAFA_CANVAS_MODE_INDEXED_240); // the first 16 are the user's
    chafa_canvas_config_set_symbol_map(config, map);
    chafa_canvas_config_set_preprocessing_enabled(config, FALSE);
    chafa_canvas_config_set_work_factor(config, 0.5f);
    // the cube of 240 colours is coarse: nearest to the eye keeps the hue, nearest in RGB does not
    chafa_canvas_config_set_color_space(config, gray ? CHAFA_COLOR_SPACE_RGB : CHAFA_COLOR_SPACE_DIN99D);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_config_unref(config);
    chafa_symbol_map_unref(map);
    pthread_mutex_unlock(&setting_up);
    return canvas;
}

void symbols_init(void)
{
    chafa_set_n_threads(1);
    chafa_canvas_unref(canvas_new(1, 1, true));
}

static void make_fine(const struct image *frame, int rows, int cols, struct symbol *cells)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    uint8_t *rgb = xcalloc(count, 3);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[i * 3 + c] = frame->channels == 1 ? frame->pixels[i] : frame->pixels[i * 3 + c];
    ChafaCanvas *canvas = canvas_new(rows, cols, frame->channels == 1);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, frame->width, frame->height, frame->width * 3);
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            int front, back;
            chafa_canvas_get_raw_colors_at(canvas, x, y, &front, &back);
            *cells++ = (struct symbol){(wchar_t)chafa_canvas_get_char_at(canvas, x, y), (short)front, (short)back};
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
#ifdef HAVE_CHAFA
    if (how == SYMBOLS_FINE) {
        make_fine(frame, rows, cols, cells);
        return;
    }
#endif
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            if (how == SYMBOLS_ASCII) {
                int v = (luma(frame, y * 2, x) + luma(frame, y * 2 + 1, x)) / 2;
                *cells++ = (struct symbol){(wchar_t)ramp[v * 10 / 256], -1, -1};
            } else {
                short top = pixel_colour(frame, y * 2, x), low = pixel_colour(frame, y * 2 + 1, x);
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
