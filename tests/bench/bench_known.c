// What an answer costs an open queue: milliseconds until the likeness of every picture in it follows.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "screen/known.h"

enum { QUEUE = 5000, DIM = 1152, ANSWERS = 200 };

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    struct rng rng = rng_seed(1);
    struct known known;
    float *white = xcalloc((size_t)QUEUE * DIM, sizeof *white), answer[DIM];
    double ms[ANSWERS];
    for (size_t i = 0; i < (size_t)QUEUE * DIM; i++)
        white[i] = (float)rng_normal(&rng);
    known_init(&known, DIM);
    double start = clock_seconds();
    struct known_queue *queue = known_queue_new(&known, white, NULL, QUEUE);
    double opened = 1000 * (clock_seconds() - start);
    for (int i = 0; i < ANSWERS; i++) {
        for (int j = 0; j < DIM; j++)
            answer[j] = (float)rng_normal(&rng);
        start = clock_seconds();
        known_queue_answer(queue, i % 3 == 0, answer, (uint64_t)i);
        ms[i] = 1000 * (clock_seconds() - start);
    }
    qsort(ms, ANSWERS, sizeof *ms, rising);
    printf("{\"queue\":%d,\"dim\":%d,\"answers\":%d,\"open_ms\":%.2f,\"answer_ms_median\":%.3f,\"answer_ms_"
           "p99\":%.3f}\n",
           QUEUE, DIM, ANSWERS, opened, ms[ANSWERS / 2], ms[ANSWERS * 99 / 100]);
    known_queue_free(queue);
    known_clear(&known);
    free(white);
    return 0;
}
