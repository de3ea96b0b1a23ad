#include "config.h"

#include "tests/unit/scratch.h"

#include <math.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "nn/base.h"
#include "nn/net.h"
#include "nn/safetensors.h"

static float *random_floats(size_t count, double scale, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *values = xreallocarray(NULL, count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(scale * rng_normal(&rng));
    return values;
}

static double worst_difference(const float *a, const float *b, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        worst = d > worst || isnan(d) ? d : worst;
    }
    return worst;
}

// ---- the base from a file ----

static void compare_tap(const struct tensor_file *file, const char *name, const struct tap *tap, double within)
{
    struct error err;
    int64_t shape[TENSOR_RANK] = {1, tap->channels, tap->rows, tap->cols};
    float *want;
    assert_ok(tensor_read(file, name, shape, &want, &err), &err);
    size_t area = (size_t)(tap->rows * tap->cols), channels = (size_t)tap->channels;
    double largest = 0, worst = 0;
    for (size_t i = 0; i < area; i++)
        for (size_t k = 0; k < channels; k++) {
            largest = fmax(largest, fabs((double)want[k * area + i]));
            worst = fmax(worst, fabs((double)want[k * area + i] - (double)tap->data[i * channels + k]));
        }
    free(want);
    print_message("# %s: worst difference %.2g of a largest value of %.3g\n", name, worst, largest);
    assert_true(largest > 1 && worst < within * largest);
}

static void mobilenet_equals_its_reference(void **state)
{
    (void)state;
    char *weights = test_shared("teacher/mobilenet_v1_1.0.safetensors");
    SKIP_WITHOUT(weights);
    char *reference = test_shared("teacher/mobilenet_v1_reference.safetensors");
    assert_non_null(reference);
    struct error err;
    struct base *fastest, *exact;
    struct tensor_file *file;
    struct net *net;
    assert_ok(base_open(weights, &fastest, &err), &err);
    assert_ok(net_open(weights, &net, &err), &err);
    assert_ok(base_new_as(net, BASE_F32, &exact, &err), &err);
    assert_ok(tensor_open(reference, &file, &err), &err);
    const struct base_info *info = base_info(fastest);
    assert_string_equal(info->name, "mobilenet_v1_1.0");
    assert_int_equal(info->channels[0], 256);
    assert_int_equal(info->channels[1], 512);
    assert_int_equal(info->stride[0], 8);
    assert_int_equal(info->stride[1], 16);
    assert_true(info->parameters > 1600000 && info->parameters < 1640000);
    assert_string_equal(base_info(exact)->precision, "f32");

    int64_t shape[TENSOR_RANK] = {1, 3, 256, 256};
    float *planes, *rgb = xcalloc(256 * 256 * 3, sizeof *rgb);
    assert_ok(tensor_read(file, "input_rgb_0_255", shape, &planes, &err), &err);
    for (size_t i = 0; i < 256 * 256; i++)
        for (size_t k = 0; k < 3; k++)
            rgb[i * 3 + k] = planes[k * 256 * 256 + i];
    for (int i = 0; i < 2; i++) {
        struct base *base = i ? exact : fastest;
        bool floats = strcmp(base_info(base)->precision, "f32") == 0;
        struct base_work *work = base_work_new(base);
        struct tap taps[BASE_TAPS];
        base_taps(base, work, rgb, 256, 256, taps);
        compare_tap(file, "pw5", &taps[0], floats ? 1e-3 : 1e-2);
        compare_tap(file, "pw11", &taps[1], floats ? 1e-3 : 1e-2);
        base_work_free(work);
        base_free(base);
    }
    free(planes);
    free(rgb);
    tensor_close(file);
    net_free(net);
    free(weights);
    free(reference);
}

// ---- a small base of our own ----

enum { SMALL_STEM = 3, SMALL_BLOCKS = 11, SMALL_LAYERS = 1 + 2 * SMALL_BLOCKS };

