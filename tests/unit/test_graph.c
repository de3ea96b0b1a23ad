#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "nn/graph.h"

enum { PICTURES = 3, ROWS = 64, COLS = 48 };

// Every kind of block, small: residual, branch, attention with a ragged pooled edge (64 x 48 is 4 x 3 there).
static struct net *tiny(enum net_activation activation, enum net_padding padding)
{
    struct net_plan plan = {.name = "tiny", .padding = padding, .epsilon = 1e-3, .count = 8};
    static const struct net_block blocks[] = {
        {.type = NET_CONV, .from = 3, .to = 8, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 8, .to = 8, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 8, .to = 8, .stride = 1, .tap = -1, .residual = true, .optional = true},
        {.type = NET_SEPARABLE, .from = 8, .to = 16, .stride = 2, .tap = -1},
        {.type = NET_SEPARABLE, .from = 16, .to = 24, .stride = 1, .tap = 0, .branch = true},
        {.type = NET_SEPARABLE, .from = 16, .to = 16, .stride = 2, .tap = -1},
        {.type = NET_ATTENTION, .from = 16, .to = 16, .stride = 1, .tap = -1, .heads = 2, .pool = 2, .hidden = 24},
        {.type = NET_SEPARABLE, .from = 16, .to = 24, .stride = 1, .tap = 1},
    };
    struct error err;
    for (int i = 0; i < plan.count; i++) {
        plan.blocks[i] = blocks[i];
        plan.blocks[i].activation = activation;
        if (activation == NET_GELU && blocks[i].type != NET_ATTENTION)
            plan.blocks[i].activation = NET_LINEAR;
    }
    assert_ok(net_plan_check(&plan, &err), &err);
    struct net *net = net_new(&plan);
    net_init(net, 5);
    struct rng rng = rng_seed(6);
    for (int i = 0; i < net->tensor_count; i++) // nothing stays at its plain start
        for (size_t k = 0; k < net->tensors[i].count; k++) {
            float *v = &net->tensors[i].values[k];
            *v += (float)(0.2 * rng_uniform(&rng));
        }
    return net;
}

static float *pictures(int count, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *rgb = xcalloc((size_t)count * ROWS * COLS * 3, sizeof *rgb);
    for (size_t i = 0; i < (size_t)count * ROWS * COLS * 3; i++)
        rgb[i] = (float)(255 * rng_uniform(&rng));
    return rgb;
}

static void evaluation_is_like_the_naive_network(void **state)
{
    (void)state;
    static const enum net_activation activations[] = {NET_RELU, NET_RELU6, NET_GELU};
    for (int a = 0; a < 3; a++) {
        struct net *net = tiny(activations[a], a == 1 ? NET_PAD_END : NET_PAD_SYMMETRIC);
        float *rgb = pictures(PICTURES, 9);
        struct graph *graph = graph_new();
        struct graph_tap taps[NET_TAPS];
        graph_forward(graph, net, net->plan.count, rgb, PICTURES, ROWS, COLS, taps);
        for (int n = 0; n < PICTURES; n++) {
            struct net_map want[NET_TAPS];
            net_naive(net, rgb + (size_t)n * ROWS * COLS * 3, ROWS, COLS, want);
            for (int t = 0; t < NET_TAPS; t++) {
                size_t count = (size_t)want[t].rows * (size_t)want[t].cols * (size_t)want[t].channels;
                double largest = 0, worst = 0;
                assert_int_equal(taps[t].rows, want[t].rows);
                assert_int_equal(taps[t].cols, want[t].cols);
                assert_int_equal(taps[t].channels, want[t].channels);
                for (size_t k = 0; k < count; k++) {
                    largest = fmax(largest, fabs((double)want[t].values[k]));
                    worst = fmax(worst, fabs((double)want[t].values[k] - (double)taps[t].values[(size_t)n * count + k]));
                }
                assert_true(largest > 0.1 && worst < 1e-5 * largest);
                free(want[t].values);
            }
        }
        graph_free(graph);
        free(rgb);
        net_free(net);
    }
}

// A scalar of the taps that every value has its own share in.
static double scalar(const struct graph_tap taps[NET_TAPS], float *grads[NET_TAPS])
{
    double sum = 0;
    struct rng rng = rng_seed(77);
    for (int t = 0; t < NET_TAPS; t++)
        for (size_t k = 0; k < (size_t)PICTURES * (size_t)taps[t].rows * (size_t)taps[t].cols * (size_t)taps[t].channels;
             k++) {
            double w = rng_normal(&rng);
            sum += w * taps[t].values[k];
            if (grads)
                grads[t][k] = (float)w;
        }
    return sum;
}

static double value_of(struct graph *graph, const struct net *net, int frozen, const float *rgb)
{
    struct graph_tap taps[NET_TAPS];
    graph_forward(graph, net, frozen, rgb, PICTURES, ROWS, COLS, taps);
    return scalar(taps, NULL);
}

