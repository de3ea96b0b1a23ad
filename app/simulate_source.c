#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/add.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "base/file.h"

// --- pictures that belong to no project ---

struct listed { // a line of the table
    const char *scene;
    char *path;
};

static int by_scene(const void *left, const void *right)
{
    const struct listed *a = left, *b = right;
    int order = strcmp(a->scene, b->scene);
    return order ? order : strcmp(a->path, b->path);
}

static enum status list_pictures(const struct csv_table *table, const char *file, struct listed *listed,
                                 struct error *err)
{
    char *folder = truth_folder(file);
    struct stat st;
    enum status status = ST_OK;
    for (size_t i = 0; i < table->rows && status == ST_OK; i++) {
        const char *path = csv_cell(table, i, csv_column(table, "path"));
        const char *scene = csv_cell(table, i, csv_column(table, "scene"));
        char *joined = file_join(folder, path);
        listed[i] = (struct listed){scene[0] ? scene : "main", realpath(joined, NULL)};
        if (!path[0])
            status = error_set(err, ST_INVALID, "%s: line %zu: no path", file, table->lines[i]);
        else if (!listed[i].path)
            status = error_set(err, ST_NOT_FOUND, "%s: line %zu: %s: %s", file, table->lines[i], joined,
                               strerror(errno));
        else if (stat(listed[i].path, &st) == 0 && S_ISDIR(st.st_mode)) // all that is below it would be added
            status = error_set(err, ST_INVALID, "%s: line %zu: %s: a folder, not a picture", file, table->lines[i], joined);
        free(joined);
    }
    free(folder);
    return status;
}

static enum status add_listed(struct project *project, const struct listed *listed, size_t count, bool quiet,
                              struct error *err)
{
    char **paths = xcalloc(count + 1, sizeof *paths);
    enum status status = ST_OK;
    for (size_t first = 0, n; first < count && status == ST_OK; first += n) {
        for (n = 0; first + n < count && strcmp(listed[first + n].scene, listed[first].scene) == 0; n++)
            paths[n] = listed[first + n].path;
        struct add_options options = {.scene = listed[first].scene, .quiet = quiet};
        struct add_report report = {.bad = json_array()};
        status = add_paths(project, paths, n, &options, &report, err);
        json_decref(report.bad);
    }
    free(paths);
    return status;
}

static enum status make_project(const struct simulate_options *o, const char *work, struct project *project,
                                struct error *err)
{
    struct csv_table table;
    enum status status = csv_read(o->truth, &table, err);
    if (status != ST_OK)
        return status;
    struct listed *listed = xcalloc(table.rows + 1, sizeof *listed);
    char *dir = file_join(work, "source");
    if (csv_column(&table, "path") < 0 || csv_column(&table, "verdict") < 0)
        status = error_set(err, ST_INVALID, "%s: needs the columns path and verdict", o->truth);
    if (status == ST_OK)
        status = list_pictures(&table, o->truth, listed, err);
    if (status == ST_OK)
        status = project_create(dir, o->base, project, err);
    if (status == ST_OK) {
        qsort(listed, table.rows, sizeof *listed, by_scene);
        status = add_listed(project, listed, table.rows, o->json, err);
        if (status != ST_OK)
            project_close(project);
    }
    for (size_t i = 0; i < table.rows; i++)
        free(listed[i].path);
    free(listed);
    free(dir);
    csv_clear(&table);
    return status;
}

enum status simulate_source(const struct simulate_options *o, const char *work, struct project *source,
                            struct error *err)
{
    enum status status = project_open(NULL, source, err);
    if (status == ST_NOT_FOUND)
        return make_project(o, work, source, err);
    if (status == ST_OK && o->base) {
        project_close(source);
        return error_set(err, ST_INVALID,
                         "--base is for pictures without a project; the one here has its own base");
    }
    return status;
}
