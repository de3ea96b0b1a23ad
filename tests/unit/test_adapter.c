#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "learn/heads.h"
#include "nn/adapter.h"
#include "nn/embedded.h"
#include "nn/graph.h"

enum { ROWS = 64, COLS = 48, CLASSES = 3 };

// Smooth activations, so that a difference is a derivative.
static struct net *tiny(void)
{
    struct net_plan plan = {.name = "tiny", .padding = NET_PAD_SYMMETRIC, .epsilon = 1e-3, .count = 7};
    static const struct net_block blocks[] = {
        {.type = NET_CONV, .from = 3, .to = 8, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 8, .to = 8, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 8, .to = 16, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 16, .to = 24, .stride = 1, .tap = 0, .branch = true},
        {.type = NET_SEPARABLE, .from = 16, .to = 16, .stride = 2, .tap = -1},
        {.type = NET_ATTENTION, .from = 16, .to = 16, .stride = 1, .tap = -1, .heads = 2, .pool = 2, .hidden = 24, .activation = NET_GELU},
        {.type = NET_SEPARABLE, .from = 16, .to = 24, .stride = 1, .tap = 1},
    };
    struct error err;
    memcpy(plan.blocks, blocks, sizeof blocks);
    assert_ok(net_plan_check(&plan, &err), &err);
    struct net *net = net_new(&plan);
    net_init(net, 5);
    return net;
}

static float *picture(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *rgb = xcalloc(ROWS * COLS * 3, sizeof *rgb);
    for (size_t i = 0; i < ROWS * COLS * 3; i++)
        rgb[i] = (float)(255 * rng_uniform(&rng));
    return rgb;
}

static size_t tap_count(const struct graph_tap *tap)
{
    return (size_t)tap->rows * (size_t)tap->cols * (size_t)tap->channels;
}

// ---- the adapter ----

static void adapters_of_the_shipped_base_are_one_to_five_percent(void **state)
{
    (void)state;
    struct error err;
    const unsigned char *bytes;
    size_t size;
    struct tensor_file *file;
    struct net *net;
    assert_ok(embedded_base(&bytes, &size, NULL, &err), &err);
    assert_ok(tensor_open_bytes(bytes, size, EMBEDDED_NAME, &file, &err), &err);
    assert_ok(net_read(file, &net, &err), &err);
    int rank = adapter_rank(net, 0.05);
    struct adapter *a = adapter_new(net, ADAPTER_LOW_RANK, rank, 1);
    double share = (double)a->size / (double)net_parameters(net);
    printf("# rank %d: %zu of %lld parameters, %.2f %%\n", rank, a->size, net_parameters(net), 100 * share);
    assert_int_equal(a->size, adapter_parameters(net, rank));
    assert_true(share >= 0.01 && share <= 0.05);
    assert_true((double)adapter_parameters(net, rank + 1) > 0.05 * (double)net_parameters(net));
    int stride = 1;
    for (int i = 0; i < a->first; i++)
        stride *= net->plan.blocks[i].branch ? 1 : net->plan.blocks[i].stride;
    assert_int_equal(stride, 8); // the block that goes to 16 is the first that changes
    adapter_free(a);
    net_free(net);
    tensor_close(file);
}

static void an_adapter_begins_as_no_change(void **state)
{
    (void)state;
    struct net *net = tiny();
    static const enum adapter_kind kinds[] = {ADAPTER_NONE, ADAPTER_LOW_RANK, ADAPTER_ALL};
    for (int k = 0; k < 3; k++) {
        struct adapter *a = adapter_new(net, kinds[k], 3, 7);
        struct net *merged = adapter_merge(net, a);
        for (int i = 0; i < net->tensor_count; i++)
            assert_memory_equal(merged->tensors[i].values, net->tensors[i].values, net->tensors[i].count * sizeof(float));
        net_free(merged);
        adapter_free(a);
    }
    net_free(net);
}

