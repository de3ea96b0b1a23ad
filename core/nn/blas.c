#include "config.h"

#include <cblas.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "nn/blas.h"

static const char guard[] = "ASSAY_BLAS_SET";

static int has_avx512(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

void blas_reexec(char **argv)
{
    if (getenv(guard) || getenv("OPENBLAS_CORETYPE") || !has_avx512())
        return;
    if (setenv(guard, "1", 1) != 0 || setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 1) != 0 ||
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
