// The order in which a candidate scores pictures: nearest to the threshold first, the same each time.
#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "learn/rescore.h"

#define ORDERED(ids, scores, threshold, ...)                                                                             \
    do {                                                                                                                 \
        const int64_t want_[] = {__VA_ARGS__};                                                                           \
        assert_int_equal(sizeof(ids), sizeof want_);                                                                     \
        rescore_order(ids, sizeof(ids) / sizeof *(ids), scores, sizeof(scores) / sizeof *(scores), threshold);           \
        assert_memory_equal(ids, want_, sizeof want_);                                                                   \
    } while (0)

static void nearest_to_the_threshold_first_on_either_side(void **state)
{
    (void)state;
    int64_t ids[] = {1, 2, 3, 4, 5};
    struct rescore_score scores[] = {{1, 0.1}, {2, 9.0}, {3, 3.9}, {4, 4.2}, {5, 5.0}};
    ORDERED(ids, scores, 4, 3, 4, 5, 1, 2);
}

static void another_threshold_is_another_order(void **state)
{
    (void)state;
    int64_t ids[] = {1, 2, 3, 4, 5};
    struct rescore_score scores[] = {{1, 0.1}, {2, 9.0}, {3, 3.9}, {4, 4.2}, {5, 5.0}};
    ORDERED(ids, scores, 8, 2, 5, 4, 3, 1);
}

static void without_a_score_last_by_id(void **state)
{
    (void)state;
    int64_t ids[] = {9, 30, 7, 8, 20};
    struct rescore_score scores[] = {{20, 100}, {8, NAN}, {30, -100}, {7, INFINITY}};
    ORDERED(ids, scores, 1, 20, 30, 7, 8, 9);
}

static void scores_of_other_pictures_are_passed_over(void **state)
{
    (void)state;
    int64_t ids[] = {5, 4};
    struct rescore_score scores[] = {{6, 1}, {4, 1.5}, {1, 1}, {5, 3}, {100, 1}};
    ORDERED(ids, scores, 1, 4, 5);
}

// However they are listed: a run that was killed and goes on lists them anew.
static void goes_on_in_the_same_order(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    int64_t once[COUNT], again[COUNT];
    struct rescore_score scores[COUNT], turned[COUNT];
    for (int i = 0; i < COUNT; i++) {
        once[i] = again[COUNT - 1 - i] = i + 1;
        scores[i] = turned[COUNT - 1 - i] = (struct rescore_score){i + 1, (double)(i * 37 % 50)}; // many are equally near
    }
    rescore_order(once, COUNT, scores, COUNT, 20);
    rescore_order(again, COUNT, turned, COUNT, 20);
    assert_memory_equal(once, again, sizeof once);
    for (int i = 1; i < COUNT; i++) {
        double before = fabs((double)((once[i - 1] - 1) * 37 % 50) - 20), here = fabs((double)((once[i] - 1) * 37 % 50) - 20);
        assert_true(before < here || (before == here && once[i - 1] < once[i]));
    }
}

static void nothing_to_order(void **state)
{
    (void)state;
    int64_t one = 3;
    rescore_order(NULL, 0, NULL, 0, 1);
    rescore_order(&one, 1, NULL, 0, 1);
    assert_int_equal(one, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_to_the_threshold_first_on_either_side),
        cmocka_unit_test(another_threshold_is_another_order),
        cmocka_unit_test(without_a_score_last_by_id),
        cmocka_unit_test(scores_of_other_pictures_are_passed_over),
        cmocka_unit_test(goes_on_in_the_same_order),
        cmocka_unit_test(nothing_to_order),
    };
    return cmocka_run_group_tests_name("rescore", tests, NULL, NULL);
}
