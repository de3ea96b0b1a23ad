#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "image/resize.h"
#include "screen/extract_view.h"

// ---- ignore mask ----

struct ignore_map {
    int width, height;
    double *sums; // (height + 1, width + 1): ignored pixels above and left
};

struct ignore_map *ignore_new(const struct image *mask)
{
    if (!mask)
        return NULL;
    struct ignore_map *map = xcalloc(1, sizeof *map);
    map->width = mask->width;
    map->height = mask->height;
    size_t line = (size_t)mask->width + 1;
    map->sums = xcalloc(line * ((size_t)mask->height + 1), sizeof *map->sums);
    for (int y = 0; y < mask->height; y++) {
        double sum = 0;
        for (int x = 0; x < mask->width; x++) {
            size_t at = ((size_t)y * (size_t)mask->width + (size_t)x) * (size_t)mask->channels;
            sum += mask->pixels[at] != 0;
            map->sums[((size_t)y + 1) * line + (size_t)x + 1] =
                map->sums[(size_t)y * line + (size_t)x + 1] + sum;
        }
    }
    return map;
}

void ignore_free(struct ignore_map *map)
{
    if (!map)
        return;
    free(map->sums);
    free(map);
}

// Ignored area above and left of (x, y), fractions of the picture, in mask pixels.
static double ignored_to(const struct ignore_map *map, double x, double y)
{
    x = fmin(fmax(x, 0), 1) * map->width;
    y = fmin(fmax(y, 0), 1) * map->height;
    int x0 = x < map->width ? (int)x : map->width - 1, y0 = y < map->height ? (int)y : map->height - 1;
    double fx = x - x0, fy = y - y0;
    const double *a = map->sums + (size_t)y0 * ((size_t)map->width + 1) + (size_t)x0, *b = a + map->width + 1;
    return (a[0] * (1 - fx) + a[1] * fx) * (1 - fy) + (b[0] * (1 - fx) + b[1] * fx) * fy;
}

static double ignored_share(const struct ignore_map *map, double x0, double y0, double x1, double y1)
{
    double area = (x1 - x0) * (y1 - y0) * map->width * map->height;
    double sum =
        ignored_to(map, x1, y1) - ignored_to(map, x0, y1) - ignored_to(map, x1, y0) + ignored_to(map, x0, y0);
    return area > 0 ? sum / area : 0;
}

// ---- pictures ----

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

// The pixels [*from, *from + *count) of `side` that a fraction low .. high covers, at least one.
static void pixel_range(double low, double high, int side, int *from, int *count)
{
    *from = clamp((int)floor(low * side + 1e-6), 0, side - 1);
    *count = clamp((int)ceil(high * side - 1e-6), *from + 1, side) - *from;
}

void view_shape(const struct extract_config *config, int w, int h, int *rows, int *cols)
{
    const struct screen_settings *s = &config->settings;
    int multiple = base_info(config->base)->multiple, most = 4 * s->size / multiple * multiple;
    double aspect = s->squash ? 1 : sqrt((double)w / h);
    *cols = clamp(patch_input_side(fmin(s->size * aspect, most), multiple), 32, most);
    *rows = clamp(patch_input_side(fmin(s->size / aspect, most), multiple), 32, most);
}

