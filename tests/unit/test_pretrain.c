#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>
#include <stdbool.h>

#include "learn/base_file.h"
#include "learn/pretrain.h"
#include "learn/vicreg.h"
#include "base/rng.h"
#include "nn/net_elastic.h"

static char *in_scratch(const char *name)
{
    return xasprintf("%s/%s", scratch, name);
}

// A small student of the default one's make, and a teacher with other weights of the same plan.
static void small_plan(struct net_plan *plan)
{
    struct net_plan whole;
    base_file_plan(&whole);
    net_cut_plan(&whole, &(struct net_cut){0.25, 0}, plan);
}

struct fixture {
    struct net *start;
    struct base *teacher;
    struct crop_source *source;
    struct pretrain_options options;
};

static void setup(struct fixture *f)
{
    struct error err;
    struct net_plan plan;
    struct crop_options crops = crop_options_default;
    small_plan(&plan);
    f->start = net_new(&plan);
    net_init(f->start, 1);
    crops.demo = 0;
    crops.demo_pool = 0;
    crops.threads = 1;
    assert_ok(crop_source_open(NULL, 0, &crops, &f->source, &err), &err);
    assert_ok(base_open(NULL, &f->teacher, &err), &err); // the filter bank teaches
    f->options = pretrain_defaults;
    f->options.steps = 12;
    f->options.batch = 8;
    f->options.side = 64;
    f->options.threads = 2;
    f->options.elastic = true;
    f->options.seed = 11;
}

static void teardown(struct fixture *f)
{
    net_free(f->start);
    base_free(f->teacher);
    crop_source_free(f->source);
}

static void run(struct pretrain *p, int steps, struct pretrain_report *report)
{
    for (int i = 0; i < steps; i++)
        pretrain_step(p, report);
}

static void assert_same(const struct net *a, const struct net *b)
{
    assert_int_equal(a->tensor_count, b->tensor_count);
    for (int i = 0; i < a->tensor_count; i++)
        assert_memory_equal(a->tensors[i].values, b->tensors[i].values, a->tensors[i].count * sizeof(float));
}

static const struct net_cut whole = {1, 0};

static void a_resumed_run_is_the_same_bit_for_bit(void **state)
{
    (void)state;
    struct fixture f;
    struct pretrain_report report, again;
    struct error err;
    setup(&f);
    char *checkpoint = in_scratch("checkpoint");
    struct pretrain *p = pretrain_new(f.start, f.teacher, f.source, &f.options);
    run(p, 5, &report);
    assert_ok(pretrain_save(p, checkpoint, &err), &err);
    run(p, 100, &report);
    assert_int_equal(report.step, 12);
    assert_false(pretrain_step(p, &report));
    struct net *straight = pretrain_result(p, &whole, 16);

    struct pretrain *q = pretrain_new(f.start, f.teacher, f.source, &f.options);
    assert_ok(pretrain_load(q, checkpoint, &err), &err);
    run(q, 100, &again);
    struct net *resumed = pretrain_result(q, &whole, 16);
    assert_same(straight, resumed);
    assert_true(report.loss[0] == again.loss[0] && report.loss[1] == again.loss[1]);

    // And the weights have moved.
    assert_memory_not_equal(straight->tensors[0].values, f.start->tensors[0].values,
                            straight->tensors[0].count * sizeof(float));
    pretrain_free(p);
    pretrain_free(q);
    net_free(straight);
    net_free(resumed);
    free(checkpoint);
    teardown(&f);
}

static void other_settings_do_not_go_on(void **state)
{
    (void)state;
    struct fixture f;
    struct pretrain_report report;
    struct error err;
    setup(&f);
    char *checkpoint = in_scratch("other");
    struct pretrain *p = pretrain_new(f.start, f.teacher, f.source, &f.options);
    run(p, 1, &report);
    assert_ok(pretrain_save(p, checkpoint, &err), &err);
    pretrain_free(p);
    f.options.rate *= 2;
    p = pretrain_new(f.start, f.teacher, f.source, &f.options);
    assert_status(pretrain_load(p, checkpoint, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "other settings"));
    pretrain_free(p);
    free(checkpoint);
    teardown(&f);
}

static void it_learns(void **state)
{
    (void)state;
    struct fixture f;
    struct pretrain_report report;
    setup(&f);
    f.options.steps = 100;
    f.options.batch = 16;
    f.options.elastic = false;
    struct pretrain *p = pretrain_new(f.start, f.teacher, f.source, &f.options);
    double sum[101] = {0}; // of the losses so far: the report is their mean
    for (int i = 1; i <= 100; i++) {
        pretrain_step(p, &report);
        sum[i] = (report.loss[0] + report.loss[1]) * i;
    }
    double first = sum[20] / 20, last = (sum[100] - sum[80]) / 20;
    print_message("# loss %.3f in the first 20 steps, %.3f in the last\n", first, last);
    assert_true(last < 0.85 * first);
    pretrain_free(p);
    teardown(&f);
}

