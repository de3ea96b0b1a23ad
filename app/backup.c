#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/archive.h"
#include "app/backup.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/backup.h"

#define SUFFIX ".assay.tar"
enum { STAMP = 16, DEPTH_MOST = 4 }; // 20260131T120000Z

void backup_report_clear(struct backup_report *r)
{
    free(r->path);
    *r = (struct backup_report){0};
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool going(void *unused, double done)
{
    (void)done;
    return !stop_asked(unused);
}

// --- what goes in ----------------------------------------------------------------

// What file_write has not finished yet: NAME.suffix.XXXXXX.
static bool unfinished(const char *name)
{
    static const char *const marks[] = {".safetensors.", ".png.", ".jpg.", ".jpeg."};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(name, marks[i]))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status names_in(const char *path, char ***names, size_t *count, struct error *err)
{
    size_t capacity = 0;
    struct dirent *entry;
    *names = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOENT ? ST_OK : error_set(err, ST_IO, "%s: cannot read the folder: %s", path, strerror(errno));
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        GROW(*names, capacity, *count + 1);
        (*names)[(*count)++] = xstrdup(entry->d_name);
    }
    closedir(folder);
    if (*count)
        qsort(*names, *count, sizeof **names, by_name);
    return ST_OK;
}

// Everything below `name` of the project that a restored one may hold.
static enum status add_folder(struct archive *a, const struct project *project, const char *name, int depth, struct error *err)
{
    char **names, *path = file_join(project->dir, name);
    size_t count;
    enum status status = names_in(path, &names, &count, err);
    free(path);
    for (size_t i = 0; i < count; i++) {
        char *inner = xasprintf("%s/%s", name, names[i]), *file = file_join(project->dir, inner);
        if (status == ST_OK && stop_asked(NULL))
            status = error_set(err, ST_CANCELLED, "stopped; no backup was made");
        if (status == ST_OK && is_folder(file) && depth < DEPTH_MOST)
            status = add_folder(a, project, inner, depth + 1, err);
        else if (status == ST_OK && archive_name_fine(inner) && !unfinished(names[i]))
            status = archive_add(a, inner, file, err);
        if (status == ST_NOT_FOUND)
            status = ST_OK; // it was removed meanwhile
        free(file);
        free(inner);
        free(names[i]);
    }
    free(names);
    return status;
}

static enum status fill(struct archive *a, struct project *project, const char *copy, bool with_pictures, struct error *err)
{
    char *settings = file_join(project->dir, "assay.conf");
    // The database first: whatever it names was there before, and models and pictures are never changed.
    enum status status = db_backup(project->db, copy, going, NULL, err);
    if (status == ST_OK)
        status = archive_add(a, "project.db", copy, err);
    if (status == ST_OK)
        status = add_folder(a, project, "models", 0, err);
    if (status == ST_OK && with_pictures)
        status = add_folder(a, project, "pictures", 0, err);
    if (status == ST_OK) {
        status = archive_add(a, "assay.conf", settings, err);
        status = status == ST_NOT_FOUND ? ST_OK : status;
    }
    free(settings);
    return status;
}

// --- where it goes ---------------------------------------------------------------

static char *stem_of(const struct project *project)
{
    const char *slash = strrchr(project->dir, '/');
    char *stem = xstrdup(slash && slash[1] ? slash + 1 : "project");
    for (char *p = stem; *p; p++)
        *p = isalnum((unsigned char)*p) || strchr("._-", *p) ? *p : '_';
    return stem;
}

static bool is_ours(const char *name, const char *stem)
{
    size_t length = strlen(stem);
    if (strncmp(name, stem, length) != 0 || name[length] != '-' || strlen(name) != length + 1 + STAMP + strlen(SUFFIX))
        return false;
    const char *stamp = name + length + 1;
    for (int i = 0; i < STAMP; i++)
        if (i == 8 ? stamp[i] != 'T' : i == STAMP - 1 ? stamp[i] != 'Z' : !isdigit((unsigned char)stamp[i]))
            return false;
    return strcmp(stamp + STAMP, SUFFIX) == 0;
}

