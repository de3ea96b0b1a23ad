#include "config.h"

#include <string.h>

#include "nn/embedded.h"

// clang-format off
#define INCLUDE(symbol, file)                   \
    __asm__(".pushsection .rodata\n"            \
            ".balign 64\n"                      \
            ".globl " #symbol "\n"              \
            ".hidden " #symbol "\n"             \
            #symbol ":\n"                       \
            ".incbin \"" ASSETS "/" file "\"\n" \
            ".globl " #symbol "_end\n"          \
            ".hidden " #symbol "_end\n"         \
            #symbol "_end:\n"                   \
            ".byte 0\n"                         \
            ".popsection\n");                   \
    extern const unsigned char symbol[], symbol##_end[]
// clang-format on

INCLUDE(assay_embedded_base, "base.safetensors");
INCLUDE(assay_embedded_hash, "base.sha256");

enum status embedded_base(const unsigned char **bytes, size_t *count, char sha256[HASH_HEX],
                          struct error *err)
{
    char hash[HASH_HEX];
    size_t size = (size_t)(assay_embedded_base_end - assay_embedded_base);
    size_t digits = (size_t)(assay_embedded_hash_end - assay_embedded_hash);
    hash_bytes(assay_embedded_base, size, hash);
    if (digits < HASH_HEX - 1 || memcmp(hash, assay_embedded_hash, HASH_HEX - 1) != 0)
        return error_set(err, ST_CORRUPT,
                         EMBEDDED_NAME
                         " is damaged: its SHA-256 is %.12s..., not %.12s...; install assay again",
                         hash, (const char *)assay_embedded_hash);
    *bytes = assay_embedded_base;
    *count = size;
    if (sha256)
        memcpy(sha256, hash, sizeof hash);
    return ST_OK;
}
