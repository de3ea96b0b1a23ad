#include "config.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "nn/layer_impl.h"
#include "nn/loss.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

// Values whose squares are summed in floats before they go to a double.
enum { BLOCK = 512 };

KERNEL_CLONES double loss_square(const float *a, const float *b, size_t count, double factor, float *grad)
{
    double sum = 0;
    const float slope = (float)(2 * factor / (double)count);
    for (size_t from = 0; from < count; from += BLOCK) {
        size_t n = count - from < BLOCK ? count - from : BLOCK, i = 0;
        const float *x = a + from, *y = b + from;
        float part[LANES];
        lanes s = {0};
        for (; i + LANES <= n; i += LANES) {
            lanes d = LANES_LOAD(x + i) - LANES_LOAD(y + i);
            s += d * d;
            if (grad)
                LANES_STORE(grad + from + i, d * slope);
        }
        LANES_STORE(part, s);
        for (; i < n; i++) {
            float d = x[i] - y[i];
            part[i % LANES] += d * d;
            if (grad)
                grad[from + i] = d * slope;
        }
        sum += (double)lanes_sum(part);
    }
    return count ? sum / (double)count : 0;
}

KERNEL_CLONES double loss_distil(const float *student, const float *teacher, const float *mean,
                                 const float *inverse, size_t cells, int channels, double factor, float *grad)
{
    double sum = 0, count = (double)cells * (double)channels;
    const float slope = (float)(2 * factor / count);
    for (size_t c = 0; c < cells; c++, student += channels, teacher += channels) {
        int i = 0;
        float part[LANES];
        lanes s = {0};
        for (; i + LANES <= channels; i += LANES) {
            lanes d = LANES_LOAD(student + i) -
                      (LANES_LOAD(teacher + i) - LANES_LOAD(mean + i)) * LANES_LOAD(inverse + i);
            s += d * d;
            if (grad)
                LANES_STORE(grad + i, d * slope);
        }
        LANES_STORE(part, s);
        for (; i < channels; i++) {
            float d = student[i] - (teacher[i] - mean[i]) * inverse[i];
            part[i % LANES] += d * d;
            if (grad)
                grad[i] = d * slope;
        }
        sum += (double)lanes_sum(part);
        if (grad)
            grad += channels;
    }
    return cells ? sum / count : 0;
}

// With c = cos(a, b): dc/da = b / (|a| |b|) - c a / |a|^2.
KERNEL_CLONES double loss_cosine(const float *a, const float *b, size_t cells, int channels, double factor,
                                 float *grad)
{
    double loss = 0;
    for (size_t cell = 0; cell < cells; cell++, a += channels, b += channels) {
        float part[3][LANES];
        lanes dots = {0}, as = {0}, bs = {0};
        int i = 0;
        for (; i + LANES <= channels; i += LANES) {
            lanes x = LANES_LOAD(a + i), y = LANES_LOAD(b + i);
            dots += x * y, as += x * x, bs += y * y;
        }
        LANES_STORE(part[0], dots);
        LANES_STORE(part[1], as);
        LANES_STORE(part[2], bs);
        for (; i < channels; i++) {
            part[0][i % LANES] += a[i] * b[i];
            part[1][i % LANES] += a[i] * a[i];
            part[2][i % LANES] += b[i] * b[i];
        }
        double dot = (double)lanes_sum(part[0]), aa = (double)lanes_sum(part[1]),
               bb = (double)lanes_sum(part[2]);
        bool zero = aa == 0 || bb == 0;
        double inverse = zero ? 0 : 1 / sqrt(aa * bb), cosine = dot * inverse;
        loss += 1 - cosine;
        if (!grad)
            continue;
        const float own = (float)(zero ? 0 : factor / (double)cells * cosine / aa);
        const float other = (float)(-factor / (double)cells * inverse);
        for (int k = 0; k < channels; k++)
            grad[k] = own * a[k] + other * b[k];
        grad += channels;
    }
    return cells ? loss / (double)cells : 0;
}

double loss_binary(const float *logit, const float *target, const float *weight, size_t count, double factor,
                   float *grad)
{
    double loss = 0;
    for (size_t i = 0; i < count; i++) {
        double x = (double)logit[i], t = (double)target[i], w = weight ? (double)weight[i] : 1;
        double e = exp(-fabs(x)); // never overflows
        loss += w * ((x > 0 ? x : 0) - x * t + log1p(e));
        if (grad) {
            double p = x > 0 ? 1 / (1 + e) : e / (1 + e);
            grad[i] = (float)(factor / (double)count * w * (p - t));
        }
    }
    return count ? loss / (double)count : 0;
}

// One row; part: the factor of its gradient.
static double softmax_row(const float *logit, int label, const float *adjustment, int classes, double part,
                          float *grad)
{
    double most = -HUGE_VAL, sum = 0, loss = 0;
    for (int k = 0; k < classes; k++)
        most = fmax(most, (double)logit[k] + (adjustment ? (double)adjustment[k] : 0));
    for (int k = 0; k < classes; k++)
        sum += exp((double)logit[k] + (adjustment ? (double)adjustment[k] : 0) - most);
    double log_sum = most + log(sum);
    for (int k = 0; k < classes; k++) {
        double x = (double)logit[k] + (adjustment ? (double)adjustment[k] : 0);
        if (k == label)
            loss = log_sum - x;
        if (grad)
            grad[k] = (float)(part * (exp(x - log_sum) - (k == label)));
    }
    return loss;
}

double loss_softmax(const float *logit, const int32_t *label, const float *adjustment, size_t rows,
                    int classes, double factor, float *grad)
{
    size_t used = 0, n = (size_t)classes;
    double loss = 0;
    for (size_t i = 0; i < rows; i++)
        used += label[i] >= 0;
    for (size_t i = 0; i < rows; i++) {
        if (label[i] >= 0)
            loss += softmax_row(logit + i * n, label[i], adjustment, classes, factor / (double)used,
                                grad ? grad + i * n : NULL);
        else if (grad)
            memset(grad + i * n, 0, n * sizeof *grad);
    }
    return used ? loss / (double)used : 0;
}

void loss_adjustment(const int64_t *seen, int classes, double tau, float *adjustment)
{
    double sum = classes;
    for (int k = 0; k < classes; k++)
        sum += (double)seen[k];
    for (int k = 0; k < classes; k++)
        adjustment[k] = (float)(tau * log(((double)seen[k] + 1) / sum));
}
