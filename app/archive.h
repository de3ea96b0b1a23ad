// A backup's file: POSIX ustar, so that any tar opens it, with a list of all members and their SHA-256 as the last one
// (MANIFEST), which hashes itself. Written under another name beside its own, synced, read back, then renamed.
#ifndef APP_ARCHIVE_H
#define APP_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct archive;

// Nothing at `path` changes before archive_finish.
ASSAY_CHECKED enum status archive_create(const char *path, struct archive **archive, struct error *err);
// The file's content as it is now. ST_NOT_FOUND, and nothing added: it is not there.
ASSAY_CHECKED enum status archive_add(struct archive *archive, const char *name, const char *file, struct error *err);
// The list, the end, sync, a look whether all of it can be read back; then it takes its name. Frees `archive`, also when
// it fails: then nothing of it is left.
ASSAY_CHECKED enum status archive_finish(struct archive *archive, size_t *members, uint64_t *bytes, struct error *err);
void archive_abandon(struct archive *archive);

// Every member against the list. ST_INVALID: no backup of ours; ST_CORRUPT: cut off or altered, with what is wrong.
ASSAY_CHECKED enum status archive_verify(const char *path, size_t *members, uint64_t *bytes, struct error *err);
// Into the folder `dir`, which has to be there; hashes are compared again. Only names that archive_name_fine lets through.
// only: this member alone, the others just read; NULL all.
ASSAY_CHECKED enum status archive_extract(const char *path, const char *only, const char *dir, struct error *err);
// project.db, assay.conf, and files below models/ and pictures/; nothing that leads elsewhere.
bool archive_name_fine(const char *name);

// Between archive.c and archive_read.c.
enum { ARCHIVE_BLOCK = 512, ARCHIVE_NAME = 100 };
#define ARCHIVE_LIST "MANIFEST"
#define ARCHIVE_FIRST "assay backup 1\n"

#endif
