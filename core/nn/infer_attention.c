// Attention with pooled keys and values, then the MLP, as net.h describes the block.
#include "config.h"

#include <string.h>

#include "nn/infer.h"

enum { TILE_CELLS = 256 };

// Whole windows only; a side below `pool` is not pooled.
static void pool_average(const struct infer_map *in, int pool_rows, int pool_cols, int rows, int cols,
                         float *out)
{
    size_t n = (size_t)in->channels;
    float share = 1 / (float)(pool_rows * pool_cols);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++, out += n) {
            memset(out, 0, n * sizeof *out);
            for (int w = 0; w < pool_rows * pool_cols; w++) {
                int y = r * pool_rows + w / pool_cols, x = c * pool_cols + w % pool_cols;
                const float *at = in->data + ((size_t)y * (size_t)in->cols + (size_t)x) * n;
                for (size_t k = 0; k < n; k++)
                    out[k] += at[k];
            }
            for (size_t k = 0; k < n; k++)
                out[k] *= share;
        }
}

static void norm_cells(const struct infer *infer, const struct infer_block *b, const float *in,
                       size_t in_stride, size_t cells, float *const norm[2], float *out, size_t out_stride)
{
    for (size_t i = 0; i < cells; i++)
        infer->kernels->layer_norm(in + i * in_stride, b->plan.to, b->to, norm[0], norm[1],
                                   out + i * out_stride);
}

void infer_attention(const struct infer *infer, const struct infer_block *b, const struct infer_map *in,
                     struct infer_arena *arena, float *out)
{
    const int heads = b->plan.heads, pool = b->plan.pool;
    const int pool_rows = in->rows < pool ? 1 : pool, pool_cols = in->cols < pool ? 1 : pool;
    const int key_rows = in->rows / pool_rows, key_cols = in->cols / pool_cols, keys = key_rows * key_cols;
    const size_t cells = (size_t)in->rows * (size_t)in->cols, n = (size_t)in->channels,
                 head = (size_t)b->head;
    const size_t most = cells < TILE_CELLS ? cells : TILE_CELLS, pair = (size_t)b->key_value.n;
    const size_t wide = infer_stride(b->query.n), score = infer_stride(kernel_pad(keys)),
                 hide = infer_stride(b->mlp1.n);
    const size_t spaced = infer_stride(in->channels);

    float *position = infer_take(arena, cells * n), *norm = infer_take(arena, cells * n);
    float *pooled = infer_take(arena, (size_t)keys * n), *kv = infer_take(arena, (size_t)keys * pair);
    float *query = infer_take(arena, most * wide), *scores = infer_take(arena, most * score);
    float *seen = infer_take(arena, most * wide), *normed = infer_take(arena, most * spaced);
    float *hidden = infer_take(arena, most * hide);
    size_t key_floats = head * (size_t)kernel_pad(keys), value_floats = head * (size_t)keys;
    float *packed = infer_take(arena, (size_t)heads * base_work_round(key_floats + value_floats));
    if (!arena->memory)
        return;

    infer_depthwise(infer, b, in, 0, in->rows, position, n);
    norm_cells(infer, b, position, n, cells, b->norm1, norm, n);
    const struct infer_map normal = {norm, in->rows, in->cols, in->channels};
    pool_average(&normal, pool_rows, pool_cols, key_rows, key_cols, pooled);
    infer_linear(infer, pooled, n, (size_t)keys, &b->key_value, NET_LINEAR, NULL, 0, kv, pair);
    for (int h = 0; h < heads; h++) {
        float *at = packed + (size_t)h * base_work_round(key_floats + value_floats);
        struct kernel_matrix key = {b->head, kernel_pad(keys), at, NULL},
                             value = {keys, b->head, at + key_floats, NULL};
        kernel_matrix_fill(infer->kernels, &key, kv + (size_t)h * head, 1, pair, keys);
        kernel_matrix_fill(infer->kernels, &value, kv + pair / 2 + (size_t)h * head, pair, 1, b->head);
    }
    for (size_t first = 0; first < cells; first += most) {
        size_t count = cells - first < most ? cells - first : most;
        float *p = position + first * n;
        infer_linear(infer, norm + first * n, n, count, &b->query, NET_LINEAR, NULL, 0, query, wide);
        for (int h = 0; h < heads; h++) {
            float *at = packed + (size_t)h * base_work_round(key_floats + value_floats);
            struct kernel_matrix key = {b->head, kernel_pad(keys), at, NULL},
                                 value = {keys, b->head, at + key_floats, NULL};
            infer_linear(infer, query + (size_t)h * head, wide, count, &key, NET_LINEAR, NULL, 0, scores,
                         score);
            for (size_t i = 0; i < count; i++)
                infer->kernels->softmax(scores + i * score, keys);
            infer_linear(infer, scores, score, count, &value, NET_LINEAR, NULL, 0, seen + (size_t)h * head,
                         wide);
        }
        infer_linear(infer, seen, wide, count, &b->out, NET_LINEAR, p, n, p, n);
        norm_cells(infer, b, p, n, count, b->norm2, normed, spaced);
        infer_linear(infer, normed, spaced, count, &b->mlp1, b->plan.activation, NULL, 0, hidden, hide);
        infer_linear(infer, hidden, hide, count, &b->mlp2, NET_LINEAR, p, n, out + first * n, n);
    }
}
