#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/heads.h"
#include "nn/kernel.h"
#include "nn/layer.h"

enum { QUARTERS = 4 };
static const float least_variance = 1e-4f; // of standardised channels: where a deviation is not followed any more
static const struct layer_window same = {1, PAD_SYMMETRIC};

// What one tap gives to the description of its picture.
struct described {
    int rows, cols, channels;
    float *x, *x_grad; // (cells, channels) standardised
    size_t capacity;
    float *mean, *deviation, *spread; // (channels), in this order inside g
    float *quarters;                  // (QUARTERS, channels)
    size_t quarter_cells[QUARTERS];
};

struct heads_work {
    struct head_shape shape;
    struct described taps[NET_TAPS];
    float *g, *g_grad, *scaled, *scaled_grad, *keep; // (heads_global)
    float *means, *means_grad;                       // (channels[0] + channels[1])
    float *context, *context_grad;                   // (hidden)
    float *coarse, *coarse_grad;                     // (cells of stride 16, hidden)
    float *a, *r, *h, *h_grad, *r_grad;              // (cells of stride 8, hidden)
    float *patch, *patch_grad;                       // (cells)
    float *u, *u_grad;                               // (wide), before and after its relu the same mask
    float *embedding, *embedding_grad;               // (hidden + wide)
    float *class_logit;
    int32_t *top; // (k)
    int k;
    size_t cells_capacity, coarse_capacity;
};

// ---- making ----

static void add(struct heads *h, enum head_tensor tensor, const char *name, bool decay, int64_t a, int64_t b, int64_t c)
{
    struct head_part *p = &h->parts[tensor];
    *p = (struct head_part){.name = name, .shape = {a, b, c}, .at = h->size, .decay = decay};
    p->count = (size_t)a * (size_t)(b ? b : 1) * (size_t)(c ? c : 1);
    h->size += p->count;
}

static void layout(struct heads *h)
{
    const struct head_shape *s = &h->shape;
    int fine = s->channels[0], coarse = s->channels[1], n = s->hidden, g = heads_global(s), e = heads_embedding(s);
    int classes = s->classes;
    add(h, HEAD_LOCAL_FINE, "heads.local.fine", true, fine, n, 0);
    add(h, HEAD_LOCAL_COARSE, "heads.local.coarse", true, coarse, n, 0);
    add(h, HEAD_LOCAL_MEANS, "heads.local.means", true, fine + coarse, n, 0);
    add(h, HEAD_LOCAL_BIAS, "heads.local.bias", false, n, 0, 0);
    add(h, HEAD_MIX, "heads.local.mix", true, 3, 3, n);
    add(h, HEAD_PATCH, "heads.patch.weight", true, n, 0, 0);
    add(h, HEAD_PATCH_BIAS, "heads.patch.bias", false, 1, 0, 0);
    add(h, HEAD_GLOBAL, "heads.global.weight", true, g, s->wide, 0);
    add(h, HEAD_GLOBAL_BIAS, "heads.global.bias", false, s->wide, 0, 0);
    add(h, HEAD_PICTURE, "heads.picture.weight", true, s->wide, 0, 0);
    add(h, HEAD_BLEND, "heads.picture.blend", false, 3, 0, 0);
    add(h, HEAD_CLASS, "heads.class.weight", true, e, classes, 0);
    add(h, HEAD_CLASS_BIAS, "heads.class.bias", false, classes, 0, 0);
    h->parts[HEAD_CLASS].count = (size_t)e * (size_t)classes;
    if (!classes)
        h->size = h->parts[HEAD_CLASS].at;
    h->trained = h->size;
    add(h, HEAD_MEAN_FINE, "heads.fine.mean", false, fine, 0, 0);
    add(h, HEAD_INVERSE_FINE, "heads.fine.inverse", false, fine, 0, 0);
    add(h, HEAD_MEAN_COARSE, "heads.coarse.mean", false, coarse, 0, 0);
    add(h, HEAD_INVERSE_COARSE, "heads.coarse.inverse", false, coarse, 0, 0);
    add(h, HEAD_MEAN_GLOBAL, "heads.global.mean", false, g, 0, 0);
    add(h, HEAD_INVERSE_GLOBAL, "heads.global.inverse", false, g, 0, 0);
    add(h, HEAD_CLASS_COUNT, "heads.class.count", false, classes, 0, 0);
    add(h, HEAD_CLASS_MEAN, "heads.class.mean", false, classes, e, 0);
    add(h, HEAD_CLASS_SCALE, "heads.class.scale", false, e, 0, 0);
    add(h, HEAD_CLASS_RADIUS, "heads.class.radius", false, classes, 0, 0);
}

