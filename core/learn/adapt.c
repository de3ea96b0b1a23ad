#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "learn/adapt_impl.h"
#include "nn/loss.h"

static const double share_most = 0.05; // of the base's parameters

const struct adapt_options adapt_defaults = {
    .kind = ADAPTER_LOW_RANK, .adapter_share = 0.05, .scale = 1, .mirrors = 1, .hidden = 48, .wide = 24, .top_share = 0.01, .steps = 600, .batch = 16, .rate = 1.5e-3, .rate_adapter = 7e-4,
    .decay = 0.05, .decay_adapter = 0.01, .dropout = 0.3, .ema = 0.98, .views = 6, .flaws = 2, .gain = 0.25, .gamma = 0.15,
    .defects = 0.5, .pool = 0.15, .synthetic = 0.15, .pool_weight = 0.5, .synthetic_weight = 0.3, .patch_weight = 2,
    .class_weight = 0.6, .pool_most = 200, .adjustment = 0.5, .class_balance = 1, .cache_bytes = (uint64_t)1 << 30, .seed = 1, .threads = 1,
};

// ---- making ----

static int channels_of(const struct net *net, int tap)
{
    for (int i = 0; i < net->plan.count; i++)
        if (net->plan.blocks[i].tap == tap)
            return net->plan.blocks[i].to;
    return 0;
}

static int block_of(const struct net *net, int tap)
{
    int i = 0;
    while (net->plan.blocks[i].tap != tap)
        i++;
    return i;
}

