#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "db/handle.h"
#include "db/project.h"
#include "db/scene.h"

#define COLUMNS \
    "id, name, size, squash, roi_x0, roi_y0, roi_x1, roi_y1, tile, overlap, ignore_sha256, ignore_path, active_revision"

void scene_clear(struct scene *scene)
{
    free(scene->name);
    free(scene->ignore_path);
    *scene = (struct scene){0};
}

static void read_scene(sqlite3_stmt *stmt, struct scene *s)
{
    *s = (struct scene){.id = sqlite3_column_int64(stmt, 0), .name = column_copy(stmt, 1)};
    s->settings.size = sqlite3_column_int(stmt, 2);
    s->settings.squash = sqlite3_column_int(stmt, 3) != 0;
    for (int i = 0; i < 4; i++)
        s->settings.roi[i] = sqlite3_column_double(stmt, 4 + i);
    s->settings.tile = sqlite3_column_int(stmt, 8);
    s->settings.overlap = sqlite3_column_double(stmt, 9);
    column_hash(stmt, 10, s->settings.ignore_sha256);
    s->ignore_path = column_copy(stmt, 11);
    s->active_revision = sqlite3_column_int64(stmt, 12);
}

static void bind_settings(sqlite3_stmt *stmt, const struct screen_settings *s)
{
    sqlite3_bind_int(stmt, 2, s->size);
    sqlite3_bind_int(stmt, 3, s->squash);
    for (int i = 0; i < 4; i++)
        sqlite3_bind_double(stmt, 4 + i, s->roi[i]);
    sqlite3_bind_int(stmt, 8, s->tile);
    sqlite3_bind_double(stmt, 9, s->overlap);
    bind_text(stmt, 10, s->ignore_sha256);
}

static enum status default_settings(struct db *db, struct screen_settings *s, struct error *err)
{
    char *size;
    *s = screen_settings_default;
    enum status status = db_setting_get(db, DB_SCENE_SIZE, &size, err);
    if (status != ST_OK)
        return status;
    if (size && size[0])
        s->size = atoi(size);
    free(size);
    return screen_settings_check(s, err);
}

enum status db_scene_ensure(struct db *db, const char *name, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT id FROM scene WHERE name = ?1", err);
    if (!stmt)
        return err->code;
    if (!name[0])
        return error_set(err, ST_INVALID, "a scene needs a name");
    bind_text(stmt, 1, name);
    enum status status = db_first(db, stmt, "looking for a scene", err);
    if (status == ST_OK) {
        *id = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    if (status != ST_NOT_FOUND)
        return status;
    if (!text_is_name(name))
        return error_set(err, ST_INVALID, "a scene's name has no line breaks or other control characters, and %d bytes at most",
                         TEXT_NAME_BYTES);
    struct screen_settings settings;
    status = default_settings(db, &settings, err);
    if (status != ST_OK)
        return status;
    stmt = db_prepare(db,
                      "INSERT INTO scene(name, size, squash, roi_x0, roi_y0, roi_x1, roi_y1, tile, overlap, ignore_sha256)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                      err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, name);
    bind_settings(stmt, &settings);
    status = db_run(db, stmt, "making a scene", err);
    *id = sqlite3_last_insert_rowid(db->sqlite);
    return status;
}

enum status db_scene_drop_empty(struct db *db, int64_t id, bool *dropped, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, "DELETE FROM scene WHERE id = ?1 AND pictures = 0", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_run(db, stmt, "taking an empty scene away", err);
    *dropped = status == ST_OK && sqlite3_changes(db->sqlite) > 0;
    return status;
}

enum status db_scene_get(struct db *db, int64_t id, const char *name, struct scene *scene, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "SELECT " COLUMNS " FROM scene WHERE (?1 <> 0 AND id = ?1) OR (?1 = 0 AND name = ?2)", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_text(stmt, 2, name);
    enum status status = db_first(db, stmt, "reading a scene", err);
    if (status == ST_OK)
        read_scene(stmt, scene);
    sqlite3_reset(stmt);
    if (status == ST_NOT_FOUND)
        return error_set(err, ST_NOT_FOUND, "there is no scene '%s'", name ? name : "");
    return status;
}

enum status db_scene_list(struct db *db, struct scene **scenes, size_t *count, struct error *err)
{
    size_t capacity = 0;
    int code;
    *scenes = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT " COLUMNS " FROM scene ORDER BY id", err);
    if (!stmt)
        return err->code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*scenes, capacity, *count + 1);
        read_scene(stmt, &(*scenes)[(*count)++]);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "listing the scenes", err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_scene_set(struct db *db, const struct scene *scene, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "UPDATE scene SET size = ?2, squash = ?3, roi_x0 = ?4, roi_y0 = ?5, roi_x1 = ?6,"
                                    " roi_y1 = ?7, tile = ?8, overlap = ?9, ignore_sha256 = ?10, ignore_path = ?11"
                                    " WHERE id = ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene->id);
    bind_settings(stmt, &scene->settings);
    bind_text(stmt, 11, scene->ignore_path);
    return db_run(db, stmt, "storing a scene's settings", err);
}
