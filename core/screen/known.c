#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/known.h"

// On the magnetic tiles the measure is best between 4 and 8, with few labels nearer to the lower end.
static const double kappa = 6;
enum { BLOCK = 256 }; // pictures measured at once

void known_init(struct known *known, int dim)
{
    *known = (struct known){.dim = dim};
}

void known_clear(struct known *known)
{
    for (int side = 0; side < 2; side++) {
        free(known->rows[side]);
        free(known->groups[side]);
    }
    *known = (struct known){0};
}

// Unit length; false when there is no direction.
static bool direction(const float *white, int dim, float *out)
{
    double length = cblas_dsdot(dim, white, 1, white, 1);
    if (!(length > 0) || !isfinite(length))
        return false;
    for (int i = 0; i < dim; i++)
        out[i] = (float)(white[i] / sqrt(length));
    return true;
}

bool known_add(struct known *known, bool defect, const float *white, uint64_t group)
{
    size_t n = known->counts[defect], dim = (size_t)known->dim;
    if (n >= KNOWN_MOST)
        return false;
    known->rows[defect] = xreallocarray(known->rows[defect], (n + 1) * dim, sizeof(float));
    known->groups[defect] = xreallocarray(known->groups[defect], n + 1, sizeof(uint64_t));
    if (!direction(white, known->dim, known->rows[defect] + n * dim))
        return false;
    known->groups[defect][n] = group;
    known->counts[defect]++;
    return true;
}

// What the rows of one side sum up to for one picture.
struct sum {
    double kernels;
    size_t rows;
};

// No confirmed normals yet: those stand for them that have nothing in common with the picture.
static double measure_of(const struct sum sums[2])
{
    if (!sums[1].rows)
        return NAN;
    double normal = sums[0].rows ? log(sums[0].kernels / (double)sums[0].rows) : 0;
    return log(sums[1].kernels / (double)sums[1].rows) - normal;
}

// directions: (count, dim), count at most BLOCK. Adds to sums (count, 2).
static void add_side(const struct known *known, int side, const float *directions, const uint64_t *groups,
                     size_t count, struct sum (*sums)[2])
{
    size_t rows = known->counts[side];
    if (!rows)
        return;
    float *cosines = xreallocarray(NULL, count * rows, sizeof *cosines); // (count, rows)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)count, (blasint)rows, known->dim, 1,
                directions, known->dim, known->rows[side], known->dim, 0, cosines, (blasint)rows);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < rows; j++) {
            if (groups && groups[i] == known->groups[side][j])
                continue;
            sums[i][side].kernels += exp(kappa * cosines[i * rows + j]);
            sums[i][side].rows++;
        }
    free(cosines);
}

static void directions_of(const float *white, int dim, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) // one that is at the mean itself has nothing in common with any
        if (!direction(white + i * (size_t)dim, dim, out + i * (size_t)dim))
            memset(out + i * (size_t)dim, 0, (size_t)dim * sizeof *out);
}

void known_measure(const struct known *known, const float *white, const uint64_t *groups, size_t count,
                   double *out)
{
    size_t dim = (size_t)known->dim, most = count < BLOCK ? count : BLOCK;
    float *directions = xreallocarray(NULL, most * dim + 1, sizeof *directions);
    for (size_t first = 0; first < count; first += most) {
        size_t n = count - first < most ? count - first : most;
        struct sum sums[BLOCK][2] = {0};
        directions_of(white + first * dim, known->dim, n, directions);
        for (int side = 0; side < 2; side++)
            add_side(known, side, directions, groups ? groups + first : NULL, n, sums);
        for (size_t i = 0; i < n; i++)
            out[first + i] = measure_of(sums[i]);
    }
    free(directions);
}

// ---- an open queue ----

struct known_queue {
    int dim;
    size_t count;
    float *directions; // (count, dim)
    uint64_t *groups;  // (count), NULL none
    struct sum (*sums)[2];
    double *measures;
    float *cosines, *answer; // (count), (dim): scratch
};

struct known_queue *known_queue_new(const struct known *known, const float *white, const uint64_t *groups,
                                    size_t count)
{
    size_t dim = (size_t)known->dim;
    struct known_queue *q = xcalloc(1, sizeof *q);
    q->dim = known->dim;
    q->count = count;
    q->directions = xreallocarray(NULL, count * dim + 1, sizeof *q->directions);
    q->sums = xcalloc(count + 1, sizeof *q->sums);
    q->measures = xcalloc(count + 1, sizeof *q->measures);
    q->cosines = xcalloc(count + 1, sizeof *q->cosines);
    q->answer = xcalloc(dim, sizeof *q->answer);
    if (groups) {
        q->groups = xcalloc(count + 1, sizeof *q->groups);
        memcpy(q->groups, groups, count * sizeof *q->groups);
    }
    directions_of(white, known->dim, count, q->directions);
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        for (int side = 0; side < 2; side++)
            add_side(known, side, q->directions + first * dim, q->groups ? q->groups + first : NULL, n,
                     q->sums + first);
    }
    for (size_t i = 0; i < count; i++)
        q->measures[i] = measure_of(q->sums[i]);
    return q;
}

void known_queue_free(struct known_queue *queue)
{
    if (!queue)
        return;
    free(queue->directions);
    free(queue->groups);
    free(queue->sums);
    free(queue->measures);
    free(queue->cosines);
    free(queue->answer);
    free(queue);
}

void known_queue_answer(struct known_queue *q, bool defect, const float *white, uint64_t group)
{
    if (!q->count || !direction(white, q->dim, q->answer))
        return;
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)q->count, q->dim, 1, q->directions, q->dim, q->answer,
                1, 0, q->cosines, 1);
    for (size_t i = 0; i < q->count; i++) {
        if (q->groups && q->groups[i] == group)
            continue;
        q->sums[i][defect].kernels += exp(kappa * q->cosines[i]);
        q->sums[i][defect].rows++;
        q->measures[i] = measure_of(q->sums[i]);
    }
}

const double *known_queue_measures(const struct known_queue *queue)
{
    return queue->measures;
}
