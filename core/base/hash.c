#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "base/alloc.h"
#include "base/hash.h"

static void digest_hex(struct sha256_ctx *ctx, char hex[HASH_HEX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[SHA256_DIGEST_SIZE];
    sha256_digest(ctx, sizeof raw, raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[2 * sizeof raw] = '\0';
}

void hash_bytes(const void *bytes, size_t count, char hex[HASH_HEX])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, count, bytes);
    digest_hex(&ctx, hex);
}

struct hasher {
    struct sha256_ctx ctx;
};

struct hasher *hash_new(void)
{
    struct hasher *h = xmalloc(sizeof *h);
    sha256_init(&h->ctx);
    return h;
}

void hash_add(struct hasher *h, const void *bytes, size_t count)
{
    sha256_update(&h->ctx, count, bytes);
}

void hash_end(struct hasher *h, char hex[HASH_HEX])
{
    digest_hex(&h->ctx, hex);
    free(h);
}

enum status hash_file(const char *path, char hex[HASH_HEX], uint64_t *size, struct error *err)
{
    enum { CHUNK = 1 << 18 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, ST_IO, "%s: cannot open: %s", path, strerror(errno));
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    uint8_t *chunk = xmalloc(CHUNK);
    uint64_t total = 0;
    ssize_t n;
    while ((n = read(fd, chunk, CHUNK)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        sha256_update(&ctx, (size_t)n, chunk);
        total += (uint64_t)n;
    }
    int why = errno;
    free(chunk);
    close(fd);
    if (n < 0)
        return error_set(err, ST_IO, "%s: cannot read: %s", path, strerror(why));
    digest_hex(&ctx, hex);
    if (size)
        *size = total;
    return ST_OK;
}
