// What the audit's bound promises: coverage at every look, and that it is no wider than it need be.
#include "config.h"

#include "tests/unit/test.h"

#include <math.h>

#include "learn/audit.h"

static const double ALPHA = 0.05;

struct sim { // pictures of one scene, as a simulation knows them
    size_t size;
    bool *defect;
    double *weights;
    int64_t defects;
};

enum where { EVENLY, NEAR, FAR, PLACES }; // where the defects are: no matter what the weight, where it is high, where low

static struct sim make(size_t size, double rate, enum where where, struct rng *rng)
{
    struct sim s = {size, xcalloc(size, sizeof *s.defect), xcalloc(size, sizeof *s.weights), 0};
    for (size_t i = 0; i < size; i++)
        s.weights[i] = pow(10, 2.5 * (double)i / (double)size); // rising with the index
    int64_t want = (int64_t)llround(rate * (double)size);
    while (s.defects < want) {
        size_t i = (size_t)rng_below(rng, where == EVENLY ? size : size / 10) + (where == NEAR ? size - size / 10 : 0);
        s.defects += !s.defect[i];
        s.defect[i] = true;
    }
    return s;
}

static void clear(struct sim *s)
{
    free(s->defect);
    free(s->weights);
}

static struct audit *begin(int64_t size, double bound)
{
    struct audit *a = audit_new(size);
    audit_begin(a, &(struct audit_scope){.bound = bound, .alpha = ALPHA, .size = size, .fresh = size});
    return a;
}

// Whether the bound is ever below the truth, looking after every draw. honest false: as if all draws were uniform.
static bool fails(const struct sim *s, size_t draws, bool honest, struct rng *rng, struct audit_pick *picks)
{
    struct audit *a = begin((int64_t)s->size, 0.01);
    bool failed = false;
    audit_pick(s->weights, s->size, 0, draws, rng, picks);
    for (size_t i = 0; i < draws && !failed; i++) {
        const struct audit_pick *p = &picks[i];
        double uniform = 1 / (double)p->remaining;
        struct audit_draw d = {false, p->remaining, honest ? p->probability : uniform, honest ? p->least : uniform,
                               s->defect[p->index]};
        assert_true(audit_answer(a, &d));
        failed = audit_most(a, ALPHA) < s->defects;
    }
    audit_free(a);
    return failed;
}

static void the_bound_covers_at_every_look(void **state)
{
    (void)state;
    enum { RUNS = 2000, SIZE = 2000, DRAWS = 500 };
    static const double rates[] = {0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01};
    enum { RATES = sizeof rates / sizeof *rates };
    struct audit_pick *picks = xcalloc(DRAWS, sizeof *picks);
    int failed = 0, by_rate[RATES] = {0}, runs[RATES] = {0};
    for (int run = 0; run < RUNS; run++) {
        struct rng rng = rng_seed(1000 + (uint64_t)run);
        int rate = run % RATES;
        struct sim s = make(SIZE, rates[rate], (enum where)(run / RATES % PLACES), &rng);
        bool f = fails(&s, DRAWS, true, &rng, picks);
        failed += f;
        by_rate[rate] += f;
        runs[rate]++;
        clear(&s);
    }
    print_message("# covered in %.2f %% of %d runs\n", 100 - 100.0 * failed / RUNS, RUNS);
    assert_true(1 - (double)failed / RUNS >= 0.935);
    for (int r = 0; r < RATES; r++)
        assert_true(1 - (double)by_rate[r] / runs[r] >= 0.935);
    free(picks);
}

// The simulation notices a wrong bound: weighted draws taken for uniform ones, with the defects where few are drawn.
static void leaving_out_the_probabilities_would_not_cover(void **state)
{
    (void)state;
    enum { RUNS = 200, SIZE = 2000, DRAWS = 800 };
    struct audit_pick *picks = xcalloc(DRAWS, sizeof *picks);
    int failed = 0;
    for (int run = 0; run < RUNS; run++) {
        struct rng rng = rng_seed(77 + (uint64_t)run);
        struct sim s = make(SIZE, 0.01, FAR, &rng);
        failed += fails(&s, DRAWS, false, &rng, picks);
        clear(&s);
    }
    assert_true(1 - (double)failed / RUNS < 0.935);
    free(picks);
}

