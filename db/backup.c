// A copy of the database at one moment, made while others write.
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "db/backup.h"
#include "db/handle.h"

enum { PAGES = 2048 };

// The message of the handle of the copy, in a sentence.
static enum status copy_failed(sqlite3 *copy, const char *path, struct error *err)
{
    if ((sqlite3_errcode(copy) & 0xff) == SQLITE_FULL)
        return error_set(err, ST_IO, "%s: the disk is full; nothing was changed, make room and try again", path);
    return error_set(err, ST_IO, "%s: the copy failed: %s", path, sqlite3_errmsg(copy));
}

// Nothing but one row with `want` comes out.
static enum status answers(sqlite3 *copy, const char *path, const char *sql, const char *want, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status status = ST_OK;
    int code = sqlite3_prepare_v2(copy, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW && strcmp(column_text(stmt, 0), want) != 0)
        status = error_set(err, ST_CORRUPT, "%s: damaged: %s", path, column_text(stmt, 0));
    else if (code != SQLITE_ROW)
        status = error_set(err, ST_CORRUPT, "%s: damaged or not a database (%s)", path, sqlite3_errmsg(copy));
    sqlite3_finalize(stmt);
    return status;
}

static enum status check_copy(sqlite3 *copy, const char *path, struct error *err)
{
    enum status status = answers(copy, path, "PRAGMA integrity_check(1)", "ok", err);
    if (status == ST_OK)
        status = answers(copy, path, "SELECT count(*) FROM pragma_foreign_key_check", "0", err);
    return status;
}

static enum status copy_pages(struct db *db, sqlite3 *copy, const char *path, bool (*going)(void *context, double done),
                              void *context, struct error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db->sqlite, "main");
    enum status status = ST_OK;
    if (!backup)
        return copy_failed(copy, path, err);
    int code = SQLITE_OK;
    while (status == ST_OK && (code = sqlite3_backup_step(backup, PAGES)) == SQLITE_OK) {
        double all = sqlite3_backup_pagecount(backup), left = sqlite3_backup_remaining(backup);
        if (going && !going(context, all > 0 ? 1 - left / all : 0))
            status = error_set(err, ST_CANCELLED, "stopped; no backup was made");
    }
    int end = sqlite3_backup_finish(backup);
    if (status == ST_OK && (code != SQLITE_DONE || end != SQLITE_OK))
        status = copy_failed(copy, path, err);
    return status;
}

static enum status sync_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool failed = fd < 0 || fsync(fd) != 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return failed ? error_set(err, ST_IO, "%s: cannot sync: %s", path, strerror(why)) : ST_OK;
}

enum status db_backup(struct db *db, const char *path, bool (*going)(void *context, double done), void *context,
                      struct error *err)
{
    sqlite3 *copy = NULL;
    if (access(path, F_OK) == 0)
        return error_set(err, ST_INVALID, "%s: exists already", path);
    // One read transaction: without it every write of others would make the copying begin again.
    if (sqlite3_exec(db->sqlite, "BEGIN; SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) != SQLITE_OK)
        return db_failed(db, "reading for a backup", err);
    enum status status = ST_OK;
    if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        status = copy_failed(copy, path, err);
    if (status == ST_OK)
        status = copy_pages(db, copy, path, going, context, err);
    sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    // One file, without the two beside it that a database in use has; and nobody reviews the copy.
    if (status == ST_OK && sqlite3_exec(copy, "PRAGMA journal_mode=DELETE; DELETE FROM lease", NULL, NULL, NULL) != SQLITE_OK)
        status = copy_failed(copy, path, err);
    if (status == ST_OK)
        status = check_copy(copy, path, err);
    if (sqlite3_close(copy) != SQLITE_OK && status == ST_OK)
        status = error_set(err, ST_IO, "%s: cannot be closed", path);
    if (status == ST_OK)
        status = sync_file(path, err);
    if (status != ST_OK)
        unlink(path);
    return status;
}

enum status db_inspect(const char *path, struct error *err)
{
    sqlite3 *copy = NULL;
    sqlite3_stmt *stmt = NULL;
    long long application = 0, version = 0;
    enum status status = ST_OK;
    if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        status = error_set(err, ST_CORRUPT, "%s: damaged or not a database (%s)", path, sqlite3_errmsg(copy));
    if (status == ST_OK)
        status = check_copy(copy, path, err);
    if (status == ST_OK && sqlite3_prepare_v2(copy, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version",
                                              -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        application = sqlite3_column_int64(stmt, 0);
        version = sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(copy);
    if (status == ST_OK && application != DB_APPLICATION_ID)
        status = error_set(err, ST_CORRUPT, "%s: a database, but not one of assay's", path);
    if (status == ST_OK && version > DB_VERSION)
        status = error_set(err, ST_NEWER, "%s: written by a newer assay (version %lld, this one knows %d); use that one", path,
                           version, DB_VERSION);
    return status;
}

// "ID MS" of the picture that was added first: never changed, and no other project's. "" when there is none.
static enum status first_picture(sqlite3 *of, char text[64])
{
    sqlite3_stmt *stmt = NULL;
    text[0] = '\0';
    int code = sqlite3_prepare_v2(of, "SELECT id || ' ' || added_ms FROM picture ORDER BY id LIMIT 1", -1, &stmt, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        snprintf(text, 64, "%s", column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? ST_OK : ST_CORRUPT;
}

enum status db_backup_of(struct db *db, const char *path, bool *same, struct error *err)
{
    sqlite3 *copy = NULL;
    char own[64], other[64];
    enum status status = ST_OK;
    *same = false;
    if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK || first_picture(copy, other) != ST_OK)
        status = error_set(err, ST_CORRUPT, "%s: damaged or not a database (%s)", path, sqlite3_errmsg(copy));
    else if (first_picture(db->sqlite, own) != ST_OK)
        status = db_failed(db, "looking for its first picture", err);
    else
        *same = strcmp(own, other) == 0;
    sqlite3_close(copy);
    return status;
}
