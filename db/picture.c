#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/handle.h"
#include "db/picture.h"

#define COLUMNS                                                                                        \
    "p.id, p.scene, (SELECT path FROM location WHERE picture = p.id ORDER BY id LIMIT 1), p.kept, p.grp," \
    " p.object, p.position, p.camera, p.taken, p.unreadable, p.format, p.sha256, p.width, p.height,"   \
    " p.channels, p.bytes, p.phash"

void picture_clear(struct picture *picture)
{
    char *texts[] = {picture->path, picture->kept, picture->group, picture->object, picture->position,
                     picture->camera, picture->taken, picture->unreadable, picture->format};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    *picture = (struct picture){0};
}

static struct phash read_phash(sqlite3_stmt *stmt, int at)
{
    struct phash hash = {{0}};
    const void *blob = sqlite3_column_blob(stmt, at);
    if (blob && sqlite3_column_bytes(stmt, at) == (int)sizeof hash)
        memcpy(&hash, blob, sizeof hash);
    return hash;
}

static void read_picture(sqlite3_stmt *stmt, struct picture *p)
{
    *p = (struct picture){
        .id = sqlite3_column_int64(stmt, 0),
        .scene = sqlite3_column_int64(stmt, 1),
        .path = column_copy(stmt, 2),
        .kept = column_copy(stmt, 3),
        .group = column_copy(stmt, 4),
        .object = column_copy(stmt, 5),
        .position = column_copy(stmt, 6),
        .camera = column_copy(stmt, 7),
        .taken = column_copy(stmt, 8),
        .unreadable = column_copy(stmt, 9),
        .format = column_copy(stmt, 10),
        .width = sqlite3_column_int(stmt, 12),
        .height = sqlite3_column_int(stmt, 13),
        .channels = sqlite3_column_int(stmt, 14),
        .bytes = (uint64_t)sqlite3_column_int64(stmt, 15),
        .phash = read_phash(stmt, 16),
    };
    column_hash(stmt, 11, p->sha256);
}

enum status db_picture_unchanged(struct db *db, const char *path, uint64_t bytes, int64_t mtime_ns, bool *unchanged,
                                 struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT 1 FROM location l JOIN picture p ON p.id = l.picture WHERE l.path = ?1"
                                    " AND l.bytes = ?2 AND l.mtime_ns = ?3 AND p.unreadable IS NULL",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, path);
    sqlite3_bind_int64(stmt, 2, (int64_t)bytes);
    sqlite3_bind_int64(stmt, 3, mtime_ns);
    enum status status = db_first(db, stmt, "looking for a picture", err);
    *unchanged = status == ST_OK;
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// One number from a statement with one text or number bound; 0 when there is no row.
static enum status find_id(struct db *db, sqlite3_stmt *stmt, int64_t *id, struct error *err)
{
    *id = 0;
    if (!stmt)
        return err->code;
    enum status status = db_first(db, stmt, "looking for a picture", err);
    if (status == ST_OK)
        *id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status id_by_text(struct db *db, const char *sql, const char *text, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (stmt)
        bind_text(stmt, 1, text);
    return find_id(db, stmt, id, err);
}

static enum status build_near(struct db *db, int64_t scene, struct error *err)
{
    if (db->near && db->near_scene == scene)
        return ST_OK;
    phash_index_free(db->near);
    db->near = phash_index_new();
    db->near_scene = scene;
    sqlite3_stmt *stmt = db_prepare(
        db, "SELECT id, phash FROM picture WHERE scene = ?1 AND unreadable IS NULL AND phash IS NOT NULL ORDER BY id", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, scene);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct phash hash = read_phash(stmt, 1);
        phash_index_add(db->near, &hash, sqlite3_column_int64(stmt, 0));
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "comparing pictures", err);
    sqlite3_reset(stmt);
    return status;
}

// The group of the earliest near-duplicate; a group that exists never changes.
static enum status near_group(struct db *db, const struct picture_new *p, int64_t id, char **group, struct error *err)
{
    *group = NULL;
    enum status status = build_near(db, p->scene, err);
    if (status != ST_OK)
        return status;
    int64_t twin = phash_index_add(db->near, &p->phash, id);
    if (twin >= 0 && twin != id) {
        sqlite3_stmt *stmt = db_prepare(db, "SELECT grp FROM picture WHERE id = ?1", err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, twin);
        status = db_first(db, stmt, "reading a group", err);
        if (status == ST_OK)
            *group = column_copy(stmt, 0);
        sqlite3_reset(stmt);
    }
    if (!*group)
        *group = xasprintf("content:%.16s", p->sha256);
    return status;
}

