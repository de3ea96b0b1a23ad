#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "nn/safetensors.h"

enum { PREFIX = 8, ALIGN = 8 };

struct tensor_writer {
    json_t *header;     // keys in the order of their put; __metadata__ first
    json_t *meta;       // borrowed from header
    struct strbuf data; // little-endian numbers
};

struct tensor_writer *tensor_writer_new(void)
{
    struct tensor_writer *writer = xcalloc(1, sizeof *writer);
    writer->header = json_object();
    writer->meta = json_object();
    json_object_set_new(writer->header, "__metadata__", writer->meta);
    return writer;
}

void tensor_writer_free(struct tensor_writer *writer)
{
    if (!writer)
        return;
    json_decref(writer->header);
    strbuf_clear(&writer->data);
    free(writer);
}

void tensor_put_meta(struct tensor_writer *writer, const char *key, const char *value)
{
    json_object_set_new(writer->meta, key, json_string(value));
}

static uint16_t to_half(float x)
{
    const float largest = 65504;
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    float size = fabsf(x) > largest ? largest : fabsf(x);
    int exponent;
    frexpf(size, &exponent); // size = [0.5, 1) * 2^exponent
    // The 11 bits that are kept, in units of the last one; subnormal below 2^-14.
    int unit = exponent - 11 < -24 ? -24 : exponent - 11;
    int kept = (int)nearbyintf(ldexpf(size, -unit));
    if (kept == 2048) {
        kept = 1024;
        unit++;
    }
    return sign | (uint16_t)(kept < 1024 ? kept : (unit + 25) << 10 | (kept - 1024));
}

void tensor_put_as(struct tensor_writer *writer, const char *name, const int64_t shape[TENSOR_RANK],
                   const float *values, bool half)
{
    json_t *sides = json_array();
    size_t count = 1, begin = writer->data.len;
    for (int i = 0; i < TENSOR_RANK && shape[i]; i++) {
        json_array_append_new(sides, json_integer(shape[i]));
        count *= (size_t)shape[i];
    }
    for (size_t i = 0; half && i < count; i++) {
        uint16_t bits = to_half(values[i]);
        strbuf_add(&writer->data, &bits, sizeof bits);
    }
    if (!half)
        strbuf_add(&writer->data, values, count * sizeof *values);
    json_object_set_new(writer->header, name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", half ? "F16" : "F32", "shape", sides, "data_offsets",
                                  (json_int_t)begin, (json_int_t)writer->data.len));
}

void tensor_put(struct tensor_writer *writer, const char *name, const int64_t shape[TENSOR_RANK],
                const float *values)
{
    tensor_put_as(writer, name, shape, values, false);
}

void tensor_put_seal(struct tensor_writer *writer)
{
    tensor_put_meta(writer, "sealed", TENSOR_SEAL_BLANK);
}

static void seal(const struct tensor_writer *writer, struct strbuf *out)
{
    static const char blank[] = "\"sealed\":\"" TENSOR_SEAL_BLANK "\"";
    char sha256[HASH_HEX];
    char *at = json_object_get(writer->meta, "sealed") ? memmem(out->data, out->len - writer->data.len, blank, strlen(blank)) : NULL;
    if (!at)
        return;
    hash_bytes(out->data, out->len, sha256);
    memcpy(at + strlen("\"sealed\":\""), sha256, HASH_HEX - 1);
}

enum status tensor_write(const struct tensor_writer *writer, const char *path, const char *dir,
                         char sha256[HASH_HEX], struct error *err)
{
    char *text = json_dumps(writer->header, JSON_COMPACT); // jansson keeps the order of insertion
    if (!text)
        return error_set(err, ST_INVALID, "%s: a tensor name or metadata text is not valid UTF-8",
                         dir ? dir : path);
    size_t length = strlen(text), padded = (length + ALIGN - 1) / ALIGN * ALIGN;
    struct strbuf out = {0};
    unsigned char prefix[PREFIX];
    for (int i = 0; i < PREFIX; i++)
        prefix[i] = (unsigned char)(padded >> (8 * i));
    strbuf_add(&out, prefix, sizeof prefix);
    strbuf_add(&out, text, length);
    strbuf_add(&out, "        ", padded - length);
    strbuf_add(&out, writer->data.data ? writer->data.data : "", writer->data.len);
    seal(writer, &out);
    hash_bytes(out.data, out.len, sha256);
    char *in_dir = NULL;
    if (dir) {
        char *name = xasprintf("%s.safetensors", sha256);
        in_dir = file_join(dir, name);
        free(name);
    }
    enum status status = file_write(in_dir ? in_dir : path, out.data, out.len, err);
    free(in_dir);
    strbuf_clear(&out);
    free(text);
    return status;
}