static void list_entries(struct trainer *t)
{
    const struct adapt_data *d = t->data;
    size_t pool = d->pool_count;
    size_t *order = xcalloc(pool + 1, sizeof *order);
    struct rng rng = trainer_stream(t, STREAM_POOL, 0, 0);
    for (size_t i = 0; i < pool; i++) { // shuffled: the first ones take part
        size_t j = (size_t)rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    pool = pool < (size_t)t->options.pool_most ? pool : (size_t)t->options.pool_most;
    t->entries = xcalloc(d->label_count + pool + 1, sizeof *t->entries);
    for (size_t i = 0; i < d->label_count; i++) {
        const struct adapt_label *l = &d->labels[i];
        t->entries[t->entry_count++] = (struct adapt_entry){l->id, l->defect ? ADAPT_DEFECT : ADAPT_NORMAL, l->class_index,
                                                            l->boxes, l->box_count, false};
    }
    for (size_t i = 0; i < pool; i++)
        t->entries[t->entry_count++] = (struct adapt_entry){.id = d->pool[order[i]], .side = ADAPT_POOL, .class_index = -1};
    free(order);
}

static struct adapt_vector vector_of(float *values, size_t count)
{
    struct adapt_vector v = {.count = count, .values = values};
    v.grad = xcalloc(count + 1, sizeof *v.grad);
    v.m = xcalloc(count + 1, sizeof *v.m);
    v.v = xcalloc(count + 1, sizeof *v.v);
    v.average = xcalloc(count + 1, sizeof *v.average);
    memcpy(v.average, values, count * sizeof *values);
    return v;
}

// Weights of the model that a round goes on from.
static void start_from(struct trainer *t, const struct adapt_model *from)
{
    const struct adapter *a = from->adapter;
    if (a->kind == t->adapter->kind && a->rank == t->adapter->rank && a->size == t->adapter->size)
        memcpy(t->adapter->values, a->values, a->size * sizeof *a->values);
    const struct head_shape *ours = &t->heads->shape, *theirs = &from->heads->shape;
    if (ours->hidden == theirs->hidden && ours->wide == theirs->wide)
        for (int i = 0; i < HEAD_CLASS_COUNT; i++)
            if (t->heads->parts[i].count == from->heads->parts[i].count && (ours->classes || i < HEAD_CLASS || i >= HEAD_TRAINED))
                memcpy(heads_values(t->heads, i), heads_values(from->heads, i), t->heads->parts[i].count * sizeof(float));
    memcpy(t->parent, from->sha256, sizeof t->parent);
}

// Another rank than that of the model it goes on from would leave that one's adapter out.
static int rank_for(const struct net *base, const struct adapt_model *from, double share)
{
    bool theirs = from && from->adapter->kind == ADAPTER_LOW_RANK && from->adapter->rank <= adapter_rank(base, share_most);
    return theirs ? from->adapter->rank : adapter_rank(base, share);
}

static struct trainer *trainer_new(const struct net *base, const struct adapt_model *from, const struct adapt_data *data,
                                   const struct adapt_options *options)
{
    struct trainer *t = xcalloc(1, sizeof *t);
    *t = (struct trainer){.base = base, .data = data, .options = *options};
    struct adapt_options *o = &t->options;
    if (o->kind == ADAPTER_LOW_RANK && o->rank == 0)
        o->rank = rank_for(base, from, o->adapter_share);
    t->steps = o->steps;
    t->adapter = adapter_new(base, o->kind, o->rank, o->seed + 17);
    struct head_shape shape = {{channels_of(base, 0), channels_of(base, 1)}, o->hidden, o->wide, data->classes, o->top_share};
    t->heads = heads_new(&shape, o->seed + 18);
    t->start = block_of(base, 0) < t->adapter->first ? block_of(base, 0) : t->adapter->first;
    if (data->kept && o->kind == ADAPTER_NONE)
        t->start = base->plan.count;
    if (from)
        start_from(t, from);
    t->merged = net_copy(base);
    t->vectors[0] = vector_of(t->adapter->values, t->adapter->size);
    t->vectors[1] = vector_of(t->heads->values, t->heads->trained);
    t->shares = xcalloc((size_t)o->threads, sizeof *t->shares);
    for (int i = 0; i < o->threads; i++)
        t->shares[i] = (struct adapt_share){.graph = graph_new(), .grads = adapter_gradients_new(base, t->adapter),
                                            .work = heads_work_new(&shape),
                                            .heads_grad = xcalloc(t->heads->trained + 1, sizeof(float))};
    t->batch = xcalloc((size_t)o->batch, sizeof *t->batch);
    list_entries(t);
    t->views = adapt_views_new(base, t->start, data, o, t->entries, t->entry_count);
    adapter_apply(t->adapter, base, t->merged);
    return t;
}

static void trainer_free(struct trainer *t)
{
    for (int i = 0; i < t->options.threads; i++) {
        struct adapt_share *s = &t->shares[i];
        graph_free(s->graph);
        net_free(s->grads);
        heads_work_free(s->work);
        free(s->heads_grad), free(s->patch_grad), free(s->tap_grad[0]), free(s->tap_grad[1]), free(s->sums);
    }
    for (int i = 0; i < 2; i++)
        free(t->vectors[i].grad), free(t->vectors[i].m), free(t->vectors[i].v), free(t->vectors[i].average);
    for (int i = 0; i < 3; i++)
        free(t->sides[i]);
    adapt_views_free(t->views);
    adapter_free(t->adapter);
    heads_free(t->heads);
    net_free(t->merged);
    free(t->shares), free(t->entries), free(t->cumulative), free(t->batch);
    free(t);
}

// ---- the pictures ----

struct watcher {
    struct trainer *t;
    const struct adapt_watch *watch;
    double start, stepped; // when the stretch and its steps began
    int first;             // step of the stretch
};

static size_t skipped(const struct trainer *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->entry_count; i++)
        count += t->entries[i].gone;
    return count;
}

static bool tell(const struct watcher *w, size_t loaded)
{
    const struct trainer *t = w->t;
    if (!w->watch->progress)
        return true;
    double now = clock_seconds(), per_step = t->step > w->first ? (now - w->stepped) / (t->step - w->first) : 0;
    struct adapt_report r = {.step = t->step, .steps = t->steps, .seconds = now - w->start,
                             .left = per_step * (t->steps - t->step), .loss = t->loss[LOSS_ALL],
                             .picture = t->loss[LOSS_PICTURE], .patch = t->loss[LOSS_PATCH],
                             .class_loss = t->loss[LOSS_CLASS], .cached = adapt_views_bytes(t->views)};
    r.pictures = t->entry_count;
    r.loaded = loaded ? loaded : r.pictures;
    if (loaded)
        r.left = r.seconds / (double)loaded * (double)(r.pictures - loaded);
    r.skipped = loaded ? 0 : skipped(t);
    r.pictures_per_second = loaded ? (double)loaded / fmax(r.seconds, 1e-3) : per_step > 0 ? t->options.batch / per_step : 0;
    return w->watch->progress(w->watch->context, &r);
}

