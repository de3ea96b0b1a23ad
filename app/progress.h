// Progress of long work on stderr: a bar that redraws itself on a terminal, a
// plain line every few seconds otherwise; nothing when quiet.
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; // "screening belt"
    int64_t total, done;
    double started, shown;
    bool terminal, quiet;
};

void progress_start(struct progress *p, const char *what, int64_t total, bool quiet);
void progress_step(struct progress *p, int64_t done);
void progress_end(struct progress *p);

#endif
