// A network as an ONNX model, for programs that run such models.
//
// Input "rgb": (1, 3, rows, cols), 0..255. Outputs "tap0" (1, channels, rows / 8, cols / 8) and "tap1"
// (… / 16), the same numbers as the program's own within rounding; odd sides are rounded up as in net.h.
// Batch norm is folded into the convolutions. Limit: an attention block's map must be at least `pool`
// cells high and wide (net.h does not pool a smaller side, a fixed graph must): with pool 2 at
// stride 16 that is an input of 17 pixels or more.
#ifndef NN_ONNX_H
#define NN_ONNX_H

#include "nn/net.h"

// Written atomically. ST_CORRUPT when a folded weight is not finite, ST_INVALID beyond the format's
// 2 GiB, else what file_write says.
ASSAY_CHECKED enum status onnx_write(const struct net *net, const char *path, struct error *err);

#endif