// A first revision is audited; then the next one's threshold is set by what was found (at the lowest found, so that
// all of them are flagged), some pictures are newly filtered, and the old draws are used again.
static void a_new_revision_keeps_the_old_draws_validly(void **state)
{
    (void)state;
    enum { RUNS = 600, SIZE = 1500, OLD = 1200, DRAWS = 400, MORE = 150 };
    struct audit_pick *picks = xcalloc(SIZE, sizeof *picks);
    int failed = 0;
    int64_t slack = 0;
    for (int run = 0; run < RUNS; run++) {
        struct rng rng = rng_seed(5000 + (uint64_t)run);
        struct sim s = make(SIZE, run % 2 ? 0.004 : 0.01, (enum where)(run % PLACES), &rng);
        bool *drawn = xcalloc(SIZE, sizeof *drawn), bad = false;
        struct audit *a = audit_new(SIZE);
        // the pictures from `shift` on were filtered by the first revision
        size_t shift = SIZE - OLD, lowest = SIZE;
        audit_begin(a, &(struct audit_scope){.bound = 0.01, .alpha = ALPHA, .size = OLD, .fresh = OLD});
        audit_pick(s.weights + shift, OLD, 0, DRAWS, &rng, picks);
        int64_t caught = 0, truth = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            size_t picture = picks[i].index + shift;
            drawn[picture] = true;
            if (s.defect[picture] && picture < lowest)
                lowest = picture;
            assert_true(audit_answer(a, &(struct audit_draw){false, picks[i].remaining, picks[i].probability, picks[i].least,
                                                             s.defect[picture]}));
        }
        // the second one filters all below the lowest defect found
        size_t end = lowest;
        for (size_t i = shift; i < SIZE; i++)
            caught += drawn[i] && s.defect[i] && i >= end;
        for (size_t i = 0; i < end; i++)
            truth += s.defect[i];
        size_t fresh = end < shift ? end : shift;
        audit_begin(a, &(struct audit_scope){.bound = 0.01, .alpha = ALPHA, .size = (int64_t)end, .fresh = (int64_t)fresh,
                                             .caught = caught});
        bad = audit_most(a, ALPHA) < truth;
        int64_t wanted = audit_fresh_wanted(a);
        assert_int_equal(wanted, (int64_t)ceil((double)fresh * DRAWS / OLD));
        audit_pick(s.weights, fresh, 0, (size_t)wanted, &rng, picks);
        for (int64_t i = 0; i < wanted; i++) {
            drawn[picks[i].index] = true;
            assert_true(audit_answer(a, &(struct audit_draw){false, picks[i].remaining, picks[i].probability, picks[i].least,
                                                             s.defect[picks[i].index]}));
            if (i % 10 == 0)
                bad |= audit_most(a, ALPHA) < truth;
        }
        slack += audit_most(a, ALPHA) - truth;
        // and more from all that was not drawn
        size_t *pool = xcalloc(end + 1, sizeof *pool), n = 0;
        for (size_t i = 0; i < end; i++)
            if (!drawn[i])
                pool[n++] = i;
        size_t more = n < MORE ? n : MORE;
        audit_pick(NULL, n, 0, more, &rng, picks);
        for (size_t i = 0; i < more; i++) {
            assert_true(audit_answer(a, &(struct audit_draw){true, picks[i].remaining, picks[i].probability, picks[i].least,
                                                             s.defect[pool[picks[i].index]]}));
            if (i % 10 == 9)
                bad |= audit_most(a, ALPHA) < truth;
        }
        failed += bad;
        free(pool);
        free(drawn);
        audit_free(a);
        clear(&s);
    }
    print_message("# covered in %.2f %% of %d runs over two revisions\n", 100 - 100.0 * failed / RUNS, RUNS);
    assert_true(1 - (double)failed / RUNS >= 0.935);
    assert_true(slack < 30 * RUNS); // of 1,200 pictures and more, a third drawn, up to 15 missed
    free(picks);
}

