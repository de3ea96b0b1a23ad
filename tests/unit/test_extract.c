#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "image/image.h"
#include "image/resize.h"
#include "nn/safetensors.h"
#include "screen/extract.h"
#include "screen/pixels.h"

enum { MAX_PICTURES = 64, MAX_DIM = 1024 };

static struct base *base;

// ---- pictures ----

// A brushed surface with a lamp's gradient and some noise; `seed` varies all of it.
static void surface(struct image *image, int width, int height, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    double phase = 6.28 * rng_uniform(&rng), light = 0.9 + 0.2 * rng_uniform(&rng);
    image_init(image, width, height, 3);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double v = light * (120 + 30.0 * x / width + 15 * sin(0.5 * y + phase) + 6 * rng_normal(&rng));
            for (int k = 0; k < 3; k++)
                image->pixels[(y * width + x) * 3 + k] = (uint8_t)fmin(fmax(v - 4 * k, 0), 255);
        }
}

static void spot(struct image *image, int cx, int cy, int radius, int level)
{
    for (int y = cy - radius; y <= cy + radius; y++)
        for (int x = cx - radius; x <= cx + radius; x++)
            if ((x - cx) * (x - cx) + (y - cy) * (y - cy) <= radius * radius)
                memset(image->pixels + (y * image->width + x) * 3, level, 3);
}

static char *save(const struct image *image, const char *name)
{
    struct error err;
    char *path = file_join(scratch, name);
    assert_ok(image_write_png(path, image, &err), &err);
    return path;
}

// `count` surfaces as files; caller: forget().
static char **surfaces(int count, int width, int height, uint64_t seed)
{
    char **paths = xcalloc(MAX_PICTURES, sizeof *paths);
    for (int i = 0; i < count; i++) {
        struct image image;
        char name[64];
        surface(&image, width, height, seed + (uint64_t)i);
        snprintf(name, sizeof name, "surface-%d-%d-%d.png", width, height, (int)seed + i);
        paths[i] = save(&image, name);
        image_clear(&image);
    }
    return paths;
}

static void forget(char **paths)
{
    for (int i = 0; i < MAX_PICTURES; i++)
        free(paths[i]);
    free(paths);
}

// ---- running ----

struct runner {
    char **paths;
    int count, at, done, stop_after; // stop_after, fail_after < 0: never
    int fail_after;
    enum status status[MAX_PICTURES];
    struct error error[MAX_PICTURES];
    float embedding[MAX_PICTURES][MAX_DIM];
    struct patch_result patch[MAX_PICTURES];
};

static bool runner_next(void *context, struct extract_item *item)
{
    struct runner *runner = context;
    if (runner->at == runner->count)
        return false;
    item->id = runner->at;
    item->path = xstrdup(runner->paths[runner->at++]);
    return true;
}

static enum status runner_done(void *context, const struct extract_result *result, struct error *err)
{
    struct runner *runner = context;
    if (runner->fail_after >= 0 && runner->done >= runner->fail_after)
        return error_set(err, ST_IO, "no room left");
    runner->done++;
    runner->status[result->id] = result->status;
    runner->error[result->id] = result->error;
    if (result->status == ST_OK) {
        assert_int_equal(result->dim, extract_dim(base));
        memcpy(runner->embedding[result->id], result->embedding, (size_t)result->dim * sizeof(float));
        runner->patch[result->id] = result->patch;
    }
    return ST_OK;
}

static bool runner_stop(void *context)
{
    const struct runner *runner = context;
    return runner->stop_after >= 0 && runner->done >= runner->stop_after;
}

static struct runner *runner_new(char **paths, int count)
{
    struct runner *runner = xcalloc(1, sizeof *runner);
    runner->paths = paths;
    runner->count = count;
    runner->stop_after = runner->fail_after = -1;
    return runner;
}

