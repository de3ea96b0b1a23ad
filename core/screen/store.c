#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "screen/store.h"

// Layout, in the machine's own byte order (derived data does not travel):
//   header (4,096 bytes), then chunks of
//     CHUNK slots {id, check}   so that opening reads 16 bytes a record
//     CHUNK records of `size` bytes
// A record counts when its slot's check is that of its bytes; the slot is
// written after the record. Records are never changed and the file never
// shrinks, so the mapping stays valid.
enum { HEADER = 4096, KEY = 200, CHUNK = 256, PENDING = 64, FORMAT = 3, RELIEF = 256 };
static const char MAGIC[8] = "assaysto";

struct header {
    char magic[8];
    uint32_t version;
    uint32_t dim;
    char key[KEY + 8];
    uint64_t closed; // records when last closed in good order, all of them on disk; else UNCLEAN
};
static const uint64_t UNCLEAN = UINT64_MAX;

struct slot {
    int64_t id;
    uint64_t check;
};

struct fixed { // what precedes the embedding in a record
    int64_t id;
    float measures[DETECTORS_MEASURED];
    double box[4];
    int32_t rows, cols;
    uint8_t cells[HEAT_SIDE * HEAT_SIDE];
};
_Static_assert(sizeof(struct fixed) % sizeof(uint64_t) == 0, "records are hashed by words");

struct entry { // of the id -> record table
    int64_t id;
    uint64_t record; // number + 1; 0 empty
};

struct store {
    char *path;
    int fd;
    bool reading;
    struct header header;
    size_t size;      // bytes of a record
    uint64_t written; // records handed to the kernel
    uint64_t mapped;  // records inside the mapping
    unsigned char *map;
    size_t map_size;
    unsigned char *pending; // (PENDING, size)
    struct slot slots[PENDING];
    size_t pending_count;
    struct entry *table; // open addressing, a power of two
    size_t capacity, used;
    atomic_size_t taken;
};

static uint64_t check_of(const unsigned char *record, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a over words, with the high half folded in
    for (size_t i = 0; i < size; i += sizeof h) {
        uint64_t word;
        memcpy(&word, record + i, sizeof word);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 32;
    }
    return h;
}

static uint64_t chunk_at(const struct store *s, uint64_t record)
{
    return HEADER + record / CHUNK * CHUNK * (sizeof(struct slot) + s->size);
}

static uint64_t slot_at(const struct store *s, uint64_t record)
{
    return chunk_at(s, record) + record % CHUNK * sizeof(struct slot);
}

static uint64_t record_at(const struct store *s, uint64_t record)
{
    return chunk_at(s, record) + CHUNK * sizeof(struct slot) + record % CHUNK * s->size;
}

static struct entry *find(const struct store *s, int64_t id)
{
    uint64_t h = (uint64_t)id * 0x9e3779b97f4a7c15u;
    size_t i = (h ^ (h >> 32)) & (s->capacity - 1);
    while (s->table[i].record && s->table[i].id != id)
        i = (i + 1) & (s->capacity - 1);
    return &s->table[i];
}

static void remember(struct store *s, int64_t id, uint64_t record)
{
    if ((s->used + 1) * 4 > s->capacity * 3) {
        struct entry *old = s->table;
        size_t count = s->capacity;
        s->capacity = count ? count * 2 : 1024;
        s->table = xcalloc(s->capacity, sizeof *s->table);
        for (size_t i = 0; i < count; i++)
            if (old[i].record)
                *find(s, old[i].id) = old[i];
        free(old);
    }
    struct entry *e = find(s, id);
    s->used += e->record == 0;
    *e = (struct entry){id, record + 1};
}

