#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/acquire_impl.h"

const struct acquire_strategy *const acquire_strategies[ACQUIRE_SOURCES] = {
    [ACQUIRE_ANOMALOUS] = &acquire_anomalous,
    [ACQUIRE_UNCERTAIN] = &acquire_uncertain,
    [ACQUIRE_DIVERSE] = &acquire_diverse,
    [ACQUIRE_BALANCED] = &acquire_balanced,
};

// ---- what answers tell of their neighbours ----

static void forget(struct acquire *a)
{
    for (size_t i = 0; i < a->count; i++) {
        a->distance[i] = a->defect_distance[i] = INFINITY;
        a->defect_nearest[i] = a->twin[i] = SIZE_MAX;
        a->defect_weight[i] = a->urgent_weight[i] = 0;
    }
    memset(a->class_weight, 0, a->count * (size_t)a->class_count * sizeof *a->class_weight);
    memset(a->class_answers, 0, sizeof a->class_answers);
    for (int c = 0; c < ACQUIRE_CLASSES; c++)
        a->class_latest[c] = SIZE_MAX;
    a->normals = a->defects = 0;
}

static void tell_neighbours(struct acquire *a, size_t index)
{
    const struct acquire_candidate *c = &a->candidates[index];
    bool defect = c->answer == ACQUIRE_DEFECT,
         known = defect && c->class_index >= 0 && c->class_index < a->class_count;
    a->normals += c->answer == ACQUIRE_NORMAL;
    a->defects += defect;
    if (known) {
        a->class_answers[c->class_index]++;
        a->class_latest[c->class_index] = index;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (i == index)
            continue;
        float d = acquire_distance2(a->candidates[i].point, c->point);
        a->distance[i] = d < a->distance[i] ? d : a->distance[i];
        if (a->twin[i] == SIZE_MAX && acquire_near(a, i, index, d))
            a->twin[i] = index;
        if (!defect)
            continue;
        float weight = expf(-d * (float)a->process.scale);
        if (d < a->defect_distance[i]) {
            a->defect_distance[i] = d;
            a->defect_nearest[i] = index;
        }
        a->defect_weight[i] += weight;
        a->urgent_weight[i] += c->urgent ? weight : 0;
        if (known)
            a->class_weight[i * (size_t)a->class_count + (size_t)c->class_index] += weight;
    }
}

static bool in_process(const struct acquire_candidate *c)
{
    return c->answer == ACQUIRE_NORMAL || c->answer == ACQUIRE_DEFECT;
}

// From nothing; where there are more answers than the process takes, with the last of them.
static void take_answers(struct acquire *a)
{
    size_t says = 0;
    forget(a);
    acquire_process_clear(&a->process);
    acquire_process_init(a);
    for (size_t i = 0; i < a->count; i++) {
        if (a->candidates[i].answer != ACQUIRE_OPEN)
            tell_neighbours(a, i);
        says += in_process(&a->candidates[i]);
    }
    size_t skip = says > ACQUIRE_COLUMNS ? says - ACQUIRE_COLUMNS : 0;
    for (size_t i = 0; i < a->count; i++)
        if (in_process(&a->candidates[i]) && (skip == 0 || skip-- == 0))
            acquire_process_add(a, i);
    acquire_process_believe(a);
}

struct acquire *acquire_new(const struct acquire_candidate *candidates, size_t count, int class_count)
{
    struct acquire *a = xcalloc(1, sizeof *a);
    a->count = count;
    a->class_count = class_count < ACQUIRE_CLASSES ? class_count : ACQUIRE_CLASSES;
    size_t cells = (count + 1) * (size_t)(a->class_count + 1);
    a->candidates = xcalloc(count + 1, sizeof *a->candidates);
    if (count > 0)
        memcpy(a->candidates, candidates, count * sizeof *candidates);
    a->class_weight = xcalloc(cells, sizeof *a->class_weight);
    a->distance = xcalloc(count + 1, sizeof *a->distance);
    a->defect_distance = xcalloc(count + 1, sizeof *a->defect_distance);
    a->defect_weight = xcalloc(count + 1, sizeof *a->defect_weight);
    a->urgent_weight = xcalloc(count + 1, sizeof *a->urgent_weight);
    a->defect_nearest = xcalloc(count + 1, sizeof *a->defect_nearest);
    a->twin = xcalloc(count + 1, sizeof *a->twin);
    acquire_near_measure(a);
    take_answers(a);
    return a;
}

void acquire_free(struct acquire *a)
{
    if (!a)
        return;
    acquire_process_clear(&a->process);
    free(a->candidates);
    free(a->class_weight);
    free(a->distance);
    free(a->defect_distance);
    free(a->defect_weight);
    free(a->urgent_weight);
    free(a->defect_nearest);
    free(a->twin);
    free(a);
}

void acquire_answer(struct acquire *a, size_t index, enum acquire_answer answer, int class_index, bool urgent)
{
    struct acquire_candidate *c = &a->candidates[index];
    bool fresh = c->answer == ACQUIRE_OPEN && answer != ACQUIRE_OPEN;
    c->answer = answer;
    c->class_index = class_index;
    c->urgent = urgent;
    if (!fresh) {
        take_answers(a);
        return;
    }
    tell_neighbours(a, index);
    if (in_process(c)) {
        acquire_process_add(a, index);
        acquire_process_believe(a);
    }
}