static double scalar(const struct graph_tap taps[NET_TAPS], float *grads[NET_TAPS])
{
    double sum = 0;
    struct rng rng = rng_seed(77);
    for (int t = 0; t < NET_TAPS; t++)
        for (size_t k = 0; k < tap_count(&taps[t]); k++) {
            double w = rng_normal(&rng);
            sum += w * (double)taps[t].values[k];
            if (grads)
                grads[t][k] = (float)w;
        }
    return sum;
}

static double adapted(struct graph *graph, const struct net *net, struct net *merged, const struct adapter *a, const float *rgb,
                      float *grads[NET_TAPS])
{
    struct graph_tap taps[NET_TAPS];
    struct graph_pass pass = {0, net->plan.count, grads ? a->first : net->plan.count, true};
    adapter_apply(a, net, merged);
    graph_run(graph, merged, &pass, rgb, 1, ROWS, COLS, taps, NULL);
    if (grads)
        for (int t = 0; t < NET_TAPS; t++)
            grads[t] = xcalloc(tap_count(&taps[t]), sizeof(float));
    return scalar(taps, grads);
}

static void gradients_of_an_adapter_are_finite_differences(void **state)
{
    (void)state;
    static const enum adapter_kind kinds[] = {ADAPTER_LOW_RANK, ADAPTER_ALL};
    for (int k = 0; k < 2; k++) {
        struct net *net = tiny(), *merged = net_copy(net);
        struct adapter *a = adapter_new(net, kinds[k], 2, 3);
        struct net *grads = adapter_gradients_new(net, a);
        struct graph *graph = graph_new();
        struct rng rng = rng_seed(4);
        float *rgb = picture(9), *tap_grads[NET_TAPS], *grad = xcalloc(a->size, sizeof *grad);
        for (size_t i = 0; i < a->size; i++)
            a->values[i] += (float)(0.1 * rng_normal(&rng));
        adapted(graph, net, merged, a, rgb, tap_grads);
        const float *given[NET_TAPS] = {kinds[k] == ADAPTER_ALL ? tap_grads[0] : NULL, tap_grads[1]};
        graph_backward(graph, merged, given, grads);
        adapter_gradient(a, grads, grad);
        for (int p = 0; p < a->count; p++) { // along the gradient of each part
            const struct adapter_part *part = &a->parts[p];
            double square = 0, h = 2e-3;
            for (size_t i = part->at; i < part->at + part->size; i++)
                square += (double)grad[i] * (double)grad[i];
            if (square == 0)
                continue;
            float *kept = xcalloc(part->size, sizeof *kept);
            memcpy(kept, a->values + part->at, part->size * sizeof *kept);
            double sides[2];
            for (int s = 0; s < 2; s++) {
                for (size_t i = 0; i < part->size; i++)
                    a->values[part->at + i] = kept[i] + (float)((s ? h : -h) * (double)grad[part->at + i] / sqrt(square));
                sides[s] = adapted(graph, net, merged, a, rgb, NULL);
            }
            memcpy(a->values + part->at, kept, part->size * sizeof *kept);
            free(kept);
            double got = (sides[1] - sides[0]) / (2 * h), want = sqrt(square);
            if (fabs(got - want) > 0.02 * want + 0.05)
                fail_msg("%s: %g along the gradient, whose norm is %g", net->tensors[part->tensor].name, got, want);
        }
        for (int t = 0; t < NET_TAPS; t++)
            free(tap_grads[t]);
        free(rgb), free(grad);
        graph_free(graph);
        adapter_free(a);
        net_free(grads), net_free(merged), net_free(net);
    }
}

// ---- the heads ----

static const struct head_shape shape = {.channels = {5, 7}, .hidden = 6, .wide = 4, .classes = CLASSES, .top_share = 0.1};

static void fill_taps(struct graph_tap taps[NET_TAPS], float *values[NET_TAPS], uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    static const int sides[NET_TAPS][2] = {{8, 6}, {4, 3}};
    for (int t = 0; t < NET_TAPS; t++) {
        taps[t] = (struct graph_tap){sides[t][0], sides[t][1], shape.channels[t], NULL};
        values[t] = xcalloc(tap_count(&taps[t]), sizeof(float));
        for (size_t i = 0; i < tap_count(&taps[t]); i++)
            values[t][i] = (float)rng_normal(&rng);
        taps[t].values = values[t];
    }
}