static struct extract_config config_of(int size)
{
    struct extract_config config = {
        .base = base, .settings = screen_settings_default, .limits = image_limits_default, .threads = 1};
    config.settings.size = size;
    return config;
}

static enum status run(const struct extract_config *config, struct runner *runner, struct error *err)
{
    const struct extract_io io = {
        .context = runner, .next = runner_next, .done = runner_done, .stop = runner_stop};
    return extract_run(config, &io, err);
}

static struct runner *run_all(const struct extract_config *config, char **paths, int count)
{
    struct error err;
    struct runner *runner = runner_new(paths, count);
    assert_ok(run(config, runner, &err), &err);
    assert_int_equal(runner->done, count);
    return runner;
}

static enum status fit(const struct extract_config *config, char **paths, int count,
                       struct patch_model **model, struct error *err)
{
    struct runner *runner = runner_new(paths, count);
    const struct extract_io io = {.context = runner, .next = runner_next, .stop = runner_stop};
    enum status status = extract_fit_patches(config, &io, model, err);
    free(runner);
    return status;
}

static void same_embedding(const float *a, const float *b)
{
    assert_memory_equal(a, b, (size_t)extract_dim(base) * sizeof *a);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int k = 0; k < extract_dim(base); k++)
        sum += (a[k] - b[k]) * (double)(a[k] - b[k]);
    return sqrt(sum);
}

// ---- tests ----

static void threads_do_not_change_the_features(void **state)
{
    (void)state;
    char **paths = surfaces(7, 150, 100, 1);
    struct extract_config config = config_of(96);
    struct runner *one = run_all(&config, paths, 7);
    config.threads = 2;
    struct runner *two = run_all(&config, paths, 7);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(one->status[i], ST_OK);
        same_embedding(one->embedding[i], two->embedding[i]);
    }
    assert_true(distance(one->embedding[0], one->embedding[1]) > 0.01);
    free(one), free(two);
    forget(paths);
}

struct embedded {
    char *path;
    float values[MAX_DIM];
    int dim;
};

static bool embedded_next(void *context, struct extract_item *item)
{
    struct embedded *e = context;
    *item = (struct extract_item){0, e->path};
    e->path = NULL;
    return item->path != NULL;
}

static enum status embedded_done(void *context, const struct extract_result *result, struct error *err)
{
    (void)err;
    struct embedded *e = context;
    assert_int_equal(result->status, ST_OK);
    e->dim = result->dim;
    memcpy(e->values, result->embedding, (size_t)result->dim * sizeof(float));
    return ST_OK;
}

static void deviations_are_those_of_the_maps(void **state)
{
    (void)state;
    char **paths = surfaces(1, 96, 96, 3);
    struct embedded e = {.path = xstrdup(paths[0])};
    const struct extract_io io = {.context = &e, .next = embedded_next, .done = embedded_done};
    struct extract_config config = config_of(96);
    struct image image;
    struct tap taps[BASE_TAPS];
    struct error err;
    assert_ok(extract_run(&config, &io, &err), &err);
    assert_int_equal(e.dim, extract_dim(base));
    assert_ok(image_load(paths[0], &image_limits_default, 0, 0, &image, NULL, &err), &err);
    float *rgb = xcalloc(96 * 96 * 3, sizeof *rgb);
    image_resize_rgb(&image, 0, 0, 96, 96, 96, 96, rgb);
    struct base_work *work = base_work_new(base);
    base_taps(base, work, rgb, 96, 96, taps);
    for (int t = 0, at = 0; t < BASE_TAPS; at += taps[t++].channels)
        for (int k = 0; k < taps[t].channels; k++) {
            double n = taps[t].rows * taps[t].cols, sum = 0, square = 0, most = -INFINITY, least = INFINITY;
            for (int i = 0; i < n; i++) {
                double x = taps[t].data[i * taps[t].channels + k];
                sum += x;
                square += x * x;
                most = fmax(most, x);
                least = fmin(least, x);
            }
            int both = taps[0].channels + taps[1].channels, channels = taps[1].channels;
            double sd = sqrt(fmax(0, square / n - sum / n * (sum / n)));
            assert_true(fabs(e.values[both + at + k] - sum / n) < 1e-4 * (1 + fabs(sum / n)));
            assert_true(fabs(e.values[at + k] - sd) < 1e-3 * (1 + sd));
            if (t == 0)
                continue;
            assert_true(fabs(e.values[2 * both + k] - (most - sum / n)) < 1e-3 * (1 + most - least));
            assert_true(fabs(e.values[2 * both + channels + k] - (sum / n - least)) <
                        1e-3 * (1 + most - least));
        }
    base_work_free(work);
    free(rgb);
    image_clear(&image);
    forget(paths);
}

