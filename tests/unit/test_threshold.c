#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/rates.h"
#include "screen/threshold.h"

static struct error err;

// --- rates -------------------------------------------------------------------

// By summing, for small numbers.
static double binomial_by_sum(int most, int trials, double p)
{
    double sum = 0;
    for (int k = 0; k <= most; k++)
        sum += exp(lgamma(trials + 1.0) - lgamma(k + 1.0) - lgamma(trials - k + 1.0) + k * log(p) +
                   (trials - k) * log1p(-p));
    return sum;
}

static void binomial_tails_are_sums(void **state)
{
    (void)state;
    for (int trials = 1; trials <= 60; trials += 7)
        for (int most = 0; most < trials; most += 3)
            for (double p = 0.01; p < 1; p += 0.07)
                assert_float_equal(rates_binomial((size_t)most, (size_t)trials, p), binomial_by_sum(most, trials, p), 1e-10);
    assert_float_equal(rates_binomial(0, 1000000, 1e-6), pow(1 - 1e-6, 1e6), 1e-9);
    assert_float_equal(rates_binomial(500000, 1000001, 0.5), 0.5, 1e-6);
    assert_true(rates_binomial(5, 5, 0.3) == 1 && rates_binomial(0, 5, 0) == 1 && rates_binomial(0, 5, 1) == 0);
}

static void exact_intervals_are_those_of_the_tables(void **state)
{
    (void)state;
    // R: binom.test(x, n)$conf.int
    static const struct {
        size_t hits, trials;
        double low, high;
    } known[] = {{9, 10, 0.5549839, 0.9974714},  {0, 10, 0, 0.3084971},          {10, 10, 0.6915029, 1},
                 {1, 2, 0.01257912, 0.98742088}, {50, 100, 0.3983211, 0.6016789}, {0, 0, 0, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct rates_interval got = rates_exact(known[i].hits, known[i].trials, 0.95);
        assert_float_equal(got.low, known[i].low, 1e-6);
        assert_float_equal(got.high, known[i].high, 1e-6);
    }
    // one-sided 95 % is two-sided 90 %: 0 misses in 299 / 748 / 2995 bound 1 / 0.4 / 0.1 %
    assert_true(rates_exact(0, 299, 0.90).high <= 0.01 && rates_exact(0, 298, 0.90).high > 0.01);
    assert_true(rates_exact(0, 748, 0.90).high <= 0.004 && rates_exact(0, 747, 0.90).high > 0.004);
    assert_true(rates_exact(0, 2995, 0.90).high <= 0.001 && rates_exact(0, 2994, 0.90).high > 0.001);
}

static void agreement_beyond_chance(void **state)
{
    (void)state;
    static const int64_t known[4] = {20, 5, 10, 15}; // agreement 0.7, by chance 0.5
    assert_float_equal(rates_kappa(known, 2), 0.4, 1e-12);
    static const int64_t same[9] = {5, 0, 0, 0, 4, 0, 0, 0, 1}, one[4] = {7, 0, 0, 0}, none[4] = {0};
    assert_float_equal(rates_kappa(same, 3), 1, 1e-12);
    static const int64_t apart[4] = {0, 5, 5, 0};
    assert_float_equal(rates_kappa(apart, 2), -1, 1e-12);
    assert_true(isnan(rates_kappa(one, 2)) && isnan(rates_kappa(none, 2)));
}

// --- the threshold -----------------------------------------------------------

static void as_many_defects_as_the_tables_say(void **state)
{
    (void)state;
    assert_int_equal(threshold_needed(0.9824, 0), 169);
    assert_int_equal(threshold_needed(0.9824, 1), 268);
    assert_int_equal(threshold_needed(0.9824, 2), 356);
    assert_int_equal(threshold_needed(0.95, 0), 59);
    assert_int_equal(threshold_needed(0.99, 0), 299);
    assert_int_equal(threshold_needed(0.999, 0), 2995);
    assert_int_equal(threshold_needed(0.5, 0), 5);
}

enum { PICTURES = 1000 };

struct fixture {
    double scores[PICTURES], defects[2][PICTURES];
    struct threshold_goal goals[2];
    struct threshold_input input;
    struct threshold out;
};

// Pictures scored 0, 0.01 .. 9.99; the i-th defect of each goal i steps of 0.005 above `from`.
static struct fixture *make(size_t first, double from_first, size_t second, double from_second)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    for (int i = 0; i < PICTURES; i++) {
        f->scores[i] = 0.01 * i;
        f->defects[0][i] = from_first + 0.005 * i;
        f->defects[1][i] = from_second + 0.005 * i;
    }
    f->goals[0] = (struct threshold_goal){.severity = "stop", .recall = 0.9824, .scores = f->defects[0], .count = first};
    f->goals[1] = (struct threshold_goal){.severity = "key", .recall = 0.9824, .scores = f->defects[1], .count = second};
    f->input = (struct threshold_input){.scores = f->scores, .count = PICTURES, .flag_rate = 0.004, .budget = 2.4,
                                        .goals = f->goals, .goal_count = from_second < 0 ? 1 : 2};
    return f;
}