static void a_file_holds_the_smaller_networks(void **state)
{
    (void)state;
    struct fixture f;
    struct pretrain_report report;
    struct error err;
    setup(&f);
    f.options.steps = 3;
    char *path = in_scratch("base.safetensors"), sha256[HASH_HEX];
    struct pretrain *p = pretrain_new(f.start, f.teacher, f.source, &f.options);
    run(p, 3, &report);
    assert_ok(base_file_write(p, true, "a test", path, sha256, &err), &err);
    struct tensor_file *file;
    struct net *net;
    struct net_cut cuts[ELASTIC_CUTS];
    int count;
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_string_equal(tensor_sha256(file), sha256);
    assert_ok(net_read(file, &net, &err), &err);
    assert_ok(elastic_list(file, cuts, &count, &err), &err);
    assert_int_equal(count, 9);
    for (int i = 0; i < count; i++) {
        struct net *small, *want = pretrain_result(p, &cuts[i], 1024);
        assert_ok(elastic_read(file, net, i, &small, &err), &err);
        for (int t = 0; t < small->tensor_count; t++)
            for (size_t k = 0; k < small->tensors[t].count; k++) {
                double a = small->tensors[t].values[k], b = want->tensors[t].values[k];
                assert_true(fabs(a - b) <= 1e-3 * fabs(b) + 1e-4); // half precision
            }
        net_free(small);
        net_free(want);
    }
    struct net *none;
    assert_status(elastic_read(file, net, count, &none, &err), ST_NOT_FOUND, &err);
    net_free(net);
    tensor_close(file);
    pretrain_free(p);
    free(path);
    teardown(&f);
}

static void vicreg_s_gradient_is_its_difference(void **state)
{
    (void)state;
    enum { CELLS = 9, CHANNELS = 5, COUNT = CELLS * CHANNELS };
    float views[2][COUNT], grads[2][COUNT], *scratch_floats = xcalloc(vicreg_scratch(CELLS, CHANNELS), sizeof(float));
    struct rng rng = rng_seed(4);
    for (int v = 0; v < 2; v++) // channels below and above a deviation of one
        for (int i = 0; i < COUNT; i++)
            views[v][i] = (float)(rng_normal(&rng) * (0.3 + 0.4 * (i % CHANNELS)));
    memcpy(grads, views, sizeof views);
    double loss = vicreg(grads[0], grads[1], CELLS, CHANNELS, 1, scratch_floats);
    assert_true(loss > 0);
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < COUNT; i++) {
            double value[2];
            for (int side = 0; side < 2; side++) {
                float copy[2][COUNT];
                memcpy(copy, views, sizeof views);
                copy[v][i] += side ? 1e-2f : -1e-2f;
                value[side] = vicreg(copy[0], copy[1], CELLS, CHANNELS, 1, scratch_floats);
            }
            assert_true(fabs((value[1] - value[0]) / 2e-2 - grads[v][i]) < 2e-3);
        }
    free(scratch_floats);
}

static void other_objectives_run(void **state)
{
    (void)state;
    static const enum pretrain_objective objectives[] = {PRETRAIN_VIEWS, PRETRAIN_ADAPT};
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct pretrain_report report = {0};
        struct base *self;
        struct error err;
        setup(&f);
        f.options.objective = objectives[i];
        f.options.steps = 40;
        f.options.batch = 16;
        assert_ok(base_new(f.start, &self, &err), &err);
        struct pretrain *p = pretrain_new(f.start, i ? self : NULL, f.source, &f.options);
        double sum[41] = {0};
        for (int k = 1; k <= 40; k++) {
            pretrain_step(p, &report);
            sum[k] = (i ? report.spot : report.loss[0] + report.loss[1]) * k;
        }
        print_message("# objective %d: loss %.3f, then %.3f\n", objectives[i], sum[10] / 10, (sum[40] - sum[30]) / 10);
        assert_true((sum[40] - sum[30]) < (i ? 0.99 : 0.9) * sum[10]);
        pretrain_free(p);
        base_free(self);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_is_the_same_bit_for_bit),
        cmocka_unit_test(other_settings_do_not_go_on),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(vicreg_s_gradient_is_its_difference),
        cmocka_unit_test(other_objectives_run),
        cmocka_unit_test(a_file_holds_the_smaller_networks),
    };
    return cmocka_run_group_tests_name("pretrain", tests, make_scratch, remove_scratch);
}
