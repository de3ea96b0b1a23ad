#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t clock_unix_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_text(int64_t unix_ms, char text[CLOCK_TEXT])
{
    int64_t ms = unix_ms % 1000;
    if (ms < 0)
        ms += 1000;
    time_t seconds = (time_t)((unix_ms - ms) / 1000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, CLOCK_TEXT - n, ".%03dZ", (int)ms);
}

static bool parse_age(const char *text, int64_t now_ms, int64_t *unix_ms)
{
    char *end;
    long long many = strtoll(text, &end, 10);
    int64_t unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
    if (text[0] < '0' || text[0] > '9' || !unit || end[1] || many > 1000000)
        return false;
    *unix_ms = now_ms - (int64_t)many * unit * 1000;
    return true;
}

bool clock_parse(const char *text, int64_t now_ms, int64_t *unix_ms)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M:%S"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, forms[i], &tm);
        if (!end || (*end && strcmp(end, "Z") != 0))
            continue;
        struct tm made = tm; // what the calendar makes of it: 02-31 is no day
        if (*end)
            made.tm_isdst = 0;
        time_t seconds = *end ? timegm(&made) : mktime(&made);
        if (made.tm_mday != tm.tm_mday || made.tm_mon != tm.tm_mon || made.tm_year != tm.tm_year)
            return false;
        *unix_ms = (int64_t)seconds * 1000;
        return true;
    }
    return parse_age(text, now_ms, unix_ms);
}
