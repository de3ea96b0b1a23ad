// Convolutions, norms and attention, forward and backward.
#include "config.h"

#include "tests/unit/gradient.h"

#include "nn/net.h"

_Static_assert((int)PAD_SYMMETRIC == (int)NET_PAD_SYMMETRIC && (int)PAD_END == (int)NET_PAD_END,
               "same order");

static const struct layer_window windows[] = {
    {1, PAD_SYMMETRIC}, {1, PAD_END}, {2, PAD_SYMMETRIC}, {2, PAD_END}};
enum { WINDOWS = sizeof windows / sizeof *windows };

// ---- convolutions ----

static void conv3x3_twin(struct subject *s)
{
    layer_conv3x3_naive(s->arrays[0].d, s->shape, s->window, s->to, s->arrays[1].d,
                        s->with_bias ? s->arrays[2].d : NULL, s->out);
}

static void conv3x3(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS * WINDOWS * 2; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = {.twin = conv3x3_twin,
                            .shape = maps[i / 2 / WINDOWS],
                            .window = windows[i / 2 % WINDOWS],
                            .to = 1 + i % 5,
                            .with_bias = i % 2};
        struct layer_map after = layer_after(s.shape, s.to, s.window);
        fill(&rng, &s.arrays[0], layer_values(s.shape), 1);
        fill(&rng, &s.arrays[1], (size_t)(9 * s.shape.channels * s.to), 0.3);
        fill(&rng, &s.arrays[2], (size_t)s.to, 1);
        fill_outputs(&rng, &s, layer_values(after));
        float *scratch = xcalloc(layer_conv3x3_scratch(s.shape, s.window), sizeof *scratch);
        const struct array *a = s.arrays;
        layer_conv3x3(a[0].f, s.shape, s.window, s.to, a[1].f, s.with_bias ? a[2].f : NULL, scratch, s.fast);
        check_forward(&s, "conv3x3");
        preset(&s.arrays[1]), preset(&s.arrays[2]);
        layer_conv3x3_backward(a[0].f, s.shape, s.window, s.to, a[1].f, s.weight, scratch, a[0].grad,
                               a[1].grad, s.with_bias ? a[2].grad : NULL);
        check_gradient(&s, 0, 0, "conv3x3 input");
        check_gradient(&s, 1, before, "conv3x3 weight");
        check_gradient(&s, 2, before, "conv3x3 bias");
        free(scratch);
        release(&s);
    }
}

// Several bands to a picture, and the copies of three channels.
static void conv3x3_in_bands(void **state)
{
    (void)state;
    struct rng rng = rng_seed(5);
    struct subject s = {
        .twin = conv3x3_twin, .shape = {2, 103, 99, 3}, .window = {2, PAD_SYMMETRIC}, .to = 7};
    struct layer_map after = layer_after(s.shape, s.to, s.window);
    assert_true(layer_conv3x3_scratch(s.shape, s.window) < (size_t)(after.rows * after.cols * 27));
    fill(&rng, &s.arrays[0], layer_values(s.shape), 1);
    fill(&rng, &s.arrays[1], (size_t)(27 * s.to), 0.3);
    fill_outputs(&rng, &s, layer_values(after));
    float *scratch = xcalloc(layer_conv3x3_scratch(s.shape, s.window), sizeof *scratch);
    layer_conv3x3(s.arrays[0].f, s.shape, s.window, s.to, s.arrays[1].f, NULL, scratch, s.fast);
    check_forward(&s, "conv3x3");
    layer_conv3x3_backward(s.arrays[0].f, s.shape, s.window, s.to, s.arrays[1].f, s.weight, scratch,
                           s.arrays[0].grad, s.arrays[1].grad, NULL);
    check_gradient(&s, 0, 0, "conv3x3 input");
    check_gradient(&s, 1, 0, "conv3x3 weight");
    free(scratch);
    release(&s);
}

static void depthwise_twin(struct subject *s)
{
    layer_depthwise_naive(s->arrays[0].d, s->shape, s->window, s->arrays[1].d,
                          s->with_bias ? s->arrays[2].d : NULL, s->out);
}

