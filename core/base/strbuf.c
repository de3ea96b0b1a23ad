#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

void strbuf_add(struct strbuf *sb, const void *bytes, size_t count)
{
    GROW(sb->data, sb->capacity, sb->len + count + 1);
    if (count)
        memcpy(sb->data + sb->len, bytes, count);
    sb->len += count;
    sb->data[sb->len] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *text)
{
    strbuf_add(sb, text, strlen(text));
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    GROW(sb->data, sb->capacity, sb->len + (size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, args);
    va_end(args);
    sb->len += (size_t)n;
}

void strbuf_reset(struct strbuf *sb)
{
    sb->len = 0;
    if (sb->data)
        sb->data[0] = '\0';
}

void strbuf_clear(struct strbuf *sb)
{
    free(sb->data);
    *sb = (struct strbuf){0};
}