static void fill_random(float *values, size_t count, double sd, struct rng *rng)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(sd * rng_normal(rng));
}

static void fill(struct heads *h, enum head_tensor tensor, float value)
{
    for (size_t i = 0; i < h->parts[tensor].count; i++)
        heads_values(h, tensor)[i] = value;
}

struct heads *heads_new(const struct head_shape *shape, uint64_t seed)
{
    struct heads *h = xcalloc(1, sizeof *h);
    struct rng rng = rng_seed(seed);
    h->shape = *shape;
    layout(h);
    h->values = xcalloc(h->size, sizeof *h->values);
    double both = shape->channels[0] + shape->channels[1];
    static const enum head_tensor inverse[] = {HEAD_INVERSE_FINE, HEAD_INVERSE_COARSE, HEAD_INVERSE_GLOBAL,
                                               HEAD_CLASS_SCALE};
    fill_random(heads_values(h, HEAD_LOCAL_FINE), h->parts[HEAD_LOCAL_FINE].count, 1 / sqrt(both), &rng);
    fill_random(heads_values(h, HEAD_LOCAL_COARSE), h->parts[HEAD_LOCAL_COARSE].count, 1 / sqrt(both), &rng);
    fill_random(heads_values(h, HEAD_PATCH), h->parts[HEAD_PATCH].count, 0.5 / sqrt(shape->hidden), &rng);
    fill_random(heads_values(h, HEAD_GLOBAL), h->parts[HEAD_GLOBAL].count, 1 / sqrt(3 * both), &rng);
    fill_random(heads_values(h, HEAD_PICTURE), h->parts[HEAD_PICTURE].count, 0.5 / sqrt(shape->wide), &rng);
    heads_values(h, HEAD_BLEND)[0] = 1;
    heads_values(h, HEAD_BLEND)[1] = 1;
    for (size_t i = 0; i < sizeof inverse / sizeof *inverse; i++)
        fill(h, inverse[i], 1);
    return h;
}

struct heads *heads_copy(const struct heads *heads)
{
    struct heads *h = xmalloc(sizeof *h);
    *h = *heads;
    h->values = xmalloc(h->size * sizeof *h->values);
    memcpy(h->values, heads->values, h->size * sizeof *h->values);
    return h;
}

void heads_free(struct heads *heads)
{
    if (!heads)
        return;
    free(heads->values);
    free(heads);
}

static float *floats(int count)
{
    return xcalloc((size_t)count + 1, sizeof(float));
}

struct heads_work *heads_work_new(const struct head_shape *shape)
{
    struct heads_work *w = xcalloc(1, sizeof *w);
    int g = heads_global(shape), e = heads_embedding(shape), both = shape->channels[0] + shape->channels[1];
    w->shape = *shape;
    w->g = floats(g), w->g_grad = floats(g), w->scaled = floats(g), w->scaled_grad = floats(g), w->keep = floats(g);
    w->means = floats(both), w->means_grad = floats(both);
    w->context = floats(shape->hidden), w->context_grad = floats(shape->hidden);
    w->u = floats(shape->wide), w->u_grad = floats(shape->wide);
    w->embedding = floats(e), w->embedding_grad = floats(e), w->class_logit = floats(shape->classes);
    size_t at = 0;
    for (int t = 0; t < NET_TAPS; t++) {
        struct described *d = &w->taps[t];
        size_t n = (size_t)shape->channels[t];
        d->channels = shape->channels[t];
        d->mean = w->g + at;
        d->deviation = w->g + at + n;
        d->spread = w->g + at + 2 * n;
        d->quarters = floats(QUARTERS * d->channels);
        at += 3 * n;
    }
    return w;
}

void heads_work_free(struct heads_work *w)
{
    if (!w)
        return;
    free(w->g), free(w->g_grad), free(w->scaled), free(w->scaled_grad), free(w->keep);
    free(w->means), free(w->means_grad), free(w->context), free(w->context_grad);
    free(w->coarse), free(w->coarse_grad), free(w->a), free(w->r), free(w->h), free(w->h_grad), free(w->r_grad);
    free(w->patch), free(w->patch_grad), free(w->u), free(w->u_grad);
    free(w->embedding), free(w->embedding_grad), free(w->class_logit), free(w->top);
    for (int t = 0; t < NET_TAPS; t++)
        free(w->taps[t].x), free(w->taps[t].x_grad), free(w->taps[t].quarters);
    free(w);
}

