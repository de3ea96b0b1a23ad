// Training crops for the base: square pieces of photos, of procedural textures,
// of mixes of both, and of the demo's pictures, each seen by another camera.
//
// What a crop shows, with the default options (and any photo at all):
//   0.25 texture  one of TEXTURE_KINDS (texture.h), at random scale, direction, colour
//   0.10 mix      two photos (or a photo and a texture): blended 0.3..0.7, joined along a soft
//                 straight edge, or the second's light and dark laid over the first
//   0.10 demo     a picture of a pool drawn at start-up, handled like a photo
//   0.55 photo    a rectangle of sqrt(w h) = 80..320 pixels (uniform), aspect 3:4..4:3
//                 (log-uniform), limited to the photo, anywhere in it; resampled to the side
// then mirrored each way with 1/2 and transposed with 1/4. Without photos textures and
// demo share all crops in the proportion of their options.
// How it is seen (every step its own chance, in this order):
//   uneven light  0.30: times 1 +- 0.05..0.45 along a direction, or falling off from a centre to
//                 0.33..0.93 in the farthest corner
//   blur          0.15: sigma 0.5..2 pixels
//   gray          0.50: Rec. 601 luma in all three channels
//   tone          gamma 0.6..1.7 (log-uniform) with 0.3; contrast about the mean times 0.3..1.3;
//                 brightness -50..50, cut so that the mean stays within 35..220
//   colour cast   0.30 of the coloured: each channel times 0.85..1.15
//   noise         0.50: normal, sigma 0.5..8 (log-uniform), independent or shared by the channels
//   blocking      0.10: 8x8 cosine coefficients quantised as JPEG does, quality 20..80
// and cut to 0..255.
//
// Cost (make bench-crops): a crop of 160 x 160 takes 3 % of the time of a product of two 1024 x 1024
// matrices on the same core (0.6 ms where that takes 20), a pair 4 %, a defect 7 %.
#ifndef LEARN_CROPS_H
#define LEARN_CROPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

struct crop_options {
    uint64_t seed;   // which photos stay when not all fit
    int side_max;    // shorter side of a photo in memory, at most (pixels)
    uint64_t memory; // bytes for photos
    int threads;     // that decode and draw; 0: every processor
    double textures; // share of textures, 0..1
    double mixes;    // share of mixes
    double demo;     // share of demo pictures
    int demo_pool;   // how many are drawn; 0 with demo = 0
    double gray;     // share of gray crops
    int crop_least;  // size of the rectangle in a photo, pixels
    int crop_most;   //
};

// 384 pixels, 1 GiB, 0.25, 0.1, 0.1, a pool of 240, 0.5, 80..320.
extern const struct crop_options crop_options_default;

struct crop_source; // read-only once open: any number of threads may draw from it

// `paths`: folders (walked whole, links not followed) and picture files, PNG or JPEG by
// content. In a folder a .png beside a .jpg or .jpeg of the same stem is its mask and is
// left out. A file that is not a readable picture is counted and skipped; paths of which none is
// readable are ST_NOT_FOUND. No paths at all: textures and demo only. Photos
// that do not fit into o->memory are left out at random by o->seed.
// The same paths, files and options give the same source. `o` NULL: the default.
// Options out of range are ST_INVALID. Caller: crop_source_free.
ASSAY_CHECKED enum status crop_source_open(const char *const *paths, size_t path_count,
                                           const struct crop_options *o, struct crop_source **source,
                                           struct error *err);
void crop_source_free(struct crop_source *source); // NULL is fine

struct crop_counts {
    size_t photos;   // in memory
    size_t left_out; // beyond the budget
    size_t skipped;  // unreadable, missing or not a picture (of those that were tried)
    size_t masks;    // left out as the mask of another
    size_t demo;     // pictures in the pool
    uint64_t bytes;  // of the photos
};
struct crop_counts crop_source_counts(const struct crop_source *source);
// The same in a sentence for people; lives as long as the source.
const char *crop_source_summary(const struct crop_source *source);

// What a crop shows, usable as a label: CROP_TEXTURE + kind for textures.
enum { CROP_PHOTO, CROP_MIX, CROP_DEMO, CROP_TEXTURE };

// One crop of side x side pixels (8..1024) into rgb: (side, side, 3), 0..255. Everything random
// comes from `rng` (four numbers are taken): the same state gives the same crop,
// bit for bit, whatever else other threads do. Returns what it shows.
int crop_make(const struct crop_source *source, struct rng *rng, int side, float *rgb);

// The same piece seen twice: cell by cell `a` and `b` show the same place under other
// light, tone, blur and noise. `a` is what crop_make gives for the same rng.
int crop_pair(const struct crop_source *source, struct rng *rng, int side, float *a, float *b);

// A crop with a synthetic defect (flaw.h) of a random kind and its mask: (side, side), 0..1, how much
// of the pixel is the defect's. Where the mask is 0, rgb is what crop_make gives for the same rng.
// Returns the kind (enum flaw_kind).
int crop_defect(const struct crop_source *source, struct rng *rng, int side, float *rgb, float *mask);

#endif
