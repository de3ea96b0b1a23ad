#include "config.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/rng.h"
#include "screen/contrast.h"
#include "screen/folds.h"
#include "screen/model.h"
#include "screen/model_state.h"
#include "screen/together.h"

enum { NORMALS_LEAST = 16, FIT_MOST = 20000, BLOCK = 256 };
static const double aligned_from = 0.4, aligned_full = 0.6;
static const double unseen_least = 0.1; // share of the normals
static const double lead_half = 40, offset_from = 10; // things with a confirmed defect

const char *detector_name(enum detector detector)
{
    static const char *const names[DETECTORS] = {
        [DETECTOR_PATCH] = N_("patch"),     [DETECTOR_TILE] = N_("tile"),   [DETECTOR_DRAWN] = N_("drawn"),
        [DETECTOR_LEARNED] = N_("learned"), [DETECTOR_WHOLE] = N_("whole"), [DETECTOR_KNOWN] = N_("known"),
    };
    return names[detector];
}

// What each detector counts for in the fused score. On the magnetic tiles (bench-detectors) the cells'
// distances see less than the picture-level detector: at full weight they cost 0.04 AUROC, at a tenth 0.001.
// What they alone find is not lost by that: see conclude(). Drawn defects teach what is local and
// nothing of what is spread: at half weight the fused AUROC is 0.911, without it 0.899 (five seeds); at full weight
// 0.007 less than at half. Likeness to known defects counts the more, the
// more defects there are to be like.
// Where the camera stands still, a place in the picture is a place on the thing: cells are compared with what is normal
// there and see more than the whole picture does. They count the more, the more the place tells.
static double weight(const struct screen_model *m, int detector)
{
    static const double fixed[DETECTORS] = {
        [DETECTOR_PATCH] = 0.1, [DETECTOR_TILE] = 0.1, [DETECTOR_DRAWN] = 0.5, [DETECTOR_LEARNED] = 0.5, [DETECTOR_WHOLE] = 1};
    double defects = (double)m->known.counts[1];
    if (detector == DETECTOR_PATCH)
        return fmin(fmax((m->aligned - aligned_from) / (aligned_full - aligned_from), fixed[detector]), 1);
    return detector == DETECTOR_KNOWN ? defects / (defects + 20) : fixed[detector];
}

// Weighted Euclidean norm: nearly the maximum where one detector alone sees the defect, more where several
// do. untaught: of those alone that no answer taught, neither the learned one nor likeness to known defects.
static double norm(const struct screen_model *m, const double parts[DETECTORS], bool untaught)
{
    double squares = 0;
    for (int d = 0; d < DETECTORS; d++) {
        // where the picture-level detector has nothing to say, the cells speak for all
        double w = d == DETECTOR_WHOLE || m->used[DETECTOR_WHOLE] ? weight(m, d) : 1;
        bool taught = d == DETECTOR_LEARNED || d == DETECTOR_KNOWN;
        squares += untaught && taught ? 0 : w * w * parts[d] * parts[d];
    }
    return sqrt(squares);
}

// A detector that learned from defects knows what matters here, as far as they show it: from few things it learns what
// those look like, from many what a defect is. So it counts by their number g, as g / (g + 40), next to the norm of the
// detectors that nothing was taught; likeness to known defects, which it replaces, takes no part. And as it is blind to
// kinds it never saw, a picture counts at least as what the others say less an offset: of the flagged normals the share
// 10^-offset at most is theirs, and what is unlike anything stays findable.
static double fuse(const struct screen_model *m, const double parts[DETECTORS])
{
    if (!m->apart)
        return norm(m, parts, false);
    double others = fmax(tail_score(&m->others, norm(m, parts, true)), 0);
    return fmax(m->lead * parts[DETECTOR_LEARNED] + (1 - m->lead) * others, others - m->offset);
}

static void parts_of(const struct screen_model *m, const double measures[DETECTORS], double parts[DETECTORS])
{
    for (int d = 0; d < DETECTORS; d++)
        parts[d] = m->used[d] && !isnan(measures[d]) ? fmax(tail_score(&m->tails[d], measures[d]), 0) : 0;
}

