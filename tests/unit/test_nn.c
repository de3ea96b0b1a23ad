#include "config.h"

#include "tests/unit/test.h"

#include <math.h>

#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "nn/base.h"
#include "nn/blas.h"
#include "nn/kernel.h"
#include "nn/safetensors.h"

static char *scratch; // a fresh folder for the program

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

// ---- kernels ----

static void depthwise_is_like_its_twin(void **state)
{
    (void)state;
    static const int cases[][4] = {// rows, cols, channels, stride
                                   {1, 1, 1, 1},  {1, 7, 3, 2},  {5, 3, 17, 1}, {6, 9, 33, 2},
                                   {13, 2, 8, 1}, {16, 16, 64, 2}, {7, 7, 31, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rows = cases[i][0], cols = cases[i][1], channels = cases[i][2], stride = cases[i][3];
        int out_rows = kernel_out(rows, stride), out_cols = kernel_out(cols, stride);
        size_t line = (size_t)(out_cols * channels), count = (size_t)out_rows * line;
        float *in = random_floats((size_t)(rows * cols * channels), 2, i), *weight = random_floats((size_t)(9 * channels), 1, 50 + i);
        float *bias = random_floats((size_t)channels, 1, 90 + i);
        float *fast = xcalloc(count, sizeof *fast), *plain = xcalloc(count, sizeof *plain);
        kernel_depthwise_naive(in, rows, cols, channels, stride, weight, bias, 0, out_rows, plain);
        int split = out_rows / 2; // in two bands
        kernel_depthwise(in, rows, cols, channels, stride, weight, bias, 0, split, fast);
        kernel_depthwise(in, rows, cols, channels, stride, weight, bias, split, out_rows - split, fast + (size_t)split * line);
        assert_true(worst_difference(fast, plain, count) < 1e-5);
        free(in), free(weight), free(bias), free(fast), free(plain);
    }
}

static void stem_is_like_its_twin(void **state)
{
    (void)state;
    static const int cases[][3] = {{1, 1, 1}, {5, 3, 32}, {8, 7, 33}, {32, 32, 24}, {9, 10, 64}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rows = cases[i][0], cols = cases[i][1], channels = cases[i][2];
        size_t count = (size_t)(kernel_out(rows, 2) * kernel_out(cols, 2) * channels);
        float *rgb = random_floats((size_t)(rows * cols * 3), 60, i), *weight = random_floats((size_t)(27 * channels), 1, 50 + i);
        float *bias = random_floats((size_t)channels, 1, 90 + i);
        float *fast = xcalloc(count, sizeof *fast), *plain = xcalloc(count, sizeof *plain);
        for (int k = 0; k < rows * cols * 3; k++)
            rgb[k] = fabsf(rgb[k]);
        kernel_stem(rgb, rows, cols, channels, weight, bias, fast);
        kernel_stem_naive(rgb, rows, cols, channels, weight, bias, plain);
        assert_true(worst_difference(fast, plain, count) < 1e-5);
        free(rgb), free(weight), free(bias), free(fast), free(plain);
    }
}

static void pointwise_is_like_its_twin(void **state)
{
    (void)state;
    static const int cases[][3] = {{1, 1, 1}, {7, 3, 5}, {64, 33, 65}, {100, 128, 17}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int cells = cases[i][0], from = cases[i][1], to = cases[i][2];
        size_t count = (size_t)(cells * to);
        float *in = random_floats((size_t)(cells * from), 1, i), *weight = random_floats((size_t)(from * to), 0.5, 50 + i);
        float *bias = random_floats((size_t)to, 1, 90 + i);
        float *fast = xcalloc(count, sizeof *fast), *plain = xcalloc(count, sizeof *plain);
        kernel_pointwise(in, (size_t)cells, from, to, weight, bias, fast);
        kernel_pointwise_naive(in, (size_t)cells, from, to, weight, bias, plain);
        assert_true(worst_difference(fast, plain, count) < 1e-4);
        free(in), free(weight), free(bias), free(fast), free(plain);
    }
}

// ---- the base from a file ----

static void compare_tap(const struct tensor_file *file, const char *name, const struct tap *tap)
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
    assert_true(largest > 1 && worst < 1e-3 * largest);
}

static void mobilenet_equals_its_reference(void **state)
{
    (void)state;
    char *weights = test_shared("teacher/mobilenet_v1_1.0.safetensors");
    SKIP_WITHOUT(weights);
    char *reference = test_shared("teacher/mobilenet_v1_reference.safetensors");
    assert_non_null(reference);
    struct error err;
    struct base *base;
    struct tensor_file *file;
    assert_ok(base_open(weights, &base, &err), &err);
    assert_ok(tensor_open(reference, &file, &err), &err);
    const struct base_info *info = base_info(base);
    assert_string_equal(info->name, "mobilenet_v1_1.0");
    assert_int_equal(info->channels[0], 256);
    assert_int_equal(info->channels[1], 512);
    assert_int_equal(info->stride[0], 8);
    assert_int_equal(info->stride[1], 16);
    assert_true(info->parameters > 1600000 && info->parameters < 1640000);

    int64_t shape[TENSOR_RANK] = {1, 3, 256, 256};
    float *planes, *rgb = xcalloc(256 * 256 * 3, sizeof *rgb);
    assert_ok(tensor_read(file, "input_rgb_0_255", shape, &planes, &err), &err);
    for (size_t i = 0; i < 256 * 256; i++)
        for (size_t k = 0; k < 3; k++)
            rgb[i * 3 + k] = planes[k * 256 * 256 + i];
    struct base_work *work = base_work_new(base);
    struct tap taps[BASE_TAPS];
    base_taps(base, work, rgb, 256, 256, taps);
    compare_tap(file, "pw5", &taps[0]);
    compare_tap(file, "pw11", &taps[1]);
    base_work_free(work);
    free(planes);
    free(rgb);
    tensor_close(file);
    base_free(base);
    free(weights);
    free(reference);
}

static int setup(void **state)
{
    (void)state;
    char template[] = "/tmp/test_nn.XXXXXX";
    if (!mkdtemp(template))
        return -1;
    scratch = xstrdup(template);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *command = xasprintf("rm -rf '%s'", scratch);
    int failed = system(command);
    free(command);
    free(scratch);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depthwise_is_like_its_twin),
        cmocka_unit_test(stem_is_like_its_twin),
        cmocka_unit_test(pointwise_is_like_its_twin),
        cmocka_unit_test(mobilenet_equals_its_reference),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
