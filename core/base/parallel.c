#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parallel.h"

struct job {
    void (*body)(void *context, int worker);
    void *context;
    int worker;
    pthread_t thread;
    int started;
};

int parallel_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

static void *entry(void *argument)
{
    struct job *job = argument;
    job->body(job->context, job->worker);
    return NULL;
}

void parallel_run(int threads, void (*body)(void *context, int worker), void *context)
{
    if (threads <= 1) {
        body(context, 0);
        return;
    }
    struct job *jobs = xcalloc((size_t)threads, sizeof *jobs);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 0; i < threads; i++) {
        jobs[i] = (struct job){.body = body, .context = context, .worker = i};
        jobs[i].started = pthread_create(&jobs[i].thread, NULL, entry, &jobs[i]) == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    for (int i = 0; i < threads; i++) {
        if (jobs[i].started)
            pthread_join(jobs[i].thread, NULL);
        else // no thread to be had: its share is done here
            body(context, i);
    }
    free(jobs);
}