static bool tell_loading(void *context, size_t done)
{
    return tell(context, done);
}

// Which entries are there, and how often a class is drawn.
static enum status sort_entries(struct trainer *t, struct error *err)
{
    int64_t seen[HEADS_CLASSES] = {0};
    size_t unclassed = 0;
    for (int side = 0; side < 3; side++) {
        t->sides[side] = xcalloc(t->entry_count + 1, sizeof *t->sides[side]);
        for (size_t i = 0; i < t->entry_count; i++)
            if ((int)t->entries[i].side == side && !t->entries[i].gone)
                t->sides[side][t->side_counts[side]++] = i;
    }
    size_t defects = t->side_counts[ADAPT_DEFECT], others = t->side_counts[ADAPT_NORMAL] + t->side_counts[ADAPT_POOL];
    if (!others)
        return error_set(err, ST_INVALID,
                         "there is no normal picture to learn from among %zu: answer some that are normal first",
                         t->entry_count);
    if (!defects && !t->options.flaws)
        return error_set(err, ST_INVALID, "there is no defect to learn from among %zu pictures: answer some first",
                         t->entry_count);
    for (size_t i = 0; i < defects; i++) {
        int c = t->entries[t->sides[ADAPT_DEFECT][i]].class_index;
        if (c >= 0)
            seen[c]++;
        else
            unclassed++;
    }
    loss_adjustment(seen, t->data->classes, t->options.adjustment, t->adjustment);
    t->cumulative = xcalloc(defects + 1, sizeof *t->cumulative);
    double sum = 0;
    for (size_t i = 0; i < defects; i++) { // a class weighs its number to the power of 1 - class_balance
        int c = t->entries[t->sides[ADAPT_DEFECT][i]].class_index;
        sum += pow(c >= 0 ? (double)seen[c] : (double)unclassed, -t->options.class_balance);
        t->cumulative[i] = sum;
    }
    return ST_OK;
}

// ---- the run ----

static enum status run(struct watcher *w, struct error *err)
{
    struct trainer *t = w->t;
    const struct adapt_watch *watch = w->watch;
    double saved = clock_seconds();
    enum status status = ST_OK;
    w->stepped = saved;
    w->first = t->step;
    while (t->step < t->steps && status == ST_OK) {
        trainer_choose(t);
        status = trainer_pass(t, err);
        if (status != ST_OK)
            break;
        trainer_descend(t);
        t->step++;
        bool go_on = tell(w, 0), due = clock_seconds() - saved >= watch->checkpoint_every;
        if (watch->checkpoint && (due || !go_on || t->step == t->steps)) {
            status = trainer_save(t, watch->checkpoint, err);
            saved = clock_seconds();
        }
        if (!go_on && status == ST_OK && t->step < t->steps)
            status = error_set(err, ST_CANCELLED, "training was cancelled at step %d of %d", t->step, t->steps);
    }
    return status;
}

