// A round of learning on small pictures with a dark spot: what it learns, its checkpoint, its files.
#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/rng.h"
#include "learn/adapt.h"
#include "learn/adapt_pixels.h"
#include "nn/embedded.h"
#include "screen/metrics.h"

enum { SIDE = 64, PICTURES = 24, TESTED = 40 };

static struct net *base;

static int open_base(void **state)
{
    const unsigned char *bytes;
    size_t size;
    struct tensor_file *file;
    struct error err;
    if (embedded_base(&bytes, &size, NULL, &err) != ST_OK || tensor_open_bytes(bytes, size, EMBEDDED_NAME, &file, &err) != ST_OK ||
        net_read(file, &base, &err) != ST_OK)
        return -1;
    tensor_close(file);
    return make_scratch(state);
}

static int close_base(void **state)
{
    net_free(base);
    return remove_scratch(state);
}

// Grain; odd pictures have a dark spot of nine pixels (id / 2 even: round, odd: a bar).
static enum status load(void *context, int64_t id, struct adapt_pixels *p, struct error *err)
{
    const int64_t *missing = context; // NULL: none beside that one
    if (id == 13 || (missing && id == *missing))
        return error_set(err, ST_IO, "gone");
    struct rng rng = rng_seed((uint64_t)id + 100);
    *p = (struct adapt_pixels){.rows = SIDE, .cols = SIDE, .rgb = xcalloc(3 * SIDE * SIDE, sizeof(float))};
    double level = 120 + 40 * rng_uniform(&rng);
    int y0 = 10 + (int)rng_below(&rng, 36), x0 = 10 + (int)rng_below(&rng, 36), bar = id / 2 % 2;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            bool dark = id % 2 && y >= y0 && x >= x0 && y < y0 + (bar ? 3 : 9) && x < x0 + (bar ? 18 : 9);
            float v = (float)(level + 12 * rng_normal(&rng) - (dark ? 70 : 0));
            for (int c = 0; c < 3; c++)
                p->rgb[3 * (y * SIDE + x) + c] = fminf(fmaxf(v, 0), 255);
        }
    return ST_OK;
}

struct round {
    struct adapt_label labels[PICTURES];
    struct adapt_data data;
    struct adapt_options options;
};

static struct round *make_round(int steps)
{
    struct round *r = xcalloc(1, sizeof *r);
    for (int i = 0; i < PICTURES; i++)
        r->labels[i] = (struct adapt_label){.id = i, .defect = i % 2, .class_index = i % 2 ? i / 2 % 2 : -1};
    r->data = (struct adapt_data){.load = load, .labels = r->labels, .label_count = PICTURES, .classes = 2};
    r->options = adapt_defaults;
    r->options.steps = steps;
    r->options.views = 2;
    r->options.flaws = 1;
    r->options.batch = 8;
    r->options.threads = 2;
    return r;
}

static void a_round_learns(void **state)
{
    (void)state;
    struct round *r = make_round(50);
    struct adapt_model *model;
    struct adapt_scorer *scorer;
    struct error err;
    double scores[TESTED];
    bool defect[TESTED];
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), &err);
    assert_ok(adapt_scorer_new(base, model, BASE_F32, &scorer, &err), &err);
    struct adapt_score_work *work = adapt_score_work_new(scorer);
    int right = 0;
    for (int i = 0; i < TESTED; i++) {
        struct adapt_pixels p;
        struct adapt_score s;
        assert_ok(load(NULL, 1000 + i, &p, &err), &err);
        adapt_score(scorer, work, p.rgb, p.rows, p.cols, &s);
        scores[i] = (double)s.logit;
        defect[i] = i % 2;
        right += i % 2 && s.class_index == (1000 + i) / 2 % 2;
        assert_true(s.rows == SIDE / 8 && s.cols == SIDE / 8);
        free(p.rgb);
    }
    double auroc = metrics_auroc(scores, defect, TESTED);
    printf("# AUROC %.3f on pictures never seen, class right %d of %d\n", auroc, right, TESTED / 2);
    assert_true(auroc > 0.85);
    assert_non_null(strstr(model->notes, "\"defects\":11")); // one of twelve cannot be read
    adapt_score_work_free(work);
    adapt_scorer_free(scorer);
    adapt_model_free(model);
    free(r);
}

static float logit_of(struct adapt_scorer *scorer, const struct adapt_pixels *p)
{
    struct adapt_score_work *work = adapt_score_work_new(scorer);
    struct adapt_score s;
    adapt_score(scorer, work, p->rgb, p->rows, p->cols, &s);
    adapt_score_work_free(work);
    return s.logit;
}

