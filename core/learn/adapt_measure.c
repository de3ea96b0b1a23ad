// What the heads know by measuring instead of by training: the scale of normal features, the classes' means.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "learn/adapt_impl.h"

enum { MEASURED = 160 }; // pictures, at most

struct measure {
    struct trainer *t;
    size_t *entries;
    size_t count;
    bool whole; // of the pictures' descriptions; else of the channels
    size_t dim;
};

// Sums, squares and a number per worker: (2, dim) and one more.
static void measure_share(void *context, int worker)
{
    const struct measure *m = context;
    struct trainer *t = m->t;
    struct adapt_share *s = &t->shares[worker];
    double *sum = s->sums, *square = sum + m->dim, *number = square + m->dim;
    float *g = xcalloc(m->dim, sizeof *g);
    memset(sum, 0, (2 * m->dim + 2) * sizeof *sum);
    s->status = ST_OK;
    for (size_t i = (size_t)worker; i < m->count && s->status == ST_OK; i += (size_t)t->options.threads) {
        const struct adapt_view *view;
        struct graph_tap taps[NET_TAPS];
        int index = (int)(i % (size_t)adapt_views_plain(t->views, m->entries[i]));
        s->status = trainer_taps(t, worker, m->entries[i], index, false, &view, taps, &s->error);
        if (s->status != ST_OK)
            break;
        if (m->whole) {
            heads_describe(t->heads, s->work, taps, g);
            for (size_t k = 0; k < m->dim; k++) {
                sum[k] += (double)g[k];
                square[k] += (double)g[k] * (double)g[k];
            }
            number[0]++;
            continue;
        }
        size_t at = 0;
        for (int tap = 0; tap < NET_TAPS; at += (size_t)taps[tap].channels, tap++) {
            size_t cells = (size_t)taps[tap].rows * (size_t)taps[tap].cols, n = (size_t)taps[tap].channels;
            for (size_t c = 0; c < cells; c++)
                for (size_t k = 0; k < n; k++) {
                    double x = (double)taps[tap].values[c * n + k];
                    sum[at + k] += x;
                    square[at + k] += x * x;
                }
            number[tap] += (double)cells;
        }
    }
    free(g);
}

// Into mean and inverse; a channel that hardly ever moves is not blown up to the size of the others.
static void conclude(const double *sum, const double *square, double number, size_t n, float *mean, float *inverse)
{
    double usual = 0;
    for (size_t k = 0; k < n; k++) {
        double m = sum[k] / number;
        usual += fmax(0, square[k] / number - m * m) / (double)n;
    }
    for (size_t k = 0; k < n; k++) {
        double m = sum[k] / number;
        mean[k] = (float)m;
        inverse[k] = (float)(1 / sqrt(fmax(0, square[k] / number - m * m) + 0.01 * usual + 1e-12));
    }
}

static enum status gather(struct measure *m, struct error *err)
{
    struct trainer *t = m->t;
    parallel_run(t->options.threads, measure_share, m);
    for (int w = 0; w < t->options.threads; w++) {
        if (t->shares[w].status != ST_OK) {
            *err = t->shares[w].error;
            return t->shares[w].status;
        }
        for (size_t k = 0; w > 0 && k < 2 * m->dim + 2; k++)
            t->shares[0].sums[k] += t->shares[w].sums[k];
    }
    return ST_OK;
}

enum status trainer_standardise(struct trainer *t, struct error *err)
{
    const struct head_shape *s = &t->heads->shape;
    size_t fine = (size_t)s->channels[0], coarse = (size_t)s->channels[1], g = (size_t)heads_global(s);
    struct measure m = {.t = t, .entries = xcalloc(t->entry_count + 1, sizeof *m.entries), .dim = fine + coarse};
    static const enum adapt_side order[] = {ADAPT_NORMAL, ADAPT_POOL, ADAPT_DEFECT};
    for (int i = 0; i < 3 && (i < 2 || m.count < 2); i++) // defects only where nothing else is there
        for (size_t k = 0; k < t->side_counts[order[i]] && m.count < MEASURED; k++)
            m.entries[m.count++] = t->sides[order[i]][k];
    for (int w = 0; w < t->options.threads; w++)
        t->shares[w].sums = xcalloc(2 * g + 2, sizeof(double));
    enum status status = gather(&m, err);
    double *sum = t->shares[0].sums, *square = sum + m.dim, *number = square + m.dim;
    if (status == ST_OK) {
        conclude(sum, square, number[0], fine, heads_values(t->heads, HEAD_MEAN_FINE),
                 heads_values(t->heads, HEAD_INVERSE_FINE));
        conclude(sum + fine, square + fine, number[1], coarse, heads_values(t->heads, HEAD_MEAN_COARSE),
                 heads_values(t->heads, HEAD_INVERSE_COARSE));
        m.whole = true;
        m.dim = g;
        status = gather(&m, err);
    }
    if (status == ST_OK)
        conclude(sum, sum + g, sum[2 * g], g, heads_values(t->heads, HEAD_MEAN_GLOBAL),
                 heads_values(t->heads, HEAD_INVERSE_GLOBAL));
    for (int w = 0; w < t->options.threads; w++) {
        free(t->shares[w].sums);
        t->shares[w].sums = NULL;
    }
    free(m.entries);
    return status;
}

enum status trainer_fit_classes(struct trainer *t, struct error *err)
{
    size_t n = (size_t)heads_embedding(&t->heads->shape), count = 0, defects = t->side_counts[ADAPT_DEFECT];
    float *embeddings = xcalloc(defects * n + 1, sizeof *embeddings);
    int *labels = xcalloc(defects + 1, sizeof *labels);
    enum status status = ST_OK;
    for (size_t i = 0; i < defects && status == ST_OK; i++) {
        size_t entry = t->sides[ADAPT_DEFECT][i];
        const struct adapt_view *view;
        struct graph_tap taps[NET_TAPS];
        struct heads_out out;
        if (t->entries[entry].class_index < 0)
            continue;
        status = trainer_taps(t, 0, entry, 0, false, &view, taps, err);
        if (status != ST_OK)
            break;
        heads_forward(t->heads, t->shares[0].work, taps, 0, NULL, &out);
        memcpy(embeddings + count * n, out.embedding, n * sizeof *embeddings);
        labels[count++] = t->entries[entry].class_index;
    }
    if (status == ST_OK)
        heads_fit_classes(t->heads, embeddings, labels, count);
    free(embeddings);
    free(labels);
    return status;
}
