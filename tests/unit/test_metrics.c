#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/metrics.h"

#define near(a, b) assert_true(fabs((a) - (b)) < 1e-12)

// Pairs counted one by one.
static double naive_auroc(const double *s, const bool *defect, int n)
{
    double wins = 0, pairs = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            if (defect[i] && !defect[j]) {
                pairs++;
                wins += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
            }
        }
    }
    return wins / pairs;
}

// Precision and recall at every score taken as a threshold.
static void at_threshold(const double *s, const bool *defect, int n, double t, double *tp, double *fp)
{
    *tp = *fp = 0;
    for (int i = 0; i < n; i++)
        if (s[i] >= t)
            ++*(defect[i] ? tp : fp);
}

static double naive_ap(const double *s, const bool *defect, int n, int levels)
{
    double defects = 0, ap = 0, before = 0, tp, fp;
    for (int i = 0; i < n; i++)
        defects += defect[i];
    for (int t = levels; t >= 0; t--) {
        at_threshold(s, defect, n, t, &tp, &fp);
        if (tp > before)
            ap += (tp - before) / defects * tp / (tp + fp);
        before = tp;
    }
    return ap;
}

static double naive_filtered(const double *s, const bool *defect, int n, int levels, int need)
{
    double tp, fp, normals = 0;
    for (int i = 0; i < n; i++)
        normals += !defect[i];
    for (int t = levels; t >= 0; t--) {
        at_threshold(s, defect, n, t, &tp, &fp);
        if (tp >= need)
            return 1 - fp / normals;
    }
    return NAN;
}

static void figures_match_their_definitions(void **state)
{
    (void)state;
    enum { N = 130, LEVELS = 25 };
    struct rng rng = rng_seed(3);
    double s[N];
    bool defect[N];
    for (int round = 0; round < 20; round++) {
        int defects = 0;
        for (int i = 0; i < N; i++) {
            defect[i] = rng_below(&rng, 4) == 0;
            defects += defect[i];
            s[i] = (double)rng_below(&rng, LEVELS - 5) + (defect[i] ? 5 : 0); // whole numbers: many ties
        }
        near(metrics_auroc(s, defect, N), naive_auroc(s, defect, N));
        near(metrics_ap(s, defect, N), naive_ap(s, defect, N, LEVELS));
        near(metrics_filtered(s, defect, N, 0.9),
             naive_filtered(s, defect, N, LEVELS, (int)ceil(0.9 * defects - 1e-9)));
        near(metrics_filtered(s, defect, N, 1), naive_filtered(s, defect, N, LEVELS, defects));
        const double recalls[] = {0.5, 0.9, 0.9824, 1};
        for (int r = 0; r < 4; r++) { // what lies below the threshold is what is filtered at that recall
            double t = metrics_threshold(s, defect, N, recalls[r]), below = 0;
            for (int i = 0; i < N; i++)
                below += !defect[i] && s[i] < t;
            near(below / (N - defects), metrics_filtered(s, defect, N, recalls[r]));
        }
        struct metrics m = metrics_all(s, defect, NULL, N, 0, 1);
        near(m.filtered99, naive_filtered(s, defect, N, LEVELS, (int)ceil(0.99 * defects)));
        near(m.auroc, naive_auroc(s, defect, N));
        near(m.filtered9824, naive_filtered(s, defect, N, LEVELS, (int)ceil(0.9824 * defects)));
        assert_int_equal(m.defects, defects);
        assert_int_equal(m.normals, N - defects);
        assert_true(isnan(m.auroc_ci.low));
    }
}

static void small_cases_by_hand(void **state)
{
    (void)state;
    // average_precision_score([0,0,1,1], [.1,.4,.35,.8]) = 0.8333...: the example in scikit-learn's manual
    const double s[] = {0.1, 0.4, 0.35, 0.8};
    const bool defect[] = {false, false, true, true};
    near(metrics_ap(s, defect, 4), 5.0 / 6);
    near(metrics_auroc(s, defect, 4), 0.75);
    near(metrics_filtered(s, defect, 4, 0.5), 1);
    near(metrics_filtered(s, defect, 4, 0.51), 0.5);
    const double equal[] = {1, 1, 1, 1};
    near(metrics_auroc(equal, defect, 4), 0.5);
    near(metrics_filtered(equal, defect, 4, 0.9), 0);
    assert_true(isnan(metrics_auroc(s, defect, 2)));
    assert_true(isnan(metrics_ap(s, defect + 2, 2)));
    assert_true(isnan(metrics_filtered(s, defect, 0, 0.9)));
    near(metrics_threshold(s, defect, 4, 0.5), 0.8);
    near(metrics_threshold(s, defect, 4, 0.51), 0.35);
    assert_true(isnan(metrics_threshold(s, defect, 2, 0.9)));
    // 0.9 * 10 defects are 9, whatever the rounding
    double ten[11];
    bool all[11];
    for (int i = 0; i < 11; i++) {
        ten[i] = i; // the lowest defect is below the one normal
        all[i] = i != 1;
    }
    near(metrics_filtered(ten, all, 11, 0.9), 1);
    near(metrics_filtered(ten, all, 11, 0.91), 0);
}

