// What base.c and the kinds of base share. A kind embeds `struct base` as its
// first member.
#ifndef NN_BASE_IMPL_H
#define NN_BASE_IMPL_H

#include "nn/base.h"

struct base {
    struct base_info info;
    void (*taps)(const struct base *base, struct base_work *work, const float *rgb, int rows, int cols,
                 struct tap taps[BASE_TAPS]);
    void (*free)(struct base *base);
};

// `count` floats, 64-byte aligned, valid until the next call for this workspace; content undefined.
float *base_work_floats(struct base_work *work, size_t count);

// Counts that are handed out of one arena, so that every part begins on its own cache line.
static inline size_t base_work_round(size_t count)
{
    return (count + 15) / 16 * 16;
}

struct base *filterbank_new(void);

#endif
