#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/archive.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"

enum { CHUNK = 1 << 18 };

struct archive {
    char *path, *temporary;
    int fd;
    size_t members;
    uint64_t bytes;
    struct strbuf list;
};

enum status archive_create(const char *path, struct archive **archive, struct error *err)
{
    struct archive *a = xcalloc(1, sizeof *a);
    a->path = xstrdup(path);
    a->temporary = xasprintf("%s.XXXXXX", path);
    a->fd = mkostemp(a->temporary, O_CLOEXEC);
    if (a->fd < 0) {
        enum status status = error_set(err, ST_IO, "%s: cannot create: %s", path, strerror(errno));
        free(a->path);
        free(a->temporary);
        free(a);
        return status;
    }
    strbuf_puts(&a->list, ARCHIVE_FIRST);
    *archive = a;
    return ST_OK;
}

static void release(struct archive *a, bool keep)
{
    if (a->fd >= 0)
        close(a->fd);
    if (!keep)
        unlink(a->temporary);
    strbuf_clear(&a->list);
    free(a->path);
    free(a->temporary);
    free(a);
}

void archive_abandon(struct archive *a)
{
    if (a)
        release(a, false);
}

static enum status put(struct archive *a, const void *bytes, size_t count, struct error *err)
{
    const char *p = bytes;
    while (count > 0) {
        ssize_t n = write(a->fd, p, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOSPC)
            return error_set(err, ST_IO, "%s: the disk is full; nothing was changed, make room and try again", a->path);
        if (n < 0)
            return error_set(err, ST_IO, "%s: cannot write: %s", a->path, strerror(errno));
        p += n;
        count -= (size_t)n;
    }
    return ST_OK;
}

static enum status pad(struct archive *a, uint64_t size, struct error *err)
{
    static const char zeros[ARCHIVE_BLOCK];
    size_t over = (size_t)(size % ARCHIVE_BLOCK);
    return over ? put(a, zeros, ARCHIVE_BLOCK - over, err) : ST_OK;
}

// A header block (POSIX.1-1988 ustar). A size that does not fit into eleven octal digits is written in base 256, as GNU
// tar does.
static enum status put_header(struct archive *a, const char *name, uint64_t size, time_t mtime, struct error *err)
{
    char block[ARCHIVE_BLOCK] = {0};
    unsigned sum = 0;
    if (strlen(name) >= ARCHIVE_NAME)
        return error_set(err, ST_INVALID, "%s: its name is too long for a backup", name);
    snprintf(block, ARCHIVE_NAME, "%s", name);
    snprintf(block + 100, 8, "%07o", 0644);
    snprintf(block + 108, 8, "%07o", 0);
    snprintf(block + 116, 8, "%07o", 0);
    if (size < (1ull << 33)) {
        snprintf(block + 124, 12, "%011llo", (unsigned long long)size);
    } else {
        block[124] = (char)0x80;
        for (int i = 0; i < 8; i++)
            block[135 - i] = (char)(size >> (8 * i) & 0xff);
    }
    snprintf(block + 136, 12, "%011llo", (unsigned long long)mtime & 077777777777);
    memset(block + 148, ' ', 8);
    block[156] = '0';
    memcpy(block + 257, "ustar\0" "00", 8);
    for (int i = 0; i < ARCHIVE_BLOCK; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 7, "%06o", sum);
    return put(a, block, sizeof block, err);
}

static enum status copy(struct archive *a, int fd, const char *file, uint64_t size, char hex[HASH_HEX], struct error *err)
{
    unsigned char *chunk = xmalloc(CHUNK);
    struct hasher *hasher = hash_new();
    enum status status = ST_OK;
    uint64_t left = size;
    while (left > 0 && status == ST_OK) {
        ssize_t n = read(fd, chunk, left < CHUNK ? (size_t)left : CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = error_set(err, ST_IO, "%s: cannot read: %s", file, strerror(errno));
        else if (n == 0)
            status = error_set(err, ST_IO, "%s: became shorter while it was read", file);
        else
            status = put(a, chunk, (size_t)n, err);
        if (status == ST_OK) {
            hash_add(hasher, chunk, (size_t)n);
            left -= (uint64_t)n;
        }
    }
    hash_end(hasher, hex);
    free(chunk);
    return status == ST_OK ? pad(a, size, err) : status;
}

enum status archive_add(struct archive *a, const char *name, const char *file, struct error *err)
{
    struct stat st;
    char hex[HASH_HEX];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return ST_NOT_FOUND;
    if (fd < 0)
        return error_set(err, ST_IO, "%s: cannot open: %s", file, strerror(errno));
    enum status status = ST_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        status = error_set(err, ST_INVALID, "%s: not a regular file", file);
    if (status == ST_OK)
        status = put_header(a, name, (uint64_t)st.st_size, st.st_mtime, err);
    if (status == ST_OK)
        status = copy(a, fd, file, (uint64_t)st.st_size, hex, err);
    close(fd);
    if (status != ST_OK)
        return status;
    strbuf_printf(&a->list, "%s %llu %s\n", hex, (unsigned long long)st.st_size, name);
    a->members++;
    a->bytes += (uint64_t)st.st_size;
    return ST_OK;
}

static enum status put_list(struct archive *a, struct error *err)
{
    static const char end[2 * ARCHIVE_BLOCK];
    char hex[HASH_HEX];
    hash_bytes(a->list.data, a->list.len, hex);
    strbuf_printf(&a->list, "end %s\n", hex);
    enum status status = put_header(a, ARCHIVE_LIST, a->list.len, time(NULL), err);
    if (status == ST_OK)
        status = put(a, a->list.data, a->list.len, err);
    if (status == ST_OK)
        status = pad(a, a->list.len, err);
    return status == ST_OK ? put(a, end, sizeof end, err) : status;
}

static enum status sync_folder(const char *path, struct error *err)
{
    char *dir = xstrdup(path), *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool failed = fd < 0 || fsync(fd) != 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    free(dir);
    return failed ? error_set(err, ST_IO, "%s: cannot sync its folder: %s", path, strerror(why)) : ST_OK;
}

enum status archive_finish(struct archive *a, size_t *members, uint64_t *bytes, struct error *err)
{
    size_t read_members = 0;
    uint64_t read_bytes = 0;
    mode_t mask = umask(0);
    umask(mask);
    if (file_shared(a->path))
        mask &= ~(mode_t)0060;
    enum status status = put_list(a, err);
    if (status == ST_OK && (fchmod(a->fd, 0666 & ~mask) != 0 || fsync(a->fd) != 0))
        status = error_set(err, ST_IO, "%s: cannot sync: %s", a->path, strerror(errno));
    if (status == ST_OK)
        status = archive_verify(a->temporary, &read_members, &read_bytes, err);
    if (status == ST_OK && (read_members != a->members || read_bytes != a->bytes))
        status = error_set(err, ST_CORRUPT, "%s: does not read back as it was written", a->path);
    if (status == ST_OK && rename(a->temporary, a->path) != 0)
        status = error_set(err, ST_IO, "%s: cannot rename into place: %s", a->path, strerror(errno));
    bool named = status == ST_OK;
    if (status == ST_OK)
        status = sync_folder(a->path, err);
    *members = a->members;
    *bytes = a->bytes;
    release(a, named);
    return status;
}
