// The sets of kernels, for kernel.c: one for each instruction set.
#ifndef NN_KERNEL_IMPL_H
#define NN_KERNEL_IMPL_H

#include "nn/kernel.h"

#if defined(__x86_64__)
extern const struct kernels kernels_vnni, kernels_avx512, kernels_avx2;
#endif
extern const struct kernels kernels_plain;

#endif
