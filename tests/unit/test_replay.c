#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "learn/replay.h"

static void the_share_held_out_is_the_one_asked_for(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (int s = 1; s < 10; s += 2) {
        int held = 0;
        for (int i = 0; i < N; i++) {
            char name[32];
            snprintf(name, sizeof name, "wagon-%d", i);
            held += replay_held(name, 1, s / 10.0);
        }
        double sd = sqrt(N * (s / 10.0) * (1 - s / 10.0));
        assert_true(fabs(held - N * s / 10.0) < 4 * sd);
    }
    assert_false(replay_held("a", 1, 0));
    assert_true(replay_held("a", 1, 1));
}

static void a_group_stays_where_it_is_for_a_seed(void **state)
{
    (void)state;
    int moved = 0, nested = 0;
    for (int i = 0; i < 1000; i++) {
        char name[32], same[32];
        snprintf(name, sizeof name, "tile-%d", i);
        snprintf(same, sizeof same, "tile-%d", i);
        assert_true(replay_held(name, 7, 0.3) == replay_held(same, 7, 0.3));
        moved += replay_held(name, 7, 0.3) != replay_held(name, 8, 0.3);
        nested += replay_held(name, 7, 0.2) && !replay_held(name, 7, 0.3);
    }
    assert_in_range(moved, 340, 500); // 2 x 0.3 x 0.7 of them
    assert_int_equal(nested, 0);
    // the numbers are those of SHA-256, on every machine: "abc" is the example of FIPS 180-4
    assert_true(replay_group("abc") == 0xba7816bf8f01cfeau);
}

static void the_number_of_defects_follows_from_the_rate(void **state)
{
    (void)state;
    assert_int_equal(replay_wanted(995, 0.005), 5);
    assert_int_equal(replay_wanted(100, 0.5), 100);
    assert_int_equal(replay_wanted(100, 0), 0);
    assert_int_equal(replay_wanted(100, 0.001), 0);
}

static void thinning_keeps_normals_and_whole_groups(void **state)
{
    (void)state;
    enum { GROUPS = 50, EACH = 4, N = GROUPS * EACH };
    bool defect[N], keep[N], again[N];
    uint64_t groups[N];
    for (int i = 0; i < N; i++) {
        groups[i] = (uint64_t)(i / EACH);
        defect[i] = i % EACH > 0; // three of four
    }
    for (size_t wanted = 0; wanted <= 150; wanted += 10) {
        int kept = 0, cut = 0;
        replay_thin(defect, groups, N, wanted, 3, keep);
        replay_thin(defect, groups, N, wanted, 3, again);
        for (int g = 0; g < GROUPS; g++) {
            int of_group = 0;
            for (int i = g * EACH; i < (g + 1) * EACH; i++) {
                assert_true(keep[i] == again[i]);
                assert_true(defect[i] || keep[i]);
                of_group += defect[i] && keep[i];
            }
            kept += of_group;
            cut += of_group == 1 || of_group == 2;
        }
        assert_int_equal(kept, wanted);
        assert_true(cut <= 1);
    }
    replay_thin(defect, groups, N, 1000, 3, keep);
    for (int i = 0; i < N; i++)
        assert_true(keep[i]);
    // another seed, others
    int differ = 0;
    replay_thin(defect, groups, N, 75, 3, keep);
    replay_thin(defect, groups, N, 75, 4, again);
    for (int i = 0; i < N; i++)
        differ += keep[i] != again[i];
    assert_true(differ > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_share_held_out_is_the_one_asked_for),
        cmocka_unit_test(a_group_stays_where_it_is_for_a_seed),
        cmocka_unit_test(the_number_of_defects_follows_from_the_rate),
        cmocka_unit_test(thinning_keeps_normals_and_whole_groups),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
