// The loops of the networks. Pictures and maps are (rows, cols, channels),
// channels innermost. Each kernel has a plain twin, `*_naive`, that says what
// it computes; the tests compare the two.
#ifndef NN_KERNEL_H
#define NN_KERNEL_H

#include <stddef.h>

#ifdef HAVE_TARGET_CLONES
#define KERNEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL_CLONES
#endif

// Sides of a map after a 3x3 convolution: stride 1 pads one all round, stride 2
// pads one at the bottom and right only (TensorFlow's SAME for even sides).
static inline int kernel_out(int side, int stride)
{
    return (side + stride - 1) / stride;
}

// Depthwise 3x3, bias, then min(max(., 0), 6), for output rows first .. first+count-1 only.
// in: (rows, cols, channels); weight: (3, 3, channels); bias: (channels);
// out: (count, out cols, channels).
void kernel_depthwise(const float *in, int rows, int cols, int channels, int stride, const float *weight,
                      const float *bias, int first, int count, float *out);
void kernel_depthwise_naive(const float *in, int rows, int cols, int channels, int stride, const float *weight,
                            const float *bias, int first, int count, float *out);

// Full 3x3 convolution of stride 2 from 3 channels, bias, min(max(., 0), 6).
// rgb: (rows, cols, 3), 0..255, brought to [-1, 1] first (the padding is 0 there);
// weight: (3, 3, 3, channels) = y, x, colour, output; out: (out rows, out cols, channels).
void kernel_stem(const float *rgb, int rows, int cols, int channels, const float *weight, const float *bias,
                 float *out);
void kernel_stem_naive(const float *rgb, int rows, int cols, int channels, const float *weight, const float *bias,
                       float *out);

// Pointwise: out (cells, to) = min(max(in (cells, from) * weight (from, to) + bias, 0), 6).
void kernel_pointwise(const float *in, size_t cells, int from, int to, const float *weight, const float *bias,
                      float *out);
void kernel_pointwise_naive(const float *in, size_t cells, int from, int to, const float *weight,
                            const float *bias, float *out);

#endif
