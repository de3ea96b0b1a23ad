// From a decoded picture to the frame that fills the pane: letterboxed, with
// the heatmap laid over it on request.
#ifndef UI_COMPOSE_H
#define UI_COMPOSE_H

#include <stdbool.h>

#include "image/image.h"
#include "screen/patch.h"

struct marks; // marks.h

enum { COMPOSE_MARGIN = 38 }; // gray value of the bars beside the picture

// How a picture is looked at.
struct look {
    int heat;     // strength of the heatmap, 1 to 3; 0 none
    double scale; // pixels of the frame for one of the picture; 0: the whole picture, fitted
    double x, y;  // with a scale: the middle of what is seen, fractions of the picture
    bool stretch; // contrast stretched to what is seen
    bool invert;
    struct marks *marks; // drawn over it, NULL none; want_same: the very same
    char *onto;   // the file of a picture that it is moved on (image/align.h), NULL none; owned as a want's path
};

enum { COMPOSE_STRENGTHS = 3 };

struct placement {
    int x, y, width, height; // where the picture lies in the frame, pixels
};

struct seen { // which part of a picture the frame shows, and where
    struct placement at;
    int x, y, width, height; // pixels of the picture
};

// What a picture of width x height pixels (of a file's full_width, 0: the same) shows as `look` says in a frame of
// across x down.
void compose_seen(int width, int height, int full_width, const struct look *look, int across, int down, struct seen *seen);

// A gray frame becomes RGB.
void compose_rgb(struct image *frame);

// Fit `picture` into width x height (both > 0), aspect kept, centred. The frame
// has one channel when every pixel is gray (also where the file says RGB), else
// three. Caller: image_clear(frame).
void compose_fit(const struct image *picture, int width, int height, struct image *frame,
                 struct placement *place);

// The same, as `look` says; with a scale only a part of the picture may be seen.
// `picture` may have been decoded at a reduced size: full_width is that of the
// file. `box` (fractions of the picture: x0 y0 x1 y1) becomes fractions of what
// is seen, for compose_heat.
void compose_look(const struct image *picture, int full_width, const struct look *look, int width, int height,
                  struct image *frame, struct placement *place, double box[4]);

// Lay `heat` over the part `box` (fractions x0 y0 x1 y1) of the placed picture:
// a tint that grows with the value and, so that colour is not the only sign, a
// line `line` pixels wide round every region of 128 and more (light inside, dark
// outside). A gray frame becomes RGB. strength: 1 to COMPOSE_STRENGTHS.
void compose_heat(struct image *frame, const struct placement *place, const struct heat *heat,
                  const double box[4], int line, int strength);

#endif
