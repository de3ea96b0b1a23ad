// Cells that look as if a defect were drawn there: what tells defects from the rest among the cells of tap 1,
// learned with no real defect at all.
//
// Copies of normal pictures, some in other light, some with a drawn defect (learn/flaw.h), say how cells move when
// nothing is wrong and when something is. In the space where normal cells are white, let J and D be the mean outer
// products of these moves. A cell x of a normal picture has the covariance A = I + a J, of a defective one A + c D, and
// the quadratic term of the log likelihood ratio of the two,  x' (A^-1 - (A + c D)^-1) x,  is the measure: the
// picture-level quadratic discriminant (see screen/contrast.h where it is used on whole pictures), cell by cell. Only the
// `rank` directions that defects move most against A are kept; what is odd in the others is for the plain distance to
// find.
#ifndef SCREEN_PATCH_FLAW_H
#define SCREEN_PATCH_FLAW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"

enum flaw_side { FLAW_SIDE_LIGHT, FLAW_SIDE_DRAWN, FLAW_SIDES };

// Rows of moves, (count, dim) each: after - before of one cell.
struct flaw_moves {
    int dim;
    size_t counts[FLAW_SIDES], capacities[FLAW_SIDES];
    float *rows[FLAW_SIDES];
};
void flaw_moves_clear(struct flaw_moves *moves);
void flaw_moves_add(struct flaw_moves *moves, enum flaw_side side, const float *before, const float *after, int dim);

struct patch_flaws {
    int rank;       // 0: nothing was learned
    float *project; // (dim, rank): a white residual's product with it has the measure as its squared length
};
void patch_flaws_clear(struct patch_flaws *flaws);

// From the moves of `count` pictures in their order. whiten: (dim, dim) lower triangular, W (x - mean) is white.
// False, flaws empty: too few moves to learn from, or none of any size.
bool patch_flaws_fit(const struct flaw_moves *const *moves, size_t count, const float *whiten, int dim,
                     struct patch_flaws *flaws);

// Copies of the whole of a picture, rgb (rows, cols, 3), 0..255; `draw` gives one after the other.
enum { FLAW_COPIES_LIGHT = 2, FLAW_COPIES = 8 };
struct flaw_copy {
    float *rgb, *mask; // (rows, cols, 3); (rows, cols), how much of each pixel the defect covers, not used in other light
    size_t capacity;
    unsigned without;  // bits of enum flaw_kind: kinds that are not drawn, not all
};
void flaw_copy_clear(struct flaw_copy *copy);
enum flaw_side flaw_copy_draw(struct flaw_copy *copy, int nth, struct rng *rng, const float *rgb, int rows, int cols);

// Chosen cells, (rows / stride, cols / stride), of a copy: some hit by the defect, or some anywhere; looked: 0 is left out.
// chosen: 0 or 1 each.
void flaw_copy_cells(const struct flaw_copy *copy, enum flaw_side side, struct rng *rng, int rows, int cols, int stride,
                     const unsigned char *looked, unsigned char *chosen);

#endif