// One layer: the file's (outputs, inputs, side, side) and its batch norm.
struct small_layer {
    char name[32];
    int outputs, inputs, side;
    float *weight, *norm[4];
};

static const char *const norm_names[4] = {"gamma", "beta", "moving_mean", "moving_variance"};

static int small_channels(int block)
{
    return block == 0 ? SMALL_STEM : 3 + block % 4;
}

static struct small_layer *small_new(void)
{
    struct small_layer *layers = xcalloc(SMALL_LAYERS, sizeof *layers);
    for (int i = 0; i < SMALL_LAYERS; i++) {
        struct small_layer *l = &layers[i];
        int block = (i + 1) / 2; // 1..11: depthwise, then pointwise
        bool depth = i % 2;
        l->outputs = small_channels(depth ? block - 1 : block);
        l->inputs = i == 0 ? 3 : depth ? 1 : small_channels(block - 1);
        l->side = i == 0 || depth ? 3 : 1;
        snprintf(l->name, sizeof l->name, "conv1");
        if (i)
            snprintf(l->name, sizeof l->name, "conv_%s_%d", depth ? "dw" : "pw", block);
        size_t area = (size_t)(l->side * l->side), inner = (size_t)l->inputs, n = (size_t)l->outputs;
        l->weight = random_floats(n * inner * area, 0.6, 100 + (uint64_t)i);
        for (int k = 0; k < 4; k++)
            l->norm[k] = random_floats(n, k == 0 ? 1 : 0.3, 1000 + (uint64_t)(4 * i + k));
        for (size_t o = 0; o < n; o++) {
            l->norm[0][o] = 1 + 0.2f * l->norm[0][o];
            l->norm[3][o] = 0.5f + fabsf(l->norm[3][o]);
        }
    }
    return layers;
}

static void small_free(struct small_layer *layers)
{
    for (int i = 0; i < SMALL_LAYERS; i++) {
        free(layers[i].weight);
        for (int k = 0; k < 4; k++)
            free(layers[i].norm[k]);
    }
    free(layers);
}

// Writes the base; tensor `without` is left out.
static char *small_write(const struct small_layer *layers, const char *name, const char *without)
{
    struct error err;
    char sha256[HASH_HEX], tensor[64], *path = file_join(scratch, name);
    struct tensor_writer *writer = tensor_writer_new();
    tensor_put_meta(writer, "architecture", "mobilenet_v1_small");
    for (int i = 0; i < SMALL_LAYERS; i++) {
        const struct small_layer *l = &layers[i];
        snprintf(tensor, sizeof tensor, "%s/weight", l->name);
        if (!without || strcmp(tensor, without) != 0)
            tensor_put(writer, tensor, (int64_t[TENSOR_RANK]){l->outputs, l->inputs, l->side, l->side},
                       l->weight);
        for (int k = 0; k < 4; k++) {
            snprintf(tensor, sizeof tensor, "%s_bn/%s", l->name, norm_names[k]);
            if (!without || strcmp(tensor, without) != 0)
                tensor_put(writer, tensor, (int64_t[TENSOR_RANK]){l->outputs}, l->norm[k]);
        }
    }
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    tensor_writer_free(writer);
    return path;
}

