#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "image/image.h"
#include "screen/extract.h"
#include "screen/patch_local.h"
#include "screen/register.h"

enum { ROWS = 96, COLS = 128, PICTURES = 120, FRESH = 12, MARGIN = 16 };

static struct base *base;

// ---- scenes ----

enum scene { STILL, SHIFTED, STRIPES, NOTHING_COMMON };

// Plates at fixed places, then gray noise of its own; what belongs at (x, y) is at (x + dx, y + dy).
static void draw(enum scene scene, uint64_t seed, int dx, int dy, uint8_t *gray)
{
    struct rng plates = rng_seed(scene == NOTHING_COMMON ? 1000 + seed : 7), noise = rng_seed(seed + 5000);
    float tone[(ROWS + 2 * MARGIN) * (COLS + 2 * MARGIN)];
    int wide = COLS + 2 * MARGIN;
    for (size_t i = 0; i < sizeof tone / sizeof *tone; i++)
        tone[i] = 110;
    for (int k = 0; k < 40; k++) {
        int x0 = (int)rng_below(&plates, COLS + MARGIN), y0 = (int)rng_below(&plates, ROWS + MARGIN);
        int w = 6 + (int)rng_below(&plates, 22), h = 6 + (int)rng_below(&plates, 18);
        float level = (float)(60 + 120 * rng_uniform(&plates));
        for (int y = scene == STRIPES ? 0 : y0;
             y < (scene == STRIPES ? ROWS + 2 * MARGIN : y0 + h) && y < ROWS + 2 * MARGIN; y++)
            for (int x = x0; x < x0 + w && x < wide; x++)
                tone[y * wide + x] = level;
    }
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++) {
            double v = (double)tone[(y + MARGIN - dy) * wide + x + MARGIN - dx] + 9 * rng_normal(&noise);
            gray[y * COLS + x] = (uint8_t)fmin(fmax(v, 0), 255);
        }
}

static void shift_of(enum scene scene, uint64_t seed, int *dx, int *dy)
{
    struct rng rng = rng_seed(seed + 90000);
    *dx = scene == STILL ? 0 : (int)rng_below(&rng, 15) - 7;
    *dy = scene == STILL ? 0 : (int)rng_below(&rng, 15) - 7;
}

static void picture_of(enum scene scene, uint64_t seed, float *rgb)
{
    static uint8_t gray[ROWS * COLS];
    int dx, dy;
    shift_of(scene, seed, &dx, &dy);
    draw(scene, seed, dx, dy, gray);
    for (int i = 0; i < ROWS * COLS; i++)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = gray[i];
}

static bool find(enum scene scene, int count, struct registration *registration)
{
    struct register_sample *sample = register_sample_new();
    struct register_work *work = register_work_new();
    float *rgb = xcalloc((size_t)ROWS * COLS * 3, sizeof *rgb);
    double agreed;
    for (int i = 0; i < count; i++) {
        picture_of(scene, (uint64_t)i, rgb);
        register_sample_add(sample, work, (size_t)i, rgb, ROWS, COLS);
    }
    bool found = register_fit(sample, registration, &agreed);
    print_message("# scene %d: %.3f agreed\n", (int)scene, agreed);
    free(rgb);
    register_work_free(work);
    register_sample_free(sample);
    return found;
}

// ---- registration ----

