// The few parts of the ONNX format that a network of this program needs,
// written as bytes (protocol buffers) without a library. Field numbers:
// onnx.proto of ONNX 1.12 (IR version 8, operators of version 17).
//
//     onnx_node(graph, "Conv", 2, (const char *[]){"x", "w"});
//     onnx_ints(graph, "pads", 4, (int64_t[]){1, 1, 1, 1});
//     onnx_end(graph, "y");
#ifndef NN_ONNX_GRAPH_H
#define NN_ONNX_GRAPH_H

#include <stdint.h>

#include "base/strbuf.h"

struct onnx_graph; // a model being written

struct onnx_graph *onnx_graph_new(const char *name);
void onnx_graph_free(struct onnx_graph *graph);

// Floats of the given sides, named by text: sizes of inputs and outputs are known when the model runs.
void onnx_input(struct onnx_graph *graph, const char *name, int rank, const char *const sides[]);
void onnx_output(struct onnx_graph *graph, const char *name, int rank, const char *const sides[]);

// Constants; rank 0 is a scalar. Values are copied.
void onnx_floats(struct onnx_graph *graph, const char *name, int rank, const int64_t sides[],
                 const float *values);
void onnx_integers(struct onnx_graph *graph, const char *name, int count, const int64_t values[]);

// A node: begin, attributes, end with the name of its one output.
void onnx_node(struct onnx_graph *graph, const char *op, int inputs, const char *const names[]);
void onnx_int(struct onnx_graph *graph, const char *name, int64_t value);
void onnx_float(struct onnx_graph *graph, const char *name, float value);
void onnx_ints(struct onnx_graph *graph, const char *name, int count, const int64_t values[]);
void onnx_end(struct onnx_graph *graph, const char *output);

void onnx_meta(struct onnx_graph *graph, const char *key, const char *value);

// The whole file into `out`.
void onnx_graph_bytes(const struct onnx_graph *graph, struct strbuf *out);

#endif