static void depthwise(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS * WINDOWS * 2; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = {.twin = depthwise_twin,
                            .shape = maps[i / 2 / WINDOWS],
                            .window = windows[i / 2 % WINDOWS],
                            .with_bias = i % 2};
        fill(&rng, &s.arrays[0], layer_values(s.shape), 1);
        fill(&rng, &s.arrays[1], (size_t)(9 * s.shape.channels), 0.3);
        fill(&rng, &s.arrays[2], (size_t)s.shape.channels, 1);
        fill_outputs(&rng, &s, layer_values(layer_after(s.shape, s.shape.channels, s.window)));
        const struct array *a = s.arrays;
        layer_depthwise(a[0].f, s.shape, s.window, a[1].f, s.with_bias ? a[2].f : NULL, s.fast);
        check_forward(&s, "depthwise");
        preset(&s.arrays[1]), preset(&s.arrays[2]);
        layer_depthwise_backward(a[0].f, s.shape, s.window, a[1].f, s.weight, a[0].grad, a[1].grad,
                                 s.with_bias ? a[2].grad : NULL);
        check_gradient(&s, 0, 0, "depthwise input");
        check_gradient(&s, 1, before, "depthwise weight");
        check_gradient(&s, 2, before, "depthwise bias");
        release(&s);
    }
}

static void linear_twin(struct subject *s)
{
    layer_linear_naive(s->arrays[0].d, s->cells, s->size, s->to, s->arrays[1].d,
                       s->with_bias ? s->arrays[2].d : NULL, s->out);
}

static void linear(void **state)
{
    (void)state;
    static const int cases[][3] = {{1, 1, 1}, {7, 3, 5}, {300, 17, 33}, {64, 32, 16}, {2, 300, 270}};
    for (int i = 0; i < 10; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        const int *k = cases[i / 2];
        struct subject s = {
            .twin = linear_twin, .cells = (size_t)k[0], .size = k[1], .to = k[2], .with_bias = i % 2};
        fill(&rng, &s.arrays[0], s.cells * (size_t)s.size, 1);
        fill(&rng, &s.arrays[1], (size_t)(s.size * s.to), 0.3);
        fill(&rng, &s.arrays[2], (size_t)s.to, 1);
        fill_outputs(&rng, &s, s.cells * (size_t)s.to);
        const struct array *a = s.arrays;
        layer_linear(a[0].f, s.cells, s.size, s.to, a[1].f, s.with_bias ? a[2].f : NULL, s.fast);
        check_forward(&s, "linear");
        preset(&s.arrays[1]), preset(&s.arrays[2]);
        layer_linear_backward(a[0].f, s.cells, s.size, s.to, a[1].f, s.weight, a[0].grad, a[1].grad,
                              s.with_bias ? a[2].grad : NULL);
        check_gradient(&s, 0, 0, "linear input");
        check_gradient(&s, 1, before, "linear weight");
        check_gradient(&s, 2, before, "linear bias");
        release(&s);
    }
}

// A batch in parts, or again: the same bits. That is what training relies on that is resumed.
static void same_bits(void **state)
{
    (void)state;
    struct rng rng = rng_seed(9);
    struct layer_map shape = {3, 11, 13, 35}, one = {1, 11, 13, 35};
    struct array in, weight, grad;
    size_t size = layer_values(one), weights = 9 * 35;
    fill(&rng, &in, layer_values(shape), 1), fill(&rng, &weight, weights, 1),
        fill(&rng, &grad, layer_values(shape), 1);
    float *out = xcalloc(3 * size, sizeof *out), *part = xcalloc(3 * size, sizeof *part),
          *other = weight.grad;
    float *sums = xcalloc(weights, sizeof *sums);
    layer_depthwise(in.f, shape, windows[0], weight.f, NULL, out);
    for (size_t i = 0; i < 3; i++)
        layer_depthwise(in.f + i * size, one, windows[0], weight.f, NULL, part + i * size);
    assert_memory_equal(out, part, 3 * size * sizeof *out);
    layer_depthwise_backward(in.f, shape, windows[0], weight.f, grad.f, out, sums, NULL);
    for (size_t i = 0; i < 3; i++)
        layer_depthwise_backward(in.f + i * size, one, windows[0], weight.f, grad.f + i * size,
                                 part + i * size, other, NULL);
    assert_memory_equal(out, part, 3 * size * sizeof *out);
    assert_memory_equal(sums, other, weights * sizeof *sums);
    float *square[2];
    for (int i = 0; i < 2; i++) {
        square[i] = xcalloc(35 * 35, sizeof(float));
        layer_linear_backward(in.f, layer_cells(shape), 35, 35, NULL, grad.f, NULL, square[i], NULL);
    }
    assert_memory_equal(square[0], square[1], 35 * 35 * sizeof(float));
    const struct array *all[] = {&in, &weight, &grad};
    for (int i = 0; i < 3; i++)
        free(all[i]->f), free(all[i]->d), free(all[i]->grad);
    free(out), free(part), free(sums), free(square[0]), free(square[1]);
}