// What the bytes say, as ?2 .. ?9.
static void bind_content(sqlite3_stmt *stmt, const struct picture_new *p)
{
    bind_text_or_null(stmt, 2, p->sha256);
    sqlite3_bind_int64(stmt, 3, (int64_t)p->bytes);
    sqlite3_bind_int(stmt, 4, p->width);
    sqlite3_bind_int(stmt, 5, p->height);
    sqlite3_bind_int(stmt, 6, p->channels);
    bind_text(stmt, 7, p->format);
    bind_text_or_null(stmt, 8, p->unreadable);
    if (!p->unreadable)
        sqlite3_bind_blob(stmt, 9, &p->phash, sizeof p->phash, SQLITE_TRANSIENT);
}

static enum status group_by_looks(struct db *db, const struct picture_new *p, int64_t id, struct error *err)
{
    char *group = NULL;
    enum status status = ST_OK;
    if (p->unreadable)
        group = xasprintf("unreadable:%lld", (long long)id);
    else
        status = near_group(db, p, id, &group, err);
    sqlite3_stmt *stmt =
        status == ST_OK ? db_prepare(db, "UPDATE picture SET grp = ?2 WHERE id = ?1 AND grp_given = 0", err) : NULL;
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, id);
        bind_text(stmt, 2, group);
        status = db_run(db, stmt, "storing a group", err);
    } else if (status == ST_OK) {
        status = err->code;
    }
    free(group);
    return status;
}

static enum status insert_picture(struct db *db, const struct picture_new *p, int64_t *id, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT INTO picture(scene, sha256, bytes, width, height, channels, format, unreadable, phash, grp, grp_given,"
        " object, position, camera, taken, added_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
        " ?15, ?16)",
        err);
    if (!stmt)
        return err->code;
    bool given = p->group && p->group[0];
    sqlite3_bind_int64(stmt, 1, p->scene);
    bind_content(stmt, p);
    bind_text(stmt, 10, given ? p->group : "");
    sqlite3_bind_int(stmt, 11, given);
    bind_text_or_null(stmt, 12, p->object);
    bind_text_or_null(stmt, 13, p->position);
    bind_text_or_null(stmt, 14, p->camera);
    bind_text_or_null(stmt, 15, p->taken);
    sqlite3_bind_int64(stmt, 16, clock_unix_ms());
    enum status status = db_run(db, stmt, "adding a picture", err);
    *id = sqlite3_last_insert_rowid(db->sqlite);
    return status != ST_OK || given ? status : group_by_looks(db, p, *id, err);
}

// A picture that could not be read is read now (it was still being written, or
// a limit was raised), or fails in another way: its record takes the new content.
static enum status renew(struct db *db, int64_t id, const struct picture_new *p, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "UPDATE picture SET sha256 = ?2, bytes = ?3, width = ?4, height = ?5, channels = ?6,"
                                    " format = ?7, unreadable = ?8, phash = ?9 WHERE id = ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_content(stmt, p);
    enum status status = db_run(db, stmt, "storing a picture", err);
    return status == ST_OK ? group_by_looks(db, p, id, err) : status;
}