enum status picture_open(const struct extract_config *config, const char *path, struct picture *picture,
                         struct error *err)
{
    const struct screen_settings *s = &config->settings;
    const double *roi = s->roi;
    unsigned char *bytes;
    size_t count;
    enum status status = file_read(path, config->limits.file_bytes, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    struct image_info info;
    *picture = (struct picture){0};
    status = image_probe(bytes, count, &config->limits, &info, err);
    if (status == ST_OK) {
        int x, y, w, h, width = 0, height = 0;
        pixel_range(roi[0], roi[2], info.width, &x, &w);
        pixel_range(roi[1], roi[3], info.height, &y, &h);
        view_shape(config, w, h, &picture->rows, &picture->cols);
        if (!s->tile) { // twice the input is enough to resize from
            width = (int)fmin(ceil(2.0 * picture->cols * info.width / w), info.width);
            height = (int)fmin(ceil(2.0 * picture->rows * info.height / h), info.height);
        }
        status = image_decode(bytes, count, &config->limits, width, height, &picture->image, NULL, err);
    }
    free(bytes);
    if (status != ST_OK)
        return error_prefix(err, "%s", path);
    pixel_range(roi[0], roi[2], picture->image.width, &picture->x, &picture->w);
    pixel_range(roi[1], roi[3], picture->image.height, &picture->y, &picture->h);
    return ST_OK;
}

// ---- tiles ----

static int tile_side(const struct extract_config *config)
{
    return patch_input_side(config->settings.tile, base_info(config->base)->multiple);
}

static int tile_step(const struct extract_config *config)
{
    return (int)fmax(1, tile_side(config) * (1 - config->settings.overlap));
}

static int tiles_along(const struct extract_config *config, int side)
{
    int tile = tile_side(config), step = tile_step(config);
    return side <= tile ? 1 : 1 + (side - tile + step - 1) / step;
}

int picture_tiles(const struct extract_config *config, const struct picture *picture)
{
    return config->settings.tile ? tiles_along(config, picture->w) * tiles_along(config, picture->h) : 0;
}

// ---- views ----

struct viewer {
    const struct extract_config *config;
    const struct ignore_map *ignore;
    const struct registration *registration;
    struct register_work *place;
    struct base_work *work;
    float *rgb, *moved; // network input, before it is moved
    size_t rgb_capacity, moved_capacity;
    uint8_t *looked[BASE_TAPS];
    size_t looked_capacity[BASE_TAPS];
};

struct viewer *viewer_new(const struct extract_config *config, const struct ignore_map *ignore,
                          const struct registration *registration)
{
    struct viewer *viewer = xcalloc(1, sizeof *viewer);
    viewer->config = config;
    viewer->ignore = ignore;
    viewer->registration = registration && registration->rows ? registration : NULL;
    viewer->place = register_work_new();
    viewer->work = base_work_new(config->base);
    return viewer;
}

void viewer_free(struct viewer *viewer)
{
    if (!viewer)
        return;
    base_work_free(viewer->work);
    register_work_free(viewer->place);
    free(viewer->rgb);
    free(viewer->moved);
    for (int t = 0; t < BASE_TAPS; t++)
        free(viewer->looked[t]);
    free(viewer);
}

struct rectangle { // pixels of the decoded picture, parts of them where a view was moved
    double x, y, w, h;
};

// Marks the cells of tap t that are looked at: at least half of each, and half of it in the rectangle of
// interest. Returns how many.
static size_t mark_cells(struct viewer *viewer, const struct picture *picture, const struct rectangle *at,
                         bool moved, int t, int rows, int cols)
{
    size_t cells = (size_t)rows * (size_t)cols, count = 0;
    GROW(viewer->looked[t], viewer->looked_capacity[t], cells);
    if (!viewer->ignore && !moved) {
        memset(viewer->looked[t], 1, cells);
        return cells;
    }
    double width = picture->image.width, height = picture->image.height;
    double left = at->x / width, top = at->y / height, across = at->w / width / cols,
           down = at->h / height / rows;
    double west = picture->x / width, east = (picture->x + picture->w) / width;
    double north = picture->y / height, south = (picture->y + picture->h) / height;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            double x0 = left + c * across, y0 = top + r * down, x1 = x0 + across, y1 = y0 + down;
            double inside =
                fmax(fmin(x1, east) - fmax(x0, west), 0) * fmax(fmin(y1, south) - fmax(y0, north), 0);
            double share = viewer->ignore ? ignored_share(viewer->ignore, x0, y0, x1, y1) : 0;
            viewer->looked[t][r * cols + c] = share <= 0.5 + 1e-9 && inside >= (0.5 - 1e-9) * across * down;
            count += viewer->looked[t][r * cols + c];
        }
    return count;
}

static void resize_input(struct viewer *viewer, const struct picture *picture, int x, int y, int w, int h,
                         int rows, int cols)
{
    GROW(viewer->rgb, viewer->rgb_capacity, (size_t)rows * (size_t)cols * 3);
    image_resize_rgb(&picture->image, x, y, w, h, cols, rows, viewer->rgb);
}

