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

// Where keys and values of every head lie as matrices.
struct heads {
    int head, keys; // both padded
    float *panels, *scale;
    size_t panel_floats; // enough for either of a head
};

// `which`: 2 h the keys of head h, for queries times keys; 2 h + 1 its values, for weights times values.
static struct kernel_matrix head_matrix(const struct heads *heads, int which)
{
    int k = which % 2 ? heads->keys : heads->head, n = which % 2 ? heads->head : heads->keys;
    return (struct kernel_matrix){
        .k = k,
        .n = n,
        .panels = heads->panels + (size_t)which * heads->panel_floats,
        .scale = heads->scale + (size_t)which * (size_t)(k + n),
    };
}

// seen = softmax(query * keys) * values, head by head.
static void attend(const struct infer_block *b, const struct heads *heads, int keys, struct kernel_rows query,
                   size_t cells, float *scores, struct infer_room room, float *seen, size_t seen_stride)
{
    const struct kernels *kernels = b->kernels;
    const size_t score = infer_stride(heads->keys);
    for (int h = 0; h < b->plan.heads; h++) {
        struct kernel_matrix key = head_matrix(heads, 2 * h), value = head_matrix(heads, 2 * h + 1);
        struct kernel_rows own = infer_rows_from(query, 0, h * b->head);
        struct kernel_linear call = {
            .a = own, .cells = cells, .matrix = &key, .out = scores, .out_stride = score};
        infer_linear(kernels, call, NET_LINEAR);
        for (size_t i = 0; i < cells; i++)
            kernels->softmax(scores + i * score, keys);
        call = (struct kernel_linear){.a = infer_rows(kernels, scores, score, cells, heads->keys, room),
                                      .cells = cells,
                                      .matrix = &value,
                                      .out = seen + h * b->head,
                                      .out_stride = seen_stride};
        infer_linear(kernels, call, NET_LINEAR);
    }
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
    struct heads heads = {.head = b->head, .keys = kernel_pad(keys)};
    const size_t cells = (size_t)in->rows * (size_t)in->cols, n = (size_t)channels,
                 pair = (size_t)b->key_value.n;
    const size_t most = cells < TILE_CELLS ? cells : TILE_CELLS, stride = infer_stride(channels),
                 wide = infer_stride(b->query.n), hidden_stride = infer_stride(hide);

    const size_t held = kernels->precision == KERNEL_F32 ? cells
                        : (size_t)in->cols > NORM_CELLS  ? (size_t)in->cols
                                                         : NORM_CELLS;
    float *position = infer_take(arena, cells * n), *normed = infer_take(arena, held * stride);
    struct infer_room map_room = infer_take_room(arena, kernels, cells, channels);
    float *pooled = infer_take(arena, (size_t)keys * n), *kv = infer_take(arena, (size_t)keys * pair);
    float *query = infer_take(arena, most * wide), *seen = infer_take(arena, most * wide);
    float *scores = infer_take(arena, most * infer_stride(heads.keys));
    float *hidden = infer_take(arena, most * hidden_stride);
    struct infer_room pooled_room = infer_take_room(arena, kernels, (size_t)keys, channels);
    struct infer_room key_room = infer_take_room(arena, kernels, (size_t)keys, b->query.n);
    struct infer_room query_room = infer_take_room(arena, kernels, most, b->query.n);
    struct infer_room room =
        infer_take_room(arena, kernels, most, max(max(hide, heads.keys), max(channels, b->query.n)));
    heads.panel_floats = base_work_round((size_t)heads.head * (size_t)heads.keys);
    heads.panels = infer_take(arena, 2 * (size_t)b->plan.heads * heads.panel_floats);
    heads.scale = infer_take(arena, 2 * (size_t)b->plan.heads * (size_t)(heads.head + heads.keys));
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
    // Of a row of `kv`, the first half are keys. Every head's part has at most the norm of all of it.
    const struct kernel_rows all = infer_rows(kernels, kv, pair, (size_t)keys, b->query.n, key_room);
    for (int h = 0; h < b->plan.heads; h++) {
        struct kernel_matrix key = head_matrix(&heads, 2 * h), value = head_matrix(&heads, 2 * h + 1);
        kernel_matrix_turn(kernels, &key, infer_rows_from(all, 0, h * b->head), keys);
        kernel_matrix_fill(kernels, &value, kv + pair / 2 + h * b->head, pair, keys, b->head);
    }
    for (size_t first = 0; first < cells; first += most) {
        size_t count = cells - first < most ? cells - first : most;
        float *p = position + first * n;
        struct kernel_linear call = {.a = infer_rows_from(map, first, 0),
                                     .cells = count,
                                     .matrix = &b->query,
                                     .out = query,
                                     .out_stride = wide};
        infer_linear(kernels, call, NET_LINEAR);
        struct kernel_rows queries = infer_rows(kernels, query, wide, count, b->query.n, query_room);
        attend(b, &heads, keys, queries, count, scores, room, seen, wide);
        call = (struct kernel_linear){.a = infer_rows(kernels, seen, wide, count, b->query.n, room),
                                      .cells = count,
                                      .matrix = &b->out,
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
