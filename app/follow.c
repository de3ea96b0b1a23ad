#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/follow.h"
#include "app/follow_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

static const double STILL = 2;     // seconds without a change: the writer is done
static const double PATIENCE = 30; // for a file without an end
static const double POLL = 2;      // seconds between two listings
enum {
    MASK =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK
};

struct waiting { // a file that may not be finished
    char *path;
    uint64_t bytes;
    int64_t mtime_ns;
    double changed, noticed;
};

struct file {
    char *path;
    int64_t mtime_ns;
};

struct folder { // one that was given
    char *path;
    bool there, polled;
};

struct follow {
    struct follow_options options;
    int fd;
    struct folder *roots;
    size_t root_count;
    char **watched; // (watched_room) path by watch descriptor, NULL none
    size_t watched_room;
    char **live; // arrived; a ring would save the shift, but few wait here
    size_t live_count, live_room;
    struct file *backlog; // sorted so that the next one is the last
    size_t backlog_count, backlog_room;
    bool sorted;
    struct waiting *waiting;
    size_t waiting_count, waiting_room;
    struct marks seen; // what was handed out
    double listed;
    bool full, starting; // limit of watches reached; the first listing is going on
};

static void say(const struct follow *f, const char *path, const char *what)
{
    struct error text;
    if (!f->options.say)
        return;
    error_set(&text, ST_OK, "%s: %s", path, what);
    f->options.say(f->options.context, text.text);
}

// ---- files ----

static void stop_waiting(struct follow *f, size_t at)
{
    free(f->waiting[at].path);
    f->waiting[at] = f->waiting[--f->waiting_count];
}

