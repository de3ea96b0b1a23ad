#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "learn/pretrain_impl.h"
#include "learn/vicreg.h"
#include "nn/layer.h"
#include "nn/loss.h"
#include "nn/optim.h"

const double pretrain_widths[PRETRAIN_WIDTHS] = {0.5, 0.75, 1};

const struct pretrain_options pretrain_defaults = {
    .batch = 32, .side = 160, .threads = 1, .rate = 2e-3, .decay = 0.02, .ema = 0.999, .seed = 1,
};

enum {
    STANDARDISING = 512, // crops that the teacher's mean and deviation are taken over
    STREAM_STEP = 1,     // random streams: what a step looks like,
    STREAM_CROP,         // its crops,
    STREAM_MEASURE,      // crops for statistics,
};

static const double warmup = 0.02, clip = 1, small_weight = 0.3;
static const double elastic_from = 0.4; // progress before which the largest network is alone (Cai et al. 2020)
static const struct optim_adamw adamw = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};

static int optional_blocks(const struct net_plan *plan)
{
    int count = 0;
    for (int i = 0; i < plan->count; i++)
        count += plan->blocks[i].optional;
    return count;
}

static struct rng stream(const struct pretrain *p, int kind, long long step, int index)
{
    uint64_t x = p->options.seed;
    uint64_t seed = rng_splitmix(&x) ^ (uint64_t)kind << 56 ^ (uint64_t)step << 16 ^ (uint64_t)index;
    return rng_seed(seed);
}

static size_t tap_cells(const struct pretrain *p, int tap, int crops)
{
    (void)p;
    size_t side = (size_t)p->side / (tap ? 16 : 8);
    return (size_t)crops * side * side;
}

// ---- making and freeing ----

static void add_param(struct pretrain *p, const char *name, size_t count, float *values, float *grad, bool decay)
{
    struct param *q = &p->params[p->param_count++];
    *q = (struct param){.name = name, .count = count, .values = values, .grad = grad, .decay = decay};
    q->m = xcalloc(count, sizeof *q->m);
    q->v = xcalloc(count, sizeof *q->v);
}

static void head_init(struct head *head, int from, int to, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    size_t n = (size_t)from * (size_t)to;
    *head = (struct head){.from = from, .to = to};
    head->weight = xcalloc(n, sizeof(float));
    head->bias = xcalloc((size_t)to, sizeof(float));
    head->grad_weight = xcalloc(n, sizeof(float));
    head->grad_bias = xcalloc((size_t)to, sizeof(float));
    head->mean = xcalloc((size_t)to, sizeof(float));
    head->inverse = xcalloc((size_t)to, sizeof(float));
    for (size_t i = 0; i < n; i++)
        head->weight[i] = (float)(rng_normal(&rng) / sqrt(from));
}

static void head_clear(struct head *head)
{
    free(head->weight), free(head->bias), free(head->grad_weight), free(head->grad_bias);
    free(head->mean), free(head->inverse);
}

static void share_init(struct share *share, const struct pretrain *p)
{
    *share = (struct share){.graph = graph_new(), .grads = net_new(&p->net->plan)};
    for (int t = 0; t < p->head_count; t++) {
        share->head_weight[t] = xcalloc((size_t)p->heads[t].from * (size_t)p->heads[t].to, sizeof(float));
        share->head_bias[t] = xcalloc((size_t)p->heads[t].to, sizeof(float));
    }
    share->teacher = p->teacher ? base_work_new(p->teacher) : NULL;
}

static void share_clear(struct share *share)
{
    graph_free(share->graph);
    net_free(share->grads);
    for (int t = 0; t < HEADS; t++)
        free(share->head_weight[t]), free(share->head_bias[t]);
    for (int t = 0; t < NET_TAPS; t++)
        free(share->target[t]), free(share->tap_grad[t]), free(share->spot[t]);
    free(share->rgb), free(share->predicted), free(share->scratch), free(share->mask);
    base_work_free(share->teacher);
}

