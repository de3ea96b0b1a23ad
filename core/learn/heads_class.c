// Classes by their means: what few pictures of a class allow.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/heads.h"
#include "nn/layer.h"

static const double slack = 1.5; // of a radius

// Mean squared distance per dimension, in units of the deviation within classes.
static double distance(const float *a, const float *b, const float *scale, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double d = (double)(a[i] - b[i]) * (double)scale[i];
        sum += d * d;
    }
    return sum / n;
}

static void fit_means(struct heads *h, const float *embeddings, const int *labels, size_t count)
{
    int n = heads_embedding(&h->shape), classes = h->shape.classes;
    float *seen = heads_values(h, HEAD_CLASS_COUNT), *means = heads_values(h, HEAD_CLASS_MEAN);
    memset(seen, 0, (size_t)classes * sizeof *seen);
    memset(means, 0, (size_t)classes * (size_t)n * sizeof *means);
    for (size_t i = 0; i < count; i++) {
        seen[labels[i]]++;
        for (int k = 0; k < n; k++)
            means[labels[i] * n + k] += embeddings[i * (size_t)n + (size_t)k];
    }
    for (int c = 0; c < classes; c++)
        for (int k = 0; k < n && seen[c] > 0; k++)
            means[c * n + k] /= seen[c];
}

// Deviation within classes, pooled, with a tenth of its usual size under each: a unit that never moves says nothing.
static void fit_scale(struct heads *h, const float *embeddings, const int *labels, size_t count)
{
    int n = heads_embedding(&h->shape);
    const float *means = heads_values(h, HEAD_CLASS_MEAN);
    double *square = xcalloc((size_t)n, sizeof *square), usual = 0;
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < n; k++) {
            double d = (double)embeddings[i * (size_t)n + (size_t)k] - (double)means[labels[i] * n + k];
            square[k] += d * d / (double)count;
        }
    for (int k = 0; k < n; k++)
        usual += square[k] / n;
    for (int k = 0; k < n; k++)
        heads_values(h, HEAD_CLASS_SCALE)[k] = (float)(1 / sqrt(square[k] + 0.1 * usual + 1e-12));
    free(square);
}

void heads_fit_classes(struct heads *h, const float *embeddings, const int *labels, size_t count)
{
    int n = heads_embedding(&h->shape), classes = h->shape.classes;
    if (!classes)
        return;
    float *seen = heads_values(h, HEAD_CLASS_COUNT), *means = heads_values(h, HEAD_CLASS_MEAN);
    float *radius = heads_values(h, HEAD_CLASS_RADIUS);
    fit_means(h, embeddings, labels, count);
    fit_scale(h, embeddings, labels, count);
    memset(radius, 0, (size_t)classes * sizeof *radius);
    for (size_t i = 0; i < count; i++) {
        int c = labels[i];
        // From the mean of the others: (x - m) n / (n - 1).
        double out = seen[c] > 1 ? seen[c] / (seen[c] - 1) : 0;
        double d = distance(embeddings + i * (size_t)n, means + c * n, heads_values(h, HEAD_CLASS_SCALE), n) * out * out;
        radius[c] = fmaxf(radius[c], (float)(slack * slack * d));
    }
    double sum = 0, known = 0;
    for (int c = 0; c < classes; c++)
        if (radius[c] > 0) {
            sum += (double)radius[c];
            known++;
        }
    float usual = known > 0 ? (float)(sum / known) : (float)(4 * slack * slack);
    for (int c = 0; c < classes; c++)
        radius[c] = seen[c] > 0 ? fmaxf(radius[c], usual) : 0;
}

int heads_classify(const struct heads *h, const struct heads_out *out, float *probabilities, bool *unknown)
{
    int n = heads_embedding(&h->shape), classes = h->shape.classes, best = -1;
    const float *seen = heads_values(h, HEAD_CLASS_COUNT), *radius = heads_values(h, HEAD_CLASS_RADIUS);
    double far[HEADS_CLASSES], nearest = HUGE_VAL, most = -HUGE_VAL, near_sum = 0, logit_sum = 0, few = 0;
    bool inside = false;
    for (int c = 0; c < classes; c++) {
        far[c] = seen[c] > 0 ? distance(out->embedding, heads_values(h, HEAD_CLASS_MEAN) + c * n,
                                        heads_values(h, HEAD_CLASS_SCALE), n)
                             : HUGE_VAL;
        nearest = fmin(nearest, far[c]);
        inside = inside || (seen[c] > 0 && far[c] <= (double)radius[c]);
        if (seen[c] >= HEADS_FEW)
            most = fmax(most, (double)out->class_logit[c]);
    }
    *unknown = !inside;
    if (nearest == HUGE_VAL) {
        for (int c = 0; c < classes; c++)
            probabilities[c] = 1 / (float)classes;
        return -1;
    }
    // Distances are means over many dimensions: their log density is n / 2 times as steep, tempered by half.
    for (int c = 0; c < classes; c++) {
        double near = exp((nearest - far[c]) * n / 8);
        near_sum += near;
        few += seen[c] < HEADS_FEW ? near : 0;
        logit_sum += seen[c] >= HEADS_FEW ? exp((double)out->class_logit[c] - most) : 0;
    }
    for (int c = 0; c < classes; c++) {
        probabilities[c] = seen[c] < HEADS_FEW
                               ? (float)(exp((nearest - far[c]) * n / 8) / near_sum)
                               : (float)((1 - few / near_sum) * exp((double)out->class_logit[c] - most) / logit_sum);
        if (best < 0 || probabilities[c] > probabilities[best])
            best = c;
    }
    return best;
}

int heads_classify_kept(const struct heads *h, const float *embedding, float *probabilities, bool *unknown)
{
    float logits[HEADS_CLASSES];
    const struct heads_out out = {.embedding = embedding, .class_logit = logits};
    if (h->shape.classes)
        layer_linear(embedding, 1, heads_embedding(&h->shape), h->shape.classes, heads_values(h, HEAD_CLASS),
                     heads_values(h, HEAD_CLASS_BIAS), logits);
    return heads_classify(h, &out, probabilities, unknown);
}
