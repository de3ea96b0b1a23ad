// The trainer's layers, forward and backward: plain functions on the caller's
// buffers. They keep no state and allocate nothing; where room is needed, a
// scratch pointer with its size is passed.
//
// Maps are (count, rows, cols, channels) floats, channels innermost, contiguous;
// `cells` is count * rows * cols, for layers that look at one cell at a time.
// Weights: linear (from, to), out = in * weight; depthwise (3, 3, channels);
// convolution (3, 3, from, to). No alignment is asked for; 64 bytes is fastest.
//
// A backward function ADDS into the gradients of parameters and OVERWRITES the
// gradient of its input, which may be NULL where nobody needs it (so may the
// gradients of parameters: a frozen layer). `grad` is the gradient of the
// output. Buffers do not overlap unless a comment says that they may.
//
// Sums run in a fixed order: same binary, processor and BLAS, same bits. Everything runs
// on the calling thread. All layers but batch norm's moments treat pictures apart from each
// other, so a batch is best taken through a chain of layers a few pictures at a time, as many as stay in the
// second-level cache; `batch norm` below says how its sums over the batch are gathered on the way.
//
// Each function here has a plain twin of the same name with `_naive` in layer_naive.h.
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include <stddef.h>
#include <stdint.h>

// Same order as enum net_padding. Side of the output: (side + stride - 1) / stride, see layer_side.
enum layer_padding {
    PAD_SYMMETRIC, // one all round, any stride
    PAD_END,       // stride 2 pads one at the bottom and right only (TensorFlow's SAME for even sides)
};

// What batch norm applies at its end. GELU is a layer of its own.
enum layer_activation { ACT_NONE, ACT_RELU, ACT_RELU6 };

struct layer_map {
    int count, rows, cols, channels;
};

// Of a 3x3 layer of stride 1 or 2.
struct layer_window {
    int stride;
    enum layer_padding padding;
};

static inline int layer_side(int side, int stride)
{
    return (side + stride - 1) / stride;
}

static inline size_t layer_cells(struct layer_map m)
{
    return (size_t)m.count * (size_t)m.rows * (size_t)m.cols;
}

static inline size_t layer_values(struct layer_map m)
{
    return layer_cells(m) * (size_t)m.channels;
}

// The map after a 3x3 layer with `channels` outputs.
static inline struct layer_map layer_after(struct layer_map in, int channels, struct layer_window w)
{
    return (struct layer_map){in.count, layer_side(in.rows, w.stride), layer_side(in.cols, w.stride),
                              channels};
}

// --- convolution 3x3 (layer_conv.c) -------------------------------------------
// Pictures are unrolled to a matrix in bands of rows and multiplied.
// scratch: layer_conv3x3_scratch() floats, both ways. bias: (to) or NULL.
size_t layer_conv3x3_scratch(struct layer_map in, struct layer_window w);
void layer_conv3x3(const float *in, struct layer_map shape, struct layer_window w, int to,
                   const float *weight, const float *bias, float *scratch, float *out);
// grad: (count, out rows, out cols, to).
void layer_conv3x3_backward(const float *in, struct layer_map shape, struct layer_window w, int to,
                            const float *weight, const float *grad, float *scratch, float *grad_in,
                            float *grad_weight, float *grad_bias);

// --- depthwise 3x3 (layer_depthwise.c) ----------------------------------------
// bias: (channels) or NULL.
void layer_depthwise(const float *in, struct layer_map shape, struct layer_window w, const float *weight,
                     const float *bias, float *out);
void layer_depthwise_backward(const float *in, struct layer_map shape, struct layer_window w,
                              const float *weight, const float *grad, float *grad_in, float *grad_weight,
                              float *grad_bias);

// --- linear = pointwise (layer_conv.c) ----------------------------------------
// in: (cells, from); weight: (from, to); bias: (to) or NULL; out: (cells, to).
void layer_linear(const float *in, size_t cells, int from, int to, const float *weight, const float *bias,
                  float *out);
// grad: (cells, to); grad_in: (cells, from).
void layer_linear_backward(const float *in, size_t cells, int from, int to, const float *weight,
                           const float *grad, float *grad_in, float *grad_weight, float *grad_bias);

