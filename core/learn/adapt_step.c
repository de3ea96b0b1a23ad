// A step of training: which views, what the loss is, which way the weights go.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "learn/adapt_impl.h"
#include "nn/layer.h"
#include "nn/loss.h"
#include "nn/optim.h"

static const double warmup = 0.05, clip = 5, branch_weight = 0.5;
static const struct optim_adamw adamw = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};

struct rng trainer_stream(const struct trainer *t, int kind, int step, int index)
{
    uint64_t x = t->options.seed;
    return rng_seed(rng_splitmix(&x) ^ (uint64_t)kind << 56 ^ (uint64_t)step << 16 ^ (uint64_t)index);
}

// ---- the batch ----

static size_t draw_defect(const struct trainer *t, struct rng *rng)
{
    size_t low = 0, high = t->side_counts[ADAPT_DEFECT] - 1;
    double x = rng_uniform(rng) * t->cumulative[high];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t->cumulative[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return t->sides[ADAPT_DEFECT][low];
}

void trainer_choose(struct trainer *t)
{
    const struct adapt_options *o = &t->options;
    struct rng rng = trainer_stream(t, STREAM_BATCH, t->step, 0);
    for (int i = 0; i < o->batch; i++) {
        double at = (i + rng_uniform(&rng)) / o->batch; // each kind's share, to within one
        bool flawed = at >= o->defects && at < o->defects + o->synthetic;
        enum adapt_side side = at < o->defects ? ADAPT_DEFECT : ADAPT_NORMAL;
        if (at >= o->defects + o->synthetic && at < o->defects + o->synthetic + o->pool)
            side = ADAPT_POOL;
        if (side == ADAPT_DEFECT && !t->side_counts[ADAPT_DEFECT]) {
            flawed = true;
            side = ADAPT_NORMAL;
        }
        if (flawed && t->side_counts[ADAPT_POOL] && rng_below(&rng, 2))
            side = ADAPT_POOL;
        if (side != ADAPT_DEFECT && !t->side_counts[side])
            side = side == ADAPT_POOL ? ADAPT_NORMAL : ADAPT_POOL;
        size_t entry = side == ADAPT_DEFECT ? draw_defect(t, &rng)
                                            : t->sides[side][rng_below(&rng, t->side_counts[side])];
        int plain = adapt_views_plain(t->views, entry), flaws = adapt_views_flawed(t->views, entry);
        int view = flawed && flaws ? plain + (int)rng_below(&rng, (uint64_t)flaws) : (int)rng_below(&rng, (uint64_t)plain);
        t->batch[i] = (struct adapt_sample){entry, view};
    }
}

// ---- a view ----

enum status trainer_taps(struct trainer *t, int worker, size_t entry, int view, bool train, const struct adapt_view **out,
                         struct graph_tap taps[NET_TAPS], struct error *err)
{
    const float *map;
    int rows, cols;
    enum status status = adapt_view_get(t->views, worker, entry, view, out, &map, &rows, &cols, err);
    if (status != ST_OK)
        return status;
    int count = t->base->plan.count;
    if (t->start == count) {
        int channels = t->heads->shape.channels[0];
        taps[0] = (struct graph_tap){rows, cols, channels, map};
        taps[1] = (struct graph_tap){rows / 2, cols / 2, t->heads->shape.channels[1], map + (size_t)rows * (size_t)cols * (size_t)channels};
        return ST_OK;
    }
    const struct graph_pass pass = {t->start, count, train ? t->adapter->first : count, true};
    graph_run(t->shares[worker].graph, t->merged, &pass, map, 1, rows, cols, taps, NULL);
    return ST_OK;
}

// Cells of both sides have half the weight each, whatever their numbers.
static double patch_loss(const struct adapt_view *view, const struct heads_out *out, double factor, float *grad)
{
    size_t cells = (size_t)out->rows * (size_t)out->cols, counts[2] = {0};
    double loss = 0;
    for (size_t i = 0; i < cells; i++)
        if (view->target[i] >= 0)
            counts[view->target[i]]++;
    double half = counts[0] && counts[1] ? 0.5 : 1;
    for (size_t i = 0; i < cells; i++) {
        grad[i] = 0;
        if (view->target[i] < 0)
            continue;
        float target = view->target[i];
        double part = half / (double)counts[view->target[i]];
        loss += part * loss_binary(&out->patch[i], &target, NULL, 1, factor * part, &grad[i]);
    }
    return loss;
}

static double logistic(float logit, bool defect, double factor, float *grad)
{
    float target = defect;
    return loss_binary(&logit, &target, NULL, 1, factor, grad);
}

static void reserve(float **buffer, size_t *capacity, size_t count)
{
    if (count > *capacity) {
        free(*buffer);
        *buffer = xaligned(count, sizeof **buffer);
        *capacity = count;
    }
}

// Loss and gradient of what the heads say of one view.
static void judge(struct trainer *t, struct adapt_share *s, const struct adapt_entry *e, const struct adapt_view *view,
                  const struct heads_out *out, struct heads_grad *to, float *class_grad)
{
    const struct adapt_options *o = &t->options;
    bool flawed = view->flaw >= 0, defect = flawed || e->side == ADAPT_DEFECT;
    double one = 1.0 / o->batch;
    double weight = flawed ? o->synthetic_weight : e->side == ADAPT_POOL ? o->pool_weight : 1;
    // What was drawn is a place: the whole picture is no other than it was.
    double whole = flawed ? 0 : branch_weight * weight, picture = weight * one;
    double losses[LOSSES] = {0};
    losses[LOSS_PICTURE] = weight * logistic(out->logit, defect, picture, &to->logit);
    losses[LOSS_ALL] = losses[LOSS_PICTURE] +
                       branch_weight * weight * logistic(out->local, defect, branch_weight * picture, &to->local) +
                       whole * logistic(out->global, defect, whole * one, &to->global);
    if (view->target && o->patch_weight > 0) {
        reserve(&s->patch_grad, &s->patch_capacity, (size_t)out->rows * (size_t)out->cols);
        double part = o->patch_weight * (flawed ? o->synthetic_weight : 1);
        losses[LOSS_PATCH] = patch_loss(view, out, part * one, s->patch_grad);
        losses[LOSS_ALL] += part * losses[LOSS_PATCH];
        to->patch = s->patch_grad;
    }
    if (!flawed && e->side == ADAPT_DEFECT && e->class_index >= 0) {
        int32_t label = e->class_index;
        losses[LOSS_CLASS] = loss_softmax(out->class_logit, &label, t->adjustment, 1, t->data->classes,
                                          o->class_weight * one, class_grad);
        losses[LOSS_ALL] += o->class_weight * losses[LOSS_CLASS];
        to->class_logit = class_grad;
    }
    for (int i = 0; i < LOSSES; i++)
        s->loss[i] += losses[i] / o->batch;
}

static enum status learn(struct trainer *t, int worker, int index, struct error *err)
{
    struct adapt_share *s = &t->shares[worker];
    struct adapt_sample sample = t->batch[index];
    struct rng rng = trainer_stream(t, STREAM_SAMPLE, t->step, index);
    const struct adapt_view *view;
    struct graph_tap taps[NET_TAPS];
    struct heads_out out;
    struct heads_grad to = {0};
    float class_grad[HEADS_CLASSES], *tap_grads[NET_TAPS] = {NULL};
    enum status status = trainer_taps(t, worker, sample.entry, sample.view, true, &view, taps, err);
    if (status != ST_OK)
        return status;
    heads_forward(t->heads, s->work, taps, t->options.dropout, t->options.dropout > 0 ? &rng : NULL, &out);
    judge(t, s, &t->entries[sample.entry], view, &out, &to, class_grad);
    for (int i = 0; i < NET_TAPS && t->adapter->size; i++) {
        reserve(&s->tap_grad[i], &s->tap_capacity[i], (size_t)taps[i].rows * (size_t)taps[i].cols * (size_t)taps[i].channels);
        tap_grads[i] = i == NET_TAPS - 1 || t->adapter->kind == ADAPTER_ALL ? s->tap_grad[i] : NULL;
    }
    heads_backward(t->heads, s->work, &to, s->heads_grad, tap_grads);
    if (t->adapter->size)
        graph_backward(s->graph, t->merged, (const float *const *)tap_grads, s->grads);
    return ST_OK;
}

static void share_of_step(void *context, int worker)
{
    struct trainer *t = context;
    struct adapt_share *s = &t->shares[worker];
    memset(s->loss, 0, sizeof s->loss);
    memset(s->heads_grad, 0, t->heads->trained * sizeof *s->heads_grad);
    for (int i = 0; i < t->adapter->count; i++) {
        struct net_tensor *tensor = &s->grads->tensors[t->adapter->parts[i].tensor];
        memset(tensor->values, 0, tensor->count * sizeof *tensor->values);
    }
    s->status = ST_OK;
    for (int i = worker; i < t->options.batch && s->status == ST_OK; i += t->options.threads)
        s->status = learn(t, worker, i, &s->error);
}

// Sums in the order of the threads, so that the result does not depend on who was first.
enum status trainer_pass(struct trainer *t, struct error *err)
{
    struct adapt_share *first = &t->shares[0];
    parallel_run(t->options.threads, share_of_step, t);
    for (int w = 0; w < t->options.threads; w++)
        if (t->shares[w].status != ST_OK) {
            *err = t->shares[w].error;
            return t->shares[w].status;
        }
    for (int w = 1; w < t->options.threads; w++) {
        struct adapt_share *s = &t->shares[w];
        layer_add(first->heads_grad, s->heads_grad, t->heads->trained);
        for (int i = 0; i < t->adapter->count; i++) {
            int tensor = t->adapter->parts[i].tensor;
            layer_add(first->grads->tensors[tensor].values, s->grads->tensors[tensor].values,
                      first->grads->tensors[tensor].count);
        }
        for (int i = 0; i < LOSSES; i++)
            first->loss[i] += s->loss[i];
    }
    if (t->adapter->size)
        adapter_gradient(t->adapter, first->grads, t->vectors[0].grad);
    memcpy(t->vectors[1].grad, first->heads_grad, t->heads->trained * sizeof(float));
    double keep = t->step < 50 ? (double)t->step / (t->step + 1) : 0.98;
    for (int i = 0; i < LOSSES; i++)
        t->loss[i] = keep * t->loss[i] + (1 - keep) * first->loss[i];
    return ST_OK;
}

// ---- the weights ----

static void move(struct trainer *t, struct adapt_vector *v, size_t at, size_t count, double rate, double decay, double scale)
{
    struct optim_adamw adam = adamw;
    adam.rate = rate;
    adam.decay = decay;
    optim_adamw(&adam, t->step + 1, count, v->grad + at, scale, v->values + at, v->m + at, v->v + at);
}

void trainer_descend(struct trainer *t)
{
    const struct adapt_options *o = &t->options;
    struct adapt_vector *adapter = &t->vectors[0], *heads = &t->vectors[1];
    struct optim_schedule schedule = {.peak = 1, .warmup = (int64_t)(warmup * t->steps) + 1, .total = t->steps + 1};
    double rate = optim_schedule(&schedule, t->step + 1);
    double scale = optim_clip(optim_square_norm(adapter->grad, adapter->count) +
                                  optim_square_norm(heads->grad, heads->count), clip);
    if (isnan(scale)) // one overflow must not end a round
        return;
    move(t, adapter, 0, adapter->count, rate * o->rate_adapter, o->decay_adapter, scale);
    for (int i = 0; i < HEAD_TRAINED; i++) {
        const struct head_part *p = &t->heads->parts[i];
        if (p->at + p->count <= t->heads->trained)
            move(t, heads, p->at, p->count, rate * o->rate, p->decay ? o->decay : 0, scale);
    }
    double ema = optim_average_decay(o->ema, t->step + 1);
    optim_average(adapter->average, adapter->values, adapter->count, ema);
    optim_average(heads->average, heads->values, heads->count, ema);
    adapter_apply(t->adapter, t->base, t->merged);
}