// ---- norms ----

static const double epsilon = 1e-3;

// Arrays: input, gamma, beta, residual.
static void batch_twin(struct subject *s)
{
    const struct array *a = s->arrays;
    int n = s->shape.channels;
    if (s->train)
        layer_moments_naive(a[0].d, s->cells, n, s->statistics, s->statistics + n);
    layer_batch_naive(a[0].d, s->cells, n, s->statistics, s->statistics + n, epsilon, a[1].d, a[2].d,
                      s->activation, s->with_bias ? a[3].d : NULL, s->out);
}

// The whole protocol, the batch in parts of `part` cells.
static void batch_fast(struct subject *s, size_t part)
{
    int n = s->shape.channels;
    size_t c = (size_t)n;
    const struct array *a = s->arrays;
    double *moments = xcalloc(layer_moments_size(n), sizeof *moments), *sums = xcalloc(2 * c, sizeof *sums);
    float *f = xcalloc(6 * c, sizeof *f), *mean = f, *variance = f + c, *scale = f + 2 * c,
          *shift = f + 3 * c, *slope = f + 4 * c;
    layer_moments_clear(moments, n);
    for (size_t i = 0; i < s->cells; i += part)
        layer_moments_add(moments, a[0].f + i * c, s->cells - i < part ? s->cells - i : part, n);
    if (s->train)
        layer_moments_finish(moments, n, mean, variance);
    for (size_t k = 0; k < 2 * c && !s->train; k++)
        mean[k] = (float)s->statistics[k];
    layer_batch_prepare(n, mean, variance, epsilon, a[1].f, a[2].f, scale, shift);
    for (size_t i = 0; i < s->cells; i += part)
        layer_batch_apply(a[0].f + i * c, s->cells - i < part ? s->cells - i : part, n, scale, shift,
                          s->activation, s->with_bias ? a[3].f + i * c : NULL, s->fast + i * c);
    for (size_t i = 0; i < s->cells; i += part)
        layer_batch_reduce(a[0].f + i * c, s->weight + i * c, s->cells - i < part ? s->cells - i : part, n,
                           scale, shift, s->activation, mean, sums);
    layer_batch_finish(sums, s->train ? s->cells : 0, n, mean, variance, epsilon, a[1].f, slope, a[1].grad,
                       a[2].grad);
    for (size_t i = 0; i < s->cells; i += part)
        layer_batch_backward(a[0].f + i * c, s->weight + i * c, s->cells - i < part ? s->cells - i : part, n,
                             scale, shift, s->activation, slope, a[0].grad + i * c);
    free(moments), free(sums), free(f);
}