static void a_shifted_scene_is_found_and_its_pictures_put_back(void **state)
{
    (void)state;
    struct registration registration;
    assert_true(find(SHIFTED, PICTURES, &registration));
    assert_int_equal(registration.rows, ROWS);
    assert_int_equal(registration.cols, COLS);
    struct register_work *work = register_work_new();
    float *rgb = xcalloc((size_t)ROWS * COLS * 3, sizeof *rgb),
          *back = xcalloc((size_t)ROWS * COLS * 3, sizeof *back);
    int beside_x = 0, beside_y = 0; // of the mean picture, the same for all
    for (int i = 0; i < 40; i++) {
        int dx, dy, x, y;
        picture_of(SHIFTED, 700 + (uint64_t)i, rgb);
        shift_of(SHIFTED, 700 + (uint64_t)i, &x, &y);
        register_find(&registration, work, rgb, ROWS, COLS, &dx, &dy);
        if (i == 0) {
            beside_x = dx - x;
            beside_y = dy - y;
            assert_true(abs(beside_x) <= 4 && abs(beside_y) <= 4); // it stays in the middle of them
        }
        assert_true(abs(dx - x - beside_x) <= 1 && abs(dy - y - beside_y) <= 1);
        register_move(rgb, ROWS, COLS, dx, dy, back);
        int r = ROWS / 2, c = COLS / 2;
        assert_memory_equal(back + (r * COLS + c) * 3, rgb + ((r + dy) * COLS + c + dx) * 3, 3 * sizeof *rgb);
    }
    // Something else altogether, and another shape, stay where they are.
    int dx, dy;
    for (int i = 0; i < ROWS * COLS * 3; i++)
        rgb[i] = 90;
    register_find(&registration, work, rgb, ROWS, COLS, &dx, &dy);
    assert_true(dx == 0 && dy == 0);
    register_find(&registration, work, rgb, ROWS - 32, COLS, &dx, &dy);
    assert_true(dx == 0 && dy == 0);
    free(back);
    free(rgb);
    register_work_free(work);
    registration_clear(&registration);
}

static void other_scenes_are_left_alone(void **state)
{
    (void)state;
    struct registration registration;
    assert_false(find(STILL, PICTURES, &registration));
    assert_false(find(STRIPES, PICTURES, &registration));
    assert_false(find(NOTHING_COMMON, PICTURES, &registration));
    assert_false(find(SHIFTED, REGISTER_LEAST - 1, &registration));
    assert_null(registration.mean);
}

// ---- a covariance for each place ----

// A picture that was fitted on is as far as if the fit had gone without it.
static void a_picture_that_was_fitted_on_is_left_out(void **state)
{
    (void)state;
    enum { DIM = 10, DOWN = 3, ACROSS = 5, CELLS = DOWN * ACROSS, COUNT = 40 };
    double covariance[DIM * DIM] = {0};
    unsigned char looked[COUNT][CELLS];
    float z[COUNT][CELLS * DIM], fitted[CELLS], without[CELLS], plain[CELLS];
    struct rng rng = rng_seed(3);
    for (int i = 0; i < DIM; i++)
        covariance[i * DIM + i] = 1 + i;
    for (int n = 0; n < COUNT; n++)
        for (int i = 0; i < CELLS; i++) {
            looked[n][i] = rng_uniform(&rng) < 0.8;
            for (int k = 0; k < DIM; k++) // the odd columns' cells vary in half of the directions only
                z[n][i * DIM + k] =
                    looked[n][i] ? (float)(rng_normal(&rng) * (i % 2 && k < DIM / 2 ? 0.1 : 1)) : 0;
        }
    struct patch_local all, less;
    struct local_fit *a = local_fit_new(covariance, DIM, DOWN, ACROSS, &all);
    struct local_fit *b = local_fit_new(covariance, DIM, DOWN, ACROSS, &less);
    assert_non_null(a);
    assert_int_equal(all.rank, DIM);
    for (int n = 0; n < COUNT; n++) {
        local_fit_add(a, z[n], looked[n]);
        if (n)
            local_fit_add(b, z[n], looked[n]);
    }
    assert_true(local_fit_end(a));
    assert_true(local_fit_end(b));
    patch_local_distances(&all, DOWN, ACROSS, z[0], looked[0], fitted);
    patch_local_distances(&all, DOWN, ACROSS, z[0], NULL, plain);
    patch_local_distances(&less, DOWN, ACROSS, z[0], NULL, without);
    for (int i = 0; i < CELLS; i++)
        if (looked[0][i]) {
            assert_float_equal(fitted[i], without[i], 1e-4);
            assert_true(plain[i] < fitted[i]); // what it is without
        }
    local_fit_free(a);
    local_fit_free(b);
    patch_local_clear(&all);
    patch_local_clear(&less);
}

