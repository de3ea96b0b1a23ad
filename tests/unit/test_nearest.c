#include "config.h"

#include "tests/unit/test.h"

#include <math.h>

#include "base/rng.h"
#include "screen/nearest.h"

enum { DIM = 6, ROWS = 300 };

// Feature k is 10^k times as large as the others: without scaling the last one decides alone.
static void fill(float rows[ROWS][DIM], const float *at[ROWS])
{
    struct rng rng = rng_seed(5);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < DIM; k++)
            rows[i][k] = (float)(pow(10, k) * rng_normal(&rng));
        at[i] = rows[i];
    }
}

static void the_nearest_are_found_in_order(void **state)
{
    (void)state;
    static float rows[ROWS][DIM], query[DIM];
    const float *at[ROWS];
    struct nearest out[10];
    fill(rows, at);
    memcpy(query, rows[17], sizeof query);
    query[0] += 0.01f;
    assert_int_equal(nearest_find(query, at, ROWS, DIM, 10, out), 10);
    assert_int_equal(out[0].row, 17);
    for (int i = 1; i < 10; i++)
        assert_true(out[i].distance >= out[i - 1].distance);
    // none that was left out is nearer, measured by the same rule written plainly
    double mean[DIM] = {0}, variance[DIM] = {0}, far = 0;
    for (int k = 0; k < DIM; k++) {
        for (int i = 0; i <= ROWS; i++)
            mean[k] += (i < ROWS ? rows[i][k] : query[k]) / (ROWS + 1.0);
        for (int i = 0; i <= ROWS; i++)
            variance[k] += pow((i < ROWS ? rows[i][k] : query[k]) - mean[k], 2) / (ROWS + 1.0);
    }
    int nearer = 0;
    for (int i = 0; i < ROWS; i++) {
        far = 0;
        for (int k = 0; k < DIM; k++)
            far += pow(rows[i][k] - query[k], 2) / variance[k] / DIM;
        nearer += sqrt(far) < out[9].distance - 1e-6;
    }
    assert_int_equal(nearer, 9);
}

static void what_never_varies_does_not_count(void **state)
{
    (void)state;
    const float a[3] = {1e9f, 1, 0}, b[3] = {1e9f, 3, 0}, bad[3] = {NAN, 1, 0}, query[3] = {1e9f, 2.9f, 0};
    const float *rows[] = {bad, a, b, a};
    struct nearest out[4];
    assert_int_equal(nearest_find(query, rows, 4, 3, 4, out), 3);
    assert_int_equal(out[0].row, 2);
    assert_int_equal(out[1].row, 1);
    assert_int_equal(out[2].row, 3); // equal ones in their order
    assert_int_equal(nearest_find(query, rows + 1, 1, 3, 0, out), 0);
    assert_int_equal(nearest_find(a, rows + 1, 1, 3, 1, out), 1);
    assert_true(out[0].distance == 0);
    assert_int_equal(nearest_find(a, rows, 0, 3, 4, out), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(the_nearest_are_found_in_order),
                                              cmocka_unit_test(what_never_varies_does_not_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
