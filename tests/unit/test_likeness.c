// Similarity to known defects (core/screen/known).
#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/rng.h"
#include "screen/known.h"

enum { DIM = 24 };

// A deviation along axis `along` (-1: none) among noise.
static void draw(struct rng *rng, int along, float *white)
{
    for (int j = 0; j < DIM; j++)
        white[j] = (float)rng_normal(rng) + (j == along ? 10 : 0);
}

static void known_kinds_stand_out_and_strangers_do_not(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1);
    struct known known;
    float white[DIM];
    double defects = 0, normals = 0, strangers = 0, least = INFINITY, most = -INFINITY;
    known_init(&known, DIM);
    for (int i = 0; i < 6; i++) {
        draw(&rng, 3, white);
        assert_true(known_add(&known, true, white, (uint64_t)i));
    }
    for (int i = 0; i < 10; i++) {
        draw(&rng, 7, white); // odd, and said to be normal
        assert_true(known_add(&known, false, white, (uint64_t)(100 + i)));
    }
    for (int i = 0; i < 200; i++) {
        double m;
        draw(&rng, 3, white);
        known_measure(&known, white, NULL, 1, &m);
        defects += m / 200;
        least = fmin(least, m);
        draw(&rng, 7, white);
        known_measure(&known, white, NULL, 1, &m);
        normals += m / 200;
        draw(&rng, 11, white);
        known_measure(&known, white, NULL, 1, &m);
        strangers += m / 200;
        most = fmax(most, m);
    }
    print_message("# defects %.2f (least %.2f), normals %.2f, strangers %.2f (most %.2f)\n", defects, least,
                  normals, strangers, most);
    assert_true(defects > 2 && normals < -2 && fabs(strangers) < 1);
    assert_true(least > most);
    known_clear(&known);
}

static void a_labelled_picture_does_not_see_itself(void **state)
{
    (void)state;
    struct rng rng = rng_seed(2);
    struct known known;
    float white[3 * DIM];
    double with[3], without[3];
    uint64_t groups[3] = {5, 6, 7};
    known_init(&known, DIM);
    for (int i = 0; i < 3; i++)
        draw(&rng, -1, white + i * DIM);
    known_add(&known, true, white, 5);
    known_measure(&known, white, groups, 3, without);
    assert_true(isnan(without[0]) && isfinite(without[1])); // its only likeness would be to itself
    known_add(&known, true, white + DIM, 6);
    known_measure(&known, white, NULL, 3, with);
    known_measure(&known, white, groups, 3, without);
    assert_true(with[0] > 4 && without[0] < 3);
    assert_true(with[2] == without[2]); // nobody of its group is among them
    known_clear(&known);
    known_init(&known, DIM);
    known_measure(&known, white, NULL, 1, with);
    assert_true(isnan(with[0])); // nothing is known
    memset(white, 0, sizeof white);
    assert_false(known_add(&known, true, white, 1)); // no direction
    known_clear(&known);
}

static void a_queue_follows_answers_as_a_new_model_would(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    struct rng rng = rng_seed(3);
    struct known known;
    float *white = xcalloc(COUNT * DIM, sizeof *white), answer[DIM];
    uint64_t groups[COUNT];
    double measures[COUNT];
    known_init(&known, DIM);
    for (int i = 0; i < COUNT; i++) {
        draw(&rng, i % 5, white + i * DIM);
        groups[i] = (uint64_t)i / 3;
    }
    struct known_queue *queue = known_queue_new(&known, white, groups, COUNT);
    assert_true(isnan(known_queue_measures(queue)[0]));
    for (int i = 0; i < 12; i++) {
        draw(&rng, i % 3, answer);
        known_add(&known, i % 4 != 3, answer, (uint64_t)i);
        known_queue_answer(queue, i % 4 != 3, answer, (uint64_t)i);
    }
    known_measure(&known, white, groups, COUNT, measures);
    for (int i = 0; i < COUNT; i++)
        assert_true(fabs(known_queue_measures(queue)[i] - measures[i]) < 1e-4);
    struct known_queue *anew = known_queue_new(&known, white, groups, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_true(fabs(known_queue_measures(anew)[i] - measures[i]) < 1e-4);
    known_queue_free(anew);
    known_queue_free(queue);
    known_clear(&known);
    free(white);
}

static void a_side_is_bounded(void **state)
{
    (void)state;
    struct rng rng = rng_seed(4);
    struct known known;
    float white[DIM];
    known_init(&known, DIM);
    for (int i = 0; i < KNOWN_MOST + 5; i++) {
        draw(&rng, -1, white);
        assert_true(known_add(&known, true, white, 0) == (i < KNOWN_MOST));
    }
    assert_int_equal(known.counts[1], KNOWN_MOST);
    known_clear(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_kinds_stand_out_and_strangers_do_not),
        cmocka_unit_test(a_labelled_picture_does_not_see_itself),
        cmocka_unit_test(a_queue_follows_answers_as_a_new_model_would),
        cmocka_unit_test(a_side_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
