// OpenBLAS chooses its kernels when it is loaded. The version in Debian 12 does
// not know the newest processors and falls back to AVX2; naming the core type
// in the environment before it loads doubles sgemm on AVX-512 machines.
#ifndef NN_BLAS_H
#define NN_BLAS_H

// First lines of main: if the processor has AVX-512 F, CD, BW, DQ and VL and
// OPENBLAS_CORETYPE is unset, set it (and OPENBLAS_NUM_THREADS=1: one picture per
// thread, one BLAS thread each) and execute the program again, once (a guard
// variable). Returns when nothing is to be done or exec fails.
void blas_reexec(char **argv);

// "SkylakeX", "Haswell", ...: what OpenBLAS runs with.
const char *blas_core(void);

#endif