struct pretrain *pretrain_new(const struct net *start, const struct base *teacher, const struct crop_source *source,
                              const struct pretrain_options *options)
{
    static const char *const head_names[HEADS][2] = {{"head.0.weight", "head.0.bias"},
                                                     {"head.1.weight", "head.1.bias"},
                                                     {"spot.0.weight", "spot.0.bias"},
                                                     {"spot.1.weight", "spot.1.bias"}};
    struct pretrain *p = xcalloc(1, sizeof *p);
    p->options = *options;
    p->teacher = teacher;
    p->source = source;
    p->side = options->side;
    p->net = net_copy(start);
    p->average = net_copy(start);
    p->params = xcalloc((size_t)p->net->tensor_count + 2 * HEADS, sizeof *p->params);
    struct net *net = p->net;
    p->head_count = options->objective == PRETRAIN_ADAPT ? HEADS : NET_TAPS;
    for (int i = 0; i < net->plan.count; i++) {
        int t = net->plan.blocks[i].tap, from = net->plan.blocks[i].to;
        if (t < 0)
            continue;
        head_init(&p->heads[t], from, teacher ? base_info(teacher)->channels[t] : VIEW_CHANNELS,
                  options->seed + 77u + (uint64_t)t);
        if (p->head_count == HEADS)
            head_init(&p->heads[NET_TAPS + t], from, 1, options->seed + 99u + (uint64_t)t);
    }
    p->shares = xcalloc((size_t)options->threads, sizeof *p->shares);
    for (int i = 0; i < options->threads; i++)
        share_init(&p->shares[i], p);
    // Gradients are summed over the threads into the first one's.
    for (int i = 0; i < net->tensor_count; i++)
        if (net->tensors[i].role != NET_STATISTIC) {
            const struct net_tensor *t = &net->tensors[i];
            add_param(p, t->name, t->count, t->values, p->shares[0].grads->tensors[i].values, t->role == NET_WEIGHT);
            p->params[p->param_count - 1].average = p->average->tensors[i].values;
        }
    for (int t = 0; t < p->head_count; t++) {
        struct head *h = &p->heads[t];
        add_param(p, head_names[t][0], (size_t)h->from * (size_t)h->to, h->weight, h->grad_weight, true);
        add_param(p, head_names[t][1], (size_t)h->to, h->bias, h->grad_bias, false);
    }
    return p;
}

static void drop_small(struct pretrain *p)
{
    for (int i = 0; i < PASSES; i++) {
        net_free(p->small[i]);
        p->small[i] = NULL;
    }
}

void pretrain_free(struct pretrain *p)
{
    if (!p)
        return;
    drop_small(p);
    for (int i = 0; i < p->options.threads; i++)
        share_clear(&p->shares[i]);
    for (int i = 0; i < p->param_count; i++)
        free(p->params[i].m), free(p->params[i].v);
    for (int t = 0; t < HEADS; t++)
        head_clear(&p->heads[t]);
    net_free(p->net);
    net_free(p->average);
    free(p->params);
    free(p->shares);
    free(p);
}

// ---- a thread's work ----

static size_t rgb_count(const struct pretrain *p, int crops)
{
    return (size_t)crops * (size_t)p->side * (size_t)p->side * 3;
}

static void reserve(float **buffer, size_t *capacity, size_t count)
{
    if (count > *capacity) {
        free(*buffer);
        *buffer = xaligned(count, sizeof **buffer);
        *capacity = count;
    }
}

static void teach(struct pretrain *p, struct share *s, const float *rgb, int crop)
{
    struct tap taps[BASE_TAPS];
    base_taps(p->teacher, s->teacher, rgb, p->side, p->side, taps);
    for (int t = 0; t < NET_TAPS; t++) {
        size_t count = tap_cells(p, t, 1) * (size_t)p->heads[t].to;
        memcpy(s->target[t] + (size_t)crop * count, taps[t].data, count * sizeof(float));
    }
}