// Older ones than the latest `keep`; names sort by their time.
static enum status prune(const char *dir, const char *stem, long keep, size_t *removed, struct error *err)
{
    char **names;
    size_t count, ours = 0;
    enum status status = names_in(dir, &names, &count, err);
    for (size_t i = 0; i < count; i++)
        ours += is_ours(names[i], stem);
    for (size_t i = 0; i < count; i++) {
        char *path = file_join(dir, names[i]);
        if (status == ST_OK && ours > (size_t)keep && is_ours(names[i], stem)) {
            if (unlink(path) != 0)
                status = error_set(err, ST_IO, "%s: cannot be removed: %s", path, strerror(errno));
            ours--;
            *removed += status == ST_OK;
        }
        free(path);
        free(names[i]);
    }
    free(names);
    return status;
}

static enum status remove_tree(const char *path, struct error *err)
{
    char **names;
    size_t count;
    enum status status = names_in(path, &names, &count, err);
    for (size_t i = 0; i < count; i++) {
        char *inner = file_join(path, names[i]);
        struct stat st;
        if (status == ST_OK && lstat(inner, &st) == 0 && S_ISDIR(st.st_mode))
            status = remove_tree(inner, err);
        else
            unlink(inner);
        free(inner);
        free(names[i]);
    }
    free(names);
    rmdir(path);
    return status;
}

// Whether the backup `file` may be replaced: a whole one, of this project at an earlier time.
static enum status replaceable(const struct project *project, const char *file, struct error *err)
{
    char *temporary = xasprintf("%s.XXXXXX", file);
    struct error why, unused;
    bool same = false;
    if (!mkdtemp(temporary)) {
        error_set(err, ST_IO, "%s: cannot create: %s", temporary, strerror(errno));
        free(temporary);
        return err->code;
    }
    enum status status = archive_extract(file, "project.db", temporary, &why);
    if (status == ST_INVALID)
        error_set(err, status, "%s: exists and is no backup; name another file", file);
    else if (status != ST_OK)
        error_set(err, status, "%s; it is not replaced, name another file", why.text);
    if (status == ST_OK) {
        char *database = file_join(temporary, "project.db");
        status = db_backup_of(project->db, database, &same, err);
        free(database);
    }
    if (status == ST_OK && !same)
        status = error_set(err, ST_INVALID, "%s: is a backup of another project; name another file", file);
    if (remove_tree(temporary, &unused) != ST_OK)
        unused.code = ST_OK; // what is left has another name and does no harm
    free(temporary);
    return status;
}

// Not in a folder of the project itself: it would be in the next backup, or go with the cache.
static enum status check_place(const struct project *project, const char *to, struct error *err)
{
    static const char *const own[] = {"models", "cache", "pictures"};
    const char *slash = strrchr(to, '/');
    char *parent = is_folder(to) ? xstrdup(to) : slash ? xasprintf("%.*s", (int)(slash - to) + 1, to) : xstrdup(".");
    char *full = realpath(parent, NULL);
    enum status status = ST_OK;
    for (size_t i = 0; i < sizeof own / sizeof *own && full; i++) {
        char *folder = file_join(project->dir, own[i]);
        size_t length = strlen(folder);
        if (strncmp(full, folder, length) == 0 && (full[length] == '/' || !full[length]))
            status = error_set(err, ST_INVALID, "%s: lies in %s/ of the project itself; name another place for the backup", to, own[i]);
        free(folder);
    }
    free(full);
    free(parent);
    return status;
}

static enum status target(const struct project *project, const char *to, char **path, struct error *err)
{
    enum status status = check_place(project, to, err);
    if (status != ST_OK)
        return status;
    if (is_folder(to)) {
        char stamp[STAMP + 1], *stem = stem_of(project);
        time_t now = time(NULL);
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
        char *name = xasprintf("%s-%s" SUFFIX, stem, stamp);
        *path = file_join(to, name);
        free(name);
        free(stem);
        return ST_OK;
    }
    if (to[0] && to[strlen(to) - 1] == '/')
        return error_set(err, ST_NOT_FOUND, "%s: there is no such folder; make it first", to);
    status = file_exists(to) ? replaceable(project, to, err) : ST_OK;
    if (status == ST_OK)
        *path = xstrdup(to);
    return status;
}

