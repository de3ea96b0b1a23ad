#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "app/follow_impl.h"
#include "base/alloc.h"

// ---- what was handed out ----

uint64_t follow_mark(const char *path, const struct stat *st)
{
    uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)st->st_size * 0x9e3779b97f4a7c15u;
    h ^= ((uint64_t)st->st_mtim.tv_sec * 1000000007u + (uint64_t)st->st_mtim.tv_nsec) * 0xd6e8feb86659fd93u;
    for (; *path; path++) {
        h = (h ^ (unsigned char)*path) * 0x100000001b3u;
        h ^= h >> 29;
    }
    return h ? h : 1;
}

static uint64_t *mark_place(uint64_t *marks, size_t room, uint64_t mark)
{
    size_t i = (mark ^ (mark >> 32)) & (room - 1);
    while (marks[i] && marks[i] != mark)
        i = (i + 1) & (room - 1);
    return &marks[i];
}

bool marks_have(const struct marks *m, uint64_t mark)
{
    return m->room && *mark_place(m->marks, m->room, mark) == mark;
}

void marks_add(struct marks *m, uint64_t mark)
{
    if ((m->count + 1) * 2 > m->room) {
        size_t room = m->room ? m->room * 2 : 4096;
        uint64_t *fresh = xcalloc(room, sizeof *fresh);
        for (size_t i = 0; i < m->room; i++)
            if (m->marks[i])
                *mark_place(fresh, room, m->marks[i]) = m->marks[i];
        free(m->marks);
        m->marks = fresh;
        m->room = room;
    }
    uint64_t *place = mark_place(m->marks, m->room, mark);
    m->count += *place == 0;
    *place = mark;
}

// ---- what a file is ----

// A name that writers give to what is not finished, or that hides a file.
bool follow_passed_name(const char *name)
{
    static const char *const endings[] = {"~",        ".tmp",      ".temp",       ".part",
                                          ".partial", ".filepart", ".crdownload", ".swp"};
    size_t n = strlen(name);
    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t m = strlen(endings[i]);
        if (n > m && strcasecmp(name + n - m, endings[i]) == 0)
            return true;
    }
    return false;
}

bool follow_picture_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

// By its first and last bytes. A JPEG may have some padding behind its end.
enum content follow_look(const char *path, const struct stat *st)
{
    static const unsigned char png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const unsigned char iend[8] = {'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    unsigned char head[8] = {0}, tail[64] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return UNFINISHED;
    off_t from = st->st_size > (off_t)sizeof tail ? st->st_size - (off_t)sizeof tail : 0;
    ssize_t a = pread(fd, head, sizeof head, 0), b = pread(fd, tail, sizeof tail, from);
    close(fd);
    if (a >= 8 && b >= 8 && memcmp(head, png, sizeof png) == 0)
        return memcmp(tail + b - 8, iend, sizeof iend) == 0 ? FINISHED : UNFINISHED;
    if (a >= 3 && head[0] == 0xff && head[1] == 0xd8) {
        for (ssize_t i = 0; i + 1 < b; i++)
            if (tail[i] == 0xff && tail[i + 1] == 0xd9)
                return FINISHED;
        return UNFINISHED;
    }
    return follow_picture_name(path) ? UNFINISHED : OTHER;
}

bool follow_on_network(const char *path)
{
    static const unsigned long magics[] = {
        0x6969 /* NFS */,      0x517b /* SMB */,      0xff534d42 /* CIFS */,
        0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */, 0x01021997 /* 9P */,
        0x00c36400 /* Ceph */, 0x5346414f /* AFS */,  0x73757245 /* Coda */};
    struct statfs fs;
    if (statfs(path, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (((unsigned long)fs.f_type & 0xffffffffu) == magics[i])
            return true;
    return false;
}