// Which cells of tap t show the defect, and which certainly do not.
static void mark(struct pretrain *p, struct share *s, int t, int crop)
{
    size_t side = (size_t)p->side, step = t ? 16 : 8, row = side / step;
    float *spot = s->spot[t] + (size_t)crop * row * row;
    for (size_t c = 0; c < row * row; c++) {
        const float *m = s->mask + c / row * step * side + c % row * step;
        float sum = 0;
        for (size_t y = 0; y < step; y++)
            for (size_t x = 0; x < step; x++)
                sum += m[y * side + x];
        float covered = sum / (float)(step * step);
        spot[c] = covered >= 0.15f ? 1 : covered > 0 ? -1 : 0;
    }
}

// Every second crop gets a defect that the teacher does not see.
static void look_for_flaw(struct pretrain *p, struct share *s, struct rng rng, int crop, float *clear, float *rgb)
{
    struct rng again = rng;
    crop_make(p->source, &rng, p->side, clear);
    teach(p, s, clear, crop);
    memset(s->mask, 0, rgb_count(p, 1) / 3 * sizeof *s->mask);
    if (crop % 2)
        crop_defect(p->source, &again, p->side, rgb, s->mask);
    else
        memcpy(rgb, clear, rgb_count(p, 1) * sizeof *rgb);
    for (int t = 0; t < NET_TAPS; t++)
        mark(p, s, t, crop);
}

// The share's crops and what the teacher sees in them.
static void look(struct pretrain *p, struct share *s, int kind, long long step, int first, int crops)
{
    size_t one = rgb_count(p, 1);
    enum pretrain_objective objective = p->options.objective;
    int pairs = objective == PRETRAIN_VIEWS ? crops / 2 : 0;
    reserve(&s->rgb, &s->rgb_capacity, rgb_count(p, crops + (objective == PRETRAIN_ADAPT)));
    for (int t = 0; t < NET_TAPS && p->teacher; t++)
        reserve(&s->target[t], &s->target_capacity[t], tap_cells(p, t, crops) * (size_t)p->heads[t].to);
    if (objective == PRETRAIN_ADAPT) {
        reserve(&s->mask, &s->mask_capacity, one / 3);
        for (int t = 0; t < NET_TAPS; t++)
            reserve(&s->spot[t], &s->spot_capacity[t], tap_cells(p, t, crops));
    }
    for (int i = 0; i < (pairs ? pairs : crops); i++) {
        struct rng rng = stream(p, kind, step, first + i);
        float *rgb = s->rgb + (size_t)i * one;
        if (objective == PRETRAIN_VIEWS) {
            crop_pair(p->source, &rng, p->side, rgb, rgb + (size_t)pairs * one);
        } else if (objective == PRETRAIN_ADAPT) {
            look_for_flaw(p, s, rng, i, s->rgb + (size_t)crops * one, rgb);
        } else {
            crop_make(p->source, &rng, p->side, rgb);
            teach(p, s, rgb, i);
        }
    }
}

// What is said of a defect's cells is free: there the target becomes the prediction.
static void forgive(const struct head *h, const float *predicted, const float *spot, float *target, size_t cells)
{
    for (size_t c = 0; c < cells; c++)
        for (int k = 0; spot[c] != 0 && k < h->to; k++)
            target[c * (size_t)h->to + (size_t)k] = predicted[c * (size_t)h->to + (size_t)k] / h->inverse[k] + h->mean[k];
}

