// SHA-256 (nettle).
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { HASH_HEX = 65 }; // 64 lower-case digits and the terminating zero

void hash_bytes(const void *bytes, size_t count, char hex[HASH_HEX]);

// The same in parts: hash_new, hash_add ..., hash_end (which frees it).
struct hasher;
struct hasher *hash_new(void);
void hash_add(struct hasher *hasher, const void *bytes, size_t count);
void hash_end(struct hasher *hasher, char hex[HASH_HEX]);

// Hash of a whole file; `size` (may be NULL) receives the bytes read.
ASSAY_CHECKED enum status hash_file(const char *path, char hex[HASH_HEX], uint64_t *size,
                                    struct error *err);

#endif
