#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ui/compose.h"
#include "ui/prefetch.h"
#include "ui/sixel.h"

enum progress { WAITING, WORKING, DONE };

struct slot {
    struct want want;
    enum progress progress;
    bool dropped; // while WORKING: the worker frees it
    struct ready ready;
};

struct prefetch {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct slot *slots[PREFETCH_SLOTS];
    int count;
    bool stop;
    struct image_limits limits;
    int notify_fd, threads;
    pthread_t *workers;
};

static void slot_free(struct slot *slot)
{
    free(slot->ready.cells);
    strbuf_clear(&slot->ready.bytes);
    free(slot->want.path);
    free(slot);
}

static void make(const struct want *want, const struct image_limits *limits, struct ready *ready)
{
    struct image picture = {0}, frame = {0};
    struct placement place;
    ready->status = image_load(want->path, limits, want->width, want->height, &picture, NULL, &ready->err);
    if (ready->status)
        return;
    compose_fit(&picture, want->width, want->height, &frame, &place);
    image_clear(&picture);
    if (want->overlay && want->heat.rows > 0)
        compose_heat(&frame, &place, &want->heat, want->box, want->sixel ? 2 : want->how == SYMBOLS_FINE ? 4 : 1);
    if (want->sixel) {
        ready->status = sixel_encode_frame(&frame, want->registers, &ready->bytes, &ready->err);
    } else {
        ready->cells = xcalloc((size_t)want->rows * (size_t)want->cols, sizeof *ready->cells);
        symbols_make(&frame, want->how, want->rows, want->cols, ready->cells);
    }
    image_clear(&frame);
}

static struct slot *next_slot(struct prefetch *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->slots[i]->progress == WAITING)
            return p->slots[i];
    return NULL;
}

static void *worker(void *context)
{
    struct prefetch *p = context;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct slot *slot = NULL;
        while (!p->stop && !(slot = next_slot(p)))
            pthread_cond_wait(&p->work, &p->lock);
        if (p->stop)
            break;
        slot->progress = WORKING;
        pthread_mutex_unlock(&p->lock);
        make(&slot->want, &p->limits, &slot->ready);
        pthread_mutex_lock(&p->lock);
        slot->progress = DONE;
        if (slot->dropped) {
            slot_free(slot);
        } else {
            ssize_t written = write(p->notify_fd, "p", 1);
            (void)written; // a full pipe wakes the loop just as well
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct prefetch *prefetch_new(int threads, const struct image_limits *limits, int notify_fd)
{
    struct prefetch *p = xcalloc(1, sizeof *p);
    symbols_init();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    p->limits = *limits;
    p->notify_fd = notify_fd;
    threads = threads < 1 ? 1 : threads > 4 ? 4 : threads;
    p->workers = xcalloc((size_t)threads, sizeof *p->workers);
    sigset_t all, old;
    sigfillset(&all);
    // A fault in a worker must still reach the crash handler.
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (p->threads < threads && pthread_create(&p->workers[p->threads], NULL, worker, p) == 0)
        p->threads++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return p;
}

void prefetch_free(struct prefetch *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++)
        pthread_join(p->workers[i], NULL);
    for (int i = 0; i < p->count; i++)
        slot_free(p->slots[i]);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    free(p->workers);
    free(p);
}

// An overlay of no heatmap is none.
static bool overlaid(const struct want *want)
{
    return want->overlay && want->heat.rows > 0;
}

static bool same(const struct want *a, const struct want *b)
{
    return a->id == b->id && overlaid(a) == overlaid(b) && a->width == b->width && a->height == b->height &&
           a->sixel == b->sixel && a->registers == b->registers && a->how == b->how && a->rows == b->rows &&
           a->cols == b->cols && strcmp(a->path, b->path) == 0;
}

void prefetch_want(struct prefetch *p, struct want *wants, int count)
{
    struct slot *old[PREFETCH_SLOTS];
    pthread_mutex_lock(&p->lock);
    int old_count = p->count;
    memcpy(old, p->slots, sizeof old);
    for (int i = 0; i < count; i++) {
        struct slot *slot = NULL;
        for (int k = 0; k < old_count && !slot; k++) {
            if (old[k] && same(&old[k]->want, &wants[i])) {
                slot = old[k];
                old[k] = NULL;
                free(wants[i].path);
            }
        }
        if (!slot) {
            slot = xcalloc(1, sizeof *slot);
            slot->want = wants[i];
        }
        p->slots[i] = slot;
    }
    p->count = count;
    for (int k = 0; k < old_count; k++) {
        if (old[k] && old[k]->progress == WORKING)
            old[k]->dropped = true;
        else if (old[k])
            slot_free(old[k]);
    }
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    // Without a single thread (none could be started) the caller does the work.
    for (struct slot *slot; p->threads == 0 && (slot = next_slot(p)); slot->progress = DONE)
        make(&slot->want, &p->limits, &slot->ready);
}

bool prefetch_get(struct prefetch *p, const struct want *want, const struct ready **ready)
{
    bool found = false;
    *ready = NULL;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < p->count && !found; i++) {
        found = same(&p->slots[i]->want, want);
        if (found && p->slots[i]->progress == DONE)
            *ready = &p->slots[i]->ready;
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}
