#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/progress.h"
#include "base/clock.h"

void progress_start(struct progress *p, const char *what, int64_t total, bool quiet)
{
    double now = clock_seconds();
    *p = (struct progress){.what = what, .total = total, .started = now, .shown = now - 1,
                           .terminal = isatty(STDERR_FILENO), .quiet = quiet};
}

static void show(struct progress *p, double now)
{
    double rate = p->done / (now - p->started + 1e-9);
    double left = rate > 0 ? (double)(p->total - p->done) / rate : 0;
    if (p->terminal) {
        enum { WIDTH = 24 };
        char bar[WIDTH + 1];
        int full = p->total > 0 ? (int)(WIDTH * p->done / p->total) : WIDTH;
        memset(bar, '.', WIDTH);
        memset(bar, '#', (size_t)full);
        bar[WIDTH] = '\0';
        fprintf(stderr, "\r\033[K%s [%s] %" PRId64 "/%" PRId64 "  %.0f/s  %d:%02d left", p->what, bar, p->done,
                p->total, rate, (int)left / 60, (int)left % 60);
        fflush(stderr);
    } else {
        fprintf(stderr, "%s: %" PRId64 " of %" PRId64 ", %.0f/s, %d s left\n", p->what, p->done, p->total,
                rate, (int)left);
    }
    p->shown = now;
}

void progress_step(struct progress *p, int64_t done)
{
    p->done = done;
    double now = clock_seconds();
    if (!p->quiet && now - p->shown >= (p->terminal ? 0.1 : 5))
        show(p, now);
}

void progress_end(struct progress *p)
{
    if (!p->quiet && p->terminal)
        fputs("\r\033[K", stderr);
}
