// Pictures made ready ahead on worker threads: decoded, fitted to the pane,
// overlaid and, for sixel, encoded. Holds at most PREFETCH_SLOTS results.
#ifndef UI_PREFETCH_H
#define UI_PREFETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/strbuf.h"
#include "image/image.h"
#include "screen/patch.h"
#include "ui/compose.h"
#include "ui/symbols.h"

// A review asks for a few large pictures, a grid for a page of small ones and the next page.
enum { PREFETCH_SLOTS = 160 };

enum bitmap { BITMAP_NONE, BITMAP_SIXEL, BITMAP_KITTY };

enum { PREFETCH_DRAFT = 4 }; // the small picture is coarser by this

struct want {
    int64_t id;
    char *path;        // owned, as look.onto; look.marks are used
    struct heat heat;  // rows 0: none
    double box[4];
    struct look look;
    int full_width;    // of the file's picture, pixels; 0 unknown
    int width, height; // of the frame, pixels
    enum bitmap bitmap;
    int registers;     // colours for sixel
    int coarse;        // for a slow line: so many pixels each way become one; 0 or 1 as it is
    bool draft;        // ... and a small picture to be sent before
    enum symbols how;  // without sixel, ...
    int rows, cols;    // ... on so many cells
};

struct ready {
    enum status status;   // of decoding and encoding
    struct error err;
    struct strbuf bytes;  // of a bitmap, as kitty_put or the terminal takes them
    struct strbuf draft;  // the small one, when asked for
    struct symbol *cells; // when not: (rows, cols)
    int moved[2];         // with look.onto: to the right and down, pixels of the file
};

// Whether they ask for the same. A strength of no heatmap is none.
bool want_same(const struct want *a, const struct want *b);

struct prefetch;

// A byte 'p' is written to notify_fd (non-blocking) whenever a picture is ready.
struct prefetch *prefetch_new(int threads, const struct image_limits *limits, int notify_fd);
void prefetch_free(struct prefetch *prefetch); // waits for the workers

// What is wanted from now on, most urgent first (count <= PREFETCH_SLOTS). Takes
// the paths. Results that are no longer wanted are dropped.
void prefetch_want(struct prefetch *prefetch, struct want *wants, int count);

// Whether `want` is among what the latest prefetch_want asked for; *ready is its
// result, NULL while it is not ready, valid until the next prefetch_want.
bool prefetch_get(struct prefetch *prefetch, const struct want *want, const struct ready **ready);

#endif
