#include "config.h"

#include "foreign.h"
#include "test.h"

#include <math.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/rng.h"
#include "nn/embedded.h"
#include "nn/net.h"
#include "nn/net_import.h"
#include "nn/onnx.h"

static char scratch[] = "/tmp/assay-test-net-XXXXXX";

static char *scratch_path(const char *name)
{
    return file_join(scratch, name);
}

// Every kind of block: residual, optional, attention, a tap beside the trunk.
static struct net_plan rich_plan(void)
{
    return (struct net_plan){
        .name = "rich",
        .padding = NET_PAD_END,
        .epsilon = 1e-3,
        .side = 160,
        .count = 8,
        .blocks = {{NET_CONV, 3, 8, 2, NET_GELU, .tap = -1},
                   {NET_SEPARABLE, 8, 16, 2, NET_RELU6, .tap = -1},
                   {NET_SEPARABLE, 16, 32, 2, NET_LINEAR, .tap = -1},
                   {NET_SEPARABLE, 32, 32, 1, NET_GELU, .residual = true, .optional = true, .tap = -1},
                   {NET_SEPARABLE, 32, 48, 1, NET_RELU, .tap = 0, .branch = true},
                   {NET_ATTENTION, 32, 32, 1, NET_GELU, .heads = 2, .pool = 3, .hidden = 40, .optional = true,
                    .tap = -1},
                   {NET_SEPARABLE, 32, 64, 2, NET_RELU, .tap = -1},
                   {NET_ATTENTION, 64, 64, 1, NET_RELU6, .heads = 4, .pool = 2, .hidden = 64, .tap = 1}}};
}

// Convolutions alone, whose channels do not meet in a norm.
static struct net_plan plain_plan(void)
{
    return (struct net_plan){
        .name = "plain",
        .epsilon = 1e-3,
        .count = 6,
        .blocks = {{NET_CONV, 3, 16, 2, NET_RELU, .tap = -1},
                   {NET_SEPARABLE, 16, 16, 2, NET_RELU, .tap = -1},
                   {NET_SEPARABLE, 16, 32, 2, NET_GELU, .tap = 0},
                   {NET_SEPARABLE, 32, 32, 1, NET_RELU, .residual = true, .optional = true, .tap = -1},
                   {NET_SEPARABLE, 32, 48, 2, NET_RELU6, .tap = -1},
                   {NET_SEPARABLE, 48, 48, 1, NET_RELU, .residual = true, .tap = 1}}};
}

static struct net *random_net(const struct net_plan *plan, uint64_t seed)
{
    struct error err;
    assert_ok(net_plan_check(plan, &err), &err);
    return foreign_random(plan, seed);
}

static float *random_rgb(int rows, int cols)
{
    struct rng rng = rng_seed(3);
    float *rgb = xcalloc((size_t)(rows * cols * 3), sizeof *rgb);
    for (int i = 0; i < rows * cols * 3; i++)
        rgb[i] = (float)(255 * rng_uniform(&rng));
    return rgb;
}

static size_t map_count(const struct net_map *m)
{
    return (size_t)m->rows * (size_t)m->cols * (size_t)m->channels;
}

// Largest difference as a share of the largest value.
static double worst(const float *got, const float *want, size_t count)
{
    double largest = 0, difference = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
        difference = fmax(difference, fabs((double)got[i] - want[i]));
    }
    assert_true(largest > 0);
    return difference / largest;
}

static void free_taps(struct net_map taps[NET_TAPS])
{
    for (int i = 0; i < NET_TAPS; i++)
        free(taps[i].values);
}

static void assert_same_taps(const struct net *a, const struct net *b, double within)
{
    enum { ROWS = 48, COLS = 64 };
    float *rgb = random_rgb(ROWS, COLS);
    struct net_map x[NET_TAPS], y[NET_TAPS];
    net_naive(a, rgb, ROWS, COLS, x);
    net_naive(b, rgb, ROWS, COLS, y);
    for (int i = 0; i < NET_TAPS; i++) {
        assert_int_equal(map_count(&x[i]), map_count(&y[i]));
        assert_true(worst(x[i].values, y[i].values, map_count(&x[i])) <= within);
    }
    free_taps(x);
    free_taps(y);
    free(rgb);
}

