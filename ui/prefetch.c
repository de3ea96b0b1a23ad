#include "config.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "image/align.h"
#include "ui/kitty.h"
#include "ui/marks.h"
#include "ui/prefetch.h"
#include "ui/sixel.h"

enum { ALIGN_SIDE = 320 };
static const double ALIGN_MOST = 0.1; // of the longer side

enum progress { WAITING, WORKING, DONE };

struct slot {
    struct want want;
    enum progress progress;
    bool dropped; // while WORKING: the worker frees it
    struct ready ready;
};

// A picture at full size, kept while one looks closely: moving over it decodes nothing.
struct decoded {
    char *path;
    struct image image;
    int users;
};

// How far the latest picture that was moved on another was moved: looking at it closely asks for the same again.
struct moved {
    char *path, *onto;
    double x, y; // fractions of the picture
};

struct prefetch {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct slot *slots[PREFETCH_SLOTS];
    struct decoded *decoded; // the latest one, or NULL
    struct moved moved;
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
    strbuf_clear(&slot->ready.draft);
    free(slot->want.path);
    free(slot->want.look.onto);
    marks_leave(slot->want.look.marks);
    free(slot);
}

static void decoded_free(struct decoded *d)
{
    image_clear(&d->image);
    free(d->path);
    free(d);
}

static void decoded_leave(struct prefetch *p, struct decoded *d)
{
    pthread_mutex_lock(&p->lock);
    bool last = --d->users == 0 && d != p->decoded;
    pthread_mutex_unlock(&p->lock);
    if (last)
        decoded_free(d);
}

static struct decoded *decoded_take(struct prefetch *p, const struct want *want, struct ready *ready)
{
    struct decoded *d = NULL, *old = NULL;
    pthread_mutex_lock(&p->lock);
    if (p->decoded && strcmp(p->decoded->path, want->path) == 0) {
        d = p->decoded;
        d->users++;
    }
    pthread_mutex_unlock(&p->lock);
    if (d)
        return d;
    d = xcalloc(1, sizeof *d);
    ready->status = image_load(want->path, &p->limits, 0, 0, &d->image, NULL, &ready->err);
    d->path = xstrdup(want->path);
    if (ready->status) {
        decoded_free(d);
        return NULL;
    }
    d->users = 1;
    pthread_mutex_lock(&p->lock);
    old = p->decoded;
    p->decoded = d;
    bool unused = old && old->users == 0;
    pthread_mutex_unlock(&p->lock);
    if (unused)
        decoded_free(old);
    return d;
}

// (width / factor, height / factor) means of `frame`, rounded up.
static void reduce(const struct image *frame, int factor, struct image *small)
{
    int channels = frame->channels;
    image_init(small, (frame->width + factor - 1) / factor, (frame->height + factor - 1) / factor, channels);
    for (int y = 0; y < small->height; y++)
        for (int x = 0; x < small->width; x++)
            for (int c = 0; c < channels; c++) {
                int sum = 0, n = 0;
                for (int v = y * factor; v < (y + 1) * factor && v < frame->height; v++)
                    for (int u = x * factor; u < (x + 1) * factor && u < frame->width; u++, n++)
                        sum += frame->pixels[((size_t)v * (size_t)frame->width + (size_t)u) * (size_t)channels + (size_t)c];
                small->pixels[((size_t)y * (size_t)small->width + (size_t)x) * (size_t)channels + (size_t)c] = (uint8_t)((sum + n / 2) / n);
            }
}

