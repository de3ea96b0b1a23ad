#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "tests/fault/power.h"

enum { SECTOR = 512 };

struct change { // after the last sync, in order
    enum { WROTE, TRUNCATED, DELETED } kind;
    sqlite3_int64 at; // offset, or the new size
    size_t size;
    unsigned char *bytes;
};

struct disk_file {
    char *path;
    bool present; // durably
    unsigned char *bytes;
    size_t size, capacity;
    struct change *changes;
    size_t count, change_capacity;
    struct disk_file *next;
};

struct power {
    sqlite3_vfs vfs, *real;
    struct disk_file *files;
    int64_t operations, cut_at;
    bool off;
};

struct shim_file {
    sqlite3_file head;
    struct power *power;
    struct disk_file *disk; // NULL: not tracked
    sqlite3_file *real;
};

// --- what is durable --------------------------------------------------------

static void resize(struct disk_file *f, size_t size)
{
    GROW(f->bytes, f->capacity, size + 1);
    if (size > f->size)
        memset(f->bytes + f->size, 0, size - f->size);
    f->size = size;
}

static void load(struct disk_file *f)
{
    FILE *in = fopen(f->path, "rb");
    f->present = in != NULL;
    if (!in)
        return;
    char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof block, in)) > 0;) {
        resize(f, f->size + n);
        memcpy(f->bytes + f->size - n, block, n);
    }
    fclose(in);
}

static struct disk_file *find(struct power *p, const char *path)
{
    struct disk_file *f = p->files;
    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    if (!f) {
        f = xcalloc(1, sizeof *f);
        f->path = xstrdup(path);
        f->next = p->files;
        p->files = f;
        load(f);
    }
    return f;
}

static void note(struct disk_file *f, struct change change)
{
    GROW(f->changes, f->change_capacity, f->count + 1);
    f->changes[f->count++] = change;
}

static void apply_bytes(struct disk_file *f, const struct change *c, size_t from, size_t to)
{
    if (f->size < (size_t)c->at + to)
        resize(f, (size_t)c->at + to);
    memcpy(f->bytes + c->at + from, c->bytes + from, to - from);
    f->present = true;
}

// lucky NULL: all of it.
static void apply(struct disk_file *f, const struct change *c, struct rng *lucky)
{
    if (c->kind != WROTE) {
        if (lucky && rng_below(lucky, 2))
            return;
        resize(f, c->kind == TRUNCATED ? (size_t)c->at : 0);
        f->present = c->kind == TRUNCATED;
        return;
    }
    for (size_t from = 0, to; from < c->size; from = to) {
        to = from + SECTOR - ((size_t)c->at + from) % SECTOR;
        to = to < c->size ? to : c->size;
        if (!lucky || rng_below(lucky, 2))
            apply_bytes(f, c, from, to);
    }
}

static void forget_changes(struct disk_file *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->changes[i].bytes);
    f->count = 0;
}

static void forget_files(struct power *p)
{
    while (p->files) {
        struct disk_file *f = p->files;
        p->files = f->next;
        forget_changes(f);
        free(f->changes);
        free(f->bytes);
        free(f->path);
        free(f);
    }
}

// True when the power went (or had gone) at this operation.
static bool step(struct power *p)
{
    p->operations++;
    if (p->cut_at && p->operations >= p->cut_at)
        p->off = true;
    return p->off;
}

// --- methods of a file --------------------------------------------------------

#define REAL(file) (((struct shim_file *)(file))->real)

static int shim_close(sqlite3_file *file)
{
    sqlite3_file *real = REAL(file);
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int shim_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    return REAL(file)->pMethods->xRead(REAL(file), bytes, size, at);
}

static int shim_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    struct shim_file *s = (struct shim_file *)file;
    if (s->disk) {
        bool was_off = s->power->off, off = step(s->power);
        if (!was_off) { // the write that the power went at may be there in part
            struct change c = {WROTE, at, (size_t)size, xmalloc((size_t)size)};
            memcpy(c.bytes, bytes, (size_t)size);
            note(s->disk, c);
        }
        if (off)
            return SQLITE_IOERR_WRITE;
    }
    return s->real->pMethods->xWrite(s->real, bytes, size, at);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct shim_file *s = (struct shim_file *)file;
    if (s->disk) {
        if (step(s->power))
            return SQLITE_IOERR_TRUNCATE;
        note(s->disk, (struct change){TRUNCATED, size, 0, NULL});
    }
    return s->real->pMethods->xTruncate(s->real, size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    (void)flags; // nothing here needs to reach a real disk
    struct shim_file *s = (struct shim_file *)file;
    if (s->disk) {
        if (step(s->power))
            return SQLITE_IOERR_FSYNC;
        for (size_t i = 0; i < s->disk->count; i++)
            apply(s->disk, &s->disk->changes[i], NULL);
        forget_changes(s->disk);
        s->disk->present = true;
    }
    return SQLITE_OK;
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static int shim_check_lock(sqlite3_file *file, int *locked)
{
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), locked);
}