// Reads up to `count` bytes; *got is less only at the end of the file.
static enum status read_at(const struct store *s, void *bytes, size_t count, uint64_t at, size_t *got,
                           struct error *err)
{
    *got = 0;
    while (*got < count) {
        ssize_t n = pread(s->fd, (char *)bytes + *got, count - *got, (off_t)(at + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ST_IO, "%s: cannot read: %s", s->path, strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return ST_OK;
}

static enum status write_at(const struct store *s, const void *bytes, size_t count, uint64_t at,
                            struct error *err)
{
    for (size_t done = 0; done < count;) {
        ssize_t n = pwrite(s->fd, (const char *)bytes + done, count - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ST_IO, "%s: cannot write: %s", s->path, strerror(errno));
        done += (size_t)n;
    }
    return ST_OK;
}

static enum status write_header(const struct store *s, struct error *err)
{
    unsigned char page[HEADER] = {0};
    memcpy(page, &s->header, sizeof s->header);
    return write_at(s, page, sizeof page, 0, err);
}

static enum status open_header(struct store *s, struct error *err)
{
    unsigned char page[HEADER], zero[HEADER] = {0};
    struct header found;
    size_t got;
    enum status status = read_at(s, page, sizeof page, 0, &got, err);
    if (status != ST_OK)
        return status;
    if (got == 0 || (got == sizeof page && memcmp(page, zero, sizeof page) == 0)) // new, or lost at birth
        return write_header(s, err);
    memcpy(&found, page, sizeof found);
    if (got < sizeof page || memcmp(found.magic, MAGIC, sizeof MAGIC) != 0)
        return error_set(err, ST_CORRUPT, "%s: not a store of screened pictures; it can be deleted", s->path);
    if (found.version != s->header.version || found.dim != s->header.dim ||
        memcmp(found.key, s->header.key, sizeof found.key) != 0)
        return error_set(err, found.version < s->header.version ? ST_NOT_FOUND : ST_CORRUPT,
                         "%s: made with another base, settings or version; it can be deleted", s->path);
    s->header.closed = found.closed;
    return ST_OK;
}

// Enter the records below `limit` of the chunk that begins with `first`;
// `verify`: read and check each, else trust the slots.
static enum status index_chunk(struct store *s, uint64_t first, uint64_t limit, uint64_t bytes, bool verify,
                               unsigned char *record, struct error *err)
{
    struct slot slots[CHUNK];
    size_t got;
    enum status status = read_at(s, slots, sizeof slots, slot_at(s, first), &got, err);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < got / sizeof *slots; i++) {
        uint64_t n = first + i;
        if (n >= limit || record_at(s, n) + s->size > bytes)
            break;
        if (slots[i].id == 0 && slots[i].check == 0)
            continue;
        if (verify) {
            size_t have;
            status = read_at(s, record, s->size, record_at(s, n), &have, err);
            if (status != ST_OK)
                return status;
            int64_t id;
            memcpy(&id, record, sizeof id);
            if (have < s->size || id != slots[i].id || check_of(record, s->size) != slots[i].check)
                continue;
        }
        remember(s, slots[i].id, n);
        s->written = n + 1; // what follows the last good record is written over
    }
    return ST_OK;
}

static enum status index_all(struct store *s, struct error *err)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return error_set(err, ST_IO, "%s: cannot stat: %s", s->path, strerror(errno));
    uint64_t bytes = (uint64_t)st.st_size, chunk = CHUNK * (sizeof(struct slot) + s->size);
    uint64_t chunks = bytes > HEADER ? (bytes - HEADER + chunk - 1) / chunk : 0;
    uint64_t closed = s->reading ? UINT64_MAX : s->header.closed; // store_get checks each record again
    bool trust = s->reading || (closed != UNCLEAN && closed / CHUNK < UINT64_MAX / chunk / 2 &&
                                (closed == 0 || record_at(s, closed - 1) + s->size <= bytes));
    unsigned char *record = xmalloc(s->size);
    enum status status = ST_OK;
    for (uint64_t c = 0; c < chunks && status == ST_OK; c++)
        status = index_chunk(s, c * CHUNK, trust ? closed : UINT64_MAX, bytes,
                             !trust || (c + 1 == chunks && !s->reading), record, err);
    free(record);
    return status;
}

enum status store_open(const char *path, const char *key, int dim, struct store **store, struct error *err)
{
    if (strlen(key) > KEY || dim < 1 || dim > 1 << 20)
        return error_set(err, ST_INVALID, "%s: key of %zu bytes or %d features a picture: out of range", path,
                         strlen(key), dim);
    struct store *s = xcalloc(1, sizeof *s);
    s->path = xstrdup(path);
    memcpy(s->header.magic, MAGIC, sizeof MAGIC);
    memcpy(s->header.key, key, strlen(key));
    s->header.version = FORMAT;
    s->header.dim = (uint32_t)dim;
    s->size = (sizeof(struct fixed) + (size_t)dim * sizeof(float) + 7) / 8 * 8;
    s->pending = xcalloc(PENDING, s->size);
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    enum status status;
    struct stat st;
    if (s->fd < 0)
        status = error_set(err, ST_IO, "%s: cannot open: %s", path, strerror(errno));
    else if (fstat(s->fd, &st) == 0 && st.st_size == 0 && file_shared(path) &&
             fchmod(s->fd, (st.st_mode & 07777) | 0060) != 0)
        status = error_set(err, ST_IO, "%s: cannot be made writable for its group: %s", path, strerror(errno));
    else if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK
                     ? error_set(err, ST_BUSY, "%s: another process is using it; wait until it is done", path)
                     : error_set(err, ST_IO, "%s: cannot lock: %s", path, strerror(errno));
    else
        status = open_header(s, err);
    if (status == ST_OK)
        status = index_all(s, err);
    if (status == ST_OK)
        status = store_refresh(s, err);
    if (status != ST_OK) {
        // What an earlier version made can be had anew; its own program may still read it.
        bool again = status == ST_NOT_FOUND && unlink(path) == 0;
        s->header.closed = 0; // nothing was appended: leave the header alone
        store_close(s);
        return again ? store_open(path, key, dim, store, err) : status;
    }
    *store = s;
    return ST_OK;
}

enum status store_open_reading(const char *path, const char *key, struct store **store, struct error *err)
{
    struct header found;
    size_t got = 0;
    struct store *s = xcalloc(1, sizeof *s);
    s->path = xstrdup(path);
    s->reading = true;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    enum status status = s->fd >= 0 ? read_at(s, &found, sizeof found, 0, &got, err)
                                    : error_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s: cannot open: %s", path,
                                                strerror(errno));
    if (status == ST_OK && (got < sizeof found || memcmp(found.magic, MAGIC, sizeof MAGIC) != 0 ||
                            found.version != FORMAT || found.dim < 1 || found.dim > 1 << 20 ||
                            strnlen(found.key, sizeof found.key) > KEY || strcmp(found.key, key) != 0))
        status = error_set(err, ST_CORRUPT, "%s: made with another base, settings or version; it can be deleted", path);
    if (status == ST_OK) {
        s->header = found;
        s->size = (sizeof(struct fixed) + (size_t)found.dim * sizeof(float) + 7) / 8 * 8;
        status = index_all(s, err);
    }
    s->header.closed = 0; // the header is the writer's
    if (status == ST_OK)
        status = store_refresh(s, err);
    if (status != ST_OK) {
        store_close(s);
        return status;
    }
    *store = s;
    return ST_OK;
}

