#include "config.h"

#include <errno.h>
#include <fts.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/add.h"
#include "app/people.h"
#include "app/progress.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/log.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"
#include "db/scene.h"

enum { CHUNK = 128 }; // files read in parallel, then stored in one transaction

struct file { // what the walk found; there may be a million
    char *path;
    uint64_t bytes;
    int64_t mtime_ns;
    int why;     // errno when it cannot be looked at, else 0
    size_t root; // where in `path` the name of the folder that was given begins
};

struct list {
    struct file *files;
    size_t count, capacity;
};

struct reading { // of one file of a chunk, filled by a reading thread
    const struct file *file;
    bool unchanged;
    struct picture_new row;
    struct image_info info;
    struct quality quality;
    struct error error;
    char *group;
    char *fields[META_FIELDS];
};

struct chunk {
    struct reading files[CHUNK];
    size_t count;
    atomic_size_t next;
    const struct project *project;
    const struct add_options *options;
};

static int by_path(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void note_file(struct list *list, const FTSENT *e, size_t root, int why)
{
    GROW(list->files, list->capacity, list->count + 1);
    struct file *f = &list->files[list->count++];
    *f = (struct file){.path = xstrdup(e->fts_path), .why = why, .root = root};
    if (!why) {
        f->bytes = (uint64_t)e->fts_statp->st_size;
        f->mtime_ns = (int64_t)e->fts_statp->st_mtim.tv_sec * 1000000000 + e->fts_statp->st_mtim.tv_nsec;
    }
}

// What a project is made of. Opening and closing a database outside SQLite would
// also drop the locks that SQLite holds on it.
bool add_is_project_part(const char *path)
{
    static const char *const parts[] = {"project.db", "project.db-wal", "project.db-shm", "project.db-journal",
                                        "models",     "cache",          "pictures"};
    const char *name = strrchr(path, '/');
    if (!name)
        return false;
    bool known = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        known |= strcmp(name + 1, parts[i]) == 0;
    if (!known)
        return false;
    char *database = xasprintf("%.*s/project.db", (int)(name - path), path);
    bool part = file_exists(database);
    free(database);
    return part;
}

// Links are followed (datasets are often made of them); one that leads back
// into its own folder is passed over.
static enum status walk_roots(char *const *roots, const struct add_options *o, struct list *list, struct error *err)
{
    FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, o->live ? NULL : by_path); // NULL: in the order given
    size_t root = 0;
    bool stopped = false;
    for (FTSENT *e; fts && !stopped && (e = fts_read(fts));) {
        stopped = !o->live && stop_asked(NULL);
        bool passed = (e->fts_level > 0 && e->fts_name[0] == '.') || add_is_project_part(e->fts_path);
        if (e->fts_level == 0) {
            const char *slash = strrchr(e->fts_path, '/');
            root = e->fts_info == FTS_D && slash ? (size_t)(slash - e->fts_path) : 0;
        }
        if (e->fts_info == FTS_D && passed)
            fts_set(fts, e, FTS_SKIP);
        if (passed || (o->folders && layout_is_mask(e->fts_path)))
            continue;
        switch (e->fts_info) {
        case FTS_F: note_file(list, e, root, 0); break;
        case FTS_SLNONE:
            if (!o->live)
                note_file(list, e, root, ENOENT);
            break;
        case FTS_ERR:
        case FTS_DNR:
        case FTS_NS:
            if (!o->live || e->fts_errno != ENOENT)
                note_file(list, e, root, e->fts_errno ? e->fts_errno : EIO);
            break;
        default: break;
        }
    }
    if (fts)
        fts_close(fts);
    return stopped ? error_set(err, ST_CANCELLED, "stopped while files were listed: nothing added") : ST_OK;
}

static enum status walk(char *const *paths, size_t count, const struct add_options *o, struct list *list,
                        struct error *err)
{
    char **roots = xcalloc(count + 1, sizeof *roots);
    enum status status = ST_OK;
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        roots[i] = realpath(paths[i], NULL);
        if (!roots[i] && o->live && errno == ENOENT)
            roots[i] = xstrdup(paths[i]);
        if (!roots[i])
            status = error_set(err, ST_NOT_FOUND, "%s: %s", paths[i], strerror(errno));
    }
    if (status == ST_OK)
        status = walk_roots(roots, o, list, err);
    for (size_t i = 0; i < count; i++)
        free(roots[i]);
    free(roots);
    return status;
}

