// Scenes: pictures that are looked at in the same way (scene.c).
#ifndef DB_SCENE_H
#define DB_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "screen/settings.h"

struct db;

struct scene {
    int64_t id;
    char *name;
    struct screen_settings settings;
    char *ignore_path;       // ignore mask, "" none
    int64_t active_revision; // 0 before the first screening
};
void scene_clear(struct scene *scene);

ASSAY_CHECKED enum status db_scene_ensure(struct db *db, const char *name, int64_t *id, struct error *err);
// One without a picture goes; *dropped: it was such a one.
ASSAY_CHECKED enum status db_scene_drop_empty(struct db *db, int64_t id, bool *dropped, struct error *err);
// id 0: by name. ST_NOT_FOUND when there is none.
ASSAY_CHECKED enum status db_scene_get(struct db *db, int64_t id, const char *name, struct scene *scene,
                                       struct error *err);
ASSAY_CHECKED enum status db_scene_list(struct db *db, struct scene **scenes, size_t *count,
                                        struct error *err); // by id; caller clears each and frees the array
ASSAY_CHECKED enum status db_scene_set(struct db *db, const struct scene *scene, struct error *err); // settings, ignore_path

#endif