static void reserve(float **buffer, size_t count)
{
    free(*buffer);
    *buffer = xaligned(count, sizeof **buffer);
}

static void make_room(struct heads_work *w, const struct graph_tap taps[NET_TAPS])
{
    size_t cells = (size_t)taps[0].rows * (size_t)taps[0].cols, n = (size_t)w->shape.hidden;
    size_t coarse = (size_t)taps[1].rows * (size_t)taps[1].cols;
    if (cells > w->cells_capacity) {
        reserve(&w->a, cells * n), reserve(&w->r, cells * n), reserve(&w->h, cells * n);
        reserve(&w->h_grad, cells * n), reserve(&w->r_grad, cells * n);
        reserve(&w->patch, cells), reserve(&w->patch_grad, cells);
        free(w->top);
        w->top = xcalloc(cells, sizeof *w->top);
        w->cells_capacity = cells;
    }
    if (coarse > w->coarse_capacity) {
        reserve(&w->coarse, coarse * n), reserve(&w->coarse_grad, coarse * n);
        w->coarse_capacity = coarse;
    }
    for (int t = 0; t < NET_TAPS; t++) {
        struct described *d = &w->taps[t];
        size_t count = (size_t)taps[t].rows * (size_t)taps[t].cols * (size_t)d->channels;
        d->rows = taps[t].rows;
        d->cols = taps[t].cols;
        if (count > d->capacity) {
            reserve(&d->x, count), reserve(&d->x_grad, count);
            d->capacity = count;
        }
    }
}

// ---- the description g ----

static int quarter_of(const struct described *d, int row, int col)
{
    return 2 * (row >= (d->rows + 1) / 2) + (col >= (d->cols + 1) / 2);
}

KERNEL_CLONES static void standardise(const float *restrict values, const float *restrict mean, const float *restrict inverse, size_t n,
                                      float *restrict x, float *restrict sum)
{
    for (size_t k = 0; k < n; k++) {
        x[k] = (values[k] - mean[k]) * inverse[k];
        sum[k] += x[k];
    }
}

KERNEL_CLONES static void add_squares(const float *restrict x, const float *restrict mean, size_t n, float *restrict sum)
{
    for (size_t k = 0; k < n; k++) {
        float difference = x[k] - mean[k];
        sum[k] += difference * difference;
    }
}

static void describe(struct described *d, const float *values, const float *mean, const float *inverse)
{
    size_t n = (size_t)d->channels, cells = (size_t)d->rows * (size_t)d->cols;
    memset(d->quarters, 0, QUARTERS * n * sizeof *d->quarters);
    memset(d->quarter_cells, 0, sizeof d->quarter_cells);
    memset(d->mean, 0, n * sizeof(float));
    memset(d->deviation, 0, n * sizeof(float));
    memset(d->spread, 0, n * sizeof(float));
    for (int row = 0; row < d->rows; row++)
        for (int col = 0; col < d->cols; col++) {
            size_t at = ((size_t)row * (size_t)d->cols + (size_t)col) * n;
            int q = quarter_of(d, row, col);
            d->quarter_cells[q]++;
            standardise(values + at, mean, inverse, n, d->x + at, d->quarters + (size_t)q * n);
        }
    int filled = 0;
    for (int q = 0; q < QUARTERS; q++) {
        float *sum = d->quarters + (size_t)q * n, part = d->quarter_cells[q] ? 1 / (float)d->quarter_cells[q] : 0;
        filled += d->quarter_cells[q] > 0;
        for (size_t k = 0; k < n; k++) {
            d->mean[k] += sum[k] / (float)cells;
            sum[k] *= part;
        }
    }
    for (size_t c = 0; c < cells; c++)
        add_squares(d->x + c * n, d->mean, n, d->deviation);
    for (size_t k = 0; k < n; k++)
        d->deviation[k] = sqrtf(d->deviation[k] / (float)cells + least_variance);
    for (size_t k = 0; k < n; k++) { // a picture of one row has two quarters
        float middle = 0, square = 0;
        for (int q = 0; q < QUARTERS; q++)
            middle += d->quarter_cells[q] ? d->quarters[(size_t)q * n + k] / (float)filled : 0;
        for (int q = 0; q < QUARTERS; q++) {
            float difference = d->quarter_cells[q] ? d->quarters[(size_t)q * n + k] - middle : 0;
            d->quarters[(size_t)q * n + k] = difference; // what the way back needs
            square += difference * difference / (float)filled;
        }
        d->spread[k] = sqrtf(square + least_variance);
    }
}