enum status backup_make(struct project *project, const char *to, long keep, bool with_pictures, struct backup_report *report,
                        struct error *err)
{
    struct archive *a = NULL;
    char *path = NULL;
    *report = (struct backup_report){0};
    enum status status = target(project, to, &path, err);
    if (status != ST_OK)
        return status;
    char *copy = xasprintf("%s.%ld.db", path, (long)getpid());
    unlink(copy); // of an earlier process with this number
    status = archive_create(path, &a, err);
    if (status == ST_OK)
        status = fill(a, project, copy, with_pictures, err);
    if (status == ST_OK)
        status = archive_finish(a, &report->files, &report->bytes, err);
    else
        archive_abandon(a);
    unlink(copy);
    free(copy);
    if (status == ST_OK && keep > 0 && is_folder(to)) {
        char *stem = stem_of(project);
        status = prune(to, stem, keep, &report->removed, err);
        free(stem);
    }
    report->path = path;
    return status;
}

// --- the way back ------------------------------------------------------------------

static enum status sync_folder(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool failed = fd < 0 || fsync(fd) != 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return failed ? error_set(err, ST_IO, "%s: cannot sync: %s", path, strerror(why)) : ST_OK;
}

static enum status check_target(const char *dir, struct error *err)
{
    char **names;
    size_t count;
    if (!file_exists(dir))
        return ST_OK;
    if (!is_folder(dir))
        return error_set(err, ST_INVALID, "%s: exists and is no folder; nothing was restored", dir);
    enum status status = names_in(dir, &names, &count, err);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    if (status == ST_OK && count > 0)
        status = error_set(err, ST_INVALID, "%s: is not empty; restoring never writes over anything, name a new folder", dir);
    return status;
}

static enum status unpack(const char *file, const char *temporary, struct error *err)
{
    static const char *const folders[] = {"models", "cache", "pictures"};
    char *database = file_join(temporary, "project.db");
    enum status status = archive_extract(file, NULL, temporary, err);
    if (status == ST_OK)
        status = db_inspect(database, err);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && status == ST_OK; i++) {
        char *folder = file_join(temporary, folders[i]);
        status = file_mkdirs(folder, err);
        free(folder);
    }
    if (status == ST_OK)
        status = sync_folder(temporary, err);
    free(database);
    return status;
}

enum status backup_restore(const char *file, const char *dir, struct backup_report *report, struct error *err)
{
    size_t length = strlen(dir);
    *report = (struct backup_report){0};
    while (length > 1 && dir[length - 1] == '/')
        length--;
    char *to = xasprintf("%.*s", (int)length, dir), *temporary = xasprintf("%s.XXXXXX", to);
    struct error unused;
    bool made = false;
    enum status status = check_target(to, err);
    if (status == ST_OK)
        status = archive_verify(file, &report->files, &report->bytes, err);
    if (status == ST_OK) {
        made = mkdtemp(temporary) != NULL;
        if (!made)
            status = error_set(err, ST_IO, "%s: cannot create: %s", to, strerror(errno));
    }
    if (status == ST_OK)
        status = unpack(file, temporary, err);
    mode_t mask = umask(0);
    umask(mask);
    if (status == ST_OK && (chmod(temporary, 0777 & ~mask) != 0 || rename(temporary, to) != 0))
        status = error_set(err, ST_IO, "%s: cannot be put in place: %s", to, strerror(errno));
    if (status != ST_OK && made && remove_tree(temporary, &unused) != ST_OK)
        unused.code = ST_OK; // what is left has another name and does no harm
    report->path = realpath(to, NULL);
    if (!report->path)
        report->path = xstrdup(to);
    free(temporary);
    free(to);
    return status;
}
