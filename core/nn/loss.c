#include "config.h"

#include <math.h>

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