int store_dim(const struct store *store)
{
    return (int)store->header.dim;
}

// The count is written only after everything it vouches for is on disk.
static void close_in_order(struct store *s)
{
    if (store_flush(s, NULL) != ST_OK || s->header.closed != UNCLEAN || fdatasync(s->fd) != 0)
        return;
    s->header.closed = s->written;
    if (write_header(s, NULL) != ST_OK)
        s->header.closed = UNCLEAN;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->fd >= 0) {
        close_in_order(store);
        close(store->fd);
    }
    if (store->map)
        munmap(store->map, store->map_size);
    free(store->table);
    free(store->pending);
    free(store->path);
    free(store);
}

enum status store_append(struct store *store, const struct store_record *record, struct error *err)
{
    if (store->reading)
        return error_set(err, ST_INVALID, "%s: open for reading only", store->path);
    if (store->pending_count == PENDING) {
        enum status status = store_flush(store, err);
        if (status != ST_OK)
            return status;
    }
    struct fixed fixed = {.id = record->id, .rows = record->heat.rows, .cols = record->heat.cols};
    memcpy(fixed.measures, record->measures, sizeof fixed.measures);
    memcpy(fixed.box, record->box, sizeof fixed.box);
    memcpy(fixed.cells, record->heat.cells, sizeof fixed.cells);
    unsigned char *bytes = store->pending + store->pending_count * store->size;
    memcpy(bytes, &fixed, sizeof fixed);
    memcpy(bytes + sizeof fixed, record->embedding, store->header.dim * sizeof(float));
    store->slots[store->pending_count] = (struct slot){record->id, check_of(bytes, store->size)};
    remember(store, record->id, store->written + store->pending_count);
    store->pending_count++;
    return ST_OK;
}

