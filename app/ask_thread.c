#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "app/ask.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/acquire.h"
#include "db/project.h"
#include "db/scene.h"

struct asker {
    struct project project; // its own handle
    int64_t scene;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken, stop;
    unsigned orders;
};

struct scene_order {
    int64_t scene;
    struct asking *asking;
};

struct work {
    struct asker *asker;
    struct scene_order *orders;
    size_t count;
};

static bool stopping(struct asker *a)
{
    pthread_mutex_lock(&a->lock);
    bool stop = a->stop;
    pthread_mutex_unlock(&a->lock);
    return stop;
}

static enum status list_scenes(struct work *w, struct error *err)
{
    struct scene *scenes;
    size_t count;
    enum status status = db_scene_list(w->asker->project.db, &scenes, &count, err);
    if (status != ST_OK)
        return status;
    w->orders = xcalloc(count + 1, sizeof *w->orders);
    for (size_t i = 0; i < count; i++) {
        if (w->asker->scene == 0 || w->asker->scene == scenes[i].id)
            w->orders[w->count++].scene = scenes[i].id;
        scene_clear(&scenes[i]);
    }
    free(scenes);
    return ST_OK;
}

// What cannot be ordered keeps its order; it is tried again when woken.
static void order_all(struct work *w)
{
    struct error unused;
    for (size_t i = 0; i < w->count; i++) {
        struct scene_order *o = &w->orders[i];
        size_t changed = 0;
        if (!o->asking && asking_open(&w->asker->project, o->scene, &o->asking, &unused) != ST_OK) {
            o->asking = NULL;
            continue;
        }
        if (asking_update(o->asking, &changed, &unused) != ST_OK) {
            asking_close(o->asking);
            o->asking = NULL;
        }
        if (changed > 0) {
            pthread_mutex_lock(&w->asker->lock);
            w->asker->orders++;
            pthread_mutex_unlock(&w->asker->lock);
        }
    }
}

static void work_clear(struct work *w)
{
    struct error unused;
    for (size_t i = 0; i < w->count; i++) {
        // once at the end: an answer that is contradicted now may not be after the next
        if (w->orders[i].asking && asking_doubt(w->orders[i].asking, &unused) != ST_OK)
            break;
    }
    for (size_t i = 0; i < w->count; i++)
        asking_close(w->orders[i].asking);
    free(w->orders);
}

static void *run(void *argument)
{
    struct asker *a = argument;
    struct work w = {.asker = a};
    struct error unused;
    char *path = file_join(a->project.dir, "project.db");
    enum status status = db_open(path, &a->project.db, &unused);
    free(path);
    if (status != ST_OK)
        return NULL;
    status = db_derived(a->project.db, &unused);
    if (status == ST_OK)
        status = list_scenes(&w, &unused);
    while (status == ST_OK) {
        order_all(&w);
        pthread_mutex_lock(&a->lock);
        while (!a->woken && !a->stop)
            pthread_cond_wait(&a->wake, &a->lock);
        bool more = a->woken;
        a->woken = false;
        pthread_mutex_unlock(&a->lock);
        if (!more && stopping(a))
            break;
    }
    work_clear(&w);
    db_close(a->project.db);
    return NULL;
}

struct asker *asker_start(const struct project *project, int64_t scene)
{
    struct asker *a = xcalloc(1, sizeof *a);
    a->project = *project;
    a->project.db = NULL;
    a->scene = scene;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    a->running = pthread_create(&a->thread, NULL, run, a) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return a;
}

void asker_wake(struct asker *a)
{
    pthread_mutex_lock(&a->lock);
    a->woken = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

unsigned asker_orders(struct asker *a)
{
    pthread_mutex_lock(&a->lock);
    unsigned orders = a->orders;
    pthread_mutex_unlock(&a->lock);
    return orders;
}

void asker_stop(struct asker *a)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    if (a->running)
        pthread_join(a->thread, NULL);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->wake);
    free(a);
}