static void said(const struct fixture *f, const char *words)
{
    if (!strstr(f->out.reason, words))
        fail_msg("'%s' is not in '%s'", words, f->out.reason);
}

static void the_limit_moves_with_the_number_of_defects(void **state)
{
    (void)state;
    static const struct {
        size_t count, missed;
    } known[] = {{169, 0}, {267, 0}, {268, 1}, {355, 1}, {356, 2}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct fixture *f = make(known[i].count, 1.005, 0, -1);
        assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
        assert_int_equal(f->out.rule, THRESHOLD_RECALL);
        assert_true(f->out.value == f->defects[0][known[i].missed]);
        assert_int_equal(f->goals[0].missed, known[i].missed);
        assert_true(f->goals[0].demonstrated && f->goals[0].more == 0);
        said(f, "recall demonstrated at 95 % confidence: stop at least 98.24 %");
        assert_null(strstr(f->out.reason, "not demonstrated"));
        free(f);
    }
}

static void too_few_defects_leave_the_budget_and_say_so(void **state)
{
    (void)state;
    for (size_t count = 0; count < 169; count += 84) {
        struct fixture *f = make(count, 1.005, 0, -1);
        assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
        assert_int_equal(f->out.rule, THRESHOLD_BUDGET);
        assert_true(f->out.value == 2.4);
        assert_int_equal(f->goals[0].more, 169 - count);
        assert_int_equal(f->goals[0].missed, count);
        char *words = xasprintf("stop at 98.24 %% needs %zu more", 169 - count);
        said(f, words);
        said(f, "recall not demonstrated");
        said(f, "99.6 %");
        free(words);
        free(f);
    }
    struct fixture *f = make(0, 1, 0, 1);
    f->input.goal_count = 0;
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_true(f->out.rule == THRESHOLD_BUDGET && f->out.value == 2.4);
    said(f, "recall not demonstrated: none was asked for");
    free(f);
}

static void the_lowest_need_of_several_decides(void **state)
{
    (void)state;
    struct fixture *f = make(200, 3.005, 200, 1.505); // both can be shown
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_true(f->out.rule == THRESHOLD_RECALL && f->out.value == 1.505);
    assert_true(f->goals[0].missed == 0 && f->goals[1].missed == 0);
    free(f);
    f = make(10, 0.105, 200, 1.505); // the first cannot; its own scores move nothing
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_true(f->out.rule == THRESHOLD_PARTIAL && f->out.value == 1.505);
    assert_true(!f->goals[0].demonstrated && f->goals[0].more == 159 && f->goals[0].missed == 10);
    said(f, "demonstrated at 95 % confidence: key at least");
    said(f, "recall not demonstrated on defects found independently of the score: stop at 98.24 % needs 159 more");
    free(f);
    f = make(10, 0.105, 200, 5.005); // the budget is kept for the first where the second would need less
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_true(f->out.rule == THRESHOLD_PARTIAL && f->out.value == 2.4 && f->goals[1].missed == 0);
    free(f);
}

static size_t flagged(const struct fixture *f)
{
    size_t n = 0;
    for (int i = 0; i < PICTURES; i++)
        n += f->scores[i] >= f->out.value;
    return n;
}