// A share of what may be flagged, of a score: -log10(1 - (1 - p)^(1 / share)), for small p p / share (Sidak 1967 instead of
// Bonferroni, so that the lowest scores do not all become 0 and stay in their order).
static double within(double score, double share)
{
    double p = pow(10, -score);
    if (share >= 1)
        return score;
    return p < 1e-9 ? score + log10(share) : fmax(-log10(-expm1(log1p(-fmin(p, 1)) / share)), 0);
}

// The probability that the fused score or any single one is as high is at most the sum of theirs
// (Bonferroni), each over its share of what may be flagged: 1 - alone for the fused one, alone / n for each
// of the n detectors.
// together: the picture's fused score as its group's pictures share it (together.h); NAN where it is by itself.
static void conclude(const struct screen_model *m, double together, struct screen_score *score)
{
    double single = -INFINITY;
    int used = 0, which = 0;
    for (int d = 0; d < DETECTORS; d++) {
        used += m->used[d];
        if (m->used[d] && score->parts[d] > single) {
            single = score->parts[d];
            which = d;
        }
    }
    single += log10(m->alone / used); // -inf where none may
    double fused = isnan(together) ? tail_score(&m->fused, fuse(m, score->parts)) : tail_score(&m->together, together);
    score->score = within(fmax(fused, 0), 1 - m->alone);
    score->alone = single > score->score ? 1 + which : 0;
    score->score = fmax(score->score, single);
}

// What the fit reads: rows that may lie in a mapping.
struct source {
    const struct screen_input *inputs;
    const struct screen_relief *relief;
    const struct contrast *contrast; // NULL none
    int from;
};

static const float *row_of(const struct source *s, size_t picture, size_t nth)
{
    enum { RELIEF = 256 }; // a row read at random may bring 64 KB with it
    if (s->relief && nth % RELIEF == RELIEF - 1)
        s->relief->call(s->relief->context);
    return s->inputs[picture].embedding + s->from;
}

// Confirmed pictures that likeness is measured to, at most KNOWN_MOST of each side.
struct labels {
    size_t *pictures, count;
};

static struct labels labels_of(const struct screen_input *inputs, size_t count)
{
    size_t totals[2] = {0}, seen[2] = {0};
    for (size_t i = 0; i < count; i++)
        if (inputs[i].said)
            totals[inputs[i].said > 0]++;
    struct labels labels = {xcalloc(totals[0] + totals[1] + 1, sizeof *labels.pictures), 0};
    for (size_t i = 0; i < count && totals[1]; i++) {
        bool defect = inputs[i].said > 0;
        if (!inputs[i].said)
            continue;
        size_t n = seen[defect]++, total = totals[defect], most = total < KNOWN_MOST ? total : KNOWN_MOST;
        if (n * most / total != (n + 1) * most / total) // evenly over all
            labels.pictures[labels.count++] = i;
    }
    return labels;
}

static void known_fill(struct known *known, const struct mixture *g, const struct source *source,
                       const struct labels *labels, const uint64_t *groups)
{
    float *white = xcalloc((size_t)g->looks.dim, sizeof *white);
    known_init(known, g->looks.dim);
    for (size_t i = 0; i < labels->count; i++) {
        size_t at = labels->pictures[i];
        mixture_whiten(g, row_of(source, at, i), 1, white);
        known_add(known, source->inputs[at].said > 0, white, groups[at]);
    }
    free(white);
}

