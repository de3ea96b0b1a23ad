#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "learn/adapt.h"

struct adapt_scorer {
    struct base *base;
    struct heads *heads;
};

struct adapt_score_work {
    struct base_work *base;
    struct heads_work *heads;
};

enum status adapt_scorer_new(const struct net *base, const struct adapt_model *model, enum base_precision precision,
                             struct adapt_scorer **scorer, struct error *err)
{
    struct net *merged = adapter_merge(base, model->adapter);
    struct adapt_scorer *s = xcalloc(1, sizeof *s);
    enum status status = base_new_as(merged, precision, &s->base, err);
    net_free(merged);
    if (status != ST_OK) {
        free(s);
        return status;
    }
    s->heads = heads_copy(model->heads);
    *scorer = s;
    return ST_OK;
}

void adapt_scorer_free(struct adapt_scorer *scorer)
{
    if (!scorer)
        return;
    base_free(scorer->base);
    heads_free(scorer->heads);
    free(scorer);
}

const struct base *adapt_scorer_base(const struct adapt_scorer *scorer)
{
    return scorer->base;
}

struct adapt_score_work *adapt_score_work_new(const struct adapt_scorer *scorer)
{
    struct adapt_score_work *work = xcalloc(1, sizeof *work);
    work->base = base_work_new(scorer->base);
    work->heads = heads_work_new(&scorer->heads->shape);
    return work;
}

void adapt_score_work_free(struct adapt_score_work *work)
{
    if (!work)
        return;
    base_work_free(work->base);
    heads_work_free(work->heads);
    free(work);
}

void adapt_score(const struct adapt_scorer *scorer, struct adapt_score_work *work, const float *rgb, int rows, int cols,
                 struct adapt_score *score)
{
    struct tap from[BASE_TAPS];
    struct graph_tap taps[NET_TAPS];
    struct heads_out out;
    base_taps(scorer->base, work->base, rgb, rows, cols, from);
    for (int i = 0; i < NET_TAPS; i++)
        taps[i] = (struct graph_tap){from[i].rows, from[i].cols, from[i].channels, from[i].data};
    heads_forward(scorer->heads, work->heads, taps, 0, NULL, &out);
    *score = (struct adapt_score){.logit = out.logit, .local = out.local, .global = out.global, .rows = out.rows,
                                  .cols = out.cols, .patch = out.patch, .embedding = out.embedding};
    score->class_index = heads_classify(scorer->heads, &out, score->classes, &score->unknown);
}
