// Time: monotonic for durations, UTC for what is stored.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_TEXT = 32 };

double clock_seconds(void);                           // monotonic
int64_t clock_unix_ms(void);                          // UTC, milliseconds since 1970
void clock_text(int64_t unix_ms, char text[CLOCK_TEXT]); // 2026-01-31T12:34:56.789Z

// A point in time as people write it: 2026-01-31, 2026-01-31T12:34 or 2026-01-31T12:34:56 (a space for the T; local
// time unless a Z follows; midnight without a time), or a time before now_ms: 8h, 30m, 2d. False for anything else.
bool clock_parse(const char *text, int64_t now_ms, int64_t *unix_ms);

#endif
