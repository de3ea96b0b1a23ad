// Patch-level normality: a shrinkage Gaussian over the cells of each tap
// (PaDiM's idea, with one covariance shared by all positions). Where the
// scene's pictures are aligned, each cell is measured from the mean at its
// place; how far to trust that mean is learnt from the sample.
#ifndef SCREEN_PATCH_H
#define SCREEN_PATCH_H

#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "nn/base.h"
#include "screen/detector.h"
#include "screen/settings.h"

enum { HEAT_SIDE = 32 }; // a heatmap has at most this many rows and columns

struct heat {
    int rows, cols;                         // shape follows the picture's; 0 when there is none
    uint8_t cells[HEAT_SIDE * HEAT_SIDE];   // (rows, cols): 0 = as normal as can be, 128 = the 99.9 % quantile
                                            // of normal cells, 255 = twice that or more
};

struct patch_result {
    float measures[DETECTORS_MEASURED]; // patch: mean of the top 1 % of the cells' Mahalanobis distances;
                                        // tile: the same over the native-resolution tiles, 0 without tiling;
                                        // NAN for what has no measure
    struct heat heat; // whole picture and tiles together, over the region of interest's bounding box
    double box[4];    // that box, fractions of the oriented picture: x0 y0 x1 y1
};

struct patch_model; // see extract.h for fitting
void patch_free(struct patch_model *model);
// What copies of the sample's pictures change in their embeddings, from extract_from on.
struct contrast;
const struct contrast *patch_contrast(const struct patch_model *model);
// How much of what cells differ by their place in the picture tells, 0..1 (the demo's fasteners
// 0.89, its belt 0.50, magnetic tiles 0.39 at most, the demo's insulators 0.15).
double patch_aligned(const struct patch_model *model);
// Whether the pictures are registered to the scene's mean picture (register.h).
bool patch_registered(const struct patch_model *model);
// Whether drawn defects taught how their cells look (patch_flaw.h).
bool patch_learned(const struct patch_model *model);

// The statistics as dir/<sha256>.safetensors, written atomically; `sha256`
// receives the name. Base and settings are stored and compared at load: another
// base or other settings is ST_INVALID, an altered file ST_CORRUPT, each naming
// the file.
ASSAY_CHECKED enum status patch_save(const struct patch_model *patch, const struct base_info *base,
                                     const struct screen_settings *settings, const char *dir,
                                     char sha256[HASH_HEX], struct error *err);
ASSAY_CHECKED enum status patch_load(const char *path, const struct base_info *base,
                                     const struct screen_settings *settings, struct patch_model **patch,
                                     struct error *err);
// Whether patch_load would take the file for this base and these settings, by its head alone.
ASSAY_CHECKED enum status patch_fits(const char *path, const struct base_info *base,
                                     const struct screen_settings *settings, struct error *err);

#endif
