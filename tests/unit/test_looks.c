#include "config.h"

#include <math.h>
#include <stdbool.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/looks.h"
#include "screen/mixture.h"

enum { COUNT = 1200, DIM = 24 };

enum shape { NORMAL, FLAT, SKEWED, SHAPES };

// Correlated features of one kind.
static void draw(float *row, enum shape shape, struct rng *rng)
{
    double common = rng_normal(rng);
    for (int j = 0; j < DIM; j++) {
        double u = rng_uniform(rng);
        double x = shape == FLAT ? 4 * u : shape == SKEWED ? -log(1 - u) : rng_normal(rng);
        row[j] = (float)(100 + (1 + j % 3) * (x + common));
    }
}

static void one_kind_is_one_look(void **state)
{
    (void)state;
    float *rows = xcalloc(COUNT * DIM, sizeof *rows);
    for (int shape = 0; shape < SHAPES; shape++)
        for (uint64_t seed = 0; seed < 10; seed++) {
            struct rng rng = rng_seed(seed);
            for (size_t i = 0; i < COUNT; i++)
                draw(rows + i * DIM, (enum shape)shape, &rng);
            struct looks looks = looks_find(rows, COUNT, DIM, &rng);
            assert_int_equal(looks.count, 1);
            assert_int_equal(looks_of(&looks, rows), 0);
            looks_clear(&looks);
        }
    for (size_t i = 0; i < COUNT; i++) // all equal
        memcpy(rows + i * DIM, rows, DIM * sizeof *rows);
    struct rng rng = rng_seed(1);
    struct looks looks = looks_find(rows, COUNT, DIM, &rng);
    assert_int_equal(looks.count, 1);
    looks_clear(&looks);
    free(rows);
}

// Which of three kinds, unequally many.
static int kind_of(size_t i)
{
    return i % 10 < 5 ? 0 : i % 10 < 8 ? 1 : 2;
}

static void clear_looks_are_found(void **state)
{
    (void)state;
    float *rows = xcalloc(COUNT * DIM, sizeof *rows);
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct rng rng = rng_seed(seed);
        int of[3];
        for (size_t i = 0; i < COUNT; i++) {
            draw(rows + i * DIM, NORMAL, &rng);
            for (size_t j = 0; j < DIM; j++)
                rows[i * DIM + j] += (float)((j % 3 == (size_t)kind_of(i)) * 30);
        }
        struct looks looks = looks_find(rows, COUNT, DIM, &rng);
        assert_int_equal(looks.count, 3);
        for (size_t i = 0; i < 10; i++)
            of[kind_of(i)] = looks_of(&looks, rows + i * DIM);
        assert_true(of[0] != of[1] && of[1] != of[2] && of[0] != of[2]);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(looks_of(&looks, rows + i * DIM), of[kind_of(i)]);
        looks_clear(&looks);
    }
    free(rows);
}

static void hidden_defects_are_no_look(void **state)
{
    (void)state;
    float *rows = xcalloc(COUNT * DIM, sizeof *rows);
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct rng rng = rng_seed(seed);
        for (size_t i = 0; i < COUNT; i++) {
            draw(rows + i * DIM, NORMAL, &rng);
            rows[i * DIM + 3] += i % 20 == 0 ? 300 : 0; // one in twenty, all alike
        }
        struct looks looks = looks_find(rows, COUNT, DIM, &rng);
        assert_int_equal(looks.count, 1);
        looks_clear(&looks);
    }
    free(rows);
}

// Rows of a quiet look and of one five times as varied; what is odd in the quiet one is nothing in the other.
static double share_below(bool mixed)
{
    float *rows = xcalloc(COUNT * DIM, sizeof *rows), *copy = xcalloc(COUNT * DIM, sizeof *copy), odd[DIM], white[DIM];
    struct rng rng = rng_seed(3);
    struct error err;
    struct mixture mixture;
    struct gaussian single;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < DIM; j++)
            rows[i * DIM + j] = (float)((i % 2 ? 5 : 1) * rng_normal(&rng) + (i % 2 ? 100 : 0));
    memcpy(odd, rows, sizeof odd);
    odd[7] += 8;
    memcpy(copy, rows, COUNT * DIM * sizeof *rows);
    struct looks looks = looks_find(rows, COUNT, DIM, &rng);
    assert_ok(mixture_fit(&looks, NULL, copy, COUNT, &mixture, &err), &err);
    looks_clear(&looks);
    assert_int_equal(mixture.looks.count, 2);
    assert_true(mixture.fit_count > COUNT * 95 / 100 && mixture.fit_count < COUNT);
    assert_ok(gaussian_fit(rows, COUNT, DIM, &single, &err), &err);
    double distances[2], below = 0; // of the odd one, of a row
    for (size_t i = 0; i <= COUNT; i++) {
        const float *row = i ? rows + (i - 1) * DIM : odd;
        if (mixed)
            mixture_whiten(&mixture, row, 1, white);
        else
            gaussian_whiten(&single, row, 1, white);
        distances[i > 0] = 0;
        for (int j = 0; j < DIM; j++)
            distances[i > 0] += (double)white[j] * (double)white[j];
        below += i && distances[1] < distances[0];
    }
    mixture_clear(&mixture);
    gaussian_clear(&single);
    free(rows);
    free(copy);
    return below / COUNT;
}

static void each_look_has_its_own_measure(void **state)
{
    (void)state;
    assert_true(share_below(true) > 0.99);
    assert_true(share_below(false) < 0.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_kind_is_one_look),
        cmocka_unit_test(clear_looks_are_found),
        cmocka_unit_test(hidden_defects_are_no_look),
        cmocka_unit_test(each_look_has_its_own_measure),
    };
    return cmocka_run_group_tests_name("looks", tests, NULL, NULL);
}
