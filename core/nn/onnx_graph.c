#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/onnx_graph.h"

enum { IR_VERSION = 8, OPERATORS = 17 };

// Protocol buffers: https://protobuf.dev/programming-guides/encoding/
enum wire { VARINT = 0, BYTES = 2, FIXED32 = 5 };

enum {
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPERATORS = 8,
    MODEL_META = 14
};
enum { OPERATORS_VERSION = 2 };
enum { META_KEY = 1, META_VALUE = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_INTS = 7 }; // of an attribute
enum { TENSOR_SIDE = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { ELEMENT_FLOAT = 1, ELEMENT_INT64 = 7 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2 };
enum { SHAPE_SIDE = 1, SIDE_NUMBER = 1, SIDE_NAME = 2 };

struct onnx_graph {
    struct strbuf graph, meta, node; // fields of the graph, of the model; the node being written
};

static void put_varint(struct strbuf *to, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)(value & 127);
        value >>= 7;
        bytes[n++] |= value ? 128 : 0;
    } while (value);
    strbuf_add(to, bytes, n);
}

static void put_key(struct strbuf *to, int field, enum wire wire)
{
    put_varint(to, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_int(struct strbuf *to, int field, int64_t value)
{
    put_key(to, field, VARINT);
    put_varint(to, (uint64_t)value);
}

static void put_bytes(struct strbuf *to, int field, const void *bytes, size_t count)
{
    put_key(to, field, BYTES);
    put_varint(to, count);
    strbuf_add(to, bytes, count);
}

static void put_text(struct strbuf *to, int field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

// A message inside a message; `part` is emptied.
static void put_part(struct strbuf *to, int field, struct strbuf *part)
{
    put_bytes(to, field, part->len ? part->data : "", part->len);
    strbuf_clear(part);
}

// Both are stored little-endian, whatever the machine.
static void put_word(struct strbuf *to, uint64_t bits, int bytes)
{
    unsigned char word[8];
    for (int i = 0; i < bytes; i++)
        word[i] = (unsigned char)(bits >> (8 * i));
    strbuf_add(to, word, (size_t)bytes);
}

static void put_float(struct strbuf *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_word(to, bits, 4);
}

struct onnx_graph *onnx_graph_new(const char *name)
{
    struct onnx_graph *graph = xcalloc(1, sizeof *graph);
    put_text(&graph->graph, GRAPH_NAME, name);
    return graph;
}

void onnx_graph_free(struct onnx_graph *graph)
{
    if (!graph)
        return;
    strbuf_clear(&graph->graph);
    strbuf_clear(&graph->meta);
    strbuf_clear(&graph->node);
    free(graph);
}

// ---- inputs and outputs ----

static void put_value(struct strbuf *to, int field, const char *name, int rank, const char *const sides[])
{
    struct strbuf shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < rank; i++) {
        struct strbuf side = {0};
        char *end;
        long number = strtol(sides[i], &end, 10);
        if (*end)
            put_text(&side, SIDE_NAME, sides[i]);
        else
            put_int(&side, SIDE_NUMBER, number);
        put_part(&shape, SHAPE_SIDE, &side);
    }
    put_int(&tensor, TENSOR_ELEMENT, ELEMENT_FLOAT);
    put_part(&tensor, TENSOR_SHAPE, &shape);
    put_part(&type, TYPE_TENSOR, &tensor);
    put_text(&value, VALUE_NAME, name);
    put_part(&value, VALUE_TYPE, &type);
    put_part(to, field, &value);
}

void onnx_input(struct onnx_graph *graph, const char *name, int rank, const char *const sides[])
{
    put_value(&graph->graph, GRAPH_INPUT, name, rank, sides);
}

void onnx_output(struct onnx_graph *graph, const char *name, int rank, const char *const sides[])
{
    put_value(&graph->graph, GRAPH_OUTPUT, name, rank, sides);
}

// ---- constants ----

void onnx_floats(struct onnx_graph *graph, const char *name, int rank, const int64_t sides[],
                 const float *values)
{
    struct strbuf tensor = {0}, raw = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        put_int(&tensor, TENSOR_SIDE, sides[i]);
        count *= (size_t)sides[i];
    }
    put_int(&tensor, TENSOR_TYPE, ELEMENT_FLOAT);
    put_text(&tensor, TENSOR_NAME, name);
    for (size_t i = 0; i < count; i++)
        put_float(&raw, values[i]);
    put_part(&tensor, TENSOR_RAW, &raw);
    put_part(&graph->graph, GRAPH_CONSTANT, &tensor);
}

void onnx_integers(struct onnx_graph *graph, const char *name, int count, const int64_t values[])
{
    struct strbuf tensor = {0}, raw = {0};
    put_int(&tensor, TENSOR_SIDE, count);
    put_int(&tensor, TENSOR_TYPE, ELEMENT_INT64);
    put_text(&tensor, TENSOR_NAME, name);
    for (int i = 0; i < count; i++)
        put_word(&raw, (uint64_t)values[i], 8);
    put_part(&tensor, TENSOR_RAW, &raw);
    put_part(&graph->graph, GRAPH_CONSTANT, &tensor);
}

// ---- nodes ----

void onnx_node(struct onnx_graph *graph, const char *op, int inputs, const char *const names[])
{
    for (int i = 0; i < inputs; i++)
        put_text(&graph->node, NODE_INPUT, names[i]);
    put_text(&graph->node, NODE_OP, op);
}

static void put_attribute(struct onnx_graph *graph, const char *name, int type, struct strbuf *attribute)
{
    put_text(attribute, ATTRIBUTE_NAME, name);
    put_int(attribute, ATTRIBUTE_TYPE, type);
    put_part(&graph->node, NODE_ATTRIBUTE, attribute);
}

void onnx_int(struct onnx_graph *graph, const char *name, int64_t value)
{
    struct strbuf attribute = {0};
    put_int(&attribute, ATTRIBUTE_INT, value);
    put_attribute(graph, name, TYPE_INT, &attribute);
}

void onnx_float(struct onnx_graph *graph, const char *name, float value)
{
    struct strbuf attribute = {0};
    put_key(&attribute, ATTRIBUTE_FLOAT, FIXED32);
    put_float(&attribute, value);
    put_attribute(graph, name, TYPE_FLOAT, &attribute);
}

void onnx_ints(struct onnx_graph *graph, const char *name, int count, const int64_t values[])
{
    struct strbuf attribute = {0};
    for (int i = 0; i < count; i++)
        put_int(&attribute, ATTRIBUTE_INTS, values[i]);
    put_attribute(graph, name, TYPE_INTS, &attribute);
}

void onnx_end(struct onnx_graph *graph, const char *output)
{
    put_text(&graph->node, NODE_OUTPUT, output);
    put_text(&graph->node, NODE_NAME, output);
    put_part(&graph->graph, GRAPH_NODE, &graph->node);
}

// ---- the model ----

void onnx_meta(struct onnx_graph *graph, const char *key, const char *value)
{
    struct strbuf entry = {0};
    put_text(&entry, META_KEY, key);
    put_text(&entry, META_VALUE, value);
    put_part(&graph->meta, MODEL_META, &entry);
}

void onnx_graph_bytes(const struct onnx_graph *graph, struct strbuf *out)
{
    struct strbuf operators = {0};
    put_int(out, MODEL_IR, IR_VERSION);
    put_text(out, MODEL_PRODUCER, PACKAGE_NAME);
    put_text(out, MODEL_VERSION, PACKAGE_VERSION);
    put_bytes(out, MODEL_GRAPH, graph->graph.data, graph->graph.len);
    put_int(&operators, OPERATORS_VERSION, OPERATORS);
    put_part(out, MODEL_OPERATORS, &operators);
    if (graph->meta.len)
        strbuf_add(out, graph->meta.data, graph->meta.len);
}
