// What tells drawn defects from harmless changes (core/screen/contrast).
#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/contrast.h"
#include "screen/metrics.h"

enum { DIM = 12, ROWS = 400 };

static void draw(struct rng *rng, float *row)
{
    for (int j = 0; j < DIM; j++)
        row[j] = (float)(3 + (1 + j % 3) * rng_normal(rng));
}

// Drawn defects move features 0 and 1, light moves 2; both by as much.
static struct contrast changes(struct rng *rng)
{
    struct contrast c = {.dim = DIM};
    for (int i = 0; i < 200; i++) {
        float change[DIM] = {0};
        change[2] = (float)(8 * rng_normal(rng));
        contrast_add(&c, CONTRAST_HARMLESS, change);
        change[2] = 0;
        change[0] = (float)(8 * rng_normal(rng));
        change[1] = (float)(8 * rng_normal(rng));
        contrast_add(&c, CONTRAST_FLAW, change);
    }
    return c;
}

static void defects_count_and_light_does_not(void **state)
{
    (void)state;
    struct error err;
    struct rng rng = rng_seed(1);
    struct contrast c = changes(&rng);
    struct gaussian plain, sharp;
    float *rows = xcalloc(ROWS * DIM, sizeof *rows), *tests = xcalloc(ROWS * DIM, sizeof *tests);
    double a[ROWS], b[ROWS];
    bool defect[ROWS];
    for (int i = 0; i < ROWS; i++) {
        draw(&rng, rows + i * DIM);
        draw(&rng, tests + i * DIM);
        defect[i] = i % 2;
        tests[i * DIM + (defect[i] ? 0 : 2)] += (float)((i & 4 ? 1 : -1) * (defect[i] ? 2 : 6));
    }
    assert_ok(gaussian_fit(rows, ROWS, DIM, &plain, &err), &err);
    assert_ok(contrast_fit(&c, rows, ROWS, plain.shrinkage, &sharp, &err), &err);
    gaussian_distances(&plain, tests, ROWS, a);
    gaussian_distances(&sharp, tests, ROWS, b);
    double before = metrics_auroc(a, defect, ROWS), after = metrics_auroc(b, defect, ROWS);
    print_message("# AUROC %.3f -> %.3f\n", before, after);
    assert_true(after > before + 0.1 && after > 0.8);
    gaussian_clear(&plain);
    gaussian_clear(&sharp);
    contrast_clear(&c);
    free(rows);
    free(tests);
}

// x' (S^-1 - (S + C)^-1) x for one feature is x^2 (1/s - 1/(s + c)).
static void the_distance_is_the_formula(void **state)
{
    (void)state;
    struct error err;
    struct gaussian g;
    struct contrast c = {.dim = 1};
    float rows[4] = {1, 3, 1, 3}, change = 2, at[2] = {2, 5};
    double out[2];
    contrast_add(&c, CONTRAST_FLAW, &change);
    assert_ok(contrast_fit(&c, rows, 4, 0, &g, &err), &err); // variance 1; flaws add 0.3 * 4
    gaussian_distances(&g, at, 2, out);
    assert_true(fabs(out[0]) < 1e-9);
    assert_true(fabs(out[1] - 9 * (1 - 1 / 2.2)) < 0.02); // the spread has a floor of a thousandth
    gaussian_clear(&g);
    contrast_clear(&c);
}

static void without_flaws_or_variance_it_says_so(void **state)
{
    (void)state;
    struct error err;
    struct gaussian g;
    struct rng rng = rng_seed(2);
    struct contrast none = {.dim = DIM}, c = changes(&rng);
    float rows[4 * DIM] = {0}, bad[DIM] = {NAN};
    assert_status(contrast_fit(&c, rows, 4, 0, &g, &err), ST_INVALID, &err);
    draw(&rng, rows);
    assert_status(contrast_fit(&none, rows, 4, 0, &g, &err), ST_INVALID, &err);
    size_t before = c.counts[CONTRAST_FLAW];
    contrast_add(&c, CONTRAST_FLAW, bad); // passed over
    assert_int_equal(c.counts[CONTRAST_FLAW], before);
    contrast_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defects_count_and_light_does_not),
        cmocka_unit_test(the_distance_is_the_formula),
        cmocka_unit_test(without_flaws_or_variance_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
