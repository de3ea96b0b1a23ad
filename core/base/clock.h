// Time: monotonic for durations, UTC for what is stored.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT = 32 };

double clock_seconds(void);                           // monotonic
int64_t clock_unix_ms(void);                          // UTC, milliseconds since 1970
void clock_text(int64_t unix_ms, char text[CLOCK_TEXT]); // 2026-01-31T12:34:56.789Z

#endif