// --- batch norm, with the activation that follows (layer_norm.c) --------------
// Source: Ioffe & Szegedy 2015. Forward, training:
//     layer_moments_clear; layer_moments_add for each part of the batch, in a fixed order (right after the
//     part was computed, while it is in the cache); layer_moments_finish; layer_batch_prepare; then
//     layer_batch_apply, again in parts.
// Forward, evaluation: layer_batch_prepare with the running statistics; layer_batch_apply.
// Backward: layer_batch_reduce for each part; layer_batch_finish; layer_batch_backward in parts.
// Backward reads the layer's *input* `in` (which must be kept) and recomputes the mask of the
// activation from it; the output need not be kept for it.
// With a normaliser over several threads: each gathers moments (sums) of its share, the shares are
// merged in a fixed order, and all finish with the same sums.

// Doubles in `moments`: pivot, sum and sum of squares per channel, and the number of cells.
static inline size_t layer_moments_size(int channels)
{
    return 3 * (size_t)channels + 1;
}
void layer_moments_clear(double *moments, int channels);
void layer_moments_add(double *moments, const float *in, size_t cells, int channels);
void layer_moments_merge(double *moments, const double *other, int channels);
// Variance is the biased one (divided by the number of cells). At least one cell was added.
void layer_moments_finish(const double *moments, int channels, float *mean, float *variance);
// running += momentum * (of this batch - running), the variance unbiased: PyTorch's rule (its default
// momentum is 0.1; Keras writes 1 - it). cells: how many the moments were taken over.
void layer_running_update(float *running_mean, float *running_variance, const float *mean,
                          const float *variance, size_t cells, int channels, double momentum);

// scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale.
void layer_batch_prepare(int channels, const float *mean, const float *variance, double epsilon,
                         const float *gamma, const float *beta, float *scale, float *shift);
// out = activation(in * scale + shift) + residual; residual: (cells, channels) or NULL. out may be in,
// where in is not kept for a backward pass, and may be residual.
void layer_batch_apply(const float *in, size_t cells, int channels, const float *scale, const float *shift,
                       enum layer_activation activation, const float *residual, float *out);

// sums: (2, channels) doubles, zeroed by the caller before the first part: sum of the masked gradient and
// sum of masked gradient * (in - mean). (The gradient of a residual is `grad` itself.)
void layer_batch_reduce(const float *in, const float *grad, size_t cells, int channels, const float *scale,
                        const float *shift, enum layer_activation activation, const float *mean,
                        double *sums);
// Gradients of gamma and beta, and what layer_batch_backward takes: slope (2, channels). cells: of the whole
// batch that the moments were taken over (all threads' when they were merged; sums merged by adding), 0 when
// the statistics were the running ones (evaluation, a frozen norm): they do not depend on the input then.
void layer_batch_finish(const double *sums, size_t cells, int channels, const float *mean,
                        const float *variance, double epsilon, const float *gamma, float *slope,
                        float *grad_gamma, float *grad_beta);
// grad_in may be grad.
void layer_batch_backward(const float *in, const float *grad, size_t cells, int channels, const float *scale,
                          const float *shift, enum layer_activation activation, const float *slope,
                          float *grad_in);

// Batch norm folded into the layer before it, whose outputs are the last dimension of weight: (lines, to).
// weight *= scale, bias = bias * scale + shift; bias is 0 at first where the layer had none. scale, shift:
// from layer_batch_prepare with the running statistics.
void layer_batch_fold(float *weight, size_t lines, int to, float *bias, const float *scale,
                      const float *shift);

// --- layer norm: each cell over its channels (layer_norm.c) -------------------
// Source: Ba, Kiros & Hinton 2016. statistics: (cells, 2) = mean and 1 / sd, kept for backward, or NULL.
void layer_norm_layer(const float *in, size_t cells, int channels, double epsilon, const float *gamma,
                      const float *beta, float *statistics, float *out);