static int shim_control(sqlite3_file *file, int operation, void *argument)
{
    return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static int shim_sector(sqlite3_file *file)
{
    return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int shim_traits(sqlite3_file *file)
{
    return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int shim_shm_unmap(sqlite3_file *file, int remove)
{
    return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

static const sqlite3_io_methods methods = {
    2,           shim_close,   shim_read,       shim_write,   shim_truncate, shim_sync,     shim_size,
    shim_lock,   shim_unlock,  shim_check_lock, shim_control, shim_sector,   shim_traits,   shim_shm_map,
    shim_shm_lock, shim_shm_barrier, shim_shm_unmap, NULL, NULL};

// --- methods of the VFS ---------------------------------------------------------

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct power *p = vfs->pAppData;
    struct shim_file *s = (struct shim_file *)file;
    int tracked = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
    *s = (struct shim_file){.power = p, .real = (sqlite3_file *)(void *)(s + 1)};
    s->real->pMethods = NULL;
    if (name && (flags & tracked))
        s->disk = find(p, name);
    int code = p->real->xOpen(p->real, name, s->real, flags, out);
    s->head.pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct power *p = vfs->pAppData;
    struct disk_file *f = find(p, name);
    if (step(p))
        return SQLITE_IOERR_DELETE;
    note(f, (struct change){DELETED, 0, 0, NULL});
    if (sync) {
        apply(f, &f->changes[f->count - 1], NULL);
        forget_changes(f);
    }
    return p->real->xDelete(p->real, name, 0);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    struct power *p = vfs->pAppData;
    return p->real->xAccess(p->real, name, flags, out);
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    struct power *p = vfs->pAppData;
    return p->real->xFullPathname(p->real, name, size, out);
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out)
{
    struct power *p = vfs->pAppData;
    return p->real->xRandomness(p->real, size, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    struct power *p = vfs->pAppData;
    return p->real->xSleep(p->real, microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    struct power *p = vfs->pAppData;
    return p->real->xCurrentTime(p->real, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    struct power *p = vfs->pAppData;
    return p->real->xGetLastError(p->real, size, out);
}

struct power *power_new(void)
{
    struct power *p = xcalloc(1, sizeof *p);
    p->real = sqlite3_vfs_find(NULL);
    p->vfs = (sqlite3_vfs){.iVersion = 1,
                           .szOsFile = (int)sizeof(struct shim_file) + p->real->szOsFile,
                           .mxPathname = p->real->mxPathname,
                           .zName = "power",
                           .pAppData = p,
                           .xOpen = vfs_open,
                           .xDelete = vfs_delete,
                           .xAccess = vfs_access,
                           .xFullPathname = vfs_path,
                           .xRandomness = vfs_random,
                           .xSleep = vfs_sleep,
                           .xCurrentTime = vfs_time,
                           .xGetLastError = vfs_last_error};
    sqlite3_vfs_register(&p->vfs, 1);
    return p;
}

void power_free(struct power *power)
{
    sqlite3_vfs_unregister(&power->vfs);
    forget_files(power);
    free(power);
}

void power_start(struct power *power, int64_t cut_at)
{
    forget_files(power);
    power->operations = 0;
    power->cut_at = cut_at;
    power->off = false;
}

int64_t power_operations(const struct power *power)
{
    return power->operations;
}

bool power_is_off(const struct power *power)
{
    return power->off;
}

void power_cut(struct power *power, struct rng *lucky)
{
    for (struct disk_file *f = power->files; f; f = f->next) {
        for (size_t i = 0; lucky && i < f->count; i++)
            apply(f, &f->changes[i], lucky);
        if (!f->present) {
            unlink(f->path);
            continue;
        }
        FILE *out = fopen(f->path, "wb");
        if (!out || fwrite(f->bytes ? (void *)f->bytes : "", 1, f->size, out) != f->size || fclose(out) != 0) {
            perror(f->path);
            abort();
        }
        char *shm = xasprintf("%s-shm", f->path);
        unlink(shm);
        free(shm);
    }
    power_start(power, 0);
}