// Mahalanobis distances of the pictures `members` into whole[member], their likeness to the known into
// known[member].
static void measure_members(const struct mixture *g, const struct source *source,
                            const struct labels *labels, const uint64_t *groups, const size_t *members,
                            size_t count, double *whole, double *likeness)
{
    size_t dim = (size_t)g->looks.dim;
    float *rows = xmalloc(BLOCK * dim * sizeof *rows),
          *white = xmalloc(BLOCK * dim * sizeof *white); // (BLOCK, dim)
    uint64_t own[BLOCK];
    double like[BLOCK];
    struct known known;
    known_fill(&known, g, source, labels, groups);
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        for (size_t i = 0; i < n; i++) {
            memcpy(rows + i * dim, row_of(source, members[first + i], first + i), dim * sizeof *rows);
            own[i] = groups[members[first + i]];
        }
        mixture_whiten(g, rows, n, white);
        known_measure(&known, white, own, n, like);
        for (size_t i = 0; i < n; i++) {
            whole[members[first + i]] = sqrt(cblas_dsdot(g->looks.dim, white + i * dim, 1, white + i * dim, 1));
            likeness[members[first + i]] = like[i];
        }
    }
    known_clear(&known);
    free(white);
    free(rows);
}

// The embeddings of some members, (count, dim); caller frees.
static float *rows_of(const struct source *source, const size_t *members, size_t count, int dim)
{
    size_t d = (size_t)dim;
    float *rows = xmalloc(count * d * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        memcpy(rows + i * d, row_of(source, members[i], i), d * sizeof *rows);
    return rows;
}

// Whether a fold holds more than half of a look: what is fitted without it would know too little of that look.
static bool folds_cut(const struct looks *looks, const float *rows, const int *folds, size_t count)
{
    size_t all[LOOKS_MOST] = {0}, in[LOOKS_MOST][FOLDS] = {{0}};
    bool cut = false;
    for (size_t i = 0; i < count; i++) {
        int k = looks_of(looks, rows + i * (size_t)looks->dim);
        all[k]++;
        in[k][folds[i]]++;
    }
    for (int k = 0; k < looks->count; k++)
        for (int f = 0; f < FOLDS; f++)
            cut = cut || 2 * in[k][f] > all[k];
    return cut;
}

// The looks of the normals, the same for every fold, so that what one fold measures compares with what another does.
static struct looks looks_of_normals(const struct source *source, const size_t *members, const int *folds, size_t normals,
                                     int dim, struct rng *rng)
{
    enum { MOST = 4000 };
    size_t n = normals < MOST ? normals : MOST, *some = xmalloc(n * sizeof *some);
    int *of = xmalloc(n * sizeof *of);
    for (size_t i = 0; i < n; i++) {
        some[i] = members[i * normals / n];
        of[i] = folds[i * normals / n];
    }
    float *rows = rows_of(source, some, n, dim);
    struct looks looks = looks_find(rows, n, dim, rng);
    if (looks.count > 1 && folds_cut(&looks, rows, of, n)) {
        looks_clear(&looks);
        looks = looks_one(dim);
    }
    free(rows);
    free(of);
    free(some);
    return looks;
}

// The mixture of a sample of the pictures `members`.
static enum status fit_sample(const struct source *source, const struct looks *looks, const size_t *members, size_t count,
                              struct rng *rng, struct mixture *mixture, struct error *err)
{
    size_t n = count < FIT_MOST ? count : FIT_MOST;
    size_t *sample = xmalloc(count * sizeof *sample);
    memcpy(sample, members, count * sizeof *sample);
    if (n < count)
        folds_shuffle(sample, count, rng);
    float *rows = rows_of(source, sample, n, looks->dim);
    free(sample);
    enum status status = mixture_fit(looks, source->contrast, rows, n, mixture, err);
    free(rows);
    return status;
}

// Measures of all pictures on their embeddings: out of fold for the normals that are folded
// (members[0 .. normals-1]), by the final fit for the others (members[normals ..]).
static enum status fit_whole(struct screen_model *m, const struct source *source, const size_t *members,
                             size_t count, size_t normals, const uint64_t *groups, uint64_t seed,
                             double *whole, double *likeness, struct error *err)
{
    struct labels labels = labels_of(source->inputs, count);
    struct rng rng = rng_seed(seed);
    int *folds = xmalloc(normals * sizeof *folds);
    size_t *part = xmalloc(normals * sizeof *part); // in the fit from the front, held out from the back
    enum status status = ST_OK;
    folds_assign(groups, members, normals, &rng, folds);
    struct looks looks = looks_of_normals(source, members, folds, normals, m->dim - m->from, &rng);
    for (int f = 0; f < FOLDS && status == ST_OK; f++) {
        struct mixture g;
        size_t in = 0, out = normals;
        for (size_t i = 0; i < normals; i++)
            part[folds[i] == f ? --out : in++] = members[i];
        if (out == normals)
            continue; // fewer groups than folds
        status = fit_sample(source, &looks, part, in, &rng, &g, err);
        if (status == ST_OK) {
            measure_members(&g, source, &labels, groups, part + out, normals - out, whole, likeness);
            mixture_clear(&g);
        }
    }
    free(part);
    free(folds);
    if (status == ST_OK)
        status = fit_sample(source, &looks, members, normals, &rng, &m->mixture, err);
    looks_clear(&looks);
    if (status == ST_OK) {
        measure_members(&m->mixture, source, &labels, groups, members + normals, count - normals, whole,
                        likeness);
        known_fill(&m->known, &m->mixture, source, &labels, groups);
    }
    free(labels.pictures);
    return status;
}

static enum status check(const struct source *source, size_t count, int dim, size_t normals, double flag_rate,
                         struct error *err)
{
    if (!(flag_rate > 0 && flag_rate < 1) || dim < 1)
        return error_set(err, ST_INVALID,
                         "the share of normals that may be flagged is %g; it must lie between 0 and 1",
                         flag_rate);
    if (normals < NORMALS_LEAST)
        return error_set(err, ST_INVALID,
                         "%zu pictures believed normal are too few to learn from; at least %d are needed",
                         normals, NORMALS_LEAST);
    for (size_t i = 0; i < count; i++) {
        const struct screen_input *input = &source->inputs[i];
        const float *row = row_of(source, i, i);
        bool finite = true;
        for (int d = 0; d < DETECTORS_MEASURED; d++)
            finite = finite && !isinf(input->measures[d]);
        for (int j = 0; j < dim; j++)
            finite = finite && isfinite(row[j]);
        if (!finite)
            return error_set(err, ST_INVALID,
                             "the features of picture %zu are not finite; the base or its weights are bad",
                             i + 1);
    }
    return ST_OK;
}

// Tail over the believed normals that have the measure, in numbers that a file of floats holds
// exactly: a stored model scores as the fitted one. unseen (NULL: all): inputs, of which those not trained on count. False: too few have it or all are equal, the
// detector says nothing.
static bool fit_tail(const double *measures, const size_t *members, size_t normals, const struct screen_input *unseen,
                     struct tail *tail)
{
    double *values = xmalloc(normals * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < normals; i++)
        if (!isnan(measures[members[i]]) && !(unseen && unseen[members[i]].trained))
            values[n++] = measures[members[i]];
    // Better a little too low than not at all, or by a few that were left over because they are odd.
    if (unseen && (n < NORMALS_LEAST || (double)n < unseen_least * (double)normals)) {
        free(values);
        return fit_tail(measures, members, normals, NULL, tail);
    }
    bool fitted = tail_fit(values, n, tail, NULL) == ST_OK;
    free(values);
    if (!fitted)
        return false;
    for (int i = 0; i < TAIL_GRID; i++)
        tail->grid[i] = (float)tail->grid[i];
    tail->start = (float)tail->start;
    tail->shape = (float)tail->shape;
    tail->scale = (float)tail->scale;
    tail->contamination = (float)tail->contamination;
    return true;
}

// Fused norms as -log10 of probabilities, and how they look where groups are heard; peers as together_share has them.
static double *share_all(const struct screen_model *m, double agreement, const double *fused, const uint64_t *groups,
                         size_t count, size_t *peers)
{
    double *own = xcalloc(count + 1, sizeof *own), *out = xcalloc(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++)
        own[i] = fmax(tail_score(&m->fused, fused[i]), 0);
    together_share(own, groups, count, agreement, out, peers);
    free(own);
    return out;
}

// How far the groups of the believed normals agree, and the tail of what they share; 0 where no tail can be fitted.
static double agreement_of(struct screen_model *m, const double *fused, const uint64_t *groups, const size_t *members,
                           size_t normals, size_t count, const struct screen_input *inputs)
{
    size_t *peers = xcalloc(count + 1, sizeof *peers);
    double *own = share_all(m, 0, fused, groups, count, peers);
    double agreement = together_agreement(own, groups, members, normals);
    double *shared = share_all(m, agreement, fused, groups, count, peers);
    size_t *some = xcalloc(normals + 1, sizeof *some), n = 0;
    for (size_t i = 0; i < normals; i++)
        if (peers[members[i]] > 1)
            some[n++] = members[i];
    if (!fit_tail(shared, some, n, m->used[DETECTOR_LEARNED] ? inputs : NULL, &m->together))
        agreement = 0;
    free(some);
    free(shared);
    free(own);
    free(peers);
    return agreement;
}

static void conclude_all(const struct screen_model *m, const double *fused, const uint64_t *groups, size_t count,
                         struct screen_score *scores)
{
    size_t *peers = xcalloc(count + 1, sizeof *peers);
    double *shared = share_all(m, m->agreement, fused, groups, count, peers);
    for (size_t i = 0; i < count; i++)
        conclude(m, peers[i] > 1 ? shared[i] : NAN, &scores[i]);
    free(shared);
    free(peers);
}

// Things with a defect that the learned detector was trained on.
static double taught_by(const struct screen_input *inputs, const bool *believed, const uint64_t *groups, size_t count)
{
    bool *taught = xcalloc(count + 1, sizeof *taught);
    for (size_t i = 0; i < count; i++)
        taught[i] = inputs[i].trained && !believed[i];
    size_t things = together_things(groups, taught, count);
    free(taught);
    return (double)things;
}

enum status screen_fit(const struct screen_input *inputs, size_t count, const struct screen_space *space,
                       const bool *believed, const uint64_t *groups, double flag_rate, uint64_t seed,
                       const struct screen_relief *relief, struct screen_score *scores,
                       struct screen_model **model, struct error *err)
{
    size_t normals = 0, back = count;
    size_t *members = xmalloc((count + 1) * sizeof *members); // the believed normals, then the others
    for (size_t i = 0; i < count; i++)
        members[believed[i] ? normals++ : --back] = i;
    const struct source source = {inputs, relief, space->contrast, space->from};
    enum status status = check(&source, count, space->dim - space->from, normals, flag_rate, err);
    if (status != ST_OK) {
        free(members);
        return status;
    }
    struct screen_model *m = xcalloc(1, sizeof *m);
    m->dim = space->dim;
    m->from = space->from;
    m->flag_rate = flag_rate;
    m->aligned = (double)(float)space->aligned;
    m->alone = space->alone < 0.9 ? space->alone : 0.9;
    normals = folds_draw(members, normals, groups, seed);
    double *whole = xcalloc(count, sizeof *whole), *likeness = xcalloc(count, sizeof *likeness);
    double *fused = xcalloc(count, sizeof *fused);
    // Embeddings that do not vary are a detector that says nothing, like the others below.
    m->used[DETECTOR_WHOLE] = fit_whole(m, &source, members, count, normals, groups, seed,
                                        whole, likeness, NULL) == ST_OK;
    m->fit_count = m->used[DETECTOR_WHOLE] ? m->mixture.fit_count : normals;
    if (!m->used[DETECTOR_WHOLE])
        mixture_clear(&m->mixture);
    for (int d = 0; d < DETECTORS; d++) {
        bool speaks = d < DETECTORS_MEASURED ||
                      (m->used[DETECTOR_WHOLE] && (d == DETECTOR_WHOLE || m->known.counts[1]));
        double *measures = d == DETECTOR_WHOLE ? whole : d == DETECTOR_KNOWN ? likeness : fused;
        for (size_t i = 0; i < count && d < DETECTORS_MEASURED; i++)
            measures[i] = inputs[i].measures[d];
        m->used[d] = speaks && fit_tail(measures, members, normals, d == DETECTOR_LEARNED ? inputs : NULL, &m->tails[d]);
    }
    if (!m->used[DETECTOR_KNOWN])
        known_clear(&m->known);
    for (size_t i = 0; i < count; i++) {
        double own[DETECTORS] = {[DETECTOR_WHOLE] = whole[i], [DETECTOR_KNOWN] = likeness[i]};
        for (int d = 0; d < DETECTORS_MEASURED; d++)
            own[d] = inputs[i].measures[d];
        parts_of(m, own, scores[i].parts);
        fused[i] = norm(m, scores[i].parts, true);
    }
    double taught = taught_by(inputs, believed, groups, count);
    m->apart = m->used[DETECTOR_LEARNED] && taught > 0 && fit_tail(fused, members, normals, NULL, &m->others);
    m->lead = taught / (taught + lead_half);
    m->offset = log10(1 + taught / offset_from);
    for (size_t i = 0; i < count; i++)
        fused[i] = fuse(m, scores[i].parts);
    if (!fit_tail(fused, members, normals, m->used[DETECTOR_LEARNED] ? inputs : NULL, &m->fused))
        status =
            error_set(err, ST_INVALID, "all pictures are identical: there is nothing to tell them apart by");
    if (status == ST_OK) {
        m->agreement = agreement_of(m, fused, groups, members, normals, count, inputs);
        conclude_all(m, fused, groups, count, scores);
    }
    free(whole);
    free(likeness);
    free(fused);
    free(members);
    if (status != ST_OK)
        screen_free(m);
    else
        *model = m;
    return status;
}

void screen_free(struct screen_model *model)
{
    if (!model)
        return;
    mixture_clear(&model->mixture);
    known_clear(&model->known);
    free(model);
}

static void parts_now(const struct screen_model *model, const struct screen_input *input, double parts[DETECTORS])
{
    double measures[DETECTORS] = {0};
    for (int d = 0; d < DETECTORS_MEASURED; d++)
        measures[d] = input->measures[d];
    if (model->used[DETECTOR_WHOLE]) {
        float *white = xmalloc((size_t)model->dim * sizeof *white);
        mixture_whiten(&model->mixture, input->embedding + model->from, 1, white);
        measures[DETECTOR_WHOLE] = sqrt(cblas_dsdot(model->mixture.looks.dim, white, 1, white, 1));
        if (model->used[DETECTOR_KNOWN])
            known_measure(&model->known, white, NULL, 1, &measures[DETECTOR_KNOWN]);
        free(white);
    }
    parts_of(model, measures, parts);
}

struct screen_score screen_score(const struct screen_model *model, const struct screen_input *input)
{
    struct screen_score s;
    parts_now(model, input, s.parts);
    conclude(model, NAN, &s);
    return s;
}

void screen_conclude(const struct screen_model *model, const uint64_t *groups, size_t count, struct screen_score *scores)
{
    double *fused = xcalloc(count + 1, sizeof *fused);
    for (size_t i = 0; i < count; i++)
        fused[i] = fuse(model, scores[i].parts);
    conclude_all(model, fused, groups, count, scores);
    free(fused);
}

bool screen_uses(const struct screen_model *model, enum detector detector)
{
    return model->used[detector];
}

double screen_agreement(const struct screen_model *model)
{
    return model->agreement;
}

double screen_threshold(const struct screen_model *model)
{
    return -log10(model->flag_rate);
}

double screen_shrinkage(const struct screen_model *model)
{
    return model->mixture.parts[0].shrinkage;
}

int screen_looks(const struct screen_model *model)
{
    return model->used[DETECTOR_WHOLE] ? model->mixture.looks.count : 1;
}

size_t screen_fit_count(const struct screen_model *model)
{
    return model->fit_count;
}
