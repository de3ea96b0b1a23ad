// trouble DATABASE lock SECONDS: hold the write lock that long, as another program may. "held" is printed once it is.
// trouble DATABASE retire CLASS, merge CLASS INTO, rename CLASS NAME: as somebody does in the view of classes.
// trouble DATABASE near SCENE: the pictures with a score in the active revision of the scene with this id, the nearest to
// the threshold first, an id a line.
// trouble DATABASE catch PID: wait, at most a minute, for a worker that is another process than PID, stop it (SIGSTOP) as
// soon as it has entered itself, and print its number.
// trouble DATABASE sql TEXT: carry it out, as it stands.
#include "config.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/class.h"
#include "db/person.h"
#include "db/project.h"
#include "db/report.h"
#include "db/revision.h"
#include "db/round.h"
#include "db/scene.h"

static enum status lock(struct db *db, double seconds, struct error *err)
{
    enum status status = db_begin(db, err);
    if (status != ST_OK)
        return status;
    puts("held");
    fflush(stdout);
    nanosleep(&(struct timespec){(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))}, NULL);
    db_rollback(db);
    return ST_OK;
}

static enum status change_class(struct db *db, enum class_change what, const char *name, const char *value, struct error *err)
{
    int64_t person, id;
    enum status status = db_person_ensure(db, "Ann", &person, err);
    if (status == ST_OK)
        status = db_class_ensure(db, name, "", &id, err);
    if (status == ST_OK)
        status = db_class_change(db, person, id, what, value, err);
    return status;
}

enum { NEAR = 1000 };

struct scores {
    struct scan_row rows[NEAR];
    size_t count;
};

static void add_score(void *context, const struct scan_row *row)
{
    struct scores *s = context;
    if (s->count < NEAR)
        s->rows[s->count++] = *row;
}

static enum status near(struct db *db, int64_t scene_id, struct error *err)
{
    struct scene scene;
    struct revision active;
    struct scores s = {.count = 0};
    enum status status = db_scene_get(db, scene_id, NULL, &scene, err);
    if (status != ST_OK)
        return status;
    status = db_revision_get(db, scene.active_revision, &active, err);
    scene_clear(&scene);
    if (status == ST_OK)
        status = db_scan_scores(db, active.id, add_score, &s, err);
    for (; status == ST_OK && s.count > 0; s.count--) { // they come by id: the first of equals
        size_t best = 0;
        for (size_t i = 1; i < s.count; i++)
            if (fabs(s.rows[i].score - active.threshold) < fabs(s.rows[best].score - active.threshold))
                best = i;
        printf("%lld\n", (long long)s.rows[best].picture);
        memmove(&s.rows[best], &s.rows[best + 1], (s.count - best - 1) * sizeof *s.rows);
    }
    return status;
}

static enum status catch(struct db *db, int64_t not, struct error *err)
{
    for (int i = 0; i < 60000; i++) {
        struct worker_row row = {0};
        enum status status = db_worker_get(db, &row, err);
        if (status != ST_OK && status != ST_NOT_FOUND)
            return status;
        if (row.pid > 0 && row.pid != not && kill((pid_t)row.pid, SIGSTOP) == 0) {
            printf("%lld\n", (long long)row.pid);
            return ST_OK;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return error_set(err, ST_NOT_FOUND, "no worker came");
}

static enum status run(struct db *db, const char *command, const char *value, const char *more, struct error *err)
{
    if (strcmp(command, "lock") == 0)
        return lock(db, atof(value), err);
    if (strcmp(command, "catch") == 0)
        return catch(db, atoll(value), err);
    if (strcmp(command, "near") == 0)
        return near(db, atoll(value), err);
    if (strcmp(command, "retire") == 0)
        return change_class(db, CLASS_RETIRE, value, "yes", err);
    if (strcmp(command, "merge") == 0)
        return change_class(db, CLASS_MERGE, value, more, err);
    if (strcmp(command, "rename") == 0)
        return change_class(db, CLASS_RENAME, value, more, err);
    return error_set(err, ST_INVALID, "there is no trouble called %s", command);
}

static int carry_out(const char *path, const char *text)
{
    sqlite3 *sqlite;
    bool done = sqlite3_open(path, &sqlite) == SQLITE_OK && sqlite3_busy_timeout(sqlite, 5000) == SQLITE_OK &&
                sqlite3_exec(sqlite, text, NULL, NULL, NULL) == SQLITE_OK;
    if (!done)
        fprintf(stderr, "trouble: %s\n", sqlite3_errmsg(sqlite));
    sqlite3_close(sqlite);
    return !done;
}

int main(int argc, char **argv)
{
    struct db *db;
    struct error err;
    if (argc < 4 || argc > 5)
        return 2;
    if (strcmp(argv[2], "sql") == 0)
        return carry_out(argv[1], argv[3]);
    enum status status = db_open(argv[1], &db, &err);
    if (status == ST_OK) {
        status = run(db, argv[2], argv[3], argc > 4 ? argv[4] : "", &err);
        db_close(db);
    }
    if (status != ST_OK)
        fprintf(stderr, "trouble: %s\n", err.text);
    return status != ST_OK;
}
