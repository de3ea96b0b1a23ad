// What a scene is screened by - its mask, the statistics of its patches, the base - and where its features are.
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/screening_impl.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/project.h"

enum status screening_ignore(const struct project *p, const struct scene *scene, struct image *mask,
                             struct error *err)
{
    struct image colour;
    *mask = (struct image){0};
    if (!scene->ignore_path || !scene->ignore_path[0])
        return ST_OK;
    char *path = file_join(p->dir, scene->ignore_path);
    enum status status = image_load(path, &p->limits, 0, 0, &colour, NULL, err);
    free(path);
    if (status != ST_OK)
        return status;
    image_clear(mask);
    *mask = colour;
    if (colour.channels == 3) { // anything not black is ignored
        struct image gray;
        image_init(&gray, colour.width, colour.height, 1);
        for (size_t i = 0; i < (size_t)colour.width * (size_t)colour.height; i++)
            gray.pixels[i] = colour.pixels[3 * i] | colour.pixels[3 * i + 1] | colour.pixels[3 * i + 2];
        image_clear(&colour);
        *mask = gray;
    }
    return ST_OK;
}

static char *patch_key(const struct scene *scene)
{
    return xasprintf("scene.%lld.patch", (long long)scene->id);
}

enum status screening_patch(struct project *project, const struct scene *scene, char sha256[HASH_HEX],
                            struct error *err)
{
    char *key = patch_key(scene), *value = NULL;
    enum status status = db_setting_get(project->db, key, &value, err);
    sha256[0] = '\0';
    if (status == ST_OK && value && strlen(value) == HASH_HEX - 1)
        memcpy(sha256, value, HASH_HEX);
    free(value);
    free(key);
    return status;
}

enum status screening_use_patch(struct project *project, const struct scene *scene, const char *sha256, struct error *err)
{
    char *key = patch_key(scene);
    enum status status = db_setting_set(project->db, key, sha256, err);
    free(key);
    return status;
}

enum status screening_other_base(const struct scene *scene, struct error *err)
{
    return error_set(err, ST_INVALID, "scene %s: screened with another base; run `assay screen` with this one", scene->name);
}

enum status screening_fits(const struct project *project, const struct base_info *base, const struct scene *scene, const char *sha256,
                           struct error *err)
{
    struct error why;
    char *path = project_model(project, sha256);
    enum status status = patch_fits(path, base, &scene->settings, &why);
    free(path);
    if (status == ST_INVALID)
        return error_set(err, status, "scene %s: screened with other settings; run `assay screen` with these", scene->name);
    if (status != ST_OK)
        *err = why;
    return status;
}

enum status screening_begun(struct project *project, const struct scene *scene, char sha256[HASH_HEX], struct error *err)
{
    struct base_info base;
    enum status status = screening_patch(project, scene, sha256, err);
    if (status == ST_OK && !scene->active_revision)
        status = error_set(err, ST_INVALID, "scene %s was not screened yet; run `assay screen` first", scene->name);
    else if (status == ST_OK && !sha256[0]) // forgotten with the base before
        status = screening_other_base(scene, err);
    if (status == ST_OK)
        status = project_base_kept(project, &base, err);
    return status == ST_OK ? screening_fits(project, &base, scene, sha256, err) : status;
}

enum status screening_forget(struct project *project, struct error *err)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    enum status status = db_scene_list(project->db, &scenes, &count, err);
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK)
            status = screening_use_patch(project, &scenes[i], "", err);
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return status;
}

enum status screening_change_base(struct project *project, const char *name, struct error *err)
{
    enum status status = db_begin(project->db, err);
    if (status != ST_OK)
        return status;
    status = project_use_base(project, name, err);
    if (status == ST_OK)
        status = screening_forget(project, err);
    if (status == ST_OK)
        return db_commit(project->db, err);
    db_rollback(project->db);
    return status;
}

// A watcher holds the store for a moment at a time; another screening for long.
enum status screening_store(const struct project *project, const struct base *base, const struct scene *scene,
                            const char *patch_sha256, struct store **store, struct error *err)
{
    double until = clock_seconds() + 5;
    enum status status = screening_store_now(project, base, scene, patch_sha256, store, err);
    while (status == ST_BUSY && clock_seconds() < until && !stop_asked(NULL)) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        status = screening_store_now(project, base, scene, patch_sha256, store, err);
    }
    return status;
}

static char *store_path(const struct project *project, const struct base_info *base, const struct scene *scene,
                        const char *patch_sha256)
{
    return xasprintf("%s/cache/scene-%lld-%.12s-%s.features", project->dir, (long long)scene->id, patch_sha256,
                     base->precision);
}

static char *store_key(const struct base_info *base, const char *patch_sha256)
{
    // Taps of another precision differ a little: a score is never made of both.
    return xasprintf("%.64s %.64s %s", base->sha256, patch_sha256, base->precision);
}

enum status screening_store_reading(const struct project *project, const struct base_info *base, const struct scene *scene,
                                    const char *patch_sha256, struct store **store, struct error *err)
{
    char *path = store_path(project, base, scene, patch_sha256), *key = store_key(base, patch_sha256);
    enum status status = store_open_reading(path, key, store, err);
    free(key);
    free(path);
    return status;
}

enum status screening_store_now(const struct project *project, const struct base *base, const struct scene *scene,
                                const char *patch_sha256, struct store **store, struct error *err)
{
    char *path = store_path(project, base_info(base), scene, patch_sha256), *key = store_key(base_info(base), patch_sha256);
    char *cache = file_join(project->dir, "cache");
    enum status status = file_mkdirs(cache, err);
    if (status == ST_OK)
        status = store_open(path, key, extract_dim(base), store, err);
    free(key);
    free(cache);
    free(path);
    return status;
}
