// For processors without a set of their own: four floats, which every compiler
// turns into what it has (SSE, NEON, or single numbers).
#include "config.h"

typedef float vec __attribute__((vector_size(16)));
typedef vec sums;
typedef int mask __attribute__((vector_size(16)));
enum { LANES = 4, ROWS = 4 };
#define SPLAT(x)                       ((vec){(x), (x), (x), (x)})
#define FMA(a, b, c)                   ((a) * (b) + (c))
#define PICK(which, a, b)              ((vec)(((mask)(a) & (which)) | ((mask)(b) & ~(which))))
#define MAX(a, b)                      greater((a), (b))
#define MIN(a, b)                      smaller((a), (b))
#define UNIT                           1
#define DOT                            FMA
#define SCALED(sum, row, column, bias) ((sum) + (bias))
#define TARGET
#define KERNELS kernels_plain
#define NAME    "plain"

static inline vec greater(vec a, vec b)
{
    return PICK(a > b, a, b);
}

static inline vec smaller(vec a, vec b)
{
    return PICK(a < b, a, b);
}

static inline float lanes_sum(vec v)
{
    return (v[0] + v[2]) + (v[1] + v[3]);
}

static inline float lanes_max(vec v)
{
    float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];
    return a > b ? a : b;
}

#include "nn/kernel_template.h"
