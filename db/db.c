#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/handle.h"
#include "db/project.h"
#include "image/phash.h"

enum status db_failed(struct db *db, const char *doing, struct error *err)
{
    int code = sqlite3_errcode(db->sqlite) & 0xff;
    const char *text = sqlite3_errmsg(db->sqlite);
    if (code == SQLITE_IOERR && sqlite3_system_errno(db->sqlite) == ENOSPC) // no room for the file of its locks
        code = SQLITE_FULL;
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, ST_BUSY, "%s: locked by another program while %s; try again", db->path, doing);
    case SQLITE_FULL:
        return error_set(err, ST_IO, "%s: the disk is full while %s; nothing was changed, make room and try again",
                         db->path, doing);
    case SQLITE_READONLY:
        return error_set(err, ST_IO, "%s: you may not write to this project, and looking at it needs that, too; ask its owner for write permission, or work on a copy of its folder",
                         db->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(err, ST_CORRUPT, "%s: damaged or not a database (%s); restore a backup", db->path, text);
    case SQLITE_CONSTRAINT:
        return error_set(err, ST_INVALID, "%s: refused while %s: %s", db->path, doing, text);
    default:
        return error_set(err, ST_IO, "%s: failed while %s: %s", db->path, doing, text);
    }
}

sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct error *err)
{
    for (size_t i = 0; i < db->statement_count; i++) {
        if (db->statements[i].sql == sql) {
            sqlite3_reset(db->statements[i].stmt);
            sqlite3_clear_bindings(db->statements[i].stmt);
            return db->statements[i].stmt;
        }
    }
    if (db->statement_count == STATEMENTS)
        abort(); // more statements in the source than the table holds
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        db_failed(db, "preparing a statement", err);
        return NULL;
    }
    db->statements[db->statement_count++] = (struct statement){sql, stmt};
    return stmt;
}

enum status db_first(struct db *db, sqlite3_stmt *stmt, const char *doing, struct error *err)
{
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return ST_OK;
    enum status status = code == SQLITE_DONE ? ST_NOT_FOUND : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_ids(struct db *db, sqlite3_stmt *stmt, int64_t **ids, size_t *count, size_t *capacity, const char *doing,
                   struct error *err)
{
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        GROW(*ids, *capacity, *count + 1);
        (*ids)[(*count)++] = sqlite3_column_int64(stmt, 0);
    }
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_collect(struct db *db, sqlite3_stmt *stmt, const int64_t *known, size_t known_count, size_t want, int64_t *ids,
                       size_t *count, const char *doing, struct error *err)
{
    int code = SQLITE_ROW;
    while (*count < want && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t i = 0;
        ids[*count] = sqlite3_column_int64(stmt, 0);
        while (i < known_count && known[i] != ids[*count])
            i++;
        *count += i == known_count;
    }
    enum status status = code == SQLITE_ROW || code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

enum status db_run(struct db *db, sqlite3_stmt *stmt, const char *doing, struct error *err)
{
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        continue;
    enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, doing, err);
    sqlite3_reset(stmt);
    return status;
}

static enum status execute(struct db *db, const char *sql, const char *doing, struct error *err)
{
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? ST_OK : db_failed(db, doing, err);
}

enum status db_enter(struct db *db, bool *own, struct error *err)
{
    *own = !db->in_transaction;
    return *own ? db_begin(db, err) : ST_OK;
}

enum status db_leave(struct db *db, bool own, enum status status, struct error *err)
{
    if (!own)
        return status;
    if (status == ST_OK)
        return db_commit(db, err);
    db_rollback(db);
    return status;
}

enum status db_begin(struct db *db, struct error *err)
{
    enum status status = execute(db, "BEGIN IMMEDIATE", "starting to write", err);
    db->in_transaction = status == ST_OK;
    return status;
}

enum status db_commit(struct db *db, struct error *err)
{
    enum status status = execute(db, "COMMIT", "saving", err);
    if (status != ST_OK)
        db_rollback(db);
    db->in_transaction = false;
    return status;
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->sqlite))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    db->in_transaction = false;
    phash_index_free(db->near); // it may hold pictures that were rolled back
    db->near = NULL;
}

void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    sqlite3_bind_text(stmt, at, text ? text : "", -1, SQLITE_TRANSIENT);
}

void bind_text_or_null(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text && text[0])
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(stmt, at);
}

const char *column_text(sqlite3_stmt *stmt, int at)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    return text ? text : "";
}

char *column_copy(sqlite3_stmt *stmt, int at)
{
    return xstrdup(column_text(stmt, at));
}

