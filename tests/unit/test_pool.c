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
        cmocka_unit_test(pool_average),  cmocka_unit_test(pool_max),
        cmocka_unit_test(mean),          cmocka_unit_test(top),
        cmocka_unit_test(top_of_equals), cmocka_unit_test(resize),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
