#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/rng.h"
#include "learn/base_file.h"
#include "learn/frontier.h"
#include "nn/base.h"
#include "tests/unit/foreign.h"

static char *in_scratch(const char *name)
{
    return xasprintf("%s/%s", scratch, name);
}

// ---- choosing, with made-up numbers ----

static const struct frontier_row *at_side(const struct frontier *f, int index, int side)
{
    for (int i = 0; i < f->count; i++)
        if (f->rows[i].index == index && f->rows[i].side == side)
            return &f->rows[i];
    fail_msg("no row of cut %d at side %d", index, side);
    return NULL;
}

static struct frontier made_up(void)
{
    struct frontier f = {.base = "made-up",
                         .machine = "paper",
                         .pictures = "none",
                         .seconds = 12.5,
                         .count = 7,
                         .rows = {
                             {0, {1, 0}, 256, 1000, 2.0, 8.0, 0.90, false},
                             {0, {1, 0}, 128, 1000, 2.0, 2.0, 0.80, false},
                             {1, {0.5, 0}, 256, 300, 0.6, 3.0, 0.80, false}, // dominated: as good, slower
                             {1, {0.5, 0}, 128, 300, 0.6, 1.0, 0.70, false},
                             {2, {0.5, 2}, 256, 200, 0.4, 2.0, 0.75, false}, // dominated: as fast, worse
                             {2, {0.5, 2}, 128, 200, 0.4, 1.0, 0.70, false}, // equal to the other in both
                             {0, {1, 0}, 224, 1000, 2.0, 9.0, 0.85, false},  // dominated in both
                         }};
    memset(f.sha256, 'a', HASH_HEX - 1);
    frontier_mark(&f);
    return f;
}

static void dominated_rows_are_not_on_the_frontier(void **state)
{
    (void)state;
    struct frontier f = made_up();
    for (int i = 1; i < f.count; i++)
        assert_true(f.rows[i - 1].ms <= f.rows[i].ms);
    assert_true(at_side(&f, 0, 256)->best);
    assert_true(at_side(&f, 0, 128)->best);
    assert_false(at_side(&f, 1, 256)->best);
    assert_false(at_side(&f, 2, 256)->best);
    assert_false(at_side(&f, 0, 224)->best);
    // Equal in both: neither beats the other.
    assert_true(at_side(&f, 1, 128)->best);
    assert_true(at_side(&f, 2, 128)->best);
    assert_ptr_equal(frontier_whole(&f), at_side(&f, 0, 256));
}

static void the_best_within_the_limits_is_chosen(void **state)
{
    (void)state;
    struct frontier f = made_up();
    const struct frontier_row *row;
    struct error err;
    assert_ok(frontier_choose(&f, &(struct frontier_limit){0}, &row, &err), &err);
    assert_ptr_equal(row, at_side(&f, 0, 256));
    assert_ok(frontier_choose(&f, &(struct frontier_limit){.ms = 8}, &row, &err),
              &err); // the limit itself fits
    assert_ptr_equal(row, at_side(&f, 0, 256));
    assert_ok(frontier_choose(&f, &(struct frontier_limit){.ms = 7.999}, &row, &err), &err);
    assert_ptr_equal(row, at_side(&f, 0, 128)); // as good as cut 1 at 256, and faster
    assert_ok(frontier_choose(&f, &(struct frontier_limit){.parameters = 999}, &row, &err), &err);
    assert_ptr_equal(row, at_side(&f, 1, 256));
    assert_ok(frontier_choose(&f, &(struct frontier_limit){.megabytes = 0.5}, &row, &err), &err);
    assert_ptr_equal(row, at_side(&f, 2, 256));
    // Equal in quality and time: the one of fewer parameters.
    assert_ok(frontier_choose(&f, &(struct frontier_limit){.ms = 1.5}, &row, &err), &err);
    assert_ptr_equal(row, at_side(&f, 2, 128));
    // Several limits hold together.
    assert_ok(frontier_choose(&f, &(struct frontier_limit){.ms = 2.5, .parameters = 500}, &row, &err), &err);
    assert_ptr_equal(row, at_side(&f, 2, 256));
}

