#include "config.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "app/layout.h"
#include "base/text.h"

// Bytes and columns of the character at `text`.
static int columns_of(const char *text, size_t *bytes)
{
    wchar_t c;
    mbstate_t state = {0};
    size_t n = mbrtowc(&c, text, strlen(text), &state);
    *bytes = n == 0 || n > MB_LEN_MAX ? 1 : n;
    int width = n > MB_LEN_MAX ? 1 : wcwidth(c);
    return width < 0 ? 1 : width;
}

void put_cell(FILE *out, const char *text, int width)
{
    char *clean = text_cleaned(text);
    bool cut = (int)strlen(clean) - layout_width(clean, 0) > width;
    int used = 0;
    for (size_t at = 0, n; clean[at]; at += n) {
        int w = columns_of(clean + at, &n);
        if (used + w > width - cut)
            break;
        fwrite(clean + at, 1, n, out);
        used += w;
    }
    fprintf(out, "%s%*s", cut ? "~" : "", width - used - cut, "");
    free(clean);
}

int layout_width(const char *text, int columns)
{
    int used = 0;
    for (size_t at = 0, n; text[at]; at += n)
        used += columns_of(text + at, &n);
    return columns + (int)strlen(text) - used;
}

// Signs that do not begin a line, and such that do not end one.
static bool closes(const char *text)
{
    static const char *const signs[] = {"\u3002", "\uff0c", "\uff1a", "\uff1b", "\uff09", "\u300d", "\u3001", "\uff01", "\uff1f",
                                        "\uff0e"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0)
            return true;
    return ispunct((unsigned char)*text) && *text != '`' && *text != '(' && *text != '-' && *text != '\'';
}

static bool opens(const char *text)
{
    return strncmp(text, "\uff08", 3) == 0 || strncmp(text, "\u300c", 3) == 0 || *text == '`' || *text == '(';
}

// What stays together: up to the next blank, or to where a wide character begins or ends. Bytes; *columns its width.
static size_t piece(const char *text, int *columns)
{
    size_t at = 0, n, last = 0;
    bool wide_before = false, first = true;
    *columns = 0;
    while (text[at] && text[at] != ' ') {
        int w = columns_of(text + at, &n);
        if (!first && (w == 2 || wide_before) && !closes(text + at) && !opens(text + last))
            break;
        wide_before = w == 2;
        first = false;
        *columns += w;
        last = at;
        at += n;
    }
    return at;
}

void put_wrapped(FILE *out, int indent, const char *text)
{
    char *clean = text_cleaned(text);
    int used = 0;
    bool blank = false;
    for (const char *word = clean + strspn(clean, " "); *word;) {
        int columns;
        size_t bytes = piece(word, &columns);
        if (used > 0 && used + blank + columns <= LAYOUT_COLUMNS) {
            fprintf(out, "%*s", blank ? 1 : 0, "");
            used += blank;
        } else {
            fprintf(out, "%s%*s", used > 0 ? "\n" : "", indent, "");
            used = indent;
        }
        fwrite(word, 1, bytes, out);
        used += columns;
        word += bytes;
        blank = *word == ' ';
        word += strspn(word, " ");
    }
    fputc('\n', out);
    free(clean);
}