static void assert_same_weights(const struct net *a, const struct net *b)
{
    assert_int_equal(a->tensor_count, b->tensor_count);
    for (int i = 0; i < a->tensor_count; i++) {
        assert_string_equal(a->tensors[i].name, b->tensors[i].name);
        assert_int_equal(a->tensors[i].count, b->tensors[i].count);
        assert_memory_equal(a->tensors[i].values, b->tensors[i].values, a->tensors[i].count * sizeof(float));
    }
}

// ---- files ----

static char *write_net(const struct net *net, const char *name, bool half)
{
    struct error err;
    char sha256[HASH_HEX], *path = scratch_path(name);
    struct tensor_writer *writer = tensor_writer_new();
    net_put(net, writer, half);
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    tensor_writer_free(writer);
    return path;
}

static void file_gives_back_plan_and_weights(void **state)
{
    (void)state;
    struct error err;
    struct net_plan plan = rich_plan();
    struct net *net = random_net(&plan, 1), *again;
    char *path = write_net(net, "rich.safetensors", false);
    assert_ok(net_open(path, &again, &err), &err);
    assert_string_equal(again->plan.name, plan.name);
    assert_int_equal(again->plan.padding, plan.padding);
    assert_true(again->plan.epsilon == plan.epsilon);
    assert_int_equal(again->plan.side, plan.side);
    assert_int_equal(again->plan.count, plan.count);
    for (int i = 0; i < plan.count; i++) {
        const struct net_block *a = &plan.blocks[i], *b = &again->plan.blocks[i];
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->from, b->from);
        assert_int_equal(a->to, b->to);
        assert_int_equal(a->stride, b->stride);
        assert_int_equal(a->activation, b->activation);
        assert_int_equal(a->residual, b->residual);
        assert_int_equal(a->optional, b->optional);
        assert_int_equal(a->heads, b->heads);
        assert_int_equal(a->pool, b->pool);
        assert_int_equal(a->hidden, b->hidden);
        assert_int_equal(a->tap, b->tap);
        assert_int_equal(a->branch, b->branch);
    }
    assert_same_weights(net, again);
    char sha256[HASH_HEX];
    assert_ok(hash_file(path, sha256, NULL, &err), &err);
    assert_string_equal(again->sha256, sha256);
    net_free(again);
    free(path);

    path = write_net(net, "half.safetensors", true);
    assert_ok(net_open(path, &again, &err), &err);
    assert_same_taps(again, net, 5e-3);
    for (int i = 0; i < net->tensor_count; i++) // statistics keep full precision
        if (net->tensors[i].role == NET_STATISTIC)
            assert_memory_equal(net->tensors[i].values, again->tensors[i].values,
                                net->tensors[i].count * sizeof(float));
    net_free(again);
    net_free(net);
    free(path);
}

static void refuses(const char *path, enum status want, const char *says)
{
    struct error err = {0};
    struct net *net;
    assert_status(net_open(path, &net, &err), want, &err);
    if (!strstr(err.text, path) || !strstr(err.text, says))
        fail_msg("message \"%s\" does not name %s and \"%s\"", err.text, path, says);
}

static void refuses_plan(const char *text, const char *says)
{
    struct error err;
    char sha256[HASH_HEX], *path = scratch_path("plan.safetensors");
    struct tensor_writer *writer = tensor_writer_new();
    tensor_put_meta(writer, "architecture", NET_FORMAT);
    if (text)
        tensor_put_meta(writer, "plan", text);
    tensor_put(writer, "x", (int64_t[TENSOR_RANK]){1}, (float[]){1});
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    tensor_writer_free(writer);
    refuses(path, ST_INVALID, says);
    free(path);
}

static void file_refuses_plans_it_cannot_read(void **state)
{
    (void)state;
    const char *head = "{\"name\":\"x\",\"padding\":\"end\",\"epsilon\":0.001,\"blocks\":[";
    refuses_plan(NULL, "\"plan\" is missing");
    refuses_plan("{", "does not describe a network");
    refuses_plan("{\"name\":\"x\"}", "does not describe a network");
    refuses_plan("{\"name\":\"x\",\"padding\":\"wrap\",\"epsilon\":0.001,\"blocks\":[]}", "unknown padding");
    refuses_plan("{\"name\":\"x\",\"padding\":\"end\",\"epsilon\":0.001,\"blocks\":[]}",
                 "0 blocks, not 2 to 32");
    char *text = xasprintf(
        "%s{\"type\":\"recurrent\",\"from\":3,\"to\":8,\"stride\":2,\"activation\":\"relu\"}]}", head);
    refuses_plan(text, "block 0 is not one that this program knows");
    free(text);
    text = xasprintf("%s{\"type\":\"conv\",\"from\":3,\"to\":\"8\",\"stride\":2,\"activation\":\"relu\"}]}",
                     head);
    refuses_plan(text, "block 0 is not one that this program knows");
    free(text);
    text = xasprintf("%s1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", head);
    refuses_plan(text, "more than 32 blocks");
    free(text);
}

