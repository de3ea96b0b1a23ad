#include "config.h"

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
    int used = 0;
    for (size_t at = 0, n; clean[at]; at += n) {
        int w = columns_of(clean + at, &n);
        if (used + w > width)
            break;
        fwrite(clean + at, 1, n, out);
        used += w;
    }
    fprintf(out, "%*s", width - used, "");
    free(clean);
}

void put_wrapped(FILE *out, int indent, const char *text)
{
    char *clean = text_cleaned(text);
    int used = 0;
    for (const char *word = clean; *word;) {
        size_t bytes = strcspn(word, " "), n;
        int columns = 0;
        for (size_t at = 0; at < bytes; at += n)
            columns += columns_of(word + at, &n);
        bool fits = used > 0 && used + 1 + columns <= LAYOUT_COLUMNS;
        if (used > 0)
            fputs(fits ? " " : "\n", out);
        if (!fits) {
            fprintf(out, "%*s", indent, "");
            used = indent;
        } else {
            used++;
        }
        fwrite(word, 1, bytes, out);
        used += columns;
        word += bytes;
        word += strspn(word, " ");
    }
    fputc('\n', out);
    free(clean);
}
