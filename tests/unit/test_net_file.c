#include "config.h"

#include "net_test.h"
#include "tests/unit/scratch.h"

#include "base/file.h"
#include "nn/embedded.h"
#include "nn/net_import.h"
#include "nn/onnx.h"

static char *scratch_path(const char *name)
{
    return file_join(scratch, name);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_gives_back_plan_and_weights),
        cmocka_unit_test(file_refuses_plans_it_cannot_read),
        cmocka_unit_test(file_refuses_bad_tensors),
        cmocka_unit_test(file_survives_damage),
        cmocka_unit_test(half_keeps_every_half),
        cmocka_unit_test(half_rounds_to_nearest_even),
        cmocka_unit_test(half_stays_finite),
        cmocka_unit_test(timm_and_keras_names_give_the_same_network),
        cmocka_unit_test(first_student_gives_its_reference_taps),
        cmocka_unit_test(embedded_base_is_a_network),
        cmocka_unit_test(onnx_says_what_it_cannot_write),
    };
    return cmocka_run_group_tests_name("net files", tests, make_scratch, remove_scratch);
}
