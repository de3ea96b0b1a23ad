// Multi-head attention. Each head of each picture is a few small matrix products on slices of the maps,
// in place, by their row strides.
#include "config.h"

#include <cblas.h>
#include <math.h>

#include "nn/layer.h"
#include "nn/layer_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

KERNEL_CLONES static void softmax_rows(float *scores, int rows, int keys)
{
    for (int r = 0; r < rows; r++, scores += keys) {
        float most = scores[0], part[LANES] = {0}, sum = 0;
        for (int k = 1; k < keys; k++)
            most = scores[k] > most ? scores[k] : most;
        for (int k = 0; k < keys; k++)
            scores[k] = loop_exp(scores[k] - most);
        int k = 0;
        for (; k + LANES <= keys; k += LANES)
            LANES_STORE(part, LANES_LOAD(part) + LANES_LOAD(scores + k));
        for (; k < keys; k++)
            sum += scores[k];
        float inverse = 1 / (lanes_sum(part) + sum);
        for (k = 0; k < keys; k++)
            scores[k] *= inverse;
    }
}

// grad of the probabilities becomes grad of the scores: p * (g - sum of p g), times `scale`.
KERNEL_CLONES static void softmax_backward(const float *probabilities, float *grad, int rows, int keys,
                                           float scale)
{
    for (int r = 0; r < rows; r++, grad += keys, probabilities += keys) {
        float part[LANES] = {0}, sum = 0;
        int k = 0;
        for (; k + LANES <= keys; k += LANES)
            LANES_STORE(part, LANES_LOAD(part) + LANES_LOAD(probabilities + k) * LANES_LOAD(grad + k));
        for (; k < keys; k++)
            sum += probabilities[k] * grad[k];
        sum += lanes_sum(part);
        for (k = 0; k < keys; k++)
            grad[k] = probabilities[k] * (grad[k] - sum) * scale;
    }
}

// c (rows, cols) = factor * a (rows, inner) * b, with row strides; b (inner, cols), turned: (cols, inner).
static void multiply(const float *a, int stride_a, const float *b, int stride_b, int turned, int rows,
                     int cols, int inner, float factor, float *c, int stride_c)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, turned ? CblasTrans : CblasNoTrans, rows, cols, inner, factor, a,
                stride_a, b, stride_b, 0, c, stride_c);
}

// c (rows, cols) = a' * b; a (inner, rows), b (inner, cols).
static void multiply_turned(const float *a, int stride_a, const float *b, int stride_b, int rows, int cols,
                            int inner, float *c, int stride_c)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, inner, 1, a, stride_a, b, stride_b, 0, c,
                stride_c);
}

void layer_attention(const float *query, const float *key_value, struct layer_heads a, float *probabilities,
                     float *out)
{
    int n = a.channels, d = n / a.heads;
    float scale = 1 / sqrtf((float)d);
    for (int i = 0; i < a.count; i++) {
        for (int h = 0; h < a.heads; h++) {
            const float *key = key_value + h * d, *value = key + n;
            multiply(query + h * d, n, key, 2 * n, 1, a.cells, a.keys, d, scale, probabilities, a.keys);
            softmax_rows(probabilities, a.cells, a.keys);
            multiply(probabilities, a.keys, value, 2 * n, 0, a.cells, d, a.keys, 1, out + h * d, n);
            probabilities += (size_t)a.cells * (size_t)a.keys;
        }
        query += (size_t)a.cells * (size_t)n;
        out += (size_t)a.cells * (size_t)n;
        key_value += (size_t)a.keys * 2 * (size_t)n;
    }
}

void layer_attention_backward(const float *query, const float *key_value, struct layer_heads a,
                              const float *probabilities, const float *grad, float *scratch,
                              float *grad_query, float *grad_key_value)
{
    int n = a.channels, d = n / a.heads;
    float scale = 1 / sqrtf((float)d);
    for (int i = 0; i < a.count; i++) {
        for (int h = 0; h < a.heads; h++) {
            int at = h * d;
            multiply_turned(probabilities, a.keys, grad + at, n, a.keys, d, a.cells, grad_key_value + n + at,
                            2 * n);
            multiply(grad + at, n, key_value + n + at, 2 * n, 1, a.cells, a.keys, d, 1, scratch, a.keys);
            softmax_backward(probabilities, scratch, a.cells, a.keys, scale);
            multiply(scratch, a.keys, key_value + at, 2 * n, 0, a.cells, d, a.keys, 1, grad_query + at, n);
            multiply_turned(scratch, a.keys, query + at, n, a.keys, d, a.cells, grad_key_value + at, 2 * n);
            probabilities += (size_t)a.cells * (size_t)a.keys;
        }
        query += (size_t)a.cells * (size_t)n;
        grad += (size_t)a.cells * (size_t)n;
        grad_query += (size_t)a.cells * (size_t)n;
        key_value += (size_t)a.keys * 2 * (size_t)n;
        grad_key_value += (size_t)a.keys * 2 * (size_t)n;
    }
}