static void views_say_the_same_of_a_picture_and_its_mirror_image(void **state)
{
    (void)state;
    struct round *r = make_round(6);
    struct adapt_model *model;
    struct adapt_scorer *one, *both;
    struct error err;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), &err);
    assert_true(adapt_mirrors(model) == 1 && adapt_scale(model) == 1);
    assert_ok(adapt_scorer_new(base, model, BASE_F32, &one, &err), &err);
    adapt_model_free(model);
    r->options.mirrors = 2;
    r->options.scale = 1.5;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), &err);
    assert_true(adapt_mirrors(model) == 2 && adapt_scale(model) == 1.5);
    assert_ok(adapt_scorer_new(base, model, BASE_F32, &both, &err), &err);
    for (int i = 1; i < 6; i += 2) {
        struct adapt_pixels p;
        assert_ok(load(NULL, 2000 + i, &p, &err), &err);
        float plain = logit_of(one, &p), mean = logit_of(both, &p);
        adapt_mirror(p.rows, p.cols, true, false, p.rgb, NULL);
        float mirrored = logit_of(one, &p);
        assert_true(fabsf(mean - (plain + mirrored) / 2) < 1e-4f);
        assert_true(fabsf(mean - logit_of(both, &p)) < 1e-4f);
        free(p.rgb);
    }
    adapt_scorer_free(one);
    adapt_scorer_free(both);
    adapt_model_free(model);
    free(r);
}

static bool until_step(void *context, const struct adapt_report *report)
{
    return report->step < *(int *)context;
}

static void a_killed_round_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    struct round *r = make_round(12);
    struct adapt_model *whole, *resumed;
    struct error err;
    char *checkpoint = xasprintf("%s/round", scratch);
    int most = 5;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &whole, &err), &err);
    struct adapt_watch watch = {.context = &most, .progress = until_step, .checkpoint = checkpoint, .checkpoint_every = 1e9};
    assert_status(adapt_train(base, NULL, &r->data, &r->options, &watch, &resumed, &err), ST_CANCELLED, &err);
    assert_true(file_exists(checkpoint));
    most = 1000;
    r->options.cache_bytes = 0; // what is kept changes no bit
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, &watch, &resumed, &err), &err);
    assert_ok(adapt_write(whole, base, NULL, scratch, &err), &err);
    assert_ok(adapt_write(resumed, base, NULL, scratch, &err), &err);
    assert_memory_equal(whole->adapter->values, resumed->adapter->values, whole->adapter->size * sizeof(float));
    assert_memory_equal(whole->heads->values, resumed->heads->values, whole->heads->size * sizeof(float));
    adapt_model_free(resumed);
    // complete: it comes out at once; with another answer it is another round
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, &watch, &resumed, &err), &err);
    assert_memory_equal(whole->heads->values, resumed->heads->values, whole->heads->size * sizeof(float));
    r->labels[0].defect = true;
    struct adapt_model *none;
    assert_status(adapt_train(base, NULL, &r->data, &r->options, &watch, &none, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "begun with other answers"));
    // damaged
    assert_int_equal(truncate(checkpoint, 200), 0);
    assert_status(adapt_train(base, NULL, &r->data, &r->options, &watch, &none, &err), ST_CORRUPT, &err);
    free(checkpoint);
    adapt_model_free(whole);
    adapt_model_free(resumed);
    free(r);
}

// After a reboot the machine may have fewer cores, and a camera may have deleted a picture: the round goes on.
static void a_killed_round_goes_on_elsewhere(void **state)
{
    (void)state;
    struct round *r = make_round(12);
    struct adapt_model *model;
    struct error err;
    char *checkpoint = xasprintf("%s/elsewhere", scratch);
    int most = 5;
    int64_t missing = 4;
    struct adapt_watch watch = {.context = &most, .progress = until_step, .checkpoint = checkpoint, .checkpoint_every = 1e9};
    assert_status(adapt_train(base, NULL, &r->data, &r->options, &watch, &model, &err), ST_CANCELLED, &err);
    most = 1000;
    r->options.threads = 1;
    r->data.context = &missing;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, &watch, &model, &err), &err);
    assert_non_null(strstr(model->notes, "\"normals\":11")); // one of twelve went
    free(checkpoint);
    adapt_model_free(model);
    free(r);
}

struct kept { // the most that was held, and whether it was told
    uint64_t most;
    int steps;
};

