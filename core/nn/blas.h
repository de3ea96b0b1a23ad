// OpenBLAS chooses its kernels when it is loaded. The version in Debian 12 does
// not know the newest processors and falls back to kernels of twenty years ago;
// naming the core type in the environment before it loads makes sgemm several
// times faster there.
#ifndef NN_BLAS_H
#define NN_BLAS_H

// First lines of main: if the processor has AVX-512 F, CD, BW, DQ and VL (or AVX2
// and FMA) and OPENBLAS_CORETYPE is unset, set it (and OPENBLAS_NUM_THREADS=1: one picture per
// thread, one BLAS thread each) and execute the program again, once (a guard
// variable). Returns when nothing is to be done or exec fails.
void blas_reexec(char **argv);

// "SkylakeX", "Haswell", ...: what OpenBLAS runs with.
const char *blas_core(void);

#endif
