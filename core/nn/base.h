// The base (L0): a frozen network that turns a picture into feature maps
// ("taps"). One instance serves all threads; each thread has its own workspace.
#ifndef NN_BASE_H
#define NN_BASE_H

#include <stddef.h>

#include "base/hash.h"
#include "base/status.h"

enum { BASE_TAPS = 2 };

struct base;
struct base_work; // arena: grows to the largest picture seen, then no allocation per picture

// What the products of a network are made of. Taps of different precision differ, by less than a hundredth of
// their largest value: scores must not mix them.
enum base_precision {
    BASE_FASTEST, // whole numbers of 16 bits where the processor multiplies them twice as fast, else floats
    BASE_F32,
};

struct base_info {
    char name[64];             // "mobilenet_v1_1.0", "hybrid-1", "filter-bank-1"
    char sha256[HASH_HEX];     // of the weight file; of the name and parameters for the filter bank
    long long parameters;      // trainable numbers in the file, 0 for the filter bank
    int stride[BASE_TAPS];     // 8, 16: picture pixels per cell
    int channels[BASE_TAPS];   // of each tap
    char precision[8];         // "f32" or "i16"
    int multiple;              // input sides must be multiples of this (16 or 32)
};

struct tap {
    int rows, cols, channels;
    const float *data; // (rows, cols, channels), inside the workspace, valid until its next use
};

// path NULL: the built-in filter bank. Otherwise a safetensors file that net.h
// reads (own format, MobileNet v1, hybrid-1). Validates everything: plan, shapes,
// missing tensors, NaN or infinite weights; ST_INVALID or ST_CORRUPT with one
// sentence that names file and tensor.
ASSAY_CHECKED enum status base_open(const char *path, struct base **base, struct error *err);
// The same for a file in memory, which may go afterwards; `name` stands for the path in messages.
ASSAY_CHECKED enum status base_open_bytes(const void *bytes, size_t count, const char *name, struct base **base,
                                          struct error *err);
// A copy of the network, batch norm folded and packed; info->sha256 is net->sha256.
// ST_CORRUPT when a weight is not finite then.
struct net;
ASSAY_CHECKED enum status base_new(const struct net *net, struct base **base, struct error *err);
ASSAY_CHECKED enum status base_new_as(const struct net *net, enum base_precision precision, struct base **base,
                                      struct error *err);
const char *base_precision_name(enum base_precision precision); // what info->precision is on this processor
void base_free(struct base *base);
const struct base_info *base_info(const struct base *base);

struct base_work *base_work_new(const struct base *base);
void base_work_free(struct base_work *work);

// rgb: (rows, cols, 3), 0..255; rows and cols multiples of info->multiple, at
// least 32. Fills both taps. Thread-safe for distinct workspaces.
void base_taps(const struct base *base, struct base_work *work, const float *rgb, int rows, int cols,
               struct tap taps[BASE_TAPS]);

#endif