static bool note_kept(void *context, const struct adapt_report *report)
{
    struct kept *k = context;
    if (report->step == 0) // it is filled still: for a moment more is asked for than is given
        return true;
    k->most = report->cached > k->most ? report->cached : k->most;
    k->steps++;
    return true;
}

// What does not fit is computed again: a small budget costs time and changes no weight.
static void what_is_kept_stays_within_its_budget_and_changes_no_weight(void **state)
{
    (void)state;
    struct round *r = make_round(8);
    struct adapt_model *models[3];
    struct kept kept[3] = {{0}};
    struct error err;
    for (int i = 0; i < 3; i++) { // as much as there is; two fifths of that; nothing
        r->options.cache_bytes = i == 0 ? adapt_defaults.cache_bytes : i == 1 ? kept[0].most * 2 / 5 : 0;
        struct adapt_watch watch = {.context = &kept[i], .progress = note_kept};
        assert_ok(adapt_train(base, NULL, &r->data, &r->options, &watch, &models[i], &err), &err);
        assert_true(kept[i].steps > 0 && kept[i].most <= r->options.cache_bytes);
        assert_memory_equal(models[0]->adapter->values, models[i]->adapter->values, models[0]->adapter->size * sizeof(float));
        assert_memory_equal(models[0]->heads->values, models[i]->heads->values, models[0]->heads->size * sizeof(float));
    }
    printf("# kept %llu bytes, %llu, %llu\n", (unsigned long long)kept[0].most, (unsigned long long)kept[1].most,
           (unsigned long long)kept[2].most);
    assert_true(kept[0].most > kept[1].most && kept[1].most > 0 && kept[2].most == 0);
    for (int i = 0; i < 3; i++)
        adapt_model_free(models[i]);
    free(r);
}

static void labels_of_one_side(void **state)
{
    (void)state;
    struct round *r = make_round(3);
    struct adapt_model *model;
    struct error err;
    for (int i = 0; i < PICTURES; i++)
        r->labels[i].defect = true;
    assert_status(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "no normal picture"));
    for (int i = 0; i < PICTURES; i++)
        r->labels[i] = (struct adapt_label){.id = 2 * i, .class_index = -1};
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), &err); // drawn defects stand in
    adapt_model_free(model);
    r->options.flaws = 0;
    assert_status(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "no defect"));
    free(r);
}

static void an_adapter_stays_within_its_share_of_the_base(void **state)
{
    (void)state;
    struct round *r = make_round(2);
    struct adapt_model *small, *next, *none;
    struct error err;
    double most = 0.05 * (double)net_parameters(base);
    r->options.adapter_share = 0.025;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &small, &err), &err);
    assert_true((double)small->adapter->size <= most / 2 && small->adapter->rank == adapter_rank(base, 0.025));
    // one that goes on from it keeps its rank, and so what it learned
    r->options.adapter_share = adapt_defaults.adapter_share;
    r->options.rate_adapter = 0;
    assert_ok(adapt_train(base, small, &r->data, &r->options, NULL, &next, &err), &err);
    assert_int_equal(next->adapter->rank, small->adapter->rank);
    for (size_t i = 0; i < small->adapter->size; i++)
        assert_true(fabsf(next->adapter->values[i] - small->adapter->values[i]) < 1e-6f);
    adapt_model_free(next);
    adapt_model_free(small);
    // any rank up to 5 % may be asked for, none beyond
    r->options.rank = adapter_rank(base, 0.05);
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &next, &err), &err);
    assert_true((double)next->adapter->size <= most);
    adapt_model_free(next);
    r->options.rank++;
    assert_status(adapt_train(base, NULL, &r->data, &r->options, NULL, &none, &err), ST_INVALID, &err);
    printf("# %s\n", err.text);
    assert_non_null(strstr(err.text, "rank=7 is more than 5 % of the base's weights; at most rank=6"));
    free(r);
}

// The mean loss of the class over 30 steps in which nothing is learned: the rarer what was drawn, the larger. Ten to two, or all of one.
static double class_loss(double balance, bool same)
{
    struct round *r = make_round(30);
    struct adapt_model *model;
    struct error err;
    double loss = 0;
    for (int i = 1; i < PICTURES; i += 2)
        r->labels[i].class_index = !same && i > 19;
    r->options.rate = r->options.rate_adapter = 0;
    r->options.class_balance = balance;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), &err);
    assert_int_equal(sscanf(strstr(model->notes, "\"loss_class\":"), "\"loss_class\":%lf", &loss), 1);
    adapt_model_free(model);
    free(r);
    return loss;
}

