#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/prune.h"
#include "app/screening.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/revision.h"

static enum status remove_file(const char *path, struct error *err)
{
    return unlink(path) == 0 || errno == ENOENT ? ST_OK : error_set(err, ST_IO, "%s: cannot be removed: %s", path, strerror(errno));
}

// Features and what a trained model said, which are named after the file that they came from.
static enum status remove_cached(const struct project *project, const struct scene *scene, const char *sha256, struct error *err)
{
    char *folder = file_join(project->dir, "cache"), *stem = xasprintf("scene-%lld-%.12s-", (long long)scene->id, sha256);
    DIR *dir = opendir(folder);
    enum status status = dir || errno == ENOENT ? ST_OK : error_set(err, ST_IO, "%s: cannot be read: %s", folder, strerror(errno));
    for (struct dirent *e; dir && status == ST_OK && (e = readdir(dir));)
        if (strncmp(e->d_name, stem, strlen(stem)) == 0) {
            char *path = file_join(folder, e->d_name);
            status = remove_file(path, err);
            free(path);
        }
    if (dir)
        closedir(dir);
    free(stem);
    free(folder);
    return status;
}

static enum status remove_files(struct project *project, const struct scene *scene, const struct revision *revision, struct error *err)
{
    const char *names[] = {revision->model_sha256, revision->patch_sha256, revision->learned_sha256};
    char now[HASH_HEX]; // what the next screening begins from
    enum status status = screening_patch(project, scene, now, err);
    for (int i = 0; i < 3 && status == ST_OK; i++) {
        bool used = !names[i][0] || strcmp(names[i], now) == 0;
        if (!used)
            status = db_revision_uses(project->db, names[i], &used, err);
        if (status != ST_OK || used)
            continue;
        status = remove_cached(project, scene, names[i], err);
        if (status == ST_OK && names[i] != revision->learned_sha256) {
            char *path = project_model(project, names[i]);
            status = remove_file(path, err);
            free(path);
        }
    }
    return status;
}

enum status prune_revisions(struct project *project, const struct scene *scene, struct error *err)
{
    struct revision revision;
    long keep = settings_whole(project->settings, SETTING_REVISIONS_KEEP);
    enum status status = keep ? db_revision_prune(project->db, scene->id, (int)keep, err) : ST_OK;
    while (status == ST_OK && (status = db_revision_pruned(project->db, scene->id, &revision, err)) == ST_OK) {
        status = remove_files(project, scene, &revision, err);
        for (bool more = true; more && status == ST_OK;)
            if (stop_asked(NULL))
                return ST_OK;
            else
                status = db_revision_drop(project->db, revision.id, &more, err);
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}
