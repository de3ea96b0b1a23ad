// From a file to network input: decoding, region of interest, tiles, ignore mask.
#ifndef SCREEN_EXTRACT_VIEW_H
#define SCREEN_EXTRACT_VIEW_H

#include "screen/extract.h"
#include "screen/patch_impl.h"
#include "screen/register.h"

// Area under a mask, by summed areas.
struct ignore_map;
struct ignore_map *ignore_new(const struct image *mask); // NULL gives NULL: nothing is ignored
void ignore_free(struct ignore_map *map);

// A decoded picture and the rectangle of interest in it.
struct picture {
    struct image image;
    int x, y, w, h; // pixels of `image`
    int rows, cols; // network input of the whole
};

// Errors name the path. Caller: image_clear(&picture->image).
ASSAY_CHECKED enum status picture_open(const struct extract_config *config, const char *path,
                                       struct picture *picture, struct error *err);

// Network input for a region of w x h pixels, as config->settings and config->base want it.
void view_shape(const struct extract_config *config, int w, int h, int *rows, int *cols);

int picture_tiles(const struct extract_config *config, const struct picture *picture);

// One thread's way from pictures to maps.
struct viewer;
// registration (NULL none): wholes are seen with everything at its place in the scene's mean picture.
struct viewer *viewer_new(const struct extract_config *config, const struct ignore_map *ignore,
                          const struct registration *registration);
void viewer_free(struct viewer *viewer);

// The maps of the whole region of interest, or of one tile. `view` is valid until the next call.
// box: x0 y0 x1 y1 in fractions of the region of interest, beyond which a registered view may reach: cells
// there are not looked at. False when a tap has no cell to look at (then nothing was computed).
bool viewer_whole(struct viewer *viewer, const struct picture *picture, struct patch_view *view,
                  double box[4]);
bool viewer_tile(struct viewer *viewer, const struct picture *picture, int tile, struct patch_view *view,
                 double box[4]);

// The network's input of the whole, as it is, valid until the next call: what registrations are fitted on.
const float *viewer_input(struct viewer *viewer, const struct picture *picture);

// The network's input of the latest view, and the maps of another input of the same shape, with that view's
// marks.
const float *viewer_rgb(const struct viewer *viewer);
void viewer_again(struct viewer *viewer, const float *rgb, int rows, int cols, struct patch_view *view);

// The embedding of one view: extract_dim numbers. sums: scratch for the wider tap's channels. Every tap has a cell
// that is looked at.
void extract_pool(const struct patch_view *view, double *sums, float *embedding);

#endif
