// Derived data of screened pictures: an append-only file of fixed records that
// may be deleted at any time (everything is then computed again). One file per
// base, settings and patch statistics. A record torn by a crash is ignored.
// Appending an id again replaces its record.
#ifndef SCREEN_STORE_H
#define SCREEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "screen/patch.h"

struct store_record {
    int64_t id;             // picture
    float measures[DETECTORS_MEASURED];
    struct heat heat;
    double box[4];
    const float *embedding; // (dim), inside the mapping: valid until store_close or store_refresh
};

struct store;

// Open or create for appending by one writer; a second writer is ST_BUSY. A
// file whose header does not fit `key` (any text up to 200 bytes) or `dim` is
// ST_CORRUPT: the sentence says it can be deleted. One of an earlier version is begun anew.
ASSAY_CHECKED enum status store_open(const char *path, const char *key, int dim, struct store **store,
                                     struct error *err);
// Open what is there for reading only, beside a writer; what it appends later is not seen. The dimension is the file's.
// ST_NOT_FOUND when there is no file.
ASSAY_CHECKED enum status store_open_reading(const char *path, const char *key, struct store **store,
                                             struct error *err);
void store_close(struct store *store);
int store_dim(const struct store *store);

ASSAY_CHECKED enum status store_append(struct store *store, const struct store_record *record,
                                       struct error *err);
ASSAY_CHECKED enum status store_flush(struct store *store, struct error *err); // what was appended reaches the kernel
ASSAY_CHECKED enum status store_refresh(struct store *store, struct error *err); // flush, and map what is there now

// Gives the mapping's pages back to the kernel, so that what was read does not stay resident; pointers into it stay
// valid and are read anew.
void store_relieve(const struct store *store);

bool store_has(const struct store *store, int64_t id);                             // appended ones too
// What was there at the last refresh. False too when the disk has damaged the record: append it again. Thread-safe;
// relieves the mapping from time to time.
bool store_get(struct store *store, int64_t id, struct store_record *record);
size_t store_count(const struct store *store);

#endif