static void read_content(struct reading *f, const struct image_limits *limits)
{
    const char *path = f->file->path;
    unsigned char *bytes;
    size_t count;
    struct image image;
    struct error why = {0};
    if (f->file->why) {
        error_set(&f->error, ST_IO, "cannot be read: %s", strerror(f->file->why));
        return;
    }
    if (f->file->bytes > limits->file_bytes) { // too large to hold; its hash is still taken, piece by piece
        error_set(&f->error, ST_INVALID, "%llu bytes are more than the limit of %llu",
                  (unsigned long long)f->file->bytes, (unsigned long long)limits->file_bytes);
        if (hash_file(path, f->row.sha256, NULL, &why) != ST_OK)
            f->row.sha256[0] = '\0';
        return;
    }
    if (file_read(path, limits->file_bytes, &bytes, &count, &why) != ST_OK) {
        size_t skip = strncmp(why.text, path, strlen(path)) == 0 ? strlen(path) + 2 : 0;
        error_set(&f->error, why.code, "%s", why.text + skip);
        return;
    }
    hash_bytes(bytes, count, f->row.sha256);
    // enough for the hash of looks and for how good the picture is; all data is still decoded
    if (image_decode(bytes, count, limits, QUALITY_SIDE, QUALITY_SIDE, &image, &f->info, &f->error) == ST_OK) {
        f->row.phash = phash_of(&image);
        quality_measure(&image, &f->quality);
        image_clear(&image);
        f->row.width = f->info.width;
        f->row.height = f->info.height;
        f->row.channels = f->info.channels;
    }
    f->row.format = image_format_name(f->info.format);
    free(bytes);
}

static void read_one(struct reading *f, const struct chunk *c)
{
    const char *path = f->file->path;
    f->row = (struct picture_new){.path = path, .bytes = f->file->bytes, .mtime_ns = f->file->mtime_ns,
                                  .format = "unknown"};
    read_content(f, &c->project->limits);
    if (f->error.code != ST_OK)
        f->row.unreadable = f->error.text;
    metadata_lookup(c->options->metadata, path, f->fields);
    regmatch_t match[2];
    if (c->options->group && regexec(c->options->group, path, 2, match, 0) == 0) {
        const regmatch_t *m = match[1].rm_so >= 0 ? &match[1] : &match[0];
        f->group = strndup(path + m->rm_so, (size_t)(m->rm_eo - m->rm_so));
    }
    f->row.group = f->group ? f->group : f->fields[META_GROUP];
    f->row.object = f->fields[META_OBJECT];
    f->row.position = f->fields[META_POSITION];
    f->row.camera = f->fields[META_CAMERA];
    f->row.taken = f->fields[META_TIME] ? f->fields[META_TIME] : f->info.taken[0] ? f->info.taken : NULL;
}

static void read_some(void *context, int worker)
{
    (void)worker;
    struct chunk *c = context;
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->count;)
        if (!c->files[i].unchanged)
            read_one(&c->files[i], c);
}

static enum status store_layout(struct project *p, const struct reading *f, int64_t id, const struct add_options *o,
                                struct add_report *r, struct error *err)
{
    char *kind = layout_kind(f->file->path, f->file->root), *mask = layout_mask(f->file->path);
    enum status status = ST_OK;
    bool added = false;
    if (kind) {
        bool normal = regexec(o->normal, kind, 0, NULL, 0) == 0;
        status = truth_store(p, id, normal ? VERDICT_NORMAL : VERDICT_DEFECT, kind, "", normal ? NULL : mask, &added, err);
    }
    r->truths += added;
    free(kind);
    free(mask);
    return status;
}

// Of a file whose picture was known.
static enum status tell_scene(struct project *p, const char *path, const struct add_options *o, struct error *err)
{
    int64_t scene = 0;
    enum status status = o->stays ? db_picture_scene(p->db, path, &scene, err) : ST_OK;
    if (scene)
        o->stays(o->context, scene);
    return status;
}

static enum status store_one(struct project *p, const struct reading *f, const struct add_options *o,
                             struct add_report *r, struct error *err)
{
    int64_t id;
    enum picture_outcome outcome;
    if (f->unchanged) {
        r->known++;
        return tell_scene(p, f->file->path, o, err);
    }
    if (o->live && !f->row.sha256[0] && !file_exists(f->file->path))
        return ST_OK;
    enum status status = db_picture_add(p->db, &f->row, &id, &outcome, err);
    if (status != ST_OK)
        return status;
    int64_t *counters[] = {[PICTURE_ADDED] = &r->added, [PICTURE_KNOWN] = &r->known, [PICTURE_MOVED] = &r->moved,
                           [PICTURE_COPY] = &r->copies, [PICTURE_CHANGED] = &r->changed,
                           [PICTURE_UNREADABLE] = &r->unreadable, [PICTURE_STILL_UNREADABLE] = &r->unreadable};
    ++*counters[outcome];
    r->still_unreadable += outcome == PICTURE_STILL_UNREADABLE;
    bool described = f->group != NULL;
    for (int i = 0; i < META_FIELDS; i++)
        described |= f->fields[i] != NULL;
    r->described += described;
    if (f->row.unreadable) {
        char *path = text_cleaned(f->file->path);
        json_array_append_new(r->bad, json_pack("{s:s, s:s}", "path", path, "reason", f->error.text));
        free(path);
        return ST_OK;
    }
    status = db_quality_set(p->db, id, &f->quality, err);
    if (status == ST_OK && outcome != PICTURE_ADDED && outcome != PICTURE_CHANGED)
        status = tell_scene(p, f->file->path, o, err);
    if (status != ST_OK)
        return status;
    if (o->took && (outcome == PICTURE_ADDED || outcome == PICTURE_CHANGED))
        o->took(o->context, id);
    return o->folders ? store_layout(p, f, id, o, r, err) : ST_OK;
}

