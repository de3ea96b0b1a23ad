// The loops of inference, written once (kernel_template.h) and compiled for
// several processors; the best one is chosen at run time. Maps are (rows, cols,
// channels), channels innermost. Inside, channels are padded to multiples of
// KERNEL_LANES with zeros, so that no loop has a rest. Each kernel has a plain twin,
// `*_naive`, that says what it computes; the tests compare the two.
#ifndef NN_KERNEL_H
#define NN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef HAVE_TARGET_CLONES
#define KERNEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL_CLONES
#endif

enum { KERNEL_LANES = 16, KERNEL_SEGMENTS = 3, KERNEL_PICTURE = 32 };
#define KERNEL_NEVER (-1e30f)

static inline int kernel_pad(int channels)
{
    return (channels + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

// Side of a map after a 3x3 convolution that is padded.
static inline int kernel_out(int side, int stride)
{
    return (side + stride - 1) / stride;
}

// What enters a product: floats, or whole numbers of 16 bits, every row of `a` and every column of the matrix
// with a scale of its own, whose products are summed exactly in 32 bits. No sum can overflow: a row has a
// norm of at most 2^15 - 1, a column of less than 2^16 (Cauchy-Schwarz). That is about 12 bits of every
// number, where a bf16 has 8, at the same speed.
enum kernel_precision { KERNEL_F32, KERNEL_I16 };

// A matrix (k, n) in panels of some columns, as one set of kernels wants it, and what is added to its
// products.
struct kernel_matrix {
    int k, n;     // k: even; n: a multiple of KERNEL_LANES
    void *panels; // panel after panel; each (k, columns of a panel), of 16 bits (k / 2, columns, 2)
    float *scale; // (n), of 16 bits only: what 1 is worth in a column
    float *bias;  // (n), NULL: zeros
};

// Rows of `a`, as one set of kernels wants them: row i begins i * stride numbers after values.
struct kernel_rows {
    const void *values; // floats or int16_t
    size_t stride;
    const float *scale; // of 16 bits only: what 1 is worth in every row
};

// out = clamp(a * matrix + bias, low, high) + add, for `cells` rows.
// Row i of a: k / segments numbers from values + i * stride, then from more[0], more[1].
struct kernel_linear {
    struct kernel_rows a;
    const void *more[KERNEL_SEGMENTS - 1];
    int segments;
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
    const char *name; // "avx512-vnni", "avx512", "avx2", "plain"
    enum kernel_precision precision;
    int columns; // of a panel
    void (*linear)(const struct kernel_linear *call);
    void (*depthwise)(const struct kernel_depthwise *call);
    // out = (in - mean) / sqrt(variance + 1e-5) * gamma + beta over the first `channels` of a cell of
    // `padded`; gamma and beta are 0 beyond.
    void (*layer_norm)(const float *in, int channels, int padded, const float *gamma, const float *beta,
                       float *out);
    // In place over `count` numbers, a multiple of KERNEL_LANES. Of KERNEL_NEVER next to nothing is left.
    void (*softmax)(float *row, int count);
    // Only where precision is KERNEL_I16, else NULL. n: a multiple of KERNEL_LANES; both sides have cells
    // in_stride and out_stride apart. Cells of few numbers share a scale with their neighbours.
    void (*rows)(const float *in, size_t in_stride, size_t cells, int n, int16_t *out, size_t out_stride,
                 float *scale);
    // Numbers of a picture's row, 0..255, to what its product takes: less 127.5, in 16 bits times
    // KERNEL_PICTURE.
    void (*picture)(const float *rgb, size_t count, void *out);
};

// What this processor can run, the fastest first; NULL after the last, which always is there.
const struct kernels *kernel_set(int i);

// Packs values[i * row_step + j] (rows, columns); what is missing up to (k, n) becomes 0.
// kernel_matrix_new: fresh memory, bias 0; kernel_matrix_free.
struct kernel_matrix kernel_matrix_new(const struct kernels *kernels, int k, int n);
void kernel_matrix_fill(const struct kernels *kernels, struct kernel_matrix *matrix, const float *values,
                        size_t row_step, int rows, int columns);
// Packs `columns` rows of k numbers as columns; the rest is 0. A column then has the scale of its row.
void kernel_matrix_turn(const struct kernels *kernels, struct kernel_matrix *matrix, struct kernel_rows rows,
                        int columns);
void kernel_matrix_free(struct kernel_matrix *matrix);

// Twins (kernel_naive.c). a is floats here; `matrix` is (k, n) unpacked, row after row.
void kernel_linear_naive(const struct kernel_linear *call, const float *matrix);
void kernel_depthwise_naive(const struct kernel_depthwise *call);
void kernel_layer_norm_naive(const float *in, int channels, int padded, const float *gamma, const float *beta,
                             float *out);
void kernel_softmax_naive(float *row, int count);

#endif