static void never_all_and_never_nothing(void **state)
{
    (void)state;
    struct fixture *f = make(200, 0, 0, -1); // the lowest defect is the lowest picture
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_true(f->out.rule == THRESHOLD_BUDGET && f->out.value == 2.4 && f->goals[0].everything);
    said(f, "would take showing every picture");
    f->input.goal_count = 0;
    f->input.budget = 50;
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_int_equal(flagged(f), 1);
    said(f, "at least one picture is flagged");
    f->input.budget = 0;
    assert_ok(threshold_choose(&f->input, &f->out, &err), &err);
    assert_int_equal(flagged(f), PICTURES - 1);
    said(f, "at least one picture is filtered");
    free(f);
}

static void bad_input_is_refused_in_a_sentence(void **state)
{
    (void)state;
    struct fixture *f = make(10, 1, 0, -1);
    f->goals[0].recall = 1;
    assert_status(threshold_choose(&f->input, &f->out, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "stop"));
    f->goals[0].recall = 0.9;
    f->defects[0][3] = NAN;
    assert_status(threshold_choose(&f->input, &f->out, &err), ST_INVALID, &err);
    f->defects[0][3] = 1;
    f->scores[7] = INFINITY;
    assert_status(threshold_choose(&f->input, &f->out, &err), ST_INVALID, &err);
    for (int i = 0; i < PICTURES; i++)
        f->scores[i] = 1;
    assert_status(threshold_choose(&f->input, &f->out, &err), ST_INVALID, &err);
    f->input.count = 0;
    assert_status(threshold_choose(&f->input, &f->out, &err), ST_INVALID, &err);
    f->input.flag_rate = NAN;
    assert_status(threshold_choose(&f->input, &f->out, &err), ST_INVALID, &err);
    free(f);
}

// Defects scored normally around 0: the true recall of a threshold is known
// exactly. In at least 95 % of the runs, less what chance allows, it is what
// was said to be demonstrated.
static void what_is_demonstrated_holds(void **state)
{
    (void)state;
    enum { RUNS = 4000, MOST = 500 };
    static const size_t counts[] = {169, 268, 300, 500};
    double pictures[2] = {-100, 100}, scores[MOST];
    struct rng rng = rng_seed(11);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        int held = 0;
        for (int run = 0; run < RUNS; run++) {
            struct threshold_goal goal = {.severity = "key", .recall = 0.9824, .scores = scores, .count = counts[c]};
            struct threshold_input in = {.scores = pictures, .count = 2, .flag_rate = 0.004, .budget = 2.4, .goals = &goal,
                                         .goal_count = 1};
            struct threshold out;
            for (size_t i = 0; i < counts[c]; i++)
                scores[i] = rng_normal(&rng);
            assert_ok(threshold_choose(&in, &out, &err), &err);
            assert_int_equal(out.rule, THRESHOLD_RECALL);
            held += 0.5 * erfc(out.value / sqrt(2)) >= 0.9824;
        }
        // three standard deviations of RUNS draws at 95 %
        assert_true(held >= RUNS * (0.95 - 3 * sqrt(0.95 * 0.05 / RUNS)));
        size_t missed = 0; // and not more cautious than it says
        while (threshold_needed(0.9824, missed + 1) <= counts[c])
            missed++;
        double exact = 1 - rates_binomial(missed, counts[c], 1 - 0.9824);
        assert_float_equal((double)held / RUNS, exact, 3 * sqrt(exact * (1 - exact) / RUNS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binomial_tails_are_sums),
        cmocka_unit_test(exact_intervals_are_those_of_the_tables),
        cmocka_unit_test(agreement_beyond_chance),
        cmocka_unit_test(as_many_defects_as_the_tables_say),
        cmocka_unit_test(the_limit_moves_with_the_number_of_defects),
        cmocka_unit_test(too_few_defects_leave_the_budget_and_say_so),
        cmocka_unit_test(the_lowest_need_of_several_decides),
        cmocka_unit_test(never_all_and_never_nothing),
        cmocka_unit_test(bad_input_is_refused_in_a_sentence),
        cmocka_unit_test(what_is_demonstrated_holds),
    };
    return cmocka_run_group_tests_name("threshold", tests, NULL, NULL);
}
