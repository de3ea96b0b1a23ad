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
#include "nn/kernel_template.h"
#endif