static void region_of_interest_is_what_is_seen(void **state)
{
    (void)state;
    struct image whole, part;
    char *paths[2];
    surface(&whole, 200, 120, 5);
    spot(&whole, 160, 60, 20, 15);
    image_crop(&whole, 0, 30, 100, 60, &part);
    paths[0] = save(&whole, "whole.png");
    paths[1] = save(&part, "part.png");
    struct extract_config config = config_of(96);
    struct runner *all = run_all(&config, paths, 2);
    memcpy(config.settings.roi, (double[4]){0, 0.25, 0.5, 0.75}, sizeof config.settings.roi);
    struct runner *region = run_all(&config, paths, 1);
    same_embedding(region->embedding[0], all->embedding[1]);
    assert_true(distance(all->embedding[0], all->embedding[1]) > 0.01);
    image_clear(&whole);
    image_clear(&part);
    free(all), free(region), free(paths[0]), free(paths[1]);
}

static void ignored_cells_do_not_count(void **state)
{
    (void)state;
    struct image clean, dirty, mask;
    char *paths[2];
    surface(&clean, 256, 256, 9);
    surface(&dirty, 256, 256, 9);
    spot(&dirty, 245, 128, 8, 15); // farther from the left half than any filter reaches
    paths[0] = save(&clean, "clean.png");
    paths[1] = save(&dirty, "dirty.png");
    struct extract_config config = config_of(256);
    struct runner *plain = run_all(&config, paths, 2);
    assert_true(distance(plain->embedding[0], plain->embedding[1]) > 1e-3);

    image_init(&mask, 64, 32, 1); // of another size than the picture
    config.ignore = &mask;
    struct runner *nothing = run_all(&config, paths, 1);
    same_embedding(nothing->embedding[0], plain->embedding[0]);
    for (int y = 0; y < 32; y++)
        memset(mask.pixels + y * 64 + 32, 255, 32);
    struct runner *half = run_all(&config, paths, 2);
    same_embedding(half->embedding[0], half->embedding[1]);
    assert_true(distance(half->embedding[0], plain->embedding[0]) > 1e-3);
    memset(mask.pixels, 1, 64 * 32);
    struct runner *all = run_all(&config, paths, 1);
    assert_int_equal(all->status[0], ST_INVALID);
    assert_non_null(strstr(all->error[0].text, "clean.png: the ignore mask"));
    image_clear(&clean);
    image_clear(&dirty);
    image_clear(&mask);
    free(plain), free(nothing), free(half), free(all), free(paths[0]), free(paths[1]);
}

// Centre of the brightest cells, fractions of the heatmap's box.
static void brightest_place(const struct heat *heat, double *x, double *y)
{
    int best = 0, cells = 0;
    *x = *y = 0;
    for (int i = 0; i < heat->rows * heat->cols; i++)
        best = heat->cells[i] > best ? heat->cells[i] : best;
    for (int i = 0; i < heat->rows * heat->cols; i++) {
        if (heat->cells[i] < best)
            continue;
        *x += (i % heat->cols + 0.5) / heat->cols;
        *y += ((double)(i / heat->cols) + 0.5) / heat->rows;
        cells++;
    }
    *x /= cells;
    *y /= cells;
}