static void chunk_clear(struct chunk *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->files[i].group);
        for (int f = 0; f < META_FIELDS; f++)
            free(c->files[i].fields[f]);
    }
}

static enum status add_chunk(struct project *p, struct chunk *c, const struct add_options *o, int64_t scene,
                             struct add_report *r, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < c->count && status == ST_OK; i++) {
        const struct file *file = c->files[i].file;
        if (!file->why && !o->folders && !o->group && !o->metadata)
            status = db_picture_unchanged(p->db, file->path, file->bytes, file->mtime_ns, &c->files[i].unchanged, err);
    }
    if (status == ST_OK) {
        parallel_run(o->threads > 0 ? o->threads : parallel_cores(), read_some, c);
        status = db_begin(p->db, err);
    }
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < c->count && status == ST_OK; i++) {
        c->files[i].row.scene = scene;
        status = store_one(p, &c->files[i], o, r, err);
    }
    if (status == ST_OK)
        return db_commit(p->db, err);
    db_rollback(p->db);
    return status;
}

static enum status add_list(struct project *project, const struct list *list, const struct add_options *options,
                            int64_t scene, struct add_report *report, struct error *err)
{
    enum status status = ST_OK;
    struct progress progress;
    progress_start(&progress, _("adding"), (int64_t)list->count, options->quiet);
    for (size_t at = 0; at < list->count && status == ST_OK; at += CHUNK) {
        struct chunk *chunk = xcalloc(1, sizeof *chunk);
        chunk->project = project;
        chunk->options = options;
        chunk->count = list->count - at < CHUNK ? list->count - at : CHUNK;
        for (size_t i = 0; i < chunk->count; i++)
            chunk->files[i].file = &list->files[at + i];
        status = add_chunk(project, chunk, options, scene, report, err);
        report->seen += (int64_t)chunk->count;
        chunk_clear(chunk);
        free(chunk);
        progress_step(&progress, report->seen);
        if (status == ST_OK && report->seen < (int64_t)list->count && stop_asked(NULL))
            status = error_set(err, ST_CANCELLED, "stopped after %lld of %zu files; run it again to go on",
                               (long long)report->seen, list->count);
    }
    progress_end(&progress);
    return status;
}

enum status add_paths(struct project *project, char *const *paths, size_t count,
                      const struct add_options *options, struct add_report *report, struct error *err)
{
    struct list list = {0};
    struct scene before = {0};
    struct error unused;
    int64_t scene = 0;
    bool made = db_scene_get(project->db, 0, options->scene, &before, &unused) == ST_NOT_FOUND;
    scene_clear(&before);
    enum status status = walk(paths, count, options, &list, err);
    if (status == ST_OK)
        status = db_scene_ensure(project->db, options->scene, &scene, err);
    if (status == ST_OK)
        status = add_list(project, &list, options, scene, report, err);
    if (made && scene && db_scene_drop_empty(project->db, scene, &report->no_scene, &unused) != ST_OK)
        report->no_scene = false;
    for (size_t i = 0; i < list.count; i++)
        free(list.files[i].path);
    free(list.files);
    return status;
}

enum status add_log(struct project *project, const char *scene, const struct add_report *r, struct error *err)
{
    char text[160];
    int64_t unreadable = r->unreadable - r->still_unreadable;
    if (r->added + r->changed + r->moved + r->copies + unreadable == 0)
        return ST_OK;
    char *person = person_now(project, NULL);
    snprintf(text, sizeof text, "%lld pictures added, %lld changed, %lld moved, %lld further copies, %lld unreadable",
             (long long)r->added, (long long)r->changed, (long long)r->moved, (long long)r->copies, (long long)unreadable);
    enum status status = db_log_add(project->db, person, "add", scene, text, err);
    free(person);
    return status;
}
