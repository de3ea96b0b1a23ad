#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "app/watch.h"
#include "base/alloc.h"
#include "base/file.h"

// cache/watch/HASH.lock holds a folder's path; it is locked while someone follows that folder. Files stay
// behind: only the lock counts, and it goes with the process.
struct watch_lock {
    int *fds;
    size_t count;
};

static char *lock_folder(const struct project *project)
{
    return file_join(project->dir, "cache/watch");
}

static bool overlap(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), least = n < m ? n : m;
    return strncmp(a, b, least) == 0 && (n == m || (n < m ? b : a)[least] == '/' || least == 1);
}

// The path in a lock file that someone holds, NULL when nobody does; caller frees.
static char *held(const char *path)
{
    char text[4096];
    char *folder = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        ssize_t n = read(fd, text, sizeof text);
        folder = n > 0 ? strndup(text, (size_t)n) : NULL;
    }
    close(fd);
    return folder;
}

static bool is_lock(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".lock") == 0;
}

void watch_lock_list(const struct project *project, void (*each)(void *context, const char *folder),
                     void *context)
{
    char *dir = lock_folder(project);
    DIR *open_dir = opendir(dir);
    for (struct dirent *e; open_dir && (e = readdir(open_dir));) {
        char *path = file_join(dir, e->d_name), *folder = is_lock(e->d_name) ? held(path) : NULL;
        if (folder)
            each(context, folder);
        free(folder);
        free(path);
    }
    if (open_dir)
        closedir(open_dir);
    free(dir);
}

struct other {
    char *const *folders;
    size_t count;
    char *found, *ours;
};

static void compare(void *context, const char *folder)
{
    struct other *o = context;
    for (size_t i = 0; i < o->count && !o->found; i++) {
        if (overlap(o->folders[i], folder)) {
            o->found = xstrdup(folder);
            o->ours = xstrdup(o->folders[i]);
        }
    }
}

static enum status take_one(const char *dir, const char *folder, struct watch_lock *lock, struct error *err)
{
    char sha256[HASH_HEX];
    hash_bytes(folder, strlen(folder), sha256);
    char *path = xasprintf("%s/%.16s.lock", dir, sha256);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    enum status status = ST_OK;
    bool locked = false;
    for (int tries = 0; fd >= 0 && !locked && tries < 10;
         tries++) { // someone may just be looking who holds it
        locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (!locked)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (fd < 0)
        status = error_set(err, ST_IO, "%s: cannot open: %s", path, strerror(errno));
    else if (!locked)
        status = error_set(err, ST_BUSY,
                           "%s: another `assay watch` of this project follows this folder already", folder);
    else if (ftruncate(fd, 0) != 0 || write(fd, folder, strlen(folder)) != (ssize_t)strlen(folder))
        status = error_set(err, ST_IO, "%s: cannot write: %s", path, strerror(errno));
    if (status == ST_OK)
        lock->fds[lock->count++] = fd;
    else if (fd >= 0)
        close(fd);
    free(path);
    return status;
}

enum status watch_lock_take(const struct project *project, char *const *folders, size_t count,
                            struct watch_lock **lock, struct error *err)
{
    char *dir = lock_folder(project);
    struct watch_lock *l = xcalloc(1, sizeof *l);
    struct other other = {.folders = folders, .count = count};
    l->fds = xcalloc(count + 1, sizeof *l->fds);
    enum status status = file_mkdirs(dir, err);
    if (status == ST_OK)
        watch_lock_list(project, compare, &other);
    if (other.found && strcmp(other.found, other.ours) == 0)
        status =
            error_set(err, ST_BUSY, "%s: another `assay watch` of this project follows this folder already",
                      other.ours);
    else if (other.found)
        status =
            error_set(err, ST_BUSY,
                      "%s: another `assay watch` of this project follows %s, which is part of the same tree",
                      other.ours, other.found);
    free(other.found);
    free(other.ours);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        status = take_one(dir, folders[i], l, err);
    free(dir);
    if (status != ST_OK) {
        watch_lock_free(l);
        return status;
    }
    *lock = l;
    return ST_OK;
}

void watch_lock_free(struct watch_lock *lock)
{
    if (!lock)
        return;
    for (size_t i = 0; i < lock->count; i++)
        close(lock->fds[i]);
    free(lock->fds);
    free(lock);
}