double acquire_expected(const struct acquire *a, size_t index)
{
    return fmin(fmax((double)a->process.posterior[index], 0.001), 0.999);
}

// ---- the order ----

struct order {
    const struct acquire *a;
    struct acquire_ask *asks;
    struct acquire_choice choice;
    float *distance;                               // (count) squared, to the nearest answered or chosen
    bool *out;                                     // (count) not to be chosen any more
    struct acquire_value *values[ACQUIRE_SOURCES]; // (count) each, of those that do not move; NULL not ready
    bool use[ACQUIRE_SOURCES];
};

static void order_init(struct order *o, const struct acquire *a, struct acquire_ask *asks)
{
    *o = (struct order){.a = a,
                        .asks = asks,
                        .distance = xcalloc(a->count + 1, sizeof(float)),
                        .out = xcalloc(a->count + 1, sizeof(bool))};
    o->choice.distance = o->distance;
    for (size_t i = 0; i < a->count; i++) {
        double p = acquire_expected(a, i);
        o->distance[i] = a->distance[i];
        o->out[i] = a->candidates[i].answer != ACQUIRE_OPEN;
        if (o->out[i])
            continue;
        asks[i] =
            (struct acquire_ask){.source = ACQUIRE_ANOMALOUS, .about = SIZE_MAX, .place = p, .expected = p};
        if (a->twin[i] != SIZE_MAX) {
            asks[i].reason = ACQUIRE_BEHIND;
            asks[i].about = a->twin[i];
            asks[i].place = p - 2;
            o->out[i] = true;
        }
        o->choice.left += !o->out[i];
    }
    for (int s = 0; s < ACQUIRE_SOURCES; s++) {
        const struct acquire_strategy *strategy = acquire_strategies[s];
        o->use[s] = strategy->ready(a);
        if (!o->use[s] || strategy->moves)
            continue;
        o->values[s] = xcalloc(a->count + 1, sizeof *o->values[s]);
        for (size_t i = 0; i < a->count; i++)
            if (!o->out[i])
                o->values[s][i] = strategy->value(a, &o->choice, i);
    }
}

static void order_clear(struct order *o)
{
    for (int s = 0; s < ACQUIRE_SOURCES; s++)
        free(o->values[s]);
    free(o->distance);
    free(o->out);
}

static size_t best_of(const struct order *o, enum acquire_source source, struct acquire_value *best)
{
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < o->a->count; i++) {
        if (o->out[i])
            continue;
        struct acquire_value v =
            o->values[source] ? o->values[source][i] : acquire_strategies[source]->value(o->a, &o->choice, i);
        if (at == SIZE_MAX || v.value > best->value ||
            (v.value == best->value && o->a->candidates[i].score > o->a->candidates[at].score)) {
            at = i;
            *best = v;
        }
    }
    return at;
}

// Probability that it is a defect of the worst severity.
static double urgency(const struct acquire *a, size_t i)
{
    float all = a->defect_weight[i];
    return all > 0 ? acquire_expected(a, i) * (double)(a->urgent_weight[i] / all) : 0;
}

static size_t most_urgent(const struct order *o, struct acquire_value *best)
{
    size_t at = SIZE_MAX;
    *best = (struct acquire_value){.value = 0.5, .reason = ACQUIRE_URGENT, .about = SIZE_MAX};
    for (size_t i = 0; i < o->a->count; i++)
        if (!o->out[i] && urgency(o->a, i) > best->value) {
            best->value = urgency(o->a, i);
            best->about = o->a->defect_nearest[i];
            at = i;
        }
    return at;
}

static void choose(struct order *o, size_t i, enum acquire_source source, const struct acquire_value *v,
                   double place)
{
    struct acquire_ask *ask = &o->asks[i];
    ask->source = source;
    ask->reason = v->reason;
    ask->about = v->about;
    ask->place = place;
    o->out[i] = true;
    o->choice.left--;
    for (size_t j = 0; j < o->a->count; j++) {
        if (o->a->candidates[j].answer != ACQUIRE_OPEN)
            continue;
        float d = acquire_distance2(o->a->candidates[i].point, o->a->candidates[j].point);
        o->distance[j] = d < o->distance[j] ? d : o->distance[j];
        if (o->out[j] || !acquire_near(o->a, i, j, d))
            continue;
        o->out[j] = true;
        o->choice.left--;
        o->asks[j].reason = ACQUIRE_WAITS;
        o->asks[j].about = i;
        o->asks[j].place = o->asks[j].expected - 1;
    }
}

void acquire_order(const struct acquire *a, const struct acquire_mix *mix, size_t horizon, struct rng rng,
                   struct acquire_ask *asks)
{
    struct order o;
    order_init(&o, a, asks);
    for (size_t n = 0; n < horizon && o.choice.left > 0; n++) {
        struct acquire_value value;
        enum acquire_source source = ACQUIRE_ANOMALOUS;
        size_t at = most_urgent(&o, &value);
        if (at == SIZE_MAX) {
            source = acquire_mix_draw(mix, o.use, &rng);
            at = best_of(&o, source, &value);
        }
        choose(&o, at, source, &value, 2 - (double)n / (double)(horizon + 1));
    }
    order_clear(&o);
}