static void rare_classes_are_drawn_as_often_as_is_asked_for(void **state)
{
    (void)state;
    double losses[] = {class_loss(0, false), class_loss(0.5, false), class_loss(1, false)};
    printf("# class loss %.3f %.3f %.3f\n", losses[0], losses[1], losses[2]);
    assert_true(losses[0] + 0.02 < losses[1] && losses[1] + 0.02 < losses[2]);
    assert_true(fabs(class_loss(0, true) - class_loss(1, true)) < 1e-9); // nothing to weigh
}

static void files_come_back_or_are_refused_in_a_sentence(void **state)
{
    (void)state;
    struct round *r = make_round(2);
    struct adapt_model *model, *back, *other;
    struct error err;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &model, &err), &err);
    assert_ok(adapt_write(model, base, NULL, scratch, &err), &err);
    char *path = xasprintf("%s/%s.safetensors", scratch, model->sha256);
    assert_ok(adapt_open(path, base, &back, &err), &err);
    assert_memory_equal(model->adapter->values, back->adapter->values, model->adapter->size * sizeof(float));
    assert_memory_equal(model->heads->values, back->heads->values, model->heads->size * sizeof(float));
    assert_string_equal(model->sha256, back->sha256);
    assert_string_equal(model->notes, back->notes);
    // goes on from it
    assert_ok(adapt_train(base, back, &r->data, &r->options, NULL, &other, &err), &err);
    assert_string_equal(other->parent, model->sha256);
    // another base
    struct net *changed = net_copy(base);
    memset(changed->sha256, 'a', HASH_HEX - 1);
    adapt_model_free(back);
    assert_status(adapt_open(path, changed, &back, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "another base"));
    assert_status(adapt_train(changed, model, &r->data, &r->options, NULL, &back, &err), ST_INVALID, &err);
    // not a number
    model->heads->values[7] = NAN;
    char *bad = xasprintf("%s/bad.safetensors", scratch);
    assert_ok(adapt_write(model, base, bad, NULL, &err), &err);
    assert_status(adapt_open(bad, base, &back, &err), ST_CORRUPT, &err);
    printf("# %s\n", err.text);
    // any byte, under a name that says nothing; cut off; without a seal
    model->heads->values[7] = 0;
    assert_ok(adapt_write(model, base, bad, NULL, &err), &err);
    adapt_model_free(other);
    assert_ok(adapt_open(bad, base, &other, &err), &err);
    unsigned char *bytes;
    size_t size;
    assert_ok(file_read(bad, 1 << 30, &bytes, &size, &err), &err);
    for (size_t at = 0; at < size; at += at < 1500 ? 1 : size / 7) {
        bytes[at] ^= 1;
        assert_ok(file_write(bad, bytes, size, &err), &err);
        assert_true(adapt_open(bad, base, &back, &err) != ST_OK);
        bytes[at] ^= 1;
    }
    printf("# %s\n", err.text);
    assert_ok(file_write(bad, bytes, size - 100, &err), &err);
    assert_status(adapt_open(bad, base, &back, &err), ST_CORRUPT, &err);
    unsigned char *sealed = memmem(bytes, size, "\"sealed\"", 8);
    assert_non_null(sealed);
    memcpy(sealed, "\"sealec\"", 8);
    assert_ok(file_write(bad, bytes, size, &err), &err);
    assert_status(adapt_open(bad, base, &back, &err), ST_INVALID, &err);
    assert_non_null(strstr(err.text, "neither a seal nor its name"));
    free(bytes);
    // one byte of the last tensor
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -3, SEEK_END), 0);
    int byte = fgetc(f);
    assert_int_equal(fseek(f, -3, SEEK_END), 0);
    fputc(byte ^ 1, f);
    fclose(f);
    assert_status(adapt_open(path, base, &back, &err), ST_CORRUPT, &err);
    printf("# %s\n", err.text);
    // no such file, no model
    assert_status(adapt_open("/nonexistent/x.safetensors", base, &back, &err), ST_NOT_FOUND, &err);
    struct tensor_writer *w = tensor_writer_new();
    float one[1] = {1};
    char sha256[HASH_HEX];
    tensor_put(w, "x", (int64_t[TENSOR_RANK]){1}, one);
    assert_ok(tensor_write(w, bad, NULL, sha256, &err), &err);
    tensor_writer_free(w);
    assert_status(adapt_open(bad, base, &back, &err), ST_INVALID, &err);
    net_free(changed);
    free(path), free(bad);
    adapt_model_free(model);
    adapt_model_free(other);
    free(r);
}

