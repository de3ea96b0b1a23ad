// Inside of the database layer: the handle and its prepared statements.
#ifndef DB_HANDLE_H
#define DB_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/hash.h"
#include "base/status.h"

struct phash_index;
struct round;

struct statement { // prepared once per handle, found again by its text's address
    const char *sql;
    sqlite3_stmt *stmt;
};

enum { STATEMENTS = 256 };

struct db {
    sqlite3 *sqlite;
    char *path;
    bool in_transaction;
    struct statement statements[STATEMENTS];
    size_t statement_count;
    struct phash_index *near;  // over the readable pictures of `near_scene`, built when first needed
    int64_t near_scene;
};

// The statement for `sql` (a string constant), reset and without bindings; NULL with `err` filled.
sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct error *err);

// Translate the last SQLite failure.
enum status db_failed(struct db *db, const char *doing, struct error *err);

// Step to the first row: ST_OK with a row, ST_NOT_FOUND (err untouched) without one.
// On a row the statement stays open: the caller ends with sqlite3_reset.
enum status db_first(struct db *db, sqlite3_stmt *stmt, const char *doing, struct error *err);
// Step through a statement whose rows are pictures' numbers, add them to *ids (GROW), and reset it.
enum status db_ids(struct db *db, sqlite3_stmt *stmt, int64_t **ids, size_t *count, size_t *capacity, const char *doing,
                   struct error *err);
// The same, those in `known` passed over, until *count, which may begin above 0, of `ids` (want) are filled.
enum status db_collect(struct db *db, sqlite3_stmt *stmt, const int64_t *known, size_t known_count, size_t want, int64_t *ids,
                       size_t *count, const char *doing, struct error *err);
// Step through a statement without result rows and reset it.
enum status db_run(struct db *db, sqlite3_stmt *stmt, const char *doing, struct error *err);

// BEGIN IMMEDIATE unless a transaction is open; *own says whether to end it.
enum status db_enter(struct db *db, bool *own, struct error *err);
// End what db_enter began: commit when status is ST_OK, else roll back. Returns the outcome.
enum status db_leave(struct db *db, bool own, enum status status, struct error *err);

// Bind helpers: NULL or "" as SQL NULL where `empty_null`.
void bind_text(sqlite3_stmt *stmt, int at, const char *text);
void bind_text_or_null(sqlite3_stmt *stmt, int at, const char *text);
char *column_copy(sqlite3_stmt *stmt, int at);         // fresh; "" for NULL
const char *column_text(sqlite3_stmt *stmt, int at);   // "" for NULL; valid until the next step
void column_hash(sqlite3_stmt *stmt, int at, char hex[HASH_HEX]);

// The name that a class called `text` (an SQL expression) has now: what was said keeps the name it was said with.
#define CLASS_NOW(text)                                                                                 \
    "coalesce((SELECT c_.name FROM class_alias a_ JOIN class c_ ON c_.id = a_.class WHERE a_.name = " text "), " text ")"

// Whether model `m` is the industry model that rounds of its base begin from: of several called so (a project from before they
// were replaced) the newest.
#define INDUSTRY_NOW(m)                                                                                 \
    m ".id = (SELECT i_.id FROM model i_ WHERE i_.scene IS NULL AND i_.state = 'promoted'"              \
    " AND i_.base_sha256 = " m ".base_sha256 ORDER BY i_.decided_ms DESC, i_.id DESC LIMIT 1)"

// Orders events so that the one which is a picture's label comes first, with ", id DESC" behind it.
#define LEAD_FIRST(role) "(" role " = 'lead') DESC"
// round.c: a row of `round`
#define ROUND_COLUMNS                                                                                   \
    "id, coalesce(scene, 0), state, wish, stage, step, steps, loss, rate, left_s, answers, created_ms, started_ms,"      \
    " updated_ms, ended_ms, coalesce(model, 0), options, sentence"
void db_round_read(sqlite3_stmt *stmt, struct round *round);

// queue.c: what a session shows is its own until `expires`, ms
enum status db_lease(struct db *db, int64_t picture, const char *session, int64_t person, int64_t expires, struct error *err);

// migrate.c
enum status db_migrate(struct db *db, struct error *err);
#define SCORE_PARTS "s.patch, s.tile, s.drawn, s.learned, s.whole, s.known" // score s, in the order of enum detector

enum { DB_APPLICATION_ID = 0x61737379, DB_VERSION = 6 }; // "assy"

#endif
