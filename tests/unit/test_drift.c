// Drift: how soon a shift is told and how rarely nothing is, by simulation with fixed seeds; the
// compensation.
#include "tests/unit/test.h"

#include <math.h>

#include "base/rng.h"
#include "screen/drift.h"

static struct drift_arrival arrival(int64_t picture, double z)
{
    return (struct drift_arrival){.picture = picture, .score = drift_score(z), .level = 100, .sharp = -0.3};
}

static void test_normal_and_back(void **state)
{
    (void)state;
    // scipy.stats.norm.isf of 10^-score
    static const double known[][2] = {{0.30102999566398120, 0},  {1, 1.2815515655446004},
                                      {3, 3.0902323061678132},   {12, 7.034483825301131},
                                      {100, 21.273453560363144}, {300, 37.0471}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_float_equal(drift_normal(known[i][0]), known[i][1], 1e-3);
    double last = -50;
    for (double score = 0; score < 1e6; score = score * 1.1 + 0.01) {
        double z = drift_normal(score);
        assert_true(isfinite(z) && z >= last);
        last = z;
        if (score > 1e-9)
            assert_true(fabs(drift_score(z) - score) < 1e-6 * (1 + score));
    }
    assert_true(isfinite(drift_normal(-1)) && isfinite(drift_normal(NAN)));
}

// Pictures until a shift by `size`, that comes after `before` normal ones, is told; -1 when something was
// told before it.
static int64_t delay(uint64_t seed, int64_t before, double size, struct drift_finding *f)
{
    struct rng rng = rng_seed(seed);
    struct drift drift = {0};
    for (int64_t i = 0; i < before; i++) {
        struct drift_arrival a = arrival(i, rng_normal(&rng));
        if (drift_add(&drift, &a, f))
            return -1;
    }
    for (int64_t i = 0;; i++) {
        struct drift_arrival a = arrival(before + i, size + rng_normal(&rng));
        a.level = 60;
        if (drift_add(&drift, &a, f))
            return i + 1;
    }
}

static void test_delay(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t worst = 0, sum = 0, away = 0;
        double darker = 0;
        for (uint64_t seed = 0; seed < 2000; seed++) {
            struct drift_finding f;
            int64_t before = (int64_t)(seed % 7) * 300, took = delay(seed, before, sign, &f);
            assert_true(took > 0);
            worst = took > worst ? took : worst;
            sum += took;
            away += llabs(f.since - before);
            assert_int_equal(f.at, before + took - 1);
            assert_true(f.after * sign > 0.4 && f.after * sign < 1.6);
            if (before && f.since > 100)
                assert_true(fabs(f.before) < 0.3 && fabs(f.level_before - 100) < 3);
            darker += f.level_after;
        }
        printf("# a shift of %+d sd is told after %.0f pictures, %lld at most; where it began is told %.0f "
               "off\n",
               sign, (double)sum / 2000, (long long)worst, (double)away / 2000);
        assert_true(worst <= 200);
        assert_true((double)away / 2000 < 30);
        assert_true(fabs(darker / 2000 - 60) < 3);
    }
}

// Findings in `count` pictures in which nothing happens. burst: pictures that show the same thing; odd: share
// of pictures with a defect; off: how much the reference was off.
static int findings(uint64_t seed, int64_t count, int burst, double odd, double off)
{
    struct rng rng = rng_seed(seed);
    struct drift drift = {0};
    struct drift_finding f;
    int found = 0;
    double same = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i % burst == 0)
            same = rng_normal(&rng);
        double z = burst == 1 ? same : 0.9 * same + sqrt(1 - 0.81) * rng_normal(&rng);
        if (rng_uniform(&rng) < odd)
            z += 8;
        struct drift_arrival a = arrival(i, z + off);
        found += drift_add(&drift, &a, &f);
    }
    return found;
}

static void test_rarely_without_cause(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int burst;
        double odd, off;
    } cases[] = {{"independent", 1, 0, 0},
                 {"bursts of 3", 3, 0, 0},
                 {"1 % defects", 1, 0.01, 0},
                 {"reference 0.15 sd off", 1, 0, 0.15},
                 {"all of it", 3, 0.01, 0.1}};
    enum { RUNS = 5, PICTURES = 200000 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int found = 0;
        for (uint64_t seed = 0; seed < RUNS; seed++)
            found += findings(1000 + seed, PICTURES, cases[c].burst, cases[c].odd, cases[c].off);
        printf("# %-22s told %d times in %d pictures\n", cases[c].what, found, RUNS * PICTURES);
        assert_true(found * 50000LL <= RUNS * PICTURES);
        if (c == 0)
            assert_int_equal(found, 0);
    }
}

static void test_told_once_and_its_end(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct rng rng = rng_seed(seed);
        struct drift drift = {0};
        struct drift_finding f;
        int found = 0;
        for (int64_t i = 0; i < 5000; i++) {
            double shift = i >= 1000 && i < 4000 ? 1.2 : 0;
            struct drift_arrival a = arrival(i, shift + rng_normal(&rng));
            if (drift_add(&drift, &a, &f)) {
                found++;
                assert_true(found == 1 ? i > 1000 && i < 1200 && f.after > f.before
                                       : i > 4000 && i < 4300 && f.after < f.before);
            }
            if (i == 3999) {
                assert_true(drift.moved);
                assert_true(fabs(drift_shift(&drift) - 1.2) < 0.35);
            }
        }
        assert_int_equal(found, 2);
        assert_false(drift.moved);
        assert_true(drift_shift(&drift) == 0);
    }
}

// A slow ramp: with the compensation about as many pictures are beyond the threshold as before.
static void test_compensation(void **state)
{
    (void)state;
    struct rng rng = rng_seed(5);
    struct drift drift = {0};
    struct drift_finding f;
    double threshold = -log10(0.004), most = 0;
    int plain = 0, kept = 0, lost = 0, defects = 0;
    for (int64_t i = 0; i < 20000; i++) {
        double shift = i < 2000 ? 0 : i < 10000 ? 2.5 * (double)(i - 2000) / 8000 : 2.5;
        bool defect = i % 500 == 0;
        struct drift_arrival a = arrival(i, shift + rng_normal(&rng) + (defect ? 6 : 0));
        double score = drift_compensate(&drift, a.score);
        assert_true(fabs(drift_shift(&drift)) <= DRIFT_BOUND);
        most = fmax(most, drift_shift(&drift));
        drift_add(&drift, &a, &f);
        plain += !defect && a.score >= threshold;
        kept += !defect && score >= threshold;
        defects += defect;
        lost += defect && score < threshold;
    }
    printf("# a ramp to 2.5 sd: %d of 20000 normals beyond the threshold, %d compensated (shift up to %.2f); "
           "%d of %d"
           " defects lost by it\n",
           plain, kept, most, lost, defects);
    assert_true(plain > 4000);
    assert_true(kept < 20000 * 0.012);
    assert_int_equal(lost, 0);
    // beyond the bound it is not hidden any more
    for (int64_t i = 0; i < 3000; i++) {
        struct drift_arrival a = arrival(i, 6);
        drift_add(&drift, &a, &f);
    }
    assert_true(drift_shift(&drift) == DRIFT_BOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_and_back),      cmocka_unit_test(test_delay),
        cmocka_unit_test(test_rarely_without_cause), cmocka_unit_test(test_told_once_and_its_end),
        cmocka_unit_test(test_compensation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