static void intervals_cover_and_widen_with_groups(void **state)
{
    (void)state;
    enum { GROUPS = 60, EACH = 5, N = GROUPS * EACH };
    int covered = 0;
    double alone = 0, grouped = 0;
    for (int round = 0; round < 100; round++) {
        struct rng rng = rng_seed((uint64_t)round);
        double s[N];
        bool defect[N];
        uint64_t groups[N], singles[N];
        for (int g = 0; g < GROUPS; g++) {
            double common = rng_normal(&rng);
            for (int i = g * EACH; i < (g + 1) * EACH; i++) {
                defect[i] = g % 3 == 0;
                groups[i] = (uint64_t)g * 1000003;
                singles[i] = (uint64_t)i;
                s[i] = common + 0.2 * rng_normal(&rng) + (defect[i] ? 1.442 : 0);
            }
        }
        struct metrics a = metrics_all(s, defect, groups, N, 200, 1);
        struct metrics b = metrics_all(s, defect, singles, N, 200, 1);
        double truth = 0.5 * erfc(-1.442 / sqrt(2 * 1.04) / sqrt(2)); // two normals, variance 1.04 each
        covered += a.auroc_ci.low <= truth && truth <= a.auroc_ci.high;
        grouped += a.auroc_ci.high - a.auroc_ci.low;
        alone += b.auroc_ci.high - b.auroc_ci.low;
        assert_true(a.auroc_ci.low <= a.auroc && a.auroc <= a.auroc_ci.high);
        assert_true(a.filtered95_ci.low <= a.filtered95_ci.high);
        struct metrics again = metrics_all(s, defect, groups, N, 200, 1);
        near(again.ap_ci.high, a.ap_ci.high);
    }
    assert_in_range(covered, 85, 99);
    assert_true(grouped > 1.5 * alone); // pictures of one thing are not independent
}

static void draws_without_a_class_are_drawn_again(void **state)
{
    (void)state;
    const double s[] = {1, 2, 3};
    const bool defect[] = {false, false, true};
    const uint64_t groups[] = {7, 7, 9}; // half of the draws have one class only
    struct metrics m = metrics_all(s, defect, groups, 3, 50, 1);
    near(m.auroc_ci.low, 1);
    near(m.auroc_ci.high, 1);
}

// Groups that are hit as a whole or not at all: the share's interval is that of as many coins as there are groups.
static void shares_are_as_sure_as_there_are_groups(void **state)
{
    (void)state;
    enum { GROUPS = 100, EACH = 4, N = GROUPS * EACH + 50 };
    int covered = 0;
    double width = 0;
    for (int round = 0; round < 200; round++) {
        struct rng rng = rng_seed((uint64_t)round);
        bool among[N], hit[N];
        uint64_t groups[N];
        for (int i = 0; i < N; i++) {
            among[i] = i < GROUPS * EACH;
            groups[i] = among[i] ? (uint64_t)(i / EACH) * 77 : 5; // the others are in a group of their own
            hit[i] = !among[i] || (i % EACH == 0 ? rng_uniform(&rng) < 0.7 : hit[i - 1]);
        }
        struct metrics_interval ci = metrics_share(among, hit, groups, N, 200, 1);
        covered += ci.low <= 0.7 && 0.7 <= ci.high;
        width += (ci.high - ci.low) / 200;
        struct metrics_interval again = metrics_share(among, hit, groups, N, 200, 1);
        near(ci.low, again.low);
        near(ci.high, again.high);
    }
    assert_in_range(covered, 176, 199); // 95 % of 200 give or take 4 sd, less what percentiles lose
    double binomial = 2 * 1.96 * sqrt(0.7 * 0.3 / GROUPS);
    assert_true(fabs(width - binomial) < 0.1 * binomial);
}

static void shares_of_nothing_and_of_all(void **state)
{
    (void)state;
    const bool none[] = {false, false, false}, all[] = {true, true, true}, one[] = {false, false, true};
    const uint64_t groups[] = {1, 2, 3};
    assert_true(isnan(metrics_share(none, all, groups, 3, 50, 1).low));
    assert_true(isnan(metrics_share(all, all, groups, 0, 50, 1).low));
    assert_true(isnan(metrics_share(all, all, groups, 3, 0, 1).high));
    struct metrics_interval ci = metrics_share(one, all, groups, 3, 50, 1); // draws without the one are drawn again
    near(ci.low, 1);
    near(ci.high, 1);
    near(metrics_share(one, none, groups, 3, 50, 1).high, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_match_their_definitions),
        cmocka_unit_test(small_cases_by_hand),
        cmocka_unit_test(intervals_cover_and_widen_with_groups),
        cmocka_unit_test(draws_without_a_class_are_drawn_again),
        cmocka_unit_test(shares_are_as_sure_as_there_are_groups),
        cmocka_unit_test(shares_of_nothing_and_of_all),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
