// A bench ends where something fails that it does not measure.
#ifndef BENCH_MUST_H
#define BENCH_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"

static inline _Noreturn void die(struct error *err)
{
    fprintf(stderr, "bench: %s\n", err->text);
    exit(1);
}

static inline void must(enum status status, struct error *err)
{
    if (status != ST_OK)
        die(err);
}

#endif