// Adds to d->x_grad what flows into mean, deviation and spread: (3, channels).
static void describe_backward(struct described *d, const float *grad)
{
    size_t n = (size_t)d->channels, cells = (size_t)d->rows * (size_t)d->cols;
    const float *to_mean = grad, *to_deviation = grad + n, *to_spread = grad + 2 * n;
    int filled = 0;
    for (int q = 0; q < QUARTERS; q++)
        filled += d->quarter_cells[q] > 0;
    for (int q = 0; q < QUARTERS; q++)
        for (size_t k = 0; k < n && d->quarter_cells[q]; k++) // becomes the gradient of each of the quarter's cells
            d->quarters[(size_t)q * n + k] = to_mean[k] / (float)cells + to_spread[k] * d->quarters[(size_t)q * n + k] /
                                                                             (d->spread[k] * (float)filled) /
                                                                             (float)d->quarter_cells[q];
    for (int row = 0; row < d->rows; row++)
        for (int col = 0; col < d->cols; col++) {
            size_t at = ((size_t)row * (size_t)d->cols + (size_t)col) * n;
            const float *even = d->quarters + (size_t)quarter_of(d, row, col) * n, *x = d->x + at;
            float *to = d->x_grad + at;
            for (size_t k = 0; k < n; k++)
                to[k] += even[k] + to_deviation[k] * (x[k] - d->mean[k]) / (d->deviation[k] * (float)cells);
        }
}

void heads_describe(const struct heads *heads, struct heads_work *w, const struct graph_tap taps[NET_TAPS], float *g)
{
    make_room(w, taps);
    describe(&w->taps[0], taps[0].values, heads_values(heads, HEAD_MEAN_FINE), heads_values(heads, HEAD_INVERSE_FINE));
    describe(&w->taps[1], taps[1].values, heads_values(heads, HEAD_MEAN_COARSE),
             heads_values(heads, HEAD_INVERSE_COARSE));
    memcpy(g, w->g, (size_t)heads_global(&heads->shape) * sizeof *g);
}

// ---- forward ----

static float dot(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return (float)sum;
}

static void local_forward(const struct heads *h, struct heads_work *w, struct heads_out *out)
{
    const struct head_shape *s = &h->shape;
    const struct described *fine = &w->taps[0], *coarse = &w->taps[1];
    int n = s->hidden;
    struct layer_map map = {1, fine->rows, fine->cols, n}, low = {1, coarse->rows, coarse->cols, n};
    struct layer_map logits = {1, fine->rows, fine->cols, 1};
    size_t cells = layer_cells(map), count = layer_values(map);
    memcpy(w->means, fine->mean, (size_t)fine->channels * sizeof(float));
    memcpy(w->means + fine->channels, coarse->mean, (size_t)coarse->channels * sizeof(float));
    layer_linear(w->means, 1, fine->channels + coarse->channels, n, heads_values(h, HEAD_LOCAL_MEANS),
                 heads_values(h, HEAD_LOCAL_BIAS), w->context);
    layer_linear(coarse->x, layer_cells(low), coarse->channels, n, heads_values(h, HEAD_LOCAL_COARSE), w->context,
                 w->coarse);
    layer_resize(w->coarse, low, fine->rows, fine->cols, w->r);
    layer_linear(fine->x, cells, fine->channels, n, heads_values(h, HEAD_LOCAL_FINE), NULL, w->a);
    layer_add(w->a, w->r, count);
    layer_relu(w->a, count, w->r);
    layer_depthwise(w->r, map, same, heads_values(h, HEAD_MIX), NULL, w->h);
    layer_add(w->h, w->r, count);
    layer_relu(w->h, count, w->h);
    layer_linear(w->h, cells, n, 1, heads_values(h, HEAD_PATCH), heads_values(h, HEAD_PATCH_BIAS), w->patch);
    w->k = (int)(s->top_share * (double)cells + 0.5);
    w->k = w->k < 1 ? 1 : w->k > (int)cells ? (int)cells : w->k;
    layer_top(w->patch, logits, w->k, w->top, &out->local);
    memset(w->embedding, 0, (size_t)n * sizeof(float));
    for (int i = 0; i < w->k; i++)
        for (int c = 0; c < n; c++)
            w->embedding[c] += w->h[(size_t)w->top[i] * (size_t)n + (size_t)c] / (float)w->k;
}

