// AVX-512 with whole numbers of 16 bits in the products: twice as many of them in a vector.
#include "config.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef __m512 vec;
typedef int sums __attribute__((vector_size(64))); // __m512i would cost gcc 12 a copy of every sum
enum { LANES = 16, ROWS = 7 };
#define SPLAT                          _mm512_set1_ps
#define FMA                            _mm512_fmadd_ps
#define MAX                            _mm512_max_ps
#define MIN                            _mm512_min_ps
#define UNIT                           2
#define DOT(x, b, sum)                 ((sums)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(b)))
#define SCALED(sum, row, column, bias) FMA(_mm512_cvtepi32_ps((__m512i)(sum)) * SPLAT(row), (column), (bias))
#define STORE_WHOLE(at, v)                                                                                   \
    _mm256_storeu_si256((__m256i *)(void *)(at), _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v)))
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vnni,fma")))
#define SQRT   _mm512_sqrt_ps
#define STORE_WHOLES(at, v, w)                                                                               \
    _mm512_storeu_si512(                                                                                     \
        (at), _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),                            \
                                       _mm512_packs_epi32(_mm512_cvtps_epi32(v), _mm512_cvtps_epi32(w))))
#define lanes_sum _mm512_reduce_add_ps
#define lanes_max _mm512_reduce_max_ps
#define KERNELS   kernels_vnni
#define NAME      "avx512-vnni"
#include "nn/kernel_template.h"
#endif
