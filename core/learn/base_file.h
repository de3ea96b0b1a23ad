// The base that comes out of pretraining: its plan and its file.
#ifndef LEARN_BASE_FILE_H
#define LEARN_BASE_FILE_H

#include "learn/pretrain.h"

// "assay-base-1": separable convolutions, most residual, to stride 16, attention there, and before each tap a block
// that widens it: what is measured on a tap is its mean, and a linear map could not add to that.
void base_file_plan(struct net_plan *plan);

// The averaged network in half precision, elastic ones with what elastic_list reads; `note` goes into the metadata as
// "training". Atomic.
ASSAY_CHECKED enum status base_file_write(struct pretrain *p, bool elastic, const char *note, const char *path,
                                          char sha256[HASH_HEX], struct error *err);

#endif
