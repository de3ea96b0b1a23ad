// What bench_adapter computes once for all seeds and rounds: the tiles' pixels, what the base says of them
// and of their views, and what a screening without labels measures. Kept in a folder (some 5 GB, sparse)
// where one is named.
#ifndef BENCH_TILES_H
#define BENCH_TILES_H

#include "image/image.h"
#include "learn/adapt.h"
#include "learn/heads.h"
#include "screen/model.h"
#include "screen/patch.h"
#include "tests/bench/mtd.h"

struct tiles {
    struct mtd mtd;
    struct image *images, *masks; // (mtd.count)
    int side, threads;
    double scale; // of what is trained on, to the side
    bool with_masks;
    struct net *net;
    struct base *base;
    float **taps[NET_TAPS]; // (mtd.count) of the pictures as they are
    const char *folder;     // "" none
    unsigned char *views;   // mapped
    size_t view_bytes;
    int view_count; // of a picture
};

// options: how views are made, in this run and in all that use the same folder.
void tiles_open(struct tiles *tiles, const char *root, const char *program,
                const struct adapt_options *options);
void tiles_close(struct tiles *tiles);

// adapt_data.load and .kept with `tiles` as their context.
enum status tiles_load(void *context, int64_t id, struct adapt_pixels *pixels, struct error *err);
void *tiles_kept(void *context, int64_t id, int view);

struct tiles_said { // of a picture, by a model of heads alone
    double logit;
    int class_index;
    bool unknown;
};
void tiles_score(struct tiles *tiles, struct heads *heads, struct tiles_said *said); // said: (mtd.count)

// What a screening of the pictures in `fit` measures of all pictures, nothing labelled: embeddings and
// measures. tiles_inputs_clear.
struct tiles_inputs {
    struct screen_input *inputs; // (mtd.count)
    float *embeddings;           // (mtd.count, dim)
    int dim, from;
    struct patch_model *patch;
};
void tiles_screen(struct tiles *tiles, uint64_t seed, const bool *fit, struct tiles_inputs *inputs);
void tiles_inputs_clear(struct tiles_inputs *inputs);

#endif