static void gradients_are_finite_differences(void **state)
{
    (void)state;
    static const int froms[] = {0, 3, 5, 6};
    for (int f = 0; f < 4; f++) {
        int frozen = froms[f];
        // Smooth activations, so that a difference is a derivative; ReLU's mask is tested with the layers.
        struct net *net = tiny(NET_GELU, NET_PAD_SYMMETRIC), *grads = net_new(&net->plan);
        float *rgb = pictures(PICTURES, 9), *tap_grads[NET_TAPS];
        struct graph *graph = graph_new();
        struct graph_tap taps[NET_TAPS];
        graph_forward(graph, net, frozen, rgb, PICTURES, ROWS, COLS, taps);
        for (int t = 0; t < NET_TAPS; t++)
            tap_grads[t] = xcalloc((size_t)PICTURES * (size_t)taps[t].rows * (size_t)taps[t].cols * (size_t)taps[t].channels,
                                   sizeof(float));
        scalar(taps, tap_grads);
        graph_backward(graph, net, (const float *const *)tap_grads, grads);
        struct rng rng = rng_seed(3);
        for (int i = 0; i < net->tensor_count; i++) {
            struct net_tensor *t = &net->tensors[i];
            if (t->role == NET_STATISTIC)
                continue;
            bool trained = i >= net->first[frozen];
            for (int probe = 0; probe < 3; probe++) {
                size_t k = (size_t)rng_below(&rng, t->count);
                float *v = &t->values[k], kept = *v, got = grads->tensors[i].values[k];
                if (!trained) {
                    assert_true(got == 0);
                    continue;
                }
                const float step = 4e-3f;
                *v = kept + step;
                double up = value_of(graph, net, frozen, rgb);
                *v = kept - step;
                double down = value_of(graph, net, frozen, rgb);
                *v = kept;
                double want = (up - down) / (2 * (double)step);
                if (fabs(want - got) > 0.02 * fmax(fabs(want), 1) + 0.05)
                    fail_msg("frozen %d, %s[%zu]: %g, by differences %g", frozen, t->name, k, (double)got, want);
            }
        }
        for (int t = 0; t < NET_TAPS; t++)
            free(tap_grads[t]);
        graph_free(graph);
        free(rgb);
        net_free(net);
        net_free(grads);
    }
}

static void a_frozen_part_keeps_nothing(void **state)
{
    (void)state;
    struct net *net = tiny(NET_RELU, NET_PAD_SYMMETRIC);
    float *rgb = pictures(PICTURES, 9);
    struct graph *graph = graph_new();
    struct graph_tap taps[NET_TAPS];
    size_t kept[3];
    static const int froms[] = {0, 5, 8};
    for (int i = 0; i < 3; i++) {
        graph_forward(graph, net, froms[i], rgb, PICTURES, ROWS, COLS, taps);
        kept[i] = graph_kept(graph);
    }
    assert_true(kept[1] * 4 < kept[0] && kept[2] <= kept[1]);
    graph_free(graph);
    free(rgb);
    net_free(net);
}

static void statistics_are_the_batch_s(void **state)
{
    (void)state;
    struct net *net = tiny(NET_RELU, NET_PAD_SYMMETRIC), *grads = net_new(&net->plan);
    float *rgb = pictures(PICTURES, 9);
    struct graph *graph = graph_new();
    struct graph_tap train[NET_TAPS], eval[NET_TAPS];
    const float *none[NET_TAPS] = {NULL};
    graph_forward(graph, net, 0, rgb, PICTURES, ROWS, COLS, train);
    // With the batch's statistics as running ones evaluation gives what training gave, but for the correction of the
    // variance, which is 0.7 % for the 144 cells of stride 8; means that are large beside their deviation make more of it.
    size_t count = (size_t)PICTURES * (size_t)train[0].rows * (size_t)train[0].cols * (size_t)train[0].channels;
    float *trained = xcalloc(count, sizeof *trained);
    memcpy(trained, train[0].values, count * sizeof *trained);
    graph_backward(graph, net, none, grads);
    graph_update_statistics(net, grads, 1, 0);
    graph_forward(graph, net, net->plan.count, rgb, PICTURES, ROWS, COLS, eval);
    double difference = 0, size = 0;
    for (size_t k = 0; k < count; k++) {
        difference += fabs((double)trained[k] - (double)eval[0].values[k]);
        size += fabs((double)trained[k]);
    }
    print_message("# difference %.3g\n", difference / size);
    assert_true(size > 0 && difference < 0.05 * size);
    free(trained);
    free(rgb);
    graph_free(graph);
    net_free(net);
    net_free(grads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_is_like_the_naive_network),
        cmocka_unit_test(gradients_are_finite_differences),
        cmocka_unit_test(a_frozen_part_keeps_nothing),
        cmocka_unit_test(statistics_are_the_batch_s),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
