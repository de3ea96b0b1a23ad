#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"

enum { PREFIX = 8, HEADER_MAX = 16 << 20, TENSORS_MAX = 1 << 16 };

static const uint64_t file_max = (uint64_t)4 << 30;

enum dtype { DT_F32, DT_F64, DT_F16, DT_BF16, DTYPES };

static const struct {
    const char *name;
    size_t bytes;
} dtypes[DTYPES] = {
    [DT_F32] = {"F32", 4},
    [DT_F64] = {"F64", 8},
    [DT_F16] = {"F16", 2},
    [DT_BF16] = {"BF16", 2},
};

struct entry {
    const char *name; // owned by the header
    enum dtype type;
    int64_t shape[TENSOR_RANK]; // unused trailing ones 0
    uint64_t begin, end;        // bytes, from the end of the header
    uint64_t count;             // numbers
};

struct tensor_file {
    char *path;
    char sha256[HASH_HEX];
    unsigned char *owned; // the whole file, NULL when the caller keeps it
    const unsigned char *data;
    uint64_t data_bytes;
    const unsigned char *bytes; // the whole file
    size_t size;
    json_t *header, *meta;
    struct entry *entries; // by offset
    size_t count;
};

static enum status corrupt(const struct tensor_file *file, const char *tensor, struct error *err,
                           const char *what)
{
    return error_set(err, ST_CORRUPT, "%s: tensor %s: %s", file->path, tensor, what);
}

// One header entry. Everything is compared before it is used: the file may come from anywhere.
static enum status parse_entry(const struct tensor_file *file, const char *name, const json_t *value,
                               struct entry *entry, struct error *err)
{
    const json_t *shape = json_object_get(value, "shape"), *offsets = json_object_get(value, "data_offsets");
    const char *type = json_string_value(json_object_get(value, "dtype"));
    if (!type || !json_is_array(shape) || json_array_size(offsets) != 2 ||
        !json_is_integer(json_array_get(offsets, 0)) || !json_is_integer(json_array_get(offsets, 1)))
        return corrupt(file, name, err, "its entry needs dtype, shape and two data_offsets");
    *entry = (struct entry){.name = name, .type = DTYPES, .count = 1};
    for (int i = 0; i < DTYPES; i++)
        if (strcmp(type, dtypes[i].name) == 0)
            entry->type = (enum dtype)i;
    if (entry->type == DTYPES)
        return error_set(err, ST_INVALID, "%s: tensor %s: type %.20s is not supported (F32, F64, F16, BF16)",
                         file->path, name, type);
    if (json_array_size(shape) > TENSOR_RANK)
        return error_set(err, ST_INVALID, "%s: tensor %s: %zu dimensions, at most %d are supported",
                         file->path, name, json_array_size(shape), TENSOR_RANK);
    for (size_t i = 0; i < json_array_size(shape); i++) {
        const json_t *side = json_array_get(shape, i);
        if (!json_is_integer(side) || json_integer_value(side) < 1)
            return corrupt(file, name, err, "a dimension is not a positive whole number");
        entry->shape[i] = json_integer_value(side);
        if (__builtin_mul_overflow(entry->count, (uint64_t)entry->shape[i], &entry->count))
            return corrupt(file, name, err, "the product of its dimensions overflows");
    }
    long long begin = json_integer_value(json_array_get(offsets, 0));
    long long end = json_integer_value(json_array_get(offsets, 1));
    if (begin < 0 || end < begin || (uint64_t)end > file->data_bytes)
        return corrupt(file, name, err, "its data lie outside the file (damaged or cut short)");
    entry->begin = (uint64_t)begin;
    entry->end = (uint64_t)end;
    uint64_t need;
    if (__builtin_mul_overflow(entry->count, (uint64_t)dtypes[entry->type].bytes, &need) ||
        need != entry->end - entry->begin)
        return corrupt(file, name, err, "its shape does not fit its number of bytes");
    return ST_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin)
                                : (x->end > y->end) - (x->end < y->end);
}

