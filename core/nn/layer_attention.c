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

// Cells at a time: their sums are on the stack.
enum { STRIP = 128 };

// Scores lie (keys, cells), so that all loops run over cells and vectorise whatever the number of keys is;
// each column becomes its softmax.
KERNEL_CLONES static void softmax_columns(float *scores, int keys, int cells)
{
    const size_t line = (size_t)cells;
    for (int from = 0; from < cells; from += STRIP, scores += STRIP) {
        int n = cells - from < STRIP ? cells - from : STRIP;
        float most[STRIP], sum[STRIP];
        for (int c = 0; c < n; c++)
            most[c] = scores[c], sum[c] = 0;
        for (size_t k = 1; k < (size_t)keys; k++)
            for (int c = 0; c < n; c++)
                most[c] = scores[k * line + c] > most[c] ? scores[k * line + c] : most[c];
        for (size_t k = 0; k < (size_t)keys; k++)
            for (int c = 0; c < n; c++) {
                float e = loop_exp(scores[k * line + c] - most[c]);
                scores[k * line + c] = e;
                sum[c] += e;
            }
        for (int c = 0; c < n; c++)
            sum[c] = 1 / sum[c];
        for (size_t k = 0; k < (size_t)keys; k++)
            for (int c = 0; c < n; c++)
                scores[k * line + c] *= sum[c];
    }
}

// grad of the probabilities becomes grad of the scores: p * (g - sum of p g), times `scale`.
KERNEL_CLONES static void softmax_backward(const float *probabilities, float *grad, int keys, int cells,
                                           float scale)
{
    const size_t line = (size_t)cells;
    for (int from = 0; from < cells; from += STRIP, probabilities += STRIP, grad += STRIP) {
        int n = cells - from < STRIP ? cells - from : STRIP;
        float sum[STRIP];
        for (int c = 0; c < n; c++)
            sum[c] = 0;
        for (size_t k = 0; k < (size_t)keys; k++)
            for (int c = 0; c < n; c++)
                sum[c] += probabilities[k * line + c] * grad[k * line + c];
        for (size_t k = 0; k < (size_t)keys; k++)
            for (int c = 0; c < n; c++) {
                float *g = grad + k * line + c;
                *g = probabilities[k * line + c] * (*g - sum[c]) * scale;
            }
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
            multiply(key, 2 * n, query + h * d, n, 1, a.keys, a.cells, d, scale, probabilities, a.cells);
            softmax_columns(probabilities, a.keys, a.cells);
            multiply_turned(probabilities, a.cells, value, 2 * n, a.cells, d, a.keys, out + h * d, n);
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
            multiply(probabilities, a.cells, grad + at, n, 0, a.keys, d, a.cells, 1, grad_key_value + n + at,
                     2 * n);
            multiply(key_value + n + at, 2 * n, grad + at, n, 1, a.keys, a.cells, d, 1, scratch, a.cells);
            softmax_backward(probabilities, scratch, a.keys, a.cells, scale);
            multiply_turned(scratch, a.cells, key_value + at, 2 * n, a.cells, d, a.keys, grad_query + at, n);
            multiply(scratch, a.cells, query + at, n, 0, a.keys, d, a.cells, 1, grad_key_value + at, 2 * n);
            probabilities += (size_t)a.cells * (size_t)a.keys;
        }
        query += (size_t)a.cells * (size_t)n;
        grad += (size_t)a.cells * (size_t)n;
        grad_query += (size_t)a.cells * (size_t)n;
        key_value += (size_t)a.keys * 2 * (size_t)n;
        grad_key_value += (size_t)a.keys * 2 * (size_t)n;
    }
}
