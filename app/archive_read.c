// Reading a backup: nothing in it is believed before it fits its list.
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/archive.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"

enum { CHUNK = 1 << 18, LIST_MOST = 1 << 28, MEMBERS_MOST = 10000000 };

struct member {
    char name[ARCHIVE_NAME + 1];
    char hex[HASH_HEX];
    uint64_t size;
};

struct reading {
    const char *path, *dir, *only; // dir NULL: look only; only NULL: every member into it
    int fd;
    struct member *members;
    size_t count, capacity;
    char *list;
};

bool archive_name_fine(const char *name)
{
    static const char *const tops[] = {"models/", "pictures/"};
    const char *part = name;
    bool below = false;
    if (strcmp(name, "project.db") == 0 || strcmp(name, "assay.conf") == 0)
        return true;
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        below = below || strncmp(name, tops[i], strlen(tops[i])) == 0;
    for (const char *p = name; below; p++) {
        if (*p == '/' || *p == '\0') { // a part is not empty and does not begin with a dot
            if (p == part || *part == '.')
                return false;
            if (*p == '\0')
                return true;
            part = p + 1;
        } else if (!isalnum((unsigned char)*p) && !strchr("._-", *p)) {
            return false;
        }
    }
    return false;
}

static enum status cut_off(const struct reading *r, struct error *err)
{
    return error_set(err, ST_CORRUPT, "%s: cut off: the backup is not whole; use another one", r->path);
}

static enum status altered(const struct reading *r, const char *what, struct error *err)
{
    return error_set(err, ST_CORRUPT, "%s: altered or damaged (%s); use another backup", r->path, what);
}

static enum status get(struct reading *r, void *bytes, size_t count, struct error *err)
{
    char *p = bytes;
    while (count > 0) {
        ssize_t n = read(r->fd, p, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ST_IO, "%s: cannot read: %s", r->path, strerror(errno));
        if (n == 0)
            return cut_off(r, err);
        p += n;
        count -= (size_t)n;
    }
    return ST_OK;
}

static bool octal(const char *text, size_t room, uint64_t *value)
{
    *value = 0;
    if ((unsigned char)text[0] == 0x80) { // base 256
        for (size_t i = room - 8; i < room; i++)
            *value = *value << 8 | (unsigned char)text[i];
        return *value < INT64_MAX;
    }
    for (size_t i = 0; i < room && text[i] && text[i] != ' '; i++) {
        if (text[i] < '0' || text[i] > '7')
            return false;
        *value = *value * 8 + (uint64_t)(text[i] - '0');
    }
    return true;
}

// *end: the blocks of zeros.
static enum status get_header(struct reading *r, struct member *m, bool *end, struct error *err)
{
    char block[ARCHIVE_BLOCK];
    uint64_t sum, own = 0;
    enum status status = get(r, block, sizeof block, err);
    if (status != ST_OK)
        return status;
    *end = block[0] == '\0';
    if (*end)
        return ST_OK;
    for (int i = 0; i < ARCHIVE_BLOCK; i++)
        own += i >= 148 && i < 156 ? ' ' : (unsigned char)block[i];
    if (memcmp(block + 257, "ustar", 5) != 0)
        return error_set(err, ST_INVALID, "%s: no backup of assay", r->path);
    if (!octal(block + 148, 7, &sum) || sum != own || !octal(block + 124, 12, &m->size) || block[156] != '0')
        return altered(r, "a header", err);
    memcpy(m->name, block, ARCHIVE_NAME);
    m->name[ARCHIVE_NAME] = '\0';
    return ST_OK;
}

static enum status open_target(const struct reading *r, const char *name, int *fd, struct error *err)
{
    char *path = file_join(r->dir, name), *folder = xstrdup(path);
    *strrchr(folder, '/') = '\0';
    enum status status = file_mkdirs(folder, err);
    if (status == ST_OK) {
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd < 0)
            status = error_set(err, ST_IO, "%s: cannot create: %s", path, strerror(errno));
    }
    free(folder);
    free(path);
    return status;
}

static enum status put(int fd, const char *name, const unsigned char *bytes, size_t count, struct error *err)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ST_IO, "%s: cannot write: %s", name, strerror(errno));
        bytes += n;
        count -= (size_t)n;
    }
    return ST_OK;
}

