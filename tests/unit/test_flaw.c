#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "learn/flaw.h"
#include "screen/patch_flaw.h"

enum { ROWS = 96, COLS = 160, STRIDE = 16, CELLS = ROWS / STRIDE * (COLS / STRIDE), DIM = 8 };

// A gray surface of waves and noise.
static float *surface(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *rgb = xmalloc(3 * ROWS * COLS * sizeof *rgb);
    for (int i = 0; i < ROWS * COLS; i++) {
        float v = (float)(120 + 20 * sin(0.3 * (i % COLS)) + 5 * rng_normal(&rng));
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = v;
    }
    return rgb;
}

static void a_copy_changes_what_its_mask_covers(void **state)
{
    (void)state;
    struct flaw_copy copy = {0}, again = {0};
    for (uint64_t seed = 0; seed < 120; seed++) {
        struct rng a = rng_seed(seed), b = rng_seed(seed);
        float *rgb = surface(seed / 10);
        int nth = (int)(seed % FLAW_COPIES), changed = 0, covered = 0;
        enum flaw_side side = flaw_copy_draw(&copy, nth, &a, rgb, ROWS, COLS);
        assert_int_equal(side, nth < FLAW_COPIES_LIGHT ? FLAW_SIDE_LIGHT : FLAW_SIDE_DRAWN);
        assert_int_equal(flaw_copy_draw(&again, nth, &b, rgb, ROWS, COLS), side);
        assert_memory_equal(copy.rgb, again.rgb, 3 * ROWS * COLS * sizeof *rgb);
        for (int i = 0; i < ROWS * COLS && side == FLAW_SIDE_DRAWN; i++) {
            bool other = copy.rgb[3 * i] != rgb[3 * i];
            changed += other;
            covered += copy.mask[i] > 0;
            assert_true(!other || copy.mask[i] > 0);
            assert_true(copy.mask[i] >= 0 && copy.mask[i] <= 1);
        }
        assert_true(side == FLAW_SIDE_LIGHT || (changed >= 8 && changed <= covered));
        free(rgb);
    }
    flaw_copy_clear(&copy);
    flaw_copy_clear(&again);
}

static void a_kind_can_be_left_out(void **state)
{
    (void)state;
    float *rgb = surface(1);
    for (int only = 0; only < FLAW_KINDS; only++) { // a zone is the one that reaches the edge along a side
        struct flaw_copy copy = {.without = ((1u << FLAW_KINDS) - 1) & ~(1u << only)}, any = {0};
        int differ = 0;
        for (uint64_t seed = 0; seed < 30; seed++) {
            struct rng a = rng_seed(seed), b = rng_seed(seed);
            flaw_copy_draw(&copy, FLAW_COPIES_LIGHT, &a, rgb, ROWS, COLS);
            flaw_copy_draw(&any, FLAW_COPIES_LIGHT, &b, rgb, ROWS, COLS);
            differ += memcmp(copy.rgb, any.rgb, 3 * ROWS * COLS * sizeof *rgb) != 0;
        }
        assert_true(differ >= 15 && differ < 30); // one in six was of this kind at once
        flaw_copy_clear(&copy);
        flaw_copy_clear(&any);
    }
    free(rgb);
}

static void chosen_cells_are_hit_and_looked_at(void **state)
{
    (void)state;
    struct flaw_copy copy = {0};
    float *rgb = surface(3);
    unsigned char looked[CELLS], chosen[CELLS];
    size_t drawn = 0, light = 0;
    for (int i = 0; i < CELLS; i++)
        looked[i] = i % 3 != 0;
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct rng rng = rng_seed(seed);
        enum flaw_side side = flaw_copy_draw(&copy, (int)(seed % FLAW_COPIES), &rng, rgb, ROWS, COLS);
        flaw_copy_cells(&copy, side, &rng, ROWS, COLS, STRIDE, looked, chosen);
        for (int i = 0; i < CELLS; i++) {
            double share = 0;
            for (int p = 0; p < STRIDE * STRIDE && side == FLAW_SIDE_DRAWN; p++) {
                int y = i / (COLS / STRIDE) * STRIDE + p / STRIDE, x = i % (COLS / STRIDE) * STRIDE + p % STRIDE;
                share += (double)copy.mask[y * COLS + x] / (STRIDE * STRIDE);
            }
            assert_true(chosen[i] <= looked[i]);
            assert_true(!chosen[i] || side == FLAW_SIDE_LIGHT || share > 0.009);
            drawn += chosen[i] && side == FLAW_SIDE_DRAWN;
            light += chosen[i] && side == FLAW_SIDE_LIGHT;
        }
    }
    assert_true(drawn > 100 && drawn < 60 * 24 && light > 100 && light < 20 * 24);
    flaw_copy_clear(&copy);
    free(rgb);
}