// ---- the whole way ----

struct runner {
    int at, count, first;
    struct patch_result results[PICTURES + FRESH];
};

static char *path_of(int picture)
{
    char *name = xasprintf("picture-%d.png", picture), *path = file_join(scratch, name);
    free(name);
    return path;
}

static bool next(void *context, struct extract_item *item)
{
    struct runner *runner = context;
    if (runner->at == runner->count)
        return false;
    *item = (struct extract_item){runner->at, path_of(runner->first + runner->at)};
    runner->at++;
    return true;
}

static enum status done(void *context, const struct extract_result *result, struct error *err)
{
    struct runner *runner = context;
    if (result->status != ST_OK) {
        *err = result->error;
        return result->status;
    }
    runner->results[result->id] = result->patch;
    return ST_OK;
}

static struct runner *run(const struct extract_config *config, int first, int count)
{
    struct error err;
    struct runner *runner = xcalloc(1, sizeof *runner);
    const struct extract_io io = {.context = runner, .next = next, .done = done};
    runner->first = first;
    runner->count = count;
    assert_ok(extract_run(config, &io, &err), &err);
    return runner;
}

// Where picture PICTURES + i has its stain, in its own pixels: beside a plate's place, as shifted as the
// rest.
static void stain_at(int i, int *x, int *y)
{
    shift_of(SHIFTED, PICTURES + (uint64_t)i, x, y);
    *x += 40 + 4 * i;
    *y += 48;
}

static void write_pictures(enum scene scene)
{
    struct error err;
    for (int i = 0; i < PICTURES + FRESH; i++) {
        struct image image;
        int x, y, dx, dy;
        char *path = path_of(i);
        image_init(&image, COLS, ROWS, 1);
        shift_of(scene, (uint64_t)i, &dx, &dy);
        draw(scene, (uint64_t)i, dx, dy, image.pixels);
        if (i >= PICTURES + FRESH / 2) {
            stain_at(i - PICTURES, &x, &y);
            for (int r = -4; r <= 4; r++)
                for (int c = -4; c <= 4; c++)
                    image.pixels[(y + r) * COLS + x + c] =
                        r * r + c * c <= 16 ? (uint8_t)((r + c) & 1 ? 250 : 5) : 110;
        }
        assert_ok(image_write_png(path, &image, &err), &err);
        image_clear(&image);
        free(path);
    }
}

static struct extract_config config_of(void)
{
    struct extract_config config = {
        .base = base, .settings = screen_settings_default, .limits = image_limits_default, .threads = 1};
    config.settings.size = 112; // 128 x 96: pixel by pixel
    return config;
}

static struct patch_model *fit(const struct extract_config *config)
{
    struct error err;
    struct runner *runner = xcalloc(1, sizeof *runner);
    const struct extract_io io = {.context = runner, .next = next};
    struct patch_model *model;
    runner->count = PICTURES;
    assert_ok(extract_fit_patches(config, &io, &model, &err), &err);
    free(runner);
    return model;
}