static float largest_patch(const struct runner *runner, int count, bool tile)
{
    float largest = 0;
    for (int i = 0; i < count; i++)
        largest = fmaxf(largest, tile ? runner->patch[i].measures[DETECTOR_TILE]
                                      : runner->patch[i].measures[DETECTOR_PATCH]);
    return largest;
}

static void a_spot_is_found_where_it_is(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(40, 192, 128, 100);
    struct image image;
    surface(&image, 192, 128, 777);
    spot(&image, 140, 40, 4, 80);
    paths[40] = save(&image, "spot.png");
    image_clear(&image);
    struct extract_config config = config_of(128);
    struct patch_model *model;
    assert_ok(fit(&config, paths, 30, &model, &err), &err);
    config.patch = model;
    struct runner *scored = run_all(&config, paths + 30, 11);
    float normal = largest_patch(scored, 10, false);
    const struct patch_result *found = &scored->patch[10];
    print_message("# spot %.3f, normal at most %.3f\n", (double)found->measures[DETECTOR_PATCH],
                  (double)normal);
    assert_true(normal > 0.3f && normal < 1.5f); // about the 99.9 % quantile of cells
    assert_true(found->measures[DETECTOR_PATCH] > 1.5f * normal);
    assert_float_equal(found->measures[DETECTOR_TILE], 0, 0);
    double x, y;
    brightest_place(&found->heat, &x, &y);
    print_message("# at %.3f %.3f\n", x, y);
    assert_true(found->heat.cols > found->heat.rows); // the picture's shape
    assert_true(fabs(x - 140 / 192.0) < 1.6 / found->heat.cols &&
                fabs(y - 40 / 128.0) < 1.6 / found->heat.rows);
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < found->heat.rows * found->heat.cols; k++)
            assert_true(scored->patch[i].heat.cells[k] < 230);
    assert_true(found->box[0] == 0 && found->box[1] == 0 && found->box[2] == 1 && found->box[3] == 1);
    free(scored);
    patch_free(model);
    forget(paths);
}

// The measure that is learned from drawn defects alone, on spots and scratches it never saw, some hardly to be seen.
static void what_was_drawn_teaches_to_find_what_was_not(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(50, 192, 128, 2100);
    for (int i = 0; i < 12; i++) {
        struct image image;
        char name[32];
        surface(&image, 192, 128, 3000 + (uint64_t)i);
        for (int k = 0; i % 2 && k < 24; k++)
            spot(&image, 40 + 8 * i / 2 + k, 30 + 5 * i + k / 2, 1, 70);
        if (i % 2 == 0)
            spot(&image, 30 + 10 * i, 100 - 6 * i, 3, 75);
        snprintf(name, sizeof name, "planted-%d.png", i);
        paths[50 + i] = save(&image, name);
        image_clear(&image);
    }
    struct extract_config config = config_of(128);
    config.threads = 2;
    struct patch_model *model, *alone;
    assert_ok(fit(&config, paths, 30, &model, &err), &err);
    config.patch = model;
    struct runner *scored = run_all(&config, paths + 30, 32);
    int above = 0;
    for (int i = 20; i < 32; i++)
        for (int k = 0; k < 20; k++) {
            assert_true(isfinite(scored->patch[k].measures[DETECTOR_DRAWN]));
            above += scored->patch[i].measures[DETECTOR_DRAWN] > scored->patch[k].measures[DETECTOR_DRAWN];
        }
    print_message("# AUROC %.3f\n", above / 240.0);
    assert_true(above > 240 * 9 / 10);
    config.threads = 1; // the pictures and their order decide what is learned, not the threads
    config.patch = NULL;
    assert_ok(fit(&config, paths, 30, &alone, &err), &err);
    config.patch = alone;
    struct runner *again = run_all(&config, paths + 30, 32);
    for (int i = 0; i < 32; i++)
        assert_memory_equal(again->patch[i].measures, scored->patch[i].measures, sizeof again->patch[i].measures);
    free(again);
    free(scored);
    patch_free(alone);
    patch_free(model);
    forget(paths);
}

