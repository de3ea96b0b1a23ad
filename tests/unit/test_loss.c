// Losses against their formulas and central differences; optimisers against their formulas, in doubles.
#include "config.h"

#include "tests/unit/test.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "nn/loss.h"
#include "nn/optim.h"

static void assert_close(const char *what, size_t i, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s[%zu]: %.9g, not %.9g", what, i, got, want);
}

static float *random_floats(size_t count, double scale, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    float *values = xcalloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(scale * rng_normal(&rng));
    return values;
}

// ---- losses ----

// The formula of a loss in doubles, of its first argument x; other, third, label: the rest of its arguments.
struct loss {
    double (*formula)(const struct loss *l, const double *x);
    size_t cells;
    int channels;
    const float *other, *mean, *inverse;
    const int32_t *label;
};

static double square_formula(const struct loss *l, const double *x)
{
    double sum = 0;
    size_t count = l->cells * (size_t)l->channels;
    for (size_t i = 0; i < count; i++)
        sum += (x[i] - l->other[i]) * (x[i] - l->other[i]);
    return sum / (double)count;
}

static double cosine_formula(const struct loss *l, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < l->cells; i++) {
        double ab = 0, aa = 0, bb = 0;
        for (size_t k = i * (size_t)l->channels; k < (i + 1) * (size_t)l->channels; k++)
            ab += x[k] * l->other[k], aa += x[k] * x[k], bb += (double)l->other[k] * l->other[k];
        sum += 1 - ab / (sqrt(aa) * sqrt(bb));
    }
    return sum / (double)l->cells;
}

static double distil_formula(const struct loss *l, const double *x)
{
    double sum = 0;
    size_t n = (size_t)l->channels, count = l->cells * n;
    for (size_t i = 0; i < count; i++) {
        double t = ((double)l->other[i] - l->mean[i % n]) * l->inverse[i % n];
        sum += (x[i] - t) * (x[i] - t);
    }
    return sum / (double)count;
}

// other: targets; mean: weights, or NULL.
static double binary_formula(const struct loss *l, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < l->cells; i++) {
        double p = 1 / (1 + exp(-x[i])), t = l->other[i];
        sum -= (l->mean ? l->mean[i] : 1) * (t * log(p) + (1 - t) * log(1 - p));
    }
    return sum / (double)l->cells;
}

// other: adjustment, or NULL.
static double softmax_formula(const struct loss *l, const double *x)
{
    double sum = 0, used = 0;
    for (size_t i = 0; i < l->cells; i++, x += l->channels) {
        if (l->label[i] < 0)
            continue;
        double all = 0, own = 0;
        for (int k = 0; k < l->channels; k++) {
            double e = exp(x[k] + (l->other ? l->other[k] : 0));
            all += e;
            own = k == l->label[i] ? e : own;
        }
        sum -= log(own / all);
        used++;
    }
    return sum / used;
}

static const double factor = 1.75;

// value and grad: what the loss gave for x (count).
static void check_loss(const struct loss *l, const char *what, const float *x, size_t count, double value,
                       const float *grad)
{
    double *d = xcalloc(count, sizeof *d);
    const double h = 1e-5;
    for (size_t i = 0; i < count; i++)
        d[i] = x[i];
    assert_close(what, 0, value, l->formula(l, d), 1e-6);
    for (size_t i = 0; i < count; i += count / 101 + 1) {
        double kept = d[i];
        d[i] = kept + h;
        double above = l->formula(l, d);
        d[i] = kept - h;
        double below = l->formula(l, d);
        d[i] = kept;
        // relative to the size of one value's share of the mean
        double share = factor / (double)l->cells, want = factor * (above - below) / (2 * h);
        assert_close(what, i, (double)grad[i] / share, want / share, 1e-4);
    }
    free(d);
}

