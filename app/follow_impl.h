// What following folders (follow.c) asks about a file or folder (follow_file.c).
#ifndef APP_FOLLOW_IMPL_H
#define APP_FOLLOW_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

// A set of hashes of path, size and time: what was handed out already. 16 bytes a file, so that there may be
// millions.
struct marks {
    uint64_t *marks; // open addressing, 0 empty; {0} to begin with, the owner frees it
    size_t count, room;
};
uint64_t follow_mark(const char *path, const struct stat *st); // never 0
bool marks_have(const struct marks *marks, uint64_t mark);
void marks_add(struct marks *marks, uint64_t mark);

bool follow_passed_name(const char *name);  // hidden, or one that writers give to what is not finished
bool follow_picture_name(const char *name); // .jpg, .png ...
enum content { OTHER, UNFINISHED, FINISHED };
enum content follow_look(const char *path, const struct stat *st); // by its first and last bytes
bool follow_on_network(const char *path);

#endif