static void file_refuses_bad_tensors(void **state)
{
    (void)state;
    struct net_plan plan = plain_plan();
    struct net *net = random_net(&plan, 1);
    net->tensors[1].shape[0]--;
    char *path = write_net(net, "bad.safetensors", false);
    refuses(path, ST_INVALID, "tensor block.0.conv.gamma: its shape is (15), not (16)");
    net->tensors[1].shape[0]++;
    free(path);

    net_values(net, 1, SEPARABLE_POINT_NORM + NORM_VARIANCE)[3] = -1e-6F;
    path = write_net(net, "bad.safetensors", false);
    refuses(path, ST_CORRUPT, "variance 3 is negative");
    net_values(net, 1, SEPARABLE_POINT_NORM + NORM_VARIANCE)[3] = 1;
    free(path);

    net_values(net, 2, SEPARABLE_POINT)[5] = NAN;
    path = write_net(net, "bad.safetensors", false);
    refuses(path, ST_CORRUPT, "number 5 is not finite");
    free(path);
    net_free(net);
}

// Any damage to the header is an error or harmless: a sanitizer build sees what is neither.
static void file_survives_damage(void **state)
{
    (void)state;
    enum { MUTATIONS = 3000 };
    struct error err;
    struct net_plan plan = rich_plan();
    struct net *net = random_net(&plan, 2), *back;
    char *path = write_net(net, "whole.safetensors", true);
    unsigned char *bytes;
    size_t count, refused = 0;
    assert_ok(file_read(path, 1 << 24, &bytes, &count, &err), &err);
    size_t header = 8 + (size_t)bytes[0] + ((size_t)bytes[1] << 8);
    struct rng rng = rng_seed(4);
    for (int i = 0; i < MUTATIONS; i++) {
        struct tensor_file *file;
        size_t at = (size_t)rng_below(&rng, header);
        unsigned char was = bytes[at];
        bytes[at] = i % 2 ? (unsigned char)rng_below(&rng, 256) : (unsigned char)('0' + rng_below(&rng, 10));
        enum status status = tensor_open_bytes(bytes, count, "damaged", &file, &err);
        if (status == ST_OK) {
            status = net_read(file, &back, &err);
            tensor_close(file);
            if (status == ST_OK)
                net_free(back);
        }
        refused += status != ST_OK;
        bytes[at] = was;
    }
    assert_true(refused > MUTATIONS / 2);
    free(bytes);
    free(path);
    net_free(net);
}

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

// ---- half precision ----

static float half_value(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31), mantissa = (int)(bits & 1023);
    double value = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return (float)(bits & 0x8000 ? -value : value);
}

static float *through_half(const float *values, size_t count)
{
    struct error err;
    struct tensor_file *file;
    char sha256[HASH_HEX], *path = scratch_path("half-numbers.safetensors");
    int64_t shape[TENSOR_RANK] = {(int64_t)count};
    struct tensor_writer *writer = tensor_writer_new();
    tensor_put_as(writer, "x", shape, values, true);
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    tensor_writer_free(writer);
    float *back;
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_ok(tensor_read(file, "x", shape, &back, &err), &err);
    tensor_close(file);
    free(path);
    return back;
}

static void half_keeps_every_half(void **state)
{
    (void)state;
    enum { FINITE = 31 << 10 }; // bit patterns of one sign
    float *values = xcalloc(2 * FINITE, sizeof *values);
    for (unsigned i = 0; i < FINITE; i++) {
        values[i] = half_value(i);
        values[FINITE + i] = half_value(0x8000 | i);
    }
    float *back = through_half(values, 2 * FINITE);
    assert_memory_equal(values, back, 2 * FINITE * sizeof *values); // -0 and the subnormal ones, too
    free(back);
    free(values);
}