static const int shapes[][2] = {{1, 1}, {1, 5}, {7, 16}, {3, 33}, {40, 150}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void losses_of_maps(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        struct loss l = {.cells = (size_t)shapes[i][0], .channels = shapes[i][1]};
        size_t n = (size_t)l.channels, count = l.cells * n;
        float *x = random_floats(count, 1, 1), *y = random_floats(count, 2, 2),
              *mean = random_floats(n, 1, 3);
        float *inverse = random_floats(n, 1, 4), *grad = xcalloc(count, sizeof *grad);
        l.other = y, l.mean = mean, l.inverse = inverse;
        double value = loss_square(x, y, count, factor, grad);
        l.formula = square_formula;
        check_loss(&l, "square", x, count, value, grad);
        assert_true(loss_square(x, y, count, factor, NULL) == value);
        value = loss_cosine(x, y, l.cells, l.channels, factor, grad);
        l.formula = cosine_formula;
        check_loss(&l, "cosine", x, count, value, grad);
        assert_true(loss_cosine(x, y, l.cells, l.channels, factor, NULL) == value);
        value = loss_distil(x, y, mean, inverse, l.cells, l.channels, factor, grad);
        l.formula = distil_formula;
        check_loss(&l, "distillation", x, count, value, grad);
        assert_true(loss_distil(x, y, mean, inverse, l.cells, l.channels, factor, NULL) == value);
        free(x), free(y), free(mean), free(inverse), free(grad);
    }
}

static void cosine_of_zero(void **state)
{
    (void)state;
    static const float zero[20] = {0}, some[20] = {1, 2, 3};
    float grad[20];
    assert_true(loss_cosine(zero, some, 1, 20, 1, grad) == 1);
    assert_memory_equal(grad, zero, sizeof zero);
    assert_true(loss_cosine(some, zero, 1, 20, 1, grad) == 1);
    assert_memory_equal(grad, zero, sizeof zero);
}

