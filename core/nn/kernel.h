// The loops of inference, written once (kernel_template.h) and compiled for
// several processors; the best one is chosen at run time. Maps are (rows, cols,
// channels), channels innermost. Inside, channels are padded to multiples of
// KERNEL_LANES with zeros, so that no loop has a rest. Each kernel has a plain twin,
// `*_naive`, that says what it computes; the tests compare the two.
#ifndef NN_KERNEL_H
#define NN_KERNEL_H

#include <stddef.h>

#ifdef HAVE_TARGET_CLONES
#define KERNEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL_CLONES
#endif

enum { KERNEL_LANES = 16, KERNEL_SEGMENTS = 3 };

static inline int kernel_pad(int channels)
{
    return (channels + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

// Side of a map after a 3x3 convolution that is padded.
static inline int kernel_out(int side, int stride)
{
    return (side + stride - 1) / stride;
}

// A matrix (k, n) in panels of some columns, as one set of kernels wants it, and what is added to its
// products.
struct kernel_matrix {
    int k, n;      // n: a multiple of KERNEL_LANES
    float *panels; // panel after panel, each (k, columns of a panel), 64-byte aligned
    float *bias;   // (n), NULL: zeros
};

// out = clamp(a * matrix + bias, low, high) + add, for `cells` rows.
// Row i of a: k / segments numbers from each of a[0 .. segments-1] + i * a_stride.
struct kernel_linear {
    const float *a[KERNEL_SEGMENTS];
    int segments;
    size_t a_stride;
    size_t cells;
    const struct kernel_matrix *matrix;
    float low, high;
    const float *add; // NULL: nothing; may be `out`
    size_t add_stride;
    float *out; // (cells, n), rows out_stride apart
    size_t out_stride;
};

// One row of a depthwise 3x3 convolution: out = clamp(sum + bias, low, high).
struct kernel_depthwise {
    const float *in[3];         // the three rows of (cols, channels); NULL: outside the map
    int cols, channels;         // channels: a multiple of KERNEL_LANES
    int stride, before;         // before: columns of padding at the left, 0 or 1
    const float *weight, *bias; // (3, 3, channels), (channels)
    float low, high;
    float *out; // kernel_out(cols, stride) cells, out_stride apart
    size_t out_stride;
};

struct kernels {
    const char *name; // "avx512", "avx2", "plain"
    int columns;      // of a panel
    void (*linear)(const struct kernel_linear *call);
    void (*depthwise)(const struct kernel_depthwise *call);
    // out = (in - mean) / sqrt(variance + 1e-5) * gamma + beta over the first `channels` of a cell of
    // `padded`; gamma and beta are 0 beyond.
    void (*layer_norm)(const float *in, int channels, int padded, const float *gamma, const float *beta,
                       float *out);
    // In place over `count` numbers; those from there to kernel_pad(count) become 0.
    void (*softmax)(float *row, int count);
};

// What this processor can run, the best first; NULL after the last. kernel_set(0) is never NULL.
const struct kernels *kernel_set(int i);

// Packs values[i * row_step + j * column_step] (k, columns) and bias (columns, NULL: zeros) into panels of
// kernels->columns; columns up to n are 0. Fresh memory: kernel_matrix_free.
struct kernel_matrix kernel_matrix_new(const struct kernels *kernels, int k, int n);
void kernel_matrix_fill(const struct kernels *kernels, struct kernel_matrix *matrix, const float *values,
                        size_t row_step, size_t column_step, int columns);
void kernel_matrix_free(struct kernel_matrix *matrix);

// Twins (kernel_naive.c). `matrix` is (k, n) unpacked, row after row.
void kernel_linear_naive(const struct kernel_linear *call, const float *matrix);
void kernel_depthwise_naive(const struct kernel_depthwise *call);
void kernel_layer_norm_naive(const float *in, int channels, int padded, const float *gamma, const float *beta,
                             float *out);
void kernel_softmax_naive(float *row, int count);

#endif