static void half_rounds_to_nearest_even(void **state)
{
    (void)state;
    enum { FINITE = 31 << 10, STEPS = FINITE - 1 };
    float *between = xcalloc(3 * STEPS, sizeof *between);
    for (unsigned i = 0; i < STEPS;
         i++) { // a tie, and its neighbours: a tie has one bit more than a half, floats have 13
        float tie = (half_value(i) + half_value(i + 1)) / 2;
        between[3 * i] = nextafterf(tie, 0);
        between[3 * i + 1] = tie;
        between[3 * i + 2] = nextafterf(tie, INFINITY);
    }
    float *back = through_half(between, 3 * STEPS);
    for (unsigned i = 0; i < STEPS; i++) {
        assert_true(back[3 * i] == half_value(i));
        assert_true(back[3 * i + 1] == half_value(i % 2 ? i + 1 : i));
        assert_true(back[3 * i + 2] == half_value(i + 1));
    }
    free(back);
    free(between);
}

static void half_stays_finite(void **state)
{
    (void)state;
    const float values[] = {65504, 65519, 65520, 65536, 3e38F, -65520, -3e38F, 1e-30F, -1e-45F};
    const float want[] = {65504, 65504, 65504, 65504, 65504, -65504, -65504, 0, -0.0F};
    float *back = through_half(values, sizeof values / sizeof *values);
    assert_memory_equal(back, want, sizeof want);
    free(back);
}

// ---- foreign names ----

static struct net *through(const struct net *net, const char *name, const char *architecture,
                           void (*put)(struct tensor_writer *, const struct net *), const char *format)
{
    struct error err;
    struct net *back;
    struct tensor_file *file;
    char sha256[HASH_HEX], *path = scratch_path(name);
    struct tensor_writer *writer = tensor_writer_new();
    if (architecture)
        tensor_put_meta(writer, "architecture", architecture);
    put(writer, net);
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    tensor_writer_free(writer);
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_string_equal(net_format(file), format);
    assert_ok(net_read(file, &back, &err), &err);
    tensor_close(file);
    free(path);
    return back;
}

static void timm_and_keras_names_give_the_same_network(void **state)
{
    (void)state;
    struct net_plan plan = foreign_plan();
    struct net *net = random_net(&plan, 12);
    struct net *keras = through(net, "keras.safetensors", "mobilenet_v1_test", foreign_put_keras,
                                "MobileNet v1, names as in Keras");
    struct net *timm =
        through(net, "timm.safetensors", NULL, foreign_put_timm, "MobileNet v1, names as in timm");
    assert_same_weights(keras, net);
    assert_same_weights(timm, net);
    assert_int_equal(keras->plan.padding, NET_PAD_END); // as TensorFlow pads
    assert_int_equal(timm->plan.padding, NET_PAD_SYMMETRIC);
    assert_true(keras->plan.epsilon == 1e-3 && timm->plan.epsilon == 1e-5);
    // The two differ in padding and epsilon only.
    keras->plan.padding = NET_PAD_SYMMETRIC;
    keras->plan.epsilon = timm->plan.epsilon;
    assert_same_taps(keras, timm, 0);
    net_free(keras);
    net_free(timm);
    net_free(net);
}

static void first_student_gives_its_reference_taps(void **state)
{
    (void)state;
    char *weights = test_shared("base/hybrid1_start.safetensors");
    char *reference = test_shared("base/hybrid1_reference.safetensors");
    SKIP_WITHOUT(weights);
    SKIP_WITHOUT(reference);
    struct error err;
    struct net *net;
    struct tensor_file *file;
    assert_ok(net_open(weights, &net, &err), &err);
    assert_ok(tensor_open(reference, &file, &err), &err);
    float *input; // (1, 3, rows, cols), -1..1
    int64_t shape[TENSOR_RANK] = {1, 3, -1, -1};
    assert_ok(tensor_read(file, "input", shape, &input, &err), &err);
    size_t cells = (size_t)(shape[2] * shape[3]);
    float *rgb = xcalloc(cells * 3, sizeof *rgb);
    for (size_t i = 0; i < cells; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (input[c * cells + i] + 1) * 127.5F;
    struct net_map taps[NET_TAPS];
    net_naive(net, rgb, (int)shape[2], (int)shape[3], taps);
    static const char *const names[NET_TAPS] = {"tap_a", "tap_b"};
    for (int t = 0; t < NET_TAPS; t++) {
        float *want;
        int64_t sides[TENSOR_RANK] = {1, taps[t].channels, taps[t].rows, taps[t].cols};
        assert_ok(tensor_read(file, names[t], sides, &want, &err), &err);
        size_t channels = (size_t)taps[t].channels, area = map_count(&taps[t]) / channels;
        float *got = xcalloc(area * channels, sizeof *got);
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < area; i++)
                got[c * area + i] = taps[t].values[i * channels + c];
        assert_true(worst(got, want, area * channels) < 1e-4);
        free(got);
        free(want);
    }
    free_taps(taps);
    free(input);
    tensor_close(file);
    net_free(net);
    free(rgb);
    free(weights);
    free(reference);
}