static void base_runs_like_the_naive_network(void **state)
{
    (void)state;
    struct small_layer *layers = small_new();
    char *path = small_write(layers, "small.safetensors", NULL);
    struct error err;
    struct base *opened, *base;
    struct net *net;
    void *bytes;
    size_t size;
    assert_ok(base_open(path, &opened, &err), &err);
    assert_ok(net_open(path, &net, &err), &err);
    assert_ok(file_read(path, 1 << 20, (unsigned char **)&bytes, &size, &err), &err);
    assert_ok(base_open_bytes(bytes, size, "memory", &base, &err), &err);
    free(bytes);
    assert_string_equal(base_info(base)->sha256, base_info(opened)->sha256);
    assert_string_equal(base_info(base)->sha256, net->sha256);
    assert_string_equal(base_info(base)->name, "mobilenet_v1_small");
    base_free(opened);
    enum { ROWS = 48, COLS = 80 };
    float *rgb = random_floats(ROWS * COLS * 3, 80, 7);
    for (int i = 0; i < ROWS * COLS * 3; i++)
        rgb[i] = fminf(fabsf(rgb[i]), 255);
    struct base_work *work = base_work_new(base);
    struct tap taps[BASE_TAPS];
    struct net_map want[NET_TAPS];
    base_taps(base, work, rgb, ROWS, COLS, taps);
    net_naive(net, rgb, ROWS, COLS, want);
    for (int t = 0; t < BASE_TAPS; t++) {
        assert_int_equal(taps[t].rows, want[t].rows);
        assert_int_equal(taps[t].cols, want[t].cols);
        assert_int_equal(taps[t].channels, want[t].channels);
        assert_true(worst_difference(want[t].values, taps[t].data,
                                     (size_t)(want[t].rows * want[t].cols * want[t].channels)) <
                    (strcmp(base_info(base)->precision, "f32") == 0 ? 1e-4 : 1e-2));
        free(want[t].values);
    }
    free(rgb), free(path);
    base_work_free(work);
    base_free(base);
    net_free(net);
    small_free(layers);
}

static void refuses(const char *path, enum status want, const char *says)
{
    struct error err = {0};
    struct base *base;
    assert_status(base_open(path, &base, &err), want, &err);
    if (!strstr(err.text, path) || !strstr(err.text, says))
        fail_msg("message \"%s\" does not name %s and \"%s\"", err.text, path, says);
}

static void base_refuses_bad_weights(void **state)
{
    (void)state;
    struct small_layer *layers = small_new();
    char *path = small_write(layers, "bad.safetensors", "conv_pw_3/weight");
    refuses(path, ST_INVALID, "conv_pw_3/weight is missing");
    free(path);
    path = small_write(layers, "bad.safetensors", "conv_dw_11_bn/moving_mean");
    refuses(path, ST_INVALID, "conv_dw_11_bn/moving_mean is missing");
    free(path);

    layers[5].side = 1; // a depthwise kernel of 1x1
    path = small_write(layers, "bad.safetensors", NULL);
    refuses(path, ST_INVALID, "conv_dw_3/weight: its shape");
    free(path);
    layers[5].side = 3;

    layers[6].weight[2] = NAN;
    path = small_write(layers, "bad.safetensors", NULL);
    refuses(path, ST_CORRUPT, "conv_pw_3/weight: number 2");
    free(path);
    layers[6].weight[2] = INFINITY;
    path = small_write(layers, "bad.safetensors", NULL);
    refuses(path, ST_CORRUPT, "conv_pw_3/weight: number 2");
    free(path);
    layers[6].weight[2] = 3e38f; // finite, but not after its batch norm
    layers[6].norm[0][0] = 100;
    path = small_write(layers, "bad.safetensors", NULL);
    refuses(path, ST_CORRUPT, "tensor block.3.point.weight: not finite after its batch norm");
    free(path);
    layers[6].weight[2] = 1;

    layers[0].norm[3][1] = -1;
    path = small_write(layers, "bad.safetensors", NULL);
    refuses(path, ST_CORRUPT, "tensor block.0.conv.variance: variance 1 is negative");
    free(path);
    small_free(layers);

    struct error err;
    char sha256[HASH_HEX];
    struct tensor_writer *writer = tensor_writer_new();
    path = file_join(scratch, "other.safetensors");
    tensor_put_meta(writer, "architecture", "resnet");
    assert_ok(tensor_write(writer, path, NULL, sha256, &err), &err);
    refuses(path, ST_INVALID, "resnet");
    tensor_writer_free(writer);
    free(path);
    struct base *base;
    assert_status(base_open("/nonexistent/base", &base, &err), ST_NOT_FOUND, &err);
}

