// Optimiser steps on plain arrays: weights, gradients and optimiser state belong to the caller, who also
// stores them in checkpoints. Zeroed state is the start. Elementwise, so threads may split an array anywhere.
#ifndef NN_OPTIM_H
#define NN_OPTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// AdamW (Loshchilov & Hutter 2019): decoupled weight decay, bias correction.
//     first = beta1 first + (1 - beta1) g;  second = beta2 second + (1 - beta2) g^2
//     weight -= rate (first / (1 - beta1^t) / (sqrt(second / (1 - beta2^t)) + epsilon) + decay weight)
struct optim_adamw {
    double rate;         // of this step: optim_schedule
    double beta1, beta2; // 0.9, 0.999
    double epsilon;      // 1e-8
    double decay;        // 0.01; 0 for biases and norms
};

// step: t, counted from 1. scale: multiplies the gradient first (optim_clip, 1 / parts); the gradient itself
// is not changed.
void optim_adamw(const struct optim_adamw *o, int64_t step, size_t count, const float *grad, double scale,
                 float *weight, float *first, float *second);

// SGD with momentum, PyTorch's rule: velocity = momentum velocity + (scale g + decay weight); weight -= rate
// velocity.
struct optim_sgd {
    double rate, momentum, decay;
};
void optim_sgd(const struct optim_sgd *o, size_t count, const float *grad, double scale, float *weight,
               float *velocity);

// Linear warm-up from 0 to peak over `warmup` steps, then half a cosine down to `floor` at step `total` and
// after.
struct optim_schedule {
    double peak, floor;
    int64_t warmup, total;
};
// step counts from 1: (step <= warmup) peak * step / warmup.
double optim_schedule(const struct optim_schedule *s, int64_t step);

// Clipping by the global norm: add up optim_square_norm over all tensors, then pass optim_clip as `scale`.
double optim_square_norm(const float *grad, size_t count);
// limit / norm when the norm exceeds limit, else 1; limit <= 0: never. Not a number when the norm is not
// finite: the caller drops the step.
double optim_clip(double square_norm, double limit);

// Exponential moving average: average += (1 - decay) (weight - average).
void optim_average(float *average, const float *weight, size_t count, double decay);
// A decay that lets the first steps in quickly: min(decay, (1 + step) / (10 + step)).
double optim_average_decay(double decay, int64_t step);

#endif