static void batch_norm(void **state)
{
    (void)state;
    static const int cases[][2] = {{1, 1}, {2, 3}, {75, 17}, {200, 32}, {131, 300}, {5, 256}};
    for (int i = 0; i < 6 * 3 * 2 * 2; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        const int *k = cases[i / 12];
        struct subject s = {.twin = batch_twin,
                            .cells = (size_t)k[0],
                            .shape.channels = k[1],
                            .activation = (enum layer_activation)(i / 4 % 3),
                            .train = i / 2 % 2,
                            .with_bias = i % 2};
        size_t n = (size_t)k[1];
        fill(&rng, &s.arrays[0], s.cells * n, 3);
        for (size_t j = 0; j < s.cells * n; j++) // means far from 0
            s.arrays[0].d[j] = s.arrays[0].f[j] += (float)(10 * (j % n % 7));
        fill(&rng, &s.arrays[1], n, 2);
        fill(&rng, &s.arrays[2], n, 2);
        fill(&rng, &s.arrays[3], s.cells * n, 1);
        s.statistics = xcalloc(2 * n, sizeof *s.statistics);
        for (size_t j = 0; j < n; j++)
            s.statistics[j] = (float)(10 * (j % 7) + rng_normal(&rng)),
            s.statistics[n + j] = (float)(1 + 5 * rng_uniform(&rng));
        fill_outputs(&rng, &s, s.cells * n);
        preset(&s.arrays[1]), preset(&s.arrays[2]);
        batch_fast(&s, i % 3 ? s.cells : 67);
        check_forward_within(&s, "batch norm", 1e-4);
        check_gradient(&s, 1, before, "batch norm gamma");
        check_gradient(&s, 2, before, "batch norm beta");
        check_gradient(&s, 0, 0, "batch norm input");
        release(&s);
    }
}

// Moments of shares, merged, are those of the whole.
static void moments_of_shares(void **state)
{
    (void)state;
    enum { CELLS = 301, N = 19, SIZE = 3 * N + 1 };
    struct rng rng = rng_seed(1);
    struct array a;
    fill(&rng, &a, CELLS * N, 2);
    for (size_t i = 0; i < CELLS * N; i++)
        a.d[i] = a.f[i] += 50;
    double moments[3][SIZE], mean[N], variance[N];
    for (int i = 0; i < 3; i++)
        layer_moments_clear(moments[i], N);
    layer_moments_add(moments[1], a.f, 100, N);
    layer_moments_add(moments[2], a.f + 100 * N, CELLS - 100, N);
    layer_moments_merge(moments[0], moments[1], N); // into an empty one
    layer_moments_merge(moments[0], moments[2], N);
    layer_moments_clear(moments[1], N);
    layer_moments_merge(moments[0], moments[1], N); // an empty one
    float m[N], v[N];
    layer_moments_finish(moments[0], N, m, v);
    layer_moments_naive(a.d, CELLS, N, mean, variance);
    for (size_t k = 0; k < N; k++) {
        assert_close("mean", k, (double)m[k], mean[k], 1e-6);
        assert_close("variance", k, (double)v[k], variance[k], 1e-5);
    }
    free(a.f), free(a.d), free(a.grad);
}

static void running_statistics(void **state)
{
    (void)state;
    float mean[2] = {1, 2}, variance[2] = {1, 4};
    static const float batch_mean[2] = {3, 2}, batch_variance[2] = {2, 8};
    layer_running_update(mean, variance, batch_mean, batch_variance, 5, 2, 0.1);
    for (int k = 0; k < 2; k++) {
        assert_close("running mean", (size_t)k, (double)mean[k], 0.9 * (k + 1) + 0.1 * (3 - k), 1e-6);
        double unbiased = (k ? 8 : 2) * 5.0 / 4;
        assert_close("running variance", (size_t)k, (double)variance[k], 0.9 * (k ? 4 : 1) + 0.1 * unbiased,
                     1e-6);
    }
}

// A folded layer computes what the layer and its norm compute.
static void fold(void **state)
{
    (void)state;
    enum { FROM = 5, TO = 7, CELLS = 11 };
    struct rng rng = rng_seed(2);
    struct array a[6];
    static const size_t counts[6] = {CELLS * FROM, FROM * TO, TO,
                                     TO,           TO,        TO}; // in, weight, bias, gamma, beta, mean
    for (int i = 0; i < 6; i++)
        fill(&rng, &a[i], counts[i], 1);
    float variance[TO], scale[TO], shift[TO], out[CELLS * TO];
    double variance_d[TO], linear_out[CELLS * TO], want[CELLS * TO];
    for (int k = 0; k < TO; k++)
        variance_d[k] = variance[k] = 0.5f + (float)k;
    layer_linear_naive(a[0].d, CELLS, FROM, TO, a[1].d, a[2].d, linear_out);
    layer_batch_naive(linear_out, CELLS, TO, a[5].d, variance_d, epsilon, a[3].d, a[4].d, ACT_NONE, NULL,
                      want);
    layer_batch_prepare(TO, a[5].f, variance, epsilon, a[3].f, a[4].f, scale, shift);
    layer_batch_fold(a[1].f, FROM, TO, a[2].f, scale, shift);
    layer_linear(a[0].f, CELLS, FROM, TO, a[1].f, a[2].f, out);
    for (size_t i = 0; i < CELLS * TO; i++)
        assert_close("folded", i, (double)out[i], want[i], 1e-5);
    for (int i = 0; i < 6; i++)
        free(a[i].f), free(a[i].d), free(a[i].grad);
}

