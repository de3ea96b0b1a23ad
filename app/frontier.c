#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/frontier.h"
#include "app/progress.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"

enum { SEED = 1, TABLE_BYTES = 1 << 20 };

// NULL: neither a project nor a home.
static char *place(const struct project *project, const char *sha256)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (project)
        return xasprintf("%s/models/frontier-%.12s.json", project->dir, sha256);
    if (cache && cache[0] == '/')
        return xasprintf("%s/assay/frontier-%.12s.json", cache, sha256);
    return home && home[0] == '/' ? xasprintf("%s/.cache/assay/frontier-%.12s.json", home, sha256) : NULL;
}

// Whether a table is kept there that holds for this base and machine, and for `pictures` unless NULL.
static bool recall(const char *path, const char *sha256, const char *pictures, struct frontier *f)
{
    unsigned char *bytes;
    size_t count;
    char machine[FRONTIER_TEXT];
    if (!path || file_read(path, TABLE_BYTES, &bytes, &count, NULL) != ST_OK)
        return false;
    bool good = frontier_parse((const char *)bytes, path, f, NULL) == ST_OK;
    free(bytes);
    frontier_machine(machine);
    return good && strcmp(f->sha256, sha256) == 0 && strcmp(f->machine, machine) == 0 &&
           (!pictures || strcmp(f->pictures, pictures) == 0);
}

static enum status keep(const struct project *project, const char *path, const struct frontier *f,
                        struct error *err)
{
    enum status status = ST_OK;
    if (!project) {
        char *folder = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
        status = file_mkdirs(folder, err);
        free(folder);
    }
    char *text = frontier_text(f);
    if (status == ST_OK)
        status = file_write(path, text, strlen(text), err);
    free(text);
    return status;
}

static void show_progress(void *context, int done, int total)
{
    struct progress *p = context;
    if (done == 0)
        progress_start(p, _("comparing sizes"), total, p->quiet);
    progress_step(p, done);
}

static enum status measure(const struct tensor_file *file, const struct frontier_pictures *pictures,
                           bool quiet, struct frontier *f, struct error *err)
{
    struct progress progress = {.quiet = quiet};
    struct frontier_options options = {.seed = SEED,
                                       .threads = parallel_cores(),
                                       .progress = show_progress,
                                       .stop = stop_asked,
                                       .context = &progress};
    enum status status = frontier_measure(file, pictures->scenes, pictures->count, &options, f, err);
    progress_end(&progress);
    if (status == ST_OK)
        memcpy(f->pictures, pictures->text, sizeof f->pictures);
    return status;
}

enum status frontier_get(const struct project *project, const struct tensor_file *file,
                         const struct frontier_request *request, struct frontier *f,
                         struct frontier_report *report, struct error *err)
{
    struct frontier_pictures pictures = {0};
    const char *sha256 = tensor_sha256(file);
    enum status status = ST_OK;
    *report = (struct frontier_report){.path = place(project, sha256)};
    if (request->images)
        status = frontier_pictures_open(request->images, &pictures, err);
    if (status == ST_OK && !request->measure)
        report->reused = recall(report->path, sha256, request->images ? pictures.text : NULL, f);
    if (status == ST_OK && !report->reused) {
        status = frontier_check(file, err); // before the work of drawing
        if (status == ST_OK && !request->images)
            frontier_pictures_demo(&pictures);
        if (status == ST_OK)
            status = measure(file, &pictures, request->quiet, f, err);
        if (status == ST_OK && report->path)
            status = keep(project, report->path, f, err);
    }
    frontier_pictures_clear(&pictures);
    if (status != ST_OK) {
        free(report->path);
        report->path = NULL;
    }
    return status;
}