// ---- the filter bank ----

static struct base *filter_bank(void)
{
    struct error err;
    struct base *base;
    assert_ok(base_open(NULL, &base, &err), &err);
    return base;
}

// A picture without end: smooth texture, sampled from (row, col) on.
static float *texture(int rows, int cols, int row, int col)
{
    float *rgb = xcalloc((size_t)(rows * cols * 3), sizeof *rgb);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            double y = r + row, x = c + col;
            double v = 110 + 30 * sin(x * 0.7 + 0.01 * y * y) + 25 * sin(y * 0.31 - x * 0.11) +
                       20 * cos(x * y * 0.003);
            for (int k = 0; k < 3; k++)
                rgb[(r * cols + c) * 3 + k] = (float)(v * (1 - 0.1 * k));
        }
    return rgb;
}

static void filter_bank_repeats_itself(void **state)
{
    (void)state;
    struct base *base = filter_bank(), *again = filter_bank();
    const struct base_info *info = base_info(base);
    assert_string_equal(info->name, "filter-bank-1");
    assert_string_equal(info->sha256, base_info(again)->sha256);
    assert_int_equal(strlen(info->sha256), HASH_HEX - 1);
    assert_int_equal(info->parameters, 0);
    struct base_work *work = base_work_new(base), *other = base_work_new(again);
    struct tap taps[BASE_TAPS], same[BASE_TAPS];
    float *large = texture(96, 128, 3, 4), *small = texture(32, 48, 0, 0);
    base_taps(again, other, large, 96, 128, same); // leaves its traces in the workspace
    base_taps(base, work, small, 32, 48, taps);
    base_taps(again, other, small, 32, 48, same);
    for (int t = 0; t < BASE_TAPS; t++) {
        assert_int_equal(taps[t].rows, 32 / info->stride[t]);
        assert_int_equal(taps[t].cols, 48 / info->stride[t]);
        assert_int_equal(taps[t].channels, info->channels[t]);
        size_t count = (size_t)(taps[t].rows * taps[t].cols * taps[t].channels);
        assert_memory_equal(taps[t].data, same[t].data, count * sizeof(float));
        for (size_t i = 0; i < count; i++)
            assert_true(isfinite(taps[t].data[i]));
    }
    free(large), free(small);
    base_work_free(work);
    base_work_free(other);
    base_free(base);
    base_free(again);
}

// Half the light moves the luma channel by nearly log 2 and the others little.
static void filter_bank_hardly_sees_exposure(void **state)
{
    (void)state;
    struct base *base = filter_bank();
    int luma = base_info(base)->channels[0] - 1;
    struct base_work *bright_work = base_work_new(base), *dark_work = base_work_new(base);
    struct tap bright[BASE_TAPS], dark[BASE_TAPS];
    float *rgb = texture(96, 96, 0, 0), *dim = texture(96, 96, 0, 0);
    for (int i = 0; i < 96 * 96 * 3; i++)
        dim[i] *= 0.5f;
    base_taps(base, bright_work, rgb, 96, 96, bright);
    base_taps(base, dark_work, dim, 96, 96, dark);
    for (int t = 0; t < BASE_TAPS; t++)
        for (int i = 0; i < bright[t].rows * bright[t].cols; i++)
            for (int k = 0; k < bright[t].channels; k++) {
                float a = bright[t].data[i * bright[t].channels + k],
                      b = dark[t].data[i * bright[t].channels + k];
                if (k == luma)
                    assert_true(a - b > 0.5f && a - b < 0.7f);
                else
                    assert_true(fabsf(a - b) < 0.12f);
            }
    free(rgb), free(dim);
    base_work_free(bright_work);
    base_work_free(dark_work);
    base_free(base);
}