static void layer_norm_twin(struct subject *s)
{
    const struct array *a = s->arrays;
    layer_norm_layer_naive(a[0].d, s->cells, s->shape.channels, epsilon, a[1].d, a[2].d, s->out);
}

static void layer_norm(void **state)
{
    (void)state;
    static const int cases[][2] = {{1, 1}, {3, 2}, {7, 17}, {20, 64}, {5, 200}};
    for (int i = 0; i < 5; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        int n = cases[i][1];
        struct subject s = {.twin = layer_norm_twin, .cells = (size_t)cases[i][0], .shape.channels = n};
        fill(&rng, &s.arrays[0], s.cells * (size_t)n, 2);
        fill(&rng, &s.arrays[1], (size_t)n, 1);
        fill(&rng, &s.arrays[2], (size_t)n, 1);
        fill_outputs(&rng, &s, s.cells * (size_t)n);
        float *statistics = xcalloc(2 * s.cells, sizeof(float)),
              *scratch = xcalloc(2 * (size_t)n, sizeof(float));
        const struct array *a = s.arrays;
        layer_norm_layer(a[0].f, s.cells, n, epsilon, a[1].f, a[2].f, statistics, s.fast);
        check_forward(&s, "layer norm");
        preset(&s.arrays[1]), preset(&s.arrays[2]);
        layer_norm_layer_backward(a[0].f, s.cells, n, statistics, a[1].f, s.weight, scratch, a[0].grad,
                                  a[1].grad, a[2].grad);
        check_gradient(&s, 0, 0, "layer norm input");
        check_gradient(&s, 1, before, "layer norm gamma");
        check_gradient(&s, 2, before, "layer norm beta");
        free(statistics), free(scratch);
        release(&s);
    }
}

// ---- attention ----

static void attention_twin(struct subject *s)
{
    layer_attention_naive(s->arrays[0].d, s->arrays[1].d, s->heads, s->out);
}

static void attention(void **state)
{
    (void)state;
    static const struct layer_heads cases[] = {{1, 1, 1, 1, 1},    {2, 5, 3, 4, 2},   {1, 9, 1, 6, 3},
                                               {2, 25, 36, 32, 2}, {1, 7, 17, 24, 8}, {1, 150, 21, 8, 2}};
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = {.twin = attention_twin, .heads = cases[i]};
        struct layer_heads h = cases[i];
        size_t queries = (size_t)(h.count * h.cells * h.channels);
        fill(&rng, &s.arrays[0], queries, 2);
        fill(&rng, &s.arrays[1], (size_t)(h.count * h.keys * h.channels * 2), 1);
        fill_outputs(&rng, &s, queries);
        float *kept = xcalloc(layer_attention_kept(h), sizeof *kept);
        float *scratch = xcalloc((size_t)(h.cells * h.keys), sizeof *scratch);
        const struct array *a = s.arrays;
        layer_attention(a[0].f, a[1].f, h, kept, s.fast);
        check_forward(&s, "attention");
        layer_attention_backward(a[0].f, a[1].f, h, kept, s.weight, scratch, a[0].grad, a[1].grad);
        check_gradient(&s, 0, 0, "attention query");
        check_gradient(&s, 1, 0, "attention key and value");
        free(kept), free(scratch);
        release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv3x3),
        cmocka_unit_test(conv3x3_in_bands),
        cmocka_unit_test(depthwise),
        cmocka_unit_test(linear),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(batch_norm),
        cmocka_unit_test(moments_of_shares),
        cmocka_unit_test(running_statistics),
        cmocka_unit_test(fold),
        cmocka_unit_test(layer_norm),
        cmocka_unit_test(attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
