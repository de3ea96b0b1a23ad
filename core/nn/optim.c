#include "config.h"

#include <math.h>

#include "nn/layer_impl.h"
#include "nn/optim.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

KERNEL_CLONES void optim_adamw(const struct optim_adamw *o, int64_t step, size_t count,
                               const float *restrict grad, double scale, float *restrict weight,
                               float *restrict first, float *restrict second)
{
    const double correct1 = 1 - pow(o->beta1, (double)step), correct2 = 1 - pow(o->beta2, (double)step);
    const float b1 = (float)o->beta1, b2 = (float)o->beta2, c1 = (float)(1 - o->beta1),
                c2 = (float)(1 - o->beta2);
    const float rate = (float)(o->rate / correct1), root = (float)(1 / sqrt(correct2));
    const float keep = (float)(1 - o->rate * o->decay), epsilon = (float)o->epsilon, s = (float)scale;
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * s;
        float m = b1 * first[i] + c1 * g, v = b2 * second[i] + c2 * (g * g);
        first[i] = m;
        second[i] = v;
        weight[i] = weight[i] * keep - rate * m / (sqrtf(v) * root + epsilon);
    }
}

KERNEL_CLONES void optim_sgd(const struct optim_sgd *o, size_t count, const float *restrict grad,
                             double scale, float *restrict weight, float *restrict velocity)
{
    const float rate = (float)o->rate, momentum = (float)o->momentum, decay = (float)o->decay,
                s = (float)scale;
    for (size_t i = 0; i < count; i++) {
        float v = momentum * velocity[i] + (grad[i] * s + decay * weight[i]);
        velocity[i] = v;
        weight[i] -= rate * v;
    }
}

double optim_schedule(const struct optim_schedule *s, int64_t step)
{
    if (step <= s->warmup)
        return s->peak * (double)step / (double)s->warmup;
    if (step >= s->total)
        return s->floor;
    double part = (double)(step - s->warmup) / (double)(s->total - s->warmup);
    return s->floor + (s->peak - s->floor) * 0.5 * (1 + cos(3.14159265358979323846 * part));
}

KERNEL_CLONES double optim_square_norm(const float *grad, size_t count)
{
    enum { BLOCK = 1024 };
    double sum = 0;
    for (size_t from = 0; from < count; from += BLOCK) {
        size_t n = count - from < BLOCK ? count - from : BLOCK, i = 0;
        const float *g = grad + from;
        float part[LANES];
        lanes s = {0};
        for (; i + LANES <= n; i += LANES)
            s += LANES_LOAD(g + i) * LANES_LOAD(g + i);
        LANES_STORE(part, s);
        for (; i < n; i++)
            part[i % LANES] += g[i] * g[i];
        sum += (double)lanes_sum(part);
    }
    return sum;
}

double optim_clip(double square_norm, double limit)
{
    if (!isfinite(square_norm))
        return (double)NAN;
    double norm = sqrt(square_norm);
    return limit > 0 && norm > limit ? limit / norm : 1;
}

KERNEL_CLONES void optim_average(float *restrict average, const float *restrict weight, size_t count,
                                 double decay)
{
    const float part = (float)(1 - decay);
    for (size_t i = 0; i < count; i++)
        average[i] += part * (weight[i] - average[i]);
}

double optim_average_decay(double decay, int64_t step)
{
    double early = (1 + (double)step) / (10 + (double)step);
    return early < decay ? early : decay;
}
