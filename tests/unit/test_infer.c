// The kernels of every instruction set that this processor has, and inference
// with each of them, against their plain twins.
#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "nn/infer.h"

static float *random_floats(size_t count, double scale, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *values = xaligned(count, sizeof *values);
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

#define EACH_SET(set)                                                                                        \
    const struct kernels *set = kernel_set(0);                                                               \
    for (int set_ = 0; (set = kernel_set(set_)); set_++)

// ---- kernels ----

// Rows and matrix as the set of kernels wants them, and `a` and `values` then made equal to what it got.
struct operands {
    struct kernel_rows rows;
    struct kernel_matrix matrix;
    int16_t *whole;
    float *scale;
};

static void operands_make(const struct kernels *set, struct operands *o, float *a, size_t step, int cells,
                          float *values, int k, int n)
{
    *o = (struct operands){.rows = {a, step, NULL}, .matrix = kernel_matrix_new(set, k, n)};
    kernel_matrix_fill(set, &o->matrix, values, (size_t)n, k, n);
    if (set->precision == KERNEL_F32)
        return;
    o->whole = xcalloc((size_t)cells * step, sizeof *o->whole);
    o->scale = xcalloc((size_t)cells, sizeof *o->scale);
    set->rows(a, step, (size_t)cells, k, o->whole, step, o->scale);
    o->rows = (struct kernel_rows){o->whole, step, o->scale};
    for (int i = 0; i < cells; i++) {
        double norm = 0;
        for (int j = 0; j < k; j++) {
            int16_t whole = o->whole[(size_t)i * step + (size_t)j];
            float *x = &a[(size_t)i * step + (size_t)j], got = (float)whole * o->scale[i];
            norm += (double)whole * whole;
            assert_true(fabsf(*x - got) <= 0.51f * o->scale[i]);
            *x = got;
        }
        assert_true(norm <= 32767.0 * 32767.0);
    }
    const int16_t *panel = o->matrix.panels;
    for (int from = 0; from < n; from += set->columns) {
        int width = n - from < set->columns ? n - from : set->columns;
        for (int j = from; j < from + width; j++) {
            double norm = 0;
            for (int i = 0; i < k; i++) {
                int16_t whole = panel[(i / 2 * width + j - from) * 2 + i % 2];
                float *x = &values[i * n + j], got = (float)whole * o->matrix.scale[j];
                norm += (double)whole * whole;
                assert_true(fabsf(*x - got) <= 0.51f * o->matrix.scale[j]);
                *x = got;
            }
            assert_true(norm < 65536.0 * 65536.0);
        }
        panel += k * width;
    }
}

static void operands_free(struct operands *o)
{
    kernel_matrix_free(&o->matrix);
    free(o->whole);
    free(o->scale);
}

static void one_product(const struct kernels *set, int cells, int k, int n, bool add, uint64_t seed)
{
    size_t step = (size_t)k + 16, out_step = (size_t)n + 3, count = (size_t)cells * out_step;
    float *a = random_floats((size_t)cells * step, 1, seed);
    float *values = random_floats((size_t)k * (size_t)n, 0.5, seed + 1);
    float *more = random_floats(count, 1, seed + 2), *bias = random_floats((size_t)n, 1, seed + 3);
    float *fast = xcalloc(count, sizeof *fast), *plain = xcalloc(count, sizeof *plain);
    struct operands o;
    operands_make(set, &o, a, step, cells, values, k, n);
    memcpy(o.matrix.bias, bias, (size_t)n * sizeof *bias);
    struct kernel_linear call = {
        .a = o.rows,
        .segments = 1,
        .cells = (size_t)cells,
        .matrix = &o.matrix,
        .low = seed % 2 ? 0 : -INFINITY,
        .high = seed % 3 ? INFINITY : 6,
        .add = add ? more : NULL,
        .add_stride = out_step,
        .out = fast,
        .out_stride = out_step,
    };
    set->linear(&call);
    call.out = plain;
    call.a = (struct kernel_rows){a, step, NULL};
    kernel_linear_naive(&call, values);
    double worst = worst_difference(fast, plain, count);
    if (!(worst < 1e-5 * sqrt(k) + 1e-5))
        fail_msg("%s: %d cells, (%d, %d): %g apart", set->name, cells, k, n, worst);
    operands_free(&o);
    free(a), free(values), free(more), free(bias), free(fast), free(plain);
}

static void products_are_like_their_twin(void **state)
{
    (void)state;
    EACH_SET(set)
    {
        for (int cells = 1; cells < 32; cells++)
            for (int n = 16; n <= 64; n += 16)
                one_product(set, cells, 16 * (1 + (cells * n / 16) % 7), n, cells % 2, (uint64_t)(cells + n));
        one_product(set, 200, 512, 80, true, 5);
    }
}

// The largest sums that whole numbers can have: rows and columns that point the same way.
static void sums_do_not_overflow(void **state)
{
    (void)state;
    EACH_SET(set)
    {
        for (int k = 32; k <= 4096 && set->precision == KERNEL_I16; k *= 2) {
            enum { CELLS = 3, N = 16 };
            size_t step = (size_t)k;
            float *a = xcalloc(CELLS * step, sizeof *a), *values = xcalloc(step * N, sizeof *values),
                  out[CELLS * N];
            for (int i = 0; i < CELLS * k; i++)
                a[i] = i / k == 1 ? -3.f : i % k == 5 ? 40.f : i / k == 2 ? 1e-3f : 0; // flat, one peak, both
            for (int i = 0; i < k * N; i++)
                values[i] = i % N == 0 ? 2.f : i / N == 5 ? -7.f : 0;
            struct operands o;
            operands_make(set, &o, a, step, CELLS, values, k, N);
            struct kernel_linear call = {.a = o.rows,
                                         .segments = 1,
                                         .cells = CELLS,
                                         .matrix = &o.matrix,
                                         .low = -INFINITY,
                                         .high = INFINITY,
                                         .out = out,
                                         .out_stride = N};
            float want[CELLS * N];
            set->linear(&call);
            call.out = want;
            call.a = (struct kernel_rows){a, step, NULL};
            kernel_linear_naive(&call, values);
            for (int i = 0; i < CELLS * N; i++)
                assert_true(fabsf(out[i] - want[i]) <= 1e-5f * fabsf(want[i]) + 1e-5f);
            operands_free(&o);
            free(a), free(values);
        }
    }
}

// The product of the first convolution: three rows of a picture, whose windows overlap.
static void picture_is_like_its_twin(void **state)
{
    (void)state;
    EACH_SET(set)
    {
        enum { CELLS = 19, LINE = 160, K = 30, N = 48 };
        for (int stride = 3; stride <= 6; stride += 3) {
            float *rgb = random_floats(3 * LINE, 60, 1), *values = random_floats(K * N, 0.01, 2),
                  scale[CELLS];
            float lines[3][LINE], fast[CELLS * N], plain[CELLS * N];
            for (int i = 0; i < 3 * LINE; i++)
                rgb[i] = fminf(fmaxf(roundf(rgb[i] + 128), 0), 255);
            for (int i = 0; i < CELLS; i++)
                scale[i] = 1.f / KERNEL_PICTURE;
            for (int i = 0; i < 3; i++)
                set->picture(rgb + i * LINE, LINE, lines[i]);
            struct kernel_matrix matrix = kernel_matrix_new(set, K, N);
            kernel_matrix_fill(set, &matrix, values, N, K, N);
            struct kernel_linear call = {.a = {lines[0], (size_t)stride, scale},
                                         .more = {lines[1], lines[2]},
                                         .segments = 3,
                                         .cells = CELLS,
                                         .matrix = &matrix,
                                         .low = -INFINITY,
                                         .high = INFINITY,
                                         .out = fast,
                                         .out_stride = N};
            set->linear(&call);
            for (int i = 0; i < 3 * LINE; i++)
                (&lines[0][0])[i] = rgb[i] - 127.5f;
            call.a.values = lines[0];
            call.out = plain;
            kernel_linear_naive(&call, values);
            assert_true(worst_difference(fast, plain, CELLS * N) <
                        (set->precision == KERNEL_F32 ? 1e-4 : 4e-3));
            kernel_matrix_free(&matrix);
            free(rgb), free(values);
        }
    }
}

static void depthwise_is_like_its_twin(void **state)
{
    (void)state;
    EACH_SET(set)
    {
        for (int cols = 1; cols < 20; cols++)
            for (int which = 0; which < 12; which++) {
                int stride = 1 + which % 2, before = stride == 1 || which % 4 == 1,
                    channels = 16 * (1 + cols % 3);
                size_t line = (size_t)(cols * channels), step = (size_t)channels + 16;
                size_t count = step * (size_t)kernel_out(cols, stride);
                float *in = random_floats(3 * line, 2, (uint64_t)cols),
                      *weight = random_floats((size_t)(9 * channels), 1, 50);
                float *bias = random_floats((size_t)channels, 1, 90);
                float *fast = xcalloc(count, sizeof *fast), *plain = xcalloc(count, sizeof *plain);
                struct kernel_depthwise call = {.cols = cols,
                                                .channels = channels,
                                                .stride = stride,
                                                .before = before,
                                                .weight = weight,
                                                .bias = bias,
                                                .low = which % 3 ? 0 : -INFINITY,
                                                .high = which % 5 ? INFINITY : 6,
                                                .out = fast,
                                                .out_stride = step};
                for (int dy = 0; dy < 3; dy++)
                    call.in[dy] = which / 4 == dy && which % 2 ? NULL : in + (size_t)dy * line;
                set->depthwise(&call);
                call.out = plain;
                kernel_depthwise_naive(&call);
                if (!(worst_difference(fast, plain, count) < 1e-5))
                    fail_msg("%s: %d columns, %d channels, stride %d", set->name, cols, channels, stride);
                free(in), free(weight), free(bias), free(fast), free(plain);
            }
    }
}

static void norm_and_softmax_are_like_their_twins(void **state)
{
    (void)state;
    EACH_SET(set)
    {
        for (int count = 1; count < 70; count++) {
            int padded = kernel_pad(count);
            float *in = random_floats((size_t)padded, 3, (uint64_t)count),
                  *gamma = random_floats((size_t)padded, 1, 7), *beta = random_floats((size_t)padded, 1, 8);
            float fast[80], plain[80];
            for (int k = count; k < padded; k++)
                in[k] = gamma[k] = beta[k] = 0;
            for (int k = 0; k < count; k++)
                in[k] += 10;
            set->layer_norm(in, count, padded, gamma, beta, fast);
            kernel_layer_norm_naive(in, count, padded, gamma, beta, plain);
            // A single channel is its own mean: what is left of it is rounding.
            assert_true(worst_difference(fast, plain, (size_t)padded) < 2e-5);
            for (int k = 0; k < padded; k++)
                fast[k] = plain[k] = k < count ? in[k] * (count % 3 ? 1 : 20) : KERNEL_NEVER;
            set->softmax(fast, padded);
            kernel_softmax_naive(plain, padded);
            if (!(worst_difference(fast, plain, (size_t)padded) < 1e-6))
                fail_msg("%s: softmax of %d", set->name, count);
            free(in), free(gamma), free(beta);
        }
    }
}

// ---- networks ----

static void compare(const struct net *net, int rows, int cols)
{
    float *rgb = random_floats((size_t)(rows * cols * 3), 60, (uint64_t)(rows + cols));
    for (int i = 0; i < rows * cols * 3; i++)
        rgb[i] = fminf(fabsf(rgb[i] + 100), 255);
    struct net_map want[NET_TAPS];
    net_naive(net, rgb, rows, cols, want);
    EACH_SET(set)
    {
        struct error err;
        struct base *base;
        assert_ok(infer_new(net, set, &base, &err), &err);
        struct base_work *work = base_work_new(base);
        struct tap taps[BASE_TAPS];
        float *small = random_floats(32 * 32 * 3, 60, 1); // the workspace has to grow
        base_taps(base, work, small, 32, 32, taps);
        base_taps(base, work, rgb, rows, cols, taps);
        for (int t = 0; t < BASE_TAPS; t++) {
            assert_int_equal(taps[t].rows, want[t].rows);
            assert_int_equal(taps[t].cols, want[t].cols);
            assert_int_equal(taps[t].channels, want[t].channels);
            assert_int_equal(base_info(base)->channels[t], want[t].channels);
            assert_int_equal(base_info(base)->stride[t], 8 << t);
            size_t count = (size_t)want[t].rows * (size_t)want[t].cols * (size_t)want[t].channels;
            double largest = 0, worst = worst_difference(want[t].values, taps[t].data, count);
            for (size_t i = 0; i < count; i++)
                largest = fmax(largest, fabs((double)want[t].values[i]));
            if (!(largest > 0 && worst < (set->precision == KERNEL_F32 ? 1e-4 : 1e-2) * largest))
                fail_msg("%s, %s, %d x %d, tap %d: %g apart, largest %g", net->plan.name, set->name, rows,
                         cols, t, worst, largest);
        }
        free(small);
        base_work_free(work);
        base_free(base);
    }
    for (int t = 0; t < NET_TAPS; t++)
        free(want[t].values);
    free(rgb);
}

static void compare_cuts(const struct net *net)
{
    for (int depth = 0; depth < 4; depth++) {
        struct net_cut cut = {depth % 2 ? 0.5 : 0.75, depth};
        struct net_plan plan;
        net_cut_plan(&net->plan, &cut, &plan);
        struct net *small = net_new(&plan);
        net_cut_gather(net, &cut, small);
        compare(small, 48, 80);
        net_free(small);
    }
}

static void known_network(const char *file, int rows, int cols)
{
    struct error err;
    struct net *net;
    assert_ok(net_open(file, &net, &err), &err);
    compare(net, rows, cols);
    compare_cuts(net);
    net_free(net);
}

static void mobilenet_is_like_its_twin(void **state)
{
    (void)state;
    char *file = test_shared("teacher/mobilenet_v1_1.0.safetensors");
    SKIP_WITHOUT(file);
    known_network(file, 48, 336);
    free(file);
}

static void student_is_like_its_twin(void **state)
{
    (void)state;
    char *file = test_shared("base/hybrid1_start.safetensors");
    SKIP_WITHOUT(file);
    known_network(file, 160, 208);
    free(file);
}

static void random_network(struct net *net)
{
    net_init(net, 11);
    struct rng rng = rng_seed(3);
    for (int i = 0; i < net->tensor_count; i++) {
        struct net_tensor *t = &net->tensors[i];
        bool variance = strstr(t->name, "variance") != NULL;
        for (size_t k = 0; t->role != NET_WEIGHT && k < t->count; k++)
            t->values[k] = variance ? 0.5f + fabsf((float)rng_normal(&rng))
                                    : t->values[k] + 0.3f * (float)rng_normal(&rng);
    }
}

// Every kind of block, padding and activation, channels that are no multiples of anything.
static void strange_networks_are_like_their_twins(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        enum net_activation one = (enum net_activation)which, two = (enum net_activation)((which + 1) % 4);
        struct net_plan plan = {
            .name = "strange",
            .padding = which % 2 ? NET_PAD_END : NET_PAD_SYMMETRIC,
            .epsilon = 1e-3,
            .count = 10,
            .blocks =
                {
                    {.type = NET_CONV,
                     .from = 3,
                     .to = 9,
                     .stride = 1 + which % 2,
                     .activation = one,
                     .tap = -1},
                    {.type = NET_SEPARABLE, .from = 9, .to = 21, .stride = 2, .activation = two, .tap = -1},
                    {.type = NET_SEPARABLE,
                     .from = 21,
                     .to = 21,
                     .stride = 1,
                     .activation = one,
                     .residual = true,
                     .tap = -1},
                    {.type = NET_SEPARABLE, .from = 21, .to = 33, .stride = 2, .activation = one, .tap = -1},
                    {.type = NET_SEPARABLE,
                     .from = 33,
                     .to = 40,
                     .stride = 2 - which % 2,
                     .activation = two,
                     .tap = -1},
                    {.type = NET_SEPARABLE,
                     .from = 40,
                     .to = 19,
                     .stride = 1,
                     .activation = NET_LINEAR,
                     .tap = 0,
                     .branch = true},
                    {.type = NET_ATTENTION,
                     .from = 40,
                     .to = 40,
                     .stride = 1,
                     .activation = one,
                     .optional = true,
                     .heads = 2,
                     .pool = 3,
                     .hidden = 50,
                     .tap = -1},
                    {.type = NET_SEPARABLE, .from = 40, .to = 60, .stride = 2, .activation = one, .tap = -1},
                    {.type = NET_ATTENTION,
                     .from = 60,
                     .to = 60,
                     .stride = 1,
                     .activation = two,
                     .heads = 3,
                     .pool = 1,
                     .hidden = 70,
                     .tap = -1},
                    {.type = NET_SEPARABLE,
                     .from = 60,
                     .to = 60,
                     .stride = 1,
                     .activation = two,
                     .residual = true,
                     .tap = 1},
                },
        };
        struct error err;
        assert_ok(net_plan_check(&plan, &err), &err);
        struct net *net = net_new(&plan);
        random_network(net);
        compare(net, 48, 80);
        compare(net, 37, 51);
        compare(net, 16, 16);
        net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_like_their_twin),
        cmocka_unit_test(sums_do_not_overflow),
        cmocka_unit_test(picture_is_like_its_twin),
        cmocka_unit_test(depthwise_is_like_its_twin),
        cmocka_unit_test(norm_and_softmax_are_like_their_twins),
        cmocka_unit_test(mobilenet_is_like_its_twin),
        cmocka_unit_test(student_is_like_its_twin),
        cmocka_unit_test(strange_networks_are_like_their_twins),
    };
    return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