static void tiles_find_what_the_whole_view_loses(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(26, 500, 420, 300);
    struct image image;
    surface(&image, 500, 420, 888);
    spot(&image, 430, 90, 2, 70);
    paths[26] = save(&image, "speck.png");
    image_clear(&image);
    struct extract_config config = config_of(64);
    config.settings.tile = 128;
    config.threads = 2;
    struct patch_model *model;
    assert_ok(fit(&config, paths, 20, &model, &err), &err);
    config.patch = model;
    struct runner *scored = run_all(&config, paths + 20, 7);
    const struct patch_result *found = &scored->patch[6];
    float whole = largest_patch(scored, 6, false), tile = largest_patch(scored, 6, true);
    print_message("# whole %.3f of %.3f, tile %.3f of %.3f\n", (double)found->measures[DETECTOR_PATCH],
                  (double)whole, (double)found->measures[DETECTOR_TILE], (double)tile);
    assert_true(tile > 0.3f && found->measures[DETECTOR_TILE] > 1.15f * tile);
    assert_true(found->measures[DETECTOR_PATCH] < 1.15f * whole);
    double x, y;
    brightest_place(&found->heat, &x, &y);
    assert_true(fabs(x - 430 / 500.0) < 1.6 / found->heat.cols &&
                fabs(y - 90 / 420.0) < 1.6 / found->heat.rows);
    free(scored);
    patch_free(model);
    forget(paths);
}

