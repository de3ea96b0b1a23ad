#include "config.h"

#include "net_test.h"

// ---- plans ----

static void expect_plan(const struct net_plan *plan, const char *says)
{
    struct error err = {0};
    assert_status(net_plan_check(plan, &err), ST_INVALID, &err);
    if (!strstr(err.text, says) || !strstr(err.text, plan->name))
        fail_msg("message \"%s\" does not say \"%s\"", err.text, says);
}

#define BAD(change, says)                                                                                    \
    do {                                                                                                     \
        struct net_plan plan = rich_plan();                                                                  \
        struct net_block *b = plan.blocks;                                                                   \
        (void)b;                                                                                             \
        change;                                                                                              \
        expect_plan(&plan, says);                                                                            \
    } while (0)

static void plan_check_says_what_is_wrong(void **state)
{
    (void)state;
    struct error err;
    struct net_plan good = rich_plan();
    assert_ok(net_plan_check(&good, &err), &err);
    BAD(plan.count = 1, "1 blocks, not 2 to 32");
    BAD(plan.count = 33, "33 blocks, not 2 to 32");
    BAD(plan.epsilon = 0, "epsilon is not between 0 and 1");
    BAD(plan.epsilon = NAN, "epsilon is not between 0 and 1");
    BAD(b[1].from = 9, "block 1 does not take as many channels as the one before gives");
    BAD(b[0].from = 1, "block 0 does not take as many channels");
    BAD(b[2].to = 0, "block 2 has a number of channels outside 1..4096");
    BAD(b[2].to = 5000, "block 2 has a number of channels outside 1..4096");
    BAD(b[2].stride = 3, "block 2 has a stride other than 1 and 2");
    BAD(b[1].residual = true, "block 1 must keep stride and channels");
    BAD(b[5].residual = true, "block 5 is called residual, which only a separable block can be");
    BAD(b[3].residual = false, "block 3 cannot be left out");
    BAD((b[3].tap = 0, b[4].tap = -1), "block 3 cannot be left out");
    BAD(b[5].heads = 3, "block 5 has heads, pool or hidden outside");
    BAD(b[5].heads = 0, "block 5 has heads, pool or hidden outside");
    BAD(b[5].pool = 17, "block 5 has heads, pool or hidden outside");
    BAD(b[5].hidden = 0, "block 5 has heads, pool or hidden outside");
    BAD(b[4].tap = 2, "block 4 names a tap that does not exist");
    BAD(b[0].type = NET_SEPARABLE, "block 0 is a full convolution, which only the first one is, and must be");
    BAD(b[1].type = NET_CONV, "block 1 is a full convolution, which only the first one is, and must be");
    BAD(b[4].tap = 1, "block 4 gives a tap out of order or twice");
    BAD(b[7].tap = 0, "block 7 gives a tap out of order or twice");
    BAD((b[4].branch = false, b[4].tap = -1, b[5].from = b[5].to = 48, b[6].from = 48, b[6].branch = true),
        "block 6 is a branch, but not a separable block that gives a tap");
    BAD(b[0].stride = 1, "two taps, of stride 8 and of stride 16");
    BAD((b[7].tap = -1), "two taps, of stride 8 and of stride 16");
    BAD((plan.count = 9, b[8] = (struct net_block){NET_SEPARABLE, 64, 64, 1, NET_RELU, .tap = -1}),
        "blocks follow the last tap");
    BAD((plan.count = 9, b[8] = (struct net_block){NET_SEPARABLE, 64, 64, 2, NET_RELU, .tap = -1}),
        "block 8 goes beyond stride 16");
    struct net_plan large = plain_plan();
    large.blocks[4].to = large.blocks[5].from = large.blocks[5].to = 4096;
    for (; large.count < 10; large.count++)
        large.blocks[large.count] = large.blocks[5];
    for (int i = 5; i < 9; i++)
        large.blocks[i].tap = -1;
    expect_plan(&large, "more than 50 million weights");
}

