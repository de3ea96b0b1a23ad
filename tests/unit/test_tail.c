#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/tail.h"

enum { N = 800, SEEDS = 200 };

enum law { EXPONENTIAL, SQUARED_NORMAL, PARETO, LAWS };

static double draw(enum law law, struct rng *rng)
{
    double u = 1 - rng_uniform(rng), z = rng_normal(rng);
    return law == EXPONENTIAL ? -log(u) : law == SQUARED_NORMAL ? z * z : pow(u, -0.25);
}

static double exceedance(enum law law, double x)
{
    return law == EXPONENTIAL ? exp(-x) : law == SQUARED_NORMAL ? erfc(sqrt(x / 2)) : pow(x, -4);
}

static void sample(enum law law, double contamination, uint64_t seed, double *x, size_t n)
{
    struct rng rng = rng_seed(seed * LAWS + law);
    for (size_t i = 0; i < n; i++) {
        x[i] = draw(law, &rng);
        if ((double)i < contamination * (double)n)
            x[i] = 1000 + 100 * rng_uniform(&rng);
    }
}

// The share of normals beyond the fitted 99.6 % quantile, on average over the seeds.
static void flagged_share_is_kept(void **state)
{
    (void)state;
    static const double contaminations[] = {0, 0.005, 0.0125, 0.02};
    struct error err;
    for (int law = 0; law < LAWS; law++) {
        for (int c = 0; c < 4; c++) {
            double x[N], sum = 0;
            for (int seed = 0; seed < SEEDS; seed++) {
                struct tail tail;
                sample((enum law)law, contaminations[c], (uint64_t)seed, x, N);
                assert_ok(tail_fit(x, N, &tail, &err), &err);
                sum += exceedance((enum law)law, tail_quantile(&tail, 0.004)) / SEEDS;
            }
            if (!(sum > 0.002 && sum < 0.008))
                fail_msg("law %d, contamination %g: %.3f %% flagged, not about 0.4", law, contaminations[c],
                         100 * sum);
        }
    }
}

// With many scores nothing is left of the priors.
static void quantiles_converge(void **state)
{
    (void)state;
    enum { MANY = 20000, ROUNDS = 10, POINTS = 6 };
    static const double p[POINTS] = {0.9, 0.5, 0.2, 0.05, 0.01, 0.004};
    struct error err;
    double *x = xcalloc(MANY, sizeof *x);
    for (int law = 0; law < PARETO; law++) {
        double mean[POINTS] = {0};
        for (uint64_t round = 0; round < ROUNDS; round++) {
            struct tail tail;
            sample((enum law)law, 0, round, x, MANY);
            assert_ok(tail_fit(x, MANY, &tail, &err), &err);
            for (int i = 0; i < POINTS; i++)
                mean[i] += exceedance((enum law)law, tail_quantile(&tail, p[i])) / ROUNDS;
        }
        for (int i = 0; i < POINTS; i++)
            if (!(fabs(mean[i] - p[i]) < 0.1 * p[i]))
                fail_msg("law %d: the fitted %g quantile is exceeded by %g", law, p[i], mean[i]);
    }
    free(x);
}

static void check_shape(const struct tail *t)
{
    double before = 1, far = t->start + 400 * t->scale;
    for (double x = t->grid[0] - 1; x < t->start; x += (t->start - t->grid[0]) / 500) {
        assert_true(tail_probability(t, x) <= before);
        before = tail_probability(t, x);
    }
    double at = tail_score(t, t->start);
    assert_true(fabs(tail_score(t, nextafter(t->start, -INFINITY)) - at) < 1e-9);
    for (double x = t->start; x < far; x += t->scale / 7) {
        double next = x + t->scale / 7, drop = tail_score(t, next) - tail_score(t, x);
        assert_true(drop > 0 && isfinite(drop));
        assert_true(tail_probability(t, next) < tail_probability(t, x) || tail_probability(t, x) == 1e-12);
        // no jump: the hazard never exceeds that at the bend of the most negative shape
        double small = tail_score(t, x + t->scale * 1e-9) - tail_score(t, x);
        assert_true(small >= 0 && small < 1e-6);
    }
    const double p[] = {0.9, 0.5, 0.11, 0.1, 0.0801, 0.05, 0.004, 1.01e-4, 0.99e-4, 1e-8, 1e-12};
    for (int i = 0; i < 11; i++)
        assert_true(fabs(tail_probability(t, tail_quantile(t, p[i])) / p[i] - 1) < 1e-6);
    assert_true(tail_probability(t, 1e300) >= 1e-12 && tail_probability(t, INFINITY) == 1e-12);
    assert_true(tail_probability(t, NAN) == 1e-12);
    assert_true(tail_probability(t, -1e300) > 0.99 && tail_probability(t, -1e300) <= 1);
}

static void probabilities_fall_and_agree_with_quantiles(void **state)
{
    (void)state;
    struct error err;
    struct tail tail;
    double x[N];
    for (int law = 0; law < LAWS; law++) {
        for (int c = 0; c < 2; c++) {
            sample((enum law)law, c * 0.02, 4, x, N);
            assert_ok(tail_fit(x, N, &tail, &err), &err);
            assert_true(tail.contamination >= 0 && tail.contamination <= 0.02);
            check_shape(&tail);
        }
    }
    struct rng rng = rng_seed(5);
    for (int i = 0; i < N; i++)
        x[i] = rng_uniform(&rng); // ends: a negative shape
    assert_ok(tail_fit(x, N, &tail, &err), &err);
    assert_true(tail.shape < 0);
    check_shape(&tail);
    for (tail.shape = -0.5; tail.shape <= 0.51; tail.shape += 0.25)
        check_shape(&tail);
    tail.shape = 0;
    tail.contamination = 0.015;
    check_shape(&tail);
}

static void odd_samples_fit_or_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct tail t;
    double x[N];
    for (int i = 0; i < N; i++)
        x[i] = 0.5;
    assert_status(tail_fit(x, N, &t, &err), ST_INVALID, &err);
    x[3] = NAN;
    assert_status(tail_fit(x, N, &t, &err), ST_INVALID, &err);
    x[3] = 0.5;
    assert_status(tail_fit(x, 15, &t, &err), ST_INVALID, &err);
    x[15] = 7; // one differs; the quantiles all coincide for the large sample
    for (size_t n = 16; n <= N; n += N - 16) {
        assert_ok(tail_fit(x, n, &t, &err), &err);
        assert_true(t.scale > 0 && isfinite(t.scale));
        assert_true(tail_probability(&t, 7) < tail_probability(&t, 0.5));
    }
    for (int i = 0; i < N; i++)
        x[i] = i < N / 2; // two values, half each
    assert_ok(tail_fit(x, N, &t, &err), &err);
    assert_true(tail_probability(&t, 1.5) < tail_probability(&t, 1));
    for (int i = 0; i < N; i++)
        x[i] = 1e-30 * i;
    assert_ok(tail_fit(x, N, &t, &err), &err);
    assert_true(tail_probability(&t, 1e-30 * 2 * N) < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flagged_share_is_kept),
        cmocka_unit_test(quantiles_converge),
        cmocka_unit_test(probabilities_fall_and_agree_with_quantiles),
        cmocka_unit_test(odd_samples_fit_or_are_refused),
    };
    return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