static void global_forward(const struct heads *h, struct heads_work *w, double dropout, struct rng *rng,
                           struct heads_out *out)
{
    int g = heads_global(&h->shape), wide = h->shape.wide;
    const float *mean = heads_values(h, HEAD_MEAN_GLOBAL), *inverse = heads_values(h, HEAD_INVERSE_GLOBAL);
    for (int i = 0; i < g; i++) {
        w->keep[i] = !rng ? 1 : rng_uniform(rng) < dropout ? 0 : (float)(1 / (1 - dropout));
        w->scaled[i] = (w->g[i] - mean[i]) * inverse[i] * w->keep[i];
    }
    layer_linear(w->scaled, 1, g, wide, heads_values(h, HEAD_GLOBAL), heads_values(h, HEAD_GLOBAL_BIAS), w->u);
    layer_relu(w->u, (size_t)wide, w->u);
    out->global = dot(w->u, heads_values(h, HEAD_PICTURE), wide);
    memcpy(w->embedding + h->shape.hidden, w->u, (size_t)wide * sizeof(float));
}

void heads_forward(const struct heads *h, struct heads_work *w, const struct graph_tap taps[NET_TAPS], double dropout,
                   struct rng *rng, struct heads_out *out)
{
    const float *blend = heads_values(h, HEAD_BLEND);
    heads_describe(h, w, taps, w->g_grad); // the copy is not needed
    local_forward(h, w, out);
    global_forward(h, w, dropout, rng, out);
    out->logit = blend[0] * out->local + blend[1] * out->global + blend[2];
    if (h->shape.classes)
        layer_linear(w->embedding, 1, heads_embedding(&h->shape), h->shape.classes, heads_values(h, HEAD_CLASS),
                     heads_values(h, HEAD_CLASS_BIAS), w->class_logit);
    out->rows = taps[0].rows;
    out->cols = taps[0].cols;
    out->patch = w->patch;
    out->embedding = w->embedding;
    out->class_logit = w->class_logit;
}

// ---- backward ----

static float *of(const struct heads *h, float *grad, enum head_tensor tensor)
{
    return grad + h->parts[tensor].at;
}

// to_h: into the embedding's first part, or NULL. Leaves the gradient of x in the taps' x_grad (overwritten).
static void local_backward(const struct heads *h, struct heads_work *w, const float *patch, float to_local,
                           const float *to_h, float *grad, float *const wanted[NET_TAPS])
{
    const struct head_shape *s = &h->shape;
    struct described *fine = &w->taps[0], *coarse = &w->taps[1];
    int n = s->hidden;
    struct layer_map map = {1, fine->rows, fine->cols, n}, low = {1, coarse->rows, coarse->cols, n};
    size_t cells = layer_cells(map), count = layer_values(map);
    if (patch)
        memcpy(w->patch_grad, patch, cells * sizeof(float));
    else
        memset(w->patch_grad, 0, cells * sizeof(float));
    for (int i = 0; i < w->k; i++)
        w->patch_grad[w->top[i]] += to_local / (float)w->k;
    layer_linear_backward(w->h, cells, n, 1, heads_values(h, HEAD_PATCH), w->patch_grad, w->h_grad,
                          of(h, grad, HEAD_PATCH), of(h, grad, HEAD_PATCH_BIAS));
    for (int i = 0; to_h && i < w->k; i++)
        for (int c = 0; c < n; c++)
            w->h_grad[(size_t)w->top[i] * (size_t)n + (size_t)c] += to_h[c] / (float)w->k;
    layer_relu_backward(w->h, w->h_grad, count, w->h_grad);
    layer_depthwise_backward(w->r, map, same, heads_values(h, HEAD_MIX), w->h_grad, w->r_grad, of(h, grad, HEAD_MIX),
                             NULL);
    layer_add(w->r_grad, w->h_grad, count);
    layer_relu_backward(w->a, w->r_grad, count, w->r_grad);
    layer_linear_backward(fine->x, cells, fine->channels, n, heads_values(h, HEAD_LOCAL_FINE), w->r_grad,
                          wanted[0] ? fine->x_grad : NULL, of(h, grad, HEAD_LOCAL_FINE), NULL);
    layer_resize_backward(w->r_grad, low, fine->rows, fine->cols, w->coarse_grad);
    memset(w->context_grad, 0, (size_t)n * sizeof(float));
    layer_linear_backward(coarse->x, layer_cells(low), coarse->channels, n, heads_values(h, HEAD_LOCAL_COARSE),
                          w->coarse_grad, wanted[1] ? coarse->x_grad : NULL, of(h, grad, HEAD_LOCAL_COARSE), w->context_grad);
    layer_linear_backward(w->means, 1, fine->channels + coarse->channels, n, heads_values(h, HEAD_LOCAL_MEANS),
                          w->context_grad, w->means_grad, of(h, grad, HEAD_LOCAL_MEANS), of(h, grad, HEAD_LOCAL_BIAS));
}

