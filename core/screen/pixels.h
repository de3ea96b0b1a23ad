// A picture's pixels as they enter the network: what extraction looks at, for those who run a network themselves.
#ifndef SCREEN_PIXELS_H
#define SCREEN_PIXELS_H

#include "screen/extract.h"

// The region of interest of config->settings, resized for config->base; what config->ignore covers has the mean colour of
// the rest. rgb: (rows, cols, 3), 0..255. mask_path (NULL none): a picture of the same shape that is not black where the
// defect is; mask: (rows, cols), 0..1, NULL where there is none, it cannot be read, or marks nothing that is looked at.
// Caller frees both. config->patch and ->threads are not read. Thread-safe. Errors name the path.
ASSAY_CHECKED enum status pixels_load(const struct extract_config *config, const char *path, const char *mask_path,
                                      int *rows, int *cols, float **rgb, float **mask, struct error *err);

#endif