// Moves the input to its place in the scene's mean picture, and the rectangle that it shows along.
static bool move_input(struct viewer *viewer, int rows, int cols, struct rectangle *at)
{
    int dx, dy;
    register_find(viewer->registration, viewer->place, viewer->rgb, rows, cols, &dx, &dy);
    if (!dx && !dy)
        return false;
    GROW(viewer->moved, viewer->moved_capacity, (size_t)rows * (size_t)cols * 3);
    register_move(viewer->rgb, rows, cols, dx, dy, viewer->moved);
    float *before = viewer->rgb;
    size_t capacity = viewer->rgb_capacity;
    viewer->rgb = viewer->moved;
    viewer->rgb_capacity = viewer->moved_capacity;
    viewer->moved = before;
    viewer->moved_capacity = capacity;
    at->x += at->w * dx / cols;
    at->y += at->h * dy / rows;
    return true;
}

// FNV-1a over the input, by words; 48 bits and not 0, so that two floats hold it.
static uint64_t mark_of(const float *rgb, size_t count)
{
    uint64_t mark = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i += 4) { // every fourth number tells pictures apart
        uint32_t word;
        memcpy(&word, rgb + i, sizeof word);
        mark = (mark ^ word) * 0x100000001b3u;
    }
    mark = (mark ^ mark >> 48) & 0xffffffffffffu;
    return mark ? mark : 1;
}

static bool view_rectangle(struct viewer *viewer, const struct picture *picture, int x, int y, int w, int h,
                           int rows, int cols, bool whole, struct patch_view *view, double box[4])
{
    const struct base_info *info = base_info(viewer->config->base);
    struct rectangle at = {x, y, w, h};
    bool moved = false, shown = false;
    if (whole && viewer->registration) {
        resize_input(viewer, picture, x, y, w, h, rows, cols);
        shown = true;
        moved = move_input(viewer, rows, cols, &at);
    }
    for (int t = 0; t < BASE_TAPS; t++) {
        if (!mark_cells(viewer, picture, &at, moved, t, rows / info->stride[t], cols / info->stride[t]))
            return false;
        view->looked[t] = viewer->looked[t];
    }
    if (!shown)
        resize_input(viewer, picture, x, y, w, h, rows, cols);
    base_taps(viewer->config->base, viewer->work, viewer->rgb, rows, cols, view->taps);
    view->mark = whole && viewer->registration ? mark_of(viewer->rgb, (size_t)rows * (size_t)cols * 3) : 0;
    box[0] = (at.x - picture->x) / picture->w;
    box[1] = (at.y - picture->y) / picture->h;
    box[2] = (at.x - picture->x + at.w) / picture->w;
    box[3] = (at.y - picture->y + at.h) / picture->h;
    return true;
}

const float *viewer_input(struct viewer *viewer, const struct picture *picture)
{
    resize_input(viewer, picture, picture->x, picture->y, picture->w, picture->h, picture->rows,
                 picture->cols);
    return viewer->rgb;
}

const float *viewer_rgb(const struct viewer *viewer)
{
    return viewer->rgb;
}

void viewer_again(struct viewer *viewer, const float *rgb, int rows, int cols, struct patch_view *view)
{
    view->mark = 0;
    for (int t = 0; t < BASE_TAPS; t++)
        view->looked[t] = viewer->looked[t];
    base_taps(viewer->config->base, viewer->work, rgb, rows, cols, view->taps);
}

bool viewer_whole(struct viewer *viewer, const struct picture *picture, struct patch_view *view,
                  double box[4])
{
    return view_rectangle(viewer, picture, picture->x, picture->y, picture->w, picture->h, picture->rows,
                          picture->cols, true, view, box);
}

bool viewer_tile(struct viewer *viewer, const struct picture *picture, int tile, struct patch_view *view,
                 double box[4])
{
    const struct extract_config *config = viewer->config;
    int side = tile_side(config), step = tile_step(config), across = tiles_along(config, picture->w);
    int multiple = base_info(config->base)->multiple;
    int w = picture->w < side ? picture->w : side, h = picture->h < side ? picture->h : side;
    int x = clamp(tile % across * step, 0, picture->w - w),
        y = clamp(tile / across * step, 0, picture->h - h);
    return view_rectangle(viewer, picture, picture->x + x, picture->y + y, w, h,
                          patch_input_side(h, multiple), patch_input_side(w, multiple), false, view, box);
}
