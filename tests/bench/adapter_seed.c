#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/bench/adapter_seed.h"
#include "tests/bench/must.h"
#include "tests/bench/verdicts.h"

enum { HORIZON = 64 };

static void keep_tiles(const struct bench *b, struct seed *s)
{
    const struct mtd *mtd = &b->tiles.mtd;
    bool *bad = xcalloc(mtd->groups, sizeof *bad), *kept = xcalloc(mtd->groups, sizeof *kept);
    size_t left = 0;
    for (size_t i = 0; i < b->count; i++) {
        left += s->fit[i] && is_defect(b, i) && !bad[group_of(b, i)];
        bad[group_of(b, i)] |= s->fit[i] && is_defect(b, i);
    }
    left = left < b->defective ? left : b->defective;
    while (left > 0) {
        size_t g = (size_t)rng_below(&s->rng, mtd->groups);
        left -= bad[g] && !kept[g];
        kept[g] |= bad[g];
    }
    for (size_t i = 0; i < b->count; i++)
        s->in[i] = s->fit[i] && (!b->defective || !bad[group_of(b, i)] || kept[group_of(b, i)]) &&
                   b->tiles.mtd.pictures[i].kind != b->without;
    free(bad);
    free(kept);
}

// What a revision says of all pictures: learned from those that take part, those held out as pictures that
// came later.
void seed_screen(const struct bench *b, struct seed *s, bool taught)
{
    struct screen_input *inputs = xcalloc(b->count, sizeof *inputs);
    struct screen_score *scores = xcalloc(b->count, sizeof *scores);
    bool *believed = xcalloc(b->count, sizeof *believed);
    uint64_t *groups = xcalloc(b->count, sizeof *groups);
    size_t *rows = xcalloc(b->count, sizeof *rows), n = 0;
    struct screen_model *model;
    struct error err;
    for (size_t i = 0; i < b->count; i++) {
        if (s->fit[i] && !s->in[i])
            continue;
        rows[n] = i;
        inputs[n] = s->inputs.inputs[i];
        if (taught)
            inputs[n].measures[DETECTOR_LEARNED] = (float)b->said[i].logit;
        inputs[n].trained = taught && s->trained[i];
        inputs[n].said = !s->answered[i] ? 0 : is_defect(b, i) ? 1 : -1;
        believed[n] = s->in[i] && inputs[n].said <= 0;
        groups[n++] = group_of(b, i);
    }
    const struct screen_space space = {.dim = s->inputs.dim,
                                       .from = s->inputs.from,
                                       .contrast = patch_contrast(s->inputs.patch),
                                       .alone = SCREEN_ALONE,
                                       .aligned = patch_aligned(s->inputs.patch)};
    if (screen_fit(inputs, n, &space, believed, groups, 0.004, s->number, NULL, scores, &model, &err) !=
        ST_OK)
        die(&err);
    s->threshold = screen_threshold(model);
    for (size_t i = 0; i < n; i++) {
        s->scores[rows[i]] = scores[i];
        s->fused[rows[i]] = scores[i].score;
    }
    screen_free(model);
    free(inputs), free(scores), free(believed), free(groups), free(rows);
}

void seed_begin(struct bench *b, struct seed *s, uint64_t number)
{
    struct error err;
    size_t n = 0, dim;
    *s = (struct seed){.number = number, .rng = rng_seed(number)};
    s->fit = xcalloc(b->count, sizeof *s->fit);
    s->in = xcalloc(b->count, sizeof *s->in);
    s->answered = xcalloc(b->count, sizeof *s->answered);
    s->trained = xcalloc(b->count, sizeof *s->trained);
    s->asked = xcalloc(b->count, sizeof *s->asked);
    s->scores = xcalloc(b->count, sizeof *s->scores);
    s->fused = xcalloc(b->count, sizeof *s->fused);
    mtd_split(&b->tiles.mtd, &s->rng, s->fit);
    keep_tiles(b, s);
    tiles_screen(&b->tiles, number, s->fit, &s->inputs);
    seed_screen(b, s, false);
    dim = (size_t)s->inputs.dim;
    float *rows = xmalloc(b->count * dim * sizeof *rows);
    for (size_t i = 0; i < b->count; i++)
        if (s->in[i])
            memcpy(rows + n++ * dim, s->inputs.inputs[i].embedding, dim * sizeof *rows);
    if (acquire_projection_fit(rows, n, (int)dim, &s->projection, &err) != ST_OK)
        die(&err);
    free(rows);
}

