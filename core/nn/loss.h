// Losses: each returns the mean loss over what it was given and, where grad is
// not NULL, writes the gradient of `factor` times that mean with respect to its first argument. factor is
// the loss's weight times the share of the batch that this thread has; the returned value does not
// contain it. Sums are doubles in a fixed order.
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include <stddef.h>
#include <stdint.h>

// mean (a - b)^2 over count values.
double loss_square(const float *a, const float *b, size_t count, double factor, float *grad);

// mean over cells of 1 - cos(a, b); a, b: (cells, channels). A cell that is all zero in a or b counts 1 and
// has no gradient.
double loss_cosine(const float *a, const float *b, size_t cells, int channels, double factor, float *grad);

// Distillation: mean of (student - (teacher - mean) / sd)^2 over cells and channels: the student, through a
// linear head, says the teacher's standardised features. student, teacher: (cells, channels); mean, inverse
// (= 1 / sd): the teacher's, (channels). The share of the variance that is not yet explained: 1 at the start,
// 0 at best.
double loss_distil(const float *student, const float *teacher, const float *mean, const float *inverse,
                   size_t cells, int channels, double factor, float *grad);

// Binary cross-entropy of logits against targets in [0, 1], mean of weight * loss over count values (divided
// by count, not by the weights' sum); weight may be NULL (all 1).
double loss_binary(const float *logit, const float *target, const float *weight, size_t count, double factor,
                   float *grad);

// Softmax cross-entropy with logit adjustment: softmax(logit + tau log prior). logit: (rows, classes); label:
// (rows), negative: the row is left out of the loss and of its mean, its gradient is 0; adjustment:
// (classes) = tau log prior, or NULL. Source: Menon et al. 2021, "Long-tail learning via logit adjustment",
// eq. 10. 0 when all rows are left out.
double loss_softmax(const float *logit, const int32_t *label, const float *adjustment, size_t rows,
                    int classes, double factor, float *grad);
// adjustment = tau * log((n + 1) / (sum + classes)): a class that was never seen stays finite.
void loss_adjustment(const int64_t *seen, int classes, double tau, float *adjustment);

#endif
