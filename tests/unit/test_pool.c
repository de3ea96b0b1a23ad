// Activations, pooling and resizing, forward and backward.
#include "config.h"

#include "tests/unit/gradient.h"

// ---- activations ----

typedef void forward_fn(const float *in, size_t count, float *out);
typedef void backward_fn(const float *in, const float *grad, size_t count, float *grad_in);

static void relu_twin(struct subject *s)
{
    for (size_t i = 0; i < s->outs; i++)
        s->out[i] = layer_activation_naive(s->arrays[0].d[i], s->activation);
}

static void gelu_twin(struct subject *s)
{
    for (size_t i = 0; i < s->outs; i++)
        s->out[i] = layer_gelu_naive(s->arrays[0].d[i]);
}

static void check_activation(void (*twin)(struct subject *), enum layer_activation activation,
                             forward_fn *forward, backward_fn *backward)
{
    struct rng rng = rng_seed(3);
    struct subject s = {.twin = twin, .activation = activation};
    fill(&rng, &s.arrays[0], 1003, 4);
    fill_outputs(&rng, &s, 1003);
    const struct array *a = &s.arrays[0];
    forward(a->f, a->count, s.fast);
    check_forward(&s, "activation");
    backward(a->f, s.weight, a->count, a->grad);
    check_gradient(&s, 0, 0, "activation input");
    release(&s);
}

static void activations(void **state)
{
    (void)state;
    check_activation(relu_twin, ACT_RELU, layer_relu, layer_relu_backward);
    check_activation(relu_twin, ACT_RELU6, layer_relu6, layer_relu6_backward);
    check_activation(gelu_twin, ACT_NONE, layer_gelu, layer_gelu_backward);
}

// A run that diverged must not look well because a comparison dropped its NaN.
static void not_a_number_stays(void **state)
{
    (void)state;
    float in[40], out[40];
    static const float one[40] = {[0] = 1}, zero[40] = {0};
    forward_fn *const forward[] = {layer_relu, layer_relu6, layer_gelu};
    for (int i = 0; i < 40; i++)
        in[i] = NAN;
    for (int i = 0; i < 3; i++) {
        forward[i](in, 40, out);
        for (int k = 0; k < 40; k++)
            assert_true(isnan(out[k]));
    }
    for (int act = ACT_NONE; act <= ACT_RELU6; act++) {
        layer_batch_apply(in, 1, 40, one, zero, (enum layer_activation)act, NULL, out);
        for (int k = 0; k < 40; k++)
            assert_true(isnan(out[k]));
    }
}

// What the header says may be in place gives the same bits there.
static void in_place(void **state)
{
    (void)state;
    enum { CELLS = 13, N = 37, COUNT = CELLS * N };
    struct rng rng = rng_seed(4);
    struct array in, grad, vectors;
    fill(&rng, &in, COUNT, 3), fill(&rng, &grad, COUNT, 1), fill(&rng, &vectors, 6 * N, 1);
    const float *scale = vectors.f, *shift = scale + N, *slope = shift + N;
    float statistics[2 * CELLS], scratch[2 * N], apart[COUNT], place[COUNT];
    forward_fn *const forward[] = {layer_relu, layer_relu6, layer_gelu};
    backward_fn *const backward[] = {layer_relu_backward, layer_relu6_backward, layer_gelu_backward};
    for (int i = 0; i < 3; i++) {
        forward[i](in.f, COUNT, apart);
        memcpy(place, in.f, sizeof place);
        forward[i](place, COUNT, place);
        assert_memory_equal(apart, place, sizeof apart);
        backward[i](in.f, grad.f, COUNT, apart);
        memcpy(place, grad.f, sizeof place);
        backward[i](in.f, place, COUNT, place);
        assert_memory_equal(apart, place, sizeof apart);
    }
    layer_batch_apply(in.f, CELLS, N, scale, shift, ACT_RELU6, grad.f, apart);
    memcpy(place, in.f, sizeof place);
    layer_batch_apply(place, CELLS, N, scale, shift, ACT_RELU6, grad.f, place);
    assert_memory_equal(apart, place, sizeof apart);
    memcpy(place, grad.f, sizeof place); // onto the residual
    layer_batch_apply(in.f, CELLS, N, scale, shift, ACT_RELU6, place, place);
    assert_memory_equal(apart, place, sizeof apart);
    layer_batch_backward(in.f, grad.f, CELLS, N, scale, shift, ACT_RELU, slope, apart);
    memcpy(place, grad.f, sizeof place);
    layer_batch_backward(in.f, place, CELLS, N, scale, shift, ACT_RELU, slope, place);
    assert_memory_equal(apart, place, sizeof apart);
    layer_norm_layer(in.f, CELLS, N, 1e-5, scale, shift, statistics, apart);
    layer_norm_layer_backward(in.f, CELLS, N, statistics, scale, grad.f, scratch, apart, NULL, NULL);
    memcpy(place, grad.f, sizeof place);
    layer_norm_layer_backward(in.f, CELLS, N, statistics, scale, place, scratch, place, NULL, NULL);
    assert_memory_equal(apart, place, sizeof apart);
    free(in.f), free(in.d), free(in.grad), free(grad.f), free(grad.d), free(grad.grad);
    free(vectors.f), free(vectors.d), free(vectors.grad);
}

