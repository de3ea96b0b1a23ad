// What the layers share inside: vectors of sixteen floats in GCC's and clang's portable notation (one
// AVX-512 register, two of AVX2, four of SSE or NEON), sums in a fixed order, exp for loops.
// Vectors live in local variables only: passing them to functions would depend on the processor.
#ifndef NN_LAYER_IMPL_H
#define NN_LAYER_IMPL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nn/kernel.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

// Before a loop whose output may be its input, element by element, but does not overlap it otherwise.
#if defined(__GNUC__) && !defined(__clang__)
#define IN_PLACE _Pragma("GCC ivdep")
#else
#define IN_PLACE
#endif

enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef float lanes_at __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
#define LANES_LOAD(from)   (*(const lanes_at *)(from))
#define LANES_STORE(to, v) (*(lanes_at *)(to) = (v))

// part is not kept. Pairs, then pairs of pairs.
static ALWAYS_INLINE float lanes_sum(float part[LANES])
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[half + i];
    return part[0];
}

// exp within 2 units in the last place for -87 <= x <= 88, clamped outside. No branch, no call: loops over it
// vectorise. Source of the scheme and the polynomial: Cephes, expf.
static ALWAYS_INLINE float loop_exp(float x)
{
    x = x < -87 ? -87 : x;
    x = x > 88 ? 88 : x;
    const float round = 12582912; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    float rounded = x * 1.44269504f + round, n = rounded - round;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits << 23) + 0x3f800000; // n, and the bias of exponents
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

// sums (channels) += the columns of values (cells, channels).
void layer_sum_columns(const float *values, size_t cells, int channels, float *sums);

#endif
