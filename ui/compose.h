// From a decoded picture to the frame that fills the pane: letterboxed, with
// the heatmap laid over it on request.
#ifndef UI_COMPOSE_H
#define UI_COMPOSE_H

#include "image/image.h"
#include "screen/patch.h"

enum { COMPOSE_MARGIN = 32 }; // gray value of the bars beside the picture

struct placement {
    int x, y, width, height; // where the picture lies in the frame, pixels
};

// Fit `picture` into width x height (both > 0), aspect kept, centred. The frame
// has one channel when every pixel is gray (also where the file says RGB), else
// three. Caller: image_clear(frame).
void compose_fit(const struct image *picture, int width, int height, struct image *frame,
                 struct placement *place);

// Lay `heat` over the part `box` (fractions x0 y0 x1 y1) of the placed picture:
// a tint that grows with the value and, so that colour is not the only sign, a
// line `line` pixels wide round every region of 128 and more (light inside, dark
// outside). A gray frame becomes RGB.
void compose_heat(struct image *frame, const struct placement *place, const struct heat *heat,
                  const double box[4], int line);

#endif
