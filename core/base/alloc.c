#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void out_of_memory(size_t size)
{
    fprintf(stderr, "assay: out of memory (%zu bytes asked for)\n", size);
    abort();
}

static size_t product(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return total ? total : 1;
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(1, product(count, size));
    if (!p)
        out_of_memory(product(count, size));
    return p;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    void *p = realloc(old, product(count, size));
    if (!p)
        out_of_memory(product(count, size));
    return p;
}

void *xaligned(size_t count, size_t size)
{
    size_t total = product(count, size);
    if (total > SIZE_MAX - 63)
        out_of_memory(total);
    void *p = aligned_alloc(64, (total + 63) / 64 * 64);
    if (!p)
        out_of_memory(total);
    return p;
}

char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(xmalloc(size), text, size);
}

char *xasprintf(const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        out_of_memory(0);
    return text;
}
