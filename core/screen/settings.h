// How a scene's pictures become network input.
#ifndef SCREEN_SETTINGS_H
#define SCREEN_SETTINGS_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/status.h"

enum { SCREEN_SIZE_MIN = 64, SCREEN_SIZE_MAX = 1024, SCREEN_TILE_MIN = 64, SCREEN_TILE_MAX = 2048 };

struct screen_settings {
    int size;        // pixels: side of the square with the area of the network's input (default 256)
    bool squash;     // true: size x size whatever the shape; false: aspect kept (sides rounded to the base's multiple)
    double roi[4];   // region of interest x0 y0 x1 y1, fractions of the oriented picture; 0 0 1 1 is all
    int tile;        // native pixels: side of the tiles that are screened beside the whole, 0 none
    double overlap;  // of neighbouring tiles, fraction 0 .. 0.5
    char ignore_sha256[HASH_HEX]; // content of the ignore mask, "" none (the mask itself is passed beside)
};

extern const struct screen_settings screen_settings_default; // 256, aspect kept, all, no tiles, 0.125

// ST_INVALID with a sentence when a value is out of range.
ASSAY_CHECKED enum status screen_settings_check(const struct screen_settings *settings, struct error *err);

// All of them as one line, equal for equal settings: what model files are compared by.
enum { SCREEN_SETTINGS_TEXT = 320 };
void screen_settings_text(const struct screen_settings *settings, char text[SCREEN_SETTINGS_TEXT]);

#endif