struct shelf {
    unsigned char *views;
    size_t bytes; // of a view
    int count;    // of a picture
    int loads;
};

static enum status load_counted(void *context, int64_t id, struct adapt_pixels *p, struct error *err)
{
    struct shelf *s = context;
    s->loads++;
    return load(NULL, id, p, err);
}

static void *shelved(void *context, int64_t id, int view)
{
    struct shelf *s = context;
    return s->views + ((size_t)id * (size_t)s->count + (size_t)view) * s->bytes;
}

// Heads alone: what the base says of a view is computed once for all rounds, and learned from as if it were not kept.
static void views_are_kept_from_round_to_round(void **state)
{
    (void)state;
    struct round *r = make_round(20);
    struct adapt_model *models[3];
    struct error err;
    r->options.kind = ADAPTER_NONE;
    assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &models[0], &err), &err);
    struct shelf shelf = {.bytes = (adapt_kept_bytes(base, SIDE, SIDE) + 63) / 64 * 64, .count = r->options.views + r->options.flaws};
    shelf.views = xcalloc((size_t)PICTURES * (size_t)shelf.count, shelf.bytes);
    r->data.context = &shelf;
    r->data.load = load_counted;
    r->data.kept = shelved;
    r->data.kept_seed = r->options.seed;
    for (int i = 1; i < 3; i++) {
        int before = shelf.loads;
        assert_ok(adapt_train(base, NULL, &r->data, &r->options, NULL, &models[i], &err), &err);
        assert_int_equal(shelf.loads - before, i == 1 ? PICTURES : 1); // the one that cannot be read is asked for again
    }
    const struct heads *h[3] = {models[0]->heads, models[1]->heads, models[2]->heads};
    // What is kept is rounded, and AdamW turns what that does to a channel that hardly varies into whole steps.
    double square = 0, apart = 0;
    for (size_t i = 0; i < h[0]->trained; i++) {
        square += (double)h[0]->values[i] * h[0]->values[i];
        apart += pow((double)h[0]->values[i] - h[1]->values[i], 2);
    }
    printf("# kept or not, weights differ by %g of their norm\n", sqrt(apart / square));
    assert_true(apart < 0.05 * 0.05 * square);
    assert_memory_equal(h[1]->values, h[2]->values, h[1]->size * sizeof(float));
    for (int i = 0; i < 3; i++)
        adapt_model_free(models[i]);
    free(shelf.views);
    free(r);
}

static void options_have_names_and_ranges(void **state)
{
    (void)state;
    struct adapt_options o = adapt_defaults, again = adapt_defaults;
    struct error err;
    char text[ADAPT_OPTIONS][ADAPT_OPTION_TEXT];
    assert_ok(adapt_option_set(&o, "rate=0.0125", &err), &err);
    assert_ok(adapt_option_set(&o, "steps=77", &err), &err);
    assert_ok(adapt_option_set(&o, "kind=0", &err), &err);
    assert_true(o.rate == 0.0125 && o.steps == 77 && o.kind == ADAPTER_NONE);
    adapt_option_text(&o, text);
    for (int i = 0; i < ADAPT_OPTIONS; i++)
        assert_ok(adapt_option_set(&again, text[i], &err), &err);
    assert_memory_equal(&o, &again, sizeof o);
    static const char *const bad[] = {"rate", "rate=", "rate=x", "rate=1", "rate=nan", "steps=1.5", "nothing=1", "=1", "",
                                      "kind=2", "adapter_share=0.06", "adapter_share=0.001", "class_balance=2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(adapt_option_set(&o, bad[i], &err), ST_INVALID, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_learns),
        cmocka_unit_test(views_say_the_same_of_a_picture_and_its_mirror_image),
        cmocka_unit_test(a_killed_round_goes_on_to_the_same_bits),
        cmocka_unit_test(a_killed_round_goes_on_elsewhere),
        cmocka_unit_test(what_is_kept_stays_within_its_budget_and_changes_no_weight),
        cmocka_unit_test(views_are_kept_from_round_to_round),
        cmocka_unit_test(labels_of_one_side),
        cmocka_unit_test(an_adapter_stays_within_its_share_of_the_base),
        cmocka_unit_test(rare_classes_are_drawn_as_often_as_is_asked_for),
        cmocka_unit_test(options_have_names_and_ranges),
        cmocka_unit_test(files_come_back_or_are_refused_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, open_base, close_base);
}