static void bad_files_do_not_stop_the_run(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(5, 100, 100, 500);
    assert_ok(file_write(paths[1], "not a picture", 13, &err), &err);
    free(paths[3]);
    paths[3] = xstrdup("/nonexistent/picture.png");
    struct extract_config config = config_of(64);
    config.threads = 2;
    struct runner *runner = run_all(&config, paths, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(runner->status[i] == ST_OK, i != 1 && i != 3);
    assert_non_null(strstr(runner->error[1].text, paths[1]));
    assert_int_equal(runner->status[3], ST_NOT_FOUND);
    assert_non_null(strstr(runner->error[3].text, paths[3]));
    free(runner);
    forget(paths);
}

static void a_run_can_be_stopped(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(12, 64, 64, 600);
    struct extract_config config = config_of(64);
    config.threads = 2;
    struct runner *runner = runner_new(paths, 12);
    runner->stop_after = 3;
    assert_status(run(&config, runner, &err), ST_CANCELLED, &err);
    assert_true(runner->done >= 3 && runner->done <= 5);
    free(runner);
    runner = runner_new(paths, 12);
    runner->fail_after = 2;
    assert_status(run(&config, runner, &err), ST_IO, &err);
    assert_string_equal(err.text, "no room left");
    assert_int_equal(runner->done, 2);
    free(runner);
    config.settings.size = 5;
    runner = runner_new(paths, 12);
    assert_status(run(&config, runner, &err), ST_INVALID, &err);
    assert_int_equal(runner->at, 0);
    free(runner);
    forget(paths);
}

static void the_sample_decides_the_statistics_not_the_threads(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(24, 200, 140, 700), first[HASH_HEX], second[HASH_HEX];
    free(paths[4]);
    paths[4] = xstrdup("/nonexistent/picture.png"); // passed over
    struct extract_config config = config_of(64);
    config.settings.tile = 64;
    struct patch_model *model;
    assert_ok(fit(&config, paths, 24, &model, &err), &err);
    assert_ok(patch_save(model, base_info(base), &config.settings, scratch, first, &err), &err);
    patch_free(model);
    config.threads = 3;
    assert_ok(fit(&config, paths, 24, &model, &err), &err);
    assert_ok(patch_save(model, base_info(base), &config.settings, scratch, second, &err), &err);
    patch_free(model);
    assert_string_equal(first, second);
    forget(paths);
}

// A defect among the sample must not teach the model to accept it.
static void a_defect_in_the_sample_is_dropped(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(40, 128, 128, 900);
    for (int i = 0; i < 2; i++) {
        struct image image;
        surface(&image, 128, 128, 5000 + (uint64_t)i);
        spot(&image, 64, 64, 14, 15);
        free(paths[20 * i]);
        paths[20 * i] = save(&image, i ? "defect-1.png" : "defect-0.png");
        image_clear(&image);
    }
    struct extract_config config = config_of(128);
    struct patch_model *model;
    assert_ok(fit(&config, paths, 34, &model, &err), &err);
    config.patch = model;
    struct runner *scored = run_all(&config, paths, 40);
    float normal = 0;
    for (int i = 34; i < 40; i++)
        normal = fmaxf(normal, scored->patch[i].measures[DETECTOR_PATCH]);
    // 3 % of 34 pictures is one: at least the worse of the two is out and both stand out.
    print_message("# defects %.3f %.3f, normal at most %.3f\n",
                  (double)scored->patch[0].measures[DETECTOR_PATCH],
                  (double)scored->patch[20].measures[DETECTOR_PATCH], (double)normal);
    assert_true(scored->patch[0].measures[DETECTOR_PATCH] > 1.3f * normal &&
                scored->patch[20].measures[DETECTOR_PATCH] > 1.3f * normal);
    free(scored);
    patch_free(model);
    forget(paths);
}

static void statistics_come_back_from_their_file(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(22, 160, 120, 1100), sha256[HASH_HEX];
    // Two pictures of another shape: no mean per place for them.
    struct image image;
    for (int i = 20; i < 22; i++) {
        surface(&image, 120, 200, 1300 + (uint64_t)i);
        free(paths[i]);
        paths[i] = save(&image, i == 20 ? "tall-0.png" : "tall-1.png");
        image_clear(&image);
    }
    struct extract_config config = config_of(96);
    config.settings.tile = 64;
    struct patch_model *model, *loaded;
    assert_ok(fit(&config, paths, 22, &model, &err), &err);
    assert_ok(patch_save(model, base_info(base), &config.settings, scratch, sha256, &err), &err);
    char *name = xasprintf("%s.safetensors", sha256), *path = file_join(scratch, name);
    assert_ok(patch_load(path, base_info(base), &config.settings, &loaded, &err), &err);
    config.patch = model;
    struct runner *before = run_all(&config, paths, 22);
    config.patch = loaded;
    struct runner *after = run_all(&config, paths, 22);
    for (int i = 0; i < 22; i++) {
        assert_true(before->patch[i].measures[DETECTOR_PATCH] > 0 &&
                    before->patch[i].measures[DETECTOR_TILE] > 0);
        assert_memory_equal(&before->patch[i].measures[DETECTOR_PATCH],
                            &after->patch[i].measures[DETECTOR_PATCH], sizeof(float));
        assert_memory_equal(&before->patch[i].measures[DETECTOR_TILE],
                            &after->patch[i].measures[DETECTOR_TILE], sizeof(float));
        assert_memory_equal(before->patch[i].heat.cells, after->patch[i].heat.cells, HEAT_SIDE * HEAT_SIDE);
    }
    assert_true(after->patch[20].heat.rows > after->patch[20].heat.cols);
    assert_true(after->patch[20].measures[DETECTOR_PATCH] <
                1.5f * largest_patch(after, 20, false)); // measured on its own scale
    free(before), free(after);

    // Statistics and run must belong together.
    struct runner *refused = runner_new(paths, 1);
    config.settings.size = 128;
    assert_status(run(&config, refused, &err), ST_INVALID, &err);
    free(refused);
    patch_free(model);
    patch_free(loaded);

    struct base_info other = *base_info(base);
    other.sha256[0] = other.sha256[0] == 'a' ? 'b' : 'a';
    assert_status(patch_load(path, &other, &config.settings, &model, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "base"));
    assert_status(patch_load(path, base_info(base), &config.settings, &model, &err), ST_INVALID,
                  &err); // size 128
    assert_non_null(strstr(err.text, "other settings"));
    config.settings.size = 96;

    // A file whose content is not what its name says, then one that lacks a tensor.
    unsigned char *bytes;
    size_t count;
    assert_ok(file_read(path, 64 << 20, &bytes, &count, &err), &err);
    bytes[count - 2] ^= 1;
    assert_ok(file_write(path, bytes, count, &err), &err);
    assert_status(patch_load(path, base_info(base), &config.settings, &model, &err), ST_CORRUPT, &err);
    free(path);
    path = file_join(scratch, "renamed.safetensors");
    char *found = memmem(bytes, count, "free/1/whiten", 13);
    assert_non_null(found);
    found[5] = '2';
    assert_ok(file_write(path, bytes, count, &err), &err);
    assert_status(patch_load(path, base_info(base), &config.settings, &model, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "free/1/whiten is missing"));
    assert_ok(file_write(path, bytes, count / 2, &err), &err);
    assert_status(patch_load(path, base_info(base), &config.settings, &model, &err), ST_CORRUPT, &err);
    free(bytes), free(name), free(path);
    forget(paths);
}

static void a_poor_sample_is_refused(void **state)
{
    (void)state;
    struct error err;
    char **paths = surfaces(10, 64, 64, 2000);
    struct extract_config config = config_of(64);
    struct patch_model *model;
    assert_status(fit(&config, paths, 7, &model, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "there are 7"));
    assert_ok(fit(&config, paths, 10, &model, &err), &err); // too few for means per place, enough for one
    patch_free(model);
    struct image flat;
    image_init(&flat, 64, 64, 1);
    memset(flat.pixels, 90, 64 * 64);
    for (int i = 0; i < 10; i++) {
        free(paths[i]);
        paths[i] = save(&flat, "flat.png");
    }
    assert_status(fit(&config, paths, 10, &model, &err), ST_INVALID, &err);
    image_clear(&flat);
    forget(paths);
}

// What a trainer is given is what extraction looks at, and nothing of what is ignored.
static void pixels_are_those_of_the_region(void **state)
{
    (void)state;
    struct image image, mask, ignore;
    struct error err;
    int rows, cols;
    float *rgb, *marked;
    surface(&image, 200, 120, 3);
    spot(&image, 20, 20, 8, 255); // outside of the region, in the left half
    char *path = save(&image, "pixels.png");
    image_init(&mask, 200, 120, 1);
    memset(mask.pixels, 0, 200 * 120);
    for (int y = 40; y < 60; y++)
        memset(mask.pixels + y * 200 + 150, 255, 20);
    char *mask_path = save(&mask, "pixels-mask.png");
    struct extract_config config = config_of(96);
    assert_ok(pixels_load(&config, path, mask_path, &rows, &cols, &rgb, &marked, &err), &err);
    assert_true(rows % 16 == 0 && cols % 16 == 0 && cols > rows && marked);
    double sum = 0;
    for (int i = 0; i < rows * cols; i++)
        sum += (double)marked[i] / (rows * cols);
    assert_true(fabs(sum - 400.0 / (200 * 120)) < 0.003);
    assert_true(marked[(int)(50.0 / 120 * rows) * cols + (int)(160.0 / 200 * cols)] > 0.9f);
    free(rgb), free(marked);
    // the left half is ignored: no pixel of it is left, and its mask marks nothing
    image_init(&ignore, 20, 12, 1);
    for (int i = 0; i < 20 * 12; i++)
        ignore.pixels[i] = i % 20 < 10;
    config.ignore = &ignore;
    assert_ok(pixels_load(&config, path, "/nonexistent.png", &rows, &cols, &rgb, &marked, &err), &err);
    assert_null(marked);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols / 2 - 1; x++)
            assert_true(rgb[3 * (y * cols + x)] == rgb[0] && rgb[0] > 60 && rgb[0] < 200);
    assert_true(rgb[3 * (cols - 2)] != rgb[3 * (cols - 3)]);
    free(rgb), free(marked);
    config.settings.roi[2] = 0.5; // nothing of the mask lies in the region
    config.ignore = NULL;
    assert_ok(pixels_load(&config, path, mask_path, &rows, &cols, &rgb, &marked, &err), &err);
    assert_null(marked);
    free(rgb);
    assert_status(pixels_load(&config, "/nonexistent.png", NULL, &rows, &cols, &rgb, &marked, &err), ST_NOT_FOUND, &err);
    image_clear(&image), image_clear(&mask), image_clear(&ignore);
    free(path), free(mask_path);
}

