// Attention with pooled keys and values, then the MLP, as net.h describes the block.
#include "config.h"

#include <string.h>

#include "nn/infer.h"

// CFLAGS come last on the command line, and their usual -O2 leaves the loop of add_share scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

enum {
    TILE_CELLS = 64,
    NORM_CELLS = 16, // whose floats stay in the L1 cache until they are whole numbers
};

KERNEL_CLONES static void add_share(float *out, const float *in, size_t count, float share)
{
    for (size_t k = 0; k < count; k++)
        out[k] += in[k] * share;
}

static void norm_cells(const struct infer_block *b, const float *in, size_t cells, float *const norm[2],
                       float *out)
{
    for (size_t i = 0; i < cells; i++)
        b->kernels->layer_norm(in + i * (size_t)b->to, b->plan.to, b->to, norm[0], norm[1],
                               out + i * infer_stride(b->to));
}

// position = x + depthwise(x). Returns norm1(position) as a product takes it; pooled: averages of its whole
// windows. normed: room for floats, of the whole map or, where whole numbers are returned, of one row.
static struct kernel_rows position_and_pool(const struct infer_block *b, const struct infer_map *in,
                                            int pool_rows, int pool_cols, float *position, float *pooled,
                                            float *normed, struct infer_room room)
{
    const bool whole = b->kernels->precision == KERNEL_I16;
    const size_t n = (size_t)in->channels, cols = (size_t)in->cols, stride = infer_stride(in->channels);
    const int key_rows = in->rows / pool_rows, key_cols = in->cols / pool_cols;
    const float share = 1 / (float)(pool_rows * pool_cols);
    memset(pooled, 0, (size_t)key_rows * (size_t)key_cols * n * sizeof *pooled);
    for (int y = 0; y < in->rows; y++) {
        const size_t first = (size_t)y * cols;
        float *line = whole ? normed : normed + first * stride;
        infer_depthwise(b, in, y, 1, position + first * n, n);
        norm_cells(b, position + first * n, cols, b->norm1, line);
        for (int x = 0; y / pool_rows < key_rows && x < key_cols * pool_cols; x++)
            add_share(pooled + (size_t)(y / pool_rows * key_cols + x / pool_cols) * n,
                      line + (size_t)x * stride, n, share);
        if (whole)
            infer_rows(b->kernels, line, stride, cols, in->channels,
                       infer_room_from(room, first, in->channels));
    }
    return whole ? (struct kernel_rows){room.values, stride, room.scale}
                 : (struct kernel_rows){normed, stride, NULL};
}

// norm2 of `cells` cells as a product takes them, in parts whose floats stay in the L1 cache.
static struct kernel_rows norm_rows(const struct infer_block *b, const float *in, size_t cells, float *normed,
                                    struct infer_room room)
{
    const size_t n = (size_t)b->to, stride = infer_stride(b->to);
    if (b->kernels->precision == KERNEL_F32) {
        norm_cells(b, in, cells, b->norm2, normed);
        return (struct kernel_rows){normed, stride, NULL};
    }
    for (size_t first = 0; first < cells; first += NORM_CELLS) {
        size_t count = cells - first < NORM_CELLS ? cells - first : NORM_CELLS;
        norm_cells(b, in + first * n, count, b->norm2, normed);
        infer_rows(b->kernels, normed, stride, count, b->to, infer_room_from(room, first, b->to));
    }
    return (struct kernel_rows){room.values, stride, room.scale};
}

// Scores are query * keys, and what is seen goes through a layer. With few keys it is less work to put the
// query's layer into the keys and that layer into the values first, (A B) C = A (B C): cells meet `scores`
// (to, heads * keys) and `out` (heads * keys, to), and nothing lies between but the softmax.
struct seen {
    int keys, padded; // of a head
    struct kernel_matrix scores, out;
    float *rows; // (heads * padded, to): one of them before it is a matrix
    struct infer_room row_room, part_room;
};

static void take_seen(struct seen *s, const struct infer_block *b, int keys, struct infer_arena *arena)
{
    const int padded = kernel_pad(keys), all = b->plan.heads * padded, to = b->to;
    const size_t panels = (size_t)all * (size_t)to;
    *s = (struct seen){
        .keys = keys, .padded = padded, .scores = {.k = to, .n = all}, .out = {.k = all, .n = to}};
    s->scores.panels = infer_take(arena, panels);
    s->scores.scale = infer_take(arena, (size_t)all);
    s->scores.bias = infer_take(arena, (size_t)all);
    s->out.panels = infer_take(arena, panels);
    s->out.scale = infer_take(arena, (size_t)to);
    s->out.bias = b->out_bias;
    s->rows = infer_take(arena, panels);
    s->row_room = infer_take_room(arena, b->kernels, (size_t)all, to);
    s->part_room = infer_take_room(arena, b->kernels, (size_t)keys, b->head);
}

