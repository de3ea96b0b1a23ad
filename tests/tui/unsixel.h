// Sixel decoded back to pixels, for tests: the part of the language that an
// encoder may write, strictly.
#ifndef TESTS_TUI_UNSIXEL_H
#define TESTS_TUI_UNSIXEL_H

#include <stdint.h>

struct unsixel {
    int width, height;   // the part that was painted, pixels
    int room_width, room_height;
    uint8_t *rgb;        // (room_height, room_width, 3), each part in percent, 0 where nothing was painted
};

// Decode "ESC P ... q ... ESC \" into `to`, whose raster must be room_width x
// room_height. NULL, or what is wrong with it. free(to->rgb) in both cases.
const char *unsixel(const char *text, int room_width, int room_height, struct unsixel *to);

#endif