static void none_fits_names_the_nearest(void **state)
{
    (void)state;
    struct frontier f = made_up();
    const struct frontier_row *row = NULL;
    struct error err;
    assert_status(frontier_choose(&f, &(struct frontier_limit){.ms = 0.5}, &row, &err), ST_NOT_FOUND, &err);
    assert_null(row);
    assert_string_equal(err.text,
                        "no size of made-up keeps to 0.5 ms: the nearest (width 0.5, 2 blocks fewer, side "
                        "128, quality 0.700) needs 1 ms");
    assert_status(frontier_choose(&f, &(struct frontier_limit){.parameters = 100}, &row, &err), ST_NOT_FOUND,
                  &err);
    assert_non_null(strstr(err.text, "side 256, quality 0.750) needs 200 parameters"));
    assert_status(frontier_choose(&f, &(struct frontier_limit){.megabytes = 0.1, .ms = 8}, &row, &err),
                  ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "keeps to 8 ms, 0.1 MB: "));
    assert_non_null(strstr(err.text, "needs 2 ms, 0.400 MB"));
    f.count = 0;
    assert_status(frontier_choose(&f, &(struct frontier_limit){0}, &row, &err), ST_INVALID, &err);
}

static void a_table_comes_back_from_its_text(void **state)
{
    (void)state;
    struct frontier f = made_up(), back;
    struct error err;
    char *text = frontier_text(&f);
    assert_ok(frontier_parse(text, "t", &back, &err), &err);
    assert_string_equal(back.base, f.base);
    assert_string_equal(back.sha256, f.sha256);
    assert_string_equal(back.machine, f.machine);
    assert_string_equal(back.pictures, f.pictures);
    assert_true(back.seconds == f.seconds);
    assert_int_equal(back.count, f.count);
    char *again = frontier_text(&back);
    assert_string_equal(again, text);
    free(again);

    // Cut short anywhere, or with another number in it, it is refused.
    for (size_t n = strlen(text); n-- > 0;) {
        text[n] = '\0';
        assert_status(frontier_parse(text, "t", &back, &err), ST_CORRUPT, &err);
    }
    free(text);
    f.rows[0].side = 100;
    text = frontier_text(&f);
    assert_status(frontier_parse(text, "there.json", &back, &err), ST_CORRUPT, &err);
    assert_non_null(strstr(err.text, "there.json"));
    free(text);
    f.rows[0].side = 128;
    f.rows[0].index = ELASTIC_CUTS;
    text = frontier_text(&f);
    assert_status(frontier_parse(text, "t", &back, &err), ST_CORRUPT, &err);
    free(text);
}

// ---- measuring ----

static const struct net_cut cuts[] = {{1, 0}, {0.5, 4}};
enum { CUTS = sizeof cuts / sizeof *cuts, SCENES = 2, SEEN = 52 };

// What is written: everything; without some statistics; cuts that are no list; no smaller networks.
enum content { WHOLE, TORN, BENT, PLAIN };

static struct tensor_file *elastic_file(enum content content)
{
    struct net_plan whole, plan;
    struct net *smalls[CUTS];
    struct error err;
    char *path = in_scratch("elastic.safetensors"), sha256[HASH_HEX];
    base_file_plan(&whole);
    net_cut_plan(&whole, &(struct net_cut){0.2, 0}, &plan);
    struct net *net = foreign_random(&plan, 3);
    struct tensor_writer *writer = tensor_writer_new();
    net_put(net, writer, true);
    for (int i = 0; i < CUTS; i++) {
        net_cut_plan(&net->plan, &cuts[i], &plan);
        smalls[i] = net_new(&plan);
        net_cut_gather(net, &cuts[i], smalls[i]);
    }
    if (content == WHOLE || content == TORN)
        elastic_put(writer, cuts, smalls, content == TORN ? 1 : CUTS);
    if (content == TORN) // says two, has one
        tensor_put_meta(writer, "cuts", "[{\"width\":1.0,\"depth\":0},{\"width\":0.5,\"depth\":4}]");
    if (content == BENT)
        tensor_put_meta(writer, "cuts", "[{\"width\":7}]");
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    for (int i = 0; i < CUTS; i++)
        net_free(smalls[i]);
    net_free(net);
    tensor_writer_free(writer);
    struct tensor_file *file;
    assert_ok(tensor_open(path, &file, &err), &err);
    free(path);
    return file;
}

// Stripes that lean a little differently in each picture; gray, then coloured.
static void draw_scenes(struct frontier_scene scenes[SCENES], size_t groups)
{
    for (int s = 0; s < SCENES; s++) {
        struct rng rng = rng_seed((uint64_t)s);
        scenes[s] = (struct frontier_scene){.count = SEEN, .squash = s == 0};
        snprintf(scenes[s].name, sizeof scenes[s].name, "scene-%d", s);
        scenes[s].pictures = xcalloc(SEEN, sizeof *scenes[s].pictures);
        scenes[s].groups = xcalloc(SEEN, sizeof *scenes[s].groups);
        for (size_t i = 0; i < SEEN; i++) {
            struct image *p = &scenes[s].pictures[i];
            double lean = rng_uniform(&rng), phase = 6 * rng_uniform(&rng);
            image_init(p, 56, 48, s == 0 ? 1 : 3);
            for (int k = 0; k < 56 * 48 * p->channels; k++) {
                int x = k / p->channels % 56, y = k / p->channels / 56;
                double tone = 120 + 50 * sin(0.5 * x + 0.2 * lean * y + phase) + 10 * rng_uniform(&rng);
                p->pixels[k] = (uint8_t)tone;
            }
            scenes[s].groups[i] = i % groups;
        }
    }
}