// ---- cutting ----

static struct net *cut_net(const struct net *net, const struct net_cut *cut)
{
    struct error err;
    struct net_plan plan;
    net_cut_plan(&net->plan, cut, &plan);
    assert_ok(net_plan_check(&plan, &err), &err);
    struct net *small = net_new(&plan);
    net_cut_gather(net, cut, small);
    return small;
}

// Channels from `first` on give nothing: 0 after scale and shift, and act(0) = 0.
static void silence(struct net *net, int block, int norm, int first)
{
    const struct net_block *b = &net->plan.blocks[block];
    bool depth = b->type == NET_SEPARABLE && norm == SEPARABLE_DEPTH_NORM;
    for (int k = first; k < (depth ? b->from : b->to); k++)
        net_values(net, block, norm + NORM_GAMMA)[k] = net_values(net, block, norm + NORM_BETA)[k] = 0;
}

static void narrow_cut_is_the_large_net_with_channels_silenced(void **state)
{
    (void)state;
    enum { ROWS = 48, COLS = 64 };
    struct net_plan plan = plain_plan();
    struct net *net = random_net(&plan, 5);
    struct net *small = cut_net(net, &(struct net_cut){0.5, 0});
    assert_int_equal(small->plan.blocks[0].to, 8);
    assert_int_equal(small->plan.blocks[5].to, 24);
    assert_string_equal(small->plan.name, "plain-w50-d0");
    for (int i = 0; i < plan.count; i++) {
        silence(net, i, i ? SEPARABLE_POINT_NORM : CONV_NORM, small->plan.blocks[i].to);
        if (i > 0)
            silence(net, i, SEPARABLE_DEPTH_NORM, small->plan.blocks[i].from);
    }
    float *rgb = random_rgb(ROWS, COLS);
    struct net_map large[NET_TAPS], cut[NET_TAPS];
    net_naive(net, rgb, ROWS, COLS, large);
    net_naive(small, rgb, ROWS, COLS, cut);
    for (int t = 0; t < NET_TAPS; t++) {
        size_t wide = (size_t)large[t].channels, narrow = (size_t)cut[t].channels;
        size_t cells = map_count(&large[t]) / wide;
        assert_int_equal(narrow, wide / 2);
        assert_int_equal(cells, map_count(&cut[t]) / narrow);
        for (size_t i = 0; i < cells; i++)
            for (size_t k = 0; k < wide; k++) {
                double want = k < narrow ? cut[t].values[i * narrow + k] : 0;
                assert_true(fabs(large[t].values[i * wide + k] - want) < 1e-5);
            }
    }
    free_taps(large);
    free_taps(cut);
    free(rgb);
    net_free(small);
    net_free(net);
}

static void shallow_cut_is_the_large_net_with_blocks_silenced(void **state)
{
    (void)state;
    struct net_plan plan = rich_plan();
    struct net *net = random_net(&plan, 6);
    struct net *one = cut_net(net, &(struct net_cut){1, 1}), *two = cut_net(net, &(struct net_cut){1, 2});
    assert_int_equal(one->plan.count, 7); // the attention block goes first: it is the last optional one
    assert_int_equal(one->plan.blocks[5].type, NET_SEPARABLE);
    assert_int_equal(two->plan.count, 6);
    static const int ways_out[] = {ATTENTION_POSITION, ATTENTION_POSITION_BIAS, ATTENTION_OUT,
                                   ATTENTION_OUT_BIAS, ATTENTION_MLP2,          ATTENTION_MLP2_BIAS};
    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++) {
        const struct net_tensor *t = &net->tensors[net->first[5] + ways_out[i]];
        memset(t->values, 0, t->count * sizeof(float));
    }
    assert_same_taps(one, net, 1e-6);
    silence(net, 3, SEPARABLE_POINT_NORM, 0);
    assert_same_taps(two, net, 1e-6);
    net_free(one);
    net_free(two);
    net_free(net);
}