// Whether picture `id` is an unreadable one, and whether one path alone leads to it.
static enum status is_unreadable(struct db *db, int64_t id, bool *unreadable, bool *alone, struct error *err)
{
    *unreadable = *alone = false;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT unreadable IS NOT NULL, (SELECT count(*) FROM location WHERE picture = ?1) < 2"
                                    " FROM picture WHERE id = ?1",
                                    err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_first(db, stmt, "looking for a picture", err);
    if (status == ST_OK) {
        *unreadable = sqlite3_column_int(stmt, 0) != 0;
        *alone = sqlite3_column_int(stmt, 1) != 0;
    }
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status fill_metadata(struct db *db, int64_t id, const struct picture_new *p, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db,
        "UPDATE picture SET object = coalesce(?2, object), position = coalesce(?3, position),"
        " camera = coalesce(?4, camera), taken = coalesce(?5, taken),"
        " unreadable = CASE WHEN ?8 OR sha256 IS NULL THEN ?6 ELSE unreadable END,"
        " grp = CASE WHEN ?7 IS NOT NULL AND grp_given = 0 THEN ?7 ELSE grp END,"
        " grp_given = grp_given OR ?7 IS NOT NULL WHERE id = ?1",
        err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_text_or_null(stmt, 2, p->object);
    bind_text_or_null(stmt, 3, p->position);
    bind_text_or_null(stmt, 4, p->camera);
    bind_text_or_null(stmt, 5, p->taken);
    bind_text_or_null(stmt, 6, p->unreadable);
    bind_text_or_null(stmt, 7, p->group);
    sqlite3_bind_int(stmt, 8, p->sha256[0] != '\0'); // a file that cannot be opened says nothing about known content
    return db_run(db, stmt, "storing metadata", err);
}

static enum status put_location(struct db *db, int64_t id, const struct picture_new *p, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db,
                                    "INSERT INTO location(picture, path, name, bytes, mtime_ns) VALUES(?1, ?2, ?3, ?4, ?5)"
                                    " ON CONFLICT(path) DO UPDATE SET picture = excluded.picture, bytes = excluded.bytes,"
                                    " mtime_ns = excluded.mtime_ns",
                                    err);
    if (!stmt)
        return err->code;
    const char *slash = strrchr(p->path, '/');
    sqlite3_bind_int64(stmt, 1, id);
    bind_text(stmt, 2, p->path);
    bind_text(stmt, 3, slash ? slash + 1 : p->path);
    sqlite3_bind_int64(stmt, 4, (int64_t)p->bytes);
    sqlite3_bind_int64(stmt, 5, p->mtime_ns);
    return db_run(db, stmt, "storing a path", err);
}

// Drop paths of picture `id` that are gone from disk; *gone counts them.
static enum status drop_gone(struct db *db, int64_t id, const char *except, int *gone, struct error *err)
{
    *gone = 0;
    for (;;) {
        int64_t dead = 0;
        sqlite3_stmt *stmt = db_prepare(db, "SELECT id, path FROM location WHERE picture = ?1 AND path <> ?2", err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, id);
        bind_text(stmt, 2, except);
        while (!dead && sqlite3_step(stmt) == SQLITE_ROW)
            if (!file_exists(column_text(stmt, 1)))
                dead = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
        if (!dead)
            return ST_OK;
        stmt = db_prepare(db, "DELETE FROM location WHERE id = ?1", err);
        if (!stmt)
            return err->code;
        sqlite3_bind_int64(stmt, 1, dead);
        enum status status = db_run(db, stmt, "storing a path", err);
        if (status != ST_OK)
            return status;
        ++*gone;
    }
}

static enum status add(struct db *db, const struct picture_new *p, int64_t *id, enum picture_outcome *outcome,
                       struct error *err)
{
    int64_t at_path, content = 0;
    int gone = 0;
    bool bad, alone;
    enum status status = id_by_text(db, "SELECT picture FROM location WHERE path = ?1", p->path, &at_path, err);
    if (status == ST_OK && p->sha256[0])
        status = id_by_text(db, "SELECT id FROM picture WHERE sha256 = ?1", p->sha256, &content, err);
    if (status != ST_OK)
        return status;
    if (!p->sha256[0] && at_path) // still cannot be opened: the reason is refreshed where nothing better is known
        content = at_path;
    status = is_unreadable(db, content ? content : at_path, &bad, &alone, err);
    if (status != ST_OK)
        return status;
    if (content || (bad && alone)) {
        *id = content ? content : at_path;
        *outcome = PICTURE_KNOWN;
        if (bad && (!content || !p->unreadable)) {
            status = renew(db, *id, p, err);
            *outcome = PICTURE_ADDED;
        }
        if (status == ST_OK)
            status = fill_metadata(db, *id, p, err);
        if (status == ST_OK && at_path != *id) {
            status = drop_gone(db, *id, p->path, &gone, err);
            *outcome = gone ? PICTURE_MOVED : PICTURE_COPY;
        }
    } else {
        status = insert_picture(db, p, id, err);
        *outcome = at_path ? PICTURE_CHANGED : PICTURE_ADDED;
    }
    if (p->unreadable)
        *outcome = bad && at_path && at_path == content ? PICTURE_STILL_UNREADABLE : PICTURE_UNREADABLE;
    return status == ST_OK ? put_location(db, *id, p, err) : status;
}

enum status db_picture_add(struct db *db, const struct picture_new *picture, int64_t *id,
                           enum picture_outcome *outcome, struct error *err)
{
    bool own;
    enum status status = db_enter(db, &own, err);
    if (status != ST_OK)
        return status;
    status = add(db, picture, id, outcome, err);
    return db_leave(db, own, status, err);
}

