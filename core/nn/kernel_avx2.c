#include "config.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef __m256 vec;
typedef vec sums;
enum { LANES = 8, ROWS = 6 };
#define SPLAT                          _mm256_set1_ps
#define FMA                            _mm256_fmadd_ps
#define MAX                            _mm256_max_ps
#define MIN                            _mm256_min_ps
#define UNIT                           1
#define DOT                            FMA
#define SCALED(sum, row, column, bias) ((sum) + (bias))
#define TARGET                         __attribute__((target("avx2,fma")))
#define KERNELS                        kernels_avx2
#define NAME                           "avx2"

static inline TARGET float lanes_sum(vec v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline TARGET float lanes_max(vec v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

#include "nn/kernel_template.h"
#endif