static enum status get_zeros(struct reading *r, size_t count, struct error *err)
{
    char zeros[2 * ARCHIVE_BLOCK];
    enum status status = get(r, zeros, count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        if (zeros[i])
            status = altered(r, "between its members", err);
    return status;
}

// What fills a member's last block.
static enum status get_padding(struct reading *r, uint64_t size, struct error *err)
{
    size_t over = (size_t)(size % ARCHIVE_BLOCK);
    return over ? get_zeros(r, ARCHIVE_BLOCK - over, err) : ST_OK;
}

static enum status get_content(struct reading *r, struct member *m, int out, struct error *err)
{
    unsigned char *chunk = xmalloc(CHUNK);
    struct hasher *hasher = hash_new();
    enum status status = ST_OK;
    for (uint64_t left = m->size; left > 0 && status == ST_OK;) {
        size_t n = left < CHUNK ? (size_t)left : CHUNK;
        status = get(r, chunk, n, err);
        if (status == ST_OK && out >= 0)
            status = put(out, m->name, chunk, n, err);
        hash_add(hasher, chunk, n);
        left -= n;
    }
    hash_end(hasher, m->hex);
    free(chunk);
    return status == ST_OK ? get_padding(r, m->size, err) : status;
}

static enum status get_member(struct reading *r, struct member *m, struct error *err)
{
    int out = -1;
    if (!archive_name_fine(m->name))
        return altered(r, "a name that is none of a project's", err);
    enum status status = r->dir && (!r->only || strcmp(r->only, m->name) == 0) ? open_target(r, m->name, &out, err) : ST_OK;
    if (status == ST_OK)
        status = get_content(r, m, out, err);
    if (out >= 0 && (fsync(out) != 0 || close(out) != 0) && status == ST_OK)
        status = error_set(err, ST_IO, "%s: cannot sync: %s", m->name, strerror(errno));
    if (status == ST_OK) {
        GROW(r->members, r->capacity, r->count + 1);
        r->members[r->count++] = *m;
    }
    return status;
}

// The list against what was read, line by line.
static enum status compare(struct reading *r, uint64_t size, struct error *err)
{
    char hex[HASH_HEX], line[ARCHIVE_NAME + HASH_HEX + 32];
    if (size > LIST_MOST || size < sizeof ARCHIVE_FIRST + 70)
        return altered(r, "its list", err);
    r->list = xcalloc(1, (size_t)size + 1);
    enum status status = get(r, r->list, (size_t)size, err);
    if (status != ST_OK)
        return status;
    char *last = r->list + size - 4 - 64 - 1;
    hash_bytes(r->list, (size_t)(last - r->list), hex);
    if (strncmp(r->list, ARCHIVE_FIRST, strlen(ARCHIVE_FIRST)) != 0 || strncmp(last, "end ", 4) != 0 ||
        strncmp(last + 4, hex, 64) != 0)
        return altered(r, "its list", err);
    const char *p = r->list + strlen(ARCHIVE_FIRST);
    for (size_t i = 0; i < r->count; i++) {
        int n = snprintf(line, sizeof line, "%s %llu %s\n", r->members[i].hex, (unsigned long long)r->members[i].size,
                         r->members[i].name);
        if (p + n > last || strncmp(p, line, (size_t)n) != 0)
            return altered(r, r->members[i].name, err);
        p += n;
    }
    return p == last ? ST_OK : altered(r, "a member is missing", err);
}

static enum status read_all(struct reading *r, struct error *err)
{
    struct member m;
    bool end, database = false;
    for (;;) {
        enum status status = get_header(r, &m, &end, err);
        if (status == ST_OK && end)
            status = cut_off(r, err); // the list comes before the end
        if (status != ST_OK)
            return status;
        if (strcmp(m.name, ARCHIVE_LIST) == 0)
            break;
        status = r->count < MEMBERS_MOST ? get_member(r, &m, err) : altered(r, "too many members", err);
        if (status != ST_OK)
            return status;
        database = database || strcmp(m.name, "project.db") == 0;
    }
    enum status status = compare(r, m.size, err);
    if (status == ST_OK)
        status = get_padding(r, m.size, err);
    if (status == ST_OK)
        status = get_zeros(r, 2 * ARCHIVE_BLOCK, err);
    return status == ST_OK && !database ? altered(r, "no database in it", err) : status;
}

static enum status run(const char *path, const char *only, const char *dir, size_t *members, uint64_t *bytes, struct error *err)
{
    struct reading r = {.path = path, .dir = dir, .only = only, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat st;
    if (r.fd < 0)
        return error_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s: cannot open: %s", path, strerror(errno));
    enum status status = ST_OK;
    if (fstat(r.fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < ARCHIVE_BLOCK)
        status = error_set(err, ST_INVALID, "%s: no backup of assay", path);
    if (status == ST_OK)
        status = read_all(&r, err);
    close(r.fd);
    *members = r.count;
    *bytes = 0;
    for (size_t i = 0; i < r.count; i++)
        *bytes += r.members[i].size;
    free(r.members);
    free(r.list);
    return status;
}

enum status archive_verify(const char *path, size_t *members, uint64_t *bytes, struct error *err)
{
    return run(path, NULL, NULL, members, bytes, err);
}

enum status archive_extract(const char *path, const char *only, const char *dir, struct error *err)
{
    size_t members;
    uint64_t bytes;
    return run(path, only, dir, &members, &bytes, err);
}