// Whether a cell is a defect's, added to the gradient of the tap.
static double spot_loss(struct pretrain *p, struct share *s, int t, const struct graph_tap *tap, int crops, double weight)
{
    const struct head *h = &p->heads[NET_TAPS + t];
    size_t cells = tap_cells(p, t, crops), n = (size_t)tap->channels, seen[2] = {0};
    reserve(&s->predicted, &s->predicted_capacity, 3 * cells + cells * n);
    float *logit = s->predicted, *target = logit + cells, *share = target + cells, *grad = share + cells;
    for (size_t c = 0; c < cells; c++)
        if (s->spot[t][c] >= 0)
            seen[(int)s->spot[t][c]]++;
    layer_linear(tap->values, cells, tap->channels, 1, h->weight, h->bias, logit);
    for (size_t c = 0; c < cells; c++) {
        target[c] = s->spot[t][c] > 0 ? 1 : 0;
        size_t like = seen[(int)target[c]];
        share[c] = s->spot[t][c] < 0 || !like ? 0 : (float)((double)cells / (2.0 * (double)like));
    }
    double loss = loss_binary(logit, target, share, cells, PRETRAIN_SPOT * weight / p->options.threads, logit);
    layer_linear_backward(tap->values, cells, tap->channels, 1, h->weight, logit, grad, s->head_weight[NET_TAPS + t],
                          s->head_bias[NET_TAPS + t]);
    layer_add(s->tap_grad[t], grad, cells * n);
    return loss;
}

// Loss of one tap against the teacher's and its gradient, a part of the cells at a time.
static double tap_loss(struct pretrain *p, struct share *s, int t, const struct graph_tap *tap, int crops, double weight)
{
    const struct head *h = &p->heads[t];
    size_t cells = tap_cells(p, t, crops);
    double loss = 0;
    reserve(&s->predicted, &s->predicted_capacity, (size_t)PART * (size_t)h->to);
    for (size_t c = 0; c < cells; c += PART) {
        size_t part = cells - c < PART ? cells - c : PART;
        double share = (double)part / (double)cells;
        const float *in = tap->values + c * (size_t)tap->channels;
        // A narrower network's channels are the first: so are their rows of the head.
        layer_linear(in, part, tap->channels, h->to, h->weight, h->bias, s->predicted);
        if (p->head_count == HEADS)
            forgive(h, s->predicted, s->spot[t] + c, s->target[t] + c * (size_t)h->to, part);
        loss += share * loss_distil(s->predicted, s->target[t] + c * (size_t)h->to, h->mean, h->inverse, part, h->to,
                                    weight * share / p->options.threads, s->predicted);
        layer_linear_backward(in, part, tap->channels, h->to, h->weight, s->predicted,
                              s->tap_grad[t] + c * (size_t)tap->channels, s->head_weight[t], s->head_bias[t]);
    }
    return loss;
}

// The first half of the crops and the second are two views of the same places.
static double view_loss(struct pretrain *p, struct share *s, int t, const struct graph_tap *tap, int crops, double weight)
{
    const struct head *h = &p->heads[t];
    size_t cells = tap_cells(p, t, crops), half = cells / 2;
    reserve(&s->predicted, &s->predicted_capacity, cells * (size_t)h->to);
    reserve(&s->scratch, &s->scratch_capacity, vicreg_scratch(half, h->to));
    layer_linear(tap->values, cells, tap->channels, h->to, h->weight, h->bias, s->predicted);
    double loss = vicreg(s->predicted, s->predicted + half * (size_t)h->to, half, h->to, weight / p->options.threads,
                         s->scratch);
    layer_linear_backward(tap->values, cells, tap->channels, h->to, h->weight, s->predicted, s->tap_grad[t],
                          s->head_weight[t], s->head_bias[t]);
    return loss;
}

