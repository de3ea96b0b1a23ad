// The base that is compiled in: assets/base.safetensors, with assets/base.sha256
// beside it as `sha256sum` writes it. Replace both to ship another one.
#ifndef NN_EMBEDDED_H
#define NN_EMBEDDED_H

#include <stddef.h>

#include "base/hash.h"
#include "base/status.h"

#define EMBEDDED_NAME "the base inside the program" // where error messages would have a path

// The file's bytes, inside the program. ST_CORRUPT when they do not have their hash. sha256 may be NULL.
ASSAY_CHECKED enum status embedded_base(const unsigned char **bytes, size_t *count, char sha256[HASH_HEX],
                                        struct error *err);

#endif
