// Whole files: read with a limit, written so that a reader sees the old or the
// new content and never a part.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// Read at most `limit` bytes into a fresh buffer (caller frees; one zero byte
// follows the content). A larger file is ST_INVALID. Files that say they have no bytes, as those of /proc do, are read too.
ASSAY_CHECKED enum status file_read(const char *path, uint64_t limit, unsigned char **bytes, size_t *count,
                                    struct error *err);

// Write to a temporary name in the same folder, fsync, rename over `path` (or
// what it links to), fsync the folder. ST_IO also where it is no regular file.
ASSAY_CHECKED enum status file_write(const char *path, const void *bytes, size_t count, struct error *err);

// Whether what is made at `path` is its group's to write, too: the folder it is
// in belongs to the group (and not to everybody, as /tmp does). Reviewers with
// accounts of their own share a project this way, whatever their umask.
bool file_shared(const char *path);

// Make a folder and its parents; an existing one is fine. Like file_write, a
// new one is group-writable where its own folder is.
ASSAY_CHECKED enum status file_mkdirs(const char *path, struct error *err);

bool file_exists(const char *path);

// `name` from the folder of the running program on (a build tree), NULL where it is not there; caller frees.
char *file_beside_program(const char *name);

// `dir`/`name` (caller frees); an absolute `name` or empty `dir` gives `name`.
char *file_join(const char *dir, const char *name);

#endif