// grad_in may be grad. scratch: (2, channels) floats.
void layer_norm_layer_backward(const float *in, size_t cells, int channels, const float *statistics,
                               const float *gamma, const float *grad, float *scratch, float *grad_in,
                               float *grad_gamma, float *grad_beta);

// --- attention (layer_attention.c) --------------------------------------------
// Multi-head attention, softmax(q k' / sqrt(channels / heads)) v for each head, before the output projection.
// query: (count, cells, channels); key_value: (count, keys, 2 channels), keys first, then values: what a
// linear layer makes of the map pooled by layer_pool_average. Head h has channels h * d .. (h + 1) * d - 1.
struct layer_heads {
    int count, cells, keys, channels, heads;
};
// Floats in `probabilities`, (count, heads, keys, cells): stored by forward, read by backward.
static inline size_t layer_attention_kept(struct layer_heads a)
{
    return (size_t)a.count * (size_t)a.heads * (size_t)a.cells * (size_t)a.keys;
}
void layer_attention(const float *query, const float *key_value, struct layer_heads a, float *probabilities,
                     float *out);
// scratch: cells * keys floats. grad_query and grad_key_value are both wanted.
void layer_attention_backward(const float *query, const float *key_value, struct layer_heads a,
                              const float *probabilities, const float *grad, float *scratch,
                              float *grad_query, float *grad_key_value);

// --- activations and sums (layer_act.c) ---------------------------------------
// out may be in. Backward of ReLU and ReLU6 takes the mask from either in or out (they agree); grad_in may be
// grad.
void layer_relu(const float *in, size_t count, float *out);
void layer_relu_backward(const float *in, const float *grad, size_t count, float *grad_in);
void layer_relu6(const float *in, size_t count, float *out);
void layer_relu6_backward(const float *in, const float *grad, size_t count, float *grad_in);
// x * Phi(x), the erf form (Hendrycks & Gimpel 2016; PyTorch's default), within 1e-6. Backward reads the
// input: forward in place loses it.
void layer_gelu(const float *in, size_t count, float *out);
void layer_gelu_backward(const float *in, const float *grad, size_t count, float *grad_in);
void layer_add(float *to, const float *from, size_t count);   // to += from
void layer_scale(float *values, size_t count, double factor); // values *= factor
void layer_copy(const float *from, size_t count, float *to);  // memcpy with floats counted

// --- pooling and resizing (layer_pool.c) --------------------------------------
// Windows of pool x pool that do not overlap, whole ones only (PyTorch's avg_pool2d, ceil_mode false: a
// ragged edge is left out); a side smaller than pool is not pooled.
struct layer_map layer_pooled(struct layer_map in, int pool);
void layer_pool_average(const float *in, struct layer_map shape, int pool, float *out);
// add: grad_in += instead of =, for a map that has another consumer.
void layer_pool_average_backward(const float *grad, struct layer_map shape, int pool, int add,
                                 float *grad_in);
// which: as out; the winning cell of its picture (row * cols + col; the first of equals), kept for backward.
void layer_pool_max(const float *in, struct layer_map shape, int pool, int32_t *which, float *out);
void layer_pool_max_backward(const float *grad, struct layer_map shape, int pool, const int32_t *which,
                             float *grad_in);
// Global: over all cells of a picture; out: (count, channels).
void layer_mean(const float *in, struct layer_map shape, float *out);
void layer_mean_backward(const float *grad, struct layer_map shape, float *grad_in);
// Mean of the k largest values of each channel over the cells of a picture (k = 1: global maximum), 1 <= k <=
// rows * cols. which: (count, k, channels), kept for backward; of equals the first cells.
void layer_top(const float *in, struct layer_map shape, int k, int32_t *which, float *out);
void layer_top_backward(const float *grad, struct layer_map shape, int k, const int32_t *which,
                        float *grad_in);
// Bilinear, half-pixel centres, edges repeated (PyTorch's interpolate with align_corners false, no
// antialias).
void layer_resize(const float *in, struct layer_map shape, int rows, int cols, float *out);
// grad: (count, rows, cols, channels).
void layer_resize_backward(const float *grad, struct layer_map shape, int rows, int cols, float *grad_in);

#endif