void column_hash(sqlite3_stmt *stmt, int at, char hex[HASH_HEX])
{
    const char *text = column_text(stmt, at);
    size_t n = strlen(text);
    memset(hex, 0, HASH_HEX);
    memcpy(hex, text, n < HASH_HEX ? n : HASH_HEX - 1);
}

// WAL needs shared memory and locks that network file systems do not give.
static enum status refuse_network(const char *path, struct error *err)
{
    static const long magics[] = {0x6969 /* NFS */, 0x517b /* SMB */, (long)0xff534d42 /* CIFS */,
                                  (long)0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE: sshfs and the like */};
    char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    struct statfs fs;
    bool network = false;
    if (statfs(slash ? folder : ".", &fs) == 0)
        for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
            network |= (unsigned long)fs.f_type == (unsigned long)magics[i];
    enum status status = ST_OK;
    if (network)
        status = error_set(err, ST_INVALID,
                           "%s: lies on a network file system, where answers could be lost; keep the project on a local disk",
                           path);
    free(folder);
    return status;
}

static enum status open_handle(const char *path, int flags, struct db **out, struct error *err)
{
    struct db *db = xcalloc(1, sizeof *db);
    db->path = xstrdup(path);
    enum status status = refuse_network(path, err);
    if (status == ST_OK && sqlite3_open_v2(path, &db->sqlite, flags, NULL) != SQLITE_OK)
        status = db->sqlite ? db_failed(db, "opening", err) : error_set(err, ST_IO, "%s: cannot open", path);
    if (status == ST_OK) {
        sqlite3_extended_result_codes(db->sqlite, 1);
        sqlite3_busy_timeout(db->sqlite, 5000);
        // 8 MB of pages: the inner ones of every index that a million pictures need
        status = execute(db, "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8192;",
                         "opening", err);
    }
    if (status == ST_OK)
        status = db_migrate(db, err);
    if (status == ST_OK)
        status = execute(db, "PRAGMA journal_mode=WAL;", "opening", err);
    if (status != ST_OK) {
        db_close(db);
        return status;
    }
    *out = db;
    return ST_OK;
}

// An empty file with the rights it is to have: SQLite gives those beside it the same.
static enum status create_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ST_INVALID, "%s: exists already; a project is made once, `assay add` extends it", path);
    if (fd < 0)
        return error_set(err, ST_IO, "%s: cannot be created: %s", path, strerror(errno));
    struct stat st;
    enum status status = ST_OK;
    if (file_shared(path) && (fstat(fd, &st) != 0 || fchmod(fd, (st.st_mode & 07777) | 0060) != 0))
        status = error_set(err, ST_IO, "%s: cannot be made writable for its group: %s", path, strerror(errno));
    close(fd);
    if (status != ST_OK)
        unlink(path);
    return status;
}

static bool file_empty(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

enum status db_create(const char *path, struct db **db, struct error *err)
{
    enum status status = refuse_network(path, err);
    if (status == ST_OK)
        status = create_file(path, err);
    if (status != ST_OK)
        return status;
    status = open_handle(path, SQLITE_OPEN_READWRITE, db, err);
    if (status != ST_OK)
        unlink(path); // nothing is in it
    return status;
}

enum status db_open(const char *path, struct db **db, struct error *err)
{
    if (!file_exists(path))
        return error_set(err, ST_NOT_FOUND, "%s: there is no such database", path);
    if (file_empty(path)) // SQLite would take it for a new one
        return error_set(err, ST_CORRUPT, "%s: empty, it holds no project; restore a backup, or remove the file and make the project anew", path);
    return open_handle(path, SQLITE_OPEN_READWRITE, db, err);
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < db->statement_count; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->sqlite);
    phash_index_free(db->near);
    free(db->path);
    free(db);
}

enum status db_setting_get(struct db *db, const char *key, char **value, struct error *err)
{
    *value = NULL;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT value FROM setting WHERE key = ?1", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, key);
    enum status status = db_first(db, stmt, "reading a setting", err);
    if (status == ST_NOT_FOUND)
        return ST_OK;
    if (status == ST_OK)
        *value = column_copy(stmt, 0);
    sqlite3_reset(stmt);
    return status;
}

enum status db_setting_set(struct db *db, const char *key, const char *value, struct error *err)
{
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO setting(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value", err);
    if (!stmt)
        return err->code;
    bind_text(stmt, 1, key);
    bind_text(stmt, 2, value);
    return db_run(db, stmt, "storing a setting", err);
}