static void clear_scenes(struct frontier_scene scenes[SCENES])
{
    for (int s = 0; s < SCENES; s++)
        frontier_scene_clear(&scenes[s]);
}

static void measured_rows_are_what_the_file_holds(void **state)
{
    (void)state;
    struct frontier_scene scenes[SCENES];
    struct frontier f = {0}, again = {0}, other = {0};
    struct frontier_options options = {.seed = 5, .threads = 1};
    struct error err;
    struct tensor_file *file = elastic_file(WHOLE);
    draw_scenes(scenes, SEEN);
    assert_ok(frontier_check(file, &err), &err);
    assert_ok(frontier_measure(file, scenes, SCENES, &options, &f, &err), &err);
    assert_int_equal(f.count, CUTS * FRONTIER_SIDES);
    assert_string_equal(f.sha256, tensor_sha256(file));
    assert_true(f.machine[0]);
    struct net *net;
    assert_ok(net_read(file, &net, &err), &err);
    bool marked = false;
    for (int i = 0; i < f.count; i++) {
        struct net *small;
        assert_ok(elastic_read(file, net, f.rows[i].index, &small, &err), &err);
        assert_int_equal(f.rows[i].parameters, net_parameters(small));
        net_free(small);
        assert_true(f.rows[i].ms > 0);
        assert_in_range((int)(1000 * f.rows[i].quality), 1, 1000); // some order, whichever
        marked = marked || f.rows[i].best;
    }
    assert_true(marked);
    net_free(net);

    // Quality does not depend on the threads, but on the seed.
    options.threads = 3;
    assert_ok(frontier_measure(file, scenes, SCENES, &options, &again, &err), &err);
    options.seed = 6;
    assert_ok(frontier_measure(file, scenes, SCENES, &options, &other, &err), &err);
    int differ = 0;
    for (int i = 0; i < f.count; i++) {
        const struct frontier_row *row = &f.rows[i];
        assert_true(at_side(&again, row->index, row->side)->quality == row->quality);
        differ += at_side(&other, row->index, row->side)->quality != row->quality;
    }
    assert_true(differ > 0);
    clear_scenes(scenes);
    tensor_close(file);
}

static void assert_same_taps(const struct base *a, const struct base *b, int side)
{
    size_t count = (size_t)side * (size_t)side * 3;
    float *rgb = xaligned(count, sizeof *rgb);
    struct rng rng = rng_seed(2);
    struct tap x[BASE_TAPS], y[BASE_TAPS];
    struct base_work *first = base_work_new(a), *second = base_work_new(b);
    for (size_t i = 0; i < count; i++)
        rgb[i] = (float)(255 * rng_uniform(&rng));
    base_taps(a, first, rgb, side, side, x);
    base_taps(b, second, rgb, side, side, y);
    for (int t = 0; t < BASE_TAPS; t++) {
        assert_int_equal(x[t].channels, y[t].channels);
        size_t values = (size_t)x[t].rows * (size_t)x[t].cols * (size_t)x[t].channels;
        assert_memory_equal(x[t].data, y[t].data, values * sizeof(float));
    }
    base_work_free(first);
    base_work_free(second);
    free(rgb);
}

static void what_is_cut_out_is_the_network_inside(void **state)
{
    (void)state;
    struct error err;
    struct frontier f = made_up();
    struct tensor_file *file = elastic_file(WHOLE), *out;
    char *path = in_scratch("cut.safetensors"), sha256[HASH_HEX];
    struct net *large, *small, *cut, *back;
    assert_ok(net_read(file, &large, &err), &err);
    snprintf(f.sha256, sizeof f.sha256, "%s", tensor_sha256(file));
    for (int i = 0; i < CUTS; i++) {
        const struct frontier_row row = {.index = i, .cut = cuts[i], .side = i ? 160 : 256};
        struct base *inside, *alone;
        struct tensor_writer *writer = tensor_writer_new();
        assert_ok(elastic_read(file, large, i, &small, &err), &err);
        assert_ok(frontier_net(file, &row, &cut, &err), &err);
        frontier_put(cut, &f, writer);
        assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
        assert_ok(tensor_open(path, &out, &err), &err);
        assert_string_equal(tensor_meta(out, "cut_from"), tensor_sha256(file));
        struct frontier told;
        assert_ok(frontier_parse(tensor_meta(out, "frontier"), path, &told, &err), &err);
        assert_int_equal(told.count, f.count);
        assert_ok(net_read(out, &back, &err), &err);
        assert_int_equal(back->plan.side, row.side);
        if (i) // its own name, with the side; the whole at its own side is the base itself
            assert_non_null(strstr(back->plan.name, "-w50-d4-160"));
        else
            assert_string_equal(back->plan.name, large->plan.name);
        assert_ok(base_new(small, &inside, &err), &err);
        assert_ok(base_new(back, &alone, &err), &err);
        assert_same_taps(inside, alone, 160);
        base_free(inside);
        base_free(alone);
        net_free(small);
        net_free(cut);
        net_free(back);
        tensor_close(out);
        tensor_writer_free(writer);
    }
    net_free(large);
    tensor_close(file);
    free(path);
}

