// The layers of layer.h as their formulas say, in doubles and plain loops: what the tests compare with, and
// what they differentiate numerically. Same shapes, same order of arguments, nothing kept for backward.
#ifndef NN_LAYER_NAIVE_H
#define NN_LAYER_NAIVE_H

#include "nn/layer.h"

void layer_conv3x3_naive(const double *in, struct layer_map shape, struct layer_window w, int to,
                         const double *weight, const double *bias, double *out);
void layer_depthwise_naive(const double *in, struct layer_map shape, struct layer_window w,
                           const double *weight, const double *bias, double *out);
void layer_linear_naive(const double *in, size_t cells, int from, int to, const double *weight,
                        const double *bias, double *out);
// Mean and biased variance of each channel.
void layer_moments_naive(const double *in, size_t cells, int channels, double *mean, double *variance);
// Batch norm with given statistics, activation, residual (or NULL).
void layer_batch_naive(const double *in, size_t cells, int channels, const double *mean,
                       const double *variance, double epsilon, const double *gamma, const double *beta,
                       enum layer_activation activation, const double *residual, double *out);
void layer_norm_layer_naive(const double *in, size_t cells, int channels, double epsilon, const double *gamma,
                            const double *beta, double *out);
void layer_attention_naive(const double *query, const double *key_value, struct layer_heads a, double *out);
double layer_activation_naive(double x, enum layer_activation activation);
double layer_gelu_naive(double x);
void layer_pool_average_naive(const double *in, struct layer_map shape, int pool, double *out);
void layer_pool_max_naive(const double *in, struct layer_map shape, int pool, double *out);
void layer_mean_naive(const double *in, struct layer_map shape, double *out);
void layer_top_naive(const double *in, struct layer_map shape, int k, double *out);
void layer_resize_naive(const double *in, struct layer_map shape, int rows, int cols, double *out);

#endif
