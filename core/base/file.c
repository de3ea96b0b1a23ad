#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static enum status too_long(const char *path, uint64_t bytes, uint64_t limit, struct error *err)
{
    return error_set(err, ST_INVALID, "%s: %lld bytes, more than the limit of %llu", path, (long long)bytes,
                     (unsigned long long)limit);
}

// Up to the file's end: files of /proc say that they have no bytes.
static enum status read_all(int fd, const char *path, uint64_t size, uint64_t limit, unsigned char **bytes, size_t *count,
                            struct error *err)
{
    size_t room = (size_t)(size > 0 ? size : 4094) + 2, have = 0; // a byte behind it tells the end, a zero follows
    unsigned char *buffer = xmalloc(room);
    enum status status = ST_OK;
    ssize_t n = 1;
    while (status == ST_OK && n != 0) {
        if (have + 1 == room)
            buffer = xreallocarray(buffer, room *= 2, 1);
        n = read(fd, buffer + have, room - 1 - have);
        if (n < 0 && errno != EINTR)
            status = error_set(err, ST_IO, "%s: cannot read: %s", path, strerror(errno));
        have += n > 0 ? (size_t)n : 0;
        if (have > limit)
            status = too_long(path, have, limit, err);
    }
    if (status != ST_OK) {
        free(buffer);
        return status;
    }
    buffer[have] = 0;
    *bytes = buffer;
    *count = have;
    return ST_OK;
}

enum status file_read(const char *path, uint64_t limit, unsigned char **bytes, size_t *count,
                      struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe nobody writes to is refused below, not waited for
    if (fd < 0)
        return error_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s: cannot open: %s", path,
                         strerror(errno));
    struct stat st;
    enum status status;
    if (fstat(fd, &st) != 0)
        status = error_set(err, ST_IO, "%s: cannot stat: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = error_set(err, ST_INVALID, "%s: not a regular file", path);
    else if ((uint64_t)st.st_size > limit)
        status = too_long(path, (uint64_t)st.st_size, limit, err);
    else
        status = read_all(fd, path, (uint64_t)st.st_size, limit, bytes, count, err);
    close(fd);
    return status;
}

static enum status write_all(int fd, const char *path, const void *bytes, size_t count, struct error *err)
{
    const char *p = bytes;
    while (count) {
        ssize_t n = write(fd, p, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ST_IO, "%s: cannot write: %s", path, strerror(errno));
        p += n;
        count -= (size_t)n;
    }
    return ST_OK;
}

// The folder that `path` is in; caller frees.
static char *parent(const char *path)
{
    char *dir = xstrdup(path);
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        dir[--n] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash) {
        slash[slash == dir] = '\0';
        return dir;
    }
    free(dir);
    return xstrdup(".");
}

bool file_shared(const char *path)
{
    struct stat st;
    char *dir = parent(path);
    bool shared = stat(dir, &st) == 0 && (st.st_mode & S_IWGRP) && !(st.st_mode & S_IWOTH);
    free(dir);
    return shared;
}

static enum status sync_parent(const char *path, struct error *err)
{
    char *dir = parent(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0, why = errno;
    if (fd >= 0)
        close(fd);
    free(dir);
    if (failed)
        return error_set(err, ST_IO, "%s: cannot sync its folder: %s", path, strerror(why));
    return ST_OK;
}

static enum status put_in_place(const char *path, const void *bytes, size_t count, struct error *err)
{
    char *temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        int why = errno;
        free(temporary);
        return error_set(err, ST_IO, "%s: cannot create: %s", path, strerror(why));
    }
    mode_t mask = umask(0);
    umask(mask);
    if (file_shared(path))
        mask &= ~(mode_t)0060;
    enum status status = write_all(fd, path, bytes, count, err);
    if (status == ST_OK && (fchmod(fd, 0666 & ~mask) != 0 || fsync(fd) != 0))
        status = error_set(err, ST_IO, "%s: cannot sync: %s", path, strerror(errno));
    if (close(fd) != 0 && status == ST_OK)
        status = error_set(err, ST_IO, "%s: cannot close: %s", path, strerror(errno));
    if (status == ST_OK && rename(temporary, path) != 0)
        status = error_set(err, ST_IO, "%s: cannot rename into place: %s", path, strerror(errno));
    if (status == ST_OK)
        status = sync_parent(path, err);
    else
        unlink(temporary);
    free(temporary);
    return status;
}

enum status file_write(const char *path, const void *bytes, size_t count, struct error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return put_in_place(path, bytes, count, err);
    if (!S_ISREG(st.st_mode)) // a device would be one no more
        return error_set(err, ST_IO, "%s: not a regular file", path);
    char *target = realpath(path, NULL); // a link stays one
    enum status status = put_in_place(target ? target : path, bytes, count, err);
    free(target);
    return status;
}

enum status file_mkdirs(const char *path, struct error *err)
{
    char *part = xstrdup(path);
    enum status status = ST_OK;
    for (char *p = part + (*part != '\0');; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        struct stat st;
        bool made = mkdir(part, 0777) == 0;
        if (!made && (errno != EEXIST || stat(part, &st) != 0 || !S_ISDIR(st.st_mode))) {
            status = error_set(err, ST_IO, "%s: cannot create the folder: %s", part, strerror(errno));
            break;
        }
        if (made && file_shared(part) && (stat(part, &st) != 0 || chmod(part, (st.st_mode & 07777) | 0070) != 0)) {
            status = error_set(err, ST_IO, "%s: cannot be made writable for its group: %s", part, strerror(errno));
            break;
        }
        *p = kept;
        if (!kept)
            break;
    }
    free(part);
    return status;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

char *file_join(const char *dir, const char *name)
{
    if (name[0] == '/' || !dir || !dir[0])
        return xstrdup(name);
    size_t n = strlen(dir);
    return xasprintf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

char *file_beside_program(const char *name)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0)
        return NULL;
    program[n] = '\0';
    char *path = file_join(dirname(program), name);
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}
