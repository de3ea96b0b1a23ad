#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/status.h"
#include "base/text.h"

// A sentence that is too long gives up the middle of the path that it begins with, not its words.
static void take(char *to, size_t room, char *whole)
{
    size_t length = strlen(whole), over = length < room ? 0 : length - room + 2; // one for the sign, and one for the end
    char *colon = strstr(whole, ": "), *wide = strstr(whole, "\uff1a");
    char *end = wide && (!colon || wide < colon) ? wide : colon;
    size_t path = whole[0] == '/' && end ? (size_t)(end - whole) : 0, head = path > over ? (path - over) / 2 : 0;
    while (head > 0 && (whole[head] & 0xc0) == 0x80)
        head--;
    if (over > 0 && path > over) {
        char *tail = whole + head + over;
        while ((*tail & 0xc0) == 0x80)
            tail++;
        whole[head] = '~';
        memmove(whole + head + 1, tail, strlen(tail) + 1);
    }
    snprintf(to, room, "%s", whole);
}

enum status error_set(struct error *err, enum status code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list args;
    char *whole;
    va_start(args, fmt);
    int n = vasprintf(&whole, _(fmt), args);
    va_end(args);
    if (n < 0)
        abort();
    take(err->text, sizeof err->text, whole);
    free(whole);
    text_clean(err->text);
    err->code = code;
    return code;
}

enum status error_prefix(struct error *err, const char *fmt, ...)
{
    char prefix[256], whole[sizeof err->text + sizeof prefix + 2];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, _(fmt), args);
    va_end(args);
    snprintf(whole, sizeof whole, _("%s: %s"), prefix, err->text);
    return error_set(err, err->code, "%s", whole);
}