static void sums_of_arrays(void **state)
{
    (void)state;
    float to[19], from[19];
    for (int i = 0; i < 19; i++)
        to[i] = (float)i, from[i] = 2;
    layer_add(to, from, 19);
    layer_scale(to, 19, 0.5);
    layer_copy(to, 19, from);
    for (int i = 0; i < 19; i++)
        assert_true(from[i] == 0.5f * (float)i + 1);
}

// ---- pooling and resizing ----

static void pool_average_twin(struct subject *s)
{
    layer_pool_average_naive(s->arrays[0].d, s->shape, s->size, s->out);
}

static void pool_max_twin(struct subject *s)
{
    layer_pool_max_naive(s->arrays[0].d, s->shape, s->size, s->out);
}

static void mean_twin(struct subject *s)
{
    layer_mean_naive(s->arrays[0].d, s->shape, s->out);
}

static void top_twin(struct subject *s)
{
    layer_top_naive(s->arrays[0].d, s->shape, s->size, s->out);
}

static void resize_twin(struct subject *s)
{
    layer_resize_naive(s->arrays[0].d, s->shape, s->rows, s->cols, s->out);
}

static struct subject map_subject(struct rng *rng, void (*twin)(struct subject *), struct layer_map shape)
{
    struct subject s = {.twin = twin, .shape = shape};
    fill(rng, &s.arrays[0], layer_values(shape), 1);
    return s;
}

static void pool_average(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS * 3; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = map_subject(&rng, pool_average_twin, maps[i / 3]);
        struct array *a = &s.arrays[0];
        s.size = 2 + i % 3;
        fill_outputs(&rng, &s, layer_values(layer_pooled(s.shape, s.size)));
        layer_pool_average(a->f, s.shape, s.size, s.fast);
        check_forward(&s, "average");
        preset(a);
        layer_pool_average_backward(s.weight, s.shape, s.size, 1, a->grad);
        check_gradient(&s, 0, before, "average input, added");
        layer_pool_average_backward(s.weight, s.shape, s.size, 0, a->grad);
        check_gradient(&s, 0, 0, "average input");
        release(&s);
    }
}

static void pool_max(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS * 3; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = map_subject(&rng, pool_max_twin, maps[i / 3]);
        s.size = 2 + i % 3;
        fill_outputs(&rng, &s, layer_values(layer_pooled(s.shape, s.size)));
        int32_t *which = xcalloc(s.outs, sizeof *which);
        layer_pool_max(s.arrays[0].f, s.shape, s.size, which, s.fast);
        check_forward(&s, "maximum");
        layer_pool_max_backward(s.weight, s.shape, s.size, which, s.arrays[0].grad);
        check_gradient(&s, 0, 0, "maximum input");
        free(which);
        release(&s);
    }
}

static void mean(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = map_subject(&rng, mean_twin, maps[i]);
        fill_outputs(&rng, &s, (size_t)(s.shape.count * s.shape.channels));
        layer_mean(s.arrays[0].f, s.shape, s.fast);
        check_forward(&s, "mean");
        layer_mean_backward(s.weight, s.shape, s.arrays[0].grad);
        check_gradient(&s, 0, 0, "mean input");
        release(&s);
    }
}

static void top(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS * 3; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = map_subject(&rng, top_twin, maps[i / 3]);
        int cells = s.shape.rows * s.shape.cols;
        s.size = i % 3 == 0 ? 1 : i % 3 == 1 ? cells : cells / 2 + 1;
        fill_outputs(&rng, &s, (size_t)(s.shape.count * s.shape.channels));
        int32_t *which = xcalloc(s.outs * (size_t)s.size, sizeof *which);
        layer_top(s.arrays[0].f, s.shape, s.size, which, s.fast);
        check_forward(&s, "top");
        layer_top_backward(s.weight, s.shape, s.size, which, s.arrays[0].grad);
        check_gradient(&s, 0, 0, "top input");
        free(which);
        release(&s);
    }
}

// Of equal values the first cells count, once each.
static void top_of_equals(void **state)
{
    (void)state;
    static const float in[6] = {1, 2, 2, 0, 2, 1}, one = 3;
    int32_t which[2];
    float out, grad[6];
    struct layer_map shape = {1, 2, 3, 1};
    layer_top(in, shape, 2, which, &out);
    assert_true(out == 2 && which[0] == 1 && which[1] == 2);
    layer_top_backward(&one, shape, 2, which, grad);
    static const float want[6] = {0, 1.5f, 1.5f, 0, 0, 0};
    assert_memory_equal(grad, want, sizeof want);
}

static void resize(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {2, 9}, {13, 5}};
    for (int i = 0; i < MAPS * 3; i++) {
        struct rng rng = rng_seed((uint64_t)i);
        struct subject s = map_subject(&rng, resize_twin, maps[i / 3]);
        s.rows = sides[i % 3][0], s.cols = sides[i % 3][1];
        fill_outputs(&rng, &s, (size_t)(s.shape.count * s.rows * s.cols * s.shape.channels));
        layer_resize(s.arrays[0].f, s.shape, s.rows, s.cols, s.fast);
        check_forward(&s, "resize");
        layer_resize_backward(s.weight, s.shape, s.rows, s.cols, s.arrays[0].grad);
        check_gradient(&s, 0, 0, "resize input");
        release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),   cmocka_unit_test(not_a_number_stays),
        cmocka_unit_test(in_place),      cmocka_unit_test(sums_of_arrays),
        cmocka_unit_test(pool_average),  cmocka_unit_test(pool_max),
        cmocka_unit_test(mean),          cmocka_unit_test(top),
        cmocka_unit_test(top_of_equals), cmocka_unit_test(resize),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