// ---- what is shipped ----

static void embedded_base_is_a_network(void **state)
{
    (void)state;
    struct error err;
    const unsigned char *bytes;
    size_t count;
    char sha256[HASH_HEX];
    struct tensor_file *file;
    struct net *net;
    assert_ok(embedded_base(&bytes, &count, sha256, &err), &err);
    assert_true(count <= 4000000);
    assert_ok(tensor_open_bytes(bytes, count, EMBEDDED_NAME, &file, &err), &err);
    assert_ok(net_read(file, &net, &err), &err);
    assert_string_equal(net->sha256, sha256);
    assert_string_equal(net_format(file), "a network of this program");
    tensor_close(file);
    net_free(net);
    // The same from memory as from a file; cut short, an error that names it.
    assert_status(tensor_open_bytes(bytes, count / 2, EMBEDDED_NAME, &file, &err), ST_CORRUPT, &err);
    assert_non_null(strstr(err.text, EMBEDDED_NAME));
    assert_status(tensor_open_bytes(bytes, 5, EMBEDDED_NAME, &file, &err), ST_CORRUPT, &err);
}

static void onnx_says_what_it_cannot_write(void **state)
{
    (void)state;
    struct error err = {0};
    struct net_plan plan = plain_plan();
    struct net *net = random_net(&plan, 1);
    char *path = scratch_path("model.onnx");
    assert_ok(onnx_write(net, path, &err), &err);
    assert_status(onnx_write(net, "/nonexistent/model.onnx", &err), ST_IO, &err);
    assert_non_null(strstr(err.text, "/nonexistent"));
    char *kept = scratch_path("kept.onnx");
    net_values(net, 1, SEPARABLE_POINT)[0] = 3e38F; // finite, but not after its batch norm
    net_values(net, 1, SEPARABLE_POINT_NORM + NORM_GAMMA)[0] = 100;
    assert_status(onnx_write(net, kept, &err), ST_CORRUPT, &err);
    assert_non_null(strstr(err.text, "not finite"));
    assert_false(file_exists(kept));
    free(kept);
    free(path);
    net_free(net);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(scratch) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char *command = xasprintf("rm -rf '%s'", scratch);
    int failed = system(command);
    free(command);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_gives_back_plan_and_weights),
        cmocka_unit_test(file_refuses_plans_it_cannot_read),
        cmocka_unit_test(file_refuses_bad_tensors),
        cmocka_unit_test(file_survives_damage),
        cmocka_unit_test(plan_check_says_what_is_wrong),
        cmocka_unit_test(narrow_cut_is_the_large_net_with_channels_silenced),
        cmocka_unit_test(shallow_cut_is_the_large_net_with_blocks_silenced),
        cmocka_unit_test(cut_keeps_whole_heads),
        cmocka_unit_test(scatter_is_gather_backwards),
        cmocka_unit_test(inherit_copies_blocks_that_fit),
        cmocka_unit_test(half_keeps_every_half),
        cmocka_unit_test(half_rounds_to_nearest_even),
        cmocka_unit_test(half_stays_finite),
        cmocka_unit_test(timm_and_keras_names_give_the_same_network),
        cmocka_unit_test(first_student_gives_its_reference_taps),
        cmocka_unit_test(embedded_base_is_a_network),
        cmocka_unit_test(onnx_says_what_it_cannot_write),
    };
    return cmocka_run_group_tests_name("net", tests, set_up, tear_down);
}