// Away from the border, moving the picture by whole cells moves the maps.
static void filter_bank_moves_with_the_picture(void **state)
{
    (void)state;
    enum { SIDE = 256, SHIFT = 16, MARGIN = 96 };
    struct base *base = filter_bank();
    struct base_work *here_work = base_work_new(base), *there_work = base_work_new(base);
    struct tap here[BASE_TAPS], there[BASE_TAPS];
    float *rgb = texture(SIDE, SIDE, 0, 0), *moved = texture(SIDE, SIDE, SHIFT, SHIFT);
    base_taps(base, here_work, rgb, SIDE, SIDE, here);
    base_taps(base, there_work, moved, SIDE, SIDE, there);
    double spread = 0;
    for (int t = 0; t < BASE_TAPS; t++) {
        int stride = base_info(base)->stride[t], step = SHIFT / stride, n = here[t].channels;
        for (int r = MARGIN / stride; r < (SIDE - MARGIN) / stride; r++)
            for (int c = MARGIN / stride; c < (SIDE - MARGIN) / stride; c++)
                for (int k = 0; k < n; k++) {
                    float a = here[t].data[((r + step) * here[t].cols + c + step) * n + k];
                    float b = there[t].data[(r * there[t].cols + c) * n + k];
                    assert_true(fabsf(a - b) < 1e-4f);
                    spread += fabsf(a - here[t].data[(r * here[t].cols + c) * n + k]);
                }
    }
    assert_true(spread > 10); // the maps do vary, so that agreeing says something
    free(rgb), free(moved);
    base_work_free(here_work);
    base_work_free(there_work);
    base_free(base);
}

// ---- safetensors ----

static void tensors_come_back(void **state)
{
    (void)state;
    struct error err;
    char sha256[HASH_HEX], again[HASH_HEX];
    const float first[6] = {1, -2.5f, 3e-8f, 4, 5, 6}, second[1] = {7};
    struct tensor_writer *writer = tensor_writer_new();
    tensor_put_meta(writer, "note", "a \"quoted\" text");
    tensor_put(writer, "zeta", (int64_t[TENSOR_RANK]){2, 3}, first);
    tensor_put(writer, "alpha", (int64_t[TENSOR_RANK]){1}, second);
    assert_ok(tensor_write(writer, NULL, scratch, sha256, &err), &err);
    char *name = xasprintf("%s.safetensors", sha256), *path = file_join(scratch, name),
         *copy = file_join(scratch, "copy");
    assert_ok(tensor_write(writer, copy, NULL, again, &err), &err);
    assert_string_equal(sha256, again);
    tensor_writer_free(writer);

    struct tensor_file *file;
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_string_equal(tensor_sha256(file), sha256);
    assert_string_equal(tensor_meta(file, "note"), "a \"quoted\" text");
    assert_null(tensor_meta(file, "absent"));
    assert_int_equal(tensor_count(file), 2);
    assert_string_equal(tensor_name(file, 0), "zeta"); // in the order they were put
    assert_ok(tensor_check_name(file, &err), &err);
    int64_t shape[TENSOR_RANK] = {-1, 3};
    float *values;
    assert_ok(tensor_read(file, "zeta", shape, &values, &err), &err);
    assert_int_equal(shape[0], 2);
    assert_memory_equal(values, first, sizeof first);
    free(values);
    assert_status(tensor_read(file, "zeta", (int64_t[TENSOR_RANK]){6}, &values, &err), ST_INVALID, &err);
    assert_status(tensor_read(file, "zeta", (int64_t[TENSOR_RANK]){-1, -1, -1}, &values, &err), ST_INVALID,
                  &err);
    assert_status(tensor_read(file, "beta", (int64_t[TENSOR_RANK]){1}, &values, &err), ST_INVALID, &err);
    tensor_close(file);

    unsigned char *bytes;
    size_t count;
    assert_ok(file_read(path, 1 << 20, &bytes, &count, &err), &err);
    assert_int_equal((count - sizeof first - sizeof second) % 8, 0); // aligned data
    bytes[count - 1] ^= 1;
    assert_ok(file_write(path, bytes, count, &err), &err);
    free(bytes);
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_status(tensor_check_name(file, &err), ST_CORRUPT, &err);
    tensor_close(file);
    free(name), free(path), free(copy);
}