static void sizes_are_not_exceeded(void **state)
{
    (void)state;
    struct frontier_scene scenes[SCENES];
    struct frontier f = {0};
    struct frontier_options options = {.seed = 5, .threads = 2};
    struct error err;
    struct tensor_file *file = elastic_file(WHOLE);
    char *path = in_scratch("cut.safetensors"), sha256[HASH_HEX];
    draw_scenes(scenes, SEEN);
    assert_ok(frontier_measure(file, scenes, 1, &options, &f, &err), &err);
    for (int i = 0; i < f.count; i++) {
        struct net *cut;
        struct stat st;
        struct tensor_writer *writer = tensor_writer_new();
        assert_ok(frontier_net(file, &f.rows[i], &cut, &err), &err);
        frontier_put(cut, &f, writer);
        assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
        assert_int_equal(stat(path, &st), 0);
        assert_true((double)st.st_size <= 1e6 * f.rows[i].megabytes);
        assert_true((double)st.st_size >= 1e6 * f.rows[i].megabytes - 40000);
        net_free(cut);
        tensor_writer_free(writer);
    }
    clear_scenes(scenes);
    tensor_close(file);
    free(path);
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static void what_cannot_be_measured_is_a_sentence(void **state)
{
    (void)state;
    struct frontier_scene scenes[SCENES];
    struct frontier f;
    struct frontier_options options = {.seed = 5, .threads = 2};
    struct error err;
    draw_scenes(scenes, SEEN);
    struct tensor_file *file = elastic_file(PLAIN);
    assert_status(frontier_check(file, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "plain one"));
    assert_status(frontier_measure(file, scenes, SCENES, &options, &f, &err), ST_INVALID, &err);
    tensor_close(file);
    file = elastic_file(BENT);
    assert_status(frontier_measure(file, scenes, SCENES, &options, &f, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "elastic.safetensors: metadata \"cuts\""));
    tensor_close(file);
    file = elastic_file(TORN);
    assert_ok(frontier_check(file, &err), &err);
    assert_true(frontier_measure(file, scenes, SCENES, &options, &f, &err) != ST_OK);
    assert_non_null(strstr(err.text, "cut.1."));
    tensor_close(file);

    file = elastic_file(WHOLE);
    options.stop = always;
    assert_status(frontier_measure(file, scenes, SCENES, &options, &f, &err), ST_CANCELLED, &err);
    options.stop = NULL;
    scenes[1].count = 30; // too few
    assert_status(frontier_measure(file, scenes + 1, 1, &options, &f, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "scene-1: 30 pictures"));
    scenes[1].count = SEEN;
    clear_scenes(scenes);
    draw_scenes(scenes, 1); // one group: nothing to test on that was not fitted
    assert_status(frontier_measure(file, scenes, SCENES, &options, &f, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "0 to test"));
    clear_scenes(scenes);
    struct net *net;
    const struct frontier_row row = {.index = CUTS, .side = 128};
    assert_status(frontier_net(file, &row, &net, &err), ST_NOT_FOUND, &err);
    tensor_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dominated_rows_are_not_on_the_frontier),
        cmocka_unit_test(the_best_within_the_limits_is_chosen),
        cmocka_unit_test(none_fits_names_the_nearest),
        cmocka_unit_test(a_table_comes_back_from_its_text),
        cmocka_unit_test(measured_rows_are_what_the_file_holds),
        cmocka_unit_test(what_is_cut_out_is_the_network_inside),
        cmocka_unit_test(sizes_are_not_exceeded),
        cmocka_unit_test(what_cannot_be_measured_is_a_sentence),
    };
    return cmocka_run_group_tests_name("frontier", tests, make_scratch, remove_scratch);
}