// ---- directions ----

static double length_along(const struct patch_flaws *flaws, int axis)
{
    double sum = 0;
    for (int r = 0; r < flaws->rank; r++) {
        double x = (double)flaws->project[axis * flaws->rank + r];
        sum += x * x;
    }
    return sqrt(sum);
}

// Light moves axis 0, defects axes 0 and 1, neither the rest: x counts along 1, less along 0, least elsewhere.
static void moves(struct flaw_moves *m, uint64_t seed, int count)
{
    struct rng rng = rng_seed(seed);
    float before[DIM] = {0}, after[DIM];
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < DIM; k++)
            after[k] = (float)(0.02 * rng_normal(&rng));
        after[0] += (float)(4 * rng_normal(&rng));
        if (i % 2)
            after[1] += (float)(4 * rng_normal(&rng));
        flaw_moves_add(m, i % 2 ? FLAW_SIDE_DRAWN : FLAW_SIDE_LIGHT, before, after, DIM);
    }
}

static void what_defects_move_and_light_does_not_counts(void **state)
{
    (void)state;
    struct flaw_moves pictures[10] = {0};
    const struct flaw_moves *list[10];
    float whiten[DIM * DIM] = {0};
    struct patch_flaws flaws, twice;
    for (int i = 0; i < 10; i++) {
        moves(&pictures[i], (uint64_t)i, 100);
        list[i] = &pictures[i];
    }
    for (int k = 0; k < DIM; k++)
        whiten[k * DIM + k] = 1;
    assert_true(patch_flaws_fit(list, 10, whiten, DIM, &flaws));
    assert_int_equal(flaws.rank, DIM);
    double light = length_along(&flaws, 0), flaw = length_along(&flaws, 1), rest = length_along(&flaws, 5);
    print_message("# along what light moves %.3f, defects %.3f, nothing %.3f\n", light, flaw, rest);
    assert_true(flaw > 0.8 && flaw <= 1.001 && light < 0.5 * flaw && rest < 0.1 * flaw);
    // By hand, without a correlation: axis 1 of A = 1, D = 16 has 1 - 1 / (1 + 0.3 * 16).
    assert_float_equal(flaw * flaw, 1 - 1 / (1 + 0.3 * 16), 0.03);
    assert_true(patch_flaws_fit(list, 10, whiten, DIM, &twice));
    assert_memory_equal(flaws.project, twice.project, DIM * (size_t)flaws.rank * sizeof(float));
    patch_flaws_clear(&twice);
    patch_flaws_clear(&flaws);
    for (int i = 0; i < 10; i++)
        flaw_moves_clear(&pictures[i]);
}

static void too_little_to_learn_from_teaches_nothing(void **state)
{
    (void)state;
    struct flaw_moves few = {0}, still = {0};
    const struct flaw_moves *list[] = {&few, &still};
    float whiten[DIM * DIM] = {0}, same[DIM] = {1};
    struct patch_flaws flaws;
    moves(&few, 1, 60);
    for (int k = 0; k < DIM; k++)
        whiten[k * DIM + k] = 1;
    assert_false(patch_flaws_fit(list, 1, whiten, DIM, &flaws));
    assert_int_equal(flaws.rank, 0);
    assert_null(flaws.project);
    for (int i = 0; i < 400; i++)
        flaw_moves_add(&still, FLAW_SIDE_DRAWN, same, same, DIM);
    assert_false(patch_flaws_fit(&list[1], 1, whiten, DIM, &flaws));
    assert_false(patch_flaws_fit(NULL, 0, whiten, DIM, &flaws));
    flaw_moves_clear(&few);
    flaw_moves_clear(&still);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_changes_what_its_mask_covers),
        cmocka_unit_test(a_kind_can_be_left_out),
        cmocka_unit_test(chosen_cells_are_hit_and_looked_at),
        cmocka_unit_test(what_defects_move_and_light_does_not_counts),
        cmocka_unit_test(too_little_to_learn_from_teaches_nothing),
    };
    return cmocka_run_group_tests_name("flaw", tests, NULL, NULL) != 0;
}
