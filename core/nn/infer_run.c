#include "config.h"

#include <string.h>

#include "nn/infer.h"

static size_t map_floats(const struct infer_map *map)
{
    return base_work_round((size_t)map->rows * (size_t)map->cols * (size_t)map->channels);
}

// Where whole maps lie: back and forth between two buffers; a tap stays where nothing overwrites it.
struct layout {
    float *side[2], *tap[BASE_TAPS], *compact[BASE_TAPS];
    size_t side_floats[2];
    struct infer_arena scratch; // from here on, every part begins anew
    size_t most;                // scratch that a part needs
};

// A tap without the padding of its channels.
static struct tap tap_of(const struct infer_block *b, const struct infer_map *map, float *compact)
{
    size_t to = (size_t)b->plan.to, cells = (size_t)map->rows * (size_t)map->cols;
    for (size_t c = 0; compact && c < cells; c++)
        memcpy(compact + c * to, map->data + c * (size_t)map->channels, to * sizeof *compact);
    return (struct tap){map->rows, map->cols, b->plan.to, compact ? compact : map->data};
}

// With layout->scratch.memory NULL it only finds out how much every part needs.
static void run(const struct infer *infer, const float *rgb, struct infer_map map, struct layout *layout,
                struct tap taps[BASE_TAPS])
{
    for (int first = 0, end, next = 0; first < infer->count; first = end) {
        bool attention = infer->blocks[first].plan.type == NET_ATTENTION;
        end = attention ? first + 1 : infer_chain_end(infer, first, map);
        struct infer_map out = map;
        for (int i = first; i < end; i++)
            out = infer_shape(&infer->blocks[i], &out);
        const struct infer_block *last = &infer->blocks[end - 1];
        const int tap = last->plan.tap;
        struct infer_arena scratch = layout->scratch;
        out.data = tap >= 0 ? layout->tap[tap] : layout->side[next];
        if (attention)
            infer_attention(last, &map, &scratch, out.data);
        else
            infer_chain(infer->blocks, first, end, rgb, &map, &out, &scratch);
        layout->most = scratch.used > layout->most ? scratch.used : layout->most;
        if (tap >= 0 && scratch.memory)
            taps[tap] = tap_of(last, &out, layout->compact[tap]);
        else if (tap >= 0)
            taps[tap] = (struct tap){out.rows, out.cols, out.channels, NULL};
        else if (map_floats(&out) > layout->side_floats[next])
            layout->side_floats[next] = map_floats(&out);
        next = tap >= 0 ? next : !next;
        if (!last->plan.branch)
            map = out;
    }
}

static void lay_out(const struct infer *infer, const struct tap taps[BASE_TAPS], struct infer_arena *arena,
                    struct layout *layout)
{
    for (int i = 0; i < 2; i++)
        layout->side[i] = infer_take(arena, layout->side_floats[i]);
    for (int t = 0; t < BASE_TAPS; t++) {
        size_t cells = (size_t)taps[t].rows * (size_t)taps[t].cols,
               channels = (size_t)infer->base.info.channels[t];
        layout->tap[t] = infer_take(arena, cells * (size_t)taps[t].channels);
        layout->compact[t] = (size_t)taps[t].channels > channels ? infer_take(arena, cells * channels) : NULL;
    }
    layout->scratch.memory = arena->memory ? infer_take(arena, layout->most) : NULL;
}

void infer_taps(const struct base *base, struct base_work *work, const float *rgb, int rows, int cols,
                struct tap taps[BASE_TAPS])
{
    const struct infer *infer = (const struct infer *)base;
    const struct infer_map picture = {NULL, rows, cols, 3, rows};
    struct layout layout = {.most = 0};
    struct infer_arena arena = {NULL, 0};
    run(infer, rgb, picture, &layout, taps); // counts
    lay_out(infer, taps, &arena, &layout);
    arena = (struct infer_arena){base_work_floats(work, arena.used + layout.most), 0};
    lay_out(infer, taps, &arena, &layout);
    run(infer, rgb, picture, &layout, taps);
}