static void hand_out(struct follow *f, const char *path, const struct stat *st)
{
    uint64_t mark = follow_mark(path, st);
    if (marks_have(&f->seen, mark))
        return;
    marks_add(&f->seen, mark);
    if (f->starting) {
        GROW(f->backlog, f->backlog_room, f->backlog_count + 1);
        f->backlog[f->backlog_count++] =
            (struct file){xstrdup(path), (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
        f->sorted = false;
    } else {
        GROW(f->live, f->live_room, f->live_count + 1);
        f->live[f->live_count++] = xstrdup(path);
    }
}

static void wait_for(struct follow *f, const char *path, const struct stat *st)
{
    double now = clock_seconds();
    int64_t mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    for (size_t i = 0; i < f->waiting_count; i++)
        if (strcmp(f->waiting[i].path, path) == 0)
            return;
    GROW(f->waiting, f->waiting_room, f->waiting_count + 1);
    f->waiting[f->waiting_count++] = (struct waiting){xstrdup(path), (uint64_t)st->st_size, mtime, now, now};
}

static double age(const struct stat *st)
{
    return (double)clock_unix_ms() / 1000 - ((double)st->st_mtim.tv_sec + (double)st->st_mtim.tv_nsec / 1e9);
}

// A file that is there. `closed`: its writer has said that it is done.
static void consider(struct follow *f, const char *path, bool closed)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    if (follow_passed_name(slash ? slash + 1 : path) || stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        marks_have(&f->seen, follow_mark(path, &st)) || (f->options.passes && f->options.passes(path)))
        return;
    enum content content = follow_look(path, &st);
    if (content == OTHER) {
        if (!follow_picture_name(path))
            return;
        content = UNFINISHED;
    }
    // an old file is not being written any more
    if (content == FINISHED ? closed || f->options.once || age(&st) > STILL : age(&st) > PATIENCE)
        hand_out(f, path, &st);
    else
        wait_for(f, path, &st);
}

static void look_at_waiting(struct follow *f)
{
    double now = clock_seconds();
    for (size_t i = 0; i < f->waiting_count;) {
        struct waiting *w = &f->waiting[i];
        struct stat st;
        if (stat(w->path, &st) != 0) {
            stop_waiting(f, i);
            continue;
        }
        int64_t mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        if ((uint64_t)st.st_size != w->bytes || mtime != w->mtime_ns) {
            w->bytes = (uint64_t)st.st_size;
            w->mtime_ns = mtime;
            w->changed = now;
        }
        double still = now - w->changed;
        if ((still > STILL && follow_look(w->path, &st) == FINISHED) || still > PATIENCE) {
            hand_out(f, w->path, &st);
            stop_waiting(f, i);
            continue;
        }
        i++;
    }
}

// ---- folders ----

// False: this one has to be listed instead.
static bool watch_folder(struct follow *f, const char *path)
{
    int wd = inotify_add_watch(f->fd, path, MASK);
    if (wd < 0)
        return errno != ENOSPC && errno != ENOMEM;
    if ((size_t)wd >= f->watched_room) {
        size_t room = f->watched_room;
        GROW(f->watched, f->watched_room, (size_t)wd + 1);
        memset(f->watched + room, 0, (f->watched_room - room) * sizeof *f->watched);
    }
    free(f->watched[wd]);
    f->watched[wd] = xstrdup(path);
    return true;
}

struct level { // a folder and those it was come through
    struct stat st;
    const struct level *up;
};

static bool leads_back(const struct level *here)
{
    for (const struct level *l = here->up; l; l = l->up)
        if (l->st.st_dev == here->st.st_dev && l->st.st_ino == here->st.st_ino)
            return true;
    return false;
}

// Watch first, then list: what is written in between comes twice rather than never. Links are followed; one that leads back
// into a folder it lies in is passed over, as in `assay add`: two of them would double the work at every level.
static void walk(struct follow *f, const char *path, bool watch, const struct level *up)
{
    struct level here = {.up = up};
    if (stat(path, &here.st) == 0 && leads_back(&here))
        return;
    if (watch && !f->full && !watch_folder(f, path)) {
        f->full = true;
        say(f, path,
            "the system's limit of watched folders is reached (fs.inotify.max_user_watches); this folder and "
            "those after"
            " it are listed every 2 seconds instead");
    }
    DIR *dir = opendir(path);
    if (!dir) {
        if (errno != ENOENT)
            say(f, path, "cannot be read and is passed over");
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        char *inner = file_join(path, e->d_name);
        if (stat(inner, &st) == 0 && S_ISDIR(st.st_mode)) {
            if (!(f->options.passes && f->options.passes(inner)))
                walk(f, inner, watch, &here);
        } else {
            consider(f, inner, false);
        }
        free(inner);
    }
    closedir(dir);
}

static bool is_watched(const struct follow *f, const struct folder *root)
{
    return f->fd >= 0 && !root->polled;
}

static void root_gone(const struct follow *f, struct folder *root)
{
    root->there = false;
    say(f, root->path, "is gone; it is followed again as soon as it is back");
}

static void list_all(struct follow *f, bool polled_only)
{
    for (size_t i = 0; i < f->root_count; i++) {
        struct folder *root = &f->roots[i];
        bool there = access(root->path, R_OK | X_OK) == 0, back = there && !root->there;
        if (!there && root->there)
            root_gone(f, root);
        root->there = there;
        if (back)
            say(f, root->path, "is back");
        if (there && (back || root->polled || f->full || !polled_only))
            walk(f, root->path, is_watched(f, root), NULL);
    }
    f->listed = clock_seconds();
}

static enum status add_root(struct follow *f, struct folder *root, const char *given, struct error *err)
{
    struct stat st;
    root->path = realpath(given, NULL);
    if (!root->path)
        return error_set(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s: %s", given, strerror(errno));
    if (stat(root->path, &st) != 0 || !S_ISDIR(st.st_mode))
        return error_set(err, ST_INVALID, "%s: is a file; name the folder that pictures are written to",
                         given);
    if (access(root->path, R_OK | X_OK) != 0)
        return error_set(err, ST_IO, "%s: cannot be read: %s", given, strerror(errno));
    root->polled = f->options.poll > 0 || follow_on_network(root->path);
    root->there = true;
    return ST_OK;
}

enum status follow_open(char *const *folders, size_t count, const struct follow_options *options,
                        struct follow **follow, struct error *err)
{
    struct follow *f = xcalloc(1, sizeof *f);
    enum status status = ST_OK;
    bool any = false;
    f->options = *options;
    f->fd = -1;
    f->roots = xcalloc(count + 1, sizeof *f->roots);
    for (f->root_count = 0; f->root_count < count && status == ST_OK; f->root_count++) {
        status = add_root(f, &f->roots[f->root_count], folders[f->root_count], err);
        any |= status == ST_OK && !f->roots[f->root_count].polled;
    }
    if (status != ST_OK) {
        follow_close(f);
        return status;
    }
    if (any && !options->once && (f->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) < 0) {
        say(f, f->roots[0].path,
            "the system's limit of watchers is reached (fs.inotify.max_user_instances); the folders are "
            "listed every 2"
            " seconds instead");
        f->full = true;
    }
    f->starting = true;
    list_all(f, false);
    f->starting = false;
    *follow = f;
    return ST_OK;
}

void follow_close(struct follow *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->root_count; i++)
        free(f->roots[i].path);
    for (size_t i = 0; i < f->watched_room; i++)
        free(f->watched[i]);
    for (size_t i = 0; i < f->live_count; i++)
        free(f->live[i]);
    for (size_t i = 0; i < f->backlog_count; i++)
        free(f->backlog[i].path);
    for (size_t i = 0; i < f->waiting_count; i++)
        free(f->waiting[i].path);
    if (f->fd >= 0)
        close(f->fd);
    free(f->roots);
    free(f->watched);
    free(f->live);
    free(f->backlog);
    free(f->waiting);
    free(f->seen.marks);
    free(f);
}

// ---- events ----

static void forget_watch(struct follow *f, int wd)
{
    free(f->watched[wd]);
    f->watched[wd] = NULL;
}

// A folder that was moved: what lies below it has other paths now, or is none of ours any more. Where it is
// still ours, it is watched and listed again under its new name, which its watches take over.
static void forget_below(struct follow *f, const char *path)
{
    char *gone = xstrdup(path);
    size_t n = strlen(gone);
    for (size_t i = 0; i < f->watched_room; i++) {
        const char *other = f->watched[i];
        if (other && strncmp(other, gone, n) == 0 && (other[n] == '/' || other[n] == '\0')) {
            inotify_rm_watch(f->fd, (int)i);
            forget_watch(f, (int)i);
        }
    }
    free(gone);
}

static void take_event(struct follow *f, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        say(f, f->roots[0].path, "more happened than the system could tell; the folders are listed again");
        list_all(f, false);
        return;
    }
    if (e->wd < 0 || (size_t)e->wd >= f->watched_room || !f->watched[e->wd])
        return;
    if (e->mask & IN_MOVE_SELF) { // moved within our folders it has its new path already
        if (!file_exists(f->watched[e->wd]))
            forget_below(f, f->watched[e->wd]);
        f->listed = 0; // whether it was one of those given shows at the next listing
    } else if (e->mask & (IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT)) {
        for (size_t i = 0; i < f->root_count; i++)
            if (strcmp(f->roots[i].path, f->watched[e->wd]) == 0 && f->roots[i].there)
                root_gone(f, &f->roots[i]);
        forget_watch(f, e->wd);
        f->listed = 0;
    } else if (e->len > 0) {
        char *path = file_join(f->watched[e->wd], e->name);
        if (!(e->mask & IN_ISDIR))
            consider(f, path, (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0);
        else if (e->name[0] != '.' && !(f->options.passes && f->options.passes(path)))
            walk(f, path, true, NULL);
        free(path);
    }
}

static void take_events(struct follow *f)
{
    _Alignas(struct inotify_event) char buffer[1 << 16];
    ssize_t n;
    while ((n = read(f->fd, buffer, sizeof buffer)) > 0) {
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)p;
            take_event(f, e);
            p += sizeof *e + e->len;
        }
    }
}