// Uniform draws without a miss, until the bound is there: how many, against a plan fixed beforehand.
static int64_t until_bound(int64_t size, double bound, bool weighted)
{
    struct audit *a = begin(size, bound);
    int64_t n = 0;
    while (audit_most(a, ALPHA) > (int64_t)(bound * (double)size)) {
        double uniform = 1 / (double)(size - n);
        assert_true(audit_answer(a, &(struct audit_draw){false, size - n, uniform,
                                                         weighted && audit_weighted(n) ? uniform / 2 : uniform, false}));
        n++;
    }
    audit_free(a);
    return n;
}

static void the_bound_is_not_wider_than_it_need_be(void **state)
{
    (void)state;
    static const struct {
        double bound;
        int64_t fixed;
    } cases[] = {{0.01, 299}, {0.004, 748}, {0.001, 2995}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(audit_fixed_draws(cases[i].bound, ALPHA), cases[i].fixed);
        assert_true(audit_fixed(cases[i].fixed, 0, ALPHA) <= cases[i].bound);
        assert_true(audit_fixed(cases[i].fixed - 1, 0, ALPHA) > cases[i].bound);
        // within 10 % of the fixed plan with uniform draws, within 35 % where every third is weighted
        int64_t uniform = until_bound(1000000, cases[i].bound, false), mixed = until_bound(1000000, cases[i].bound, true);
        print_message("# %g %%: fixed %lld, sequence %lld, with weighted draws %lld\n", 100 * cases[i].bound,
                      (long long)cases[i].fixed, (long long)uniform, (long long)mixed);
        assert_true(uniform >= cases[i].fixed && (double)uniform <= 1.10 * (double)cases[i].fixed);
        assert_true(mixed >= uniform && (double)mixed <= 1.35 * (double)cases[i].fixed);
    }
}

static void a_miss_widens_it_and_a_census_ends_it(void **state)
{
    (void)state;
    enum { SIZE = 300 };
    struct audit *a = begin(SIZE, 0.01);
    assert_int_equal(audit_most(a, ALPHA), SIZE); // nothing is known yet
    assert_true(isnan(audit_estimate(a)));
    int64_t last = SIZE, found = 0;
    for (int64_t n = 0; n < SIZE; n++) {
        double p = 1 / (double)(SIZE - n);
        bool miss = n == 50 || n == 200;
        found += miss;
        assert_true(audit_answer(a, &(struct audit_draw){false, SIZE - n, p, p, miss}));
        int64_t now = audit_most(a, ALPHA);
        if (miss && n == 50)
            assert_true(now > last);
        assert_true(now >= found);
        last = now;
    }
    assert_int_equal(audit_most(a, ALPHA), 2); // all were looked at
    assert_false(audit_answer(a, &(struct audit_draw){false, 0, 1, 1, false}));
    assert_false(audit_answer(a, &(struct audit_draw){false, 10, 0.2, 0.3, false}));
    assert_false(audit_answer(a, &(struct audit_draw){false, 10, 0.2, 0.2, false})); // ten of at least 0.2 each
    assert_false(audit_answer(a, &(struct audit_draw){false, 10, NAN, 0.1, false}));
    audit_free(a);
}

static void draws_needed_are_as_many_as_it_then_takes(void **state)
{
    (void)state;
    enum { SIZE = 5000, TARGET = 50 };
    struct audit *a = begin(SIZE, 0.01);
    int64_t needed = audit_needed(a, ALPHA, TARGET, 0, SIZE, SIZE), n = 0;
    assert_int_equal(audit_needed(a, ALPHA, -1, 0, SIZE, SIZE), -1);
    assert_int_equal(audit_needed(a, ALPHA, SIZE, 0, SIZE, SIZE), 0);
    assert_true(needed > 299 && needed < 450);
    int64_t half = -1;
    while (audit_most(a, ALPHA) > TARGET) {
        double p = 1 / (double)(SIZE - n);
        assert_true(audit_answer(a, &(struct audit_draw){false, SIZE - n, p, audit_weighted(n) ? p / 2 : p, false}));
        if (++n == 100)
            half = audit_needed(a, ALPHA, TARGET, n, SIZE - n, SIZE - n);
    }
    assert_int_equal(n, needed);
    assert_int_equal(half, needed - 100);
    assert_int_equal(audit_needed(a, ALPHA, TARGET, n, SIZE - n, SIZE - n), 0);
    // a miss costs draws
    assert_true(audit_answer(a, &(struct audit_draw){false, SIZE - n, 1.0 / (double)(SIZE - n), 1.0 / (double)(SIZE - n), true}));
    assert_true(audit_needed(a, ALPHA, TARGET, n + 1, SIZE - n - 1, SIZE - n - 1) > 50);
    audit_free(a);
}