struct share { // what each output weighs in the scalar
    float patch[48], local, global, logit, classes[CLASSES];
};

static double judged(const struct heads *h, struct heads_work *w, const struct graph_tap taps[NET_TAPS], const struct share *s)
{
    struct heads_out out;
    heads_forward(h, w, taps, 0, NULL, &out);
    double sum = (double)(s->local * out.local) + (double)(s->global * out.global) + (double)(s->logit * out.logit);
    for (int i = 0; i < out.rows * out.cols; i++)
        sum += (double)s->patch[i] * (double)out.patch[i];
    for (int c = 0; c < CLASSES; c++)
        sum += (double)s->classes[c] * (double)out.class_logit[c];
    return sum;
}

// Along each number in turn; a ReLU or the choice of the largest cells may turn at a few places.
static void check_numbers(const char *what, float *values, const float *grad, size_t count, const struct heads *h,
                          struct heads_work *w, const struct graph_tap taps[NET_TAPS], const struct share *s)
{
    size_t wrong = 0, tried = 0, step = count / 61 + 1;
    const double e = 2e-3;
    for (size_t i = 0; i < count; i += step, tried++) {
        float x = values[i];
        values[i] = x + (float)e;
        double above = judged(h, w, taps, s);
        values[i] = x - (float)e;
        double below = judged(h, w, taps, s);
        values[i] = x;
        double got = (double)grad[i], want = (above - below) / (2 * e);
        wrong += fabs(got - want) > 0.02 * fabs(want) + 0.02;
    }
    if (wrong > tried / 8)
        fail_msg("%s: %zu of %zu derivatives differ", what, wrong, tried);
}

static void gradients_of_the_heads_are_finite_differences(void **state)
{
    (void)state;
    struct heads *h = heads_new(&shape, 3);
    struct heads_work *w = heads_work_new(&shape);
    struct graph_tap taps[NET_TAPS];
    struct heads_out out;
    struct share s = {.local = 0.7f, .global = -0.4f, .logit = 1.1f};
    struct rng rng = rng_seed(8);
    float *values[NET_TAPS], *tap_grads[NET_TAPS], *grad = xcalloc(h->trained, sizeof *grad);
    for (size_t i = 0; i < h->size; i++)
        h->values[i] += (float)(0.3 * rng_normal(&rng));
    fill_taps(taps, values, 2);
    for (int i = 0; i < 48; i++)
        s.patch[i] = (float)(0.1 * rng_normal(&rng));
    for (int c = 0; c < CLASSES; c++)
        s.classes[c] = (float)rng_normal(&rng);
    for (int t = 0; t < NET_TAPS; t++)
        tap_grads[t] = xcalloc(tap_count(&taps[t]), sizeof(float));
    heads_forward(h, w, taps, 0, NULL, &out);
    struct heads_grad from = {.patch = s.patch, .local = s.local, .global = s.global, .logit = s.logit, .class_logit = s.classes};
    heads_backward(h, w, &from, grad, tap_grads);
    for (int i = 0; i < HEAD_TRAINED; i++)
        check_numbers(h->parts[i].name, h->values + h->parts[i].at, grad + h->parts[i].at, h->parts[i].count, h, w, taps, &s);
    for (int t = 0; t < NET_TAPS; t++)
        check_numbers("tap", values[t], tap_grads[t], tap_count(&taps[t]), h, w, taps, &s);
    for (int t = 0; t < NET_TAPS; t++)
        free(values[t]), free(tap_grads[t]);
    free(grad);
    heads_work_free(w);
    heads_free(h);
}

// ---- classes ----

// Embeddings around one corner per class.
static void embed(float *to, int n, int class_index, struct rng *rng)
{
    for (int i = 0; i < n; i++)
        to[i] = (i % 4 == class_index ? 5 : 0) + (float)(0.3 * rng_normal(rng));
}