static void enlarge(const struct image *small, int factor, int width, int height, struct image *frame)
{
    size_t channels = (size_t)small->channels;
    image_init(frame, width, height, small->channels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            memcpy(frame->pixels + ((size_t)y * (size_t)width + (size_t)x) * channels,
                   small->pixels + ((size_t)(y / factor) * (size_t)small->width + (size_t)(x / factor)) * channels, channels);
}

// Sixel is sent in its full size (repeats are short), kitty stretches on its own.
static enum status encode(const struct want *want, const struct image *frame, int coarse, int registers, struct strbuf *out,
                          struct error *err)
{
    struct image small = {0}, wide = {0};
    enum status status;
    if (coarse > 1)
        reduce(frame, coarse, &small);
    if (coarse > 1 && want->bitmap == BITMAP_SIXEL)
        enlarge(&small, coarse, frame->width, frame->height, &wide);
    const struct image *sent = wide.pixels ? &wide : small.pixels ? &small : frame;
    status = want->bitmap == BITMAP_KITTY ? kitty_encode_frame(sent, out, err) : sixel_encode_frame(sent, registers, out, err);
    image_clear(&wide);
    image_clear(&small);
    return status;
}

static void finish(const struct want *want, const struct image *picture, struct ready *ready)
{
    struct image frame = {0};
    struct placement place;
    double box[4];
    memcpy(box, want->box, sizeof box);
    compose_look(picture, want->full_width, &want->look, want->width, want->height, &frame, &place, box);
    if (want->look.heat && want->heat.rows > 0)
        compose_heat(&frame, &place, &want->heat, box, want->bitmap ? 2 : want->how == SYMBOLS_FINE ? 2 : 1,
                     want->look.heat);
    if (want->look.marks) {
        struct seen seen;
        compose_seen(picture->width, picture->height, want->full_width, &want->look, want->width, want->height, &seen);
        marks_draw(want->look.marks, &seen, want->bitmap ? 2 : want->how == SYMBOLS_FINE ? 2 : 1, &frame);
    }
    if (want->bitmap) {
        ready->status = encode(want, &frame, want->coarse, want->registers, &ready->bytes, &ready->err);
        if (ready->status == ST_OK && want->draft)
            ready->status = encode(want, &frame, PREFETCH_DRAFT, want->registers < 16 ? want->registers : 16, &ready->draft, &ready->err);
    } else {
        ready->cells = xcalloc((size_t)want->rows * (size_t)want->cols, sizeof *ready->cells);
        symbols_make(&frame, want->how, want->rows, want->cols, ready->cells);
    }
    image_clear(&frame);
}

static bool known_move(struct prefetch *p, const struct want *want, double *x, double *y)
{
    pthread_mutex_lock(&p->lock);
    const struct moved *m = &p->moved;
    bool known = m->path && strcmp(m->path, want->path) == 0 && strcmp(m->onto, want->look.onto) == 0;
    *x = known ? m->x : 0;
    *y = known ? m->y : 0;
    pthread_mutex_unlock(&p->lock);
    return known;
}

static void keep_move(struct prefetch *p, const struct want *want, double x, double y)
{
    pthread_mutex_lock(&p->lock);
    free(p->moved.path);
    free(p->moved.onto);
    p->moved = (struct moved){xstrdup(want->path), xstrdup(want->look.onto), x, y};
    pthread_mutex_unlock(&p->lock);
}

// `picture` of the file want->path, moved on the one it is compared with; what cannot be read moves nothing.
static void lay_on(struct prefetch *p, const struct want *want, struct image *picture, struct ready *ready)
{
    struct image still = {0};
    struct error unused;
    double x, y;
    int full = want->full_width > 0 ? want->full_width : picture->width;
    if (!known_move(p, want, &x, &y) &&
        image_load(want->look.onto, &p->limits, picture->width, picture->height, &still, NULL, &unused) == ST_OK) {
        struct align found;
        align_find(&still, picture, ALIGN_MOST, &found);
        image_clear(&still);
        x = (double)found.x / picture->width;
        y = (double)found.y / picture->height;
        keep_move(p, want, x, y);
    }
    ready->moved[0] = (int)lround(x * full);
    ready->moved[1] = (int)lround(y * full * picture->height / picture->width);
    align_shift(picture, (int)lround(x * picture->width), (int)lround(y * picture->height), COMPOSE_MARGIN);
}

static void copy(const struct image *from, struct image *to)
{
    image_init(to, from->width, from->height, from->channels);
    memcpy(to->pixels, from->pixels, (size_t)from->width * (size_t)from->height * (size_t)from->channels);
}

static void make(struct prefetch *p, const struct want *want, struct ready *ready)
{
    struct image picture = {0};
    if (want->look.scale > 0 || want->look.marks) { // marks lie on the pixels of the file
        struct decoded *d = decoded_take(p, want, ready);
        if (d && want->look.onto) {
            copy(&d->image, &picture);
            lay_on(p, want, &picture, ready);
            finish(want, &picture, ready);
            image_clear(&picture);
        } else if (d) {
            finish(want, &d->image, ready);
        }
        if (d)
            decoded_leave(p, d);
        return;
    }
    int least = want->look.onto ? ALIGN_SIDE : 0; // a small frame still tells how far it is to be moved
    ready->status = image_load(want->path, &p->limits, want->width > least ? want->width : least,
                               want->height > least ? want->height : least, &picture, NULL, &ready->err);
    if (ready->status == ST_OK && want->look.onto)
        lay_on(p, want, &picture, ready);
    if (ready->status == ST_OK)
        finish(want, &picture, ready);
    image_clear(&picture);
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
        make(p, &slot->want, &slot->ready);
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
    if (p->decoded)
        decoded_free(p->decoded);
    free(p->moved.path);
    free(p->moved.onto);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    free(p->workers);
    free(p);
}

static bool same_look(const struct want *a, const struct want *b)
{
    const struct look *l = &a->look, *m = &b->look;
    int heat_l = a->heat.rows > 0 ? l->heat : 0, heat_m = b->heat.rows > 0 ? m->heat : 0;
    bool part = l->scale > 0;
    return heat_l == heat_m && l->scale == m->scale && (!part || (l->x == m->x && l->y == m->y)) &&
           l->stretch == m->stretch && l->invert == m->invert && l->marks == m->marks &&
           strcmp(l->onto ? l->onto : "", m->onto ? m->onto : "") == 0;
}

bool want_same(const struct want *a, const struct want *b)
{
    return a->id == b->id && same_look(a, b) && a->width == b->width && a->height == b->height &&
           a->bitmap == b->bitmap && a->registers == b->registers && a->coarse == b->coarse && a->draft == b->draft && a->how == b->how && a->rows == b->rows &&
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
            if (old[k] && want_same(&old[k]->want, &wants[i])) {
                slot = old[k];
                old[k] = NULL;
                free(wants[i].path);
                free(wants[i].look.onto);
                marks_leave(wants[i].look.marks);
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
        make(p, &slot->want, &slot->ready);
}

bool prefetch_get(struct prefetch *p, const struct want *want, const struct ready **ready)
{
    bool found = false;
    *ready = NULL;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < p->count && !found; i++) {
        found = want_same(&p->slots[i]->want, want);
        if (found && p->slots[i]->progress == DONE)
            *ready = &p->slots[i]->ready;
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}
