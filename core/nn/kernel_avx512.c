#include "config.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef __m512 vec;
typedef vec sums;
enum { LANES = 16, ROWS = 7 };
#define SPLAT                          _mm512_set1_ps
#define FMA                            _mm512_fmadd_ps
#define MAX                            _mm512_max_ps
#define MIN                            _mm512_min_ps
#define UNIT                           1
#define DOT                            FMA
#define SCALED(sum, row, column, bias) ((sum) + (bias))
#define lanes_sum                      _mm512_reduce_add_ps
#define lanes_max                      _mm512_reduce_max_ps
#define TARGET                         __attribute__((target("avx512f,fma")))
#define KERNELS                        kernels_avx512
#define NAME                           "avx512"
#include "nn/kernel_template.h"
#endif
