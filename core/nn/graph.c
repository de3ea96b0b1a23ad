#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/graph_impl.h"

enum { CHUNK_FLOATS = 1 << 22, CACHED = 96 << 10 };

float *graph_take(struct graph *g, size_t count)
{
    count = (count + 15) / 16 * 16;
    while (g->chunk < g->chunk_count && g->used + count > g->chunks[g->chunk].capacity) {
        g->chunk++;
        g->used = 0;
    }
    if (g->chunk == g->chunk_count) {
        GROW(g->chunks, g->chunk_capacity, g->chunk_count + 1);
        size_t capacity = count > CHUNK_FLOATS ? count : CHUNK_FLOATS;
        g->chunks[g->chunk_count++] = (struct graph_chunk){xaligned(capacity, sizeof(float)), capacity};
    }
    float *memory = g->chunks[g->chunk].floats + g->used;
    g->used += count;
    return memory;
}

struct graph_mark graph_mark(const struct graph *g)
{
    return (struct graph_mark){g->chunk, g->used};
}

void graph_release(struct graph *g, struct graph_mark mark)
{
    g->chunk = mark.chunk;
    g->used = mark.used;
}

int graph_part(const struct layer_map *shape, int widest)
{
    size_t one = (size_t)shape->rows * (size_t)shape->cols * (size_t)widest;
    size_t part = CACHED / one;
    return part < 1 ? 1 : part < (size_t)shape->count ? (int)part : shape->count;
}

struct graph *graph_new(void)
{
    return xcalloc(1, sizeof(struct graph));
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->chunk_count; i++)
        free(g->chunks[i].floats);
    free(g->chunks);
    for (int i = 0; i < 2; i++)
        free(g->flip[i].floats);
    free(g);
}

size_t graph_kept(const struct graph *g)
{
    return g->kept;
}

// One of two buffers that maps take turns in: the one that `busy` (or NULL) is not.
static float *flip(struct graph *g, const float *busy, size_t count)
{
    struct graph_chunk *c = &g->flip[busy && busy == g->flip[0].floats];
    if (count > c->capacity) {
        free(c->floats);
        *c = (struct graph_chunk){xaligned(count, sizeof(float)), count};
    }
    return c->floats;
}

// ---- forward ----

void graph_forward(struct graph *g, const struct net *net, int frozen, const float *rgb, int n, int rows, int cols,
                   struct graph_tap taps[NET_TAPS])
{
    const struct graph_pass whole = {.end = net->plan.count, .frozen = frozen};
    graph_run(g, net, &whole, rgb, n, rows, cols, taps, NULL);
}

void graph_run(struct graph *g, const struct net *net, const struct graph_pass *pass, const float *in, int n, int rows,
               int cols, struct graph_tap taps[NET_TAPS], struct graph_tap *out)
{
    int frozen = pass->frozen;
    g->chunk = 0;
    g->used = 0;
    g->pass = *pass;
    struct layer_map shape = {n, rows, cols, net->plan.blocks[pass->first].from};
    const float *x = in;
    if (pass->first == 0) {
        float *scaled = frozen > 0 ? flip(g, NULL, layer_values(shape)) : graph_take(g, layer_values(shape));
        for (size_t i = 0; i < layer_values(shape); i++)
            scaled[i] = in[i] / 127.5f - 1;
        x = scaled;
    }
    for (int i = pass->first; i < pass->end; i++) {
        const struct net_block *b = &net->plan.blocks[i];
        struct graph_block *k = &g->blocks[i];
        *k = (struct graph_block){.in = shape, .x = x, .train = i >= frozen, .mark = graph_mark(g)};
        k->measured = k->train && !pass->running;
        k->out_shape = layer_after(shape, b->to, (struct layer_window){b->stride, (enum layer_padding)net->plan.padding});
        size_t count = layer_values(k->out_shape);
        // Frozen blocks take turns with two buffers; what is trained, a tap, or read by a trained block, stays.
        bool read = i + 1 == frozen || (i + 2 == frozen && net->plan.blocks[i + 1].branch);
        bool stays = k->train || b->tap >= 0 || read;
        k->out = stays ? graph_take(g, count) : flip(g, x, count);
        struct graph_mark scratch = graph_mark(g);
        if (b->type == NET_ATTENTION)
            graph_attention(g, net, i);
        else
            graph_convolution(g, net, i);
        if (!k->train)
            graph_release(g, scratch);
        if (b->tap >= 0)
            taps[b->tap] = (struct graph_tap){k->out_shape.rows, k->out_shape.cols, b->to, k->out};
        if (!b->branch) {
            x = k->out;
            shape = k->out_shape;
        }
    }
    if (out)
        *out = (struct graph_tap){shape.rows, shape.cols, shape.channels, x};
    g->kept = 0;
    for (size_t i = 0; i < g->chunk; i++)
        g->kept += g->chunks[i].capacity * sizeof(float);
    g->kept += g->used * sizeof(float);
}

// ---- backward ----

void graph_backward(struct graph *g, const struct net *net, const float *const tap_grads[NET_TAPS], struct net *grads)
{
    bool any = tap_grads[0] || tap_grads[1];
    float *grad = NULL; // of the trunk after block i; NULL while nothing flows
    for (int i = g->pass.end - 1; i >= g->pass.frozen; i--) {
        const struct net_block *b = &net->plan.blocks[i];
        struct graph_block *k = &g->blocks[i];
        if (k->measured)
            graph_note_statistics(g, net, i, grads);
        if (!any)
            continue;
        const float *tap = b->tap >= 0 ? tap_grads[b->tap] : NULL;
        size_t in_count = layer_values(k->in), out_count = layer_values(k->out_shape);
        struct graph_mark scratch = graph_mark(g);
        float *out_grad = NULL;
        if (b->branch) {
            if (tap) {
                out_grad = graph_take(g, out_count);
                memcpy(out_grad, tap, out_count * sizeof *out_grad);
            }
        } else {
            out_grad = grad;
            if (!out_grad && tap) {
                out_grad = flip(g, NULL, out_count);
                memcpy(out_grad, tap, out_count * sizeof *out_grad);
            } else if (tap) {
                layer_add(out_grad, tap, out_count);
            }
        }
        if (out_grad) {
            bool wanted = i > g->pass.frozen;
            // A branch adds to what flows along the trunk, which stands in the other buffer.
            bool join = b->branch && grad != NULL;
            float *in_grad = !wanted ? NULL : join ? graph_take(g, in_count) : flip(g, out_grad, in_count);
            if (b->type == NET_ATTENTION)
                graph_attention_backward(g, net, i, out_grad, in_grad, grads);
            else
                graph_convolution_backward(g, net, i, out_grad, in_grad, grads);
            if (join && wanted)
                layer_add(grad, in_grad, in_count);
            else
                grad = in_grad;
        }
        graph_release(g, scratch);
        graph_release(g, k->mark);
    }
}