static void run_pass(struct pretrain *p, struct share *s, int pass, int crops, double weight)
{
    struct net *small = p->small[pass], *net = small ? small : p->net;
    struct net *grads = small ? net_new(&small->plan) : s->grads;
    struct graph_tap taps[NET_TAPS];
    const float *tap_grads[NET_TAPS];
    double spot = 0;
    graph_forward(s->graph, net, 0, s->rgb, crops, p->side, p->side, taps);
    for (int t = 0; t < NET_TAPS; t++) {
        reserve(&s->tap_grad[t], &s->tap_capacity[t], tap_cells(p, t, crops) * (size_t)taps[t].channels);
        s->loss[pass][t] = p->options.objective == PRETRAIN_VIEWS ? view_loss(p, s, t, &taps[t], crops, weight)
                                                                  : tap_loss(p, s, t, &taps[t], crops, weight);
        if (p->head_count == HEADS)
            spot += spot_loss(p, s, t, &taps[t], crops, weight) / NET_TAPS;
        tap_grads[t] = s->tap_grad[t];
    }
    s->spot_loss = pass ? s->spot_loss : spot;
    graph_backward(s->graph, net, tap_grads, grads);
    if (small) {
        net_cut_scatter_add(grads, &p->cuts[pass], s->grads);
        net_free(grads);
    }
}

static void work(void *context, int worker)
{
    struct pretrain *p = context;
    struct share *s = &p->shares[worker];
    int crops = p->options.batch / p->options.threads;
    look(p, s, STREAM_CROP, p->step, worker * crops, crops);
    net_zero(s->grads);
    for (int t = 0; t < p->head_count; t++) {
        memset(s->head_weight[t], 0, (size_t)p->heads[t].from * (size_t)p->heads[t].to * sizeof(float));
        memset(s->head_bias[t], 0, (size_t)p->heads[t].to * sizeof(float));
    }
    for (int i = 0; i < p->passes; i++)
        run_pass(p, s, i, i && p->options.objective != PRETRAIN_VIEWS ? crops / 2 : crops, i ? small_weight : 1);
}

// ---- the teacher's scale ----

static void measure(void *context, int worker)
{
    struct pretrain *p = context;
    int crops = STANDARDISING / p->options.threads;
    look(p, &p->shares[worker], STREAM_MEASURE, 0, worker * crops, crops);
}

static void standardise(struct pretrain *p)
{
    p->side = 64; // small crops: more of them, and less memory
    parallel_run(p->options.threads, measure, p);
    for (int t = 0; t < NET_TAPS; t++) {
        struct head *h = &p->heads[t];
        size_t cells = tap_cells(p, t, STANDARDISING / p->options.threads), n = (size_t)h->to;
        double *sum = xcalloc(n, sizeof *sum), *square = xcalloc(n, sizeof *square);
        for (int w = 0; w < p->options.threads; w++)
            for (size_t c = 0; c < cells; c++)
                for (size_t k = 0; k < n; k++) {
                    double x = p->shares[w].target[t][c * n + k];
                    sum[k] += x;
                    square[k] += x * x;
                }
        double total = (double)cells * p->options.threads, all = 0;
        for (size_t k = 0; k < n; k++) {
            sum[k] /= total;
            square[k] = fmax(0, square[k] / total - sum[k] * sum[k]);
            all += square[k] / (double)n;
        }
        // A channel that hardly ever moves is not blown up to the size of the others.
        for (size_t k = 0; k < n; k++) {
            h->mean[k] = (float)sum[k];
            h->inverse[k] = (float)(1 / sqrt(square[k] + 0.01 * all + 1e-12));
        }
        free(sum), free(square);
    }
    p->standardised = true;
    p->side = p->options.side;
}

// Where the teacher is the start itself, the heads can say its taps at once.
static void copy_through(struct head *h)
{
    if (h->from != h->to)
        return;
    memset(h->weight, 0, (size_t)h->from * (size_t)h->to * sizeof(float));
    for (int k = 0; k < h->to; k++) {
        h->weight[k * h->to + k] = h->inverse[k];
        h->bias[k] = -h->mean[k] * h->inverse[k];
    }
}

// ---- a step ----

