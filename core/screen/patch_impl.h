// The patch model from inside: patch.c scores, patch_fit.c fits, patch_file.c
// stores, extract.c brings the maps.
#ifndef SCREEN_PATCH_IMPL_H
#define SCREEN_PATCH_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "screen/contrast.h"
#include "screen/patch.h"
#include "screen/patch_flaw.h"
#include "screen/patch_local.h"
#include "screen/register.h"

// Three sets of statistics of the same form.
enum patch_part {
    PART_ALIGNED, // whole pictures of the grid that most of the sample has: a mean per place
    PART_FREE,    // whole pictures of any grid: one mean
    PART_TILE,    // native-resolution tiles: one mean
    PATCH_PARTS,
};

struct patch_gaussian {
    float *mean;     // (dim)
    float *places;   // (rows, cols, dim): shrunk mean at each place; NULL without
    float *whiten;   // (dim, dim), lower triangular, W (x - mean) is white
    struct patch_local local; // a covariance for each place, instead of `whiten`, where places tell much
    float *typical;  // (rows, cols): geometric mean of the normal distances at each place; NULL without
    float *power;    // (rows, cols): (distance / typical) ^ power varies as much here as elsewhere
    float quantile;  // 99.9 % of normal cells lie nearer than this, (distance / typical) ^ power where there are places
    float placed;    // share of the cells' variance that lies between places, 0..1; without the border
    float blend;     // 0 = `places` is the mean everywhere, 1 = the sample's mean at each place
    float shrinkage; // 0..1
};

struct patch_stats {
    bool used;
    int rows[BASE_TAPS], cols[BASE_TAPS]; // grid, PART_ALIGNED only
    struct patch_gaussian taps[BASE_TAPS];
    float quantile; // of the two taps' values together
    float placed;   // PART_ALIGNED: taps[1].placed, less for pictures of another grid
    struct patch_flaws flaws; // over the white cells of tap 1; not for tiles
    float *flaw_typical; // (rows[1], cols[1]): geometric mean of the learned measure of normal cells there;
                         // NULL without
};

struct patch_model {
    int channels[BASE_TAPS];
    char base_sha256[HASH_HEX];
    struct screen_settings settings;
    struct patch_stats parts[PATCH_PARTS];
    struct contrast contrast; // of the embeddings
    struct registration registration; // of wholes, before anything is measured
    uint64_t *fitted;                 // rising: marks of the registered pictures that were fitted on
    size_t fitted_count;
};

// One view (the whole or a tile) through the base, and which cells are looked at.
struct patch_view {
    struct tap taps[BASE_TAPS];
    const uint8_t *looked[BASE_TAPS]; // (rows, cols): 0 = covered by the ignore mask
    uint64_t mark;                    // of a registered picture, equal for equal pictures; 0: none was made
};

// A side of the network's input: the nearest multiple, at least 32 pixels.
static inline int patch_input_side(double pixels, int multiple)
{
    int least = (32 + multiple - 1) / multiple * multiple, side = (int)(pixels / multiple + 0.5) * multiple;
    return side > least ? side : least;
}

const struct registration *patch_registration(const struct patch_model *model);

struct patch_work; // buffers of one thread
struct patch_work *patch_work_new(void);
void patch_work_free(struct patch_work *work);

// Mahalanobis distances of `count` residuals (count, dim), which are overwritten by the whitened ones.
void patch_distances(const float *whiten, int dim, float *residuals, size_t count, float *distances);

// Whether the picture is one of those that a covariance for each place was fitted on.
bool patch_fitted(const struct patch_model *model, const struct patch_view *view);

// Centre and spread of the logarithms of distances at each place, the spreads drawn towards their common one;
// typical and power: as in struct patch_gaussian, allocated here. at: the place of each. The distances are
// told in them then.
void patch_typical_fit(float *distances, const uint32_t *at, size_t count, size_t places, float **typical,
                       float **power);

// A distance at place `place`, told in those that are normal there.
float patch_told(float distance, const float *typical, const float *power, size_t place);

// Which statistics fit this whole picture.
enum patch_part patch_part_of(const struct patch_model *model, const struct patch_view *view);

// Values of all cells of the finer tap, valid until the next call with `work`:
// 1 = the 99.9 % quantile of normal cells.
const float *patch_values(const struct patch_model *model, enum patch_part part,
                          const struct patch_view *view, struct patch_work *work);

// Of the cells of tap 1 looked at, how much each looks as if a defect were drawn there (the square root of patch_flaw.h's
// measure): the mean of the largest 0.5 %. NAN: that was not learned.
float patch_flaw_measure(const struct patch_model *model, enum patch_part part, const struct patch_view *view,
                         struct patch_work *work);

// The same of each cell looked at, told in what is normal at its place, valid until the next call with
// `work`; their places (NULL: not asked). Returns how many. Flaws were learned.
size_t patch_flaw_values(const struct patch_model *model, enum patch_part part, const struct patch_view *view,
                         struct patch_work *work, float **values, uint32_t *places);

// Mean of the largest 1 % (at least one) of `count` values, which are put in another order; 0 for none.
float patch_top(float *values, size_t count);

// Views that are kept in another form: `get` brings view i, of which `tap` alone is asked for, valid
// until the next call.
struct patch_views {
    size_t count;
    const struct patch_view *(*get)(void *context, size_t i, int tap);
    void *context;
    bool registered; // to the scene's mean picture: a covariance for each place
};

// Fit on tap `tap` (of `dim` channels) of the views, which have `places` cells each and a mean per
// place, or any number and one mean when 0. False when there is no variance; patch_free cleans up.
bool patch_gaussian_fit(const struct patch_views *views, int tap, size_t dim, size_t places,
                        struct patch_gaussian *g);
float patch_quantile(float *values, size_t count); // the 99.9 % one; sorts

// The sample that a model is fitted on. Pictures arrive in any order, with
// their place in the sequence; the result depends on the sequence only.
struct patch_sample;
struct patch_sample *patch_sample_new(const struct base_info *base, const struct screen_settings *settings);
void patch_sample_free(struct patch_sample *sample);
// The pictures are registered to this, which goes into the model and is empty then.
void patch_sample_register(struct patch_sample *sample, struct registration *registration);
// Copies the view of picture `number`: its whole or its tile. Not thread-safe.
void patch_sample_add(struct patch_sample *sample, size_t number, const struct patch_view *view, bool tile);
// A change that a copy of picture `number` makes in its embedding; change: (dim).
void patch_sample_change(struct patch_sample *sample, size_t number, enum contrast_side side,
                         const float *change, int dim);
// What copies of picture `number` move in its cells; `moves` is emptied.
void patch_sample_moves(struct patch_sample *sample, size_t number, struct flaw_moves *moves);
bool patch_sample_full(const struct patch_sample *sample);
ASSAY_CHECKED enum status patch_fit(struct patch_sample *sample, int threads, struct patch_model **model,
                                    struct error *err);

#endif
