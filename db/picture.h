// Pictures: content, where it lies, and what is known of how it was taken (picture.c).
#ifndef DB_PICTURE_H
#define DB_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "image/phash.h"

struct db;

struct picture_new {
    int64_t scene;
    const char *path;             // absolute
    char sha256[HASH_HEX];        // "" when the file could not be read at all
    uint64_t bytes;
    int64_t mtime_ns;
    int width, height, channels;
    const char *format;           // "png", "jpeg", "unknown"
    const char *unreadable;       // reason, NULL when the picture is fine
    const char *group;            // NULL: "content:<sha256>" unless a near-duplicate lends its own
    struct phash phash;           // zero when unreadable
    const char *object, *position, *camera, *taken; // NULL unknown
};

enum picture_outcome {
    PICTURE_ADDED,     // new content, or what could not be read before and now can
    PICTURE_KNOWN,     // same path, same content: nothing changed
    PICTURE_MOVED,     // known content; its old path is gone, this one replaces it
    PICTURE_COPY,      // known content at a further path
    PICTURE_CHANGED,   // same path, other content: a new picture, the path now belongs to it (an unreadable one is
                       // replaced: it was still being written)
    PICTURE_UNREADABLE, // recorded with its reason
    PICTURE_STILL_UNREADABLE // was so at this path before, with the same content: the reason is refreshed
};

// The scene of the picture that is stored at `path`, 0 none.
ASSAY_CHECKED enum status db_picture_scene(struct db *db, const char *path, int64_t *scene, struct error *err);
// True when `path` is stored with this size and mtime: no need to read it again.
ASSAY_CHECKED enum status db_picture_unchanged(struct db *db, const char *path, uint64_t bytes,
                                               int64_t mtime_ns, bool *unchanged, struct error *err);
// Metadata that is not NULL is filled in on known pictures too (group only while unset by the user).
// Which old paths are gone is looked up on disk only when content is already known.
ASSAY_CHECKED enum status db_picture_add(struct db *db, const struct picture_new *picture, int64_t *id,
                                         enum picture_outcome *outcome, struct error *err);

struct picture {
    int64_t id, scene;
    char *path;    // first location that exists in the database
    char *kept;    // copy inside the project (relative to it), "" none
    char *group, *object, *position, *camera, *taken, *unreadable, *format;
    char sha256[HASH_HEX];
    int width, height, channels;
    uint64_t bytes;
    struct phash phash;
};
void picture_clear(struct picture *picture);
ASSAY_CHECKED enum status db_picture_get(struct db *db, int64_t id, struct picture *picture, struct error *err);
// By exact path, else by path suffix after '/', else by file name if unique; ST_NOT_FOUND otherwise.
ASSAY_CHECKED enum status db_picture_find(struct db *db, const char *path, int64_t *id, struct error *err);
// Keyset paging: readable (or unreadable) pictures with id > after, at most `limit`. scene 0: all.
ASSAY_CHECKED enum status db_picture_page(struct db *db, int64_t scene, bool unreadable, int64_t after,
                                          size_t limit, struct picture **rows, size_t *count,
                                          struct error *err);
ASSAY_CHECKED enum status db_picture_set_group(struct db *db, int64_t id, const char *group, struct error *err);
ASSAY_CHECKED enum status db_picture_set_kept(struct db *db, int64_t id, const char *kept, struct error *err);
// Labelled pictures that have no copy inside the project yet.
ASSAY_CHECKED enum status db_picture_unkept(struct db *db, int64_t **ids, size_t *count, struct error *err);

#endif
