#include "config.h"

#include <errno.h>
#include <fts.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "app/add.h"
#include "app/progress.h"
#include "base/alloc.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"

enum { CHUNK = 128 }; // files read in parallel, then stored in one transaction

struct found {
    char *path;
    uint64_t bytes;
    int64_t mtime_ns;
    // filled by a reading thread:
    bool unchanged;
    struct picture_new row;
    struct image_info info;
    struct error error;
    char *group;
    char *fields[META_FIELDS];
};

struct list {
    struct found *files;
    size_t count, capacity;
};

struct chunk {
    struct found *files;
    size_t count;
    atomic_size_t next;
    const struct project *project;
    const struct add_options *options;
};

static int by_path(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n > k && strcasecmp(name + n - k, suffix) == 0;
}

// In a folder layout a .png beside a .jpg of the same name is its mask, and so
// is everything below a folder called ground_truth.
static char *mask_of(const char *picture)
{
    if (!has_suffix(picture, ".jpg") && !has_suffix(picture, ".jpeg"))
        return NULL;
    char *mask = xasprintf("%.*s.png", (int)(strrchr(picture, '.') - picture), picture);
    if (file_exists(mask))
        return mask;
    free(mask);
    return NULL;
}

static bool is_mask(const char *path)
{
    if (strstr(path, "/ground_truth/"))
        return true;
    if (!has_suffix(path, ".png"))
        return false;
    char *jpeg = xasprintf("%.*s.jpg", (int)(strrchr(path, '.') - path), path);
    bool mask = file_exists(jpeg);
    free(jpeg);
    return mask;
}

static enum status walk(char *const *paths, size_t count, const struct add_options *o, struct list *list,
                        struct error *err)
{
    char **roots = xcalloc(count + 1, sizeof *roots);
    enum status status = ST_OK;
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        roots[i] = realpath(paths[i], NULL);
        if (!roots[i])
            status = error_set(err, ST_NOT_FOUND, "%s: %s", paths[i], strerror(errno));
    }
    FTS *fts = status == ST_OK ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_path) : NULL;
    for (FTSENT *e; fts && (e = fts_read(fts));) {
        if (e->fts_info == FTS_D && e->fts_level > 0 && e->fts_name[0] == '.')
            fts_set(fts, e, FTS_SKIP);
        bool broken = e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS;
        if (e->fts_info != FTS_F && !broken)
            continue;
        if (e->fts_name[0] == '.' || (o->folders && is_mask(e->fts_path)))
            continue;
        GROW(list->files, list->capacity, list->count + 1);
        struct found *f = &list->files[list->count++];
        *f = (struct found){.path = xstrdup(e->fts_path)};
        if (broken) {
            error_set(&f->error, ST_IO, "cannot be read: %s", strerror(e->fts_errno));
        } else {
            f->bytes = (uint64_t)e->fts_statp->st_size;
            f->mtime_ns = (int64_t)e->fts_statp->st_mtim.tv_sec * 1000000000 + e->fts_statp->st_mtim.tv_nsec;
        }
    }
    if (fts)
        fts_close(fts);
    for (size_t i = 0; i < count; i++)
        free(roots[i]);
    free(roots);
    return status;
}