// Which networks this step trains, on crops of which side.
static void choose(struct pretrain *p, double progress)
{
    static const int sides[] = {96, 128, 192}; // beside the usual one
    struct rng rng = stream(p, STREAM_STEP, p->step, 0);
    p->side = p->options.side;
    p->passes = 1;
    drop_small(p);
    if (!p->options.elastic || progress < elastic_from || p->step % 2)
        return;
    if (rng_uniform(&rng) < 0.4)
        p->side = sides[rng_below(&rng, sizeof sides / sizeof *sides)];
    int depths = optional_blocks(&p->net->plan) + 1;
    p->passes = PASSES;
    for (int i = 1; i < PASSES; i++) {
        struct net_cut *cut = &p->cuts[i];
        do {
            cut->width = pretrain_widths[rng_below(&rng, PRETRAIN_WIDTHS)];
            cut->depth = (int)rng_below(&rng, (uint64_t)depths);
        } while (cut->width == 1 && cut->depth == 0);
        if (i == 1)
            *cut = (struct net_cut){pretrain_widths[0], depths - 1};
        struct net_plan plan;
        net_cut_plan(&p->net->plan, cut, &plan);
        p->small[i] = net_new(&plan);
        net_cut_gather(p->net, cut, p->small[i]);
    }
}

// Sums in the order of the threads, so that the result does not depend on who was first.
static void sum_gradients(struct pretrain *p)
{
    struct share *first = &p->shares[0];
    for (int w = 1; w < p->options.threads; w++)
        for (int i = 0; i < p->net->tensor_count; i++)
            layer_add(first->grads->tensors[i].values, p->shares[w].grads->tensors[i].values, p->net->tensors[i].count);
    for (int t = 0; t < p->head_count; t++) {
        struct head *h = &p->heads[t];
        size_t n = (size_t)h->from * (size_t)h->to;
        memset(h->grad_weight, 0, n * sizeof(float));
        memset(h->grad_bias, 0, (size_t)h->to * sizeof(float));
        for (int w = 0; w < p->options.threads; w++) {
            layer_add(h->grad_weight, p->shares[w].head_weight[t], n);
            layer_add(h->grad_bias, p->shares[w].head_bias[t], (size_t)h->to);
        }
    }
}

// Warm-up and cosine over the run's progress.
static double rate_at(const struct pretrain *p, double progress)
{
    const int64_t total = 1000000;
    struct optim_schedule schedule = {.peak = p->options.rate, .warmup = (int64_t)(warmup * total), .total = total};
    return optim_schedule(&schedule, (int64_t)(progress * total) + 1);
}

static double progress_of(const struct pretrain *p)
{
    const struct pretrain_options *o = &p->options;
    double done = o->steps > 0 ? (double)p->step / (double)o->steps : p->seconds / (60 * o->minutes);
    return done < 1 ? done : 1;
}

static void descend(struct pretrain *p, double rate)
{
    const struct pretrain_options *o = &p->options;
    struct optim_adamw adam = adamw;
    double square = 0, ema = optim_average_decay(o->ema, p->step + 1);
    for (int i = 0; i < p->param_count; i++)
        square += optim_square_norm(p->params[i].grad, p->params[i].count);
    double scale = optim_clip(square, clip);
    if (isnan(scale)) // one overflow must not end a run of hours
        return;
    adam.rate = rate;
    for (int i = 0; i < p->param_count; i++) {
        struct param *q = &p->params[i];
        adam.decay = q->decay ? o->decay : 0;
        optim_adamw(&adam, p->step + 1, q->count, q->grad, scale, q->values, q->m, q->v);
        if (q->average)
            optim_average(q->average, q->values, q->count, ema);
    }
}