static void settings_are_checked(void **state)
{
    (void)state;
    struct error err;
    struct screen_settings s = screen_settings_default;
    assert_ok(screen_settings_check(&s, &err), &err);
    const double rois[][4] = {
        {0, 0, 0, 1}, {0.5, 0, 0.4, 1}, {-0.1, 0, 1, 1}, {0, 0, 1, 1.1}, {0, NAN, 1, 1}};
    for (size_t i = 0; i < sizeof rois / sizeof *rois; i++) {
        memcpy(s.roi, rois[i], sizeof s.roi);
        assert_status(screen_settings_check(&s, &err), ST_INVALID, &err);
    }
    s = screen_settings_default;
    s.size = SCREEN_SIZE_MAX + 1;
    assert_status(screen_settings_check(&s, &err), ST_INVALID, &err);
    s = screen_settings_default;
    s.tile = 10;
    assert_status(screen_settings_check(&s, &err), ST_INVALID, &err);
    s = screen_settings_default;
    s.overlap = NAN;
    assert_status(screen_settings_check(&s, &err), ST_INVALID, &err);
    s = screen_settings_default;
    snprintf(s.ignore_sha256, sizeof s.ignore_sha256, "abc");
    assert_status(screen_settings_check(&s, &err), ST_INVALID, &err);

    char a[SCREEN_SETTINGS_TEXT], b[SCREEN_SETTINGS_TEXT];
    s = screen_settings_default;
    screen_settings_text(&s, a);
    s.overlap = 0.3; // of no tiles: no difference
    screen_settings_text(&s, b);
    assert_string_equal(a, b);
    s.roi[2] = 0.75;
    screen_settings_text(&s, b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    struct error err;
    if (base_open(NULL, &base, &err) != ST_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_the_features),
        cmocka_unit_test(deviations_are_those_of_the_maps),
        cmocka_unit_test(region_of_interest_is_what_is_seen),
        cmocka_unit_test(ignored_cells_do_not_count),
        cmocka_unit_test(a_spot_is_found_where_it_is),
        cmocka_unit_test(what_was_drawn_teaches_to_find_what_was_not),
        cmocka_unit_test(tiles_find_what_the_whole_view_loses),
        cmocka_unit_test(bad_files_do_not_stop_the_run),
        cmocka_unit_test(a_run_can_be_stopped),
        cmocka_unit_test(the_sample_decides_the_statistics_not_the_threads),
        cmocka_unit_test(a_defect_in_the_sample_is_dropped),
        cmocka_unit_test(statistics_come_back_from_their_file),
        cmocka_unit_test(a_poor_sample_is_refused),
        cmocka_unit_test(pixels_are_those_of_the_region),
        cmocka_unit_test(settings_are_checked),
    };
    int failed = cmocka_run_group_tests_name("extract", tests, make_scratch, remove_scratch);
    base_free(base);
    return failed;
}