static char *notes_of(const struct trainer *t)
{
    const struct adapt_options *o = &t->options;
    json_t *j = json_pack("{s:i, s:f, s:f, s:f, s:f, s:i, s:i, s:i}", "steps", t->steps, "loss", t->loss[LOSS_ALL],
                          "loss_picture", t->loss[LOSS_PICTURE], "loss_patch", t->loss[LOSS_PATCH], "loss_class",
                          t->loss[LOSS_CLASS], "defects", (int)t->side_counts[ADAPT_DEFECT], "normals",
                          (int)t->side_counts[ADAPT_NORMAL], "pool", (int)t->side_counts[ADAPT_POOL]);
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"seed", (double)o->seed}, {"threads", o->threads}, {"adapter_parameters", (double)t->adapter->size},
                   {"head_parameters", (double)t->heads->trained}, {"base_parameters", (double)net_parameters(t->base)}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(j, numbers[i].name, json_real(numbers[i].value));
    char knobs[ADAPT_OPTIONS][ADAPT_OPTION_TEXT];
    adapt_option_text(o, knobs);
    json_t *options = json_object();
    for (int i = 0; i < ADAPT_OPTIONS; i++) {
        char *equals = strchr(knobs[i], '=');
        *equals = '\0';
        json_object_set_new(options, knobs[i], json_real(strtod(equals + 1, NULL)));
    }
    json_object_set_new(j, "options", options);
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9)), *notes = xstrdup(text ? text : "{}");
    free(text);
    json_decref(j);
    return notes;
}

static struct adapt_model *model_of(struct trainer *t)
{
    struct adapt_model *m = xcalloc(1, sizeof *m);
    m->adapter = adapter_copy(t->adapter);
    m->heads = heads_copy(t->heads);
    memcpy(m->base_sha256, t->base->sha256, sizeof m->base_sha256);
    memcpy(m->parent, t->parent, sizeof m->parent);
    m->notes = notes_of(t);
    return m;
}

enum status adapt_train(const struct net *base, const struct adapt_model *from, const struct adapt_data *data,
                        const struct adapt_options *options, const struct adapt_watch *watch, struct adapt_model **model,
                        struct error *err)
{
    const struct adapt_watch none = {0};
    if (data->classes < 0 || data->classes > HEADS_CLASSES)
        return error_set(err, ST_INVALID, "%d classes: at most %d can be told apart", data->classes, HEADS_CLASSES);
    if (from && strcmp(from->base_sha256, base->sha256) != 0)
        return error_set(err, ST_INVALID, "the model to go on from was made for another base (%.12s, not %.12s)",
                         from->base_sha256, base->sha256);
    int most = adapter_rank(base, share_most);
    if (options->kind == ADAPTER_LOW_RANK && options->rank > most)
        return error_set(err, ST_INVALID, "rank=%d is more than %g %% of the base's weights; at most rank=%d may be trained",
                         options->rank, 100 * share_most, most);
    struct trainer *t = trainer_new(base, from, data, options);
    struct watcher w = {.t = t, .watch = watch ? watch : &none, .start = clock_seconds()};
    enum status status = adapt_views_fill(t->views, tell_loading, &w, err);
    if (status == ST_OK)
        status = sort_entries(t, err);
    trainer_fingerprint(t);
    if (status == ST_OK && w.watch->checkpoint && file_exists(w.watch->checkpoint))
        status = trainer_load(t, w.watch->checkpoint, err);
    else if (status == ST_OK && !from)
        status = trainer_standardise(t, err);
    if (status == ST_OK)
        status = run(&w, err);
    if (status == ST_OK) {
        for (int i = 0; i < 2; i++)
            memcpy(t->vectors[i].values, t->vectors[i].average, t->vectors[i].count * sizeof(float));
        adapter_apply(t->adapter, base, t->merged);
        status = trainer_fit_classes(t, err);
    }
    if (status == ST_OK)
        *model = model_of(t);
    trainer_free(t);
    return status;
}

static double option_of(const struct adapt_model *model, const char *name, double low, double high)
{
    json_t *notes = json_loads(model->notes ? model->notes : "{}", 0, NULL);
    double value = json_number_value(json_object_get(json_object_get(notes, "options"), name));
    json_decref(notes);
    return value >= low && value <= high ? value : 1;
}

double adapt_scale(const struct adapt_model *model)
{
    return option_of(model, "scale", 0.25, 4);
}

int adapt_mirrors(const struct adapt_model *model)
{
    return (int)option_of(model, "mirrors", 1, 4);
}

void adapt_model_free(struct adapt_model *model)
{
    if (!model)
        return;
    adapter_free(model->adapter);
    heads_free(model->heads);
    free(model->notes);
    free(model);
}