void follow_wait(struct follow *f, int ms)
{
    double every = f->options.poll > 0 ? f->options.poll : POLL;
    struct pollfd wait = {f->fd, POLLIN, 0};
    if (f->options.once)
        return;
    if (f->waiting_count > 0 && ms > 250)
        ms = 250;
    if (f->live_count > 0 || f->backlog_count > 0)
        ms = 0;
    poll(&wait, f->fd >= 0 ? 1 : 0, ms);
    if (f->fd >= 0)
        take_events(f);
    look_at_waiting(f);
    if (clock_seconds() - f->listed >= every)
        list_all(f, true);
}

// ---- handing out ----

static int by_time(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns)
        return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void sort_backlog(struct follow *f)
{
    if (f->backlog_count > 0)
        qsort(f->backlog, f->backlog_count, sizeof *f->backlog, by_time);
    if (!f->options.newest_first) { // the last is handed out first
        for (size_t i = 0, j = f->backlog_count; i + 1 < j; i++) {
            struct file swap = f->backlog[i];
            f->backlog[i] = f->backlog[--j];
            f->backlog[j] = swap;
        }
    }
    f->sorted = true;
}

size_t follow_take(struct follow *f, char **paths, size_t most)
{
    size_t n = 0;
    while (n < most && n < f->live_count) {
        paths[n] = f->live[n];
        n++;
    }
    if (n > 0)
        memmove(f->live, f->live + n, (f->live_count - n) * sizeof *f->live);
    f->live_count -= n;
    if (n > 0)
        return n; // what arrives now is not kept waiting by what has waited
    if (!f->sorted)
        sort_backlog(f);
    while (n < most && f->backlog_count > 0)
        paths[n++] = f->backlog[--f->backlog_count].path;
    return n;
}

void follow_give_back(struct follow *f, char **paths, size_t count)
{
    GROW(f->live, f->live_room, f->live_count + count);
    memmove(f->live + count, f->live, f->live_count * sizeof *f->live);
    memcpy(f->live, paths, count * sizeof *f->live);
    f->live_count += count;
}

size_t follow_backlog(const struct follow *f)
{
    return f->backlog_count + f->live_count;
}

size_t follow_unfinished(const struct follow *f)
{
    return f->waiting_count;
}
