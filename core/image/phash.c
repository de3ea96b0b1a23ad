#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "image/phash.h"
#include "image/resize.h"

enum {
    BANDS = PHASH_NEAR + 1,
    BAND_BITS = 64 * PHASH_WORDS / BANDS,
    FLAT = 24,
};
_Static_assert(BAND_BITS == 32, "a band is one 32-bit half of a word");

struct entry {
    struct phash hash;
    int64_t id;
    int32_t next[BANDS]; // earlier entry in the same bucket, -1 none
};

struct phash_index {
    struct entry *entries;
    size_t count, capacity;
    int32_t *heads; // (BANDS, buckets)
    size_t buckets; // power of two
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

static size_t bucket(const struct phash_index *index, const struct phash *hash, int band)
{
    uint64_t key = (uint32_t)(hash->bits[band / 2] >> (band % 2 * 32));
    key = (key + (uint64_t)band) * 0x9e3779b97f4a7c15u;
    return (size_t)band * index->buckets + (size_t)((key >> 32) & (index->buckets - 1));
}

static void rehash(struct phash_index *index, size_t buckets)
{
    free(index->heads);
    index->buckets = buckets;
    index->heads = xmalloc(BANDS * buckets * sizeof *index->heads);
    for (size_t i = 0; i < BANDS * buckets; i++)
        index->heads[i] = -1;
    for (size_t i = 0; i < index->count; i++) {
        for (int b = 0; b < BANDS; b++) {
            size_t at = bucket(index, &index->entries[i].hash, b);
            index->entries[i].next[b] = index->heads[at];
            index->heads[at] = (int32_t)i;
        }
    }
}

struct phash_index *phash_index_new(void)
{
    struct phash_index *index = xcalloc(1, sizeof *index);
    rehash(index, 1024);
    return index;
}

void phash_index_free(struct phash_index *index)
{
    if (!index)
        return;
    free(index->entries);
    free(index->heads);
    free(index);
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
        for (int32_t i = index->heads[bucket(index, hash, b)]; i >= 0; i = index->entries[i].next[b])
            if (phash_distance(&index->entries[i].hash, hash) <= PHASH_NEAR &&
                (found < 0 || index->entries[i].id < found))
                found = index->entries[i].id;
    GROW(index->entries, index->capacity, index->count + 1);
    struct entry *e = &index->entries[index->count];
    *e = (struct entry){.hash = *hash, .id = id};
    for (int b = 0; b < BANDS; b++) {
        size_t at = bucket(index, hash, b);
        e->next[b] = index->heads[at];
        index->heads[at] = (int32_t)index->count;
    }
    index->count++;
    return found;
}
