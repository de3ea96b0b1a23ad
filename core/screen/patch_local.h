// A covariance for each place: what varies at one place of an aligned scene (stones) does not at another
// (steel).
//
// Cells are looked at in LOCAL_RANK directions in which all of them together are white, those they vary most
// in. The scatter of two by two places is drawn towards that common unit covariance as by LOCAL_PRIOR more
// cells (the mean of an inverse Wishart), so that places seen seldom stay near it.
//
// A scatter of some hundred cells fits these closely: the distances of pictures that were fitted on are told
// as if their own cells had not been there, x'(M - ZZ')^-1 x = [G (I - G)^-1]_ii with G = Z' M^-1 Z, Z the
// picture's cells at these places (Woodbury). So they compare with those of pictures never seen.
#ifndef SCREEN_PATCH_LOCAL_H
#define SCREEN_PATCH_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

enum { LOCAL_RANK = 64, LOCAL_SIDE = 2 };

struct patch_local {
    int rank;       // 0: none
    float *project; // (dim, rank): of a cell's distance from the mean at its place
    float *factors; // (places, rank * (rank + 1) / 2): inverse Cholesky factors, by columns; places:
                    // patch_local_count
    float *counts;  // (places): cells that were fitted on, and the prior's
};
void patch_local_clear(struct patch_local *local);

static inline size_t patch_local_count(int rows, int cols)
{
    return (size_t)((rows + LOCAL_SIDE - 1) / LOCAL_SIDE) * (size_t)((cols + LOCAL_SIDE - 1) / LOCAL_SIDE);
}

// Distances of the cells (rows, cols) whose directions are z (rows * cols, rank), over the square root of the
// rank: about 1 where nothing is odd. left_out: NULL, or which cells of this picture were fitted on and are
// to be left out.
void patch_local_distances(const struct patch_local *local, int rows, int cols, const float *z,
                           const unsigned char *left_out, float *distances);

// Fitting. covariance: (dim, dim) of all cells about their means, lower triangle, row-major. False: nothing
// varies enough.
struct local_fit;
struct local_fit *local_fit_new(const double *covariance, int dim, int rows, int cols,
                                struct patch_local *local);
void local_fit_add(struct local_fit *fit, const float *z,
                   const unsigned char *looked); // z as above, of one picture
bool local_fit_end(struct local_fit *fit);       // local is complete then
void local_fit_free(struct local_fit *fit);

#endif