enum status db_picture_scene(struct db *db, const char *path, int64_t *scene, struct error *err)
{
    return id_by_text(db, "SELECT p.scene FROM location l JOIN picture p ON p.id = l.picture WHERE l.path = ?1", path, scene, err);
}

enum status db_picture_get(struct db *db, int64_t id, struct picture *picture, struct error *err)
{
    *picture = (struct picture){0};
    sqlite3_stmt *stmt = db_prepare(db, "SELECT " COLUMNS " FROM picture p WHERE p.id = ?1", err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    enum status status = db_first(db, stmt, "reading a picture", err);
    if (status == ST_OK)
        read_picture(stmt, picture);
    sqlite3_reset(stmt);
    return status == ST_NOT_FOUND ? error_set(err, status, "there is no picture number %lld", (long long)id) : status;
}

enum status db_picture_find(struct db *db, const char *path, int64_t *id, struct error *err)
{
    enum status status = id_by_text(db, "SELECT picture FROM location WHERE path = ?1", path, id, err);
    if (status != ST_OK || *id)
        return status;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    const char *slash = strrchr(path, '/');
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT min(picture), count(DISTINCT picture) FROM location WHERE name = ?1"
                                    " AND (path = ?2 OR substr(path, -length(?2) - 1) = '/' || ?2)",
                                    err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, slash ? slash + 1 : path);
    bind_text(stmt, 2, path);
    status = db_first(db, stmt, "looking for a picture", err);
    bool unique = status == ST_OK && sqlite3_column_int64(stmt, 1) == 1;
    *id = unique ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    if (status == ST_OK && !unique)
        return error_set(err, ST_NOT_FOUND, "%s: not one picture of this project", path);
    return status;
}

enum status db_picture_page(struct db *db, int64_t scene, bool unreadable, int64_t after, size_t limit,
                            struct picture **rows, size_t *count, struct error *err)
{
    *rows = NULL;
    *count = 0;
    // one text for each choice, so that each reads from an index and stops at the limit
#define PAGE(where) "SELECT " COLUMNS " FROM picture p WHERE p.id > ?1 AND " where " ORDER BY p.id LIMIT ?3"
    static const char *const texts[2][2] = {
        {PAGE("p.unreadable IS NULL"), PAGE("p.unreadable IS NOT NULL")},
        {PAGE("p.scene = ?2 AND p.unreadable IS NULL"), PAGE("p.scene = ?2 AND p.unreadable IS NOT NULL")}};
#undef PAGE
    sqlite3_stmt *stmt = db_prepare(db, texts[scene != 0][unreadable], err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, after);
    if (scene)
        sqlite3_bind_int64(stmt, 2, scene);
    sqlite3_bind_int64(stmt, 3, (int64_t)limit);
    *rows = xcalloc(limit + 1, sizeof **rows);
    int code = SQLITE_DONE;
    while (*count < limit && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        read_picture(stmt, &(*rows)[(*count)++]);
    enum status status = code == SQLITE_DONE || code == SQLITE_ROW ? ST_OK : db_failed(db, "listing pictures", err);
    sqlite3_reset(stmt);
    return status;
}

static enum status update_text(struct db *db, const char *sql, int64_t id, const char *text, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!stmt)
        return err->code;
    sqlite3_bind_int64(stmt, 1, id);
    bind_text(stmt, 2, text);
    return db_run(db, stmt, "changing a picture's record", err);
}

enum status db_picture_set_group(struct db *db, int64_t id, const char *group, struct error *err)
{
    return update_text(db, "UPDATE picture SET grp = ?2, grp_given = 1 WHERE id = ?1", id, group, err);
}

enum status db_picture_set_kept(struct db *db, int64_t id, const char *kept, struct error *err)
{
    return update_text(db, "UPDATE picture SET kept = ?2 WHERE id = ?1", id, kept, err);
}

enum status db_picture_unkept(struct db *db, int64_t **ids, size_t *count, struct error *err)
{
    size_t capacity = 0;
    *ids = NULL;
    *count = 0;
    sqlite3_stmt *stmt = db_prepare(db,
                                    "SELECT p.id FROM verdict v JOIN picture p ON p.id = v.picture"
                                    " WHERE v.source IN (0, 3, 4) AND p.kept = '' ORDER BY p.id",
                                    err);
    if (!stmt)
        return err->code;
    return db_ids(db, stmt, ids, count, &capacity, "listing pictures", err);
}
