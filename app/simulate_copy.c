#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/quality.h"

static enum status make_scene(struct simulate_copy *copy, const struct project *source,
                              const struct scene *from, struct scene *to, struct error *err)
{
    int64_t id;
    enum status status = db_scene_ensure(copy->project.db, from->name, &id, err);
    if (status == ST_OK)
        status = db_scene_get(copy->project.db, id, NULL, to, err);
    if (status != ST_OK)
        return status;
    to->settings = from->settings;
    free(to->ignore_path);
    to->ignore_path =
        from->ignore_path && from->ignore_path[0] ? file_join(source->dir, from->ignore_path) : xstrdup("");
    return db_scene_set(copy->project.db, to, err);
}

static enum status copy_picture(struct simulate_copy *copy, const struct project *source,
                                struct simulate_picture *p, struct error *err)
{
    struct picture row;
    enum picture_outcome outcome;
    enum status status = db_picture_get(source->db, p->source, &row, err);
    if (status != ST_OK)
        return status;
    struct picture_new picture = {.scene = copy->scenes[p->scene].id,
                                  .path = p->path,
                                  .bytes = row.bytes,
                                  .width = row.width,
                                  .height = row.height,
                                  .channels = row.channels,
                                  .format = row.format,
                                  .group = p->group,
                                  .phash = row.phash,
                                  .object = row.object,
                                  .position = row.position,
                                  .camera = row.camera,
                                  .taken = row.taken};
    memcpy(picture.sha256, row.sha256, HASH_HEX);
    status = db_picture_add(copy->project.db, &picture, &p->id, &outcome, err);
    if (status == ST_OK && p->measured)
        status = db_quality_set(copy->project.db, p->id, &p->quality, err);
    picture_clear(&row);
    return status;
}

static enum status fill(struct simulate_copy *copy, const struct project *source, struct simulate_set *set,
                        bool held, struct error *err)
{
    enum status status = db_begin(copy->project.db, err);
    if (status != ST_OK)
        return status;
    for (; copy->scene_count < set->scene_count && status == ST_OK; copy->scene_count++)
        status =
            make_scene(copy, source, &set->scenes[copy->scene_count], &copy->scenes[copy->scene_count], err);
    for (size_t i = 0; i < set->count && status == ST_OK; i++) {
        struct simulate_picture *p = &set->pictures[i];
        if (p->held != held)
            continue;
        status = copy_picture(copy, source, p, err);
        copy->last = p->id > copy->last ? p->id : copy->last;
    }
    if (status == ST_OK)
        return db_commit(copy->project.db, err);
    db_rollback(copy->project.db);
    return status;
}

// The models of the pictures to ask about are those of the pictures held out, too.
static enum status share_models(const char *dir, struct error *err)
{
    char *path = file_join(dir, "models");
    enum status status = file_mkdirs(dir, err);
    if (status == ST_OK && symlink("../pool/models", path) != 0)
        status = error_set(err, ST_IO, "%s: cannot be made: %s", path, strerror(errno));
    free(path);
    return status;
}

enum status simulate_copy_make(const struct project *source, const char *work, struct simulate_set *set,
                               bool held, struct simulate_copy *copy, struct error *err)
{
    char *base, *dir = file_join(work, held ? "held" : "pool");
    *copy = (struct simulate_copy){0};
    enum status status = held ? share_models(dir, err) : ST_OK;
    if (status == ST_OK)
        status = project_base_name(source, &base, err);
    if (status == ST_OK) {
        char *file = strcmp(base, BASE_FILTERS) == 0 ? xstrdup(base) : project_model(source, base);
        status = project_create(dir, file, &copy->project, err);
        free(file);
        free(base);
    }
    if (status == ST_OK) {
        copy->project.limits = source->limits;
        copy->scenes = xcalloc(set->scene_count + 1, sizeof *copy->scenes);
        status = fill(copy, source, set, held, err);
        copy->at = xcalloc((size_t)copy->last + 1, sizeof *copy->at);
        for (size_t i = 0; i < set->count && status == ST_OK; i++)
            if (set->pictures[i].held == held)
                copy->at[set->pictures[i].id] = &set->pictures[i];
    }
    free(dir);
    if (status != ST_OK)
        simulate_copy_clear(copy);
    return status;
}

void simulate_copy_clear(struct simulate_copy *copy)
{
    for (size_t s = 0; s < copy->scene_count; s++)
        scene_clear(&copy->scenes[s]);
    free(copy->scenes);
    free(copy->at);
    project_close(&copy->project);
    *copy = (struct simulate_copy){0};
}
