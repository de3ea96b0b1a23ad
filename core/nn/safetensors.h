// The safetensors weight format: 8-byte little-endian header length, a JSON
// header, tensor bytes. Reading trusts nothing: header at most 16 MiB, offsets
// contiguous and inside the file, checked products, no duplicates.
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

enum { TENSOR_RANK = 4 };
#define TENSOR_SEAL_BLANK "0000000000000000000000000000000000000000000000000000000000000000"

struct tensor_file; // an opened file, held in memory

ASSAY_CHECKED enum status tensor_open(const char *path, struct tensor_file **file, struct error *err);
// The same for bytes in memory, which must stay until tensor_close; `name` stands for the path.
ASSAY_CHECKED enum status tensor_open_bytes(const void *bytes, size_t count, const char *name,
                                            struct tensor_file **file, struct error *err);
void tensor_close(struct tensor_file *file);

const char *tensor_path(const struct tensor_file *file);
const char *tensor_sha256(const struct tensor_file *file);                       // of the whole file
const char *tensor_meta(const struct tensor_file *file, const char *key);        // NULL when absent
size_t tensor_count(const struct tensor_file *file);
const char *tensor_name(const struct tensor_file *file, size_t index);

// ST_CORRUPT when the file is called <sha256>.safetensors and its content has another hash.
ASSAY_CHECKED enum status tensor_check_name(const struct tensor_file *file, struct error *err);

// A seal: metadata "sealed", the SHA-256 of the file with 64 zeros in its place, so that a file of any name tells whether it is as it
// was written. ST_CORRUPT: it is not. ST_NOT_FOUND: it has no seal, nor is it called by its hash.
ASSAY_CHECKED enum status tensor_check_seal(const struct tensor_file *file, struct error *err);

// Copy tensor `name` as floats (dtypes F32, F64, F16, BF16) into a fresh buffer (caller frees).
// shape: TENSOR_RANK expected sizes, unused trailing ones 0; -1 takes any size and
// is replaced by what was found. Missing, other shape, NaN or infinity: an
// error naming file and tensor.
ASSAY_CHECKED enum status tensor_read(const struct tensor_file *file, const char *name,
                                      int64_t shape[TENSOR_RANK], float **values, struct error *err);

struct tensor_writer;
struct tensor_writer *tensor_writer_new(void);
void tensor_writer_free(struct tensor_writer *writer);
void tensor_put_meta(struct tensor_writer *writer, const char *key, const char *value);
void tensor_put_seal(struct tensor_writer *writer); // filled in by tensor_write
// Copies `values`; shape as above, trailing zeros unused. Stored as F32, or as F16
// (rounded to nearest even; beyond its range becomes its largest finite number).
void tensor_put(struct tensor_writer *writer, const char *name, const int64_t shape[TENSOR_RANK],
                const float *values);
void tensor_put_as(struct tensor_writer *writer, const char *name, const int64_t shape[TENSOR_RANK],
                   const float *values, bool half);

// Write atomically. With `dir`: to dir/<sha256>.safetensors; sha256 receives the hash either way.
ASSAY_CHECKED enum status tensor_write(const struct tensor_writer *writer, const char *path, const char *dir,
                                       char sha256[HASH_HEX], struct error *err);

#endif
