// Following folders that others write to: which files are new and complete. Folders are watched (inotify) where the
// kernel sees what is written, and listed again and again where it does not: network folders, beyond the system's limit
// of watches, or when asked for. Knows no database: what was there at the start comes out too, and whoever asks says
// which of it is known.
#ifndef APP_FOLLOW_H
#define APP_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct follow_options {
    bool newest_first;  // of the backlog; what arrives now comes first in any case
    double poll;        // > 0: list every folder that often (seconds) instead of watching it
    bool once;          // no watching at all: what is there now
    bool (*passes)(const char *path);           // true: leave this file or folder alone; may be NULL
    void (*say)(void *context, const char *sentence); // limits reached, folders gone and back; may be NULL
    void *context;
};

struct follow;

// ST_NOT_FOUND / ST_INVALID / ST_IO with a sentence for a folder that is missing, is none, or cannot be read.
ASSAY_CHECKED enum status follow_open(char *const *folders, size_t count, const struct follow_options *options,
                                      struct follow **follow, struct error *err);
void follow_close(struct follow *follow);

// Wait at most `ms` for something to happen (0: just look), and take note of it.
void follow_wait(struct follow *follow, int ms);
// Up to `most` paths of complete files, arrivals before backlog; caller frees each. A file is complete when its writer
// has closed it or renamed it into place, or when size and modification time stand still, and its last bytes are those
// of a finished PNG or JPEG; one that never gets there is handed out as it is after half a minute.
size_t follow_take(struct follow *follow, char **paths, size_t most);
// What was taken and cannot be dealt with now: handed out again, before the others. Takes over each path.
void follow_give_back(struct follow *follow, char **paths, size_t count);
size_t follow_backlog(const struct follow *follow);  // how many wait to be taken
size_t follow_unfinished(const struct follow *follow); // still being written

#endif
