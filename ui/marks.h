// Outlines over a picture: regions, what is suggested or being drawn, corners and the cursor. Made once, then only read;
// shared by threads and counted.
#ifndef UI_MARKS_H
#define UI_MARKS_H

#include <stdbool.h>

#include "image/region.h"
#include "ui/compose.h"

enum mark_style {
    MARK_PLAIN,     // thin
    MARK_CHOSEN,    // thick
    MARK_SUGGESTED, // dashed
    MARK_DRAFT      // being drawn: thick and dashed
};

struct marks;

// width, height: of the picture that they lie on, pixels. One user.
struct marks *marks_new(int width, int height);
void marks_shape(struct marks *marks, enum mark_style style, const struct region *shape);
void marks_corner(struct marks *marks, double x, double y, bool held); // a point between pixels
void marks_cursor(struct marks *marks, double x, double y);            // the middle of its cross

struct marks *marks_use(struct marks *marks); // one user more; NULL gives NULL
void marks_leave(struct marks *marks);        // the last one frees; NULL is fine

// Draw them over the frame that compose_look made of a picture of the same size. A frame pixel lies in a region when a
// pixel of the picture that it shows does, so that none gets lost; lines lie on the region's own pixels, `line` frame
// pixels wide (thin ones half of that), with a dark rim outside. A gray frame becomes RGB.
void marks_draw(const struct marks *marks, const struct seen *seen, int line, struct image *frame);

#endif
