#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/gaussian.h"

// Correlated rows with unequal variances and a mean far from zero.
static float *correlated(size_t count, int dim, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *rows = xcalloc(count * (size_t)dim, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        double common = rng_normal(&rng), drift = 0;
        for (int j = 0; j < dim; j++) {
            drift = 0.7 * drift + rng_normal(&rng);
            rows[i * (size_t)dim + (size_t)j] = (float)(100 + (1 + j % 5) * (drift + common));
        }
    }
    return rows;
}

// The estimator as the paper writes it (section 3.2), element by element: m, d^2,
// b-bar^2 as a mean over the rows' x x', and the distance by elimination.
struct naive {
    int dim;
    double shrinkage, *mean, *cov;
};

static struct naive naive_fit(const float *rows, size_t n, int d)
{
    struct naive f = {.dim = d,
                      .mean = xcalloc((size_t)d, sizeof(double)),
                      .cov = xcalloc((size_t)(d * d), sizeof(double))};
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < d; j++)
            f.mean[j] += rows[i * (size_t)d + (size_t)j] / (double)n;
    double m = 0, d2 = 0, b2 = 0;
    for (int j = 0; j < d; j++) {
        for (int k = 0; k < d; k++) {
            for (size_t i = 0; i < n; i++)
                f.cov[j * d + k] += (rows[i * (size_t)d + (size_t)j] - f.mean[j]) *
                                    (rows[i * (size_t)d + (size_t)k] - f.mean[k]) / (double)n;
        }
        m += f.cov[j * d + j] / d;
    }
    for (int j = 0; j < d; j++)
        for (int k = 0; k < d; k++)
            d2 += pow(f.cov[j * d + k] - (j == k ? m : 0), 2) / d;
    for (size_t i = 0; i < n; i++) {
        for (int j = 0; j < d; j++) {
            for (int k = 0; k < d; k++) {
                double product = (rows[i * (size_t)d + (size_t)j] - f.mean[j]) *
                                 (rows[i * (size_t)d + (size_t)k] - f.mean[k]);
                b2 += pow(product - f.cov[j * d + k], 2) / d / (double)n / (double)n;
            }
        }
    }
    f.shrinkage = fmin(b2, d2) / d2;
    for (int j = 0; j < d; j++)
        for (int k = 0; k < d; k++)
            f.cov[j * d + k] = (1 - f.shrinkage) * f.cov[j * d + k] + (j == k ? f.shrinkage * m : 0);
    return f;
}

static double naive_distance(const struct naive *f, const float *row)
{
    int d = f->dim;
    double *a = xcalloc((size_t)(d * d), sizeof *a), *y = xcalloc((size_t)d, sizeof *y), sum = 0;
    memcpy(a, f->cov, (size_t)(d * d) * sizeof *a);
    for (int j = 0; j < d; j++)
        y[j] = row[j] - f->mean[j];
    for (int p = 0; p < d; p++) {
        for (int r = p + 1; r < d; r++) {
            double factor = a[r * d + p] / a[p * d + p];
            for (int c = p; c < d; c++)
                a[r * d + c] -= factor * a[p * d + c];
            y[r] -= factor * y[p];
        }
        sum += y[p] * y[p] / a[p * d + p];
    }
    free(a);
    free(y);
    return sum;
}

static void compare(size_t count, int dim)
{
    struct error err;
    struct gaussian g;
    size_t fresh = 300; // more than a block
    float *rows = correlated(count, dim, 5), *others = correlated(fresh, dim, 6);
    double *got = xcalloc(fresh, sizeof *got), again;
    assert_ok(gaussian_fit(rows, count, dim, &g, &err), &err);
    struct naive f = naive_fit(rows, count, dim);
    assert_true(f.shrinkage > 0.001 && f.shrinkage < 0.999);
    assert_true(fabs(g.shrinkage - f.shrinkage) < 1e-9);
    gaussian_distances(&g, others, fresh, got);
    for (size_t i = 0; i < fresh; i++) {
        double want = naive_distance(&f, others + i * (size_t)dim);
        assert_true(fabs(got[i] - want) < 1e-3 * want);
    }
    gaussian_distances(&g, others + 299 * (size_t)dim, 1, &again);
    assert_true(fabs(again - got[299]) < 1e-4 * again);
    free(f.mean);
    free(f.cov);
    free(got);
    free(rows);
    free(others);
    gaussian_clear(&g);
}

static void matches_the_paper_with_more_rows_than_columns(void **state)
{
    (void)state;
    compare(400, 30);
}

static void matches_the_paper_with_fewer_rows_than_columns(void **state)
{
    (void)state;
    compare(25, 60);
}

static void a_distance_of_white_rows_is_their_norm(void **state)
{
    (void)state;
    struct error err;
    struct gaussian g;
    const float rows[] = {1, 0, -1, 0, 0, 1, 0, -1}; // covariance I/2, mean 0
    const float far[] = {3, 4};
    double distance;
    assert_ok(gaussian_fit(rows, 4, 2, &g, &err), &err);
    gaussian_distances(&g, far, 1, &distance);
    assert_true(fabs(distance - 50) < 1e-3);
    gaussian_distances(&g, NULL, 0, NULL);
    gaussian_clear(&g);
}

static void two_rows_get_a_ridge(void **state)
{
    (void)state;
    struct error err;
    struct gaussian g;
    const float rows[] = {1, 2, 3, 2, 2, 2};
    double distances[2];
    assert_ok(gaussian_fit(rows, 2, 3, &g, &err), &err); // rank one, and no fourth moment to shrink by
    gaussian_distances(&g, rows, 2, distances);
    assert_true(isfinite(distances[0]) && fabs(distances[0] - distances[1]) < 1e-2);
    gaussian_clear(&g);
}

static void rows_without_information_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct gaussian g;
    float rows[3 * 4];
    for (int i = 0; i < 12; i++)
        rows[i] = 0.1f * (float)(1 + i % 4); // three identical rows
    assert_status(gaussian_fit(rows, 3, 4, &g, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "same features"));
    assert_status(gaussian_fit(rows, 1, 4, &g, &err), ST_INVALID, &err);
    rows[5] = 0.7f;
    assert_ok(gaussian_fit(rows, 3, 4, &g, &err), &err);
    gaussian_clear(&g);
    rows[7] = NAN;
    assert_status(gaussian_fit(rows, 3, 4, &g, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "picture 2"));
    rows[7] = INFINITY;
    assert_status(gaussian_fit(rows, 3, 4, &g, &err), ST_INVALID, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_paper_with_more_rows_than_columns),
        cmocka_unit_test(matches_the_paper_with_fewer_rows_than_columns),
        cmocka_unit_test(a_distance_of_white_rows_is_their_norm),
        cmocka_unit_test(two_rows_get_a_ridge),
        cmocka_unit_test(rows_without_information_are_refused),
    };
    return cmocka_run_group_tests_name("gaussian", tests, NULL, NULL);
}
