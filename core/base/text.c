#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/text.h"

// Length of the valid UTF-8 sequence at `s` (RFC 3629), 0 when there is none.
static size_t sequence(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || outside ? 0 : n;
}

// What has no width of its own and changes how others are seen or read: directions (U+061C, 200E..F, 202A..E, 2066..9) make one
// name look like another, separators (2028..9) break lines, the rest (200B..D, 2060..4, FEFF) hides.
static bool hidden(const unsigned char *s, size_t n)
{
    if (n == 2)
        return s[0] == 0xd8 && s[1] == 0x9c;
    unsigned code = n == 3 ? (unsigned)(s[0] & 15) << 12 | (unsigned)(s[1] & 63) << 6 | (s[2] & 63) : 0;
    return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ||
           code == 0xfeff;
}

void text_clean(char *text)
{
    unsigned char *in = (unsigned char *)text, *out = in;
    while (*in) {
        size_t n = sequence(in);
        bool control = n == 1 && (*in < 0x20 || *in == 0x7f);
        bool c1 = n == 2 && in[0] == 0xc2 && in[1] < 0xa0;
        if (n == 0 || control || c1 || hidden(in, n)) {
            *out++ = '?';
            in += n ? n : 1;
        } else {
            while (n--)
                *out++ = *in++;
        }
    }
    *out = '\0';
}

char *text_cleaned(const char *text)
{
    char *copy = xstrdup(text);
    text_clean(copy);
    return copy;
}

char *text_quoted(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./,:+@%";
    char *clean = text_cleaned(text);
    bool quotes = !*clean;
    for (const char *c = clean; *c && !quotes; c++)
        quotes = (unsigned char)*c < 0x80 && !strchr(plain, *c);
    if (!quotes)
        return clean;
    struct strbuf out = {0};
    strbuf_puts(&out, "'");
    for (const char *c = clean; *c; c++)
        if (*c == '\'') // ends the quotes, stands by itself, begins them again
            strbuf_puts(&out, "'\\''");
        else
            strbuf_add(&out, c, 1);
    strbuf_puts(&out, "'");
    free(clean);
    return out.data;
}

size_t text_bom(const void *bytes, size_t count)
{
    return count >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool text_is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        size_t n = sequence(s);
        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

bool text_is_name(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return n > 0 && n <= TEXT_NAME_BYTES;
}