// to_u: into the embedding's second part, or NULL. Leaves the gradient of g in g_grad.
static void global_backward(const struct heads *h, struct heads_work *w, float to_global, const float *to_u, float *grad)
{
    int g = heads_global(&h->shape), wide = h->shape.wide;
    const float *inverse = heads_values(h, HEAD_INVERSE_GLOBAL), *picture = heads_values(h, HEAD_PICTURE);
    for (int i = 0; i < wide; i++) {
        of(h, grad, HEAD_PICTURE)[i] += to_global * w->u[i];
        w->u_grad[i] = w->u[i] > 0 ? to_global * picture[i] + (to_u ? to_u[i] : 0) : 0;
    }
    layer_linear_backward(w->scaled, 1, g, wide, heads_values(h, HEAD_GLOBAL), w->u_grad, w->scaled_grad,
                          of(h, grad, HEAD_GLOBAL), of(h, grad, HEAD_GLOBAL_BIAS));
    for (int i = 0; i < g; i++)
        w->g_grad[i] = w->scaled_grad[i] * inverse[i] * w->keep[i];
}

void heads_backward(const struct heads *h, struct heads_work *w, const struct heads_grad *from, float *grad,
                    float *const tap_grads[NET_TAPS])
{
    const struct head_shape *s = &h->shape;
    const float *blend = heads_values(h, HEAD_BLEND), *to_h = NULL, *to_u = NULL;
    float local = 0, *to_blend = of(h, grad, HEAD_BLEND);
    for (int i = 0; i < w->k; i++)
        local += w->patch[w->top[i]] / (float)w->k;
    to_blend[0] += from->logit * local;
    to_blend[1] += from->logit * dot(w->u, heads_values(h, HEAD_PICTURE), s->wide);
    to_blend[2] += from->logit;
    if (from->class_logit && s->classes) {
        layer_linear_backward(w->embedding, 1, heads_embedding(s), s->classes, heads_values(h, HEAD_CLASS),
                              from->class_logit, w->embedding_grad, of(h, grad, HEAD_CLASS), of(h, grad, HEAD_CLASS_BIAS));
        to_h = w->embedding_grad;
        to_u = w->embedding_grad + s->hidden;
    }
    local_backward(h, w, from->patch, from->local + from->logit * blend[0], to_h, grad, tap_grads);
    global_backward(h, w, from->global + from->logit * blend[1], to_u, grad);
    static const enum head_tensor inverses[NET_TAPS] = {HEAD_INVERSE_FINE, HEAD_INVERSE_COARSE};
    size_t at_g = 0, at_means = 0;
    for (int t = 0; t < NET_TAPS; t++) {
        struct described *d = &w->taps[t];
        size_t n = (size_t)d->channels, cells = (size_t)d->rows * (size_t)d->cols;
        const float *inverse = heads_values(h, inverses[t]);
        if (tap_grads[t]) {
            layer_add(w->g_grad + at_g, w->means_grad + at_means, n); // means go both ways
            describe_backward(d, w->g_grad + at_g);
            for (size_t c = 0; c < cells; c++)
                for (size_t k = 0; k < n; k++)
                    tap_grads[t][c * n + k] = d->x_grad[c * n + k] * inverse[k];
        }
        at_g += 3 * n;
        at_means += n;
    }
}