static enum status parse_header(struct tensor_file *file, const char *text, size_t length, struct error *err)
{
    json_error_t where;
    file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!file->header)
        return error_set(err, ST_CORRUPT, "%s: header is not valid JSON: %s", file->path, where.text);
    if (!json_is_object(file->header))
        return error_set(err, ST_CORRUPT, "%s: header is not a JSON object", file->path);
    if (json_object_size(file->header) > TENSORS_MAX)
        return error_set(err, ST_INVALID, "%s: header lists more than %d tensors", file->path, TENSORS_MAX);
    file->meta = json_object_get(file->header, "__metadata__");
    const char *name;
    json_t *value;
    if (file->meta && !json_is_object(file->meta))
        return error_set(err, ST_CORRUPT, "%s: __metadata__ is not a JSON object", file->path);
    json_object_foreach(file->meta, name, value) if (!json_is_string(value)) return error_set(
        err, ST_CORRUPT, "%s: metadata %s is not a text", file->path, name);

    file->entries = xcalloc(json_object_size(file->header) + 1, sizeof *file->entries);
    json_object_foreach(file->header, name, value)
    {
        if (value == file->meta)
            continue;
        enum status status = parse_entry(file, name, value, &file->entries[file->count], err);
        if (status != ST_OK)
            return status;
        file->count++;
    }
    qsort(file->entries, file->count, sizeof *file->entries, by_offset);
    uint64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        if (file->entries[i].begin != at)
            return corrupt(file, file->entries[i].name, err,
                           file->entries[i].begin < at ? "its data overlap those of another"
                                                       : "a gap lies before its data");
        at = file->entries[i].end;
    }
    if (at != file->data_bytes)
        return error_set(err, ST_CORRUPT, "%s: %" PRIu64 " bytes follow the last tensor", file->path,
                         file->data_bytes - at);
    return ST_OK;
}

// Takes `file` over, which has its path and perhaps its bytes.
static enum status parse(struct tensor_file *file, const unsigned char *bytes, size_t size, struct tensor_file **out,
                         struct error *err)
{
    enum status status = ST_OK;
    if (size < PREFIX)
        status = error_set(err, ST_CORRUPT, "%s: %zu bytes are too few for a safetensors file", file->path, size);
    if (status == ST_OK) {
        uint64_t length = 0;
        for (int i = PREFIX - 1; i >= 0; i--)
            length = length << 8 | bytes[i];
        if (length > HEADER_MAX || length > size - PREFIX) {
            status = error_set(err, ST_CORRUPT,
                               "%s: not a safetensors file: its header would be %" PRIu64 " bytes long", file->path,
                               length);
        } else {
            file->data = bytes + PREFIX + length;
            file->data_bytes = size - PREFIX - length;
            status = parse_header(file, (const char *)bytes + PREFIX, (size_t)length, err);
        }
    }
    if (status != ST_OK) {
        tensor_close(file);
        return status;
    }
    hash_bytes(bytes, size, file->sha256);
    file->bytes = bytes;
    file->size = size;
    *out = file;
    return ST_OK;
}

static struct tensor_file *file_new(const char *path)
{
    struct tensor_file *file = xcalloc(1, sizeof *file);
    file->path = xstrdup(path);
    return file;
}

enum status tensor_open(const char *path, struct tensor_file **out, struct error *err)
{
    struct tensor_file *file = file_new(path);
    size_t size;
    enum status status = file_read(path, file_max, &file->owned, &size, err);
    if (status != ST_OK) {
        tensor_close(file);
        return status;
    }
    return parse(file, file->owned, size, out, err);
}

enum status tensor_open_bytes(const void *bytes, size_t count, const char *name, struct tensor_file **out,
                              struct error *err)
{
    return parse(file_new(name), bytes, count, out, err);
}

void tensor_close(struct tensor_file *file)
{
    if (!file)
        return;
    json_decref(file->header);
    free(file->entries);
    free(file->owned);
    free(file->path);
    free(file);
}

const char *tensor_path(const struct tensor_file *file)
{
    return file->path;
}

const char *tensor_sha256(const struct tensor_file *file)
{
    return file->sha256;
}

const char *tensor_meta(const struct tensor_file *file, const char *key)
{
    return json_string_value(json_object_get(file->meta, key));
}

size_t tensor_count(const struct tensor_file *file)
{
    return file->count;
}

const char *tensor_name(const struct tensor_file *file, size_t index)
{
    return file->entries[index].name;
}

// NULL where it is not called by any hash.
static const char *hash_name(const struct tensor_file *file)
{
    const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
    size_t digits = strspn(name, "0123456789abcdef");
    return digits == HASH_HEX - 1 && strcmp(name + digits, ".safetensors") == 0 ? name : NULL;
}

static enum status altered(const struct tensor_file *file, struct error *err)
{
    return error_set(err, ST_CORRUPT, "%s: the content was altered, its SHA-256 is %.12s...; put the original back", file->path,
                     file->sha256);
}