// Every head's part of `kv` (keys, pair), columns from `first` on, through that head's layer into s->rows.
static void through_heads(const struct seen *s, const struct infer_block *b, const float *kv, int first,
                          const struct kernel_matrix *layers)
{
    const size_t padded = (size_t)s->padded, keys = (size_t)s->keys, to = (size_t)b->to,
                 pair = (size_t)b->key_value.n;
    for (int h = 0; h < b->plan.heads; h++) {
        float *rows = s->rows + (size_t)h * padded * to;
        const struct kernel_linear call = {
            .a = infer_rows(b->kernels, kv + first + h * b->head, pair, keys, b->head, s->part_room),
            .cells = keys,
            .matrix = &layers[h],
            .out = rows,
            .out_stride = to,
        };
        infer_linear(b->kernels, call, NET_LINEAR);
        memset(rows + keys * to, 0, (padded - keys) * to * sizeof *rows);
    }
}

static void make_seen(struct seen *s, const struct infer_block *b, const float *kv)
{
    const int all = s->scores.n, half = b->key_value.n / 2;
    through_heads(s, b, kv, 0, b->query);
    kernel_matrix_turn(b->kernels, &s->scores,
                       infer_rows(b->kernels, s->rows, (size_t)b->to, (size_t)all, b->to, s->row_room), all);
    for (int h = 0; h < b->plan.heads; h++)
        for (int i = 0; i < s->padded; i++) {
            float *bias = &s->scores.bias[h * s->padded + i];
            *bias = i < s->keys ? 0 : KERNEL_NEVER;
            for (int k = 0; i < s->keys && k < b->head; k++)
                *bias += kv[i * b->key_value.n + h * b->head + k] * b->query_bias[h * b->head + k];
        }
    through_heads(s, b, kv, half, b->out);
    kernel_matrix_fill(b->kernels, &s->out, s->rows, (size_t)b->to, all, b->to);
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

void infer_attention(const struct infer_block *b, const struct infer_map *in, struct infer_arena *arena,
                     float *out)
{
    const struct kernels *kernels = b->kernels;
    const int pool = b->plan.pool, channels = in->channels, hide = b->mlp1.n;
    const int pool_rows = in->rows < pool ? 1 : pool, pool_cols = in->cols < pool ? 1 : pool;
    const int key_rows = in->rows / pool_rows, key_cols = in->cols / pool_cols, keys = key_rows * key_cols;
    const size_t cells = (size_t)in->rows * (size_t)in->cols, n = (size_t)channels,
                 pair = (size_t)b->key_value.n;
    const size_t most = cells < TILE_CELLS ? cells : TILE_CELLS, stride = infer_stride(channels),
                 hidden_stride = infer_stride(hide);

    const size_t held = kernels->precision == KERNEL_F32 ? cells
                        : (size_t)in->cols > NORM_CELLS  ? (size_t)in->cols
                                                         : NORM_CELLS;
    float *position = infer_take(arena, cells * n), *normed = infer_take(arena, held * stride);
    struct infer_room map_room = infer_take_room(arena, kernels, cells, channels);
    float *pooled = infer_take(arena, (size_t)keys * n), *kv = infer_take(arena, (size_t)keys * pair);
    struct infer_room pooled_room = infer_take_room(arena, kernels, (size_t)keys, channels);
    struct seen seen;
    take_seen(&seen, b, keys, arena);
    const int all = seen.scores.n;
    const size_t score_stride = infer_stride(all);
    float *scores = infer_take(arena, most * score_stride), *hidden = infer_take(arena, most * hidden_stride);
    struct infer_room room = infer_take_room(arena, kernels, most, max(max(hide, all), channels));
    if (!arena->memory)
        return;

    const struct kernel_rows map =
        position_and_pool(b, in, pool_rows, pool_cols, position, pooled, normed, map_room);
    const struct kernel_linear pairs = {
        .a = infer_rows(kernels, pooled, n, (size_t)keys, channels, pooled_room),
        .cells = (size_t)keys,
        .matrix = &b->key_value,
        .out = kv,
        .out_stride = pair};
    infer_linear(kernels, pairs, NET_LINEAR);
    make_seen(&seen, b, kv);
    for (size_t first = 0; first < cells; first += most) {
        size_t count = cells - first < most ? cells - first : most;
        float *p = position + first * n;
        struct kernel_linear call = {.a = infer_rows_from(map, first, 0),
                                     .cells = count,
                                     .matrix = &seen.scores,
                                     .out = scores,
                                     .out_stride = score_stride};
        infer_linear(kernels, call, NET_LINEAR);
        for (size_t i = 0; i < count; i++)
            for (int h = 0; h < b->plan.heads; h++)
                kernels->softmax(scores + i * score_stride + h * seen.padded, seen.padded);
        call = (struct kernel_linear){.a = infer_rows(kernels, scores, score_stride, count, all, room),
                                      .cells = count,
                                      .matrix = &seen.out,
                                      .add = p,
                                      .add_stride = n,
                                      .out = p,
                                      .out_stride = n};
        infer_linear(kernels, call, NET_LINEAR);
        call = (struct kernel_linear){.a = norm_rows(b, p, count, normed, room),
                                      .cells = count,
                                      .matrix = &b->mlp1,
                                      .out = hidden,
                                      .out_stride = hidden_stride};
        infer_linear(kernels, call, b->plan.activation);
        call = (struct kernel_linear){.a = infer_rows(kernels, hidden, hidden_stride, count, hide, room),
                                      .cells = count,
                                      .matrix = &b->mlp2,
                                      .add = p,
                                      .add_stride = n,
                                      .out = out + first * n,
                                      .out_stride = n};
        infer_linear(kernels, call, NET_LINEAR);
    }
}
