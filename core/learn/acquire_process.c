#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/acquire_impl.h"

// Regression on the answers, 0 and 1 (Rasmussen & Williams 2006, 6.5), which needs no iteration and whose
// Cholesky factor grows by a row with every answer. What the score says is the prior mean, so that without
// answers nearby the order is that of the scores.
static const double amplitude = 0.15, local = 0.7,
                    noise = 0.05; // variance of the process, its local share, of answers
// Prior of the mean's log-odds: 5 % at the threshold, ten times the odds for two units of score. Standard deviations below:
// some ten answers move them. What a trained model says is in the score.
static const double bend_mean[2] = {-2.94, 1.15}, bend_deviation[2] = {1.5, 0.5};

static double capped(double above) // farther above, a score tells no more
{
    return fmin(above, 6);
}

static bool says(const struct acquire_candidate *c)
{
    return c->answer == ACQUIRE_NORMAL || c->answer == ACQUIRE_DEFECT;
}

double acquire_score_chance(const struct acquire *a, double above)
{
    const double *w = a->process.bend;
    return acquire_logistic(w[0] + w[1] * capped(above));
}

// One Newton step of the logistic regression with that prior.
static void bend_step(const struct acquire *a, double w[2])
{
    double g[2], h[2][2] = {{0}};
    for (int i = 0; i < 2; i++) {
        double v = bend_deviation[i] * bend_deviation[i];
        g[i] = (bend_mean[i] - w[i]) / v;
        h[i][i] = 1 / v;
    }
    for (size_t n = 0; n < a->count; n++) {
        const struct acquire_candidate *c = &a->candidates[n];
        if (!says(c))
            continue;
        const double x[2] = {1, capped(c->score - c->threshold)};
        double p = acquire_logistic(w[0] + w[1] * x[1]);
        for (int i = 0; i < 2; i++) {
            g[i] += ((c->answer == ACQUIRE_DEFECT) - p) * x[i];
            for (int j = 0; j < 2; j++)
                h[i][j] += p * (1 - p) * x[i] * x[j];
        }
    }
    double det = h[0][0] * h[1][1] - h[0][1] * h[0][1];
    w[0] += (h[1][1] * g[0] - h[0][1] * g[1]) / det;
    w[1] += (h[0][0] * g[1] - h[0][1] * g[0]) / det;
    w[1] = fmax(w[1], 0.05); // a higher score never speaks for normal
}

static void fit_mean(struct acquire *a)
{
    struct acquire_process *p = &a->process;
    for (int step = 0; step < 4; step++) // from where it was: an answer moves it little
        bend_step(a, p->bend);
    for (size_t i = 0; i < a->count; i++)
        p->mean[i] = acquire_score_chance(a, a->candidates[i].score - a->candidates[i].threshold);
}

// Length: from the typical distance of two candidates, on a sample in steps.
static void measure(struct acquire *a)
{
    enum { SAMPLE = 512 };
    double square = 0, norm = 0;
    size_t n = a->count < SAMPLE ? a->count : SAMPLE;
    for (size_t i = 0; i < n; i++) {
        const float *x = a->candidates[i * a->count / n].point;
        const float *y = a->candidates[(i * 7919 + 1) % n * a->count / n].point;
        square += (double)acquire_distance2(x, y);
        norm += (double)cblas_sdot(ACQUIRE_POINT, x, 1, x, 1);
    }
    a->process.scale = square > 0 ? 2 * (double)n / square : 1; // length: half the typical distance
    a->process.length2 = norm > 0 ? norm / (double)n : 1;
}

static double kernel(const struct acquire *a, const float *x, const float *y)
{
    const struct acquire_process *p = &a->process;
    double far = (double)acquire_distance2(x, y) * p->scale;
    double near = far < 40 ? exp(-far) : 0;
    return amplitude *
           (local * near + (1 - local) * (double)cblas_sdot(ACQUIRE_POINT, x, 1, y, 1) / p->length2);
}

void acquire_process_init(struct acquire *a)
{
    struct acquire_process *p = &a->process;
    *p = (struct acquire_process){.count = a->count,
                                  .mean = xcalloc(a->count + 1, sizeof(double)),
                                  .posterior = xcalloc(a->count + 1, sizeof(float)),
                                  .answered = xcalloc(ACQUIRE_COLUMNS, sizeof(size_t)),
                                  .weights = xcalloc(ACQUIRE_COLUMNS, sizeof(float))};
    memcpy(p->bend, bend_mean, sizeof p->bend);
    measure(a);
}

void acquire_process_clear(struct acquire_process *p)
{
    free(p->mean);
    free(p->posterior);
    free(p->answered);
    free(p->weights);
    free(p->rows);
    free(p->factor);
    *p = (struct acquire_process){0};
}

static double *factor_row(const struct acquire_process *p, size_t row)
{
    return p->factor + row * (row + 1) / 2;
}

void acquire_process_add(struct acquire *a, size_t index)
{
    struct acquire_process *p = &a->process;
    size_t n = p->columns;
    if (n == ACQUIRE_COLUMNS)
        return;
    if ((n & (n - 1)) == 0) { // a power of two, or none yet
        size_t room = n ? 2 * n : 1;
        p->rows = xreallocarray(p->rows, room * p->count, sizeof *p->rows);
        p->factor = xreallocarray(p->factor, room * (room + 1) / 2, sizeof *p->factor);
    }
    float *row = p->rows + n * p->count, *known = xcalloc(n + 1, sizeof *known);
    double *factor = factor_row(p, n), left = noise;
    for (size_t i = 0; i < p->count; i++)
        row[i] = (float)kernel(a, a->candidates[i].point, a->candidates[index].point);
    left += (double)row[index];
    for (size_t c = 0; c < n; c++) {
        known[c] = p->rows[c * p->count + index];
        factor[c] = (double)known[c];
        left -= factor[c] * factor[c];
    }
    factor[n] = sqrt(fmax(left, noise / 2)); // never below the noise but for rounding
    if (n > 0)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)n, (int)p->count, -1, p->rows, (int)p->count, known, 1, 1,
                    row, 1);
    cblas_sscal((int)p->count, (float)(1 / factor[n]), row, 1);
    p->answered[n] = index;
    p->columns++;
    free(known);
}

void acquire_process_believe(struct acquire *a)
{
    struct acquire_process *p = &a->process;
    fit_mean(a);
    for (size_t c = 0; c < p->columns; c++) {
        size_t i = p->answered[c];
        const double *factor = factor_row(p, c);
        double left = (a->candidates[i].answer == ACQUIRE_DEFECT) - p->mean[i];
        for (size_t b = 0; b < c; b++)
            left -= factor[b] * (double)p->weights[b];
        p->weights[c] = (float)(left / factor[c]);
    }
    for (size_t i = 0; i < p->count; i++)
        p->posterior[i] = (float)p->mean[i];
    if (p->columns > 0)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)p->columns, (int)p->count, 1, p->rows, (int)p->count,
                    p->weights, 1, 1, p->posterior, 1);
}
