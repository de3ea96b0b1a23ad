// A frame as sixel text. Pure: pixels in, bytes out; it knows no terminal, and
// may run on several threads at once.
#ifndef UI_SIXEL_H
#define UI_SIXEL_H

#include <stdint.h>

#include "base/status.h"
#include "base/strbuf.h"
#include "image/image.h"

enum { SIXEL_COLOURS = 192 };

// Reduce to at most `registers` (>= 2) colours. One channel: even gray levels, at
// most 64. Three: at most 128 colours chosen for the picture; where most pixels
// are gray those keep the 64 levels. Without dithering, whose pattern would hide
// faint defects. `index`: (height, width). Only colours in use are in the
// palette; returns how many.
int sixel_quantise(const struct image *frame, int registers, uint8_t *index,
                   uint8_t palette[SIXEL_COLOURS * 3]);

// Append the frame to `out`; at least 6 pixels high (libsixel 1.10 puts
// a lower one a band too far down). ST_INVALID when the library refuses it.
ASSAY_CHECKED enum status sixel_encode_frame(const struct image *frame, int registers, struct strbuf *out,
                                             struct error *err);

#endif