static void the_heatmap_shows_the_original_place(void **state)
{
    (void)state;
    struct error err;
    char sha256[HASH_HEX];
    write_pictures(SHIFTED);
    struct extract_config config = config_of();
    struct patch_model *model = fit(&config), *loaded;
    assert_true(patch_registered(model));
    config.patch = model;
    struct runner *before = run(&config, 0, PICTURES + FRESH);
    float normal = 0, seen = 0, unseen = 0;
    for (int i = 0; i < PICTURES; i++)
        seen += before->results[i].measures[DETECTOR_PATCH] / PICTURES;
    for (int i = PICTURES; i < PICTURES + FRESH / 2; i++) {
        unseen += before->results[i].measures[DETECTOR_PATCH] / (FRESH / 2);
        normal = fmaxf(normal, before->results[i].measures[DETECTOR_PATCH]);
    }
    print_message("# fitted on %.3f, others %.3f\n", (double)seen, (double)unseen);
    assert_true(fabsf(seen / unseen - 1) < 0.12f); // leaving out what was fitted on works from end to end
    for (int i = FRESH / 2; i < FRESH; i++) {
        const struct patch_result *found = &before->results[PICTURES + i];
        int x, y, best = 0;
        stain_at(i, &x, &y);
        for (int k = 0; k < found->heat.rows * found->heat.cols; k++)
            best = found->heat.cells[k] > found->heat.cells[best] ? k : best;
        double at_x = (best % found->heat.cols + 0.5) / found->heat.cols * COLS,
               at_y = (best / found->heat.cols + 0.5) / found->heat.rows * ROWS;
        print_message("# stain at %d %d, found at %.0f %.0f, %.3f against %.3f\n", x, y, at_x, at_y,
                      (double)found->measures[DETECTOR_PATCH], (double)normal);
        assert_true(found->measures[DETECTOR_PATCH] > normal);
        assert_true(fabs(at_x - x) <= 12 && fabs(at_y - y) <= 12);
        assert_true(found->box[0] == 0 && found->box[3] == 1);
    }

    // From the file: bit by bit the same, those that were fitted on, too.
    assert_ok(patch_save(model, base_info(base), &config.settings, scratch, sha256, &err), &err);
    char *name = xasprintf("%s.safetensors", sha256), *path = file_join(scratch, name);
    assert_ok(patch_load(path, base_info(base), &config.settings, &loaded, &err), &err);
    assert_true(patch_registered(loaded));
    config.patch = loaded;
    struct runner *after = run(&config, 0, PICTURES + FRESH);
    for (int i = 0; i < PICTURES + FRESH; i++) {
        assert_memory_equal(before->results[i].measures, after->results[i].measures,
                            sizeof before->results[i].measures);
        assert_memory_equal(before->results[i].heat.cells, after->results[i].heat.cells,
                            HEAT_SIDE * HEAT_SIDE);
    }
    free(after);
    patch_free(loaded);

    // The ignore mask covers a place in the picture, wherever the scene is.
    struct image mask;
    image_init(&mask, COLS, ROWS, 1);
    memset(mask.pixels, 0, (size_t)ROWS * COLS);
    for (int r = ROWS / 4; r < 3 * ROWS / 4; r++)
        memset(mask.pixels + r * COLS + 24, 255, 80);
    config.patch = model;
    config.ignore = &mask;
    struct runner *masked = run(&config, PICTURES + FRESH / 2, FRESH / 2);
    for (int i = 0; i < FRESH / 2; i++) {
        const struct heat *heat = &masked->results[i].heat;
        for (int r = 0; r < heat->rows; r++)
            for (int c = 0; c < heat->cols; c++) {
                double y = (r + 0.5) / heat->rows * ROWS, x = (c + 0.5) / heat->cols * COLS;
                if (y > ROWS / 4.0 + 12 && y < 3 * ROWS / 4.0 - 12 && x > 36 && x < 92)
                    assert_int_equal(heat->cells[r * heat->cols + c], 0);
            }
    }
    image_clear(&mask);
    free(masked);
    free(before);
    free(name);
    free(path);
    patch_free(model);
}

static void an_unaligned_scene_is_not_registered(void **state)
{
    (void)state;
    write_pictures(NOTHING_COMMON);
    struct extract_config config = config_of();
    struct patch_model *model = fit(&config);
    assert_false(patch_registered(model));
    patch_free(model);
}

int main(void)
{
    struct error err;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shifted_scene_is_found_and_its_pictures_put_back),
        cmocka_unit_test(other_scenes_are_left_alone),
        cmocka_unit_test(a_picture_that_was_fitted_on_is_left_out),
        cmocka_unit_test(the_heatmap_shows_the_original_place),
        cmocka_unit_test(an_unaligned_scene_is_not_registered),
    };
    if (base_open(NULL, &base, &err) != ST_OK)
        return 1;
    int failed = cmocka_run_group_tests_name("register", tests, make_scratch, remove_scratch);
    base_free(base);
    return failed;
}
