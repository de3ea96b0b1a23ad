#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/vicreg.h"

static const double covariance_weight = 1 / 25.0, floor_variance = 1e-4;

static void centre(float *z, size_t cells, size_t d)
{
    double *mean = xcalloc(d, sizeof *mean);
    for (size_t i = 0; i < cells; i++)
        for (size_t k = 0; k < d; k++)
            mean[k] += z[i * d + k];
    for (size_t k = 0; k < d; k++)
        mean[k] /= (double)cells;
    for (size_t i = 0; i < cells; i++)
        for (size_t k = 0; k < d; k++)
            z[i * d + k] -= (float)mean[k];
    free(mean);
}

// z: centred view; grad += its gradient of the variance and covariance terms, as a product z * matrix, where the
// matrix is diagonal for the variance (d sd / d z = z / ((n - 1) sd)) and the covariance without its diagonal
// (d sum C^2 / d z = 4 z C / (n - 1)). Subtracting the mean changes neither: z and z C are centred.
static double spread(const float *z, size_t cells, size_t d, double factor, float *matrix, float *grad)
{
    double loss = 0, rest = (double)cells - 1;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)d, (blasint)d, (blasint)cells, (float)(1 / rest), z,
                (blasint)d, z, (blasint)d, 0, matrix, (blasint)d);
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d; k++) {
            double c = matrix[i * d + k], slope;
            if (i == k) {
                double sd = sqrt(c + floor_variance);
                loss += sd < 1 ? (1 - sd) / (double)d : 0;
                slope = sd < 1 ? -1 / (rest * sd * (double)d) : 0;
            } else {
                loss += covariance_weight * c * c / (double)d;
                slope = covariance_weight * 4 * c / (rest * (double)d);
            }
            matrix[i * d + k] = (float)(factor * slope);
        }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)cells, (blasint)d, (blasint)d, 1, z, (blasint)d,
                matrix, (blasint)d, 1, grad, (blasint)d);
    return loss;
}

double vicreg(float *a, float *b, size_t cells, int channels, double factor, float *scratch)
{
    size_t d = (size_t)channels, count = cells * d;
    float *matrix = scratch, *grad_a = scratch + d * d, *grad_b = grad_a + count;
    double loss = 0, slope = 2 * factor / (double)count;
    for (size_t i = 0; i < count; i++) {
        double apart = (double)a[i] - b[i];
        loss += apart * apart / (double)count;
        grad_a[i] = (float)(slope * apart);
        grad_b[i] = -grad_a[i];
    }
    centre(a, cells, d);
    centre(b, cells, d);
    loss += spread(a, cells, d, factor, matrix, grad_a);
    loss += spread(b, cells, d, factor, matrix, grad_b);
    memcpy(a, grad_a, count * sizeof *a);
    memcpy(b, grad_b, count * sizeof *b);
    return loss;
}
