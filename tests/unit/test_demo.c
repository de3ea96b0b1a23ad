#include "config.h"

#include <stdbool.h>

#include "tests/unit/test.h"

#include "base/hash.h"
#include "image/demo.h"

static size_t size_of(const struct image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

static int kinds_in_all(void)
{
    int kinds = 0;
    for (int s = 0; s < DEMO_SCENES; s++)
        kinds += demo_scenes[s].kind_count;
    return kinds;
}

static void scenes_have_kinds_with_a_severity(void **state)
{
    (void)state;
    for (int s = 0; s < DEMO_SCENES; s++) {
        assert_in_range(demo_scenes[s].kind_count, 3, 16);
        for (int k = 0; k < demo_scenes[s].kind_count; k++) {
            const struct demo_kind *kind = &demo_scenes[s].kinds[k];
            assert_true(kind->name[0] != '\0');
            assert_true(strcmp(kind->severity, "stop") == 0 || strcmp(kind->severity, "key") == 0 ||
                        strcmp(kind->severity, "general") == 0);
            for (int other = 0; other < k; other++)
                assert_string_not_equal(kind->name, demo_scenes[s].kinds[other].name);
        }
    }
}

// Everything the header says of a plan's order and numbers.
static void check_plan(uint64_t seed, size_t count, double rate, size_t defects)
{
    struct demo_item *plan = demo_plan(seed, count, rate);
    size_t found = 0, of_scene[DEMO_SCENES] = {0}, of_kind[DEMO_SCENES][16] = {{0}};
    int burst = 0, kinds_seen = 0;
    for (size_t i = 0; i < count; i++) {
        const struct demo_item *item = &plan[i], *last = i ? item - 1 : NULL;
        bool same_scene = last && last->scene == item->scene;
        assert_in_range(item->scene, last ? last->scene : 0, DEMO_SCENES - 1);
        assert_int_equal(item->number, same_scene ? last->number + 1 : 0);
        if (last && item->group == last->group) {
            assert_true(same_scene && ++burst <= 3);
            assert_true(item->seed == last->seed);
        } else {
            // A group never comes back: the numbers rise.
            assert_int_equal(item->group, last ? last->group + 1 : 0);
            burst = 1;
        }
        of_scene[item->scene]++;
        assert_in_range(item->kind + 1, 0, demo_scenes[item->scene].kind_count);
        if (item->kind >= 0) {
            found++;
            kinds_seen += of_kind[item->scene][item->kind]++ == 0;
        }
    }
    assert_int_equal(found, defects);
    for (size_t s = 0; s < DEMO_SCENES; s++)
        assert_int_equal(of_scene[s], count / DEMO_SCENES + (s < count % DEMO_SCENES));
    if (defects >= (size_t)kinds_in_all() && count >= 3 * 16)
        assert_int_equal(kinds_seen, kinds_in_all());
    free(plan);
}

static void plans_have_the_numbers_asked_for(void **state)
{
    (void)state;
    check_plan(1, 2400, 0.05, 120);
    check_plan(2, 2401, 0.02, 48);
    check_plan(3, 400, 0.04, 16); // as many as there are kinds
    check_plan(4, 1000, 0.005, 5);
    check_plan(5, 60, 0.5, 30);
    check_plan(6, 50, 1, 50);
    check_plan(7, 48, 0.3334, 16);
    check_plan(8, 4, 0.5, 2);
}

static void small_and_clean_plans_are_fine(void **state)
{
    (void)state;
    check_plan(1, 0, 0.5, 0);
    check_plan(1, 1, 0, 0);
    check_plan(1, 1, 1, 1);
    check_plan(1, 2, 1, 2);
    check_plan(9, 900, 0, 0);
    check_plan(9, 30, 7, 30); // a rate above one is all of them
    check_plan(9, 30, -1, 0);
}

static void defects_are_spread(void **state)
{
    (void)state;
    struct demo_item *plan = demo_plan(11, 2400, 0.1);
    size_t half[2] = {0};
    for (size_t i = 0; i < 800; i++)
        half[i >= 400] += plan[i].kind >= 0;
    assert_in_range(half[0], 20, 60);
    assert_int_equal(half[0] + half[1], 80);
    free(plan);
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    for (int s = 0; s < DEMO_SCENES; s++)
        for (int kind = -1; kind < 1; kind++) {
            struct demo_item item = {.scene = s, .kind = kind, .number = 5, .group = 3, .seed = 42};
            struct image first, second, other, next, mask;
            demo_render(&item, &first, &mask);
            demo_render(&item, &second, NULL); // the mask changes nothing
            assert_int_equal(first.width, demo_scenes[s].width);
            assert_int_equal(first.height, demo_scenes[s].height);
            assert_int_equal(first.channels, s == 2 ? 3 : 1);
            assert_memory_equal(first.pixels, second.pixels, size_of(&first));
            item.seed++;
            demo_render(&item, &other, NULL);
            assert_memory_not_equal(first.pixels, other.pixels, size_of(&first));
            item.seed--;
            item.number++; // the same place, seen again
            demo_render(&item, &next, NULL);
            assert_memory_not_equal(first.pixels, next.pixels, size_of(&first));
            image_clear(&first);
            image_clear(&second);
            image_clear(&other);
            image_clear(&next);
            image_clear(&mask);
        }
}

// Two normal pictures and one of each kind, per scene. Compilers and machines must agree; who
// changes what the demo draws changes these on purpose.
static void bytes_are_the_same_everywhere(void **state)
{
    (void)state;
    static const char *const known[DEMO_SCENES] = {
        "e56789740fe0c82219ca9d7b54096c4e3240605a4e73427abb20b81a32536d94",
        "317666060f89db77429ea4bfd3c67a2679855c35f976604a5b0148fc6d6f2e41",
        "8e8b4bcab1b87da1d99f4ed367380be53493bb732365ba4d54cfa152dc78817a",
    };
    for (int s = 0; s < DEMO_SCENES; s++) {
        char all[8 * HASH_HEX] = "", hex[HASH_HEX];
        size_t at = 0;
        for (int kind = -2; kind < demo_scenes[s].kind_count; kind++) {
            struct demo_item item = {
                .scene = s, .kind = kind < 0 ? -1 : kind, .number = 40 + kind, .seed = 9};
            struct image picture;
            demo_render(&item, &picture, NULL);
            hash_bytes(picture.pixels, size_of(&picture), hex);
            memcpy(all + at, hex, HASH_HEX - 1);
            at += HASH_HEX - 1;
            image_clear(&picture);
        }
        hash_bytes(all, at, hex);
        assert_string_equal(hex, known[s]);
    }
}

// Mean absolute difference of two pictures of one size.
static double apart(const struct image *a, const struct image *b)
{
    double sum = 0;
    for (size_t i = 0; i < size_of(a); i++)
        sum += abs(a->pixels[i] - b->pixels[i]);
    return sum / (double)size_of(a);
}

static void a_burst_shows_one_place(void **state)
{
    (void)state;
    for (int s = 0; s < DEMO_SCENES; s++) {
        double burst = 0, strangers = 0;
        for (int i = 0; i < 6; i++) {
            struct demo_item item = {.scene = s, .kind = -1, .number = 10, .seed = 500 + (uint64_t)i};
            struct image here, again, elsewhere;
            demo_render(&item, &here, NULL);
            item.number++;
            demo_render(&item, &again, NULL);
            item.seed += 1000;
            demo_render(&item, &elsewhere, NULL);
            burst += apart(&here, &again);
            strangers += apart(&here, &elsewhere);
            image_clear(&here);
            image_clear(&again);
            image_clear(&elsewhere);
        }
        assert_true(burst < strangers);
    }
}

// Whether the mask has anything within `reach` pixels (a square) of (x, y).
static bool near_mask(const struct image *mask, int x, int y, int reach)
{
    for (int j = y > reach ? y - reach : 0; j <= y + reach && j < mask->height; j++)
        for (int i = x > reach ? x - reach : 0; i <= x + reach && i < mask->width; i++)
            if (mask->pixels[j * mask->width + i])
                return true;
    return false;
}

static void a_defect_changes_its_mask_and_nothing_else(void **state)
{
    (void)state;
    for (int s = 0; s < DEMO_SCENES; s++)
        for (int kind = 0; kind < demo_scenes[s].kind_count; kind++)
            for (uint64_t seed = 1; seed <= 5; seed++) {
                struct demo_item item = {
                    .scene = s, .kind = kind, .number = (int)seed * 31, .seed = seed * 77};
                struct image with, without, mask, empty;
                demo_render(&item, &with, &mask);
                item.kind = -1;
                demo_render(&item, &without, &empty);
                assert_int_equal(mask.width, with.width);
                assert_int_equal(mask.height, with.height);
                assert_int_equal(mask.channels, 1);
                size_t inside = 0, outside = 0;
                double change = 0;
                for (int y = 0; y < with.height; y++)
                    for (int x = 0; x < with.width; x++) {
                        int p = y * with.width + x, differs = 0;
                        assert_int_equal(empty.pixels[p], 0);
                        assert_true(mask.pixels[p] == 0 || mask.pixels[p] == 255);
                        for (int c = p * with.channels; c < (p + 1) * with.channels; c++)
                            differs += abs(with.pixels[c] - without.pixels[c]);
                        if (mask.pixels[p]) {
                            inside++;
                            change += (double)differs / with.channels;
                        } else if (differs) {
                            outside += !near_mask(&mask, x, y, 2);
                        }
                    }
                if (outside > 0 || inside < 24 || change / (double)inside < 4)
                    fail_msg("%s, %s, seed %d: %zu pixels, mean change %.1f, %zu changed outside",
                             demo_scenes[s].name, demo_scenes[s].kinds[kind].name, (int)seed * 77, inside,
                             inside ? change / (double)inside : 0, outside);
                assert_true(inside < (size_t)(with.width * with.height / 4));
                image_clear(&with);
                image_clear(&without);
                image_clear(&mask);
                image_clear(&empty);
            }
}

static void pictures_use_their_range(void **state)
{
    (void)state;
    for (int s = 0; s < DEMO_SCENES; s++)
        for (uint64_t seed = 0; seed < 12; seed++) {
            struct demo_item item = {.scene = s, .kind = -1, .number = (int)seed * 97, .seed = seed};
            struct image picture;
            demo_render(&item, &picture, NULL);
            double sum = 0, squares = 0, n = (double)size_of(&picture);
            size_t clipped = 0;
            for (size_t i = 0; i < size_of(&picture); i++) {
                double v = picture.pixels[i];
                sum += v;
                squares += v * v;
                clipped += v == 0 || v == 255;
            }
            double mean = sum / n;
            assert_true(mean > 20 && mean < 235);
            assert_true(squares / n - mean * mean > 8 * 8);
            assert_true((double)clipped < 0.05 * n);
            image_clear(&picture);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes_have_kinds_with_a_severity),
        cmocka_unit_test(plans_have_the_numbers_asked_for),
        cmocka_unit_test(small_and_clean_plans_are_fine),
        cmocka_unit_test(defects_are_spread),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(bytes_are_the_same_everywhere),
        cmocka_unit_test(a_burst_shows_one_place),
        cmocka_unit_test(a_defect_changes_its_mask_and_nothing_else),
        cmocka_unit_test(pictures_use_their_range),
    };
    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