static void few_pictures_are_served_by_the_nearest_mean(void **state)
{
    (void)state;
    struct heads *h = heads_new(&shape, 3);
    int n = heads_embedding(&shape), labels[16];
    float embeddings[16 * 16], logits[CLASSES] = {0, 9, 0}, probabilities[HEADS_CLASSES]; // an untrained head that cries 1
    struct rng rng = rng_seed(5);
    bool unknown;
    for (int i = 0; i < 16; i++) { // classes 0 and 1, eight each; class 2 was never seen
        labels[i] = i % 2;
        embed(embeddings + i * n, n, labels[i], &rng);
    }
    heads_fit_classes(h, embeddings, labels, 16);
    for (int c = 0; c < 2; c++) {
        float e[16];
        embed(e, n, c, &rng);
        struct heads_out out = {.embedding = e, .class_logit = logits};
        assert_int_equal(heads_classify(h, &out, probabilities, &unknown), c);
        assert_false(unknown);
        assert_true(probabilities[c] > 0.9f && fabsf(probabilities[0] + probabilities[1] + probabilities[2] - 1) < 1e-5f);
        assert_true(probabilities[2] == 0);
    }
    float e[16];
    embed(e, n, 2, &rng);
    struct heads_out out = {.embedding = e, .class_logit = logits};
    heads_classify(h, &out, probabilities, &unknown);
    assert_true(unknown);
    heads_free(h);
}

static void many_pictures_are_served_by_the_trained_head(void **state)
{
    (void)state;
    struct heads *h = heads_new(&shape, 3);
    int n = heads_embedding(&shape), labels[3 * HEADS_FEW];
    float embeddings[3 * HEADS_FEW * 16], logits[CLASSES] = {3, 0, 0}, probabilities[HEADS_CLASSES], e[16];
    struct rng rng = rng_seed(5);
    bool unknown;
    for (int i = 0; i < 2 * HEADS_FEW; i++) {
        labels[i] = i % 2;
        embed(embeddings + i * n, n, labels[i], &rng);
    }
    heads_fit_classes(h, embeddings, labels, 2 * HEADS_FEW);
    embed(e, n, 1, &rng); // near class 1, but the head was trained to say 0
    struct heads_out out = {.embedding = e, .class_logit = logits};
    assert_int_equal(heads_classify(h, &out, probabilities, &unknown), 0);
    assert_false(unknown);
    // from an embedding alone: the head's own logits
    float kept[HEADS_CLASSES], *weight = heads_values(h, HEAD_CLASS), *bias = heads_values(h, HEAD_CLASS_BIAS);
    for (int c = 0; c < CLASSES; c++) {
        bias[c] = (float)c;
        logits[c] = bias[c];
        for (int i = 0; i < n; i++) {
            weight[i * CLASSES + c] = (float)(0.1 * rng_normal(&rng));
            logits[c] += e[i] * weight[i * CLASSES + c];
        }
    }
    int best = heads_classify(h, &out, probabilities, &unknown);
    assert_int_equal(heads_classify_kept(h, e, kept, &unknown), best);
    for (int c = 0; c < CLASSES; c++)
        assert_true(fabsf(kept[c] - probabilities[c]) < 1e-5f);
    heads_free(h);
}

static void nothing_is_known_before_the_first_class(void **state)
{
    (void)state;
    struct heads *h = heads_new(&shape, 3);
    float e[16] = {0}, logits[CLASSES] = {0}, probabilities[HEADS_CLASSES];
    struct heads_out out = {.embedding = e, .class_logit = logits};
    bool unknown;
    assert_int_equal(heads_classify(h, &out, probabilities, &unknown), -1);
    assert_true(unknown);
    heads_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters_of_the_shipped_base_are_one_to_five_percent),
        cmocka_unit_test(an_adapter_begins_as_no_change),
        cmocka_unit_test(gradients_of_an_adapter_are_finite_differences),
        cmocka_unit_test(gradients_of_the_heads_are_finite_differences),
        cmocka_unit_test(few_pictures_are_served_by_the_nearest_mean),
        cmocka_unit_test(many_pictures_are_served_by_the_trained_head),
        cmocka_unit_test(nothing_is_known_before_the_first_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
