#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "app/review_scores.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/project.h"
#include "db/revision.h"

enum { BINS = 128 };
static const double step = 1 / 16.0; // up to 1 in 10^8

struct counted { // of one revision
    int64_t revision;
    int64_t counts[BINS];
    struct review_scores shown;
};

struct score_counter {
    char *path;
    struct counted *known; // (count); a session sees few revisions
    size_t count, room;
    pthread_t thread;
    bool running;
    atomic_bool ended;
    enum status status;    // of the count
    struct error error;
    struct counted now;
};

struct score_counter *score_counter_new(const struct project *project)
{
    struct score_counter *c = xcalloc(1, sizeof *c);
    c->path = file_join(project->dir, "project.db");
    return c;
}

void score_counter_free(struct score_counter *c)
{
    if (!c)
        return;
    if (c->running)
        pthread_join(c->thread, NULL);
    free(c->known);
    free(c->path);
    free(c);
}

static void *count_all(void *context)
{
    struct score_counter *c = context;
    struct db *db;
    c->status = db_open(c->path, &db, &c->error);
    if (c->status == ST_OK) {
        c->status = db_score_bins(db, c->now.revision, step, BINS, c->now.counts, &c->error);
        db_close(db);
    }
    atomic_store(&c->ended, true);
    return NULL;
}

static enum status start(struct score_counter *c, int64_t revision, struct error *err)
{
    c->now = (struct counted){.revision = revision};
    atomic_store(&c->ended, false);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    c->running = pthread_create(&c->thread, NULL, count_all, c) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return c->running ? ST_BUSY : error_set(err, ST_IO, "no thread can be started to count the scores");
}

static enum status take(struct score_counter *c, struct error *err)
{
    pthread_join(c->thread, NULL);
    c->running = false;
    if (c->status != ST_OK)
        return error_set(err, c->status, "%s", c->error.text);
    GROW(c->known, c->room, c->count + 1);
    c->known[c->count++] = c->now;
    return ST_OK;
}

enum status score_counter_get(struct score_counter *c, int64_t revision, const struct review_scores **scores, struct error *err)
{
    if (c->running && !atomic_load(&c->ended))
        return ST_BUSY;
    enum status status = c->running ? take(c, err) : ST_OK;
    for (size_t i = 0; i < c->count && status == ST_OK; i++) {
        struct counted *k = &c->known[i];
        if (k->revision != revision)
            continue;
        k->shown = (struct review_scores){.step = step, .bins = BINS, .counts = k->counts};
        *scores = &k->shown;
        return ST_OK;
    }
    return status == ST_OK ? start(c, revision, err) : status;
}
