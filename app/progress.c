#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/layout.h"
#include "app/progress.h"
#include "base/clock.h"
#include "base/intl.h"

void progress_start(struct progress *p, const char *what, int64_t total, bool quiet)
{
    double now = clock_seconds();
    *p = (struct progress){.what = what, .total = total, .started = now, .shown = now,
                           .terminal = isatty(STDERR_FILENO), .quiet = quiet};
}

enum { BAR = 24, LINE = 256 };

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// "12/s  1:05 left"; nothing before there is a rate to tell.
static void rate_text(const struct progress *p, double now, char text[64])
{
    double seconds = now - p->started, rate = p->done / (seconds + 1e-9);
    text[0] = '\0';
    if (p->done <= 0 || seconds <= 0)
        return;
    long long left = (long long)((double)(p->total - p->done) / rate + 0.5);
    size_t n = (size_t)snprintf(text, 64, rate < 10 ? _("%.2g/s") : _("%.0f/s"), rate);
    if (left >= 3600)
        snprintf(text + n, 64 - n, _("  %lld:%02lld:%02lld left"), left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(text + n, 64 - n, _("  %lld:%02lld left"), left / 60, left % 60);
}

static void show(struct progress *p, double now)
{
    char rate[64], bar[BAR + 4] = "";
    rate_text(p, now, rate);
    p->shown = now;
    if (!p->terminal) {
        fprintf(stderr, _("%s: %lld of %lld%s%s\n"), p->what, (long long)p->done, (long long)p->total, rate[0] ? _(", ") : "", rate);
        return;
    }
    char line[LINE];
    int width = columns();
    if (width >= 79) {
        char cells[BAR + 1];
        memset(cells, '.', BAR);
        memset(cells, '#', (size_t)(p->total > 0 ? BAR * p->done / p->total : BAR));
        cells[BAR] = '\0';
        snprintf(bar, sizeof bar, "[%s] ", cells);
    }
    snprintf(line, sizeof line, "%s %s%" PRId64 "/%" PRId64 "  %s", p->what, bar, p->done, p->total, rate);
    fputs("\r\033[K", stderr);
    put_cell(stderr, line, width - 1); // a line that wraps could not be drawn over
    fflush(stderr);
}

void progress_step(struct progress *p, int64_t done)
{
    p->done = done;
    if (p->total < done) // more came than was announced
        p->total = done;
    double now = clock_seconds();
    if (!p->quiet && now - p->shown >= (p->terminal ? 0.1 : 5))
        show(p, now);
}

void progress_end(struct progress *p)
{
    if (!p->quiet && p->terminal)
        fputs("\r\033[K", stderr);
}
