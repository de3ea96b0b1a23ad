// Perceptual hash: finds the same picture stored twice with other compression,
// and bursts, so that they fall into one group.
#ifndef IMAGE_PHASH_H
#define IMAGE_PHASH_H

#include <stdint.h>

#include "image/image.h"

enum { PHASH_WORDS = 4 };

struct phash {
    uint64_t bits[PHASH_WORDS]; // 16 x 16 difference hash (horizontal neighbours of a 17 x 16 thumbnail)
};

struct phash phash_of(const struct image *image);
int phash_distance(const struct phash *a, const struct phash *b); // differing bits, 0..256

// Index that answers "which earlier hash lies within PHASH_NEAR bits" by the
// pigeonhole principle (PHASH_NEAR + 1 bands, one of which must agree).
enum { PHASH_NEAR = 7 };

struct phash_index;
struct phash_index *phash_index_new(void);
void phash_index_free(struct phash_index *index);
// Smallest id added earlier within PHASH_NEAR bits, or -1; then adds (hash, id).
// Flat pictures (fewer than 24 set or unset bits) match nothing: too little to tell by.
int64_t phash_index_add(struct phash_index *index, const struct phash *hash, int64_t id);

#endif
