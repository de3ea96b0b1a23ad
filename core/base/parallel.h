// One function on several threads. Signals are masked in the threads, so that
// the main thread alone is interrupted.
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

// Processors this process may use.
int parallel_cores(void);

// Run body(context, worker) for worker = 0 .. threads-1 and wait for all.
// `threads` <= 1 runs it in the caller.
void parallel_run(int threads, void (*body)(void *context, int worker), void *context);

#endif
