#include "config.h"

#include <cblas.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "nn/blas.h"

static const char guard[] = "ASSAY_BLAS_SET";

// The best of OpenBLAS's core types that this processor can run, NULL for its own choice.
static const char *best_core(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "SKYLAKEX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "HASWELL";
#endif
    return NULL;
}

void blas_reexec(char **argv)
{
    const char *core = best_core();
    if (!core || getenv(guard) || getenv("OPENBLAS_CORETYPE"))
        return;
    if (setenv(guard, "1", 1) != 0 || setenv("OPENBLAS_CORETYPE", core, 1) != 0 ||
        setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0)
        return;
    int kept = errno;
    execv("/proc/self/exe", argv);
    errno = kept; // it runs slower, and that is all
}

const char *blas_core(void)
{
    return openblas_get_corename();
}
