// Two pictures of the same thing, taken with the camera or the thing a little elsewhere: how far one has to be moved to
// lie on the other. Translation only; turned or stretched pictures are left as they are.
#ifndef IMAGE_ALIGN_H
#define IMAGE_ALIGN_H

#include <stdbool.h>

#include "image/image.h"

struct align {
    int x, y;                // pixels of `moved` to the right and down; 0, 0 where moving does not help
    double before, after;    // correlation (-1..1) as they lie, and moved
};

// `still` and `moved` may be decoded at different sizes as long as they have the same shape (1 % apart at most; else
// nothing is moved). limit: the furthest shift, a fraction of the longer side (0..0.5). Both are made gray, freed of what
// changes slowly (light), and compared from coarse to fine by normalised cross-correlation of where they overlap, at
// most 640 pixels wide or high. A shift counts when it raises the correlation by 0.05 at least, to 0.3 or more, and lies
// inside the limit (at its rim the true one is further away). Pure; the same pictures give the same shift.
void align_find(const struct image *still, const struct image *moved, double limit, struct align *found);

// `picture` moved by x, y pixels in place; what comes in from outside is `gray`.
void align_shift(struct image *picture, int x, int y, uint8_t gray);

#endif
