// trouble DATABASE lock SECONDS: hold the write lock that long, as another program may. "held" is printed once it is.
// trouble DATABASE retire CLASS: as somebody does in the view of classes.
// trouble DATABASE catch PID: wait, at most a minute, for a worker that is another process than PID, stop it (SIGSTOP) as
// soon as it has entered itself, and print its number.
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/class.h"
#include "db/person.h"
#include "db/project.h"
#include "db/round.h"

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

static enum status retire(struct db *db, const char *name, struct error *err)
{
    int64_t person, id;
    enum status status = db_person_ensure(db, "Ann", &person, err);
    if (status == ST_OK)
        status = db_class_ensure(db, name, "", &id, err);
    if (status == ST_OK)
        status = db_class_change(db, person, id, CLASS_RETIRE, "yes", err);
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

int main(int argc, char **argv)
{
    struct db *db;
    struct error err;
    if (argc != 4)
        return 2;
    enum status status = db_open(argv[1], &db, &err);
    if (status == ST_OK) {
        status = strcmp(argv[2], "lock") == 0    ? lock(db, atof(argv[3]), &err)
                 : strcmp(argv[2], "catch") == 0 ? catch(db, atoll(argv[3]), &err)
                                                 : retire(db, argv[3], &err);
        db_close(db);
    }
    if (status != ST_OK)
        fprintf(stderr, "trouble: %s\n", err.text);
    return status != ST_OK;
}