static void binary(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    float *x = random_floats(COUNT, 3, 1), *weight = random_floats(COUNT, 1, 2), target[COUNT], grad[COUNT];
    for (int i = 0; i < COUNT; i++)
        target[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 0.25f;
    struct loss l = {.formula = binary_formula, .cells = COUNT, .channels = 1, .other = target};
    double value = loss_binary(x, target, NULL, COUNT, factor, grad);
    check_loss(&l, "binary", x, COUNT, value, grad);
    l.mean = weight;
    value = loss_binary(x, target, weight, COUNT, factor, grad);
    check_loss(&l, "weighted binary", x, COUNT, value, grad);
    // where exp would overflow
    static const float far[4] = {1000, -1000, 1000, -1000}, of[4] = {1, 0, 0, 1};
    value = loss_binary(far, of, NULL, 4, 4, grad);
    assert_close("far", 0, value, 500, 1e-9);
    assert_true(grad[0] == 0 && grad[1] == 0 && grad[2] == 1 && grad[3] == -1);
    free(x), free(weight);
}

static void softmax(void **state)
{
    (void)state;
    enum { ROWS = 12, CLASSES = 5 };
    float *x = random_floats(ROWS * CLASSES, 2, 1), grad[ROWS * CLASSES], adjustment[CLASSES];
    int32_t label[ROWS];
    for (int i = 0; i < ROWS; i++)
        label[i] = i % 4 == 3 ? -1 : i % CLASSES;
    struct loss l = {.formula = softmax_formula, .cells = ROWS, .channels = CLASSES, .label = label};
    double value = loss_softmax(x, label, NULL, ROWS, CLASSES, factor, grad);
    check_loss(&l, "softmax", x, ROWS * CLASSES, value, grad);
    static const int64_t seen[CLASSES] = {1000, 10, 0, 5, 80};
    loss_adjustment(seen, CLASSES, 1.5, adjustment);
    for (int k = 0; k < CLASSES; k++)
        assert_close("adjustment", (size_t)k, (double)adjustment[k], 1.5 * log((double)(seen[k] + 1) / 1100),
                     1e-6);
    l.other = adjustment;
    value = loss_softmax(x, label, adjustment, ROWS, CLASSES, factor, grad);
    check_loss(&l, "adjusted softmax", x, ROWS * CLASSES, value, grad);
    for (int i = 0; i < ROWS; i++)
        label[i] = -1;
    assert_true(loss_softmax(x, label, adjustment, ROWS, CLASSES, factor, grad) == 0);
    for (int i = 0; i < ROWS * CLASSES; i++)
        assert_true(grad[i] == 0);
    x[0] = 5000, label[0] = 1; // no overflow
    assert_true(loss_softmax(x, label, NULL, 1, CLASSES, 1, grad) > 4900);
    free(x);
}

// ---- optimisers ----

enum { COUNT = 37, STEPS = 20 };

// A gradient that depends on the weights, so that a mistake in an early step stays visible.
static float slope_of(float weight, size_t i, int step)
{
    return weight * 0.3f + (float)sin((double)i + step);
}

static void adamw(void **state)
{
    (void)state;
    const struct optim_adamw o = {0.01, 0.9, 0.99, 1e-6, 0.1};
    const double scale = 0.7;
    float *weight = random_floats(COUNT, 1, 1), grad[COUNT], first[COUNT] = {0}, second[COUNT] = {0};
    double w[COUNT], m[COUNT] = {0}, v[COUNT] = {0};
    for (int i = 0; i < COUNT; i++)
        w[i] = weight[i];
    for (int step = 1; step <= STEPS; step++) {
        for (size_t i = 0; i < COUNT; i++)
            grad[i] = slope_of(weight[i], i, step);
        optim_adamw(&o, step, COUNT, grad, scale, weight, first, second);
        for (size_t i = 0; i < COUNT; i++) {
            double g = scale * grad[i];
            m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
            v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
            double mean = m[i] / (1 - pow(o.beta1, step)), square = v[i] / (1 - pow(o.beta2, step));
            w[i] -= o.rate * (mean / (sqrt(square) + o.epsilon) + o.decay * w[i]);
            assert_close("adamw", i, (double)weight[i], w[i], 1e-5);
        }
    }
    free(weight);
}

static void sgd(void **state)
{
    (void)state;
    const struct optim_sgd o = {0.05, 0.9, 0.01};
    float *weight = random_floats(COUNT, 1, 1), grad[COUNT], velocity[COUNT] = {0};
    double w[COUNT], v[COUNT] = {0};
    for (int i = 0; i < COUNT; i++)
        w[i] = weight[i];
    for (int step = 1; step <= STEPS; step++) {
        for (size_t i = 0; i < COUNT; i++)
            grad[i] = slope_of(weight[i], i, step);
        optim_sgd(&o, COUNT, grad, 0.5, weight, velocity);
        for (size_t i = 0; i < COUNT; i++) {
            v[i] = o.momentum * v[i] + 0.5 * grad[i] + o.decay * w[i];
            w[i] -= o.rate * v[i];
            assert_close("sgd", i, (double)weight[i], w[i], 1e-5);
        }
    }
    free(weight);
}

static void schedule(void **state)
{
    (void)state;
    const struct optim_schedule s = {2, 0.5, 10, 110}, none = {2, 0.5, 0, 100};
    static const struct {
        int64_t step;
        double rate;
    } want[] = {{1, 0.2}, {10, 2}, {35, 0.5 + 1.5 * 0.8535533905932737}, {60, 1.25}, {110, 0.5}, {500, 0.5}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_close("schedule", i, optim_schedule(&s, want[i].step), want[i].rate, 1e-12);
    assert_close("no warm-up", 0, optim_schedule(&none, 50), 1.25, 1e-12);
    assert_true(optim_schedule(&none, 1) > 1.99);
}

static void clipping(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 15, 16, 1023, 1024, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        float *g = random_floats(counts[i], 3, i);
        double sum = 0;
        for (size_t k = 0; k < counts[i]; k++)
            sum += (double)g[k] * g[k];
        assert_close("square norm", i, optim_square_norm(g, counts[i]), sum, 1e-5);
        free(g);
    }
    assert_close("clip", 0, optim_clip(100, 2), 0.2, 1e-12);
    assert_true(optim_clip(3.9, 2) == 1 && optim_clip(100, 0) == 1);
    assert_true(isnan(optim_clip(HUGE_VAL, 2)) && isnan(optim_clip(NAN, 0)));
}

static void averages(void **state)
{
    (void)state;
    float *weight = random_floats(COUNT, 1, 1), *average = random_floats(COUNT, 1, 2), start[COUNT];
    memcpy(start, average, sizeof start);
    optim_average(average, weight, COUNT, 0.9);
    for (size_t i = 0; i < COUNT; i++)
        assert_close("average", i, (double)average[i], 0.9 * start[i] + 0.1 * weight[i], 1e-6);
    assert_close("decay", 0, optim_average_decay(0.999, 0), 0.1, 1e-12);
    assert_true(optim_average_decay(0.999, 1000000) == 0.999);
    free(weight), free(average);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_of_maps), cmocka_unit_test(cosine_of_zero), cmocka_unit_test(binary),
        cmocka_unit_test(softmax),        cmocka_unit_test(adamw),          cmocka_unit_test(sgd),
        cmocka_unit_test(schedule),       cmocka_unit_test(clipping),       cmocka_unit_test(averages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