static void picks_have_the_probabilities_they_say(void **state)
{
    (void)state;
    enum { SIZE = 8, RUNS = 60000 };
    static const double weights[SIZE] = {1, 1, 1, 1, 2, 4, 8, 16};
    struct audit_pick p[3];
    struct rng rng = rng_seed(3);
    int hits[SIZE] = {0};
    double paid = 0;
    for (int run = 0; run < RUNS; run++) {
        audit_pick(weights, SIZE, 0, 3, &rng, p);
        assert_true(p[0].index != p[1].index && p[0].index != p[2].index && p[1].index != p[2].index);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(p[i].remaining, SIZE - i);
            assert_true(p[i].probability >= p[i].least && p[i].probability <= 1);
        }
        assert_true(p[0].probability == 1.0 / SIZE && p[1].probability == 1.0 / (SIZE - 1)); // uniform
        hits[p[2].index]++;
        double found = (p[0].index >= 6) + (p[1].index >= 6);
        paid += found + (p[2].index >= 6 ? 1 / p[2].probability : 0);
    }
    assert_true(fabs(paid / RUNS - 2) < 0.02); // unbiased: two pictures are from 6 on
    assert_true(hits[7] > 2 * hits[0]);
    audit_pick(weights, SIZE, 0, SIZE, &rng, (struct audit_pick[SIZE]){{0}}); // all of them, and it ends
}

static void the_reviewer_counts(void **state)
{
    (void)state;
    assert_true(audit_reader(0, 0, 0.0025) == 0 && audit_reader(20, 0, 0.0025) == 0);
    assert_float_equal(audit_reader(100, 100, 0.0025), pow(0.00125, 0.01), 0.002); // half of the stake on a perfect one
    assert_true(audit_reader(100, 95, 0.0025) < audit_reader(100, 96, 0.0025));
    // covers at every look
    int failed = 0, vacuous = 0;
    for (int run = 0; run < 2000; run++) {
        struct rng rng = rng_seed(9 + (uint64_t)run);
        int64_t hits = 0;
        bool bad = false;
        double recall = 0.8 + 0.2 * rng_uniform(&rng);
        for (int n = 1; n <= 100; n++) {
            hits += rng_uniform(&rng) < recall;
            bad |= n % 5 == 0 && audit_reader(n, hits, 0.05) > recall;
        }
        failed += bad;
        vacuous += audit_reader(100, hits, 0.05) < recall - 0.25;
    }
    assert_true(failed <= 0.065 * 2000 && vacuous < 60);
    // what he does not recognise
    assert_int_equal(audit_unrecognised(5, 1, 0.0025, 1000), 5);
    assert_int_equal(audit_unrecognised(5, 0, 0.0025, 1000), 1000);
    int64_t u = audit_unrecognised(0, 0.9, 0.0025, 1000);
    assert_int_equal(u, 2); // 0.1^2 > 0.0025 > 0.1^3
    assert_true(audit_unrecognised(100, 0.9, 0.0025, 100000) > 111 && audit_unrecognised(100, 0.9, 0.0025, 100000) < 135);
    assert_int_equal(audit_recognised(2, 0.9, 0.0025, 1000), 0);
    assert_int_equal(audit_recognised(1, 0.9, 0.0025, 1000), -1);
    assert_int_equal(audit_recognised(audit_unrecognised(40, 0.9, 0.0025, 1000), 0.9, 0.0025, 1000), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_covers_at_every_look),
        cmocka_unit_test(leaving_out_the_probabilities_would_not_cover),
        cmocka_unit_test(a_new_revision_keeps_the_old_draws_validly),
        cmocka_unit_test(the_bound_is_not_wider_than_it_need_be),
        cmocka_unit_test(a_miss_widens_it_and_a_census_ends_it),
        cmocka_unit_test(draws_needed_are_as_many_as_it_then_takes),
        cmocka_unit_test(picks_have_the_probabilities_they_say),
        cmocka_unit_test(the_reviewer_counts),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
