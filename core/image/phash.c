#include "config.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "image/phash.h"
#include "image/resize.h"

enum {
    BANDS = PHASH_NEAR + 1,
    BAND_BITS = 64 * PHASH_WORDS / BANDS,
    FLAT = 24,
};
_Static_assert(BAND_BITS == 32, "two bits of each of the 16 rows");

struct entry {
    struct phash hash;
    int64_t id;
    int32_t next[BANDS]; // following entry in the ring of its bucket
};

// The entries of a bucket form a ring in the order of adding.
struct phash_index {
    struct entry *entries;
    size_t count, capacity;
    int32_t *tails; // (BANDS, buckets) newest entry, whose next is the oldest; -1 none
    size_t buckets; // power of two
    bool rising;    // every id was larger than the one before
};

struct phash phash_of(const struct image *image)
{
    struct image small, gray;
    struct phash hash = {{0}};
    image_resize(image, 17, 16, &small);
    image_to_gray(&small, &gray);
    for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 16; x++) {
            const uint8_t *p = gray.pixels + y * 17 + x;
            if (p[0] < p[1])
                hash.bits[y / 4] |= (uint64_t)1 << (y % 4 * 16 + x);
        }
    }
    image_clear(&small);
    image_clear(&gray);
    return hash;
}

int phash_distance(const struct phash *a, const struct phash *b)
{
    int sum = 0;
    for (int i = 0; i < PHASH_WORDS; i++)
        sum += __builtin_popcountll(a->bits[i] ^ b->bits[i]);
    return sum;
}

static int ones(const struct phash *hash)
{
    struct phash zero = {{0}};
    return phash_distance(hash, &zero);
}

// The bits of a band lie spread over the picture: what many pictures share (a
// dark border, the same fixture) is one region, and a band that were a region
// would have one value in all of them.
static uint32_t band_of(const struct phash *hash, int band)
{
    uint32_t value = 0;
    for (int y = 0; y < 16; y++) {
        int bit = y % 4 * 16 + (band + 3 * y) % BANDS;
        uint64_t word = hash->bits[y / 4] >> bit;
        value = value << 2 | (uint32_t)(word & 1) << 1 | (uint32_t)(word >> BANDS & 1);
    }
    return value;
}

static size_t bucket(const struct phash_index *index, const struct phash *hash, int band)
{
    uint64_t key = band_of(hash, band) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)band * index->buckets + (size_t)((key >> 32) & (index->buckets - 1));
}

static void link_entry(struct phash_index *index, size_t i)
{
    struct entry *entries = index->entries;
    for (int b = 0; b < BANDS; b++) {
        int32_t *tail = &index->tails[bucket(index, &entries[i].hash, b)];
        entries[i].next[b] = *tail < 0 ? (int32_t)i : entries[*tail].next[b];
        if (*tail >= 0)
            entries[*tail].next[b] = (int32_t)i;
        *tail = (int32_t)i;
    }
}

static void rehash(struct phash_index *index, size_t buckets)
{
    free(index->tails);
    index->buckets = buckets;
    index->tails = xmalloc(BANDS * buckets * sizeof *index->tails);
    for (size_t i = 0; i < BANDS * buckets; i++)
        index->tails[i] = -1;
    for (size_t i = 0; i < index->count; i++)
        link_entry(index, i);
}

struct phash_index *phash_index_new(void)
{
    struct phash_index *index = xcalloc(1, sizeof *index);
    index->rising = true;
    rehash(index, 1024);
    return index;
}

void phash_index_free(struct phash_index *index)
{
    if (!index)
        return;
    free(index->entries);
    free(index->tails);
    free(index);
}

// The smaller of `found` (-1: none) and the smallest id near `hash` in one ring.
static int64_t search_ring(const struct phash_index *index, const struct phash *hash, int band, int64_t found)
{
    int32_t tail = index->tails[bucket(index, hash, band)];
    for (int32_t i = tail; i >= 0;) {
        i = index->entries[i].next[band];
        const struct entry *e = &index->entries[i];
        // Ids that rise along the ring end the search early: without this,
        // thousands of pictures of one scene take quadratic time.
        if (index->rising && found >= 0 && e->id >= found)
            break;
        if ((found < 0 || e->id < found) && phash_distance(&e->hash, hash) <= PHASH_NEAR)
            found = e->id;
        if (i == tail)
            break;
    }
    return found;
}

int64_t phash_index_add(struct phash_index *index, const struct phash *hash, int64_t id)
{
    int set = ones(hash);
    if (set < FLAT || set > 64 * PHASH_WORDS - FLAT)
        return -1;
    if (index->count >= index->buckets)
        rehash(index, index->buckets * 2);
    int64_t found = -1;
    for (int b = 0; b < BANDS; b++)
        found = search_ring(index, hash, b, found);
    if (index->count && id <= index->entries[index->count - 1].id)
        index->rising = false;
    GROW(index->entries, index->capacity, index->count + 1);
    index->entries[index->count] = (struct entry){.hash = *hash, .id = id};
    link_entry(index, index->count++);
    return found;
}