// A file of any header and `data_count` bytes of data; declared < 0: the header's true length.
static char *raw_file(const char *header, const void *data, size_t data_count, long long declared)
{
    struct error err;
    struct strbuf sb = {0};
    uint64_t length = declared < 0 ? strlen(header) : (uint64_t)declared;
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)(length >> (8 * i));
    strbuf_add(&sb, prefix, 8);
    strbuf_puts(&sb, header);
    strbuf_add(&sb, data, data_count);
    char *path = file_join(scratch, "raw.safetensors");
    assert_ok(file_write(path, sb.data, sb.len, &err), &err);
    strbuf_clear(&sb);
    return path;
}

static void all_number_types_are_read(void **state)
{
    (void)state;
    // An odd header length: nothing is aligned.
    static const char header[] = "{\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                                 "\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]},"
                                 "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]},"
                                 "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[20,24]}}   ";
    unsigned char data[24] = {0};
    const double d = 0.1;
    const uint16_t halves[4] = {0x3c00, 0xc100, 0x0001, 0x7bff}, brains[2] = {0x3f80, 0xc2f7};
    const float s = -3.25f;
    memcpy(data, &d, 8);
    memcpy(data + 8, halves, 8);
    memcpy(data + 16, brains, 4);
    memcpy(data + 20, &s, 4);
    char *path = raw_file(header, data, sizeof data, -1);
    struct error err;
    struct tensor_file *file;
    float *values;
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_ok(tensor_read(file, "d", (int64_t[TENSOR_RANK]){1}, &values, &err), &err);
    assert_true(values[0] == 0.1f);
    free(values);
    assert_ok(tensor_read(file, "h", (int64_t[TENSOR_RANK]){4}, &values, &err), &err);
    assert_true(values[0] == 1 && values[1] == -2.5f && values[2] == 0x1p-24f && values[3] == 65504);
    free(values);
    assert_ok(tensor_read(file, "b", (int64_t[TENSOR_RANK]){2}, &values, &err), &err);
    assert_true(values[0] == 1 && values[1] == -123.5f);
    free(values);
    assert_ok(tensor_read(file, "s", (int64_t[TENSOR_RANK]){0}, &values, &err), &err);
    assert_true(values[0] == -3.25f);
    free(values);
    tensor_close(file);
    free(path);
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
#define ENTRY(name, type, shape, from, to)                                                                   \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
    static const struct {
        const char *header;
        long long declared;
        size_t data;
        enum status status;
        const char *says;
    } cases[] = {
        {"{}", 1LL << 40, 0, ST_CORRUPT, "header would be"}, // header too long
        {"{}", 100, 8, ST_CORRUPT, "header would be"},       // beyond the file
        {"{\"a\":", -1, 0, ST_CORRUPT, "not valid JSON"},    // cut
        {"[1]", -1, 0, ST_CORRUPT, "not a JSON object"},
        {"{\"__metadata__\":[]}", -1, 0, ST_CORRUPT, "__metadata__"},
        {"{\"__metadata__\":{\"k\":1}}", -1, 0, ST_CORRUPT, "metadata k"},
        {"{" ENTRY("a", "F32", "[1]", "0", "4") "," ENTRY("a", "F32", "[1]", "4", "8") "}", -1, 8, ST_CORRUPT,
         "duplicate"},
        {"{" ENTRY("a", "F32", "[2]", "0", "8") "," ENTRY("b", "F32", "[2]", "4", "12") "}", -1, 12,
         ST_CORRUPT, "overlap"},
        {"{" ENTRY("a", "F32", "[1]", "0", "4") "," ENTRY("b", "F32", "[1]", "8", "12") "}", -1, 12,
         ST_CORRUPT, "tensor b: a gap"},
        {"{" ENTRY("a", "F32", "[4]", "0", "16") "}", -1, 8, ST_CORRUPT,
         "tensor a: its data lie outside"}, // truncated
        {"{" ENTRY("a", "F32", "[1]", "0", "4") "}", -1, 8, ST_CORRUPT, "4 bytes follow"},
        {"{" ENTRY("a", "F32", "[1]", "-4", "0") "}", -1, 4, ST_CORRUPT, "tensor a: its data lie outside"},
        {"{" ENTRY("a", "F32", "[1]", "4", "0") "}", -1, 4, ST_CORRUPT, "tensor a: its data lie outside"},
        {"{" ENTRY("a", "F32", "[2]", "0", "4") "}", -1, 4, ST_CORRUPT, "tensor a: its shape does not fit"},
        {"{" ENTRY("a", "F32", "[4294967296,4294967296]", "0", "4") "}", -1, 4, ST_CORRUPT,
         "tensor a: the product"},
        {"{" ENTRY("a", "F32", "[4611686018427387905]", "0", "4") "}", -1, 4, ST_CORRUPT,
         "tensor a: its shape does not fit"},
        {"{" ENTRY("a", "F32", "[0]", "0", "0") "}", -1, 0, ST_CORRUPT, "tensor a: a dimension"},
        {"{" ENTRY("a", "F32", "[-1]", "0", "4") "}", -1, 4, ST_CORRUPT, "tensor a: a dimension"},
        {"{" ENTRY("a", "F32", "[1.5]", "0", "4") "}", -1, 4, ST_CORRUPT, "tensor a: a dimension"},
        {"{" ENTRY("a", "I64", "[1]", "0", "8") "}", -1, 8, ST_INVALID, "tensor a: type I64"},
        {"{" ENTRY("a", "F32", "[1,1,1,1,1]", "0", "4") "}", -1, 4, ST_INVALID, "tensor a: 5 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", -1, 4, ST_CORRUPT, "tensor a: its entry"},
        {"{\"a\":7}", -1, 4, ST_CORRUPT, "tensor a: its entry"},
    };
    static const unsigned char zeros[16];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = raw_file(cases[i].header, zeros, cases[i].data, cases[i].declared);
        struct error err = {0};
        struct tensor_file *file = NULL;
        enum status status = tensor_open(path, &file, &err);
        if (status != cases[i].status || !strstr(err.text, path) || !strstr(err.text, cases[i].says))
            fail_msg("case %zu: status %d, \"%s\"", i, status, err.text);
        free(path);
    }
    struct error err;
    struct tensor_file *file;
    char *path = file_join(scratch, "short");
    assert_ok(file_write(path, "abc", 3, &err), &err);
    assert_status(tensor_open(path, &file, &err), ST_CORRUPT, &err);
    free(path);

    const float values[2] = {1, NAN};
    path = raw_file("{" ENTRY("a", "F32", "[2]", "0", "8") "}", values, 8, -1);
    float *read;
    assert_ok(tensor_open(path, &file, &err), &err);
    assert_status(tensor_read(file, "a", (int64_t[TENSOR_RANK]){2}, &read, &err), ST_CORRUPT, &err);
    assert_non_null(strstr(err.text, "tensor a: number 1"));
    tensor_close(file);
    free(path);
#undef ENTRY
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mobilenet_equals_its_reference),
        cmocka_unit_test(base_runs_like_the_naive_network),
        cmocka_unit_test(base_refuses_bad_weights),
        cmocka_unit_test(filter_bank_repeats_itself),
        cmocka_unit_test(filter_bank_hardly_sees_exposure),
        cmocka_unit_test(filter_bank_moves_with_the_picture),
        cmocka_unit_test(tensors_come_back),
        cmocka_unit_test(all_number_types_are_read),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests_name("nn", tests, make_scratch, remove_scratch);
}