static void note_loss(struct pretrain *p, double rate)
{
    struct pretrain_report *r = &p->report;
    double keep = p->step < 100 ? (double)p->step / (double)(p->step + 1) : 0.99, small = 0;
    for (int t = 0; t < NET_TAPS; t++) {
        double loss = 0;
        for (int w = 0; w < p->options.threads; w++) {
            loss += p->shares[w].loss[0][t] / p->options.threads;
            small += p->passes > 1 ? p->shares[w].loss[1][t] / p->options.threads : 0;
        }
        r->loss[t] = keep * r->loss[t] + (1 - keep) * loss;
    }
    double spot = 0;
    for (int w = 0; w < p->options.threads; w++)
        spot += p->shares[w].spot_loss / p->options.threads;
    r->spot = keep * r->spot + (1 - keep) * spot;
    if (p->passes > 1)
        r->smallest = r->smallest > 0 ? 0.99 * r->smallest + 0.01 * small : small;
    r->step = p->step + 1;
    r->crops = r->step * p->options.batch;
    r->rate = rate;
}

bool pretrain_step(struct pretrain *p, struct pretrain_report *report)
{
    double start = clock_seconds(), progress = progress_of(p);
    p->report.progress = progress;
    *report = p->report;
    if (progress >= 1)
        return false;
    if (!p->standardised && p->teacher) {
        standardise(p);
        for (int t = 0; t < NET_TAPS && p->options.objective == PRETRAIN_ADAPT; t++)
            copy_through(&p->heads[t]);
    }
    choose(p, progress);
    parallel_run(p->options.threads, work, p);
    sum_gradients(p);
    double rate = rate_at(p, progress);
    graph_update_statistics(p->net, p->shares[0].grads, p->options.threads, 0.9);
    descend(p, rate);
    note_loss(p, rate);
    p->step++;
    p->seconds += clock_seconds() - start;
    p->report.seconds = p->seconds;
    p->report.progress = progress_of(p);
    *report = p->report;
    return true;
}

// ---- what comes out ----

struct statistics {
    struct pretrain *p;
    const struct net *net;
    struct net **sums; // one per worker
    int rounds;
};

static void gather_statistics(void *context, int worker)
{
    const struct statistics *g = context;
    struct pretrain *p = g->p;
    struct share *s = &p->shares[worker];
    int crops = p->options.batch / p->options.threads;
    size_t one = rgb_count(p, 1);
    struct graph_tap taps[NET_TAPS];
    const float *none[NET_TAPS] = {NULL};
    reserve(&s->rgb, &s->rgb_capacity, rgb_count(p, crops));
    g->sums[worker] = net_new(&g->net->plan);
    for (int i = 0; i < g->rounds; i++) {
        for (int k = 0; k < crops; k++) {
            struct rng rng = stream(p, STREAM_MEASURE, 1 + i, worker * crops + k);
            crop_make(p->source, &rng, p->side, s->rgb + (size_t)k * one);
        }
        graph_forward(s->graph, g->net, 0, s->rgb, crops, p->side, p->side, taps);
        graph_backward(s->graph, g->net, none, g->sums[worker]);
    }
}

struct net *pretrain_result(struct pretrain *p, const struct net_cut *cut, int crops)
{
    struct net_plan plan;
    net_cut_plan(&p->average->plan, cut, &plan);
    struct net *net = net_new(&plan);
    net_cut_gather(p->average, cut, net);
    int threads = p->options.threads, rounds = crops / p->options.batch < 1 ? 1 : crops / p->options.batch;
    struct statistics g = {p, net, xcalloc((size_t)threads, sizeof *g.sums), rounds};
    p->side = p->options.side;
    parallel_run(threads, gather_statistics, &g);
    for (int w = 1; w < threads; w++)
        for (int i = 0; i < net->tensor_count; i++)
            layer_add(g.sums[0]->tensors[i].values, g.sums[w]->tensors[i].values, net->tensors[i].count);
    graph_update_statistics(net, g.sums[0], rounds * threads, 0);
    for (int w = 0; w < threads; w++)
        net_free(g.sums[w]);
    free(g.sums);
    return net;
}
