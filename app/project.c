#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/project.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "db/project.h"

static char *absolute(const char *dir)
{
    char *full = realpath(dir, NULL);
    return full ? full : xstrdup(dir);
}

enum status project_create(const char *dir, const char *base, struct project *project, struct error *err)
{
    static const char *const folders[] = {"models", "cache", "pictures"};
    enum { FOLDERS = sizeof folders / sizeof *folders };
    char *paths[FOLDERS], name[HASH_HEX];
    bool mine[FOLDERS], made = false, own = !file_exists(dir);
    *project = (struct project){.limits = image_limits_default};
    enum status status = file_mkdirs(dir, err);
    if (status != ST_OK)
        return status;
    project->dir = absolute(dir);
    for (size_t i = 0; i < FOLDERS; i++) {
        paths[i] = file_join(project->dir, folders[i]);
        mine[i] = !file_exists(paths[i]);
        if (status == ST_OK)
            status = file_mkdirs(paths[i], err);
    }
    char *path = file_join(project->dir, "project.db");
    if (status == ST_OK)
        status = settings_load(project->dir, &project->settings, err);
    if (status == ST_OK)
        status = db_create(path, &project->db, err);
    made = status == ST_OK;
    if (status == ST_OK)
        status = project_take_base(project, base, name, err);
    if (status == ST_OK)
        status = project_use_base(project, name, err);
    if (status != ST_OK) {
        project_close(project);
        if (made) // nothing is in it yet: a project without a base must not stay behind
            unlink(path);
    }
    for (size_t i = 0; i < FOLDERS; i++) {
        if (status != ST_OK && mine[i])
            rmdir(paths[i]);
        free(paths[i]);
    }
    if (status != ST_OK && own)
        rmdir(dir);
    free(path);
    return status;
}

static enum status read_limits(struct project *p, struct error *err)
{
    char *value;
    enum status status = db_setting_get(p->db, "limit.pixels", &value, err);
    if (status == ST_OK && value)
        p->limits.pixels = strtoull(value, NULL, 10);
    if (status == ST_OK) {
        free(value);
        status = db_setting_get(p->db, "limit.bytes", &value, err);
        if (status == ST_OK && value)
            p->limits.file_bytes = strtoull(value, NULL, 10);
        if (status == ST_OK)
            free(value);
    }
    return status;
}

// The nearest folder from here upwards that holds project.db; NULL when there is none.
char *project_nearest(void)
{
    char *here = getcwd(NULL, 0);
    while (here) {
        char *file = file_join(here, "project.db");
        bool found = file_exists(file);
        free(file);
        char *slash = strrchr(here, '/');
        if (found)
            return here;
        if (slash == here && here[1] == '\0')
            break;
        slash[slash == here] = '\0';
    }
    free(here);
    return NULL;
}

enum status project_open(const char *dir, struct project *project, struct error *err)
{
    *project = (struct project){.limits = image_limits_default};
    project->dir = dir ? absolute(dir) : project_nearest();
    if (!project->dir)
        return error_set(err, ST_NOT_FOUND,
                         "there is no project here or in a folder above; make one with `assay init DIR`");
    char *path = file_join(project->dir, "project.db");
    enum status status;
    if (file_exists(path))
        status = db_open(path, &project->db, err);
    else
        status = error_set(err, ST_NOT_FOUND, "%s: no project in this folder; make one with `assay init DIR`",
                           project->dir);
    free(path);
    if (status == ST_OK)
        status = read_limits(project, err);
    if (status == ST_OK)
        status = settings_load(project->dir, &project->settings, err);
    if (status != ST_OK)
        project_close(project);
    return status;
}

int project_threads(const struct project *project, int given)
{
    int set = (int)settings_whole(project->settings, SETTING_THREADS);
    return given > 0 ? given : set > 0 ? set : parallel_cores();
}

void project_close(struct project *project)
{
    if (project->db)
        db_close(project->db);
    settings_free(project->settings);
    free(project->dir);
    *project = (struct project){0};
}

enum status project_scene(const struct project *project, const char *name, struct scene *scene, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    bool found = false;
    enum status status = db_scene_list(project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        if (!found && (name ? strcmp(scenes[i].name, name) == 0 : count == 1)) {
            *scene = scenes[i]; // what it points to goes along
            found = true;
        } else {
            scene_clear(&scenes[i]);
        }
    }
    free(scenes);
    if (status != ST_OK || found)
        return status;
    if (name)
        return error_set(err, ST_NOT_FOUND, "there is no scene '%s'", name);
    if (count == 0)
        return error_set(err, ST_NOT_FOUND, "there are no pictures yet; `assay add` adds some");
    return error_set(err, ST_INVALID, "there are %zu scenes: name one with --scene", count);
}

char *project_model(const struct project *project, const char *sha256)
{
    return xasprintf("%s/models/%s.safetensors", project->dir, sha256);
}

char *project_picture(const struct project *project, const struct picture *row)
{
    if (row->kept && row->kept[0] && !file_exists(row->path))
        return file_join(project->dir, row->kept);
    return xstrdup(row->path);
}

enum status project_keep(const struct project *project, struct db *db, int64_t picture, struct error *err)
{
    struct picture row;
    enum status status = db_picture_get(db, picture, &row, err);
    if (status != ST_OK)
        return status;
    if ((row.kept && row.kept[0]) || !row.sha256[0]) {
        picture_clear(&row);
        return ST_OK;
    }
    const char *suffix = strcmp(row.format, "jpeg") == 0 ? "jpg" : row.format;
    char *kept = xasprintf("pictures/%.2s/%s.%s", row.sha256, row.sha256, suffix);
    char *path = file_join(project->dir, kept);
    char *folder = xasprintf("%s/pictures/%.2s", project->dir, row.sha256);
    unsigned char *bytes = NULL;
    size_t count = 0;
    status = file_read(row.path, project->limits.file_bytes, &bytes, &count, err);
    if (status == ST_OK) {
        char sha256[HASH_HEX];
        hash_bytes(bytes, count, sha256);
        if (strcmp(sha256, row.sha256) != 0)
            status = error_set(err, ST_CORRUPT, "%s: changed on disk since it was added; add it again", row.path);
    }
    if (status == ST_OK)
        status = file_mkdirs(folder, err);
    if (status == ST_OK)
        status = file_write(path, bytes, count, err);
    if (status == ST_OK)
        status = db_picture_set_kept(db, picture, kept, err);
    free(bytes);
    free(folder);
    free(path);
    free(kept);
    picture_clear(&row);
    return status;
}
