// A growing byte buffer. Invariant: `data` is never NULL after the first
// append and data[len] == 0. Start from `{0}`; strbuf_clear frees.
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stddef.h>

struct strbuf {
    char *data;
    size_t len, capacity;
};

void strbuf_add(struct strbuf *sb, const void *bytes, size_t count);
void strbuf_puts(struct strbuf *sb, const char *text);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_reset(struct strbuf *sb); // empty, keeps the memory
void strbuf_clear(struct strbuf *sb); // empty, frees

#endif