enum status store_flush(struct store *store, struct error *err)
{
    enum status status = ST_OK;
    if (store->pending_count == 0)
        return ST_OK;
    if (store->header.closed != UNCLEAN) {
        uint64_t closed = store->header.closed;
        store->header.closed = UNCLEAN;
        status = write_header(store, err);
        if (status == ST_OK && fdatasync(store->fd) != 0)
            status = error_set(err, ST_IO, "%s: cannot write: %s", store->path, strerror(errno));
        if (status != ST_OK) {
            store->header.closed = closed;
            return status;
        }
    }
    size_t done = 0;
    while (done < store->pending_count && status == ST_OK) {
        size_t room = CHUNK - store->written % CHUNK, n = store->pending_count - done;
        n = n < room ? n : room;
        status = write_at(store, store->pending + done * store->size, n * store->size,
                          record_at(store, store->written), err);
        if (status == ST_OK)
            status = write_at(store, store->slots + done, n * sizeof *store->slots,
                              slot_at(store, store->written), err);
        if (status == ST_OK) {
            store->written += n;
            done += n;
        }
    }
    // After a full disk the rest stays pending, with the numbers it was given.
    if (done == 0) // perhaps nothing was ever appended
        return status;
    store->pending_count -= done;
    memmove(store->pending, store->pending + done * store->size, store->pending_count * store->size);
    memmove(store->slots, store->slots + done, store->pending_count * sizeof *store->slots);
    return status;
}

enum status store_refresh(struct store *store, struct error *err)
{
    enum status status = store_flush(store, err);
    if (status != ST_OK || store->mapped == store->written)
        return status;
    size_t size = (size_t)(record_at(store, store->written - 1) + store->size);
    void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, store->fd, 0);
    if (map == MAP_FAILED)
        return error_set(err, ST_IO, "%s: cannot map %zu bytes: %s", store->path, size, strerror(errno));
    if (store->map)
        munmap(store->map, store->map_size);
    store->map = map;
    store->map_size = size;
    store->mapped = store->written;
    return ST_OK;
}

void store_relieve(const struct store *store)
{
    if (store->map)
        madvise(store->map, store->map_size, MADV_DONTNEED); // shared and read-only: nothing can be lost
}

bool store_has(const struct store *store, int64_t id)
{
    return store->used && find(store, id)->record;
}

bool store_get(struct store *store, int64_t id, struct store_record *record)
{
    if (!store_has(store, id))
        return false;
    uint64_t n = find(store, id)->record - 1;
    if (n >= store->mapped)
        return false;
    if (atomic_fetch_add(&store->taken, 1) % RELIEF == RELIEF - 1) // a record read at random brings up to 128 KB with it
        store_relieve(store);
    const unsigned char *bytes = store->map + record_at(store, n);
    struct fixed fixed;
    struct slot slot;
    memcpy(&fixed, bytes, sizeof fixed);
    memcpy(&slot, store->map + slot_at(store, n), sizeof slot);
    if (fixed.id != id || slot.id != id || check_of(bytes, store->size) != slot.check)
        return false;
    *record = (struct store_record){.id = id,
                                    .heat = {.rows = fixed.rows, .cols = fixed.cols},
                                    .embedding = (const float *)(const void *)(bytes + sizeof fixed)};
    memcpy(record->measures, fixed.measures, sizeof record->measures);
    memcpy(record->box, fixed.box, sizeof record->box);
    memcpy(record->heat.cells, fixed.cells, sizeof record->heat.cells);
    return true;
}

size_t store_count(const struct store *store)
{
    return store->used;
}