static void cut_keeps_whole_heads(void **state)
{
    (void)state;
    struct net_plan plan = rich_plan(), small;
    net_cut_plan(&plan, &(struct net_cut){0.3, 0}, &small); // 64 x 0.3 = 19: one head of 16
    assert_int_equal(small.blocks[7].to, 16);
    assert_int_equal(small.blocks[7].heads, 1);
    assert_int_equal(small.blocks[5].to, 16);
    assert_int_equal(small.blocks[5].heads, 1);
    assert_int_equal(small.blocks[4].from, 16); // beside the trunk
    assert_int_equal(small.blocks[6].from, 16);
    net_cut_plan(&plan, &(struct net_cut){1, 0}, &small);
    assert_string_equal(small.name, plan.name);
    for (int i = 0; i < plan.count; i++)
        assert_int_equal(small.blocks[i].to, plan.blocks[i].to);
}

// What was gathered goes back where it came from, once, and nothing else changes; statistics stay.
static void scatter_is_gather_backwards(void **state)
{
    (void)state;
    struct net_plan plan = rich_plan();
    struct net_cut cut = {0.5, 1};
    struct net *net = random_net(&plan, 7), *sum = random_net(&plan, 8);
    // Distinct numbers, so that a value in the wrong place shows.
    float next = 0;
    for (int i = 0; i < net->tensor_count; i++)
        for (size_t k = 0; k < net->tensors[i].count; k++)
            net->tensors[i].values[k] = ++next;
    struct net *small = cut_net(net, &cut), *before = net_copy(sum);
    net_cut_scatter_add(small, &cut, sum);
    size_t moved = 0, expected = 0;
    for (int i = 0; i < sum->tensor_count; i++)
        for (size_t k = 0; k < sum->tensors[i].count; k++) {
            float was = before->tensors[i].values[k], is = sum->tensors[i].values[k];
            if (is == was)
                continue;
            assert_int_not_equal(sum->tensors[i].role, NET_STATISTIC);
            assert_true(is == was + net->tensors[i].values[k]);
            moved++;
        }
    for (int i = 0; i < small->tensor_count; i++)
        expected += small->tensors[i].role == NET_STATISTIC ? 0 : small->tensors[i].count;
    assert_int_equal(moved, expected);
    assert_int_equal((long long)expected, net_parameters(small));
    net_free(before);
    net_free(small);
    net_free(sum);
    net_free(net);
}

static void inherit_copies_blocks_that_fit(void **state)
{
    (void)state;
    struct net_plan plan = rich_plan();
    struct net *net = random_net(&plan, 9), *same = random_net(&plan, 10);
    assert_int_equal(net_inherit(same, net), plan.count);
    assert_same_taps(same, net, 1e-6); // units of an MLP may be in another order

    struct net_plan wider = plan; // a new block in between: what follows still finds its own
    memmove(&wider.blocks[4], &wider.blocks[3], sizeof wider.blocks[0] * 5);
    wider.blocks[3] = (struct net_block){NET_SEPARABLE, 32, 32, 1, NET_RELU6, .residual = true, .tap = -1};
    wider.count = 9;
    struct net *deep = random_net(&wider, 11);
    assert_int_equal(net_inherit(deep, net), plan.count);
    silence(deep, 3, SEPARABLE_POINT_NORM, 0);
    assert_same_taps(deep, net, 1e-6);
    net_free(deep);
    net_free(same);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_check_says_what_is_wrong),
        cmocka_unit_test(narrow_cut_is_the_large_net_with_channels_silenced),
        cmocka_unit_test(shallow_cut_is_the_large_net_with_blocks_silenced),
        cmocka_unit_test(cut_keeps_whole_heads),
        cmocka_unit_test(scatter_is_gather_backwards),
        cmocka_unit_test(inherit_copies_blocks_that_fit),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
