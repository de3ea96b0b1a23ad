#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "app/hook.h"
#include "app/review_keeper.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/project.h"

struct keeper {
    struct project *project;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t *queue;
    size_t count, capacity;
    bool stop, hook; // hook: commands are due
    struct error failed;
};

static void *keep(void *argument)
{
    struct keeper *k = argument;
    struct db *db = NULL;
    char *path = file_join(k->project->dir, "project.db");
    struct error err = {0};
    enum status status = db_open(path, &db, &err);
    free(path);
    pthread_mutex_lock(&k->lock);
    for (;;) {
        while (k->count == 0 && !k->stop && !k->hook)
            pthread_cond_wait(&k->wake, &k->lock);
        if (k->hook) { // a process is begun here, since that takes longer than a key may
            struct error unused; // they stay due, and the next start of a screen tries again
            k->hook = false;
            pthread_mutex_unlock(&k->lock);
            if (hook_start(k->project, &unused) != ST_OK)
                unused.code = ST_OK;
            pthread_mutex_lock(&k->lock);
            continue;
        }
        if (k->count == 0)
            break;
        int64_t id = k->queue[--k->count];
        pthread_mutex_unlock(&k->lock);
        if (db)
            status = project_keep(k->project, db, id, &err);
        pthread_mutex_lock(&k->lock);
        if (status != ST_OK && k->failed.code == ST_OK)
            k->failed = err;
    }
    pthread_mutex_unlock(&k->lock);
    if (db)
        db_close(db);
    return NULL;
}

struct keeper *keeper_start(struct project *project)
{
    struct keeper *k = xcalloc(1, sizeof *k);
    k->project = project;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->wake, NULL);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    k->running = pthread_create(&k->thread, NULL, keep, k) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return k;
}

void keeper_add(struct keeper *k, int64_t picture)
{
    pthread_mutex_lock(&k->lock);
    GROW(k->queue, k->capacity, k->count + 1);
    k->queue[k->count++] = picture;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
}

void keeper_hook(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    k->hook = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
}

void keeper_stop(struct keeper *k, struct error *failed)
{
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    if (k->running)
        pthread_join(k->thread, NULL);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->wake);
    if (k->failed.code != ST_OK)
        *failed = k->failed;
    free(k->queue);
    free(k);
}
