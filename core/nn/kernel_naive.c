#include "config.h"

#include <math.h>

#include "nn/kernel.h"

static float clamp(double x, float low, float high)
{
    return x < (double)low ? low : x > (double)high ? high : (float)x;
}

void kernel_linear_naive(const struct kernel_linear *call, const float *matrix)
{
    int n = call->matrix->n, part = call->matrix->k / call->segments;
    for (size_t i = 0; i < call->cells; i++)
        for (int j = 0; j < n; j++) {
            double sum = call->matrix->bias ? call->matrix->bias[j] : 0;
            for (int k = 0; k < call->matrix->k; k++) {
                const float *a = k < part ? call->a.values : call->more[k / part - 1];
                sum += (double)a[i * call->a.stride + (size_t)(k % part)] * matrix[k * n + j];
            }
            double more = call->add ? call->add[i * call->add_stride + (size_t)j] : 0;
            call->out[i * call->out_stride + (size_t)j] = (float)(clamp(sum, call->low, call->high) + more);
        }
}

void kernel_depthwise_naive(const struct kernel_depthwise *call)
{
    for (int c = 0; c < kernel_out(call->cols, call->stride); c++)
        for (int k = 0; k < call->channels; k++) {
            double sum = call->bias[k];
            for (int tap = 0; tap < 9; tap++) {
                int x = c * call->stride + tap % 3 - call->before;
                if (call->in[tap / 3] && x >= 0 && x < call->cols)
                    sum += (double)call->in[tap / 3][x * call->channels + k] *
                           call->weight[tap * call->channels + k];
            }
            call->out[(size_t)c * call->out_stride + (size_t)k] = clamp(sum, call->low, call->high);
        }
}

void kernel_layer_norm_naive(const float *in, int channels, int padded, const float *gamma, const float *beta,
                             float *out)
{
    double mean = 0, square = 0;
    for (int k = 0; k < channels; k++)
        mean += (double)in[k] / channels;
    for (int k = 0; k < channels; k++)
        square += (in[k] - mean) * (in[k] - mean) / channels;
    for (int k = 0; k < padded; k++)
        out[k] = (float)((in[k] - mean) / sqrt(square + 1e-5) * gamma[k] + beta[k]);
}

void kernel_softmax_naive(float *row, int count)
{
    double highest = -INFINITY, sum = 0;
    for (int i = 0; i < count; i++)
        highest = fmax(highest, row[i]);
    for (int i = 0; i < count; i++)
        sum += exp(row[i] - highest);
    for (int i = 0; i < count; i++)
        row[i] = (float)(exp(row[i] - highest) / sum);
}