static void read_one(struct found *f, const struct chunk *c)
{
    const struct image_limits *limits = &c->project->limits;
    unsigned char *bytes;
    size_t count;
    struct image image;
    f->row.path = f->path;
    f->row.bytes = f->bytes;
    f->row.mtime_ns = f->mtime_ns;
    f->row.format = "unknown";
    struct error why = {0};
    if (f->error.code == ST_OK) {
        if (f->bytes > limits->file_bytes) { // too large to hold; its hash is still taken, piece by piece
            error_set(&f->error, ST_INVALID, "%llu bytes are more than the limit of %llu",
                      (unsigned long long)f->bytes, (unsigned long long)limits->file_bytes);
            if (hash_file(f->path, f->row.sha256, NULL, &why) != ST_OK)
                f->row.sha256[0] = '\0';
        } else if (file_read(f->path, limits->file_bytes, &bytes, &count, &why) != ST_OK) {
            size_t skip = strncmp(why.text, f->path, strlen(f->path)) == 0 ? strlen(f->path) + 2 : 0;
            error_set(&f->error, why.code, "%s", why.text + skip);
        } else {
            hash_bytes(bytes, count, f->row.sha256);
            // a quarter of the size is enough for the hash of looks; all data is still decoded
            if (image_decode(bytes, count, limits, 64, 64, &image, &f->info, &f->error) == ST_OK) {
                f->row.phash = phash_of(&image);
                image_clear(&image);
                f->row.width = f->info.width;
                f->row.height = f->info.height;
                f->row.channels = f->info.channels;
            }
            f->row.format = image_format_name(f->info.format);
            free(bytes);
        }
    }
    if (f->error.code != ST_OK)
        f->row.unreadable = f->error.text;
    metadata_lookup(c->options->metadata, f->path, f->fields);
    regmatch_t match[2];
    if (c->options->group && regexec(c->options->group, f->path, 2, match, 0) == 0) {
        const regmatch_t *m = match[1].rm_so >= 0 ? &match[1] : &match[0];
        f->group = strndup(f->path + m->rm_so, (size_t)(m->rm_eo - m->rm_so));
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

// The folder that names the kind: the nearest one that is not a mere container.
static char *folder_kind(const char *path)
{
    static const char *const containers[] = {"imgs", "images", "img", "train", "test"};
    const char *end = strrchr(path, '/');
    while (end && end > path) {
        const char *start = end - 1;
        while (start > path && *start != '/')
            start--;
        char *name = strndup(start + 1, (size_t)(end - start - 1));
        bool container = false;
        for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
            container |= strcasecmp(name, containers[i]) == 0;
        if (!container)
            return name;
        free(name);
        end = start;
    }
    return NULL;
}

static enum status store_truth(struct project *p, int64_t picture, enum verdict verdict, const char *kind,
                               const char *severity, const char *mask, bool *added, struct error *err)
{
    int64_t person, class_id;
    enum status status = db_person_ensure(p->db, "import", &person, err);
    if (status == ST_OK && verdict == VERDICT_DEFECT && kind[0])
        status = db_class_ensure(p->db, kind, severity[0] ? severity : "general", &class_id, err);
    struct label label = {.picture = picture, .person = person, .role = "import", .source = LABEL_TRUTH,
                          .verdict = verdict, .class_name = verdict == VERDICT_DEFECT ? kind : "",
                          .severity = verdict == VERDICT_DEFECT ? severity : "", .regions = "", .note = ""};
    return status == ST_OK ? db_truth_add(p->db, &label, mask ? mask : "", added, err) : status;
}

static enum status store_one(struct project *p, struct found *f, const struct add_options *o,
                             struct add_report *r, struct error *err)
{
    int64_t id;
    enum picture_outcome outcome;
    if (f->unchanged) {
        r->known++;
        return ST_OK;
    }
    enum status status = db_picture_add(p->db, &f->row, &id, &outcome, err);
    if (status != ST_OK)
        return status;
    int64_t *counters[] = {[PICTURE_ADDED] = &r->added, [PICTURE_KNOWN] = &r->known, [PICTURE_MOVED] = &r->moved,
                           [PICTURE_COPY] = &r->copies, [PICTURE_CHANGED] = &r->changed,
                           [PICTURE_UNREADABLE] = &r->unreadable};
    ++*counters[outcome];
    if (f->row.unreadable) {
        char *path = text_cleaned(f->path);
        json_array_append_new(r->bad, json_pack("{s:s, s:s}", "path", path, "reason", f->error.text));
        free(path);
        return ST_OK;
    }
    if (!o->folders)
        return ST_OK;
    char *kind = folder_kind(f->path), *mask = mask_of(f->path);
    bool added = false;
    if (kind) {
        bool normal = regexec(o->normal, kind, 0, NULL, 0) == 0;
        status = store_truth(p, id, normal ? VERDICT_NORMAL : VERDICT_DEFECT, kind, "", normal ? NULL : mask,
                             &added, err);
    }
    r->truths += added;
    free(kind);
    free(mask);
    return status;
}

static enum status add_chunk(struct project *p, struct chunk *c, const struct add_options *o, int64_t scene,
                             struct add_report *r, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < c->count && status == ST_OK; i++)
        if (c->files[i].error.code == ST_OK && !o->folders && !o->group && !o->metadata)
            status = db_picture_unchanged(p->db, c->files[i].path, c->files[i].bytes, c->files[i].mtime_ns,
                                          &c->files[i].unchanged, err);
    if (status == ST_OK) {
        parallel_run(parallel_cores(), read_some, c);
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

enum status add_paths(struct project *project, char *const *paths, size_t count,
                      const struct add_options *options, struct add_report *report, struct error *err)
{
    struct list list = {0};
    struct progress progress;
    int64_t scene;
    enum status status = db_scene_ensure(project->db, options->scene, &scene, err);
    if (status == ST_OK)
        status = walk(paths, count, options, &list, err);
    progress_start(&progress, "adding", (int64_t)list.count, options->quiet);
    for (size_t at = 0; at < list.count && status == ST_OK; at += CHUNK) {
        struct chunk chunk = {.files = list.files + at, .project = project, .options = options,
                              .count = list.count - at < CHUNK ? list.count - at : CHUNK};
        status = add_chunk(project, &chunk, options, scene, report, err);
        report->seen += (int64_t)chunk.count;
        progress_step(&progress, report->seen);
        if (status == ST_OK && stop_asked(NULL))
            status = error_set(err, ST_CANCELLED, "stopped after %lld of %zu files; run it again to go on",
                               (long long)report->seen, list.count);
    }
    progress_end(&progress);
    for (size_t i = 0; i < list.count; i++) {
        free(list.files[i].path);
        free(list.files[i].group);
        for (int f = 0; f < META_FIELDS; f++)
            free(list.files[i].fields[f]);
    }
    free(list.files);
    return status;
}

static enum status truth_row(struct project *p, const struct csv_table *t, size_t i, const char *file,
                             const char *folder, struct add_report *r, struct error *err)
{
    const char *path = csv_cell(t, i, csv_column(t, "path")), *kind = csv_cell(t, i, csv_column(t, "class"));
    const char *severity = csv_cell(t, i, csv_column(t, "severity"));
    const char *mask = csv_cell(t, i, csv_column(t, "mask")), *group = csv_cell(t, i, csv_column(t, "group"));
    enum verdict verdict;
    if (!verdict_parse(csv_cell(t, i, csv_column(t, "verdict")), &verdict) ||
        (verdict != VERDICT_NORMAL && verdict != VERDICT_DEFECT))
        return error_set(err, ST_INVALID, "%s: line %zu: verdict must be normal or defect", file, t->lines[i]);
    if (severity[0] && !severity_known(severity))
        return error_set(err, ST_INVALID, "%s: line %zu: severity must be stop, key or general", file, t->lines[i]);
    char *joined = file_join(folder, path), *full = realpath(joined, NULL);
    char *joined_mask = mask[0] ? file_join(folder, mask) : NULL;
    int64_t id;
    bool added = false;
    enum status status = full ? db_picture_find(p->db, full, &id, err) : ST_NOT_FOUND;
    if (status == ST_NOT_FOUND)
        status = db_picture_find(p->db, path, &id, err);
    if (status == ST_NOT_FOUND)
        status = error_set(err, ST_NOT_FOUND, "%s: line %zu: %s is not a picture of this project; add it first",
                           file, t->lines[i], path);
    if (status == ST_OK)
        status = store_truth(p, id, verdict, kind, severity, joined_mask, &added, err);
    if (status == ST_OK && group[0])
        status = db_picture_set_group(p->db, id, group, err);
    r->truths += added;
    free(joined_mask);
    free(joined);
    free(full);
    return status;
}

enum status add_truth(struct project *project, const char *file, struct add_report *report, struct error *err)
{
    struct csv_table table;
    enum status status = csv_read(file, &table, err);
    if (status != ST_OK)
        return status;
    if (csv_column(&table, "path") < 0 || csv_column(&table, "verdict") < 0)
        status = error_set(err, ST_INVALID, "%s: needs the columns path and verdict", file);
    char *folder = xstrdup(file);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    // all rows or none: a file with one wrong line changes nothing
    if (status == ST_OK)
        status = db_begin(project->db, err);
    if (status == ST_OK) {
        for (size_t i = 0; i < table.rows && status == ST_OK; i++)
            status = truth_row(project, &table, i, file, slash ? folder : ".", report, err);
        if (status == ST_OK)
            status = db_commit(project->db, err);
        else
            db_rollback(project->db);
    }
    free(folder);
    csv_clear(&table);
    return status;
}