void seed_end(struct seed *s)
{
    acquire_projection_clear(&s->projection);
    tiles_inputs_clear(&s->inputs);
    free(s->fit), free(s->in), free(s->answered), free(s->trained), free(s->asked), free(s->scores),
        free(s->fused);
}

// ---- asking ----

static void answer(struct seed *s, size_t picture)
{
    s->answered[picture] = true;
    s->asked[s->answers++] = picture;
}

static void take_up(const struct bench *b, const struct seed *s, size_t picture, struct acquire_candidate *c)
{
    bool defect = is_defect(b, picture);
    *c = (struct acquire_candidate){.score = s->fused[picture],
                                    .threshold = s->threshold,
                                    .part_count = DETECTORS,
                                    .group = group_of(b, picture),
                                    .class_index = -1};
    memcpy(c->parts, s->scores[picture].parts, sizeof s->scores[picture].parts);
    acquire_point(&s->projection, s->inputs.inputs[picture].embedding, c->point);
    if (s->answered[picture]) {
        c->answer = defect ? ACQUIRE_DEFECT : ACQUIRE_NORMAL;
        c->class_index = defect ? b->tiles.mtd.pictures[picture].kind : -1;
    }
}

// As app/ask does it, an order after every answer.
static void ask_acquire(const struct bench *b, struct seed *s, size_t total)
{
    struct acquire_candidate *candidates = xcalloc(b->count, sizeof *candidates);
    struct acquire_ask *asks = xcalloc(b->count, sizeof *asks);
    size_t *pictures = xcalloc(b->count, sizeof *pictures), n = 0;
    for (size_t i = 0; i < s->answers; i++)
        pictures[n++] = s->asked[i];
    for (size_t i = 0; i < b->count; i++)
        if (s->in[i] && !s->answered[i])
            pictures[n++] = i;
    for (size_t i = 0; i < n; i++)
        take_up(b, s, pictures[i], &candidates[i]);
    struct acquire *a = acquire_new(candidates, n, MTD_KINDS);
    while (s->answers < total && s->answers < n) {
        acquire_order(a, &s->mix, HORIZON, rng_seed(s->number * 100000 + s->answers), asks);
        size_t at = SIZE_MAX;
        for (size_t i = 0; i < n; i++)
            if (!s->answered[pictures[i]] && (at == SIZE_MAX || asks[i].place > asks[at].place))
                at = i;
        bool defect = is_defect(b, pictures[at]);
        acquire_mix_learn(&s->mix, asks[at].source, acquire_surprise(asks[at].expected, defect));
        acquire_answer(a, at, defect ? ACQUIRE_DEFECT : ACQUIRE_NORMAL,
                       defect ? b->tiles.mtd.pictures[pictures[at]].kind : -1, false);
        answer(s, pictures[at]);
    }
    acquire_free(a);
    free(candidates);
    free(asks);
    free(pictures);
}

static int falling(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

struct ranked *seed_rank(const struct bench *b, const struct seed *s, size_t *count)
{
    struct ranked *list = xcalloc(b->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (s->in[i] && !s->answered[i])
            list[(*count)++] = (struct ranked){s->fused[i], i};
    qsort(list, *count, sizeof *list, falling);
    return list;
}

void seed_ask(const struct bench *b, struct seed *s, size_t total)
{
    size_t asked = s->answers;
    if (b->order == BY_ACQUIRE) {
        ask_acquire(b, s, total);
        return;
    }
    while (s->answers < total) {
        size_t left, at = 0, turn = (s->answers - asked) % 4;
        struct ranked *list = seed_rank(b, s, &left);
        if (left == 0) {
            free(list);
            return;
        }
        if (b->order == BY_CHANCE || turn == 3)
            at = (size_t)rng_below(&s->rng, left);
        else if (turn == 2)
            at = (size_t)rng_below(&s->rng, left / 3 + 1);
        answer(s, list[at < left ? at : left - 1].index);
        free(list);
    }
}

void seed_draw(const struct bench *b, struct seed *s, size_t defects)
{
    struct rng rng = rng_seed(s->number + 1000);
    size_t *order = xcalloc(b->count + 1, sizeof *order), counts[2] = {0};
    for (size_t i = 0; i < b->count; i++)
        order[i] = i;
    mtd_shuffle(order, b->count, &rng);
    for (size_t i = 0; i < b->count; i++) {
        bool defect = is_defect(b, order[i]);
        if (s->in[order[i]] && counts[defect]++ < (defect ? defects : 3 * defects) && !s->answered[order[i]])
            answer(s, order[i]);
    }
    free(order);
}
