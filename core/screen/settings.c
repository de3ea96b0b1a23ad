#include "config.h"

#include <string.h>

#include "screen/settings.h"

const struct screen_settings screen_settings_default = {.size = 256, .roi = {0, 0, 1, 1}, .overlap = 0.125};

// Written so that a NaN fails.
static bool within(double value, double low, double high)
{
    return value >= low && value <= high;
}

enum status screen_settings_check(const struct screen_settings *settings, struct error *err)
{
    const double *roi = settings->roi;
    if (settings->size < SCREEN_SIZE_MIN || settings->size > SCREEN_SIZE_MAX)
        return error_set(err, ST_INVALID, "size %d: the network's input must be %d to %d pixels",
                         settings->size, SCREEN_SIZE_MIN, SCREEN_SIZE_MAX);
    if (!within(roi[0], 0, 1) || !within(roi[1], 0, 1) || !within(roi[2], 0, 1) || !within(roi[3], 0, 1) ||
        !(roi[0] < roi[2]) || !(roi[1] < roi[3]))
        return error_set(
            err, ST_INVALID,
            "region of interest %g %g %g %g: give left top right bottom as fractions, 0 <= left < right <= 1",
            roi[0], roi[1], roi[2], roi[3]);
    if (settings->tile != 0 && (settings->tile < SCREEN_TILE_MIN || settings->tile > SCREEN_TILE_MAX))
        return error_set(err, ST_INVALID, "tile %d: tiles must be %d to %d pixels, or 0 for none",
                         settings->tile, SCREEN_TILE_MIN, SCREEN_TILE_MAX);
    if (!within(settings->overlap, 0, 0.5))
        return error_set(err, ST_INVALID, "overlap %g: give a fraction of the tile, 0 to 0.5",
                         settings->overlap);
    size_t digits = strnlen(settings->ignore_sha256, HASH_HEX);
    if (digits != 0 &&
        (digits != HASH_HEX - 1 || strspn(settings->ignore_sha256, "0123456789abcdef") != digits))
        return error_set(err, ST_INVALID,
                         "ignore mask: its SHA-256 must be 64 lower-case hexadecimal digits");
    return ST_OK;
}

void screen_settings_text(const struct screen_settings *settings, char text[SCREEN_SETTINGS_TEXT])
{
    snprintf(text, SCREEN_SETTINGS_TEXT,
             "size %d %s roi %.12g %.12g %.12g %.12g tile %d overlap %.12g ignore %.64s", settings->size,
             settings->squash ? "squash" : "keep", settings->roi[0], settings->roi[1], settings->roi[2],
             settings->roi[3], settings->tile, settings->tile ? settings->overlap : 0,
             settings->ignore_sha256[0] ? settings->ignore_sha256 : "none");
}