enum status tensor_check_name(const struct tensor_file *file, struct error *err)
{
    const char *name = hash_name(file);
    return name && strncmp(name, file->sha256, HASH_HEX - 1) != 0 ? altered(file, err) : ST_OK;
}

enum status tensor_check_seal(const struct tensor_file *file, struct error *err)
{
    static const char blank[] = TENSOR_SEAL_BLANK;
    char found[HASH_HEX];
    const char *seal = tensor_meta(file, "sealed");
    if (!seal && hash_name(file))
        return tensor_check_name(file, err);
    if (!seal)
        return error_set(err, ST_NOT_FOUND, "%s: neither a seal nor its name says whether it is whole; give it the name that it had in models/",
                         file->path);
    char *text = xasprintf("\"sealed\":\"%s\"", seal);
    const unsigned char *at = memmem(file->bytes, (size_t)(file->data - file->bytes), text, strlen(text));
    size_t before = at ? (size_t)(at - file->bytes) + strlen(text) - 1 - strlen(seal) : 0, after = before + strlen(blank);
    bool whole = at && strlen(seal) == strlen(blank);
    free(text);
    if (!whole)
        return altered(file, err);
    struct hasher *hasher = hash_new();
    hash_add(hasher, file->bytes, before);
    hash_add(hasher, blank, strlen(blank));
    hash_add(hasher, file->bytes + after, file->size - after);
    hash_end(hasher, found);
    return strcmp(found, seal) == 0 ? ST_OK : altered(file, err);
}

static float from_half(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double value = exponent == 31  ? (mantissa ? NAN : INFINITY)
                   : exponent == 0 ? ldexp(mantissa, -24)
                                   : ldexp(mantissa + 1024, exponent - 25);
    return (float)(h & 0x8000 ? -value : value);
}

// memcpy: the data start wherever the header ends.
static float number_at(const unsigned char *data, enum dtype type, uint64_t i)
{
    uint16_t half;
    uint32_t bits;
    float f;
    double d;
    switch (type) {
    case DT_F64:
        memcpy(&d, data + 8 * i, 8);
        return (float)d;
    case DT_F16:
        memcpy(&half, data + 2 * i, 2);
        return from_half(half);
    case DT_BF16:
        memcpy(&half, data + 2 * i, 2);
        bits = (uint32_t)half << 16;
        memcpy(&f, &bits, 4);
        return f;
    default:
        memcpy(&f, data + 4 * i, 4);
        return f;
    }
}

static void shape_text(const int64_t shape[TENSOR_RANK], char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < TENSOR_RANK && shape[i] && at < size; i++) {
        int n = shape[i] < 0 ? snprintf(text + at, size - at, "%s?", i ? ", " : "")
                             : snprintf(text + at, size - at, "%s%" PRId64, i ? ", " : "", shape[i]);
        at += (size_t)n;
    }
}

enum status tensor_read(const struct tensor_file *file, const char *name, int64_t shape[TENSOR_RANK],
                        float **values, struct error *err)
{
    const struct entry *entry = NULL;
    for (size_t i = 0; i < file->count && !entry; i++)
        if (strcmp(file->entries[i].name, name) == 0)
            entry = &file->entries[i];
    if (!entry)
        return error_set(err, ST_INVALID, "%s: tensor %s is missing", file->path, name);
    for (int i = 0; i < TENSOR_RANK; i++) {
        if (shape[i] == entry->shape[i] || (shape[i] == -1 && entry->shape[i] > 0))
            continue;
        char want[100], have[100];
        shape_text(shape, want, sizeof want);
        shape_text(entry->shape, have, sizeof have);
        return error_set(err, ST_INVALID, "%s: tensor %s: its shape is (%s), not (%s)", file->path, name,
                         have, want);
    }
    float *buffer = xreallocarray(NULL, (size_t)entry->count, sizeof *buffer);
    const unsigned char *data = file->data + entry->begin;
    for (uint64_t i = 0; i < entry->count; i++) {
        buffer[i] = number_at(data, entry->type, i);
        if (!isfinite(buffer[i])) {
            free(buffer);
            return error_set(err, ST_CORRUPT, "%s: tensor %s: number %" PRIu64 " is not finite", file->path,
                             name, i);
        }
    }
    memcpy(shape, entry->shape, sizeof entry->shape);
    *values = buffer;
    return ST_OK;
}
