#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/adapt.h"
#include "learn/adapt_pixels.h"

static const float clearly_normal = -4; // a logit

struct adapt_scorer {
    struct base *base;
    struct heads *heads;
    int mirrors;
};

struct adapt_score_work {
    struct base_work *base;
    struct heads_work *heads, *again; // again: of the mirrored views
    float *rgb;
    size_t capacity;
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
    s->mirrors = adapt_mirrors(model);
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
    work->again = heads_work_new(&scorer->heads->shape);
    return work;
}

void adapt_score_work_free(struct adapt_score_work *work)
{
    if (!work)
        return;
    base_work_free(work->base);
    heads_work_free(work->heads);
    heads_work_free(work->again);
    free(work->rgb);
    free(work);
}

static void look(const struct adapt_scorer *scorer, struct adapt_score_work *work, struct heads_work *heads, const float *rgb, int rows,
                 int cols, struct heads_out *out)
{
    struct tap from[BASE_TAPS];
    struct graph_tap taps[NET_TAPS];
    base_taps(scorer->base, work->base, rgb, rows, cols, from);
    for (int i = 0; i < NET_TAPS; i++)
        taps[i] = (struct graph_tap){from[i].rows, from[i].cols, from[i].channels, from[i].data};
    heads_forward(scorer->heads, heads, taps, 0, NULL, out);
}

static void look_again(const struct adapt_scorer *scorer, struct adapt_score_work *work, const float *rgb, int rows, int cols,
                       struct heads_out *mean)
{
    size_t count = 3 * (size_t)rows * (size_t)cols;
    float share = 1 / (float)scorer->mirrors;
    mean->logit *= share, mean->local *= share, mean->global *= share;
    if (count > work->capacity) {
        free(work->rgb);
        work->rgb = xaligned(count, sizeof *work->rgb);
        work->capacity = count;
    }
    for (int view = 1; view < scorer->mirrors; view++) {
        struct heads_out out;
        memcpy(work->rgb, rgb, count * sizeof *rgb);
        adapt_mirror(rows, cols, view & 1, view & 2, work->rgb, NULL);
        look(scorer, work, work->again, work->rgb, rows, cols, &out);
        mean->logit += share * out.logit;
        mean->local += share * out.local;
        mean->global += share * out.global;
    }
}

void adapt_score(const struct adapt_scorer *scorer, struct adapt_score_work *work, const float *rgb, int rows, int cols,
                 struct adapt_score *score)
{
    struct heads_out out;
    look(scorer, work, work->heads, rgb, rows, cols, &out);
    if (scorer->mirrors > 1 && out.logit > clearly_normal)
        look_again(scorer, work, rgb, rows, cols, &out);
    *score = (struct adapt_score){.logit = out.logit, .local = out.local, .global = out.global, .rows = out.rows,
                                  .cols = out.cols, .patch = out.patch, .embedding = out.embedding};
    score->class_index = heads_classify(scorer->heads, &out, score->classes, &score->unknown);
}
