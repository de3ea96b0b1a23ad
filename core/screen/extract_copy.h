// Copies of a normal picture: four that are as normal (mirrored, other light), six with a drawn defect.
#ifndef SCREEN_EXTRACT_COPY_H
#define SCREEN_EXTRACT_COPY_H

#include <stdbool.h>

#include "base/rng.h"

enum { COPIES_MIRRORED = 2, COPIES_HARMLESS = 4, COPIES = 10 };

struct copy_work;
struct copy_work *copy_work_new(void);
void copy_work_free(struct copy_work *work);

// Copy `nth` (0 .. COPIES - 1) of rgb (rows, cols, 3), 0..255; valid until the next call.
const float *copy_draw(struct copy_work *work, int nth, struct rng *rng, const float *rgb, int rows,
                       int cols);

#endif
